//! `load`: many sessions at once against a simulated cloud; how long their stages took, and what failed.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;
use spatialcloud_harness::Stack;
use spatialcloud_harness::load::{self, Arrival, Campaign, Figures, LoadError, STAGES, Stage};
use spatialcloud_harness::shard::Shard;
use spatialcloud_harness::size;
use spatialcloud_harness::stack::Attached;

use super::{ended, fail};
use crate::exit::Exit;

#[derive(Args)]
pub struct Arguments {
    /// Sites that upload
    #[arg(long, value_name = "N", default_value_t = 10)]
    sites: u32,
    /// Connections of each site
    #[arg(long, value_name = "N", default_value_t = 2)]
    sessions: u32,
    /// Uploads of each connection, one after the other
    #[arg(long, value_name = "N", default_value_t = 2)]
    uploads: u32,
    /// Sizes of the uploads, taken in turns
    #[arg(long, value_name = "SIZE", value_delimiter = ',', value_parser = size::parse, default_value = "256KiB")]
    size: Vec<u64>,
    /// Pause between two uploads of a connection, such as 500ms
    #[arg(long, value_name = "TIME", value_parser = milliseconds, default_value = "0ms")]
    think: u64,
    /// When connections begin: at-once, every=TIME, or around=TIME, at random with that distance on average
    #[arg(long, value_parser = arrival, default_value = "at-once")]
    arrival: Arrival,
    /// Seed of every random choice; the same for all shards
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Only part I of N parts of the work; without it, what the pipeline says (see `run`)
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Control API of a running stack; without it a stack is started for this
    #[arg(long, value_name = "URL", env = "SPATIALCLOUD_API")]
    api: Option<String>,
    /// Token of that API
    #[arg(long, value_name = "TOKEN", env = "SPATIALCLOUD_TOKEN")]
    token: Option<String>,
    /// Write the figures, for `merge`; - for standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Reads `500ms` or `2s`.
fn milliseconds(text: &str) -> Result<u64, String> {
    super::advise::round_trip(text).map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

fn arrival(text: &str) -> Result<Arrival, String> {
    let expected = || format!("{text:?}: expected at-once, every=TIME or around=TIME, such as every=20ms");
    match text.split_once('=') {
        None if text == "at-once" => Ok(Arrival::AtOnce),
        Some(("every", gap)) => Ok(Arrival::EveryMs(milliseconds(gap)?)),
        Some(("around", gap)) => Ok(Arrival::AroundMs(milliseconds(gap)?)),
        _ => Err(expected()),
    }
}

pub async fn perform(arguments: Arguments) -> Exit {
    let shard = match arguments.shard.map_or_else(Shard::from_environment, |shard| Ok(Some(shard))) {
        Ok(shard) => shard.unwrap_or(Shard::WHOLE),
        Err(message) => return fail(Exit::WrongUse, message),
    };
    let campaign = Campaign {
        sites: arguments.sites,
        sessions: arguments.sessions,
        uploads: arguments.uploads,
        sizes_bytes: arguments.size.clone(),
        think_ms: arguments.think,
        arrival: arguments.arrival,
        seed: arguments.seed,
    };
    if let Err(error) = campaign.check(shard) {
        return fail(Exit::WrongUse, error);
    }
    match run(&arguments, &campaign, shard).await {
        Ok(figures) => finish(&figures, arguments.json.as_deref()),
        Err(error @ LoadError::Interrupted) => fail(Exit::Interrupted, error),
        Err(error @ (LoadError::Stack(_) | LoadError::Api(_))) => fail(Exit::NoStack, error),
        Err(error) => fail(Exit::WrongUse, error),
    }
}

async fn run(arguments: &Arguments, campaign: &Campaign, shard: Shard) -> Result<Figures, LoadError> {
    eprintln!(
        "part {shard}: {} sites × {} sessions × {} uploads in all",
        campaign.sites, campaign.sessions, campaign.uploads
    );
    if let Some(url) = &arguments.api {
        // Only where a simulated cloud's API answers: no load goes to anything else.
        let stack = Attached::find(url, arguments.token.clone(), None).await?;
        return load::run(campaign, shard, stack.api(), stack.sftp(), stack.client_address(), ended()).await;
    }
    // Every session comes from one address here, and the vendor's limit is for people.
    let settings = json!({ "endpoint": { "limits": { "sessions-per-address": u16::MAX } }, "clock": { "pace": "manual" } });
    let stack = Stack::in_process().settings(settings).start().await?;
    load::run(campaign, shard, stack.api(), stack.sftp(), "127.0.0.1", ended()).await
}

/// Prints the figures, writes them where wanted, and answers whether nothing failed.
pub(super) fn finish(figures: &Figures, json: Option<&Path>) -> Exit {
    if let Some(path) = json {
        let written = serde_json::to_string_pretty(figures).map_err(|error| error.to_string());
        let is_standard = path.as_os_str() == "-";
        let done = written.and_then(|text| {
            if is_standard {
                println!("{text}");
                return Ok(());
            }
            std::fs::write(path, text + "\n").map_err(|error| format!("{}: {error}", path.display()))
        });
        if let Err(message) = done {
            return fail(Exit::WrongUse, message);
        }
        if is_standard {
            return verdict(figures);
        }
    }
    print!("{}", told(figures));
    verdict(figures)
}

fn verdict(figures: &Figures) -> Exit {
    if figures.is_good() { Exit::Passed } else { Exit::Failed }
}

fn told(figures: &Figures) -> String {
    let mut text = format!(
        "{} sessions, {} uploads, {} in {:.1} s",
        figures.sessions,
        figures.uploads,
        size::human(figures.bytes),
        figures.seconds()
    );
    if let Some(rate) = figures.bytes_per_second() {
        text += &format!(" · {:.1} MB/s", rate / 1e6);
    }
    text += &format!(" · {} verified\n\n", figures.verified);
    text += &format!(
        "{:<12} {:>8} {:>10} {:>10} {:>10} {:>10} {:>10}\n",
        "stage", "count", "50 %", "90 %", "99 %", "99.9 %", "most"
    );
    for stage in STAGES {
        let (count, times) = figures.percentiles(stage, [50.0, 90.0, 99.0, 99.9, 100.0]);
        let times: Vec<String> = times.iter().map(|time_us| format!("{:>10}", time(*time_us))).collect();
        text += &format!("{:<12} {count:>8} {}\n", name(stage), times.join(" "));
    }
    for (kind, number) in &figures.errors {
        text += &format!("\n{number} × {kind}");
    }
    if !figures.errors.is_empty() {
        text.push('\n');
    }
    if figures.verified != figures.uploads {
        text += &format!(
            "\n{} uploads were acknowledged, {} are there as they were sent\n",
            figures.uploads, figures.verified
        );
    }
    text
}

fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Handshake => "handshake",
        Stage::FirstByte => "first byte",
        Stage::Close => "close",
        Stage::Upload => "upload",
    }
}

fn time(time_us: u64) -> String {
    match time_us {
        0..1_000 => format!("{time_us} µs"),
        1_000..1_000_000 => format!("{:.1} ms", time_us as f64 / 1e3),
        _ => format!("{:.2} s", time_us as f64 / 1e6),
    }
}
