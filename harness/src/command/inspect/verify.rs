//! Reading every row: what does not add up, in words for people.

use std::fs::File;

use spatialcloud_backup::{DataError, Database, Row, Table};
use spatialcloud_harness::report;

/// Most errors told of one table; damage tends to repeat itself.
const MOST_ERRORS: usize = 3;

/// Reads all rows of all tables.
pub fn warnings(database: &Database<File>) -> Vec<String> {
    let mut warnings = Vec::new();
    for table in database.tables() {
        let name = format!("{}.{}", table.schema, table.name);
        match check(database, table) {
            Ok(found) => warnings.extend(found.into_iter().map(|warning| format!("{name}: {warning}"))),
            // Its own words name the table.
            Err(error) => warnings.push(error.to_string()),
        }
    }
    warnings
}

fn check(database: &Database<File>, table: &Table) -> Result<Vec<String>, DataError> {
    let mut rows = database.rows(table)?;
    let (mut count, mut errors, mut warnings) = (0, 0, Vec::new());
    while let Some(row) = rows.next_row() {
        count += 1;
        if let Some(error) = row.map_or_else(|error| Some(error.to_string()), |row| wrong(table, &row)) {
            errors += 1;
            if errors <= MOST_ERRORS {
                warnings.push(error);
            }
        }
    }
    if errors > MOST_ERRORS {
        warnings.push(format!("{} more errors like these", errors - MOST_ERRORS));
    }
    if errors == 0 && count != table.row_count {
        warnings.push(format!("the catalog counts {} rows, the pages hold {count}", table.row_count));
    }
    if rows.is_fuzzy() {
        warnings.push(
            "fuzzy: rows were changed while the backup was written, and the log that would settle them is not replayed"
                .to_owned(),
        );
    }
    Ok(warnings)
}

/// What is wrong with the first value of a row that cannot be read.
fn wrong(table: &Table, row: &Row<'_, '_, File>) -> Option<String> {
    table.columns.iter().enumerate().find_map(|(index, column)| match row.value(index) {
        Err(error) => Some(error.to_string()),
        Ok(value) => {
            let error = report::tables::spatial(column, &value)?.err()?;
            Some(format!("column {}: {error}", column.name))
        }
    })
}
