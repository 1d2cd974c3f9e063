//! FROM: tables, views, queries and joins of them.

use std::collections::HashMap;
use std::sync::Arc;

use spatialcloud_tds::Value;

use super::held::Held;
use super::{RowIterator, select};
use crate::sql::Halt;
use crate::sql::error::syntax;
use crate::sql::evaluate::{Bound, Context, Row, Scope, ScopeColumn, bind_condition, key};
use crate::sql::language::{Join, JoinKind, Source};
use crate::sql::world::World;

/// Rows between two looks at whether the client still wants the answer.
const ROWS_BETWEEN_LOOKS: u64 = 4096;

/// The columns of a source, and its rows; now and then it is asked whether anybody still wants them.
pub fn open<'a>(
    source: &Source,
    world: &'a World,
    context: &'a Context<'a>,
) -> Result<(Vec<ScopeColumn>, RowIterator<'a>), Halt> {
    let (columns, rows) = opened(source, world, context)?;
    let rows = (1_u64..).zip(rows).map(move |(count, row)| {
        if count.is_multiple_of(ROWS_BETWEEN_LOOKS) {
            (context.go_on)()?;
        }
        row
    });
    Ok((columns, Box::new(rows)))
}

fn opened<'a>(
    source: &Source,
    world: &'a World,
    context: &'a Context<'a>,
) -> Result<(Vec<ScopeColumn>, RowIterator<'a>), Halt> {
    match source {
        Source::Table { name, alias } => {
            let (table, rows) = world.open(name)?;
            let columns = table.columns.iter().map(|column| ScopeColumn {
                source: alias.clone().unwrap_or_else(|| table.name.clone()),
                schema: alias.is_none().then(|| table.schema.clone()),
                column: column.clone(),
            });
            Ok((columns.collect(), rows))
        }
        Source::Query { query, .. } if query.into.is_some() => Err(syntax("INTO")),
        Source::Query { query, alias } => {
            let selected = select(query, world, context)?;
            let columns = selected.columns.into_iter().map(|column| ScopeColumn {
                source: alias.clone(),
                schema: None,
                column,
            });
            Ok((columns.collect(), selected.rows))
        }
        Source::Join(join) => joined(join, world, context),
    }
}

fn joined<'a>(
    join: &Join,
    world: &'a World,
    context: &'a Context<'a>,
) -> Result<(Vec<ScopeColumn>, RowIterator<'a>), Halt> {
    let (left_columns, left_rows) = open(&join.left, world, context)?;
    let (right_columns, right_rows) = open(&join.right, world, context)?;
    let (left_count, right_count) = (left_columns.len(), right_columns.len());
    let mut columns = left_columns;
    columns.extend(right_columns);
    if join.kind == JoinKind::Left {
        columns.iter_mut().skip(left_count).for_each(|column| column.column.is_nullable = true);
    }
    let mut scope = Scope { columns, ..Scope::default() };
    let condition = match &join.condition {
        Some(condition) => Some(bind_condition(condition, &mut scope, context)?),
        None => None,
    };
    let matching = Arc::new(Matching { condition, left_count });
    // The right side is held, by what must be equal.
    let mut held: HashMap<String, Vec<Row>> = HashMap::new();
    let nothing = vec![Value::Null; left_count];
    let mut all = Held::default();
    for row in right_rows {
        let row = row?;
        all.add(&row)?;
        let row = [nothing.clone(), row].concat();
        let Some(key) = matching.key(context, &row, Side::Right)? else { continue };
        held.entry(key).or_default().push(row.into_iter().skip(left_count).collect());
    }
    let is_left = join.kind == JoinKind::Left;
    let held = Arc::new(held);
    let rows = left_rows.flat_map(move |row| -> RowIterator<'a> {
        let matched = row.and_then(|row| {
            let mut matched = Vec::new();
            let mut wide = row.clone();
            wide.resize(left_count + right_count, Value::Null);
            let key = matching.key(context, &wide, Side::Left)?;
            let rights = key.and_then(|key| held.get(&key)).into_iter().flatten();
            for (count, right) in (1_u64..).zip(rights) {
                if count.is_multiple_of(ROWS_BETWEEN_LOOKS) {
                    (context.go_on)()?;
                }
                wide.truncate(left_count);
                wide.extend(right.iter().cloned());
                if matching
                    .condition
                    .as_ref()
                    .map_or(Ok(true), |condition| condition.holds(context, &wide))?
                {
                    matched.push(wide.clone());
                }
            }
            if matched.is_empty() && is_left {
                let mut row = row;
                row.resize(left_count + right_count, Value::Null);
                matched.push(row);
            }
            Ok(matched)
        });
        match matched {
            Ok(matched) => Box::new(matched.into_iter().map(Ok)),
            Err(error) => Box::new(std::iter::once(Err(error))),
        }
    });
    Ok((scope.columns, Box::new(rows)))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// What a join asks.
struct Matching {
    condition: Option<Bound>,
    left_count: usize,
}

impl Matching {
    /// What must be equal on both sides, of one row of one side; `None` where it is NULL and matches nothing.
    fn key(&self, context: &Context<'_>, row: &[Value<'static>], side: Side) -> Result<Option<String>, Halt> {
        let mut values = Vec::new();
        if let Some(condition) = &self.condition {
            self.values(condition, context, row, side, &mut values)?;
        }
        Ok((!values.iter().any(Value::is_null)).then(|| key(&values)))
    }

    fn values(
        &self,
        condition: &Bound,
        context: &Context<'_>,
        row: &[Value<'static>],
        side: Side,
        values: &mut Vec<Value<'static>>,
    ) -> Result<(), Halt> {
        if let Some((left, right)) = condition.both() {
            self.values(left, context, row, side, values)?;
            return self.values(right, context, row, side, values);
        }
        let Some((left, right)) = condition.equality() else { return Ok(()) };
        let wanted = match (self.side_of(left), self.side_of(right)) {
            (Some(Side::Left), Some(Side::Right)) => [left, right],
            (Some(Side::Right), Some(Side::Left)) => [right, left],
            _ => return Ok(()),
        };
        let [left, right] = wanted;
        values.push(if side == Side::Left { left } else { right }.value(context, row)?);
        Ok(())
    }

    /// The side that all columns of an expression are on.
    fn side_of(&self, bound: &Bound) -> Option<Side> {
        let (mut left, mut right) = (false, false);
        bound.columns(&mut |column| if column < self.left_count { left = true } else { right = true });
        match (left, right) {
            (true, false) => Some(Side::Left),
            (false, true) => Some(Side::Right),
            _ => None,
        }
    }
}
