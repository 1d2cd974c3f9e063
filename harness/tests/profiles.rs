//! Profiles of clients that run here, each held against a fresh recording of the real program.
//!
//! Both upload the same file in the same situations, and the server must see the same requests.

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::json;
use spatialcloud_harness::client::{self, Availability, Client, Login, Operation};
use spatialcloud_harness::{Stack, keys, trace};

/// What differs between the situations: an older, longer file of that name; the wish to keep the file's time.
const SITUATIONS: &[(&str, bool, bool)] =
    &[("a new file", false, false), ("over a longer file", true, false), ("times kept", false, true)];
const TARGET: &str = "Spatial/recorded.tif";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let required = std::env::var("SPATIALCLOUD_REQUIRE").is_ok_and(|value| value == "all");
    let mut trials = Vec::new();
    for profile in client::all() {
        let Some(real) = profile.stands_for().and_then(client::named) else { continue };
        let is_missing = matches!(real.availability(), Availability::Missing { .. });
        for (what, is_over, keeps_times) in SITUATIONS {
            let upload = operation("file".into(), *keeps_times);
            if profile.can(None, &upload).is_err() || real.can(None, &upload).is_err() {
                continue;
            }
            let title = format!("{} against {}: {what}", profile.name(), real.name());
            let trial = Trial::test(title, move || compare(profile, real, *is_over, *keeps_times));
            trials.push(trial.with_ignored_flag(is_missing && !required));
        }
    }
    let exit = libtest_mimic::run(&arguments, trials).exit_code();
    keys::remove();
    exit
}

fn operation(local: std::path::PathBuf, keeps_times: bool) -> Operation {
    let mut operation = Operation::upload(local, TARGET);
    if let Operation::Upload { preserve_times, .. } = &mut operation {
        *preserve_times = keeps_times;
    }
    operation
}

fn compare(
    profile: &'static dyn Client,
    real: &'static dyn Client,
    is_over: bool,
    keeps_times: bool,
) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let [played, recorded] =
        [profile, real].map(|client| runtime.block_on(seen(client, is_over, keeps_times)));
    let (played, recorded) = (played?, recorded?);
    if played == recorded {
        return Ok(());
    }
    Err(format!(
        "expected what {} asked:\n  {}\ngot what its profile asked:\n  {}\nRecord it anew: spatialcloud record harness/profiles/NAME.yaml --client {}",
        real.name(),
        recorded.join("\n  "),
        played.join("\n  "),
        real.name()
    )
    .into())
}

/// The requests of the session in which the client uploaded.
async fn seen(client: &dyn Client, is_over: bool, keeps_times: bool) -> Result<Vec<String>, Failed> {
    let folder = tempfile::tempdir()?;
    let pair = keys::pair("rsa-2048")?;
    let stack = Stack::in_process()
        .settings(json!({"endpoint": {"record-requests": true}}))
        .site("CITY", &pair.public, ["127.0.0.1"])
        .start()
        .await?;
    let login = |name: &str| -> std::io::Result<Login> {
        let work = folder.path().join(name);
        std::fs::create_dir(&work)?;
        Ok(Login::new(stack.sftp(), "CITY", pair.clone(), &work))
    };
    let local = folder.path().join("recorded.tif");
    if is_over {
        std::fs::write(&local, vec![1; 400_000])?;
        let built_in = client::named(client::BUILT_IN).ok_or("the built-in client")?;
        let outcome = built_in.perform(&login("before")?, &operation(local.clone(), false)).await;
        if !outcome.succeeded {
            return Err(outcome.output.into());
        }
    }
    std::fs::write(&local, vec![2; 300_000])?;
    // Long ago: FileZilla sets no time that the stored file has already, which one of this second would have.
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_577_923_200);
    std::fs::File::options().write(true).open(&local)?.set_modified(long_ago)?;
    let before = stack.api().events("").await?.len();
    // A refused time may fail it: what counts is what was asked.
    let outcome = client.perform(&login("now")?, &operation(local, keeps_times)).await;
    let events = stack.api().events("").await?;
    let events = &events[before..];
    let session = events
        .iter()
        .find(|event| event["operation"] == "open" && event["event"] == "request.received")
        .map(|event| event["session"].clone());
    let Some(session) = session else { return Err(outcome.output.into()) };
    let of_session: Vec<_> = events.iter().filter(|event| event["session"] == session).cloned().collect();
    let mut lines: Vec<String> = trace::lines(&of_session).into_iter().map(without_count).collect();
    // How often a folder is asked for more depends on the answers' timing.
    lines.dedup_by(|next, line| next == line && line.starts_with("readdir"));
    stack.stop().await?;
    Ok(lines)
}

/// `write PATH 3 x 32768`: how many there are follows from the size.
fn without_count(line: String) -> String {
    match line.strip_prefix("write ").and_then(|rest| rest.rsplit_once(' ')) {
        Some((rest, size_bytes)) => {
            let path = rest.trim_end_matches(" x").rsplit_once(' ').map_or(rest, |(path, _)| path);
            format!("write {path} {size_bytes}")
        }
        None => line,
    }
}
