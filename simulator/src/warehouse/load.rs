//! The load: tables of the upload into production, then the snapshots that its metadata table asks for; all of it
//! or nothing (C-42 to C-46).

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use jiff::ZonedDateTime;
use spatialcloud_backup::{Backup, DataError, DataErrorKind, Database, Table, Value};
use spatialcloud_shapefile::{Plan, Survey};

use super::file_names::FileNames;
use super::generation::{BackupFile, Generation, Generations, OUT, Outcome, SnapshotRecord, Staged, TABLES};
use super::out::Out;
use super::preview::{Preview, Wanted, is_metadata, preview};
use super::snapshot::{self, Exported, Place, SnapshotError};
use super::table::{self, TableError, TableReader, TableRecord, TableWriter};
use crate::clock::Clock;
use crate::config::WarehouseConfig;
use crate::journal::Fact;

/// What a load did.
pub struct Loaded {
    /// What readers see now.
    pub generation: Generation,
    /// Tables the upload brought.
    pub tables: u64,
    /// Rows in them.
    pub rows: u64,
    /// Snapshots written.
    pub snapshots: u64,
    /// Everything that happened, in order.
    pub facts: Vec<Fact>,
}

/// Why nothing was loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The backup cannot be read whole.
    #[error("{}{_0}", error_number(_0))]
    Backup(#[from] DataError),
    /// A table that cannot be staged.
    #[error("{}table {table}: {error}", error_number(error))]
    Row {
        /// Its name.
        table: String,
        /// What is wrong with which row.
        error: DataError,
    },
    /// Ours.
    #[error(
        "the load cannot write its files: {0}; free space, check rights, and it is tried again at the next start or night"
    )]
    Disk(#[from] io::Error),
}

/// SQL Server's number for what it would say to such data. Not calibrated against the engine.
fn error_number(error: &DataError) -> &'static str {
    match error.kind {
        DataErrorKind::Io => "3203: ",
        DataErrorKind::NotRestorable => "3242: ",
        DataErrorKind::Missing | DataErrorKind::Checksum => "3183: ",
        // The page is whole, and what stands on it is not.
        DataErrorKind::Damaged => "5242: ",
        DataErrorKind::Unsupported => "",
    }
}

impl LoadError {
    /// Whose fault it is.
    pub fn outcome(&self) -> Outcome {
        match self {
            LoadError::Backup(error) | LoadError::Row { error, .. } if error.kind != DataErrorKind::Io => {
                Outcome::Refused
            }
            _ => Outcome::Failed,
        }
    }
}

/// Loads `backup` of the client folder `cloud` as of simulated time `at`.
///
/// # Errors
/// [`LoadError`]; then readers see what they saw before.
pub fn load(
    cloud: &Path,
    generations: &Generations,
    backup: BackupFile,
    config: &WarehouseConfig,
    at: &ZonedDateTime,
) -> Result<Loaded, LoadError> {
    let file = File::open(cloud.join(&backup.path))?;
    let database = Database::open(Backup::file(file))?;
    let preview = preview(&database, &config.metadata)?;
    let _writer = generations.lock()?;
    let earlier = generations.current()?;
    let mut load = Load {
        database: &database,
        staged: generations.stage()?,
        earlier: earlier.as_ref().map(|(folder, generation)| (folder.as_path(), generation)),
        date: date(at),
        files: FileNames::default(),
        facts: Vec::new(),
    };
    let mut tables = BTreeMap::new();
    let mut plans = Vec::new();
    let metadata_table = config.metadata.table.as_str();
    for (index, table) in database.tables().iter().enumerate() {
        if !is_metadata(table, metadata_table) {
            let (record, planned) = load.table(table, index, &preview.wanted)?;
            plans.extend(planned);
            tables.insert(record.key(), record);
        }
    }
    plans.sort_by_key(|(row, _)| *row);
    let rows = tables.values().map(|table| table.rows).sum();
    let brought = tables.len() as u64;
    let snapshots = load.snapshots(preview, plans, &tables, metadata_table)?;
    let written = snapshots.iter().filter(|snapshot| snapshot.load == load.staged.load).count() as u64;
    load.keep_earlier_tables(&mut tables)?;
    let generation = Generation {
        load: load.staged.load,
        at: at.to_string(),
        backup: Some(backup),
        tables: tables.into_values().collect(),
        snapshots,
    };
    let Load { staged, facts, .. } = load;
    staged.finish(&generation, config.kept_generations)?;
    Ok(Loaded { generation, tables: brought, rows, snapshots: written, facts })
}

/// The day in the headers of attribute tables, which know no years before 1900.
fn date(at: &ZonedDateTime) -> (u16, u8, u8) {
    let year = u16::try_from(at.year()).unwrap_or(1900).max(1900);
    (year, u8::try_from(at.month()).unwrap_or(1), u8::try_from(at.day()).unwrap_or(1))
}

/// A row of the metadata table with what the first pass over its table found, or why there can be no snapshot.
type Planned = (usize, Result<Plan, String>);

struct Load<'l> {
    database: &'l Database<File>,
    staged: Staged,
    earlier: Option<(&'l Path, &'l Generation)>,
    date: (u16, u8, u8),
    files: FileNames,
    facts: Vec<Fact>,
}

impl Load<'_> {
    /// Stages a table; surveys it for each snapshot that is wanted of it.
    fn table(
        &mut self,
        table: &Table,
        index: usize,
        wanted: &[Wanted],
    ) -> Result<(TableRecord, Vec<Planned>), LoadError> {
        let since = Clock::stopwatch();
        let mut record = TableRecord::of(table, self.staged.load);
        let wanted: Vec<&Wanted> = wanted.iter().filter(|wanted| wanted.export.table == index).collect();
        let mut planned = Vec::new();
        if table.unsupported.is_none() {
            let columns = record.columns.clone();
            let mut surveys: Vec<Surveyed<'_>> = wanted
                .iter()
                .filter_map(|wanted| {
                    let spatial = table.column(&wanted.spatial_column)?.0;
                    let exported = Exported::new(&columns, spatial);
                    let survey = exported.survey(self.date);
                    Some(Surveyed { row: wanted.row, exported, survey: Ok(survey) })
                })
                .collect();
            let name = self.files.take(&record.full_name());
            let path = self.staged.folder.join(TABLES).join(&name);
            let see = |values: &[Value<'_>]| surveys.iter_mut().try_for_each(|surveyed| surveyed.see(values));
            match write_rows(self.database, table, &mut record, &path, see) {
                Ok(()) => record.file = Some(name),
                // Named, and not guessed; SQL Server would have it.
                Err(LoadError::Row { error, .. }) if error.kind == DataErrorKind::Unsupported => {
                    fs::remove_file(&path)?;
                    record.rows = 0;
                    record.warnings.push(format!("its rows cannot be read here: {error}"));
                }
                Err(error) => return Err(error),
            }
            planned.extend(
                surveys.into_iter().map(|surveyed| (surveyed.row, surveyed.survey.map(Survey::finish))),
            );
        }
        if record.file.is_none() {
            let unreadable = || "the table's rows cannot be read here".to_owned();
            planned = wanted.iter().map(|wanted| (wanted.row, Err(unreadable()))).collect();
        }
        let replaced = self.earlier_table(&record.key()).is_some();
        self.facts.push(Fact::TableLoaded {
            table: record.full_name(),
            rows: record.rows,
            replaced,
            indexes: record.indexes.iter().map(|index| index.name.clone()).collect(),
            warnings: record.warnings.clone(),
            duration_ms: since.elapsed_ms(),
        });
        Ok((record, planned))
    }

    fn earlier_table(&self, key: &str) -> Option<&TableRecord> {
        self.earlier?.1.tables.iter().find(|table| table.key() == key)
    }

    /// Writes the snapshots in the order of the metadata table, and keeps earlier ones that are not written anew.
    fn snapshots(
        &mut self,
        preview: Preview,
        plans: Vec<Planned>,
        tables: &BTreeMap<String, TableRecord>,
        metadata_table: &str,
    ) -> Result<Vec<SnapshotRecord>, LoadError> {
        let mut out = Out::new(self.staged.folder.join(OUT));
        let mut snapshots = Vec::new();
        let mut plans = plans.into_iter().peekable();
        for (row, answer) in (1..).zip(&preview.answers) {
            let Some(wanted) = preview.wanted.iter().find(|wanted| wanted.row == row) else {
                self.facts.push(Fact::SnapshotSkipped { row: row as u64, reason: answer.to_string() });
                continue;
            };
            let plan = plans.next_if(|(planned, _)| *planned == row);
            let plan = plan.map_or_else(|| Err("the table was not read".to_owned()), |(_, plan)| plan);
            let table = self.database.tables().get(wanted.export.table);
            let table = table.and_then(|table| tables.get(&table::key(&table.schema, &table.name)));
            let owner = format!("row {row} of {metadata_table}");
            let since = Clock::stopwatch();
            let written = match (plan, table) {
                (Ok(plan), Some(table)) => self.snapshot(table, wanted, plan, &mut out, &owner),
                (Err(reason), _) => Err(SnapshotError::Table(reason)),
                (_, None) => Err(SnapshotError::Table("the table was not loaded".to_owned())),
            };
            match written {
                Ok(snapshot) => {
                    self.facts.push(Fact::SnapshotWritten {
                        table: snapshot.table.clone(),
                        path: format!("{}.shp", snapshot.target),
                        records: snapshot.records,
                        geometry: snapshot.geometry.clone(),
                        srid: snapshot.srid,
                        files: snapshot.files.clone(),
                        notices: snapshot.notices.clone(),
                        duration_ms: since.elapsed_ms(),
                    });
                    snapshots.push(snapshot);
                }
                Err(SnapshotError::Table(reason)) => {
                    let path = wanted.export.target.relative();
                    let kept = if self.earlier_snapshot(&path).is_some() {
                        "; that of an earlier night stays"
                    } else {
                        ""
                    };
                    let reason = format!("OUT/{path}.shp is not written: {reason}{kept}");
                    self.facts.push(Fact::SnapshotSkipped { row: row as u64, reason });
                }
                Err(SnapshotError::Disk(error)) => return Err(error.into()),
            }
        }
        self.keep_earlier_snapshots(&mut snapshots, &mut out)?;
        Ok(snapshots)
    }

    fn snapshot(
        &self,
        table: &TableRecord,
        wanted: &Wanted,
        plan: Plan,
        out: &mut Out,
        owner: &str,
    ) -> Result<SnapshotRecord, SnapshotError> {
        let file =
            table.file.as_ref().ok_or_else(|| SnapshotError::Table("it has no rows file".to_owned()))?;
        let spatial = table.columns.iter().position(|column| column.name == wanted.spatial_column);
        let spatial = spatial.ok_or_else(|| SnapshotError::Table("its column is gone".to_owned()))?;
        let path = self.staged.folder.join(TABLES).join(file);
        let mut rows = TableReader::open(&path, &table.columns)
            .map_err(|error| SnapshotError::Disk(io::Error::other(error)))?;
        let exported = Exported::new(&table.columns, spatial);
        let place = Place { target: &wanted.export.target, owner };
        snapshot::write(table, exported, plan, &mut rows, out, &place)
    }

    fn earlier_snapshot(&self, target: &str) -> Option<&SnapshotRecord> {
        let key = target.to_lowercase();
        self.earlier?.1.snapshots.iter().find(|snapshot| snapshot.key() == key)
    }

    /// Snapshots stay until a row of the metadata table has them written anew: nobody removes files from OUT.
    fn keep_earlier_snapshots(
        &mut self,
        snapshots: &mut Vec<SnapshotRecord>,
        out: &mut Out,
    ) -> Result<(), LoadError> {
        let Some((folder, earlier)) = self.earlier else { return Ok(()) };
        let written: HashSet<String> = snapshots.iter().map(SnapshotRecord::key).collect();
        for snapshot in earlier.snapshots.iter().filter(|snapshot| !written.contains(&snapshot.key())) {
            let owner = format!("load {}", snapshot.load);
            let mut kept = SnapshotRecord { files: Vec::new(), ..snapshot.clone() };
            for path in &snapshot.files {
                match out.link(&folder.join(OUT).join(path), path, &owner) {
                    Ok(path) => kept.files.push(path),
                    // A set of tonight has one of its names: half of an old set would mislead.
                    Err(super::out::OutError::Taken { .. }) => {
                        out.remove(&kept.files)?;
                        kept.files.clear();
                        break;
                    }
                    Err(super::out::OutError::Disk(error)) => return Err(error.into()),
                }
            }
            if !kept.files.is_empty() {
                snapshots.push(kept);
            }
        }
        Ok(())
    }

    /// A table stays until an upload replaces it.
    fn keep_earlier_tables(&mut self, tables: &mut BTreeMap<String, TableRecord>) -> Result<(), LoadError> {
        let Some((folder, earlier)) = self.earlier else { return Ok(()) };
        for table in &earlier.tables {
            if tables.contains_key(&table.key()) {
                continue;
            }
            let mut kept = table.clone();
            if let Some(file) = &table.file {
                let name = self.files.take(&table.full_name());
                let place: PathBuf = self.staged.folder.join(TABLES).join(&name);
                fs::hard_link(folder.join(TABLES).join(file), place)?;
                kept.file = Some(name);
            }
            tables.insert(kept.key(), kept);
        }
        Ok(())
    }
}

/// Writes the rows of a table to a file of its own, and completes its record. `see` is shown each of them first.
///
/// # Errors
/// What cannot be read or written, and what `see` answers.
pub fn write_rows<E: From<LoadError>>(
    database: &Database<File>,
    table: &Table,
    record: &mut TableRecord,
    path: &Path,
    mut see: impl FnMut(&[Value<'_>]) -> Result<(), E>,
) -> Result<(), E> {
    let placed = |error| LoadError::Row { table: format!("{}.{}", table.schema, table.name), error };
    let staged = |error| match error {
        TableError::Data(error) => placed(error),
        TableError::File(error) => LoadError::Disk(error),
        other => LoadError::Disk(io::Error::other(format!("table {}.{}: {other}", table.schema, table.name))),
    };
    let mut writer = TableWriter::create(path, &record.columns).map_err(staged)?;
    let mut rows = database.rows(table).map_err(placed)?;
    while let Some(row) = rows.next_row() {
        let row = row.map_err(placed)?;
        let values: Vec<Value<'_>> =
            (0..row.len()).map(|index| row.value(index)).collect::<Result<_, _>>().map_err(placed)?;
        see(&values)?;
        writer.push(&values).map_err(staged)?;
    }
    let is_fuzzy = rows.is_fuzzy();
    let (count, size_bytes) = writer.finish().map_err(staged)?;
    (record.rows, record.size_bytes) = (count, size_bytes);
    if is_fuzzy {
        record.warnings.push(
            "it was written to while the backup ran: SQL Server would replay the log, here its rows are as \
             its pages were; back up when nobody writes"
                .to_owned(),
        );
    } else if count != table.row_count {
        let counted = table.row_count;
        record.warnings.push(format!("{count} rows are in it, the catalog counts {counted}"));
    }
    Ok(())
}

/// The first pass for one snapshot.
struct Surveyed<'t> {
    row: usize,
    exported: Exported<'t>,
    /// Or why there can be none.
    survey: Result<Survey, String>,
}

impl Surveyed<'_> {
    fn see(&mut self, values: &[Value<'_>]) -> Result<(), LoadError> {
        let Ok(survey) = &mut self.survey else { return Ok(()) };
        match self.exported.row(values, |geometry, fields| survey.see(geometry, fields)) {
            Ok(()) => Ok(()),
            Err(SnapshotError::Table(reason)) => {
                self.survey = Err(reason);
                Ok(())
            }
            Err(SnapshotError::Disk(error)) => Err(error.into()),
        }
    }
}
