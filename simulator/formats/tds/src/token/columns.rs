//! COLMETADATA: the columns of a result (\[MS-TDS\] 2.2.7.4).

use crate::error::EncodeError;
use crate::output::b_varchar;
use crate::types::{ColumnType, TypeInfo};

/// A column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name; empty where it has none. At most 128 characters.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
    /// Whether it can have NULL.
    pub is_nullable: bool,
    /// Whether the server numbers its rows by it.
    pub is_identity: bool,
    /// Whether it is computed from others.
    pub is_computed: bool,
    /// Whether it can be written to.
    pub updatability: Updatability,
}

/// Whether a column can be written to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Updatability {
    /// No: an expression, or something of the system's.
    #[default]
    ReadOnly,
    /// Yes.
    ReadWrite,
    /// Nobody has looked.
    Unknown,
}

impl Column {
    /// One that can have NULL and that is only read.
    pub fn new(name: impl Into<String>, column_type: ColumnType) -> Column {
        Column {
            name: name.into(),
            column_type,
            is_nullable: true,
            is_identity: false,
            is_computed: false,
            updatability: Updatability::ReadOnly,
        }
    }

    /// The same, never with NULL.
    pub fn not_null(self) -> Column {
        Column { is_nullable: false, ..self }
    }

    fn flags(&self) -> u16 {
        let updatability = match self.updatability {
            Updatability::ReadOnly => 0,
            Updatability::ReadWrite => 1,
            Updatability::Unknown => 2,
        };
        u16::from(self.is_nullable)
            | updatability << 2
            | u16::from(self.is_identity) << 4
            | u16::from(self.is_computed) << 5
    }

    pub(crate) fn info(&self) -> TypeInfo {
        TypeInfo::of(&self.column_type, self.is_nullable)
    }
}

const COLMETADATA: u8 = 0x81;
/// What SQL Server returns at most.
const MOST_COLUMNS: usize = 4096;

pub(super) fn write(output: &mut Vec<u8>, columns: &[Column]) -> Result<(), EncodeError> {
    let count = u16::try_from(columns.len()).ok().filter(|_| columns.len() <= MOST_COLUMNS);
    let Some(count) = count else {
        return Err(EncodeError::TooMuch {
            what: "columns of a result",
            limit: MOST_COLUMNS,
            got: columns.len(),
        });
    };
    output.push(COLMETADATA);
    output.extend(count.to_le_bytes());
    for column in columns {
        // User types are for old libraries.
        output.extend([0; 4]);
        output.extend(column.flags().to_le_bytes());
        column.info().write(output);
        if column.column_type.has_text_pointer() {
            // The table they are in, of one part without a name: by it they could be written to.
            output.extend([1, 0, 0]);
        }
        b_varchar(output, &column.name);
    }
    Ok(())
}
