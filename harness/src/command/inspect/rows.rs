//! `inspect --table`: rows as an aligned table, or as JSON.

use std::fs::File;

use spatialcloud_backup::{DataError, Database, Table};
use spatialcloud_harness::report;

use super::super::fail;
use crate::exit::Exit;

/// Widest cell; longer values are cut.
const MOST_CELL_CHARACTERS: usize = 40;

pub fn perform(database: &Database<File>, name: &str, limit: usize, as_json: bool) -> Exit {
    let table = match find(database.tables(), name) {
        Ok(table) => table,
        Err(message) => return fail(Exit::WrongUse, message),
    };
    let printed = if as_json { print_json(database, table, limit) } else { print(database, table, limit) };
    match printed {
        Ok(()) => Exit::Passed,
        Err(error) => fail(Exit::Failed, error),
    }
}

/// By `SCHEMA.NAME`, or by the name alone where only one schema has it; as written, or else in any case.
fn find<'t>(tables: &'t [Table], name: &str) -> Result<&'t Table, String> {
    let full = |table: &Table| format!("{}.{}", table.schema, table.name);
    if let Some(table) = tables.iter().find(|table| full(table) == name) {
        return Ok(table);
    }
    let mut named: Vec<&Table> = tables.iter().filter(|table| table.name == name).collect();
    if named.is_empty() {
        let wanted = name.to_lowercase();
        let is_alike =
            |table: &&Table| table.name.to_lowercase() == wanted || full(table).to_lowercase() == wanted;
        named = tables.iter().filter(is_alike).collect();
    }
    match named[..] {
        [table] => Ok(table),
        [] => {
            let all: Vec<String> = tables.iter().map(full).collect();
            let distance = |other: &String| strsim::damerau_levenshtein(other, name);
            let short = |other: &String| {
                other
                    .split_once('.')
                    .map_or(usize::MAX, |(_, short)| strsim::damerau_levenshtein(short, name))
            };
            let nearest = all.iter().min_by_key(|other| distance(other).min(short(other)));
            Err(match nearest {
                Some(nearest) => format!("there is no table {name:?}; did you mean {nearest}?"),
                None => format!("there is no table {name:?}: the database has no tables"),
            })
        }
        _ => Err(format!(
            "several schemas have a table {name:?}: {}",
            named.into_iter().map(full).collect::<Vec<_>>().join(", ")
        )),
    }
}

fn print_json(database: &Database<File>, table: &Table, limit: usize) -> Result<(), DataError> {
    let mut rows = database.rows(table)?;
    let mut values = Vec::new();
    for row in rows.by_ref().take(limit) {
        let row = row?;
        let cells = table.columns.iter().zip(&row);
        values.push(cells.map(|(column, value)| report::tables::value_of(column, value)).collect());
    }
    println!("{}", report::tables::rows(table, values, rows.is_fuzzy()));
    Ok(())
}

fn print(database: &Database<File>, table: &Table, limit: usize) -> Result<(), DataError> {
    let mut lines = vec![table.columns.iter().map(|column| cell(&column.name)).collect::<Vec<_>>()];
    let mut rows = database.rows(table)?;
    for row in rows.by_ref().take(limit) {
        let row = row?;
        let cells = table.columns.iter().zip(&row);
        lines.push(cells.map(|(column, value)| cell(&report::tables::shown(column, value))).collect());
    }
    let widths: Vec<usize> = (0..table.columns.len())
        .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0))
        .collect();
    let rule = widths.iter().map(|width| "-".repeat(*width)).collect();
    lines.insert(1, rule);
    for line in &lines {
        let cells: Vec<String> =
            line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        println!("{}", cells.join("  ").trim_end());
    }
    println!("({} of {} rows)", lines.len() - 2, table.row_count);
    if rows.is_fuzzy() {
        let style = super::super::error_style();
        eprintln!("{} rows were changed while the backup was written", style.warn("fuzzy:"));
    }
    Ok(())
}

/// A value in one line, its control characters escaped.
fn cell(text: &str) -> String {
    let mut cell: String = text
        .chars()
        .take(MOST_CELL_CHARACTERS + 1)
        .flat_map(|character| match character.is_control() {
            true => character.escape_default().collect::<Vec<_>>(),
            false => vec![character],
        })
        .collect();
    if cell.chars().count() > MOST_CELL_CHARACTERS {
        cell = cell.chars().take(MOST_CELL_CHARACTERS - 1).chain(['…']).collect();
    }
    cell
}
