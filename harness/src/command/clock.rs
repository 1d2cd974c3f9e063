//! `clock`: shows and advances the clock of a running stack.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Target, answered, mover, text};
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
    /// Simulated time, and when the movers run next
    Show,
    /// Move time on; answers when every run that falls due has finished
    Advance {
        /// A span, such as 5m, 2h or 1d
        #[arg(long, value_name = "SPAN", required_unless_present = "to")]
        by: Option<String>,
        /// nightly, interval, or an instant such as 2026-03-02T22:00
        #[arg(long, value_name = "INSTANT", conflicts_with = "by")]
        to: Option<String>,
    },
}

pub async fn perform(arguments: Arguments) -> Exit {
    let api = arguments.target.api();
    match arguments.action {
        Action::Show => answered(api.get("clock").await, arguments.json, |clock| {
            println!("{} ({})", text(clock, "now"), text(clock, "pace"));
            for next in clock["next"].as_array().into_iter().flatten() {
                println!("{:<9} {}", text(next, "mover"), text(next, "at"));
            }
        }),
        Action::Advance { by, to } => {
            let how = match (by, to) {
                (Some(by), _) => json!({"by": by}),
                (None, to) => json!({"to": to}),
            };
            answered(api.advance(how).await, arguments.json, |answer| {
                mover::show_runs(answer["runs"].as_array().map_or(&[], Vec::as_slice));
                println!("{}", text(answer, "now"));
            })
        }
    }
}
