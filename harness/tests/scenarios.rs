//! Every scenario file is one test: it runs with every client that is usable here.
//!
//! A client that is missing is a test of its own, shown as ignored; with `SPATIALCLOUD_REQUIRE=all` it fails.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use spatialcloud_harness::client::{self, Availability};
use spatialcloud_harness::report::terminal::{Style, failure};
use spatialcloud_harness::runner::{self, Options};
use spatialcloud_harness::{keys, scenario, stack};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    stack::set_program(env!("CARGO_BIN_EXE_spatialcloud"));
    // Clients wait more than they work: for a refused login to be tried again, for a window to open.
    let cores = std::thread::available_parallelism().map_or(2, |cores| cores.get());
    arguments.test_threads = arguments.test_threads.or(Some(3 * cores));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let files = scenario::find(&[folder]).unwrap_or_else(|error| panic!("{error}"));
    let mut trials: Vec<Trial> =
        files.into_iter().map(|file| Trial::test(runner::short_name(&file), move || run(&file))).collect();
    let required = std::env::var("SPATIALCLOUD_REQUIRE").is_ok_and(|value| value == "all");
    for client in client::all() {
        if let Availability::Missing { reason, remedy } = client.availability() {
            let name = format!("{} is missing: {reason}; {remedy}", client.name());
            let trial = Trial::test(name.clone(), move || Err(Failed::from(name.as_str())));
            trials.push(trial.with_ignored_flag(!required));
        }
    }
    let exit = libtest_mimic::run(&arguments, trials).exit_code();
    keys::remove();
    exit
}

fn run(file: &PathBuf) -> Result<(), Failed> {
    let plan = runner::plan(std::slice::from_ref(file), &Options::default())
        .map_err(|error| format!("{}: {error:?}", file.display()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let results = runtime.block_on(runner::run(&plan.cases, 2, |_| {}));
    runtime.shutdown_background();
    let failures: Vec<String> = results
        .iter()
        .filter_map(|result| Some(failure(result, result.failure.as_ref()?, &Style::plain())))
        .collect();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n").into()) }
}
