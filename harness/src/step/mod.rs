//! Steps of a scenario: one line each in [`STEPS`], found in the files beside this one.

mod expect;
mod fault;
mod legacy_ftp;
mod network;
mod operations;
mod place;
mod production;
mod query;
mod time;
mod together;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use crate::api::ApiError;
use crate::client::{Client, HeldUpload, Login, Operation, Outcome};
use crate::keys::KeyPair;
use crate::runner::Databases;
use crate::scenario::fields::{self, Asked, Fields, Mistake};
use crate::scenario::node::{Kind, Node, Place};
use crate::stack::{Stack, StackError};
pub use operations::Ending;
pub use together::IN_SESSION;

/// Something a scenario does or expects.
#[async_trait]
pub trait Step: Send + Sync {
    /// What it asks of the client, if anything: decides which clients can run the scenario.
    fn operation(&self) -> Option<Operation> {
        None
    }

    /// The same, for a step that asks for several things.
    fn operations(&self) -> Vec<Operation> {
        self.operation().into_iter().collect()
    }

    /// What one of several sessions side by side does for it, and how that should end; nothing where it cannot be
    /// one of several.
    fn in_session(&self, _world: &World) -> Option<(Operation, &Ending)> {
        None
    }

    /// Whether the stack must run in a process of its own.
    fn needs_process(&self) -> bool {
        false
    }

    /// Whether the stack must listen for SQL.
    fn needs_sql(&self) -> bool {
        false
    }

    /// Whether it needs a network of the run's own.
    fn needs_network(&self) -> bool {
        false
    }

    /// Why it cannot be done on a stack that others use too, if it cannot.
    fn needs_own_stack(&self) -> Option<&'static str> {
        self.needs_process().then_some("it kills the stack, which others use too")
    }

    /// Whether only the built-in client can do it.
    fn needs_builtin(&self) -> bool {
        false
    }

    /// Whether the client must connect from an address other than the usual one.
    fn needs_source_address(&self) -> bool {
        false
    }

    /// Whether the client must try a password.
    fn needs_password(&self) -> bool {
        false
    }

    /// Whether the order of what happens in it is nobody's.
    fn is_unordered(&self) -> bool {
        false
    }

    /// Does it.
    async fn run(&self, run: &mut World) -> Result<(), Failure>;
}

/// What a scenario defines, for checking names before anything runs.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Files.
    pub files: Vec<String>,
    /// Sites.
    pub sites: Vec<String>,
}

impl Names {
    /// What examples speak of.
    pub fn of_examples() -> Names {
        Names { files: vec!["a.tif".to_owned()], sites: vec!["CITY".to_owned()] }
    }

    fn need_file(&self, place: &Place, name: &str) -> Result<(), Mistake> {
        known(&self.files, place, "file", name)
    }

    fn need_site(&self, place: &Place, name: &str) -> Result<(), Mistake> {
        known(&self.sites, place, "site", name)
    }
}

fn known(names: &[String], place: &Place, what: &str, name: &str) -> Result<(), Mistake> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    if names.contains(&name) { Ok(()) } else { Err(Mistake::unknown(place, what, name, &names)) }
}

/// A step read from a file, or what is wrong with it.
pub type Parsed = Result<Box<dyn Step>, Mistake>;

/// One kind of step.
pub struct StepKind {
    /// Its key in the file.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub sentence: &'static str,
    /// How it is written, with most of its keys. A test parses it.
    pub example: &'static str,
    /// Reads it.
    pub parse: fn(&mut Fields<'_>, &Names) -> Parsed,
}

/// Every kind of step there is.
pub const STEPS: &[StepKind] = &[
    StepKind {
        name: "connect",
        sentence: "Logs in as a site and keeps that login for the steps that follow.",
        example: "- connect: { as: CITY, user: CITY, key: rsa-other, from: 127.0.0.2, fails: Permission denied }",
        parse: operations::connect,
    },
    StepKind {
        name: "upload",
        sentence: "Uploads a file.",
        example: "- upload: { file: a.tif, to: Spatial/a.tif, preserve-times: true, resume: true, may-fail: true }",
        parse: operations::upload,
    },
    StepKind {
        name: "download",
        sentence: "Downloads a file, and compares it where told to.",
        example: "- download: { from: Spatial/a.tif, same-as: a.tif }",
        parse: operations::download,
    },
    StepKind {
        name: "list",
        sentence: "Lists a folder.",
        example: "- list: { path: Spatial, names: [a.tif, b.tif], capture: count }",
        parse: operations::list,
    },
    StepKind {
        name: "rename",
        sentence: "Renames a file.",
        example: "- rename: { from: Spatial/a.tif, to: Web/b.tif }",
        parse: operations::rename,
    },
    StepKind {
        name: "remove",
        sentence: "Removes a file.",
        example: r#"- remove: { path: Spatial/a.tif, fails: "*" }"#,
        parse: operations::remove,
    },
    StepKind {
        name: "mkdir",
        sentence: "Makes a folder.",
        example: "- mkdir: { path: Spatial/2026 }",
        parse: operations::mkdir,
    },
    StepKind {
        name: "rmdir",
        sentence: "Removes a folder.",
        example: "- rmdir: { path: Spatial/2026 }",
        parse: operations::rmdir,
    },
    StepKind {
        name: "set-times",
        sentence: "Sets a file's time.",
        example: r#"- set-times: { path: Spatial/a.tif, modified: 1577923200, fails: "*" }"#,
        parse: operations::set_times,
    },
    StepKind {
        name: "start-upload",
        sentence: "Uploads the first part of a file and holds it open.",
        example: "- start-upload: { file: a.tif, to: Spatial/a.tif, hold-at: 1MiB }",
        parse: operations::start_upload,
    },
    StepKind {
        name: "finish-upload",
        sentence: "Uploads the rest of a file that is held open.",
        example: "- finish-upload",
        parse: operations::finish_upload,
    },
    StepKind {
        name: "disconnect",
        sentence: "Cuts the connection of an upload that is held open.",
        example: "- disconnect",
        parse: operations::disconnect,
    },
    StepKind {
        name: "together",
        sentence: "Sessions side by side, each with a login of its own; in what order they come is nobody's.",
        example: "- together: { sessions: [{ as: CITY, upload: { file: a.tif, to: Web/a.tif } }, { as: CITY, remove: { path: Web/b.tif } }] }",
        parse: together::together,
    },
    StepKind {
        name: "advance",
        sentence: "Moves time on; runs that fall due are done.",
        example: "- advance: { to: nightly }",
        parse: time::advance,
    },
    StepKind {
        name: "run-mover",
        sentence: "Runs a mover out of turn.",
        example: "- run-mover: { name: interval }",
        parse: time::run_mover,
    },
    StepKind {
        name: "fault",
        sentence: "Arms a fault.",
        example: "- fault: { fault: status, at: write, offset-bytes: 1048576, status: 14, times: 1 }",
        parse: fault::arm,
    },
    StepKind {
        name: "network",
        sentence: "Breaks the network between clients and the endpoint, or mends it (none); with `--stack containers` only. Faults are partition, pause (for-ms), loss (percent), rate (per-second), reset (after), mtu (bytes).",
        example: "- network: { fault: reset, after: 1MiB }",
        parse: network::network,
    },
    StepKind {
        name: "clear-faults",
        sentence: "Disarms every fault.",
        example: "- clear-faults",
        parse: fault::clear,
    },
    StepKind {
        name: "restart",
        sentence: "Stops the stack and starts it again on the same data.",
        example: "- restart",
        parse: time::restart,
    },
    StepKind {
        name: "kill",
        sentence: "Kills the stack's process, in the middle of a mover's run where told to, and starts it again.",
        example: "- kill: { during: interval }",
        parse: time::kill,
    },
    StepKind {
        name: "provision",
        sentence: "Hands over a site's key, or provisions, suspends, resumes it.",
        example: "- provision: { site: CITY, do: request, key: ed25519, refused: other-kind }",
        parse: place::provision,
    },
    StepKind {
        name: "legacy-ftp",
        sentence: "Calls the legacy FTP port, and compares what it says; without `says`, nothing may listen.",
        example: "- legacy-ftp: { says: 421 }",
        parse: legacy_ftp::call,
    },
    StepKind {
        name: "query",
        sentence: "Asks a site's database as a SQL client does, and compares columns and rows of the first result, or the error.",
        example: "- query: { as: CITY, sql: SELECT COUNT(*) FROM dbo.parcels, rows: [[1200]], capture: parcels }",
        parse: query::query,
    },
    StepKind {
        name: "expect",
        sentence: "Compares what is there, or what happened, with what should.",
        example: "- expect: { cloud: CITY/Spatial/a.tif, same-as: a.tif }",
        parse: expect::expect,
    },
];

/// Reads one step: a map with one key.
pub fn parse(node: &Node, names: &Names) -> Parsed {
    let single = match &node.kind {
        Kind::Map(entries) if entries.len() == 1 => entries.first(),
        Kind::Scalar(serde_json::Value::String(text)) => {
            return find(node, text)?.read(&Node { kind: Kind::Null, place: node.place.clone() }, names);
        }
        _ => None,
    };
    let Some((key, value)) = single else {
        return Err(Mistake::new(
            &node.place,
            "a step is a map with one key, such as - advance: { to: nightly }",
        ));
    };
    let at_key = Node { kind: Kind::Null, place: key.place.clone() };
    find(&at_key, &key.text)?.read(value, names)
}

fn find(node: &Node, name: &str) -> Result<&'static StepKind, Mistake> {
    STEPS.iter().find(|step| step.name == name).ok_or_else(|| {
        let known: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        Mistake::unknown(&node.place, "step", name, &known)
    })
}

impl StepKind {
    /// The keys it asks for when it reads this map.
    pub fn asked(&self, example: &str) -> Vec<Asked> {
        fields::asked(example, |fields| (self.parse)(fields, &Names::of_examples()).map(|_| ()))
    }

    /// Whether it can be written as its name alone.
    pub fn stands_alone(&self) -> bool {
        let nothing = Node { kind: Kind::Null, place: 0..0 };
        self.read(&nothing, &Names::default()).is_ok()
    }

    fn read(&self, value: &Node, names: &Names) -> Parsed {
        let mut fields = Fields::of(value, self.name)?;
        let step = (self.parse)(&mut fields, names)?;
        fields.end()?;
        Ok(step)
    }
}

/// What a run works with.
pub struct World {
    /// The stack under test.
    pub stack: Stack,
    /// Its databases on a SQL Server, where one loads its backups.
    pub databases: Option<Databases>,
    /// The client under test.
    pub client: &'static dyn Client,
    /// Where the client's usual connections come from.
    pub address: IpAddr,
    /// The current login.
    pub login: Option<Login>,
    /// The last thing the client did.
    pub outcome: Option<Outcome>,
    /// Files to upload, on disk.
    pub files: BTreeMap<String, PathBuf>,
    /// Keys of the sites.
    pub keys: BTreeMap<String, KeyPair>,
    /// Addresses of sites that are still to be handed over.
    pub from: BTreeMap<String, Vec<String>>,
    /// Values captured by earlier steps.
    pub captures: BTreeMap<String, String>,
    /// An upload in mid-flight.
    pub held: Option<HeldUpload>,
    /// Whether the order of events must be the same each time, so that a step waits for its connections' ends.
    pub is_ordered: bool,
    /// A folder for the client and for downloads.
    pub work: PathBuf,
    /// What is worth telling of this run, for the report.
    pub story: Vec<String>,
    /// Holds files, keys and `work`; removed when the run is over.
    pub _folder: tempfile::TempDir,
}

impl World {
    /// A login as a site, or as somebody who is none; from the usual address, or from another.
    async fn login(
        &self,
        user: &str,
        pair: KeyPair,
        work: &Path,
        from: Option<IpAddr>,
    ) -> Result<Login, Failure> {
        let clock = Some(self.stack.api().clone());
        let (place, source_address) = self.stack.place(self.client, from).await?;
        let login = Login::new(self.stack.sftp(), self.stack.user(user), pair, work);
        Ok(Login { clock, place, source_address, ..login })
    }
}

/// Why a step failed.
#[derive(Debug)]
pub enum Failure {
    /// Something was not as expected.
    Expectation {
        /// What should have been.
        expected: String,
        /// What was.
        got: String,
    },
    /// The stack could not be used: ours to mend, not the client's.
    Stack(String),
}

impl Failure {
    /// The same, where one of several failed.
    fn of(self, which: &str) -> Failure {
        match self {
            Failure::Expectation { expected, got } => {
                Failure::Expectation { expected: format!("{which}: {expected}"), got }
            }
            Failure::Stack(reason) => Failure::Stack(format!("{which}: {reason}")),
        }
    }

    fn new(expected: impl Into<String>, got: impl Into<String>) -> Failure {
        Failure::Expectation { expected: expected.into(), got: got.into() }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Failure {
        Failure::Stack(error.to_string())
    }
}

impl From<StackError> for Failure {
    fn from(error: StackError) -> Failure {
        Failure::Stack(error.to_string())
    }
}
