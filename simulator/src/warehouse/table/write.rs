//! Rows into a table's file, in batches.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_ipc::writer::FileWriter;
use arrow_schema::{Schema, SchemaRef};
use spatialcloud_backup::Value;

use super::array::{Values, field};
use super::{ColumnRecord, TableError};

/// A batch ends at whichever comes first: so many rows, or about so many bytes.
const BATCH_ROWS: usize = 16_384;
const BATCH_BYTES: usize = 8 << 20;

/// A table's file while rows are written to it.
pub struct TableWriter {
    schema: SchemaRef,
    file: FileWriter<BufWriter<File>>,
    columns: Vec<Values>,
    batch_rows: usize,
    batch_bytes: usize,
    rows: u64,
}

impl TableWriter {
    /// A new file.
    ///
    /// # Errors
    /// When it exists already, or cannot be made.
    pub fn create(path: &Path, columns: &[ColumnRecord]) -> Result<TableWriter, TableError> {
        let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
        let file = FileWriter::try_new_buffered(File::create_new(path)?, &schema)?;
        let columns = columns.iter().map(Values::new).collect();
        Ok(TableWriter { schema, file, columns, batch_rows: 0, batch_bytes: 0, rows: 0 })
    }

    /// Adds a row: one value for each column, in their order.
    ///
    /// # Errors
    /// A value that does not fit its column, or a full disk.
    pub fn push(&mut self, row: &[Value<'_>]) -> Result<(), TableError> {
        for (column, value) in self.columns.iter_mut().zip(row) {
            self.batch_bytes += column.push(value)?;
        }
        self.rows += 1;
        self.batch_rows += 1;
        if self.batch_rows == BATCH_ROWS || self.batch_bytes >= BATCH_BYTES {
            self.end_batch()?;
        }
        Ok(())
    }

    fn end_batch(&mut self) -> Result<(), TableError> {
        if self.batch_rows == 0 {
            return Ok(());
        }
        let arrays = self.columns.iter_mut().map(Values::finish).collect();
        // A table that has lost all its columns still has rows.
        let options = RecordBatchOptions::new().with_row_count(Some(self.batch_rows));
        self.file.write(&RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)?)?;
        (self.batch_rows, self.batch_bytes) = (0, 0);
        Ok(())
    }

    /// Ends the file and waits until it is on the disk; answers its rows and bytes.
    ///
    /// # Errors
    /// The disk's.
    pub fn finish(mut self) -> Result<(u64, u64), TableError> {
        self.end_batch()?;
        let buffered = self.file.into_inner()?;
        let file = buffered.into_inner().map_err(|error| TableError::File(error.into_error()))?;
        file.sync_all()?;
        Ok((self.rows, file.metadata()?.len()))
    }
}
