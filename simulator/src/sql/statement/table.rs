//! CREATE, ALTER, DROP and TRUNCATE TABLE.

use spatialcloud_tds::{Column, Command, Message};

use super::Statement;
use super::keys::{self, Key};
use super::writing::{TableName, write_all};
use crate::sql::Halt;
use crate::sql::backend::Answer;
use crate::sql::error::{syntax, unsupported};
use crate::sql::instance::columns::kept;
use crate::sql::interpreter::Interpreter;
use crate::sql::language::{Cursor, Name, TokenKind, column_type, table_name};
use crate::warehouse::table::TableRecord;

/// Numbers of these statements at the end of an answer (CurCmd), as engines sent them; those of the others are not
/// known.
const CREATE: Command = Command(198);

struct Create {
    name: Name,
    columns: Vec<Column>,
    keys: Vec<Key>,
}

pub fn create(cursor: &mut Cursor<'_>) -> Result<Box<dyn Statement>, Halt> {
    cursor.take_words(&["CREATE", "TABLE"]);
    let name = table_name(cursor)?;
    cursor.expect_symbol("(")?;
    let (mut columns, mut keys) = (Vec::new(), Vec::new());
    loop {
        let is_constraint = ["CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK", "INDEX"]
            .iter()
            .any(|word| cursor.is_word(word));
        if is_constraint {
            keys.push(keys::constraint(cursor, None)?);
        } else {
            columns.push(column(cursor, &mut keys)?);
        }
        if cursor.take_symbol(")") {
            break;
        }
        cursor.expect_symbol(",")?;
    }
    keys::skip_options(cursor)?;
    Ok(Box::new(Create { name, columns, keys }))
}

fn column(cursor: &mut Cursor<'_>, keys: &mut Vec<Key>) -> Result<Column, Halt> {
    let name = cursor.name()?;
    let column_type = declared_type(cursor)?;
    let mut column = Column::new(name, column_type);
    loop {
        if cursor.take_words(&["NOT", "NULL"]) {
            column.is_nullable = false;
        } else if cursor.take_word("NULL") {
            column.is_nullable = true;
        } else if cursor.take_word("IDENTITY") {
            // Counts from 1 in ones; whoever wants another beginning is told.
            if cursor.take_symbol("(") {
                let (seed, step) = (cursor.integer()?, {
                    cursor.expect_symbol(",")?;
                    cursor.integer()?
                });
                cursor.expect_symbol(")")?;
                if (seed, step) != (1, 1) {
                    return Err(cursor.at_line(unsupported("IDENTITY but of (1,1)")));
                }
            }
            column.is_identity = true;
            column.is_nullable = false;
        } else if cursor.take_word("COLLATE") {
            // Texts are compared as SQL_Latin1_General_CP1_CI_AS does, whatever is asked for.
            cursor.name()?;
        } else if ["CONSTRAINT", "PRIMARY", "UNIQUE"].iter().any(|word| cursor.is_word(word)) {
            let key = keys::constraint(cursor, Some(&column.name))?;
            column.is_nullable &= !key.is_primary;
            keys.push(key);
        } else if ["DEFAULT", "CHECK", "REFERENCES", "AS", "SPARSE", "ROWGUIDCOL"]
            .iter()
            .any(|word| cursor.is_word(word))
        {
            return Err(
                cursor.at_line(unsupported("a column with DEFAULT, CHECK, REFERENCES or a computed one"))
            );
        } else {
            return Ok(column);
        }
    }
}

/// In a declaration a text without a length has one character; in CAST it has 30.
fn declared_type(cursor: &mut Cursor<'_>) -> Result<spatialcloud_tds::ColumnType, Halt> {
    use spatialcloud_tds::{ColumnType, Length};
    let has_length = matches!(cursor.peek_at(1), Some(TokenKind::Symbol("(")));
    let column_type = column_type(cursor)?;
    if has_length {
        return Ok(column_type);
    }
    Ok(match column_type {
        ColumnType::Char { collation, .. } => ColumnType::Char { length: 1, collation },
        ColumnType::NChar { collation, .. } => ColumnType::NChar { length: 1, collation },
        ColumnType::Binary { .. } => ColumnType::Binary { length: 1 },
        ColumnType::VarChar { collation, .. } => ColumnType::VarChar { length: Length::Of(1), collation },
        ColumnType::NVarChar { length: Length::Of(30), collation } => {
            ColumnType::NVarChar { length: Length::Of(1), collation }
        }
        ColumnType::VarBinary { .. } => ColumnType::VarBinary { length: Length::Of(1) },
        other => other,
    })
}

impl Statement for Create {
    fn run(&self, session: &mut Interpreter, answer: &mut Answer<'_>) -> Result<(), Halt> {
        let place = TableName::new(&self.name, session)?;
        let mut change = session.begin_change(&place.database)?;
        let mut record = place.new_record(&change, &self.columns)?;
        for key in &self.keys {
            key.add(&mut record, None)?;
        }
        let (writer, path) = change.writer(&record.columns)?;
        write_all(writer, &mut record)?;
        change.put(record, Some(path));
        session.end_change(change)?;
        answer.done(CREATE, None);
        Ok(())
    }
}

struct Drop {
    names: Vec<Name>,
    if_exists: bool,
}

pub fn drop(cursor: &mut Cursor<'_>) -> Result<Box<dyn Statement>, Halt> {
    cursor.take_words(&["DROP", "TABLE"]);
    let if_exists = cursor.take_words(&["IF", "EXISTS"]);
    let mut names = vec![table_name(cursor)?];
    while cursor.take_symbol(",") {
        names.push(table_name(cursor)?);
    }
    Ok(Box::new(Drop { names, if_exists }))
}

impl Statement for Drop {
    fn run(&self, session: &mut Interpreter, answer: &mut Answer<'_>) -> Result<(), Halt> {
        for name in &self.names {
            let place = TableName::new(name, session)?;
            let mut change = session.begin_change(&place.database)?;
            if change.remove(&place.schema, &place.name) {
                session.end_change(change)?;
            } else if !self.if_exists {
                let words = format!(
                    "Cannot drop the table '{name}', because it does not exist or you do not have permission."
                );
                let message = Message { class: 11, state: 5, ..Message::error(3701, words) };
                return Err(Halt::Failed(Box::new(message)));
            }
        }
        answer.done(Command::NONE, None);
        Ok(())
    }
}

/// TRUNCATE TABLE.
struct Truncate(Name);

pub fn truncate(cursor: &mut Cursor<'_>) -> Result<Box<dyn Statement>, Halt> {
    cursor.take_words(&["TRUNCATE", "TABLE"]);
    Ok(Box::new(Truncate(table_name(cursor)?)))
}

impl Statement for Truncate {
    fn run(&self, session: &mut Interpreter, answer: &mut Answer<'_>) -> Result<(), Halt> {
        let place = TableName::new(&self.0, session)?;
        let mut change = session.begin_change(&place.database)?;
        let stored = change.find(&place.schema, &place.name);
        let words = || {
            format!(
                "Cannot find the object \"{}\" because it does not exist or you do not have permissions.",
                self.0
            )
        };
        let mut record = stored.ok_or_else(|| Halt::error(4701, words()))?.record.clone();
        let (writer, path) = change.writer(&record.columns)?;
        write_all(writer, &mut record)?;
        change.put(record, Some(path));
        session.end_change(change)?;
        answer.done(Command::NONE, None);
        Ok(())
    }
}

enum Alter {
    Add(Name, Key),
    Drop(Name, String),
}

pub fn alter(cursor: &mut Cursor<'_>) -> Result<Box<dyn Statement>, Halt> {
    cursor.take_words(&["ALTER", "TABLE"]);
    let name = table_name(cursor)?;
    if cursor.take_word("WITH") {
        // CHECK and NOCHECK are about constraints that are not served.
        if !cursor.take_word("CHECK") && !cursor.take_word("NOCHECK") {
            return Err(cursor.wrong());
        }
    }
    if cursor.take_word("ADD") {
        if !["CONSTRAINT", "PRIMARY", "UNIQUE"].iter().any(|word| cursor.is_word(word)) {
            return Err(cursor.at_line(unsupported("ALTER TABLE ADD but of a key")));
        }
        let key = keys::constraint(cursor, None)?;
        return Ok(Box::new(Alter::Add(name, key)));
    }
    if cursor.take_words(&["DROP", "CONSTRAINT"]) {
        return Ok(Box::new(Alter::Drop(name, cursor.name()?)));
    }
    Err(cursor.at_line(unsupported("ALTER TABLE but ADD or DROP CONSTRAINT")))
}

impl Statement for Alter {
    fn run(&self, session: &mut Interpreter, answer: &mut Answer<'_>) -> Result<(), Halt> {
        let (Alter::Add(name, _) | Alter::Drop(name, _)) = self;
        let place = TableName::new(name, session)?;
        let mut change = session.begin_change(&place.database)?;
        let Some(stored) = change.find(&place.schema, &place.name).cloned() else {
            let words = format!(
                "Cannot find the object \"{name}\" because it does not exist or you do not have permissions."
            );
            return Err(Halt::error(4902, words));
        };
        let mut record = stored.record.clone();
        match self {
            Alter::Add(_, key) => key.add_checked(&mut record, &stored, answer)?,
            Alter::Drop(_, key) => keys::remove(&mut record, key)?,
        }
        change.put(record, stored.path);
        session.end_change(change)?;
        answer.done(Command::NONE, None);
        Ok(())
    }
}

/// CREATE and DROP INDEX.
enum Index {
    Create(Name, Key),
    Drop(Name, String),
}

pub fn create_index(cursor: &mut Cursor<'_>) -> Result<Box<dyn Statement>, Halt> {
    cursor.expect_word("CREATE")?;
    let (name, key) = keys::index(cursor)?;
    Ok(Box::new(Index::Create(name, key)))
}

pub fn drop_index(cursor: &mut Cursor<'_>) -> Result<Box<dyn Statement>, Halt> {
    cursor.take_words(&["DROP", "INDEX"]);
    let index = cursor.name()?;
    if !cursor.take_word("ON") {
        return Err(cursor.at_line(syntax("DROP INDEX without ON")));
    }
    Ok(Box::new(Index::Drop(table_name(cursor)?, index)))
}

impl Statement for Index {
    fn run(&self, session: &mut Interpreter, answer: &mut Answer<'_>) -> Result<(), Halt> {
        let (Index::Create(name, _) | Index::Drop(name, _)) = self;
        let place = TableName::new(name, session)?;
        let mut change = session.begin_change(&place.database)?;
        let Some(stored) = change.find(&place.schema, &place.name).cloned() else {
            let words = format!(
                "Cannot find the object \"{name}\" because it does not exist or you do not have permissions."
            );
            return Err(Halt::error(1088, words));
        };
        let mut record: TableRecord = stored.record.clone();
        let command = match self {
            Index::Create(_, key) => {
                key.add_checked(&mut record, &stored, answer)?;
                Command(200)
            }
            Index::Drop(_, index) => {
                keys::remove(&mut record, index)?;
                Command(201)
            }
        };
        change.put(record, stored.path);
        session.end_change(change)?;
        answer.done(command, None);
        Ok(())
    }
}

/// The columns as tables keep them, with names that are there once.
pub fn kept_columns(
    columns: &[Column],
    table: &str,
) -> Result<Vec<crate::warehouse::table::ColumnRecord>, Halt> {
    for (place, column) in columns.iter().enumerate() {
        if column.name.is_empty() {
            let words = "An object or column name is missing or empty. For SELECT INTO statements, verify each column has a name. For other statements, look for empty alias names. Aliases defined as \"\" or [] are not allowed. Change the alias to a valid name.";
            return Err(Halt::error(1038, words));
        }
        if columns.iter().take(place).any(|other| other.name.eq_ignore_ascii_case(&column.name)) {
            let words = format!(
                "Column names in each table must be unique. Column name '{}' in table '{table}' is specified more than once.",
                column.name
            );
            return Err(Halt::error(2705, words));
        }
    }
    if columns.iter().filter(|column| column.is_identity).count() > 1 {
        let words = format!(
            "Multiple identity columns specified for table '{table}'. Only one identity column per table is allowed."
        );
        return Err(Halt::error(2744, words));
    }
    Ok(columns.iter().map(kept).collect())
}
