//! The reference is up to date, and every table entry is documented, exemplified and used.
#![allow(clippy::unwrap_used)] // A test that cannot go on says where.

use std::path::Path;

use spatialcloud_harness::scenario::{self, node};
use spatialcloud_harness::step::{self, Names, STEPS};
use spatialcloud_harness::{reference, schema, stack};

fn scenarios() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

#[test]
fn the_reference_is_up_to_date() {
    up_to_date("REFERENCE.md", &reference::text());
}

#[test]
fn the_schema_is_up_to_date() {
    up_to_date("schema.json", &schema::text());
}

fn up_to_date(name: &str, text: &str) {
    let path = scenarios().join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
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
    let names = Names::of_examples();
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
fn every_form_of_expect_parses() {
    for (form, _) in reference::EXPECTATIONS {
        let node = node::parse(&format!("{{ expect: {form} }}")).unwrap();
        if let Err(mistake) = step::parse(&node, &Names::of_examples()) {
            panic!("{form}: {}", mistake.message);
        }
    }
}

#[test]
fn every_key_of_a_file_has_a_sentence() {
    let asked: Vec<&str> = scenario::asked().iter().map(|asked| asked.name).collect();
    let mut told: Vec<&str> = reference::KEYS.iter().map(|(key, _)| *key).collect();
    told.sort_by_key(|key| asked.iter().position(|asked| asked == key));
    assert_eq!(told, asked);
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
