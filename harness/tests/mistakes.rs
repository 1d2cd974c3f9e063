//! Every mistake in `mistakes/*.yaml` is told as `mistakes/*.txt` says. `UPDATE_GOLDEN=1` writes them anew.
#![allow(clippy::unwrap_used)] // A test that cannot go on says where.

use std::path::Path;

use spatialcloud_harness::scenario;

#[test]
fn mistakes_are_told_as_before() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mistakes");
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    let mut count = 0;
    for file in scenario::find(std::slice::from_ref(&folder)).unwrap() {
        count += 1;
        let told = match scenario::load(&file) {
            Ok(_) => "no mistake was found\n".to_owned(),
            // The folder differs from machine to machine.
            Err(mistake) => {
                let told = mistake.render(false).replace(&format!("{}/", folder.display()), "");
                // Trailing blanks would be lost in editors.
                told.lines().map(|line| format!("{}\n", line.trim_end())).collect()
            }
        };
        let golden = file.with_extension("txt");
        if update {
            std::fs::write(&golden, &told).unwrap();
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        if told != expected {
            wrong.push(format!("{}\nexpected:\n{expected}\ngot:\n{told}", golden.display()));
        }
    }
    assert!(count >= 15, "only {count} mistakes found below {}", folder.display());
    assert!(wrong.is_empty(), "{}\nUPDATE_GOLDEN=1 accepts what was got", wrong.join("\n"));
}
