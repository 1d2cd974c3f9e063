//! What users will try: keys of every sort, a full disk, a folder of ten thousand, Ctrl-C, ports and folders taken.
//!
//! What a machine cannot do (mounting a small disk, say) is shown as ignored; with `SPATIALCLOUD_REQUIRE=all` it fails.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output, Stdio};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};
use spatialcloud_harness::client::{Client, Login, Operation, Outcome, named};
use spatialcloud_harness::{Stack, keys};
use tokio::runtime::Runtime;

type Check = fn() -> Result<(), Failed>;

const CHECKS: &[(&str, Check)] = &[
    ("shells complete the command line, and man shows it", shells_and_man),
    ("keys are told apart, each in its own words", key_check),
    ("keys as the guide makes them log in", keys_of_the_guide),
    ("ten thousand files in a folder are listed", ten_thousand_files),
    ("two sessions write at once and both arrive", two_sessions),
    ("Ctrl-C in the middle of an upload leaves its first part", ctrl_c),
    ("a connection serves sessions one after the other, and so many at once", sessions_of_a_connection),
    ("scp's old protocol, a shell and forwarding are refused", no_shell),
    ("a port already taken is named", port_taken),
    ("a data folder in use is named", folder_in_use),
    ("a scenario with a typing error is shown and nothing runs", typing_error),
    ("the same seed and clock give the same events", same_events),
    ("wrong calls of the API are answered in one form", api_errors),
    ("backups are inspected, generated and never overwritten", backups),
    ("tables of a backup are shown, and their rows", tables),
    ("the warehouse is asked in SQL, and answers as people and programs read", sql),
];

/// Checks that need a disk of their own.
const DISK_CHECKS: &[(&str, Check)] = &[
    ("a full disk fails the upload and nothing else", full_disk),
    ("a data folder that cannot be written to is named", read_only_folder),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let required = std::env::var("SPATIALCLOUD_REQUIRE").is_ok_and(|value| value == "all");
    let can_mount = Disk::mount("size=1m").is_ok();
    let mut trials: Vec<Trial> = CHECKS.iter().map(|(name, check)| Trial::test(*name, *check)).collect();
    trials.extend(DISK_CHECKS.iter().map(|(name, check)| {
        let note = if can_mount { "" } else { " (not run here: a small disk cannot be mounted)" };
        Trial::test(format!("{name}{note}"), *check).with_ignored_flag(!can_mount && !required)
    }));
    let exit = libtest_mimic::run(&arguments, trials).exit_code();
    keys::remove();
    exit
}

/// A condition that must hold, with what was seen where it does not.
fn must(condition: bool, seen: impl std::fmt::Display) -> Result<(), Failed> {
    if condition { Ok(()) } else { Err(seen.to_string().into()) }
}

fn program(arguments: &[&str]) -> Result<Output, Failed> {
    Ok(Command::new(env!("CARGO_BIN_EXE_spatialcloud")).args(arguments).stdin(Stdio::null()).output()?)
}

fn words(output: &Output) -> String {
    let [out, err] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    format!("exit {:?}\n{out}{err}", output.status.code())
}

/// A stack with the site CITY, and what a client needs to reach it.
struct Setting {
    runtime: Runtime,
    stack: Stack,
    folder: tempfile::TempDir,
}

impl Setting {
    fn new(settings: Value, data: Option<&Path>) -> Result<Setting, Failed> {
        let runtime = Runtime::new()?;
        let pair = keys::pair("rsa-2048")?;
        let mut builder = Stack::in_process().settings(settings).site("CITY", &pair.public, ["127.0.0.1"]);
        if let Some(data) = data {
            builder = builder.data(data);
        }
        let stack = runtime.block_on(builder.start())?;
        Ok(Setting { runtime, stack, folder: tempfile::tempdir()? })
    }

    fn login(&self) -> Result<Login, Failed> {
        let work = self.folder.path().join("work");
        std::fs::create_dir_all(&work)?;
        Ok(Login::new(self.stack.sftp(), "CITY", keys::pair("rsa-2048")?, &work))
    }

    fn file(&self, name: &str, size: usize) -> Result<PathBuf, Failed> {
        let path = self.folder.path().join(name);
        std::fs::write(&path, vec![b'x'; size])?;
        Ok(path)
    }

    fn perform(&self, client: &str, operation: &Operation) -> Result<Outcome, Failed> {
        Ok(self.runtime.block_on(client_named(client).perform(&self.login()?, operation)))
    }

    fn wait(&self, query: &str) -> Result<Value, Failed> {
        let event = self.runtime.block_on(self.stack.api().wait(query, Duration::from_secs(20)))?;
        event.ok_or_else(|| format!("no event {query}").into())
    }

    fn inbox(&self) -> PathBuf {
        self.stack.data().join("sites/CITY/inbox")
    }

    /// `ssh` to the endpoint with these arguments, and no key but the site's.
    fn ssh(&self, program: &str) -> Result<Command, Failed> {
        let login = self.login()?;
        let known_hosts = self.folder.path().join("known_hosts");
        std::fs::write(&known_hosts, format!("[{}]:{} {}\n", login.host, login.port, login.host_key))?;
        let mut command = Command::new(program);
        command.args(["-F", "/dev/null", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"]);
        command.arg("-o").arg(format!("UserKnownHostsFile={}", known_hosts.display()));
        command.arg("-o").arg(format!("Port={}", login.port));
        command.arg("-i").arg(login.private_key).stdin(Stdio::null());
        Ok(command)
    }
}

fn client_named(name: &str) -> &'static dyn Client {
    named(name).unwrap_or_else(|| panic!("no client {name}"))
}

fn shells_and_man() -> Result<(), Failed> {
    let printed = |arguments: &[&str]| {
        let output = program(arguments)?;
        must(output.status.success(), words(&output))?;
        Ok::<String, Failed>(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let text = printed(&["completions", shell])?;
        must(text.contains("as-scenario") && text.contains("handover"), format!("{shell}: {text}"))?;
    }
    // A shell that is here judges what is for it.
    let script = tempfile::NamedTempFile::new()?;
    std::fs::write(script.path(), printed(&["completions", "bash"])?)?;
    let judged = Command::new("bash").arg("-n").arg(script.path()).output()?;
    must(judged.status.success(), words(&judged))?;
    let text = printed(&["manual"])?;
    must(
        text.contains(".TH") && text.contains("handover") && text.contains("EXIT")
            || text.contains("Exit codes"),
        text,
    )
}

fn key_check() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let good = keys::pair("rsa-2048")?;
    let other = keys::pair("rsa-other")?;
    let converted = Command::new("ssh-keygen").arg("-e").arg("-f").arg(&good.private).output()?.stdout;
    let private = std::fs::read(&good.private)?;
    let ppk = std::fs::read(good.ppk.as_ref().ok_or("puttygen made no .ppk")?)?;
    let public = |kind: &str| keys::pair(kind).map(|pair| pair.public.into_bytes());
    let text = |text: String| text.into_bytes();
    let cases: Vec<(&str, Vec<u8>, i32, &str)> = vec![
        ("good", text(good.public.clone()), 0, "2048 bits"),
        ("windows line ends", text(format!("{}\r\n", good.public)), 0, "accepted"),
        ("byte order mark", text(format!("\u{feff}{}\n", good.public)), 0, "accepted"),
        ("private", private, 4, "PRIVATE key"),
        ("putty private", ppk, 4, "PuTTY PRIVATE key"),
        ("putty public", converted, 4, "In OpenSSH form it is:\nssh-rsa AAAA"),
        ("short", public("rsa-1024")?, 4, "1024 bits"),
        ("ed25519", public("ed25519")?, 4, "ssh-ed25519"),
        ("ecdsa", public("ecdsa")?, 4, "ecdsa"),
        ("two keys", text(format!("{}\n{}\n", good.public, other.public)), 4, "2"),
        ("options", text(format!("from=\"10.0.0.1\" {}", good.public)), 4, "options"),
        ("garbage", text("not a key".to_owned()), 4, "no public key"),
        ("empty", Vec::new(), 4, "empty"),
    ];
    for (name, bytes, exit, says) in cases {
        let path = folder.path().join("key.pub");
        std::fs::write(&path, bytes)?;
        let output = program(&["key", "check", &path.display().to_string()])?;
        let words = words(&output);
        must(
            output.status.code() == Some(exit) && words.contains(says),
            format!("{name}: {says:?} in {words}"),
        )?;
        must(!words.contains("BEGIN"), format!("{name}: a key is shown: {words}"))?;
    }
    let output = program(&["key", "check", "/no/such/file"])?;
    must(output.status.code() == Some(1), words(&output))
}

/// `ssh-keygen -t rsa` with a passphrase; PuTTYgen's `.ppk` and its OpenSSH export.
fn keys_of_the_guide() -> Result<(), Failed> {
    let setting = Setting::new(json!({}), None)?;
    let folder = setting.folder.path();
    let made = |program: &str, arguments: &[&str]| -> Result<(), Failed> {
        let output =
            Command::new(program).args(arguments).current_dir(folder).stdin(Stdio::null()).output()?;
        must(output.status.success(), words(&output))
    };
    made("ssh-keygen", &["-q", "-t", "rsa", "-N", "correct horse", "-f", "guarded"])?;
    std::fs::write(folder.join("no-passphrase"), "")?;
    made(
        "puttygen",
        &["-t", "rsa", "-b", "2048", "--new-passphrase", "no-passphrase", "-q", "-o", "putty.ppk"],
    )?;
    made("puttygen", &["putty.ppk", "-O", "public-openssh", "-o", "putty.pub"])?;
    made("puttygen", &["putty.ppk", "-O", "private-openssh", "-o", "putty"])?;
    for file in ["guarded.pub", "putty.pub"] {
        let key = std::fs::read_to_string(folder.join(file))?;
        setting.runtime.block_on(setting.stack.api().post("sites/CITY/keys", json!({"key": key})))?;
    }
    // OpenSSH asks this program for the passphrase.
    let ask = folder.join("ask");
    std::fs::write(&ask, "#!/bin/sh\necho correct horse\n")?;
    made("chmod", &["700", "ask"])?;
    for key in ["guarded", "putty"] {
        let mut command = setting.ssh("sftp")?;
        command.env("SSH_ASKPASS", &ask).env("SSH_ASKPASS_REQUIRE", "force").env("DISPLAY", "none");
        let output =
            command.args(["-o", "BatchMode=no", "-i", key, "CITY@127.0.0.1"]).current_dir(folder).output()?;
        must(output.status.success(), format!("{key}: {}", words(&output)))?;
    }
    let login = Login { ppk: Some(folder.join("putty.ppk")), ..setting.login()? };
    let outcome = setting.runtime.block_on(client_named("putty").perform(&login, &Operation::Connect));
    must(outcome.succeeded, outcome.output)
}

fn ten_thousand_files() -> Result<(), Failed> {
    let setting = Setting::new(json!({}), None)?;
    for number in 0..10_000 {
        std::fs::write(setting.inbox().join(format!("Spatial/tile-{number:05}.png")), "")?;
    }
    for client in ["openssh", "putty", "paramiko", "built-in"] {
        let outcome = setting.perform(client, &Operation::List { path: "Spatial".to_owned() })?;
        let names = outcome.listing.iter().filter(|name| name.starts_with("tile-")).count();
        must(outcome.succeeded && names == 10_000, format!("{client}: {names} names"))?;
    }
    let run = setting.runtime.block_on(setting.stack.api().post("movers/interval/run", json!({})))?;
    must(run["moved"] == 10_000, run)
}

fn two_sessions() -> Result<(), Failed> {
    let setting = Setting::new(json!({}), None)?;
    let local = setting.file("imagery.tif", 20 << 20)?;
    let login = setting.login()?;
    let (one, two) =
        (Operation::upload(local.clone(), "Spatial/one.tif"), Operation::upload(local, "Spatial/two.tif"));
    let client = client_named("built-in");
    let both = async { tokio::join!(client.perform(&login, &one), client.perform(&login, &two)) };
    let (one, two) = setting.runtime.block_on(both);
    must(one.succeeded && two.succeeded, format!("{} {}", one.output, two.output))?;
    let files = setting.runtime.block_on(setting.stack.api().files("CITY", "inbox", true))?;
    let hashes: Vec<_> = files.iter().filter_map(|file| file.sha256.clone()).collect();
    must(hashes.len() == 2 && hashes[0] == hashes[1], format!("{hashes:?}"))
}

fn ctrl_c() -> Result<(), Failed> {
    let setting = Setting::new(json!({}), None)?;
    let local = setting.file("imagery.tif", 300 << 20)?;
    let batch = setting.folder.path().join("batch");
    std::fs::write(&batch, format!("put {} Spatial/imagery.tif\n", local.display()))?;
    // Slow enough to be interrupted: 80 Mbit/s.
    let mut command = setting.ssh("sftp")?;
    let mut child = command
        .args(["-l", "80000", "-b"])
        .arg(&batch)
        .arg("CITY@127.0.0.1")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let started = setting.wait("kind=upload.started&path=Spatial/imagery.tif");
    Command::new("kill").args(["-INT", &child.id().to_string()]).status()?;
    child.wait()?;
    started?;
    // OpenSSH stops sending and closes the file in good order; what has arrived stays.
    setting.wait("kind=connection.closed")?;
    let size = std::fs::metadata(setting.inbox().join("Spatial/imagery.tif"))?.len();
    must(size < 300 << 20, size)
}

/// OpenSSH's shared connection, as scripts use it that upload file after file.
fn sessions_of_a_connection() -> Result<(), Failed> {
    let limits = json!({ "channels-per-connection": 2 });
    let setting = Setting::new(json!({ "endpoint": { "limits": limits } }), None)?;
    let control = format!("ControlPath={}", setting.folder.path().join("control").display());
    let sftp = || -> Result<Command, Failed> {
        let mut command = setting.ssh("sftp")?;
        command.args(["-o", "ControlMaster=auto", "-o", "ControlPersist=60", "-o", &control]);
        command.args(["-q", "-b", "-", "CITY@127.0.0.1"]).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(command)
    };
    let count = |query: &str| -> Result<usize, Failed> {
        Ok(setting.runtime.block_on(setting.stack.api().events(query))?.len())
    };
    for number in 1..=5 {
        must(sftp()?.status()?.success(), format!("session {number} of one connection"))?;
    }
    let mut held = Vec::new();
    for number in 1..=2 {
        let mut child = sftp()?.stdin(Stdio::piped()).spawn()?;
        let mut commands = child.stdin.take().ok_or("no standard input")?;
        writeln!(commands, "mkdir Spatial/{number}")?;
        setting.wait(&format!("kind=directory.made&path=Spatial/{number}"))?;
        held.push((child, commands));
    }
    must(count("kind=connection.opened")? == 1, "more than one connection")?;
    must(count("kind=channel.refused")? == 0, "a channel was refused")?;
    // Its third session refused, OpenSSH makes a connection of its own.
    must(sftp()?.status()?.success(), "a third session at once")?;
    must(count("kind=channel.refused&request=session")? == 1, "no channel was refused")?;
    for (mut child, commands) in held {
        drop(commands);
        must(child.wait()?.success(), "the sessions that were let in")?;
    }
    let mut end = setting.ssh("ssh")?;
    end.args(["-o", &control, "-O", "exit", "CITY@127.0.0.1"]).stderr(Stdio::null());
    must(end.status()?.success(), "the shared connection had ended")
}

fn no_shell() -> Result<(), Failed> {
    let setting = Setting::new(json!({}), None)?;
    let local = setting.file("roads.tif", 1000)?;
    let target = "CITY@127.0.0.1:Spatial/roads.tif";
    let output = setting.ssh("scp")?.arg("-O").arg(&local).arg(target).output()?;
    must(!output.status.success(), words(&output))?;
    setting.wait("kind=channel.refused&request=exec")?;
    // `scp` as it is today speaks SFTP, and works; with -p it complains of times and has delivered.
    let output = setting.ssh("scp")?.arg(&local).arg(target).output()?;
    must(setting.inbox().join("Spatial/roads.tif").exists(), words(&output))?;
    let output = setting.ssh("ssh")?.args(["CITY@127.0.0.1", "id"]).output()?;
    must(!output.status.success() && !words(&output).contains("uid="), words(&output))?;
    let forward = ["-N", "-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:9", "CITY@127.0.0.1"];
    let output = setting.ssh("ssh")?.args(forward).output()?;
    must(!output.status.success(), words(&output))
}

fn port_taken() -> Result<(), Failed> {
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = taken.local_addr()?.to_string();
    for arguments in
        [["--listen", &address, "--http", "127.0.0.1:0"], ["--http", &address, "--listen", "127.0.0.1:0"]]
    {
        let output = program(&[&["up"], &arguments[..]].concat())?;
        let words = words(&output);
        must(
            output.status.code() == Some(3) && words.contains(&address) && words.contains(arguments[0]),
            words,
        )?;
    }
    Ok(())
}

fn folder_in_use() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let setting = Setting::new(json!({}), Some(folder.path()))?;
    let data = folder.path().display().to_string();
    let output = program(&["up", "--data", &data, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"])?;
    let process = format!("process {}", std::process::id());
    let words = words(&output);
    must(output.status.code() == Some(3) && words.contains(&process), words)?;
    Ok(setting.runtime.block_on(setting.stack.stop())?)
}

fn typing_error() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("x.yaml");
    std::fs::write(&file, "title: x\nsteps:\n  - conect: { as: CITY }\n")?;
    for command in ["run", "check"] {
        let output = program(&[command, &file.display().to_string()])?;
        let words = words(&output);
        must(output.status.code() == Some(2) && words.contains("did you mean \"connect\"?"), words)?;
    }
    let output = program(&["run", "/no/such/folder"])?;
    must(output.status.code() == Some(1), words(&output))?;
    let output = program(&["run", "--client", "winscpp"])?;
    must(output.status.code() == Some(1) && words(&output).contains("known are openssh"), words(&output))
}

fn same_events() -> Result<(), Failed> {
    let once = || -> Result<Vec<Value>, Failed> {
        let clock = json!({"pace": "manual", "start": "2026-03-02T16:01[Australia/Sydney]"});
        let setting = Setting::new(json!({"clock": clock, "seed": 7}), None)?;
        let local = setting.file("roads.tif", 300_000)?;
        let moves = [
            Operation::upload(local.clone(), "Spatial/roads.tif"),
            Operation::upload(local, "Database/IntraMapsSpatialCloud.bak"),
        ];
        for (number, operation) in moves.iter().enumerate() {
            let outcome = setting.perform("built-in", operation)?;
            must(outcome.succeeded, outcome.output)?;
            // The next connection must not overtake the end of this one.
            setting.wait(&format!("kind=connection.closed&session={}", number + 1))?;
        }
        setting.runtime.block_on(setting.stack.api().advance(json!({"to": "nightly"})))?;
        let mut events = setting.runtime.block_on(setting.stack.api().events(""))?;
        for event in &mut events {
            event.as_object_mut().map(|event| event.remove("volatile"));
        }
        Ok(events)
    };
    let (first, second) = (once()?, once()?);
    must(first.len() > 20, format!("only {} events", first.len()))?;
    let difference = first.iter().zip(&second).find(|(first, second)| first != second);
    must(first == second, format!("{difference:?}"))
}

fn api_errors() -> Result<(), Failed> {
    let setting = Setting::new(json!({}), None)?;
    let api = setting.stack.api();
    let refused = |answer: Result<Value, spatialcloud_harness::api::ApiError>| match answer {
        Err(spatialcloud_harness::api::ApiError::Refused { status, code, message, .. }) => {
            must(!code.is_empty() && !message.is_empty(), &message).map(|()| status)
        }
        other => Err(format!("{other:?}").into()),
    };
    let key = keys::pair("ed25519")?.public;
    let cases = [
        (refused(setting.runtime.block_on(api.get("sites/NOBODY")))?, 404),
        (refused(setting.runtime.block_on(api.get("nowhere")))?, 404),
        (refused(setting.runtime.block_on(api.delete("clock")))?, 405),
        (refused(setting.runtime.block_on(api.post("clock/advance", json!({"by": "soon"}))))?, 400),
        (refused(setting.runtime.block_on(api.post("clock/advance", json!({"bye": "5m"}))))?, 400),
        (
            refused(setting.runtime.block_on(api.post("clock/advance", json!({"to": "2001-01-01T00:00Z"}))))?,
            409,
        ),
        (refused(setting.runtime.block_on(api.get("events?kind=file.mooved")))?, 400),
        (refused(setting.runtime.block_on(api.post("sites/CITY/keys", json!({"key": key}))))?, 422),
    ];
    let wrong: Vec<_> = cases.iter().enumerate().filter(|(_, (found, expected))| found != expected).collect();
    must(wrong.is_empty(), format!("{wrong:?}"))
}

fn backups() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("x.bak").display().to_string();
    let output = program(&["generate", &path, "--size", "1MiB", "--damage", "newer"])?;
    must(output.status.success(), words(&output))?;
    let output = program(&["generate", &path, "--size", "1MiB"])?;
    must(output.status.code() == Some(1) && words(&output).contains("--force"), words(&output))?;
    let output = program(&["inspect", &path, "--json"])?;
    let report: Value = serde_json::from_slice(&output.stdout)?;
    must(output.status.code() == Some(4) && report["verdict"]["reasons"][0]["error"] == 3169, &report)?;
    must(report["sets"][0]["header"]["DatabaseName"] == "IntraMapsSpatialCloud", &report)?;
    must(report["sets"][0]["files"][0]["Type"] == "D" && report["media"]["FamilyCount"] == 1, &report)
}

fn sql() -> Result<(), Failed> {
    let setting = Setting::new(json!({ "sql": { "listen": "127.0.0.1:0" } }), None)?;
    let api = setting.stack.api().url();
    let ask = |options: &[&str], sql: &str| program(&[&["sql", "--api", api], options, &[sql]].concat());
    // Each with its exit code and its words.
    let cases: [(&[&str], &str, i32, &str); 9] = [
        (
            &[],
            "SELECT 7 AS seven, NULL AS nothing",
            0,
            "seven  nothing\n-----  -------\n    7     NULL\n(1 row)\n",
        ),
        (&[], "SELECT 'a' AS a; SELECT 'b' AS b", 0, "a\n-\na\n(1 row)\n\nb\n-\nb\n(1 row)\n"),
        (&[], "PRINT 'hello'", 0, "hello\n"),
        (&["--csv"], "SELECT 'x,y' AS a, NULL AS b", 0, "a,b\r\n\"x,y\",\r\n"),
        (
            &["--json"],
            "SELECT 1 AS a; SELECT 1 / 0 AS b",
            4,
            "{\"results\":[{\"columns\":[\"a\"],\"rows\":[[1]]}",
        ),
        (
            &["--database", "CITY"],
            "SELECT * FROM nothing",
            4,
            "error: 208, line 1: Invalid object name 'nothing'.",
        ),
        (&["--database", "TOWN"], "SELECT 1", 1, "error 4060"),
        (
            &["--server", "127.0.0.1:1", "--password", "x"],
            "SELECT 1",
            3,
            "no SQL Server answers at 127.0.0.1:1",
        ),
        (&["--server", "127.0.0.1:x", "--password", "x"], "SELECT 1", 1, "\"x\" is no port"),
    ];
    for (options, sql, code, says) in cases {
        let output = ask(options, sql)?;
        must(output.status.code() == Some(code) && words(&output).contains(says), words(&output))?;
    }
    let silent = Setting::new(json!({}), None)?;
    let output = program(&["sql", "--api", silent.stack.api().url(), "SELECT 1"])?;
    must(output.status.code() == Some(3) && words(&output).contains("sql: { listen:"), words(&output))
}

/// On a real backup where there is one: `SPATIALCLOUD_BACKUPS` names the folder, as for the backup crate's tests.
fn tables() -> Result<(), Failed> {
    let Some(folder) = std::env::var_os("SPATIALCLOUD_BACKUPS") else {
        eprintln!("tables of a backup: not shown here, since SPATIALCLOUD_BACKUPS is not set");
        return Ok(());
    };
    let path = |name: &str| Path::new(&folder).join(name).display().to_string();
    let world = path("sql2017_world.bak");
    let output = program(&["inspect", &world, "--json"])?;
    let report: Value = serde_json::from_slice(&output.stdout)?;
    let tables = report["sets"][0]["tables"].as_array().cloned().unwrap_or_default();
    let rows: u64 = tables.iter().filter_map(|table| table["rows"].as_u64()).sum();
    let warnings = report["verdict"]["warnings"].as_array().cloned().unwrap_or_default();
    let is_told = |words: &str| {
        warnings.iter().any(|warning| warning.as_str().is_some_and(|text| text.contains(words)))
    };
    must(
        tables.len() == 3
            && rows == 5302
            && warnings.len() == 2
            && is_told("ogr_metadata")
            && is_told("named"),
        &report["verdict"],
    )?;
    let output = program(&["inspect", &world, "--table", "City", "--limit", "3", "--json"])?;
    let report: Value = serde_json::from_slice(&output.stdout)?;
    let first = &report["rows"][0];
    let (columns, rows) = (report["columns"].as_array(), report["rows"].as_array());
    must(rows.is_some_and(|rows| rows.len() == 3) && first[0].is_i64(), &report)?;
    must(columns.map(Vec::len) == first.as_array().map(Vec::len), &report)?;
    let output = program(&["inspect", &world, "--table", "dbo.city", "--limit", "2"])?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    must(text.lines().count() == 5 && text.ends_with("(2 of 4079 rows)\n"), &text)?;
    let output =
        program(&["inspect", &path("sql2016_geography_testdb.bak"), "--table", "location", "--json"])?;
    let report: Value = serde_json::from_slice(&output.stdout)?;
    let shape = report["rows"][0][2].as_str().unwrap_or_default();
    must(shape.starts_with("SRID=4326;POINT (-72."), &report)?;
    let output = program(&["inspect", &world, "--table", "citty"])?;
    must(
        output.status.code() == Some(1) && words(&output).contains("did you mean dbo.city?"),
        words(&output),
    )?;
    let output = program(&["inspect", &path("sql2016_diff.bak"), "--table", "x"])?;
    must(
        output.status.code() == Some(4) && words(&output).contains("a full backup is wanted"),
        words(&output),
    )
}

/// A small disk of its own, in memory; gone when dropped.
struct Disk(tempfile::TempDir);

impl Disk {
    fn mount(options: &str) -> Result<Disk, Failed> {
        let folder = tempfile::tempdir()?;
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(folder.path())
            .output()?;
        must(output.status.success(), words(&output))?;
        Ok(Disk(folder))
    }

    fn remount(&self, options: &str) -> Result<(), Failed> {
        let output = Command::new("mount").args(["-o", options]).arg(self.0.path()).output()?;
        must(output.status.success(), words(&output))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily, since a stack that is still ending may hold a file open.
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

fn full_disk() -> Result<(), Failed> {
    let disk = Disk::mount("size=4m")?;
    let data = disk.0.path().join("data");
    let setting = Setting::new(json!({}), Some(&data))?;
    let (small, large) = (setting.file("small.tif", 1 << 20)?, setting.file("large.tif", 8 << 20)?);
    for client in ["openssh", "putty", "paramiko", "built-in"] {
        let outcome = setting.perform(client, &Operation::upload(small.clone(), "Spatial/small.tif"))?;
        must(outcome.succeeded, format!("{client}: {}", outcome.output))?;
        let outcome = setting.perform(client, &Operation::upload(large.clone(), "Spatial/large.tif"))?;
        must(!outcome.succeeded, format!("{client} says that 8 MiB fit on a disk of 4"))?;
        setting.wait("kind=operation.refused&operation=write")?;
        let outcome = setting.perform(client, &Operation::Remove { path: "Spatial/large.tif".to_owned() })?;
        must(outcome.succeeded, format!("{client}: {}", outcome.output))?;
    }
    let run = setting.runtime.block_on(setting.stack.api().post("movers/interval/run", json!({})))?;
    must(run["moved"] == 1 && run["failed"] == 0, run)?;
    Ok(setting.runtime.block_on(setting.stack.stop())?)
}

fn read_only_folder() -> Result<(), Failed> {
    let disk = Disk::mount("size=1m")?;
    disk.remount("remount,ro")?;
    let data = disk.0.path().join("data").display().to_string();
    let output = program(&["up", "--data", &data, "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"])?;
    let words = words(&output);
    must(output.status.code() == Some(3) && words.contains(&data) && words.contains("--data DIR"), words)
}
