//! Nights of a site whose warehouse is on a SQL Server: what it has restored is in production, what it refuses is not,
//! and its words are told.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use libtest_mimic::Failed;
use serde_json::{Value, json};
use spatialcloud_backup::writer::{self, Damage, Description};
use spatialcloud_harness::{Stack, keys, scenario};
use spatialcloud_sql_client::Connection;

use crate::server::Server;

const SITE: &str = "NIGHTS";
/// What is written in Transact-SQL must be quoted, and is.
const MONDAY: &str = r#"
tables:
  - name: parcels
    columns: { id: int primary key, owner: nvarchar(60), area: "decimal(9,2)", shape: geometry }
    indexes: { by_owner: [owner], by_shape: [shape] }
    rows:
      - [1, "O'Brien", 812.50, "SRID=28355;POLYGON ((0 0, 0 9, 9 9, 0 0))"]
      - [2, "Zoë ]]", 640, "SRID=28355;POINT (1 2)"]
      - [3, null, null, null]
  - name: "odd ] name"
    schema: gis
    columns: { id: bigint, when: datetime2 }
    rows: 20
ogr_metadata:
  - [Cadastre, Parcels, parcels]
"#;
const TUESDAY: &str = r#"
tables:
  - name: parcels
    columns: { id: int primary key, owner: nvarchar(60) }
    rows: [[7, "A. Wong"]]
"#;

pub fn expect<T: PartialEq + std::fmt::Debug>(what: &str, got: T, expected: T) -> Result<(), Failed> {
    if got == expected { Ok(()) } else { Err(format!("{what}: expected {expected:?}, got {got:?}").into()) }
}

struct Night {
    stack: Stack,
    work: tempfile::TempDir,
}

impl Night {
    async fn begin(sql_server: Value) -> Result<Night, Failed> {
        let settings = json!({
            "clock": { "start": "2026-03-02T16:00[Australia/Sydney]", "pace": "manual" },
            "warehouse": { "sql-server": sql_server },
        });
        let key = keys::pair("rsa-2048")?.public;
        let stack = Stack::in_process().settings(settings).site(SITE, &key, ["127.0.0.1"]).start().await?;
        Ok(Night { stack, work: tempfile::tempdir()? })
    }

    fn inbox(&self) -> std::path::PathBuf {
        self.stack.data().join("sites").join(SITE).join("inbox/Database/IntraMapsSpatialCloud.bak")
    }

    fn tables(&self, text: &str) -> Result<Description, Failed> {
        let path = self.work.path().join("tables.yaml");
        File::create(&path)?.write_all(text.as_bytes())?;
        let tables = scenario::load_tables(&path).map_err(|error| error.render(false))?;
        Ok(Description { tables: tables.tables, ogr_metadata: tables.ogr_metadata, ..Description::default() })
    }

    /// Uploads it and lets the night come; answers what was told of the load, last.
    async fn pass(&self, description: &Description) -> Result<Value, Failed> {
        write(description, &self.inbox())?;
        self.pass_without_upload().await
    }

    async fn pass_without_upload(&self) -> Result<Value, Failed> {
        self.stack.api().advance(json!({ "to": "nightly" })).await?;
        let events = self.stack.api().events("kind=warehouse.*").await?;
        Ok(events.last().cloned().unwrap_or_default())
    }
}

fn write(description: &Description, path: &Path) -> Result<(), Failed> {
    writer::write_described(description, BufWriter::new(File::create(path)?))?;
    Ok(())
}

/// The rows of an answer as JSON, or the number of the error.
pub async fn asked(connection: &mut Connection, sql: &str) -> Result<Value, Failed> {
    let answer = connection.run(sql).await?;
    if let Some(error) = answer.errors.first() {
        return Ok(json!(error.number));
    }
    let results = answer.results.into_iter().next().unwrap_or_default();
    let row =
        |row: &Vec<spatialcloud_sql_client::Cell>| row.iter().map(|cell| cell.to_json()).collect::<Value>();
    Ok(results.rows.iter().map(row).collect())
}

pub async fn on(server: &Server) -> Result<(), Failed> {
    let night = Night::begin(server.settings()?).await?;
    let mut connection = server.connect().await?;
    asked(&mut connection, &format!("DROP DATABASE IF EXISTS [{SITE}]")).await?;

    let loaded = night.pass(&night.tables(MONDAY)?).await?;
    expect("Monday", &loaded["event"], &json!("warehouse.loaded")).map_err(|failed| told(failed, &loaded))?;
    let restored = night.stack.api().events("kind=warehouse.restored").await?;
    let restored = restored.first().cloned().unwrap_or_default();
    expect("what was restored", json!([restored["tables"], restored["rows"]]), json!([2, 23]))?;
    let settings = night.stack.api().get("settings").await?;
    expect("its password", &settings["warehouse"]["sql-server"]["password"], &json!("(not told)"))?;
    let production = [
        (
            "SELECT id, owner, area FROM NIGHTS.dbo.parcels ORDER BY id",
            json!([[1, "O'Brien", "812.50"], [2, "Zoë ]]", "640.00"], [3, null, null]]),
        ),
        ("SELECT shape.STAsText() FROM NIGHTS.dbo.parcels WHERE id = 2", json!([["POINT (1 2)"]])),
        ("SELECT COUNT(*) FROM NIGHTS.gis.[odd ]] name]", json!([[20]])),
        // The metadata table drives the export, and is nobody's data.
        ("SELECT COUNT(*) FROM NIGHTS.dbo.ogr_metadata", json!(208)),
        ("SELECT DB_ID('NIGHTS_restoring')", json!([[null]])),
        (
            "SELECT i.is_primary_key, i.type_desc, COUNT(*) FROM NIGHTS.sys.indexes i JOIN NIGHTS.sys.tables t ON t.object_id = i.object_id \
             WHERE t.name = 'parcels' GROUP BY i.is_primary_key, i.type_desc ORDER BY i.type_desc",
            json!([[true, "CLUSTERED", 1], [false, "NONCLUSTERED", 1], [false, "SPATIAL", 1]]),
        ),
    ];
    for (sql, expected) in production {
        expect(sql, asked(&mut connection, sql).await?, expected)?;
    }

    // A key that is there twice cannot be read here, and an upload that is cut off nowhere: the server says why.
    let damaged =
        Description { seed: 7, size_bytes: 1 << 20, damage: Some(Damage::Cut), ..Description::default() };
    let failed = night.pass(&damaged).await?;
    expect("a damaged night", &failed["event"], &json!("warehouse.failed"))?;
    let reason = failed["reasons"][0].as_str().unwrap_or_default().to_owned();
    expect(&reason, reason.contains("(the server's answer to RESTORE "), true)?;
    let parcels = "SELECT COUNT(*) FROM NIGHTS.dbo.parcels";
    expect("after it", asked(&mut connection, parcels).await?, json!([[3]]))?;
    expect("beside it", asked(&mut connection, "SELECT DB_ID('NIGHTS_restoring')").await?, json!([[null]]))?;
    let placed = server.folder().here.join(format!("{SITE}.bak"));
    expect("the shared folder", placed.exists(), false)?;

    let loaded = night.pass(&night.tables(TUESDAY)?).await?;
    expect("Tuesday", &loaded["event"], &json!("warehouse.loaded"))
        .map_err(|failed| told(failed, &loaded))?;
    let parcels = "SELECT * FROM NIGHTS.dbo.parcels";
    expect(parcels, asked(&mut connection, parcels).await?, json!([[7, "A. Wong"]]))?;
    let kept = "SELECT COUNT(*) FROM NIGHTS.gis.[odd ]] name]";
    expect(kept, asked(&mut connection, kept).await?, json!([[20]]))?;
    asked(&mut connection, &format!("DROP DATABASE [{SITE}]")).await?;
    Ok(())
}

fn told(failed: Failed, event: &Value) -> Failed {
    format!("{}: {event}", failed.message().unwrap_or_default()).into()
}

/// A server that is down is nobody's refusal: the same backup is tried again the next night.
pub async fn without_server() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let night = Night::begin(json!({
        "host": "127.0.0.1",
        "port": 1,
        "user": "sa",
        "password": "x",
        "shared-folder": folder.path(),
        "folder-on-server": "/backup",
    }))
    .await?;
    for attempt in 1..=2 {
        let failed = match attempt {
            1 => night.pass(&night.tables(TUESDAY)?).await?,
            _ => night.pass_without_upload().await?,
        };
        expect("the load", &failed["event"], &json!("warehouse.failed"))?;
        let reason = failed["reasons"][0].as_str().unwrap_or_default().to_owned();
        expect(&reason, reason.starts_with("no SQL Server answers at 127.0.0.1:1"), true)?;
        let failures = night.stack.api().events("kind=warehouse.failed").await?.len();
        expect("failures", failures, attempt)?;
    }
    Ok(())
}
