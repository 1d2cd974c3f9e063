//! What stands behind WITH in RESTORE and BACKUP.

use spatialcloud_tds::{ColumnType, Message, Value};

use crate::sql::Halt;
use crate::sql::error::unsupported;
use crate::sql::evaluate::{Scope, bind_value, convert};
use crate::sql::interpreter::Interpreter;
use crate::sql::language::{Cursor, Expression, TokenKind, expression};

/// An option with what it is given: nothing, a value, or the two names of MOVE.
pub struct WithOption {
    /// Its name in capital letters.
    pub name: String,
    pub values: Vec<Expression>,
}

/// What becomes of an option.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It does what it says.
    Served,
    /// It is about devices, buffers or locks: it changes nothing here.
    Ignored,
    /// SQL Server knows it, and nobody here does.
    Refused,
}

/// The options of a statement, by name.
pub type Known = &'static [(&'static str, Taken)];

/// Reads the list behind WITH, if there is one.
pub fn parse(cursor: &mut Cursor<'_>, verb: &str, known: Known) -> Result<Vec<WithOption>, Halt> {
    let mut options = Vec::new();
    if !cursor.take_word("WITH") {
        return Ok(options);
    }
    loop {
        let name = match cursor.peek() {
            Some(TokenKind::Word(word)) => word.to_ascii_uppercase(),
            _ => return Err(cursor.wrong()),
        };
        match known.iter().find(|(option, _)| *option == name) {
            None => {
                let words = format!("'{name}' is not a recognized {verb} option.");
                let message = Message { class: 15, ..Message::error(155, words) };
                return Err(cursor.at_line(Halt::Failed(Box::new(message))));
            }
            Some((_, Taken::Refused)) => {
                return Err(cursor.at_line(unsupported(format_args!("{verb} WITH {name}"))));
            }
            Some(_) => {}
        }
        cursor.next();
        let mut values = Vec::new();
        if name == "MOVE" {
            values.push(expression(cursor)?);
            cursor.expect_word("TO")?;
            values.push(expression(cursor)?);
        } else if cursor.take_symbol("=") {
            values.push(expression(cursor)?);
        }
        options.push(WithOption { name, values });
        if !cursor.take_symbol(",") {
            return Ok(options);
        }
    }
}

/// The devices behind FROM or TO: `DISK = '…', DISK = @path`.
pub fn devices(cursor: &mut Cursor<'_>) -> Result<Vec<Expression>, Halt> {
    let mut devices = Vec::new();
    loop {
        if !cursor.take_word("DISK") {
            return Err(match cursor.peek() {
                Some(TokenKind::Word(_) | TokenKind::Name(_)) => {
                    cursor.at_line(unsupported("a backup device other than DISK = 'path'"))
                }
                _ => cursor.wrong(),
            });
        }
        cursor.expect_symbol("=")?;
        devices.push(expression(cursor)?);
        if !cursor.take_symbol(",") {
            return Ok(devices);
        }
    }
}

/// The name of a database: a word, or a variable that holds it.
pub fn database_name(cursor: &mut Cursor<'_>) -> Result<Expression, Halt> {
    match cursor.peek() {
        Some(TokenKind::Variable(name)) => {
            cursor.next();
            Ok(Expression::Variable(name.clone()))
        }
        _ => Ok(Expression::Text(cursor.name()?, true)),
    }
}

/// An expression without columns, as a text.
pub fn text(expression: &Expression, session: &Interpreter) -> Result<String, Halt> {
    let world = session.world();
    let value = session.with_context(&world, |context| {
        let bound = bind_value(expression, &mut Scope::default(), context)?;
        convert(bound.value(context, &[])?, &bound.column_type, &ColumnType::nvarchar(4000), 0)
    })?;
    Ok(if value.is_null() { String::new() } else { value.to_string() })
}

impl WithOption {
    /// Its value as a number from 1 on.
    pub fn number(&self, session: &Interpreter) -> Result<Option<u32>, Halt> {
        let Some(value) = self.values.first() else { return Ok(None) };
        let world = session.world();
        let value = session.with_context(&world, |context| {
            let bound = bind_value(value, &mut Scope::default(), context)?;
            convert(bound.value(context, &[])?, &bound.column_type, &ColumnType::Int, 0)
        })?;
        match value {
            Value::Integer(number) if number > 0 => Ok(u32::try_from(number).ok()),
            other => {
                let words =
                    format!("The value '{other}' is not within range for the {} parameter.", self.name);
                Err(Halt::error(3016, words))
            }
        }
    }
}
