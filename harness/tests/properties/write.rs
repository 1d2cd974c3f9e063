//! A night as a scenario file: its steps, and `expect` steps that say what the model knows.

use std::fmt::Write as _;

use proptest_state_machine::ReferenceStateMachine;
use spatialcloud_harness::client::BUILT_IN;

use crate::model::{FILES, KEYS, LARGE, Model, Nights, PATHS, Place, SITES, Transition};

/// The file, and the model after the night.
pub fn scenario(first: &Model, transitions: &[Transition]) -> (String, Model) {
    let mut text =
        String::from("title: a night made by chance\nclock: 2026-03-02T16:01[Australia/Sydney]\nfiles:\n");
    for (seed, (name, size)) in (1..).zip(FILES) {
        let _ = writeln!(text, "  {name}: {{ random: {{ seed: {seed}, size: {size} }} }}");
    }
    text.push_str("sites:\n");
    for (site, key) in SITES.iter().zip(KEYS) {
        let _ = writeln!(text, "  {site}: {{ key: {key} }}");
    }
    // A night in which the client does nothing is the built-in one's.
    let client = if transitions.iter().any(asks_client) { first.client } else { BUILT_IN };
    let _ = writeln!(text, "twice: {}\nclients: [{client}]\nsteps:", first.is_twice);
    let mut model = first.clone();
    for transition in transitions {
        let after = Nights::apply(model.clone(), transition);
        let mut lines = steps(&model, transition);
        lines.extend(expectations(&after, |place| is_looked_at(&model, transition, &after, place)));
        model = after;
        lines.iter().for_each(|line| text.push_str(&format!("  - {line}\n")));
    }
    for line in expectations(&model, |_| true) {
        let _ = writeln!(text, "  - {line}");
    }
    (text, model)
}

fn asks_client(transition: &Transition) -> bool {
    use Transition::*;
    !matches!(transition, Advance(_) | Night | RunMover(_) | Restart | Kill | KillMover(_))
}

/// Whether a place is looked at after the step: where something has changed, and everywhere after a new start. At
/// the end of the night all of them are.
fn is_looked_at(before: &Model, transition: &Transition, after: &Model, place: Place) -> bool {
    use Transition::*;
    matches!(transition, Restart | Kill | KillAt(..) | KillMover(_))
        || before.inbox.get(&place) != after.inbox.get(&place)
        || before.cloud.get(&place) != after.cloud.get(&place)
        || before.history.get(&place) != after.history.get(&place)
}

fn steps(before: &Model, transition: &Transition) -> Vec<String> {
    let as_site = |site: &str, step: String| vec![format!("connect: {{ as: {site} }}"), step];
    let upload = |path: &str, file: &str| format!("upload: {{ file: {file}, to: {path} }}");
    let refused = |path: &str| format!("upload: {{ file: {LARGE}, to: {path}, fails: \"*\" }}");
    match transition {
        Transition::Upload((site, path), file) => as_site(site, upload(path, file)),
        Transition::Together(uploads) => {
            let sessions = uploads
                .iter()
                .map(|((site, path), file)| format!("{{ as: {site}, {} }}", upload(path, file)));
            vec![format!("together: {{ sessions: [{}] }}", sessions.collect::<Vec<_>>().join(", "))]
        }
        Transition::CutUpload((site, path)) => [
            vec!["fault: { fault: cut, at: write, offset-bytes: 400000, times: 1 }".to_owned()],
            as_site(site, refused(path)),
            vec!["clear-faults".to_owned()],
            // The server notices the end by itself; nothing may depend on how soon.
            vec![format!("expect: {{ event: upload.interrupted, site: {site}, path: {path} }}")],
        ]
        .concat(),
        Transition::UnclosedUpload((site, path)) => [
            vec!["fault: { fault: status, at: close, status: 4, times: 1 }".to_owned()],
            as_site(site, refused(path)),
            vec!["clear-faults".to_owned()],
        ]
        .concat(),
        Transition::UploadWrong(site, path) => {
            as_site(site, format!("upload: {{ file: small.tif, to: {path}, fails: \"*\" }}"))
        }
        Transition::Rename((site, from), to) => {
            let works =
                before.inbox.contains_key(&(*site, *from)) && !before.inbox.contains_key(&(*site, *to));
            let ending = if works { "" } else { ", fails: \"*\"" };
            as_site(site, format!("rename: {{ from: {from}, to: {to}{ending} }}"))
        }
        Transition::Remove((site, path)) => {
            let fails = if before.inbox.contains_key(&(*site, *path)) { "" } else { ", fails: \"*\"" };
            as_site(site, format!("remove: {{ path: {path}{fails} }}"))
        }
        Transition::Download((site, path)) => {
            let ending = match before.inbox.get(&(*site, *path)) {
                None => ", fails: \"*\"".to_owned(),
                Some(None) => String::new(),
                Some(Some(file)) => format!(", same-as: {file}"),
            };
            as_site(site, format!("download: {{ from: {path}{ending} }}"))
        }
        Transition::Hold((site, path)) => {
            as_site(site, format!("start-upload: {{ file: {LARGE}, to: {path}, hold-at: 300KiB }}"))
        }
        Transition::Finish => vec!["finish-upload".to_owned()],
        Transition::Disconnect => {
            let (site, path) = before.held.unwrap();
            vec![
                "disconnect".to_owned(),
                format!("expect: {{ event: upload.interrupted, site: {site}, path: {path} }}"),
            ]
        }
        Transition::Stranger(site, how) => {
            let neighbours = if *site == SITES[0] { KEYS[1] } else { KEYS[0] };
            let how = how.replace("the neighbour's", neighbours);
            vec![format!("connect: {{ as: {site}, {how}, fails: \"*\" }}")]
        }
        Transition::Advance(minutes) => vec![format!("advance: {{ by: {minutes}m }}")],
        Transition::Night => vec!["advance: { to: nightly }".to_owned()],
        Transition::RunMover(name) => vec![format!("run-mover: {{ name: {name} }}")],
        Transition::Restart => vec!["restart".to_owned()],
        Transition::Kill => vec!["kill".to_owned()],
        Transition::KillAt((site, path), at) => [
            vec![format!("fault: {{ fault: kill, at: {at} }}")],
            as_site(site, refused(path)),
            vec!["kill".to_owned()],
        ]
        .concat(),
        Transition::KillMover(name) => {
            vec![format!("kill: {{ during: {name} }}"), format!("run-mover: {{ name: {name} }}")]
        }
    }
}

/// Where each file is, whole, and where it is not: exactly one of inbox, client folder, history.
fn expectations(model: &Model, is_looked_at: impl Fn(Place) -> bool) -> Vec<String> {
    let mut lines = Vec::new();
    let places = SITES.iter().flat_map(|site| PATHS.iter().map(move |path| (*site, *path)));
    for place in places.filter(|place| is_looked_at(*place)) {
        let (site, path) = place;
        for (area, files) in [("inbox", &model.inbox), ("cloud", &model.cloud)] {
            let state = match files.get(&place) {
                None => ", absent: true".to_owned(),
                Some(None) => String::new(),
                Some(Some(file)) => format!(", same-as: {file}"),
            };
            lines.push(format!("expect: {{ {area}: {site}/{path}{state} }}"));
        }
        let kept = model.history.get(&place).map(Vec::as_slice).unwrap_or_default();
        for (number, content) in (1..).zip(kept) {
            let state = content.map(|file| format!(", same-as: {file}")).unwrap_or_default();
            lines.push(format!("expect: {{ history: {site}/{path}.{number}{state} }}"));
        }
        let next = kept.len() + 1;
        lines.push(format!("expect: {{ history: {site}/{path}.{next}, absent: true }}"));
    }
    lines
}
