//! `query`: what a SQL client is answered.

use async_trait::async_trait;
use serde_json::Value;
use spatialcloud_sql_client::{Answer, Cell, Results};

use super::{Failure, Names, Parsed, Step, World};
use crate::scenario::fields::{self, Fields, Mistake};
use crate::scenario::node::{Kind, Node};
use crate::stack::StackError;

/// Rows told of an answer that is not as expected.
const SHOWN_ROWS: usize = 5;

struct Query {
    database: String,
    sql: String,
    columns: Vec<String>,
    rows: Option<Vec<Vec<Value>>>,
    error: Option<i64>,
    says: Option<String>,
    capture: Option<String>,
}

pub(super) fn query(fields: &mut Fields<'_>, names: &Names) -> Parsed {
    let site = fields.text("as")?;
    if let Some(site) = &site {
        names.need_site(fields.place_of("as"), site)?;
    }
    let sql = fields.need_text("sql")?;
    let database = fields.text("database")?;
    let columns = fields.texts("columns")?.into_iter().map(|(name, _)| name).collect();
    let rows = fields.take("rows").map(rows).transpose()?;
    let error = fields.number("error")?;
    let says = fields.text("says")?;
    let capture = fields.text("capture")?;
    let database = match (database, site, &names.sites[..]) {
        (Some(_), Some(_), _) => {
            let told = "query: `as` names a site's own database: expected it or `database`, not both";
            return Err(Mistake::new(fields.place_of("database"), told));
        }
        (Some(name), None, _) | (None, Some(name), _) => name,
        (None, None, [only]) => only.clone(),
        (None, None, _) => {
            let told =
                "query: expected `as: SITE`, whose database is asked, since there is not one site alone";
            return Err(Mistake::new(fields.place(), told));
        }
    };
    if error.is_some() && (rows.is_some() || capture.is_some()) {
        let told = "query: an answer has rows or an error: expected one of the two";
        return Err(Mistake::new(fields.place_of("error"), told));
    }
    if says.is_some() && error.is_none() {
        let told = "query: `says` goes with `error`, whose words it is held against";
        return Err(Mistake::new(fields.place_of("says"), told));
    }
    Ok(Box::new(Query { database, sql, columns, rows, error, says, capture }))
}

fn rows(node: &Node) -> Result<Vec<Vec<Value>>, Mistake> {
    fields::items(node, "rows")?
        .iter()
        .map(|row| {
            let values = fields::items(row, "a row of `rows`")?;
            values
                .iter()
                .map(|value| match &value.kind {
                    Kind::Null => Ok(Value::Null),
                    Kind::Scalar(value) => Ok(value.clone()),
                    _ => {
                        let told = format!("rows: expected a value, got {}", value.described());
                        Err(Mistake::new(&value.place, told))
                    }
                })
                .collect()
        })
        .collect()
}

#[async_trait]
impl Step for Query {
    fn needs_sql(&self) -> bool {
        true
    }

    async fn run(&self, world: &mut World) -> Result<(), Failure> {
        let answer = match &world.databases {
            Some(databases) => databases.query(&self.database, &self.sql).await.map_err(StackError::from)?,
            None => world.stack.query_in(Some(&self.database), &self.sql).await?,
        };
        if let Some(number) = self.error {
            return self.expect_error(number, &answer);
        }
        if let Some(error) = answer.errors.first() {
            let line = error.line.map(|line| format!(", line {line}")).unwrap_or_default();
            return Err(Failure::new(
                "an answer",
                format!("error {}{line}: {}", error.number, error.message),
            ));
        }
        let none = Results::default();
        let results = answer.results.first().unwrap_or(&none);
        if !self.columns.is_empty() {
            let columns: Vec<&str> = results.columns.iter().map(|column| column.name.as_str()).collect();
            if columns != self.columns {
                let wanted = format!("columns {}", self.columns.join(", "));
                return Err(Failure::new(wanted, format!("columns {}", columns.join(", "))));
            }
        }
        if let Some(rows) = &self.rows {
            compare(rows, results)?;
        }
        if let Some(name) = &self.capture {
            let value = answer.value().ok_or_else(|| Failure::new("a value to capture", "no row"))?;
            world.captures.insert(name.clone(), value.to_string());
        }
        Ok(())
    }
}

impl Query {
    fn expect_error(&self, number: i64, answer: &Answer) -> Result<(), Failure> {
        let is_told = |said: &str| self.says.as_ref().is_none_or(|says| said.contains(says.as_str()));
        let mut errors = answer.errors.iter();
        if errors.any(|error| i64::from(error.number) == number && is_told(&error.message)) {
            return Ok(());
        }
        let says = self.says.as_ref().map(|says| format!(" that says {says:?}")).unwrap_or_default();
        let told: Vec<String> = answer.errors.iter().map(|error| format!("error {error}")).collect();
        let rows: usize = answer.results.iter().map(|results| results.rows.len()).sum();
        let got = if told.is_empty() { format!("an answer with {rows} rows") } else { told.join("; ") };
        Err(Failure::new(format!("error {number}{says}"), got))
    }
}

/// Row by row, in the order in which they come.
fn compare(wanted: &[Vec<Value>], results: &Results) -> Result<(), Failure> {
    let rows = &results.rows;
    let agrees = |wanted: &[Value], got: &[Cell]| {
        wanted.len() == got.len() && wanted.iter().zip(got).all(|(wanted, cell)| cell.is(wanted))
    };
    let differs = wanted.iter().zip(rows).position(|(wanted, got)| !agrees(wanted, got));
    if let Some(index) = differs {
        let row = format!("row {}: ", index + 1);
        return Err(Failure::new(row.clone() + &written(&wanted[index]), row + &shown(&rows[index])));
    }
    if wanted.len() == rows.len() {
        return Ok(());
    }
    let first = wanted.len().min(rows.len());
    let more: Vec<String> = match rows.get(first..) {
        Some(more) if !more.is_empty() => more.iter().take(SHOWN_ROWS).map(|row| shown(row)).collect(),
        _ => vec![format!("none like {}", written(&wanted[first]))],
    };
    Err(Failure::new(
        format!("{} rows", wanted.len()),
        format!("{} rows; from row {}: {}", rows.len(), first + 1, more.join(", ")),
    ))
}

fn written(row: &[Value]) -> String {
    Value::from(row.to_vec()).to_string()
}

fn shown(row: &[Cell]) -> String {
    Value::from_iter(row.iter().map(Cell::to_json)).to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test that cannot go on says where.
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_row_that_differs_is_told() {
        let results = Results {
            columns: Vec::new(),
            rows: vec![vec![Cell::Integer(1)], vec![Cell::Integer(2)], vec![Cell::Null]],
        };
        let (one, two) = (vec![json!(1)], vec![json!(2)]);
        for (wanted, expected, got) in [
            (vec![one.clone(), vec![json!(3)]], "row 2: [3]", "row 2: [2]"),
            (vec![one.clone(), two.clone()], "2 rows", "3 rows; from row 3: [null]"),
            (vec![one.clone(), vec![json!(2), json!(2)]], "row 2: [2,2]", "row 2: [2]"),
            (
                vec![one.clone(), two.clone(), vec![Value::Null], vec![json!("x")]],
                "4 rows",
                "3 rows; from row 4: none like [\"x\"]",
            ),
        ] {
            let Failure::Expectation { expected: told, got: found } = compare(&wanted, &results).unwrap_err()
            else {
                panic!("{wanted:?} is no failure of the stack")
            };
            assert_eq!((told.as_str(), found.as_str()), (expected, got));
        }
        compare(&[one, two, vec![Value::Null]], &results).unwrap();
    }
}
