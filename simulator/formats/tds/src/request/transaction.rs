//! Requests to the transaction manager (\[MS-TDS\] 2.2.6.9).

use crate::error::ProtocolError;
use crate::input::Input;

/// How far a transaction keeps away from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum IsolationLevel {
    /// As the session has it.
    Unchanged,
    ReadUncommitted,
    ReadCommitted,
    RepeatableRead,
    Serializable,
    Snapshot,
}

/// What the transaction manager is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransactionRequest {
    /// Begin one.
    Begin {
        /// How it keeps away from others.
        isolation: IsolationLevel,
        /// Its name; mostly empty.
        name: String,
    },
    /// Commit it.
    Commit {
        /// Its name; mostly empty.
        name: String,
        /// Begin another at once.
        then: Option<(IsolationLevel, String)>,
    },
    /// Roll it back.
    Rollback {
        /// Its name, or that of a savepoint; mostly empty.
        name: String,
        /// Begin another at once.
        then: Option<(IsolationLevel, String)>,
    },
    /// Make a savepoint.
    Save {
        /// Its name.
        name: String,
    },
}

impl TransactionRequest {
    pub(crate) fn parse(input: &mut Input<'_>) -> Result<TransactionRequest, ProtocolError> {
        match input.u16("type of a transaction request")? {
            5 => {
                let (isolation, name) = begin(input)?;
                Ok(TransactionRequest::Begin { isolation, name })
            }
            7 => Ok(TransactionRequest::Commit { name: name(input)?, then: then(input)? }),
            8 => Ok(TransactionRequest::Rollback { name: name(input)?, then: then(input)? }),
            9 => Ok(TransactionRequest::Save { name: name(input)? }),
            0 | 1 | 6 => Err(ProtocolError::Unsupported {
                what: "a distributed transaction",
                remedy: "begin a local one, with BEGIN TRANSACTION",
            }),
            other => Err(input.wrong(
                "type of a transaction request",
                "5 (begin), 7 (commit), 8 (roll back) or 9 (save)",
                other,
                2,
            )),
        }
    }
}

fn name(input: &mut Input<'_>) -> Result<String, ProtocolError> {
    input.b_varchar("name of a transaction")
}

fn begin(input: &mut Input<'_>) -> Result<(IsolationLevel, String), ProtocolError> {
    let isolation = match input.u8("isolation level")? {
        0 => IsolationLevel::Unchanged,
        1 => IsolationLevel::ReadUncommitted,
        2 => IsolationLevel::ReadCommitted,
        3 => IsolationLevel::RepeatableRead,
        4 => IsolationLevel::Serializable,
        5 => IsolationLevel::Snapshot,
        other => return Err(input.wrong("isolation level", "0 to 5", other, 1)),
    };
    Ok((isolation, name(input)?))
}

fn then(input: &mut Input<'_>) -> Result<Option<(IsolationLevel, String)>, ProtocolError> {
    const BEGIN_ANOTHER: u8 = 1;
    match input.u8("flags of a transaction request")? & BEGIN_ANOTHER {
        0 => Ok(None),
        _ => begin(input).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read() {
        let parse = |bytes: &[u8]| TransactionRequest::parse(&mut Input::new(bytes));
        let begin =
            TransactionRequest::Begin { isolation: IsolationLevel::ReadCommitted, name: "t".to_owned() };
        assert_eq!(parse(&[5, 0, 2, 1, b't', 0]), Ok(begin));
        let commit = TransactionRequest::Commit {
            name: String::new(),
            then: Some((IsolationLevel::Unchanged, String::new())),
        };
        assert_eq!(parse(&[7, 0, 0, 1, 0, 0]), Ok(commit));
        assert_eq!(
            parse(&[8, 0, 0, 0]),
            Ok(TransactionRequest::Rollback { name: String::new(), then: None })
        );
        assert_eq!(parse(&[9, 0, 1, b's', 0]), Ok(TransactionRequest::Save { name: "s".to_owned() }));
        assert!(matches!(parse(&[6, 0]), Err(ProtocolError::Unsupported { .. })));
        assert!(parse(&[5, 0, 9, 0]).is_err());
        assert!(parse(&[5, 0, 1, 9]).is_err());
    }
}
