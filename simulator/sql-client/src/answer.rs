//! What a server answered to a batch.

use std::fmt;

use crate::Cell;

/// A column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name; empty where it has none.
    pub name: String,
    /// Whether its values are numbers, which people read aligned at the right.
    pub is_number: bool,
    /// Its type on the wire, as MS-TDS names it.
    pub wire_type: String,
}

/// One part of an answer, in the order in which the server sent it.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A result begins.
    Columns(Vec<Column>),
    /// A row of it.
    Row(Vec<Cell>),
    /// Something the server said that is no error.
    Message(String),
    /// What went wrong. Where one statement has several errors, they come together at the end.
    Error(ServerError),
}

/// An error as the server told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerError {
    /// Its number, such as 208.
    pub number: u32,
    /// Its severity; known of the first error of a batch only.
    pub class: Option<u8>,
    /// Its state; known of the first error of a batch only.
    pub state: Option<u8>,
    /// The line of the batch, from 1; known of the first error of a batch only.
    pub line: Option<u32>,
    /// Its words.
    pub message: String,
}

impl fmt::Display for ServerError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.number, self.message)
    }
}

/// A result: columns and rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Results {
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows.
    pub rows: Vec<Vec<Cell>>,
}

impl Results {
    /// Where a column of that name stands; upper and lower case alike.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// The values of a column by its name; none where there is no such column.
    pub fn column(&self, name: &str) -> impl Iterator<Item = &Cell> {
        let position = self.position(name);
        self.rows.iter().filter_map(move |row| row.get(position?))
    }
}

/// A whole answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Its results.
    pub results: Vec<Results>,
    /// What the server said beside them.
    pub messages: Vec<String>,
    /// What went wrong.
    pub errors: Vec<ServerError>,
}

impl Answer {
    pub(crate) fn take(&mut self, item: Item) {
        match item {
            Item::Columns(columns) => self.results.push(Results { columns, rows: Vec::new() }),
            Item::Row(row) => {
                if let Some(results) = self.results.last_mut() {
                    results.rows.push(row);
                }
            }
            Item::Message(message) => self.messages.push(message),
            Item::Error(error) => self.errors.push(error),
        }
    }

    /// The first value of the first result.
    pub fn value(&self) -> Option<&Cell> {
        self.results.first()?.rows.first()?.first()
    }

    /// The first result, or the first error.
    pub fn first(self) -> Result<Results, ServerError> {
        match self.errors.into_iter().next() {
            Some(error) => Err(error),
            None => Ok(self.results.into_iter().next().unwrap_or_default()),
        }
    }
}
