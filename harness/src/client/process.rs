//! Runs a client program: clean environment, own folder, bounded time, its words captured.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::{Availability, Outcome, Place};

/// No step takes longer than this; a client that hangs is ended and the step has failed.
pub const LONGEST: Duration = Duration::from_secs(600);

/// The folder that `ci/install` fills, and in which clients keep what takes long to make.
pub fn cache() -> Option<PathBuf> {
    let given = std::env::var_os("SPATIALCLOUD_CACHE").map(PathBuf::from);
    given.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/spatialcloud")))
}

/// Runs it to its end with `input` as its standard input.
pub async fn run(mut command: Command, input: &str) -> Outcome {
    let since = Instant::now();
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Outcome::failed(format!("the client could not be started: {error}")),
    };
    if let Some(mut stdin) = child.stdin.take() {
        // A client that ends before it has read everything says why in its own words.
        let _ = stdin.write_all(input.as_bytes()).await;
    }
    let waited = tokio::time::timeout(LONGEST, child.wait_with_output()).await;
    let duration = since.elapsed();
    match waited {
        Err(_) => Outcome { duration, ..Outcome::failed(no_end()) },
        Ok(Err(error)) => Outcome { duration, ..Outcome::failed(error.to_string()) },
        Ok(Ok(output)) => {
            let words = [output.stdout, output.stderr].concat();
            Outcome { duration, ..ended(output.status.code(), &words) }
        }
    }
}

/// What is said of a client that took too long.
pub fn no_end() -> String {
    format!("no end after {} s: the client was ended", LONGEST.as_secs())
}

/// What a program that has ended leaves; no exit code where a signal ended it.
pub fn ended(exit_code: Option<i32>, words: &[u8]) -> Outcome {
    Outcome { succeeded: exit_code == Some(0), exit_code, output: escaped(words), ..Outcome::default() }
}

/// Keeps line ends, shows every other control character.
fn escaped(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .replace("\r\n", "\n")
        .chars()
        .map(|c| if c.is_control() && c != '\n' { c.escape_default().to_string() } else { c.to_string() })
        .collect::<String>()
        .trim_end()
        .to_owned()
}

/// What a program says when asked for its version. Asked once in a process for each place.
pub fn words(
    place: &Place,
    program: &str,
    arguments: &[&str],
    remedy: &'static str,
) -> Result<String, Availability> {
    static SAID: Mutex<BTreeMap<(Place, String), Option<String>>> = Mutex::new(BTreeMap::new());
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    let text = said.entry((place.clone(), program.to_owned())).or_insert_with(|| {
        let asked = place.question(program).args(arguments).stdin(Stdio::null()).output();
        let found = asked.ok().filter(|output| !place.is_missing(output.status.code()));
        found.map(|output| escaped(&[output.stdout, output.stderr].concat()))
    });
    let missing = || Availability::Missing { reason: format!("{program} is not on the path{place}"), remedy };
    text.clone().ok_or_else(missing)
}

/// The first line of that.
pub fn version(place: &Place, program: &str, arguments: &[&str], remedy: &'static str) -> Availability {
    match words(place, program, arguments, remedy) {
        Ok(text) => {
            Availability::Usable { version: text.lines().next().unwrap_or_default().trim().to_owned() }
        }
        Err(missing) => missing,
    }
}

/// Whether a program of that name could be started.
pub fn is_on_path(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}
