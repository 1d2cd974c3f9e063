//! Between an SSH channel and the SFTP server: keeps reading, so that a key exchange can never stall.
//!
//! russh stops sending what handlers reply while a key exchange runs, yet goes on delivering data that
//! was in flight, and parks its read loop when nobody takes that data; the client's half of the exchange
//! then never gets read. Two things make that impossible here:
//! - replies never wait: [`REPLY_QUEUE`] holds one for every request that can be in flight in a window;
//! - data is always taken: the pump below empties the channel into a queue bounded by [`INBOUND_BYTES`],
//!   which the SFTP server empties without ever waiting for a reply to leave.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use russh::server::{Handle, Msg};
use russh::{Channel, ChannelMsg};
use russh_sftp::protocol::{Packet, StatusCode};
use russh_sftp::server::StatusReply;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::frame::{FrameError, Frames, Request};
use super::session::Session;

/// Bytes a client may send before it must wait for our acknowledgement: the SSH channel window.
///
/// russh grants it anew only when more than half of it is used, so over a long line half of it is in flight: 2 MiB, as
/// much as OpenSSH's server lets be in flight, which grants after every few packets.
pub const WINDOW_BYTES: u32 = 4 * 1024 * 1024;
/// The shortest SFTP request there is (CLOSE with a one-byte handle): length, type, id, string.
const SHORTEST_REQUEST_BYTES: usize = 14;
/// Replies that may wait inside russh: one for each of the shortest requests that fit the window twice
/// (once in flight, once in our queue), so a reply always finds room. Room not used costs nothing.
pub const REPLY_QUEUE: usize = 2 * (WINDOW_BYTES as usize) / SHORTEST_REQUEST_BYTES;
/// SSH packets that may wait between connection and pump. With many sessions at once much of the memory lies here; a
/// queue of two held a fifth less, and woke threads three times as often.
pub const PACKET_QUEUE: usize = 16;
/// Requests that may wait for the SFTP server, in bytes. Beyond it the client is held up by its window.
const INBOUND_BYTES: usize = WINDOW_BYTES as usize;
/// Replies that leave together at most while requests wait: each packet costs its seal and a wake-up, yet a client
/// with few requests in flight must not stand still.
const TOGETHER: usize = 8;
/// Acknowledgements held back at once; a client may have no more requests in flight than this.
const KEPT: usize = 8;

/// Type byte of a STATUS reply.
const STATUS: u8 = 101;

/// What faults do to replies on their way out.
#[derive(Default)]
pub struct Replies {
    /// Status codes that version 3 does not have, by request id: real servers send them all the same.
    codes: Mutex<HashMap<u32, u32>>,
    reordered: AtomicBool,
}

impl Replies {
    /// The reply that carries this code, whatever code it is.
    pub fn status(&self, id: u32, code: u32) -> StatusReply {
        let known = [
            StatusCode::Eof,
            StatusCode::NoSuchFile,
            StatusCode::PermissionDenied,
            StatusCode::Failure,
            StatusCode::BadMessage,
            StatusCode::NoConnection,
            StatusCode::ConnectionLost,
            StatusCode::OpUnsupported,
        ];
        if let Some(status) = known.into_iter().find(|status| *status as u32 == code) {
            return StatusReply::new(status);
        }
        self.codes.lock().unwrap_or_else(PoisonError::into_inner).insert(id, code);
        let message = match code {
            14 => "No space left on the file system",
            15 => "Quota exceeded",
            _ => "Failure",
        };
        StatusCode::Failure.with_message(message)
    }

    /// From now on acknowledgements wait for each other and leave last to first.
    pub fn reorder(&self) {
        self.reordered.store(true, Ordering::Release);
    }

    /// Puts the code in, if one is kept for this reply.
    fn corrected(&self, packet: &mut [u8]) {
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        if codes.is_empty() || packet.get(4) != Some(&STATUS) || packet.len() < 13 {
            return;
        }
        let id = u32::from_be_bytes([packet[5], packet[6], packet[7], packet[8]]);
        if let Some(code) = codes.remove(&id) {
            packet[9..13].copy_from_slice(&code.to_be_bytes());
        }
    }
}

/// STATUS that says success. Only these are reordered: some clients take it that what they read, and the
/// end of it, come in order, and no server does otherwise.
fn is_acknowledgement(packet: &[u8]) -> bool {
    packet.get(4) == Some(&STATUS) && packet.get(9..13) == Some(&[0; 4])
}

/// Replies on their way out.
struct Outbox<W> {
    writer: W,
    replies: Arc<Replies>,
    /// Acknowledgements held back to be sent last to first.
    kept: Vec<BytesMut>,
    /// What goes out together.
    out: BytesMut,
    /// Replies in it.
    count: usize,
}

impl<W: AsyncWrite + Unpin> Outbox<W> {
    fn new(writer: W, replies: Arc<Replies>) -> Outbox<W> {
        Outbox { writer, replies, kept: Vec::new(), out: BytesMut::new(), count: 0 }
    }

    fn push(&mut self, reply: Packet) {
        // What cannot be encoded is longer than 4 GiB: no reply of ours.
        let Ok(packet) = Bytes::try_from(reply) else { return };
        let mut packet = BytesMut::from(packet);
        self.count += 1;
        self.replies.corrected(&mut packet);
        if self.replies.reordered.load(Ordering::Acquire) && is_acknowledgement(&packet) {
            self.kept.push(packet);
            if self.kept.len() == KEPT {
                self.release();
            }
        } else {
            self.release();
            self.out.extend_from_slice(&packet);
        }
    }

    fn release(&mut self) {
        while let Some(packet) = self.kept.pop() {
            self.out.extend_from_slice(&packet);
        }
    }

    async fn send(&mut self) -> std::io::Result<()> {
        self.count = 0;
        if self.out.is_empty() {
            return Ok(());
        }
        let sent = self.writer.write_all(&self.out).await;
        self.out.clear();
        sent?;
        self.writer.flush().await
    }
}

/// A request with its share of [`INBOUND_BYTES`].
type Waiting = (Request, OwnedSemaphorePermit);

/// Answers the requests of a channel until it closes; says then why packets could not be told apart, if so.
///
/// `slot` is given back when the channel closes.
pub async fn serve(
    channel: Channel<Msg>,
    slot: OwnedSemaphorePermit,
    handle: Handle,
    packet_limit_bytes: u32,
    session: Session,
) -> Option<FrameError> {
    let id = channel.id();
    let (mut reader, writer) = channel.split();
    let next = async move || loop {
        match reader.wait().await? {
            ChannelMsg::Data { data } => return Some(data),
            ChannelMsg::Eof | ChannelMsg::Close => return None,
            _ => {}
        }
    };
    let fault = converse(next, writer.make_writer(), packet_limit_bytes, session).await;
    // `scp` calls an upload failed when the channel closes without an exit status.
    let status = u32::from(fault.is_some());
    // The connection may be gone already; then there is nobody to tell.
    let _ = handle.exit_status_request(id, status).await;
    let _ = handle.eof(id).await;
    // Before the client hears of it, so that it can open the next one at once.
    drop(slot);
    let _ = handle.close(id).await;
    fault
}

/// The same over any stream, `next` being what it brings.
///
/// Pump and server are one task: data goes from one to the other without a wake-up, and the pump goes on wherever
/// the server waits.
pub async fn converse(
    next: impl AsyncFnMut() -> Option<Bytes>,
    writer: impl AsyncWrite + Unpin,
    packet_limit_bytes: u32,
    session: Session,
) -> Option<FrameError> {
    let (sender, requests) = mpsc::unbounded_channel();
    let outbox = Outbox::new(writer, session.replies().clone());
    let (fault, ()) = tokio::join!(pump(next, sender, packet_limit_bytes), answer(requests, session, outbox));
    fault
}

async fn pump(
    mut next: impl AsyncFnMut() -> Option<Bytes>,
    sender: mpsc::UnboundedSender<Waiting>,
    packet_limit_bytes: u32,
) -> Option<FrameError> {
    let budget = Arc::new(Semaphore::new(INBOUND_BYTES));
    let mut frames = Frames::new(packet_limit_bytes);
    while let Some(data) = next().await {
        frames.push(data);
        loop {
            let (request, cost) = match frames.next_request() {
                Ok(Some(found)) => found,
                Ok(None) => break,
                Err(fault) => return Some(fault),
            };
            let cost = cost.min(INBOUND_BYTES) as u32;
            let permit = budget.clone().acquire_many_owned(cost).await.ok()?;
            if sender.send((request, permit)).is_err() {
                return None;
            }
        }
    }
    // The sender goes: the server sees the end of its input, ends, and drops what it held open.
    None
}

/// The SFTP server: one request after the other, in the order they came.
async fn answer(
    mut requests: mpsc::UnboundedReceiver<Waiting>,
    mut session: Session,
    mut outbox: Outbox<impl AsyncWrite + Unpin>,
) {
    loop {
        let waiting = match requests.try_recv() {
            Ok(waiting) => waiting,
            Err(_) => {
                // The client waits for what is held back. An error is a lost connection: the pump sees it too.
                outbox.release();
                let _ = outbox.send().await;
                match requests.recv().await {
                    Some(waiting) => waiting,
                    None => return,
                }
            }
        };
        let (request, _permit) = waiting;
        outbox.push(session.answer(request).await);
        if outbox.count >= TOGETHER || session.is_watched() {
            let _ = outbox.send().await;
        }
    }
}
