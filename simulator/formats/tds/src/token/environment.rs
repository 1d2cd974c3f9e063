//! ENVCHANGE: something of the session is no longer as it was (\[MS-TDS\] 2.2.7.9).

use crate::output::{b_varchar, counted_token};
use crate::types::Collation;

/// A change, and what it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum EnvironmentChange<'a> {
    Database {
        new: &'a str,
        old: &'a str,
    },
    Language {
        new: &'a str,
        old: &'a str,
    },
    PacketBytes {
        new: u16,
        old: u16,
    },
    Collation {
        new: Collation,
        old: Option<Collation>,
    },
    /// A transaction has begun; requests name it by this number.
    TransactionBegun(u64),
    TransactionCommitted(u64),
    TransactionRolledBack(u64),
    /// The session is as if newly logged in.
    ConnectionReset,
}

const ENVCHANGE: u8 = 0xE3;

impl EnvironmentChange<'_> {
    pub(super) fn write(&self, output: &mut Vec<u8>) {
        counted_token(output, ENVCHANGE, |body| match self {
            EnvironmentChange::Database { new, old } => texts(body, 1, new, old),
            EnvironmentChange::Language { new, old } => texts(body, 2, new, old),
            EnvironmentChange::PacketBytes { new, old } => texts(body, 4, &new.to_string(), &old.to_string()),
            EnvironmentChange::Collation { new, old } => {
                let old = old.map(Collation::to_bytes);
                bytes(body, 7, &new.to_bytes(), old.as_ref().map_or(&[], |bytes| bytes));
            }
            EnvironmentChange::TransactionBegun(number) => bytes(body, 8, &number.to_le_bytes(), &[]),
            EnvironmentChange::TransactionCommitted(number) => bytes(body, 9, &[], &number.to_le_bytes()),
            EnvironmentChange::TransactionRolledBack(number) => bytes(body, 10, &[], &number.to_le_bytes()),
            EnvironmentChange::ConnectionReset => bytes(body, 18, &[], &[]),
        });
    }
}

fn texts(output: &mut Vec<u8>, kind: u8, new: &str, old: &str) {
    output.push(kind);
    b_varchar(output, new);
    b_varchar(output, old);
}

fn bytes(output: &mut Vec<u8>, kind: u8, new: &[u8], old: &[u8]) {
    output.push(kind);
    for value in [new, old] {
        // Eight at most.
        output.push(value.len() as u8);
        output.extend(value);
    }
}
