//! The rules of the simulated Spatial Cloud, each in a line; scenarios name the ones they prove.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::{runner, scenario};

/// Rule and summary.
pub const RULES: &[(&str, &str)] = &[
    ("C-01", "a site hands over a public key and its addresses, and gets host, port and user name"),
    ("C-02", "provisioning takes up to days of simulated time; nobody logs in before it is done"),
    ("C-03", "only RSA keys of 2048 bits or more; every other file is refused in words of its own"),
    ("C-04", "several keys and addresses per site; rotation keeps the old key until it is removed"),
    ("C-05", "key pairs made as the guide tells log in"),
    ("C-06", "legacy FTP is shut down"),
    ("C-10", "only listed addresses get in; how the others fail is a setting"),
    ("C-11", "authentication by key only; nothing else is offered"),
    ("C-12", "user, key and address belong to the same site"),
    ("C-13", "SHA-2 signatures; unknown users look like known ones"),
    ("C-14", "the host key survives restarts"),
    ("C-15", "only the sftp subsystem is served"),
    ("C-16", "limits are settings"),
    ("C-20", "the root holds Database, Spatial and Web"),
    ("C-21", "the root takes nothing; names are case-sensitive; Database takes no folders"),
    ("C-22", "no client leaves its site's tree"),
    ("C-23", "timestamps cannot be set; the upload itself stays"),
    ("C-24", "files can be downloaded until they are moved"),
    ("C-25", "visibility, resume, rename and removal"),
    ("C-26", "acknowledged writes and closes survive"),
    ("C-30", "Spatial and Web are emptied every five minutes"),
    ("C-31", "Database is emptied at night, by the vendor's clock"),
    ("C-32", "open and unsettled files are left for the next run"),
    ("C-33", "temporary names are left and reported"),
    ("C-34", "moves are atomic and exactly once; replaced files are kept"),
    ("C-35", "a failing move stops nothing else"),
    ("C-40", "the recommended name is loaded; others are moved with a warning"),
    ("C-41", "backups newer than SQL Server 2019 are refused"),
    ("C-42", "the metadata table drives the refresh"),
    ("C-43", "uploaded tables replace production tables"),
    ("C-44", "a load is all or nothing"),
    ("C-45", "listed tables become shapefile sets"),
    ("C-46", "readers see one whole generation"),
    ("C-50", "one simulated clock, real, faster or by hand"),
    ("C-51", "the same seed gives the same events"),
];

/// How a rule is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The vendor's public guide to SFTP says it.
    Documented,
    /// Another public page of the vendor says it.
    VendorPage,
    /// Nobody outside knows; this is the default we chose, and a setting where it could matter.
    OurChoice,
}

impl Source {
    /// For a person.
    pub fn words(self) -> &'static str {
        match self {
            Source::Documented => "documented",
            Source::VendorPage => "vendor page",
            Source::OurChoice => "our choice",
        }
    }
}

/// Rules that the guide states.
const DOCUMENTED: &[&str] = &[
    "C-01", "C-02", "C-03", "C-05", "C-06", "C-10", "C-11", "C-12", "C-20", "C-23", "C-24", "C-30", "C-31",
    "C-40", "C-42", "C-46",
];
/// Rules that another page of the vendor states.
const ON_A_VENDOR_PAGE: &[&str] = &["C-41", "C-43", "C-45"];

/// How this rule is known, in what it says first; details of it may be our choice.
pub fn source(rule: &str) -> Source {
    match rule {
        rule if DOCUMENTED.contains(&rule) => Source::Documented,
        rule if ON_A_VENDOR_PAGE.contains(&rule) => Source::VendorPage,
        _ => Source::OurChoice,
    }
}

/// Rules without a scenario, each with the reason. A test fails when one of them has a scenario after all, or
/// when another rule or behaviour has none.
pub const UNPROVED: &[(&str, &str)] = &[];

/// The scenarios that prove each rule and each behaviour, by its number.
pub fn proofs(paths: &[PathBuf]) -> Result<BTreeMap<String, Vec<String>>, ProofError> {
    let mut proofs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in scenario::find(paths).map_err(ProofError::Paths)? {
        let scenarios = scenario::load(&file).map_err(ProofError::File)?;
        // Rows of one file prove the same rules.
        let named =
            scenarios.first().into_iter().flat_map(|first| first.contract.iter().chain(&first.behaviours));
        for rule in named {
            proofs.entry(rule.clone()).or_default().push(runner::short_name(&file));
        }
    }
    Ok(proofs)
}

/// Why proofs cannot be listed.
#[derive(Debug)]
pub enum ProofError {
    /// A path cannot be read.
    Paths(std::io::Error),
    /// A file cannot be used.
    File(scenario::LoadError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::behaviours::BEHAVIOURS;

    #[test]
    fn sources_are_of_rules_there_are() {
        for id in DOCUMENTED.iter().chain(ON_A_VENDOR_PAGE) {
            assert!(RULES.iter().any(|(rule, _)| rule == id), "{id}");
        }
    }

    #[test]
    fn every_rule_and_every_behaviour_has_a_scenario_or_a_reason() {
        let scenarios = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios"));
        let proofs = proofs(&[scenarios]).expect("scenarios that can be read");
        for (id, summary) in RULES.iter().chain(BEHAVIOURS) {
            let excused = UNPROVED.iter().any(|(unproved, _)| unproved == id);
            match proofs.get(*id) {
                None => assert!(excused, "{id} ({summary}): no scenario names it"),
                Some(files) => assert!(!excused, "{id} is proved by {files:?}: take it out of UNPROVED"),
            }
        }
    }
}
