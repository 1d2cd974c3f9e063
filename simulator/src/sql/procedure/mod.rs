//! Procedures of the system: one file for a kind, one line each in [`PROCEDURES`].

mod catalog;
mod data_types;
mod prepared;
mod rename;

use spatialcloud_tds::{ColumnType, Value};

use super::Halt;
use super::backend::Answer;
use super::error::{no_procedure, unsupported};
use super::evaluate::convert;
use super::interpreter::Interpreter;

/// An argument of a call.
#[derive(Clone, Debug)]
pub struct Argument {
    /// Its name with `@`; empty where its place tells.
    pub name: String,
    pub column_type: ColumnType,
    pub value: Value<'static>,
}

/// The arguments of a call.
pub struct Arguments(Vec<Argument>);

type Run = fn(Arguments, &mut Interpreter, &mut Answer<'_>) -> Result<(), Halt>;

static PROCEDURES: &[(&str, Run)] = &[
    ("sp_executesql", prepared::execute_sql),
    ("sp_prepare", prepared::prepare),
    ("sp_prepexec", prepared::prepare_and_execute),
    ("sp_execute", prepared::execute),
    ("sp_unprepare", prepared::unprepare),
    ("sp_tables", catalog::tables),
    ("sp_columns", catalog::columns),
    ("sp_columns_100", catalog::columns),
    ("sp_columns_90", catalog::columns),
    ("sp_pkeys", catalog::primary_keys),
    ("sp_databases", catalog::databases),
    ("sp_rename", rename::rename),
    ("sp_datatype_info", data_types::data_type_info),
    ("sp_datatype_info_90", data_types::data_type_info),
    ("sp_datatype_info_100", data_types::data_type_info),
];

/// Runs a procedure, and ends it as procedures end.
pub fn run(
    name: &str,
    arguments: Vec<Argument>,
    session: &mut Interpreter,
    answer: &mut Answer<'_>,
) -> Result<(), Halt> {
    let plain = name.rsplit('.').next().unwrap_or(name).trim_matches(['[', ']']);
    let found = PROCEDURES.iter().find(|(known, _)| known.eq_ignore_ascii_case(plain));
    let Some((_, run)) = found else {
        let is_cursor = plain.to_ascii_lowercase().starts_with("sp_cursor");
        return Err(if is_cursor {
            unsupported("cursors of the server; read all rows")
        } else {
            no_procedure(plain)
        });
    };
    answer.begin_procedure();
    match run(Arguments(arguments), session, answer) {
        Ok(()) => {
            answer.end_procedure(false);
            Ok(())
        }
        Err(Halt::Failed(message)) => {
            answer.message(&message);
            answer.return_status(-6);
            answer.end_procedure(true);
            Ok(())
        }
        Err(halt) => Err(halt),
    }
}

impl Arguments {
    /// The argument of that name, or at that place where it has no name.
    fn find(&self, place: usize, name: &str) -> Option<&Argument> {
        // Some clients leave the @ out.
        let plain = |name: &str| name.trim_start_matches('@').to_ascii_lowercase();
        let named = self.0.iter().find(|argument| plain(&argument.name) == plain(name));
        named.or_else(|| self.0.get(place).filter(|argument| argument.name.is_empty()))
    }

    /// As a text; `None` for NULL and where it is missing.
    fn text(&self, place: usize, name: &str) -> Result<Option<String>, Halt> {
        let Some(argument) = self.find(place, name) else { return Ok(None) };
        let text = ColumnType::NVarChar {
            length: spatialcloud_tds::Length::Max,
            collation: spatialcloud_tds::Collation::LATIN1,
        };
        let value = convert(argument.value.clone(), &argument.column_type, &text, 0)?;
        Ok((!value.is_null()).then(|| value.to_string()))
    }

    /// As a number; `None` for NULL and where it is missing.
    fn integer(&self, place: usize, name: &str) -> Result<Option<i32>, Halt> {
        let Some(argument) = self.find(place, name) else { return Ok(None) };
        match convert(argument.value.clone(), &argument.column_type, &ColumnType::Int, 0)? {
            Value::Integer(number) => Ok(i32::try_from(number).ok()),
            _ => Ok(None),
        }
    }
}
