//! `expect: { table | warehouse: … }`: what readers of the warehouse see.

use async_trait::async_trait;
use serde_json::Value;

use super::{Failure, Names, Parsed, Step, World};
use crate::api::{ApiError, escaped};
use crate::scenario::fields::{Fields, Mistake};

/// Rows looked through for one that has certain values.
const MOST_ROWS: u64 = 10_000;

/// `table: CITY/dbo.parcels`, with what it must have.
pub(super) fn table(path: &str, fields: &mut Fields<'_>, names: &Names) -> Parsed {
    let Some((site, name)) = path.split_once('/') else {
        let told = "table: expected SITE/schema.table, such as CITY/dbo.parcels";
        return Err(Mistake::new(fields.place_of("table"), told));
    };
    names.need_site(fields.place_of("table"), site)?;
    let mut row = Vec::new();
    if let Some(node) = fields.take("row") {
        let wanted = node.to_json();
        let Some(wanted) = wanted.as_object().filter(|wanted| !wanted.is_empty()) else {
            return Err(Mistake::new(&node.place, "row: expected columns with values, such as { id: 7 }"));
        };
        row.extend(wanted.iter().map(|(column, value)| (column.clone(), shown(value))));
    }
    let key = fields.texts("key")?.into_iter().map(|(column, _)| column).collect();
    Ok(Box::new(TableState {
        site: site.to_owned(),
        name: name.to_owned(),
        absent: fields.flag("absent")?,
        rows: fields.number("rows")?,
        load: fields.number("load")?,
        key,
        row,
    }))
}

/// `warehouse: CITY`, with what it must have.
pub(super) fn warehouse(site: &str, fields: &mut Fields<'_>, names: &Names) -> Parsed {
    names.need_site(fields.place_of("warehouse"), site)?;
    Ok(Box::new(WarehouseState {
        site: site.to_owned(),
        absent: fields.flag("absent")?,
        load: fields.number("load")?,
        tables: fields.number("tables")?,
        snapshots: fields.number("snapshots")?,
    }))
}

struct TableState {
    site: String,
    name: String,
    absent: bool,
    rows: Option<i64>,
    load: Option<i64>,
    /// The primary key's columns; empty: whichever.
    key: Vec<String>,
    /// Columns and values that some row must have.
    row: Vec<(String, String)>,
}

#[async_trait]
impl Step for TableState {
    async fn run(&self, world: &mut World) -> Result<(), Failure> {
        let warehouse = world.stack.api().get(&format!("warehouse/{}", escaped(&self.site))).await?;
        let full_name = |table: &Value| format!("{}.{}", text(&table["schema"]), text(&table["name"]));
        let tables = warehouse["tables"].as_array().map_or(&[][..], Vec::as_slice);
        let found = tables.iter().find(|table| full_name(table).eq_ignore_ascii_case(&self.name));
        let Some(table) = found else {
            let names: Vec<String> = tables.iter().map(full_name).collect();
            return match self.absent {
                true => Ok(()),
                false => Err(Failure::new(
                    format!("table {} in production", self.name),
                    format!(
                        "there is: {}",
                        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
                    ),
                )),
            };
        };
        let got = format!("{}, {} rows, of load {}", full_name(table), table["rows"], table["load"]);
        if self.absent {
            return Err(Failure::new(format!("no table {}", self.name), got));
        }
        for (what, wanted) in [("rows", self.rows), ("load", self.load)] {
            if wanted.is_some_and(|wanted| table[what].as_i64() != Some(wanted)) {
                return Err(Failure::new(format!("{what}: {}", wanted.unwrap_or_default()), got));
            }
        }
        if !self.key.is_empty() {
            let indexes = table["indexes"].as_array().into_iter().flatten();
            let key = indexes.filter(|index| index["is_primary_key"] == true).map(|index| &index["keys"]);
            let keys: Vec<String> =
                key.flat_map(|keys| keys.as_array().into_iter().flatten()).map(shown).collect();
            if keys != self.key {
                let wanted = format!("primary key {}", self.key.join(", "));
                return Err(Failure::new(wanted, format!("primary key {}", keys.join(", "))));
            }
        }
        if !self.row.is_empty() {
            self.find_row(world).await?;
        }
        Ok(())
    }
}

impl TableState {
    async fn find_row(&self, world: &World) -> Result<(), Failure> {
        let path = format!(
            "warehouse/{}/tables/{}/rows?limit={MOST_ROWS}",
            escaped(&self.site),
            escaped(&self.name)
        );
        let answer = world.stack.api().get(&path).await?;
        let columns: Vec<&str> =
            answer["columns"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut wanted = Vec::new();
        for (name, value) in &self.row {
            let Some(index) = columns.iter().position(|column| column.eq_ignore_ascii_case(name)) else {
                let got = format!("{} has columns {}", self.name, columns.join(", "));
                return Err(Failure::new(format!("a column {name}"), got));
            };
            wanted.push((index, value));
        }
        let rows = answer["rows"].as_array().map_or(&[][..], Vec::as_slice);
        if rows.iter().any(|row| wanted.iter().all(|(index, value)| shown(&row[*index]) == **value)) {
            return Ok(());
        }
        let words: Vec<String> = self.row.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let got = match rows.first() {
            Some(first) => format!("none among {} rows; the first is {first}", rows.len()),
            None => "it has no rows".to_owned(),
        };
        Err(Failure::new(format!("a row of {} with {}", self.name, words.join(", ")), got))
    }
}

struct WarehouseState {
    site: String,
    absent: bool,
    load: Option<i64>,
    tables: Option<i64>,
    snapshots: Option<i64>,
}

#[async_trait]
impl Step for WarehouseState {
    async fn run(&self, world: &mut World) -> Result<(), Failure> {
        let answer: Result<Value, ApiError> =
            world.stack.api().get(&format!("warehouse/{}", escaped(&self.site))).await;
        let warehouse = answer?;
        let count = |what: &str| warehouse[what].as_array().map_or(0, Vec::len) as i64;
        let load = warehouse["load"].as_i64();
        let got = match load {
            None => "nothing has been loaded".to_owned(),
            Some(load) => {
                format!("load {load}: {} tables, {} snapshots", count("tables"), count("snapshots"))
            }
        };
        let mut wanted = Vec::new();
        let mut agrees = self.absent == load.is_none();
        wanted.extend(self.absent.then(|| "nothing loaded".to_owned()));
        for (what, number, found) in [
            ("load", self.load, load),
            ("tables", self.tables, Some(count("tables"))),
            ("snapshots", self.snapshots, Some(count("snapshots"))),
        ] {
            if let Some(number) = number {
                wanted.push(format!("{what}: {number}"));
                agrees &= found == Some(number);
            }
        }
        if agrees { Ok(()) } else { Err(Failure::new(wanted.join(", "), got)) }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// As people write it in a scenario file.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
