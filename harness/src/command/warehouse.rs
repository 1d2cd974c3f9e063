//! `warehouse`: what readers of a site's production data see, in a running stack.

use clap::Args;
use serde_json::Value;

use super::{Target, answered, style, text};
use crate::exit::Exit;
use spatialcloud_harness::api::escaped;

#[derive(Args)]
pub struct Arguments {
    /// Code of the site
    site: String,
    /// Show rows of this table, such as dbo.parcels
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
    /// Most rows shown
    #[arg(long, default_value_t = 20, requires = "table")]
    limit: u64,
    #[command(flatten)]
    target: Target,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub async fn perform(arguments: Arguments) -> Exit {
    let api = arguments.target.api();
    let site = escaped(&arguments.site);
    match &arguments.table {
        None => answered(api.get(&format!("warehouse/{site}")).await, arguments.json, show),
        Some(table) => {
            let path = format!("warehouse/{site}/tables/{}/rows?limit={}", escaped(table), arguments.limit);
            answered(api.get(&path).await, arguments.json, show_rows)
        }
    }
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

fn show(warehouse: &Value) {
    let style = style();
    match warehouse["load"].as_u64() {
        None => println!("nothing has been loaded yet"),
        Some(load) => println!("load {load} of {}, in {}", text(warehouse, "at"), text(warehouse, "folder")),
    }
    for table in list(warehouse, "tables") {
        let name = format!("{}.{}", text(table, "schema"), text(table, "name"));
        let keys = list(table, "indexes").iter().filter(|index| index["is_primary_key"] == true);
        let keys: Vec<&str> = keys.flat_map(|key| list(key, "keys")).filter_map(Value::as_str).collect();
        let key = if keys.is_empty() { String::new() } else { format!(", key {}", keys.join(", ")) };
        println!("  {} {} rows, load {}{key}", style.strong(&name), table["rows"], table["load"]);
        for warning in list(table, "warnings") {
            println!("    {} {}", style.warn("warning:"), warning.as_str().unwrap_or_default());
        }
    }
    for snapshot in list(warehouse, "snapshots") {
        println!(
            "  {} {} records of {}, load {}",
            style.strong(&format!("OUT/{}.shp", text(snapshot, "target"))),
            snapshot["records"],
            text(snapshot, "table"),
            snapshot["load"]
        );
        for notice in list(snapshot, "notices") {
            println!("    {} {}", style.warn("notice:"), notice.as_str().unwrap_or_default());
        }
    }
    println!("loads");
    for load in list(warehouse, "loads") {
        let outcome = text(load, "outcome");
        let told = match load["load"].as_u64() {
            Some(number) => format!(
                "load {number}, {} tables, {} rows, {} snapshots",
                load["tables"], load["rows"], load["snapshots"]
            ),
            None => list(load, "reasons").iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; "),
        };
        let shown = if outcome == "loaded" { style.good(outcome) } else { style.bad(outcome) };
        println!("  {} {shown} {told}", text(load, "at"));
    }
}

fn show_rows(answer: &Value) {
    let style = style();
    let columns: Vec<&str> = list(answer, "columns").iter().filter_map(Value::as_str).collect();
    let rows = list(answer, "rows");
    for (number, row) in (1..).zip(rows) {
        println!("{}", style.strong(&format!("row {number}")));
        for (column, value) in columns.iter().zip(row.as_array().into_iter().flatten()) {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            println!("  {column} = {value}");
        }
    }
    println!("{} of {} rows", rows.len(), answer["total"]);
}
