//! `clients`: which client drivers are usable here, which version, and why not.

use clap::Args;
use serde_json::json;
use spatialcloud_harness::client::{self, Availability};
use spatialcloud_harness::engine::{self, Found, Image};
use spatialcloud_harness::report;

use crate::exit::Exit;

#[derive(Args)]
pub struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub async fn perform(arguments: &Arguments) -> Exit {
    let found: Vec<_> = client::all().into_iter().map(|client| (client, client.availability())).collect();
    let image = Image::microsoft();
    let server = engine(&image).await;
    if arguments.json {
        let clients: Vec<_> =
            found.iter().map(|(client, found)| report::json::client(*client, found)).collect();
        let (usable, told) = match &server {
            Ok(told) => (true, told),
            Err(told) => (false, told),
        };
        let server = json!({"image": image.name, "usable": usable, "reason": told});
        println!("{}", json!({"clients": clients, "sql_server": server}));
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
    match server {
        Ok(told) => println!("{} {:<width$} {told}", style.good("✓"), SERVER),
        Err(told) => println!("{} {:<width$} {told}", style.warn("✗"), SERVER),
    }
    Exit::Passed
}

/// What Microsoft's engine is called among the clients: it is none, and is looked for here all the same.
const SERVER: &str = "sql-server";

/// Whether Microsoft's engine could be started here, and what is to be said of it.
async fn engine(image: &Image) -> Result<String, String> {
    let name = &image.name;
    match engine::look(image).await {
        Found::Ready { warnings } => {
            let licence = match engine::is_licence_accepted() {
                true => String::new(),
                false => format!("; to use it, accept its licence with {}=Y", engine::LICENCE_VARIABLE),
            };
            Ok(format!(
                "{name}{licence}{}",
                warnings.iter().map(|warning| format!("; {warning}")).collect::<String>()
            ))
        }
        Found::NoImage { remedy } => Err(format!("the image {name} is not here: {remedy}")),
        Found::Unfit { reasons } => Err(reasons.join("; ")),
    }
}
