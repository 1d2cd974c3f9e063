//! Reading rows: what does not add up, in words for people, and what shapes there are.

use std::fs::File;

use indicatif::ProgressBar;
use spatialcloud_backup::verdict::Reason;
use spatialcloud_backup::{DataError, Database, Row, Table};
use spatialcloud_harness::report::shapes::Shapes;

/// Most errors told of one table; damage tends to repeat itself.
const MOST_ERRORS: usize = 3;
/// SQL Server's error for a row that contradicts itself.
const INCONSISTENT_ROW: u32 = 5242;
/// Most pages of a table whose rows are read though nobody asked to verify: 4 MiB take a moment.
const MOST_UNASKED_PAGES: u64 = 512;

/// What the rows of a table told; without shapes where they were not read.
#[derive(Default)]
pub struct Looked {
    pub shapes: Option<Vec<Shapes>>,
    /// Rows that cannot be read, for which the load refuses the backup (C-44).
    pub reasons: Vec<Reason>,
    pub warnings: Vec<String>,
}

/// Reads the rows of all tables, or of those that are small and spatial.
pub fn look(database: &Database<File>, all: bool, bar: &ProgressBar) -> Vec<Looked> {
    database
        .tables()
        .iter()
        .map(|table| {
            let is_wanted = all || (table.used_pages <= MOST_UNASKED_PAGES && !Shapes::of(table).is_empty());
            if !is_wanted {
                return Looked::default();
            }
            let name = format!("{}.{}", table.schema, table.name);
            match check(database, table, bar) {
                Ok(mut looked) => {
                    looked.warnings.iter_mut().for_each(|warning| *warning = format!("{name}: {warning}"));
                    looked
                }
                // Its own words name the table.
                Err(error) => Looked { warnings: vec![error.to_string()], ..Looked::default() },
            }
        })
        .collect()
}

fn check(database: &Database<File>, table: &Table, bar: &ProgressBar) -> Result<Looked, DataError> {
    /// Rows between two looks at the bar.
    const STEP: u64 = 4096;
    let mut rows = database.rows(table)?;
    let mut shapes = Shapes::of(table);
    let (mut count, mut errors) = (0, 0);
    let (mut told, mut warnings) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next_row() {
        count += 1;
        if count % STEP == 0 {
            bar.inc(STEP);
        }
        if let Err(error) = row.and_then(|row| values(table, &row, &mut shapes, &mut warnings)) {
            errors += 1;
            if errors <= MOST_ERRORS {
                told.push(error.to_string());
            }
        }
    }
    bar.inc(count % STEP);
    if errors > MOST_ERRORS {
        told.push(format!("{} more errors like these", errors - MOST_ERRORS));
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
    warnings.extend(shapes.iter().flat_map(Shapes::warnings));
    let reason = |message: String| Reason {
        error: INCONSISTENT_ROW,
        message: format!("{message}: run DBCC CHECKDB on the source and make a new backup"),
        place: format!("{}.{}", table.schema, table.name),
    };
    Ok(Looked { shapes: Some(shapes), reasons: told.into_iter().map(reason).collect(), warnings })
}

/// Looks at each value of a row. What is no shape is a warning: the rest of the row is sound.
fn values(
    table: &Table,
    row: &Row<'_, '_, File>,
    shapes: &mut [Shapes],
    warnings: &mut Vec<String>,
) -> Result<(), DataError> {
    for (index, column) in table.columns.iter().enumerate() {
        let value = row.value(index)?;
        let Some(shapes) = shapes.iter_mut().find(|shapes| shapes.place() == index) else { continue };
        if let Err(error) = shapes.take(&value)
            && warnings.len() < MOST_ERRORS
        {
            warnings.push(format!("column {}: {error}", column.name));
        }
    }
    Ok(())
}
