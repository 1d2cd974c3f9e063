//! Runs one case from its first step to its report.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use serde_json::{Value, json};

use super::{Case, CaseResult, FailureReport, prepare};
use crate::scenario::node::Node;
use crate::stack::Stack;
use crate::step::{self, Failure, Names, Step, World};

/// Where clients connect from unless a step says otherwise.
const CLIENT_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Runs the case. Whatever goes wrong is in the result; nothing of it is left behind.
pub async fn perform(case: Case) -> CaseResult {
    let mut first = once(&case).await;
    if first.failure.is_none() && case.scenario.twice {
        let second = once(&case).await;
        first.duration += second.duration;
        first.failure = second.failure.or_else(|| difference(&case, &first.events, &second.events));
        // The report shows the run that differs.
        first.client_output = second.client_output;
        first.events = second.events;
    }
    first
}

/// The first event that the same seed did not give again (C-51). Where sessions were side by side, what happened
/// must be the same, in whatever order.
fn difference(case: &Case, first: &[Value], second: &[Value]) -> Option<FailureReport> {
    let is_unordered = steps(case).iter().any(|step| step.is_unordered());
    let [first, second] = [first, second].map(|events| comparable(events, is_unordered));
    let count = first.len().max(second.len());
    let shown = |event: Option<&String>| event.cloned().unwrap_or_else(|| "no more event".to_owned());
    let index = (0..count).find(|&index| first.get(index) != second.get(index))?;
    Some(FailureReport {
        place: case.path.display().to_string(),
        step: "twice: true".to_owned(),
        expected: shown(first.get(index)),
        got: shown(second.get(index)),
        is_ours: false,
        seed: case.seed,
        replay: case.replay(),
    })
}

/// Events without what may differ from run to run.
fn comparable(events: &[Value], is_unordered: bool) -> Vec<String> {
    // What is marked so may differ: real time, ports, durations.
    let may_differ: &[&str] = if is_unordered { &["volatile", "sequence", "session"] } else { &["volatile"] };
    let mut shown: Vec<String> = events
        .iter()
        .map(|event| {
            let mut event = event.clone();
            if let Some(fields) = event.as_object_mut() {
                fields.retain(|name, _| !may_differ.contains(&name.as_str()));
            }
            event.to_string()
        })
        .collect();
    if is_unordered {
        shown.sort();
    }
    shown
}

async fn once(case: &Case) -> CaseResult {
    let since = Instant::now();
    let result = |story, client_output, events, failure| CaseResult {
        case: case.clone(),
        story,
        client_output,
        events,
        duration: since.elapsed(),
        failure,
    };
    let mut world = match world(case).await {
        Ok(world) => world,
        Err(reason) => {
            let place = case.path.display().to_string();
            let failure = report(case, place, String::new(), Failure::Stack(reason));
            return result(Vec::new(), String::new(), Vec::new(), Some(failure));
        }
    };
    let names = names(case);
    let mut failed = None;
    for node in &case.scenario.steps {
        if let Err(failure) = perform_step(node, &names, &mut world).await {
            failed = Some((node, failure));
            break;
        }
    }
    // What runs whatever happened must not hide the first failure.
    for node in &case.scenario.always {
        if let Err(failure) = perform_step(node, &names, &mut world).await {
            failed.get_or_insert((node, failure));
        }
    }
    let mut failure = failed.map(|(node, failure)| {
        let place = case.scenario.source.line(&node.place);
        report(case, place, case.scenario.source.excerpt(&node.place).to_owned(), failure)
    });
    let events = world.stack.api().events("").await.unwrap_or_default();
    let story = std::mem::take(&mut world.story);
    let client_output = world.outcome.take().map(|outcome| outcome.output).unwrap_or_default();
    if let Some(held) = world.held.take() {
        held.cut().await;
    }
    if let Some(databases) = world.databases.take()
        && let Err(reason) = databases.end().await
    {
        let place = case.path.display().to_string();
        failure.get_or_insert_with(|| report(case, place, "stop".to_owned(), Failure::Stack(reason)));
    }
    if let Err(error) = world.stack.stop().await {
        let place = case.path.display().to_string();
        failure.get_or_insert_with(|| report(case, place, "stop".to_owned(), error.into()));
    }
    result(story, client_output, events, failure)
}

/// Its steps; those with captures in them parse the same here.
fn steps(case: &Case) -> Vec<Box<dyn Step>> {
    let names = names(case);
    let nodes = case.scenario.steps.iter().chain(&case.scenario.always);
    nodes.filter_map(|node| step::parse(node, &names).ok()).collect()
}

fn names(case: &Case) -> Names {
    Names {
        files: case.scenario.files.keys().cloned().collect(),
        sites: case.scenario.sites.keys().cloned().collect(),
    }
}

async fn perform_step(node: &Node, names: &Names, world: &mut World) -> Result<(), Failure> {
    let node = node.substituted(&world.captures);
    match step::parse(&node, names) {
        Ok(step) => step.run(world).await,
        Err(mistake) => Err(Failure::Stack(format!(
            "the step does not parse with its captured values: {}",
            mistake.message
        ))),
    }
}

async fn world(case: &Case) -> Result<World, String> {
    let scenario = case.scenario.clone();
    let folder = case.stacks.folder().map_err(|error| error.to_string())?;
    let root = folder.path().to_owned();
    let work = root.join("client");
    let made = tokio::task::spawn_blocking(move || {
        std::fs::create_dir(root.join("client"))?;
        let files = prepare::files(&scenario, &root.join("files"))?;
        let sites = prepare::sites(&scenario, CLIENT_ADDRESS)?;
        Ok((files, sites))
    });
    let made: std::io::Result<_> = made.await.map_err(|error| error.to_string())?;
    let ((files, story), sites) = made.map_err(|error| error.to_string())?;
    let mut settings = case.scenario.settings.clone();
    settings["seed"] = json!(case.seed);
    let databases = match &case.warehouse {
        None => None,
        Some(warehouse) => Some(warehouse.begin(case.scenario.sites.keys().cloned().collect()).await?),
    };
    if let Some(databases) = &databases {
        settings["warehouse"]["sql-server"] = databases.settings();
    }
    let mut builder = Stack::of(&case.stacks).settings(settings).client(case.client);
    let steps = steps(case);
    if steps.iter().any(|step| step.needs_process()) {
        builder = builder.killable();
    }
    if steps.iter().any(|step| step.needs_sql()) {
        builder = builder.sql();
    }
    for code in case.scenario.sites.keys() {
        builder = builder.named(code);
    }
    for (code, _) in case.scenario.sites.iter().filter(|(_, spec)| spec.provisioned) {
        builder = builder.site(code, &sites.keys[code].public, sites.from[code].iter().cloned());
    }
    let stack = builder.start().await.map_err(|error| error.to_string())?;
    Ok(World {
        stack,
        databases,
        client: case.client,
        address: CLIENT_ADDRESS,
        login: None,
        outcome: None,
        files,
        keys: sites.keys,
        from: sites.from,
        captures: BTreeMap::new(),
        held: None,
        is_ordered: case.scenario.twice,
        work,
        story,
        _folder: folder,
    })
}

fn report(case: &Case, place: String, step: String, failure: Failure) -> FailureReport {
    let (expected, got, is_ours) = match failure {
        Failure::Expectation { expected, got } => (expected, got, false),
        Failure::Stack(reason) => ("a stack that works".to_owned(), reason, true),
    };
    FailureReport { place, step, expected, got, is_ours, seed: case.seed, replay: case.replay() }
}
