//! The live page in a real browser: Chromium, driven by Selenium from the Python files beside this one.
//!
//! A browser that is missing is a test shown as ignored, with the reason; with `SPATIALCLOUD_REQUIRE=all` it fails.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};

/// One browser serves all tests of a file.
const FILES: &[(&str, &str)] = &[
    ("what others do is shown", "test_watching.py"),
    ("what can be done is done", "test_doing.py"),
    ("everybody can use it, on every screen", "test_everybody.py"),
];

/// Longest time for a file: a browser that hangs must not hang the tests.
const LONGEST_SECONDS: &str = "300";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let required = std::env::var("SPATIALCLOUD_REQUIRE").is_ok_and(|value| value == "all");
    let missing = missing();
    let trials = FILES.iter().map(|(title, file)| match missing.clone() {
        None => Trial::test(*title, || judged(file)),
        Some(reason) => {
            let title = format!("{title} (not run here: {reason})");
            Trial::test(title, move || Err(reason.into())).with_ignored_flag(!required)
        }
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// The Python that `ci/install` makes.
fn python() -> PathBuf {
    let given = std::env::var_os("SPATIALCLOUD_CACHE").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache/spatialcloud"));
    given.or_else(home).unwrap_or_default().join("venv-page/bin/python")
}

/// What is not here, and how to get it.
fn missing() -> Option<String> {
    let answers = |command: &mut Command| {
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let needed = [
        ("chromium", answers(Command::new("chromium").arg("--version"))),
        ("chromedriver", answers(Command::new("chromedriver").arg("--version"))),
        (
            "selenium and axe",
            answers(Command::new(python()).args(["-c", "import selenium, axe_core_python"])),
        ),
    ];
    let absent: Vec<&str> = needed.iter().filter(|(_, is_here)| !is_here).map(|(name, _)| *name).collect();
    (!absent.is_empty()).then(|| format!("no {}; ci/install gets it", absent.join(", ")))
}

fn judged(file: &str) -> Result<(), Failed> {
    let folder = tempfile::Builder::new().prefix("spatialcloud-page-").tempdir()?;
    let output = Command::new("timeout")
        .args(["-k", "5", LONGEST_SECONDS])
        .arg(python())
        .args(["-B", "-W", "ignore", "-m", "pytest", "--quiet", "--tb=short", "-p", "no:cacheprovider"])
        // The plugin of another tool in the same environment.
        .args(["-p", "no:schemathesis", "--basetemp"])
        .arg(folder.path().join("tests"))
        .arg(file)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/page"))
        .env("SPATIALCLOUD", env!("CARGO_BIN_EXE_spatialcloud"))
        // The browser writes into it; whose it is does not matter.
        .env("HOME", folder.path())
        .stdin(Stdio::null())
        .output()?;
    match output.status.code() {
        Some(0) => Ok(()),
        code => {
            let words = [output.stdout, output.stderr].concat();
            Err(format!("pytest: exit {code:?}\n{}", String::from_utf8_lossy(&words)).into())
        }
    }
}
