//! `events`: what happened in a running stack, and what happens next.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::Value;
use spatialcloud_harness::api::{Api, escaped};
use spatialcloud_harness::report::terminal;

use super::{Target, answered, fail};
use crate::exit::Exit;

/// How long one request waits for the next event; it is asked again until interrupted.
const FOLLOW_WAIT: Duration = Duration::from_secs(60);

#[derive(Args)]
pub struct Arguments {
    /// Only events of this kind, such as file.moved or authentication.*
    #[arg(long)]
    kind: Option<String>,
    /// Only events of this site
    #[arg(long, value_name = "CODE")]
    site: Option<String>,
    /// Only events after this number
    #[arg(long, value_name = "N", default_value_t = 0)]
    after: u64,
    /// Stay, and show events as they happen
    #[arg(long, short)]
    follow: bool,
    /// Only events in which FIELD is VALUE
    #[arg(value_name = "FIELD=VALUE")]
    fields: Vec<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// Write what happened as a scenario file that does it again, with --after, --through and --site
    #[arg(long, value_name = "FILE", conflicts_with_all = ["kind", "follow", "fields", "json"])]
    as_scenario: Option<PathBuf>,
    /// Nothing that happened after this number
    #[arg(long, value_name = "N", requires = "as_scenario")]
    through: Option<u64>,
    #[command(flatten)]
    target: Target,
}

pub async fn perform(arguments: Arguments) -> Exit {
    if let Some(file) = &arguments.as_scenario {
        return as_scenario(&arguments, file).await;
    }
    let mut query = String::new();
    let pairs = [("kind", &arguments.kind), ("site", &arguments.site)];
    for (name, value) in pairs.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
        query.push_str(&format!("&{name}={}", escaped(value)));
    }
    for field in &arguments.fields {
        let Some((name, value)) = field.split_once('=') else {
            return fail(
                Exit::WrongUse,
                format!("{field:?}: expected FIELD=VALUE, such as path=Database/x.bak"),
            );
        };
        query.push_str(&format!("&{}={}", escaped(name), escaped(value)));
    }
    let api = arguments.target.api();
    let as_json = arguments.json;
    let show = |event: &Value| {
        if as_json { println!("{event}") } else { println!("{}", terminal::event(event)) }
    };
    let found = match api.events(&format!("after={}{query}", arguments.after)).await {
        Ok(found) => found,
        Err(error) => return answered(Err(error), as_json, |_| {}),
    };
    found.iter().for_each(show);
    if !arguments.follow {
        return Exit::Passed;
    }
    let last = found.last().and_then(|event| event["sequence"].as_u64()).unwrap_or(arguments.after);
    tokio::select! {
        exit = follow(&api, last, &query, show) => exit,
        _ = tokio::signal::ctrl_c() => Exit::Interrupted,
    }
}

/// Has the stack tell what happened, and keeps it in a file that is not there yet.
async fn as_scenario(arguments: &Arguments, file: &Path) -> Exit {
    let mut query = format!("scenario?after={}", arguments.after);
    if let Some(through) = arguments.through {
        query.push_str(&format!("&through={through}"));
    }
    if let Some(site) = &arguments.site {
        query.push_str(&format!("&site={}", escaped(site)));
    }
    let text = match arguments.target.api().text(&query).await {
        Ok(text) => text,
        Err(error) => return answered(Err(error), false, |_| {}),
    };
    let written = File::options().write(true).create_new(true).open(file);
    match written.and_then(|mut written| written.write_all(text.as_bytes())) {
        Ok(()) => {
            println!("wrote {}; run it with: spatialcloud run {}", file.display(), file.display());
            Exit::Passed
        }
        Err(error) => fail(Exit::WrongUse, format!("{}: {error}", file.display())),
    }
}

async fn follow(api: &Api, mut last: u64, query: &str, show: impl Fn(&Value)) -> Exit {
    loop {
        // One event is waited for, and all that came with it are fetched at once: a night has hundreds.
        let came = match api.wait(&format!("after={last}{query}"), FOLLOW_WAIT).await {
            Ok(None) => continue,
            Ok(Some(_)) => api.events(&format!("after={last}{query}")).await,
            Err(error) => Err(error),
        };
        match came {
            Ok(events) => {
                events.iter().for_each(&show);
                let newest = events.last().and_then(|event| event["sequence"].as_u64());
                last = newest.unwrap_or(last);
            }
            Err(error) => return answered(Err(error), false, |_| {}),
        }
    }
}

/// Shows events as they happen, on standard error; for a stack of this process.
pub async fn log(api: Api) {
    let style = super::error_style();
    follow(&api, 0, "", |event| eprintln!("{}", style.faint(&terminal::event(event)))).await;
}
