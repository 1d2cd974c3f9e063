//! Real backups, loaded: production has their rows, and GDAL reads the snapshots.
//!
//! The files are not ours to publish: `SPATIALCLOUD_BACKUPS` names the folder that holds them. A judge that is
//! missing is a test shown as ignored; with `SPATIALCLOUD_REQUIRE=all` it fails.
#![allow(clippy::unwrap_used)] // A test that cannot go on says where.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value as Json, json};
use spatialcloud_backup::writer::{Spec, write};
use spatialcloud_backup::{Backup, Database, Value};
use spatialcloud_simulator::config::WarehouseConfig;
use spatialcloud_simulator::warehouse::RECOMMENDED_PATH;
use spatialcloud_simulator::warehouse::generation::{
    BackupFile, Generation, Generations, OUT, Outcome, TABLES,
};
use spatialcloud_simulator::warehouse::load::{LoadError, load};
use spatialcloud_simulator::warehouse::table::{TableReader, TableRecord};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    match std::env::var_os("SPATIALCLOUD_BACKUPS").map(PathBuf::from) {
        Some(folder) => {
            for path in backups(&folder) {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                trials.push(Trial::test(format!("{name}: production has its rows"), move || {
                    has_its_rows(&path)
                }));
            }
        }
        None => trials.push(
            Trial::test("real backups: not run here, since SPATIALCLOUD_BACKUPS is not set", || Ok(()))
                .with_ignored_flag(true),
        ),
    }
    let required = std::env::var("SPATIALCLOUD_REQUIRE").is_ok_and(|value| value == "all");
    let present = Command::new("ogrinfo").arg("--version").stdin(Stdio::null()).output().is_ok();
    trials.push(
        Trial::test("ogrinfo: snapshots have the rows of their tables", snapshots_have_the_rows)
            .with_ignored_flag(!present && !required),
    );
    let present = Command::new(python())
        .args(["-c", "import pyarrow, shapefile"])
        .stdin(Stdio::null())
        .output()
        .is_ok_and(|output| output.status.success());
    trials.push(
        Trial::test(
            "pyarrow and pyshp: tables and snapshots read as they were written",
            others_read_the_same,
        )
        .with_ignored_flag(!present && !required),
    );
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The interpreter that `ci/install` gives the libraries to.
fn python() -> PathBuf {
    let cache = std::env::var_os("SPATIALCLOUD_CACHE")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/spatialcloud")));
    cache.unwrap_or_default().join("venv/bin/python")
}

/// Backups that are whole in one file.
fn backups(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let backups = files.filter(|path| path.extension().is_some_and(|extension| extension == "bak"));
    let opens = |path: &PathBuf| Database::open(Backup::file(fs::File::open(path).unwrap())).is_ok();
    let mut whole: Vec<PathBuf> = backups.filter(opens).collect();
    whole.sort();
    whole
}

/// A folder for one site, with a backup in its client folder.
fn site(bytes: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("cloud").join(RECOMMENDED_PATH);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(place, bytes).unwrap();
    folder
}

/// Loads it; answers what readers see, and its folder.
fn loaded(site: &Path) -> Result<(PathBuf, Generation), LoadError> {
    let at = "2026-03-02T22:00[Australia/Sydney]".parse().unwrap();
    let cloud = site.join("cloud");
    let generations = Generations::below(&site.join("warehouse"));
    let backup = BackupFile::at(&cloud, RECOMMENDED_PATH)?;
    load(&cloud, &generations, backup, &WarehouseConfig::default(), &at)?;
    Ok(generations.current()?.unwrap())
}

fn rows(folder: &Path, table: &TableRecord) -> Vec<Vec<Value<'static>>> {
    let path = folder.join(TABLES).join(table.file.as_ref().unwrap());
    let mut reader = TableReader::open(&path, &table.columns).unwrap();
    let mut rows = Vec::new();
    while let Some(row) = reader.next_row().unwrap() {
        rows.push(row.into_iter().map(Value::into_owned).collect());
    }
    rows
}

/// A value as production keeps it: xml as text, a sql_variant's value as it is printed.
fn kept(value: Value<'static>) -> Value<'static> {
    match value {
        Value::Xml(_) => Value::Text(value.to_string().into()),
        Value::Variant(mut variant) => {
            variant.value = Value::Text(variant.value.to_string().into());
            Value::Variant(variant)
        }
        other => other,
    }
}

fn has_its_rows(path: &Path) -> Result<(), Failed> {
    let database = Database::open(Backup::file(fs::File::open(path)?))?;
    let site = site(&fs::read(path)?);
    let (folder, generation) = match loaded(site.path()) {
        Ok(loaded) => loaded,
        // Here a page is torn.
        Err(error) if path.to_string_lossy().contains("torn") => {
            assert_eq!(error.outcome(), Outcome::Refused, "{error}");
            assert!(Generations::below(&site.path().join("warehouse")).current()?.is_none());
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    for table in database.tables() {
        let key = format!("{}.{}", table.schema, table.name);
        let record = generation.tables.iter().find(|record| record.full_name() == key).unwrap();
        if table.unsupported.is_some() {
            assert_eq!(record.file, None, "{key}");
            assert!(!record.warnings.is_empty(), "{key}");
            continue;
        }
        let expected: Vec<Vec<Value<'static>>> = database
            .rows(table)?
            .map(|row| Ok(row?.into_iter().map(kept).collect()))
            .collect::<Result<_, Failed>>()?;
        assert_eq!(record.rows, expected.len() as u64, "{key}");
        assert!(rows(&folder, record) == expected, "{key}: rows differ");
        assert_eq!(record.indexes.len(), table.indexes.len(), "{key}");
    }
    Ok(())
}

fn snapshots_have_the_rows() -> Result<(), Failed> {
    let mut backup = Vec::new();
    write(&Spec { seed: 3, size_bytes: 2 << 20, damage: None }, &mut backup)?;
    let site = site(&backup);
    let (folder, generation) = loaded(site.path())?;
    assert_eq!(generation.snapshots.len(), 3);
    for snapshot in &generation.snapshots {
        let shp = folder.join(OUT).join(format!("{}.shp", snapshot.target));
        let output = Command::new("ogrinfo").args(["-ro", "-so", "-al"]).arg(&shp).output()?;
        let words = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && output.stderr.is_empty(), "{words}");
        let table = generation.tables.iter().find(|table| table.full_name() == snapshot.table).unwrap();
        let wanted = [
            format!("Feature Count: {}\n", table.rows),
            // A projection was found and understood.
            "GDA94".to_owned(),
        ];
        for wanted in wanted {
            assert!(words.contains(&wanted), "{wanted:?} is not in\n{words}");
        }
        // Without the spatial column; names are cut to ten letters.
        for column in table.columns.iter().filter(|column| column.name != snapshot.column) {
            let field: String = column.name.chars().take(10).collect();
            assert!(words.contains(&format!("\n{field}: ")), "{field} is not in\n{words}");
        }
    }
    Ok(())
}

fn others_read_the_same() -> Result<(), Failed> {
    let mut backup = Vec::new();
    write(&Spec { seed: 4, size_bytes: 1 << 20, damage: None }, &mut backup)?;
    let site = site(&backup);
    let (folder, generation) = loaded(site.path())?;
    let judge = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/judge.py");
    let output = Command::new(python()).arg(judge).arg(&folder).stdin(Stdio::null()).output()?;
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaints}");
    let seen: Json = serde_json::from_slice(&output.stdout)?;
    for table in &generation.tables {
        let told = &seen["tables"][table.full_name()];
        let types: Json =
            table.columns.iter().map(|column| (column.name.clone(), json!(column.declaration))).collect();
        assert_eq!(told["types"], types, "{}", table.full_name());
        let columns: Vec<usize> = told["columns"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| table.columns.iter().position(|column| *name == column.name).unwrap())
            .collect();
        assert!(columns.len() > 1, "{told}");
        let shown = |value: &Value<'_>| match value {
            Value::Null => Json::Null,
            value => json!(value.to_string()),
        };
        let expected: Vec<Json> = rows(&folder, table)
            .iter()
            .map(|row| columns.iter().map(|index| shown(&row[*index])).collect())
            .collect();
        assert!(told["rows"] == json!(expected), "{}: pyarrow reads other rows", table.full_name());
    }
    for snapshot in &generation.snapshots {
        let told = &seen["snapshots"][format!("{}.shp", snapshot.target)];
        let table = generation.tables.iter().find(|table| table.full_name() == snapshot.table).unwrap();
        // Each of these tables begins with its key.
        let keys: Vec<Json> = rows(&folder, table).iter().map(|row| json!(row[0].to_string())).collect();
        let found: Vec<Json> =
            told["records"].as_array().unwrap().iter().map(|key| json!(key.to_string())).collect();
        assert_eq!(found, keys, "{}", snapshot.target);
        assert_eq!(told["shapes"], json!(table.rows));
        assert_eq!(told["turned"], 0, "outer rings run clockwise");
    }
    assert_eq!(generation.snapshots.len(), 3);
    Ok(())
}
