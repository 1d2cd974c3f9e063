//! Profiles of clients that run here, each held against a fresh recording of the real program.
//!
//! Both do the same in the same situations; the server must see the same requests, and both must say that it worked,
//! or that it did not.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::json;
use spatialcloud_harness::client::profile::record::Visit;
use spatialcloud_harness::client::{self, Availability, Client, Login, Operation};
use spatialcloud_harness::{Stack, keys, trace};

const TARGET: &str = "Spatial/recorded.tif";
const OTHER: &str = "Spatial/other.tif";
const FOLDER: &str = "Spatial/recorded";
/// Long ago: FileZilla sets no time that the stored file has already, which one of this second would have.
const MODIFIED_SECONDS: u32 = 1_577_923_200;

/// It hangs up after a download while its CLOSE may still be on its way, so that the server sees it or not.
const HASTY: &str = "lftp";

/// What is done, and what is there before it.
struct Situation {
    title: &'static str,
    before: &'static [Before],
    /// Of a local file of 300,000 bytes.
    operation: fn(PathBuf) -> Operation,
}

enum Before {
    /// A file of 400,000 bytes.
    File(&'static str),
    Folder(&'static str),
}

use Before::{File, Folder};

const SITUATIONS: &[Situation] = &[
    Situation { title: "a new file", before: &[], operation: |local| upload(local, false) },
    Situation {
        title: "over a longer file",
        before: &[File(TARGET)],
        operation: |local| upload(local, false),
    },
    Situation { title: "times kept", before: &[], operation: |local| upload(local, true) },
    Situation {
        title: "download",
        before: &[File(TARGET)],
        operation: |local| Operation::Download {
            remote: TARGET.to_owned(),
            local: local.with_extension("fetched"),
        },
    },
    Situation {
        title: "list",
        before: &[File(TARGET), Folder(FOLDER)],
        operation: |_| Operation::List { path: "Spatial".to_owned() },
    },
    Situation { title: "rename", before: &[File(TARGET)], operation: |_| rename() },
    Situation { title: "rename over a file", before: &[File(TARGET), File(OTHER)], operation: |_| rename() },
    Situation { title: "remove", before: &[File(TARGET)], operation: |_| remove() },
    Situation { title: "remove what is not there", before: &[], operation: |_| remove() },
    Situation { title: "mkdir", before: &[], operation: |_| mkdir() },
    Situation { title: "mkdir of what is there", before: &[Folder(FOLDER)], operation: |_| mkdir() },
    Situation {
        title: "rmdir",
        before: &[Folder(FOLDER)],
        operation: |_| Operation::RemoveDirectory { path: FOLDER.to_owned() },
    },
    Situation {
        title: "set times",
        before: &[File(TARGET)],
        operation: |_| Operation::SetTimes { path: TARGET.to_owned(), modified: MODIFIED_SECONDS },
    },
];

fn upload(local: PathBuf, keeps_times: bool) -> Operation {
    let mut operation = Operation::upload(local, TARGET);
    if let Operation::Upload { preserve_times, .. } = &mut operation {
        *preserve_times = keeps_times;
    }
    operation
}

fn rename() -> Operation {
    Operation::Rename { from: TARGET.to_owned(), to: OTHER.to_owned() }
}

fn remove() -> Operation {
    Operation::Remove { path: TARGET.to_owned() }
}

fn mkdir() -> Operation {
    Operation::MakeDirectory { path: FOLDER.to_owned() }
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Clients wait more than they work.
    let cores = std::thread::available_parallelism().map_or(2, |cores| cores.get());
    arguments.test_threads = arguments.test_threads.or(Some(3 * cores));
    let required = std::env::var("SPATIALCLOUD_REQUIRE").is_ok_and(|value| value == "all");
    let mut trials = Vec::new();
    for profile in client::all() {
        let Some(real) = profile.stands_for().and_then(client::named) else { continue };
        let is_missing = matches!(real.availability(), Availability::Missing { .. });
        for situation in SITUATIONS {
            let operation = (situation.operation)("file".into());
            if real.can(None, &operation).is_err() {
                continue;
            }
            let wishes = matches!(operation, Operation::Upload { preserve_times: true, .. });
            // What users may ask of an upload is the profile's to say; all else that the client can, it must know.
            if wishes && profile.can(None, &operation).is_err() {
                continue;
            }
            let title = format!("{} against {}: {}", profile.name(), real.name(), situation.title);
            let trial = Trial::test(title, move || compare(profile, real, situation));
            trials.push(trial.with_ignored_flag(is_missing && !required));
        }
    }
    let exit = libtest_mimic::run(&arguments, trials).exit_code();
    keys::remove();
    exit
}

fn compare(
    profile: &'static dyn Client,
    real: &'static dyn Client,
    situation: &Situation,
) -> Result<(), Failed> {
    profile.can(None, &(situation.operation)("file".into()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let [played, recorded] = [profile, real].map(|client| runtime.block_on(seen(client, situation)));
    let (mut played, mut recorded) = (played?, recorded?);
    if real.name() == HASTY && situation.title == "download" {
        for lines in [&mut played, &mut recorded] {
            lines.retain(|line| !line.starts_with("close "));
        }
    }
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

/// The requests of the session that counts, and whether the client says that it worked.
async fn seen(client: &dyn Client, situation: &Situation) -> Result<Vec<String>, Failed> {
    let folder = tempfile::tempdir()?;
    let pair = keys::pair("rsa-2048")?;
    let stack = Stack::in_process()
        .settings(json!({"endpoint": {"record-requests": true}}))
        .site("CITY", &pair.public, ["127.0.0.1"])
        .start()
        .await?;
    let login = |name: &str| -> std::io::Result<Login> {
        let work = folder.path().join(name);
        std::fs::create_dir_all(&work)?;
        Ok(Login::new(stack.sftp(), "CITY", pair.clone(), &work))
    };
    let local = folder.path().join("recorded.tif");
    std::fs::write(&local, vec![1; 400_000])?;
    let built_in = client::named(client::BUILT_IN).ok_or("the built-in client")?;
    for before in situation.before {
        let operation = match before {
            File(path) => Operation::upload(local.clone(), path),
            Folder(path) => Operation::MakeDirectory { path: (*path).to_owned() },
        };
        let outcome = built_in.perform(&login("before")?, &operation).await;
        if !outcome.succeeded {
            return Err(outcome.output.into());
        }
    }
    long_ago(&local)?;
    let before = stack.api().events("").await?.len();
    let operation = (situation.operation)(local);
    let outcome = client.perform(&login("now")?, &operation).await;
    // What it sends last may be seen after it has gone.
    if let Some(session) = stack.api().still_open(Duration::from_secs(10)).await? {
        return Err(format!("connection {session} is open still").into());
    }
    let events = stack.api().events("").await?;
    let is_upload = matches!(operation, Operation::Upload { .. });
    let events = &events[before..];
    let visit = Visit { operation: if is_upload { "upload" } else { "" }, ..Visit::upload(events) };
    let of_session: Vec<_> = visit.session().into_iter().cloned().collect();
    let mut lines: Vec<String> = trace::lines(&of_session).into_iter().map(without_count).collect();
    if lines.is_empty() {
        return Err(outcome.output.into());
    }
    // How often a file or folder is asked for more depends on the answers' timing.
    let word = |line: &str| line.split(' ').next().filter(|word| word.starts_with("read")).map(str::to_owned);
    lines.dedup_by(|next, line| word(next).is_some() && word(next) == word(line));
    let said = if outcome.succeeded { "it says that it worked" } else { "it says that it failed" };
    lines.push(said.to_owned());
    stack.stop().await?;
    Ok(lines)
}

/// The local file, as it is sent.
fn long_ago(local: &Path) -> std::io::Result<()> {
    std::fs::write(local, vec![2; 300_000])?;
    let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(MODIFIED_SECONDS));
    std::fs::File::options().write(true).open(local)?.set_modified(modified)
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
