//! A recipe that ends early leaves production as it was, and nothing beside it: where the server has restored something
//! other than the backup holds, and where a table cannot be replaced.

use std::io::Write;

use libtest_mimic::Failed;
use spatialcloud_backup::writer::{self, Description};
use spatialcloud_harness::engine::put;
use spatialcloud_harness::scenario;
use spatialcloud_sql_client::recipe::{
    self, ColumnContents, Contents, IndexContents, Integers, RecipeError, Restore, TableContents,
};

use crate::nights::{asked, expect};
use crate::server::Server;

const TABLES: &str = "
tables:
  - name: parcels
    columns: { id: int primary key, owner: nvarchar(60) }
    rows: [[1, J. Nguyen], [2, null], [-4, A. Wong]]
";

/// What our reader would find in it.
fn contents() -> Contents {
    let key = IndexContents {
        name: "PK_parcels".to_owned(),
        is_primary_key: true,
        is_unique: true,
        is_clustered: true,
        keys: vec![("id".to_owned(), false)],
        ..IndexContents::default()
    };
    let id = ColumnContents {
        name: "id".to_owned(),
        values: 3,
        integers: Some(Integers { range: Some((-4, 2)), sum: -1 }),
    };
    let owner = ColumnContents { name: "owner".to_owned(), values: 2, integers: None };
    let parcels = TableContents {
        schema: "dbo".to_owned(),
        name: "parcels".to_owned(),
        rows: Some(3),
        columns: vec![id, owner],
        indexes: vec![key],
    };
    Contents { tables: vec![parcels] }
}

fn plan<'c>(device: &'c str, contents: &'c Contents) -> Restore<'c> {
    Restore { device, production: "BROKEN", contents: Some(contents), withheld: &[] }
}

/// Something of it told otherwise, and how the recipe ends then.
type Change = (fn(&mut Contents), &'static str);

pub async fn on(server: &Server) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let (tables, backup) = (folder.path().join("tables.yaml"), folder.path().join("broken.bak"));
    std::fs::File::create(&tables)?.write_all(TABLES.as_bytes())?;
    let tables = scenario::load_tables(&tables).map_err(|error| error.render(false))?;
    let description = Description { tables: tables.tables, ..Description::default() };
    writer::write_described(&description, std::fs::File::create(&backup)?)?;
    let placed = put(&backup, server.folder().here, "broken.bak")?;
    let device = format!("{}/broken.bak", server.folder().there);
    let mut connection = server.connect().await?;
    let mut told = Vec::new();
    let whole = contents();
    recipe::restore(&mut connection, &plan(&device, &whole), &mut |progress| {
        told.push(format!("{progress:?}"))
    })
    .await?;
    expect("that the restore was told", told.iter().any(|told| told.contains("RESTORE DATABASE")), true)?;
    asked(&mut connection, "DELETE FROM BROKEN.dbo.parcels WHERE id = 2").await?;
    let changes: [Change; 5] = [
        (|contents| contents.tables[0].rows = Some(4), "rows: the backup has 4, the server 3"),
        (
            |contents| contents.tables[0].columns[1].values = 3,
            "values of column owner: the backup has 3, the server 2",
        ),
        (
            |contents| {
                contents.tables[0].columns[0].integers = Some(Integers { range: Some((-4, 2)), sum: 7 })
            },
            "sum of column id: the backup has 7, the server -1",
        ),
        (
            |contents| contents.tables[0].name = "roads".to_owned(),
            "the backup has also dbo.roads, the server also dbo.parcels",
        ),
        (
            |contents| contents.tables[0].indexes[0].keys[0].0 = "nothing".to_owned(),
            "(the server's answer to CREATE INDEX)",
        ),
    ];
    for (change, ends) in changes {
        let mut changed = contents();
        change(&mut changed);
        let ended = recipe::restore(&mut connection, &plan(&device, &changed), &mut |_| {}).await;
        let error = match ended {
            Ok(_) => return Err(format!("nobody noticed: {ends}").into()),
            Err(error) => error,
        };
        let words = error.to_string();
        expect(&words, words.ends_with(ends), true)?;
        // An index that cannot be made is not the backup's fault.
        expect(&words, error.is_refusal(), matches!(error, RecipeError::Differs(_)))?;
        let production = "SELECT COUNT(*), SUM(id) FROM BROKEN.dbo.parcels";
        expect(&words, asked(&mut connection, production).await?, serde_json::json!([[2, -3]]))?;
        let beside = asked(&mut connection, "SELECT DB_ID('BROKEN_restoring'), @@TRANCOUNT").await?;
        expect(&words, beside, serde_json::json!([[null, 0]]))?;
    }
    std::fs::remove_file(placed)?;
    expect(
        "the end",
        asked(&mut connection, "USE master; DROP DATABASE BROKEN").await?,
        serde_json::json!([]),
    )
}
