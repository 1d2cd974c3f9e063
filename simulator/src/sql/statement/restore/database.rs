//! RESTORE DATABASE: the tables of a backup as a database beside those of the sites.

use std::fs::{self, File};
use std::io;
use std::sync::Arc;

use spatialcloud_backup::{Backup, DataError, DataErrorKind, Database, Depth, Set};
use spatialcloud_tds::Message;

use super::super::Statement;
use super::super::options::{self, WithOption};
use super::media::{HAS_CHECKSUMS, Media, found};
use super::progress::{Progress, done, pages};
use super::{Failure, option};
use crate::clock::Clock;
use crate::sql::Halt;
use crate::sql::backend::Answer;
use crate::sql::calibration::{Asked, Finding};
use crate::sql::error::{TABLES, unsupported};
use crate::sql::instance::{Access, Instance, Restored};
use crate::sql::interpreter::Interpreter;
use crate::sql::language::Expression;
use crate::sql::world::MASTER;
use crate::warehouse::generation::BackupFile;
use crate::warehouse::load::{LoadError, write_rows};
use crate::warehouse::replace::Placed;
use crate::warehouse::table::TableRecord;

/// Percents between two messages, where STATS does not say.
const USUAL_STATS: u32 = 10;
/// Bytes of a page.
const PAGE_BYTES: u64 = 8192;

pub struct RestoreDatabase {
    pub name: Expression,
    pub devices: Vec<Expression>,
    pub options: Vec<WithOption>,
}

/// Why a database is not restored.
enum Stop {
    /// Errors that 3013 follows.
    Errors(Vec<Message>),
    /// Anything else.
    Halt(Halt),
}

impl From<Message> for Stop {
    fn from(error: Message) -> Stop {
        Stop::Errors(vec![error])
    }
}

impl From<Halt> for Stop {
    fn from(halt: Halt) -> Stop {
        Stop::Halt(halt)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Stop {
        Stop::Halt(Halt::error(TABLES, format!("the restored tables cannot be written: {error}")))
    }
}

impl From<LoadError> for Stop {
    fn from(error: LoadError) -> Stop {
        Stop::Halt(Halt::error(TABLES, error.to_string()))
    }
}

/// What the statement says, evaluated.
struct Wanted {
    name: String,
    position: u32,
    moves: Vec<(String, String)>,
    replaces: bool,
    checks: Option<bool>,
    /// Percents between two messages.
    stats: Option<u32>,
}

impl Statement for RestoreDatabase {
    fn run(&self, session: &mut Interpreter, answer: &mut Answer<'_>) -> Result<(), Halt> {
        let databases = session.databases.clone();
        let Some(instance) = databases.instance() else {
            return Err(unsupported("RESTORE where tables are all there is"));
        };
        match self.restore(instance, session, answer) {
            Ok(()) => Ok(()),
            Err(Stop::Errors(errors)) => Err(Failure { asked: Asked::Database, errors }.tell(answer)),
            Err(Stop::Halt(halt)) => Err(halt),
        }
    }
}

impl RestoreDatabase {
    fn wanted(&self, session: &Interpreter) -> Result<Wanted, Halt> {
        let number = |name: &str| match option(&self.options, name) {
            Some(option) => option.number(session),
            None => Ok(None),
        };
        let has = |name: &str| option(&self.options, name).is_some();
        let moves = self.options.iter().filter(|option| option.name == "MOVE").map(|moved| {
            let mut names = moved.values.iter().map(|value| options::text(value, session));
            let mut next = || names.next().unwrap_or_else(|| Ok(String::new()));
            Ok((next()?, next()?))
        });
        Ok(Wanted {
            name: options::text(&self.name, session)?,
            position: number("FILE")?.unwrap_or(1),
            moves: moves.collect::<Result<_, Halt>>()?,
            replaces: has("REPLACE"),
            checks: if has("CHECKSUM") { Some(true) } else { has("NO_CHECKSUM").then_some(false) },
            stats: has("STATS").then_some(number("STATS")?.unwrap_or(USUAL_STATS)),
        })
    }

    fn restore(
        &self,
        instance: &Instance,
        session: &mut Interpreter,
        answer: &mut Answer<'_>,
    ) -> Result<(), Stop> {
        let since = Clock::stopwatch();
        let wanted = self.wanted(session)?;
        let replaced = place(instance, session, &wanted)?;
        let written = self
            .devices
            .iter()
            .map(|device| options::text(device, session))
            .collect::<Result<Vec<_>, _>>()?;
        // Everything is read before anything is written: what is damaged leaves all as it was.
        let depth = if wanted.checks == Some(false) { Depth::Headers } else { Depth::Everything };
        let mut media = Media::open(instance, &written, &session.database, depth)?;
        media.target = Some(wanted.name.clone());
        let errors = |finding, device, answer: &mut Answer<'_>| {
            let errors = media.errors(instance, Asked::Database, finding, device, answer);
            if errors.is_empty() {
                // An engine was heard to take it; its pages are beyond us all the same.
                return Stop::Halt(unsupported(format_args!("the restore of this backup ({finding:?})")));
            }
            Stop::Errors(errors)
        };
        if let Some((finding, device)) = media.first_finding(Asked::Database) {
            return Err(errors(finding, device, answer));
        }
        let set = media.set(wanted.position)?;
        if let Some(finding) = Media::unfit(set) {
            return Err(errors(finding, 0, answer));
        }
        let header = set.header.as_ref();
        if wanted.checks == Some(true) && header.is_none_or(|header| header.flags & HAS_CHECKSUMS == 0) {
            let words = "RESTORE WITH CHECKSUM cannot be specified because the backup set does not contain checksum information.";
            return Err(Message::error(3187, words).into());
        }
        let family = header.and_then(|header| header.family_guid);
        if let Some(replaced) = &replaced
            && !wanted.replaces
            && (family.is_none() || replaced.family != family)
        {
            let name = &replaced.name;
            let words = format!(
                "The backup set holds a backup of a database other than the existing '{name}' database."
            );
            return Err(Message { state: 4, ..Message::error(3154, words) }.into());
        }
        let files = files(instance, &wanted, set)?;
        let staged = instance.stage_database()?;
        enough_space(staged.folder(), set)?;
        let opened = open(&media, wanted.position);
        let database = opened.map_err(|error| data_stop(instance, &media, &error, answer))?;
        fs::create_dir_all(staged.rows())?;
        let mut progress = Progress::new(&database, wanted.stats);
        let mut tables: Vec<Placed> = Vec::new();
        for (index, table) in database.tables().iter().enumerate() {
            let mut record = TableRecord::of(table, 1);
            let path = staged.rows().join(format!("{index}.arrow"));
            let mut placed = None;
            if table.unsupported.is_none() {
                match write_rows(&database, table, &mut record, &path, |_| {
                    progress.row(answer).map_err(Stopped::Halt)
                }) {
                    Ok(()) => placed = Some(path),
                    Err(Stopped::Halt(halt)) => return Err(Stop::Halt(halt)),
                    Err(Stopped::Load(LoadError::Row { error, .. }))
                        if error.kind == DataErrorKind::Unsupported =>
                    {
                        record.rows = 0;
                        record.warnings.push(format!("its rows cannot be read here: {error}"));
                    }
                    Err(Stopped::Load(LoadError::Row { error, .. } | LoadError::Backup(error))) => {
                        return Err(data_stop(instance, &media, &error, answer));
                    }
                    Err(Stopped::Load(other)) => return Err(other.into()),
                }
            }
            for warning in &record.warnings {
                answer.message(&found(&format!("table {}: {warning}", record.full_name())));
            }
            tables.push((record, placed));
        }
        let backup = media
            .devices
            .first()
            .and_then(|(_, path)| BackupFile::at(path.parent()?, path.file_name()?.to_str()?).ok());
        let restored = Restored {
            name: wanted.name.clone(),
            folder: staged.folder().to_owned(),
            family,
            files,
            access: replaced.as_ref().map_or(Access::Multi, |replaced| replaced.access),
        };
        instance.add(staged, restored, tables, backup, &session.now().to_string())?;
        progress.end(answer)?;
        done(set, &wanted.name, wanted.position, since.elapsed_ms(), answer)?;
        Ok(())
    }
}

/// Whether the database may be put there; the one that it would replace.
fn place(instance: &Instance, session: &Interpreter, wanted: &Wanted) -> Result<Option<Arc<Restored>>, Stop> {
    let name = &wanted.name;
    if session.transactions.depth > 0 {
        let words = "Cannot perform a backup or restore operation within a transaction.";
        return Err(Message { state: 0, ..Message::error(3021, words) }.into());
    }
    if let Some(site) = instance.site(name) {
        return Err(Stop::Halt(unsupported(format_args!(
            "RESTORE over {site}, the production database of a site: restore under another name, and replace its tables in a transaction"
        ))));
    }
    if name.eq_ignore_ascii_case(MASTER) || name.is_empty() || name.encode_utf16().count() > 128 {
        return Err(Stop::Halt(unsupported(format_args!("RESTORE of a database called {name:?}"))));
    }
    let Some(replaced) = instance.restored(name) else { return Ok(None) };
    if session.database.eq_ignore_ascii_case(name) {
        let words = format!(
            "RESTORE cannot process database '{name}' because it is in use by this session. It is recommended that the master database be used when performing this operation."
        );
        return Err(Message::error(3102, words).into());
    }
    if instance.sessions.others(session.number(), name) {
        let words = "Exclusive access could not be obtained because the database is in use.";
        return Err(Message::error(3101, words).into());
    }
    Ok(Some(replaced))
}

/// The files of the database: logical names, and where they would be.
fn files(instance: &Instance, wanted: &Wanted, set: &Set) -> Result<Vec<(String, String)>, Stop> {
    let logical =
        |index: usize| set.files.get(index).and_then(|file| file.logical_name.as_deref()).unwrap_or("");
    for (name, _) in &wanted.moves {
        if !(0..set.files.len()).any(|index| logical(index).eq_ignore_ascii_case(name)) {
            let database = &wanted.name;
            let words = format!(
                "Logical file '{name}' is not part of database '{database}'. Use RESTORE FILELISTONLY to list the logical file names."
            );
            return Err(Message { state: 2, ..Message::error(3234, words) }.into());
        }
    }
    let mut files: Vec<(String, String)> = Vec::new();
    let mut errors = Vec::new();
    for (index, file) in set.files.iter().enumerate() {
        let name = logical(index).to_owned();
        let moved = wanted.moves.iter().rev().find(|(known, _)| known.eq_ignore_ascii_case(&name));
        let place =
            moved.map_or_else(|| file.physical_name.clone().unwrap_or_default(), |(_, to)| to.clone());
        if let Some((other, _)) = files.iter().find(|(_, known)| known.eq_ignore_ascii_case(&place)) {
            errors.push(Message::error(
                3176,
                format!(
                    "File '{place}' is claimed by '{name}'({}) and '{other}'. The WITH MOVE clause can be used to relocate one or more files.",
                    file.file_id
                ),
            ));
        }
        let taken = instance.all_restored().into_iter().find(|other| {
            !other.name.eq_ignore_ascii_case(&wanted.name)
                && other.files.iter().any(|(_, known)| known.eq_ignore_ascii_case(&place))
        });
        if let Some(other) = taken {
            let words = format!(
                "The file '{place}' cannot be overwritten.  It is being used by database '{}'.",
                other.name
            );
            errors.push(Message::error(1834, words));
            let words = format!(
                "File '{name}' cannot be restored to '{place}'. Use WITH MOVE to identify a valid location for the file."
            );
            errors.push(Message { state: 4, ..Message::error(3156, words) });
        }
        files.push((name, place));
    }
    if errors.is_empty() {
        return Ok(files);
    }
    errors.push(Message::error(
        3119,
        "Problems were identified while planning for the RESTORE statement. Previous messages provide details.",
    ));
    Err(Stop::Errors(errors))
}

/// The tables take about what their pages do.
fn enough_space(folder: &std::path::Path, set: &Set) -> Result<(), Stop> {
    let space = rustix::fs::statvfs(folder).map_err(io::Error::from)?;
    let available = space.f_bavail.saturating_mul(space.f_frsize);
    let needed: u64 = set.files.iter().map(|file| u64::from(pages(file)) * PAGE_BYTES).sum();
    if needed <= available {
        return Ok(());
    }
    let words = format!(
        "Insufficient free space on disk volume '{}' to create the database. The database requires {needed} additional free bytes, while only {available} bytes are available.",
        folder.display()
    );
    Err(Message::error(3257, words).into())
}

fn open(media: &Media, position: u32) -> Result<Database<File>, DataError> {
    let files = media.devices.iter().map(|(_, path)| File::open(path)).collect::<Result<Vec<_>, _>>()?;
    Database::open(Backup::stripes(files).at_position(position))
}

/// What the reader says of the data, in SQL Server's words.
fn data_stop(instance: &Instance, media: &Media, error: &DataError, answer: &mut Answer<'_>) -> Stop {
    let finding = match error.kind {
        DataErrorKind::Io => {
            return Message::error(3203, format!("Read on \"{}\" failed: {error}", media.written())).into();
        }
        DataErrorKind::Unsupported => return Stop::Halt(unsupported(format_args!("this backup: {error}"))),
        DataErrorKind::NotRestorable => Finding::Header,
        DataErrorKind::Missing | DataErrorKind::Checksum => Finding::Page,
        DataErrorKind::Damaged => Finding::Row,
    };
    answer.message(&found(&error.to_string()));
    let errors = instance.calibration.errors(finding, Asked::Database, media.written(), media.database());
    if errors.is_empty() {
        return Stop::Halt(unsupported(format_args!("the restore of this backup: {error}")));
    }
    Stop::Errors(errors)
}

/// Why writing rows ended.
enum Stopped {
    Load(LoadError),
    Halt(Halt),
}

impl From<LoadError> for Stopped {
    fn from(error: LoadError) -> Stopped {
        Stopped::Load(error)
    }
}
