//! `run`: runs scenarios with every client and reports what would go wrong.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;
use spatialcloud_harness::client::{self, Availability, Profile};
use spatialcloud_harness::engine::{Engine, EngineError, Image};
use spatialcloud_harness::report::{self, Run, terminal};
use spatialcloud_harness::runner::{self, CaseResult, Options, Plan, PlanError, Warehouse};
use spatialcloud_harness::shard::Shard;
use spatialcloud_harness::stack::Containers;
use spatialcloud_harness::stack::{Attached, Stacks};

use super::report::Wanted;
use super::{ended, fail};
use crate::exit::Exit;

#[derive(Args)]
pub struct Arguments {
    /// Scenario files, or folders of them
    #[arg(value_name = "PATH", default_value = "scenarios")]
    paths: Vec<PathBuf>,
    /// Only these clients
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    client: Option<Vec<String>>,
    /// How many cases run at once
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Seed of every random choice
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Only part I of N parts of the work; without it, what the pipeline says: SHARD_INDEX and SHARD_TOTAL, or the names
    /// that GitLab, Azure DevOps, Kubernetes, CircleCI and Buildkite have for them
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Balance the parts by the durations in this JSON report of an earlier run
    #[arg(long, value_name = "FILE")]
    durations: Option<PathBuf>,
    /// Run each case N times
    #[arg(long, value_name = "N", default_value_t = 1)]
    repeat: usize,
    /// Only cases whose name contains this
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Fail if one of these clients is missing, or any (all)
    #[arg(long, value_name = "all|NAME", value_delimiter = ',')]
    require: Vec<String>,
    /// Play this client profile too; may be given several times
    #[arg(long, value_name = "FILE")]
    profile: Vec<PathBuf>,
    /// Where the stacks come from: in-process, containers, or attach=URL for one that runs already
    #[arg(long, value_name = "STACK", default_value = "in-process", env = "SPATIALCLOUD_STACK")]
    stack: String,
    /// What loads backups: embedded (they are read here), or sql-server (Microsoft's, in a container of this run), or
    /// sql-server=IMAGE for the simulator's own image in its place
    #[arg(long, value_name = "WAREHOUSE", default_value = "embedded")]
    warehouse: String,
    /// Where clients reach the endpoint of an attached stack, if not where it says itself
    #[arg(long, value_name = "HOST:PORT")]
    sftp: Option<String>,
    /// Write a JSON report; - for standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    reports: Wanted,
}

pub async fn perform(arguments: Arguments) -> Exit {
    for path in &arguments.profile {
        if let Err(message) = add_profile(path) {
            eprintln!("{message}");
            return Exit::BadScenario;
        }
    }
    if let Err(message) = check_names(&arguments) {
        return fail(Exit::WrongUse, message);
    }
    let durations = match arguments.durations.as_deref().map(durations).transpose() {
        Ok(durations) => durations.unwrap_or_default(),
        Err(message) => return fail(Exit::WrongUse, message),
    };
    let shard = match arguments.shard.map_or_else(Shard::from_environment, |shard| Ok(Some(shard))) {
        Ok(shard) => shard,
        Err(message) => return fail(Exit::WrongUse, message),
    };
    if arguments.shard.is_none()
        && let Some(shard) = shard
    {
        eprintln!("part {shard} of the work, as this pipeline's variables say");
    }
    let found = tokio::select! {
        found = stacks(&arguments) => found,
        () = ended() => return Exit::Interrupted,
    };
    let stacks = match found {
        Ok(stacks) => stacks,
        Err((exit, message)) => return fail(exit, message),
    };
    // Ctrl-C ends it too: what was started is dropped on the way out, and with it its container.
    let warehouse = tokio::select! {
        warehouse = warehouse(&arguments) => warehouse,
        () = ended() => Err((Exit::Interrupted, "interrupted".to_owned())),
    };
    let warehouse = match warehouse {
        Ok(warehouse) => warehouse,
        Err((exit, message)) => return fail(exit, message),
    };
    let options = Options {
        stacks,
        warehouse,
        durations,
        clients: arguments.client.clone(),
        filter: arguments.filter.clone(),
        seed: arguments.seed,
        shard,
        repeat: arguments.repeat,
    };
    // Whatever ends the run, what it has started is taken away.
    let exit = tokio::select! {
        exit = planned(&arguments, &options) => exit,
        () = ended() => Exit::Interrupted,
    };
    let gone = options.stacks.end().await;
    // Cases that were interrupted may not have let go of it yet.
    if let Some(warehouse) = &options.warehouse {
        warehouse.stop().await;
    }
    if let Err(error) = gone {
        return fail(Exit::NoStack, error);
    }
    if exit == Exit::Interrupted {
        eprintln!("interrupted: what was running has been ended and cleaned up");
    }
    exit
}

/// Makes the plan, and runs it.
async fn planned(arguments: &Arguments, options: &Options) -> Exit {
    let plan = match runner::plan(&arguments.paths, options) {
        Ok(plan) => plan,
        Err(PlanError::Paths(error)) => return fail(Exit::WrongUse, error),
        Err(PlanError::Files(mistakes)) => {
            for mistake in &mistakes {
                eprintln!("{}\n", mistake.render(super::error_style().is_coloured()));
            }
            return fail(
                Exit::BadScenario,
                format!("{} scenario files cannot be used; nothing was run", mistakes.len()),
            );
        }
    };
    let missing = missing(&plan, &arguments.require);
    if !missing.is_empty() {
        return fail(Exit::Missing, format!("--require: {}", missing.join("; ")));
    }
    if plan.cases.is_empty() && plan.skips.is_empty() {
        return fail(Exit::WrongUse, "no scenario matches; see --filter and --client");
    }
    run(arguments, &plan).await
}

/// The SQL Server that `--warehouse` asks for, started.
async fn warehouse(arguments: &Arguments) -> Result<Option<Arc<Warehouse>>, (Exit, String)> {
    let image = match (arguments.warehouse.as_str(), arguments.warehouse.split_once('=')) {
        ("embedded", None) => return Ok(None),
        _ if arguments.stack != "in-process" => {
            let told = "--warehouse is for stacks of this run in this process: an attached one has its own, and from a container none can be reached yet";
            return Err((Exit::WrongUse, told.to_owned()));
        }
        ("sql-server", None) => Image::microsoft(),
        (_, Some(("sql-server", image))) if !image.is_empty() => Image::stand_in(image),
        (other, _) => {
            let told = format!("--warehouse {other:?}: expected embedded, sql-server or sql-server=IMAGE");
            return Err((Exit::WrongUse, told));
        }
    };
    match Engine::start(image, &mut |words| eprintln!("{words}")).await {
        Ok(engine) => Ok(Some(Arc::new(Warehouse::new(engine)))),
        Err(error @ EngineError::Licence { .. }) => Err((Exit::WrongUse, error.to_string())),
        Err(error) => Err((Exit::NoStack, error.to_string())),
    }
}

/// The stacks that `--stack` names.
async fn stacks(arguments: &Arguments) -> Result<Stacks, (Exit, String)> {
    let wrong = |message: &str| Err((Exit::WrongUse, message.to_owned()));
    match (arguments.stack.as_str(), arguments.stack.split_once('=')) {
        (_, Some(("attach", url))) => {
            let found = Attached::find(url, None, arguments.sftp.as_deref()).await;
            let attached = found.map_err(|error| (Exit::NoStack, error.to_string()))?;
            Ok(Stacks::Attached(Arc::new(attached)))
        }
        (_, _) if arguments.sftp.is_some() => wrong("--sftp is for --stack attach=URL"),
        ("in-process", None) => Ok(Stacks::InProcess),
        ("containers", None) => {
            let containers = Containers::start().await.map_err(|error| (Exit::NoStack, error.to_string()))?;
            Ok(Stacks::Containers(containers))
        }
        (other, _) => wrong(&format!("--stack {other:?}: expected in-process, containers or attach=URL")),
    }
}

fn add_profile(path: &Path) -> Result<(), String> {
    // What is wrong inside the file brings its own heading, line and caret.
    let failed = |error: &dyn std::fmt::Display| format!("error: {}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
    client::add(Profile::read(path, &text)?).map_err(|error| failed(&error))
}

/// How long each case took in an earlier run, in milliseconds.
fn durations(path: &Path) -> Result<BTreeMap<String, u64>, String> {
    let run = super::report::read(path)?;
    let cases = run["cases"].as_array().map(Vec::as_slice).unwrap_or_default();
    let duration = |case: &Value| Some((case["name"].as_str()?.to_owned(), case["duration_ms"].as_u64()?));
    Ok(cases.iter().filter_map(duration).collect())
}

/// Client names on the command line must be names of clients.
fn check_names(arguments: &Arguments) -> Result<(), String> {
    let known = client::names();
    let given =
        arguments.client.iter().flatten().chain(arguments.require.iter().filter(|name| *name != "all"));
    for name in given {
        if !known.contains(&name.as_str()) {
            return Err(format!("no client {name:?}: known are {}", known.join(", ")));
        }
    }
    Ok(())
}

/// Required clients that are missing, each with the reason and the remedy.
fn missing(plan: &Plan, required: &[String]) -> Vec<String> {
    let is_required = |name: &str| required.iter().any(|required| required == "all" || required == name);
    plan.clients
        .iter()
        .filter(|(client, _)| is_required(client.name()))
        .filter_map(|(client, found)| match found {
            Availability::Missing { reason, remedy } => {
                let name = client.name();
                Some(format!("{name} is missing: {reason}; {remedy}"))
            }
            Availability::Usable { .. } => None,
        })
        .collect()
}

async fn run(arguments: &Arguments, plan: &Plan) -> Exit {
    let since = Instant::now();
    let is_piped_json = arguments.json.as_deref() == Some(Path::new("-"));
    let style = super::style();
    // With JSON on standard output, people read on standard error.
    let tell = |text: &str| if is_piped_json { eprint!("{text}") } else { print!("{text}") };
    tell(&format!("{}\n", terminal::heading(plan, style)));
    let bar = progress(plan.cases.len());
    let mut open = Groups::of(plan);
    let jobs = arguments.jobs.unwrap_or_else(default_jobs);
    let results = runner::run(&plan.cases, jobs, |result| {
        if let Some(finished) = open.add(result) {
            let finished: Vec<&CaseResult> = finished.iter().collect();
            bar.suspend(|| tell(&terminal::scenario(&finished, style)));
        }
        bar.inc(1);
    })
    .await;
    bar.finish_and_clear();
    let run = Run { plan, results: &results, duration: since.elapsed() };
    tell(&terminal::summary(&run, style));
    if let Err(message) = write_reports(arguments, &run) {
        return fail(Exit::WrongUse, message);
    }
    match run.failed() {
        0 => Exit::Passed,
        _ => Exit::Failed,
    }
}

/// Cases mostly wait: for a client to start, or to try again. Three for each processor keep it busy.
fn default_jobs() -> usize {
    std::thread::available_parallelism().map_or(6, |cores| 3 * cores.get())
}

fn progress(cases: usize) -> ProgressBar {
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(cases as u64), target);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed}") {
        bar.set_style(style);
    }
    bar
}

/// Collects the cases of a scenario until all of them are there, so that they are told together.
struct Groups {
    left: BTreeMap<String, usize>,
    finished: BTreeMap<String, Vec<CaseResult>>,
}

impl Groups {
    fn of(plan: &Plan) -> Groups {
        let mut left = BTreeMap::new();
        for case in &plan.cases {
            *left.entry(case.scenario_name.clone()).or_insert(0) += 1;
        }
        Groups { left, finished: BTreeMap::new() }
    }

    fn add(&mut self, result: &CaseResult) -> Option<Vec<CaseResult>> {
        let name = &result.case.scenario_name;
        self.finished.entry(name.clone()).or_default().push(result.clone());
        let left = self.left.get_mut(name)?;
        *left -= 1;
        if *left > 0 {
            return None;
        }
        let mut finished = self.finished.remove(name)?;
        let order =
            |result: &CaseResult| client::names().iter().position(|name| *name == result.case.client.name());
        finished.sort_by_key(|result| (result.case.scenario.row.clone(), order(result)));
        Some(finished)
    }
}

fn write_reports(arguments: &Arguments, run: &Run<'_>) -> Result<(), String> {
    let report = report::json::report(run);
    arguments.reports.write(&report)?;
    match &arguments.json {
        None => Ok(()),
        Some(path) if path == Path::new("-") => {
            println!("{report}");
            Ok(())
        }
        Some(path) => super::report::write(path, &format!("{report:#}\n")),
    }
}
