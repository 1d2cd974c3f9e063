//! One SFTP session over any stream, without SSH around it: what fuzzers drive.

use std::io;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use russh_sftp::server::{Config as SftpConfig, run_with_config};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;

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
/// Answers why the stream could not be cut into packets to its end, if it could not.
pub async fn serve<S>(inbox: &Path, stream: S) -> io::Result<Option<FrameError>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let clock = Clock::new(Timestamp::UNIX_EPOCH, Pace::Manual, TimeZone::UTC);
    let journal = Journal::new(clock.clone(), None)?;
    // Requests are recorded too: that path reads what the peer sent.
    let settings = EndpointConfig { record_requests: true, ..EndpointConfig::default() };
    let replies = Arc::new(Replies::default());
    let (done, ended) = oneshot::channel();
    let packet_bytes = settings.limits.packet_bytes;
    let (io, pump) = channel::over(stream, packet_bytes, replies.clone(), ended);
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
    let config = SftpConfig { max_client_packet_len: packet_bytes };
    run_with_config(io, Session::new(context, around, done), config).await;
    Ok(pump.await.0)
}
