//! EXECUTE, and a procedure's name alone.

use super::Statement;
use crate::sql::Halt;
use crate::sql::backend::Answer;
use crate::sql::error::unsupported;
use crate::sql::evaluate::{Scope, bind_value};
use crate::sql::interpreter::Interpreter;
use crate::sql::language::{Cursor, Expression, TokenKind, expression};
use crate::sql::procedure::{self, Argument};

struct Execute {
    name: String,
    arguments: Vec<(String, Expression)>,
}

pub fn parse(cursor: &mut Cursor<'_>) -> Result<Box<dyn Statement>, Halt> {
    cursor.next();
    if cursor.is_symbol("(") {
        return Err(unsupported("EXECUTE of a text; sp_executesql does the same"));
    }
    if matches!(cursor.peek_at(1), Some(TokenKind::Symbol("="))) {
        return Err(unsupported("EXECUTE that keeps what a procedure returns"));
    }
    parse_call(cursor)
}

/// From the procedure's name on.
pub fn parse_call(cursor: &mut Cursor<'_>) -> Result<Box<dyn Statement>, Halt> {
    let mut name = cursor.name()?;
    // Database and schema before it do not count: the system's procedures are everywhere.
    while cursor.take_symbol(".") {
        if !cursor.is_symbol(".") {
            name = cursor.name()?;
        }
    }
    let mut arguments = Vec::new();
    while !cursor.is_at_end() && !cursor.is_symbol(";") && !super::begins(cursor) {
        let mut argument_name = String::new();
        if let (Some(TokenKind::Variable(name)), Some(TokenKind::Symbol("="))) =
            (cursor.peek(), cursor.peek_at(1))
        {
            argument_name = name.clone();
            cursor.next();
            cursor.next();
        }
        // A word alone is a text here.
        let value = match cursor.peek() {
            Some(TokenKind::Word(word)) if !word.eq_ignore_ascii_case("NULL") => {
                cursor.next();
                Expression::Text(word.clone(), true)
            }
            _ => expression(cursor)?,
        };
        if cursor.take_word("OUTPUT") || cursor.take_word("OUT") {
            return Err(unsupported("EXECUTE with parameters that are given back"));
        }
        arguments.push((argument_name, value));
        if !cursor.take_symbol(",") {
            break;
        }
    }
    Ok(Box::new(Execute { name, arguments }))
}

impl Statement for Execute {
    fn run(&self, session: &mut Interpreter, answer: &mut Answer<'_>) -> Result<(), Halt> {
        let world = session.world();
        let arguments = session.with_context(&world, |context| {
            let arguments = self.arguments.iter().map(|(name, expression)| {
                let bound = bind_value(expression, &mut Scope::default(), context)?;
                let value = bound.value(context, &[])?;
                Ok(Argument { name: name.clone(), column_type: bound.column_type, value })
            });
            arguments.collect::<Result<Vec<_>, Halt>>()
        })?;
        procedure::run(&self.name, arguments, session, answer)
    }
}
