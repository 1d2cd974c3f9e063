//! A stack with one site, ways to reach it, and its file area mounted as a folder.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Failed;
use serde_json::Value;
use spatialcloud_harness::keys::{self, KeyPair};
use spatialcloud_harness::{Stack, stack::SftpAddress};
use tokio::runtime::Runtime;

use crate::tool;

/// A running stack in a folder of its own. Dropped, both are gone.
pub struct Site {
    runtime: Runtime,
    stack: Option<Stack>,
    /// The site's code.
    pub user: String,
    /// Its key.
    pub pair: KeyPair,
    folder: tempfile::TempDir,
}

impl Site {
    /// Starts it with these settings.
    pub fn start(settings: Value, user: &str) -> Result<Site, Failed> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let pair = keys::pair("rsa-2048")?;
        let builder = Stack::in_process().settings(settings).site(user, &pair.public, ["127.0.0.1"]);
        let stack = runtime.block_on(builder.start())?;
        let folder = tempfile::Builder::new().prefix("spatialcloud-judge-").tempdir()?;
        let site = Site { runtime, stack: Some(stack), user: user.to_owned(), pair, folder };
        let known_hosts = format!("[127.0.0.1]:{} {}\n", site.sftp()?.port, site.sftp()?.host_key);
        std::fs::write(site.folder.path().join("known_hosts"), known_hosts)?;
        site.script("ssh", &site.ssh_script()?)?;
        Ok(site)
    }

    fn ssh_script(&self) -> Result<String, Failed> {
        Ok(format!(
            "#!/bin/sh\nexec ssh -F /dev/null -i '{}' -o IdentitiesOnly=yes -o BatchMode=yes -o LogLevel=ERROR \
             -o StrictHostKeyChecking=yes -o 'UserKnownHostsFile={}' -o Port={} \"$@\"\n",
            self.pair.private.display(),
            self.known_hosts().display(),
            self.sftp()?.port,
        ))
    }

    /// The stack.
    pub fn stack(&self) -> Result<&Stack, Failed> {
        self.stack.as_ref().ok_or_else(|| "the stack has been stopped".into())
    }

    /// Where clients connect.
    pub fn sftp(&self) -> Result<&SftpAddress, Failed> {
        Ok(self.stack()?.sftp())
    }

    /// A folder for what the judge needs.
    pub fn folder(&self) -> Result<PathBuf, Failed> {
        // Without symbolic links, since the judge may ask for the same path at the endpoint.
        Ok(self.folder.path().canonicalize()?)
    }

    /// The endpoint's key, as OpenSSH keeps it.
    pub fn known_hosts(&self) -> PathBuf {
        self.folder.path().join("known_hosts")
    }

    /// A program `ssh` that needs to be told only the user and the host.
    pub fn ssh(&self) -> PathBuf {
        self.folder.path().join("ssh")
    }

    /// Writes a program into the folder.
    pub fn script(&self, name: &str, text: &str) -> Result<PathBuf, Failed> {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700))?;
        Ok(path)
    }

    /// The file area as it lies on the disk.
    pub fn inbox(&self) -> Result<PathBuf, Failed> {
        Ok(self.stack()?.data().canonicalize()?.join("sites").join(&self.user).join("inbox"))
    }

    /// Mounts the file area.
    pub fn mount(&self, options: &[&str]) -> Result<Mount, Failed> {
        Mount::new(&self.ssh(), &format!("{}@127.0.0.1:/", self.user), options)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(stack) = self.stack.take() {
            // What the test found is told already; a stack that ends badly is another test's matter.
            let _ = self.runtime.block_on(stack.stop());
        }
    }
}

/// The mode bit of a program that runs as its owner.
const SET_USER: u32 = 0o4000;

/// A folder that `sshfs` shows. Dropped, it is unmounted.
pub struct Mount(tempfile::TempDir);

/// What mounting needs and is not here.
pub fn cannot_mount() -> Option<String> {
    if let Some(missing) = tool::missing(&["sshfs", "fusermount3"]) {
        return Some(missing);
    }
    if std::fs::File::options().read(true).write(true).open("/dev/fuse").is_err() {
        return Some("/dev/fuse cannot be opened".to_owned());
    }
    // Whoever is not root mounts by a program that runs as root.
    let program = tool::program("fusermount3").and_then(|path| path.metadata().ok());
    let may_mount = is_root() || program.is_some_and(|program| program.mode() & SET_USER != 0);
    (!may_mount).then(|| "fusermount3 does not run as root".to_owned())
}

/// Whether this process may do anything.
pub fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

impl Mount {
    /// Mounts `from`, reached through the program `ssh`.
    pub fn new(ssh: &Path, from: &str, options: &[&str]) -> Result<Mount, Failed> {
        let folder = tempfile::Builder::new().prefix("spatialcloud-mount-").tempdir()?;
        let mut command = Command::new("sshfs");
        command.arg(from).arg(folder.path()).arg("-o").arg(format!("ssh_command={}", ssh.display()));
        for option in options {
            command.args(["-o", option]);
        }
        tool::succeeded(command)?;
        Ok(Mount(folder))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily, since a judge that was ended may hold a file open.
        let _ = Command::new("fusermount3").args(["-u", "-z"]).arg(self.0.path()).status();
    }
}
