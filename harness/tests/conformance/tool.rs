//! Other people's programs: where they are, and running them to their end.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use libtest_mimic::Failed;

/// The folder that `ci/install` fills.
pub fn cache() -> PathBuf {
    let given = std::env::var_os("SPATIALCLOUD_CACHE").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache/spatialcloud"));
    given.or_else(home).unwrap_or_default()
}

/// The first of these places in which something is.
pub fn found(places: impl IntoIterator<Item = PathBuf>) -> Option<PathBuf> {
    places.into_iter().find(|place| place.exists())
}

/// A program that `ci/install` built, or that is on the path.
pub fn program(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&folders).map(|folder| folder.join(name)).collect::<Vec<_>>();
    found([cache().join("tools/bin").join(name)].into_iter().chain(on_path))
}

/// What is not here of these programs, with the remedy.
pub fn missing(programs: &[&str]) -> Option<String> {
    let absent: Vec<&str> = programs.iter().copied().filter(|name| program(name).is_none()).collect();
    (!absent.is_empty()).then(|| format!("no {}; ci/install gets it", absent.join(", ")))
}

/// A Python that has the library, and the library's source, which its tests come with; or what is not here.
pub fn python(library: &str) -> Result<(PathBuf, PathBuf), String> {
    let python = cache().join("venv/bin/python");
    let source = cache().join(format!("{library}-source"));
    if python.exists() && source.join("tests/test_sftp.py").exists() {
        return Ok((python, source));
    }
    Err(format!("no {library} with its tests; ci/install gets it"))
}

/// How a program ended, and its words.
pub struct Ended {
    pub code: Option<i32>,
    pub words: String,
}

/// A command that is ended when it has not come to its end by itself after so many seconds.
pub fn bounded(seconds: u32, program: impl AsRef<Path>) -> Command {
    let mut command = Command::new("timeout");
    command.args(["-k", "5", &seconds.to_string()]).arg(program.as_ref()).stdin(Stdio::null());
    command
}

/// Runs it; its two outputs are one text, the errors last.
pub fn run(mut command: Command) -> Result<Ended, Failed> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let words = [output.stdout, output.stderr].concat();
    Ok(Ended { code: output.status.code(), words: String::from_utf8_lossy(&words).into_owned() })
}

/// The same, where any other end than success is a failure.
pub fn succeeded(command: Command) -> Result<String, Failed> {
    let shown = format!("{command:?}");
    match run(command)? {
        Ended { code: Some(0), words } => Ok(words),
        Ended { code, words } => Err(format!("{shown}: exit {code:?}\n{words}").into()),
    }
}
