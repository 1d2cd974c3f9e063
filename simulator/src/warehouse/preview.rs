//! What a load would export, read from the backup before anything is loaded: each row of the metadata table with
//! its answer (C-42).

use std::io::{Read, Seek};

use spatialcloud_backup::{DataError, Database, SqlType, Table, Value};

use super::answer::Answer;
use super::metadata::{METADATA_TABLE, Metadata, MetadataColumns, UploadedTable, decide};

/// Most rows of a metadata table that are answered; a warehouse has some hundred tables.
const MOST_ROWS: usize = 10_000;

/// What would come of the metadata table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// A sentence for each of its rows, in order.
    pub exports: Vec<String>,
    /// What somebody should look at before the night.
    pub warnings: Vec<String>,
}

/// Reads the metadata table and answers its rows.
///
/// # Errors
/// When a row of the metadata table cannot be read.
pub fn preview<S: Read + Seek>(database: &Database<S>) -> Result<Preview, DataError> {
    let Some(table) = metadata_table(database.tables()) else {
        let warning = format!(
            "there is no table {METADATA_TABLE}: the tables would be loaded, and no shapefile written (C-42); \
             add it to the warehouse, with FilePath and FileName"
        );
        return Ok(Preview { warnings: vec![warning], ..Preview::default() });
    };
    let mut preview = Preview::default();
    let metadata = read(database, table)?;
    if metadata.rows.len() == MOST_ROWS {
        preview.warnings.push(format!("{METADATA_TABLE}: only the first {MOST_ROWS} rows are answered"));
    }
    let tables: Vec<UploadedTable> = database.tables().iter().map(uploaded).collect();
    match decide(&metadata, &tables, &MetadataColumns::default()) {
        Err(unusable) => preview.warnings.push(unusable.to_string()),
        Ok(answers) => {
            for (number, answer) in (1..).zip(&answers) {
                let line = match answer {
                    Answer::Export(export) => {
                        let UploadedTable { schema, name, .. } = &tables[export.table];
                        format!("row {number}, {schema}.{name}: {answer}")
                    }
                    Answer::Skipped | Answer::Refused(_) => format!("row {number}: {answer}"),
                };
                if matches!(answer, Answer::Refused(_)) {
                    preview.warnings.push(format!("{METADATA_TABLE}, {line}"));
                }
                preview.exports.push(line);
            }
        }
    }
    Ok(preview)
}

/// `dbo`'s where several schemas have one.
fn metadata_table(tables: &[Table]) -> Option<&Table> {
    let mut named = tables.iter().filter(|table| table.name.eq_ignore_ascii_case(METADATA_TABLE));
    let first = named.clone().next();
    named.find(|table| table.schema.eq_ignore_ascii_case("dbo")).or(first)
}

fn read<S: Read + Seek>(database: &Database<S>, table: &Table) -> Result<Metadata, DataError> {
    let mut metadata = Metadata {
        columns: table.columns.iter().map(|column| column.name.clone()).collect(),
        rows: Vec::new(),
    };
    for row in database.rows(table)?.take(MOST_ROWS) {
        let text = |value: &Value<'_>| (*value != Value::Null).then(|| value.to_string());
        metadata.rows.push(row?.iter().map(text).collect());
    }
    Ok(metadata)
}

fn uploaded(table: &Table) -> UploadedTable {
    let is_spatial = |sql_type: &SqlType| matches!(sql_type, SqlType::Geometry | SqlType::Geography);
    let spatial = table.columns.iter().filter(|column| is_spatial(&column.sql_type));
    UploadedTable {
        schema: table.schema.clone(),
        name: table.name.clone(),
        spatial_columns: spatial.map(|column| column.name.clone()).collect(),
    }
}
