//! One SFTP session over any stream, without SSH around it: what fuzzers and `benches/pipeline.rs` drive.

use std::io;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::BytesMut;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use super::channel::{self, Replies};
use super::frame::FrameError;
use super::operations::Context;
use super::session::{Session, Surroundings};
use super::wire::Line;
use crate::clock::Clock;
use crate::config::{EndpointConfig, Pace};
use crate::fault::{Effects, Faults};
use crate::journal::Journal;
use crate::site::area::FileArea;

/// What is read from the stream at once.
const PIECE_BYTES: usize = 64 * 1024;

/// No layers above: no fault is armed that could ask anything of them.
struct Nobody;

#[async_trait]
impl Effects for Nobody {
    async fn run_mover(&self, _mover: &str) {}
    async fn advance_clock(&self, _by: &str) {}
    fn kill_process(&self) {}
}

/// Serves a session in the folder `inbox`, which gets the three folders, until the stream ends.
///
/// With `record_requests` every request is recorded, which reads what the peer sent once more. Answers why the stream could not be cut into packets to its end, if it could not.
pub async fn serve<S>(inbox: &Path, stream: S, record_requests: bool) -> io::Result<Option<FrameError>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let clock = Clock::new(Timestamp::UNIX_EPOCH, Pace::Manual, TimeZone::UTC);
    let journal = Journal::new(clock.clone(), None)?;
    let settings = EndpointConfig { record_requests, ..EndpointConfig::default() };
    let replies = Arc::new(Replies::default());
    let packet_bytes = settings.limits.packet_bytes;
    let context = Context {
        session: 1,
        site: "CITY".to_owned(),
        area: Arc::new(FileArea::open(inbox, clock.clone(), settings.layout)?),
        answers: settings.attributes.clone(),
        settings: Arc::new(settings),
        journal: journal.clone(),
        clock,
    };
    let around = Surroundings {
        faults: Faults::new(0, journal, false),
        effects: Arc::new(Nobody),
        line: Line::new(),
        replies,
    };
    let (mut reader, writer) = tokio::io::split(stream);
    let next = async move || {
        let mut piece = BytesMut::with_capacity(PIECE_BYTES);
        // A read error is a lost connection, and the end of this session all the same.
        reader.read_buf(&mut piece).await.ok().filter(|&count| count > 0).map(|_| piece.freeze())
    };
    Ok(channel::converse(next, writer, packet_bytes, Session::new(context, around)).await)
}
