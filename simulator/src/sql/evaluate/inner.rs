//! Queries inside expressions: EXISTS, IN, and a value. They are answered once, before the rows around them: a query
//! that names columns of the one around it is not served.

use std::collections::HashSet;

use spatialcloud_tds::{ColumnType, Value};

use super::bind::{condition, constant, converted, made, negated};
use super::bound::{Bound, Context, Node, Row};
use super::compare::key;
use super::precedence::{common, is_comparable};
use crate::sql::Halt;
use crate::sql::error::unsupported;
use crate::sql::language::Query;

/// The numbers of errors that a column of the query around would lead to.
const UNKNOWN_COLUMN: [i32; 2] = [207, 4104];

fn rows(
    query: &Query,
    context: &Context<'_>,
    most: Option<usize>,
) -> Result<(Vec<ColumnType>, Vec<Row>), Halt> {
    (context.inner)(query, context, most).map_err(|halt| match halt {
        Halt::Failed(message) if UNKNOWN_COLUMN.contains(&message.number) => unsupported(format_args!(
            "a query inside an expression that names columns of the query around it ({})",
            message.text
        )),
        other => other,
    })
}

/// Its only column, and the values of that.
fn values(
    query: &Query,
    context: &Context<'_>,
    most: Option<usize>,
) -> Result<(ColumnType, Vec<Value<'static>>), Halt> {
    let (types, rows) = rows(query, context, most)?;
    let [column_type] = &types[..] else {
        let words = "Only one expression can be specified in the select list when the subquery is not introduced with EXISTS.";
        return Err(Halt::error(116, words));
    };
    Ok((column_type.clone(), rows.into_iter().flatten().collect()))
}

/// EXISTS.
pub fn exists(query: &Query, context: &Context<'_>) -> Result<Bound, Halt> {
    let (_, rows) = rows(query, context, Some(1))?;
    Ok(condition(false, Node::Constant(Value::Bit(!rows.is_empty()))))
}

/// A query in place of a value.
pub fn scalar(query: &Query, context: &Context<'_>) -> Result<Bound, Halt> {
    let (column_type, mut values) = values(query, context, Some(2))?;
    if values.len() > 1 {
        let words = "Subquery returned more than 1 value. This is not permitted when the subquery follows =, !=, <, <= , >, >= or when the subquery is used as an expression.";
        return Err(Halt::error(512, words));
    }
    Ok(Bound { is_nullable: true, ..constant(column_type, values.pop().unwrap_or(Value::Null)) })
}

/// IN.
pub fn among(value: Bound, query: &Query, is_not: bool, context: &Context<'_>) -> Result<Bound, Halt> {
    let (column_type, values) = values(query, context, None)?;
    let both = common(&value.column_type, &column_type);
    is_comparable(&both)?;
    let mut known = HashSet::new();
    let mut has_null = false;
    for value in values {
        let bound = converted(Bound { ..constant(column_type.clone(), value) }, &both);
        match bound.value(context, &[])? {
            Value::Null => has_null = true,
            value => {
                known.insert(key(&[value]));
            }
        }
    }
    let is_nullable = value.is_nullable || has_null;
    let value = converted(value, &both);
    let node = Node::Among { value: Box::new(value), known, has_null };
    Ok(negated(is_not, Bound { is_condition: true, ..made(ColumnType::Bit, is_nullable, node) }))
}
