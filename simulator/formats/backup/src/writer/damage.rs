//! What can be wrong with a backup, on demand.

use std::io::{self, Write};

use super::{Spec, layout};

/// A kind of damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // Each has its sentence in `DAMAGES`.
pub enum Damage {
    Cut,
    HeaderBit,
    PageBit,
    LogBit,
    Stripe,
    Newer,
    Differential,
    Log,
    TwoSets,
    Encrypted,
    NotABackup,
}

/// Every kind: its name, the error it must lead to (none: a warning), and a sentence.
pub const DAMAGES: &[(Damage, &str, Option<u32>, &str)] = &[
    (Damage::Cut, "cut", Some(3203), "the second half is missing, as after an upload that broke off"),
    (Damage::HeaderBit, "header-bit", Some(3241), "one bit of a block header is flipped"),
    (Damage::PageBit, "page-bit", Some(3183), "one bit of a database page is flipped"),
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

/// Cuts or flips what is written through it.
pub(super) struct Damaging<W> {
    out: W,
    offered: u64,
    written: u64,
    flip_at: Option<u64>,
    cut_at: Option<u64>,
    breaks_log: bool,
}

impl<W: Write> Damaging<W> {
    pub fn new(out: W, spec: &Spec) -> Damaging<W> {
        let flip_at = match spec.damage {
            Some(Damage::HeaderBit) => Some(layout::CONFIGURATION_BLOCK_AT + 12),
            Some(Damage::PageBit) => Some(layout::FIRST_PAGE_AT + 10 * 8192 + 4000),
            _ => None,
        };
        let cut_at =
            (spec.damage == Some(Damage::Cut)).then(|| spec.size_bytes.max(super::LEAST_SIZE_BYTES) / 2);
        Damaging {
            out,
            offered: 0,
            written: 0,
            flip_at,
            cut_at,
            breaks_log: spec.damage == Some(Damage::LogBit),
        }
    }

    /// Whether the log is to differ from its checksum.
    pub fn breaks_log(&self) -> bool {
        self.breaks_log
    }

    /// Bytes that have gone out.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Bytes that would have gone out, had nothing been cut.
    pub fn offered(&self) -> u64 {
        self.offered
    }
}

impl<W: Write> Write for Damaging<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let from = self.offered;
        let mut kept = bytes;
        if let Some(cut_at) = self.cut_at {
            let room = usize::try_from(cut_at.saturating_sub(from)).unwrap_or(usize::MAX);
            kept = &bytes[..bytes.len().min(room)];
        }
        match self.flip_at.filter(|at| (from..from + kept.len() as u64).contains(at)) {
            Some(at) => {
                let mut flipped = kept.to_vec();
                flipped[(at - from) as usize] ^= 4;
                self.out.write_all(&flipped)?;
            }
            None => self.out.write_all(kept)?,
        }
        self.offered += bytes.len() as u64;
        self.written += kept.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
