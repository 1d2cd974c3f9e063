//! INFO and ERROR (\[MS-TDS\] 2.2.7.9, 2.2.7.10).

use crate::error::ProtocolError;
use crate::output::{b_varchar, counted_token, first_units, us_varchar};

/// A message to the client's user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its number; SQL Server's own are below 50000.
    pub number: i32,
    /// Where in the server it came up; tells messages of one number apart.
    pub state: u8,
    /// How bad it is: to 10 it informs, from 11 on it is an error, from 20 on the connection ends.
    pub class: u8,
    /// Its text. SQL Server's have at most 2047 characters; what is longer is cut off.
    pub text: String,
    /// The server's name.
    pub server: String,
    /// The procedure it is about, if any.
    pub procedure: String,
    /// Line of the batch or the procedure, from 1.
    pub line: u32,
}

/// Number of the errors that say what is not served here: behind all that SQL Server has, and what users give.
pub const NOT_SERVED: i32 = 60_000;

/// The longest text, in UTF-16 units.
const MOST_TEXT_UNITS: usize = 2047;
/// The longest name, in UTF-16 units.
const MOST_NAME_UNITS: usize = 128;
/// The first class that is an error.
const FIRST_ERROR_CLASS: u8 = 11;

impl Message {
    /// An error of the usual class, for what the user wrote.
    pub fn error(number: i32, text: impl Into<String>) -> Message {
        Message { class: 16, ..Message::information(number, text) }
    }

    /// Something worth knowing.
    pub fn information(number: i32, text: impl Into<String>) -> Message {
        Message {
            number,
            state: 1,
            class: 0,
            text: text.into(),
            server: String::new(),
            procedure: String::new(),
            line: 1,
        }
    }

    /// What is said to a request that is understood and not served.
    pub fn refusal(error: &ProtocolError) -> Message {
        Message::error(NOT_SERVED, error.to_string())
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.class >= FIRST_ERROR_CLASS
    }

    pub(super) fn write(&self, output: &mut Vec<u8>) {
        let token = if self.is_error() { 0xAA } else { 0xAB };
        counted_token(output, token, |body| {
            body.extend(self.number.to_le_bytes());
            body.extend([self.state, self.class]);
            us_varchar(body, first_units(&self.text, MOST_TEXT_UNITS));
            b_varchar(body, first_units(&self.server, MOST_NAME_UNITS));
            b_varchar(body, first_units(&self.procedure, MOST_NAME_UNITS));
            body.extend(self.line.to_le_bytes());
        });
    }
}
