//! Sums over everything ever recorded, which outlive the events themselves.

use std::collections::BTreeMap;

use super::Fact;

/// What a stack has done since it was started. Forgetting events does not lower it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Events by their dotted name.
    pub events: BTreeMap<&'static str, u64>,
    /// Bytes that clients wrote into files, finished and interrupted.
    pub uploaded_bytes: u64,
    /// Bytes that clients read.
    pub downloaded_bytes: u64,
    /// Bytes that movers carried into client folders.
    pub moved_bytes: u64,
    /// Finished runs by mover.
    pub mover_runs: BTreeMap<String, u64>,
}

impl Totals {
    /// Counts one event.
    pub(super) fn count(&mut self, fact: &Fact) {
        *self.events.entry(fact.kind()).or_default() += 1;
        match fact {
            Fact::UploadFinished { written_bytes, .. } | Fact::UploadInterrupted { written_bytes, .. } => {
                self.uploaded_bytes = self.uploaded_bytes.saturating_add(*written_bytes);
            }
            Fact::DownloadFinished { read_bytes, .. } => {
                self.downloaded_bytes = self.downloaded_bytes.saturating_add(*read_bytes);
            }
            Fact::FileMoved { size_bytes, .. } => {
                self.moved_bytes = self.moved_bytes.saturating_add(*size_bytes);
            }
            Fact::MoverFinished { mover, .. } => *self.mover_runs.entry(mover.clone()).or_default() += 1,
            _ => {}
        }
    }

    /// How many events of that kind there were.
    pub fn of(&self, kind: &str) -> u64 {
        self.events.get(kind).copied().unwrap_or(0)
    }
}
