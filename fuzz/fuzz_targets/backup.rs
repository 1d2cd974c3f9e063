//! Whatever a file holds, reading it as a backup, headers and rows, ends and does not panic.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use spatialcloud_backup::{Backup, Database, Depth, read, verdict::judge};

fuzz_target!(|data: &[u8]| {
    for depth in [Depth::Headers, Depth::Everything] {
        if let Ok(family) = read(Cursor::new(data), depth) {
            judge(&[family], &[]);
        }
    }
    let Ok(database) = Database::open(Backup::file(Cursor::new(data))) else { return };
    for table in database.tables() {
        let Ok(mut rows) = database.rows(table) else { continue };
        while let Some(row) = rows.next_row() {
            let Ok(row) = row else { continue };
            for index in 0..row.len() {
                // Values and errors are equally good here; writing them down decodes xml.
                let _ = row.value(index).map(|value| value.to_string());
            }
        }
    }
});
