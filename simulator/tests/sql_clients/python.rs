//! Python's clients, each by the script beside this file.

use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Failed;
use spatialcloud_simulator::config::SqlConfig;

use crate::Visit;
use crate::server::Server;

/// Client, the module it is, and its modes of encryption.
const CLIENTS: &[(&str, &str, &[&str])] = &[
    ("pymssql", "pymssql", &["default", "off", "require"]),
    ("python-tds", "pytds", &["plain"]),
    ("mssql-python", "mssql_python", &["no", "yes"]),
    ("pyodbc", "pyodbc", &["off", "require"]),
];

/// Places where Debian has FreeTDS for ODBC.
pub const FREETDS_ODBC: [&str; 2] =
    ["/usr/lib/x86_64-linux-gnu/odbc/libtdsodbc.so", "/usr/lib/aarch64-linux-gnu/odbc/libtdsodbc.so"];

pub fn python() -> PathBuf {
    let given = std::env::var_os("SPATIALCLOUD_CACHE").map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache/spatialcloud"));
    given.or_else(home).unwrap_or_default().join("venv-sql/bin/python")
}

fn missing(module: &str) -> Option<String> {
    if module == "pyodbc" && !FREETDS_ODBC.iter().any(|path| Path::new(path).exists()) {
        return Some("no FreeTDS for ODBC; ci/install gets it".to_owned());
    }
    let imported = Command::new(python()).args(["-c", &format!("import {module}")]).output();
    match imported {
        Ok(output) if output.status.success() => None,
        _ => Some(format!("no Python with {module}; ci/install gets it")),
    }
}

/// All of them.
pub fn visits() -> Vec<Visit> {
    let mut visits = Vec::new();
    for (client, module, modes) in CLIENTS {
        let missing = missing(module);
        for mode in *modes {
            let make = || visit(client, mode);
            visits.push(Visit {
                title: format!("{client}: {mode}"),
                missing: missing.clone(),
                make: Box::new(make),
            });
        }
    }
    visits
}

fn visit(client: &str, mode: &str) -> Result<(), Failed> {
    let server = Server::start(SqlConfig::default())?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sql_clients");
    let driver = FREETDS_ODBC.into_iter().find(|path| Path::new(path).exists()).unwrap_or_default();
    let mut command = Command::new("timeout");
    command.args(["-k", "5", "60"]).arg(python()).arg(folder.join("common.py")).arg(client);
    command.args(server.login()).arg(mode).arg(driver).env("PYTHONDONTWRITEBYTECODE", "1");
    let output = command.output()?;
    let (found, words) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        return Err(format!("{command:?}: {}\n{found}\n{words}", output.status).into());
    }
    let golden = folder.join(format!("{client}.golden"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, found.as_bytes())?;
    }
    let expected = std::fs::read_to_string(&golden).unwrap_or_default();
    if found == expected {
        return Ok(());
    }
    let first = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
    let (got, wanted) = first.unwrap_or(("another number of lines", ""));
    let golden = golden.display();
    Err(format!("{golden}: expected\n  {wanted}\ngot\n  {got}\nall of it:\n{found}\n{words}").into())
}
