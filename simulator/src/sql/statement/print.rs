//! PRINT.

use spatialcloud_tds::{Command, Message};

use super::Statement;
use crate::sql::Halt;
use crate::sql::backend::Answer;
use crate::sql::evaluate::{Scope, bind_value, convert};
use crate::sql::interpreter::Interpreter;
use crate::sql::language::{Cursor, Expression, expression};

struct Print(Expression);

pub fn parse(cursor: &mut Cursor<'_>) -> Result<Box<dyn Statement>, Halt> {
    cursor.expect_word("PRINT")?;
    Ok(Box::new(Print(expression(cursor)?)))
}

impl Statement for Print {
    fn run(&self, session: &mut Interpreter, answer: &mut Answer<'_>) -> Result<(), Halt> {
        let world = session.world();
        let text = session.with_context(&world, |context| {
            let bound = bind_value(&self.0, &mut Scope::default(), context)?;
            let text = spatialcloud_tds::ColumnType::nvarchar(4000);
            convert(bound.value(context, &[])?, &bound.column_type, &text, 0)
        })?;
        let text = if text.is_null() { String::new() } else { text.to_string() };
        answer.message(&Message::information(0, text));
        answer.done(Command::NONE, None);
        Ok(())
    }
}
