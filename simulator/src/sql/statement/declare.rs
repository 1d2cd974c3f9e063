//! DECLARE.

use spatialcloud_tds::{ColumnType, Command, Value};

use super::Statement;
use crate::sql::Halt;
use crate::sql::backend::Answer;
use crate::sql::error::unsupported;
use crate::sql::evaluate::{Scope, bind_value, convert};
use crate::sql::interpreter::Interpreter;
use crate::sql::language::{Cursor, Expression, TokenKind, column_type, expression};

struct Declare(Vec<(String, ColumnType, Option<Expression>)>);

pub fn parse(cursor: &mut Cursor<'_>) -> Result<Box<dyn Statement>, Halt> {
    cursor.expect_word("DECLARE")?;
    let mut variables = Vec::new();
    loop {
        let Some(TokenKind::Variable(name)) = cursor.peek() else { return Err(cursor.wrong()) };
        cursor.next();
        cursor.take_word("AS");
        if cursor.is_word("TABLE") {
            return Err(unsupported("a variable that is a table"));
        }
        let column_type = column_type(cursor)?;
        let value = if cursor.take_symbol("=") { Some(expression(cursor)?) } else { None };
        variables.push((name.clone(), column_type, value));
        if !cursor.take_symbol(",") {
            return Ok(Box::new(Declare(variables)));
        }
    }
}

impl Statement for Declare {
    fn run(&self, session: &mut Interpreter, answer: &mut Answer<'_>) -> Result<(), Halt> {
        for (name, column_type, expression) in &self.0 {
            if session.variables.iter().any(|(known, ..)| known.eq_ignore_ascii_case(name)) {
                let words = format!("The variable name '{name}' has already been declared.");
                return Err(Halt::error(134, words));
            }
            let value = match expression {
                None => Value::Null,
                Some(expression) => {
                    let world = session.world();
                    session.with_context(&world, |context| {
                        let bound = bind_value(expression, &mut Scope::default(), context)?;
                        convert(bound.value(context, &[])?, &bound.column_type, column_type, 0)
                    })?
                }
            };
            session.variables.push((name.clone(), column_type.clone(), value));
        }
        answer.done(Command::NONE, None);
        Ok(())
    }
}
