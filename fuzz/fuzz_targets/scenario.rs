//! Whatever stands in a scenario file: it is read, or what is wrong with it is told.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spatialcloud_harness::scenario;

fuzz_target!(|data: &[u8]| {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fuzzed.yaml");
    std::fs::write(&path, data).expect("a file");
    match scenario::load(&path) {
        Ok(scenarios) => assert!(!scenarios.is_empty(), "a file that says nothing was taken"),
        Err(mistake) => assert!(mistake.render(false).starts_with("error")),
    }
});
