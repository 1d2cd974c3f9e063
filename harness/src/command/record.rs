//! `record`: writes what a client asks of the server as a profile, for a client that cannot run everywhere.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::Args;
use serde_json::{Value, json};
use spatialcloud_harness::Stack;
use spatialcloud_harness::client::profile::record::{self, Naming, Visit};
use spatialcloud_harness::client::{self, Availability, Login, Operation};

use super::{fail, up};
use crate::exit::Exit;

/// How long one request waits for the next session to end; it is asked again until interrupted.
const WAIT: Duration = Duration::from_secs(60);
/// Long enough for every way of uploading large files.
const SIZE_BYTES: usize = 300_000;
/// When the recorded file was last changed: 2020-01-02T00:00:00Z.
const MODIFIED_SECONDS: u32 = 1_577_923_200;

#[derive(Args)]
pub struct Arguments {
    /// Where the profile is written
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Drive this client; without it, upload a file yourself with whatever you want recorded
    #[arg(long, value_name = "NAME")]
    client: Option<String>,
    /// Ask the client to keep the file's time
    #[arg(long, requires = "client")]
    preserve_times: bool,
    /// Name of the profile; absent: the file's
    #[arg(long)]
    name: Option<String>,
    /// Version of the client; absent: as in its banner
    #[arg(long = "client-version")]
    version: Option<String>,
    /// Where SFTP listens for your upload
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:2222")]
    listen: SocketAddr,
}

pub async fn perform(arguments: Arguments) -> Exit {
    let listen =
        if arguments.client.is_some() { "127.0.0.1:0".to_owned() } else { arguments.listen.to_string() };
    let settings = json!({"endpoint": {"listen": listen, "record-requests": true}});
    let stack = match Stack::in_process().settings(settings).start().await {
        Ok(stack) => stack,
        Err(error) => return fail(Exit::NoStack, error),
    };
    let demo = match up::demo(&stack).await {
        Ok(demo) => demo,
        Err(message) => return fail(Exit::NoStack, message),
    };
    let text = match &arguments.client {
        Some(name) => driven(&stack, &demo, name, &arguments).await,
        None => by_hand(&stack, &demo, &arguments).await,
    };
    let exit = text.map_or_else(|exit| exit, |text| written(&text, &arguments));
    match stack.stop().await {
        Ok(()) => exit,
        Err(error) => fail(Exit::NoStack, error),
    }
}

/// What a driven client does, one visit each: section of the profile, path, other path, operation.
fn operations(
    local: &Path,
    preserve_times: bool,
) -> Vec<(&'static str, &'static str, &'static str, Operation)> {
    const FILE: &str = "Spatial/recorded.tif";
    const RENAMED: &str = "Spatial/renamed.tif";
    const FOLDER: &str = "Spatial/recorded";
    let mut upload = Operation::upload(local.to_owned(), FILE);
    if let Operation::Upload { preserve_times: preserve, .. } = &mut upload {
        *preserve = preserve_times;
    }
    let fetched = local.with_added_extension("fetched");
    let folder = || FOLDER.to_owned();
    vec![
        ("upload", FILE, "", upload),
        ("download", FILE, "", Operation::Download { remote: FILE.to_owned(), local: fetched }),
        ("list", "Spatial", "", Operation::List { path: "Spatial".to_owned() }),
        ("set-times", FILE, "", Operation::SetTimes { path: FILE.to_owned(), modified: MODIFIED_SECONDS }),
        ("rename", FILE, RENAMED, Operation::Rename { from: FILE.to_owned(), to: RENAMED.to_owned() }),
        ("remove", RENAMED, "", Operation::Remove { path: RENAMED.to_owned() }),
        ("mkdir", FOLDER, "", Operation::MakeDirectory { path: folder() }),
        ("rmdir", FOLDER, "", Operation::RemoveDirectory { path: folder() }),
    ]
}

/// The profile of a client that is driven through everything it can do.
async fn driven(stack: &Stack, demo: &up::Demo, name: &str, arguments: &Arguments) -> Result<String, Exit> {
    let Some(client) = client::named(name) else {
        let known = client::names().join(", ");
        return Err(fail(Exit::WrongUse, format!("no client {name:?}: known are {known}")));
    };
    if let Availability::Missing { reason, remedy } = client.availability() {
        return Err(fail(Exit::Missing, format!("{name} is missing: {reason}; {remedy}")));
    }
    let work = stack.data().join("record");
    let local = work.join("recorded.tif");
    // FileZilla sets no time that the stored file has already, which one of this second would have.
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(MODIFIED_SECONDS));
    let made = std::fs::create_dir_all(&work)
        .and_then(|()| std::fs::write(&local, vec![7; SIZE_BYTES]))
        .and_then(|()| std::fs::File::options().write(true).open(&local)?.set_modified(long_ago));
    made.map_err(|error| fail(Exit::NoStack, format!("{}: {error}", local.display())))?;
    let login = Login::new(stack.sftp(), up::DEMO, demo.pair.clone(), &work);
    let mut seen = Vec::new();
    let mut last = 0;
    for (section, path, to, operation) in operations(&local, arguments.preserve_times) {
        match client.can(Some(&login), &operation) {
            Err(reason) if section == "upload" => {
                return Err(fail(Exit::WrongUse, format!("{name}: {reason}")));
            }
            Err(reason) => {
                eprintln!("no {section}: {reason}");
                continue;
            }
            Ok(()) => {}
        }
        let outcome = client.perform(&login, &operation).await;
        if !outcome.succeeded {
            eprintln!(
                "{name} says that {section} failed; what it asked is written all the same:\n{}",
                outcome.output
            );
        }
        // What it sends last may be seen after it has gone.
        if let Err(error) = stack.api().still_open(WAIT).await {
            return Err(fail(Exit::NoStack, error));
        }
        let events = events(stack, last).await?;
        last = events.last().and_then(|event| event["sequence"].as_u64()).unwrap_or(last);
        seen.push((section, path, to, events));
    }
    let visits: Vec<Visit<'_>> =
        seen.iter().map(|(operation, path, to, events)| Visit { operation, path, to, events }).collect();
    profile(&visits, arguments)
}

/// Everything that has happened after the event of that number.
async fn events(stack: &Stack, after: u64) -> Result<Vec<Value>, Exit> {
    let events = stack.api().events(&format!("after={after}")).await;
    events.map_err(|error| fail(Exit::NoStack, error))
}

fn naming(arguments: &Arguments) -> Naming<'_> {
    let stem = arguments.file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    Naming {
        name: arguments.name.as_deref().unwrap_or(stem),
        version: arguments.version.as_deref(),
        stands_for: arguments.client.as_deref(),
    }
}

async fn by_hand(stack: &Stack, demo: &up::Demo, arguments: &Arguments) -> Result<String, Exit> {
    print!("{}", up::card(stack, Some(demo), false));
    println!("Upload a file of 300 KB or more; the profile is written when that connection ends.");
    let mut last = 0;
    loop {
        let query = format!("kind=connection.closed&after={last}");
        let event = tokio::select! {
            event = stack.api().wait(&query, WAIT) => event,
            _ = tokio::signal::ctrl_c() => break,
        };
        let event = event.map_err(|error| fail(Exit::NoStack, error))?;
        let Some(event) = event else { continue };
        last = event["sequence"].as_u64().unwrap_or(last);
        let uploads = format!("kind=upload.finished&session={}", event["session"]);
        let uploads = stack.api().events(&uploads).await.map_err(|error| fail(Exit::NoStack, error))?;
        if !uploads.is_empty() {
            break;
        }
    }
    profile(&[Visit::upload(&events(stack, 0).await?)], arguments)
}

fn profile(visits: &[Visit<'_>], arguments: &Arguments) -> Result<String, Exit> {
    record::profile(visits, &naming(arguments)).map_err(|reason| fail(Exit::WrongUse, reason))
}

fn written(text: &str, arguments: &Arguments) -> Exit {
    if let Err(error) = std::fs::write(&arguments.file, text) {
        return fail(Exit::WrongUse, format!("{}: {error}", arguments.file.display()));
    }
    println!(
        "{} written; play it with: spatialcloud run scenarios --profile {} --client {}",
        arguments.file.display(),
        arguments.file.display(),
        naming(arguments).name
    );
    Exit::Passed
}
