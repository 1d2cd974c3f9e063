//! CREATE, ALTER and DROP DATABASE. Production databases are the sites': they come and go with those.

use spatialcloud_tds::{Command, Message};

use super::Statement;
use super::options;
use crate::sql::Halt;
use crate::sql::backend::Answer;
use crate::sql::error::{TABLES, no_database, unsupported};
use crate::sql::instance::{Access, Instance, Restored};
use crate::sql::interpreter::Interpreter;
use crate::sql::language::{Cursor, Expression};
use crate::sql::world::MASTER;

/// Numbers of these statements at the end of an answer (CurCmd), as an engine sent them; that of DROP is not known.
const CREATE: Command = Command(203);
const ALTER: Command = Command(215);

enum Change {
    Create(Expression),
    Drop {
        names: Vec<Expression>,
        if_exists: bool,
    },
    Access {
        name: Expression,
        is_single: bool,
        ends_others: bool,
    },
    /// Something that changes nothing here.
    Ignored(Expression),
}

pub fn create(cursor: &mut Cursor<'_>) -> Result<Box<dyn Statement>, Halt> {
    cursor.take_words(&["CREATE", "DATABASE"]);
    let name = options::database_name(cursor)?;
    for word in ["ON", "LOG", "COLLATE", "WITH", "FOR", "CONTAINMENT"] {
        if cursor.is_word(word) {
            return Err(cursor.at_line(unsupported(format_args!("CREATE DATABASE … {word}"))));
        }
    }
    Ok(Box::new(Change::Create(name)))
}

pub fn drop(cursor: &mut Cursor<'_>) -> Result<Box<dyn Statement>, Halt> {
    cursor.take_words(&["DROP", "DATABASE"]);
    let if_exists = cursor.take_word("IF");
    if if_exists {
        cursor.expect_word("EXISTS")?;
    }
    let mut names = vec![options::database_name(cursor)?];
    while cursor.take_symbol(",") {
        names.push(options::database_name(cursor)?);
    }
    Ok(Box::new(Change::Drop { names, if_exists }))
}

/// A schema is there as long as a table is in it: there is nothing to make.
struct Schema;

pub fn create_schema(cursor: &mut Cursor<'_>) -> Result<Box<dyn Statement>, Halt> {
    cursor.take_words(&["CREATE", "SCHEMA"]);
    if !cursor.is_word("AUTHORIZATION") {
        cursor.name()?;
    }
    if cursor.take_word("AUTHORIZATION") {
        cursor.name()?;
    }
    Ok(Box::new(Schema))
}

impl Statement for Schema {
    fn run(&self, _session: &mut Interpreter, answer: &mut Answer<'_>) -> Result<(), Halt> {
        answer.done(Command(253), None);
        Ok(())
    }
}

pub fn alter(cursor: &mut Cursor<'_>) -> Result<Box<dyn Statement>, Halt> {
    cursor.take_words(&["ALTER", "DATABASE"]);
    let name = options::database_name(cursor)?;
    if !cursor.take_word("SET") {
        return Err(cursor.at_line(unsupported("ALTER DATABASE but SET")));
    }
    if cursor.take_word("RECOVERY") {
        // There is no log that it could be about.
        cursor.name()?;
        return Ok(Box::new(Change::Ignored(name)));
    }
    let is_single = cursor.take_word("SINGLE_USER");
    if !is_single && !cursor.take_word("MULTI_USER") {
        return Err(cursor.at_line(unsupported(
            "ALTER DATABASE SET with another option than SINGLE_USER, MULTI_USER and RECOVERY",
        )));
    }
    let mut ends_others = false;
    if cursor.take_word("WITH") {
        // After so many seconds is at once here: nobody has anything open that would be rolled back.
        ends_others = cursor.take_words(&["ROLLBACK", "IMMEDIATE"]);
        if !ends_others && cursor.take_words(&["ROLLBACK", "AFTER"]) {
            cursor.integer()?;
            cursor.take_word("SECONDS");
            ends_others = true;
        } else if !ends_others {
            cursor.expect_word("NO_WAIT")?;
        }
    }
    Ok(Box::new(Change::Access { name, is_single, ends_others }))
}

impl Statement for Change {
    fn run(&self, session: &mut Interpreter, answer: &mut Answer<'_>) -> Result<(), Halt> {
        let databases = session.databases.clone();
        let Some(instance) = databases.instance() else {
            return Err(unsupported("changes where tables are all there is"));
        };
        match self {
            Change::Create(name) => {
                let name = options::text(name, session)?;
                create_empty(instance, session, &name)?;
                answer.done(CREATE, None);
            }
            Change::Drop { names, if_exists } => {
                if session.transactions.depth > 0 {
                    let words = "DROP DATABASE statement not allowed within multi-statement transaction.";
                    return Err(Halt::error(574, words));
                }
                for name in names {
                    let name = options::text(name, session)?;
                    drop_one(instance, session, &name, *if_exists)?;
                }
                answer.done(Command::NONE, None);
            }
            Change::Access { name, is_single, ends_others } => {
                let name = scratch(instance, &options::text(name, session)?, "ALTER DATABASE")?;
                if *is_single {
                    if *ends_others {
                        instance.sessions.end_others(session.number(), &name);
                    } else if instance.sessions.others(session.number(), &name) {
                        let words = format!(
                            "Database state cannot be changed while other users are using the database '{name}'"
                        );
                        return Err(Halt::error(5070, words));
                    }
                    instance.set_access(&name, Access::Single(session.number()));
                } else {
                    instance.set_access(&name, Access::Multi);
                }
                answer.done(ALTER, None);
            }
            Change::Ignored(name) => {
                scratch(instance, &options::text(name, session)?, "ALTER DATABASE")?;
                answer.done(ALTER, None);
            }
        }
        Ok(())
    }
}

/// A database that may be changed as a whole: one that was restored or created here.
fn scratch(instance: &Instance, name: &str, statement: &str) -> Result<String, Halt> {
    if let Some(restored) = instance.restored(name) {
        return Ok(restored.name.clone());
    }
    if let Some(site) = instance.site(name) {
        return Err(unsupported(format_args!(
            "{statement} of {site}, the production database of a site: it is read at all times"
        )));
    }
    Err(if name.eq_ignore_ascii_case(MASTER) {
        unsupported(format_args!("{statement} of {MASTER}"))
    } else {
        no_database(name)
    })
}

fn create_empty(instance: &Instance, session: &Interpreter, name: &str) -> Result<(), Halt> {
    let is_taken = instance.databases().iter().any(|known| known.eq_ignore_ascii_case(name));
    if is_taken || name.eq_ignore_ascii_case(MASTER) {
        let words = format!("Database '{name}' already exists. Choose a different database name.");
        return Err(Halt::error(1801, words));
    }
    if session.transactions.depth > 0 {
        let words = "CREATE DATABASE statement not allowed within multi-statement transaction.";
        return Err(Halt::error(226, words));
    }
    let made = instance.stage_database().and_then(|staged| {
        let database = Restored {
            name: name.to_owned(),
            folder: staged.folder().to_owned(),
            family: None,
            files: Vec::new(),
            access: Access::Multi,
        };
        instance.add(staged, database, Vec::new(), None, &session.now().to_string())
    });
    made.map(|_| ()).map_err(|error| Halt::error(TABLES, format!("the database cannot be made: {error}")))
}

fn drop_one(instance: &Instance, session: &Interpreter, name: &str, if_exists: bool) -> Result<(), Halt> {
    if name.eq_ignore_ascii_case(MASTER) {
        let words = format!("Cannot drop the database '{name}' because it is a system database.");
        return Err(Halt::Failed(Box::new(Message { state: 4, ..Message::error(3708, words) })));
    }
    if instance.restored(name).is_none() && instance.site(name).is_none() {
        if if_exists {
            return Ok(());
        }
        let words = format!(
            "Cannot drop the database '{name}', because it does not exist or you do not have permission."
        );
        return Err(Halt::Failed(Box::new(Message { class: 11, ..Message::error(3701, words) })));
    }
    let name = scratch(instance, name, "DROP DATABASE")?;
    let is_in_it = session.database.eq_ignore_ascii_case(&name);
    if is_in_it || instance.sessions.others(session.number(), &name) {
        let words = format!("Cannot drop database \"{name}\" because it is currently in use.");
        return Err(Halt::Failed(Box::new(Message { state: 3, ..Message::error(3702, words) })));
    }
    instance
        .drop_database(&name)
        .map(|_| ())
        .map_err(|error| Halt::error(TABLES, format!("the files of {name} cannot be removed: {error}")))
}
