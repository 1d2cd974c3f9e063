//! Logs in to a SQL Server and sends batches to it.

use std::ops::ControlFlow;
use std::time::Duration;

use futures_util::StreamExt;
use tiberius::{AuthMethod, Client, Config, EncryptionLevel, QueryItem};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};
use tracing::instrument::WithSubscriber;

use crate::answer::{Answer, Column, Item, ServerError};
use crate::cell::Cell;
use crate::told::Told;

/// Longest wait for a server to take a connection, and again to let the client in.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// What servers list this client as.
const APPLICATION: &str = "spatialcloud";

/// Where a server is, and as whom to log in. Its certificate is not held against anything: servers make their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Host or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// User name.
    pub user: String,
    /// Password.
    pub password: String,
    /// The database; the user's own where absent.
    pub database: Option<String>,
    /// What is encrypted.
    pub encryption: Encryption,
}

/// What of a connection is inside TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encryption {
    /// Nothing, not even the login.
    None,
    /// The login.
    Login,
    /// All, where the server can.
    #[default]
    All,
    /// All, TDS 8.0: TLS before the first byte of TDS.
    Strict,
}

impl Encryption {
    /// Every one with its name.
    pub const NAMES: [(&'static str, Encryption); 4] = [
        ("none", Encryption::None),
        ("login", Encryption::Login),
        ("all", Encryption::All),
        ("strict", Encryption::Strict),
    ];

    fn level(self) -> EncryptionLevel {
        match self {
            Encryption::None => EncryptionLevel::NotSupported,
            Encryption::Login => EncryptionLevel::Off,
            Encryption::All => EncryptionLevel::On,
            Encryption::Strict => EncryptionLevel::Strict,
        }
    }
}

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// Nobody answers there.
    #[error("no SQL Server answers at {address}: {reason}")]
    Unreachable {
        /// Host and port.
        address: String,
        /// What went wrong.
        reason: String,
    },
    /// The server lets this login not in.
    #[error("{address} refuses the login of {user}: error {error}")]
    Login {
        /// Host and port.
        address: String,
        /// Who asked.
        user: String,
        /// The server's words.
        error: ServerError,
    },
    /// The connection ended, or brought what is not TDS.
    #[error("the connection to {address} is lost: {reason}")]
    Lost {
        /// Host and port.
        address: String,
        /// What went wrong.
        reason: String,
    },
}

/// A connection that is logged in.
pub struct Connection {
    client: Client<Compat<TcpStream>>,
    address: String,
}

impl Connection {
    /// Logs in.
    ///
    /// # Errors
    /// [`SqlError::Unreachable`] and [`SqlError::Login`].
    pub async fn open(login: &Login) -> Result<Connection, SqlError> {
        let address = format!("{}:{}", login.host, login.port);
        let unreachable = |reason: String| SqlError::Unreachable { address: address.clone(), reason };
        let mut config = Config::new();
        config.host(&login.host);
        config.port(login.port);
        if let Some(database) = &login.database {
            config.database(database);
        }
        config.application_name(APPLICATION);
        config.authentication(AuthMethod::sql_server(&login.user, &login.password));
        config.encryption(login.encryption.level());
        config.trust_cert();
        config.handshake_timeout(Some(CONNECT_TIMEOUT));
        // A restore takes as long as it takes.
        config.command_timeout(None);
        let connect = TcpStream::connect((login.host.as_str(), login.port));
        let stream = match tokio::time::timeout(CONNECT_TIMEOUT, connect).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(unreachable(error.to_string())),
            Err(_) => return Err(unreachable(format!("no answer in {} s", CONNECT_TIMEOUT.as_secs()))),
        };
        stream.set_nodelay(true).map_err(|error| unreachable(error.to_string()))?;
        let client = Client::connect(config, stream.compat_write()).await.map_err(|error| match error {
            tiberius::error::Error::Server(error) => {
                SqlError::Login { address: address.clone(), user: login.user.clone(), error: told(&error) }
            }
            other => unreachable(other.to_string()),
        })?;
        Ok(Connection { client, address })
    }

    /// Sends a batch; each part of the answer goes to `each` as it comes, until that breaks off.
    ///
    /// # Errors
    /// [`SqlError::Lost`]; what the server itself refuses is part of the answer.
    pub async fn stream(
        &mut self,
        sql: &str,
        each: &mut (dyn FnMut(Item) -> ControlFlow<()> + Send),
    ) -> Result<(), SqlError> {
        let told = Told::default();
        let end = send(&mut self.client, sql, &told, each).with_subscriber(told.clone()).await;
        end.map_err(|reason| SqlError::Lost { address: self.address.clone(), reason })
    }

    /// Sends a batch and waits for the whole answer.
    ///
    /// # Errors
    /// As [`Connection::stream`].
    pub async fn run(&mut self, sql: &str) -> Result<Answer, SqlError> {
        let mut answer = Answer::default();
        self.stream(sql, &mut |item| {
            answer.take(item);
            ControlFlow::Continue(())
        })
        .await?;
        Ok(answer)
    }
}

async fn send(
    client: &mut Client<Compat<TcpStream>>,
    sql: &str,
    told: &Told,
    each: &mut (dyn FnMut(Item) -> ControlFlow<()> + Send),
) -> Result<(), String> {
    // Errors are told to `told` one by one; the first comes as an error too, with all that is known of it.
    let mut errors: Vec<ServerError> = Vec::new();
    let mut first = None;
    let heard = |errors: &mut Vec<ServerError>, each: &mut (dyn FnMut(Item) -> ControlFlow<()> + Send)| {
        for item in told.take() {
            match item {
                Item::Error(error) => errors.push(error),
                other => each(other)?,
            }
        }
        ControlFlow::Continue(())
    };
    match client.simple_query(sql).await {
        Err(tiberius::error::Error::Server(error)) => first = Some(error),
        Err(error) => return Err(error.to_string()),
        Ok(mut stream) => {
            while let Some(item) = stream.next().await {
                if heard(&mut errors, each).is_break() {
                    return Ok(());
                }
                let item = match item {
                    Ok(QueryItem::Metadata(metadata)) => {
                        Item::Columns(metadata.columns().iter().map(column).collect())
                    }
                    Ok(QueryItem::Row(row)) => Item::Row(
                        row.cells().map(|(column, value)| Cell::of(value, column.column_type())).collect(),
                    ),
                    Err(tiberius::error::Error::Server(error)) => {
                        first = Some(error);
                        break;
                    }
                    Err(error) => return Err(error.to_string()),
                };
                if each(item).is_break() {
                    return Ok(());
                }
            }
        }
    }
    if heard(&mut errors, each).is_break() {
        return Ok(());
    }
    if let Some(error) = first {
        let error = self::told(&error);
        match errors.first_mut() {
            Some(heard) => *heard = error,
            None => errors.push(error),
        }
    }
    for error in errors {
        if each(Item::Error(error)).is_break() {
            break;
        }
    }
    Ok(())
}

fn told(error: &tiberius::error::TokenError) -> ServerError {
    ServerError {
        number: error.code(),
        class: Some(error.class()),
        state: Some(error.state()),
        line: Some(error.line()),
        message: error.message().to_owned(),
    }
}

fn column(column: &tiberius::Column) -> Column {
    use tiberius::ColumnType::*;
    let is_number = matches!(
        column.column_type(),
        Int1 | Int2
            | Int4
            | Int8
            | Intn
            | Bit
            | Bitn
            | Float4
            | Float8
            | Floatn
            | Money
            | Money4
            | Decimaln
            | Numericn
    );
    Column {
        name: column.name().to_owned(),
        is_number,
        wire_type: format!("{:?}", column.column_type()).to_uppercase(),
    }
}
