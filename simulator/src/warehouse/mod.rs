//! After the nightly move: what arrived in Database, and whether the load would take it (C-40, C-41, C-44).

pub mod answer;
pub mod metadata;
pub mod preview;
pub mod target;

use std::fs::File;
use std::io::BufReader;

use spatialcloud_backup::verdict::{self, Reason};
use spatialcloud_backup::{Backup, DataError, Database, Depth, Family};

use preview::Preview;

use crate::journal::{Fact, Journal};
use crate::site::Site;

/// The name the vendor's guide recommends, and the one that is loaded.
pub const RECOMMENDED_NAME: &str = "IntraMapsSpatialCloud.bak";
/// Bytes read from disk at once while a backup is inspected.
const READ_BYTES: usize = 1 << 20;

/// Looks at what a nightly run brought; `arrived` are paths such as `Database/x.bak`.
pub fn after_the_move(site: &Site, arrived: &[String], journal: &Journal) {
    for path in arrived {
        let fact = if path.strip_prefix("Database/") == Some(RECOMMENDED_NAME) {
            inspect(site, path)
        } else {
            let reason =
                format!("moved, and not loaded: only {RECOMMENDED_NAME} is; rename it at the source");
            Fact::DatabaseWarned { path: path.clone(), reason }
        };
        journal.record(Some(&site.code), fact);
    }
}

/// Reads the whole backup, as the load would: a damaged page deep inside must not wait for the morning.
fn inspect(site: &Site, path: &str) -> Fact {
    let read = File::open(site.cloud.join(path)).and_then(|file| {
        spatialcloud_backup::read(BufReader::with_capacity(READ_BYTES, file), Depth::Everything)
    });
    let family = match read {
        Ok(family) => family,
        Err(error) => {
            let reasons = vec![format!("3201: the file cannot be read: {error}")];
            return Fact::WarehouseInspected {
                path: path.to_owned(),
                accepted: false,
                database: None,
                server_version: None,
                tables: None,
                exports: Vec::new(),
                reasons,
                warnings: Vec::new(),
            };
        }
    };
    let header = header(&family).cloned();
    let mut verdict = verdict::judge(&[family], &[RECOMMENDED_NAME.to_owned()]);
    let mut contents = Contents::default();
    // What is refused has its reasons already.
    if verdict.accepted {
        match Contents::read(site, path) {
            Ok(read) => contents = read,
            Err(error) => verdict.warnings.push(format!("the tables cannot be read: {error}")),
        }
    }
    verdict.warnings.append(&mut contents.preview.warnings);
    let told = |Reason { error, message, place }: &Reason| format!("{error}: {message} ({place})");
    Fact::WarehouseInspected {
        path: path.to_owned(),
        accepted: verdict.accepted,
        database: header.as_ref().and_then(|header| header.database_name.clone()),
        server_version: header.as_ref().map(|header| {
            let (major, minor) = (header.software_version_major, header.software_version_minor);
            format!("{major}.{minor}.{}", header.software_version_build)
        }),
        tables: contents.tables,
        exports: contents.preview.exports,
        reasons: verdict.reasons.iter().map(told).collect(),
        warnings: verdict.warnings,
    }
}

/// What stands in a backup that would be taken.
#[derive(Default)]
struct Contents {
    tables: Option<u64>,
    preview: Preview,
}

impl Contents {
    fn read(site: &Site, path: &str) -> Result<Contents, DataError> {
        let file = File::open(site.cloud.join(path))?;
        let database = Database::open(Backup::file(file))?;
        Ok(Contents { tables: Some(database.tables().len() as u64), preview: preview::preview(&database)? })
    }
}

/// The set that RESTORE takes: the first.
fn header(family: &Family) -> Option<&spatialcloud_backup::Header> {
    family.sets.first()?.header.as_ref()
}
