//! One SFTP session: each request is recorded where that is wanted, faults are asked, and it is done.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use russh_sftp::protocol::{
    Attrs, Data, FileAttributes, Handle, Name, OpenFlags, Packet, Status, StatusCode, Version,
};
use russh_sftp::server::{Handler, StatusReply};

use super::attributes;
use super::channel::Replies;
use super::disk_pace::DiskPace;
use super::frame::{Pieces, Request};
use super::operations::{Answer, Context, Operations};
use super::wire::{Ending, Line};
use crate::fault::{Effects, Faults, Point, Question, Verdict};
use crate::journal::Fact;
use crate::site::path::SitePath;

/// What faults need, beside the request.
pub struct Surroundings {
    /// The faults that are armed.
    pub faults: Faults,
    /// The layers above.
    pub effects: Arc<dyn Effects>,
    /// The connection.
    pub line: Line,
    /// The replies on their way out.
    pub replies: Arc<Replies>,
}

/// The state of one session. Dropped when the channel ends.
pub struct Session {
    operations: Operations,
    pace: DiskPace,
    around: Surroundings,
    /// WRITEs in a row to one file, not yet recorded.
    writes: Option<Writes>,
    /// The connection was ended: what the client had sent ahead is lost with it.
    is_cut: bool,
}

struct Writes {
    path: String,
    count: u64,
    size_bytes: u64,
}

/// What a request is about.
#[derive(Clone, Copy)]
enum Target<'a> {
    Path(&'a str),
    Handle(&'a str),
}

/// What else is known of a request.
#[derive(Clone, Copy, Default)]
struct Detail<'a> {
    to: Option<&'a str>,
    flags: Option<OpenFlags>,
    attributes: Option<&'a FileAttributes>,
    range: Option<(u64, u64)>,
}

impl Session {
    /// A session before its INIT.
    pub fn new(context: Context, around: Surroundings) -> Session {
        Session {
            operations: Operations::new(context),
            pace: DiskPace::default(),
            around,
            writes: None,
            is_cut: false,
        }
    }

    /// The replies on their way out.
    pub fn replies(&self) -> &Arc<Replies> {
        &self.around.replies
    }

    fn records(&self) -> bool {
        self.operations.context().settings.record_requests
    }

    fn record(&self, fact: Fact) {
        let context = self.operations.context();
        context.journal.record(Some(&context.site), fact);
    }

    /// The path as faults and records know it: from the site's root, without a leading slash.
    fn named(&self, target: Target<'_>) -> String {
        match target {
            Target::Handle(handle) => self.operations.path_of(handle),
            Target::Path(text) => {
                SitePath::parse(text).map_or_else(|_| text.to_owned(), |path| path.relative())
            }
        }
    }

    /// Before a request is done. Costs two loads where nothing is recorded and no fault armed.
    ///
    /// Answers from when on entries are to be hidden, if a fault says so.
    async fn begin(
        &mut self,
        id: u32,
        operation: &'static str,
        target: Target<'_>,
        detail: Detail<'_>,
    ) -> Answer<Option<SystemTime>> {
        if self.is_cut {
            return Err(StatusReply::new(StatusCode::Failure));
        }
        if !self.is_watched() {
            return Ok(None);
        }
        let path = self.named(target);
        if self.records() {
            self.note(operation, &path, detail);
        }
        let mut hide = None;
        for verdict in self.ask(Point::Request, operation, &path, detail.range) {
            match verdict {
                Verdict::Status(code) => {
                    self.note_refusal(operation, &path, code);
                    return Err(self.around.replies.status(id, code));
                }
                Verdict::Cut | Verdict::Reset => {
                    let ending = if verdict == Verdict::Cut { Ending::Cut } else { Ending::Reset };
                    self.is_cut = true;
                    self.around.line.end(ending);
                    // No reply may overtake the end.
                    self.around.line.ended().await;
                    return Err(StatusReply::new(StatusCode::Failure));
                }
                Verdict::Stall => self.stall().await,
                Verdict::Kill => self.around.effects.kill_process(),
                Verdict::HideNewerThan(limit) => hide = Some(limit),
                _ => {}
            }
        }
        Ok(hide)
    }

    /// Silent until no fault says so any more, or nobody listens.
    async fn stall(&self) {
        let armed = self.around.faults.armed();
        loop {
            tokio::select! {
                () = self.around.line.ended() => return,
                () = self.around.faults.changed() => {
                    let left = self.around.faults.armed();
                    let still = |fault: &crate::fault::ArmedFault| left.iter().any(|other| other.id == fault.id);
                    if !armed.iter().filter(|fault| fault.spec.fault == "stall").all(still) {
                        return;
                    }
                }
            }
        }
    }

    /// After a request was done, before its reply leaves.
    async fn finish<T>(&mut self, operation: &'static str, path: &str, answer: &Answer<T>) {
        if let Err(reply) = answer {
            self.note_refusal(operation, path, reply.status_code as u32);
        }
        for verdict in self.ask(Point::Reply, operation, path, None) {
            match verdict {
                Verdict::RunMover(mover) => self.around.effects.run_mover(&mover).await,
                Verdict::AdvanceClock(by) => self.around.effects.advance_clock(&by).await,
                _ => {}
            }
        }
    }

    fn ask(&self, point: Point, operation: &str, path: &str, range: Option<(u64, u64)>) -> Vec<Verdict> {
        let context = self.operations.context();
        let site = Some(context.site.as_str());
        self.around.faults.ask(&Question { point, site, session: context.session, operation, path, range })
    }

    /// Records a request; WRITEs in a row become one event.
    fn note(&mut self, operation: &str, path: &str, detail: Detail<'_>) {
        if let (Some((from, to)), "write") = (detail.range, operation) {
            match &mut self.writes {
                Some(writes) if writes.path == path => {
                    writes.count += 1;
                    writes.size_bytes = writes.size_bytes.max(to - from);
                }
                _ => {
                    self.note_writes();
                    self.writes = Some(Writes { path: path.to_owned(), count: 1, size_bytes: to - from });
                }
            }
            return;
        }
        self.note_writes();
        self.record(Fact::RequestReceived {
            session: self.operations.context().session,
            operation: operation.to_owned(),
            path: path.to_owned(),
            to: detail.to.map(|to| self.named(Target::Path(to))),
            flags: detail.flags.map(attributes::flag_names).unwrap_or_default(),
            attributes: detail.attributes.map(attributes::told).unwrap_or_default(),
            count: 1,
            size_bytes: detail.range.map(|(from, to)| to - from),
        });
    }

    fn note_writes(&mut self) {
        if let Some(Writes { path, count, size_bytes }) = self.writes.take() {
            self.record(Fact::RequestReceived {
                session: self.operations.context().session,
                operation: "write".to_owned(),
                path,
                to: None,
                flags: Vec::new(),
                attributes: Vec::new(),
                count,
                size_bytes: Some(size_bytes),
            });
        }
    }

    /// Records that a request was answered no. The end of a file or folder is no refusal.
    fn note_refusal(&mut self, operation: &str, path: &str, status: u32) {
        if self.records() && status != StatusCode::Eof as u32 {
            self.note_writes();
            let (operation, path) = (operation.to_owned(), path.to_owned());
            self.record(Fact::RequestRefused {
                session: self.operations.context().session,
                operation,
                path,
                status,
            });
        }
    }

    /// Whether somebody wants to know what requests are about.
    pub fn is_watched(&self) -> bool {
        self.records() || self.around.faults.any()
    }

    /// A request that is about a path and nothing else.
    async fn about_path<T>(
        &mut self,
        id: u32,
        operation: &'static str,
        path: String,
        perform: impl FnOnce(&mut Operations, String) -> Answer<T>,
    ) -> Answer<T> {
        self.begin(id, operation, Target::Path(&path), Detail::default()).await?;
        let name = if self.is_watched() { self.named(Target::Path(&path)) } else { String::new() };
        let answer = self.pace.perform(|| perform(&mut self.operations, path));
        self.finish(operation, &name, &answer).await;
        answer
    }

    /// A request that is about an open file or folder.
    async fn about_handle<T>(
        &mut self,
        id: u32,
        operation: &'static str,
        handle: String,
        detail: Detail<'_>,
        perform: impl FnOnce(&mut Operations, String) -> Answer<T>,
    ) -> Answer<T> {
        self.begin(id, operation, Target::Handle(&handle), detail).await?;
        let name = if self.is_watched() { self.named(Target::Handle(&handle)) } else { String::new() };
        let answer = self.pace.perform(|| perform(&mut self.operations, handle));
        self.finish(operation, &name, &answer).await;
        answer
    }
}

impl Session {
    /// The reply to a request.
    pub async fn answer(&mut self, request: Request) -> Packet {
        /// One arm for each kind of request: the handler's method of that name, with the request's fields.
        macro_rules! reply {
            ($packet:expr, $($kind:ident => $method:ident($($field:ident),*);)*) => {
                match $packet {
                    $(Packet::$kind(request) => {
                        packet(request.id, self.$method($(request.$field),*).await)
                    })*
                    Packet::Init(request) => packet(0, self.init(request.version, request.extensions).await),
                    // Replies are no requests: the frames let none through.
                    _ => packet::<Status>(0, Err(StatusReply::new(StatusCode::BadMessage))),
                }
            };
        }
        match request {
            Request::Write { id, handle, offset_bytes, data } => {
                packet(id, self.write_pieces(id, handle, offset_bytes, &data).await)
            }
            Request::Other(other) => reply!(other,
                Open => open(id, filename, pflags, attrs);
                Close => close(id, handle);
                Read => read(id, handle, offset, len);
                Lstat => lstat(id, path);
                Fstat => fstat(id, handle);
                SetStat => setstat(id, path, attrs);
                FSetStat => fsetstat(id, handle, attrs);
                OpenDir => opendir(id, path);
                ReadDir => readdir(id, handle);
                Remove => remove(id, filename);
                MkDir => mkdir(id, path, attrs);
                RmDir => rmdir(id, path);
                RealPath => realpath(id, path);
                Stat => stat(id, path);
                Rename => rename(id, oldpath, newpath);
                ReadLink => readlink(id, path);
                Symlink => symlink(id, linkpath, targetpath);
                Extended => extended(id, request, data);
            ),
        }
    }

    async fn write_pieces(&mut self, id: u32, handle: String, offset: u64, data: &Pieces) -> Answer<Status> {
        let range = Some((offset, offset.saturating_add(data.len() as u64)));
        let detail = Detail { range, ..Detail::default() };
        self.about_handle(id, "write", handle, detail, |operations, handle| {
            operations.write(id, handle, offset, data)
        })
        .await
    }
}

/// What goes out for an answer.
fn packet<T: Into<Packet>>(id: u32, answer: Answer<T>) -> Packet {
    answer.map_or_else(
        |reply| {
            let StatusReply { status_code, error_message, language_tag } = reply;
            Packet::Status(Status {
                id,
                status_code,
                error_message: error_message.unwrap_or_else(|| status_code.to_string()),
                language_tag: language_tag.unwrap_or_else(|| "en-US".to_owned()),
            })
        },
        Into::into,
    )
}

impl Drop for Session {
    fn drop(&mut self) {
        self.note_writes();
    }
}

impl Handler for Session {
    type Error = StatusReply;

    fn unimplemented(&self) -> StatusReply {
        StatusReply::new(StatusCode::OpUnsupported)
    }

    async fn init(&mut self, version: u32, _extensions: HashMap<String, String>) -> Answer<Version> {
        if self.ask(Point::Session, "", "", None).contains(&Verdict::Reorder) {
            self.around.replies.reorder();
        }
        self.operations.init(version)
    }

    async fn open(
        &mut self,
        id: u32,
        filename: String,
        pflags: OpenFlags,
        attrs: FileAttributes,
    ) -> Answer<Handle> {
        let detail = Detail { flags: Some(pflags), attributes: Some(&attrs), ..Detail::default() };
        self.begin(id, "open", Target::Path(&filename), detail).await?;
        let name = self.named(Target::Path(&filename));
        let answer = self.operations.open(id, filename, pflags, &attrs);
        self.finish("open", &name, &answer).await;
        answer
    }

    async fn close(&mut self, id: u32, handle: String) -> Answer<Status> {
        self.about_handle(id, "close", handle, Detail::default(), |operations, handle| {
            operations.close(id, handle)
        })
        .await
    }

    async fn read(&mut self, id: u32, handle: String, offset: u64, len: u32) -> Answer<Data> {
        let detail = Detail { range: Some((offset, offset.saturating_add(len.into()))), ..Detail::default() };
        self.about_handle(id, "read", handle, detail, |operations, handle| {
            operations.read(id, handle, offset, len)
        })
        .await
    }

    async fn lstat(&mut self, id: u32, path: String) -> Answer<Attrs> {
        self.about_path(id, "lstat", path, |operations, path| operations.lstat(id, path)).await
    }

    async fn stat(&mut self, id: u32, path: String) -> Answer<Attrs> {
        self.about_path(id, "stat", path, |operations, path| operations.stat(id, path)).await
    }

    async fn fstat(&mut self, id: u32, handle: String) -> Answer<Attrs> {
        self.about_handle(id, "fstat", handle, Detail::default(), |operations, handle| {
            operations.fstat(id, handle)
        })
        .await
    }

    async fn setstat(&mut self, id: u32, path: String, attrs: FileAttributes) -> Answer<Status> {
        let detail = Detail { attributes: Some(&attrs), ..Detail::default() };
        self.begin(id, "setstat", Target::Path(&path), detail).await?;
        let name = self.named(Target::Path(&path));
        let answer = self.operations.setstat(id, path, attrs);
        self.finish("setstat", &name, &answer).await;
        answer
    }

    async fn fsetstat(&mut self, id: u32, handle: String, attrs: FileAttributes) -> Answer<Status> {
        let detail = Detail { attributes: Some(&attrs), ..Detail::default() };
        let wanted = attrs.clone();
        self.about_handle(id, "fsetstat", handle, detail, |operations, handle| {
            operations.fsetstat(id, handle, wanted)
        })
        .await
    }

    async fn opendir(&mut self, id: u32, path: String) -> Answer<Handle> {
        let hide = self.begin(id, "opendir", Target::Path(&path), Detail::default()).await?;
        let name = self.named(Target::Path(&path));
        let answer = self.operations.opendir(id, path, hide);
        self.finish("opendir", &name, &answer).await;
        answer
    }

    async fn readdir(&mut self, id: u32, handle: String) -> Answer<Name> {
        self.about_handle(id, "readdir", handle, Detail::default(), |operations, handle| {
            operations.readdir(id, handle)
        })
        .await
    }

    async fn remove(&mut self, id: u32, filename: String) -> Answer<Status> {
        self.about_path(id, "remove", filename, |operations, path| operations.remove(id, path)).await
    }

    async fn mkdir(&mut self, id: u32, path: String, attrs: FileAttributes) -> Answer<Status> {
        self.about_path(id, "mkdir", path, |operations, path| operations.mkdir(id, path, &attrs)).await
    }

    async fn rmdir(&mut self, id: u32, path: String) -> Answer<Status> {
        self.about_path(id, "rmdir", path, |operations, path| operations.rmdir(id, path)).await
    }

    async fn realpath(&mut self, id: u32, path: String) -> Answer<Name> {
        self.about_path(id, "realpath", path, |operations, path| operations.realpath(id, path)).await
    }

    async fn rename(&mut self, id: u32, oldpath: String, newpath: String) -> Answer<Status> {
        let detail = Detail { to: Some(&newpath), ..Detail::default() };
        self.begin(id, "rename", Target::Path(&oldpath), detail).await?;
        let name = self.named(Target::Path(&newpath));
        let answer = self.operations.rename(id, oldpath, newpath);
        self.finish("rename", &name, &answer).await;
        answer
    }

    async fn readlink(&mut self, id: u32, path: String) -> Answer<Name> {
        self.operations.readlink(id, path)
    }

    async fn symlink(&mut self, id: u32, linkpath: String, targetpath: String) -> Answer<Status> {
        self.operations.symlink(id, linkpath, targetpath)
    }

    async fn extended(&mut self, id: u32, request: String, data: Vec<u8>) -> Answer<Packet> {
        self.begin(id, "extended", Target::Path(&request), Detail::default()).await?;
        let answer = self.operations.extended(id, request.clone(), data);
        self.finish("extended", &request, &answer).await;
        answer
    }
}
