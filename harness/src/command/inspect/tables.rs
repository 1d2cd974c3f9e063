//! The tables of a backup, with their sizes and columns.

use spatialcloud_backup::{Column, Index, Table};
use spatialcloud_harness::report::shapes::Shapes;
use spatialcloud_harness::size;

use super::headers::line;

/// Bytes of a database page.
const PAGE_BYTES: u64 = 8192;

/// Shows each table in a line, and its columns and indexes below; of spatial columns the shapes, where rows were read.
pub fn show(tables: &[(&Table, Option<&[Shapes]>)]) {
    let style = super::super::style();
    println!();
    line("tables", &tables.len().to_string());
    for (table, shapes) in tables {
        let mut words = vec![count(table.row_count, "row"), size::human(table.used_pages * PAGE_BYTES)];
        if table.partition_count() > 1 {
            words.push(format!("{} partitions", table.partition_count()));
        }
        if let Some(key) = table.primary_key() {
            words.push(format!("key {}", key.join(", ")));
        }
        let name = format!("{}.{}", table.schema, table.name);
        println!("    {} {}", style.strong(&name), words.join(", "));
        for column in &table.columns {
            let shapes = shapes.and_then(|all| all.iter().find(|shapes| shapes.column == column.name));
            let shapes = shapes.map(|shapes| format!(": {}", shapes.line())).unwrap_or_default();
            println!("      {}{shapes}", describe(column));
        }
        for index in table.indexes.iter().filter(|index| !index.is_primary_key) {
            println!("      {}", describe_index(index));
        }
        if shapes.is_none() && !Shapes::of(table).is_empty() && table.unsupported.is_none() {
            println!("      its shapes were not looked at; --verify does");
        }
        if let Some(reason) = &table.unsupported {
            println!("      {} {reason}", style.warn("not readable:"));
        }
    }
}

/// Shows what becomes of each row of the metadata table.
pub fn show_exports(exports: &[String]) {
    if exports.is_empty() {
        return;
    }
    println!();
    line("exports", &format!("{} in the metadata table", count(exports.len() as u64, "row")));
    for export in exports {
        println!("    {export}");
    }
}

fn count(number: u64, of: &str) -> String {
    format!("{number} {of}{}", if number == 1 { "" } else { "s" })
}

fn describe(column: &Column) -> String {
    let mut text = format!("{} {}", column.name, column.declaration());
    if !column.is_nullable {
        text.push_str(" not null");
    }
    if column.identity.is_some() {
        text.push_str(" identity");
    }
    if column.is_computed {
        text.push_str(" computed");
    }
    text
}

fn describe_index(index: &Index) -> String {
    let keys: Vec<String> = index
        .keys
        .iter()
        .zip(&index.descending)
        .map(|(key, descending)| format!("{key}{}", if *descending { " descending" } else { "" }))
        .collect();
    let unique = if index.is_unique { "unique " } else { "" };
    let mut text = format!("index {}, {unique}{}: {}", index.name, index.index_type.name(), keys.join(", "));
    if !index.included.is_empty() {
        text.push_str(&format!(", with {}", index.included.join(", ")));
    }
    if index.is_disabled {
        text.push_str(", disabled");
    }
    text
}
