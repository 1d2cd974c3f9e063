//! Between an SSH channel and the SFTP server: keeps reading, so that a key exchange can never stall.
//!
//! russh stops sending what handlers reply while a key exchange runs, yet goes on delivering data that
//! was in flight, and parks its read loop when nobody takes that data; the client's half of the exchange
//! then never gets read. Two things make that impossible here:
//! - replies never wait: [`REPLY_QUEUE`] holds one for every request that can be in flight in a window;
//! - data is always taken: the pump below empties the channel into a queue bounded by [`INBOUND_BYTES`],
//!   which the SFTP server empties without ever waiting for a reply to leave.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use russh::Channel;
use russh::server::{Handle, Msg};
use russh_sftp::protocol::StatusCode;
use russh_sftp::server::StatusReply;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf, ReadHalf, WriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::frame::{FrameError, Frames};

/// Bytes a client may send before it must wait for our acknowledgement: the SSH channel window.
pub const WINDOW_BYTES: u32 = 2 * 1024 * 1024;
/// The shortest SFTP request there is (CLOSE with a one-byte handle): length, type, id, string.
const SHORTEST_REQUEST_BYTES: usize = 14;
/// Replies that may wait inside russh: one for each of the shortest requests that fit the window twice
/// (once in flight, once in our queue), so a reply always finds room. Room not used costs nothing.
pub const REPLY_QUEUE: usize = 2 * (WINDOW_BYTES as usize) / SHORTEST_REQUEST_BYTES;
/// Requests that may wait for the SFTP server, in bytes. Beyond it the client is held up by its window.
const INBOUND_BYTES: usize = 2 * WINDOW_BYTES as usize;
/// What the pump takes from the channel at once.
const PIECE_BYTES: usize = 64 * 1024;

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

/// The SFTP server's end of a channel.
pub struct ChannelIo<W> {
    requests: mpsc::UnboundedReceiver<(Bytes, OwnedSemaphorePermit)>,
    current: Option<(Bytes, OwnedSemaphorePermit)>,
    writer: W,
    replies: Arc<Replies>,
    /// Replies held back to be sent last to first.
    kept: Vec<Vec<u8>>,
    /// Bytes on their way out.
    out: BytesMut,
}

/// Replies held back at once; a client may have no more requests in flight than this.
const KEPT: usize = 8;

impl<W: AsyncWrite + Unpin> ChannelIo<W> {
    fn release(&mut self) {
        while let Some(packet) = self.kept.pop() {
            self.out.extend_from_slice(&packet);
        }
    }

    fn poll_out(&mut self, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        while !self.out.is_empty() {
            let count = ready!(Pin::new(&mut self.writer).poll_write(context, &self.out))?;
            self.out.advance(count);
        }
        Poll::Ready(Ok(()))
    }
}

/// Splits `channel`; answers the SFTP server's end and the pump, to be run as a task of its own.
///
/// `slot` is given back when the channel closes. `done` resolves when the SFTP server has ended and all its
/// replies are queued.
pub fn connect(
    channel: Channel<Msg>,
    slot: OwnedSemaphorePermit,
    handle: Handle,
    packet_limit_bytes: u32,
    replies: Arc<Replies>,
    done: oneshot::Receiver<()>,
) -> (ChannelIo<impl AsyncWrite + Unpin + Send + 'static>, impl Future<Output = Option<FrameError>>) {
    let id = channel.id();
    let (io, pumped) = over(channel.into_stream(), packet_limit_bytes, replies, done);
    let pump = async move {
        // The stream closes the channel when both its halves are dropped. The pump's half lives to the end, so
        // that the exit status goes first: `scp` calls an upload failed when the channel closes without one.
        let (fault, _reader) = pumped.await;
        let status = u32::from(fault.is_some());
        // The connection may be gone already; then there is nobody to tell.
        let _ = handle.exit_status_request(id, status).await;
        let _ = handle.eof(id).await;
        // Before the client hears of it, so that it can open the next one at once.
        drop(slot);
        let _ = handle.close(id).await;
        fault
    };
    (io, pump)
}

/// What a pump leaves: why packets could not be told apart any more, if so, and its half of the stream.
type Pumped<S> = (Option<FrameError>, ReadHalf<S>);

/// The same over any stream.
pub fn over<S: AsyncRead + AsyncWrite>(
    stream: S,
    packet_limit_bytes: u32,
    replies: Arc<Replies>,
    done: oneshot::Receiver<()>,
) -> (ChannelIo<WriteHalf<S>>, impl Future<Output = Pumped<S>>) {
    let (mut reader, writer) = tokio::io::split(stream);
    let (sender, requests) = mpsc::unbounded_channel();
    let io = ChannelIo { requests, current: None, writer, replies, kept: Vec::new(), out: BytesMut::new() };
    let pump = async move {
        let fault = pump(&mut reader, sender, packet_limit_bytes).await;
        // The sender is gone: the server sees the end of its input, ends, and drops what it held open.
        let _ = done.await;
        (fault, reader)
    };
    (io, pump)
}

async fn pump(
    reader: &mut (impl AsyncRead + Unpin),
    sender: mpsc::UnboundedSender<(Bytes, OwnedSemaphorePermit)>,
    packet_limit_bytes: u32,
) -> Option<FrameError> {
    let budget = Arc::new(Semaphore::new(INBOUND_BYTES));
    let mut frames = Frames::new(packet_limit_bytes);
    let mut piece = vec![0; PIECE_BYTES];
    // A read error is a lost connection, and the end of this channel all the same.
    while let Ok(count @ 1..) = reader.read(&mut piece).await {
        frames.push(&piece[..count]);
        loop {
            let packet = match frames.next_packet() {
                Ok(Some(packet)) => packet,
                Ok(None) => break,
                Err(fault) => return Some(fault),
            };
            let cost = packet.len().min(INBOUND_BYTES) as u32;
            let permit = budget.clone().acquire_many_owned(cost).await.ok()?;
            if sender.send((packet, permit)).is_err() {
                return None;
            }
        }
    }
    None
}

impl<W: AsyncWrite + Unpin> AsyncRead for ChannelIo<W> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if self.current.is_none() {
            match self.requests.poll_recv(context) {
                Poll::Ready(packet) => self.current = packet,
                Poll::Pending => {
                    // The client waits for what is held back.
                    self.release();
                    ready!(self.poll_out(context))?;
                    return Poll::Pending;
                }
            }
        }
        if let Some((packet, _)) = &mut self.current {
            let count = packet.len().min(into.remaining());
            into.put_slice(&packet[..count]);
            packet.advance(count);
            if packet.is_empty() {
                self.current = None;
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// The server hands over one whole reply at a time and flushes after each.
impl<W: AsyncWrite + Unpin> AsyncWrite for ChannelIo<W> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        ready!(self.poll_out(context))?;
        let mut packet = data.to_vec();
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
        Poll::Ready(Ok(data.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        ready!(self.poll_out(context))?;
        Pin::new(&mut self.writer).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.release();
        ready!(self.poll_out(context))?;
        Pin::new(&mut self.writer).poll_shutdown(context)
    }
}
