//! `sql`: asks the warehouse of a running stack, or any SQL Server, and prints what it answers.

mod csv;
mod table;

use std::io::{self, BufWriter, Read, Write};
use std::ops::ControlFlow;

use clap::{Args, builder::PossibleValuesParser};
use serde_json::{Value, json};
use spatialcloud_harness::stack::SqlAddress;
use spatialcloud_sql_client::{Answer, Cell, Connection, Encryption, Item, Login, ServerError, SqlError};

use super::{Target, error_style, fail, style};
use crate::exit::Exit;
use table::Table;

#[derive(Args)]
pub struct Arguments {
    /// What is asked; `-` reads it from standard input
    #[arg(value_name = "SQL")]
    sql: String,
    /// Database: a stack has one for each site, by its code
    #[arg(long, short, value_name = "NAME")]
    database: Option<String>,
    /// Ask this server, rather than a running stack
    #[arg(long, value_name = "HOST[:PORT]", requires = "password")]
    server: Option<String>,
    /// Who logs in there
    #[arg(long, value_name = "NAME", default_value = "sa")]
    user: String,
    /// With this password
    #[arg(long, value_name = "PASSWORD", env = "SPATIALCLOUD_SQL_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// What is encrypted; certificates are not checked
    #[arg(long, default_value = "all", value_parser = PossibleValuesParser::new(Encryption::NAMES.map(|(name, _)| name)))]
    encrypt: String,
    /// Print JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print comma-separated values
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    target: Target,
}

/// Where SQL Server listens unless told otherwise.
const USUAL_PORT: u16 = 1433;

pub async fn perform(arguments: Arguments) -> Exit {
    let sql = match text(&arguments.sql) {
        Ok(sql) => sql,
        Err(error) => return fail(Exit::WrongUse, format!("standard input: {error}")),
    };
    let login = match login(&arguments).await {
        Ok(login) => login,
        Err((exit, message)) => return fail(exit, message),
    };
    let mut connection = match Connection::open(&login).await {
        Ok(connection) => connection,
        Err(error @ SqlError::Login { .. }) => return fail(Exit::WrongUse, error),
        Err(error) => return fail(Exit::NoStack, error),
    };
    let printed = if arguments.json {
        print_json(&mut connection, &sql).await
    } else if arguments.csv {
        let mut csv = csv::Csv::new(BufWriter::new(io::stdout()));
        print_parts(&mut connection, &sql, &mut csv).await
    } else {
        let mut table = Table::new(BufWriter::new(io::stdout()), table::width(), style());
        print_parts(&mut connection, &sql, &mut table).await
    };
    match printed {
        Ok(true) => Exit::Passed,
        Ok(false) => Exit::Failed,
        Err(error) => fail(Exit::NoStack, error),
    }
}

fn text(argument: &str) -> io::Result<String> {
    match argument {
        "-" => {
            let mut sql = String::new();
            io::stdin().read_to_string(&mut sql).map(|_| sql)
        }
        sql => Ok(sql.to_owned()),
    }
}

async fn login(arguments: &Arguments) -> Result<Login, (Exit, String)> {
    let encryption = Encryption::NAMES.iter().find(|(name, _)| *name == arguments.encrypt);
    let encryption = encryption.map_or(Encryption::default(), |(_, encryption)| *encryption);
    if let Some(server) = &arguments.server {
        let (host, port) = host_and_port(server).map_err(|message| (Exit::WrongUse, message))?;
        return Ok(Login {
            host,
            port,
            user: arguments.user.clone(),
            password: arguments.password.clone().unwrap_or_default(),
            database: arguments.database.clone(),
            encryption,
        });
    }
    let found = SqlAddress::of(&arguments.target.api()).await;
    match found.map_err(|error| (Exit::NoStack, error.to_string()))? {
        Some(address) => Ok(Login { encryption, ..address.login(arguments.database.as_deref()) }),
        None => {
            let told = "the stack does not listen for SQL: start one with sql: { listen: \"127.0.0.1:1433\" } in its settings, \
                        or name a server with --server";
            Err((Exit::NoStack, told.to_owned()))
        }
    }
}

/// `host`, `host:port`, `host,port` as SQL Server's own tools have it, `[::1]:port`.
pub(super) fn host_and_port(server: &str) -> Result<(String, u16), String> {
    let told = |port: &str| format!("--server {server:?}: {port:?} is no port; expected HOST:PORT");
    let (host, port) = match server.rsplit_once([':', ',']) {
        // An IPv6 address has colons of its own.
        Some((host, _)) if host.contains(':') && !host.ends_with(']') => (server, None),
        Some((host, port)) => (host, Some(port)),
        None => (server, None),
    };
    let port = port.map_or(Ok(USUAL_PORT), |port| port.parse().map_err(|_| told(port)))?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if host.is_empty() { Err(told(server)) } else { Ok((host.to_owned(), port)) }
}

/// Prints rows as they come.
trait Printer: Send {
    /// A result begins.
    fn columns(&mut self, columns: Vec<spatialcloud_sql_client::Column>) -> io::Result<()>;
    /// A row of it.
    fn row(&mut self, row: Vec<Cell>) -> io::Result<()>;
    /// Nothing more of it comes, or none was there.
    fn end(&mut self) -> io::Result<()>;
}

/// Whether the server was content; what it says beside its results goes to standard error.
async fn print_parts(
    connection: &mut Connection,
    sql: &str,
    printer: &mut dyn Printer,
) -> Result<bool, SqlError> {
    let mut is_content = true;
    let mut written = Ok(());
    let each = &mut |item: Item| {
        written = match item {
            Item::Columns(columns) => printer.end().and_then(|()| printer.columns(columns)),
            Item::Row(row) => printer.row(row),
            Item::Message(message) => printer.end().map(|()| eprintln!("{message}")),
            Item::Error(error) => {
                is_content = false;
                printer.end().map(|()| eprintln!("{} {}", error_style().bad("error:"), told(&error)))
            }
        };
        // Nobody reads any more: `| head` ends so, and the rest need not be asked for.
        if written.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    connection.stream(sql, each).await?;
    let _ = written.and_then(|()| printer.end());
    Ok(is_content)
}

async fn print_json(connection: &mut Connection, sql: &str) -> Result<bool, SqlError> {
    let answer = connection.run(sql).await?;
    let mut out = io::stdout();
    let _ = writeln!(out, "{}", as_json(&answer));
    Ok(answer.errors.is_empty())
}

fn as_json(answer: &Answer) -> Value {
    let results = answer.results.iter().map(|results| {
        let columns: Vec<&str> = results.columns.iter().map(|column| column.name.as_str()).collect();
        let rows = results.rows.iter().map(|row| Value::from_iter(row.iter().map(Cell::to_json)));
        json!({ "columns": columns, "rows": rows.collect::<Vec<_>>() })
    });
    let errors = answer.errors.iter().map(|error| {
        json!({
            "number": error.number,
            "class": error.class,
            "state": error.state,
            "line": error.line,
            "message": error.message,
        })
    });
    json!({
        "results": results.collect::<Vec<_>>(),
        "messages": answer.messages,
        "errors": errors.collect::<Vec<_>>(),
    })
}

fn told(error: &ServerError) -> String {
    let line = error.line.map(|line| format!(", line {line}")).unwrap_or_default();
    format!("{}{line}: {}", error.number, error.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_named_in_every_usual_way() {
        for (server, host, port) in [
            ("db", "db", 1433),
            ("db:14330", "db", 14330),
            ("db,14330", "db", 14330),
            ("127.0.0.1:1", "127.0.0.1", 1),
            ("::1", "::1", 1433),
            ("[::1]:14330", "::1", 14330),
            ("[::1]", "::1", 1433),
        ] {
            assert_eq!(host_and_port(server), Ok((host.to_owned(), port)), "{server}");
        }
        for wrong in ["db:port", "db:70000", ":1433", ""] {
            assert!(host_and_port(wrong).is_err(), "{wrong}");
        }
    }
}
