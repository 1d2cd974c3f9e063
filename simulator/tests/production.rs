//! Real backups, loaded: production has their rows, and GDAL reads the snapshots.
//!
//! The files are not ours to publish: `SPATIALCLOUD_BACKUPS` names the folder that holds them. A judge that is
//! missing is a test shown as ignored; with `SPATIALCLOUD_REQUIRE=all` it fails.
#![allow(clippy::unwrap_used)] // A test that cannot go on says where.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};
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
    libtest_mimic::run(&arguments, trials).exit_code()
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
