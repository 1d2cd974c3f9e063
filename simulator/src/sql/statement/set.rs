//! SET: options of the session, and variables.

use spatialcloud_tds::{Command, Value};

use super::Statement;
use super::writing::TableName;
use crate::sql::Halt;
use crate::sql::backend::Answer;
use crate::sql::error::unsupported;
use crate::sql::evaluate::{Scope, bind_value, convert};
use crate::sql::interpreter::Interpreter;
use crate::sql::language::{Cursor, Expression, Name, TokenKind, expression, table_name};

enum Set {
    /// An option that changes nothing here.
    Ignored,
    QuotedIdentifier(bool),
    FormatOnly(bool),
    NoExecution(bool),
    /// 0: no limit.
    RowCount(u32),
    Variable(String, Expression),
    IdentityInsert(Name, bool),
}

/// Options that are on or off, and are taken without effect: they are about writing, plans, arithmetic warnings
/// and what is counted, or their other value is what nobody uses any more.
const IGNORED: &[&str] = &[
    "ANSI_DEFAULTS",
    "ANSI_NULLS",
    "ANSI_NULL_DFLT_OFF",
    "ANSI_NULL_DFLT_ON",
    "ANSI_PADDING",
    "ANSI_WARNINGS",
    "ARITHABORT",
    "ARITHIGNORE",
    "CONCAT_NULL_YIELDS_NULL",
    "CURSOR_CLOSE_ON_COMMIT",
    "FORCEPLAN",
    "IMPLICIT_TRANSACTIONS",
    "NOCOUNT",
    "NUMERIC_ROUNDABORT",
    "NO_BROWSETABLE",
    "XACT_ABORT",
];

/// Options with a value that are taken without effect.
const IGNORED_VALUES: &[&str] =
    &["TEXTSIZE", "LOCK_TIMEOUT", "DATEFIRST", "DATEFORMAT", "LANGUAGE", "DEADLOCK_PRIORITY"];

pub fn parse(cursor: &mut Cursor<'_>) -> Result<Box<dyn Statement>, Halt> {
    cursor.expect_word("SET")?;
    if let Some(TokenKind::Variable(name)) = cursor.peek() {
        cursor.next();
        cursor.expect_symbol("=")?;
        return Ok(Box::new(Set::Variable(name.clone(), expression(cursor)?)));
    }
    if cursor.take_words(&["TRANSACTION", "ISOLATION", "LEVEL"]) {
        // Nothing changes while it is read.
        for level in [&["READ", "UNCOMMITTED"][..], &["READ", "COMMITTED"], &["REPEATABLE", "READ"]] {
            if cursor.take_words(level) {
                return Ok(Box::new(Set::Ignored));
            }
        }
        if cursor.take_word("SNAPSHOT") || cursor.take_word("SERIALIZABLE") {
            return Ok(Box::new(Set::Ignored));
        }
        return Err(cursor.wrong());
    }
    if cursor.take_word("IDENTITY_INSERT") {
        let name = table_name(cursor)?;
        let is_on = cursor.take_word("ON");
        if !is_on {
            cursor.expect_word("OFF")?;
        }
        return Ok(Box::new(Set::IdentityInsert(name, is_on)));
    }
    let mut names = vec![cursor.name()?];
    while cursor.take_symbol(",") {
        names.push(cursor.name()?);
    }
    let is_among = |list: &[&str], name: &str| list.iter().any(|known| known.eq_ignore_ascii_case(name));
    let only = |wanted: &str| names.len() == 1 && names.iter().all(|name| name.eq_ignore_ascii_case(wanted));
    if only("ROWCOUNT") {
        return Ok(Box::new(Set::RowCount(cursor.integer()?)));
    }
    if names.iter().all(|name| is_among(IGNORED_VALUES, name)) {
        cursor.take_symbol("-");
        cursor.next().ok_or_else(|| cursor.wrong())?;
        return Ok(Box::new(Set::Ignored));
    }
    let is_on = cursor.take_word("ON");
    if !is_on && !cursor.take_word("OFF") {
        return Err(unsupported(format_args!("SET {}", names.join(", "))));
    }
    if names.iter().all(|name| is_among(IGNORED, name)) {
        return Ok(Box::new(Set::Ignored));
    }
    Ok(Box::new(match () {
        () if only("QUOTED_IDENTIFIER") => Set::QuotedIdentifier(is_on),
        () if only("FMTONLY") => Set::FormatOnly(is_on),
        () if only("NOEXEC") || only("PARSEONLY") => Set::NoExecution(is_on),
        () => return Err(unsupported(format_args!("SET {}", names.join(", ")))),
    }))
}

impl Statement for Set {
    fn run(&self, session: &mut Interpreter, answer: &mut Answer<'_>) -> Result<(), Halt> {
        match self {
            Set::Ignored => {}
            Set::QuotedIdentifier(is_on) => session.settings.quoted_identifiers = *is_on,
            Set::FormatOnly(is_on) => session.settings.format_only = *is_on,
            Set::NoExecution(is_on) => session.settings.no_execution = *is_on,
            Set::RowCount(count) => session.settings.row_count = (*count > 0).then_some((*count).into()),
            Set::IdentityInsert(name, is_on) => {
                let place = TableName::new(name, session)?;
                let shown = format!("{}.{}.{}", place.database, place.schema, place.name);
                session.settings.identity_insert = is_on.then_some(shown);
            }
            Set::Variable(name, expression) => {
                let world = session.world();
                let (value, from) = session.with_context(&world, |context| {
                    let bound = bind_value(expression, &mut Scope::default(), context)?;
                    Ok((bound.value(context, &[])?, bound.column_type))
                })?;
                set_variable(session, name, value, &from)?;
            }
        }
        answer.done(Command::NONE, None);
        Ok(())
    }
}

fn set_variable(
    session: &mut Interpreter,
    name: &str,
    value: Value<'static>,
    from: &spatialcloud_tds::ColumnType,
) -> Result<(), Halt> {
    let known = session.variables.iter_mut().find(|(known, ..)| known.eq_ignore_ascii_case(name));
    let words = format!("Must declare the scalar variable \"{name}\".");
    let (_, to, place) = known.ok_or_else(|| Halt::error(137, words))?;
    *place = convert(value, from, to, 0)?;
    Ok(())
}
