//! SELECT.

use super::lexer::TokenKind;
use super::{Cursor, Expression, expression};
use crate::sql::Halt;
use crate::sql::error::{syntax, unsupported};

/// A name of a table with what stands before it: database, schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub database: Option<String>,
    pub schema: Option<String>,
    pub name: String,
}

impl std::fmt::Display for Name {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for part in [&self.database, &self.schema].into_iter().flatten() {
            write!(formatter, "{part}.")?;
        }
        formatter.write_str(&self.name)
    }
}

/// A SELECT as it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    pub distinct: bool,
    pub top: Option<Expression>,
    pub items: Vec<Item>,
    /// The table that the rows go into; the outermost query alone may have one.
    pub into: Option<Name>,
    pub from: Option<Source>,
    pub condition: Option<Expression>,
    pub group_by: Vec<Expression>,
    pub having: Option<Expression>,
    pub order_by: Vec<Order>,
    /// Queries whose rows follow, and whether all of them do or only those that are new.
    pub unions: Vec<(bool, Query)>,
}

/// What is selected.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// `*`, of one source or of all.
    All(Option<String>),
    /// An expression, and the name it is given.
    Expression(Expression, Option<String>),
}

/// Where rows come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    Table { name: Name, alias: Option<String> },
    Query { query: Box<Query>, alias: String },
    Join(Box<Join>),
}

/// Two sources.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    pub kind: JoinKind,
    pub left: Source,
    pub right: Source,
    pub condition: Option<Expression>,
}

/// Which rows of two sources come together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    /// Those for which the condition holds.
    Inner,
    /// Those, and each row of the left without a match.
    Left,
}

/// What rows are ordered by.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    pub by: Expression,
    pub descending: bool,
}

/// The SELECT that stands next, from its keyword on.
pub fn query(cursor: &mut Cursor<'_>) -> Result<Query, Halt> {
    if cursor.is_word("WITH") { cursor.deeper(super::common::with) } else { cursor.deeper(select) }
}

pub(super) fn select(cursor: &mut Cursor<'_>) -> Result<Query, Halt> {
    let mut query = part(cursor)?;
    while cursor.take_word("UNION") {
        cursor.operator()?;
        let is_all = cursor.take_word("ALL");
        let other = part(cursor)?;
        if other.into.is_some() {
            return Err(cursor.at_line(syntax("INTO")));
        }
        query.unions.push((is_all, other));
    }
    for word in ["EXCEPT", "INTERSECT"] {
        if cursor.is_word(word) {
            return Err(cursor.at_line(unsupported(word)));
        }
    }
    if cursor.take_words(&["ORDER", "BY"]) {
        query.order_by.push(order(cursor)?);
        while cursor.take_symbol(",") {
            query.order_by.push(order(cursor)?);
        }
        if cursor.is_word("OFFSET") {
            return Err(cursor.at_line(unsupported("OFFSET")));
        }
    }
    if cursor.is_word("FOR") {
        return Err(cursor.at_line(unsupported("FOR XML, FOR JSON and FOR BROWSE")));
    }
    if cursor.take_word("OPTION") {
        // Hints are for a planner; there is none.
        skip_parentheses(cursor)?;
    }
    Ok(query)
}

/// A SELECT without what may follow several of them together.
fn part(cursor: &mut Cursor<'_>) -> Result<Query, Halt> {
    cursor.expect_word("SELECT")?;
    let distinct = cursor.take_word("DISTINCT");
    cursor.take_word("ALL");
    let top = if cursor.take_word("TOP") { Some(top(cursor)?) } else { None };
    let mut items = vec![item(cursor)?];
    while cursor.take_symbol(",") {
        items.push(item(cursor)?);
    }
    let into = if cursor.take_word("INTO") { Some(table_name(cursor)?) } else { None };
    let from = if cursor.take_word("FROM") { Some(sources(cursor)?) } else { None };
    let condition = if cursor.take_word("WHERE") { Some(expression(cursor)?) } else { None };
    let mut group_by = Vec::new();
    if cursor.take_words(&["GROUP", "BY"]) {
        group_by.push(expression(cursor)?);
        while cursor.take_symbol(",") {
            group_by.push(expression(cursor)?);
        }
    }
    let having = if cursor.take_word("HAVING") { Some(expression(cursor)?) } else { None };
    let (order_by, unions) = (Vec::new(), Vec::new());
    Ok(Query { distinct, top, items, into, from, condition, group_by, having, order_by, unions })
}

fn top(cursor: &mut Cursor<'_>) -> Result<Expression, Halt> {
    let top = if cursor.take_symbol("(") {
        let top = expression(cursor)?;
        cursor.expect_symbol(")")?;
        top
    } else {
        Expression::Number(cursor.integer()?.to_string())
    };
    for word in ["PERCENT", "WITH"] {
        if cursor.is_word(word) {
            return Err(cursor.at_line(unsupported(format_args!("TOP … {word}"))));
        }
    }
    Ok(top)
}

fn item(cursor: &mut Cursor<'_>) -> Result<Item, Halt> {
    if cursor.take_symbol("*") {
        return Ok(Item::All(None));
    }
    if cursor.is_name()
        && matches!(
            (cursor.peek_at(1), cursor.peek_at(2)),
            (Some(TokenKind::Symbol(".")), Some(TokenKind::Symbol("*")))
        )
    {
        let alias = cursor.name()?;
        cursor.next();
        cursor.next();
        return Ok(Item::All(Some(alias)));
    }
    // `name = expression`.
    if cursor.is_name() && matches!(cursor.peek_at(1), Some(TokenKind::Symbol("="))) {
        let alias = cursor.name()?;
        cursor.next();
        return Ok(Item::Expression(expression(cursor)?, Some(alias)));
    }
    if matches!(
        (cursor.peek(), cursor.peek_at(1)),
        (Some(TokenKind::Variable(_)), Some(TokenKind::Symbol("=")))
    ) {
        return Err(cursor.at_line(unsupported("SELECT that sets a variable")));
    }
    let value = expression(cursor)?;
    Ok(Item::Expression(value, alias(cursor, true)?))
}

/// A name behind something, with AS or without; for columns it may be written as text.
fn alias(cursor: &mut Cursor<'_>, may_be_text: bool) -> Result<Option<String>, Halt> {
    let with_as = cursor.take_word("AS");
    if may_be_text && let Some(TokenKind::Text(text, _)) = cursor.peek() {
        cursor.next();
        return Ok(Some(text.clone()));
    }
    if with_as {
        return cursor.name().map(Some);
    }
    // A statement may follow without a semicolon: what begins one is no alias.
    if cursor.is_name() && !crate::sql::statement::begins(cursor) {
        cursor.name().map(Some)
    } else {
        Ok(None)
    }
}

fn sources(cursor: &mut Cursor<'_>) -> Result<Source, Halt> {
    let mut left = joined(cursor)?;
    while cursor.take_symbol(",") {
        cursor.operator()?;
        let right = joined(cursor)?;
        left = Source::Join(Box::new(Join { kind: JoinKind::Inner, left, right, condition: None }));
    }
    Ok(left)
}

fn joined(cursor: &mut Cursor<'_>) -> Result<Source, Halt> {
    let mut left = source(cursor)?;
    loop {
        let kind = if cursor.take_words(&["CROSS", "JOIN"]) {
            None
        } else if cursor.take_word("JOIN") || cursor.take_words(&["INNER", "JOIN"]) {
            Some(JoinKind::Inner)
        } else if cursor.take_words(&["LEFT", "JOIN"]) || cursor.take_words(&["LEFT", "OUTER", "JOIN"]) {
            Some(JoinKind::Left)
        } else if ["RIGHT", "FULL", "CROSS", "OUTER"].iter().any(|word| cursor.is_word(word)) {
            return Err(cursor.at_line(unsupported("a join other than INNER, LEFT and CROSS")));
        } else {
            return Ok(left);
        };
        cursor.operator()?;
        let right = source(cursor)?;
        let condition = match kind {
            Some(_) => {
                cursor.expect_word("ON")?;
                Some(expression(cursor)?)
            }
            None => None,
        };
        left = Source::Join(Box::new(Join { kind: kind.unwrap_or(JoinKind::Inner), left, right, condition }));
    }
}

fn source(cursor: &mut Cursor<'_>) -> Result<Source, Halt> {
    if cursor.take_symbol("(") {
        if cursor.is_word("SELECT") {
            let inner = query(cursor)?;
            cursor.expect_symbol(")")?;
            let alias = alias(cursor, false)?.ok_or_else(|| cursor.wrong())?;
            return Ok(Source::Query { query: Box::new(inner), alias });
        }
        let inner = cursor.deeper(sources)?;
        cursor.expect_symbol(")")?;
        return Ok(inner);
    }
    let name = table_name(cursor)?;
    if cursor.is_symbol("(") {
        return Err(cursor.at_line(unsupported("a function that returns a table")));
    }
    let alias = alias(cursor, false)?;
    skip_hints(cursor)?;
    Ok(Source::Table { name, alias })
}

/// The name of a table, with what stands before it.
pub fn table_name(cursor: &mut Cursor<'_>) -> Result<Name, Halt> {
    let mut parts = vec![cursor.name()?];
    while cursor.take_symbol(".") {
        // The schema between two points may be left out.
        parts.push(if cursor.is_symbol(".") { String::new() } else { cursor.name()? });
    }
    let written = parts.join(".");
    let mut part = || parts.pop().filter(|part| !part.is_empty());
    let name = part().ok_or_else(|| cursor.wrong())?;
    let name = Name { name, schema: part(), database: part() };
    if part().is_some() {
        return Err(cursor.at_line(unsupported(format_args!("{written}, a table of another server"))));
    }
    Ok(name)
}

/// Hints, such as NOLOCK: nothing is ever locked here.
pub fn skip_hints(cursor: &mut Cursor<'_>) -> Result<(), Halt> {
    if cursor.is_word("WITH") && matches!(cursor.peek_at(1), Some(TokenKind::Symbol("("))) {
        cursor.next();
        skip_parentheses(cursor)?;
    }
    Ok(())
}

fn order(cursor: &mut Cursor<'_>) -> Result<Order, Halt> {
    let by = expression(cursor)?;
    let descending = cursor.take_word("DESC");
    if !descending {
        cursor.take_word("ASC");
    }
    Ok(Order { by, descending })
}

/// Everything in a pair of parentheses.
pub fn skip_parentheses(cursor: &mut Cursor<'_>) -> Result<(), Halt> {
    cursor.expect_symbol("(")?;
    let mut depth = 1;
    while depth > 0 {
        match cursor.next() {
            Some(TokenKind::Symbol("(")) => depth += 1,
            Some(TokenKind::Symbol(")")) => depth -= 1,
            Some(_) => {}
            None => return Err(cursor.wrong()),
        }
    }
    Ok(())
}
