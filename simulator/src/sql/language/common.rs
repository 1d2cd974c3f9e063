//! WITH: queries that have a name. Where the name stands the query is put.

use super::Cursor;
use super::query::{Item, Join, Query, Source, select};
use crate::sql::Halt;
use crate::sql::error::unsupported;

/// Queries of a statement once names are replaced, at most: each name may stand for many.
const MOST_QUERIES: usize = 200;

/// A query by its name, and how many it stands for.
type Known = (String, Query, usize);

/// `WITH name [(columns)] AS (query), … SELECT …`, from WITH on.
pub fn with(cursor: &mut Cursor<'_>) -> Result<Query, Halt> {
    cursor.expect_word("WITH")?;
    let mut known: Vec<Known> = Vec::new();
    loop {
        let name = cursor.name()?;
        let mut columns = Vec::new();
        if cursor.take_symbol("(") {
            columns.push(cursor.name()?);
            while cursor.take_symbol(",") {
                columns.push(cursor.name()?);
            }
            cursor.expect_symbol(")")?;
        }
        cursor.expect_word("AS")?;
        cursor.expect_symbol("(")?;
        let mut query = cursor.deeper(select)?;
        cursor.expect_symbol(")")?;
        let count = replaced(&mut query, &known)?;
        rename(&mut query, columns).map_err(|halt| cursor.at_line(halt))?;
        known.push((name, query, count));
        if !cursor.take_symbol(",") {
            break;
        }
    }
    let mut query = cursor.deeper(select)?;
    replaced(&mut query, &known)?;
    Ok(query)
}

/// Puts queries where their names stand; answers how many the query stands for then.
fn replaced(query: &mut Query, known: &[Known]) -> Result<usize, Halt> {
    let mut count = 1;
    replace(query, known, &mut count);
    if count > MOST_QUERIES {
        return Err(unsupported(format_args!("more than {MOST_QUERIES} queries behind WITH")));
    }
    Ok(count)
}

/// Gives the columns of a query other names.
fn rename(query: &mut Query, columns: Vec<String>) -> Result<(), Halt> {
    if columns.is_empty() {
        return Ok(());
    }
    let is_plain = query.items.iter().all(|item| matches!(item, Item::Expression(..)));
    if !is_plain || query.items.len() != columns.len() {
        return Err(unsupported(
            "names of columns behind WITH for a query with * or another number of columns",
        ));
    }
    for (item, name) in query.items.iter_mut().zip(columns) {
        if let Item::Expression(_, alias) = item {
            *alias = Some(name);
        }
    }
    Ok(())
}

fn replace(query: &mut Query, known: &[Known], count: &mut usize) {
    if let Some(from) = &mut query.from {
        replace_source(from, known, count);
    }
    let conditions = query.condition.iter_mut().chain(&mut query.having);
    for expression in conditions {
        expression.queries(&mut |inner| replace(inner, known, count));
    }
    for item in &mut query.items {
        if let Item::Expression(expression, _) = item {
            expression.queries(&mut |inner: &mut Query| replace(inner, known, count));
        }
    }
    for (_, other) in &mut query.unions {
        replace(other, known, count);
    }
}

fn replace_source(source: &mut Source, known: &[Known], count: &mut usize) {
    match source {
        Source::Table { name, alias } => {
            let is_plain = name.schema.is_none() && name.database.is_none();
            let found = known.iter().find(|(known, ..)| is_plain && known.eq_ignore_ascii_case(&name.name));
            if let Some((_, query, stands_for)) = found {
                *count += stands_for;
                // What is too much is refused: no more of it.
                if *count <= MOST_QUERIES {
                    let alias = alias.clone().unwrap_or_else(|| name.name.clone());
                    *source = Source::Query { query: Box::new(query.clone()), alias };
                }
            }
        }
        Source::Query { query, .. } => replace(query, known, count),
        Source::Join(join) => {
            let Join { left, right, .. } = &mut **join;
            replace_source(left, known, count);
            replace_source(right, known, count);
        }
    }
}
