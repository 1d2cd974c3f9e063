//! What a client did against the protocol, and values that do not fit their column.

/// Something in the client's bytes that cannot be understood or is not allowed. After one of these, unless it is
/// [`ProtocolError::Unsupported`], nobody knows where the next message begins: the connection must be closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// A length or an offset leads beyond the message.
    #[error("the message ends inside {what}: expected {expected} bytes at byte {at}, got {got}")]
    Ended {
        /// What is being read.
        what: &'static str,
        /// Byte of the message, counted from 0 behind its packets' headers.
        at: usize,
        /// Bytes needed.
        expected: usize,
        /// Bytes there are.
        got: usize,
    },
    /// A value that the specification does not have.
    #[error("{what}: expected {expected}, got {got}, at byte {at}")]
    Wrong {
        /// What is being read.
        what: &'static str,
        /// What the specification has.
        expected: &'static str,
        /// What came.
        got: String,
        /// Byte of the message, counted from 0 behind its packets' headers.
        at: usize,
    },
    /// More than this side is ready to hold.
    #[error("{what}: expected at most {limit}, got {got}")]
    TooMuch {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: usize,
        /// What came.
        got: usize,
    },
    /// A message at the wrong time.
    #[error("expected {expected}, got a message of type 0x{got:02x}: is this a TDS 7.4 client?")]
    OutOfOrder {
        /// What comes at this time.
        expected: &'static str,
        /// Packet type that came.
        got: u8,
    },
    /// Understood, and not served here. The message was whole, so the connection can go on.
    #[error("{what} is not served here: {remedy}")]
    Unsupported {
        /// What was asked for.
        what: &'static str,
        /// What to do instead.
        remedy: &'static str,
    },
}

/// A value that cannot be sent in its column. Nothing of its row has been written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The value is of another type.
    #[error("column {column:?} is {expected}, got {got}")]
    Type {
        /// Name of the column or parameter.
        column: String,
        /// Its type.
        expected: &'static str,
        /// The value, at most as long as a line.
        got: String,
    },
    /// The value is too large for the column.
    #[error("column {column:?} is {expected}; {got} does not fit")]
    Range {
        /// Name of the column or parameter.
        column: String,
        /// Its type.
        expected: &'static str,
        /// The value, at most as long as a line.
        got: String,
    },
    /// No value, in a column that must have one.
    #[error("column {column:?} is not nullable, got NULL")]
    Null {
        /// Name of the column or parameter.
        column: String,
    },
    /// Values and columns are not equally many.
    #[error("expected {expected} values, one for each column, got {got}")]
    Count {
        /// Columns.
        expected: usize,
        /// Values.
        got: usize,
    },
    /// More than the protocol can count.
    #[error("{what}: expected at most {limit}, got {got}")]
    TooMuch {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: usize,
        /// What came.
        got: usize,
    },
}
