//! INSERT of values and of a query's rows, and DELETE.
//!
//! A table's file is written anew with its rows and the new ones: many INSERTs of one row each into a large table are
//! slow here; one of many rows is not.

use spatialcloud_tds::{Column, ColumnType, Command, Value};

use super::Statement;
use super::keys::Seen;
use super::writing::{ROWS_BETWEEN_LOOKS, TableName, read_rows, write_all, write_row};
use crate::sql::Halt;
use crate::sql::backend::Answer;
use crate::sql::error::{INTERNAL, no_column, no_object, unsupported};
use crate::sql::evaluate::{Row, Scope, ScopeColumn, bind_condition, bind_value};
use crate::sql::instance::columns::assigned;
use crate::sql::instance::view::described;
use crate::sql::interpreter::Interpreter;
use crate::sql::language::{Cursor, Expression, Name, Query, expression, query, skip_hints, table_name};
use crate::sql::select::select;
use crate::warehouse::table::{IndexRecord, TableRecord};

enum Source {
    /// Rows of expressions; `None`: what the column has by itself.
    Values(Vec<Vec<Option<Expression>>>),
    Query(Box<Query>),
}

struct Insert {
    name: Name,
    columns: Option<Vec<String>>,
    source: Source,
}

pub fn insert(cursor: &mut Cursor<'_>) -> Result<Box<dyn Statement>, Halt> {
    cursor.expect_word("INSERT")?;
    cursor.take_word("INTO");
    let name = table_name(cursor)?;
    skip_hints(cursor)?;
    let mut columns = None;
    if cursor.take_symbol("(") {
        let mut names = vec![cursor.name()?];
        while cursor.take_symbol(",") {
            names.push(cursor.name()?);
        }
        cursor.expect_symbol(")")?;
        columns = Some(names);
    }
    if cursor.is_word("SELECT") {
        return Ok(Box::new(Insert { name, columns, source: Source::Query(Box::new(query(cursor)?)) }));
    }
    if !cursor.take_word("VALUES") {
        return Err(cursor.at_line(unsupported("INSERT but of VALUES and of SELECT")));
    }
    let mut rows = Vec::new();
    loop {
        cursor.expect_symbol("(")?;
        let mut row = Vec::new();
        loop {
            row.push(if cursor.take_word("DEFAULT") { None } else { Some(expression(cursor)?) });
            if cursor.take_symbol(")") {
                break;
            }
            cursor.expect_symbol(",")?;
        }
        rows.push(row);
        if !cursor.take_symbol(",") {
            break;
        }
    }
    Ok(Box::new(Insert { name, columns, source: Source::Values(rows) }))
}

/// A table that rows are added to.
struct Target {
    columns: Vec<Column>,
    /// For each of the given values its column.
    places: Vec<usize>,
    /// The column that counts by itself and is not given.
    counted: Option<usize>,
    shown: String,
}

impl Target {
    fn new(
        insert: &Insert,
        place: &TableName,
        record: &TableRecord,
        session: &Interpreter,
    ) -> Result<Target, Halt> {
        let columns = described(&place.database, record).columns;
        let identity = columns.iter().position(|column| column.is_identity);
        let own = format!("{}.{}.{}", place.database, place.schema, place.name);
        let is_given =
            session.settings.identity_insert.as_ref().is_some_and(|on| on.eq_ignore_ascii_case(&own));
        let places = match &insert.columns {
            Some(names) => names
                .iter()
                .map(|name| {
                    let found = columns.iter().position(|column| column.name.eq_ignore_ascii_case(name));
                    found.ok_or_else(|| no_column(name))
                })
                .collect::<Result<Vec<_>, _>>()?,
            None => (0..columns.len()).filter(|place| is_given || Some(*place) != identity).collect(),
        };
        if let Some(twice) = places.iter().enumerate().find(|(at, place)| places[..*at].contains(place)) {
            let name = columns.get(*twice.1).map_or("", |column| column.name.as_str());
            let words = format!(
                "The column name '{name}' is specified more than once in the SET clause or column list of an INSERT."
            );
            return Err(Halt::error(264, words));
        }
        let table = &place.name;
        if identity.is_some_and(|identity| places.contains(&identity)) && !is_given {
            let words = format!(
                "Cannot insert explicit value for identity column in table '{table}' when IDENTITY_INSERT is set to OFF."
            );
            return Err(Halt::error(544, words));
        }
        let counted = identity.filter(|identity| !places.contains(identity));
        Ok(Target { columns, places, counted, shown: own })
    }

    /// A whole row of given values.
    fn row(&self, given: Vec<(Value<'static>, ColumnType)>, next: &mut i64) -> Result<Row, Halt> {
        let mut row = vec![Value::Null; self.columns.len()];
        for ((value, column_type), place) in given.into_iter().zip(&self.places) {
            if let (Some(column), Some(room)) = (self.columns.get(*place), row.get_mut(*place)) {
                *room = assigned(value, &column_type, column, &self.shown)?;
            }
        }
        if let Some(room) = self.counted.and_then(|counted| row.get_mut(counted)) {
            *room = Value::Integer(*next);
            *next += 1;
        }
        for (column, value) in self.columns.iter().zip(&row) {
            if value.is_null() && !column.is_nullable {
                let words = format!(
                    "Cannot insert the value NULL into column '{}', table '{}'; column does not allow nulls. INSERT fails.",
                    column.name, self.shown
                );
                return Err(Halt::error(515, words));
            }
        }
        Ok(row)
    }
}

fn duplicate(record: &TableRecord, index: &IndexRecord, shown: &str) -> Halt {
    let (name, table) = (&index.name, record.full_name());
    if index.is_primary_key {
        let words = format!(
            "Violation of PRIMARY KEY constraint '{name}'. Cannot insert duplicate key in object '{table}'. The duplicate key value is ({shown})."
        );
        return Halt::error(2627, words);
    }
    let words = format!(
        "Cannot insert duplicate key row in object '{table}' with unique index '{name}'. The duplicate key value is ({shown})."
    );
    Halt::error(2601, words)
}

impl Statement for Insert {
    fn run(&self, session: &mut Interpreter, answer: &mut Answer<'_>) -> Result<(), Halt> {
        let place = TableName::new(&self.name, session)?;
        let mut change = session.begin_change(&place.database)?;
        let stored = change.find(&place.schema, &place.name).cloned();
        let stored = stored.ok_or_else(|| no_object(&self.name.to_string()))?;
        let mut record = stored.record.clone();
        let target = Target::new(self, &place, &record, session)?;
        let (mut writer, path) = change.writer(&record.columns)?;
        let indexes = record.indexes.clone();
        let mut seen = Seen::new(&record, &indexes);
        let mut next = 1;
        read_rows(&stored, answer, |row| {
            // What is there is there, twice or not.
            let _ = seen.look(&row);
            if let Some(Value::Integer(number)) = target.counted.and_then(|counted| row.get(counted)) {
                next = next.max(number + 1);
            }
            write_row(&mut writer, &record, row)
        })?;
        let mut count = 0_u64;
        let mut add = |given: Vec<(Value<'static>, ColumnType)>, answer: &mut Answer<'_>| {
            let row = target.row(given, &mut next)?;
            seen.look(&row).map_err(|(index, shown)| duplicate(&record, index, &shown))?;
            count += 1;
            if count.is_multiple_of(ROWS_BETWEEN_LOOKS) {
                answer.go_on()?;
            }
            write_row(&mut writer, &record, row)
        };
        let world = session.world();
        session.with_context(&world, |context| match &self.source {
            Source::Values(rows) => {
                for row in rows {
                    check_count(row.len(), target.places.len())?;
                    let given = row.iter().map(|value| match value {
                        None => Ok((Value::Null, ColumnType::Null)),
                        Some(value) => {
                            let bound = bind_value(value, &mut Scope::default(), context)?;
                            Ok((bound.value(context, &[])?, bound.column_type))
                        }
                    });
                    add(given.collect::<Result<_, Halt>>()?, answer)?;
                }
                Ok(())
            }
            Source::Query(query) => {
                let selected = select(query, &world, context)?;
                check_count(selected.columns.len(), target.places.len())?;
                let types: Vec<ColumnType> =
                    selected.columns.into_iter().map(|column| column.column_type).collect();
                for row in selected.rows {
                    add(row?.into_iter().zip(types.iter().cloned()).collect(), answer)?;
                }
                Ok(())
            }
        })?;
        write_all(writer, &mut record)?;
        change.put(record, Some(path));
        session.end_change(change)?;
        session.row_count = i64::try_from(count).unwrap_or(i64::MAX);
        answer.done(Command::INSERT, Some(count));
        Ok(())
    }
}

fn check_count(given: usize, wanted: usize) -> Result<(), Halt> {
    match given.cmp(&wanted) {
        std::cmp::Ordering::Equal => Ok(()),
        _ => {
            Err(Halt::error(213, "Column name or number of supplied values does not match table definition."))
        }
    }
}

struct Delete {
    name: Name,
    condition: Option<Expression>,
}

pub fn delete(cursor: &mut Cursor<'_>) -> Result<Box<dyn Statement>, Halt> {
    cursor.expect_word("DELETE")?;
    if cursor.is_word("TOP") {
        return Err(cursor.at_line(unsupported("DELETE TOP")));
    }
    cursor.take_word("FROM");
    let name = table_name(cursor)?;
    skip_hints(cursor)?;
    for word in ["FROM", "OUTPUT", "OPTION"] {
        if cursor.is_word(word) {
            return Err(cursor.at_line(unsupported(format_args!("DELETE … {word}"))));
        }
    }
    let condition = if cursor.take_word("WHERE") { Some(expression(cursor)?) } else { None };
    Ok(Box::new(Delete { name, condition }))
}

impl Statement for Delete {
    fn run(&self, session: &mut Interpreter, answer: &mut Answer<'_>) -> Result<(), Halt> {
        let place = TableName::new(&self.name, session)?;
        let mut change = session.begin_change(&place.database)?;
        let stored = change.find(&place.schema, &place.name).cloned();
        let stored = stored.ok_or_else(|| no_object(&self.name.to_string()))?;
        let mut record = stored.record.clone();
        let (mut writer, path) = change.writer(&record.columns)?;
        let columns = described(&place.database, &record).columns;
        let columns = columns.into_iter().map(|column| ScopeColumn {
            source: place.name.clone(),
            schema: Some(place.schema.clone()),
            column,
        });
        let mut scope = Scope { columns: columns.collect(), ..Scope::default() };
        let world = session.world();
        let mut deleted = 0_u64;
        session.with_context(&world, |context| {
            let condition = self
                .condition
                .as_ref()
                .map(|condition| bind_condition(condition, &mut scope, context))
                .transpose()?;
            read_rows(&stored, answer, |row| {
                let goes = match &condition {
                    Some(condition) => condition.holds(context, &row)?,
                    None => true,
                };
                deleted += u64::from(goes);
                if goes { Ok(()) } else { write_row(&mut writer, &record, row) }
            })
        })?;
        write_all(writer, &mut record)?;
        if record.rows + deleted != stored.record.rows && stored.path.is_some() {
            return Err(Halt::error(INTERNAL, format!("{} has lost rows on the way", record.full_name())));
        }
        change.put(record, Some(path));
        session.end_change(change)?;
        session.row_count = i64::try_from(deleted).unwrap_or(i64::MAX);
        answer.done(Command::DELETE, Some(deleted));
        Ok(())
    }
}
