//! sp_datatype_info: what ODBC's drivers ask of types.

use spatialcloud_tds::{Column, ColumnType, Value};

use super::Arguments;
use crate::sql::Halt;
use crate::sql::backend::Answer;
use crate::sql::catalog::types::{all, facts, is_moment, is_number, is_text};
use crate::sql::evaluate::Row;
use crate::sql::interpreter::Interpreter;

fn columns() -> Vec<Column> {
    let int = |known: &str| Column::new(known, ColumnType::Int);
    let small = |known: &str| Column::new(known, ColumnType::SmallInt);
    let text = |known: &str| Column::new(known, ColumnType::varchar(32));
    vec![
        Column::new("TYPE_NAME", ColumnType::nvarchar(128)).not_null(),
        small("DATA_TYPE").not_null(),
        int("PRECISION"),
        text("LITERAL_PREFIX"),
        text("LITERAL_SUFFIX"),
        text("CREATE_PARAMS"),
        small("NULLABLE").not_null(),
        small("CASE_SENSITIVE").not_null(),
        small("SEARCHABLE").not_null(),
        small("UNSIGNED_ATTRIBUTE"),
        small("MONEY").not_null(),
        small("AUTO_INCREMENT"),
        Column::new("LOCAL_TYPE_NAME", ColumnType::nvarchar(128)),
        small("MINIMUM_SCALE"),
        small("MAXIMUM_SCALE"),
        small("SQL_DATA_TYPE").not_null(),
        small("SQL_DATETIME_SUB"),
        int("NUM_PREC_RADIX"),
        small("INTERVAL_PRECISION"),
        small("USERTYPE").not_null(),
    ]
}

/// `sp_datatype_info number, version`: 0, or nothing, asks for all.
pub fn data_type_info(
    arguments: Arguments,
    _session: &mut Interpreter,
    answer: &mut Answer<'_>,
) -> Result<(), Halt> {
    let wanted = i64::from(arguments.integer(0, "@data_type")?.unwrap_or(0));
    let version = arguments.integer(1, "@ODBCVer")?.unwrap_or(2);
    let mut rows: Vec<Row> = all()
        .iter()
        .filter(|column_type| wanted == 0 || number(column_type, version) == wanted)
        .map(|column_type| row(column_type, version))
        .collect();
    rows.sort_by_key(|row| match row.get(1) {
        Some(Value::Integer(number)) => *number,
        _ => 0,
    });
    answer.table(columns(), &rows)?;
    answer.return_status(0);
    Ok(())
}

/// From its version 3 on ODBC has other numbers for dates and times.
fn number(column_type: &ColumnType, version: i32) -> i64 {
    match column_type {
        ColumnType::Date if version >= 3 => 91,
        ColumnType::DateTime | ColumnType::SmallDateTime | ColumnType::DateTime2 { .. } if version >= 3 => 93,
        _ => facts(column_type).odbc,
    }
}

fn row(column_type: &ColumnType, version: i32) -> Row {
    let facts = facts(column_type);
    let odbc = number(column_type, version);
    let (is_number, is_text, is_moment) =
        (is_number(column_type), is_text(column_type), is_moment(column_type));
    let is_bytes =
        matches!(column_type, ColumnType::Binary { .. } | ColumnType::VarBinary { .. } | ColumnType::Image);
    let quote =
        |condition: bool, quote: &str| if condition { Value::from(quote.to_owned()) } else { Value::Null };
    let only = |condition: bool, value: i64| if condition { Value::Integer(value) } else { Value::Null };
    let int = Value::Integer;
    let is_exact = is_number && !matches!(column_type, ColumnType::Real | ColumnType::Float);
    let parameters = match column_type {
        ColumnType::Decimal { .. } | ColumnType::Numeric { .. } => "precision,scale",
        ColumnType::Char { .. } | ColumnType::NChar { .. } | ColumnType::Binary { .. } => "length",
        ColumnType::VarChar { .. } | ColumnType::NVarChar { .. } | ColumnType::VarBinary { .. } => {
            "max length"
        }
        ColumnType::Time { .. } | ColumnType::DateTime2 { .. } | ColumnType::DateTimeOffset { .. } => "scale",
        _ => "",
    };
    let (verbose, sub) = match odbc {
        91 => (9, int(1)),
        93 => (9, int(3)),
        odbc => (odbc, Value::Null),
    };
    let most = match column_type {
        ColumnType::Text { .. } | ColumnType::Image => i64::from(i32::MAX),
        ColumnType::NText { .. } => i64::from(i32::MAX / 2),
        ColumnType::NChar { .. } | ColumnType::NVarChar { .. } => facts.max_length / 2,
        _ if facts.precision > 0 => facts.precision,
        _ => facts.max_length.max(0),
    };
    vec![
        Value::from(facts.name.clone()),
        int(odbc),
        int(most),
        if is_bytes { quote(true, "0x") } else { quote(is_text || is_moment, "'") },
        quote(is_text || is_moment, "'"),
        quote(!parameters.is_empty(), parameters),
        int(1),
        int(0),
        int(if is_text { 3 } else { 2 }),
        only(is_number, i64::from(matches!(column_type, ColumnType::TinyInt))),
        int(i64::from(matches!(column_type, ColumnType::Money | ColumnType::SmallMoney))),
        only(is_number, 0),
        Value::from(facts.name),
        only(is_exact || is_moment, if is_moment { facts.scale } else { 0 }),
        only(is_exact || is_moment, facts.scale),
        int(verbose),
        sub,
        only(is_number, if is_exact { 10 } else { 2 }),
        Value::Null,
        int(0),
    ]
}
