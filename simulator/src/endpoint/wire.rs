//! The TCP stream of one connection: it can be ended from outside, and made slow; and it reads ahead.

use std::collections::VecDeque;
use std::io::{self, IoSliceMut};
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep};

use crate::fault::{Faults, Point, Question, SlowLink, Verdict};

/// What a slow line holds at most; beyond it, TCP itself holds the client up.
const HELD_BYTES: usize = 16 * 1024 * 1024;
/// What is read from the network at once while the line is slow.
const PIECE_BYTES: usize = 16 * 1024;
/// What is read beyond what russh asks for. It asks for each SSH packet twice, for its length and for the rest of it:
/// small packets come several in a read this way.
const AHEAD_BYTES: usize = 8 * 1024;
/// Who asks for this much gets no more ahead than [`NEXT_LENGTH_BYTES`]: what is read ahead is copied once more.
const LARGE_READ_BYTES: usize = 8 * 1024;
/// Holds the length of the next packet, so that a large packet takes one read.
const NEXT_LENGTH_BYTES: usize = 64;

/// How a connection is ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It goes on.
    Open,
    /// Closed at once.
    Cut,
    /// Closed with a TCP reset.
    Reset,
}

/// The handle by which others end a connection, and learn that it has ended.
#[derive(Clone)]
pub struct Line {
    end: watch::Sender<Ending>,
    ended: watch::Sender<bool>,
    /// Known once somebody has logged in.
    site: Arc<OnceLock<String>>,
}

impl Line {
    /// A connection that goes on.
    pub fn new() -> Line {
        Line { end: watch::Sender::new(Ending::Open), ended: watch::Sender::new(false), site: Arc::default() }
    }

    /// Ends it.
    pub fn end(&self, ending: Ending) {
        self.end.send_replace(ending);
    }

    /// Says that it has ended.
    pub fn has_ended(&self) {
        self.ended.send_replace(true);
    }

    /// Resolves when it has ended.
    pub async fn ended(&self) {
        // An error means that the sender is gone, and with it the connection.
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }

    /// Whose it is.
    pub fn belongs_to(&self, site: &str) {
        let _ = self.site.set(site.to_owned());
    }
}

/// The stream as russh sees it.
pub struct Wire {
    stream: TcpStream,
    ending: Pin<Box<dyn Future<Output = Ending> + Send>>,
    is_cut: bool,
    line: Line,
    session: u64,
    faults: Faults,
    held: VecDeque<(Instant, Vec<u8>)>,
    held_bytes: usize,
    /// When the last byte held is due, and when a line with a rate is free again.
    last_due: Instant,
    free_at: Instant,
    drawn: u64,
    at_end: bool,
    /// What was read ahead, and which part of it nobody has taken yet.
    ahead: Vec<u8>,
    untaken: Range<usize>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Wire {
    /// The stream of connection number `session`, ended by `line` and slowed by `faults`.
    pub fn new(stream: TcpStream, line: Line, session: u64, faults: Faults) -> Wire {
        let mut end = line.end.subscribe();
        let ending = Box::pin(async move {
            // An error means that the sender is gone: the endpoint has stopped.
            end.wait_for(|ending| *ending != Ending::Open).await.map_or(Ending::Cut, |ending| *ending)
        });
        let now = Instant::now();
        Wire {
            stream,
            ending,
            is_cut: false,
            line,
            session,
            faults,
            held: VecDeque::new(),
            held_bytes: 0,
            last_due: now,
            free_at: now,
            drawn: session,
            at_end: false,
            ahead: vec![0; AHEAD_BYTES],
            untaken: 0..0,
            timer: None,
        }
    }

    /// Hands over what was read ahead, if anything was.
    fn take_ahead(&mut self, into: &mut ReadBuf<'_>) -> bool {
        let count = self.untaken.len().min(into.remaining());
        into.put_slice(&self.ahead[self.untaken.start..self.untaken.start + count]);
        self.untaken.start += count;
        count > 0
    }

    /// Reads what is asked for, and with the same call what is behind it.
    fn poll_read_ahead(&mut self, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let asked_bytes = into.remaining();
        let ahead_bytes = if asked_bytes < LARGE_READ_BYTES { AHEAD_BYTES } else { NEXT_LENGTH_BYTES };
        loop {
            ready!(self.stream.poll_read_ready(context))?;
            let (stream, ahead) = (&self.stream, &mut self.ahead[..ahead_bytes]);
            let mut short = None;
            let read = stream.try_io(Interest::READABLE, || {
                let mut places = [IoSliceMut::new(into.initialize_unfilled()), IoSliceMut::new(ahead)];
                let count = rustix::io::readv(stream, &mut places)?;
                if count > 0 && count < asked_bytes + ahead_bytes {
                    // The socket is empty now. Said this way tokio waits for more, instead of asking once more in vain.
                    short = Some(count);
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Ok(count)
            });
            let count = match (short, read) {
                (Some(count), _) | (None, Ok(count)) => count,
                (None, Err(error)) if error.kind() == io::ErrorKind::WouldBlock => continue,
                (None, Err(error)) => return Poll::Ready(Err(error)),
            };
            into.advance(count.min(asked_bytes));
            self.untaken = 0..count.saturating_sub(asked_bytes);
            return Poll::Ready(Ok(()));
        }
    }

    /// How slow the line is just now.
    fn slowness(&self) -> Option<SlowLink> {
        let site = self.line.site.get().map(String::as_str);
        let question = Question {
            point: Point::Link,
            site,
            session: self.session,
            operation: "",
            path: "",
            range: None,
        };
        self.faults.ask(&question).into_iter().find_map(|verdict| match verdict {
            Verdict::SlowLink(slow) => Some(slow),
            _ => None,
        })
    }

    /// When a piece that came in now is delivered. Never before an earlier one.
    fn due(&mut self, size_bytes: usize) -> Instant {
        let now = Instant::now();
        let mut due = now;
        if let Some(slow) = self.slowness() {
            if slow.bytes_per_second > 0 {
                let takes = Duration::from_secs_f64(size_bytes as f64 / slow.bytes_per_second as f64);
                self.free_at = self.free_at.max(now) + takes;
                due = self.free_at;
            }
            due += slow.delay;
            if !slow.jitter.is_zero() {
                // Numbers of a linear congruential generator are random enough for a jitter.
                self.drawn = self.drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                due += slow.jitter.mul_f64((self.drawn >> 33) as f64 / (1_u64 << 31) as f64);
            }
        }
        self.last_due = self.last_due.max(due);
        self.last_due
    }

    fn poll_read_slowly(
        &mut self,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            while !self.at_end && self.held_bytes < HELD_BYTES {
                let mut piece = vec![0; PIECE_BYTES];
                let mut buffer = ReadBuf::new(&mut piece);
                match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                    Poll::Pending => break,
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Ready(Ok(())) => {
                        let count = buffer.filled().len();
                        self.at_end = count == 0;
                        piece.truncate(count);
                        if count > 0 {
                            let due = self.due(count);
                            self.held_bytes += count;
                            self.held.push_back((due, piece));
                        }
                    }
                }
            }
            let Some((due, piece)) = self.held.front_mut() else {
                return if self.at_end { Poll::Ready(Ok(())) } else { Poll::Pending };
            };
            if *due <= Instant::now() {
                let count = piece.len().min(into.remaining());
                into.put_slice(&piece[..count]);
                piece.drain(..count);
                if piece.is_empty() {
                    self.held.pop_front();
                }
                self.held_bytes -= count;
                self.timer = None;
                return Poll::Ready(Ok(()));
            }
            let due = *due;
            let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
            if timer.deadline() != due {
                timer.as_mut().reset(due);
            }
            if timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.is_cut && (into.remaining() == 0 || self.take_ahead(into)) {
            return Poll::Ready(Ok(()));
        }
        if !self.is_cut
            && let Poll::Ready(ending) = self.ending.as_mut().poll(context)
        {
            self.is_cut = true;
            if ending == Ending::Reset {
                // With a zero linger time, closing sends a reset.
                let _ = self.stream.set_zero_linger();
            }
        }
        if self.is_cut {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        if self.faults.any() || !self.held.is_empty() {
            return self.poll_read_slowly(context, into);
        }
        self.poll_read_ahead(context, into)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_cut {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_write(context, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
