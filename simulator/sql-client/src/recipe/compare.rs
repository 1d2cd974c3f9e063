//! Whether a server has restored what stands in the backup: tables, rows, values that are not NULL, and least, greatest
//! and sum of each column of whole numbers.

use std::fmt;

use super::contents::{ColumnContents, Contents, TableContents};
use super::{Recipe, RecipeError, name};
use crate::Cell;

/// Columns that one SELECT asks for: each takes up to four of the 4096 that it may have.
const COLUMNS_AT_ONCE: usize = 200;

/// Where server and reader differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The table, or nothing where whole tables differ.
    pub table: Option<String>,
    /// What of it.
    pub what: String,
    /// What our reader found.
    pub expected: String,
    /// What the server has.
    pub got: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { table, what, expected, got } = self;
        let of = table.as_ref().map(|table| format!("table {table}, ")).unwrap_or_default();
        write!(formatter, "{of}{what}: the backup has {expected}, the server {got}")
    }
}

impl Recipe<'_> {
    pub(super) async fn compare(&mut self, contents: &Contents) -> Result<(), RecipeError> {
        let staging = name(&self.staging);
        let sql = format!(
            "SELECT s.name, t.name FROM {staging}.sys.tables t JOIN {staging}.sys.schemas s ON s.schema_id = t.schema_id"
        );
        let answer = self.ask("SELECT sys.tables", &sql).await?;
        let rows = answer.results.into_iter().next().unwrap_or_default().rows;
        let found: Vec<String> =
            rows.iter().filter(|row| row.len() == 2).map(|row| format!("{}.{}", row[0], row[1])).collect();
        tables(contents, found)?;
        for table in contents.tables.iter().filter(|table| table.rows.is_some()) {
            // At least one question, for the rows of a table that has no column to compare.
            let chunks = table.columns.chunks(COLUMNS_AT_ONCE);
            let chunks: Vec<&[ColumnContents]> =
                if table.columns.is_empty() { vec![&[]] } else { chunks.collect() };
            for columns in chunks {
                self.compare_columns(table, columns).await?;
            }
        }
        Ok(())
    }

    async fn compare_columns(
        &mut self,
        table: &TableContents,
        columns: &[ColumnContents],
    ) -> Result<(), RecipeError> {
        let mut wanted =
            vec![("rows".to_owned(), "COUNT_BIG(*)".to_owned(), table.rows.unwrap_or(0).to_string())];
        for column in columns {
            let own = name(&column.name);
            let mut want = |what: &str, sql: String, value: String| {
                wanted.push((format!("{what} of column {}", column.name), sql, value));
            };
            want("values", format!("COUNT_BIG({own})"), column.values.to_string());
            if let Some((integers, (least, greatest))) =
                column.integers.and_then(|integers| Some((integers, integers.range?)))
            {
                want("least", format!("MIN({own})"), least.to_string());
                want("greatest", format!("MAX({own})"), greatest.to_string());
                want("sum", format!("SUM(CAST({own} AS decimal(38, 0)))"), integers.sum.to_string());
            }
        }
        let asked: Vec<&str> = wanted.iter().map(|(_, sql, _)| sql.as_str()).collect();
        let sql = format!(
            "SELECT {} FROM {}.{}.{}",
            asked.join(", "),
            name(&self.staging),
            name(&table.schema),
            name(&table.name)
        );
        let answer = self.ask("SELECT COUNT_BIG", &sql).await?;
        let row = answer.results.into_iter().next().and_then(|results| results.rows.into_iter().next());
        let row = row.unwrap_or_default();
        for (index, (what, _, expected)) in wanted.into_iter().enumerate() {
            let got = row.get(index).map_or_else(|| "nothing".to_owned(), Cell::to_string);
            if got != expected {
                let table = Some(table.full_name());
                return Err(RecipeError::Differs(Difference { table, what, expected, got }));
            }
        }
        Ok(())
    }
}

/// Whether both have the same tables.
fn tables(contents: &Contents, mut found: Vec<String>) -> Result<(), RecipeError> {
    let mut wanted: Vec<String> = contents.tables.iter().map(TableContents::full_name).collect();
    wanted.sort();
    found.sort();
    if wanted == found {
        return Ok(());
    }
    let without = |those: &[String], others: &[String]| {
        let alone: Vec<&str> =
            those.iter().filter(|table| !others.contains(table)).map(String::as_str).collect();
        if alone.is_empty() { "no other".to_owned() } else { format!("also {}", alone.join(", ")) }
    };
    Err(RecipeError::Differs(Difference {
        table: None,
        what: "tables".to_owned(),
        expected: without(&wanted, &found),
        got: without(&found, &wanted),
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test that cannot go on says where.
    use super::*;

    #[test]
    fn tables_that_only_one_side_has_are_named() {
        let table = |name: &str| TableContents {
            schema: "dbo".to_owned(),
            name: name.to_owned(),
            ..TableContents::default()
        };
        let contents = Contents { tables: vec![table("roads"), table("parcels")] };
        let found = |names: &[&str]| names.iter().map(|name| format!("dbo.{name}")).collect::<Vec<_>>();
        tables(&contents, found(&["parcels", "roads"])).unwrap();
        let error = tables(&contents, found(&["parcels", "trees"])).unwrap_err();
        let told = "the server has restored something other than the backup holds: tables: the backup has also dbo.roads, the server also dbo.trees";
        assert_eq!(error.to_string(), told);
        assert!(error.is_refusal());
    }

    #[test]
    fn columns_of_whole_numbers_are_summed_up() {
        let mut column = ColumnContents { integers: Some(Default::default()), ..ColumnContents::default() };
        for value in [7, -2, i64::MAX, i64::MAX] {
            column.see(Some(value));
        }
        let integers = column.integers.unwrap();
        assert_eq!(integers.range, Some((-2, i64::MAX)));
        assert_eq!((column.values, integers.sum), (4, 5 + 2 * i128::from(i64::MAX)));
    }
}
