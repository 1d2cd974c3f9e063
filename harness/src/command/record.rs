//! `record`: writes what a client asks of the server as a profile, for a client that cannot run everywhere.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::Args;
use serde_json::json;
use spatialcloud_harness::Stack;
use spatialcloud_harness::client::profile::record::{self, Naming};
use spatialcloud_harness::client::{self, Availability, Login, Operation};

use super::{fail, up};
use crate::exit::Exit;

/// How long one request waits for the next session to end; it is asked again until interrupted.
const WAIT: Duration = Duration::from_secs(60);
/// Long enough for every way of uploading large files.
const SIZE_BYTES: usize = 300_000;

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
    let exit = match &arguments.client {
        Some(name) => driven(&stack, &demo, name, arguments.preserve_times).await,
        None => by_hand(&stack, &demo).await,
    };
    let exit = match exit {
        Err(exit) => exit,
        Ok(()) => written(&stack, &arguments).await,
    };
    match stack.stop().await {
        Ok(()) => exit,
        Err(error) => fail(Exit::NoStack, error),
    }
}

async fn driven(stack: &Stack, demo: &up::Demo, name: &str, preserve_times: bool) -> Result<(), Exit> {
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
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_577_923_200);
    let made = std::fs::create_dir_all(&work)
        .and_then(|()| std::fs::write(&local, vec![7; SIZE_BYTES]))
        .and_then(|()| std::fs::File::options().write(true).open(&local)?.set_modified(long_ago));
    made.map_err(|error| fail(Exit::NoStack, format!("{}: {error}", local.display())))?;
    let login = Login::new(stack.sftp(), up::DEMO, demo.pair.clone(), &work);
    let mut operation = Operation::upload(local, "Spatial/recorded.tif");
    if let Operation::Upload { preserve_times: preserve, .. } = &mut operation {
        *preserve = preserve_times;
    }
    client
        .can(Some(&login), &operation)
        .map_err(|reason| fail(Exit::WrongUse, format!("{name}: {reason}")))?;
    let outcome = client.perform(&login, &operation).await;
    if !outcome.succeeded {
        eprintln!("{name} says that it failed; what it asked is written all the same:\n{}", outcome.output);
    }
    Ok(())
}

async fn by_hand(stack: &Stack, demo: &up::Demo) -> Result<(), Exit> {
    print!("{}", up::card(stack, Some(demo), false));
    println!("Upload a file of 300 KB or more; the profile is written when that connection ends.");
    let mut last = 0;
    loop {
        let query = format!("kind=connection.closed&after={last}");
        let event = tokio::select! {
            event = stack.api().wait(&query, WAIT) => event,
            _ = tokio::signal::ctrl_c() => return Ok(()),
        };
        let event = event.map_err(|error| fail(Exit::NoStack, error))?;
        let Some(event) = event else { continue };
        last = event["sequence"].as_u64().unwrap_or(last);
        let uploads = format!("kind=upload.finished&session={}", event["session"]);
        let uploads = stack.api().events(&uploads).await.map_err(|error| fail(Exit::NoStack, error))?;
        if !uploads.is_empty() {
            return Ok(());
        }
    }
}

async fn written(stack: &Stack, arguments: &Arguments) -> Exit {
    let events = match stack.api().events("").await {
        Ok(events) => events,
        Err(error) => return fail(Exit::NoStack, error),
    };
    let stem = arguments.file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let naming = Naming {
        name: arguments.name.as_deref().unwrap_or(&stem),
        version: arguments.version.as_deref(),
        stands_for: arguments.client.as_deref(),
    };
    let text = match record::profile(&events, &naming) {
        Ok(text) => text,
        Err(reason) => return fail(Exit::WrongUse, reason),
    };
    if let Err(error) = std::fs::write(&arguments.file, text) {
        return fail(Exit::WrongUse, format!("{}: {error}", arguments.file.display()));
    }
    println!(
        "{} written; play it with: spatialcloud run scenarios --profile {} --client {}",
        arguments.file.display(),
        arguments.file.display(),
        naming.name
    );
    Exit::Passed
}
