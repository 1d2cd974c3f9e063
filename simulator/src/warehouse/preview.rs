//! What a load would export, read from the backup before anything is loaded: each row of the metadata table with
//! its answer (C-42).

use std::io::{Read, Seek};

use spatialcloud_backup::{DataError, Database, SqlType, Table, Value};

use super::answer::{Answer, Export};
use super::metadata::{Metadata, UploadedTable, decide};
use crate::config::MetadataConfig;

/// Most rows of a metadata table that are answered; a warehouse has some hundred tables.
const MOST_ROWS: usize = 10_000;

/// What would come of the metadata table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// A sentence for each of its rows, in order.
    pub exports: Vec<String>,
    /// What somebody should look at before the night.
    pub warnings: Vec<String>,
    /// The answer to each row, in order.
    pub answers: Vec<Answer>,
    /// The shapefiles among them.
    pub wanted: Vec<Wanted>,
}

/// A shapefile that a row of the metadata table asks for and can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The row, from 1.
    pub row: usize,
    /// Which table, and where to.
    pub export: Export,
    /// Name of the table's spatial column.
    pub spatial_column: String,
}

/// Reads the metadata table and answers its rows.
///
/// # Errors
/// When a row of the metadata table cannot be read.
pub fn preview<S: Read + Seek>(
    database: &Database<S>,
    config: &MetadataConfig,
) -> Result<Preview, DataError> {
    let name = &config.table;
    let Some(table) = metadata_table(database.tables(), name) else {
        let warning = format!(
            "there is no table {name}: the tables would be loaded, and no shapefile written (C-42); \
             add it to the warehouse, with FilePath and FileName"
        );
        return Ok(Preview { warnings: vec![warning], ..Preview::default() });
    };
    let mut preview = Preview::default();
    let metadata = read(database, table)?;
    if metadata.rows.len() == MOST_ROWS {
        preview.warnings.push(format!("{name}: only the first {MOST_ROWS} rows are answered"));
    }
    let tables: Vec<UploadedTable> = database.tables().iter().map(uploaded).collect();
    match decide(&metadata, &tables, config) {
        Err(unusable) => preview.warnings.push(unusable.to_string()),
        Ok(answers) => {
            for (number, answer) in (1..).zip(&answers) {
                let line = match answer {
                    Answer::Export(export) => {
                        let UploadedTable { schema, name, spatial_columns } = &tables[export.table];
                        preview.wanted.push(Wanted {
                            row: number,
                            export: export.clone(),
                            spatial_column: spatial_columns[export.spatial_column].clone(),
                        });
                        format!("row {number}, {schema}.{name}: {answer}")
                    }
                    Answer::Skipped | Answer::Refused(_) => format!("row {number}: {answer}"),
                };
                if matches!(answer, Answer::Refused(_)) {
                    preview.warnings.push(format!("{name}, {line}"));
                }
                preview.exports.push(line);
            }
            preview.answers = answers;
        }
    }
    Ok(preview)
}

/// Whether it is the metadata table, in whichever schema.
pub fn is_metadata(table: &Table, name: &str) -> bool {
    table.name.to_lowercase() == name.to_lowercase()
}

/// `dbo`'s where several schemas have one.
fn metadata_table<'t>(tables: &'t [Table], name: &str) -> Option<&'t Table> {
    let mut named = tables.iter().filter(|table| is_metadata(table, name));
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
