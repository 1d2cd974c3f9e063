//! What a scenario needs before its first step, as it is written: files and sites.

use std::collections::BTreeMap;

use super::backup::{self, BackupSpec};
use super::fields::{Fields, Mistake};
use super::node::{Kind, Node};
use crate::keys;

/// A file to upload.
#[derive(Clone, Debug, PartialEq)]
pub enum FileSpec {
    /// Exactly this text.
    Text(String),
    /// Random bytes from a seed.
    Random {
        /// The seed.
        seed: u64,
        /// How many bytes.
        size_bytes: u64,
    },
    /// A real backup where one is at hand, else a generated one.
    RealBackup {
        /// File name in the folder of `SPATIALCLOUD_BACKUPS`.
        name: String,
    },
    /// A generated backup.
    Backup(Box<BackupSpec>),
}

/// A site under test.
#[derive(Clone, Debug, PartialEq)]
pub struct SiteSpec {
    /// Kind of its key.
    pub key: String,
    /// Addresses; `client` is the one the client comes from.
    pub from: Vec<String>,
    /// Whether it is provisioned at the start.
    pub provisioned: bool,
}

pub(super) fn files(node: &Node) -> Result<BTreeMap<String, FileSpec>, Mistake> {
    let entries = Fields::of(node, "files")?.rest();
    let full: Vec<&str> =
        entries.iter().filter(|(_, node)| is_full_backup(node)).map(|(key, _)| key.text.as_str()).collect();
    all(node, "files", "a file", |fields| file(fields, &full))
}

pub(super) fn sites(node: &Node) -> Result<BTreeMap<String, SiteSpec>, Mistake> {
    all(node, "sites", "a site", site)
}

/// Reads a map of free names, each value with `read`.
fn all<T>(
    node: &Node,
    what: &'static str,
    each: &'static str,
    read: impl Fn(&mut Fields<'_>) -> Result<T, Mistake>,
) -> Result<BTreeMap<String, T>, Mistake> {
    let entries = Fields::of(node, what)?.rest();
    entries.into_iter().map(|(key, node)| Ok((key.text.clone(), whole(node, each, &read)?))).collect()
}

/// Reads a map to its end.
fn whole<T>(
    node: &Node,
    what: &'static str,
    read: impl FnOnce(&mut Fields<'_>) -> Result<T, Mistake>,
) -> Result<T, Mistake> {
    let mut fields = Fields::of(node, what)?;
    let found = read(&mut fields)?;
    fields.end()?;
    Ok(found)
}

/// One of `{ text }`, `{ random }`, `{ backup }`, `{ real-backup }`.
fn file(fields: &mut Fields<'_>, full: &[&str]) -> Result<FileSpec, Mistake> {
    let text = fields.text("text")?;
    let real_backup = fields.text("real-backup")?;
    let random = fields.take("random");
    let backup = fields.take("backup");
    match (text, real_backup, random, backup) {
        (Some(text), None, None, None) => Ok(FileSpec::Text(text)),
        (None, Some(name), None, None) => Ok(FileSpec::RealBackup { name }),
        (None, None, Some(node), None) => whole(node, "random", self::random),
        (None, None, None, Some(node)) => {
            let spec = whole(node, "backup", |fields| backup::backup(fields, full))?;
            Ok(FileSpec::Backup(Box::new(spec)))
        }
        _ => Err(Mistake::new(fields.place(), "a file needs one of: text, random, backup, real-backup")),
    }
}

/// Random bytes.
pub fn random(fields: &mut Fields<'_>) -> Result<FileSpec, Mistake> {
    let (seed, size_bytes) = seed_and_size(fields)?;
    Ok(FileSpec::Random { seed, size_bytes })
}

/// Whether a file is a generated backup that a differential one can be of.
fn is_full_backup(node: &Node) -> bool {
    let entry = |node: &Node, name: &str| match &node.kind {
        Kind::Map(entries) => entries.iter().find(|(key, _)| key.text == name).map(|(_, node)| node.clone()),
        _ => None,
    };
    entry(node, "backup").is_some_and(|backup| entry(&backup, "differential-of").is_none())
}

fn seed_and_size(fields: &mut Fields<'_>) -> Result<(u64, u64), Mistake> {
    let seed = u64::try_from(fields.number("seed")?.unwrap_or(1)).unwrap_or(1);
    Ok((seed, fields.need_size("size")?))
}

/// A site.
pub fn site(fields: &mut Fields<'_>) -> Result<SiteSpec, Mistake> {
    let key = fields.one_of("key", "key", &keys::names())?.unwrap_or_else(|| "rsa-2048".to_owned());
    let from: Vec<String> = fields.texts("from")?.into_iter().map(|(address, _)| address).collect();
    let from = if from.is_empty() { vec!["client".to_owned()] } else { from };
    let provisioned = fields.flag_or("provisioned", true)?;
    Ok(SiteSpec { key, from, provisioned })
}
