//! Describes a stack that is still to be started, and where it will run.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::running::{Stack, Start, begin};
use super::{Attached, StackError};
use crate::client::{Client, Place};

/// Where the stacks of a run of scenarios come from.
#[derive(Clone, Debug, Default)]
pub enum Stacks {
    /// One in this process for each case, or in a process of its own for a case that kills it.
    #[default]
    InProcess,
    /// One that runs already; each case has sites of its own there.
    Attached(Arc<Attached>),
    /// One in a container for each case, and clients in containers beside it.
    Containers(Arc<super::Containers>),
}

impl Stacks {
    /// Whether cases can run side by side: not where they share a clock.
    pub fn are_many(&self) -> bool {
        !matches!(self, Stacks::Attached(_))
    }

    /// Whether their clients run on a network of the run's own.
    pub fn have_a_network(&self) -> bool {
        match self {
            Stacks::InProcess | Stacks::Attached(_) => false,
            Stacks::Containers(_) => true,
        }
    }

    /// Where clients' programs are asked for their versions.
    pub fn place(&self) -> Place {
        match self {
            Stacks::InProcess | Stacks::Attached(_) => Place::Here,
            Stacks::Containers(containers) => containers.first().clone(),
        }
    }

    /// A folder for a case, which vanishes: where its clients see it.
    ///
    /// # Errors
    /// As the operating system answers.
    pub fn folder(&self) -> io::Result<tempfile::TempDir> {
        let mut folder = tempfile::Builder::new();
        folder.prefix("spatialcloud-case-");
        match self {
            Stacks::InProcess | Stacks::Attached(_) => folder.tempdir(),
            Stacks::Containers(containers) => folder.tempdir_in(containers.folder()),
        }
    }

    /// Takes away what was started for all cases.
    ///
    /// # Errors
    /// Where something could not be taken away.
    pub async fn end(&self) -> Result<(), StackError> {
        match self {
            Stacks::InProcess | Stacks::Attached(_) => Ok(()),
            Stacks::Containers(containers) => containers.end().await,
        }
    }
}

/// Where a stack runs.
#[derive(Clone, Debug, Default)]
pub(super) enum Home {
    /// In this process, beside others.
    #[default]
    Shared,
    /// In this process, which is nothing else.
    Whole,
    /// In a process that is started for it.
    Own,
    /// Somewhere, already.
    Attached(Arc<Attached>),
    /// In a container: of a run's, or of its own.
    Container(Option<Arc<super::Containers>>),
}

/// Describes a stack that is still to be started.
#[derive(Default)]
pub struct Builder {
    settings: Value,
    data: Option<PathBuf>,
    http: Option<SocketAddr>,
    token: Option<String>,
    sites: Vec<(String, String, Vec<String>)>,
    names: Vec<String>,
    client: Option<&'static dyn Client>,
    home: Home,
}

impl Builder {
    pub(super) fn at(home: Home) -> Builder {
        Builder { home, ..Builder::default() }
    }

    /// Settings, as in the file that `up --config` reads.
    pub fn settings(mut self, settings: Value) -> Builder {
        self.settings = settings;
        self
    }

    /// Keeps its data in `folder`, rather than in a temporary one that is removed at the end.
    pub fn data(mut self, folder: &Path) -> Builder {
        self.data = Some(folder.to_owned());
        self
    }

    /// This process is nothing but the stack: a fault may kill it.
    pub fn alone(mut self) -> Builder {
        self.home = Home::Whole;
        self
    }

    /// It can be killed: it runs in a process of its own where it would run in this one.
    pub fn killable(mut self) -> Builder {
        if let Home::Shared = self.home {
            self.home = Home::Own;
        }
        self
    }

    /// Its control API listens there, rather than on any free port of loopback.
    pub fn http(mut self, address: SocketAddr) -> Builder {
        self.http = Some(address);
        self
    }

    /// Its control API demands this token, rather than none on loopback and one of its own beyond.
    pub fn token(mut self, token: Option<String>) -> Builder {
        self.token = token;
        self
    }

    /// It listens for SQL, on any free port of loopback unless its settings say where.
    pub fn sql(mut self) -> Builder {
        if self.settings["sql"]["listen"].is_null() {
            // In a container loopback is its own.
            let listen = if let Home::Container(_) = self.home { "0.0.0.0:1433" } else { "127.0.0.1:0" };
            self.settings["sql"]["listen"] = listen.into();
        }
        self
    }

    /// A provisioned site: its code, its public key in OpenSSH form, the addresses it connects from.
    pub fn site<A: Into<String>>(
        mut self,
        code: &str,
        key: &str,
        from: impl IntoIterator<Item = A>,
    ) -> Builder {
        self.sites.push((code.to_owned(), key.to_owned(), from.into_iter().map(Into::into).collect()));
        self.named(code)
    }

    /// A site that will be made later, through the API: on a stack that others use too its code stands for one that
    /// nobody else has.
    pub fn named(mut self, code: &str) -> Builder {
        if !self.names.iter().any(|name| name == code) {
            self.names.push(code.to_owned());
        }
        self
    }

    /// The client that will visit it: where it connects from follows from that.
    pub fn client(mut self, client: &'static dyn Client) -> Builder {
        self.client = Some(client);
        self
    }

    /// Starts it.
    pub async fn start(mut self) -> Result<Stack, StackError> {
        let temporary = match (&self.home, &self.data) {
            (Home::Shared | Home::Whole | Home::Own, None) => {
                Some(tempfile::Builder::new().prefix("spatialcloud-").tempdir()?)
            }
            _ => None,
        };
        let folder = temporary.as_ref().map(|folder| folder.path().to_owned());
        if let Home::Own = self.home {
            for (code, key, from) in self.sites.drain(..) {
                self.settings["sites"][code] = json!({ "keys": [key], "from": from });
            }
        }
        let start = Start {
            home: self.home,
            settings: self.settings,
            data: self.data.or(folder).unwrap_or_default(),
            http: self.http.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0))),
            token: self.token,
            names: self.names,
            client: self.client,
        };
        let stack = Stack::new(begin(&start).await?, start, temporary);
        for (code, key, from) in &self.sites {
            stack.api().create_site(code, key, from, true).await?;
        }
        Ok(stack)
    }
}
