//! BEGIN, COMMIT, ROLLBACK, SAVE TRANSACTION.

use spatialcloud_tds::Command;

use super::Statement;
use crate::sql::Halt;
use crate::sql::backend::Answer;
use crate::sql::interpreter::Interpreter;
use crate::sql::language::{Cursor, TokenKind};

enum Transaction {
    Begin,
    Commit,
    RollBack { name: Option<String> },
    Save(String),
}

pub fn begin(cursor: &mut Cursor<'_>) -> Result<Box<dyn Statement>, Halt> {
    cursor.expect_word("BEGIN")?;
    name(cursor)?;
    Ok(Box::new(Transaction::Begin))
}

pub fn commit(cursor: &mut Cursor<'_>) -> Result<Box<dyn Statement>, Halt> {
    cursor.expect_word("COMMIT")?;
    name(cursor)?;
    Ok(Box::new(Transaction::Commit))
}

pub fn roll_back(cursor: &mut Cursor<'_>) -> Result<Box<dyn Statement>, Halt> {
    cursor.expect_word("ROLLBACK")?;
    Ok(Box::new(Transaction::RollBack { name: name(cursor)? }))
}

pub fn save(cursor: &mut Cursor<'_>) -> Result<Box<dyn Statement>, Halt> {
    cursor.expect_word("SAVE")?;
    let name = name(cursor)?.ok_or_else(|| cursor.wrong())?;
    Ok(Box::new(Transaction::Save(name)))
}

/// The word TRANSACTION in one of its writings, and a name where there is one.
fn name(cursor: &mut Cursor<'_>) -> Result<Option<String>, Halt> {
    if !cursor.take_word("TRAN") && !cursor.take_word("TRANSACTION") {
        cursor.take_word("WORK");
        return Ok(None);
    }
    if let Some(TokenKind::Variable(name)) = cursor.peek() {
        cursor.next();
        return Ok(Some(name.clone()));
    }
    let is_name = cursor.is_name() && !super::begins(cursor);
    if is_name { cursor.name().map(Some) } else { Ok(None) }
}

impl Statement for Transaction {
    fn run(&self, session: &mut Interpreter, answer: &mut Answer<'_>) -> Result<(), Halt> {
        let command = match self {
            Transaction::Begin => {
                session.transactions.begin(answer);
                Command::BEGIN_TRANSACTION
            }
            Transaction::Commit => {
                session.commit("", answer)?;
                Command::COMMIT
            }
            Transaction::RollBack { name } => {
                session.transactions.roll_back(name.as_deref().unwrap_or_default(), answer)?;
                Command::ROLLBACK
            }
            Transaction::Save(name) => {
                session.transactions.save(name)?;
                Command::NONE
            }
        };
        answer.done(command, None);
        Ok(())
    }
}
