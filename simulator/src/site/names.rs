//! Which files are open for writing, and when files were last written: what the lock over all names protects.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard};

use jiff::Timestamp;

use super::path::SitePath;

/// Who holds which file open for writing, and when files were last written.
#[derive(Default)]
pub(super) struct Names {
    next_writer: u64,
    writers: BTreeMap<u64, Writer>,
    last_written: BTreeMap<String, Timestamp>,
    opened_at: Timestamp,
}

/// A file that is open for writing.
pub(super) struct Writer {
    /// Its path now.
    pub(super) path: SitePath,
    /// When it was opened, in simulated time.
    pub(super) since: Timestamp,
    /// Bytes written so far; told by the session after each WRITE, without the lock.
    pub(super) written_bytes: Arc<AtomicU64>,
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

    /// `path` was opened for writing. Answers the writer's number, and where it is to tell its bytes.
    pub(super) fn opened(&mut self, path: &SitePath, since: Timestamp) -> (u64, Arc<AtomicU64>) {
        let writer = self.next_writer;
        self.next_writer += 1;
        let written_bytes = Arc::new(AtomicU64::new(0));
        self.writers
            .insert(writer, Writer { path: path.clone(), since, written_bytes: written_bytes.clone() });
        (writer, written_bytes)
    }

    /// Every file that is open for writing, in the order they were opened.
    pub(super) fn writers(&self) -> impl Iterator<Item = &Writer> {
        self.writers.values()
    }

    /// The writer has ended. Answers the path its file has now.
    pub(super) fn closed(&mut self, writer: u64) -> Option<SitePath> {
        self.writers.remove(&writer).map(|writer| writer.path)
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
            if let Some(new) = renamed(&open.path) {
                open.path = new;
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

/// An upload in progress.
#[derive(Clone, Debug)]
pub struct OpenUpload {
    /// Path from the site's root, as it is now.
    pub path: String,
    /// When the file was opened, in simulated time.
    pub since: Timestamp,
    /// Bytes written through this handle so far.
    pub written_bytes: u64,
}

impl NamesGuard<'_> {
    /// Every file that is open for writing, in the order they were opened.
    pub fn uploads(&self) -> Vec<OpenUpload> {
        let shown = |writer: &Writer| OpenUpload {
            path: writer.path.relative(),
            since: writer.since,
            written_bytes: writer.written_bytes.load(Ordering::Relaxed),
        };
        self.names.writers().map(shown).collect()
    }

    /// Whether any session holds `path` open for writing.
    pub fn open_for_writing(&self, path: &str) -> bool {
        self.names.writers.values().any(|open| open.path.relative() == path)
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
