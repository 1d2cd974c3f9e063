//! An expression whose columns and types are known, and its value for a row.

use std::cmp::Ordering;
use std::collections::HashSet;

use jiff::ZonedDateTime;
use spatialcloud_tds::{ColumnType, Length, Value};

use super::arithmetic::operate;
use super::compare::{compare, key};
use super::convert::{convert, overflow};
use super::function::Function;
use super::like::like;
use super::method::Method;
use super::precedence::length;
use crate::sql::Halt;
use crate::sql::language::{Binary, Query, Unary};

/// The values of a row.
pub type Row = Vec<Value<'static>>;

/// Answers a query inside an expression: types of its columns, and its rows, as many as are wanted.
pub type Inner<'a> =
    dyn for<'c> Fn(&Query, &'c Context<'c>, Option<usize>) -> Result<(Vec<ColumnType>, Vec<Row>), Halt> + 'a;

/// What an expression may ask that is not in the row.
pub struct Context<'a> {
    /// The database the session is in.
    pub database: &'a str,
    /// All databases.
    pub databases: Vec<String>,
    /// Who is logged in.
    pub user: &'a str,
    /// Its machine and its program.
    pub host: &'a str,
    /// Its program.
    pub application: &'a str,
    /// The session's number.
    pub session: u16,
    /// Simulated time.
    pub now: ZonedDateTime,
    /// Open transactions.
    pub transactions: u32,
    /// Rows of the last statement.
    pub row_count: i64,
    /// Number of the last statement's error.
    pub last_error: i32,
    /// Variables and parameters.
    pub variables: &'a [(String, ColumnType, Value<'static>)],
    /// Names of objects to their numbers, for OBJECT_ID.
    pub object_id: &'a dyn Fn(&str) -> Option<i64>,
    /// Names of schemas to their numbers, for SCHEMA_ID.
    pub schema_id: &'a dyn Fn(&str) -> Option<i64>,
    /// Answers a query inside an expression.
    pub inner: &'a Inner<'a>,
    /// Whether the client still wants the answer.
    pub go_on: &'a dyn Fn() -> Result<(), Halt>,
}

/// An expression that is bound.
pub struct Bound {
    /// Its type; for a condition a bit.
    pub column_type: ColumnType,
    /// Whether it can be NULL.
    pub is_nullable: bool,
    /// Whether it is a condition rather than a value.
    pub is_condition: bool,
    pub(super) node: Node,
}

pub(super) enum Node {
    Constant(Value<'static>),
    Column(usize),
    Unary(Unary, Box<Bound>),
    Arithmetic(Binary, Box<Bound>, Box<Bound>),
    /// Both sides are of one type.
    Compare(Binary, Box<Bound>, Box<Bound>),
    Both(Box<Bound>, Box<Bound>),
    Either(Box<Bound>, Box<Bound>),
    IsNull(Box<Bound>),
    Like(Box<Bound>, Box<Bound>, Option<Box<Bound>>),
    /// All are of one type.
    In(Box<Bound>, Vec<Bound>),
    /// Whether a value is one of many that are known, by their keys.
    Among {
        value: Box<Bound>,
        known: HashSet<String>,
        has_null: bool,
    },
    /// Conditions with results of one type, and what else.
    Case(Vec<(Bound, Bound)>, Option<Box<Bound>>),
    Convert {
        value: Box<Bound>,
        style: Option<Box<Bound>>,
        tries: bool,
    },
    Function(&'static Function, Vec<Bound>),
    Method(&'static Method, Box<Bound>),
}

impl Bound {
    /// Whether it is a constant: its value.
    pub fn constant(&self) -> Option<&Value<'static>> {
        match &self.node {
            Node::Constant(value) => Some(value),
            _ => None,
        }
    }

    /// Which column it is, if nothing else.
    pub fn column(&self) -> Option<usize> {
        match self.node {
            Node::Column(column) => Some(column),
            _ => None,
        }
    }

    /// The two sides, if it asks whether they are equal.
    pub fn equality(&self) -> Option<(&Bound, &Bound)> {
        match &self.node {
            Node::Compare(Binary::Equal, left, right) => Some((left, right)),
            _ => None,
        }
    }

    /// The two conditions, if both must hold.
    pub fn both(&self) -> Option<(&Bound, &Bound)> {
        match &self.node {
            Node::Both(left, right) => Some((left, right)),
            _ => None,
        }
    }

    /// Calls `see` with each column it names.
    pub fn columns(&self, see: &mut dyn FnMut(usize)) {
        match &self.node {
            Node::Constant(_) => {}
            Node::Column(column) => see(*column),
            Node::Unary(_, value) | Node::IsNull(value) => value.columns(see),
            Node::Arithmetic(_, left, right)
            | Node::Compare(_, left, right)
            | Node::Both(left, right)
            | Node::Either(left, right) => {
                left.columns(see);
                right.columns(see);
            }
            Node::Like(value, pattern, escape) => {
                value.columns(see);
                pattern.columns(see);
                if let Some(escape) = escape {
                    escape.columns(see);
                }
            }
            Node::In(value, list) => {
                value.columns(see);
                list.iter().for_each(|item| item.columns(see));
            }
            Node::Case(branches, other) => {
                for (when, then) in branches {
                    when.columns(see);
                    then.columns(see);
                }
                if let Some(other) = other {
                    other.columns(see);
                }
            }
            Node::Among { value, .. } => value.columns(see),
            Node::Convert { value, style, .. } => {
                value.columns(see);
                if let Some(style) = style {
                    style.columns(see);
                }
            }
            Node::Function(_, arguments) => arguments.iter().for_each(|argument| argument.columns(see)),
            Node::Method(_, value) => value.columns(see),
        }
    }

    /// Whether a condition holds: neither false nor unknown.
    pub fn holds(&self, context: &Context<'_>, row: &[Value<'static>]) -> Result<bool, Halt> {
        Ok(self.value(context, row)? == Value::Bit(true))
    }

    /// Its value for a row.
    pub fn value(&self, context: &Context<'_>, row: &[Value<'static>]) -> Result<Value<'static>, Halt> {
        let truth = |value: Option<bool>| value.map_or(Value::Null, Value::Bit);
        let known = |bound: &Bound| match bound.value(context, row)? {
            Value::Bit(bit) => Ok(Some(bit)),
            _ => Ok::<_, Halt>(None),
        };
        match &self.node {
            Node::Constant(value) => Ok(value.clone()),
            Node::Column(column) => Ok(row.get(*column).cloned().unwrap_or(Value::Null)),
            Node::Unary(Unary::Not, value) => Ok(truth(known(value)?.map(|bit| !bit))),
            Node::Unary(operator, value) => self.unary(*operator, value.value(context, row)?),
            Node::Arithmetic(operator, left, right) => {
                let (left_value, right_value) = (left.value(context, row)?, right.value(context, row)?);
                if left_value.is_null() || right_value.is_null() {
                    return Ok(Value::Null);
                }
                let (left, right) = ((left_value, &left.column_type), (right_value, &right.column_type));
                operate(*operator, left, right, &self.column_type)
            }
            Node::Compare(operator, left, right) => {
                let (left, right) = (left.value(context, row)?, right.value(context, row)?);
                if left.is_null() || right.is_null() {
                    return Ok(Value::Null);
                }
                Ok(Value::Bit(is_so(*operator, compare(&left, &right))))
            }
            Node::Both(left, right) => match known(left)? {
                Some(false) => Ok(Value::Bit(false)),
                left => match (left, known(right)?) {
                    (_, Some(false)) => Ok(Value::Bit(false)),
                    (Some(true), Some(true)) => Ok(Value::Bit(true)),
                    _ => Ok(Value::Null),
                },
            },
            Node::Either(left, right) => match known(left)? {
                Some(true) => Ok(Value::Bit(true)),
                left => match (left, known(right)?) {
                    (_, Some(true)) => Ok(Value::Bit(true)),
                    (Some(false), Some(false)) => Ok(Value::Bit(false)),
                    _ => Ok(Value::Null),
                },
            },
            Node::IsNull(value) => Ok(Value::Bit(value.value(context, row)?.is_null())),
            Node::Like(value, pattern, escape) => {
                let escape = match escape {
                    Some(escape) => escape.value(context, row)?.to_string().chars().next(),
                    None => None,
                };
                match (value.value(context, row)?, pattern.value(context, row)?) {
                    (Value::Text(value), Value::Text(pattern)) => {
                        Ok(Value::Bit(like(&value, &pattern, escape)))
                    }
                    _ => Ok(Value::Null),
                }
            }
            Node::In(value, list) => {
                let value = value.value(context, row)?;
                let mut is_unknown = value.is_null();
                for item in list {
                    let item = item.value(context, row)?;
                    if item.is_null() {
                        is_unknown = true;
                    } else if !value.is_null() && compare(&value, &item) == Ordering::Equal {
                        return Ok(Value::Bit(true));
                    }
                }
                Ok(truth((!is_unknown).then_some(false)))
            }
            Node::Among { value, known, has_null } => Ok(match value.value(context, row)? {
                // Nothing is among nothing, whatever it is.
                _ if known.is_empty() && !has_null => Value::Bit(false),
                Value::Null => Value::Null,
                value if known.contains(&key(std::slice::from_ref(&value))) => Value::Bit(true),
                _ => truth((!has_null).then_some(false)),
            }),
            Node::Case(branches, other) => {
                for (when, then) in branches {
                    if when.holds(context, row)? {
                        return then.value(context, row);
                    }
                }
                other.as_ref().map_or(Ok(Value::Null), |other| other.value(context, row))
            }
            Node::Convert { value, style, tries } => {
                let style = match style.as_ref().map(|style| style.value(context, row)).transpose()? {
                    Some(Value::Integer(style)) => style,
                    _ => 0,
                };
                let converted = value
                    .value(context, row)
                    .and_then(|got| convert(got, &value.column_type, &self.column_type, style));
                match converted {
                    Err(Halt::Failed(_)) if *tries => Ok(Value::Null),
                    converted => converted,
                }
            }
            Node::Function(function, arguments) => {
                let values = arguments.iter().map(|argument| argument.value(context, row));
                let values = values.collect::<Result<Vec<_>, _>>()?;
                let value = (function.evaluate)(context, values)?;
                self.fitted(value)
            }
            Node::Method(method, value) => method.call(value.value(context, row)?, &value.column_type),
        }
    }

    /// What a function gave, within its type: long texts are cut off.
    fn fitted(&self, value: Value<'static>) -> Result<Value<'static>, Halt> {
        match (&value, length(&self.column_type)) {
            (Value::Text(text), Some(Length::Of(most))) if text.len() > usize::from(most) => {
                Ok(Value::from(text.chars().take(most.into()).collect::<String>()))
            }
            (Value::Integer(_), _) => convert(value, &ColumnType::BigInt, &self.column_type, 0),
            _ => Ok(value),
        }
    }

    fn unary(&self, operator: Unary, value: Value<'static>) -> Result<Value<'static>, Halt> {
        let is_minus = operator == Unary::Minus;
        let value = match value {
            Value::Integer(value) if is_minus => {
                let negative = value.checked_neg().ok_or_else(|| overflow(&self.column_type))?;
                return convert(Value::Integer(negative), &ColumnType::BigInt, &self.column_type, 0);
            }
            Value::Integer(value) => return Ok(Value::Integer(!value)),
            Value::Decimal(decimal) => Value::Decimal(spatialcloud_tds::Decimal {
                is_negative: !decimal.is_negative && decimal.magnitude > 0,
                ..decimal
            }),
            Value::Real(value) => Value::Real(-value),
            Value::Float(value) => Value::Float(-value),
            other => other,
        };
        Ok(value)
    }
}

fn is_so(operator: Binary, order: Ordering) -> bool {
    match operator {
        Binary::Equal => order.is_eq(),
        Binary::NotEqual => order.is_ne(),
        Binary::Less => order.is_lt(),
        Binary::LessOrEqual => order.is_le(),
        Binary::Greater => order.is_gt(),
        _ => order.is_ge(),
    }
}
