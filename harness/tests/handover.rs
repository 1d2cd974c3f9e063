//! The hand-over sheet of a site, given to the clients it is for: what stands there is all they need.
//!
//! WinSCP, PuTTY on Windows and SQL Server Agent do not run here: their sheets are held by `handover.txt` alone.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};
use spatialcloud_harness::Stack;
use spatialcloud_harness::api::escaped;
use spatialcloud_harness::client::{Availability, named};
use spatialcloud_harness::keys::{self, KeyPair};
use tokio::runtime::Runtime;

/// Has a client upload by its sheet.
type Use = fn(&Site) -> Result<(), Failed>;

const CLIENTS: &[(&str, Use)] =
    &[("openssh", openssh), ("putty", putty), ("rclone", rclone), ("lftp", lftp), ("filezilla", filezilla)];

const FILEZILLA: &str = include_str!("../src/client/filezilla.py");
const UPLOAD: &str = "Database/IntraMapsSpatialCloud.bak";

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let required = std::env::var("SPATIALCLOUD_REQUIRE").is_ok_and(|value| value == "all");
    let mut trials = vec![Trial::test("every sheet is as handover.txt has it", golden)];
    for (name, use_it) in CLIENTS {
        let missing = match named(name).map(|client| client.availability()) {
            Some(Availability::Usable { .. }) => None,
            Some(Availability::Missing { reason, remedy }) => Some(format!("{reason}; {remedy}")),
            None => Some("no such client".to_owned()),
        };
        trials.push(match missing {
            None => Trial::test(format!("{name} uploads by its sheet"), || use_it(&Site::start()?)),
            Some(reason) => {
                let title = format!("{name} uploads by its sheet (not run here: {reason})");
                Trial::test(title, move || Err(reason.into())).with_ignored_flag(!required)
            }
        });
    }
    let exit = libtest_mimic::run(&arguments, trials).exit_code();
    keys::remove();
    exit
}

struct Site {
    runtime: Runtime,
    stack: Stack,
    pair: KeyPair,
    folder: tempfile::TempDir,
}

impl Site {
    fn start() -> Result<Site, Failed> {
        let runtime = Runtime::new()?;
        let pair = keys::pair("rsa-2048")?;
        let settings = json!({"clock": {"pace": "manual"}});
        let builder = Stack::in_process().settings(settings).site("CITY", &pair.public, ["127.0.0.1"]);
        let stack = runtime.block_on(builder.start())?;
        let site = Site { runtime, stack, pair, folder: tempfile::tempdir()? };
        std::fs::write(site.path("IntraMapsSpatialCloud.bak"), vec![b'x'; 300_000])?;
        site.keep("known_hosts", &site.sheet("known-hosts", &site.pair.private)?)?;
        Ok(site)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn keep(&self, name: &str, text: &str) -> Result<PathBuf, Failed> {
        let path = self.path(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, text)?;
        Ok(path)
    }

    fn sheet(&self, name: &str, key: &Path) -> Result<String, Failed> {
        let query = format!(
            "key={}&known_hosts={}",
            escaped(&key.display().to_string()),
            escaped(&self.path("known_hosts").display().to_string())
        );
        Ok(self.runtime.block_on(self.stack.api().text(&format!("sites/CITY/handover/{name}?{query}")))?)
    }

    fn ppk(&self) -> Result<PathBuf, Failed> {
        Ok(self.pair.ppk.clone().ok_or("puttygen could not convert the key")?)
    }

    fn run(&self, command: &mut Command, input: &str) -> Result<String, Failed> {
        let input = self.keep("input", input)?;
        let output = command
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .stdin(Stdio::from(std::fs::File::open(input)?))
            .output()?;
        let words = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        match output.status.success() {
            true => Ok(words),
            false => Err(format!("{command:?}: {}\n{words}", output.status).into()),
        }
    }

    /// The upload was whole, and nothing was asked that is refused.
    fn uploaded(&self) -> Result<(), Failed> {
        self.uploaded_whole()?;
        let refused: Vec<Value> =
            self.runtime.block_on(self.stack.api().events("kind=attributes.refused"))?;
        if refused.is_empty() { Ok(()) } else { Err(format!("{refused:?}").into()) }
    }

    fn uploaded_whole(&self) -> Result<(), Failed> {
        let api = self.stack.api();
        let wait = Duration::from_secs(20);
        let finished = self.runtime.block_on(api.wait("kind=upload.finished", wait))?.ok_or("no upload")?;
        let closed = self.runtime.block_on(api.wait("kind=connection.closed", wait))?;
        closed.ok_or("the connection is open still")?;
        if finished["path"] != UPLOAD || finished["size_bytes"] != 300_000 {
            return Err(format!("another upload: {finished}").into());
        }
        Ok(())
    }
}

fn openssh(site: &Site) -> Result<(), Failed> {
    let config = site.keep("config", &site.sheet("openssh", &site.pair.private)?)?;
    let mut command = Command::new("sftp");
    command.args(["-b", "-", "-F"]).arg(config).arg("spatialcloud-CITY");
    site.run(&mut command, "put IntraMapsSpatialCloud.bak Database/\n")?;
    site.uploaded()
}

fn putty(site: &Site) -> Result<(), Failed> {
    site.keep(".putty/sessions/spatialcloud-CITY", &site.sheet("putty-unix", &site.ppk()?)?)?;
    let batch = site.keep("batch", &format!("put IntraMapsSpatialCloud.bak {UPLOAD}\n"))?;
    let mut command = Command::new("psftp");
    command.args(["-load", "spatialcloud-CITY", "-batch", "-b"]).arg(batch);
    site.run(&mut command, "")?;
    site.uploaded()
}

fn rclone(site: &Site) -> Result<(), Failed> {
    let config = site.keep("rclone.conf", &site.sheet("rclone", &site.pair.private)?)?;
    let mut command = Command::new("rclone");
    command.arg("--config").arg(config).args(["copyto", "IntraMapsSpatialCloud.bak"]);
    command.arg(format!("spatialcloud-CITY:{UPLOAD}"));
    site.run(&mut command, "")?;
    site.uploaded()
}

fn lftp(site: &Site) -> Result<(), Failed> {
    let script = site.keep("upload.lftp", &site.sheet("lftp", &site.pair.private)?)?;
    let mut command = Command::new("lftp");
    command.arg("-f").arg(script);
    site.run(&mut command, "")?;
    // It always asks, and takes no for an answer: the sheet says so.
    site.uploaded_whole()
}

/// It opens the site that it imported: a person would then draw the file over.
fn filezilla(site: &Site) -> Result<(), Failed> {
    let sftp = site.stack.sftp();
    let job = json!({
        "kind": "connect", "host": sftp.host, "port": sftp.port, "host_key": sftp.host_key, "password": null,
        "sites": site.sheet("filezilla", &site.ppk()?)?, "site": "Spatial Cloud CITY",
    });
    let mut command = Command::new("python3");
    command.args(["-c", FILEZILLA]);
    let words = site.run(&mut command, &job.to_string())?;
    let began =
        site.runtime.block_on(site.stack.api().wait("kind=session.started", Duration::from_secs(20)))?;
    if began.is_some() { Ok(()) } else { Err(words.into()) }
}

/// All sheets as they are without a key's place, ports and keys named by words.
fn golden() -> Result<(), Failed> {
    let site = Site::start()?;
    let sftp = site.stack.sftp();
    let answer = site.runtime.block_on(site.stack.api().get("sites/CITY/handover"))?;
    let mut text = String::new();
    for sheet in answer["sheets"].as_array().into_iter().flatten() {
        let [name, sentence, file, body] =
            ["name", "sentence", "file", "text"].map(|field| sheet[field].as_str().unwrap_or_default());
        text.push_str(&format!("== {name}: {sentence} ({file})\n{body}\n"));
    }
    let hash = sftp.host_key_fingerprint.trim_start_matches("SHA256:");
    let key = sftp.host_key.split(' ').nth(1).unwrap_or_default();
    let text = text
        .replace(&format!("{:08x}", sftp.port), "PORT-IN-HEX")
        .replace(&sftp.port.to_string(), "PORT")
        .replace(hash, "HASH")
        .replace(key, "KEY");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/handover.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &text)?;
    }
    let expected = std::fs::read_to_string(&path)?;
    if expected == text {
        Ok(())
    } else {
        Err(format!("handover.txt says otherwise; UPDATE_GOLDEN=1 writes:\n{text}").into())
    }
}
