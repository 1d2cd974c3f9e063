//! What clients did, and what became of their files.

use std::collections::BTreeSet;

use super::Step;
use super::files::{Fate, size};
use super::replay::{Contents, Replay};
use crate::journal::{Event, Fact};

/// The part of an upload that is there when it is held, of the whole.
const HELD_PART: u64 = 2;
/// An address of this machine that no site of a replay lists.
const UNLISTED: &str = "127.0.0.9";
/// Size of a file of which nothing is known but its name.
const UNKNOWN_BYTES: u64 = 1024;

/// The clients so far.
#[derive(Default)]
pub(super) struct Sessions {
    /// As which site the scenario is logged in.
    login: Option<String>,
    /// The session and path of the upload that is held open, and its file.
    held: Option<(u64, String, String)>,
    /// Folders that are there, by site.
    folders: BTreeSet<(String, String)>,
    /// What lies in the inboxes.
    inbox: Contents,
    /// Sessions whose refused login is told.
    refused: BTreeSet<u64>,
    /// Sessions in which a fault has struck.
    struck: BTreeSet<u64>,
}

/// How an upload that began ended.
enum End {
    Finished {
        size_bytes: u64,
    },
    Interrupted {
        written_bytes: u64,
    },
    /// Not within the selection.
    Open,
    /// It ended, and something happened meanwhile that needs it to be open.
    Held {
        size_bytes: u64,
    },
}

impl Sessions {
    /// Uploads what was there before the selection begins: files that something happens to and nobody uploads.
    pub(super) fn before(&mut self, replay: &mut Replay<'_>) {
        let mut known = BTreeSet::new();
        for event in replay.events {
            let site = event.site.clone().unwrap_or_default();
            let (path, size_bytes) = match &event.fact {
                Fact::UploadStarted { path, resumed_at_bytes: None, .. } => {
                    known.insert((site, path.clone()));
                    continue;
                }
                Fact::UploadStarted { path, .. }
                | Fact::FileLeft { path, .. }
                | Fact::FileRemoved { path, .. }
                | Fact::DownloadFinished { path, .. } => (path, UNKNOWN_BYTES),
                Fact::FileRenamed { from, to, .. } => {
                    known.insert((site.clone(), to.clone()));
                    (from, UNKNOWN_BYTES)
                }
                Fact::FileMoved { path, size_bytes, .. } => (path, *size_bytes),
                _ => continue,
            };
            if known.insert((site.clone(), path.clone())) {
                self.upload_before(replay, &site, path, size_bytes);
            }
        }
    }

    pub(super) fn event(&mut self, replay: &mut Replay<'_>, index: usize, event: &Event) {
        let site = event.site.clone().unwrap_or_default();
        match &event.fact {
            Fact::AuthenticationSucceeded { .. } => self.log_in(replay, &site),
            Fact::AuthenticationFailed { session, user, reason, method, .. } => {
                self.refused_login(replay, event, *session, user, method, reason);
            }
            Fact::ConnectionRefused { manner, .. } => {
                if manner == "blackhole" {
                    replay.untold(event, "a client would wait for ever");
                } else if let Some(site) = any_site(replay) {
                    let step =
                        Step::new("connect").with("as", site).with("from", UNLISTED).with("fails", "*");
                    replay.client_step(step);
                    self.login = None;
                    replay.told.steps.push(Step::event("connection.refused", None).with("address", UNLISTED));
                }
            }
            Fact::UploadStarted { session, path, resumed_at_bytes } => {
                self.started(replay, index, &site, *session, path, resumed_at_bytes.is_some());
            }
            Fact::UploadFinished { session, path, .. } if self.holds(*session, path) => {
                self.held = None;
                replay.client_step(Step::new("finish-upload"));
            }
            Fact::UploadInterrupted { session, path, .. } if self.holds(*session, path) => {
                self.held = None;
                replay.client_step(Step::new("disconnect"));
                let expected = Step::event(event.kind(), Some(&site)).with("path", path.as_str());
                replay.told.steps.push(expected);
            }
            Fact::DownloadFinished { path, .. } => {
                self.log_in(replay, &site);
                let step = Step::new("download").with("from", path.as_str());
                let step = match self.inbox.get(&(site, path.clone())) {
                    Some(file) => step.with("same-as", file.as_str()),
                    None => step,
                };
                replay.client_step(step.with("may-fail", true));
            }
            Fact::FileRenamed { from, to, .. } => {
                self.folder_of(replay, &site, to);
                self.log_in(replay, &site);
                replay.client_step(Step::new("rename").with("from", from.as_str()).with("to", to.as_str()));
                if let Some(file) = self.inbox.remove(&(site.clone(), from.clone())) {
                    self.inbox.insert((site, to.clone()), file);
                }
            }
            Fact::FileRemoved { path, .. } => {
                self.log_in(replay, &site);
                replay.client_step(Step::new("remove").with("path", path.as_str()));
                self.inbox.remove(&(site, path.clone()));
            }
            Fact::DirectoryMade { path, .. } => {
                self.folder_of(replay, &site, path);
                self.log_in(replay, &site);
                replay.client_step(Step::new("mkdir").with("path", path.as_str()));
                self.folders.insert((site, path.clone()));
            }
            Fact::DirectoryRemoved { path, .. } => {
                self.folder(replay, &site, path);
                self.log_in(replay, &site);
                replay.client_step(Step::new("rmdir").with("path", path.as_str()));
                self.folders.remove(&(site, path.clone()));
            }
            Fact::AttributesRefused { path, aspects, .. } => {
                self.times(replay, event, &site, path, aspects, true)
            }
            Fact::AttributesIgnored { path, aspects, .. } | Fact::AttributesApplied { path, aspects, .. } => {
                self.times(replay, event, &site, path, aspects, false);
            }
            Fact::OperationRefused { session, operation, path, status, .. }
                if !self.struck.contains(session) =>
            {
                self.refused(replay, event, &site, operation, path.trim_start_matches('/'), *status);
            }
            Fact::FaultFired { session, fault, operation, path } => {
                self.struck.insert(*session);
                self.fault(replay, event, &site, fault, operation, path.trim_start_matches('/'));
            }
            Fact::SiteSuspended {} => {
                replay.client_step(Step::new("provision").with("site", site).with("do", "suspend"));
            }
            Fact::SiteResumed {} => {
                replay.client_step(Step::new("provision").with("site", site).with("do", "resume"));
            }
            Fact::FileMoved { path, .. } => self.moved(replay, event, &site, path),
            Fact::FileLeft { path, reason, .. } => {
                let step = Step::event("file.left", Some(&site)).with("path", path.as_str());
                replay.expect_of_run(step.with("reason", reason.as_str()));
            }
            Fact::WarehouseLoaded { path, .. } | Fact::WarehouseFailed { path, .. } => {
                replay.expect_after_run(Step::event(event.kind(), Some(&site)).with("path", path.as_str()));
            }
            Fact::MoveFailed { .. } => replay.untold(event, "what the disk did cannot be done again"),
            Fact::SiteRemoved {} | Fact::KeyRemoved { .. } | Fact::AddressesChanged { .. } => {
                replay.untold(event, "every site is there from the start, with one key and one address");
            }
            _ => {}
        }
    }

    /// Whether this upload is the one that is held open.
    fn holds(&self, session: u64, path: &str) -> bool {
        self.held.as_ref().is_some_and(|(held, name, _)| *held == session && name == path)
    }

    /// Logs in as the site, unless the scenario is already.
    fn log_in(&mut self, replay: &mut Replay<'_>, site: &str) {
        if self.login.as_deref() != Some(site) {
            replay.client_step(Step::new("connect").with("as", site));
            self.login = Some(site.to_owned());
        }
    }

    fn refused_login(
        &mut self,
        replay: &mut Replay<'_>,
        event: &Event,
        session: u64,
        user: &str,
        method: &str,
        reason: &str,
    ) {
        // A client that has several keys tries them one by one: only one that never got in was refused.
        let got_in = replay.events.iter().any(|other| {
            matches!(&other.fact, Fact::AuthenticationSucceeded { session: other, .. } if *other == session)
        });
        if got_in || !self.refused.insert(session) {
            return;
        }
        let known = event.site.is_some();
        let Some(site) = event.site.clone().or_else(|| any_site(replay)) else {
            return replay.untold(event, "no site of this selection has that name");
        };
        let mut step = Step::new("connect").with("as", site.as_str());
        if !known {
            step = step.with("user", user);
        }
        if method != "publickey" {
            step = step.with("password", "a password");
        } else if reason.contains("does not list this address") {
            step = step.with("from", UNLISTED);
        } else if reason.starts_with("the key is not one of") {
            step = step.with("key", "rsa-other");
        } else if reason.contains("only RSA keys") {
            step = step.with("key", "ed25519");
        } else if reason.contains("not provisioned")
            || reason.contains("SHA-1")
            || reason.contains("certificates")
        {
            return replay.untold(event, reason);
        }
        replay.client_step(step.with("fails", "*"));
        self.login = None;
        let expected = Step::new("expect").with("event", "authentication.failed").with("user", user);
        replay.told.steps.push(expected.with("method", method));
    }

    /// Makes the folder, and those above it, where nobody has told that they are there.
    fn folder(&mut self, replay: &mut Replay<'_>, site: &str, path: &str) {
        let depths = path.match_indices('/').map(|(at, _)| at).chain([path.len()]).skip(1);
        let folders: Vec<String> = depths.filter_map(|end| path.get(..end)).map(str::to_owned).collect();
        for folder in folders {
            if self.folders.insert((site.to_owned(), folder.clone())) {
                self.log_in(replay, site);
                replay.client_step(Step::new("mkdir").with("path", folder));
            }
        }
    }

    /// The same for the folder that a path lies in.
    fn folder_of(&mut self, replay: &mut Replay<'_>, site: &str, path: &str) {
        if let Some((folder, _)) = path.rsplit_once('/') {
            self.folder(replay, site, folder);
        }
    }

    fn upload_before(&mut self, replay: &mut Replay<'_>, site: &str, path: &str, size_bytes: u64) {
        let fate = fate(replay, 0, site, path);
        self.folder_of(replay, site, path);
        self.log_in(replay, site);
        let (file, _) = replay.told.files.add(path, size_bytes, &fate);
        replay.client_step(Step::new("upload").with("file", file.as_str()).with("to", path));
        self.inbox.insert((site.to_owned(), path.to_owned()), file);
    }

    fn started(
        &mut self,
        replay: &mut Replay<'_>,
        index: usize,
        site: &str,
        session: u64,
        path: &str,
        is_resumed: bool,
    ) {
        let fate = fate(replay, index, site, path);
        let end = end(replay, index, session, path);
        let (size_bytes, held_bytes) = match end {
            End::Finished { size_bytes } => (size_bytes, None),
            End::Interrupted { written_bytes } => {
                // The rest may come later, in another session: the same file then.
                let whole = whole_bytes(replay, index, site, path).unwrap_or((written_bytes + 1) * HELD_PART);
                (whole, Some(written_bytes))
            }
            End::Open => (UNKNOWN_BYTES, Some(UNKNOWN_BYTES / HELD_PART)),
            End::Held { size_bytes } => (size_bytes, Some(size_bytes / HELD_PART)),
        };
        self.folder_of(replay, site, path);
        self.log_in(replay, site);
        let place = (site.to_owned(), path.to_owned());
        let (file, size_bytes) = match self.inbox.get(&place) {
            // What goes on is the same file.
            Some(file) if is_resumed => (file.clone(), size_bytes),
            _ => replay.told.files.add(path, size_bytes, &fate),
        };
        self.inbox.insert(place, file.clone());
        let is_struck = replay.events[index..].iter().any(
            |later| matches!(&later.fact, Fact::FaultFired { session: struck, .. } if *struck == session),
        );
        match held_bytes {
            Some(_) if is_struck => {
                let step = Step::new("upload").with("file", file).with("to", path).with("may-fail", true);
                replay.client_step(step);
            }
            Some(held_bytes) if self.held.is_none() && !is_resumed => {
                let hold = size(held_bytes.clamp(1, size_bytes.max(1)));
                let step = Step::new("start-upload").with("file", file.as_str()).with("to", path);
                replay.client_step(step.with("hold-at", hold));
                self.held = Some((session, path.to_owned(), file));
            }
            _ => {
                let mut step = Step::new("upload").with("file", file).with("to", path);
                if is_resumed {
                    step = step.with("resume", true);
                }
                if is_struck {
                    step = step.with("may-fail", true);
                }
                replay.client_step(step);
            }
        }
    }

    fn times(
        &mut self,
        replay: &mut Replay<'_>,
        event: &Event,
        site: &str,
        path: &str,
        aspects: &[String],
        is_refused: bool,
    ) {
        if !aspects.iter().any(|aspect| aspect == "times") {
            return replay.untold(event, "only times can be set by a step");
        }
        if self.held.as_ref().is_some_and(|(_, held, _)| held == path) {
            return replay.untold(event, "it came while the file was open");
        }
        self.log_in(replay, site);
        let step = Step::new("set-times").with("path", path);
        replay.client_step(if is_refused { step.with("fails", "*") } else { step });
        replay.told.steps.push(Step::event(event.kind(), Some(site)).with("path", path));
    }

    /// What a client asked and was not given.
    fn refused(
        &mut self,
        replay: &mut Replay<'_>,
        event: &Event,
        site: &str,
        operation: &str,
        path: &str,
        status: u32,
    ) {
        const NO_SUCH_FILE: u32 = 2;
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent).to_owned();
        let parent_is_there = !parent.contains('/') || self.folders.contains(&(site.to_owned(), parent));
        let step = match operation {
            "mkdir" | "rmdir" | "remove" => {
                let name = ["mkdir", "rmdir", "remove"].into_iter().find(|name| *name == operation);
                Step::new(name.unwrap_or("mkdir")).with("path", path)
            }
            "opendir" => Step::new("list").with("path", path),
            "open" if status == NO_SUCH_FILE && parent_is_there => Step::new("download").with("from", path),
            "open" => {
                let (file, _) = replay.told.files.add(path, UNKNOWN_BYTES, &Fate::None);
                Step::new("upload").with("file", file).with("to", path)
            }
            // Clients look whether something is there: that is no failure.
            "stat" | "lstat" | "realpath" | "fstat" | "setstat" | "fsetstat" => return,
            _ => return replay.untold(event, "no step fails in just this way"),
        };
        self.log_in(replay, site);
        replay.client_step(step.with("fails", "*"));
        let expected = Step::event("operation.refused", Some(site)).with("operation", operation);
        replay.told.steps.push(expected.with("status", status));
    }

    /// A fault struck where no other event tells of it.
    fn fault(
        &mut self,
        replay: &mut Replay<'_>,
        event: &Event,
        site: &str,
        fault: &str,
        operation: &str,
        path: &str,
    ) {
        if fault == "kill" {
            return replay.untold(event, "the stack was killed: see the step `kill`");
        }
        let name = ["mkdir", "rmdir", "remove"].into_iter().find(|name| *name == operation);
        let failing = ["status", "cut", "reset"].contains(&fault);
        if let (Some(name), true) = (name, failing) {
            self.folder_of(replay, site, path);
            self.log_in(replay, site);
            replay.client_step(Step::new(name).with("path", path).with("may-fail", true));
            let expected = Step::event("fault.fired", Some(site)).with("fault", fault);
            replay.told.steps.push(expected.with("operation", operation));
        }
    }

    fn moved(&mut self, replay: &mut Replay<'_>, event: &Event, site: &str, path: &str) {
        if self.held.as_ref().is_some_and(|(_, held, _)| held == path) {
            replay.expect_of_run(Step::event(event.kind(), Some(site)).with("path", path));
            return;
        }
        let file = self.inbox.remove(&(site.to_owned(), path.to_owned())).unwrap_or_default();
        let expected = Step::new("expect").with("cloud", format!("{site}/{path}")).with("same-as", file);
        replay.expect_of_run(expected);
    }
}

/// Some site of the selection.
fn any_site(replay: &Replay<'_>) -> Option<String> {
    replay.events.iter().find_map(|event| event.site.clone())
}

/// How the upload that begins at `index` ends.
fn end(replay: &Replay<'_>, index: usize, session: u64, path: &str) -> End {
    let mut is_held = false;
    for event in &replay.events[index + 1..] {
        match &event.fact {
            Fact::UploadFinished { session: other, path: name, size_bytes, .. }
                if *other == session && name == path =>
            {
                return match is_held {
                    true => End::Held { size_bytes: *size_bytes },
                    false => End::Finished { size_bytes: *size_bytes },
                };
            }
            Fact::UploadInterrupted { session: other, path: name, written_bytes, .. }
                if *other == session && name == path =>
            {
                return End::Interrupted { written_bytes: *written_bytes };
            }
            Fact::MoverFinished { moved, left, failed, .. } if moved + left + failed > 0 => is_held = true,
            Fact::ClockAdvanced { .. } | Fact::SiteSuspended {} | Fact::FaultArmed { .. } => is_held = true,
            _ => {}
        }
    }
    End::Open
}

/// The size of the file when it is whole at last.
fn whole_bytes(replay: &Replay<'_>, index: usize, site: &str, path: &str) -> Option<u64> {
    replay.events[index + 1..].iter().find_map(|event| match &event.fact {
        Fact::UploadFinished { path: name, size_bytes, .. }
            if name == path && event.site.as_deref() == Some(site) =>
        {
            Some(*size_bytes)
        }
        _ => None,
    })
}

/// What the nightly load makes of what is uploaded there next.
fn fate(replay: &Replay<'_>, index: usize, site: &str, path: &str) -> Fate {
    if !path.starts_with("Database/") {
        return Fate::None;
    }
    let target = renamed(replay, index, site, path);
    let later = replay.events[index..].iter().filter(|event| event.site.as_deref() == Some(site));
    later
        .filter_map(|event| match &event.fact {
            Fact::WarehouseLoaded { path, .. } if *path == target => Some(Fate::Loaded),
            Fact::WarehouseFailed { path, reasons, .. } if *path == target => {
                Some(Fate::Refused(reasons.clone()))
            }
            _ => None,
        })
        .next()
        .unwrap_or(Fate::None)
}

/// The name that a file has in the end: clients upload under temporary names.
fn renamed(replay: &Replay<'_>, index: usize, site: &str, path: &str) -> String {
    replay.events[index..].iter().filter(|event| event.site.as_deref() == Some(site)).fold(
        path.to_owned(),
        |name, event| match &event.fact {
            Fact::FileRenamed { from, to, .. } if *from == name => to.clone(),
            _ => name,
        },
    )
}
