//! Procedures and their parameters (\[MS-TDS\] 2.2.6.6).

use std::fmt;

use crate::error::ProtocolError;
use crate::input::Input;
use crate::types::{ColumnType, TypeInfo, Value, read_value};

/// A procedure as a request names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Procedure {
    /// By its name, as the client writes it.
    Name(String),
    /// One of the system's, by its number.
    Id(u16),
}

/// The procedures that have numbers, from 1.
const NUMBERED: [&str; 15] = [
    "sp_cursor",
    "sp_cursoropen",
    "sp_cursorprepare",
    "sp_cursorexecute",
    "sp_cursorprepexec",
    "sp_cursorunprepare",
    "sp_cursorfetch",
    "sp_cursoroption",
    "sp_cursorclose",
    "sp_executesql",
    "sp_prepare",
    "sp_execute",
    "sp_prepexec",
    "sp_prepexecrpc",
    "sp_unprepare",
];

impl Procedure {
    /// Its name, whichever way it was named.
    pub fn name(&self) -> &str {
        match self {
            Procedure::Name(name) => name,
            Procedure::Id(id) => NUMBERED
                .get(usize::from(*id).wrapping_sub(1))
                .copied()
                .unwrap_or("a procedure without a name"),
        }
    }
}

impl fmt::Display for Procedure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// One procedure with its parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Which one.
    pub procedure: Procedure,
    /// Whether it is to be compiled anew.
    pub recompile: bool,
    /// Whether the client knows the columns and wants no description of them.
    pub without_metadata: bool,
    /// Whether it is to be done at all: a client can take a call back that it has sent.
    pub is_executed: bool,
    /// Its parameters, in order.
    pub parameters: Vec<Parameter>,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name, with `@`; empty where the order tells.
    pub name: String,
    /// Whether its value is to be given back.
    pub by_reference: bool,
    /// Whether the procedure's own default is to be taken; the value is NULL then.
    pub is_default: bool,
    /// Its type.
    pub column_type: ColumnType,
    /// Its value.
    pub value: Value<'static>,
}

/// More parameters than this SQL Server does not take either.
const MOST_PARAMETERS: usize = 2100;
/// Calls in one request; clients send a handful.
const MOST_CALLS: usize = 1000;

/// The name's length says that a number follows.
const BY_NUMBER: u16 = 0xFFFF;
/// Between two calls; a parameter begins with its name's length, at most 128. Before TDS 7.2 it was 0x80.
const NEXT_CALL: u8 = 0xFF;
/// The same, where the call before is not to be executed.
const NEXT_CALL_WITHOUT_EXECUTION: u8 = 0xFE;
/// The largest length of a name.
const MOST_NAME_UNITS: u8 = 128;

pub(crate) fn parse(input: &mut Input<'_>) -> Result<Vec<Call>, ProtocolError> {
    let mut calls = Vec::new();
    loop {
        if calls.len() == MOST_CALLS {
            return Err(ProtocolError::TooMuch {
                what: "procedures in a request",
                limit: MOST_CALLS,
                got: MOST_CALLS + 1,
            });
        }
        let mut call = call(input)?;
        // Behind the last one there may be a flag too.
        if !input.is_empty() {
            call.is_executed = input.u8("flag behind a procedure")? != NEXT_CALL_WITHOUT_EXECUTION;
        }
        calls.push(call);
        if input.is_empty() {
            return Ok(calls);
        }
    }
}

fn call(input: &mut Input<'_>) -> Result<Call, ProtocolError> {
    let procedure = match input.u16("name of a procedure")? {
        BY_NUMBER => {
            let id = input.u16("number of a procedure")?;
            if !(1..=NUMBERED.len()).contains(&usize::from(id)) {
                return Err(input.wrong("number of a procedure", "1 to 15", id, 2));
            }
            Procedure::Id(id)
        }
        units => {
            let name = input.take(usize::from(units) * 2, "name of a procedure")?;
            Procedure::Name(crate::input::utf16(name))
        }
    };
    let options = input.u16("options of a procedure")?;
    let mut parameters = Vec::new();
    while input.rest().first().is_some_and(|byte| *byte <= MOST_NAME_UNITS) {
        if parameters.len() == MOST_PARAMETERS {
            return Err(ProtocolError::TooMuch {
                what: "parameters of a procedure",
                limit: MOST_PARAMETERS,
                got: MOST_PARAMETERS + 1,
            });
        }
        parameters.push(parameter(input)?);
    }
    match input.rest().first() {
        None | Some(&(NEXT_CALL | NEXT_CALL_WITHOUT_EXECUTION)) => {}
        Some(other) => {
            return Err(input.wrong("a parameter", "a name of at most 128 characters", other, 0));
        }
    }
    Ok(Call {
        procedure,
        recompile: options & 1 != 0,
        without_metadata: options & 2 != 0,
        is_executed: true,
        parameters,
    })
}

fn parameter(input: &mut Input<'_>) -> Result<Parameter, ProtocolError> {
    const BY_REFERENCE: u8 = 1;
    const DEFAULT: u8 = 2;
    const ENCRYPTED: u8 = 8;
    let name = input.b_varchar("name of a parameter")?;
    let status = input.u8("status of a parameter")?;
    if status & ENCRYPTED != 0 {
        return Err(ProtocolError::Unsupported {
            what: "an encrypted parameter",
            remedy: "switch Always Encrypted off in the client",
        });
    }
    let info = TypeInfo::read(input)?;
    let value = read_value(input, &info)?;
    Ok(Parameter {
        name,
        by_reference: status & BY_REFERENCE != 0,
        is_default: status & DEFAULT != 0,
        column_type: info.column_type,
        value,
    })
}
