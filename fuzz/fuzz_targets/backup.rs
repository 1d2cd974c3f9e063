//! Whatever a file holds, reading it as a backup ends and does not panic.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use spatialcloud_backup::{Depth, read, verdict::judge};

fuzz_target!(|data: &[u8]| {
    for depth in [Depth::Headers, Depth::Everything] {
        if let Ok(family) = read(Cursor::new(data), depth) {
            judge(&[family], &[]);
        }
    }
});
