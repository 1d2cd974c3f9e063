//! What clients did in a stack, written as a scenario by it, and run again: the file must be whole and pass.

use std::path::PathBuf;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};
use spatialcloud_harness::client::{Availability, HeldUpload, Login, Operation, named};
use spatialcloud_harness::report::terminal::{Style, failure};
use spatialcloud_harness::runner::{self, Options};
use spatialcloud_harness::{Stack, keys};
use tokio::runtime::Runtime;

/// Words that must stand in the scenario.
type Words = Vec<&'static str>;
/// What is done in a stack.
struct Session {
    title: &'static str,
    /// Settings of the stack.
    settings: fn() -> Value,
    /// Does it; answers the words.
    play: fn(&Scene) -> Result<Words, Failed>,
    /// Only what came after the last connection is told.
    is_end_only: bool,
}

const fn session(title: &'static str, play: fn(&Scene) -> Result<Words, Failed>) -> Session {
    Session { title, settings: || json!({}), play, is_end_only: false }
}

const SESSIONS: &[Session] = &[
    session("a day and a night", day_and_night),
    session("folders, renames and removals of several clients", several_clients),
    session("times that cannot be set", times),
    session("a backup that is refused", refused_backup),
    session("a file that is being written when the mover comes", being_written),
    session("runs out of turn", out_of_turn),
    session("logins that are refused", refused_logins),
    session("faults that strike", faults),
    session("an upload that breaks off and goes on", resumed),
    Session { is_end_only: true, ..session("a night alone, with what was uploaded before it", night_alone) },
    Session { settings: unusual, ..session("settings that are not the usual ones", settings) },
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = SESSIONS.iter().map(|session| Trial::test(session.title, || retold(session))).collect();
    let exit = libtest_mimic::run(&arguments, trials).exit_code();
    keys::remove();
    exit
}

/// A stack with the site CITY, whose time is moved by hand.
struct Scene {
    runtime: Runtime,
    stack: Stack,
    folder: tempfile::TempDir,
}

impl Scene {
    fn new(settings: Value) -> Result<Scene, Failed> {
        let runtime = Runtime::new()?;
        let mut all = json!({"clock": {"start": "2026-03-02T16:01[Australia/Sydney]", "pace": "manual"}});
        for (part, value) in settings.as_object().into_iter().flatten() {
            all[part] = value.clone();
        }
        let pair = keys::pair("rsa-2048")?;
        let builder = Stack::in_process().settings(all).site("CITY", &pair.public, ["127.0.0.1"]);
        let stack = runtime.block_on(builder.start())?;
        Ok(Scene { runtime, stack, folder: tempfile::tempdir()? })
    }

    fn login(&self) -> Result<Login, Failed> {
        let work = self.folder.path().join("work");
        std::fs::create_dir_all(&work)?;
        Ok(Login::new(self.stack.sftp(), "CITY", keys::pair("rsa-2048")?, &work))
    }

    fn file(&self, name: &str, bytes: usize) -> Result<PathBuf, Failed> {
        let path = self.folder.path().join(name);
        std::fs::write(&path, vec![b'x'; bytes])?;
        Ok(path)
    }

    /// Does it, with the built-in client where this one is not here; whatever came of it.
    fn perform(&self, client: &str, operation: &Operation) -> Result<(), Failed> {
        let usable =
            named(client).filter(|client| matches!(client.availability(), Availability::Usable { .. }));
        let client = usable.or_else(|| named("built-in")).ok_or("no client")?;
        self.runtime.block_on(client.perform(&self.login()?, operation));
        Ok(())
    }

    fn upload(&self, client: &str, local: PathBuf, to: &str) -> Result<(), Failed> {
        self.perform(client, &upload(local, to, false, false))
    }

    fn post(&self, path: &str, body: Value) -> Result<(), Failed> {
        self.runtime.block_on(self.stack.api().post(path, body))?;
        Ok(())
    }

    fn advance(&self, how: Value) -> Result<(), Failed> {
        self.post("clock/advance", how)
    }

    fn retold(&self, query: &str) -> Result<String, Failed> {
        Ok(self.runtime.block_on(self.stack.api().text(&format!("scenario?{query}")))?)
    }
}

fn upload(local: PathBuf, to: &str, preserve_times: bool, resume: bool) -> Operation {
    Operation::Upload { local, remote: to.to_owned(), preserve_times, resume, arguments: Vec::new() }
}

/// Plays a session, and runs what the stack tells of it.
fn retold(session: &Session) -> Result<(), Failed> {
    let scene = Scene::new((session.settings)())?;
    let wanted = (session.play)(&scene)?;
    let closed = scene.runtime.block_on(scene.stack.api().events("kind=connection.closed"))?;
    let last = closed.last().and_then(|event| event["sequence"].as_u64()).unwrap_or_default();
    let after = if session.is_end_only { last } else { 0 };
    let text = scene.retold(&format!("after={after}"))?;
    if let Some(words) = wanted.into_iter().find(|words| !text.contains(words)) {
        return Err(format!("it does not say {words:?}:\n{text}").into());
    }
    let file = scene.folder.path().join("retold.yaml");
    std::fs::write(&file, &text)?;
    let plan = runner::plan(&[file], &Options::default()).map_err(|error| format!("{error:?}\n{text}"))?;
    if plan.cases.len() != 1 {
        return Err(format!("{} cases\n{text}", plan.cases.len()).into());
    }
    let results = scene.runtime.block_on(runner::run(&plan.cases, 1, |_| {}));
    for result in &results {
        if let Some(report) = &result.failure {
            return Err(format!("{}\n{text}", failure(result, report, &Style::plain())).into());
        }
    }
    Ok(())
}

fn backup(scene: &Scene, name: &str) -> Result<PathBuf, Failed> {
    let path = scene.folder.path().join(name);
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_spatialcloud"))
        .args(["generate", "--size", "2MiB", "--seed", "5"])
        .arg(&path)
        .output()?;
    match output.status.success() {
        true => Ok(path),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned().into()),
    }
}

fn day_and_night(scene: &Scene) -> Result<Words, Failed> {
    scene.upload("openssh", scene.file("roads.zip", 300_000)?, "Spatial/roads.zip")?;
    scene.advance(json!({"by": "5m"}))?;
    scene.upload("putty", backup(scene, "tonight.bak")?, "Database/IntraMapsSpatialCloud.bak")?;
    scene.advance(json!({"to": "nightly"}))?;
    scene.upload("openssh", scene.file("late.zip", 3_000)?, "Spatial/late.zip")?;
    Ok(vec![
        "cloud: CITY/Spatial/roads.zip, same-as: roads.zip",
        "2026-03-02T16:05:00",
        "2026-03-02T22:00:00",
        // What a night did is looked at before the next day begins.
        "event: warehouse.loaded, site: CITY, path: Database/IntraMapsSpatialCloud.bak }\n  - upload: { file: late.zip",
    ])
}

fn several_clients(scene: &Scene) -> Result<Words, Failed> {
    scene.perform("openssh", &Operation::MakeDirectory { path: "Spatial/2026".into() })?;
    scene.perform("lftp", &Operation::MakeDirectory { path: "Spatial/2026/march".into() })?;
    scene.upload("rclone", scene.file("a.tif", 5000)?, "Spatial/2026/march/a.tif")?;
    // Uploads under a temporary name, and renames.
    scene.upload("winscp", scene.file("b.tif", 300_000)?, "Spatial/2026/b.tif")?;
    scene.upload("paramiko", scene.file("c.html", 0)?, "Web/c.html")?;
    let rename = Operation::Rename { from: "Web/c.html".into(), to: "Web/d.html".into() };
    scene.perform("putty", &rename)?;
    scene.perform("rclone", &Operation::Remove { path: "Spatial/2026/b.tif".into() })?;
    scene.perform("openssh", &Operation::MakeDirectory { path: "Database/no".into() })?;
    scene.perform("openssh", &Operation::RemoveDirectory { path: "Spatial".into() })?;
    scene.advance(json!({"to": "interval"}))?;
    scene.perform("openssh", &Operation::RemoveDirectory { path: "Spatial/2026/march".into() })?;
    Ok(vec![
        "rename: { from: Web/c.html, to: Web/d.html }",
        "mkdir: { path: Database/no, fails: \"*\" }",
        "remove: { path: Spatial/2026/b.tif }",
        "rmdir: { path: Spatial/2026/march }",
        "cloud: CITY/Spatial/2026/march/a.tif",
    ])
}

fn times(scene: &Scene) -> Result<Words, Failed> {
    scene.perform("openssh", &upload(scene.file("a.tif", 5000)?, "Spatial/a.tif", true, false))?;
    Ok(vec!["set-times: { path: Spatial/a.tif, fails: \"*\" }", "event: attributes.refused"])
}

fn refused_backup(scene: &Scene) -> Result<Words, Failed> {
    scene.upload("openssh", scene.file("x.bak", 300_000)?, "Database/IntraMapsSpatialCloud.bak")?;
    scene.advance(json!({"to": "nightly"}))?;
    Ok(vec!["damage: not-a-backup", "event: warehouse.failed"])
}

fn being_written(scene: &Scene) -> Result<Words, Failed> {
    let local = scene.file("a.tif", 300_000)?;
    let held =
        scene.runtime.block_on(HeldUpload::start(&scene.login()?, &local, "Spatial/a.tif", 100_000))?;
    scene.advance(json!({"to": "interval"}))?;
    // Once more at the same instant, and once later.
    scene.post("movers/interval/run", json!({}))?;
    scene.advance(json!({"by": "5m"}))?;
    scene.runtime.block_on(held.finish())?;
    scene.advance(json!({"to": "interval"}))?;
    Ok(vec![
        "start-upload: { file: a.tif, to: Spatial/a.tif",
        "event: file.left",
        "run-mover: { name: interval }",
        "finish-upload",
        "cloud: CITY/Spatial/a.tif, same-as: a.tif",
    ])
}

fn out_of_turn(scene: &Scene) -> Result<Words, Failed> {
    scene.upload("openssh", scene.file("a.tif", 5000)?, "Spatial/a.tif")?;
    scene.post("movers/interval/run", json!({}))?;
    scene.upload("openssh", backup(scene, "tonight.bak")?, "Database/IntraMapsSpatialCloud.bak")?;
    scene.post("movers/nightly/run", json!({}))?;
    Ok(vec!["run-mover: { name: interval }", "run-mover: { name: nightly }", "event: warehouse.loaded"])
}

fn refused_logins(scene: &Scene) -> Result<Words, Failed> {
    let built_in = named("built-in").ok_or("no client")?;
    let attempt = |login: Login| {
        scene.runtime.block_on(built_in.perform(&login, &Operation::Connect));
    };
    let login = scene.login()?;
    attempt(Login { user: "city".into(), ..login.clone() });
    attempt(Login { password: Some("secret".into()), ..login.clone() });
    attempt(Login { source_address: Some("127.0.0.3".parse()?), ..login });
    attempt(Login::new(scene.stack.sftp(), "CITY", keys::pair("rsa-other")?, scene.folder.path()));
    scene.post("sites/CITY/suspend", json!({}))?;
    attempt(scene.login()?);
    scene.post("sites/CITY/resume", json!({}))?;
    attempt(scene.login()?);
    Ok(vec!["user: city", "password:", "from: ", "key: rsa-other", "do: suspend", "do: resume"])
}

fn faults(scene: &Scene) -> Result<Words, Failed> {
    scene.post("faults", json!({"fault": "status", "at": "write", "status": 4, "until": "close"}))?;
    scene.upload("openssh", scene.file("a.tif", 300_000)?, "Spatial/a.tif")?;
    scene.post("faults", json!({"fault": "status", "at": "mkdir", "status": 4, "times": 1}))?;
    scene.perform("openssh", &Operation::MakeDirectory { path: "Spatial/2026".into() })?;
    scene.runtime.block_on(scene.stack.api().delete("faults"))?;
    scene.upload("openssh", scene.file("b.tif", 300_000)?, "Spatial/b.tif")?;
    scene.post("faults", json!({"fault": "cut", "at": "write", "offset-bytes": 100000, "times": 1}))?;
    scene.upload("openssh", scene.file("c.tif", 300_000)?, "Spatial/c.tif")?;
    scene.advance(json!({"to": "interval"}))?;
    Ok(vec![
        "fault: { fault: status, at: write",
        "clear-faults",
        "may-fail: true",
        "cloud: CITY/Spatial/b.tif",
    ])
}

fn resumed(scene: &Scene) -> Result<Words, Failed> {
    let local = scene.file("a.tif", 300_000)?;
    let held =
        scene.runtime.block_on(HeldUpload::start(&scene.login()?, &local, "Spatial/a.tif", 100_000))?;
    scene.runtime.block_on(held.cut());
    let told = scene
        .runtime
        .block_on(scene.stack.api().wait("kind=upload.interrupted", std::time::Duration::from_secs(20)))?;
    told.ok_or("the upload was not told as interrupted")?;
    scene.perform("built-in", &upload(local, "Spatial/a.tif", false, true))?;
    scene.advance(json!({"to": "interval"}))?;
    Ok(vec!["disconnect", "resume: true", "cloud: CITY/Spatial/a.tif, same-as: a.tif"])
}

fn night_alone(scene: &Scene) -> Result<Words, Failed> {
    scene.upload("openssh", scene.file("roads.zip", 300_000)?, "Spatial/deep/roads.zip")?;
    scene.perform("openssh", &Operation::MakeDirectory { path: "Spatial/deep".into() })?;
    scene.upload("openssh", scene.file("roads.zip", 300_000)?, "Spatial/deep/roads.zip")?;
    scene.upload("openssh", backup(scene, "tonight.bak")?, "Database/IntraMapsSpatialCloud.bak")?;
    scene.advance(json!({"to": "nightly"}))?;
    Ok(vec![
        "mkdir: { path: Spatial/deep }",
        "upload: { file: roads.zip, to: Spatial/deep/roads.zip }",
        "event: warehouse.loaded",
    ])
}

fn unusual() -> Value {
    json!({"endpoint": {"attributes": {"times": "apply"}}, "movers": {"interval-minutes": 10, "nightly-at": "21:30"}})
}

fn settings(scene: &Scene) -> Result<Words, Failed> {
    scene.perform("openssh", &upload(scene.file("a.tif", 5000)?, "Spatial/a.tif", true, false))?;
    scene.advance(json!({"to": "nightly"}))?;
    Ok(vec!["interval-minutes: 10", "nightly-at: \"21:30\"", "times: apply", "event: attributes.applied"])
}
