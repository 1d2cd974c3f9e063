//! Real backups, through tiberius: RESTORE HEADERONLY and FILELISTONLY tell what an independent reader found of each,
//! RESTORE DATABASE brings its tables, and SELECT INTO copies them into another database as they are.
//!
//! The files are not ours to publish: `SPATIALCLOUD_BACKUPS` names the folder that holds them, and `expected/` in it
//! what was found. Names of people are left out there.

use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use serde_json::Value as Json;
use spatialcloud_simulator::config::SqlConfig;
use tiberius::numeric::Numeric;
use tiberius::{EncryptionLevel, Row, Uuid};

use crate::rust::{Connection, connect};
use crate::server::Server;

/// One visit for all files: a server takes longer to start than to tell. Without the files it is shown as ignored,
/// whatever is required: nobody can install them.
pub fn trial() -> Trial {
    match std::env::var_os("SPATIALCLOUD_BACKUPS").map(PathBuf::from) {
        Some(folder) => Trial::test("tiberius: real backups", move || visit(&folder)),
        None => {
            let title = "tiberius: real backups (not run here: SPATIALCLOUD_BACKUPS is not set)";
            Trial::test(title, || Ok(())).with_ignored_flag(true)
        }
    }
}

fn visit(folder: &Path) -> Result<(), Failed> {
    let server = Server::production(SqlConfig::default())?;
    let place = server.folder().join("sites/CITY/cloud/Database");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let expected = folder.join("expected").join(format!("{name}.json"));
        if !expected.exists() {
            continue;
        }
        let expected: Json = serde_json::from_slice(&std::fs::read(expected)?)?;
        std::fs::copy(&path, place.join(&name))?;
        server.runtime.block_on(compare(&server, &name, &expected))?;
        std::fs::remove_file(place.join(&name))?;
        seen += 1;
    }
    if seen == 0 { Err(format!("no backups in {}", folder.display()).into()) } else { Ok(()) }
}

async fn compare(server: &Server, name: &str, expected: &Json) -> Result<(), Failed> {
    let [.., password] = server.login();
    let mut client = connect(server, EncryptionLevel::Off, "CITY", &password).await?;
    let sets = expected["sets"].as_array().ok_or("no sets")?;
    let sql = format!("RESTORE HEADERONLY FROM DISK = N'{name}'");
    let headers = client.simple_query(sql).await?.into_first_result().await?;
    same(name, "sets", headers.len(), sets.len())?;
    for (row, set) in headers.iter().zip(sets) {
        for (column, field) in [
            ("BackupName", "name"),
            ("BackupDescription", "description"),
            ("MachineName", "machine"),
            ("DatabaseName", "database"),
            ("ServerName", "server"),
        ] {
            same(name, column, row.try_get::<&str, _>(column)?, set[field].as_str())?;
        }
        for (column, field) in [
            ("DatabaseVersion", "internal_version"),
            ("UnicodeLocaleId", "lcid"),
            ("UnicodeComparisonStyle", "comparison_style"),
            ("Flags", "flags"),
        ] {
            same(name, column, row.try_get::<i32, _>(column)?.map(i64::from), set[field].as_i64())?;
        }
        same(name, "BackupSize", row.try_get::<i64, _>("BackupSize")?, set["backup_size"].as_i64())?;
        let position = row.try_get::<i16, _>("Position")?.map(i64::from);
        same(name, "Position", position, set["position"].as_i64())?;
        for (column, field) in [
            ("FirstLSN", "first_lsn_decimal"),
            ("LastLSN", "last_lsn_decimal"),
            ("CheckpointLSN", "checkpoint_lsn_decimal"),
            ("DatabaseBackupLSN", "database_backup_lsn_decimal"),
        ] {
            same(name, column, number(row, column)?, set[field].as_str().map(str::to_owned))?;
        }
        for (column, field) in [
            ("BackupSetGUID", "set_guid"),
            ("BindingID", "binding_id"),
            ("RecoveryForkID", "recovery_fork_id"),
            ("FamilyGUID", "family_guid"),
        ] {
            let guid = row.try_get::<Uuid, _>(column)?.map(|guid| guid.to_string());
            same(name, column, guid, set[field].as_str().map(str::to_owned))?;
        }
        files(&mut client, name, set).await?;
        tables(&mut client, name, set).await?;
    }
    Ok(())
}

async fn files(client: &mut Connection, name: &str, set: &Json) -> Result<(), Failed> {
    // A stripe alone tells its headers, and not its files.
    if name.contains("stripe") {
        return Ok(());
    }
    let sql = format!("RESTORE FILELISTONLY FROM DISK = N'{name}' WITH FILE = {}", set["position"]);
    let rows = client.simple_query(sql).await?.into_first_result().await?;
    let expected = set["files"].as_array().ok_or("no files")?;
    same(name, "files", rows.len(), expected.len())?;
    for (row, file) in rows.iter().zip(expected) {
        same(name, "LogicalName", row.try_get::<&str, _>("LogicalName")?, file["logical"].as_str())?;
        same(name, "PhysicalName", row.try_get::<&str, _>("PhysicalName")?, file["physical"].as_str())?;
        same(name, "Size", row.try_get::<i64, _>("Size")?, file["size"].as_i64())?;
        same(name, "FileId", row.try_get::<i64, _>("FileId")?, file["file_id"].as_i64())?;
        let kind = if file["type"] == "data" { "D" } else { "L" };
        same(name, "Type", row.try_get::<&str, _>("Type")?, Some(kind))?;
    }
    Ok(())
}

/// The tables of a full backup, restored and copied; of other sets the reader tells none.
async fn tables(client: &mut Connection, name: &str, set: &Json) -> Result<(), Failed> {
    let Some(tables) = set["tables"].as_array() else { return Ok(()) };
    let position = &set["position"];
    let sql = format!("RESTORE DATABASE restored FROM DISK = N'{name}' WITH FILE = {position}, REPLACE");
    client.simple_query(sql).await?.into_results().await?;
    for table in tables {
        let full_name = table["name"].as_str().unwrap_or_default();
        let Some((schema, own)) = full_name.split_once('.').filter(|_| table["unsupported"].is_null()) else {
            continue;
        };
        let source = format!("restored.[{schema}].[{own}]");
        let expected = table["rows"].as_i64().and_then(|rows| i32::try_from(rows).ok());
        same(name, full_name, count(client, &source).await?, expected)?;
        let copy = format!("CITY.copied.[{own}]");
        let sql = format!("BEGIN TRANSACTION; SELECT * INTO {copy} FROM {source}");
        client.simple_query(sql).await?.into_results().await?;
        same(name, full_name, count(client, &copy).await?, expected)?;
        let rows = [shown(client, &source).await?, shown(client, &copy).await?];
        same(name, full_name, &rows[1], &rows[0])?;
        client.simple_query("ROLLBACK TRANSACTION").await?.into_results().await?;
    }
    client.simple_query("DROP DATABASE restored").await?.into_results().await?;
    Ok(())
}

async fn count(client: &mut Connection, table: &str) -> Result<Option<i32>, Failed> {
    let row = client.simple_query(format!("SELECT COUNT(*) FROM {table}")).await?.into_row().await?;
    Ok(row.and_then(|row| row.get(0)))
}

/// All rows of a table as text.
async fn shown(client: &mut Connection, table: &str) -> Result<Vec<String>, Failed> {
    let rows = client.simple_query(format!("SELECT * FROM {table}")).await?.into_first_result().await?;
    Ok(rows.iter().map(|row| row.cells().map(|(_, value)| format!("{value:?}")).collect()).collect())
}

fn number(row: &Row, column: &str) -> Result<Option<String>, Failed> {
    Ok(row.try_get::<Numeric, _>(column)?.map(|number| number.value().to_string()))
}

fn same<T: PartialEq + std::fmt::Debug>(name: &str, what: &str, got: T, expected: T) -> Result<(), Failed> {
    if got == expected {
        return Ok(());
    }
    Err(format!("{name}: {what}: expected {expected:?}, got {got:?}").into())
}
