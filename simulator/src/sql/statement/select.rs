//! SELECT.

use spatialcloud_tds::Command;

use super::Statement;
use crate::sql::Halt;
use crate::sql::backend::Answer;
use crate::sql::interpreter::Interpreter;
use crate::sql::language::{Cursor, Query, query};
use crate::sql::select::select;

struct Select(Query);

pub fn parse(cursor: &mut Cursor<'_>) -> Result<Box<dyn Statement>, Halt> {
    Ok(Box::new(Select(query(cursor)?)))
}

impl Statement for Select {
    fn run(&self, session: &mut Interpreter, answer: &mut Answer<'_>) -> Result<(), Halt> {
        let world = session.world();
        let limit = session.settings.row_count.unwrap_or(u64::MAX);
        let mut rows = 0_u64;
        let without_rows = session.settings.format_only;
        session.with_context(&world, |context| {
            let selected = select(&self.0, &world, context)?;
            answer.columns(selected.columns)?;
            if without_rows {
                return Ok(());
            }
            for row in selected.rows {
                if rows == limit {
                    break;
                }
                answer.row(&row?)?;
                rows += 1;
            }
            Ok(())
        })?;
        session.row_count = i64::try_from(rows).unwrap_or(i64::MAX);
        answer.done(Command::SELECT, Some(rows));
        Ok(())
    }
}
