//! Expressions.

use spatialcloud_tds::ColumnType;

use super::lexer::TokenKind;
use super::{Cursor, Query, column_type, query};
use crate::sql::Halt;
use crate::sql::error::unsupported;

/// An operator with one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Unary {
    Minus,
    Complement,
    Not,
}

/// An operator with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    BitAnd,
    BitOr,
    BitXor,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    And,
    Or,
}

/// An expression as it is written.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    Null,
    Number(String),
    /// Whether it was written with N.
    Text(String, bool),
    Binary(Vec<u8>),
    Variable(String),
    /// A column, with what stands before its name: alias, or schema and table.
    Column(Vec<String>),
    Unary(Unary, Box<Expression>),
    Operation(Binary, Box<Expression>, Box<Expression>),
    IsNull {
        value: Box<Expression>,
        is_not: bool,
    },
    Like {
        value: Box<Expression>,
        pattern: Box<Expression>,
        escape: Option<Box<Expression>>,
        is_not: bool,
    },
    Between {
        value: Box<Expression>,
        low: Box<Expression>,
        high: Box<Expression>,
        is_not: bool,
    },
    In {
        value: Box<Expression>,
        list: Vec<Expression>,
        is_not: bool,
    },
    /// A query in place of the list.
    InQuery {
        value: Box<Expression>,
        query: Box<Query>,
        is_not: bool,
    },
    /// Whether a query has rows.
    Exists(Box<Query>),
    /// A query in place of a value.
    Query(Box<Query>),
    /// `operand` is compared with each condition; without it each condition is true or not.
    Case {
        operand: Option<Box<Expression>>,
        branches: Vec<(Expression, Expression)>,
        other: Option<Box<Expression>>,
    },
    /// `tries`: what cannot be converted is NULL.
    Convert {
        value: Box<Expression>,
        to: ColumnType,
        style: Option<Box<Expression>>,
        tries: bool,
    },
    Call {
        name: String,
        arguments: Vec<Expression>,
        distinct: bool,
    },
    /// `COUNT(*)`.
    CountRows,
    /// A method of a CLR type, such as `shape.STAsText()`; properties have no arguments.
    Method {
        value: Box<Expression>,
        name: String,
        arguments: Vec<Expression>,
    },
}

impl Expression {
    /// Shows each query in it to `see`.
    pub fn queries(&mut self, see: &mut dyn FnMut(&mut Query)) {
        use Expression::*;
        match self {
            Null | Number(_) | Text(..) | Binary(_) | Variable(_) | Column(_) | CountRows => {}
            Exists(query) | Query(query) => see(query),
            InQuery { value, query, .. } => {
                value.queries(see);
                see(query);
            }
            Unary(_, value) | IsNull { value, .. } => value.queries(see),
            Operation(_, left, right) => {
                left.queries(see);
                right.queries(see);
            }
            Like { value, pattern, .. } => {
                value.queries(see);
                pattern.queries(see);
            }
            Between { value, low, high, .. } => {
                [value, low, high].into_iter().for_each(|part| part.queries(see));
            }
            In { value, list, .. } => {
                value.queries(see);
                list.iter_mut().for_each(|item| item.queries(see));
            }
            Case { operand, branches, other } => {
                operand.iter_mut().chain(other).for_each(|part| part.queries(see));
                for (when, then) in branches {
                    when.queries(see);
                    then.queries(see);
                }
            }
            Convert { value, .. } => value.queries(see),
            Call { arguments, .. } => arguments.iter_mut().for_each(|argument| argument.queries(see)),
            Method { value, arguments, .. } => {
                value.queries(see);
                arguments.iter_mut().for_each(|argument| argument.queries(see));
            }
        }
    }
}

/// The expression that stands next.
pub fn expression(cursor: &mut Cursor<'_>) -> Result<Expression, Halt> {
    cursor.deeper(or)
}

fn or(cursor: &mut Cursor<'_>) -> Result<Expression, Halt> {
    let mut left = and(cursor)?;
    while cursor.take_word("OR") {
        cursor.operator()?;
        left = Expression::Operation(Binary::Or, Box::new(left), Box::new(and(cursor)?));
    }
    Ok(left)
}

fn and(cursor: &mut Cursor<'_>) -> Result<Expression, Halt> {
    let mut left = not(cursor)?;
    while cursor.take_word("AND") {
        cursor.operator()?;
        left = Expression::Operation(Binary::And, Box::new(left), Box::new(not(cursor)?));
    }
    Ok(left)
}

fn not(cursor: &mut Cursor<'_>) -> Result<Expression, Halt> {
    if cursor.take_word("NOT") {
        return cursor.deeper(|cursor| Ok(Expression::Unary(Unary::Not, Box::new(not(cursor)?))));
    }
    comparison(cursor)
}

const COMPARISONS: [(&str, Binary); 9] = [
    ("=", Binary::Equal),
    ("<>", Binary::NotEqual),
    ("!=", Binary::NotEqual),
    ("<=", Binary::LessOrEqual),
    ("!>", Binary::LessOrEqual),
    (">=", Binary::GreaterOrEqual),
    ("!<", Binary::GreaterOrEqual),
    ("<", Binary::Less),
    (">", Binary::Greater),
];

fn comparison(cursor: &mut Cursor<'_>) -> Result<Expression, Halt> {
    let left = additive(cursor)?;
    if let Some((_, operator)) = COMPARISONS.iter().find(|(symbol, _)| cursor.take_symbol(symbol)) {
        return Ok(Expression::Operation(*operator, Box::new(left), Box::new(additive(cursor)?)));
    }
    let value = Box::new(left);
    if cursor.take_word("IS") {
        let is_not = cursor.take_word("NOT");
        cursor.expect_word("NULL")?;
        return Ok(Expression::IsNull { value, is_not });
    }
    let is_not = cursor.take_word("NOT");
    if cursor.take_word("LIKE") {
        let pattern = Box::new(additive(cursor)?);
        let escape = if cursor.take_word("ESCAPE") { Some(Box::new(additive(cursor)?)) } else { None };
        return Ok(Expression::Like { value, pattern, escape, is_not });
    }
    if cursor.take_word("BETWEEN") {
        let low = Box::new(additive(cursor)?);
        cursor.expect_word("AND")?;
        return Ok(Expression::Between { value, low, high: Box::new(additive(cursor)?), is_not });
    }
    if cursor.take_word("IN") {
        cursor.expect_symbol("(")?;
        if cursor.is_word("SELECT") {
            let query = Box::new(query(cursor)?);
            cursor.expect_symbol(")")?;
            return Ok(Expression::InQuery { value, query, is_not });
        }
        return Ok(Expression::In { value, list: list(cursor)?, is_not });
    }
    if is_not { Err(cursor.wrong()) } else { Ok(*value) }
}

/// Expressions up to a closing parenthesis.
fn list(cursor: &mut Cursor<'_>) -> Result<Vec<Expression>, Halt> {
    let mut list = Vec::new();
    loop {
        list.push(expression(cursor)?);
        if cursor.take_symbol(")") {
            return Ok(list);
        }
        cursor.expect_symbol(",")?;
    }
}

const ADDITIVE: [(&str, Binary); 5] = [
    ("+", Binary::Add),
    ("-", Binary::Subtract),
    ("&", Binary::BitAnd),
    ("|", Binary::BitOr),
    ("^", Binary::BitXor),
];

fn additive(cursor: &mut Cursor<'_>) -> Result<Expression, Halt> {
    let mut left = multiplicative(cursor)?;
    while let Some((_, operator)) = ADDITIVE.iter().find(|(symbol, _)| cursor.take_symbol(symbol)) {
        cursor.operator()?;
        left = Expression::Operation(*operator, Box::new(left), Box::new(multiplicative(cursor)?));
    }
    Ok(left)
}

const MULTIPLICATIVE: [(&str, Binary); 3] =
    [("*", Binary::Multiply), ("/", Binary::Divide), ("%", Binary::Remainder)];

fn multiplicative(cursor: &mut Cursor<'_>) -> Result<Expression, Halt> {
    let mut left = unary(cursor)?;
    while let Some((_, operator)) = MULTIPLICATIVE.iter().find(|(symbol, _)| cursor.take_symbol(symbol)) {
        cursor.operator()?;
        left = Expression::Operation(*operator, Box::new(left), Box::new(unary(cursor)?));
    }
    Ok(left)
}

fn unary(cursor: &mut Cursor<'_>) -> Result<Expression, Halt> {
    for (symbol, operator) in [("-", Some(Unary::Minus)), ("~", Some(Unary::Complement)), ("+", None)] {
        if cursor.take_symbol(symbol) {
            let operand = cursor.deeper(unary)?;
            return Ok(match operator {
                Some(operator) => Expression::Unary(operator, Box::new(operand)),
                None => operand,
            });
        }
    }
    postfix(cursor)
}

/// Methods behind a value, and a collation, which is refused.
fn postfix(cursor: &mut Cursor<'_>) -> Result<Expression, Halt> {
    let mut value = primary(cursor)?;
    loop {
        if cursor.is_symbol(".") && matches!(value, Expression::Method { .. } | Expression::Variable(_)) {
            cursor.operator()?;
            cursor.next();
            let name = cursor.name()?;
            let arguments = if cursor.take_symbol("(") { arguments(cursor)?.0 } else { Vec::new() };
            value = Expression::Method { value: Box::new(value), name, arguments };
        } else if cursor.take_word("COLLATE") {
            let name = cursor.name()?;
            if !name.eq_ignore_ascii_case("DATABASE_DEFAULT") {
                return Err(cursor.at_line(unsupported(format_args!("COLLATE {name}"))));
            }
        } else {
            return Ok(value);
        }
    }
}

fn primary(cursor: &mut Cursor<'_>) -> Result<Expression, Halt> {
    if cursor.take_symbol("(") {
        if cursor.is_word("SELECT") {
            let query = Box::new(query(cursor)?);
            cursor.expect_symbol(")")?;
            return Ok(Expression::Query(query));
        }
        let inner = expression(cursor)?;
        cursor.expect_symbol(")")?;
        return Ok(inner);
    }
    let simple = match cursor.peek() {
        Some(TokenKind::Number(number)) => Some(Expression::Number(number.clone())),
        Some(TokenKind::Text(text, national)) => Some(Expression::Text(text.clone(), *national)),
        Some(TokenKind::Binary(bytes)) => Some(Expression::Binary(bytes.clone())),
        Some(TokenKind::Variable(name)) => Some(Expression::Variable(name.clone())),
        _ => None,
    };
    if let Some(simple) = simple {
        cursor.next();
        return Ok(simple);
    }
    if cursor.take_word("NULL") {
        return Ok(Expression::Null);
    }
    if cursor.take_word("CASE") {
        return case(cursor);
    }
    if cursor.take_word("EXISTS") {
        cursor.expect_symbol("(")?;
        let query = Box::new(query(cursor)?);
        cursor.expect_symbol(")")?;
        return Ok(Expression::Exists(query));
    }
    // LEFT and RIGHT are words of joins too, and functions here.
    for name in ["LEFT", "RIGHT"] {
        if cursor.is_word(name) && matches!(cursor.peek_at(1), Some(TokenKind::Symbol("("))) {
            cursor.next();
            cursor.next();
            let (arguments, distinct) = arguments(cursor)?;
            return Ok(Expression::Call { name: name.to_owned(), arguments, distinct });
        }
    }
    named(cursor)
}

fn case(cursor: &mut Cursor<'_>) -> Result<Expression, Halt> {
    let operand = if cursor.is_word("WHEN") { None } else { Some(Box::new(expression(cursor)?)) };
    let mut branches = Vec::new();
    while cursor.take_word("WHEN") {
        let when = expression(cursor)?;
        cursor.expect_word("THEN")?;
        branches.push((when, expression(cursor)?));
    }
    let other = if cursor.take_word("ELSE") { Some(Box::new(expression(cursor)?)) } else { None };
    cursor.expect_word("END")?;
    if branches.is_empty() { Err(cursor.wrong()) } else { Ok(Expression::Case { operand, branches, other }) }
}

/// A column, a function, or a method behind a column.
fn named(cursor: &mut Cursor<'_>) -> Result<Expression, Halt> {
    let mut parts = vec![cursor.name()?];
    while cursor.is_symbol(".") {
        cursor.next();
        parts.push(cursor.name()?);
    }
    if cursor.take_symbol("::") {
        return Err(cursor.at_line(unsupported("a static method of a CLR type")));
    }
    if !cursor.is_symbol("(") {
        // Properties have no parentheses, and only these are known.
        if parts.len() > 1 && parts.last().is_some_and(|last| is_property(last)) {
            let name = parts.pop().unwrap_or_default();
            return Ok(Expression::Method {
                value: Box::new(Expression::Column(parts)),
                name,
                arguments: Vec::new(),
            });
        }
        return Ok(Expression::Column(parts));
    }
    if let [name] = &parts[..]
        && let Some(special) = special(cursor, name)?
    {
        return Ok(special);
    }
    cursor.expect_symbol("(")?;
    let (arguments, distinct) = arguments(cursor)?;
    let name = parts.pop().unwrap_or_default();
    if parts.is_empty() {
        return Ok(Expression::Call { name, arguments, distinct });
    }
    Ok(Expression::Method { value: Box::new(Expression::Column(parts)), name, arguments })
}

fn is_property(name: &str) -> bool {
    ["STSrid", "STX", "STY", "Lat", "Long", "Z", "M", "HasZ", "HasM"].contains(&name)
}

/// Functions whose arguments are not only expressions.
fn special(cursor: &mut Cursor<'_>, name: &str) -> Result<Option<Expression>, Halt> {
    let name = name.to_ascii_uppercase();
    let tries = name.starts_with("TRY_");
    match name.as_str() {
        "CAST" | "TRY_CAST" => {
            cursor.expect_symbol("(")?;
            let value = Box::new(expression(cursor)?);
            cursor.expect_word("AS")?;
            let to = column_type(cursor)?;
            cursor.expect_symbol(")")?;
            Ok(Some(Expression::Convert { value, to, style: None, tries }))
        }
        "CONVERT" | "TRY_CONVERT" => {
            cursor.expect_symbol("(")?;
            let to = column_type(cursor)?;
            cursor.expect_symbol(",")?;
            let value = Box::new(expression(cursor)?);
            let style = if cursor.take_symbol(",") { Some(Box::new(expression(cursor)?)) } else { None };
            cursor.expect_symbol(")")?;
            Ok(Some(Expression::Convert { value, to, style, tries }))
        }
        "COUNT" | "COUNT_BIG" if matches!(cursor.peek_at(1), Some(TokenKind::Symbol("*"))) => {
            cursor.expect_symbol("(")?;
            cursor.expect_symbol("*")?;
            cursor.expect_symbol(")")?;
            let count = Expression::CountRows;
            Ok(Some(match name.as_str() {
                "COUNT" => count,
                _ => Expression::Convert {
                    value: Box::new(count),
                    to: ColumnType::BigInt,
                    style: None,
                    tries: false,
                },
            }))
        }
        _ => Ok(None),
    }
}

/// Behind the opening parenthesis, to the closing one.
fn arguments(cursor: &mut Cursor<'_>) -> Result<(Vec<Expression>, bool), Halt> {
    if cursor.take_symbol(")") {
        return Ok((Vec::new(), false));
    }
    let distinct = cursor.take_word("DISTINCT");
    Ok((list(cursor)?, distinct))
}
