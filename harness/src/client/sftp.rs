//! SFTP version 3 as a client speaks it: numbered requests out, replies in any order.
//!
//! Written here rather than taken from `russh-sftp`: profiles ask for any version, send attributes exactly as
//! other clients do, and must hear every status, beyond the eight of the draft too.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{oneshot, watch};

/// Longest wait for one reply.
const REPLY: Duration = Duration::from_secs(60);
/// Longest reply that is taken: what OpenSSH's client takes.
const LONGEST_REPLY_BYTES: usize = 256 * 1024;

// Packet types: draft-ietf-secsh-filexfer-02, section 3.
const INIT: u8 = 1;
const VERSION: u8 = 2;
const STATUS: u8 = 101;
const HANDLE: u8 = 102;
const DATA: u8 = 103;
const NAME: u8 = 104;
const ATTRS: u8 = 105;
const EXTENDED_REPLY: u8 = 201;

/// Status of success.
pub const OK: u32 = 0;
/// Status at the end of a file or folder.
pub const EOF: u32 = 1;

/// Flags of OPEN (section 6.3), in the words of the draft.
pub const FLAGS: &[(&str, u32)] =
    &[("read", 0x01), ("write", 0x02), ("append", 0x04), ("creat", 0x08), ("trunc", 0x10), ("excl", 0x20)];
/// Read.
pub const READ: u32 = 0x01;
/// Write.
pub const WRITE: u32 = 0x02;
/// Create, and cut to nothing.
pub const CREATE_TRUNCATE: u32 = 0x18;

/// Attributes of a file; absent ones are not sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Bytes.
    pub size: Option<u64>,
    /// Owner and group.
    pub ownership: Option<(u32, u32)>,
    /// Mode bits.
    pub permissions: Option<u32>,
    /// Last access and last change, seconds since 1970.
    pub times: Option<(u32, u32)>,
}

/// A request.
#[derive(Clone, Copy, Debug)]
pub enum Request<'a> {
    /// Opens a file.
    Open(&'a str, u32, Attributes),
    /// Closes a handle.
    Close(&'a [u8]),
    /// Reads from an offset.
    Read(&'a [u8], u64, u32),
    /// Writes at an offset.
    Write(&'a [u8], u64, &'a [u8]),
    /// Attributes of a path, links not followed.
    Lstat(&'a str),
    /// Attributes of an open file.
    Fstat(&'a [u8]),
    /// Sets attributes of a path.
    Setstat(&'a str, Attributes),
    /// Sets attributes of an open file.
    Fsetstat(&'a [u8], Attributes),
    /// Opens a folder.
    Opendir(&'a str),
    /// The next entries.
    Readdir(&'a [u8]),
    /// Removes a file.
    Remove(&'a str),
    /// Makes a folder.
    Mkdir(&'a str, Attributes),
    /// Removes a folder.
    Rmdir(&'a str),
    /// The canonical path.
    Realpath(&'a str),
    /// Attributes of a path.
    Stat(&'a str),
    /// Gives another name.
    Rename(&'a str, &'a str),
    /// An extension with its strings.
    Extended(&'a str, &'a [&'a [u8]]),
}

/// An entry of a NAME reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// File name.
    pub name: String,
    /// Its attributes.
    pub attributes: Attributes,
}

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Code and the server's words.
    Status(u32, String),
    /// A handle.
    Handle(Vec<u8>),
    /// Data that was read.
    Data(Vec<u8>),
    /// Names.
    Names(Vec<Entry>),
    /// Attributes.
    Attributes(Attributes),
    /// What an extension answers.
    Extended(Vec<u8>),
}

/// Why there is no reply, or not the one that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SftpError {
    /// The server refused.
    #[error("{}", refusal(*.0, .1))]
    Status(u32, String),
    /// The connection ended.
    #[error("the connection was lost")]
    Lost,
    /// Nothing came.
    #[error("no reply within {} s", REPLY.as_secs())]
    Silent,
    /// What came is no SFTP.
    #[error("the server sent {0}")]
    Malformed(&'static str),
}

/// The draft's words for a status (section 7; 14 and 15 as later drafts have them).
pub fn status_words(code: u32) -> &'static str {
    match code {
        0 => "OK",
        1 => "End of file",
        2 => "No such file",
        3 => "Permission denied",
        4 => "Failure",
        5 => "Bad message",
        6 => "No connection",
        7 => "Connection lost",
        8 => "Operation unsupported",
        14 => "No space left on the file system",
        15 => "Quota exceeded",
        _ => "Unknown status",
    }
}

fn refusal(code: u32, message: &str) -> String {
    let words = status_words(code);
    if message.is_empty() || message.eq_ignore_ascii_case(words) {
        format!("{words} (status {code})")
    } else {
        format!("{words} (status {code}): {message}")
    }
}

type Waiting = Arc<Mutex<Option<HashMap<u32, oneshot::Sender<Reply>>>>>;

/// A session after its INIT.
pub struct Sftp {
    out: tokio::sync::Mutex<Box<dyn AsyncWrite + Send + Unpin>>,
    waiting: Waiting,
    next_id: AtomicU32,
    extensions: Vec<(String, String)>,
    reader: tokio::task::JoinHandle<()>,
    /// Its sender is gone when nothing will be read any more.
    reading: watch::Receiver<()>,
}

/// A reply that has not been waited for.
pub struct Pending(oneshot::Receiver<Reply>);

impl Pending {
    /// Waits for it. A status other than OK is an error.
    pub async fn reply(self) -> Result<Reply, SftpError> {
        match tokio::time::timeout(REPLY, self.0).await {
            Err(_) => Err(SftpError::Silent),
            Ok(Err(_)) => Err(SftpError::Lost),
            Ok(Ok(Reply::Status(code, message))) if code != OK => Err(SftpError::Status(code, message)),
            Ok(Ok(reply)) => Ok(reply),
        }
    }
}

impl Sftp {
    /// Sends INIT and waits for VERSION.
    pub async fn start(
        stream: impl AsyncRead + AsyncWrite + Send + 'static,
        version: u32,
    ) -> Result<Sftp, SftpError> {
        let (mut input, mut out) = tokio::io::split(stream);
        let init = [&5_u32.to_be_bytes()[..], &[INIT], &version.to_be_bytes()].concat();
        let greeting = async {
            out.write_all(&init).await.map_err(|_| SftpError::Lost)?;
            out.flush().await.map_err(|_| SftpError::Lost)?;
            read_packet(&mut input).await
        };
        let greeting = tokio::time::timeout(REPLY, greeting).await.map_err(|_| SftpError::Silent)??;
        let mut fields = Decoder(&greeting);
        if fields.byte()? != VERSION {
            return Err(SftpError::Malformed("something else than VERSION"));
        }
        if fields.number()? > version {
            return Err(SftpError::Malformed("a version above the one that was asked for"));
        }
        let mut extensions = Vec::new();
        while !fields.0.is_empty() {
            extensions.push((fields.text()?, fields.text()?));
        }
        let waiting: Waiting = Arc::new(Mutex::new(Some(HashMap::new())));
        let (is_reading, reading) = watch::channel(());
        let reader = tokio::spawn(read_replies(input, waiting.clone(), is_reading));
        Ok(Sftp {
            out: tokio::sync::Mutex::new(Box::new(out)),
            waiting,
            next_id: AtomicU32::new(1),
            extensions,
            reader,
            reading,
        })
    }

    /// Whether VERSION announced an extension.
    pub fn announces(&self, name: &str) -> bool {
        self.extensions.iter().any(|(known, _)| known == name)
    }

    /// Sends a request; requests leave in the order of these calls.
    pub async fn send(&self, request: Request<'_>) -> Result<Pending, SftpError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (answer, pending) = oneshot::channel();
        match &mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(waiting) => waiting.insert(id, answer),
            None => return Err(SftpError::Lost),
        };
        let packet = encoded(id, request);
        let mut out = self.out.lock().await;
        let write = async {
            out.write_all(&packet).await?;
            out.flush().await
        };
        // A window that nobody opens any more would keep the writer for ever.
        let mut reading = self.reading.clone();
        tokio::select! {
            biased;
            written = write => written.map_err(|_| SftpError::Lost)?,
            _ = reading.changed() => return Err(SftpError::Lost),
        }
        Ok(Pending(pending))
    }

    /// Sends a request and waits for its reply.
    pub async fn ask(&self, request: Request<'_>) -> Result<Reply, SftpError> {
        self.send(request).await?.reply().await
    }

    /// Asks for something that is answered with a handle.
    pub async fn open(&self, request: Request<'_>) -> Result<Vec<u8>, SftpError> {
        match self.ask(request).await? {
            Reply::Handle(handle) => Ok(handle),
            _ => Err(SftpError::Malformed("no handle")),
        }
    }

    /// Asks for attributes.
    pub async fn attributes(&self, request: Request<'_>) -> Result<Attributes, SftpError> {
        match self.ask(request).await? {
            Reply::Attributes(attributes) => Ok(attributes),
            _ => Err(SftpError::Malformed("no attributes")),
        }
    }

    /// The next names of an open folder; none at its end.
    pub async fn names(&self, handle: &[u8]) -> Result<Option<Vec<Entry>>, SftpError> {
        match self.ask(Request::Readdir(handle)).await {
            Ok(Reply::Names(names)) => Ok(Some(names)),
            Err(SftpError::Status(EOF, _)) => Ok(None),
            Ok(_) => Err(SftpError::Malformed("no names")),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Sftp {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// The WRITEs of one file, as many on their way as allowed; the first that is refused stops the rest.
pub struct Writes<'a> {
    sftp: &'a Sftp,
    handle: &'a [u8],
    in_flight: usize,
    waiting: std::collections::VecDeque<Pending>,
}

impl<'a> Writes<'a> {
    /// None yet.
    pub fn new(sftp: &'a Sftp, handle: &'a [u8], in_flight: usize) -> Writes<'a> {
        Writes { sftp, handle, in_flight: in_flight.max(1), waiting: std::collections::VecDeque::new() }
    }

    /// Sends one, after waiting for a place.
    pub async fn push(&mut self, offset: u64, data: &[u8]) -> Result<(), SftpError> {
        if self.waiting.len() >= self.in_flight
            && let Some(first) = self.waiting.pop_front()
        {
            first.reply().await?;
        }
        self.waiting.push_back(self.sftp.send(Request::Write(self.handle, offset, data)).await?);
        Ok(())
    }

    /// Waits for all; the first refusal counts, but every reply is taken.
    pub async fn finish(&mut self) -> Result<(), SftpError> {
        let mut result = Ok(());
        while let Some(pending) = self.waiting.pop_front() {
            let reply = pending.reply().await;
            if result.is_ok() {
                result = reply.map(|_| ());
            }
        }
        result
    }
}

async fn read_packet(input: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>, SftpError> {
    let mut length = [0; 4];
    input.read_exact(&mut length).await.map_err(|_| SftpError::Lost)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > LONGEST_REPLY_BYTES {
        return Err(SftpError::Malformed("a packet that is too long"));
    }
    let mut packet = vec![0; length];
    input.read_exact(&mut packet).await.map_err(|_| SftpError::Lost)?;
    Ok(packet)
}

async fn read_replies(mut input: impl AsyncRead + Unpin, waiting: Waiting, _is_reading: watch::Sender<()>) {
    // What cannot be read ends the session: whoever waits learns that the connection is lost.
    while let Ok(packet) = read_packet(&mut input).await {
        let Ok((id, reply)) = decoded(&packet) else { break };
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(asked) = waiting.as_mut().and_then(|waiting| waiting.remove(&id)) {
            // Nobody may want it any more.
            let _ = asked.send(reply);
        }
    }
    waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
}

fn decoded(packet: &[u8]) -> Result<(u32, Reply), SftpError> {
    let mut fields = Decoder(packet);
    let kind = fields.byte()?;
    let id = fields.number()?;
    let reply = match kind {
        // Old servers leave the words out.
        STATUS => Reply::Status(fields.number()?, fields.text().unwrap_or_default()),
        HANDLE => Reply::Handle(fields.string()?.to_vec()),
        DATA => Reply::Data(fields.string()?.to_vec()),
        NAME => {
            let mut names = Vec::new();
            for _ in 0..fields.number()? {
                let name = fields.text()?;
                fields.string()?;
                names.push(Entry { name, attributes: fields.attributes()? });
            }
            Reply::Names(names)
        }
        ATTRS => Reply::Attributes(fields.attributes()?),
        EXTENDED_REPLY => Reply::Extended(fields.0.to_vec()),
        _ => return Err(SftpError::Malformed("a packet of unknown type")),
    };
    Ok((id, reply))
}

struct Decoder<'a>(&'a [u8]);

impl<'a> Decoder<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], SftpError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(SftpError::Malformed("a cut packet"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, SftpError> {
        Ok(self.take(1)?[0])
    }

    fn number(&mut self) -> Result<u32, SftpError> {
        let bytes = self.take(4)?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn long(&mut self) -> Result<u64, SftpError> {
        Ok(u64::from(self.number()?) << 32 | u64::from(self.number()?))
    }

    fn string(&mut self) -> Result<&'a [u8], SftpError> {
        let length = self.number()?;
        self.take(length as usize)
    }

    fn text(&mut self) -> Result<String, SftpError> {
        self.string().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// Section 5.
    fn attributes(&mut self) -> Result<Attributes, SftpError> {
        let flags = self.number()?;
        let mut attributes = Attributes::default();
        if flags & 0x1 != 0 {
            attributes.size = Some(self.long()?);
        }
        if flags & 0x2 != 0 {
            attributes.ownership = Some((self.number()?, self.number()?));
        }
        if flags & 0x4 != 0 {
            attributes.permissions = Some(self.number()?);
        }
        if flags & 0x8 != 0 {
            attributes.times = Some((self.number()?, self.number()?));
        }
        if flags & 0x8000_0000 != 0 {
            for _ in 0..self.number()? {
                self.string()?;
                self.string()?;
            }
        }
        Ok(attributes)
    }
}

struct Encoder(Vec<u8>);

impl Encoder {
    fn number(&mut self, value: u32) -> &mut Encoder {
        self.0.extend(value.to_be_bytes());
        self
    }

    fn long(&mut self, value: u64) -> &mut Encoder {
        self.0.extend(value.to_be_bytes());
        self
    }

    fn string(&mut self, bytes: &[u8]) -> &mut Encoder {
        // Nothing that is sent here comes near 4 GiB.
        self.number(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        self.0.extend(bytes);
        self
    }

    fn text(&mut self, text: &str) -> &mut Encoder {
        self.string(text.as_bytes())
    }

    fn attributes(&mut self, attributes: Attributes) -> &mut Encoder {
        let Attributes { size, ownership, permissions, times } = attributes;
        let flags = [size.is_some(), ownership.is_some(), permissions.is_some(), times.is_some()];
        self.number(flags.iter().rev().fold(0, |flags, &set| flags << 1 | u32::from(set)));
        if let Some(size) = size {
            self.long(size);
        }
        for (first, second) in [ownership].into_iter().flatten() {
            self.number(first).number(second);
        }
        if let Some(permissions) = permissions {
            self.number(permissions);
        }
        if let Some((accessed, modified)) = times {
            self.number(accessed).number(modified);
        }
        self
    }
}

/// Length, type, id, fields: section 4 and 6.
fn encoded(id: u32, request: Request<'_>) -> Vec<u8> {
    let room = if let Request::Write(_, _, data) = request { data.len() + 64 } else { 128 };
    let mut packet = Encoder(Vec::with_capacity(room));
    let kind = match request {
        Request::Open(..) => 3,
        Request::Close(_) => 4,
        Request::Read(..) => 5,
        Request::Write(..) => 6,
        Request::Lstat(_) => 7,
        Request::Fstat(_) => 8,
        Request::Setstat(..) => 9,
        Request::Fsetstat(..) => 10,
        Request::Opendir(_) => 11,
        Request::Readdir(_) => 12,
        Request::Remove(_) => 13,
        Request::Mkdir(..) => 14,
        Request::Rmdir(_) => 15,
        Request::Realpath(_) => 16,
        Request::Stat(_) => 17,
        Request::Rename(..) => 18,
        Request::Extended(..) => 200,
    };
    packet.number(0).0.push(kind);
    packet.number(id);
    match request {
        Request::Open(path, flags, attributes) => packet.text(path).number(flags).attributes(attributes),
        Request::Close(handle) | Request::Fstat(handle) | Request::Readdir(handle) => packet.string(handle),
        Request::Read(handle, offset, length) => packet.string(handle).long(offset).number(length),
        Request::Write(handle, offset, data) => packet.string(handle).long(offset).string(data),
        Request::Lstat(path)
        | Request::Opendir(path)
        | Request::Remove(path)
        | Request::Rmdir(path)
        | Request::Realpath(path)
        | Request::Stat(path) => packet.text(path),
        Request::Setstat(path, attributes) | Request::Mkdir(path, attributes) => {
            packet.text(path).attributes(attributes)
        }
        Request::Fsetstat(handle, attributes) => packet.string(handle).attributes(attributes),
        Request::Rename(from, to) => packet.text(from).text(to),
        Request::Extended(name, strings) => {
            packet.text(name);
            for string in strings {
                packet.string(string);
            }
            &mut packet
        }
    };
    let length = u32::try_from(packet.0.len() - 4).unwrap_or(u32::MAX);
    packet.0[..4].copy_from_slice(&length.to_be_bytes());
    packet.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_laid_out_as_the_draft_says() {
        let attributes =
            Attributes { size: Some(5), permissions: Some(0o644), times: Some((1, 2)), ownership: None };
        let packet = encoded(7, Request::Open("/a", WRITE, attributes));
        let expected = [
            &[0, 0, 0, 39, 3, 0, 0, 0, 7, 0, 0, 0, 2, b'/', b'a', 0, 0, 0, 2][..],
            &[0, 0, 0, 0x0d, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0x01, 0xa4, 0, 0, 0, 1, 0, 0, 0, 2],
        ]
        .concat();
        assert_eq!(packet, expected);
        assert_eq!(Decoder(&packet[19..]).attributes(), Ok(attributes));
    }

    #[test]
    fn statuses_beyond_the_draft_are_heard() {
        let packet = [&[STATUS, 0, 0, 0, 9, 0, 0, 0, 14, 0, 0, 0, 4][..], b"full", &[0, 0, 0, 0]].concat();
        assert_eq!(decoded(&packet), Ok((9, Reply::Status(14, "full".to_owned()))));
        assert_eq!(
            SftpError::Status(14, "full".to_owned()).to_string(),
            "No space left on the file system (status 14): full"
        );
        assert_eq!(decoded(&packet[..8]), Err(SftpError::Malformed("a cut packet")));
    }
}
