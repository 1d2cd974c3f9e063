//! Why a shapefile set could not be written.

use std::io;

/// Why a shapefile set could not be written. What was written of it is of no use.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The sink failed.
    #[error("the shapefile cannot be written: {0}")]
    Io(#[from] io::Error),
    /// Nothing of the row has been written.
    #[error(
        "row {row} would take .{extension} past {most_bytes} bytes, the most that readers of shapefiles cope with: \
         split the table, or list fewer columns"
    )]
    TooLarge {
        /// `shp` or `dbf`.
        extension: &'static str,
        /// Row, from 1.
        row: u64,
        /// The limit.
        most_bytes: u64,
    },
    /// A row of another table.
    #[error("row {row} has {got} values, expected {expected}, one for each column")]
    Values {
        /// Row, from 1.
        row: u64,
        /// Columns.
        expected: usize,
        /// Values.
        got: usize,
    },
    /// A value of another type, or one that was not surveyed.
    #[error("row {row}, column {column:?}: expected {expected}, got {got}")]
    Value {
        /// Row, from 1.
        row: u64,
        /// The column's name.
        column: String,
        /// What its field takes.
        expected: String,
        /// What it got.
        got: String,
    },
    /// The second pass met what the first did not.
    #[error("row {row} has a geometry that the survey did not see: both passes must read the same rows")]
    NotSurveyed {
        /// Row, from 1.
        row: u64,
    },
}
