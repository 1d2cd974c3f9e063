//! Whatever stands in a batch: reading it ends, does not panic and does not run out of stack; it is understood, or what
//! is wrong with it is told by number.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spatialcloud_simulator::sql;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Err(told) = sql::check(text) {
        let number = told.split(':').next().and_then(|number| number.parse::<u32>().ok());
        assert!(number.is_some_and(|number| number > 0), "{told}");
    }
});
