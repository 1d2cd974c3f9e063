//! `calibrate`: records what a SQL Server says to damaged backups, for the stand-in to answer alike.

use std::path::PathBuf;

use clap::Args;
use spatialcloud_harness::calibrate::{Folder, record};
use spatialcloud_harness::engine::{Engine, EngineError, Image};
use spatialcloud_sql_client::{Connection, Encryption, Login, SqlError};

use super::{ended, fail, sql};
use crate::exit::Exit;

#[derive(Args)]
pub struct Arguments {
    /// File to write, for the setting sql.calibration
    #[arg(value_name = "OUT.json")]
    out: PathBuf,
    /// Ask this server, rather than one in a container of its own
    #[arg(
        long,
        value_name = "HOST[:PORT]",
        requires = "password",
        requires = "shared_folder",
        requires = "folder_on_server"
    )]
    server: Option<String>,
    /// Who logs in there; somebody who may restore databases
    #[arg(long, value_name = "NAME", default_value = "sa")]
    user: String,
    /// With this password
    #[arg(long, value_name = "PASSWORD", env = "SPATIALCLOUD_SQL_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// A folder that this program can write to and the server can read
    #[arg(long, value_name = "DIR")]
    shared_folder: Option<PathBuf>,
    /// The same folder, as the server sees it
    #[arg(long, value_name = "PATH")]
    folder_on_server: Option<String>,
}

pub async fn perform(arguments: Arguments) -> Exit {
    tokio::select! {
        exit = calibrate(&arguments) => exit,
        // What was started is dropped on the way out, and with it its container.
        () = ended() => fail(Exit::Interrupted, "interrupted; nothing is written"),
    }
}

async fn calibrate(arguments: &Arguments) -> Exit {
    let (Some(server), Some(here), Some(there)) =
        (&arguments.server, &arguments.shared_folder, &arguments.folder_on_server)
    else {
        return in_container(arguments).await;
    };
    let (host, port) = match sql::host_and_port(server) {
        Ok(found) => found,
        Err(message) => return fail(Exit::WrongUse, message),
    };
    let login = Login {
        host,
        port,
        user: arguments.user.clone(),
        password: arguments.password.clone().unwrap_or_default(),
        database: None,
        encryption: Encryption::default(),
    };
    write(arguments, &login, Folder { here, there }).await
}

async fn in_container(arguments: &Arguments) -> Exit {
    let engine = match Engine::start(Image::microsoft(), &mut |words| eprintln!("{words}")).await {
        Ok(engine) => engine,
        Err(error @ EngineError::Licence { .. }) => return fail(Exit::WrongUse, error),
        Err(error) => return fail(Exit::NoStack, error),
    };
    let folder = Folder { here: engine.folder(), there: engine.folder_on_server() };
    let exit = write(arguments, engine.login(), folder).await;
    engine.stop().await;
    exit
}

async fn write(arguments: &Arguments, login: &Login, folder: Folder<'_>) -> Exit {
    let mut connection = match Connection::open(login).await {
        Ok(connection) => connection,
        Err(error @ SqlError::Login { .. }) => return fail(Exit::WrongUse, error),
        Err(error) => return fail(Exit::NoStack, error),
    };
    let recorded = match record(&mut connection, folder, &mut |backup| eprintln!("{backup}")).await {
        Ok(recorded) => recorded,
        Err(error) => return fail(Exit::Failed, error),
    };
    if let Err(error) = std::fs::write(&arguments.out, format!("{recorded:#}\n")) {
        return fail(Exit::WrongUse, format!("{}: {error}", arguments.out.display()));
    }
    let count = recorded["answers"].as_array().map_or(0, Vec::len);
    let engine = recorded["engine"].as_str().and_then(|text| text.lines().next()).unwrap_or_default();
    println!("{}: {count} answers of {engine}", arguments.out.display());
    Exit::Passed
}
