//! Rows of tables laid by hand: what no real file at hand exercises.

use std::io::Cursor;

use super::Rows;
use crate::catalog::{Column, Layout, Rowset, Storage, Stored, StoredSlot, Table};
use crate::error::DataErrorKind;
use crate::page::page_type;
use crate::scan::Unit;
use crate::store::Pages;
use crate::store::testing::{TestPage, address, iam, id, pfs, store};
use crate::types::SqlType;

type Store = Pages<Cursor<Vec<u8>>>;

fn column(name: &str, sql_type: SqlType, max_length_bytes: i16) -> Column {
    Column {
        id: 1,
        name: name.to_owned(),
        sql_type,
        type_name: None,
        max_length_bytes,
        precision: 0,
        scale: 0,
        is_nullable: true,
        is_computed: false,
        is_stored: true,
        is_sparse: false,
        collation_id: 0,
        code_page: None,
        identity: None,
    }
}

/// A table of an int and a varchar.
fn table(storage: Storage, rowsets: Vec<Rowset>) -> Table {
    Table {
        schema: "dbo".to_owned(),
        name: "t".to_owned(),
        object_id: 1,
        storage,
        columns: vec![column("number", SqlType::Int, 4), column("text", SqlType::VarChar, 100)],
        indexes: Vec::new(),
        row_count: 0,
        used_pages: 0,
        unsupported: None,
        rowsets,
    }
}

fn layout() -> Layout {
    let stored = |slot, null_bit| Stored { slot, null_bit, default: None };
    Layout {
        columns: vec![stored(StoredSlot::Fixed { at: 4, length: 4 }, 1), stored(StoredSlot::Variable(0), 2)],
    }
}

fn heap(first_iam: u32, compression: u8) -> Rowset {
    let unit = Unit { first_iam: Some(id(first_iam)), ..Unit::default() };
    Rowset { compression, unit, layout: layout() }
}

/// A record of the table: status, number, text.
fn record(status: u8, number: i32, text: &[u8], is_complex: bool) -> Vec<u8> {
    let mut record = vec![status | 0x30, 0, 8, 0];
    record.extend(number.to_le_bytes());
    record.extend([2, 0, 0, 1, 0]);
    let end = record.len() as u16 + 2 + text.len() as u16;
    record.extend((end | if is_complex { 0x8000 } else { 0 }).to_le_bytes());
    record.extend(text);
    record
}

/// All rows as `number:text`, errors as their message.
fn read(store: &Store, table: &Table) -> Vec<String> {
    let rows = Rows::new(store, table).expect("a readable table");
    rows.take(100)
        .map(|row| match row {
            Ok(row) => row.iter().map(ToString::to_string).collect::<Vec<_>>().join(":"),
            Err(error) => error.to_string(),
        })
        .collect()
}

#[test]
fn a_heap_gives_each_row_once() {
    let first = TestPage::new(16, page_type::DATA)
        .record(&record(0, 1, b"one", false))
        .record(&[0x04, 17, 0, 0, 0, 1, 0, 1, 0])
        .slot(0)
        .record(&record(0x0C, 9, b"ghost", false))
        .record(&[&record(0x40, 2, b"two", false)[..], &[0; 14]].concat());
    let second = TestPage::new(17, page_type::DATA).record(&record(0, 3, b"three", false)).record(&record(
        0x02,
        4,
        b"moved here",
        false,
    ));
    let stale = TestPage::new(18, page_type::DATA).record(&record(0, 8, b"not allocated", false));
    let alone = TestPage::new(40, page_type::DATA).record(&record(0, 5, b"on a mixed extent", false));
    let last = TestPage::new(24, page_type::DATA).record(&record(0, 6, b"of the second map", false));
    let store = store(vec![
        pfs(&[16, 17, 24, 40]),
        iam(8, &[40], &[2]).next(9),
        iam(9, &[], &[3]),
        first,
        second,
        stale,
        alone,
        last,
    ]);
    let found = read(&store, &table(Storage::Heap, vec![heap(8, 0)]));
    assert_eq!(
        found,
        ["5:on a mixed extent", "1:one", "2:two", "3:three", "4:moved here", "6:of the second map"]
    );
}

#[test]
fn partitions_follow_each_other() {
    let store = store(vec![
        pfs(&[16, 17]),
        iam(8, &[16], &[]),
        iam(9, &[17], &[]),
        TestPage::new(16, page_type::DATA).record(&record(0, 1, b"a", false)),
        TestPage::new(17, page_type::DATA).record(&record(0, 2, b"b", false)),
    ]);
    assert_eq!(read(&store, &table(Storage::Heap, vec![heap(8, 0), heap(9, 0)])), ["1:a", "2:b"]);
}

#[test]
fn loops_end_in_an_error() {
    let store = store(vec![pfs(&[]), iam(8, &[], &[]).next(9), iam(9, &[], &[]).next(8)]);
    let found = read(&store, &table(Storage::Heap, vec![heap(8, 0)]));
    assert!(found.len() == 1 && found[0].contains("it is a loop"), "{found:?}");
    let leaf =
        |number: u32| {
            TestPage::new(number, page_type::DATA)
                .record(&record(0, 1, b"again", false))
                .next(if number == 16 { 17 } else { 16 })
        };
    let store = crate::store::testing::store(vec![leaf(16), leaf(17)]);
    let unit = Unit { root: Some(id(16)), ..Unit::default() };
    let rowset = Rowset { compression: 0, unit, layout: layout() };
    let found = read(&store, &table(Storage::Clustered, vec![rowset]));
    assert!(found.last().is_some_and(|last| last.contains("it is a loop")), "{found:?}");
}

#[test]
fn a_clustered_table_is_read_in_its_order() {
    let mut root = TestPage::new(20, page_type::INDEX);
    root.put(14, &11_u16.to_le_bytes());
    let root = root.record(&[&[0x06, 0, 0, 0, 0][..], &address(id(18))].concat());
    let store = store(vec![
        root,
        TestPage::new(18, page_type::DATA).record(&record(0, 1, b"first", false)).next(16),
        TestPage::new(16, page_type::DATA).record(&record(0, 2, b"second", false)).lsn(60),
    ]);
    let unit = Unit { root: Some(id(20)), ..Unit::default() };
    let rowset = Rowset { compression: 0, unit, layout: layout() };
    let table = table(Storage::Clustered, vec![rowset]);
    assert_eq!(read(&store, &table), ["1:first", "2:second"]);
    // The checkpoint is in virtual log file 50.
    let mut rows = Rows::new(&store, &table).expect("a readable table");
    let mut states = Vec::new();
    while rows.next_row().is_some_and(|row| row.is_ok()) {
        states.push(rows.is_fuzzy());
    }
    assert_eq!(states, [false, true]);
}

#[test]
fn a_page_of_something_else_is_damage() {
    let mut stale = TestPage::new(16, page_type::DATA).record(&record(0, 1, b"x", false));
    stale.put(32, &address(id(99)));
    let store = store(vec![pfs(&[16]), iam(8, &[16], &[]), stale]);
    let table = table(Storage::Heap, vec![heap(8, 0)]);
    let error = Rows::new(&store, &table).expect("a table").next().expect("an error").expect_err("stale");
    assert_eq!((error.kind, error.page), (DataErrorKind::Damaged, Some(id(16))));
}

#[test]
fn columns_added_later_have_their_default_or_none() {
    let short = [0x10, 0, 8, 0, 7, 0, 0, 0, 1, 0, 0];
    let store =
        store(vec![pfs(&[16]), iam(8, &[16], &[]), TestPage::new(16, page_type::DATA).record(&short)]);
    let mut table = table(Storage::Heap, vec![heap(8, 0)]);
    assert_eq!(read(&store, &table), ["7:NULL"]);
    table.columns[1].is_nullable = false;
    assert!(read(&store, &table)[0].contains("does not tell its default"));
    table.rowsets[0].layout.columns[1].default = Some(b"default".to_vec());
    assert_eq!(read(&store, &table), ["7:default"]);
}

#[test]
fn decimals_of_varying_length_are_variable_columns() {
    let store = store(vec![
        pfs(&[16]),
        iam(8, &[16], &[]),
        TestPage::new(16, page_type::DATA)
            .record(&record(0, 1, b"\xC1\x03\x15\x90", false))
            .record(&record(0, 2, b"", false)),
    ]);
    let mut table = table(Storage::Heap, vec![heap(8, 0)]);
    table.columns[1] = Column { scale: 3, ..column("amount", SqlType::Decimal, 9) };
    assert_eq!(read(&store, &table), ["1:12.345", "2:0.000"]);
}

#[test]
fn sparse_columns_are_in_a_vector() {
    let vector = [5, 0, 1, 0, 2, 0, 11, 0, b'a', b'b', b'c'];
    let store = store(vec![
        pfs(&[16]),
        iam(8, &[16], &[]),
        TestPage::new(16, page_type::DATA)
            .record(&record(0, 1, &vector, true))
            .record(&[0x10, 0, 8, 0, 2, 0, 0, 0, 1, 0, 0]),
    ]);
    let mut table = table(Storage::Heap, vec![heap(8, 0)]);
    table.rowsets[0].layout.columns[1] = Stored { slot: StoredSlot::Sparse(2), null_bit: 0, default: None };
    assert_eq!(read(&store, &table), ["1:abc", "2:NULL"]);
}

#[test]
fn compressed_rows_are_rows() {
    // The anchor shares "val1" in the second column; the dictionary has "val0".
    let information = [0x06, 0, 0, 14, 0, 20, 0, 0x01, 2, 0x50, b'v', b'a', b'l', b'1', 1, 0, 6, 0, 3, b'0'];
    let page = TestPage::new(16, page_type::DATA)
        .bytes(&information)
        .record(&[0x01, 2, 0x12, 0x81])
        .record(&[0x01, 2, 0xC2, 0x82, 0])
        .record(&[0x05, 2, 0x12, 0x99])
        .record(&[0x09, 17, 0, 0, 0, 1, 0, 0, 0])
        .record(&[0x11, 2, 0x32, 0x83, 2, b'x'])
        .record(&[0x01, 2, 0x01]);
    let plain = TestPage::new(17, page_type::DATA).record(&[0x01, 2, 0x32, 0x84, b'o', b'k']);
    let store = store(vec![pfs(&[16, 17]), iam(8, &[16, 17], &[]), page, plain]);
    let found = read(&store, &table(Storage::Heap, vec![heap(8, 2)]));
    assert_eq!(found, ["1:val1", "2:val0", "3:vax", "0:NULL", "4:ok"]);
}

mod large {
    use super::*;

    /// A record of a large-value page.
    fn blob(kind: u16, content: &[u8]) -> Vec<u8> {
        let mut record = vec![0x08, 0];
        record.extend((14 + content.len() as u16).to_le_bytes());
        record.extend([7; 8]);
        record.extend(kind.to_le_bytes());
        record.extend(content);
        record
    }

    fn link(end: u32, page: u32, slot: u16) -> Vec<u8> {
        [&end.to_le_bytes()[..], &address(id(page)), &slot.to_le_bytes()].concat()
    }

    fn wide_link(end: u64, page: u32, slot: u16) -> Vec<u8> {
        [&end.to_le_bytes()[..], &address(id(page)), &slot.to_le_bytes()].concat()
    }

    fn pointer(page: u32, slot: u16) -> Vec<u8> {
        [&[1, 0, 0, 0, 0, 0, 0, 0][..], &address(id(page)), &slot.to_le_bytes()].concat()
    }

    fn inline(kind: u8, links: &[Vec<u8>]) -> Vec<u8> {
        [&[kind, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &links.concat()].concat()
    }

    /// What the row's text is, with this pointer in its place.
    fn text(pointer: &[u8]) -> String {
        let root = [&[5, 0, 2, 0, 0, 0, 0, 0, 0, 0][..], &link(3, 25, 0), &link(6, 25, 1)].concat();
        let deep = [&[4, 0, 2, 0, 1, 0][..], &wide_link(6, 24, 1), &wide_link(9, 25, 0)].concat();
        let itself = [&[4, 0, 1, 0, 1, 0][..], &wide_link(3, 24, 3)].concat();
        let nodes = TestPage::new(24, 3)
            .record(&blob(0, &[&[5, 0, 0, 0, 0, 0][..], b"small"].concat()))
            .record(&blob(5, &root))
            .record(&blob(2, &deep))
            .record(&blob(2, &itself))
            .record(&blob(8, &[]))
            .record(&blob(9, &[]));
        let data = TestPage::new(25, 3).record(&blob(3, b"abc")).record(&blob(3, b"def"));
        let row = TestPage::new(16, page_type::DATA).record(&record(0, 1, pointer, true));
        let store = store(vec![pfs(&[16]), iam(8, &[16], &[]), row, nodes, data]);
        read(&store, &table(Storage::Heap, vec![heap(8, 0)])).remove(0)
    }

    #[test]
    fn values_are_put_together() {
        assert_eq!(text(&pointer(24, 0)), "1:small");
        assert_eq!(text(&pointer(24, 1)), "1:abcdef");
        assert_eq!(text(&pointer(24, 2)), "1:abcdefabc");
        assert_eq!(text(&pointer(24, 4)), "1:");
        assert_eq!(text(&inline(4, &[link(3, 25, 1), link(6, 25, 0)])), "1:defabc");
        assert_eq!(text(&inline(2, &[link(3, 25, 0)])), "1:abc");
    }

    #[test]
    fn a_value_that_all_rows_share_is_not_read_for_ever() {
        let links: Vec<u8> = (1..=5).flat_map(|end| link(end * 7000, 24 + end, 0)).collect();
        let root = [&[5, 0, 5, 0, 0, 0, 0, 0, 0, 0][..], &links].concat();
        let row = record(0, 1, &pointer(24, 0), true);
        let rows =
            |number| (0..200).fold(TestPage::new(number, page_type::DATA), |page, _| page.record(&row));
        let mut pages =
            vec![pfs(&[16, 17, 18]), iam(8, &[], &[2]), TestPage::new(24, 3).record(&blob(5, &root))];
        pages.extend((16..19).map(rows));
        pages.extend((25..30).map(|page| TestPage::new(page, 3).record(&blob(3, &[b'x'; 7000]))));
        let store = store(pages);
        let table = table(Storage::Heap, vec![heap(8, 0)]);
        let found: Vec<_> = Rows::new(&store, &table).expect("a readable table").collect();
        // Four extents may be read 64 times.
        let good = found.iter().filter(|row| row.is_ok()).count();
        assert_eq!((found.len(), good), (600, 4 * 65_536 * 64 / 35_000));
        let last = found.last().and_then(|row| row.as_ref().err()).expect("an error").to_string();
        assert!(last.contains("share some"), "{last}");
    }

    #[test]
    fn wrong_pointers_say_what_is_wrong() {
        for (pointer, words) in [
            (pointer(24, 3), "it is a loop"),
            (pointer(24, 5), "records of type 9"),
            (pointer(24, 77), "a page or slot that does not exist"),
            (pointer(16, 0), "no part of one"),
            (pointer(999, 0), "does not hold this page"),
            (inline(2, &[link(4, 25, 0)]), "should have 4 bytes here and has 3"),
            (inline(4, &[link(3, 25, 0), link(3, 25, 0)]), "do not rise"),
            (inline(9, &[]), "none of a large value"),
            (vec![2], "should"),
        ] {
            let found = text(&pointer);
            if words == "should" {
                // A pointer without links is an empty value.
                assert_eq!(found, "1:");
                continue;
            }
            assert!(found.contains(words) && found.contains("column text"), "{words}: {found}");
        }
    }
}
