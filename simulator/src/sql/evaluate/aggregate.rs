//! COUNT, MIN, MAX, SUM, AVG.

use std::collections::HashSet;

use spatialcloud_tds::{ColumnType, Value};

use super::arithmetic::{operate, result_type};
use super::bind::{Scope, bind_value};
use super::bound::{Bound, Context};
use super::compare::{compare, key};
use super::convert::convert;
use super::precedence::{exact_digits, is_approximate, is_comparable, is_decimal, is_integer, is_money};
use crate::sql::Halt;
use crate::sql::language::{Binary, Expression};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    CountRows,
    Count,
    Min,
    Max,
    Sum,
    Average,
}

/// An aggregate of a query.
pub struct Aggregate {
    kind: Kind,
    value: Option<Bound>,
    distinct: bool,
    /// Its type.
    pub column_type: ColumnType,
}

impl Aggregate {
    /// Whether it can be NULL: a count cannot.
    pub fn is_nullable(&self) -> bool {
        !matches!(self.kind, Kind::CountRows | Kind::Count)
    }
}

fn kind(name: &str) -> Option<(Kind, bool)> {
    let is_big = name.eq_ignore_ascii_case("COUNT_BIG");
    let kinds = [
        ("COUNT", Kind::Count),
        ("COUNT_BIG", Kind::Count),
        ("MIN", Kind::Min),
        ("MAX", Kind::Max),
        ("SUM", Kind::Sum),
        ("AVG", Kind::Average),
    ];
    let found = kinds.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, kind)| (kind, is_big))
}

/// Whether an expression is an aggregate itself.
pub fn is_aggregate(expression: &Expression) -> bool {
    match expression {
        Expression::CountRows => true,
        Expression::Call { name, .. } => kind(name).is_some(),
        _ => false,
    }
}

/// Whether there is an aggregate in it.
pub fn has_aggregate(expression: &Expression) -> bool {
    let all = |list: &[Expression]| list.iter().any(has_aggregate);
    let maybe = |inner: &Option<Box<Expression>>| inner.as_ref().is_some_and(|inner| has_aggregate(inner));
    is_aggregate(expression)
        || match expression {
            Expression::Unary(_, value) | Expression::IsNull { value, .. } => has_aggregate(value),
            Expression::Operation(_, left, right) => has_aggregate(left) || has_aggregate(right),
            Expression::Like { value, pattern, .. } => has_aggregate(value) || has_aggregate(pattern),
            Expression::Between { value, low, high, .. } => {
                [value, low, high].iter().any(|part| has_aggregate(part))
            }
            Expression::In { value, list, .. } => has_aggregate(value) || all(list),
            Expression::Case { operand, branches, other } => {
                maybe(operand)
                    || maybe(other)
                    || branches.iter().any(|(when, then)| has_aggregate(when) || has_aggregate(then))
            }
            Expression::Convert { value, .. } | Expression::InQuery { value, .. } => has_aggregate(value),
            Expression::Call { arguments, .. } => all(arguments),
            Expression::Method { value, arguments, .. } => has_aggregate(value) || all(arguments),
            _ => false,
        }
}

/// Binds an aggregate over the columns of `scope`.
pub fn bind(expression: &Expression, scope: &mut Scope, context: &Context<'_>) -> Result<Aggregate, Halt> {
    let Expression::Call { name, arguments, distinct } = expression else {
        return Ok(Aggregate {
            kind: Kind::CountRows,
            value: None,
            distinct: false,
            column_type: ColumnType::Int,
        });
    };
    let [argument] = &arguments[..] else {
        return Err(Halt::error(174, format!("The {name} function requires 1 argument(s).")));
    };
    let value = bind_value(argument, scope, context)?;
    let of = value.column_type.clone();
    let (kind, is_big) = kind(name).unwrap_or((Kind::Count, false));
    let column_type = match kind {
        Kind::Count if is_big => ColumnType::BigInt,
        Kind::CountRows | Kind::Count => ColumnType::Int,
        Kind::Min | Kind::Max => {
            is_comparable(&of)?;
            of
        }
        Kind::Sum | Kind::Average => match &of {
            ColumnType::BigInt => ColumnType::BigInt,
            ColumnType::TinyInt | ColumnType::SmallInt | ColumnType::Int => ColumnType::Int,
            of if is_decimal(of) => {
                let (_, scale) = exact_digits(of).unwrap_or((38, 0));
                let scale = if kind == Kind::Average { scale.max(6) } else { scale };
                ColumnType::Decimal { precision: 38, scale }
            }
            of if is_money(of) => ColumnType::Money,
            of if is_approximate(of) => ColumnType::Float,
            of => {
                let words = format!("Operand data type {} is invalid for {name} operator.", of.name());
                return Err(Halt::error(8117, words));
            }
        },
    };
    Ok(Aggregate { kind, value: Some(value), distinct: *distinct, column_type })
}

/// What an aggregate has seen of a group.
#[derive(Default)]
pub struct Gathered {
    count: i64,
    seen: HashSet<String>,
    /// Least, greatest or sum.
    value: Option<Value<'static>>,
}

impl Gathered {
    /// Sees a row.
    pub fn see(
        &mut self,
        aggregate: &Aggregate,
        context: &Context<'_>,
        row: &[Value<'static>],
    ) -> Result<(), Halt> {
        let Some(bound) = &aggregate.value else {
            self.count += 1;
            return Ok(());
        };
        let value = bound.value(context, row)?;
        if value.is_null() || aggregate.distinct && !self.seen.insert(key(std::slice::from_ref(&value))) {
            return Ok(());
        }
        self.count += 1;
        let is_better = |known: &Value<'static>| match aggregate.kind {
            Kind::Min => compare(&value, known).is_lt(),
            _ => compare(&value, known).is_gt(),
        };
        match aggregate.kind {
            Kind::CountRows | Kind::Count => {}
            Kind::Min | Kind::Max => {
                if self.value.as_ref().is_none_or(is_better) {
                    self.value = Some(value);
                }
            }
            Kind::Sum | Kind::Average => {
                let to = sum_type(&aggregate.column_type, bound);
                let value = convert(value, &bound.column_type, &to, 0)?;
                self.value = Some(match self.value.take() {
                    None => value,
                    Some(sum) => operate(Binary::Add, (sum, &to), (value, &to), &to)?,
                });
            }
        }
        Ok(())
    }

    /// The aggregate's value.
    pub fn value(self, aggregate: &Aggregate) -> Result<Value<'static>, Halt> {
        match (aggregate.kind, self.value) {
            (Kind::CountRows | Kind::Count, _) => {
                convert(Value::Integer(self.count), &ColumnType::BigInt, &aggregate.column_type, 0)
            }
            (_, None) => Ok(Value::Null),
            (Kind::Min | Kind::Max, Some(value)) => Ok(value),
            (Kind::Sum, Some(sum)) => {
                let Some(bound) = &aggregate.value else { return Ok(sum) };
                convert(sum, &sum_type(&aggregate.column_type, bound), &aggregate.column_type, 0)
            }
            (Kind::Average, Some(sum)) => {
                let Some(bound) = &aggregate.value else { return Ok(sum) };
                let (of, count_type) = (sum_type(&aggregate.column_type, bound), ColumnType::BigInt);
                // Of whole numbers the average is whole too.
                let to = match is_integer(&of) {
                    true => ColumnType::BigInt,
                    false if is_decimal(&of) => aggregate.column_type.clone(),
                    false => result_type(Binary::Divide, &of, &of)?,
                };
                let average =
                    operate(Binary::Divide, (sum, &of), (Value::Integer(self.count), &count_type), &to)?;
                convert(average, &to, &aggregate.column_type, 0)
            }
        }
    }
}

/// What sums are kept in: what the result is, for decimals with the scale of the column.
fn sum_type(result: &ColumnType, bound: &Bound) -> ColumnType {
    match exact_digits(&bound.column_type) {
        Some((_, scale)) if is_decimal(result) => ColumnType::Decimal { precision: 38, scale },
        _ => result.clone(),
    }
}
