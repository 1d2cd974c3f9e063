//! What becomes of a row of the metadata table, in sentences that a GIS officer can act on.

use std::fmt;

use super::target::{Target, TargetError};

/// What becomes of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A shapefile is to be written.
    Export(Export),
    /// Both columns are blank: none is wanted.
    Skipped,
    /// None can be written.
    Refused(Refusal),
}

/// A shapefile to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Which of the uploaded tables.
    pub table: usize,
    /// Which of its spatial columns.
    pub spatial_column: usize,
    /// Where to.
    pub target: Target,
}

/// Why a row gives no shapefile though it asks for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// FilePath and FileName lead nowhere.
    Target(TargetError),
    /// An earlier row has the same target.
    Taken {
        /// The target.
        target: String,
        /// That row, from 1.
        row: usize,
    },
    /// The row does not say which table.
    NoTable,
    /// The upload does not have the table.
    Missing {
        /// Its name as the row has it.
        table: String,
        /// One that is spelt nearly the same, or stands in another schema.
        instead: Option<String>,
    },
    /// Several schemas have the table and the row does not say which.
    SeveralSchemas {
        /// Its name.
        table: String,
        /// The schemas.
        schemas: Vec<String>,
    },
    /// The table has no column of type geometry or geography.
    NotSpatial {
        /// Its name.
        table: String,
    },
    /// The table does not have the spatial column that the row names.
    NoSuchColumn {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
}

impl fmt::Display for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Export(Export { target, .. }) => {
                write!(formatter, "written to OUT/{}.shp", target.relative())?;
                match &target.extension_dropped {
                    Some(extension) => write!(formatter, "; leave \".{extension}\" out of FileName"),
                    None => Ok(()),
                }
            }
            Answer::Skipped => formatter.write_str(
                "no shapefile, since FilePath and FileName are blank; better not to list the table at all",
            ),
            Answer::Refused(refusal) => write!(formatter, "no shapefile: {refusal}"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Target(error) => error.fmt(formatter),
            Refusal::Taken { target, row } => {
                write!(
                    formatter,
                    "row {row} already writes OUT/{target}.shp: give one of them another FileName"
                )
            }
            Refusal::NoTable => formatter.write_str("the row does not name its table"),
            Refusal::Missing { table, instead } => {
                write!(formatter, "table {table:?} is listed and not in the backup")?;
                match instead {
                    Some(instead) => write!(formatter, "; it has {instead:?}"),
                    None => formatter.write_str(": add it to the warehouse, or take the row out"),
                }
            }
            Refusal::SeveralSchemas { table, schemas } => {
                write!(
                    formatter,
                    "schemas {} have a table {table:?}: write which, as ",
                    schemas.join(" and ")
                )?;
                write!(formatter, "\"{}.{table}\"", schemas.first().map_or("dbo", String::as_str))
            }
            Refusal::NotSpatial { table } => {
                write!(formatter, "table {table:?} has no column of type geometry or geography")
            }
            Refusal::NoSuchColumn { table, column } => {
                write!(formatter, "table {table:?} has no spatial column {column:?}")
            }
        }
    }
}
