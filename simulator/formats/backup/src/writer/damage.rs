//! What can be wrong with a backup, on demand.

/// A kind of damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // Each has its sentence in `DAMAGES`.
pub enum Damage {
    Cut,
    HeaderBit,
    PageBit,
    RowBit,
    LogBit,
    ChunkBit,
    Stripe,
    Newer,
    Differential,
    Log,
    TwoSets,
    Encrypted,
    NotABackup,
}

/// Every kind: its name, the error it must lead to (none: headers and checksums are right), and a sentence.
pub const DAMAGES: &[(Damage, &str, Option<u32>, &str)] = &[
    (Damage::Cut, "cut", Some(3203), "the second half is missing, as after an upload that broke off"),
    (Damage::HeaderBit, "header-bit", Some(3241), "one bit of a block header is flipped"),
    (Damage::PageBit, "page-bit", Some(3183), "one bit of a database page is flipped"),
    (
        Damage::RowBit,
        "row-bit",
        None,
        "one bit of a row is flipped, and every checksum is made to agree: only reading the rows tells",
    ),
    (Damage::ChunkBit, "chunk-bit", Some(3241), "one bit of a compressed backup is flipped"),
    (Damage::LogBit, "log-bit", Some(3189), "one bit of the log is flipped; only the backup checksum tells"),
    (Damage::Stripe, "stripe", Some(3132), "it is the first of two stripes"),
    (Damage::Newer, "newer", Some(3169), "it comes from SQL Server 2022"),
    (Damage::Differential, "differential", Some(3136), "it is a differential backup"),
    (Damage::Log, "log", Some(3117), "it is a log backup"),
    (Damage::TwoSets, "two-sets", None, "it holds two backup sets, as when nights are appended"),
    (Damage::Encrypted, "encrypted", Some(33111), "its data is marked as encrypted"),
    (Damage::NotABackup, "not-a-backup", Some(3242), "it is a zip archive by its first bytes"),
];

impl Damage {
    /// The kind of that name.
    pub fn named(name: &str) -> Option<Damage> {
        DAMAGES.iter().find(|(_, known, ..)| *known == name).map(|(damage, ..)| *damage)
    }
}
