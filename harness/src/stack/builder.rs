//! Describes a stack that is still to be started, and where it will run.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::running::{Stack, Start, begin};
use super::{Attached, StackError};

/// Where the stacks of a run of scenarios come from.
#[derive(Clone, Debug, Default)]
pub enum Stacks {
    /// One in this process for each case, or in a process of its own for a case that kills it.
    #[default]
    InProcess,
    /// One that runs already; each case has sites of its own there.
    Attached(Arc<Attached>),
}

impl Stacks {
    /// Whether cases can run side by side: not where they share a clock.
    pub fn are_many(&self) -> bool {
        !matches!(self, Stacks::Attached(_))
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
            self.settings["sql"]["listen"] = "127.0.0.1:0".into();
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
        };
        let stack = Stack::new(begin(&start).await?, start, temporary);
        for (code, key, from) in &self.sites {
            stack.api().create_site(code, key, from, true).await?;
        }
        Ok(stack)
    }
}
