//! `clients`: which client drivers are usable here, which version, and why not.

use clap::Args;
use serde_json::json;
use spatialcloud_harness::client::{self, Availability};
use spatialcloud_harness::report;

use crate::exit::Exit;

#[derive(Args)]
pub struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn perform(arguments: &Arguments) -> Exit {
    let found: Vec<_> = client::all().into_iter().map(|client| (client, client.availability())).collect();
    if arguments.json {
        let clients: Vec<_> =
            found.iter().map(|(client, found)| report::json::client(*client, found)).collect();
        println!("{}", json!({"clients": clients}));
        return Exit::Passed;
    }
    let style = super::style();
    let width = found.iter().map(|(client, _)| client.name().len()).max().unwrap_or_default();
    for (client, found) in &found {
        let name = client.name();
        match found {
            Availability::Usable { version } => println!("{} {name:<width$} {version}", style.good("✓")),
            Availability::Missing { reason, remedy } => {
                println!("{} {name:<width$} {reason}: {remedy}", style.warn("✗"));
            }
        }
    }
    Exit::Passed
}
