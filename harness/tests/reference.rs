//! The reference is up to date, and every table entry is documented, exemplified and used.
#![allow(clippy::unwrap_used)] // A test that cannot go on says where.

use std::path::Path;

use spatialcloud_harness::scenario::{self, node};
use spatialcloud_harness::step::{self, Names, STEPS};
use spatialcloud_harness::{reference, stack};

fn scenarios() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

#[test]
fn the_reference_is_up_to_date() {
    let path = scenarios().join("REFERENCE.md");
    let text = reference::text();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "{} is old: run this test with UPDATE_GOLDEN=1", path.display());
}

#[test]
fn every_step_has_an_example_that_parses_and_a_scenario_that_uses_it() {
    let all: String = scenario::find(&[scenarios()])
        .unwrap()
        .iter()
        .map(|file| std::fs::read_to_string(file).unwrap())
        .collect();
    let names = Names { files: vec!["a.tif".to_owned()], sites: vec!["CITY".to_owned()] };
    for step in STEPS {
        let example = node::parse(step.example).unwrap();
        let node::Kind::List(items) = &example.kind else { panic!("{}: not a list", step.example) };
        if let Err(mistake) = step::parse(&items[0], &names) {
            panic!("{}: {}", step.example, mistake.message);
        }
        let used = all.contains(&format!("- {}:", step.name)) || all.contains(&format!("- {}\n", step.name));
        assert!(used, "no scenario uses the step {}", step.name);
    }
}

#[test]
fn every_event_has_a_sentence() {
    for event in stack::event_docs() {
        assert!(
            event.sentence.ends_with('.') && event.sentence.len() > 10,
            "{}: {:?}",
            event.name,
            event.sentence
        );
    }
}
