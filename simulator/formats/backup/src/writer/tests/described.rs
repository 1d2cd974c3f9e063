//! Described tables come back as they were put in: any schema, any values, plain and compressed.

use std::io::Cursor;

use proptest::prelude::*;

use super::super::column_type::ColumnType;
use super::super::tables::Table as Written;
use super::super::{
    ColumnSpec, Description, IndexSpec, Part, Random, Rows, TableSpec, parse_value, random_rows, type_names,
};
use super::described;
use super::tables::check_columns;
use crate::{Backup, Database, Depth, IndexType, Value, read};

/// A table with columns of these types, called by their places; `?` behind a type: it may be NULL.
pub fn spec(name: &str, types: &[&str], key: &[usize]) -> TableSpec {
    let column = |(place, declared): (usize, &&str)| ColumnSpec {
        name: format!("c{place}"),
        column_type: ColumnType::parse(declared.trim_end_matches('?')).expect(declared),
        is_nullable: declared.ends_with('?'),
    };
    TableSpec {
        schema: "dbo".to_owned(),
        name: name.to_owned(),
        columns: types.iter().enumerate().map(column).collect(),
        primary_key: key.to_vec(),
        indexes: Vec::new(),
        rows: Rows::Given(Vec::new()),
    }
}

/// Reads everything back and compares.
fn check(description: &Description) -> Result<(), TestCaseError> {
    let bytes = described(description);
    let family = read(Cursor::new(&bytes), Depth::Everything).expect("memory does not fail");
    prop_assert_eq!(&family.problems, &[]);
    let database = Database::open(Backup::file(Cursor::new(&bytes[..])))
        .map_err(|error| TestCaseError::fail(error.to_string()))?;
    let specs = description.tables.as_deref().unwrap_or_default();
    prop_assert_eq!(database.tables().len(), specs.len());
    for spec in specs {
        let written = Written::new(spec);
        let table = database.table(&spec.schema, &spec.name).expect("the table");
        check_columns(table, &written);
        let mut expected: Vec<Vec<Value<'static>>> =
            (0..written.row_count().unwrap_or(0)).map(|index| written.row(description.seed, index)).collect();
        let mut found = Vec::new();
        for row in database.rows(table).map_err(|error| TestCaseError::fail(error.to_string()))? {
            found.push(row.map_err(|error| TestCaseError::fail(format!("{}: {error}", spec.name)))?);
        }
        // A heap has no order.
        if !written.is_clustered() {
            for rows in [&mut expected, &mut found] {
                rows.sort_by_key(|row| format!("{row:?}"));
            }
        }
        prop_assert_eq!(found.len() as u64, table.row_count);
        for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
            prop_assert_eq!(found, expected, "{} row {}", spec.name, index);
        }
        prop_assert_eq!(found.len(), expected.len());
    }
    Ok(())
}

/// A type as it is declared, of every kind.
fn declared() -> impl Strategy<Value = String> {
    let names: Vec<&'static str> = type_names().collect();
    (
        proptest::sample::select(names),
        1_u8..=38,
        0_u8..=38,
        1_u16..=60,
        0_u8..=7,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(name, precision, scale, length, fraction, is_max, is_nullable)| {
            let detail = match name {
                "decimal" | "numeric" => format!("({precision},{})", scale.min(precision)),
                "char" | "nchar" | "binary" => format!("({length})"),
                "varchar" | "nvarchar" | "varbinary" if is_max => "(max)".to_owned(),
                "varchar" | "nvarchar" | "varbinary" => format!("({})", length * 60),
                "time" | "datetime2" | "datetimeoffset" => format!("({fraction})"),
                _ => String::new(),
            };
            format!("{name}{detail}{}", if is_nullable { "?" } else { "" })
        })
}

/// Columns that can be a key, as far as their lengths go, and rows enough for them to tell apart.
fn table(place: usize) -> impl Strategy<Value = TableSpec> {
    (proptest::collection::vec(declared(), 1..14), any::<u64>(), 0_u64..200, 0_usize..3, any::<bool>())
        .prop_map(move |(types, choice, rows, key_columns, is_given)| {
            let types: Vec<&str> = types.iter().map(String::as_str).collect();
            let mut table = spec(&format!("table {place}"), &types, &[]);
            let mut random = Random::new(choice);
            let mut bytes = 0;
            for column in 0..table.columns.len() {
                let candidate = &mut table.columns[column];
                let length = usize::try_from(candidate.column_type.length_bytes).unwrap_or(usize::MAX);
                if table.primary_key.len() < key_columns
                    && candidate.column_type.no_key().is_none()
                    && length < 400
                    && bytes + length <= 900
                {
                    candidate.is_nullable = false;
                    bytes += length;
                    table
                        .primary_key
                        .insert(random.below(table.primary_key.len() as u32 + 1) as usize, column);
                }
            }
            let first = table.primary_key.first();
            let most =
                first.map_or(rows, |key| random_rows::most_keys(table.columns[*key].column_type).min(rows));
            table.rows = Rows::Random(most);
            if is_given {
                let random = Written::new(&table);
                let mut rows: Vec<Vec<Value<'static>>> =
                    (0..most).map(|index| random.row(choice, index)).collect();
                rows.reverse();
                table.rows = Rows::Given(rows);
            }
            table
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// The seed of a failure is printed with the description.
    #[test]
    fn what_is_put_in_is_read(
        seed in any::<u64>(),
        first in table(1),
        second in table(2),
        is_compressed in any::<bool>(),
    ) {
        let tables = Some(vec![first, second]);
        check(&Description { seed, tables, is_compressed, ..Description::default() })?;
    }
}

#[test]
fn every_type_comes_back() {
    let types: Vec<String> = type_names().map(|name| format!("{name}?")).collect();
    let types: Vec<&str> = ["int"].into_iter().chain(types.iter().map(String::as_str)).collect();
    for key in [&[][..], &[0]] {
        let tables = Some(vec![TableSpec { rows: Rows::Random(100), ..spec("all", &types, key) }]);
        for is_compressed in [false, true] {
            check(&Description { seed: 11, tables: tables.clone(), is_compressed, ..Description::default() })
                .expect("the same rows");
        }
    }
}

#[test]
fn large_values_and_long_rows_come_back() {
    let text = |length: usize| Value::Text("Müller ".repeat(length / 7 + 1).chars().take(length).collect());
    let bytes = |length: usize| Value::Binary(vec![0xA5; length].into());
    let mut large = spec("large", &["int", "nvarchar(max)?", "varbinary(max)?", "text?", "image?"], &[0]);
    let lengths = [0, 1, 64, 65, 4000, 4001, 8000, 8001, 8040, 8041, 40_200, 40_201, 100_000, 1_000_000];
    let row = |(index, length): (usize, &usize)| {
        vec![Value::Integer(index as i64), text(*length), bytes(*length), text(*length), bytes(*length)]
    };
    large.rows = Rows::Given(lengths.iter().enumerate().map(row).collect());
    let mut long = spec("long", &["varchar(8000)", "nvarchar(4000)?", "varchar(8000)?", "geometry?"], &[]);
    let polygon =
        parse_value(ColumnType::parse("geometry").expect("a type"), "POLYGON ((0 0, 1 0, 1 1, 0 0))");
    let polygon = polygon.expect("a polygon");
    long.rows = Rows::Given(
        [(10, 10), (4000, 4000), (8000, 1000), (8000, 4000), (0, 0)]
            .into_iter()
            .map(|(one, other)| vec![text(one), text(other), text(one), polygon.clone()])
            .collect(),
    );
    for is_compressed in [false, true] {
        let tables = Some(vec![large.clone(), long.clone()]);
        check(&Description { tables, is_compressed, ..Description::default() }).expect("the same rows");
    }
}

/// Index levels, several PFS pages, and more large values than one IAM range of singles.
#[test]
fn many_rows_come_back() {
    let wide = TableSpec { rows: Rows::Random(12_000), ..spec("wide", &["char(400)", "nchar(1500)"], &[0]) };
    let spatial = TableSpec { rows: Rows::Random(4000), ..spec("spatial", &["bigint", "geography?"], &[0]) };
    let empty = spec("empty", &["int", "nvarchar(max)"], &[0]);
    let heap =
        TableSpec { rows: Rows::Random(1000), ..spec("heap", &["varbinary(max)?", "bit", "bit"], &[]) };
    let tables = Some(vec![wide, spatial, empty, heap]);
    check(&Description { seed: 3, tables, ..Description::default() }).expect("the same rows");
}

#[test]
fn schemas_indexes_and_many_tables_are_told() {
    let mut tables: Vec<TableSpec> = (0..120)
        .map(|number| TableSpec {
            schema: format!("schema {}", number % 5),
            rows: Rows::Random(number),
            ..spec(&format!("table {number}"), &["int", "nvarchar(50)?", "geometry?", "money"], &[0])
        })
        .collect();
    tables[7].indexes = vec![
        IndexSpec { name: "by shape".to_owned(), columns: vec![2], is_unique: false },
        IndexSpec { name: "by name".to_owned(), columns: vec![3, 1], is_unique: true },
    ];
    let description = Description { tables: Some(tables), ..Description::default() };
    check(&description).expect("the same rows");
    let bytes = described(&description);
    let database = Database::open(Backup::file(Cursor::new(bytes))).expect("a backup");
    let indexes = &database.table("schema 2", "table 7").expect("the table").indexes;
    let told: Vec<_> = indexes
        .iter()
        .map(|index| (index.name.as_str(), index.index_type, index.is_unique, index.keys.join(",")))
        .collect();
    let expected = [
        ("PK_table 7", IndexType::Clustered, true, "c0".to_owned()),
        ("by name", IndexType::Nonclustered, true, "c3,c1".to_owned()),
        ("by shape", IndexType::Spatial, false, "c2".to_owned()),
    ];
    assert_eq!(told, expected);
}

#[test]
fn rows_of_the_metadata_table_take_the_place_of_the_councils() {
    let row = vec![Value::Text("A".into()), Value::Null, Value::Text("roads".into())];
    let ogr_metadata = Some(vec![row.clone()]);
    let bytes = described(&Description { ogr_metadata, ..Description::default() });
    let database = Database::open(Backup::file(Cursor::new(bytes))).expect("a backup");
    let table = database.table("dbo", "ogr_metadata").expect("the table");
    let rows: Vec<_> = database.rows(table).expect("rows").map(|row| row.expect("a row")).collect();
    assert_eq!(rows, [row]);
    assert_eq!(database.tables().len(), Written::council().count());
}

#[test]
fn mistakes_are_told_with_their_part() {
    let int = |value| Value::Integer(value);
    let given =
        |types: &[&str], key: &[usize], rows| TableSpec { rows: Rows::Given(rows), ..spec("t", types, key) };
    let mut twice = spec("t", &["int", "int"], &[]);
    twice.columns[1].name = "C0".to_owned();
    let mut indexed = spec("t", &["int", "geometry"], &[]);
    indexed.indexes = vec![IndexSpec { name: "i".to_owned(), columns: vec![1], is_unique: false }];
    for (table, part, words) in [
        (spec("", &["int"], &[]), Part::Table, "1 to 128 characters"),
        (spec("t", &[], &[]), Part::Table, "1 to 1024 columns"),
        (spec("t", &["char(8000)", "char(8000)"], &[]), Part::Table, "more than a page holds"),
        (twice, Part::Column(1), "two columns \"C0\""),
        (spec("t", &["int?"], &[0]), Part::Key, "may be NULL"),
        (spec("t", &["geometry"], &[0]), Part::Key, "cannot be part of a key"),
        (spec("t", &["char(901)"], &[0]), Part::Key, "more than 900"),
        (spec("t", &["int"], &[0, 0]), Part::Key, "twice"),
        (spec("t", &["int"], &[1]), Part::Key, "no column number 2"),
        (
            TableSpec { rows: Rows::Random(300), ..spec("t", &["tinyint"], &[0]) },
            Part::Key,
            "tells 255 apart",
        ),
        (indexed, Part::Index(0), "needs a table with a primary key"),
        (given(&["int"], &[], vec![vec![]]), Part::Row(0), "0 values for 1 columns"),
        (given(&["int"], &[], vec![vec![Value::Null]]), Part::Value(0, 0), "may not be NULL"),
        (
            given(&["tinyint"], &[], vec![vec![int(1)], vec![int(300)]]),
            Part::Value(1, 0),
            "beyond the type's range",
        ),
        (
            given(&["int"], &[0], vec![vec![int(2)], vec![int(1)], vec![int(2)]]),
            Part::Row(2),
            "same key as row 1",
        ),
    ] {
        let mistake = table.check().expect_err(words);
        assert_eq!(mistake.part, part, "{}", mistake.message);
        assert!(mistake.message.contains(words), "{}", mistake.message);
    }
}
