//! Puts the tables of a restored database into production: each dropped and made anew, with its keys and indexes, all of
//! them in one transaction (C-43, C-44).

use super::contents::{Contents, IndexContents, Spatial, TableContents};
use super::{Progress, Recipe, RecipeError, name, text};

impl Recipe<'_> {
    /// Answers how many tables and rows are in production now.
    pub(super) async fn replace(&mut self, contents: &Contents) -> Result<(u64, u64), RecipeError> {
        (self.progress)(Progress::Step("replace production tables"));
        let plan = self.plan;
        if !self.has_database(plan.production).await? {
            self.ask("CREATE DATABASE", &format!("CREATE DATABASE {}", name(plan.production))).await?;
        }
        self.ask("USE", &format!("USE {}", name(plan.production))).await?;
        let is_withheld = |table: &TableContents| {
            let full = table.full_name();
            plan.withheld.iter().any(|withheld| withheld.eq_ignore_ascii_case(&full))
        };
        let tables: Vec<&TableContents> =
            contents.tables.iter().filter(|table| !is_withheld(table)).collect();
        self.ask("BEGIN TRANSACTION", "BEGIN TRANSACTION").await?;
        if let Err(error) = self.replace_all(&tables).await {
            // A connection that is lost has rolled back by itself; an error that ends the transaction too.
            let open = self.ask("SELECT @@TRANCOUNT", "SELECT @@TRANCOUNT").await;
            if open.is_ok_and(|answer| answer.value().and_then(crate::Cell::as_integer) > Some(0)) {
                self.ask("ROLLBACK TRANSACTION", "ROLLBACK TRANSACTION").await?;
            }
            return Err(error);
        }
        self.ask("COMMIT TRANSACTION", "COMMIT TRANSACTION").await?;
        let rows = tables.iter().filter_map(|table| table.rows).sum();
        Ok((tables.len() as u64, rows))
    }

    async fn replace_all(&mut self, tables: &[&TableContents]) -> Result<(), RecipeError> {
        for table in tables {
            self.schema(&table.schema).await?;
            let (schema, own) = (name(&table.schema), name(&table.name));
            self.ask("DROP TABLE", &format!("DROP TABLE IF EXISTS {schema}.{own}")).await?;
            let staging = name(&self.staging);
            let sql = format!("SELECT * INTO {schema}.{own} FROM {staging}.{schema}.{own}");
            self.ask("SELECT INTO", &sql).await?;
            // The clustered one first: the others are made over it.
            let mut indexes: Vec<&IndexContents> = table.indexes.iter().collect();
            indexes.sort_by_key(|index| (!index.is_clustered, index.spatial.is_some()));
            for index in indexes {
                self.ask("CREATE INDEX", &statement(&format!("{schema}.{own}"), index)).await?;
            }
        }
        Ok(())
    }

    async fn schema(&mut self, schema: &str) -> Result<(), RecipeError> {
        let sql = format!("SELECT schema_id FROM sys.schemas WHERE name = {}", text(schema));
        if self.ask("SELECT sys.schemas", &sql).await?.value().is_some() {
            return Ok(());
        }
        // It must be alone in its batch, and is.
        self.ask("CREATE SCHEMA", &format!("CREATE SCHEMA {}", name(schema))).await.map(drop)
    }
}

/// The statement that makes a key or an index of `table`.
fn statement(table: &str, index: &IndexContents) -> String {
    let own = name(&index.name);
    let column = |(column, descends): &(String, bool)| {
        format!("{}{}", name(column), if *descends { " DESC" } else { "" })
    };
    let keys = index.keys.iter().map(column).collect::<Vec<_>>().join(", ");
    let kind = if index.is_clustered { "CLUSTERED" } else { "NONCLUSTERED" };
    if index.is_primary_key {
        return format!("ALTER TABLE {table} ADD CONSTRAINT {own} PRIMARY KEY {kind} ({keys})");
    }
    match index.spatial {
        Some(Spatial::Geography) => {
            return format!("CREATE SPATIAL INDEX {own} ON {table} ({keys}) USING GEOGRAPHY_AUTO_GRID");
        }
        Some(Spatial::Geometry([least_x, least_y, greatest_x, greatest_y])) => {
            let bounds = format!("{least_x:?}, {least_y:?}, {greatest_x:?}, {greatest_y:?}");
            let with = format!("BOUNDING_BOX = ({bounds})");
            return format!(
                "CREATE SPATIAL INDEX {own} ON {table} ({keys}) USING GEOMETRY_AUTO_GRID WITH ({with})"
            );
        }
        None => {}
    }
    let unique = if index.is_unique { "UNIQUE " } else { "" };
    let included: Vec<String> = index.included.iter().map(|column| name(column)).collect();
    let included =
        if included.is_empty() { String::new() } else { format!(" INCLUDE ({})", included.join(", ")) };
    format!("CREATE {unique}{kind} INDEX {own} ON {table} ({keys}){included}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_indexes_are_written_as_transact_sql() {
        let key = |name: &str, descends| (name.to_owned(), descends);
        let index =
            IndexContents { name: "i".to_owned(), keys: vec![key("a]b", true)], ..Default::default() };
        let primary = IndexContents { is_primary_key: true, is_clustered: true, ..index.clone() };
        let wide = IndexContents {
            keys: vec![key("a", false), key("b", true)],
            included: vec!["c".to_owned(), "d".to_owned()],
            is_unique: true,
            ..index.clone()
        };
        let plane =
            IndexContents { spatial: Some(Spatial::Geometry([0.0, -1.5, 2e7, 4.0])), ..index.clone() };
        let globe = IndexContents { spatial: Some(Spatial::Geography), ..index.clone() };
        for (index, sql) in [
            (&index, "CREATE NONCLUSTERED INDEX [i] ON t ([a]]b] DESC)"),
            (&primary, "ALTER TABLE t ADD CONSTRAINT [i] PRIMARY KEY CLUSTERED ([a]]b] DESC)"),
            (&wide, "CREATE UNIQUE NONCLUSTERED INDEX [i] ON t ([a], [b] DESC) INCLUDE ([c], [d])"),
            (
                &plane,
                "CREATE SPATIAL INDEX [i] ON t ([a]]b] DESC) USING GEOMETRY_AUTO_GRID WITH (BOUNDING_BOX = (0.0, -1.5, 20000000.0, 4.0))",
            ),
            (&globe, "CREATE SPATIAL INDEX [i] ON t ([a]]b] DESC) USING GEOGRAPHY_AUTO_GRID"),
        ] {
            assert_eq!(statement("t", index), sql);
        }
    }
}
