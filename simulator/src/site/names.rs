//! Which files are open for writing, and when files were last written: what the lock over all names protects.

use std::collections::BTreeMap;
use std::sync::MutexGuard;

use jiff::Timestamp;

use super::path::SitePath;

/// Who holds which file open for writing, and when files were last written.
#[derive(Default)]
pub(super) struct Names {
    next_writer: u64,
    writers: BTreeMap<u64, SitePath>,
    last_written: BTreeMap<String, Timestamp>,
    opened_at: Timestamp,
}

impl Names {
    /// Nothing is open, and nothing has been written since `opened_at`.
    pub(super) fn new(opened_at: Timestamp) -> Names {
        Names { opened_at, ..Names::default() }
    }

    /// The number the next writer will have.
    pub(super) fn next_writer(&self) -> u64 {
        self.next_writer
    }

    /// `path` was opened for writing. Answers the writer's number.
    pub(super) fn opened(&mut self, path: &SitePath) -> u64 {
        let writer = self.next_writer;
        self.next_writer += 1;
        self.writers.insert(writer, path.clone());
        writer
    }

    /// The writer has ended. Answers the path its file has now.
    pub(super) fn closed(&mut self, writer: u64) -> Option<SitePath> {
        self.writers.remove(&writer)
    }

    /// `path` was written.
    pub(super) fn written(&mut self, path: &SitePath, at: Timestamp) {
        self.last_written.insert(path.relative(), at);
    }

    /// `path` is gone.
    pub(super) fn forget(&mut self, path: &str) {
        self.last_written.remove(path);
    }

    /// Open handles and write times stay with the file when it, or a folder above it, gets a new name.
    pub(super) fn follow_rename(&mut self, from: &SitePath, to: &SitePath) {
        self.last_written.remove(&to.relative());
        let renamed = |path: &SitePath| {
            from.contains(path).then(|| {
                let rest = path.names()[from.names().len()..].join("/");
                SitePath::parse(&format!("{}/{rest}", to.relative())).unwrap_or_else(|_| to.clone())
            })
        };
        for open in self.writers.values_mut() {
            if let Some(new) = renamed(open) {
                *open = new;
            }
        }
        let moved: Vec<(String, String)> = self
            .last_written
            .keys()
            .filter_map(|key| {
                let path = SitePath::parse(key).ok()?;
                Some((key.clone(), renamed(&path)?.relative()))
            })
            .collect();
        for (old, new) in moved {
            if let Some(time) = self.last_written.remove(&old) {
                self.last_written.insert(new, time);
            }
        }
    }
}

/// Holds all names still: no open, rename or removal happens while it lives.
pub struct NamesGuard<'a> {
    pub(super) names: MutexGuard<'a, Names>,
}

impl NamesGuard<'_> {
    /// Whether any session holds `path` open for writing.
    pub fn open_for_writing(&self, path: &str) -> bool {
        self.names.writers.values().any(|open| open.relative() == path)
    }

    /// When `path` was last written, in simulated time. A file that an earlier process left here counts as
    /// written when this one began: its own time is of the wall's clock and may lie in the future.
    pub fn last_written(&self, path: &str) -> Timestamp {
        self.names.last_written.get(path).copied().unwrap_or(self.names.opened_at)
    }

    /// Drops what was remembered of a file that has been moved away.
    pub fn forget(&mut self, path: &str) {
        self.names.forget(path);
    }
}
