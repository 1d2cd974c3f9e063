//! IF … ELSE, and BEGIN … END.

use super::Statement;
use crate::sql::Halt;
use crate::sql::backend::Answer;
use crate::sql::error::unsupported;
use crate::sql::evaluate::{Scope, bind_condition};
use crate::sql::interpreter::Interpreter;
use crate::sql::language::{Cursor, Expression, expression};

type Block = Vec<Box<dyn Statement>>;

struct If {
    condition: Expression,
    then: Block,
    other: Block,
}

pub fn parse_if(cursor: &mut Cursor<'_>) -> Result<Box<dyn Statement>, Halt> {
    cursor.expect_word("IF")?;
    let condition = expression(cursor)?;
    let then = cursor.deeper(block)?;
    // A semicolon may stand before ELSE.
    let has_other = cursor.is_word("ELSE") || cursor.is_symbol(";") && cursor.is_word_at(1, "ELSE");
    let mut other = Vec::new();
    if has_other {
        cursor.take_symbol(";");
        cursor.expect_word("ELSE")?;
        other = cursor.deeper(block)?;
    }
    Ok(Box::new(If { condition, then, other }))
}

/// Statements between BEGIN and END.
struct Group(Block);

pub fn parse_group(cursor: &mut Cursor<'_>) -> Result<Box<dyn Statement>, Halt> {
    for word in ["TRY", "CATCH", "DISTRIBUTED", "ATOMIC"] {
        if cursor.is_word_at(1, word) {
            return Err(cursor.at_line(unsupported(format_args!("BEGIN {word}"))));
        }
    }
    Ok(Box::new(Group(cursor.deeper(block)?)))
}

/// A statement, or several between BEGIN and END.
fn block(cursor: &mut Cursor<'_>) -> Result<Block, Halt> {
    let is_transaction = cursor.is_word_at(1, "TRAN") || cursor.is_word_at(1, "TRANSACTION");
    if is_transaction || !cursor.take_word("BEGIN") {
        return Ok(vec![super::one(cursor, false)?]);
    }
    let mut statements = Vec::new();
    loop {
        while cursor.take_symbol(";") {}
        if cursor.take_word("END") {
            return if statements.is_empty() { Err(cursor.wrong()) } else { Ok(statements) };
        }
        statements.push(super::one(cursor, false)?);
    }
}

impl Statement for If {
    fn run(&self, session: &mut Interpreter, answer: &mut Answer<'_>) -> Result<(), Halt> {
        let world = session.world();
        let holds = session.with_context(&world, |context| {
            bind_condition(&self.condition, &mut Scope::default(), context)?.holds(context, &[])
        })?;
        let chosen = if holds { &self.then } else { &self.other };
        chosen.iter().try_for_each(|statement| session.run_one(&**statement, answer))
    }
}

impl Statement for Group {
    fn run(&self, session: &mut Interpreter, answer: &mut Answer<'_>) -> Result<(), Halt> {
        self.0.iter().try_for_each(|statement| session.run_one(&**statement, answer))
    }
}
