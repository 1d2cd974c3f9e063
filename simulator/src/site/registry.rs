//! All sites: provisioning, keys, addresses, who may log in; kept on disk (C-01 to C-04, C-12).

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;
use jiff::Timestamp;
use russh::keys::PublicKey as SshKey;
use serde::{Deserialize, Serialize};

use super::address::{self, AddressError};
use super::area::FileArea;
use super::key::{KeyRefusal, PublicKey};
use crate::clock::Clock;
use crate::config::{AttributeAnswers, Layout};
use crate::journal::{Fact, Journal};

/// Longest code a site may have: what a vendor's user names can be.
const LONGEST_CODE: usize = 32;

/// Where a site stands (C-02).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum SiteState {
    /// Handed over its key and addresses; due to be provisioned at an instant.
    Requested {
        /// When provisioning will be done.
        due: Timestamp,
    },
    /// Can log in; has not yet.
    Provisioned,
    /// Has logged in.
    Tested,
    /// Locked out until resumed.
    Suspended,
}

impl SiteState {
    /// The word used in the API.
    pub fn name(&self) -> &'static str {
        match self {
            SiteState::Requested { .. } => "requested",
            SiteState::Provisioned => "provisioned",
            SiteState::Tested => "tested",
            SiteState::Suspended => "suspended",
        }
    }

    fn lets_in(&self) -> bool {
        matches!(self, SiteState::Provisioned | SiteState::Tested)
    }
}

/// One site as it was at a moment; cheap to clone.
#[derive(Clone)]
pub struct Site {
    /// Its code: the user name too.
    pub code: String,
    /// Where it stands.
    pub state: SiteState,
    /// Its keys, oldest first.
    pub keys: Vec<PublicKey>,
    /// Where it connects from.
    pub addresses: Vec<IpNet>,
    /// Its own answers to attribute changes.
    pub attributes: Option<AttributeAnswers>,
    /// What it sees over SFTP.
    pub area: Arc<FileArea>,
    /// Where movers put its files.
    pub cloud: PathBuf,
    /// Replaced generations of moved files.
    pub history: PathBuf,
    /// Its production tables and snapshots.
    pub warehouse: PathBuf,
}

/// What stands in `site.json`. Flattened fields cannot be told from unknown ones, so those pass.
#[derive(Serialize, Deserialize)]
struct Record {
    #[serde(flatten)]
    state: SiteState,
    keys: Vec<String>,
    addresses: Vec<IpNet>,
    attributes: Option<AttributeAnswers>,
}

/// Why a login was refused; told to the journal, never to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginRefusal {
    /// No such site.
    #[error("no site of this name: check the user name, it is case-sensitive")]
    UnknownUser,
    /// The site is not yet provisioned, or suspended.
    #[error("the site is not provisioned yet")]
    NotProvisioned,
    /// Suspended by the vendor.
    #[error("the site is suspended")]
    Suspended,
    /// Another site's address, or none's.
    #[error("the site does not list this address")]
    WrongAddress,
    /// Not one of the site's keys.
    #[error("the key is not one of the site's: check which private key the client uses")]
    WrongKey,
}

/// Why a change to the sites was refused.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// The code cannot be a user name.
    #[error("site code {found:?}: expected 1 to {LONGEST_CODE} letters, digits, '-' or '_'")]
    BadCode {
        /// What came.
        found: String,
    },
    /// The code is taken.
    #[error("site {code} exists already: remove it first, or add the key to it")]
    Exists {
        /// The code.
        code: String,
    },
    /// No such site.
    #[error("there is no site {code}")]
    Unknown {
        /// The code asked for.
        code: String,
    },
    /// A key was refused.
    #[error(transparent)]
    Key(#[from] KeyRefusal),
    /// No key with that fingerprint.
    #[error("site {code} has no key {fingerprint}")]
    UnknownKey {
        /// The code.
        code: String,
        /// The fingerprint asked for.
        fingerprint: String,
    },
    /// An address could not be read.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A site needs exactly these two things (C-01).
    #[error("a site needs at least one public key and one address it connects from")]
    Incomplete,
    /// The data folder could not be written.
    #[error("cannot keep site {code} in {path}: {error}")]
    Disk {
        /// The code.
        code: String,
        /// Which file or folder.
        path: PathBuf,
        /// What the operating system answered.
        error: io::Error,
    },
}

/// All sites of a stack. Clones share them.
#[derive(Clone)]
pub struct Sites {
    folder: PathBuf,
    journal: Journal,
    clock: Clock,
    layout: Layout,
    sites: Arc<Mutex<BTreeMap<String, Arc<Site>>>>,
}

impl Sites {
    /// Opens the sites kept below `data`, making the folder where missing.
    pub fn open(data: &Path, journal: Journal, clock: Clock, layout: Layout) -> Result<Sites, SiteError> {
        let folder = data.join("sites");
        let disk = |code: &str, error| SiteError::Disk { code: code.to_owned(), path: folder.clone(), error };
        std::fs::create_dir_all(&folder).map_err(|error| disk("", error))?;
        let sites = Sites { folder: folder.clone(), journal, clock, layout, sites: Arc::default() };
        for entry in std::fs::read_dir(&folder).map_err(|error| disk("", error))? {
            let entry = entry.map_err(|error| disk("", error))?;
            let Ok(code) = entry.file_name().into_string() else { continue };
            // A folder without a record is a site whose creation or removal was cut off.
            if !entry.path().join("site.json").exists() {
                continue;
            }
            let site = sites.load(&code)?;
            sites.lock().insert(code, Arc::new(site));
        }
        Ok(sites)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Site>>> {
        // Entries are replaced whole: a panic elsewhere leaves the map right.
        self.sites.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn load(&self, code: &str) -> Result<Site, SiteError> {
        let path = self.folder.join(code).join("site.json");
        let disk = |error| SiteError::Disk { code: code.to_owned(), path: path.clone(), error };
        let text = std::fs::read(&path).map_err(disk)?;
        let record: Record = serde_json::from_slice(&text).map_err(|error| disk(error.into()))?;
        let keys =
            record.keys.iter().map(|key| PublicKey::parse(key.as_bytes())).collect::<Result<_, _>>()?;
        let mut site = self.blank(code)?;
        site.state = record.state;
        site.keys = keys;
        site.addresses = record.addresses;
        site.attributes = record.attributes;
        Ok(site)
    }

    fn blank(&self, code: &str) -> Result<Site, SiteError> {
        let folder = self.folder.join(code);
        let disk = |error| SiteError::Disk { code: code.to_owned(), path: folder.clone(), error };
        let area = FileArea::open(&folder.join("inbox"), self.clock.clone(), self.layout).map_err(disk)?;
        for name in ["cloud", "history"] {
            std::fs::create_dir_all(folder.join(name)).map_err(disk)?;
        }
        Ok(Site {
            code: code.to_owned(),
            state: SiteState::Provisioned,
            keys: Vec::new(),
            addresses: Vec::new(),
            attributes: None,
            area: Arc::new(area),
            cloud: folder.join("cloud"),
            history: folder.join("history"),
            warehouse: folder.join("warehouse"),
        })
    }

    /// Writes the record beside its place and renames it: whole, or as it was before.
    fn store(&self, site: &Site) -> Result<(), SiteError> {
        let folder = self.folder.join(&site.code);
        let record = Record {
            state: site.state.clone(),
            keys: site.keys.iter().map(PublicKey::openssh).collect(),
            addresses: site.addresses.clone(),
            attributes: site.attributes.clone(),
        };
        let write = || -> io::Result<()> {
            let beside = folder.join("site.json.new");
            let mut file = std::fs::File::create(&beside)?;
            file.write_all(&serde_json::to_vec_pretty(&record)?)?;
            file.sync_all()?;
            std::fs::rename(&beside, folder.join("site.json"))
        };
        write().map_err(|error| SiteError::Disk { code: site.code.clone(), path: folder.clone(), error })
    }

    /// A site hands over its keys and addresses; answers when it will be provisioned.
    pub fn request(
        &self,
        code: &str,
        keys: &[String],
        addresses: &[String],
        attributes: Option<AttributeAnswers>,
        delay_hours: u64,
    ) -> Result<Timestamp, SiteError> {
        let fits = (1..=LONGEST_CODE).contains(&code.len())
            && code.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if !fits {
            return Err(SiteError::BadCode { found: code.chars().take(80).collect() });
        }
        if keys.is_empty() || addresses.is_empty() {
            return Err(SiteError::Incomplete);
        }
        let keys = keys.iter().map(|key| self.read_key(code, key)).collect::<Result<Vec<_>, _>>()?;
        let addresses = addresses.iter().map(|text| address::parse(text)).collect::<Result<Vec<_>, _>>()?;
        let hours = i64::try_from(delay_hours).unwrap_or(i64::MAX / 3600);
        let due = self
            .clock
            .now()
            .checked_add(jiff::SignedDuration::from_secs(hours.saturating_mul(3600)))
            .unwrap_or(Timestamp::MAX);
        let mut sites = self.lock();
        if sites.contains_key(code) {
            return Err(SiteError::Exists { code: code.to_owned() });
        }
        let mut site = self.blank(code)?;
        site.state = SiteState::Requested { due };
        site.keys = keys;
        site.addresses = addresses;
        site.attributes = attributes;
        self.store(&site)?;
        for key in &site.keys {
            let (fingerprint, bits) = (key.fingerprint(), key.bits());
            self.journal.record(Some(code), Fact::KeyAccepted { fingerprint, bits });
        }
        self.journal.record(Some(code), Fact::SiteRequested { due: self.clock.zoned_at(due).to_string() });
        sites.insert(code.to_owned(), Arc::new(site));
        Ok(due)
    }

    fn read_key(&self, code: &str, text: &str) -> Result<PublicKey, KeyRefusal> {
        PublicKey::parse(text.as_bytes()).inspect_err(|refusal| {
            let (reason, message) = (refusal.kind().to_owned(), refusal.to_string());
            self.journal.record(Some(code), Fact::KeyRefused { reason, message });
        })
    }

    /// Changes one site: in memory and on disk, or not at all.
    fn change(
        &self,
        code: &str,
        change: impl FnOnce(&mut Site) -> Result<Option<Fact>, SiteError>,
    ) -> Result<(), SiteError> {
        let mut sites = self.lock();
        let Some(found) = sites.get(code) else { return Err(SiteError::Unknown { code: code.to_owned() }) };
        let mut site = Site::clone(found);
        if let Some(fact) = change(&mut site)? {
            self.store(&site)?;
            sites.insert(code.to_owned(), Arc::new(site));
            drop(sites);
            self.journal.record(Some(code), fact);
        }
        Ok(())
    }

    /// Provisioning is done: the site can log in. Nothing happens to one that already can.
    pub fn provision(&self, code: &str) -> Result<(), SiteError> {
        self.change(code, |site| {
            if !matches!(site.state, SiteState::Requested { .. }) {
                return Ok(None);
            }
            site.state = SiteState::Provisioned;
            Ok(Some(Fact::SiteProvisioned {}))
        })
    }

    /// The site has logged in for the first time.
    pub fn mark_tested(&self, code: &str) {
        // A record that cannot be written now is written with the next change; the login stands.
        let _ = self.change(code, |site| {
            if site.state != SiteState::Provisioned {
                return Ok(None);
            }
            site.state = SiteState::Tested;
            Ok(Some(Fact::SiteTested {}))
        });
    }

    /// Locks the site out.
    pub fn suspend(&self, code: &str) -> Result<(), SiteError> {
        self.change(code, |site| {
            site.state = SiteState::Suspended;
            Ok(Some(Fact::SiteSuspended {}))
        })
    }

    /// Lets a suspended site in again.
    pub fn resume(&self, code: &str) -> Result<(), SiteError> {
        self.change(code, |site| {
            if site.state != SiteState::Suspended {
                return Ok(None);
            }
            site.state = SiteState::Provisioned;
            Ok(Some(Fact::SiteResumed {}))
        })
    }

    /// Adds a key; the old ones stay until they are removed (C-04). Answers its fingerprint.
    pub fn add_key(&self, code: &str, text: &str) -> Result<String, SiteError> {
        let key = self.read_key(code, text)?;
        let fingerprint = key.fingerprint();
        self.change(code, |site| {
            if site.keys.contains(&key) {
                return Ok(None);
            }
            let fact = Fact::KeyAccepted { fingerprint: key.fingerprint(), bits: key.bits() };
            site.keys.push(key);
            Ok(Some(fact))
        })?;
        Ok(fingerprint)
    }

    /// Removes a key by fingerprint.
    pub fn remove_key(&self, code: &str, fingerprint: &str) -> Result<(), SiteError> {
        self.change(code, |site| {
            let before = site.keys.len();
            site.keys.retain(|key| key.fingerprint() != fingerprint);
            if site.keys.len() == before {
                return Err(SiteError::UnknownKey {
                    code: code.to_owned(),
                    fingerprint: fingerprint.to_owned(),
                });
            }
            Ok(Some(Fact::KeyRemoved { fingerprint: fingerprint.to_owned() }))
        })
    }

    /// Replaces the list of addresses.
    pub fn set_addresses(&self, code: &str, addresses: &[String]) -> Result<(), SiteError> {
        let addresses = addresses.iter().map(|text| address::parse(text)).collect::<Result<Vec<_>, _>>()?;
        self.change(code, |site| {
            site.addresses = addresses;
            let addresses = site.addresses.iter().map(ToString::to_string).collect();
            Ok(Some(Fact::AddressesChanged { addresses }))
        })
    }

    /// Removes a site and everything it has.
    pub fn remove(&self, code: &str) -> Result<(), SiteError> {
        let mut sites = self.lock();
        if sites.remove(code).is_none() {
            return Err(SiteError::Unknown { code: code.to_owned() });
        }
        let folder = self.folder.join(code);
        std::fs::remove_file(folder.join("site.json"))
            .and_then(|()| std::fs::remove_dir_all(&folder))
            .map_err(|error| SiteError::Disk { code: code.to_owned(), path: folder, error })?;
        self.journal.record(Some(code), Fact::SiteRemoved {});
        Ok(())
    }

    /// One site as it is now.
    pub fn get(&self, code: &str) -> Option<Arc<Site>> {
        self.lock().get(code).cloned()
    }

    /// All sites in order of code.
    pub fn all(&self) -> Vec<Arc<Site>> {
        self.lock().values().cloned().collect()
    }

    /// Sites waiting to be provisioned, in order of their time.
    pub fn due_provisionings(&self) -> Vec<(Timestamp, String)> {
        let mut due: Vec<_> = self
            .lock()
            .values()
            .filter_map(|site| match site.state {
                SiteState::Requested { due } => Some((due, site.code.clone())),
                _ => None,
            })
            .collect();
        due.sort();
        due
    }

    /// Whether any site that may log in lists the address (C-10).
    pub fn admits(&self, address: IpAddr) -> bool {
        self.lock().values().any(|site| site.state.lets_in() && address::listed(&site.addresses, address))
    }

    /// Whether user, key and address belong to the same site (C-12).
    ///
    /// Every check is made whatever the earlier ones said, so that the time taken tells nothing (C-13).
    pub fn authenticate(&self, user: &str, address: IpAddr, key: &SshKey) -> Result<Arc<Site>, LoginRefusal> {
        let sites = self.lock();
        let found = sites.get(user);
        let right_key = sites.values().filter(|site| site.keys.iter().any(|known| known.is(key))).count() > 0
            && found.is_some_and(|site| site.keys.iter().any(|known| known.is(key)));
        let right_address = found.is_some_and(|site| address::listed(&site.addresses, address));
        let Some(site) = found else { return Err(LoginRefusal::UnknownUser) };
        match site.state {
            SiteState::Requested { .. } => Err(LoginRefusal::NotProvisioned),
            SiteState::Suspended => Err(LoginRefusal::Suspended),
            _ if !right_address => Err(LoginRefusal::WrongAddress),
            _ if !right_key => Err(LoginRefusal::WrongKey),
            _ => Ok(site.clone()),
        }
    }
}
