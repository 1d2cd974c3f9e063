//! A differential backup over its full one is the database described.

use std::io::Cursor;

use super::super::{Description, Rows, TableSpec, write_differential};
use super::described;
use super::described::spec;
use crate::verdict::judge;
use crate::{Backup, Database, Depth, Value, read};

fn table(rows: u64, columns: &[&str]) -> TableSpec {
    TableSpec { rows: Rows::Random(rows), ..spec("things", columns, &[0]) }
}

fn all(database: &Database<Cursor<Vec<u8>>>) -> Vec<Vec<Value<'static>>> {
    let tables = database.tables().iter();
    tables.flat_map(|table| database.rows(table).expect("rows")).map(|row| row.expect("a row")).collect()
}

fn check(full: &Description, newer: &Description) -> usize {
    let full_bytes = described(full);
    let mut differential = Vec::new();
    write_differential(newer, Backup::file(Cursor::new(full_bytes.clone())), &mut differential)
        .expect("memory does not fail");
    let family = read(Cursor::new(&differential), Depth::Everything).expect("memory does not fail");
    assert_eq!(family.problems, []);
    let verdict = judge(&[family], &["x.bak".to_owned()]);
    assert_eq!(verdict.reasons.iter().map(|reason| reason.error).collect::<Vec<_>>(), [3136]);
    let length = differential.len();
    let open = |bytes: Vec<u8>| Backup::file(Cursor::new(bytes));
    let laid = Database::open_with_differential(open(full_bytes), open(differential)).expect("both fit");
    let expected = Database::open(open(described(newer))).expect("a backup");
    assert_eq!(all(&laid), all(&expected));
    length
}

#[test]
fn it_holds_what_changed() {
    let size_bytes = 2 << 20;
    let full = Description { seed: 1, size_bytes, ..Description::default() };
    let same = check(&full, &full);
    assert!(same < 400 << 10, "nothing changed, and it has {same} bytes");
    let other_rows = Description { ogr_metadata: Some(Vec::new()), ..full.clone() };
    assert!(check(&full, &other_rows) < 600 << 10);
    for is_compressed in [false, true] {
        check(&full, &Description { seed: 2, is_compressed, ..full.clone() });
    }
}

#[test]
fn the_database_may_grow_and_shrink() {
    let of = |rows, columns: &[&str]| Description {
        tables: Some(vec![table(rows, columns)]),
        ..Description::default()
    };
    let (small, large) = (of(10, &["int", "nvarchar(200)"]), of(4000, &["int", "nvarchar(200)", "geometry"]));
    check(&small, &large);
    check(&large, &small);
}

#[test]
fn its_base_is_told_from_another() {
    let full = Description { size_bytes: 1 << 20, ..Description::default() };
    let bytes = described(&full);
    let mut differential = Vec::new();
    write_differential(&full, Backup::file(Cursor::new(bytes.clone())), &mut differential).expect("memory");
    let again = write_differential(&full, Backup::file(Cursor::new(differential)), Vec::new());
    assert_eq!(again.expect_err("no full one").kind(), std::io::ErrorKind::InvalidInput);
}
