//! Runs one case from its first step to its report.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use serde_json::json;

use super::{Case, CaseResult, FailureReport, prepare};
use crate::scenario::node::Node;
use crate::stack::Stack;
use crate::step::{self, Failure, Names, World};

/// Where clients connect from unless a step says otherwise.
const CLIENT_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Runs the case. Whatever goes wrong is in the result; nothing of it is left behind.
pub async fn perform(case: Case) -> CaseResult {
    let since = Instant::now();
    let result =
        |story, failure| CaseResult { case: case.clone(), story, duration: since.elapsed(), failure };
    let mut world = match world(&case).await {
        Ok(world) => world,
        Err(reason) => {
            let place = case.path.display().to_string();
            return result(
                Vec::new(),
                Some(report(&case, place, String::new(), Failure::Stack(reason), None).await),
            );
        }
    };
    let names = Names {
        files: case.scenario.files.keys().cloned().collect(),
        sites: case.scenario.sites.keys().cloned().collect(),
    };
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
    let failure = match failed {
        None => None,
        Some((node, failure)) => {
            let place = case.scenario.source.line(&node.place);
            let step = case.scenario.source.excerpt(&node.place).to_owned();
            Some(report(&case, place, step, failure, Some(&world)).await)
        }
    };
    let story = std::mem::take(&mut world.story);
    if let Some(held) = world.held.take() {
        held.cut().await;
    }
    let stopped = world.stack.stop().await;
    match (failure, stopped) {
        (None, Err(error)) => {
            let place = case.path.display().to_string();
            let failure = report(&case, place, "stop".to_owned(), error.into(), None).await;
            result(story, Some(failure))
        }
        (failure, _) => result(story, failure),
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
    let folder =
        tempfile::Builder::new().prefix("spatialcloud-case-").tempdir().map_err(|error| error.to_string())?;
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
    let mut builder = Stack::in_process().settings(settings);
    for (code, _) in case.scenario.sites.iter().filter(|(_, spec)| spec.provisioned) {
        builder = builder.site(code, &sites.keys[code].public, sites.from[code].iter().cloned());
    }
    let stack = builder.start().await.map_err(|error| error.to_string())?;
    Ok(World {
        stack,
        client: case.client,
        address: CLIENT_ADDRESS,
        login: None,
        outcome: None,
        files,
        keys: sites.keys,
        from: sites.from,
        captures: BTreeMap::new(),
        held: None,
        work,
        story,
        _folder: folder,
    })
}

async fn report(
    case: &Case,
    place: String,
    step: String,
    failure: Failure,
    world: Option<&World>,
) -> FailureReport {
    let (expected, got, is_ours) = match failure {
        Failure::Expectation { expected, got } => (expected, got, false),
        Failure::Stack(reason) => ("a stack that works".to_owned(), reason, true),
    };
    let events = match world {
        Some(world) => world.stack.api().events("").await.unwrap_or_default(),
        None => Vec::new(),
    };
    let client_output = world
        .and_then(|world| world.outcome.as_ref())
        .map(|outcome| outcome.output.clone())
        .unwrap_or_default();
    FailureReport {
        place,
        step,
        expected,
        got,
        is_ours,
        client_output,
        events,
        seed: case.seed,
        replay: case.replay(),
    }
}
