//! Steps that the client under test performs.

use std::fs::File;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;

use super::{Failure, Names, Parsed, Step, World};
use crate::api::{Api, ApiError};
use crate::client::{HeldUpload, Login, Operation, Outcome};
use crate::keys;
use crate::scenario::fields::{Fields, Mistake};
use crate::{difference, size};

/// How a client's step should end.
#[derive(Clone, Debug, Default)]
pub struct Ending {
    /// Absent: it succeeds. Present: it fails, and its words contain this.
    fails: Option<String>,
    /// Either way is fine; a later `expect: { client: … }` looks at it.
    may_fail: bool,
}

impl Ending {
    fn take(fields: &mut Fields<'_>) -> Result<Ending, Mistake> {
        Ok(Ending { fails: fields.text("fails")?, may_fail: fields.flag("may-fail")? })
    }

    pub(super) fn judge(&self, outcome: &Outcome) -> Result<(), Failure> {
        let words = if outcome.output.is_empty() { "no words".to_owned() } else { outcome.output.clone() };
        match &self.fails {
            _ if self.may_fail => Ok(()),
            None if outcome.succeeded => Ok(()),
            None => Err(Failure::new(
                "the client succeeds",
                format!("it failed (exit code {:?}): {words}", outcome.exit_code),
            )),
            Some(_) if outcome.succeeded => {
                Err(Failure::new("the client fails", format!("it succeeded: {words}")))
            }
            Some(text) if text == "*" || words.to_lowercase().contains(&text.to_lowercase()) => Ok(()),
            Some(text) => Err(Failure::new(format!("the client fails and says {text:?}"), words)),
        }
    }
}

/// Performs an operation with the current login.
async fn perform(world: &mut World, operation: &Operation, ending: &Ending) -> Result<(), Failure> {
    let Some(login) = world.login.clone() else {
        return Err(Failure::new("a `connect` step before this one", "nobody is logged in"));
    };
    let outcome = world.client.perform(&login, operation).await;
    if world.is_ordered {
        all_closed(world.stack.api()).await?;
    }
    let judged = ending.judge(&outcome);
    world.outcome = Some(outcome);
    judged
}

/// Longest wait for the server to see that a client has gone.
const GONE: Duration = Duration::from_secs(10);

/// Waits until the end of every connection has been told.
pub(super) async fn all_closed(api: &Api) -> Result<(), Failure> {
    match api.still_open(GONE).await {
        // A fault has killed the stack, and every connection with it.
        Err(ApiError::Unreachable { .. }) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(None) => Ok(()),
        Ok(Some(session)) => {
            Err(Failure::new("a client that hangs up", format!("connection {session} is open still")))
        }
    }
}

struct Connect {
    site: String,
    user: Option<String>,
    key: Option<String>,
    password: Option<String>,
    from: Option<IpAddr>,
    ending: Ending,
}

pub(super) fn connect(fields: &mut Fields<'_>, names: &Names) -> Parsed {
    let site = fields.need_text("as")?;
    let user = fields.text("user")?;
    names.need_site(fields.place_of("as"), &site)?;
    let key = fields.one_of("key", "key", &keys::names())?;
    let password = fields.text("password")?;
    let from = match fields.text("from")? {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| {
            Mistake::new(fields.place(), format!("from: {text:?} is not an address such as 127.0.0.2"))
        })?),
    };
    Ok(Box::new(Connect { site, user, key, password, from, ending: Ending::take(fields)? }))
}

#[async_trait]
impl Step for Connect {
    fn operation(&self) -> Option<Operation> {
        // A client that cannot log in alone does so with its next step, unless this one is to fail.
        (self.ending.fails.is_some() || self.ending.may_fail).then_some(Operation::Connect)
    }

    fn needs_password(&self) -> bool {
        self.password.is_some()
    }

    fn needs_source_address(&self) -> bool {
        self.from.is_some()
    }

    async fn run(&self, world: &mut World) -> Result<(), Failure> {
        let pair = match &self.key {
            Some(kind) => keys::pair(kind).map_err(|error| Failure::Stack(error.to_string()))?,
            None => world
                .keys
                .get(&self.site)
                .cloned()
                .ok_or_else(|| Failure::Stack("the site has no key".to_owned()))?,
        };
        let user = self.user.as_deref().unwrap_or(&self.site);
        world.login = Some(Login {
            password: self.password.clone(),
            ..world.login(user, pair, &world.work, self.from).await?
        });
        if world.client.can(world.login.as_ref(), &Operation::Connect).is_err() {
            return Ok(());
        }
        perform(world, &Operation::Connect, &self.ending).await
    }
}

struct Upload {
    file: String,
    to: String,
    preserve_times: bool,
    resume: bool,
    arguments: Vec<String>,
    ending: Ending,
}

pub(super) fn upload(fields: &mut Fields<'_>, names: &Names) -> Parsed {
    let file = fields.need_text("file")?;
    names.need_file(fields.place_of("file"), &file)?;
    Ok(Box::new(Upload {
        file,
        to: fields.need_text("to")?,
        preserve_times: fields.flag("preserve-times")?,
        resume: fields.flag("resume")?,
        arguments: fields.texts("arguments")?.into_iter().map(|(text, _)| text).collect(),
        ending: Ending::take(fields)?,
    }))
}

impl Upload {
    fn upload(&self, local: PathBuf) -> Operation {
        Operation::Upload {
            local,
            remote: self.to.clone(),
            preserve_times: self.preserve_times,
            resume: self.resume,
            arguments: self.arguments.clone(),
        }
    }
}

#[async_trait]
impl Step for Upload {
    fn operation(&self) -> Option<Operation> {
        Some(self.upload(self.file.clone().into()))
    }

    fn in_session(&self, world: &World) -> Option<(Operation, &Ending)> {
        Some((self.upload(world.files.get(&self.file).cloned().unwrap_or_default()), &self.ending))
    }

    async fn run(&self, world: &mut World) -> Result<(), Failure> {
        let local = world.files.get(&self.file).cloned().unwrap_or_default();
        let size_bytes = std::fs::metadata(&local).map_or(0, |metadata| metadata.len());
        perform(world, &self.upload(local), &self.ending).await?;
        if let Some(outcome) = &world.outcome
            && outcome.succeeded
        {
            world.story.push(format!("uploaded {} to {}", size::human(size_bytes), self.to));
        }
        Ok(())
    }
}

struct Download {
    from: String,
    same_as: Option<String>,
    ending: Ending,
}

pub(super) fn download(fields: &mut Fields<'_>, names: &Names) -> Parsed {
    let same_as = fields.text("same-as")?;
    if let Some(file) = &same_as {
        names.need_file(fields.place_of("same-as"), file)?;
    }
    Ok(Box::new(Download { from: fields.need_text("from")?, same_as, ending: Ending::take(fields)? }))
}

#[async_trait]
impl Step for Download {
    fn operation(&self) -> Option<Operation> {
        Some(Operation::Download { remote: self.from.clone(), local: "download".into() })
    }

    async fn run(&self, world: &mut World) -> Result<(), Failure> {
        let local = world.work.join("download");
        let operation = Operation::Download { remote: self.from.clone(), local: local.clone() };
        // What an earlier download left must not pass for this one.
        let _ = std::fs::remove_file(&local);
        perform(world, &operation, &self.ending).await?;
        let Some(file) = &self.same_as else { return Ok(()) };
        let sent = world.files.get(file).cloned().unwrap_or_default();
        let compared = File::open(sent).and_then(|sent| difference::first(sent, File::open(local)?));
        match compared {
            Ok(None) => Ok(()),
            Ok(Some(difference)) => Err(Failure::new(format!("the bytes of {file}"), difference.to_string())),
            Err(error) => Err(Failure::new(format!("the bytes of {file}"), error.to_string())),
        }
    }
}

struct List {
    path: String,
    names: Option<Vec<String>>,
    capture: Option<String>,
    ending: Ending,
}

pub(super) fn list(fields: &mut Fields<'_>, _names: &Names) -> Parsed {
    let path = fields.need_text("path")?;
    let names = fields.texts("names")?;
    let names = (!names.is_empty()).then(|| names.into_iter().map(|(name, _)| name).collect());
    Ok(Box::new(List { path, names, capture: fields.text("capture")?, ending: Ending::take(fields)? }))
}

#[async_trait]
impl Step for List {
    fn operation(&self) -> Option<Operation> {
        Some(Operation::List { path: self.path.clone() })
    }

    async fn run(&self, world: &mut World) -> Result<(), Failure> {
        perform(world, &Operation::List { path: self.path.clone() }, &self.ending).await?;
        let mut found = world.outcome.as_ref().map(|outcome| outcome.listing.clone()).unwrap_or_default();
        found.retain(|name| name != "." && name != "..");
        found.sort();
        if let Some(name) = &self.capture {
            world.captures.insert(name.clone(), found.len().to_string());
        }
        let Some(mut expected) = self.names.clone() else { return Ok(()) };
        expected.sort();
        if expected == found {
            Ok(())
        } else {
            Err(Failure::new(format!("{expected:?}"), format!("{found:?}")))
        }
    }
}

/// A step that is one operation and nothing else.
struct Plain {
    operation: Operation,
    ending: Ending,
}

#[async_trait]
impl Step for Plain {
    fn operation(&self) -> Option<Operation> {
        Some(self.operation.clone())
    }

    fn in_session(&self, _world: &World) -> Option<(Operation, &Ending)> {
        Some((self.operation.clone(), &self.ending))
    }

    async fn run(&self, world: &mut World) -> Result<(), Failure> {
        perform(world, &self.operation, &self.ending).await
    }
}

fn plain(operation: Operation, fields: &mut Fields<'_>) -> Parsed {
    Ok(Box::new(Plain { operation, ending: Ending::take(fields)? }))
}

pub(super) fn rename(fields: &mut Fields<'_>, _names: &Names) -> Parsed {
    let operation = Operation::Rename { from: fields.need_text("from")?, to: fields.need_text("to")? };
    plain(operation, fields)
}

pub(super) fn remove(fields: &mut Fields<'_>, _names: &Names) -> Parsed {
    let operation = Operation::Remove { path: fields.need_text("path")? };
    plain(operation, fields)
}

pub(super) fn mkdir(fields: &mut Fields<'_>, _names: &Names) -> Parsed {
    let operation = Operation::MakeDirectory { path: fields.need_text("path")? };
    plain(operation, fields)
}

pub(super) fn rmdir(fields: &mut Fields<'_>, _names: &Names) -> Parsed {
    let operation = Operation::RemoveDirectory { path: fields.need_text("path")? };
    plain(operation, fields)
}

pub(super) fn set_times(fields: &mut Fields<'_>, _names: &Names) -> Parsed {
    let path = fields.need_text("path")?;
    let modified = u32::try_from(fields.number("modified")?.unwrap_or(1_577_923_200)).unwrap_or(0);
    plain(Operation::SetTimes { path, modified }, fields)
}

struct StartUpload {
    file: String,
    to: String,
    hold_at_bytes: u64,
}

pub(super) fn start_upload(fields: &mut Fields<'_>, names: &Names) -> Parsed {
    let file = fields.need_text("file")?;
    names.need_file(fields.place_of("file"), &file)?;
    let to = fields.need_text("to")?;
    let hold_at_bytes = fields.need_size("hold-at")?;
    Ok(Box::new(StartUpload { file, to, hold_at_bytes }))
}

#[async_trait]
impl Step for StartUpload {
    fn needs_builtin(&self) -> bool {
        true
    }

    async fn run(&self, world: &mut World) -> Result<(), Failure> {
        let Some(login) = &world.login else {
            return Err(Failure::new("a `connect` step before this one", "nobody is logged in"));
        };
        let local = world.files.get(&self.file).cloned().unwrap_or_default();
        let held = HeldUpload::start(login, &local, &self.to, self.hold_at_bytes).await;
        world.held = Some(held.map_err(|error| Failure::new("the upload starts", error))?);
        Ok(())
    }
}

struct FinishUpload;

pub(super) fn finish_upload(_fields: &mut Fields<'_>, _names: &Names) -> Parsed {
    Ok(Box::new(FinishUpload))
}

#[async_trait]
impl Step for FinishUpload {
    fn needs_builtin(&self) -> bool {
        true
    }

    async fn run(&self, world: &mut World) -> Result<(), Failure> {
        match world.held.take() {
            Some(held) => held.finish().await.map_err(|error| Failure::new("the upload finishes", error)),
            None => Err(Failure::new("a `start-upload` step before this one", "no upload is held open")),
        }
    }
}

struct Disconnect;

pub(super) fn disconnect(_fields: &mut Fields<'_>, _names: &Names) -> Parsed {
    Ok(Box::new(Disconnect))
}

#[async_trait]
impl Step for Disconnect {
    fn needs_builtin(&self) -> bool {
        true
    }

    async fn run(&self, world: &mut World) -> Result<(), Failure> {
        match world.held.take() {
            Some(held) => {
                held.cut().await;
                Ok(())
            }
            None => Err(Failure::new("a `start-upload` step before this one", "no upload is held open")),
        }
    }
}
