//! Rows out of a table's file.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_ipc::reader::FileReader;
use arrow_schema::ArrowError;
use spatialcloud_backup::Value;

use super::array::value;
use super::{ColumnRecord, TableError};

/// A table's file, read row by row.
pub struct TableReader {
    file: FileReader<BufReader<File>>,
    columns: Vec<ColumnRecord>,
    batch: Option<RecordBatch>,
    row: usize,
}

impl TableReader {
    /// Opens the file of a table with these columns.
    ///
    /// # Errors
    /// When it is missing, or not such a file.
    pub fn open(path: &Path, columns: &[ColumnRecord]) -> Result<TableReader, TableError> {
        let file = FileReader::try_new_buffered(File::open(path)?, None)?;
        let found = file.schema().fields().len();
        if found != columns.len() {
            let expected = columns.len();
            let told = format!("it has {found} columns, the load's record has {expected}");
            return Err(ArrowError::SchemaError(told).into());
        }
        Ok(TableReader { file, columns: columns.to_vec(), batch: None, row: 0 })
    }

    /// Passes over rows without looking at them.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn skip(&mut self, mut rows: u64) -> Result<(), TableError> {
        while rows > 0 {
            let Some(left) = self.rest_of_batch()? else { return Ok(()) };
            let now = left.min(usize::try_from(rows).unwrap_or(usize::MAX));
            self.row += now;
            rows -= now as u64;
        }
        Ok(())
    }

    /// The next row; `None` behind the last.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn next_row(&mut self) -> Result<Option<Vec<Value<'_>>>, TableError> {
        if self.rest_of_batch()?.is_none() {
            return Ok(None);
        }
        let row = self.row;
        self.row += 1;
        let Some(batch) = &self.batch else { return Ok(None) };
        let values = self.columns.iter().zip(batch.columns());
        let values = values.map(|(column, array)| {
            value(column, array, row).ok_or_else(|| {
                let told = format!("column {} holds {}", column.name, array.data_type());
                TableError::Arrow(ArrowError::SchemaError(told))
            })
        });
        values.collect::<Result<_, _>>().map(Some)
    }

    /// Rows left in the present batch, taking the next one where it is used up.
    fn rest_of_batch(&mut self) -> Result<Option<usize>, TableError> {
        loop {
            let left = self.batch.as_ref().map_or(0, |batch| batch.num_rows().saturating_sub(self.row));
            if left > 0 {
                return Ok(Some(left));
            }
            let Some(batch) = self.file.next().transpose()? else { return Ok(None) };
            (self.batch, self.row) = (Some(batch), 0);
        }
    }
}
