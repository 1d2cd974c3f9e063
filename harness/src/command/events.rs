//! `events`: what happened in a running stack, and what happens next.

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
    #[command(flatten)]
    target: Target,
}

pub async fn perform(arguments: Arguments) -> Exit {
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
