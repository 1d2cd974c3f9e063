//! Statements with parameters: at once, or prepared first and executed by a number.

use spatialcloud_tds::{ColumnType, Value};

use super::{Argument, Arguments};
use crate::sql::Halt;
use crate::sql::backend::Answer;
use crate::sql::error::unsupported;
use crate::sql::evaluate::convert;
use crate::sql::interpreter::{Interpreter, Prepared, Variable};
use crate::sql::language::{Cursor, TokenKind, column_type, tokens};

/// Statements that a session may have prepared.
const MOST_PREPARED: usize = 10_000;

/// `sp_executesql statement, declarations, value…`
pub fn execute_sql(
    arguments: Arguments,
    session: &mut Interpreter,
    answer: &mut Answer<'_>,
) -> Result<(), Halt> {
    let sql = arguments.text(0, "@stmt")?.or(arguments.text(0, "@statement")?);
    let sql = sql.ok_or_else(|| missing("sp_executesql", "@statement"))?;
    let declared = declared(&arguments.text(1, "@params")?.unwrap_or_default())?;
    let variables = variables(declared, arguments.0.into_iter().skip(2))?;
    session.run(&sql, variables, answer)?;
    answer.return_status(0);
    Ok(())
}

/// `sp_prepare handle OUTPUT, declarations, statement, options`
pub fn prepare(arguments: Arguments, session: &mut Interpreter, answer: &mut Answer<'_>) -> Result<(), Halt> {
    let handle = keep(&arguments, session, "sp_prepare")?;
    answer.return_status(0);
    give_back(handle, answer)
}

/// `sp_prepexec handle OUTPUT, declarations, statement, value…`
pub fn prepare_and_execute(
    arguments: Arguments,
    session: &mut Interpreter,
    answer: &mut Answer<'_>,
) -> Result<(), Halt> {
    let handle = keep(&arguments, session, "sp_prepexec")?;
    let prepared = session.prepared.get(&handle).cloned().ok_or_else(|| unknown(handle))?;
    let variables = variables(prepared.parameters, arguments.0.into_iter().skip(3))?;
    session.run(&prepared.sql, variables, answer)?;
    answer.return_status(0);
    give_back(handle, answer)
}

/// `sp_execute handle, value…`
pub fn execute(arguments: Arguments, session: &mut Interpreter, answer: &mut Answer<'_>) -> Result<(), Halt> {
    let handle = arguments.integer(0, "@handle")?.ok_or_else(|| missing("sp_execute", "@handle"))?;
    let prepared = session.prepared.get(&handle).cloned().ok_or_else(|| unknown(handle))?;
    let variables = variables(prepared.parameters, arguments.0.into_iter().skip(1))?;
    session.run(&prepared.sql, variables, answer)?;
    answer.return_status(0);
    Ok(())
}

/// `sp_unprepare handle`
pub fn unprepare(
    arguments: Arguments,
    session: &mut Interpreter,
    answer: &mut Answer<'_>,
) -> Result<(), Halt> {
    let handle = arguments.integer(0, "@handle")?.ok_or_else(|| missing("sp_unprepare", "@handle"))?;
    session.prepared.remove(&handle).ok_or_else(|| unknown(handle))?;
    answer.return_status(0);
    Ok(())
}

/// 201.
fn missing(procedure: &str, parameter: &str) -> Halt {
    let words = format!(
        "Procedure or function '{procedure}' expects parameter '{parameter}', which was not supplied."
    );
    Halt::error(201, words)
}

/// 8179.
fn unknown(handle: i32) -> Halt {
    Halt::error(8179, format!("Could not find prepared statement with handle {handle}."))
}

fn keep(arguments: &Arguments, session: &mut Interpreter, procedure: &str) -> Result<i32, Halt> {
    let parameters = declared(&arguments.text(1, "@params")?.unwrap_or_default())?;
    let sql = arguments.text(2, "@stmt")?.ok_or_else(|| missing(procedure, "@stmt"))?;
    // What cannot be understood is told now, not when it is executed.
    let tokens = tokens(&sql, session.settings.quoted_identifiers)?;
    crate::sql::statement::parse(&mut Cursor::new(&tokens))?;
    if session.prepared.len() == MOST_PREPARED {
        return Err(unsupported(format_args!("more than {MOST_PREPARED} prepared statements in a session")));
    }
    let handle = session.next_handle;
    session.next_handle += 1;
    session.prepared.insert(handle, Prepared { sql, parameters });
    Ok(handle)
}

fn give_back(handle: i32, answer: &mut Answer<'_>) -> Result<(), Halt> {
    answer.return_value(0, "@handle", &ColumnType::Int, &Value::Integer(handle.into()))
}

/// `@a int, @b nvarchar(10) OUTPUT`
fn declared(text: &str) -> Result<Vec<(String, ColumnType)>, Halt> {
    let tokens = tokens(text, true)?;
    let mut cursor = Cursor::new(&tokens);
    let mut declared = Vec::new();
    while let Some(TokenKind::Variable(name)) = cursor.peek() {
        cursor.next();
        cursor.take_word("AS");
        declared.push((name.clone(), column_type(&mut cursor)?));
        if cursor.take_word("OUTPUT") || cursor.take_word("OUT") {
            return Err(unsupported("a statement's parameters that are given back"));
        }
        if !cursor.take_symbol(",") {
            break;
        }
    }
    if cursor.is_at_end() { Ok(declared) } else { Err(cursor.wrong()) }
}

/// Values by name where they have one, else in order.
fn variables(
    declared: Vec<(String, ColumnType)>,
    values: impl Iterator<Item = Argument>,
) -> Result<Vec<Variable>, Halt> {
    let values: Vec<Argument> = values.collect();
    let count = declared.len();
    if values.len() > count {
        let words = format!("Too many parameters: {} are given, {count} are declared.", values.len());
        return Err(Halt::error(8144, words));
    }
    let variables = declared.into_iter().enumerate().map(|(place, (name, column_type))| {
        let named = values.iter().find(|value| value.name.eq_ignore_ascii_case(&name));
        let found = named.or_else(|| values.get(place).filter(|value| value.name.is_empty()));
        let found = found.ok_or_else(|| {
            let words =
                format!("The parameterized query expects the parameter '{name}', which was not supplied.");
            Halt::error(8178, words)
        })?;
        let value = convert(found.value.clone(), &found.column_type, &column_type, 0)?;
        Ok((name, column_type, value))
    });
    variables.collect()
}
