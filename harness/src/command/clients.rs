//! `clients`: which client drivers are usable here, which version, and why not.

use clap::Args;
use serde_json::json;
use spatialcloud_harness::client::{Availability, CLIENTS};
use spatialcloud_harness::report;

use crate::exit::Exit;

#[derive(Args)]
pub struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn perform(arguments: &Arguments) -> Exit {
    let found: Vec<_> = CLIENTS.iter().map(|client| (client.name(), client.availability())).collect();
    if arguments.json {
        let clients: Vec<_> = found.iter().map(|(name, found)| report::json::client(name, found)).collect();
        println!("{}", json!({"clients": clients}));
        return Exit::Passed;
    }
    let style = super::style();
    for (name, found) in &found {
        match found {
            Availability::Usable { version } => println!("{} {name:<10} {version}", style.good("✓")),
            Availability::Missing { reason, remedy } => {
                println!("{} {name:<10} {reason}: {remedy}", style.warn("✗"));
            }
        }
    }
    Exit::Passed
}
