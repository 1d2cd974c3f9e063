//! sp_tables, sp_columns, sp_pkeys, sp_databases: what ODBC's drivers ask of the catalog.

use spatialcloud_tds::{Column, ColumnType, UdtType, Value};

use super::Arguments;
use crate::sql::Halt;
use crate::sql::backend::Answer;
use crate::sql::catalog::types::{Facts, facts, is_moment, is_number, is_text, is_unicode};
use crate::sql::evaluate::{Row, like_pattern};
use crate::sql::interpreter::Interpreter;
use crate::sql::tables::Table;

const INT: ColumnType = ColumnType::Int;
const SMALLINT: ColumnType = ColumnType::SmallInt;

fn name(known: &str) -> Column {
    Column::new(known, ColumnType::nvarchar(128))
}

fn text(text: &str) -> Value<'static> {
    Value::from(text.to_owned())
}

/// The tables of the session's database whose schema and name are like these.
fn wanted(
    session: &Interpreter,
    table: Option<&str>,
    schema: Option<&str>,
) -> Result<(String, Vec<Table>), Halt> {
    let world = session.world();
    let mut tables = world.tables(&session.database)?;
    let fits =
        |known: &str, pattern: Option<&str>| pattern.is_none_or(|pattern| like_pattern(known, pattern));
    tables.retain(|known| fits(&known.name, table) && fits(&known.schema, schema));
    tables.sort_by(|left, right| (&left.schema, &left.name).cmp(&(&right.schema, &right.name)));
    Ok((session.database.clone(), tables))
}

/// `sp_tables name, owner, qualifier, types`
pub fn tables(arguments: Arguments, session: &mut Interpreter, answer: &mut Answer<'_>) -> Result<(), Halt> {
    let (table, schema) = (arguments.text(0, "@table_name")?, arguments.text(1, "@table_owner")?);
    let types = arguments.text(3, "@table_type")?;
    let (database, tables) = wanted(session, table.as_deref(), schema.as_deref())?;
    let has_tables = types.is_none_or(|types| types.to_ascii_uppercase().contains("'TABLE'"));
    let rows: Vec<Row> = tables
        .into_iter()
        .filter(|_| has_tables)
        .map(|table| {
            vec![
                text(&database),
                Value::from(table.schema),
                Value::from(table.name),
                text("TABLE"),
                Value::Null,
            ]
        })
        .collect();
    let columns = vec![
        name("TABLE_QUALIFIER"),
        name("TABLE_OWNER"),
        name("TABLE_NAME"),
        Column::new("TABLE_TYPE", ColumnType::varchar(32)),
        Column::new("REMARKS", ColumnType::varchar(254)),
    ];
    answer.table(columns, &rows)?;
    answer.return_status(0);
    Ok(())
}

/// `sp_databases`
pub fn databases(
    _arguments: Arguments,
    session: &mut Interpreter,
    answer: &mut Answer<'_>,
) -> Result<(), Halt> {
    let columns = vec![
        name("DATABASE_NAME"),
        Column::new("DATABASE_SIZE", INT),
        Column::new("REMARKS", ColumnType::varchar(254)),
    ];
    let rows: Vec<Row> = session
        .world()
        .databases()
        .into_iter()
        .map(|database| vec![Value::from(database), Value::Null, Value::Null])
        .collect();
    answer.table(columns, &rows)?;
    answer.return_status(0);
    Ok(())
}

/// `sp_pkeys name, owner, qualifier`
pub fn primary_keys(
    arguments: Arguments,
    session: &mut Interpreter,
    answer: &mut Answer<'_>,
) -> Result<(), Halt> {
    let (table, schema) = (arguments.text(0, "@table_name")?, arguments.text(1, "@table_owner")?);
    let (database, tables) = wanted(session, None, None)?;
    let same = |known: &str, wanted: &Option<String>| {
        wanted.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(known))
    };
    let mut rows: Vec<Row> = Vec::new();
    for found in tables.iter().filter(|found| same(&found.name, &table) && same(&found.schema, &schema)) {
        let Some(primary_key) = found.primary_key() else { continue };
        for (place, (key, _)) in (1..).zip(&primary_key.keys) {
            rows.push(vec![
                text(&database),
                text(&found.schema),
                text(&found.name),
                text(key),
                Value::Integer(place),
                text(&primary_key.name),
            ]);
        }
    }
    let columns = vec![
        name("TABLE_QUALIFIER"),
        name("TABLE_OWNER"),
        name("TABLE_NAME").not_null(),
        name("COLUMN_NAME").not_null(),
        Column::new("KEY_SEQ", SMALLINT).not_null(),
        name("PK_NAME"),
    ];
    answer.table(columns, &rows)?;
    answer.return_status(0);
    Ok(())
}

/// The result of sp_columns_100: clients read it by the places of the columns.
fn column_columns() -> Vec<Column> {
    let int = |known: &str| Column::new(known, INT);
    let small = |known: &str| Column::new(known, SMALLINT);
    vec![
        name("TABLE_QUALIFIER"),
        name("TABLE_OWNER"),
        name("TABLE_NAME").not_null(),
        name("COLUMN_NAME").not_null(),
        small("DATA_TYPE").not_null(),
        name("TYPE_NAME").not_null(),
        int("PRECISION"),
        int("LENGTH"),
        small("SCALE"),
        small("RADIX"),
        small("NULLABLE").not_null(),
        Column::new("REMARKS", ColumnType::varchar(254)),
        Column::new("COLUMN_DEF", ColumnType::nvarchar(4000)),
        small("SQL_DATA_TYPE").not_null(),
        small("SQL_DATETIME_SUB"),
        int("CHAR_OCTET_LENGTH"),
        int("ORDINAL_POSITION").not_null(),
        Column::new("IS_NULLABLE", ColumnType::varchar(254)),
        small("SS_IS_SPARSE"),
        small("SS_IS_COLUMN_SET"),
        small("SS_IS_COMPUTED"),
        small("SS_IS_IDENTITY"),
        name("SS_UDT_CATALOG_NAME"),
        name("SS_UDT_SCHEMA_NAME"),
        Column::new("SS_UDT_ASSEMBLY_TYPE_NAME", ColumnType::nvarchar(4000)),
        name("SS_XML_SCHEMACOLLECTION_CATALOG_NAME"),
        name("SS_XML_SCHEMACOLLECTION_SCHEMA_NAME"),
        name("SS_XML_SCHEMACOLLECTION_NAME"),
        Column::new("SS_DATA_TYPE", ColumnType::TinyInt).not_null(),
    ]
}

/// `sp_columns_100 name, owner, qualifier, column, …`
pub fn columns(arguments: Arguments, session: &mut Interpreter, answer: &mut Answer<'_>) -> Result<(), Halt> {
    let (table, schema) = (arguments.text(0, "@table_name")?, arguments.text(1, "@table_owner")?);
    let column = arguments.text(3, "@column_name")?;
    let (database, tables) = wanted(session, table.as_deref(), schema.as_deref())?;
    let mut rows = Vec::new();
    for table in &tables {
        for (place, known) in (1..).zip(&table.columns) {
            if column.as_ref().is_none_or(|pattern| like_pattern(&known.name, pattern)) {
                rows.push(column_row(&database, table, known, place));
            }
        }
    }
    answer.table(column_columns(), &rows)?;
    answer.return_status(0);
    Ok(())
}

fn column_row(database: &str, table: &Table, column: &Column, place: i64) -> Row {
    let column_type = &column.column_type;
    let Facts { name: type_name, max_length, precision, scale, odbc, system_type, .. } = facts(column_type);
    let has_scale = is_number(column_type) || is_moment(column_type);
    let is_approximate = matches!(column_type, ColumnType::Real | ColumnType::Float);
    let int = Value::Integer;
    let only = |condition: bool, value: i64| if condition { Value::Integer(value) } else { Value::Null };
    let units = if is_unicode(column_type) && max_length > 0 { max_length / 2 } else { max_length };
    // Unlimited types have the length 0 for ODBC.
    let most = |length: i64| if length < 0 { 0 } else { length };
    // Types that are dates and times are one type for ODBC, with a number for which.
    let (verbose, sub) = match column_type {
        ColumnType::DateTime | ColumnType::SmallDateTime => (9, Value::Integer(3)),
        _ => (odbc, Value::Null),
    };
    let (catalog, schema, assembly) = match column_type {
        ColumnType::Udt(UdtType { schema, assembly, .. }) => (text(database), text(schema), text(assembly)),
        _ => (Value::Null, Value::Null, Value::Null),
    };
    vec![
        text(database),
        text(&table.schema),
        text(&table.name),
        text(&column.name),
        int(odbc),
        text(&if column.is_identity { format!("{type_name} identity") } else { type_name }),
        int(if precision > 0 { precision } else { most(units) }),
        int(most(max_length)),
        only(has_scale && !is_approximate, scale),
        only(is_number(column_type), if is_approximate { 2 } else { 10 }),
        int(column.is_nullable.into()),
        Value::Null,
        Value::Null,
        int(verbose),
        sub,
        only(is_text(column_type) || !has_scale && max_length != 1, most(max_length)),
        int(place),
        text(if column.is_nullable { "YES" } else { "NO" }),
        int(0),
        int(0),
        int(column.is_computed.into()),
        int(column.is_identity.into()),
        catalog,
        schema,
        assembly,
        Value::Null,
        Value::Null,
        Value::Null,
        int(old_type_number(column_type, system_type)),
    ]
}

/// The number of a type in the libraries of old; that of a column that can have NULL.
fn old_type_number(column_type: &ColumnType, system_type: i64) -> i64 {
    use ColumnType::*;
    match column_type {
        TinyInt | SmallInt | Int => 38,
        BigInt => 108,
        Bit => 50,
        Real | Float => 109,
        Money | SmallMoney => 110,
        DateTime | SmallDateTime => 111,
        Decimal { .. } => 106,
        Numeric { .. } => 108,
        Char { .. } | VarChar { .. } | NChar { .. } | NVarChar { .. } => 39,
        Binary { .. } | VarBinary { .. } => 37,
        UniqueIdentifier => 37,
        Udt(_) => 23,
        _ => system_type.min(255),
    }
}
