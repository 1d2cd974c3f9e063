//! Makes what a scenario needs before its first step: files, keys, sites.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use spatialcloud_backup::Backup;
use spatialcloud_backup::writer::{self, Description, Random};

use crate::keys::{self, KeyPair};
use crate::scenario::backup::BackupSpec;
use crate::scenario::{FileSpec, Scenario};

/// Names the folder with real backups.
pub const BACKUPS_VARIABLE: &str = "SPATIALCLOUD_BACKUPS";
/// Size of the generated backup that stands in for a real one.
const STAND_IN_BYTES: u64 = 3 << 20;
/// When a scenario's files were last changed: 2020-01-02T03:04:05Z. Like a real night's file they are older
/// than the upload, so a client that sets times has something to set.
const MODIFIED: Duration = Duration::from_secs(1_577_934_245);

/// Files on disk by the scenario's names, and what is worth telling of them.
pub fn files(scenario: &Scenario, folder: &Path) -> io::Result<(BTreeMap<String, PathBuf>, Vec<String>)> {
    let mut made = BTreeMap::new();
    let mut story = Vec::new();
    // What a differential backup is of comes before it.
    let is_based = |spec: &FileSpec| matches!(spec, FileSpec::Backup(spec) if spec.differential_of.is_some());
    let (based, first): (Vec<_>, Vec<_>) = scenario.files.iter().partition(|(_, spec)| is_based(spec));
    for (name, spec) in first.into_iter().chain(based) {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let told = file(spec, &path, &made)
            .map_err(|error| io::Error::new(error.kind(), format!("file {name}: {error}")))?;
        File::options().append(true).open(&path)?.set_modified(SystemTime::UNIX_EPOCH + MODIFIED)?;
        story.extend(told);
        made.insert(name.clone(), path);
    }
    Ok((made, story))
}

fn file(spec: &FileSpec, path: &Path, made: &BTreeMap<String, PathBuf>) -> io::Result<Option<String>> {
    match spec {
        FileSpec::Text(text) => std::fs::write(path, text).map(|()| None),
        FileSpec::Random { seed, size_bytes } => random(*seed, *size_bytes, path).map(|()| None),
        FileSpec::Backup(spec) => {
            let BackupSpec { description, differential_of } = &**spec;
            match differential_of.as_ref().and_then(|name| made.get(name)) {
                None => generate(description, path).map(|()| None),
                Some(full) => {
                    let out = BufWriter::with_capacity(1 << 20, File::create(path)?);
                    let full = Backup::file(File::open(full)?);
                    writer::write_differential(description, full, out).map(|_| None)
                }
            }
        }
        FileSpec::RealBackup { name } => match std::env::var_os(BACKUPS_VARIABLE) {
            Some(folder) => {
                let real = Path::new(&folder).join(name);
                std::fs::copy(&real, path)
                    .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", real.display())))?;
                Ok(Some(format!("real backup {name}")))
            }
            None => {
                generate(
                    &Description { seed: 1, size_bytes: STAND_IN_BYTES, ..Description::default() },
                    path,
                )?;
                Ok(Some(format!("generated backup, since {BACKUPS_VARIABLE} is not set")))
            }
        },
    }
}

fn random(seed: u64, size_bytes: u64, path: &Path) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    let mut random = Random::new(seed);
    let mut piece = vec![0; 1 << 16];
    let mut left = size_bytes;
    while left > 0 {
        random.fill(&mut piece);
        let count = left.min(piece.len() as u64);
        out.write_all(&piece[..count as usize])?;
        left -= count;
    }
    out.flush()
}

fn generate(description: &Description, path: &Path) -> io::Result<()> {
    let out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    writer::write_described(description, out).map(|_| ())
}

/// Sites as the stack is told of them.
pub struct Sites {
    /// Key pairs by site.
    pub keys: BTreeMap<String, KeyPair>,
    /// Addresses by site, `client` replaced.
    pub from: BTreeMap<String, Vec<String>>,
}

/// Keys and addresses of a scenario's sites.
pub fn sites(scenario: &Scenario, client_address: IpAddr) -> io::Result<Sites> {
    let mut sites = Sites { keys: BTreeMap::new(), from: BTreeMap::new() };
    for (code, spec) in &scenario.sites {
        sites.keys.insert(code.clone(), keys::pair(&spec.key)?);
        let from = spec.from.iter().map(|from| match from.as_str() {
            "client" => client_address.to_string(),
            other => other.to_owned(),
        });
        sites.from.insert(code.clone(), from.collect());
    }
    Ok(sites)
}
