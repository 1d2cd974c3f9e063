//! Every table of the real backups agrees with an independent reader's findings, down to hashes of rows.
//!
//! The files are not ours to publish: `SPATIALCLOUD_BACKUPS` names the folder that holds them and `expected/`.

#[path = "support/canonical.rs"]
mod canonical;
#[path = "support/enlarged.rs"]
mod enlarged;
#[path = "support/recompressed.rs"]
mod recompressed;

use std::fs::File;
use std::io::{Cursor, Read, Seek};
use std::path::{Path, PathBuf};

use canonical::canonical;
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use spatialcloud_backup::{Backup, DataError, DataErrorKind, Database, Table};

fn main() {
    let arguments = Arguments::from_args();
    let trials = match std::env::var_os("SPATIALCLOUD_BACKUPS").map(PathBuf::from) {
        Some(folder) => trials(&folder),
        None => vec![
            Trial::test("rows of real backups: not run here, since SPATIALCLOUD_BACKUPS is not set", || {
                Ok(())
            })
            .with_ignored_flag(true),
        ],
    };
    libtest_mimic::run(&arguments, trials).exit();
}

/// How the files of a finding make a database.
enum Input {
    Files(Vec<PathBuf>),
    Overlay(PathBuf, PathBuf),
}

impl Input {
    /// The names of findings tell: `PAIR_` both stripes, `OVERLAY_` a differential over its full.
    fn of(name: &str, folder: &Path) -> Input {
        let file = |name: String| folder.join(name);
        if let Some(stem) = name.strip_prefix("PAIR_") {
            // The order of stripes does not matter.
            return Input::Files([2, 1].map(|stripe| file(format!("{stem}{stripe}of2.bak"))).to_vec());
        }
        if let Some((full, differential)) =
            name.strip_prefix("OVERLAY_").and_then(|names| names.split_once('+'))
        {
            let stem = full.strip_suffix("full").unwrap_or(full);
            return Input::Overlay(file(format!("{full}.bak")), file(format!("{stem}{differential}.bak")));
        }
        Input::Files(vec![file(name.to_owned())])
    }

    fn open(&self) -> Result<Result<Database<File>, DataError>, Failed> {
        Ok(match self {
            Input::Files(paths) => {
                let files: Result<Vec<File>, _> = paths.iter().map(File::open).collect();
                Database::open(Backup::stripes(files?))
            }
            Input::Overlay(full, differential) => Database::open_with_differential(
                Backup::file(File::open(full)?),
                Backup::file(File::open(differential)?),
            ),
        })
    }
}

fn trials(folder: &Path) -> Vec<Trial> {
    let mut names: Vec<String> = std::fs::read_dir(folder.join("expected"))
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
        .collect();
    names.sort();
    assert!(names.len() >= 20, "{}: only {} findings", folder.display(), names.len());
    let trial = |name: String| {
        let (input, expected) =
            (Input::of(&name, folder), folder.join("expected").join(format!("{name}.json")));
        Trial::test(format!("{name} rows"), move || agrees(&input, &expected))
    };
    let mut trials: Vec<Trial> = names.into_iter().map(trial).collect();
    let path = folder.to_owned();
    trials.push(Trial::test("a differential in the same file as its full", move || one_file(&path)));
    let path = folder.to_owned();
    trials.push(Trial::test("a database file of 40 GiB", move || huge(&path)));
    for (file, table) in RECOMPRESSED {
        let path = folder.join(file);
        trials.push(Trial::test(format!("{file} {table} with PAGE compression"), move || {
            compressed(&path, table)
        }));
    }
    let path = folder.to_owned();
    trials.push(Trial::test("tables read by several threads at once", move || threads(&path)));
    trials
}

/// BACKUP … TO the same file twice: the differential is its second set.
fn one_file(folder: &Path) -> Result<(), Failed> {
    let mut bytes = std::fs::read(folder.join("sql2016_full.bak"))?;
    let differential = std::fs::read(folder.join("sql2016_diff.bak"))?;
    let start = (0..differential.len()).step_by(512).find(|at| differential[*at..].starts_with(b"SSET"));
    bytes.extend_from_slice(&differential[start.ok_or("a set")?..]);
    let full = Backup::file(Cursor::new(&bytes));
    let database = Database::open_with_differential(full.clone(), full.clone().at_position(2))?;
    let steps = database.table("dbo", "steps").ok_or("dbo.steps")?;
    let count = database.rows(steps)?.filter(Result::is_ok).count();
    if count != 30 || database.rows(steps)?.count() != 30 {
        return Err(format!("{count} rows, 30 expected").into());
    }
    // The full alone has none of them, and a set that is not there is said so.
    let alone = Database::open(full.clone())?;
    let steps = alone.table("dbo", "steps").ok_or("dbo.steps")?;
    let refused = Database::open(full.at_position(3)).err().map(|error| error.kind);
    match (alone.rows(steps)?.count(), refused) {
        (0, Some(DataErrorKind::NotRestorable)) => Ok(()),
        other => Err(format!("{other:?}").into()),
    }
}

/// Tables without large values, of many types, heaps and clustered ones.
const RECOMPRESSED: &[(&str, &str)] = &[
    ("sql2017_world.bak", "city"),
    ("sql2017_world.bak", "country"),
    ("sql2017_world.bak", "countrylanguage"),
    ("sql2008_northwind.bak", "OrderDetail"),
    ("sql2008_northwind.bak", "Order"),
    ("sql2008_northwind.bak", "Customer"),
    ("sql2012_pubs_4k.bak", "titles"),
    ("sql2012_pubs_4k.bak", "employee"),
    ("sql2016_geography_testdb.bak", "people"),
];

/// The same rows come out of a table that is laid out anew with PAGE compression.
fn compressed(path: &Path, name: &str) -> Result<(), Failed> {
    let bytes = std::fs::read(path)?;
    let original = Database::open(Backup::file(Cursor::new(&bytes)))?;
    let table = original.table("dbo", name).ok_or_else(|| {
        format!("{:?}", original.tables().iter().map(|table| &table.name).collect::<Vec<_>>())
    })?;
    let (copy, pages) = recompressed::recompress(&bytes, "dbo", name)?;
    let again = Database::open(Backup::file(Cursor::new(&copy)))?;
    let same = again.table("dbo", name).ok_or("the same table")?;
    let (mut before, mut after) = (json!({}), json!({}));
    rows(&original, table, &mut before)?;
    rows(&again, same, &mut after)?;
    let mut differences = Vec::new();
    differ(&after, &before, name, &mut differences);
    if before["rows"] == 0 || pages == 0 {
        differences.push("there is nothing to compress".to_owned());
    }
    if differences.is_empty() { Ok(()) } else { Err(differences.join("\n").into()) }
}

/// Eleven GAM pages lead through it, and the rows are where they were.
fn huge(folder: &Path) -> Result<(), Failed> {
    let bytes = std::fs::read(folder.join("sql2017_world.bak"))?;
    let small = Database::open(Backup::file(Cursor::new(&bytes)))?;
    let huge = Database::open(Backup::file(enlarged::Enlarged::new(bytes.clone(), 40 << 14)))?;
    for table in small.tables() {
        let (mut one, mut other) = (json!({}), json!({}));
        rows(&small, table, &mut one)?;
        let same = huge.table(&table.schema, &table.name).ok_or("the same tables")?;
        rows(&huge, same, &mut other)?;
        if one != other || one["rows"] == 0 {
            return Err(format!("{}: {one} and {other}", table.name).into());
        }
    }
    Ok(())
}

fn threads(folder: &Path) -> Result<(), Failed> {
    let database = Database::open(Backup::file(File::open(folder.join("sql2014_compressed.bak"))?))?;
    let read = |table: &Table| -> Result<Json, String> {
        let mut found = json!({});
        rows(&database, table, &mut found).map_err(|error| error.to_string())?;
        Ok(found)
    };
    let alone: Vec<_> = database.tables().iter().map(read).collect();
    let together: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            database.tables().iter().map(|table| scope.spawn(move || read(table))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err("panicked".to_owned())))
            .collect()
    });
    match alone == together && alone.iter().all(Result::is_ok) && alone.len() == 20 {
        true => Ok(()),
        false => Err("several threads read something else than one".into()),
    }
}

fn agrees(input: &Input, expected: &Path) -> Result<(), Failed> {
    let expected: Json = serde_json::from_str(&std::fs::read_to_string(expected)?)?;
    let set = &expected["sets"][0];
    let opened = input.open()?;
    let Some(tables) = set["tables"].as_array() else {
        // Logs, single stripes, differentials alone and newer versions have no rows to compare.
        return match opened {
            Err(error) if matches!(error.kind, DataErrorKind::NotRestorable | DataErrorKind::Unsupported) => {
                Ok(())
            }
            Err(error) => Err(format!("refused for the wrong reason: {error}").into()),
            Ok(_) => Err("opened, though there are no rows in it".into()),
        };
    };
    let database = opened?;
    let mut differences = Vec::new();
    let names = |tables: &[Table]| -> Vec<String> {
        tables.iter().map(|table| format!("{}.{}", table.schema, table.name)).collect()
    };
    let wanted: Vec<String> =
        tables.iter().map(|table| table["name"].as_str().unwrap_or("").to_owned()).collect();
    let mut found = names(database.tables());
    let mut sorted = wanted.clone();
    sorted.sort();
    found.sort();
    if found != sorted {
        differences.push(format!("tables: expected {sorted:?}, found {found:?}"));
    }
    if set["boot"]["version"] != json!(database.version()) {
        differences.push(format!("version {}", database.version()));
    }
    // The findings count all pages, the flag those that the catalog was read from.
    if database.is_catalog_fuzzy() && set["pages_newer_than_checkpoint"] == json!(0) {
        differences
            .push("the catalog is called fuzzy, though no page is newer than the checkpoint".to_owned());
    }
    for expected in tables {
        let name = expected["name"].as_str().unwrap_or("");
        let (schema, short) = name.split_once('.').unwrap_or(("", name));
        let Some(table) = database.table(schema, short) else { continue };
        let mut found = describe(table);
        if let Err(error) = rows(&database, table, &mut found) {
            differences.push(format!("{name}: {error}"));
        }
        differ(&found, expected, name, &mut differences);
    }
    if differences.is_empty() { Ok(()) } else { Err(differences.join("\n").into()) }
}

/// Every field of ours must be in the expected findings, and the same.
fn differ(found: &Json, expected: &Json, what: &str, differences: &mut Vec<String>) {
    match (found, expected) {
        (Json::Object(found), Json::Object(expected)) => {
            for (name, found) in found {
                differ(
                    found,
                    expected.get(name).unwrap_or(&Json::Null),
                    &format!("{what}.{name}"),
                    differences,
                );
            }
        }
        (Json::Array(found), Json::Array(expected)) if found.len() == expected.len() => {
            for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
                differ(found, expected, &format!("{what}[{index}]"), differences);
            }
        }
        _ if found == expected => {}
        _ => differences.push(format!("{what}: expected {expected}, found {found}")),
    }
}

fn describe(table: &Table) -> Json {
    let columns: Vec<Json> = table
        .columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let mut shown = json!({
                "id": column.id,
                "name": column.name,
                "type": column.sql_type.name(),
                "length": column.max_length_bytes,
                "precision": column.precision,
                "scale": column.scale,
                "nullable": column.is_nullable,
                "stored": column.is_stored,
                "alias": column.type_name,
                "code_page": column.code_page.map(|page| format!("cp{}", page.0)),
            });
            if let Some((offset, null_bit)) = table.leaf_place(index) {
                shown["leaf_offset"] = json!(offset);
                shown["null_bit"] = json!(null_bit);
            }
            if column.is_sparse {
                shown["sparse"] = json!(true);
            }
            if let Some(identity) = column.identity {
                shown["identity"] = json!({"last": identity.last, "increment_or_seed": identity.increment});
            }
            shown
        })
        .collect();
    let indexes: Vec<Json> = table
        .indexes
        .iter()
        .map(|index| {
            json!({
                "name": index.name,
                "index_id": index.id,
                "type": index.index_type.name(),
                "unique": index.is_unique,
                "primary_key": index.is_primary_key,
                "unique_constraint": index.is_unique_constraint,
                "disabled": index.is_disabled,
                "keys": index.keys,
            })
        })
        .collect();
    json!({
        "object_id": table.object_id,
        "storage": table.storage.name(),
        "columns": columns,
        "indexes": indexes,
        "primary_key": table.primary_key(),
        "rcrows": table.row_count,
        "partitions": table.partition_count(),
        "unsupported": table.unsupported,
    })
}

/// Adds count, hashes and NULLs of the rows.
fn rows<S: Read + Seek>(database: &Database<S>, table: &Table, found: &mut Json) -> Result<(), DataError> {
    let stored: Vec<usize> =
        (0..table.columns.len()).filter(|index| table.columns[*index].is_stored).collect();
    let mut lines: Vec<String> = Vec::new();
    let mut columns: Vec<Vec<String>> = vec![Vec::new(); stored.len()];
    let mut rows = database.rows(table)?;
    while let Some(row) = rows.next_row() {
        let row = row?;
        let mut values = Vec::new();
        for (at, index) in stored.iter().enumerate() {
            let text = canonical(&row.value(*index)?);
            columns[at].push(text.clone());
            values.push(text);
        }
        lines.push(values.join("\t"));
    }
    found["rows"] = json!(lines.len());
    found["rows_sha256"] = json!(hash(lines));
    for (values, index) in columns.into_iter().zip(stored) {
        let name = &table.columns[index].name;
        found["column_nulls"][name] = json!(values.iter().filter(|value| *value == "\\N").count());
        found["column_sha256"][name] = json!(hash(values));
    }
    Ok(())
}

fn hash(mut lines: Vec<String>) -> String {
    lines.sort();
    let mut hasher = Sha256::new();
    for line in lines {
        hasher.update(line.as_bytes());
        hasher.update(b"\n");
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
