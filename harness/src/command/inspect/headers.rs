//! What a backup's headers tell: media, sets, files.

use spatialcloud_backup::{Family, FileType, Set};
use spatialcloud_harness::size;

/// What the headers of one file tell.
pub fn show(family: &Family, name: &str) {
    let style = super::super::style();
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

/// A name and what is known of it.
pub fn line(name: &str, value: &str) {
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
