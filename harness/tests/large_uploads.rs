//! Uploads of gigabytes by real clients, and of half a gigabyte with new session keys every few megabytes.
//!
//! A rekey that the server asks for must not deadlock with a client that goes on sending: PuTTY's family
//! does. Each upload is compared by hash. One at a time, since each takes its size twice on disk.

use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::json;
use spatialcloud_backup::writer::{self, Spec};
use spatialcloud_harness::client::{self, Login, Operation};
use spatialcloud_harness::hash::sha256;
use spatialcloud_harness::keys::{self, KeyPair};
use spatialcloud_harness::stack::SftpAddress;
use spatialcloud_harness::{Stack, size};

/// Largest upload.
const LARGE_BYTES: u64 = 2560 << 20;
/// Upload with frequent new keys.
const SMALL_BYTES: u64 = 512 << 20;
/// Bytes between new keys, where they are frequent. OpenSSH takes no less.
const REKEY_BYTES: u64 = 4 << 20;
/// An upload that takes longer has hung.
const LONGEST: Duration = Duration::from_secs(400);

/// Which side asks for new keys.
#[derive(Clone, Copy, PartialEq)]
enum Rekey {
    Neither,
    Server,
    Client,
}

/// Uploads and gives back the client's words.
type Caller = fn(&Upload) -> Result<String, Failed>;
/// A client: its name, the program it needs, and how it uploads.
const CALLERS: &[(&str, &str, Caller)] = &[
    ("psftp", "psftp", |upload| ended(psftp(upload)?, &upload.work)),
    ("sftp", "sftp", |upload| ended(sftp(upload, &[])?, &upload.work)),
    ("sftp -B 4096 -R 1024", "sftp", |upload| {
        ended(sftp(upload, &["-B", "4096", "-R", "1024"])?, &upload.work)
    }),
    ("lftp", "lftp", |upload| ended(lftp(upload)?, &upload.work)),
    (FILEZILLA, "fzsftp", filezilla),
];
/// It has no setting for new keys, and asks for them by itself after each gigabyte.
const FILEZILLA: &str = "filezilla";

struct Upload {
    sftp: SftpAddress,
    pair: KeyPair,
    local: PathBuf,
    work: PathBuf,
    rekeys: bool,
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let required = std::env::var("SPATIALCLOUD_REQUIRE").is_ok_and(|value| value == "all");
    let mut trials = Vec::new();
    for (name, program, caller) in CALLERS {
        let present = Command::new(program).arg("-V").stdin(Stdio::null()).output().is_ok();
        for (size_bytes, rekey, what) in [
            (LARGE_BYTES, Rekey::Neither, "as it comes"),
            (SMALL_BYTES, Rekey::Server, "the server asks for new keys"),
            (SMALL_BYTES, Rekey::Client, "the client asks for new keys"),
        ] {
            if *name == FILEZILLA && rekey == Rekey::Client {
                continue;
            }
            let title = format!("{name}: {}, {what}", size::human(size_bytes));
            let trial = if present {
                Trial::test(title, move || run(*caller, size_bytes, rekey))
            } else {
                let reason = format!("{program} is not installed");
                Trial::test(format!("{title}: {reason}"), move || Err(reason.into()))
                    .with_ignored_flag(!required)
            };
            trials.push(trial);
        }
    }
    let exit = libtest_mimic::run(&arguments, trials).exit_code();
    keys::remove();
    if let Some((folder, ..)) = FILES.get() {
        let _ = std::fs::remove_dir_all(folder);
    }
    exit
}

/// The files to upload and their hashes, made once.
static FILES: OnceLock<(PathBuf, [(PathBuf, String); 2])> = OnceLock::new();

fn file(size_bytes: u64) -> (PathBuf, String) {
    let (_, files) = FILES.get_or_init(|| {
        let folder =
            tempfile::Builder::new().prefix("spatialcloud-large-").tempdir().expect("a folder").keep();
        let files = [LARGE_BYTES, SMALL_BYTES].map(|size_bytes| {
            let path = folder.join(format!("{size_bytes}.bak"));
            let out = BufWriter::with_capacity(1 << 20, std::fs::File::create(&path).expect("a file"));
            writer::write(&Spec { seed: 1, size_bytes, damage: None }, out).expect("room for the file");
            let hash = sha256(&path).expect("a readable file");
            (path, hash)
        });
        (folder, files)
    });
    files[usize::from(size_bytes != LARGE_BYTES)].clone()
}

fn run(caller: Caller, size_bytes: u64, rekey: Rekey) -> Result<(), Failed> {
    let (local, expected) = file(size_bytes);
    let pair = keys::pair("rsa-2048")?;
    let work = tempfile::tempdir()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let settings = match rekey {
        Rekey::Server => json!({"endpoint": {"limits": {"rekey-bytes": REKEY_BYTES}}}),
        Rekey::Neither | Rekey::Client => json!({}),
    };
    let stack = Stack::in_process().settings(settings).site("CITY", &pair.public, ["127.0.0.1"]);
    let stack = runtime.block_on(stack.start())?;
    let upload = Upload {
        sftp: stack.sftp().clone(),
        pair,
        local,
        work: work.path().to_owned(),
        rekeys: rekey == Rekey::Client,
    };
    let output = caller(&upload)?;
    let files = runtime.block_on(stack.api().files("CITY", "inbox", true))?;
    runtime.block_on(stack.stop())?;
    let found = files.iter().find(|file| file.path == "Database/x.bak");
    match found {
        Some(file) if file.sha256.as_deref() == Some(expected.as_str()) => Ok(()),
        Some(file) => {
            Err(format!("{} bytes that differ from the file sent\n{output}", file.size_bytes).into())
        }
        None => Err(format!("nothing arrived\n{output}").into()),
    }
}

/// Runs it to its end; its words. One that hangs is killed.
fn ended(mut command: Command, work: &Path) -> Result<String, Failed> {
    let words = work.join("output");
    let out = std::fs::File::create(&words)?;
    command.env("HOME", work).stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
    let mut child = command.spawn()?;
    let since = Instant::now();
    let (sender, receiver) = std::sync::mpsc::channel::<()>();
    let id = child.id();
    let watcher = std::thread::spawn(move || {
        // Ends early when the sender is dropped.
        if receiver.recv_timeout(LONGEST) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            let _ = Command::new("kill").arg(id.to_string()).status();
        }
    });
    let status = child.wait()?;
    drop(sender);
    let _ = watcher.join();
    let text = std::fs::read_to_string(&words).unwrap_or_default();
    if status.success() {
        Ok(text)
    } else {
        Err(format!("{status} after {:?}\n{text}", since.elapsed()).into())
    }
}

fn known_hosts(upload: &Upload) -> std::io::Result<PathBuf> {
    let path = upload.work.join("known_hosts");
    std::fs::write(&path, format!("[127.0.0.1]:{} {}\n", upload.sftp.port, upload.sftp.host_key))?;
    Ok(path)
}

fn ssh_options(upload: &Upload) -> std::io::Result<Vec<String>> {
    let mut options = vec![
        format!("UserKnownHostsFile={}", known_hosts(upload)?.display()),
        format!("IdentityFile={}", upload.pair.private.display()),
        "IdentitiesOnly=yes".to_owned(),
        "BatchMode=yes".to_owned(),
    ];
    if upload.rekeys {
        options.push(format!("RekeyLimit={REKEY_BYTES}"));
    }
    Ok(options)
}

fn sftp(upload: &Upload, depth: &[&str]) -> std::io::Result<Command> {
    let batch = upload.work.join("batch");
    std::fs::write(&batch, format!("put {} Database/x.bak\n", upload.local.display()))?;
    let mut command = Command::new("sftp");
    command.args(["-F", "/dev/null", "-P", &upload.sftp.port.to_string()]).args(depth).arg("-b").arg(batch);
    for option in ssh_options(upload)? {
        command.args(["-o", &option]);
    }
    command.arg("CITY@127.0.0.1");
    Ok(command)
}

fn psftp(upload: &Upload) -> std::io::Result<Command> {
    let batch = upload.work.join("batch");
    std::fs::write(&batch, format!("put {} Database/x.bak\n", upload.local.display()))?;
    let sessions = upload.work.join(".putty/sessions");
    std::fs::create_dir_all(&sessions)?;
    let rekey = if upload.rekeys { format!("{REKEY_BYTES}") } else { "1G".to_owned() };
    std::fs::write(sessions.join("large"), format!("Protocol=ssh\nRekeyBytes={rekey}\n"))?;
    let ppk = upload.pair.ppk.clone().ok_or_else(|| std::io::Error::other("puttygen made no .ppk"))?;
    let mut command = Command::new("psftp");
    command.args([
        "-load",
        "large",
        "-batch",
        "-hostkey",
        &upload.sftp.host_key_fingerprint,
        "-P",
        &upload.sftp.port.to_string(),
    ]);
    command.arg("-i").arg(ppk).arg("-b").arg(batch).arg("CITY@127.0.0.1");
    Ok(command)
}

fn lftp(upload: &Upload) -> std::io::Result<Command> {
    let options: Vec<String> =
        ssh_options(upload)?.into_iter().map(|option| format!("-o {option}")).collect();
    let script = format!(
        "set sftp:connect-program \"ssh -a -x -F /dev/null {}\"; set net:max-retries 1; set cmd:fail-exit yes; \
         open -u CITY,none -p {} sftp://127.0.0.1; put {} -o Database/x.bak; bye",
        options.join(" "),
        upload.sftp.port,
        upload.local.display()
    );
    let mut command = Command::new("lftp");
    command.args(["-c", &script]);
    Ok(command)
}

fn filezilla(upload: &Upload) -> Result<String, Failed> {
    let client = client::named(FILEZILLA).ok_or("no client of that name")?;
    let login = Login::new(&upload.sftp, "CITY", upload.pair.clone(), &upload.work);
    let operation = Operation::upload(upload.local.clone(), "Database/x.bak");
    let outcome = tokio::runtime::Runtime::new()?.block_on(client.perform(&login, &operation));
    if outcome.succeeded { Ok(outcome.output) } else { Err(outcome.output.into()) }
}
