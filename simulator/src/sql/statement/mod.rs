//! Statements: one file each, one line in [`STATEMENTS`].

mod backup;
mod condition;
mod database;
mod declare;
mod execute;
mod insert;
mod keys;
mod options;
mod print;
mod restore;
mod select;
mod set;
mod table;
mod transaction;
mod use_database;
mod writing;

use super::Halt;
use super::backend::Answer;
use super::error::unsupported;
use super::interpreter::Interpreter;
use super::language::{Cursor, TokenKind};

/// A statement that has been understood.
pub trait Statement {
    /// Does it.
    fn run(&self, session: &mut Interpreter, answer: &mut Answer<'_>) -> Result<(), Halt>;
}

/// Reads the statement that stands next, from its first word on.
type Parse = fn(&mut Cursor<'_>) -> Result<Box<dyn Statement>, Halt>;

/// The first words of each statement, and who reads it.
static STATEMENTS: &[(&[&str], Parse)] = &[
    (&["SELECT"], select::parse),
    (&["SET"], set::parse),
    (&["USE"], use_database::parse),
    (&["BEGIN", "TRAN"], transaction::begin),
    (&["BEGIN", "TRANSACTION"], transaction::begin),
    (&["COMMIT"], transaction::commit),
    (&["ROLLBACK"], transaction::roll_back),
    (&["SAVE"], transaction::save),
    (&["BEGIN"], condition::parse_group),
    (&["IF"], condition::parse_if),
    (&["WITH"], select::parse),
    (&["DECLARE"], declare::parse),
    (&["PRINT"], print::parse),
    (&["EXEC"], execute::parse),
    (&["EXECUTE"], execute::parse),
    (&["RESTORE"], restore::parse),
    (&["BACKUP"], backup::parse),
    (&["CREATE", "SCHEMA"], database::create_schema),
    (&["CREATE", "DATABASE"], database::create),
    (&["ALTER", "DATABASE"], database::alter),
    (&["DROP", "DATABASE"], database::drop),
    (&["CREATE", "TABLE"], table::create),
    (&["ALTER", "TABLE"], table::alter),
    (&["DROP", "TABLE"], table::drop),
    (&["TRUNCATE", "TABLE"], table::truncate),
    (&["CREATE", "INDEX"], table::create_index),
    (&["CREATE", "UNIQUE"], table::create_index),
    (&["CREATE", "CLUSTERED"], table::create_index),
    (&["CREATE", "NONCLUSTERED"], table::create_index),
    (&["CREATE", "SPATIAL"], table::create_index),
    (&["DROP", "INDEX"], table::drop_index),
    (&["INSERT"], insert::insert),
    (&["DELETE"], insert::delete),
];

/// Statements that are known and not served: more than these are told by their first word alone.
const NOT_SERVED: &[&str] = &[
    "ALTER",
    "BULK",
    "CHECKPOINT",
    "CREATE",
    "DBCC",
    "DENY",
    "DROP",
    "FETCH",
    "GRANT",
    "KILL",
    "MERGE",
    "OPEN",
    "RAISERROR",
    "RECONFIGURE",
    "RETURN",
    "REVOKE",
    "SHUTDOWN",
    "THROW",
    "TRUNCATE",
    "UPDATE",
    "WAITFOR",
    "WHILE",
];

/// Whether a statement begins here.
pub fn begins(cursor: &Cursor<'_>) -> bool {
    STATEMENTS.iter().any(|(words, _)| words.first().is_some_and(|word| cursor.is_word(word)))
        || NOT_SERVED.iter().any(|word| cursor.is_word(word))
}

/// Reads a whole batch.
pub fn parse(cursor: &mut Cursor<'_>) -> Result<Vec<Box<dyn Statement>>, Halt> {
    let mut statements: Vec<Box<dyn Statement>> = Vec::new();
    loop {
        while cursor.take_symbol(";") {}
        if cursor.is_at_end() {
            return Ok(statements);
        }
        cursor.begin_statement();
        let is_first = statements.is_empty();
        statements.push(one(cursor, is_first).map_err(|halt| cursor.at_line(halt))?);
    }
}

fn one(cursor: &mut Cursor<'_>, is_first: bool) -> Result<Box<dyn Statement>, Halt> {
    let is_it = |cursor: &Cursor<'_>, words: &[&str]| {
        words.iter().enumerate().all(|(ahead, word)| cursor.is_word_at(ahead, word))
    };
    if let Some((_, parse)) = STATEMENTS.iter().find(|(words, _)| is_it(cursor, words)) {
        return parse(cursor);
    }
    if let Some(word) = NOT_SERVED.iter().find(|word| cursor.is_word(word)) {
        return Err(unsupported(word));
    }
    match cursor.peek() {
        // At the beginning of a batch EXECUTE may be left out.
        Some(TokenKind::Word(_) | TokenKind::Name(_)) if is_first => execute::parse_call(cursor),
        _ => Err(cursor.wrong()),
    }
}
