//! Queries and what they give, as data: `tests/queries.txt`. A line that begins with `>` is asked; what follows it is
//! the answer: names and types of the columns, then rows, or the error. `UPDATE_GOLDEN=1` writes the answers anew.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use spatialcloud_tds::{Column, ColumnType, Date, Decimal, Time, UdtType, Value};

use super::Halt;
use super::evaluate::Row;
use super::interpreter::{Identity, Interpreter};
use super::language::{Cursor, query, tokens};
use super::select::select;
use super::tables::{Rows, Table, TableIndex, Tables, Unchanging};
use crate::clock::Clock;
use crate::config::Pace;

/// Two tables that go together, and one with a shape.
struct Small;

fn people() -> Vec<Row> {
    let person = |id, name: &str, city: Option<&str>, born: (u16, u8, u8), balance: Option<i64>| {
        let city = city.map_or(Value::Null, |city| Value::from(city.to_owned()));
        let balance = balance.map_or(Value::Null, |units| Value::Decimal(Decimal::from_units(units, 2)));
        let born = Date::from_parts(born.0, born.1, born.2).expect("a day");
        vec![Value::Integer(id), Value::from(name.to_owned()), city, Value::Date(born), balance]
    };
    vec![
        person(1, "Ada", Some("London"), (1815, 12, 10), Some(1050)),
        person(2, "grace", Some("New York"), (1906, 12, 9), Some(-200)),
        person(3, "Edsger", None, (1930, 5, 11), None),
        person(4, "Barbara", Some("london"), (1939, 11, 7), Some(333)),
    ]
}

fn visits() -> Vec<Row> {
    let visit = |person, place: &str, minutes: i64| {
        let date = Date::from_parts(2026, 3, 2).expect("a day");
        let time = Time::from_ticks(minutes as u64 * 600_000_000, 3).expect("a time");
        vec![Value::Integer(person), Value::from(place.to_owned()), Value::DateTime(date, time)]
    };
    vec![visit(1, "museum", 600), visit(1, "park", 700), visit(2, "park", 800), visit(9, "zoo", 900)]
}

impl Tables for Small {
    fn databases(&self) -> Vec<String> {
        vec!["city".to_owned()]
    }

    fn tables(&self, _database: &str) -> Result<Vec<Table>, String> {
        let table = |name: &str, key: &[&str], columns: Vec<Column>| Table {
            schema: "dbo".to_owned(),
            name: name.to_owned(),
            columns,
            indexes: (!key.is_empty()).then(|| TableIndex::primary_key(name, key)).into_iter().collect(),
        };
        let people = vec![
            Column { is_identity: true, ..Column::new("id", ColumnType::Int).not_null() },
            Column::new("name", ColumnType::nvarchar(50)).not_null(),
            Column::new("city", ColumnType::varchar(20)),
            Column::new("born", ColumnType::Date),
            Column::new("balance", ColumnType::Decimal { precision: 10, scale: 2 }),
        ];
        let visits = vec![
            Column::new("person", ColumnType::Int).not_null(),
            Column::new("place", ColumnType::varchar(20)),
            Column::new("at", ColumnType::DateTime),
        ];
        let shapes = vec![
            Column::new("id", ColumnType::Int).not_null(),
            Column::new("shape", ColumnType::Udt(UdtType::geometry("city"))),
        ];
        Ok(vec![table("people", &["id"], people), table("visits", &[], visits), table("shapes", &[], shapes)])
    }

    fn rows(&self, _database: &str, table: &Table) -> Result<Rows, String> {
        let rows = match table.name.as_str() {
            "people" => people(),
            "visits" => visits(),
            "shapes" => {
                // Version 1, valid and a single point: 7855, (320000, 5812000).
                let mut point = 7855_i32.to_le_bytes().to_vec();
                point.extend([1, 0x0C]);
                point.extend([320_000.0_f64, 5_812_000.0].into_iter().flat_map(f64::to_le_bytes));
                vec![
                    vec![Value::Integer(1), Value::Binary(point.into())],
                    vec![Value::Integer(2), Value::Null],
                ]
            }
            other => return Err(format!("no table {other}")),
        };
        Ok(Box::new(rows.into_iter().map(Ok)))
    }
}

fn session() -> Interpreter {
    let now = "2026-03-02T16:00:01.5Z".parse().expect("an instant");
    let clock = Clock::new(now, Pace::Manual, jiff::tz::TimeZone::UTC);
    let identity = Identity {
        user: "sa".to_owned(),
        host: "workstation".to_owned(),
        application: "tests".to_owned(),
        session: 51,
    };
    let mut session =
        Interpreter::new(Arc::new(Unchanging(Arc::new(Small))), clock, identity, "city".to_owned());
    session.variables = vec![
        ("@n".to_owned(), ColumnType::Int, Value::Integer(2)),
        ("@t".to_owned(), ColumnType::nvarchar(10), Value::from("a%")),
    ];
    session
}

fn answer(session: &Interpreter, sql: &str) -> Result<String, Halt> {
    let tokens = tokens(sql, true)?;
    let mut cursor = Cursor::new(&tokens);
    let query = query(&mut cursor)?;
    if !cursor.is_at_end() {
        return Err(cursor.wrong());
    }
    let world = session.world();
    session.with_context(&world, |context| {
        let selected = select(&query, &world, context)?;
        let mut lines = vec![selected.columns.iter().map(described).collect::<Vec<_>>().join(" | ")];
        for row in selected.rows {
            let row = row?;
            for (column, value) in selected.columns.iter().zip(&row) {
                assert!(column.is_nullable || !value.is_null(), "{sql}: {} is not nullable", column.name);
            }
            lines.push(row.iter().map(Value::to_string).collect::<Vec<_>>().join(" | "));
        }
        Ok(lines.join("\n"))
    })
}

pub fn described(column: &Column) -> String {
    let name = if column.name.is_empty() { "(none)" } else { &column.name };
    let digits = match &column.column_type {
        ColumnType::Decimal { precision, scale } | ColumnType::Numeric { precision, scale } => {
            format!("({precision},{scale})")
        }
        _ => String::new(),
    };
    let null = if column.is_nullable { "" } else { " not null" };
    format!("{name} {}{digits}{null}", column.column_type.name())
}

#[test]
fn queries_give_what_is_written() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sql/tests/queries.txt");
    let written = std::fs::read_to_string(&path).expect("the queries");
    let session = session();
    let mut got = String::new();
    for line in written.lines().filter(|line| line.starts_with('>') || line.starts_with('#')) {
        if !got.is_empty() {
            got.push('\n');
        }
        got.push_str(line);
        got.push('\n');
        if let Some(sql) = line.strip_prefix("> ") {
            let answered = match answer(&session, sql) {
                Ok(rows) => rows,
                Err(Halt::Failed(message)) => format!("error {}: {}", message.number, message.text),
                Err(halt) => format!("{halt:?}"),
            };
            got.push_str(&answered);
            got.push('\n');
        }
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        return std::fs::write(&path, &got).expect("the queries");
    }
    let blocks = |text: &str| text.split("\n\n").map(str::to_owned).collect::<Vec<_>>();
    for (got, expected) in blocks(&got).iter().zip(&blocks(&written)) {
        assert_eq!(got.trim(), expected.trim(), "{}", path.display());
    }
    assert_eq!(got, written);
}

#[test]
fn deep_and_long_statements_are_refused_not_suffered() {
    let session = session();
    let refused = |sql: &str| matches!(answer(&session, sql), Err(Halt::Failed(_)));
    assert!(refused(&format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000))));
    assert!(refused(&format!("SELECT {}1", "-".repeat(10_000).replace("--", "- -"))));
    assert!(refused(&format!("SELECT {}1", "NOT ".repeat(10_000))));
    assert!(refused(&format!("SELECT 1{}", "+1".repeat(100_000))));
    assert!(refused(&format!("SELECT * FROM people{}", ", people".repeat(5000))));
    // A client's thread has room for what is allowed.
    let longest = format!("SELECT 1{}", "+1".repeat(990));
    let run = std::thread::Builder::new().stack_size(super::STACK_BYTES).spawn(move || {
        let session = self::session();
        answer(&session, &longest).is_ok()
    });
    assert!(run.expect("a thread").join().expect("an answer"));
}

/// The words of all batches that are tried, to be put together anew.
fn words() -> Vec<String> {
    let texts = [include_str!("tests/queries.txt"), include_str!("instance/tests/batches.txt")];
    let lines = texts.into_iter().flat_map(str::lines).filter_map(|line| line.strip_prefix("> "));
    let mut words: Vec<String> = lines.flat_map(str::split_whitespace).map(str::to_owned).collect();
    words.sort();
    words.dedup();
    words
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn words_in_any_order_are_understood_or_refused_by_number(chosen in proptest::collection::vec(proptest::sample::select(words()), 1..40)) {
        if let Err(told) = super::check(&chosen.join(" ")) {
            let number = told.split(':').next().and_then(|number| number.parse::<u32>().ok());
            prop_assert!(number.is_some_and(|number| number > 0), "{told}");
        }
    }

    #[test]
    fn a_batch_that_is_cut_off_anywhere_is_refused_not_suffered(line in proptest::sample::select(lines()), at in 0_usize..400) {
        let cut: String = line.chars().take(at).collect();
        let _ = super::check(&cut);
    }
}

fn lines() -> Vec<&'static str> {
    let batches = include_str!("instance/tests/batches.txt");
    batches.lines().filter_map(|line| line.strip_prefix("> ")).collect()
}
