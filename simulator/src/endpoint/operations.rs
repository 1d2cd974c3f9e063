//! What each SFTP request does: answered from the site's file area, every one of version 3.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use jiff::tz::TimeZone;
use russh_sftp::protocol::{
    Attrs, Data, ExtendedReply, File, FileAttributes, Handle, Name, OpenFlags, Packet, Status, StatusCode,
    Version,
};
use russh_sftp::server::StatusReply;

use super::attributes::{self, Aspect};
use super::extension;
use super::frame::{Pieces, UNDECODABLE, undecodable_reply};
use crate::clock::{Clock, Stopwatch};
use crate::config::{AttributeAnswer, AttributeAnswers, AttributesOfNew, EndpointConfig};
use crate::journal::{Fact, Journal};
use crate::site::area::{AreaError, Entry, FileArea};
use crate::site::open_file::{OpenFile, OpenMode};
use crate::site::path::SitePath;

/// The most bytes one READ gives back; the same as OpenSSH's server with its 256 KiB packets.
pub const READ_BYTES: u32 = 261_120;

/// What a session works with.
pub struct Context {
    /// Number of the connection, for events.
    pub session: u64,
    /// The site's code.
    pub site: String,
    /// The site's tree.
    pub area: Arc<FileArea>,
    /// Answers to attribute changes: the site's own or the endpoint's.
    pub answers: AttributeAnswers,
    /// The endpoint's settings.
    pub settings: Arc<EndpointConfig>,
    /// Where everything is reported.
    pub journal: Journal,
    /// Simulated time, for listings.
    pub clock: Clock,
}

enum Held {
    File { file: OpenFile, since: Stopwatch },
    Folder { entries: std::vec::IntoIter<Entry> },
}

/// The state of one session: open files and folders. Dropped when the channel ends.
pub struct Operations {
    context: Context,
    handles: BTreeMap<String, Held>,
    next_handle: u64,
    zone: TimeZone,
    started: bool,
}

pub type Answer<T> = Result<T, StatusReply>;

impl Operations {
    /// A session before its INIT.
    pub fn new(context: Context) -> Operations {
        let zone = context.clock.time_zone().clone();
        Operations { context, handles: BTreeMap::new(), next_handle: 0, zone, started: false }
    }

    /// What it works with.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The path behind a handle, from the site's root; empty for folders and unknown handles.
    pub fn path_of(&self, handle: &str) -> String {
        match self.handles.get(handle) {
            Some(Held::File { file, .. }) => file.path().relative(),
            _ => String::new(),
        }
    }

    fn record(&self, fact: Fact) {
        self.context.journal.record(Some(&self.context.site), fact);
    }

    /// Reports a refusal and turns it into the reply, which begins with the words that OpenSSH's server has for the
    /// status: scripts look for `No such file` in what their library tells them.
    fn refuse(
        &self,
        operation: &str,
        path: &str,
        status: StatusCode,
        reason: impl Into<String>,
    ) -> StatusReply {
        let reason = reason.into();
        self.record(Fact::OperationRefused {
            session: self.context.session,
            operation: operation.to_owned(),
            path: path.to_owned(),
            status: status as u32,
            reason: reason.clone(),
        });
        status.with_message(format!("{status}: {reason}"))
    }

    fn refuse_area(&self, operation: &str, path: &str, error: AreaError) -> StatusReply {
        // Looking for a file that is not there is what clients do before every upload: no event.
        if matches!(error, AreaError::NoSuchFile { .. }) && matches!(operation, "stat" | "lstat") {
            return StatusCode::NoSuchFile.with_message("No such file");
        }
        let hint = match error {
            AreaError::NoSuchFile { .. } => self.context.settings.layout.hint(),
            _ => "",
        };
        self.refuse(operation, path, status_of(&error), format!("{error}{hint}"))
    }

    /// Access times are told where they can be set; elsewhere they would be of the wall's clock.
    fn tells_access_times(&self) -> bool {
        self.context.answers.times == AttributeAnswer::Apply
    }

    fn path(&self, operation: &str, text: &str) -> Answer<SitePath> {
        if text.len() > self.context.settings.limits.path_length_bytes as usize {
            let limit = self.context.settings.limits.path_length_bytes;
            return Err(self.refuse(
                operation,
                "",
                StatusCode::Failure,
                format!("path of {} bytes: at most {limit} are allowed", text.len()),
            ));
        }
        SitePath::parse(text).map_err(|error| {
            self.refuse(operation, &text.escape_debug().to_string(), StatusCode::Failure, error.to_string())
        })
    }

    fn hold(&mut self, operation: &str, path: &str, held: Held) -> Answer<String> {
        let limit = self.context.settings.limits.open_handles as usize;
        if self.handles.len() >= limit {
            return Err(self.refuse(
                operation,
                path,
                StatusCode::Failure,
                format!("{limit} files are open already: close one first"),
            ));
        }
        let handle = self.next_handle.to_string();
        self.next_handle += 1;
        self.handles.insert(handle.clone(), held);
        Ok(handle)
    }

    fn open_file(&mut self, handle: &str) -> Answer<&mut OpenFile> {
        match self.handles.get_mut(handle) {
            Some(Held::File { file, .. }) => Ok(file),
            _ => Err(StatusCode::Failure.with_message("unknown handle: it was closed, or never opened")),
        }
    }

    fn warn_of_name(&self, path: &SitePath) {
        if let Some(reason) = path.windows_warning() {
            let session = self.context.session;
            self.record(Fact::NameWarned { session, path: path.relative(), reason });
        }
    }

    fn attributes(&self, operation: &str, id: u32, text: &str) -> Answer<Attrs> {
        let path = self.path(operation, text)?;
        let metadata =
            self.context.area.metadata(&path).map_err(|error| self.refuse_area(operation, text, error))?;
        Ok(Attrs { id, attrs: attributes::of_entry(&metadata, self.tells_access_times()) })
    }

    /// Decides and reports a SETSTAT or FSETSTAT; `apply` does what is to be done.
    fn change_attributes(
        &self,
        id: u32,
        path: &str,
        wanted: &FileAttributes,
        apply: impl FnOnce(&[Aspect]) -> Answer<()>,
    ) -> Answer<Status> {
        let decision = attributes::decide(wanted, &self.context.answers);
        let session = self.context.session;
        let words =
            |aspects: &[Aspect]| aspects.iter().map(|aspect| aspect.name().to_owned()).collect::<Vec<_>>();
        if !decision.applied.is_empty() {
            apply(&decision.applied)?;
            self.record(Fact::AttributesApplied {
                session,
                path: path.to_owned(),
                aspects: words(&decision.applied),
            });
        }
        if !decision.ignored.is_empty() {
            self.record(Fact::AttributesIgnored {
                session,
                path: path.to_owned(),
                aspects: words(&decision.ignored),
            });
        }
        let Some(&(first, status)) = decision.refused.first() else { return Ok(done(id)) };
        let refused: Vec<Aspect> = decision.refused.iter().map(|(aspect, _)| *aspect).collect();
        self.record(Fact::AttributesRefused {
            session,
            path: path.to_owned(),
            aspects: words(&refused),
            status: status as u32,
            advice: first.advice().to_owned(),
        });
        Err(StatusReply::new(status))
    }

    fn disk_error(&self, operation: &str, path: &SitePath, error: &io::Error) -> StatusReply {
        let status = status_of_io(error);
        self.refuse(operation, &path.relative(), status, format!("{path}: {error}"))
    }
}

impl Drop for Operations {
    fn drop(&mut self) {
        // The connection ended with files open: uploads that were cut off.
        let session = self.context.session;
        for held in std::mem::take(&mut self.handles).into_values() {
            let Held::File { file, .. } = held else { continue };
            if file.writes() {
                let path = file.path().relative();
                let written_bytes = file.written_bytes;
                drop(file);
                let reason = "the connection ended before the file was closed".to_owned();
                self.record(Fact::UploadInterrupted { session, path, written_bytes, reason });
            }
        }
    }
}

impl Operations {
    pub fn init(&mut self, version: u32) -> Answer<Version> {
        if std::mem::replace(&mut self.started, true) {
            return Err(StatusCode::BadMessage.with_message("INIT was sent already"));
        }
        self.record(Fact::SessionStarted { session: self.context.session, client_version: version });
        Ok(Version { version: 3, extensions: extension::announced(&self.context.settings.extensions) })
    }

    pub fn open(
        &mut self,
        id: u32,
        filename: String,
        pflags: OpenFlags,
        wanted: &FileAttributes,
    ) -> Answer<Handle> {
        let path = self.path("open", &filename)?;
        let mode = OpenMode {
            read: pflags.contains(OpenFlags::READ),
            write: pflags.contains(OpenFlags::WRITE),
            append: pflags.contains(OpenFlags::APPEND),
            create: pflags.contains(OpenFlags::CREATE),
            truncate: pflags.contains(OpenFlags::TRUNCATE),
            exclusive: pflags.contains(OpenFlags::EXCLUDE),
            permissions: self.permissions_of_new(wanted),
        };
        let visibility = self.context.settings.visibility;
        let file = self
            .context
            .area
            .open_file(&path, mode, visibility)
            .map_err(|error| self.refuse_area("open", &filename, error))?;
        if file.writes() {
            self.warn_of_name(&path);
            let resumed_at_bytes = (file.opened_size_bytes > 0).then_some(file.opened_size_bytes);
            let session = self.context.session;
            self.record(Fact::UploadStarted { session, path: path.relative(), resumed_at_bytes });
        }
        let handle = self.hold("open", &filename, Held::File { file, since: Clock::stopwatch() })?;
        Ok(Handle { id, handle })
    }

    pub fn close(&mut self, id: u32, handle: String) -> Answer<Status> {
        match self.handles.remove(&handle) {
            None => Err(StatusCode::Failure.with_message("unknown handle: it was closed, or never opened")),
            Some(Held::Folder { .. }) => Ok(done(id)),
            Some(Held::File { file, since }) => {
                let (writes, written_bytes, read_bytes) =
                    (file.writes(), file.written_bytes, file.read_bytes);
                let opened_as = file.path().relative();
                let (path, size_bytes) =
                    file.close().map_err(|error| self.refuse_area("close", &opened_as, error))?;
                let session = self.context.session;
                let duration_ms = since.elapsed_ms();
                let path = path.relative();
                if writes {
                    let bytes_per_second = written_bytes * 1000 / duration_ms.max(1);
                    self.record(Fact::UploadFinished {
                        session,
                        path,
                        size_bytes,
                        written_bytes,
                        duration_ms,
                        bytes_per_second,
                    });
                } else {
                    self.record(Fact::DownloadFinished { session, path, read_bytes, duration_ms });
                }
                Ok(done(id))
            }
        }
    }

    pub fn read(&mut self, id: u32, handle: String, offset: u64, len: u32) -> Answer<Data> {
        let file = self.open_file(&handle)?;
        match file.read_at(len.min(READ_BYTES) as usize, offset) {
            Ok(data) if data.is_empty() && len > 0 => Err(StatusReply::new(StatusCode::Eof)),
            Ok(data) => Ok(Data { id, data }),
            Err(error) => {
                let path = file.path().clone();
                Err(self.disk_error("read", &path, &error))
            }
        }
    }

    pub fn write(&mut self, id: u32, handle: String, offset: u64, data: &Pieces) -> Answer<Status> {
        let file = self.open_file(&handle)?;
        match file.write_at(data.iter(), offset) {
            Ok(()) => Ok(done(id)),
            Err(error) => {
                let path = file.path().clone();
                Err(self.disk_error("write", &path, &error))
            }
        }
    }

    pub fn lstat(&mut self, id: u32, path: String) -> Answer<Attrs> {
        self.attributes("lstat", id, &path)
    }

    pub fn stat(&mut self, id: u32, path: String) -> Answer<Attrs> {
        self.attributes("stat", id, &path)
    }

    pub fn fstat(&mut self, id: u32, handle: String) -> Answer<Attrs> {
        let tells_access_times = self.tells_access_times();
        let file = self.open_file(&handle)?;
        let metadata =
            file.metadata().map_err(|error| status_of_io(&error).with_message(error.to_string()))?;
        Ok(Attrs { id, attrs: attributes::of_open(&metadata, tells_access_times) })
    }

    pub fn setstat(&mut self, id: u32, path: String, attrs: FileAttributes) -> Answer<Status> {
        let site_path = self.path("setstat", &path)?;
        // A missing file is reported as missing whatever the settings say: clients tell the two apart.
        self.context.area.metadata(&site_path).map_err(|error| self.refuse_area("setstat", &path, error))?;
        self.change_attributes(id, &site_path.relative(), &attrs, |aspects| {
            let writes = aspects.contains(&Aspect::Size);
            self.context
                .area
                .change(&site_path, writes, |file| attributes::apply(file, &attrs, aspects))
                .map_err(|error| self.refuse_area("setstat", &path, error))
        })
    }

    pub fn fsetstat(&mut self, id: u32, handle: String, attrs: FileAttributes) -> Answer<Status> {
        self.open_file(&handle)?;
        let Some(Held::File { file, .. }) = self.handles.get(&handle) else {
            return Err(StatusReply::new(StatusCode::OpUnsupported));
        };
        let path = file.path();
        self.change_attributes(id, &path.relative(), &attrs, |aspects| {
            attributes::apply(file.file(), &attrs, aspects)
                .map_err(|error| self.disk_error("fsetstat", path, &error))
        })
    }

    pub fn opendir(&mut self, id: u32, path: String, hide_newer_than: Option<SystemTime>) -> Answer<Handle> {
        let site_path = self.path("opendir", &path)?;
        let mut entries =
            self.context.area.list(&site_path).map_err(|error| self.refuse_area("opendir", &path, error))?;
        if let Some(limit) = hide_newer_than {
            entries
                .retain(|entry| entry.metadata.modified().is_ok_and(|modified| modified.into_std() <= limit));
        }
        let handle = self.hold("opendir", &path, Held::Folder { entries: entries.into_iter() })?;
        Ok(Handle { id, handle })
    }

    pub fn readdir(&mut self, id: u32, handle: String) -> Answer<Name> {
        let tells_access_times = self.tells_access_times();
        let count = self.context.settings.limits.directory_entries_per_reply.max(1) as usize;
        let Some(Held::Folder { entries }) = self.handles.get_mut(&handle) else {
            return Err(StatusCode::Failure.with_message("unknown folder handle"));
        };
        let piece: Vec<Entry> = entries.take(count).collect();
        if piece.is_empty() {
            return Err(StatusReply::new(StatusCode::Eof));
        }
        let now = self.context.clock.now();
        let files = piece
            .into_iter()
            .map(|entry| {
                let attrs = attributes::of_entry(&entry.metadata, tells_access_times);
                attributes::listed(entry.name, attrs, &self.context.site, now, &self.zone)
            })
            .collect();
        Ok(Name { id, files })
    }

    pub fn remove(&mut self, id: u32, filename: String) -> Answer<Status> {
        let path = self.path("remove", &filename)?;
        self.context.area.remove_file(&path).map_err(|error| self.refuse_area("remove", &filename, error))?;
        self.record(Fact::FileRemoved { session: self.context.session, path: path.relative() });
        Ok(done(id))
    }

    pub fn mkdir(&mut self, id: u32, path: String, wanted: &FileAttributes) -> Answer<Status> {
        let site_path = self.path("mkdir", &path)?;
        self.context
            .area
            .make_folder(&site_path, self.permissions_of_new(wanted))
            .map_err(|error| self.refuse_area("mkdir", &path, error))?;
        self.warn_of_name(&site_path);
        self.record(Fact::DirectoryMade { session: self.context.session, path: site_path.relative() });
        Ok(done(id))
    }

    pub fn rmdir(&mut self, id: u32, path: String) -> Answer<Status> {
        let site_path = self.path("rmdir", &path)?;
        self.context
            .area
            .remove_folder(&site_path)
            .map_err(|error| self.refuse_area("rmdir", &path, error))?;
        self.record(Fact::DirectoryRemoved { session: self.context.session, path: site_path.relative() });
        Ok(done(id))
    }

    pub fn realpath(&mut self, id: u32, path: String) -> Answer<Name> {
        // As OpenSSH does: the name is made canonical whether or not anything is there.
        let path = self.path("realpath", &path)?;
        Ok(Name {
            id,
            files: vec![File {
                filename: path.to_string(),
                longname: path.to_string(),
                attrs: FileAttributes::empty(),
            }],
        })
    }

    pub fn rename(&mut self, id: u32, oldpath: String, newpath: String) -> Answer<Status> {
        self.rename_to(id, &oldpath, &newpath, false)
    }

    pub fn readlink(&mut self, _id: u32, path: String) -> Answer<Name> {
        Err(self.refuse("readlink", &path, StatusCode::OpUnsupported, "there are no links here"))
    }

    pub fn symlink(&mut self, _id: u32, linkpath: String, _targetpath: String) -> Answer<Status> {
        Err(self.refuse("symlink", &linkpath, StatusCode::OpUnsupported, "links cannot be made here"))
    }

    pub fn extended(&mut self, id: u32, request: String, data: Vec<u8>) -> Answer<Packet> {
        if request == UNDECODABLE {
            let (status, reason) = undecodable_reply(&data);
            return Err(self.refuse("decode", "", status, reason));
        }
        let Some(known) = extension::known(&request, &self.context.settings.extensions) else {
            // Clients probe for extensions; the refusal is the answer, not an event.
            return Err(StatusReply::new(StatusCode::OpUnsupported));
        };
        let malformed =
            || StatusCode::BadMessage.with_message(format!("{request}: its data cannot be decoded"));
        use crate::config::Extension::{Fsync, Limits, PosixRename, Statvfs};
        match known {
            PosixRename => {
                let (from, to) = extension::two_strings(&data).ok_or_else(malformed)?;
                self.rename_to(id, &from, &to, true).map(Packet::Status)
            }
            Fsync => {
                let handle = extension::one_string(&data).ok_or_else(malformed)?;
                let file = self.open_file(&handle)?;
                if let Err(error) = file.file().sync_all() {
                    let path = file.path().clone();
                    return Err(self.disk_error("fsync", &path, &error));
                }
                Ok(Packet::Status(done(id)))
            }
            Limits => {
                let data = extension::limits_reply(&self.context.settings.limits);
                Ok(Packet::ExtendedReply(ExtendedReply { id, data }))
            }
            Statvfs => {
                let path = extension::one_string(&data).ok_or_else(malformed)?;
                self.attributes("statvfs", id, &path)?;
                let space = self
                    .context
                    .area
                    .space()
                    .map_err(|error| status_of_io(&error).with_message(error.to_string()))?;
                Ok(Packet::ExtendedReply(ExtendedReply { id, data: extension::statvfs_reply(&space) }))
            }
        }
    }
}

impl Operations {
    /// Mode bits for what OPEN or MKDIR makes. Real clients send sizes, modes and times with them, which by
    /// default are ignored without an error (C-23); sizes and times always are, as OpenSSH's server does.
    fn permissions_of_new(&self, wanted: &FileAttributes) -> Option<u32> {
        match self.context.settings.attributes_of_new {
            AttributesOfNew::Ignore => None,
            AttributesOfNew::Permissions => wanted.permissions.map(|mode| mode & 0o7777),
        }
    }

    fn rename_to(&mut self, id: u32, oldpath: &str, newpath: &str, replace: bool) -> Answer<Status> {
        let from = self.path("rename", oldpath)?;
        let to = self.path("rename", newpath)?;
        let replaced = self
            .context
            .area
            .rename(&from, &to, replace)
            .map_err(|error| self.refuse_area("rename", oldpath, error))?;
        self.warn_of_name(&to);
        let session = self.context.session;
        self.record(Fact::FileRenamed { session, from: from.relative(), to: to.relative(), replaced });
        Ok(done(id))
    }
}

fn done(id: u32) -> Status {
    Status {
        id,
        status_code: StatusCode::Ok,
        error_message: "Success".to_owned(),
        language_tag: String::new(),
    }
}

/// The status OpenSSH's server gives for the same error.
fn status_of(error: &AreaError) -> StatusCode {
    match error {
        AreaError::NoSuchFile { .. } | AreaError::NotAFolder { .. } => StatusCode::NoSuchFile,
        AreaError::Forbidden { .. } => StatusCode::PermissionDenied,
        AreaError::Conflict { .. } => StatusCode::Failure,
        AreaError::Disk { error, .. } => status_of_io(error),
    }
}

fn status_of_io(error: &io::Error) -> StatusCode {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => StatusCode::NoSuchFile,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => StatusCode::PermissionDenied,
        _ => StatusCode::Failure,
    }
}
