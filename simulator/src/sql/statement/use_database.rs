//! USE.

use spatialcloud_tds::Command;

use super::Statement;
use crate::sql::Halt;
use crate::sql::backend::Answer;
use crate::sql::interpreter::Interpreter;
use crate::sql::language::Cursor;

struct Use(String);

pub fn parse(cursor: &mut Cursor<'_>) -> Result<Box<dyn Statement>, Halt> {
    cursor.expect_word("USE")?;
    Ok(Box::new(Use(cursor.name()?)))
}

impl Statement for Use {
    fn run(&self, session: &mut Interpreter, answer: &mut Answer<'_>) -> Result<(), Halt> {
        session.use_database(&self.0, answer)?;
        answer.done(Command::NONE, None);
        Ok(())
    }
}
