//! Makes what a scenario needs before its first step: files, keys, sites.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use spatialcloud_backup::writer::{self, Random, Spec};

use crate::keys::{self, KeyPair};
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
    for (name, spec) in &scenario.files {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let told = file(spec, &path)
            .map_err(|error| io::Error::new(error.kind(), format!("file {name}: {error}")))?;
        File::options().append(true).open(&path)?.set_modified(SystemTime::UNIX_EPOCH + MODIFIED)?;
        story.extend(told);
        made.insert(name.clone(), path);
    }
    Ok((made, story))
}

fn file(spec: &FileSpec, path: &Path) -> io::Result<Option<String>> {
    match spec {
        FileSpec::Text(text) => std::fs::write(path, text).map(|()| None),
        FileSpec::Random { seed, size_bytes } => random(*seed, *size_bytes, path).map(|()| None),
        FileSpec::Backup { seed, size_bytes, damage, without } => {
            let spec = Spec { seed: *seed, size_bytes: *size_bytes, damage: *damage };
            let without: Vec<&str> = without.iter().map(String::as_str).collect();
            generate(&spec, &without, path).map(|()| None)
        }
        FileSpec::RealBackup { name } => match std::env::var_os(BACKUPS_VARIABLE) {
            Some(folder) => {
                let real = Path::new(&folder).join(name);
                std::fs::copy(&real, path)
                    .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", real.display())))?;
                Ok(Some(format!("real backup {name}")))
            }
            None => {
                generate(&Spec { seed: 1, size_bytes: STAND_IN_BYTES, damage: None }, &[], path)?;
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

fn generate(spec: &Spec, without: &[&str], path: &Path) -> io::Result<()> {
    writer::write_without(spec, without, BufWriter::with_capacity(1 << 20, File::create(path)?)).map(|_| ())
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
