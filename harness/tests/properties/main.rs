//! Random nights against a small model: uploads one by one and side by side, faults, movers, restarts, kills, and
//! logins that must fail; some with real clients, some twice.
//!
//! Every night is written as a scenario file whose `expect` steps come from the model, so that a failure, shrunk
//! to its shortest form, is a file that `spatialcloud run` replays. `PROPTEST_CASES` sets how many nights,
//! `SEED` which.
#![allow(clippy::unwrap_used)] // A test that cannot go on says where.

mod model;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use proptest_state_machine::ReferenceStateMachine;
use spatialcloud_harness::report::terminal::{Style, failure};
use spatialcloud_harness::runner::{self, Options};
use spatialcloud_harness::stack;

use model::{Model, Nights, REAL_CLIENTS, SITES, usable};
use write::scenario;

/// Nights of a usual run.
const NIGHTS: u32 = 24;
/// Steps of a night.
const STEPS: std::ops::Range<usize> = 1..16;

/// Runs the file; the words of the failure, if there is one.
fn run(runtime: &tokio::runtime::Runtime, path: &Path, model: &Model) -> Result<(), String> {
    let plan = runner::plan(&[path.to_owned()], &Options::default()).map_err(|error| format!("{error:?}"))?;
    let [case] = plan.cases.as_slice() else { return Err(format!("{} cases", plan.cases.len())) };
    let result = runtime.block_on(runner::perform(case.clone()));
    if let Some(report) = &result.failure {
        return Err(failure(&result, report, &Style::plain()));
    }
    // The journal tells the same story as the disk.
    let mut told: BTreeMap<(String, String), u64> = BTreeMap::new();
    for event in result.events.iter().filter(|event| event["event"] == "file.moved") {
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        *told.entry((text("site"), text("path"))).or_default() += 1;
    }
    let expected = |(site, path): &(String, String)| {
        model.moves.get(&(site.as_str(), path.as_str())).cloned().unwrap_or(0..=0)
    };
    let of_model = model.moves.keys().map(|(site, path)| ((*site).to_owned(), (*path).to_owned()));
    for place in told.keys().cloned().chain(of_model) {
        let count = told.get(&place).copied().unwrap_or(0);
        if !expected(&place).contains(&count) {
            return Err(format!(
                "moves of {place:?} in the journal: expected {:?}, got {count}",
                expected(&place)
            ));
        }
    }
    let strangers: BTreeSet<&str> = result
        .events
        .iter()
        .filter(|event| event["event"] == "authentication.succeeded")
        .filter_map(|event| event["user"].as_str())
        .filter(|user| !SITES.contains(user))
        .collect();
    if strangers.is_empty() { Ok(()) } else { Err(format!("let in: {strangers:?}")) }
}

#[test]
fn random_nights_end_as_the_model_says() {
    let seed: u64 = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let nights =
        std::env::var("PROPTEST_CASES").ok().and_then(|nights| nights.parse().ok()).unwrap_or(NIGHTS);
    stack::set_program(env!("CARGO_BIN_EXE_spatialcloud"));
    let missing: Vec<&str> = REAL_CLIENTS.iter().copied().filter(|name| !usable().contains(name)).collect();
    let required = std::env::var("SPATIALCLOUD_REQUIRE").is_ok_and(|value| value == "all");
    assert!(missing.is_empty() || !required, "missing: {missing:?}; ci/install gets them");
    println!(
        "seed {seed}, without {missing:?}; again: SEED={seed} cargo test -p spatialcloud-harness --test properties"
    );
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config =
        Config { cases: nights, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let current = folder.join(format!("night-{seed}.yaml"));
    let played = Mutex::new(BTreeMap::<&str, u32>::new());
    let tested = runner.run(&Nights::sequential_strategy(STEPS), |(first, transitions, seen)| {
        // All of them run; without this, shrinking would take them for unreached and drop them.
        if let Some(seen) = seen {
            seen.store(transitions.len(), Ordering::SeqCst);
        }
        let (text, model) = scenario(&first, &transitions);
        let is_killed = text.contains("- kill");
        let what = [
            (first.client, true),
            ("twice", first.is_twice),
            ("killed", is_killed),
            ("together", text.contains("- together")),
        ];
        for (what, _) in what.into_iter().filter(|(_, is_so)| *is_so) {
            *played.lock().unwrap().entry(what).or_default() += 1;
        }
        std::fs::write(&current, text).unwrap();
        run(&runtime, &current, &model).map_err(TestCaseError::fail)
    });
    match tested {
        Ok(()) => {
            std::fs::remove_file(&current).unwrap();
            println!("{nights} nights: {:?}", played.lock().unwrap());
        }
        Err(TestError::Fail(reason, (first, transitions, _))) => {
            let failing = folder.join(format!("failing-night-{seed}.yaml"));
            let text = format!("# Found by chance, with SEED={seed}.\n{}", scenario(&first, &transitions).0);
            std::fs::write(&failing, text).unwrap();
            panic!(
                "seed {seed}: the shortest night that fails of {} is {transitions:#?}\n{reason}\nreplay: spatialcloud run {}",
                first.client,
                failing.display()
            );
        }
        Err(error) => panic!("seed {seed}: {error}"),
    }
}
