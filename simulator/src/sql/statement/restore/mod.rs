//! RESTORE: what a backup tells of itself, and the database in it.

mod database;
mod media;
mod progress;
mod shapes;

use spatialcloud_backup::Depth;
use spatialcloud_tds::{Column, Command, Message, Value};

use super::Statement;
use super::options::{self, Known, Taken, WithOption};
use crate::sql::Halt;
use crate::sql::backend::Answer;
use crate::sql::calibration::{Asked, Finding};
use crate::sql::error::unsupported;
use crate::sql::instance::Instance;
use crate::sql::interpreter::Interpreter;
use crate::sql::language::{Cursor, Expression};
use database::RestoreDatabase;
use media::{HAS_CHECKSUMS, Media};
pub use progress::processed;

/// Options of RESTORE.
const OPTIONS: Known = &[
    ("BLOCKSIZE", Taken::Ignored),
    ("BUFFERCOUNT", Taken::Ignored),
    ("CHECKSUM", Taken::Served),
    ("CONTINUE_AFTER_ERROR", Taken::Refused),
    ("CREDENTIAL", Taken::Refused),
    ("ENABLE_BROKER", Taken::Ignored),
    ("ERROR_BROKER_CONVERSATIONS", Taken::Ignored),
    ("FILE", Taken::Served),
    ("KEEP_CDC", Taken::Ignored),
    ("KEEP_REPLICATION", Taken::Ignored),
    ("LOADHISTORY", Taken::Ignored),
    ("MAXTRANSFERSIZE", Taken::Ignored),
    ("MEDIANAME", Taken::Served),
    ("MEDIAPASSWORD", Taken::Ignored),
    ("METADATA_ONLY", Taken::Refused),
    ("MOVE", Taken::Served),
    ("NEW_BROKER", Taken::Ignored),
    ("NORECOVERY", Taken::Refused),
    ("NOREWIND", Taken::Ignored),
    ("NOUNLOAD", Taken::Ignored),
    ("NO_CHECKSUM", Taken::Served),
    ("PARTIAL", Taken::Refused),
    ("PASSWORD", Taken::Ignored),
    ("RECOVERY", Taken::Ignored),
    ("REPLACE", Taken::Served),
    ("RESTART", Taken::Ignored),
    ("RESTRICTED_USER", Taken::Ignored),
    ("REWIND", Taken::Ignored),
    ("STANDBY", Taken::Refused),
    ("STATS", Taken::Served),
    ("STOPAT", Taken::Refused),
    ("STOPATMARK", Taken::Refused),
    ("STOPBEFOREMARK", Taken::Refused),
    ("STOP_ON_ERROR", Taken::Ignored),
    ("UNLOAD", Taken::Ignored),
];

/// The words of the statements that only read.
const READING: [(&str, Asked); 4] = [
    ("LABELONLY", Asked::LabelOnly),
    ("HEADERONLY", Asked::HeaderOnly),
    ("FILELISTONLY", Asked::FileListOnly),
    ("VERIFYONLY", Asked::VerifyOnly),
];

/// Ends each of these results, before the statement itself ends (CurCmd, as an engine sent it).
const RESULT: Command = Command(230);

struct Reading {
    asked: Asked,
    devices: Vec<Expression>,
    options: Vec<WithOption>,
}

pub fn parse(cursor: &mut Cursor<'_>) -> Result<Box<dyn Statement>, Halt> {
    cursor.expect_word("RESTORE")?;
    if let Some((_, asked)) = READING.iter().find(|(word, _)| cursor.take_word(word)) {
        cursor.expect_word("FROM")?;
        let devices = options::devices(cursor)?;
        let options = options::parse(cursor, "RESTORE", OPTIONS)?;
        return Ok(Box::new(Reading { asked: *asked, devices, options }));
    }
    if cursor.take_word("DATABASE") {
        let name = options::database_name(cursor)?;
        if !cursor.take_word("FROM") {
            return Err(cursor.at_line(unsupported("RESTORE DATABASE without FROM")));
        }
        let devices = options::devices(cursor)?;
        let options = options::parse(cursor, "RESTORE", OPTIONS)?;
        return Ok(Box::new(RestoreDatabase { name, devices, options }));
    }
    for word in ["LOG", "REWINDONLY", "SERVICE"] {
        if cursor.is_word(word) {
            return Err(cursor.at_line(unsupported(format_args!("RESTORE {word}"))));
        }
    }
    Err(cursor.wrong())
}

/// What is asked of a backup, and why it was not done: errors that 3013 follows.
struct Failure {
    asked: Asked,
    errors: Vec<Message>,
}

impl Failure {
    /// Tells it all; answers the last error.
    fn tell(self, answer: &mut Answer<'_>) -> Halt {
        for error in &self.errors {
            answer.message(error);
        }
        Halt::error(3013, format!("{} is terminating abnormally.", self.asked.text()))
    }
}

/// What an option says.
fn option<'o>(options: &'o [WithOption], name: &str) -> Option<&'o WithOption> {
    options.iter().find(|option| option.name == name)
}

impl Statement for Reading {
    fn run(&self, session: &mut Interpreter, answer: &mut Answer<'_>) -> Result<(), Halt> {
        let databases = session.databases.clone();
        let Some(instance) = databases.instance() else {
            return Err(unsupported("RESTORE where tables are all there is"));
        };
        let written = self
            .devices
            .iter()
            .map(|device| options::text(device, session))
            .collect::<Result<Vec<String>, Halt>>()?;
        let position = match option(&self.options, "FILE") {
            Some(file) => file.number(session)?,
            None => None,
        };
        match self.answer(instance, &session.database, &written, position, answer) {
            Ok(Ok(())) => {
                answer.done(Command(self.asked.command()), None);
                Ok(())
            }
            Ok(Err(errors)) => Err(Failure { asked: self.asked, errors }.tell(answer)),
            Err(halt) => Err(halt),
        }
    }
}

impl Reading {
    /// The answer, or the errors before 3013.
    fn answer(
        &self,
        instance: &Instance,
        database: &str,
        written: &[String],
        position: Option<u32>,
        answer: &mut Answer<'_>,
    ) -> Result<Result<(), Vec<Message>>, Halt> {
        let is_verifying = self.asked == Asked::VerifyOnly && option(&self.options, "NO_CHECKSUM").is_none();
        let depth = if is_verifying { Depth::Everything } else { Depth::Headers };
        let media = match Media::open(instance, written, database, depth) {
            Ok(media) => media,
            Err(error) => return Ok(Err(vec![error])),
        };
        if let Some((finding, device)) = media.first_finding(self.asked) {
            let errors = media.errors(instance, self.asked, finding, device, answer);
            if !errors.is_empty() {
                return Ok(Err(errors));
            }
        }
        let (columns, rows): (Vec<Column>, Vec<Vec<Value<'static>>>) = match self.asked {
            Asked::LabelOnly => (shapes::label_columns(), shapes::label(&media)),
            Asked::HeaderOnly => (shapes::header_columns(), shapes::headers(&media, position)),
            Asked::FileListOnly => match media.set(position.unwrap_or(1)) {
                Ok(set) => (shapes::file_columns(), shapes::files(set)),
                Err(error) => return Ok(Err(vec![error])),
            },
            Asked::VerifyOnly | Asked::Database => {
                return Ok(self.verify(&media, position.unwrap_or(1), answer));
            }
        };
        let count = rows.len() as u64;
        answer.columns(columns)?;
        for row in &rows {
            answer.row(row)?;
        }
        answer.done(RESULT, Some(count));
        Ok(Ok(()))
    }

    fn verify(&self, media: &Media, position: u32, answer: &mut Answer<'_>) -> Result<(), Vec<Message>> {
        let set = media.set(position).map_err(|error| vec![error])?;
        let flags = set.header.as_ref().map_or(0, |header| header.flags);
        if option(&self.options, "CHECKSUM").is_some() && flags & HAS_CHECKSUMS == 0 {
            let words = "RESTORE WITH CHECKSUM cannot be specified because the backup set does not contain checksum information.";
            return Err(vec![Message::error(3187, words)]);
        }
        answer.message(&Message::information(3262, format!("The backup set on file {position} is valid.")));
        Ok(())
    }
}

/// What SQL Server would not look for and is wrong all the same: told, not an error.
fn noticed(finding: Finding) -> bool {
    matches!(finding, Finding::Page | Finding::DataStream)
}
