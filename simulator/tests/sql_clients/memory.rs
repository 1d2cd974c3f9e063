//! Tables to read: one of every type, one that needs many packets, and those of a synthetic backup.

use std::path::Path;
use std::sync::Arc;

use spatialcloud_backup::writer::{LEAST_SIZE_BYTES, Spec, write};
use spatialcloud_simulator::sql::{BackupTables, Rows, Table, TableIndex, Tables};
use spatialcloud_tds::{Collation, Column, ColumnType, Date, Decimal, Guid, Length, Time, Value, Variant};

/// Name of the database with the tables made here.
pub const TYPES: &str = "types";
/// Name of the one that is a backup.
pub const CITY: &str = "CITY";
/// Rows of `dbo.many`.
pub const MANY: i64 = 20_000;

/// The tables that clients read.
pub struct Memory {
    city: BackupTables,
}

impl Memory {
    /// Writes the backup into a folder.
    pub fn new(folder: &Path) -> Result<Arc<Memory>, String> {
        let path = folder.join("city.bak");
        let mut file = std::fs::File::create(&path).map_err(|error| error.to_string())?;
        let spec = Spec { seed: 7, size_bytes: LEAST_SIZE_BYTES, damage: None };
        write(&spec, &mut file).map_err(|error| error.to_string())?;
        Ok(Arc::new(Memory { city: BackupTables::new([(CITY.to_owned(), path)]) }))
    }
}

fn table(name: &str, columns: Vec<Column>, primary_key: &[&str]) -> Table {
    let key = (!primary_key.is_empty()).then(|| TableIndex::primary_key(name, primary_key));
    Table { schema: "dbo".to_owned(), name: name.to_owned(), columns, indexes: key.into_iter().collect() }
}

/// A column of each type, and its value.
fn every_type() -> Vec<(&'static str, ColumnType, Value<'static>)> {
    use ColumnType as T;
    let collation = Collation::LATIN1;
    let date = Date::from_parts(2026, 3, 2).expect("a day");
    let time = |scale| Time::from_ticks(576_015_000_000, scale).expect("a time");
    let minute = Time::from_ticks(576_000_000_000, 0).expect("a time");
    let decimal = |units, scale| Value::Decimal(Decimal::from_units(units, scale));
    let text = |text: &str| Value::from(text.to_owned());
    let variant = Variant { base_type: T::Int, value: Value::Integer(7) };
    vec![
        ("a_bit", T::Bit, Value::Bit(true)),
        ("a_tinyint", T::TinyInt, Value::Integer(200)),
        ("a_smallint", T::SmallInt, Value::Integer(-300)),
        ("an_int", T::Int, Value::Integer(70_000)),
        ("a_bigint", T::BigInt, Value::Integer(-5_000_000_000)),
        ("a_real", T::Real, Value::Real(1.5)),
        ("a_float", T::Float, Value::Float(-2.25)),
        ("a_money", T::Money, decimal(123_450, 4)),
        ("a_smallmoney", T::SmallMoney, decimal(-10_000, 4)),
        ("a_decimal", T::Decimal { precision: 20, scale: 3 }, decimal(12_345, 3)),
        ("a_numeric", T::Numeric { precision: 5, scale: 0 }, decimal(-7, 0)),
        ("a_date", T::Date, Value::Date(date)),
        ("a_time", T::Time { scale: 3 }, Value::Time(time(3))),
        ("a_datetime", T::DateTime, Value::DateTime(date, time(3))),
        ("a_smalldatetime", T::SmallDateTime, Value::DateTime(date, minute)),
        ("a_datetime2", T::DateTime2 { scale: 6 }, Value::DateTime(date, time(6))),
        ("a_datetimeoffset", T::DateTimeOffset { scale: 0 }, Value::DateTimeOffset(date, minute, 600)),
        ("a_guid", T::UniqueIdentifier, Value::Guid(Guid([1; 16]))),
        ("a_char", T::Char { length: 4, collation }, text("ab")),
        ("a_varchar", T::VarChar { length: Length::Of(20), collation }, text("café")),
        ("a_nchar", T::NChar { length: 3, collation }, text("Ж")),
        ("an_nvarchar", T::nvarchar(20), text("Zoë 語")),
        ("a_varchar_max", T::VarChar { length: Length::Max, collation }, Value::from("v".repeat(9000))),
        ("an_nvarchar_max", T::NVarChar { length: Length::Max, collation }, Value::from("語".repeat(5000))),
        ("a_text", T::Text { collation }, text("old é")),
        ("an_ntext", T::NText { collation }, text("old 語")),
        ("a_binary", T::Binary { length: 3 }, Value::Binary(vec![1, 2].into())),
        ("a_varbinary", T::VarBinary { length: Length::Of(9) }, Value::Binary(vec![1, 0, 255].into())),
        ("a_varbinary_max", T::VarBinary { length: Length::Max }, Value::Binary(vec![7; 9000].into())),
        ("an_image", T::Image, Value::Binary(vec![9, 8].into())),
        ("an_xml", T::Xml, text("<a>é</a>")),
        ("a_variant", T::SqlVariant, Value::Variant(Box::new(variant))),
    ]
}

/// A table whose first column is a number; its second row has nothing but that.
fn types_table() -> (Table, Vec<Vec<Value<'static>>>) {
    let mut columns = vec![Column::new("id", ColumnType::Int).not_null()];
    let (mut first, mut second) = (vec![Value::Integer(1)], vec![Value::Integer(2)]);
    for (name, column_type, value) in every_type() {
        columns.push(Column::new(name, column_type));
        first.push(value);
        second.push(Value::Null);
    }
    (table("types", columns, &["id"]), vec![first, second])
}

fn many_table() -> Table {
    let columns =
        vec![Column::new("n", ColumnType::Int).not_null(), Column::new("name", ColumnType::nvarchar(40))];
    table("many", columns, &[])
}

impl Tables for Memory {
    fn databases(&self) -> Vec<String> {
        vec![TYPES.to_owned(), CITY.to_owned()]
    }

    fn tables(&self, database: &str) -> Result<Vec<Table>, String> {
        match database {
            TYPES => Ok(vec![types_table().0, many_table()]),
            database => self.city.tables(database),
        }
    }

    fn rows(&self, database: &str, table: &Table) -> Result<Rows, String> {
        match (database, table.name.as_str()) {
            (TYPES, "types") => Ok(Box::new(types_table().1.into_iter().map(Ok))),
            (TYPES, _) => Ok(Box::new(
                (1..=MANY).map(|n| Ok(vec![Value::Integer(n), Value::from(format!("row {n} of many"))])),
            )),
            (database, _) => self.city.rows(database, table),
        }
    }
}
