//! `site`: shows and changes the sites of a running stack.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use spatialcloud_harness::api::{ApiError, escaped};

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
    /// Every site and where it stands
    List,
    /// One site with its keys and addresses
    Show {
        /// The site's code
        code: String,
    },
    /// Hand over a site's public key and addresses
    Add {
        /// The site's code: its user name
        code: String,
        /// File with its public key; may be given more than once
        #[arg(long, value_name = "FILE", required = true)]
        key: Vec<PathBuf>,
        /// Address or range it connects from; may be given more than once
        #[arg(long, value_name = "ADDRESS", required = true)]
        from: Vec<String>,
        /// Provision it at once
        #[arg(long)]
        now: bool,
    },
    /// What a site's people enter into their clients
    Handover {
        /// The site's code
        code: String,
        /// Only for this client, and nothing but its text
        #[arg(long = "for", value_name = "CLIENT")]
        client: Option<String>,
        /// Where the private key lies on their machine
        #[arg(long, value_name = "PATH")]
        key: Option<String>,
        /// Where the endpoint's host keys lie there
        #[arg(long, value_name = "PATH")]
        known_hosts: Option<String>,
    },
    /// Provision a site that has handed over its key
    Provision {
        /// The site's code
        code: String,
    },
    /// Let nobody in with a site's name
    Suspend {
        /// The site's code
        code: String,
    },
    /// Let a suspended site in again
    Resume {
        /// The site's code
        code: String,
    },
    /// Add a public key to a site; the old ones stay
    AddKey {
        /// The site's code
        code: String,
        /// File with the public key
        file: PathBuf,
    },
    /// Take a key away from a site
    RemoveKey {
        /// The site's code
        code: String,
        /// SHA256:…, as `site show` prints it
        fingerprint: String,
    },
    /// Replace the addresses a site connects from
    SetAddresses {
        /// The site's code
        code: String,
        /// Addresses or ranges
        #[arg(required = true, value_name = "ADDRESS")]
        addresses: Vec<String>,
    },
    /// Remove a site with all its files
    Remove {
        /// The site's code
        code: String,
    },
}

pub async fn perform(arguments: Arguments) -> Exit {
    let (api, as_json) = (arguments.target.api(), arguments.json);
    let read = |file: &PathBuf| {
        std::fs::read(file)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .map_err(|error| format!("{}: {error}", file.display()))
    };
    let answer: Result<Value, ApiError> = match arguments.action {
        Action::List => {
            return answered(api.get("sites").await, as_json, |answer| {
                for site in answer["sites"].as_array().into_iter().flatten() {
                    println!("{:<16} {}", text(site, "code"), text(site, "state"));
                }
            });
        }
        Action::Show { code } => api.get(&format!("sites/{code}")).await,
        Action::Add { code, key, from, now } => {
            let keys = match key.iter().map(read).collect::<Result<Vec<_>, _>>() {
                Ok(keys) => keys,
                Err(message) => return fail(Exit::WrongUse, message),
            };
            let provision = if now { "now" } else { "wait" };
            let body = json!({"code": code, "keys": keys, "addresses": from, "provision": provision});
            api.post("sites", body).await
        }
        Action::Handover { code, client, key, known_hosts } => {
            let places = [("key", key), ("known_hosts", known_hosts)];
            let query: Vec<String> = places
                .iter()
                .filter_map(|(name, place)| Some(format!("{name}={}", escaped(place.as_ref()?))))
                .collect();
            let query = query.join("&");
            let Some(client) = client else {
                let answer = api.get(&format!("sites/{code}/handover?{query}")).await;
                return answered(answer, as_json, sheets);
            };
            let path = format!("sites/{code}/handover/{}?{query}", escaped(&client));
            return answered(api.text(&path).await.map(Value::from), false, |sheet| {
                print!("{}", sheet.as_str().unwrap_or_default());
            });
        }
        Action::Provision { code } => api.post(&format!("sites/{code}/provision"), json!({})).await,
        Action::Suspend { code } => api.post(&format!("sites/{code}/suspend"), json!({})).await,
        Action::Resume { code } => api.post(&format!("sites/{code}/resume"), json!({})).await,
        Action::AddKey { code, file } => match read(&file) {
            Ok(key) => api.post(&format!("sites/{code}/keys"), json!({"key": key})).await,
            Err(message) => return fail(Exit::WrongUse, message),
        },
        Action::RemoveKey { code, fingerprint } => {
            api.delete(&format!("sites/{code}/keys/{}", escaped(&fingerprint))).await
        }
        Action::SetAddresses { code, addresses } => {
            api.put(&format!("sites/{code}/addresses"), json!({"addresses": addresses})).await
        }
        Action::Remove { code } => {
            return answered(api.delete(&format!("sites/{code}")).await, as_json, |_| println!("removed"));
        }
    };
    answered(answer, as_json, show)
}

/// Every sheet below its name.
fn sheets(answer: &Value) {
    let style = super::style();
    for sheet in answer["sheets"].as_array().into_iter().flatten() {
        println!(
            "{}: {}\n\n{}",
            style.strong(text(sheet, "name")),
            text(sheet, "sentence"),
            text(sheet, "text")
        );
    }
}

fn show(site: &Value) {
    println!("{} {}", text(site, "code"), text(site, "state"));
    if let Some(due) = site["due"].as_str() {
        println!("  due        {due}");
    }
    for key in site["keys"].as_array().into_iter().flatten() {
        println!("  key        {} ({} bits)", text(key, "fingerprint"), key["bits"]);
    }
    for address in site["addresses"].as_array().into_iter().flatten() {
        println!("  address    {}", address.as_str().unwrap_or_default());
    }
}
