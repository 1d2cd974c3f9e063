//! FreeTDS's own `tsql`.

use std::io::Write;
use std::process::{Command, Stdio};

use libtest_mimic::Failed;
use spatialcloud_simulator::config::SqlConfig;

use crate::Visit;
use crate::server::Server;

/// All of them.
pub fn visits() -> Vec<Visit> {
    let found = Command::new("tsql").arg("-C").output();
    let missing = found.is_err().then(|| "no tsql; ci/install gets it".to_owned());
    let modes = ["off", "request", "require"];
    let visits = modes.map(|mode| Visit {
        title: format!("tsql: {mode}"),
        missing: missing.clone(),
        make: Box::new(move || visit(mode)),
    });
    visits.into()
}

const SCRIPT: &str = "\
SELECT n, name FROM types.dbo.many WHERE n = 7
go
SELECT nothing FROM types.dbo.many
go
PRINT 'bye'
go
quit
";

fn visit(mode: &str) -> Result<(), Failed> {
    let server = Server::start(SqlConfig::default())?;
    let folder = tempfile::Builder::new().prefix("spatialcloud-tsql-").tempdir()?;
    let settings = folder.path().join("freetds.conf");
    let [host, port, user, password] = server.login();
    let text = format!("[city]\nhost = {host}\nport = {port}\ntds version = 7.4\nencryption = {mode}\n");
    std::fs::write(&settings, text)?;
    let mut command = Command::new("timeout");
    command.args(["-k", "5", "30", "tsql", "-S", "city", "-U", &user, "-P", &password]);
    command.env("FREETDSCONF", &settings).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    child.stdin.take().ok_or("no standard input")?.write_all(SCRIPT.as_bytes())?;
    let output = child.wait_with_output()?;
    let words = [output.stdout, output.stderr].concat();
    let words = String::from_utf8_lossy(&words);
    for wanted in ["7\trow 7 of many", "Msg 207", "Invalid column name 'nothing'", "bye"] {
        if !words.contains(wanted) {
            return Err(
                format!("tsql ended with {}: expected {wanted:?}, got\n{words}", output.status).into()
            );
        }
    }
    Ok(())
}
