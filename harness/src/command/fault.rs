//! `fault`: arms and disarms faults of a running stack.

use clap::{Args, Subcommand};
use serde_json::{Map, Value};
use spatialcloud_harness::stack;

use super::{Target, answered, fail, text};
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
    /// Every kind of fault there is
    Kinds,
    /// The faults that are armed
    List,
    /// Arm a fault, such as: arm status at=write offset-bytes=1048576 status=14 times=1
    Arm {
        /// Its kind
        kind: String,
        /// Where and how often it strikes
        #[arg(value_name = "KEY=VALUE")]
        parameters: Vec<String>,
    },
    /// Disarm one, by its number
    Disarm {
        /// As `list` shows it
        id: u64,
    },
    /// Disarm all
    Clear,
}

pub async fn perform(arguments: Arguments) -> Exit {
    let api = arguments.target.api();
    let as_json = arguments.json;
    match arguments.action {
        Action::Kinds => {
            for (name, sentence, example) in stack::fault_docs() {
                println!("{name:<16} {sentence}\n{:<16} {example}", "");
            }
            Exit::Passed
        }
        Action::List => answered(api.get("faults").await, as_json, |answer| {
            let armed = answer["faults"].as_array().map(Vec::as_slice).unwrap_or_default();
            if armed.is_empty() {
                println!("no fault is armed");
            }
            for fault in armed {
                let parameters: Map<String, Value> = fault
                    .as_object()
                    .into_iter()
                    .flatten()
                    .filter(|(key, value)| !["id", "fault"].contains(&key.as_str()) && !value.is_null())
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect();
                println!("{:<4} {:<16} {}", fault["id"], text(fault, "fault"), Value::Object(parameters));
            }
        }),
        Action::Arm { kind, parameters } => {
            let spec = match spec(&kind, &parameters) {
                Ok(spec) => spec,
                Err(reason) => return fail(Exit::WrongUse, reason),
            };
            answered(api.post("faults", spec).await, as_json, |answer| {
                println!("armed as number {}", answer["id"]);
            })
        }
        Action::Disarm { id } => answered(api.delete(&format!("faults/{id}")).await, as_json, |_| {
            println!("disarmed");
        }),
        Action::Clear => answered(api.delete("faults").await, as_json, |_| println!("no fault is armed")),
    }
}

/// Numbers and booleans count as such; everything else is text.
fn spec(kind: &str, parameters: &[String]) -> Result<Value, String> {
    let mut spec = Map::from_iter([("fault".to_owned(), Value::from(kind))]);
    for parameter in parameters {
        let (key, value) = parameter
            .split_once('=')
            .ok_or_else(|| format!("{parameter:?}: expected KEY=VALUE, such as at=write"))?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        spec.insert(key.to_owned(), value);
    }
    let spec = Value::Object(spec);
    stack::check_fault(&spec)?;
    Ok(spec)
}
