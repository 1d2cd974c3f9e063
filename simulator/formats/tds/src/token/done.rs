//! DONE, DONEPROC, DONEINPROC: the end of a statement (\[MS-TDS\] 2.2.7.6 to 2.2.7.8).

/// What has come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum DoneKind {
    /// A statement of a batch (DONE).
    Statement = 0xFD,
    /// A procedure (DONEPROC).
    Procedure = 0xFE,
    /// A statement inside a procedure (DONEINPROC).
    StatementInProcedure = 0xFF,
}

/// The kind of statement, as SQL Server numbers them (CurCmd).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Command(pub u16);

impl Command {
    /// No kind in particular.
    pub const NONE: Command = Command(0);
    /// SELECT.
    pub const SELECT: Command = Command(0xC1);
    /// SELECT INTO.
    pub const SELECT_INTO: Command = Command(0xC2);
    /// INSERT.
    pub const INSERT: Command = Command(0xC3);
    /// DELETE.
    pub const DELETE: Command = Command(0xC4);
    /// UPDATE.
    pub const UPDATE: Command = Command(0xC5);
    /// BEGIN TRANSACTION.
    pub const BEGIN_TRANSACTION: Command = Command(0xD4);
    /// COMMIT.
    pub const COMMIT: Command = Command(0xD5);
    /// ROLLBACK.
    pub const ROLLBACK: Command = Command(0xD2);
    /// EXECUTE.
    pub const EXECUTE: Command = Command(0xE0);
}

/// The end of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    /// Of what.
    pub kind: DoneKind,
    /// Whether more follows in this answer.
    pub more: bool,
    /// Whether it failed.
    pub failed: bool,
    /// Whether a transaction is open.
    pub in_transaction: bool,
    /// Rows it was about, where that can be said.
    pub rows: Option<u64>,
    /// Whether this acknowledges an attention.
    pub attention: bool,
    /// The kind of statement.
    pub command: Command,
}

impl Done {
    /// The last statement of a batch, successful, without rows.
    pub fn statement(command: Command) -> Done {
        Done {
            kind: DoneKind::Statement,
            more: false,
            failed: false,
            in_transaction: false,
            rows: None,
            attention: false,
            command,
        }
    }

    /// The same, about so many rows.
    pub fn rows(command: Command, rows: u64) -> Done {
        Done { rows: Some(rows), ..Done::statement(command) }
    }

    /// The same, failed.
    pub fn failure() -> Done {
        Done { failed: true, ..Done::statement(Command::NONE) }
    }

    /// The answer to an attention.
    pub fn attention() -> Done {
        Done { attention: true, ..Done::statement(Command::NONE) }
    }

    pub(super) fn write(self, output: &mut Vec<u8>) {
        let bits = [
            (self.more, 0x01),
            (self.failed, 0x02),
            (self.in_transaction, 0x04),
            (self.rows.is_some(), 0x10),
            (self.attention, 0x20),
        ];
        let status: u16 = bits.into_iter().map(|(is_set, bit)| if is_set { bit } else { 0 }).sum();
        output.push(self.kind as u8);
        output.extend(status.to_le_bytes());
        output.extend(self.command.0.to_le_bytes());
        output.extend(self.rows.unwrap_or(0).to_le_bytes());
    }
}
