//! Random nights against a small model: uploads, faults, movers, restarts, and logins that must fail.
//!
//! Every night is written as a scenario file whose `expect` steps come from the model, so that a failure, shrunk
//! to its shortest form, is a file that `spatialcloud run` replays. `PROPTEST_CASES` sets how many nights,
//! `SEED` which.
#![allow(clippy::unwrap_used)] // A test that cannot go on says where.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use proptest_state_machine::ReferenceStateMachine;
use spatialcloud_harness::report::terminal::{Style, failure};
use spatialcloud_harness::runner::{self, Options};

/// Nights of a usual run.
const NIGHTS: u32 = 15;
/// Steps of a night.
const STEPS: std::ops::Range<usize> = 1..16;
const SITES: &[&str] = &["CITY", "TOWN"];
/// The kind of each site's key.
const KEYS: &[&str] = &["rsa-2048", "rsa-3072"];
const PATHS: &[&str] = &[
    "Spatial/x.tif",
    "Spatial/y.tif",
    "Spatial/x.tif.filepart",
    "Web/x.tif",
    "Database/IntraMapsSpatialCloud.bak",
];
const WRONG_PATHS: &[&str] = &[
    "x.tif",
    "../TOWN/Spatial/x.tif",
    "spatial/x.tif",
    "Nowhere/x.tif",
    "Spatial/../../x.tif",
    "/etc/x.tif",
];
/// The last one is large enough to be cut in the middle.
const FILES: &[(&str, &str)] = &[("empty.tif", "0B"), ("small.tif", "1KiB"), ("large.tif", "700KiB")];
const LARGE: &str = "large.tif";
/// Minutes from the first instant, 16:01, to the nightly run.
const NIGHT: u64 = 6 * 60 - 1;
const DAY: u64 = 24 * 60;

/// What a file is known to hold: one of [`FILES`], or nobody knows how much of one.
type Content = Option<&'static str>;
type Place = (&'static str, &'static str);

#[derive(Clone, Debug, Default)]
struct Model {
    minute: u64,
    inbox: BTreeMap<Place, Content>,
    cloud: BTreeMap<Place, Content>,
    /// What was replaced, oldest first.
    history: BTreeMap<Place, Vec<Content>>,
    /// Moves since the last start.
    moves: BTreeMap<Place, u64>,
    /// An upload that is held open.
    held: Option<Place>,
}

#[derive(Clone, Debug)]
enum Transition {
    Upload(Place, &'static str),
    /// The connection is cut in the middle.
    CutUpload(Place),
    /// CLOSE is refused, after every byte was taken.
    UnclosedUpload(Place),
    UploadWrong(&'static str, &'static str),
    Rename(Place, &'static str),
    Remove(Place),
    Download(Place),
    Hold(Place),
    Finish,
    Disconnect,
    /// As the site, with another key, another name, or from an address that is not listed.
    Stranger(&'static str, &'static str),
    Advance(u64),
    Night,
    RunMover(&'static str),
    Restart,
}

impl Model {
    fn sweep(&mut self, folders: &[&str]) {
        let leaves = |(site, path): Place| {
            folders.iter().any(|folder| path.starts_with(folder))
                && !path.ends_with(".filepart")
                && self.held != Some((site, path))
        };
        let moved: Vec<Place> = self.inbox.keys().copied().filter(|place| leaves(*place)).collect();
        for place in moved {
            let content = self.inbox.remove(&place).unwrap();
            if let Some(old) = self.cloud.insert(place, content) {
                self.history.entry(place).or_default().push(old);
            }
            *self.moves.entry(place).or_default() += 1;
        }
    }

    fn pass(&mut self, minutes: u64) {
        for minute in self.minute + 1..=self.minute + minutes {
            // The first instant is one minute past a run.
            if (minute + 1) % 5 == 0 {
                self.sweep(&["Spatial/", "Web/"]);
            }
            if minute % DAY == NIGHT {
                self.sweep(&["Database/"]);
            }
        }
        self.minute += minutes;
    }

    fn until_night(&self) -> u64 {
        (NIGHT + DAY - self.minute % DAY - 1) % DAY + 1
    }

    fn is_free(&self, place: Place) -> bool {
        self.held != Some(place)
    }
}

fn places() -> impl Strategy<Value = Place> {
    (select(SITES), select(PATHS))
}

struct Nights;

impl ReferenceStateMachine for Nights {
    type State = Model;
    type Transition = Transition;

    fn init_state() -> BoxedStrategy<Model> {
        Just(Model::default()).boxed()
    }

    fn transitions(_: &Model) -> BoxedStrategy<Transition> {
        let names: Vec<&'static str> = FILES.iter().map(|(name, _)| *name).collect();
        prop_oneof![
            5 => (places(), select(names)).prop_map(|(place, file)| Transition::Upload(place, file)),
            2 => places().prop_map(Transition::CutUpload),
            1 => places().prop_map(Transition::UnclosedUpload),
            1 => (select(SITES), select(WRONG_PATHS)).prop_map(|(site, path)| Transition::UploadWrong(site, path)),
            2 => (places(), select(PATHS)).prop_map(|(from, to)| Transition::Rename(from, to)),
            1 => places().prop_map(Transition::Remove),
            1 => places().prop_map(Transition::Download),
            2 => places().prop_map(Transition::Hold),
            2 => Just(Transition::Finish),
            1 => Just(Transition::Disconnect),
            1 => (select(SITES), select(&["key: rsa-other", "key: the neighbour's", "user: ELSEWHERE", "from: 127.0.0.9"][..]))
                .prop_map(|(site, how)| Transition::Stranger(site, how)),
            3 => (1_u64..40).prop_map(Transition::Advance),
            1 => Just(Transition::Night),
            1 => select(&["interval", "nightly"][..]).prop_map(Transition::RunMover),
            1 => Just(Transition::Restart),
        ]
        .boxed()
    }

    fn preconditions(model: &Model, transition: &Transition) -> bool {
        match transition {
            Transition::Upload(place, _)
            | Transition::CutUpload(place)
            | Transition::UnclosedUpload(place)
            | Transition::Remove(place)
            | Transition::Download(place) => model.is_free(*place),
            Transition::Rename(from, to) => model.is_free(*from) && model.is_free((from.0, to)),
            Transition::Hold(place) => model.held.is_none() && model.is_free(*place),
            Transition::Finish | Transition::Disconnect => model.held.is_some(),
            // A restart cuts what is held; that is what `Disconnect` is for.
            Transition::Restart => model.held.is_none(),
            _ => true,
        }
    }

    fn apply(mut model: Model, transition: &Transition) -> Model {
        match transition {
            Transition::Upload(place, file) => {
                model.inbox.insert(*place, Some(file));
            }
            Transition::CutUpload(place) => {
                model.inbox.insert(*place, None);
            }
            Transition::UnclosedUpload(place) => {
                model.inbox.insert(*place, Some(LARGE));
            }
            Transition::Rename(from, to) => {
                let target = (from.0, *to);
                if !model.inbox.contains_key(&target)
                    && let Some(content) = model.inbox.remove(from)
                {
                    model.inbox.insert(target, content);
                }
            }
            Transition::Remove(place) => {
                model.inbox.remove(place);
            }
            Transition::Hold(place) => {
                model.inbox.insert(*place, None);
                model.held = Some(*place);
            }
            Transition::Finish => {
                let place = model.held.take().unwrap();
                model.inbox.insert(place, Some(LARGE));
            }
            Transition::Disconnect => model.held = None,
            Transition::Advance(minutes) => model.pass(*minutes),
            Transition::Night => model.pass(model.until_night()),
            Transition::RunMover("interval") => model.sweep(&["Spatial/", "Web/"]),
            Transition::RunMover(_) => model.sweep(&["Database/"]),
            // Events are kept in memory only.
            Transition::Restart => model.moves.clear(),
            Transition::UploadWrong(..) | Transition::Download(_) | Transition::Stranger(..) => {}
        }
        model
    }
}

/// The steps of one transition, and what must hold after it.
fn write_steps(text: &mut String, before: &Model, transition: &Transition, after: &Model) {
    let mut step = |line: String| {
        let _ = writeln!(text, "  - {line}");
    };
    match transition {
        Transition::Upload((site, path), file) => {
            step(format!("connect: {{ as: {site} }}"));
            step(format!("upload: {{ file: {file}, to: {path} }}"));
        }
        Transition::CutUpload((site, path)) => {
            step("fault: { fault: cut, at: write, offset-bytes: 400000, times: 1 }".to_owned());
            step(format!("connect: {{ as: {site} }}"));
            step(format!("upload: {{ file: {LARGE}, to: {path}, fails: \"*\" }}"));
            step("clear-faults".to_owned());
            // The server notices the end by itself; nothing may depend on how soon.
            step(format!("expect: {{ event: upload.interrupted, site: {site}, path: {path} }}"));
        }
        Transition::UnclosedUpload((site, path)) => {
            step("fault: { fault: status, at: close, status: 4, times: 1 }".to_owned());
            step(format!("connect: {{ as: {site} }}"));
            step(format!("upload: {{ file: {LARGE}, to: {path}, fails: \"*\" }}"));
            step("clear-faults".to_owned());
        }
        Transition::UploadWrong(site, path) => {
            step(format!("connect: {{ as: {site} }}"));
            step(format!("upload: {{ file: small.tif, to: {path}, fails: \"*\" }}"));
        }
        Transition::Rename((site, from), to) => {
            let works =
                before.inbox.contains_key(&(*site, *from)) && !before.inbox.contains_key(&(*site, *to));
            step(format!("connect: {{ as: {site} }}"));
            step(format!(
                "rename: {{ from: {from}, to: {to}{} }}",
                if works { "" } else { ", fails: \"*\"" }
            ));
        }
        Transition::Remove((site, path)) => {
            let fails = if before.inbox.contains_key(&(*site, *path)) { "" } else { ", fails: \"*\"" };
            step(format!("connect: {{ as: {site} }}"));
            step(format!("remove: {{ path: {path}{fails} }}"));
        }
        Transition::Download((site, path)) => {
            let ending = match before.inbox.get(&(*site, *path)) {
                None => ", fails: \"*\"".to_owned(),
                Some(None) => String::new(),
                Some(Some(file)) => format!(", same-as: {file}"),
            };
            step(format!("connect: {{ as: {site} }}"));
            step(format!("download: {{ from: {path}{ending} }}"));
        }
        Transition::Hold((site, path)) => {
            step(format!("connect: {{ as: {site} }}"));
            step(format!("start-upload: {{ file: {LARGE}, to: {path}, hold-at: 300KiB }}"));
        }
        Transition::Finish => step("finish-upload".to_owned()),
        Transition::Disconnect => {
            let (site, path) = before.held.unwrap();
            step("disconnect".to_owned());
            step(format!("expect: {{ event: upload.interrupted, site: {site}, path: {path} }}"));
        }
        Transition::Stranger(site, how) => {
            let neighbours = if *site == SITES[0] { KEYS[1] } else { KEYS[0] };
            let how = how.replace("the neighbour's", neighbours);
            step(format!("connect: {{ as: {site}, {how}, fails: \"*\" }}"));
        }
        Transition::Advance(minutes) => step(format!("advance: {{ by: {minutes}m }}")),
        Transition::Night => step("advance: { to: nightly }".to_owned()),
        Transition::RunMover(name) => step(format!("run-mover: {{ name: {name} }}")),
        Transition::Restart => step("restart".to_owned()),
    }
    for (area, files) in [("inbox", &after.inbox), ("cloud", &after.cloud)] {
        for place in SITES.iter().flat_map(|site| PATHS.iter().map(move |path| (*site, *path))) {
            let (site, path) = place;
            let state = match files.get(&place) {
                None => ", absent: true".to_owned(),
                Some(None) => String::new(),
                Some(Some(file)) => format!(", same-as: {file}"),
            };
            step(format!("expect: {{ {area}: {site}/{path}{state} }}"));
        }
    }
    for ((site, path), kept) in &after.history {
        for (number, content) in (1..).zip(kept) {
            let state = content.map(|file| format!(", same-as: {file}")).unwrap_or_default();
            step(format!("expect: {{ history: {site}/{path}.{number}{state} }}"));
        }
    }
}

/// A night as a scenario file, and the model after it.
fn scenario(transitions: &[Transition]) -> (String, Model) {
    let mut text =
        String::from("title: a night made by chance\nclock: 2026-03-02T16:01[Australia/Sydney]\nfiles:\n");
    for (seed, (name, size)) in (1..).zip(FILES) {
        let _ = writeln!(text, "  {name}: {{ random: {{ seed: {seed}, size: {size} }} }}");
    }
    text.push_str("sites:\n");
    for (site, key) in SITES.iter().zip(KEYS) {
        let _ = writeln!(text, "  {site}: {{ key: {key} }}");
    }
    text.push_str("clients: [built-in]\nsteps:\n");
    let mut model = Model::default();
    for transition in transitions {
        let after = Nights::apply(model.clone(), transition);
        write_steps(&mut text, &model, transition, &after);
        model = after;
    }
    (text, model)
}

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
    let expected: BTreeMap<(String, String), u64> = model
        .moves
        .iter()
        .map(|((site, path), count)| (((*site).to_owned(), (*path).to_owned()), *count))
        .collect();
    if told != expected {
        return Err(format!("moves in the journal: expected {expected:?}, got {told:?}"));
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
    println!("seed {seed}; again: SEED={seed} cargo test -p spatialcloud-harness --test properties");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config =
        Config { cases: nights, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let current = folder.join(format!("night-{seed}.yaml"));
    let tested = runner.run(&Nights::sequential_strategy(STEPS), |(_, transitions, seen)| {
        // All of them run; without this, shrinking would take them for unreached and drop them.
        if let Some(seen) = seen {
            seen.store(transitions.len(), Ordering::SeqCst);
        }
        let (text, model) = scenario(&transitions);
        std::fs::write(&current, text).unwrap();
        run(&runtime, &current, &model).map_err(TestCaseError::fail)
    });
    match tested {
        Ok(()) => std::fs::remove_file(&current).unwrap(),
        Err(TestError::Fail(reason, (_, transitions, _))) => {
            let failing = folder.join(format!("failing-night-{seed}.yaml"));
            std::fs::write(&failing, scenario(&transitions).0).unwrap();
            panic!(
                "seed {seed}: the shortest night that fails is {transitions:#?}\n{reason}\nreplay: spatialcloud run {}",
                failing.display()
            );
        }
        Err(error) => panic!("seed {seed}: {error}"),
    }
}
