//! Keys and indexes: read, added to a table, and held against its rows.
//!
//! An index is kept as what is known of it; nothing here is looked up by one. Uniqueness is kept all the same.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use spatialcloud_tds::{Message, Value};

use super::writing::read_rows;
use crate::sql::Halt;
use crate::sql::backend::Answer;
use crate::sql::error::unsupported;
use crate::sql::evaluate::key as key_text;
use crate::sql::instance::view::StoredTable;
use crate::sql::language::{Cursor, Name, TokenKind, skip_parentheses, table_name};
use crate::warehouse::table::{IndexRecord, TableRecord};

/// A key or an index to be made.
pub struct Key {
    /// `None`: a name is made up.
    pub name: Option<String>,
    pub is_primary: bool,
    is_unique: bool,
    is_constraint: bool,
    kind: &'static str,
    /// Columns, with ` DESC` behind those that descend.
    columns: Vec<String>,
    included: Vec<String>,
}

const CLUSTERED: &str = "clustered";
const NONCLUSTERED: &str = "nonclustered";
const SPATIAL: &str = "spatial";

/// A constraint that is a key; of a column, where `column` names it.
pub fn constraint(cursor: &mut Cursor<'_>, column: Option<&str>) -> Result<Key, Halt> {
    let name = if cursor.take_word("CONSTRAINT") { Some(cursor.name()?) } else { None };
    let is_primary = cursor.take_words(&["PRIMARY", "KEY"]);
    if !is_primary && !cursor.take_word("UNIQUE") {
        return Err(cursor.at_line(unsupported("a constraint other than PRIMARY KEY and UNIQUE")));
    }
    let usual = if is_primary { CLUSTERED } else { NONCLUSTERED };
    let kind = clustering(cursor).unwrap_or(usual);
    let columns = match column {
        Some(column) => vec![column.to_owned()],
        None => columns(cursor)?,
    };
    if column.is_none() {
        skip_options(cursor)?;
    }
    Ok(Key { name, is_primary, is_unique: true, is_constraint: true, kind, columns, included: Vec::new() })
}

/// `[UNIQUE] [CLUSTERED | NONCLUSTERED | SPATIAL] INDEX name ON table (…)`
pub fn index(cursor: &mut Cursor<'_>) -> Result<(Name, Key), Halt> {
    let is_unique = cursor.take_word("UNIQUE");
    let is_spatial = cursor.take_word("SPATIAL");
    let kind = if is_spatial { SPATIAL } else { clustering(cursor).unwrap_or(NONCLUSTERED) };
    if !cursor.take_word("INDEX") {
        return Err(cursor.at_line(unsupported("CREATE of anything but databases, tables and indexes")));
    }
    let name = Some(cursor.name()?);
    cursor.expect_word("ON")?;
    let table = table_name(cursor)?;
    let columns = columns(cursor)?;
    let mut included = Vec::new();
    if cursor.take_word("INCLUDE") {
        included = self::columns(cursor)?;
    }
    if cursor.is_word("WHERE") {
        return Err(cursor.at_line(unsupported("a filtered index")));
    }
    if is_spatial && cursor.take_word("USING") {
        // How a grid is laid: there is none.
        cursor.name()?;
    }
    skip_options(cursor)?;
    Ok((table, Key { name, is_primary: false, is_unique, is_constraint: false, kind, columns, included }))
}

fn clustering(cursor: &mut Cursor<'_>) -> Option<&'static str> {
    if cursor.take_word("CLUSTERED") {
        return Some(CLUSTERED);
    }
    cursor.take_word("NONCLUSTERED").then_some(NONCLUSTERED)
}

fn columns(cursor: &mut Cursor<'_>) -> Result<Vec<String>, Halt> {
    cursor.expect_symbol("(")?;
    let mut columns = Vec::new();
    loop {
        let name = cursor.name()?;
        let descends = cursor.take_word("DESC");
        if !descends {
            cursor.take_word("ASC");
        }
        columns.push(format!("{name}{}", if descends { " DESC" } else { "" }));
        if cursor.take_symbol(")") {
            return Ok(columns);
        }
        cursor.expect_symbol(",")?;
    }
}

/// WITH (…), ON a filegroup, TEXTIMAGE_ON: how pages are filled and where they lie is nobody's business here.
pub fn skip_options(cursor: &mut Cursor<'_>) -> Result<(), Halt> {
    if cursor.is_word("WITH") && matches!(cursor.peek_at(1), Some(TokenKind::Symbol("("))) {
        cursor.next();
        skip_parentheses(cursor)?;
    }
    for word in ["ON", "TEXTIMAGE_ON"] {
        if cursor.take_word(word) {
            cursor.name()?;
        }
    }
    Ok(())
}

/// A key column without its direction.
fn plain(column: &str) -> &str {
    column.strip_suffix(" DESC").unwrap_or(column)
}

impl Key {
    /// Adds it to a table that has no rows, or whose rows have been looked at.
    pub fn add(&self, record: &mut TableRecord, name: Option<&str>) -> Result<(), Halt> {
        let table = record.name.clone();
        let made_up = if self.is_primary { format!("PK_{table}") } else { format!("UQ_{table}") };
        let name = name.map(str::to_owned).or_else(|| self.name.clone()).unwrap_or(made_up);
        if record.indexes.iter().any(|index| index.name.eq_ignore_ascii_case(&name)) {
            let words = format!(
                "The operation failed because an index or statistics with name '{name}' already exists on table '{}'.",
                record.full_name()
            );
            return Err(Halt::error(1913, words));
        }
        if self.is_primary && record.indexes.iter().any(|index| index.is_primary_key) {
            let words = format!("Table '{table}' already has a primary key defined on it.");
            return Err(Halt::error(1779, words));
        }
        if self.kind == CLUSTERED && record.indexes.iter().any(|index| index.index_type == CLUSTERED) {
            let words = format!(
                "Cannot create more than one clustered index on table '{}'. Drop the existing clustered index before creating another.",
                record.full_name()
            );
            return Err(Halt::error(1902, words));
        }
        for column in
            self.columns.iter().map(|column| plain(column)).chain(self.included.iter().map(|c| plain(c)))
        {
            let known = record.columns.iter_mut().find(|known| known.name.eq_ignore_ascii_case(column));
            let Some(known) = known else {
                let words = format!("Column name '{column}' does not exist in the target table or view.");
                return Err(Halt::error(1911, words));
            };
            let is_spatial = ["geometry", "geography"].contains(&known.sql_type.as_str());
            if is_spatial != (self.kind == SPATIAL) && self.columns.iter().any(|key| plain(key) == column) {
                let words = format!(
                    "Column '{column}' in table '{}' is of a type that is invalid for use as a key column in an index.",
                    record.name
                );
                return Err(Halt::error(1919, words));
            }
            if self.is_primary && known.is_nullable {
                let words =
                    format!("Cannot define PRIMARY KEY constraint on nullable column in table '{table}'.");
                return Err(Halt::error(8111, words));
            }
        }
        record.indexes.push(IndexRecord {
            name,
            index_type: self.kind.to_owned(),
            is_unique: self.is_unique,
            is_primary_key: self.is_primary,
            keys: self.columns.clone(),
            included: self.included.clone(),
        });
        Ok(())
    }

    /// Adds it to a table, after all its rows have been looked at.
    pub fn add_checked(
        &self,
        record: &mut TableRecord,
        stored: &StoredTable,
        answer: &mut Answer<'_>,
    ) -> Result<(), Halt> {
        let added = self.add(record, None).and_then(|()| {
            let Some(index) = record.indexes.last().filter(|index| index.is_unique) else { return Ok(()) };
            let mut seen = Seen::new(record, std::slice::from_ref(index));
            read_rows(stored, answer, |row| {
                seen.look(&row).map_err(|(index, shown)| {
                    let words = format!(
                        "The CREATE UNIQUE INDEX statement terminated because a duplicate key was found for the object name '{}' and the index name '{}'. The duplicate key value is ({shown}).",
                        record.full_name(),
                        index.name
                    );
                    Halt::error(1505, words)
                })
            })
        });
        match added {
            Err(Halt::Failed(message)) if self.is_constraint => {
                answer.message(&message);
                let words = "Could not create constraint or index. See previous errors.";
                Err(Halt::Failed(Box::new(Message { state: 0, ..Message::error(1750, words) })))
            }
            other => other,
        }
    }
}

/// Removes a key or index by its name.
pub fn remove(record: &mut TableRecord, name: &str) -> Result<(), Halt> {
    let before = record.indexes.len();
    record.indexes.retain(|index| !index.name.eq_ignore_ascii_case(name));
    if record.indexes.len() < before {
        return Ok(());
    }
    Err(Halt::error(3728, format!("'{name}' is not a constraint or an index of '{}'.", record.full_name())))
}

/// The keys of rows that have been seen, of each unique index.
pub struct Seen<'a> {
    indexes: Vec<(&'a IndexRecord, Vec<usize>, HashSet<u128>)>,
    hashers: [RandomState; 2],
}

impl<'a> Seen<'a> {
    pub fn new(record: &TableRecord, indexes: &'a [IndexRecord]) -> Seen<'a> {
        let place = |key: &String| {
            record.columns.iter().position(|column| column.name.eq_ignore_ascii_case(plain(key)))
        };
        let unique = indexes.iter().filter(|index| index.is_unique);
        let indexes =
            unique.map(|index| (index, index.keys.iter().filter_map(place).collect(), HashSet::new()));
        Seen { indexes: indexes.collect(), hashers: [RandomState::new(), RandomState::new()] }
    }

    /// Looks at a row; an error is the index that has its key already, and the key.
    pub fn look(&mut self, row: &[Value<'static>]) -> Result<(), (&'a IndexRecord, String)> {
        for (index, places, seen) in &mut self.indexes {
            let values: Vec<Value<'static>> =
                places.iter().filter_map(|place| row.get(*place)).cloned().collect();
            let text = key_text(&values);
            // Two hashes of 64 bits stand for the key: 16 bytes a row, whatever its length.
            let [high, low] =
                [&self.hashers[0], &self.hashers[1]].map(|hasher| u128::from(hasher.hash_one(&text)));
            if !seen.insert(high << 64 | low) {
                let shown = values.iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
                return Err((index, shown));
            }
        }
        Ok(())
    }
}
