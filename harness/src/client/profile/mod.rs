//! Profiles: what a client does on the wire, as a data file that the built-in client plays.
//!
//! A profile is evidence, not a belief: it names where it comes from, and `spatialcloud record` makes one from
//! what a real program was seen to ask. Reports always say `(profile)`.

mod condition;
mod parse;
mod play;
pub mod record;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use russh::keys::HashAlg;

use super::sftp::Attributes;
use super::{Availability, Client, InContainers, Login, Operation, Outcome, Place};
use condition::Condition;

/// The profiles that come with the program: file name and text.
const FILES: &[(&str, &str)] = &[
    ("winscp.yaml", include_str!("../../../profiles/winscp.yaml")),
    ("winscp-6.3.yaml", include_str!("../../../profiles/winscp-6.3.yaml")),
    ("winscp-5.19.yaml", include_str!("../../../profiles/winscp-5.19.yaml")),
    ("winscp-gui.yaml", include_str!("../../../profiles/winscp-gui.yaml")),
    ("rclone-partial.yaml", include_str!("../../../profiles/rclone-partial.yaml")),
    ("ssh.net.yaml", include_str!("../../../profiles/ssh.net.yaml")),
    ("node-put.yaml", include_str!("../../../profiles/node-put.yaml")),
    ("node-fastput.yaml", include_str!("../../../profiles/node-fastput.yaml")),
    ("sshj.yaml", include_str!("../../../profiles/sshj.yaml")),
    ("cyberduck.yaml", include_str!("../../../profiles/cyberduck.yaml")),
    ("openssh.yaml", include_str!("../../../profiles/openssh.yaml")),
    ("scp.yaml", include_str!("../../../profiles/scp.yaml")),
    ("putty.yaml", include_str!("../../../profiles/putty.yaml")),
    ("pscp.yaml", include_str!("../../../profiles/pscp.yaml")),
    ("filezilla.yaml", include_str!("../../../profiles/filezilla.yaml")),
    ("lftp.yaml", include_str!("../../../profiles/lftp.yaml")),
    ("paramiko.yaml", include_str!("../../../profiles/paramiko.yaml")),
    ("asyncssh.yaml", include_str!("../../../profiles/asyncssh.yaml")),
];

/// Those profiles, read. One that cannot be read is told by a test, and left out here.
pub static PROFILES: LazyLock<Vec<Profile>> = LazyLock::new(|| {
    FILES.iter().filter_map(|(name, text)| Profile::read(Path::new(name), text).ok()).collect()
});

/// A client as data.
#[derive(Debug)]
pub struct Profile {
    /// The name in scenarios and reports.
    pub name: String,
    /// Which client, in which use.
    pub title: String,
    /// Its version.
    pub version: String,
    /// Where this is known from.
    pub evidence: Evidence,
    /// The real client that runs here and does the same; such a profile is held against it, and is no client of
    /// its own in scenarios.
    pub stands_for: Option<String>,
    banner: Option<String>,
    init: u32,
    signatures: Vec<Option<HashAlg>>,
    /// How often the whole operation is tried.
    attempts: u64,
    /// How often it is taken up again after the connection was lost.
    reconnects: u64,
    /// How long it waits before it connects again.
    reconnect_wait: Duration,
    /// What users may ask of it: `preserve-times`, `resume`, and arguments of its own.
    understands: Vec<String>,
    /// Its own words for status codes.
    status_words: BTreeMap<u32, String>,
    /// What it asks when a session begins.
    session: Vec<Ask>,
    /// What it asks for an operation, by the name of the step.
    operations: BTreeMap<&'static str, Vec<Ask>>,
}

/// Where a profile is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The real program was recorded.
    Recorded,
    /// Its source was read.
    Source,
}

/// One request, and what follows from its answer.
#[derive(Clone, Debug)]
struct Ask {
    what: What,
    conditions: Vec<Condition>,
    /// Later conditions know by this name whether it succeeded, and the size it told.
    remembered_as: Option<String>,
    /// What it does when the answer is no; the first that fits. None: it fails, in the words for the status.
    otherwise: Vec<Reaction>,
    /// The next request leaves before the answer has come.
    at_once: bool,
}

/// A request, or what is done in place of one. Texts may hold `${name}`.
#[derive(Clone, Debug, PartialEq)]
enum What {
    Open {
        path: String,
        flags: u32,
        attributes: Vec<Attribute>,
    },
    Close,
    Write {
        bytes: WriteBytes,
        in_flight: usize,
        from: Option<String>,
    },
    /// Reads the open file to its end, so many bytes at a time, into the local one.
    Read(u32),
    Stat(String),
    Lstat(String),
    Fstat,
    Setstat {
        path: String,
        attributes: Vec<Attribute>,
    },
    Fsetstat {
        attributes: Vec<Attribute>,
    },
    Realpath(String),
    Opendir(String),
    Readdir {
        in_flight: usize,
    },
    Rename {
        from: String,
        to: String,
    },
    PosixRename {
        from: String,
        to: String,
    },
    Remove(String),
    Mkdir(String),
    Rmdir(String),
    Extended(String),
    Exec(String),
    /// Remembers a name.
    Let(String),
    Says(String),
    Fails(String),
}

/// An attribute that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attribute {
    /// The local file's size.
    Size,
    /// The local file's time of last change, for both.
    Times,
    /// These mode bits.
    Permissions(u32),
}

/// Data in one WRITE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WriteBytes {
    /// So many bytes.
    Fixed(usize),
    /// What the answer to `limits@openssh.com` allows; 32 KiB without one.
    Limits,
}

/// What is done when a request is refused.
#[derive(Clone, Debug)]
struct Reaction {
    /// For these status codes; none: for all.
    status: Vec<u32>,
    conditions: Vec<Condition>,
    /// Said to the user.
    says: Option<String>,
    then: Then,
    /// Sent before it ends, whatever they are answered.
    requests: Vec<Ask>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    GoOn,
    Fail(i32),
    /// It waits for ever, as a version with that fault does.
    Hang,
}

impl Profile {
    /// The request list of an operation, if the profile knows it.
    fn asks(&self, operation: &Operation) -> Option<&[Ask]> {
        match operation {
            Operation::Connect => Some(&[]),
            other => self.operations.get(step_name(other)).map(Vec::as_slice),
        }
    }

    /// What the user asked for, in the words of `understands`.
    fn wishes(operation: &Operation) -> Vec<&str> {
        match operation {
            Operation::Upload { preserve_times, resume, arguments, .. } => {
                let wishes = [(*preserve_times, "preserve-times"), (*resume, "resume")];
                let wishes = wishes.into_iter().filter_map(|(wanted, name)| wanted.then_some(name));
                wishes.chain(arguments.iter().map(String::as_str)).collect()
            }
            _ => Vec::new(),
        }
    }
}

fn step_name(operation: &Operation) -> &'static str {
    match operation {
        Operation::Connect => "connect",
        Operation::Upload { .. } => "upload",
        Operation::Download { .. } => "download",
        Operation::List { .. } => "list",
        Operation::Rename { .. } => "rename",
        Operation::Remove { .. } => "remove",
        Operation::MakeDirectory { .. } => "mkdir",
        Operation::RemoveDirectory { .. } => "rmdir",
        Operation::SetTimes { .. } => "set-times",
    }
}

/// The operations a profile may hold.
const OPERATIONS: &[&str] =
    &["upload", "download", "list", "rename", "remove", "mkdir", "rmdir", "set-times"];

#[async_trait]
impl Client for Profile {
    fn name(&self) -> &str {
        &self.name
    }

    fn in_containers(&self) -> InContainers {
        InContainers::Ours
    }

    fn availability_at(&self, _place: &Place) -> Availability {
        Availability::Usable { version: format!("{} (profile)", self.version) }
    }

    fn is_profile(&self) -> bool {
        true
    }

    fn stands_for(&self) -> Option<&str> {
        self.stands_for.as_deref()
    }

    fn signs_with_sha1_only(&self, _place: &Place) -> bool {
        self.signatures.iter().all(Option::is_none)
    }

    fn can(&self, login: Option<&Login>, operation: &Operation) -> Result<(), &'static str> {
        if login.is_some_and(|login| login.password.is_some()) {
            return Err("profiles log in with keys only");
        }
        if self.asks(operation).is_none() {
            return Err("the profile does not say what it asks for this");
        }
        if Profile::wishes(operation).iter().any(|wish| !self.understands.iter().any(|known| known == wish)) {
            return Err("the profile does not say what it does with these wishes");
        }
        Ok(())
    }

    async fn perform(&self, login: &Login, operation: &Operation) -> Outcome {
        play::play(self, login, operation).await
    }
}

/// The attributes to send for a file of this size and time.
fn attributes(list: &[Attribute], size_bytes: u64, modified: u32) -> Attributes {
    let mut attributes = Attributes::default();
    for attribute in list {
        match attribute {
            Attribute::Size => attributes.size = Some(size_bytes),
            Attribute::Times => attributes.times = Some((modified, modified)),
            Attribute::Permissions(mode) => attributes.permissions = Some(*mode),
        }
    }
    attributes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_that_comes_with_the_program_can_be_read() {
        for (name, text) in FILES {
            if let Err(mistake) = Profile::read(Path::new(name), text) {
                panic!("{mistake}");
            }
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles");
        let mut found: Vec<_> = std::fs::read_dir(folder)
            .expect("the folder of profiles")
            .map(|entry| entry.expect("a file").file_name().into_string().expect("a name"))
            .collect();
        found.sort();
        let mut listed: Vec<_> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        listed.sort();
        assert_eq!(listed, found, "each file stands in the table");
    }

    #[test]
    fn a_mistake_in_a_profile_is_shown_where_it_stands() {
        let text = "name: x\ntitle: X\nversion: '1'\nevidence: recorded\nupload:\n  - opne: ${remote}\n";
        let shown = Profile::read(Path::new("x.yaml"), text).expect_err("a typing error");
        assert!(shown.contains("opne") && shown.contains("open") && shown.contains("x.yaml:6"), "{shown}");
    }
}
