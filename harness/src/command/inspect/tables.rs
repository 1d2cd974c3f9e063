//! The tables of a backup, with their sizes and columns.

use spatialcloud_backup::{Column, Table};
use spatialcloud_harness::size;

use super::headers::line;

/// Bytes of a database page.
const PAGE_BYTES: u64 = 8192;

/// Shows each table in a line, and its columns below.
pub fn show(tables: &[Table]) {
    let style = super::super::style();
    println!();
    line("tables", &tables.len().to_string());
    for table in tables {
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
            println!("      {}", describe(column));
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
