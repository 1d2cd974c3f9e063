//! Files for a scenario that stand for those that were uploaded: as large, of the same kind, with made-up bytes.

use serde_json::{Value, json};

/// Larger files are played by smaller ones: a scenario must run in a pipeline.
const LARGEST_BYTES: u64 = 64 << 20;
/// Smallest and largest backup that plays one of any size.
const BACKUP_BYTES: (u64, u64) = (1 << 20, 8 << 20);

/// SQL Server's error numbers with the damage that brings them.
const DAMAGE: &[(&str, &str)] = &[
    ("3242", "not-a-backup"),
    ("3203", "cut"),
    ("3183", "page-bit"),
    ("3189", "chunk-bit"),
    ("3241", "header-bit"),
    ("3169", "newer"),
    ("3136", "differential"),
    ("3117", "log"),
    ("3132", "stripe"),
    ("33111", "encrypted"),
];

/// What the nightly load made of a file.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fate {
    /// Nothing: it is a file like any other.
    None,
    /// It was loaded.
    Loaded,
    /// It was refused, in these words.
    Refused(Vec<String>),
}

/// Files by name, in the order in which they were first needed.
#[derive(Default)]
pub(super) struct Files(Vec<(String, Value)>);

impl Files {
    /// All of them: name and what it is made of.
    pub(super) fn all(&self) -> &[(String, Value)] {
        &self.0
    }

    /// A new file for an upload to `path`; answers its name and its size.
    pub(super) fn add(&mut self, path: &str, size_bytes: u64, fate: &Fate) -> (String, u64) {
        let seed = self.0.len() + 1;
        let size_bytes = match fate {
            Fate::None => size_bytes.min(LARGEST_BYTES),
            _ => size_bytes.clamp(BACKUP_BYTES.0, BACKUP_BYTES.1),
        };
        let content = match fate {
            Fate::None if size_bytes == 0 => json!({"text": ""}),
            Fate::None => json!({"random": {"seed": seed, "size": size(size_bytes)}}),
            Fate::Loaded => json!({"backup": {"seed": seed, "size": size(size_bytes)}}),
            Fate::Refused(reasons) => {
                let damage = damage(reasons);
                json!({"backup": {"seed": seed, "size": size(size_bytes), "damage": damage}})
            }
        };
        let base = path.rsplit('/').next().unwrap_or(path).to_owned();
        let is_free = |name: &String| self.0.iter().all(|(known, _)| known != name);
        let numbered = (2..).map(|number| format!("{number}-{base}"));
        let name = std::iter::once(base.clone()).chain(numbered).find(is_free).unwrap_or_default();
        self.0.push((name.clone(), content));
        (name, size_bytes)
    }
}

/// The damage that brings a refusal of the same number; of an unknown one, something else that is refused.
fn damage(reasons: &[String]) -> &'static str {
    let number = reasons.first().and_then(|reason| reason.split(':').next()).unwrap_or_default();
    DAMAGE.iter().find(|(known, _)| *known == number).map_or("not-a-backup", |(_, damage)| damage)
}

/// A size as scenario files have it.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        bytes if bytes > 0 && bytes.is_multiple_of(1 << 20) => format!("{}MiB", bytes >> 20),
        bytes if bytes > 0 && bytes.is_multiple_of(1 << 10) => format!("{}KiB", bytes >> 10),
        bytes => bytes.to_string(),
    }
}
