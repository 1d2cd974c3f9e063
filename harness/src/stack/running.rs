//! A running stack.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use spatialcloud_sql_client::{Answer, Connection};

use super::attached::Visit;
use super::builder::{Builder, Home, Stacks};
use super::containers::{Containers, NetworkFault, Simulator};
use super::in_process::InProcess;
use super::process::Process;
use super::{SftpAddress, SqlAddress, StackError};
use crate::api::{Api, ApiError};
use crate::client::{Client, Place};

/// Longest wait for a mover to move its first file.
const LONGEST_RUN: Duration = Duration::from_secs(60);

/// All it takes to start a stack, and to start it again.
pub(super) struct Start {
    pub(super) home: Home,
    pub(super) settings: Value,
    pub(super) data: PathBuf,
    pub(super) http: SocketAddr,
    pub(super) token: Option<String>,
    pub(super) names: Vec<String>,
    pub(super) client: Option<&'static dyn Client>,
}

/// Where it runs.
pub(super) enum Running {
    InProcess(InProcess),
    Process(Process),
    Attached { _until_dropped: Visit },
    Container(Box<Simulator>),
}

/// A stack that has just been started.
pub(super) struct Begun {
    running: Running,
    api: Api,
    sftp: SftpAddress,
    sql: Option<SqlAddress>,
}

pub(super) async fn begin(start: &Start) -> Result<Begun, StackError> {
    let Start { settings, data, http, token, .. } = start;
    let (running, api) = match &start.home {
        Home::Attached(attached) => {
            let visit = attached.begin(settings, &start.names).await?;
            let api = visit.api.clone();
            let (sftp, sql) = (attached.sftp().clone(), attached.sql().cloned());
            return Ok(Begun { running: Running::Attached { _until_dropped: visit }, api, sftp, sql });
        }
        Home::Container(containers) => {
            let containers = match containers {
                Some(containers) => containers.clone(),
                None => Containers::start().await?,
            };
            let scope = containers.scope(start.client);
            let simulator = Simulator::start(containers, settings, token.clone(), scope).await?;
            let (api, sftp) = simulator.reach().await?;
            let sql = SqlAddress::of(&api).await?.map(|sql| SqlAddress { host: sftp.host.clone(), ..sql });
            return Ok(Begun { running: Running::Container(Box::new(simulator)), api, sftp, sql });
        }
        Home::Own => {
            let process = Process::start(settings, data, *http).await?;
            let api = process.api().clone();
            (Running::Process(process), api)
        }
        Home::Shared | Home::Whole => {
            let is_alone = matches!(start.home, Home::Whole);
            let stack = InProcess::start(settings, data, *http, token.clone(), is_alone).await?;
            let api = stack.api();
            (Running::InProcess(stack), api)
        }
    };
    let sftp = SftpAddress::of(&api).await?;
    let sql = SqlAddress::of(&api).await?;
    Ok(Begun { running, api, sftp, sql })
}

/// A running stack. Dropped, everything of it is gone.
pub struct Stack {
    running: Option<Running>,
    api: Api,
    sftp: SftpAddress,
    sql: Option<SqlAddress>,
    start: Start,
    _temporary: Option<tempfile::TempDir>,
}

impl Stack {
    pub(super) fn new(begun: Begun, start: Start, temporary: Option<tempfile::TempDir>) -> Stack {
        let Begun { running, api, sftp, sql } = begun;
        Stack { running: Some(running), api, sftp, sql, start, _temporary: temporary }
    }

    /// A stack inside this process.
    pub fn in_process() -> Builder {
        Builder::at(Home::Shared)
    }

    /// A stack in a process of its own, which can be killed. A program other than `spatialcloud` names it with
    /// [`set_program`](super::set_program) first.
    pub fn in_own_process() -> Builder {
        Builder::at(Home::Own)
    }

    /// A stack that runs already: its sites are made there, under codes that nobody else has, and are gone when this is
    /// dropped. What it is asked and answers has the codes given here.
    pub fn attached(attached: &Arc<super::Attached>) -> Builder {
        Builder::at(Home::Attached(attached.clone()))
    }

    /// A stack for a case of a run.
    pub fn of(stacks: &Stacks) -> Builder {
        match stacks {
            Stacks::InProcess => Stack::in_process(),
            Stacks::Attached(attached) => Stack::attached(attached),
            Stacks::Containers(containers) => Builder::at(Home::Container(Some(containers.clone()))),
        }
    }

    /// A stack in a container, with a network of its own. The images are made by `docker/build`.
    pub fn containers() -> Builder {
        Builder::at(Home::Container(None))
    }

    /// Where a client runs that visits it, and the address it must choose itself to come `from` there, if it must.
    ///
    /// # Errors
    /// Where a container for it cannot be had.
    pub async fn place(
        &self,
        client: &dyn Client,
        from: Option<IpAddr>,
    ) -> Result<(Place, Option<IpAddr>), StackError> {
        match &self.running {
            Some(Running::Container(simulator)) => {
                Ok((simulator.containers().place(client, from).await?, None))
            }
            _ => {
                let _ = client;
                Ok((Place::Here, from))
            }
        }
    }

    /// Its control API.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// The folder with all its data; empty where that is not on this machine.
    pub fn data(&self) -> &Path {
        &self.start.data
    }

    /// The user name with which a site logs in.
    pub fn user<'a>(&'a self, code: &'a str) -> &'a str {
        self.api.scope().site(code)
    }

    /// The token its control API demands, where it listens beyond loopback.
    pub fn token(&self) -> Option<&str> {
        match self.running.as_ref()? {
            Running::InProcess(stack) => stack.token(),
            Running::Container(simulator) => Some(simulator.token()),
            Running::Process(_) | Running::Attached { .. } => None,
        }
    }

    /// Where SQL clients connect, if the settings let them.
    pub fn sql(&self) -> Option<&SqlAddress> {
        self.sql.as_ref()
    }

    /// Asks the warehouse as a SQL client does; each site has a database by its code.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Runtime::new().unwrap();
    /// # runtime.block_on(async {
    /// use spatialcloud_harness::Stack;
    ///
    /// let stack = Stack::in_process().sql().start().await?;
    /// let answer = stack.query("SELECT name FROM sys.databases WHERE name = 'master'").await?;
    /// assert_eq!(answer.results[0].rows[0][0].to_string(), "master");
    /// # Ok::<(), spatialcloud_harness::stack::StackError>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// Where it does not listen for SQL. What the server itself refuses is in [`Answer::errors`].
    pub async fn query(&self, sql: &str) -> Result<Answer, StackError> {
        self.query_in(None, sql).await
    }

    /// The same, in a database; of a site by its code.
    ///
    /// # Errors
    /// As [`Stack::query`]; also where there is no such database.
    pub async fn query_in(&self, database: Option<&str>, sql: &str) -> Result<Answer, StackError> {
        let address = self.sql.as_ref().ok_or(StackError::NoSql)?;
        let database = database.map(|code| self.api.scope().site(code));
        let mut connection = Connection::open(&address.login(database)).await?;
        Ok(connection.run(sql).await?)
    }

    /// Breaks the network between clients and the endpoint, or mends it.
    ///
    /// # Errors
    /// Also where it has no network of its own.
    pub async fn network(&self, fault: NetworkFault) -> Result<(), StackError> {
        match &self.running {
            Some(Running::Container(simulator)) => simulator.network(fault).await,
            _ => Err(StackError::Start("only a stack in containers has a network of its own".to_owned())),
        }
    }

    /// Where clients connect.
    pub fn sftp(&self) -> &SftpAddress {
        &self.sftp
    }

    /// Moves time on by a span such as `5m`; every run that falls due has finished when it answers.
    pub async fn advance(&self, by: &str) -> Result<(), ApiError> {
        self.api.advance(serde_json::json!({"by": by})).await.map(|_| ())
    }

    /// Stops it in an orderly way and starts it again on the same data.
    ///
    /// # Errors
    /// Also where it is somebody else's.
    pub async fn restart(&mut self) -> Result<(), StackError> {
        if let Some(Running::Attached { .. }) = self.running {
            return Err(StackError::Start("a stack that others use too cannot be restarted".to_owned()));
        }
        if let Some(Running::Container(simulator)) = &self.running {
            simulator.restart().await?;
            (self.api, self.sftp) = simulator.reach().await?;
            return Ok(());
        }
        stopped(self.running.take()).await?;
        self.start_again().await
    }

    /// Kills its process and starts it again on the same data. With `during` a mover runs, and is killed as soon as
    /// it has moved a file, or has found none to move.
    ///
    /// # Errors
    /// Also where it has no process of its own.
    pub async fn kill(&mut self, during: Option<&str>) -> Result<(), StackError> {
        if matches!(self.running, None | Some(Running::InProcess(_) | Running::Attached { .. })) {
            return Err(StackError::Start("only a stack in a process of its own can be killed".to_owned()));
        }
        if let Some(mover) = during {
            let last =
                self.api.events("").await?.last().map_or(0, |event| event["sequence"].as_u64().unwrap_or(0));
            let (path, query) = (format!("movers/{mover}/run"), format!("kind=file.moved&after={last}"));
            tokio::select! {
                run = self.api.post(&path, serde_json::json!({})) => run.map(|_| ())?,
                moved = self.api.wait(&query, LONGEST_RUN) => moved.map(|_| ())?,
            }
        }
        if let Some(Running::Container(simulator)) = &self.running {
            simulator.kill().await?;
            (self.api, self.sftp) = simulator.reach().await?;
            return Ok(());
        }
        if let Some(Running::Process(process)) = self.running.take() {
            process.kill().await?;
        }
        self.start_again().await
    }

    async fn start_again(&mut self) -> Result<(), StackError> {
        let begun = begin(&self.start).await?;
        (self.running, self.api) = (Some(begun.running), begun.api);
        (self.sftp, self.sql) = (begun.sftp, begun.sql);
        Ok(())
    }

    /// Stops it in an orderly way.
    pub async fn stop(mut self) -> Result<(), StackError> {
        stopped(self.running.take()).await
    }
}

async fn stopped(running: Option<Running>) -> Result<(), StackError> {
    match running {
        Some(Running::InProcess(stack)) => stack.stop().await,
        Some(Running::Process(process)) => process.stop().await,
        Some(Running::Container(simulator)) => simulator.stop().await,
        Some(Running::Attached { .. }) | None => Ok(()),
    }
}
