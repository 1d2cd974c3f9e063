#![allow(clippy::unwrap_used)]
use std::borrow::Cow;

use proptest::prelude::*;
use spatialcloud_backup::{Date, Decimal, Guid, Time, Value, Variant};

use super::*;

fn column(declaration: &str, sql_type: &str, precision: u8, scale: u8) -> ColumnRecord {
    ColumnRecord {
        name: declaration.to_owned(),
        sql_type: sql_type.to_owned(),
        declaration: declaration.to_owned(),
        max_length_bytes: -1,
        precision,
        scale,
        is_nullable: true,
        is_identity: false,
        is_computed: false,
    }
}

/// A column and values of it, among them the outermost.
fn cases() -> Vec<(ColumnRecord, Vec<Value<'static>>)> {
    let date = |days| Date::from_days(days).unwrap();
    let time = |ticks, scale| Time::from_ticks(ticks, scale).unwrap();
    let (first, last) = (date(0), date(Date::LAST));
    let end = |scale: u8| {
        let step = 10_u64.pow(7 - u32::from(scale));
        time(Time::TICKS_PER_DAY - step, scale)
    };
    let decimal = |is_negative, magnitude, scale| Value::Decimal(Decimal { is_negative, magnitude, scale });
    let most = 10_u128.pow(38) - 1;
    let text = |text: &'static str| Value::Text(Cow::Borrowed(text));
    let bytes = |bytes: &'static [u8]| Value::Binary(Cow::Borrowed(bytes));
    vec![
        (column("bit", "bit", 1, 0), vec![Value::Bit(true), Value::Bit(false)]),
        (column("tinyint", "tinyint", 3, 0), vec![Value::Integer(0), Value::Integer(255)]),
        (column("smallint", "smallint", 5, 0), vec![Value::Integer(-32_768), Value::Integer(32_767)]),
        (column("int", "int", 10, 0), vec![Value::Integer(i32::MIN.into()), Value::Integer(i32::MAX.into())]),
        (column("bigint", "bigint", 19, 0), vec![Value::Integer(i64::MIN), Value::Integer(i64::MAX)]),
        (column("decimal(38,0)", "decimal", 38, 0), vec![decimal(false, most, 0), decimal(true, most, 0)]),
        (column("numeric(38,38)", "numeric", 38, 38), vec![decimal(true, 1, 38), decimal(false, 0, 38)]),
        (
            column("money", "money", 19, 4),
            vec![
                Value::Decimal(Decimal::from_units(i64::MIN, 4)),
                Value::Decimal(Decimal::from_units(i64::MAX, 4)),
            ],
        ),
        (column("smallmoney", "smallmoney", 10, 4), vec![decimal(true, 2_147_483_648, 4)]),
        (column("real", "real", 24, 0), vec![Value::Real(f32::MIN_POSITIVE), Value::Real(-0.0)]),
        (column("float", "float", 53, 0), vec![Value::Float(f64::MAX), Value::Float(1e-308)]),
        (column("date", "date", 10, 0), vec![Value::Date(first), Value::Date(last)]),
        (column("time(7)", "time", 16, 7), vec![Value::Time(time(1, 7)), Value::Time(end(7))]),
        (column("datetime", "datetime", 23, 3), vec![Value::DateTime(date(639_905), end(3))]),
        (column("smalldatetime", "smalldatetime", 16, 0), vec![Value::DateTime(last, time(0, 3))]),
        (
            column("datetime2(7)", "datetime2", 27, 7),
            vec![Value::DateTime2(first, time(0, 7)), Value::DateTime2(last, end(7))],
        ),
        (column("datetime2(0)", "datetime2", 19, 0), vec![Value::DateTime2(last, end(0))]),
        (
            column("datetimeoffset(3)", "datetimeoffset", 30, 3),
            vec![Value::DateTimeOffset(first, time(0, 3), -840), Value::DateTimeOffset(last, end(3), 840)],
        ),
        (column("uniqueidentifier", "uniqueidentifier", 0, 0), vec![Value::Guid(Guid(*b"0123456789abcdef"))]),
        (column("varchar(max)", "varchar", 0, 0), vec![text(""), text("Te Anau ā 漢字 \u{1F5FA}")]),
        (column("nchar(5)", "nchar", 0, 0), vec![text("a    "), text("\0")]),
        (column("xml", "xml", 0, 0), vec![text("<a b=\"1\"/>")]),
        (column("varbinary(max)", "varbinary", 0, 0), vec![bytes(b""), bytes(b"\0\xff")]),
        (column("geometry", "geometry", 0, 0), vec![bytes(b"\xe6\x10\0\0\x01\x0c")]),
        (
            column("sql_variant", "sql_variant", 0, 0),
            vec![Value::Variant(Box::new(Variant { base_type: SqlType::Int, value: text("7") }))],
        ),
    ]
}

fn written(columns: &[ColumnRecord], rows: &[Vec<Value<'static>>]) -> (tempfile::TempDir, TableReader) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.arrow");
    let mut writer = TableWriter::create(&path, columns).unwrap();
    for row in rows {
        writer.push(row).unwrap();
    }
    let (count, size_bytes) = writer.finish().unwrap();
    assert_eq!(count, rows.len() as u64);
    assert_eq!(size_bytes, std::fs::metadata(&path).unwrap().len());
    let reader = TableReader::open(&path, columns).unwrap();
    (folder, reader)
}

fn read(reader: &mut TableReader) -> Vec<Vec<Value<'static>>> {
    let mut rows = Vec::new();
    while let Some(row) = reader.next_row().unwrap() {
        rows.push(row.into_iter().map(Value::into_owned).collect());
    }
    rows
}

#[test]
fn every_type_comes_back_as_it_went_in() {
    let cases = cases();
    let columns: Vec<_> = cases.iter().map(|(column, _)| column.clone()).collect();
    let most = cases.iter().map(|(_, values)| values.len()).max().unwrap();
    // One row more than any column has values: NULL everywhere.
    let rows: Vec<Vec<Value<'_>>> = (0..=most)
        .map(|row| cases.iter().map(|(_, values)| values.get(row).cloned().unwrap_or(Value::Null)).collect())
        .collect();
    let (_folder, mut reader) = written(&columns, &rows);
    assert_eq!(read(&mut reader), rows);
}

#[test]
fn values_of_another_type_are_refused() {
    for (column, values) in cases() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer =
            TableWriter::create(&folder.path().join("t"), std::slice::from_ref(&column)).unwrap();
        let foreign = match values[0] {
            Value::Float(_) => Value::Bit(true),
            _ => Value::Float(0.5),
        };
        assert!(writer.push(&[foreign]).is_err(), "{}", column.name);
    }
    let folder = tempfile::tempdir().unwrap();
    let tiny = column("tinyint", "tinyint", 3, 0);
    let mut writer = TableWriter::create(&folder.path().join("t"), &[tiny]).unwrap();
    assert!(writer.push(&[Value::Integer(256)]).is_err());
}

#[test]
fn rows_are_found_by_number_across_batches() {
    let columns = [column("int", "int", 10, 0)];
    let rows: Vec<_> = (0..40_000).map(|number| vec![Value::Integer(number)]).collect();
    for start in [0_u64, 1, 16_383, 16_384, 39_999, 40_000, 50_000] {
        let (_folder, mut reader) = written(&columns, &rows);
        reader.skip(start).unwrap();
        let expected = rows.get(start as usize).cloned();
        let got = reader.next_row().unwrap();
        assert_eq!(got, expected, "row {start}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn texts_of_any_size_and_number_come_back(
        texts in prop::collection::vec(prop::option::of("\\PC{0,40}"), 0..200), times in 1_usize..2000
    ) {
        let columns = [column("nvarchar(max)", "nvarchar", 0, 0)];
        let value = |text: &Option<String>| {
            text.as_ref().map_or(Value::Null, |text| Value::Text(Cow::Owned(text.repeat(times))))
        };
        let rows: Vec<Vec<Value<'static>>> = texts.iter().map(|text| vec![value(text)]).collect();
        let (_folder, mut reader) = written(&columns, &rows);
        prop_assert!(read(&mut reader) == rows);
    }
}
