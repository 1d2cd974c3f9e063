//! SELECT.

use std::cell::RefCell;

use spatialcloud_tds::Command;

use super::Statement;
use super::writing::{ROWS_BETWEEN_LOOKS, TableName, write_all, write_row};
use crate::sql::Halt;
use crate::sql::backend::Answer;
use crate::sql::interpreter::Interpreter;
use crate::sql::language::{Cursor, Name, Query, Source, query};
use crate::sql::select::select;

struct Select(Query);

pub fn parse(cursor: &mut Cursor<'_>) -> Result<Box<dyn Statement>, Halt> {
    Ok(Box::new(Select(query(cursor)?)))
}

impl Statement for Select {
    fn run(&self, session: &mut Interpreter, answer: &mut Answer<'_>) -> Result<(), Halt> {
        if let Some(into) = &self.0.into {
            return select_into(&self.0, into, session, answer);
        }
        let world = session.world();
        let limit = session.settings.row_count.unwrap_or(u64::MAX);
        let mut rows = 0_u64;
        let without_rows = session.settings.format_only;
        let answering = RefCell::new(&mut *answer);
        let go_on = || answering.borrow_mut().go_on();
        session.with_looks(&world, &go_on, |context| {
            let selected = select(&self.0, &world, context)?;
            answering.borrow_mut().columns(selected.columns)?;
            if without_rows {
                return Ok(());
            }
            for row in selected.rows {
                if rows == limit {
                    break;
                }
                let row = row?;
                answering.borrow_mut().row(&row)?;
                rows += 1;
            }
            Ok(())
        })?;
        session.row_count = i64::try_from(rows).unwrap_or(i64::MAX);
        answer.done(Command::SELECT, Some(rows));
        Ok(())
    }
}

/// SELECT INTO: a new table with the rows.
fn select_into(
    query: &Query,
    into: &Name,
    session: &mut Interpreter,
    answer: &mut Answer<'_>,
) -> Result<(), Halt> {
    let place = TableName::new(into, session)?;
    let mut change = session.begin_change(&place.database)?;
    let world = session.world();
    let (record, path) = session.with_context(&world, |context| {
        let selected = select(query, &world, context)?;
        let mut columns = selected.columns;
        // A join may have a number twice: what counted by itself is a number like others then.
        if !matches!(query.from, Some(Source::Table { .. })) {
            columns.iter_mut().for_each(|column| column.is_identity = false);
        }
        let mut record = place.new_record(&change, &columns)?;
        let (mut writer, path) = change.writer(&record.columns)?;
        for (count, row) in (1_u64..).zip(selected.rows) {
            write_row(&mut writer, &record, row?)?;
            if count.is_multiple_of(ROWS_BETWEEN_LOOKS) {
                answer.go_on()?;
            }
        }
        write_all(writer, &mut record)?;
        Ok((record, path))
    })?;
    let rows = record.rows;
    change.put(record, Some(path));
    session.end_change(change)?;
    session.row_count = i64::try_from(rows).unwrap_or(i64::MAX);
    answer.done(Command::SELECT_INTO, Some(rows));
    Ok(())
}
