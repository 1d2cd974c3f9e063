//! The warehouse as a SQL Server: clients log in over TDS and read tables.
//!
//! ```text
//! connection   one client: TLS, login, its requests one after the other
//! backend      who answers them, and what with
//! interpreter  a session: batches, procedures, transactions
//! language     text to trees        statement  what can be asked
//! evaluate     expressions          select     rows
//! world        tables and views     tables     whoever has the tables
//! instance     databases of a stack calibration  what is said to damage
//! ```
//!
//! A thread serves each client: answers are made from files, and that blocks.

mod backend;
mod backup_tables;
pub mod calibration;
mod catalog;
mod certificate;
mod connection;
mod error;
mod evaluate;
pub mod instance;
mod interpreter;
mod language;
mod procedure;
mod select;
mod statement;
pub mod tables;
#[cfg(test)]
mod tests;
mod transactions;
mod transport;
mod world;

use std::collections::BTreeMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use spatialcloud_tds::{Login, Message};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use backend::{Answer, Backend, Halt, Sink};
pub use backup_tables::BackupTables;
pub use connection::Ended;
pub use instance::{Changes, Instance};
pub use tables::{Databases, Rows, Table, TableIndex, Tables, Unchanging};

use crate::clock::Clock;
use crate::config::SqlConfig;
use instance::Access;
use interpreter::{Identity, Interpreter};
use world::{MASTER, World};

/// What messages call the server.
pub const SERVER_NAME: &str = "SPATIALCLOUD";
/// Version of the SQL Server that it stands in for: 2019, as the contract has it (C-41). Clients parse it.
pub const SERVER_VERSION: (u8, u8, u16) = (15, 0, 4430);

/// Clients at a time: more than tests and people open, few enough for threads.
const MOST_CLIENTS: usize = 200;
/// SQL Server's own sessions have the numbers before.
const FIRST_SESSION: u16 = 51;
/// Expressions are evaluated inside each other, as deep as statements may be.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// Whether a batch is understood: nothing is done.
///
/// # Errors
/// What the client would be told.
pub fn check(sql: &str) -> Result<(), String> {
    let understood = language::tokens(sql, true)
        .and_then(|tokens| statement::parse(&mut language::Cursor::new(&tokens)).map(drop));
    understood.map_err(|halt| match halt {
        Halt::Failed(message) => format!("{}: {}", message.number, message.text),
        other => format!("{other:?}"),
    })
}

/// Why the server could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its address cannot be listened on.
    #[error(
        "cannot listen on {address} for SQL: {error}; choose another in sql.listen, or port 0 for any free one"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the operating system answered.
        error: io::Error,
    },
    /// No certificate could be made.
    #[error("cannot make a certificate for SQL: {0}")]
    Certificate(String),
}

/// What sessions share.
pub(crate) struct Server {
    pub config: SqlConfig,
    pub tls: certificate::Tls,
    databases: Arc<dyn Databases>,
    clock: Clock,
    /// The connections that are open, by session number.
    open: Mutex<BTreeMap<u16, TcpStream>>,
}

/// The running server. Dropped, it lets go of every client.
pub struct Sql {
    address: SocketAddr,
    server: Arc<Server>,
    accepting: JoinHandle<()>,
}

impl Sql {
    /// Listens on an address; port 0 takes any free one.
    pub async fn start(
        listen: SocketAddr,
        config: SqlConfig,
        databases: Arc<dyn Databases>,
        clock: Clock,
    ) -> Result<Sql, StartError> {
        let failed = |error| StartError::Listen { address: listen, error };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let tls = certificate::Tls::self_signed()?;
        let server = Arc::new(Server { config, tls, databases, clock, open: Mutex::default() });
        let accepting = tokio::spawn(accept(listener, server.clone()));
        Ok(Sql { address, server, accepting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Who may log in: user and password.
    pub fn login(&self) -> (&str, &str) {
        (&self.server.config.user, &self.server.config.password)
    }
}

impl Drop for Sql {
    fn drop(&mut self) {
        self.accepting.abort();
        for stream in self.server.open().values() {
            // Wakes its thread, which ends.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

async fn accept(listener: TcpListener, server: Arc<Server>) {
    loop {
        // A client that is gone before it is accepted is no reason to stop.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        let stream = stream.into_std().and_then(|stream| stream.set_nonblocking(false).map(|()| stream));
        let Ok(stream) = stream else { continue };
        let Some(number) = server.enter(&stream) else { continue };
        let server = server.clone();
        let serving = move || {
            // Its end is the client's business: it has been told.
            let _ = connection::serve(stream, number, &server);
            server.open().remove(&number);
        };
        let name = format!("sql-{number}");
        if thread::Builder::new().name(name).stack_size(STACK_BYTES).spawn(serving).is_err() {
            // No thread, no session: the stream is closed with the closure that has it.
            continue;
        }
    }
}

/// Why a client is not let in.
pub(crate) enum LoginRefusal {
    OldVersion(spatialcloud_tds::Version),
    NotPassword(&'static str),
    WrongPassword,
    Database(String),
}

impl LoginRefusal {
    /// What it is told; the last is the one that clients know.
    pub fn messages(&self, user: &str) -> Vec<Message> {
        let refusal =
            |text: String| Message { class: 14, ..Message::error(spatialcloud_tds::NOT_SERVED, text) };
        let mut messages = match self {
            LoginRefusal::OldVersion(version) => vec![refusal(format!(
                "The simulated warehouse speaks TDS 7.3 and later, the client {version}: set it to 7.4."
            ))],
            LoginRefusal::NotPassword(what) => vec![refusal(format!(
                "The simulated warehouse does not serve {what}: log in with a user name and a password."
            ))],
            LoginRefusal::WrongPassword => Vec::new(),
            LoginRefusal::Database(name) => vec![Message {
                class: 11,
                ..Message::error(
                    4060,
                    format!("Cannot open database \"{name}\" requested by the login. The login failed."),
                )
            }],
        };
        messages
            .push(Message { class: 14, ..Message::error(18456, format!("Login failed for user '{user}'.")) });
        messages
    }
}

impl Server {
    fn open(&self) -> std::sync::MutexGuard<'_, BTreeMap<u16, TcpStream>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number for a new connection; `None` where there are too many.
    fn enter(&self, stream: &TcpStream) -> Option<u16> {
        let mut open = self.open();
        if open.len() >= MOST_CLIENTS {
            return None;
        }
        let number = (FIRST_SESSION..u16::MAX).find(|number| !open.contains_key(number))?;
        open.insert(number, stream.try_clone().ok()?);
        Some(number)
    }

    /// Lets a client in, or not: who answers it, and the database it is in.
    pub(crate) fn open_session(
        &self,
        login: &Login,
        session: u16,
    ) -> Result<(Box<dyn Backend>, String), LoginRefusal> {
        if login.options.is_integrated() || !login.sspi.is_empty() {
            return Err(LoginRefusal::NotPassword("Windows authentication"));
        }
        if login.options.changes_password() {
            return Err(LoginRefusal::NotPassword("a change of the password"));
        }
        let is_user = login.user.eq_ignore_ascii_case(&self.config.user);
        if !is_user || login.password != self.config.password {
            return Err(LoginRefusal::WrongPassword);
        }
        let world =
            World { tables: self.databases.clone().snapshot(&Changes::new()), database: MASTER.to_owned() };
        let database = match login.database.as_str() {
            "" => MASTER.to_owned(),
            name => world.database(name).map_err(|_| LoginRefusal::Database(name.to_owned()))?,
        };
        let restored = self.databases.instance().and_then(|instance| instance.restored(&database));
        if restored.is_some_and(|restored| restored.access != Access::Multi) {
            return Err(LoginRefusal::Database(database));
        }
        let identity = Identity {
            user: self.config.user.clone(),
            host: login.host.clone(),
            application: login.application.clone(),
            session,
        };
        let interpreter =
            Interpreter::new(self.databases.clone(), self.clock.clone(), identity, database.clone());
        Ok((Box::new(interpreter), database))
    }
}
