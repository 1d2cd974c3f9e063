//! SELECT: rows come from sources, are sorted out, grouped, put in order and given.

mod group;
mod held;
mod source;
mod union;

use std::cmp::Ordering;
use std::collections::HashSet;

use spatialcloud_tds::{Column, ColumnType, Updatability, Value};

use super::Halt;
use super::evaluate::{
    Bound, Context, Row, Scope, bind_condition, bind_value, compare, convert, has_aggregate, is_comparable,
    key,
};
use super::language::{Expression, Item, Order, Query};
use super::world::World;
pub use held::Held;

/// Rows, made one after the other.
pub type RowIterator<'a> = Box<dyn Iterator<Item = Result<Row, Halt>> + 'a>;

/// A result.
pub struct Selected<'a> {
    pub columns: Vec<Column>,
    pub rows: RowIterator<'a>,
}

/// Answers a query.
pub fn select<'a>(query: &Query, world: &'a World, context: &'a Context<'a>) -> Result<Selected<'a>, Halt> {
    if query.unions.is_empty() { one(query, world, context) } else { union::union(query, world, context) }
}

/// Answers one that is no UNION.
fn one<'a>(query: &Query, world: &'a World, context: &'a Context<'a>) -> Result<Selected<'a>, Halt> {
    let (columns, mut rows) = match &query.from {
        Some(from) => source::open(from, world, context)?,
        None => (Vec::new(), Box::new(std::iter::once(Ok(Vec::new()))) as RowIterator<'a>),
    };
    let mut scope = Scope { columns, ..Scope::default() };
    if let Some(condition) = &query.condition {
        let condition = bind_condition(condition, &mut scope, context)?;
        rows = Box::new(rows.filter_map(move |row| match row {
            Ok(row) => match condition.holds(context, &row) {
                Ok(true) => Some(Ok(row)),
                Ok(false) => None,
                Err(error) => Some(Err(error)),
            },
            Err(error) => Some(Err(error)),
        }));
    }
    let items = expanded(query, &scope)?;
    let is_grouped = !query.group_by.is_empty()
        || query.having.is_some()
        || items.iter().any(|(item, _)| has_aggregate(item))
        || query.order_by.iter().any(|order| has_aggregate(&order.by));
    if is_grouped {
        scope.groups = Some(query.group_by.clone());
    }
    let bound =
        items.iter().map(|(item, _)| bind_value(item, &mut scope, context)).collect::<Result<Vec<_>, _>>()?;
    let columns = output_columns(&items, &bound, &scope);
    let having =
        query.having.as_ref().map(|having| bind_condition(having, &mut scope, context)).transpose()?;
    let order = query
        .order_by
        .iter()
        .map(|order| Ok((order_key(&order.by, &items, &bound, &mut scope, context)?, order.descending)))
        .collect::<Result<Vec<_>, Halt>>()?;
    if is_grouped {
        let groups = group::group(rows, &query.group_by, &mut scope, context)?;
        rows = Box::new(groups.into_iter().map(Ok));
        if let Some(having) = having {
            rows = Box::new(rows.filter_map(move |row| {
                match row.and_then(|row| Ok((having.holds(context, &row)?, row))) {
                    Ok((true, row)) => Some(Ok(row)),
                    Ok((false, _)) => None,
                    Err(error) => Some(Err(error)),
                }
            }));
        }
    }
    let top = top(query, context)?;
    let outputs = rows.map(move |row| {
        let row = row?;
        let output = bound.iter().map(|item| item.value(context, &row)).collect::<Result<Row, _>>()?;
        Ok((row, output))
    });
    let rows: RowIterator<'a> = if order.is_empty() {
        let outputs = outputs.map(|both: Result<(Row, Row), Halt>| both.map(|(_, output)| output));
        Box::new(distinct(query.distinct, outputs).take(top))
    } else {
        let mut sorted = sorted(outputs, &order, query.distinct, context)?;
        sorted.truncate(top);
        Box::new(sorted.into_iter().map(Ok))
    };
    Ok(Selected { columns, rows })
}

/// The items, with `*` written out.
fn expanded(query: &Query, scope: &Scope) -> Result<Vec<(Expression, Option<String>)>, Halt> {
    let mut items = Vec::new();
    for item in &query.items {
        match item {
            Item::Expression(expression, alias) => items.push((expression.clone(), alias.clone())),
            Item::All(source) => {
                let wanted =
                    |name: &str| source.as_ref().is_none_or(|source| source.eq_ignore_ascii_case(name));
                let before = items.len();
                for column in scope.columns.iter().filter(|column| wanted(&column.source)) {
                    let parts = vec![column.source.clone(), column.column.name.clone()];
                    items.push((Expression::Column(parts), None));
                }
                if items.len() == before {
                    let words = match source {
                        Some(source) => {
                            format!("The column prefix '{source}' does not match with a table name or alias.")
                        }
                        None => "Must specify table to select from.".to_owned(),
                    };
                    return Err(Halt::error(if source.is_some() { 107 } else { 263 }, words));
                }
            }
        }
    }
    Ok(items)
}

fn output_columns(items: &[(Expression, Option<String>)], bound: &[Bound], scope: &Scope) -> Vec<Column> {
    let columns = items.iter().zip(bound).map(|((item, alias), bound)| {
        let name = match (alias, item) {
            (Some(alias), _) => alias.clone(),
            (None, Expression::Column(parts)) => parts.last().cloned().unwrap_or_default(),
            _ => String::new(),
        };
        // A NULL of no type is sent as an int.
        let column_type = match &bound.column_type {
            ColumnType::Null => ColumnType::Int,
            other => other.clone(),
        };
        let source = bound.column().filter(|_| scope.groups.is_none()).and_then(|at| scope.columns.get(at));
        let source = source.map(|source| &source.column);
        Column {
            is_nullable: bound.is_nullable,
            is_identity: source.is_some_and(|column| column.is_identity),
            is_computed: source.is_some_and(|column| column.is_computed),
            updatability: source.map_or(Updatability::ReadOnly, |column| column.updatability),
            ..Column::new(name, column_type)
        }
    });
    columns.collect()
}

/// What rows are ordered by.
enum OrderKey {
    /// A column of the output.
    Output(usize),
    /// Something of the row.
    Row(Bound),
}

fn order_key(
    by: &Expression,
    items: &[(Expression, Option<String>)],
    bound: &[Bound],
    scope: &mut Scope,
    context: &Context<'_>,
) -> Result<OrderKey, Halt> {
    let output = |at: usize| {
        bound.get(at).map_or(Ok(()), |bound| is_comparable(&bound.column_type))?;
        Ok(OrderKey::Output(at))
    };
    if let Expression::Number(number) = by {
        let at = number
            .parse::<usize>()
            .ok()
            .and_then(|number| number.checked_sub(1))
            .filter(|at| *at < items.len());
        let words =
            || format!("The ORDER BY position number {number} is out of range of the number of items.");
        return output(at.ok_or_else(|| Halt::error(108, words()))?);
    }
    if let Expression::Column(parts) = by
        && let [name] = &parts[..]
    {
        let is_it =
            |alias: &Option<String>| alias.as_ref().is_some_and(|alias| alias.eq_ignore_ascii_case(name));
        if let Some(at) = items.iter().position(|(_, alias)| is_it(alias)) {
            return output(at);
        }
    }
    if let Some(at) = items.iter().position(|(item, _)| item == by) {
        return output(at);
    }
    let bound = bind_value(by, scope, context)?;
    is_comparable(&bound.column_type)?;
    Ok(OrderKey::Row(bound))
}

fn top(query: &Query, context: &Context<'_>) -> Result<usize, Halt> {
    let Some(top) = &query.top else { return Ok(usize::MAX) };
    let bound = bind_value(top, &mut Scope::default(), context)?;
    let value = bound.value(context, &[])?;
    match convert(value, &bound.column_type, &ColumnType::BigInt, 0)? {
        Value::Integer(count @ 0..) => Ok(usize::try_from(count).unwrap_or(usize::MAX)),
        _ => {
            Err(Halt::error(1060, "The number of rows provided for a TOP clause must be a positive integer."))
        }
    }
}

fn distinct<'a>(
    is_distinct: bool,
    rows: impl Iterator<Item = Result<Row, Halt>> + 'a,
) -> impl Iterator<Item = Result<Row, Halt>> + 'a {
    let (mut seen, mut all) = (HashSet::new(), Held::default());
    rows.filter_map(move |row| match row {
        Ok(row) if is_distinct => match all.add(&row) {
            Ok(()) => seen.insert(key(&row)).then_some(Ok(row)),
            Err(error) => Some(Err(error)),
        },
        row => Some(row),
    })
}

fn sorted(
    outputs: impl Iterator<Item = Result<(Row, Row), Halt>>,
    order: &[(OrderKey, bool)],
    is_distinct: bool,
    context: &Context<'_>,
) -> Result<Vec<Row>, Halt> {
    let mut held: Vec<(Row, Row)> = Vec::new();
    let mut all = Held::default();
    let mut seen = HashSet::new();
    for both in outputs {
        let (row, output) = both?;
        if is_distinct && !seen.insert(key(&output)) {
            continue;
        }
        let keys = order.iter().map(|(order_key, _)| match order_key {
            OrderKey::Output(at) => Ok(output.get(*at).cloned().unwrap_or(Value::Null)),
            OrderKey::Row(bound) => bound.value(context, &row),
        });
        all.add(&output)?;
        held.push((keys.collect::<Result<Row, Halt>>()?, output));
    }
    let descending: Vec<bool> = order.iter().map(|(_, descending)| *descending).collect();
    held.sort_by(|(left, _), (right, _)| ordered(left, right, &descending));
    Ok(held.into_iter().map(|(_, output)| output).collect())
}

/// The order of two rows by what they are ordered by.
fn ordered(left: &[Value<'static>], right: &[Value<'static>], descending: &[bool]) -> Ordering {
    let pairs = left.iter().zip(right).zip(descending);
    pairs
        .map(|((left, right), descending)| {
            let order = compare(left, right);
            if *descending { order.reverse() } else { order }
        })
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// Rows in the order of columns that they have: what UNION can be ordered by.
fn order_outputs<'a>(
    order_by: &[Order],
    columns: &[Column],
    rows: RowIterator<'a>,
) -> Result<RowIterator<'a>, Halt> {
    if order_by.is_empty() {
        return Ok(rows);
    }
    let place = |order: &Order| {
        let place = match &order.by {
            Expression::Number(number) => {
                number.parse::<usize>().ok().and_then(|number| number.checked_sub(1))
            }
            Expression::Column(parts) => match &parts[..] {
                [name] => columns.iter().position(|column| column.name.eq_ignore_ascii_case(name)),
                _ => None,
            },
            _ => None,
        };
        let column = place.and_then(|place| Some((place, columns.get(place)?)));
        let words = "ORDER BY items must appear in the select list if the statement contains a UNION, INTERSECT or EXCEPT operator.";
        let (place, column) = column.ok_or_else(|| Halt::error(104, words))?;
        is_comparable(&column.column_type)?;
        Ok(place)
    };
    let places = order_by.iter().map(place).collect::<Result<Vec<_>, Halt>>()?;
    let descending: Vec<bool> = order_by.iter().map(|order| order.descending).collect();
    let (mut held, mut all) = (Vec::new(), Held::default());
    for row in rows {
        let row = row?;
        all.add(&row)?;
        held.push(row);
    }
    let keys = |row: &Row| places.iter().filter_map(|place| row.get(*place).cloned()).collect::<Row>();
    held.sort_by(|left: &Row, right| ordered(&keys(left), &keys(right), &descending));
    Ok(Box::new(held.into_iter().map(Ok)))
}
