//! Uploads over a long line: a proxy of our own holds every byte for half a round trip, in both directions.

use std::io;
use std::time::{Duration, Instant};

use spatialcloud_harness::size;
use spatialcloud_harness::throughput::{Habit, Upload, WINDOW_BYTES};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};

use crate::figures::Line;

/// What a direction of the line holds at most; more than any window.
const HELD_BYTES: usize = 64 << 20;
/// What is read at once.
const PIECE_BYTES: usize = 64 * 1024;

/// A proxy that runs until it is dropped.
pub struct Proxy {
    /// Where it listens.
    pub port: u16,
    _runtime: tokio::runtime::Runtime,
}

impl Proxy {
    /// Listens on loopback, in front of `port`.
    pub fn start(port: u16, round_trip: Duration) -> io::Result<Proxy> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0)))?;
        let own = listener.local_addr()?.port();
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(connect(client, port, round_trip / 2));
            }
        });
        Ok(Proxy { port: own, _runtime: runtime })
    }
}

async fn connect(client: TcpStream, port: u16, delay: Duration) -> io::Result<()> {
    // A handshake takes a round trip too.
    tokio::time::sleep(delay * 2).await;
    let server = TcpStream::connect(("127.0.0.1", port)).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let (there, back) =
        tokio::join!(carry(from_client, to_server, delay), carry(from_server, to_client, delay));
    there.and(back)
}

/// Carries one direction: what came in leaves `delay` later, however much came in meanwhile.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, delay: Duration) -> io::Result<()> {
    let (sender, mut held) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let room = Semaphore::new(HELD_BYTES);
    let read = async {
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let count = from.read(&mut piece).await?;
            if count == 0 {
                drop(sender);
                return Ok::<(), io::Error>(());
            }
            if let Ok(permit) = room.acquire_many(count as u32).await {
                permit.forget();
            }
            let taken = piece.get(..count).unwrap_or_default().to_vec();
            let _ = sender.send((Instant::now() + delay, taken));
        }
    };
    let write = async {
        while let Some((due, piece)) = held.recv().await {
            tokio::time::sleep_until(due.into()).await;
            to.write_all(&piece).await?;
            room.add_permits(piece.len());
        }
        to.shutdown().await
    };
    let (read, write) = tokio::join!(read, write);
    read.and(write)
}

/// A client over one distance.
pub struct Trip {
    /// The driver's name, by which the model knows it.
    pub habit: &'static str,
    /// Round trip.
    pub round_trip: Duration,
    /// Bytes of the upload.
    pub size_bytes: u64,
    /// What was measured, in MB/s.
    pub line: Line,
}

/// What was measured beside what the model of `spatialcloud advise` says.
pub fn markdown(trips: &[Trip]) -> String {
    let mut text = String::from(
        "### uploads over a long line\n\nThrough a proxy that holds every byte for half a round trip. The window is 2 MiB; \
         the ceilings are window and requests in flight over the round trip. The model is that of `spatialcloud advise`.\n\n\
         | round trip | client | MB/s | range | model MB/s | measured / model | in flight, measured | in flight, model | window ceiling MB/s |\n\
         |--:|---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for trip in trips {
        let (Some(rate), Some((least, most)), Some(habit)) =
            (trip.line.median(|sample| sample.rate), trip.line.range(), Habit::of(trip.habit))
        else {
            let reason = trip.line.failure.as_deref().unwrap_or("not measured").replace(['|', '\n'], " ");
            text.push_str(&format!(
                "| {} ms | {} | {reason} | | | | | | |\n",
                trip.round_trip.as_millis(),
                trip.line.case
            ));
            continue;
        };
        let forecast = habit.forecast(&Upload {
            size_bytes: trip.size_bytes,
            round_trip: trip.round_trip,
            line_bytes_per_second: None,
            window_bytes: WINDOW_BYTES,
        });
        let model = forecast.bytes_per_second.unwrap_or_default() / 1e6;
        let seconds = trip.round_trip.as_secs_f64();
        text.push_str(&format!(
            "| {} ms | {} | {rate:.1} | {least:.1}–{most:.1} | {model:.1} | {:.2} | {} | {} | {:.1} |\n",
            trip.round_trip.as_millis(),
            trip.line.case,
            rate / model.max(1e-9),
            size::human((rate * 1e6 * seconds) as u64),
            size::human(forecast.in_flight_bytes),
            WINDOW_BYTES as f64 / 1e6 / seconds,
        ));
    }
    text.push('\n');
    text
}
