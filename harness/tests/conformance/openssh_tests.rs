//! The SFTP part of OpenSSH's regression tests, from Debian's package `openssh-tests`.
//!
//! Its scripts compare what they sent with what lies on the disk under the same absolute path. So the folder they
//! work in is a real one inside the site's file area, and the path of it outside is a symbolic link to it.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use libtest_mimic::Failed;
use serde_json::json;

use crate::cases::{Cases, Verdicts};
use crate::site::Site;
use crate::tool;
use crate::{Check, Judge};

pub const JUDGE: Judge = Judge { name: "openssh-tests", missing, checks };
const CASES: &str = include_str!("openssh_tests/cases.yaml");
const SERVER: &str = include_str!("openssh_tests/sftp-server.sh");
const SSHD: &str = include_str!("openssh_tests/sshd.sh");
/// Larger than the largest buffer they try. Some send it five bytes at a time.
const DATA_BYTES: u32 = 66_000;

/// Where the package's scripts are: taken out of it, or installed.
fn scripts() -> Option<PathBuf> {
    let folder = "usr/lib/openssh/regress";
    tool::found([tool::cache().join("openssh-tests").join(folder), Path::new("/").join(folder)])
}

fn missing() -> Option<String> {
    if scripts().is_none() {
        return Some("no scripts of the package openssh-tests; ci/install gets them".to_owned());
    }
    tool::missing(&["sftp", "scp", "ssh", "curl", "whoami"])
}

fn checks() -> Result<Vec<Check>, Failed> {
    let mut checks = vec![Check::new("every script about SFTP is run or left out", all_are_named)];
    for script in Cases::read(CASES)?.listed("scripts") {
        checks.push(Check::new(script.clone(), move || judge(&script)));
    }
    Ok(checks)
}

fn all_are_named() -> Result<(), Failed> {
    let cases = Cases::read(CASES)?;
    let named = &cases.listed("scripts") | &cases.listed("left-out");
    let folder = scripts().ok_or("no scripts")?;
    let mut there = BTreeSet::new();
    for entry in folder.read_dir()? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if let Some(name) =
            name.strip_suffix(".sh").filter(|name| name.contains("sftp") || name.contains("scp"))
        {
            there.insert(name.to_owned());
        }
    }
    let (new, gone): (Vec<_>, Vec<_>) =
        (there.difference(&named).collect(), named.difference(&there).collect());
    if new.is_empty() && gone.is_empty() {
        return Ok(());
    }
    Err(format!("not named in cases.yaml: {new:?}; named there and not in {}: {gone:?}", folder.display())
        .into())
}

/// Runs a script and holds what failed against the list.
fn judge(script: &str) -> Result<(), Failed> {
    let Script { title, words, mut verdicts } = run(script)?;
    let cases = Cases::read(CASES)?;
    let elsewhere = cases.listed("elsewhere");
    verdicts.retain(|case, _| !elsewhere.iter().any(|start| case.starts_with(start)));
    let wrong = cases.wrong(&verdicts, |case| is_of(case, &title));
    if wrong.is_empty() { Ok(()) } else { Err(format!("{}\nIts words:\n{words}", wrong.join("\n")).into()) }
}

/// What came of a script.
struct Script {
    /// What its cases begin with.
    title: String,
    words: String,
    verdicts: Verdicts,
}

fn is_of(case: &str, title: &str) -> bool {
    case.strip_prefix(title).is_some_and(|rest| rest.starts_with(": "))
}

fn run(script: &str) -> Result<Script, Failed> {
    let folder = scripts().ok_or("no scripts")?;
    let path = folder.join(script).with_extension("sh");
    let user = tool::succeeded(tool::bounded(10, "whoami"))?.trim().to_owned();
    let site = Site::start(json!({ "preset": "posix" }), &user)?;
    let work = Work::prepare(&site)?;
    let mut command = tool::bounded(120, "sh");
    command
        // Their output in the order in which it came.
        .args(["-c", "exec \"$@\" 2>&1", "sh", "sh"])
        .arg(folder.join("test-exec.sh"))
        .arg(&work.object)
        .arg(&path)
        .current_dir(&work.binaries)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", site.folder()?)
        .env("LC_ALL", "C.UTF-8")
        .env("ENDPOINT_SSH", site.ssh())
        .env("ENDPOINT_USER", &user)
        .env("ENDPOINT_API", site.stack()?.api().url())
        .env("BUILDDIR", &folder)
        .env("TEST_SHELL", "sh")
        .env("TEST_SSH_UNSAFE_PERMISSIONS", "1")
        .env("TEST_SSH_PORT", site.sftp()?.port.to_string())
        .env("TEST_SSH_SSHD", &work.sshd)
        .env("TEST_SSH_SFTPSERVER", &work.server)
        .env("TEST_SSH_SSHAGENT", &work.data);
    for name in ["ssh", "sftp", "scp"] {
        let program = tool::program(name).ok_or_else(|| format!("no {name}"))?;
        command.env(format!("TEST_SSH_{}", name.to_uppercase()), program);
    }
    let words = tool::run(command)?.words;
    let text = std::fs::read_to_string(&path)?;
    let title = text.lines().find_map(|line| line.strip_prefix("tid=")).ok_or("no tid= in the script")?;
    let title = title.trim_matches('"').to_owned();
    if !words.lines().any(|line| line == format!("ok {title}") || line == format!("failed {title}")) {
        return Err(format!("it broke off:\n{words}").into());
    }
    let log = std::fs::read_to_string(work.object.join("failed-regress.log")).unwrap_or_default();
    let verdicts = read(&title, &words, &log);
    Ok(Script { title, words, verdicts })
}

/// Finds the cases in a script's words, and in its log what failed in them.
fn read(title: &str, words: &str, log: &str) -> Verdicts {
    let case_of = |line: &str| {
        let line = line.strip_prefix("test ").unwrap_or(line);
        is_of(line, title).then(|| line.to_owned())
    };
    let mut verdicts = Verdicts::new();
    let mut case = title.to_owned();
    for line in words.lines() {
        if let Some(next) = case_of(line) {
            verdicts.entry(next.clone()).or_default();
            case = next;
        } else if line.contains(": remote ") {
            // A client was refused something and went on: for the scripts, no failure.
            verdicts.entry(case.clone()).or_default().push(line.to_owned());
        }
    }
    for line in log.lines() {
        if let Some(text) = line.strip_prefix("trace: ") {
            case = case_of(text).unwrap_or_else(|| text.to_owned());
        } else if let Some(failure) = line.strip_prefix("FAIL: ") {
            let failures = verdicts.entry(case.clone()).or_default();
            if !failures.iter().any(|known| known == failure) {
                failures.push(failure.to_owned());
            }
        }
    }
    verdicts
}

/// What the scripts find where they run.
struct Work {
    /// Their folder; the same path is the same folder at the endpoint.
    object: PathBuf,
    /// `/bin` of the endpoint, with those of the machine's programs that they upload and fetch. They run in it,
    /// since they compare only what also lies where they run.
    binaries: PathBuf,
    /// Stands for the program whose bytes they upload.
    data: PathBuf,
    server: PathBuf,
    sshd: PathBuf,
}

impl Work {
    fn prepare(site: &Site) -> Result<Work, Failed> {
        let object = site.folder()?.join("object");
        let inside = site.inbox()?.join(object.strip_prefix("/")?);
        std::fs::create_dir_all(&inside)?;
        std::os::unix::fs::symlink(&inside, &object)?;
        let binaries = site.inbox()?.join("bin");
        std::fs::create_dir_all(&binaries)?;
        for entry in Path::new("/bin").read_dir()? {
            let name = entry?.file_name();
            if name.len() == 2 && name.to_string_lossy().starts_with('l') {
                std::fs::copy(Path::new("/bin").join(&name), binaries.join(&name))?;
            }
        }
        let data = site.folder()?.join("data");
        let bytes = (0..DATA_BYTES).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8);
        std::fs::write(&data, bytes.collect::<Vec<u8>>())?;
        // The keys they would make for a login and for the host: those of the site and of the endpoint.
        key(&std::fs::read(&site.pair.private)?, &site.pair.public, &object.join("ssh-rsa"))?;
        let host_key = std::fs::read(site.stack()?.data().join("host_key"))?;
        key(&host_key, &site.sftp()?.host_key, &object.join("ssh-ed25519"))?;
        let server = site.script("sftp-server", SERVER)?;
        let sshd = site.script("sshd", SSHD)?;
        Ok(Work { object, binaries, data, server, sshd })
    }
}

fn key(private: &[u8], public: &str, path: &Path) -> Result<(), Failed> {
    std::fs::write(path, private)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(std::fs::write(path.with_extension("pub"), format!("{public}\n"))?)
}
