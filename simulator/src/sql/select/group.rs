//! GROUP BY: rows that are alike become one.

use std::collections::HashMap;

use super::RowIterator;
use super::held::Held;
use crate::sql::Halt;
use crate::sql::evaluate::{Context, Gathered, Row, Scope, bind_value, is_comparable, key};
use crate::sql::language::Expression;

/// One row for each group: what it is grouped by, then the aggregates that `scope` has met.
pub fn group(
    rows: RowIterator<'_>,
    by: &[Expression],
    scope: &mut Scope,
    context: &Context<'_>,
) -> Result<Vec<Row>, Halt> {
    scope.groups = None;
    let keys = by.iter().map(|by| bind_value(by, scope, context)).collect::<Result<Vec<_>, _>>()?;
    keys.iter().try_for_each(|key| is_comparable(&key.column_type))?;
    let aggregates = &scope.aggregates;
    let empty = || aggregates.iter().map(|_| Gathered::default()).collect::<Vec<_>>();
    let mut held = Held::default();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut groups: Vec<(Row, Vec<Gathered>)> = Vec::new();
    if by.is_empty() {
        // Without GROUP BY there is one group, of no rows too.
        places.insert(key(&[]), 0);
        groups.push((Vec::new(), empty()));
    }
    for row in rows {
        let row = row?;
        let values = keys.iter().map(|bound| bound.value(context, &row)).collect::<Result<Row, _>>()?;
        let place = *places.entry(key(&values)).or_insert(groups.len());
        if place == groups.len() {
            held.add(&values)?;
            groups.push((values, empty()));
        }
        if let Some((_, gathered)) = groups.get_mut(place) {
            for (gathered, (_, aggregate)) in gathered.iter_mut().zip(aggregates) {
                gathered.see(aggregate, context, &row)?;
            }
        }
    }
    let finished = groups.into_iter().map(|(mut row, gathered)| {
        for (gathered, (_, aggregate)) in gathered.into_iter().zip(aggregates) {
            row.push(gathered.value(aggregate)?);
        }
        Ok(row)
    });
    finished.collect()
}
