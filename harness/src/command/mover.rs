//! `mover`: shows and runs the movers of a running stack.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Target, answered, text};
use crate::exit::Exit;

#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    target: Target,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Action {
    /// What each mover takes, and when it runs next
    List,
    /// Run a mover now, out of turn
    Run {
        /// interval or nightly
        name: String,
    },
}

pub async fn perform(arguments: Arguments) -> Exit {
    let api = arguments.target.api();
    match arguments.action {
        Action::List => answered(api.get("movers").await, arguments.json, |answer| {
            for mover in answer["movers"].as_array().into_iter().flatten() {
                let folders: Vec<&str> =
                    mover["folders"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                println!(
                    "{:<9} {:<12} next {}",
                    text(mover, "name"),
                    folders.join(", "),
                    text(mover, "next")
                );
            }
        }),
        Action::Run { name } => {
            answered(api.post(&format!("movers/{name}/run"), json!({})).await, arguments.json, show_run)
        }
    }
}

/// One run in one line.
pub fn show_run(run: &Value) {
    println!(
        "{} mover at {}: {} moved, {} left, {} failed",
        text(run, "mover"),
        text(run, "at"),
        run["moved"],
        run["left"],
        run["failed"]
    );
}
