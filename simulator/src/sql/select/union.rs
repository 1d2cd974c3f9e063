//! UNION and UNION ALL.

use std::collections::HashSet;

use spatialcloud_tds::Column;

use super::held::Held;
use super::{RowIterator, Selected, one, order_outputs};
use crate::sql::Halt;
use crate::sql::evaluate::{Context, common, convert, is_comparable, key};
use crate::sql::language::Query;
use crate::sql::world::World;

/// All rows of several queries; names are those of the first.
pub fn union<'a>(query: &Query, world: &'a World, context: &'a Context<'a>) -> Result<Selected<'a>, Halt> {
    let first = Query { unions: Vec::new(), order_by: Vec::new(), ..query.clone() };
    let mut parts = vec![(true, one(&first, world, context)?)];
    for (is_all, part) in &query.unions {
        parts.push((*is_all, one(part, world, context)?));
    }
    let mut columns: Vec<Column> = Vec::new();
    for (_, part) in &parts {
        if columns.is_empty() {
            columns.clone_from(&part.columns);
            continue;
        }
        if part.columns.len() != columns.len() {
            let words = "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of expressions in their target lists.";
            return Err(Halt::error(205, words));
        }
        for (column, other) in columns.iter_mut().zip(&part.columns) {
            column.column_type = common(&column.column_type, &other.column_type);
            column.is_nullable |= other.is_nullable;
            column.is_identity = false;
        }
    }
    let mut rows: RowIterator<'a> = Box::new(std::iter::empty());
    for (is_all, part) in parts {
        let types: Vec<_> = part.columns.iter().map(|column| column.column_type.clone()).collect();
        let to: Vec<_> = columns.iter().map(|column| column.column_type.clone()).collect();
        let converted = part.rows.map(move |row| {
            let values = row?.into_iter().zip(types.iter().zip(&to));
            values
                .map(|(value, (from, to))| if from == to { Ok(value) } else { convert(value, from, to, 0) })
                .collect()
        });
        rows = Box::new(rows.chain(converted));
        if !is_all {
            columns.iter().try_for_each(|column| is_comparable(&column.column_type))?;
            let (mut seen, mut held) = (HashSet::new(), Held::default());
            rows = Box::new(rows.filter_map(move |row| match row {
                Ok(row) => match held.add(&row) {
                    Ok(()) => seen.insert(key(&row)).then_some(Ok(row)),
                    Err(error) => Some(Err(error)),
                },
                Err(error) => Some(Err(error)),
            }));
        }
    }
    let rows = order_outputs(&query.order_by, &columns, rows)?;
    Ok(Selected { columns, rows })
}
