//! Generations of a site's production data: tables and snapshots of one night, whole, and the history of loads
//! (C-43, C-44, C-46).
//!
//! ```text
//! warehouse/current            a link to the generation that readers see
//! warehouse/generations/7/     generation.json, tables/dbo.parcels.arrow, OUT/Cadastre/Parcels.shp …
//! warehouse/loads.jsonl        one line for each load, those that failed too
//! ```
//!
//! A load stages a folder of its own, writes everything to the disk, gives it its number, and turns the link with
//! one rename. Killed at any moment it leaves the link as it was, or turned; what it staged is removed by the next.
//! A reader resolves the link once and sees one night, tables and snapshots alike; while it holds that night
//! ([`Generations::hold`]) its files stay, however many nights come after. Who makes a generation locks the others out
//! ([`Generations::lock`]): a load and a change over SQL never build on the same one.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::table::TableRecord;

/// Folder of the snapshots in a generation: the site's OUT folder.
pub const OUT: &str = "OUT";
/// Folder of the tables in a generation.
pub const TABLES: &str = "tables";
/// The record in a generation.
const RECORD: &str = "generation.json";
/// Beside the link: locked by whoever makes a generation.
const LOCK: &str = "lock";
/// Behind the name of a generation that is not finished.
const STAGED: &str = ".staged";

/// What a generation holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// The load that made it, from 1.
    pub load: u64,
    /// When, in simulated time.
    pub at: String,
    /// The backup that was loaded last; none where every table came over SQL.
    pub backup: Option<BackupFile>,
    /// Its tables, by schema and name. Those of earlier loads stay until an upload replaces them.
    pub tables: Vec<TableRecord>,
    /// Its snapshots, in the order of the metadata table, then those of earlier loads.
    pub snapshots: Vec<SnapshotRecord>,
}

/// Which file a load read. The same file is not loaded again at the next start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupFile {
    /// Where it lies in the client folder, as `Database/IntraMapsSpatialCloud.bak`.
    pub path: String,
    /// Its size.
    pub size_bytes: u64,
    /// When it was last written, in nanoseconds since 1970 by the disk's clock.
    pub modified_nanoseconds: u64,
}

impl BackupFile {
    /// The file as it lies there now.
    ///
    /// # Errors
    /// When there is none.
    pub fn at(cloud: &Path, path: &str) -> io::Result<BackupFile> {
        let metadata = fs::metadata(cloud.join(path))?;
        let modified = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(BackupFile {
            path: path.to_owned(),
            size_bytes: metadata.len(),
            modified_nanoseconds: u64::try_from(modified.as_nanos()).unwrap_or(u64::MAX),
        })
    }
}

/// A table's shapefile set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotRecord {
    /// The table, as `dbo.parcels`.
    pub table: String,
    /// Its spatial column.
    pub column: String,
    /// Where under OUT, without extension, as `Cadastre/Parcels`.
    pub target: String,
    /// The load that wrote it.
    pub load: u64,
    /// Records in all its files.
    pub records: u64,
    /// What its first file holds: polygons, lines, points, or nothing.
    pub geometry: Option<String>,
    /// The spatial reference that most rows have.
    pub srid: Option<i32>,
    /// Its files, relative to OUT, by name.
    pub files: Vec<String>,
    /// What was changed or lost on the way.
    pub notices: Vec<String>,
}

impl SnapshotRecord {
    /// What snapshots of one place have in common: Windows does not tell case apart.
    pub fn key(&self) -> String {
        self.target.to_lowercase()
    }
}

/// A line of the history of loads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadRecord {
    /// When, in simulated time.
    pub at: String,
    /// The backup.
    pub backup: BackupFile,
    /// What came of it.
    pub outcome: Outcome,
    /// The load's number, where it was loaded.
    pub load: Option<u64>,
    /// Tables it brought.
    pub tables: u64,
    /// Rows in them.
    pub rows: u64,
    /// Snapshots it wrote.
    pub snapshots: u64,
    /// Why not.
    pub reasons: Vec<String>,
}

/// What came of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Production has it.
    Loaded,
    /// The backup cannot be loaded; its sender has to mend it.
    Refused,
    /// The disk or this program failed; it is tried again.
    Failed,
}

/// The generations of a site.
#[derive(Clone, Debug)]
pub struct Generations {
    folder: PathBuf,
}

impl Generations {
    /// Those in that folder, which need not exist yet.
    pub fn below(folder: &Path) -> Generations {
        Generations { folder: folder.to_owned() }
    }

    fn generation(&self, name: &str) -> PathBuf {
        self.folder.join("generations").join(name)
    }

    fn link(&self) -> PathBuf {
        self.folder.join("current")
    }

    /// The generation that readers see now, and its folder; `None` before the first load.
    ///
    /// # Errors
    /// The disk's, and a record that cannot be read.
    pub fn current(&self) -> io::Result<Option<(PathBuf, Generation)>> {
        loop {
            let target = match fs::read_link(self.link()) {
                Ok(target) => target,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            };
            let folder = self.folder.join(&target);
            match fs::read(folder.join(RECORD)) {
                Ok(text) => {
                    let generation = serde_json::from_slice(&text)?;
                    return Ok(Some((folder, generation)));
                }
                // Turned meanwhile, and the old one tidied away: look again.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    if fs::read_link(self.link()).is_ok_and(|now| now == target) {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The generation that readers see now, held: its files stay until it is dropped.
    ///
    /// # Errors
    /// The disk's, and a record that cannot be read.
    pub fn hold(&self) -> io::Result<Option<Held>> {
        loop {
            let Some((folder, generation)) = self.current()? else { return Ok(None) };
            // Turned meanwhile, and the old one being tidied away: look again.
            let lease = match File::open(folder.join(RECORD)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                opened => opened?,
            };
            let is_held = match flock(&lease, FlockOperation::NonBlockingLockShared) {
                Err(Errno::WOULDBLOCK | Errno::INTR) => false,
                locked => locked.map(|()| true)?,
            };
            if is_held && folder.join(RECORD).exists() {
                return Ok(Some(Held { folder, generation, _lease: lease }));
            }
            std::thread::yield_now();
        }
    }

    /// Waits until nobody else makes a generation, and lets nobody begin.
    ///
    /// # Errors
    /// The disk's.
    pub fn lock(&self) -> io::Result<Writer> {
        fs::create_dir_all(&self.folder)?;
        let file = File::options().create(true).truncate(false).write(true).open(self.folder.join(LOCK))?;
        flock(&file, FlockOperation::LockExclusive)?;
        Ok(Writer(file))
    }

    /// Every load there was, oldest first.
    ///
    /// # Errors
    /// The disk's, and a line that cannot be read, unless it is the last: a kill can cut that off.
    pub fn loads(&self) -> io::Result<Vec<LoadRecord>> {
        let file = match File::open(self.folder.join("loads.jsonl")) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let lines = BufReader::new(file).lines().collect::<io::Result<Vec<_>>>()?;
        let mut loads = Vec::with_capacity(lines.len());
        for (index, line) in lines.iter().enumerate() {
            match serde_json::from_str(line) {
                Ok(load) => loads.push(load),
                Err(_) if index + 1 == lines.len() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(loads)
    }

    /// Puts a line into the history.
    ///
    /// # Errors
    /// The disk's.
    pub fn record(&self, load: &LoadRecord) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let path = self.folder.join("loads.jsonl");
        let mut file = File::options().append(true).create(true).open(&path)?;
        // What a kill cut off is nobody's line.
        let text = fs::read(&path)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64)?;
        file.write_all(format!("{}\n", serde_json::to_string(load)?).as_bytes())?;
        file.sync_all()
    }

    /// Whether it is known what came of that backup: in production, or refused for good.
    ///
    /// # Errors
    /// The disk's.
    pub fn is_settled(&self, backup: &BackupFile) -> io::Result<bool> {
        let loads = self.loads()?;
        let settled = loads.iter().any(|load| load.backup == *backup && load.outcome != Outcome::Failed);
        // Killed between the turn of the link and the line in the history.
        Ok(settled || self.current()?.is_some_and(|(_, current)| current.backup.as_ref() == Some(backup)))
    }

    /// A folder for the next generation, empty; what a killed load left is removed.
    ///
    /// # Errors
    /// The disk's.
    pub fn stage(&self) -> io::Result<Staged> {
        let current = fs::read_link(self.link()).ok();
        let current = current.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
        let loaded = self.loads()?.iter().filter_map(|load| load.load).max().unwrap_or(0);
        let load = loaded.max(current.and_then(|name| name.parse().ok()).unwrap_or(0)) + 1;
        fs::create_dir_all(self.folder.join("generations"))?;
        for leftover in [load.to_string(), format!("{load}{STAGED}")] {
            remove(&self.generation(&leftover))?;
        }
        let folder = self.generation(&format!("{load}{STAGED}"));
        fs::create_dir_all(folder.join(TABLES))?;
        fs::create_dir_all(folder.join(OUT))?;
        Ok(Staged { generations: self.clone(), load, folder, finished: false })
    }

    /// Removes all but the newest generations; never the current one.
    fn tidy(&self, current: u64, kept: u64) -> io::Result<()> {
        for entry in fs::read_dir(self.folder.join("generations"))? {
            let entry = entry?;
            let number = entry.file_name().to_str().and_then(|name| name.parse::<u64>().ok());
            let is_old = number.is_some_and(|number| number != current && number + kept.max(1) <= current);
            // Those that somebody reads are tidied away by a later load.
            if is_old && let Some(_lease) = unread(&entry.path()) {
                remove(&entry.path())?;
            }
        }
        Ok(())
    }
}

/// The record of a generation that nobody reads, locked so that nobody begins to.
fn unread(folder: &Path) -> Option<File> {
    let record = File::open(folder.join(RECORD)).ok()?;
    flock(&record, FlockOperation::NonBlockingLockExclusive).is_ok().then_some(record)
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A generation that somebody reads.
#[derive(Debug)]
pub struct Held {
    /// Its folder.
    pub folder: PathBuf,
    /// Its record.
    pub generation: Generation,
    /// Locked, and shared, as long as it is open.
    _lease: File,
}

/// The right to make a generation, given back when it is dropped.
pub struct Writer(File);

impl Drop for Writer {
    fn drop(&mut self) {
        // A program that is being started holds a copy of every open file for a moment: closing ours is not enough.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

/// A generation in the making. Dropped before it is finished, it is gone.
pub struct Staged {
    generations: Generations,
    /// Its number.
    pub load: u64,
    /// Its folder.
    pub folder: PathBuf,
    finished: bool,
}

impl Staged {
    /// Makes it the one that readers see, in one step. `kept` generations stay for readers that began earlier.
    ///
    /// # Errors
    /// The disk's; then readers see what they saw.
    pub fn finish(mut self, generation: &Generation, kept: u64) -> io::Result<()> {
        let mut record = File::create(self.folder.join(RECORD))?;
        record.write_all(serde_json::to_string_pretty(generation)?.as_bytes())?;
        record.sync_all()?;
        sync_folders(&self.folder)?;
        let name = self.load.to_string();
        let (place, link) = (self.generations.generation(&name), self.generations.link());
        fs::rename(&self.folder, &place)?;
        sync(&self.generations.folder.join("generations"))?;
        let turned = link.with_extension("next");
        match fs::remove_file(&turned) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        symlink(Path::new("generations").join(&name), &turned)?;
        fs::rename(&turned, &link)?;
        self.finished = true;
        sync(&self.generations.folder)?;
        self.generations.tidy(self.load, kept)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.finished {
            // What cannot be removed now is removed before the next load.
            let _ = remove(&self.folder);
        }
    }
}

/// Waits until a folder's names are on the disk.
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn sync_folders(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    sync(folder)
}
