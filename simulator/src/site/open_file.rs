//! A file that a session holds open: reading, writing, and what its closing means.

use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use super::area::{AreaError, FileArea, disk};
use super::path::SitePath;

/// How a client wants a file opened: the flags of SSH_FXP_OPEN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenMode {
    /// SSH_FXF_READ
    pub read: bool,
    /// SSH_FXF_WRITE
    pub write: bool,
    /// SSH_FXF_APPEND: every WRITE goes to the end, whatever its offset.
    pub append: bool,
    /// SSH_FXF_CREAT
    pub create: bool,
    /// SSH_FXF_TRUNC
    pub truncate: bool,
    /// SSH_FXF_EXCL: fail if the file exists.
    pub exclusive: bool,
    /// Mode bits of a file that is made; absent: those every file gets here.
    pub permissions: Option<u32>,
}

impl OpenMode {
    /// Whether WRITE is allowed.
    pub(super) fn writes(self) -> bool {
        self.write || self.append
    }
}

/// A file some session holds open. Dropped without [`OpenFile::close`], the upload was cut off.
pub struct OpenFile {
    pub(super) area: Arc<FileArea>,
    pub(super) file: std::fs::File,
    pub(super) mode: OpenMode,
    /// Number among the writers, and where bytes written are told.
    pub(super) writer: Option<(u64, Arc<AtomicU64>)>,
    pub(super) staging_name: Option<String>,
    pub(super) path: SitePath,
    /// Size when it was opened, after truncation.
    pub opened_size_bytes: u64,
    /// Bytes written through this handle.
    pub written_bytes: u64,
    /// Bytes read through this handle.
    pub read_bytes: u64,
}

impl OpenFile {
    /// The name it was opened under.
    pub fn path(&self) -> &SitePath {
        &self.path
    }

    /// Whether it was opened for writing.
    pub fn writes(&self) -> bool {
        self.writer.is_some()
    }

    /// The file itself, for attributes and fsync.
    pub fn file(&self) -> &std::fs::File {
        &self.file
    }

    /// Size and times now.
    pub fn metadata(&self) -> io::Result<std::fs::Metadata> {
        self.file.metadata()
    }

    /// Writes all pieces of `data` at `offset_bytes`, or at the end for append handles.
    pub fn write_at<'a>(
        &mut self,
        data: impl IntoIterator<Item = &'a [u8]>,
        offset_bytes: u64,
    ) -> io::Result<()> {
        if !self.mode.writes() {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "the file was opened for reading only",
            ));
        }
        let offset_bytes = if self.mode.append { self.file.metadata()?.len() } else { offset_bytes };
        let mut slices: Vec<IoSlice<'a>> = data.into_iter().map(IoSlice::new).collect();
        let mut left = slices.as_mut_slice();
        let mut offset_bytes = offset_bytes;
        while !left.is_empty() {
            match rustix::io::pwritev(&self.file, left, offset_bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.written_bytes += count as u64;
                    offset_bytes += count as u64;
                    IoSlice::advance_slices(&mut left, count);
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if let Some((_, told)) = &self.writer {
            told.store(self.written_bytes, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Reads up to `length_bytes` at `offset_bytes`; an empty answer is the end of the file.
    pub fn read_at(&mut self, length_bytes: usize, offset_bytes: u64) -> io::Result<Vec<u8>> {
        if !self.mode.read && self.mode.writes() {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "the file was opened for writing only",
            ));
        }
        let mut buffer = vec![0; length_bytes];
        let mut filled = 0;
        while filled < length_bytes {
            match self.file.read_at(&mut buffer[filled..], offset_bytes + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        buffer.truncate(filled);
        self.read_bytes += filled as u64;
        Ok(buffer)
    }

    /// Ends the upload: makes it visible, stamps it with the simulated time. Answers its path and size now.
    pub fn close(mut self) -> Result<(SitePath, u64), AreaError> {
        let path = self.settle()?;
        let size_bytes = self.file.metadata().map_err(|error| disk(&path, error))?.len();
        Ok((path, size_bytes))
    }

    fn settle(&mut self) -> Result<SitePath, AreaError> {
        let Some((writer, _)) = self.writer.take() else { return Ok(self.path.clone()) };
        let area = self.area.clone();
        let mut names = area.lock();
        let path = names.closed(writer).unwrap_or_else(|| self.path.clone());
        let now = area.clock.now();
        if self.written_bytes > 0 || self.mode.truncate {
            // Listings tell simulated time. A file system that cannot keep it is no reason to fail the upload.
            let _ = SystemTime::try_from(now).map(|time| self.file.set_modified(time));
        }
        if let Some(staging_name) = self.staging_name.take() {
            let (dir, name) = area.parent(&path)?;
            area.staging.rename(&staging_name, &dir, name).map_err(|error| disk(&path, error))?;
        }
        names.written(&path, now);
        Ok(path)
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        if let Some(staging_name) = self.staging_name.take() {
            // Never published: the session ended before CLOSE.
            if let Some((writer, _)) = self.writer.take() {
                self.area.lock().closed(writer);
            }
            let _ = self.area.staging.remove_file(&staging_name);
        } else {
            let _ = self.settle();
        }
    }
}
