//! Records on pages: how they divide into columns, whatever the columns mean.

mod fixed;
mod sparse;

pub use fixed::{Record, RecordKind, Variable};
pub use sparse::sparse_column;
