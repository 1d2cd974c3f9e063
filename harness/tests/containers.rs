//! Stacks in containers: the scenarios that a network makes real pass there, and nothing is left on the engine however
//! a run ends.
//!
//! Without an engine or the images all of it is shown as ignored; with `SPATIALCLOUD_REQUIRE=all` a machine that has
//! an engine must have the images too.

use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use spatialcloud_harness::report::terminal::{Style, failure};
use spatialcloud_harness::runner::{self, Options, SkipKind};
use spatialcloud_harness::stack::{Containers, Stacks};
use spatialcloud_harness::{Stack, keys};
use tokio::runtime::Runtime;

type Check = fn() -> Result<(), Failed>;

const CHECKS: &[(&str, Check)] = &[
    ("what a network makes real passes with every client of the image", core_scenarios),
    ("a run that passes leaves nothing", passed),
    ("a run that fails leaves nothing", failed),
    ("a run that is interrupted leaves nothing", || signalled("INT")),
    ("a run that is terminated leaves nothing", || signalled("TERM")),
    ("what a killed run leaves goes with the next one", killed),
    ("a panic leaves nothing", panicked),
];

/// Scenarios that a network makes real: who comes from where, silence, bad lines, a stack that is killed;
/// and the everyday ones.
const CORE: &[&str] = &[
    "access/another-sites-address",
    "access/blackhole",
    "access/several-addresses",
    "access/sha1-allowed",
    "access/unlisted-address",
    "files/everyday",
    "movers/every-five-minutes",
    "network/bad-lines",
    "network/partition",
    "network/reset",
    "nightly/backup-is-loaded",
    "session/killed",
    "session/restart",
    "session/together",
    "upload/sizes",
];
/// Clients that must have taken part.
const CLIENTS: &[&str] = &[
    "openssh", "scp", "putty", "pscp", "lftp", "rclone", "curl", "libcurl", "paramiko", "pysftp", "asyncssh",
];
/// Longest wait for a run to begin or end.
const LONGEST: Duration = Duration::from_secs(120);

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // They count what is on the engine.
    arguments.test_threads = Some(1);
    let required = std::env::var("SPATIALCLOUD_REQUIRE").is_ok_and(|value| value == "all");
    let has_engine = succeeds(&["version"]);
    let has_images = ["simulator", "clients"].iter().all(|name| {
        succeeds(&["image", "inspect", &format!("spatialcloud-{name}:{}", env!("CARGO_PKG_VERSION"))])
    });
    let (note, ignored) = match (has_engine, has_images) {
        (false, _) => (" (not run here: no container engine answers)", true),
        (true, false) => (" (not run here: docker/build has not made the images)", !required),
        (true, true) => ("", false),
    };
    let trials = CHECKS
        .iter()
        .map(|(name, check)| Trial::test(format!("{name}{note}"), *check).with_ignored_flag(ignored))
        .collect();
    let exit = libtest_mimic::run(&arguments, trials).exit_code();
    keys::remove();
    exit
}

fn succeeds(arguments: &[&str]) -> bool {
    let mut command = Command::new("docker");
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn scenario(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../scenarios").join(format!("{name}.yaml"))
}

/// Containers and networks on the engine that a process has started, by its number.
fn left_by(process: u32) -> Result<usize, Failed> {
    let mut left = 0;
    for of in [&["ps", "--all"][..], &["network", "ls"]] {
        let listed = Command::new("docker")
            .args(of)
            .args(["--filter", "label=spatialcloud.run", "--format", "{{.Label \"spatialcloud.owner\"}}"])
            .output()?;
        let text = String::from_utf8_lossy(&listed.stdout).into_owned();
        left += text.lines().filter(|owner| owner.split(' ').nth(1) == Some(&process.to_string())).count();
    }
    Ok(left)
}

fn must_have_left_nothing(process: u32) -> Result<(), Failed> {
    match left_by(process)? {
        0 => Ok(()),
        left => Err(format!("{left} containers and networks are left").into()),
    }
}

fn core_scenarios() -> Result<(), Failed> {
    let runtime = Runtime::new()?;
    let (plan, results) = runtime.block_on(async {
        let stacks = Stacks::Containers(Containers::start().await?);
        let files: Vec<PathBuf> = CORE.iter().map(|name| scenario(name)).collect();
        let clients = CLIENTS.iter().chain(&["built-in"]).map(|name| (*name).to_owned()).collect();
        let options =
            Options { clients: Some(clients), stacks: stacks.clone(), repeat: 1, ..Options::default() };
        let plan = runner::plan(&files, &options).map_err(|error| format!("{error:?}"))?;
        let results = runner::run(&plan.cases, 4, |_| {}).await;
        stacks.end().await?;
        Ok::<_, Failed>((plan, results))
    })?;
    for client in CLIENTS {
        if !plan.cases.iter().any(|case| case.client.name() == *client) {
            return Err(format!("{client} has taken part in nothing").into());
        }
    }
    let not_there = "it comes from several addresses, and our own client runs on one machine";
    if !plan.skips.iter().any(|skip| skip.kind == SkipKind::Stack && skip.reason == not_there) {
        return Err("what our own client cannot do there is not said".into());
    }
    let failures: Vec<String> = results
        .iter()
        .filter_map(|result| Some(failure(result, result.failure.as_ref()?, &Style::plain())))
        .collect();
    if !failures.is_empty() {
        return Err(failures.join("\n").into());
    }
    must_have_left_nothing(std::process::id())
}

/// A run of the program; `scenario` with the built-in client.
fn start(scenario: &std::path::Path) -> Result<Child, Failed> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spatialcloud"));
    command.args(["run", "--stack", "containers", "--client", "built-in"]).arg(scenario);
    Ok(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?)
}

fn ended(run: Child, exit_code: i32) -> Result<(), Failed> {
    let output = run.wait_with_output()?;
    match output.status.code() {
        Some(code) if code == exit_code => Ok(()),
        other => Err(format!("exit {other:?}: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

fn passed() -> Result<(), Failed> {
    let run = start(&scenario("movers/every-five-minutes"))?;
    let process = run.id();
    ended(run, 0)?;
    must_have_left_nothing(process)
}

fn failed() -> Result<(), Failed> {
    let mut file = tempfile::Builder::new().suffix(".yaml").tempfile()?;
    let text = "title: a file that nobody has sent is there\nsites:\n  CITY: { key: rsa-2048 }\nsteps:\n  - expect: { cloud: CITY/Spatial/a.tif }\n";
    std::io::Write::write_all(&mut file, text.as_bytes())?;
    let run = start(file.path())?;
    let process = run.id();
    ended(run, 4)?;
    must_have_left_nothing(process)
}

/// A run that goes on for long, once its network, a client and a stack are up.
fn in_the_middle() -> Result<Child, Failed> {
    let run = start(&scenario("clients/idle-session").with_file_name(""))?;
    let ends = Instant::now() + LONGEST;
    while left_by(run.id())? < 3 {
        if Instant::now() > ends {
            return Err("the run has not begun".into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(run)
}

fn signal(name: &str, process: u32) -> Result<(), Failed> {
    let sent = Command::new("kill").args([format!("-{name}"), process.to_string()]).status()?;
    if sent.success() { Ok(()) } else { Err(format!("SIG{name} could not be sent").into()) }
}

fn signalled(name: &str) -> Result<(), Failed> {
    let run = in_the_middle()?;
    let process = run.id();
    signal(name, process)?;
    ended(run, 130)?;
    must_have_left_nothing(process)
}

fn killed() -> Result<(), Failed> {
    let mut run = in_the_middle()?;
    signal("KILL", run.id())?;
    run.wait()?;
    if left_by(run.id())? == 0 {
        return Err("the killed run has left nothing: this shows nothing".into());
    }
    ended(start(&scenario("movers/every-five-minutes"))?, 0)?;
    must_have_left_nothing(run.id())
}

fn panicked() -> Result<(), Failed> {
    let thread = std::thread::spawn(|| {
        let runtime = Runtime::new().unwrap_or_else(|error| panic!("{error}"));
        runtime.block_on(async {
            let started = Stack::containers().start().await;
            let stack = started.unwrap_or_else(|error| panic!("no stack: {error}"));
            panic!("in the middle, at {}", stack.sftp().host);
        })
    });
    let panic = thread.join().err().ok_or("it did not panic")?;
    let words = panic.downcast_ref::<String>().cloned().unwrap_or_default();
    if !words.starts_with("in the middle") {
        return Err(words.into());
    }
    must_have_left_nothing(std::process::id())
}
