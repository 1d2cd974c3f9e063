//! What a client asks once it is logged in.

mod headers;
mod rpc;
mod transaction;

pub use headers::Headers;
pub use rpc::{Call, Parameter, Procedure};
pub use transaction::{IsolationLevel, TransactionRequest};

use crate::error::ProtocolError;
use crate::input::{Input, utf16};
use crate::packet::{Message, PacketType};

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// Statements as text.
    Batch {
        /// What stands before them.
        headers: Headers,
        /// The text.
        sql: String,
    },
    /// Procedures, one after the other.
    Calls {
        /// What stands before them.
        headers: Headers,
        /// The procedures; at least one.
        calls: Vec<Call>,
    },
    /// To the transaction manager.
    Transaction {
        /// What stands before it.
        headers: Headers,
        /// What is to be done.
        request: TransactionRequest,
    },
    /// Give up what is running; it has nothing with it. It is always answered by DONE with its attention bit.
    Attention,
    /// Something that is known and not served. It is to be answered by an error; the connection goes on.
    Refused(ProtocolError),
}

impl Request {
    /// Reads a message that came behind the login.
    pub fn parse(message: &Message) -> Result<Request, ProtocolError> {
        match Request::read(message) {
            Err(refused @ ProtocolError::Unsupported { .. }) => Ok(Request::Refused(refused)),
            read => read,
        }
    }

    fn read(message: &Message) -> Result<Request, ProtocolError> {
        let mut input = Input::new(&message.body);
        match message.kind {
            PacketType::SqlBatch => {
                let headers = Headers::parse(&mut input)?;
                let rest = input.rest();
                if !rest.len().is_multiple_of(2) {
                    return Err(input.wrong(
                        "text of a batch",
                        "UTF-16, an even number of bytes",
                        rest.len(),
                        0,
                    ));
                }
                Ok(Request::Batch { headers, sql: utf16(rest) })
            }
            PacketType::Rpc => {
                let headers = Headers::parse(&mut input)?;
                Ok(Request::Calls { headers, calls: rpc::parse(&mut input)? })
            }
            PacketType::TransactionManager => {
                let headers = Headers::parse(&mut input)?;
                Ok(Request::Transaction { headers, request: TransactionRequest::parse(&mut input)? })
            }
            PacketType::Attention => Ok(Request::Attention),
            PacketType::BulkLoad => Err(ProtocolError::Unsupported {
                what: "bulk load",
                remedy: "tables here are filled by the nightly load alone",
            }),
            other => Err(ProtocolError::OutOfOrder {
                expected: "a batch, a procedure, a transaction request or an attention",
                got: other as u8,
            }),
        }
    }
}
