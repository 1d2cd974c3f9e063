//! Plays a profile: asks what the client would ask, and says what it would say.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::time::Instant;

use sha2::{Digest, Sha256};
use tokio::io::{AsyncSeekExt, AsyncWriteExt};

use super::condition::Facts;
use super::{Ask, Profile, Reaction, Then, What, WriteBytes, attributes};
use crate::client::sftp::{self, Reply, Request, SftpError, Writes};
use crate::client::ssh::{ConnectError, Connection, Manner};
use crate::client::{Login, Operation, Outcome, modified_seconds, read_full};

/// Data in one WRITE of a client that asked for limits and got none.
const WRITE_BYTES: usize = 32 * 1024;
/// The longest WRITE a client sends, whatever the server allows.
const LONGEST_WRITE_BYTES: usize = 1 << 20;

/// Why a play ended before its end.
enum Ended {
    /// The client gave up, with this exit code.
    Failed(i32),
    /// It would wait for ever.
    Hung,
    /// The connection was lost.
    Lost(String),
}

/// Performs an operation as the profile does.
pub async fn play(profile: &Profile, login: &Login, operation: &Operation) -> Outcome {
    let since = Instant::now();
    let mut said = Vec::new();
    let mut listing = Vec::new();
    let mut attempts = profile.attempts;
    let mut reconnects = profile.reconnects;
    let exit = loop {
        let manner = Manner {
            banner: profile.banner.as_deref(),
            signatures: &profile.signatures,
            version: profile.init,
        };
        let connection = match Connection::open(login, &manner).await {
            Ok(connection) => connection,
            Err(error) => {
                said.push(words_for(&error));
                break Err(1);
            }
        };
        let mut player = Player::new(profile, &connection, operation);
        let mut ended = player.perform(&profile.session).await;
        while ended.is_ok() {
            player.listing.clear();
            ended = player.perform(profile.asks(operation).unwrap_or_default()).await;
            match ended {
                Err(Ended::Failed(_)) if attempts > 1 => {
                    attempts -= 1;
                    said.append(&mut player.said);
                    player = Player::new(profile, &connection, operation);
                    ended = Ok(());
                }
                _ => break,
            }
        }
        said.append(&mut player.said);
        listing.append(&mut player.listing);
        match ended {
            Ok(()) => {
                connection.close().await;
                break Ok(());
            }
            Err(Ended::Failed(exit)) => {
                connection.close().await;
                break Err(exit);
            }
            Err(Ended::Hung) => {
                said.push("(this version waits here for ever; it was ended)".to_owned());
                return Outcome { output: said.join("\n"), duration: since.elapsed(), ..Outcome::default() };
            }
            Err(Ended::Lost(words)) => {
                said.push(words);
                if reconnects == 0 {
                    break Err(1);
                }
                reconnects -= 1;
                login.wait(profile.reconnect_wait).await;
            }
        }
    };
    Outcome {
        succeeded: exit.is_ok(),
        exit_code: Some(exit.err().unwrap_or(0)),
        output: said.join("\n"),
        listing,
        duration: since.elapsed(),
    }
}

/// What the login's failure is called; the texts that scenarios look for are the same for all clients.
fn words_for(error: &ConnectError) -> String {
    match error {
        ConnectError::Refused { .. } => {
            "Server refused our key. No supported authentication methods available (server sent: publickey)"
                .to_owned()
        }
        other => other.to_string(),
    }
}

struct Player<'a> {
    profile: &'a Profile,
    connection: &'a Connection,
    local: Option<&'a Path>,
    size_bytes: u64,
    modified: u32,
    /// Values of `${name}`.
    values: BTreeMap<&'static str, String>,
    /// What holds, and the size that came with it.
    holding: BTreeMap<String, Option<u64>>,
    handle: Vec<u8>,
    /// Bytes in a WRITE, as the server's limits allow.
    write_bytes: Option<usize>,
    said: Vec<String>,
    listing: Vec<String>,
}

/// Sent, not answered.
struct Sent<'a> {
    ask: &'a Ask,
    pending: sftp::Pending,
}

impl<'a> Player<'a> {
    fn new(profile: &'a Profile, connection: &'a Connection, operation: &'a Operation) -> Player<'a> {
        let (remote, to, local) = match operation {
            Operation::Upload { remote, local, .. } | Operation::Download { remote, local } => {
                (remote.as_str(), "", Some(local.as_path()))
            }
            Operation::List { path }
            | Operation::Remove { path }
            | Operation::MakeDirectory { path }
            | Operation::RemoveDirectory { path }
            | Operation::SetTimes { path, .. } => (path.as_str(), "", None),
            Operation::Rename { from, to } => (from.as_str(), to.as_str(), None),
            Operation::Connect => (".", "", None),
        };
        let size_bytes = local.and_then(|path| std::fs::metadata(path).ok()).map_or(0, |found| found.len());
        let modified = match (operation, local) {
            (Operation::SetTimes { modified, .. }, _) => *modified,
            (_, Some(local)) => u32::try_from(modified_seconds(local)).unwrap_or(u32::MAX),
            _ => 0,
        };
        let remote = absolute(remote);
        let (folder, name) = remote.rsplit_once('/').unwrap_or(("", &remote));
        let values = BTreeMap::from([
            ("folder", if folder.is_empty() { "/".to_owned() } else { folder.to_owned() }),
            ("name", name.to_owned()),
            ("hash", hash(name, size_bytes, modified)),
            ("to", absolute(to)),
            ("local", local.map(|path| path.display().to_string()).unwrap_or_default()),
            ("remote", remote),
        ]);
        let mut holding = BTreeMap::from([("local".to_owned(), Some(size_bytes))]);
        holding.extend(Profile::wishes(operation).into_iter().map(|wish| (wish.to_owned(), None)));
        Player {
            profile,
            connection,
            local,
            size_bytes,
            modified,
            values,
            holding,
            handle: Vec::new(),
            write_bytes: None,
            said: Vec::new(),
            listing: Vec::new(),
        }
    }

    fn filled(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        for (name, value) in &self.values {
            filled = filled.replace(&format!("${{{name}}}"), value);
        }
        filled
    }

    fn is_so(&self, conditions: &[super::Condition]) -> bool {
        let announced = |name: &str| self.connection.sftp.announces(name);
        let facts = Facts { holding: &self.holding, announced: &announced };
        conditions.iter().all(|condition| condition.is_so(&facts))
    }

    async fn perform(&mut self, asks: &'a [Ask]) -> Result<(), Ended> {
        let mut waiting: VecDeque<Sent<'a>> = VecDeque::new();
        for ask in asks {
            if !self.is_so(&ask.conditions) {
                continue;
            }
            match self.plain_request(ask).await {
                Some(sent) => {
                    waiting.push_back(Sent { ask, pending: sent.map_err(lost)? });
                    if ask.at_once {
                        continue;
                    }
                }
                None => {
                    let result = self.special(&ask.what).await;
                    self.judge(ask, result).await?;
                }
            }
            self.take(&mut waiting).await?;
        }
        self.take(&mut waiting).await
    }

    async fn take(&mut self, waiting: &mut VecDeque<Sent<'a>>) -> Result<(), Ended> {
        // What was sent ahead is answered before the client draws its conclusions.
        let mut answers = Vec::with_capacity(waiting.len());
        for sent in waiting.drain(..) {
            answers.push((sent.ask, sent.pending.reply().await));
        }
        for (ask, answer) in answers {
            self.judge(ask, answer).await?;
        }
        Ok(())
    }

    /// Sends a request that is one packet and needs no more than its answer.
    async fn plain_request(&mut self, ask: &Ask) -> Option<Result<sftp::Pending, SftpError>> {
        let values = |list: &[super::Attribute]| attributes(list, self.size_bytes, self.modified);
        let path = match &ask.what {
            What::Open { path, .. } | What::Setstat { path, .. } => path,
            What::Rename { from, .. } | What::PosixRename { from, .. } => from,
            What::Stat(path)
            | What::Lstat(path)
            | What::Realpath(path)
            | What::Opendir(path)
            | What::Remove(path)
            | What::Mkdir(path)
            | What::Rmdir(path)
            | What::Extended(path) => path,
            What::Close | What::Fstat | What::Fsetstat { .. } => "${path}",
            What::Write { .. }
            | What::Read(_)
            | What::Readdir { .. }
            | What::Exec(_)
            | What::Let(_)
            | What::Says(_)
            | What::Fails(_) => {
                return None;
            }
        };
        let path = self.filled(path);
        let to = match &ask.what {
            What::Rename { to, .. } | What::PosixRename { to, .. } => self.filled(to),
            _ => String::new(),
        };
        let strings = [path.as_bytes(), to.as_bytes()];
        let handle = self.handle.as_slice();
        let request = match &ask.what {
            What::Open { flags, attributes, .. } => Request::Open(&path, *flags, values(attributes)),
            What::Close => Request::Close(handle),
            What::Fstat => Request::Fstat(handle),
            What::Fsetstat { attributes } => Request::Fsetstat(handle, values(attributes)),
            What::Setstat { attributes, .. } => Request::Setstat(&path, values(attributes)),
            What::Stat(_) => Request::Stat(&path),
            What::Lstat(_) => Request::Lstat(&path),
            What::Realpath(_) => Request::Realpath(&path),
            What::Opendir(_) => Request::Opendir(&path),
            What::Remove(_) => Request::Remove(&path),
            What::Mkdir(_) => Request::Mkdir(&path, sftp::Attributes::default()),
            What::Rename { .. } => Request::Rename(&path, &to),
            What::PosixRename { .. } => Request::Extended("posix-rename@openssh.com", &strings),
            What::Rmdir(_) => Request::Rmdir(&path),
            What::Extended(name) if name == "fsync@openssh.com" => Request::Extended(name, &[handle]),
            What::Extended(name) => Request::Extended(name, &[]),
            _ => return None,
        };
        let sent = self.connection.sftp.send(request).await;
        self.values.insert("path", path);
        Some(sent)
    }

    /// What is more than one packet, or none.
    async fn special(&mut self, what: &What) -> Result<Reply, SftpError> {
        match what {
            What::Write { bytes, in_flight, from } => {
                let write_bytes = match bytes {
                    WriteBytes::Fixed(bytes) => *bytes,
                    WriteBytes::Limits => self.write_bytes.unwrap_or(WRITE_BYTES),
                };
                let from = from.as_deref().and_then(|name| name.strip_suffix(".size"));
                let offset = from.and_then(|name| self.holding.get(name).copied().flatten()).unwrap_or(0);
                self.write(write_bytes, *in_flight, offset).await?;
            }
            What::Read(bytes) => self.read(*bytes).await?,
            What::Readdir { in_flight } => self.readdir(*in_flight).await?,
            What::Exec(command) => {
                // Refused or not: these clients go on without.
                self.connection.exec(&self.filled(command)).await.map_err(|_| SftpError::Lost)?;
            }
            What::Let(name) => {
                self.holding.insert(name.clone(), None);
            }
            What::Says(text) => self.said.push(self.filled(text)),
            _ => {}
        }
        Ok(Reply::Status(sftp::OK, String::new()))
    }

    async fn write(&self, write_bytes: usize, in_flight: usize, mut offset: u64) -> Result<(), SftpError> {
        let unreadable = |_| SftpError::Malformed("nothing: the local file cannot be read");
        let Some(local) = self.local else { return Ok(()) };
        let mut file = tokio::fs::File::open(local).await.map_err(unreadable)?;
        file.seek(std::io::SeekFrom::Start(offset)).await.map_err(unreadable)?;
        let mut writes = Writes::new(&self.connection.sftp, &self.handle, in_flight);
        let mut piece = vec![0; write_bytes];
        loop {
            let filled = read_full(&mut file, &mut piece).await.map_err(unreadable)?;
            if filled == 0 {
                return writes.finish().await;
            }
            if let Err(error) = writes.push(offset, &piece[..filled]).await {
                // What was already on its way is answered too.
                let _ = writes.finish().await;
                return Err(error);
            }
            offset += filled as u64;
        }
    }

    async fn read(&self, bytes: u32) -> Result<(), SftpError> {
        let unwritable = |_| SftpError::Malformed("something, but the local file cannot be written");
        let Some(local) = self.local else { return Ok(()) };
        let mut file = tokio::fs::File::create(local).await.map_err(unwritable)?;
        let mut offset = 0;
        loop {
            match self.connection.sftp.ask(Request::Read(&self.handle, offset, bytes)).await {
                Ok(Reply::Data(data)) => {
                    offset += data.len() as u64;
                    file.write_all(&data).await.map_err(unwritable)?;
                }
                Err(SftpError::Status(sftp::EOF, _)) => return file.flush().await.map_err(unwritable),
                Ok(_) => return Err(SftpError::Malformed("no data")),
                Err(error) => return Err(error),
            }
        }
    }

    async fn readdir(&mut self, in_flight: usize) -> Result<(), SftpError> {
        let mut waiting = VecDeque::new();
        let mut is_over = false;
        loop {
            while !is_over && waiting.len() < in_flight.max(1) {
                waiting.push_back(self.connection.sftp.send(Request::Readdir(&self.handle)).await?);
            }
            let Some(pending) = waiting.pop_front() else { return Ok(()) };
            match pending.reply().await {
                Ok(Reply::Names(entries)) => {
                    self.listing.extend(entries.into_iter().map(|entry| entry.name));
                }
                Err(SftpError::Status(sftp::EOF, _)) => is_over = true,
                Ok(_) => return Err(SftpError::Malformed("no names")),
                Err(error) => return Err(error),
            }
        }
    }

    /// Remembers a success, reacts to a refusal.
    async fn judge(&mut self, ask: &'a Ask, answer: Result<Reply, SftpError>) -> Result<(), Ended> {
        if let What::Fails(text) = &ask.what {
            self.said.push(self.filled(text));
            return Err(Ended::Failed(1));
        }
        match answer {
            Ok(reply) => {
                let size = match &reply {
                    Reply::Attributes(attributes) => attributes.size,
                    _ => None,
                };
                match reply {
                    Reply::Handle(handle) => self.handle = handle,
                    Reply::Extended(body) if ask.what == What::Extended("limits@openssh.com".to_owned()) => {
                        self.write_bytes = write_limit(&body);
                    }
                    _ => {}
                }
                if let Some(name) = &ask.remembered_as {
                    self.holding.insert(name.clone(), size);
                }
                Ok(())
            }
            Err(SftpError::Status(code, message)) => self.react(ask, code, message).await,
            Err(error) => Err(lost(error)),
        }
    }

    async fn react(&mut self, ask: &'a Ask, code: u32, message: String) -> Result<(), Ended> {
        let words = self.profile.status_words.get(&code).map_or(sftp::status_words(code), String::as_str);
        self.values.insert("status", words.to_owned());
        self.values.insert("code", code.to_string());
        self.values.insert("message", message);
        let fits = |reaction: &&Reaction| {
            (reaction.status.is_empty() || reaction.status.contains(&code))
                && self.is_so(&reaction.conditions)
        };
        let Some(reaction) = ask.otherwise.iter().find(fits) else {
            self.said.push(self.filled("${path}: ${status}"));
            return Err(Ended::Failed(1));
        };
        if let Some(says) = &reaction.says {
            self.said.push(self.filled(says));
        }
        for ask in reaction.requests.iter().filter(|ask| self.is_so(&ask.conditions)).collect::<Vec<_>>() {
            if let Some(sent) = self.plain_request(ask).await {
                // Whatever these are answered, it is over.
                let _ = sent.map_err(lost)?.reply().await;
            }
        }
        match reaction.then {
            Then::GoOn => Ok(()),
            Then::Fail(exit) => Err(Ended::Failed(exit)),
            Then::Hang => Err(Ended::Hung),
        }
    }
}

fn lost(error: SftpError) -> Ended {
    Ended::Lost(error.to_string())
}

/// Paths from the root, as these clients write them.
fn absolute(path: &str) -> String {
    if path.starts_with('/') || path == "." { path.to_owned() } else { format!("/{path}") }
}

/// Eight hexadecimal digits that change with the file, as rclone puts them into partial names.
fn hash(name: &str, size_bytes: u64, modified: u32) -> String {
    let digest = Sha256::digest(format!("{name}/{size_bytes}/{modified}"));
    digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

/// The third number of the answer to `limits@openssh.com`: bytes in a WRITE.
fn write_limit(body: &[u8]) -> Option<usize> {
    let number = body.get(16..24)?.try_into().ok().map(u64::from_be_bytes)?;
    usize::try_from(number).ok().filter(|&bytes| bytes > 0).map(|bytes| bytes.min(LONGEST_WRITE_BYTES))
}
