//! `inspect`: what tonight's load would make of a backup.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use clap::Args;
use spatialcloud_backup::verdict::{Verdict, judge};
use spatialcloud_backup::{Depth, Family, FileType, Set};
use spatialcloud_harness::{report, size};

use super::fail;
use crate::exit::Exit;

#[derive(Args)]
pub struct Arguments {
    /// The backup; all its stripes, if it has several
    #[arg(required = true, value_name = "FILE.bak")]
    files: Vec<PathBuf>,
    /// Read all data too and check every checksum
    #[arg(long)]
    verify: bool,
    /// Print JSON, with SQL Server's column names
    #[arg(long)]
    json: bool,
}

pub fn perform(arguments: &Arguments) -> Exit {
    let depth = if arguments.verify { Depth::Everything } else { Depth::Headers };
    let mut families = Vec::new();
    let mut names = Vec::new();
    for path in &arguments.files {
        let read = File::open(path)
            .and_then(|file| spatialcloud_backup::read(BufReader::with_capacity(1 << 20, file), depth));
        match read {
            Ok(family) => families.push(family),
            Err(error) => return fail(Exit::WrongUse, format!("{}: {error}", path.display())),
        }
        names.push(path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned());
    }
    let verdict = judge(&families, &names);
    if arguments.json {
        println!("{}", report::backup::report(&families, &names, &verdict));
    } else {
        for (family, name) in families.iter().zip(&names) {
            show(family, name);
        }
        conclude(&verdict, &families, arguments.verify);
    }
    if verdict.accepted { Exit::Passed } else { Exit::Failed }
}

fn show(family: &Family, name: &str) {
    let style = super::style();
    println!("{}", style.strong(name));
    let Some(media) = &family.media else { return };
    let mut media_words = vec![
        if media.is_compressed { "compressed" } else { "uncompressed" }.to_owned(),
        format!("{}-byte blocks", media.block_size_bytes),
    ];
    if media.family_count > 1 {
        media_words.push(format!("stripe {} of {}", media.family_sequence_number, media.family_count));
    }
    line("media", &media_words.join(", "));
    for set in &family.sets {
        println!();
        show_set(set);
    }
}

fn line(name: &str, value: &str) {
    println!("  {name:<12} {value}");
}

fn show_set(set: &Set) {
    let date = |date: Option<spatialcloud_backup::DateTime>| {
        date.map_or_else(|| "unknown".to_owned(), |date| date.to_string().replace('T', " "))
    };
    let name = set.name.as_ref().map(|name| format!(" {name:?}")).unwrap_or_default();
    line("set", &format!("{}{name}{}", set.position, if set.is_whole { "" } else { ", not whole" }));
    if let Some(text) = &set.description {
        line("description", text);
    }
    let Some(header) = &set.header else { return };
    let unknown = || "unknown".to_owned();
    line("database", &header.database_name.clone().unwrap_or_else(unknown));
    line("kind", header.backup_type.name());
    line(
        "server",
        &format!(
            "{}, SQL Server {}.{}.{} (database version {})",
            header.server_name.clone().unwrap_or_else(unknown),
            header.software_version_major,
            header.software_version_minor,
            header.software_version_build,
            header.database_version
        ),
    );
    line(
        "written",
        &format!("{} by {}", date(set.start_date), set.user_name.clone().unwrap_or_else(unknown)),
    );
    line("size", &size::human(header.backup_size));
    line("checksums", if header.flags & 0x10 != 0 { "yes, made WITH CHECKSUM" } else { "of pages only" });
    for file in &set.files {
        let kind = if file.file_type == FileType::Data { "data file" } else { "log file" };
        let bytes = file.backup_size_in_bytes.max(file.announced_size_in_bytes);
        line(
            kind,
            &format!(
                "{}, {} of {} ({})",
                file.logical_name.clone().unwrap_or_else(unknown),
                size::human(bytes),
                size::human(file.size),
                file.physical_name.clone().unwrap_or_else(unknown)
            ),
        );
    }
}

fn conclude(verdict: &Verdict, families: &[Family], verified: bool) {
    let style = super::style();
    println!();
    if verified {
        let pages: u64 = families.iter().map(|family| family.checks.pages).sum();
        let streams: u64 = families.iter().map(|family| family.checks.data_streams).sum();
        line("verified", &format!("{pages} page checksums and {streams} backup checksums are right"));
    } else {
        line("verified", "headers only; --verify reads the data too");
    }
    for warning in &verdict.warnings {
        line(&style.warn("warning"), warning);
    }
    if verdict.accepted {
        let by = if verified { "" } else { ", by its headers" };
        println!("{}", style.good(&format!("Tonight's load would take it{by}.")));
        return;
    }
    println!("{}", style.bad("Tonight's load would refuse it:"));
    for reason in &verdict.reasons {
        println!("  {} {} ({})", style.strong(&reason.error.to_string()), reason.message, reason.place);
    }
}
