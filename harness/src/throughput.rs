//! How fast an upload can be, and what holds it: a model of clients, line and window. No I/O.
//!
//! A client has so many bytes in flight as its requests carry, and no more than the SSH window lets it. Each of them
//! waits a round trip for its reply, so the throughput is at most bytes in flight over round trip.

use std::time::Duration;

/// What the SSH window lets be in flight, at our endpoint and at OpenSSH's server: bytes a client may send before it has
/// to wait. (Our endpoint says twice as much and grants it anew at the half.)
pub const WINDOW_BYTES: u64 = 2 << 20;
/// Round trips from the TCP connection to an open file: TCP, banner and keys, login, channel, INIT, OPEN, and what
/// most clients ask in between.
const SET_UP_ROUND_TRIPS: u32 = 12;

/// How a client uploads as it comes, without any setting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Habit {
    /// Its name.
    pub name: &'static str,
    /// Data of one WRITE in bytes.
    pub request_bytes: u64,
    /// WRITEs that wait for their reply at once; absent: as many as the window holds.
    pub requests: Option<u64>,
    /// What it manages at most, in bytes per second: rounded from `benches/README.md`, on two cores of 2021. Absent:
    /// not measured.
    pub most_bytes_per_second: Option<u64>,
    /// What to set where its requests are the brake.
    pub setting: &'static str,
}

const KIB: u64 = 1 << 10;
const MB: u64 = 1_000_000;

/// Every client that is known, by name.
pub const HABITS: &[Habit] = &[
    Habit {
        name: "openssh",
        request_bytes: 32 * KIB,
        requests: Some(64),
        most_bytes_per_second: Some(250 * MB),
        setting: "sftp -B 261120 -R 64: larger requests; the window comes next",
    },
    Habit {
        name: "winscp",
        request_bytes: 255 * KIB,
        requests: None,
        most_bytes_per_second: None,
        setting: "Advanced, SSH: keep \"Optimize connection buffer size\" on; two transfers at once in the queue",
    },
    Habit {
        name: "filezilla",
        request_bytes: 32 * KIB,
        requests: Some(32),
        most_bytes_per_second: None,
        setting: "Settings, Transfers: it has no setting for one file; several files go at once",
    },
    Habit {
        name: "putty",
        request_bytes: 4 * KIB,
        requests: Some(256),
        most_bytes_per_second: Some(110 * MB),
        setting: "psftp has none: its 1 MiB in flight is built in; use WinSCP, sftp or rclone over a long line",
    },
    Habit {
        name: "rclone",
        request_bytes: 32 * KIB,
        requests: Some(64),
        most_bytes_per_second: Some(200 * MB),
        setting: "--sftp-chunk-size 255k --sftp-concurrency 64: larger requests; the window comes next",
    },
    Habit {
        name: "lftp",
        request_bytes: 32 * KIB,
        requests: Some(16),
        most_bytes_per_second: Some(200 * MB),
        setting: "set sftp:max-packets-in-flight 64; leave sftp:size-write at 32k, larger ones stall",
    },
    Habit {
        name: "curl",
        request_bytes: 30_000,
        requests: Some(2),
        most_bytes_per_second: None,
        setting: "none for SFTP: libssh2 is handed 64 KiB at a time; use another client over a long line",
    },
    Habit {
        name: "built-in",
        request_bytes: 255 * KIB,
        requests: Some(64),
        most_bytes_per_second: Some(500 * MB),
        setting: "none is needed",
    },
];

/// What holds an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brake {
    /// The client has too few bytes in requests.
    Requests,
    /// The SSH window, which the server sets.
    Window,
    /// The line's own rate.
    Line,
    /// Client, cipher and disk.
    Machine,
}

/// What is to be sent, and over which line.
#[derive(Clone, Copy, Debug)]
pub struct Upload {
    /// Bytes of the file.
    pub size_bytes: u64,
    /// From the client to the server and back.
    pub round_trip: Duration,
    /// The line's rate in bytes per second, if it is known.
    pub line_bytes_per_second: Option<u64>,
    /// Bytes that may be sent before the server has to say it took them.
    pub window_bytes: u64,
}

/// What to expect.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// Bytes in flight.
    pub in_flight_bytes: u64,
    /// Throughput once it runs; absent where nothing known bounds it.
    pub bytes_per_second: Option<f64>,
    /// From connecting to the last acknowledgement; absent where the throughput is.
    pub takes: Option<Duration>,
    /// What bounds it.
    pub brake: Brake,
}

impl Habit {
    /// The habit of the client of that name.
    pub fn of(name: &str) -> Option<&'static Habit> {
        HABITS.iter().find(|habit| habit.name == name)
    }

    /// What the client would do with this upload.
    pub fn forecast(&self, upload: &Upload) -> Forecast {
        let requests_bytes = self.requests.map(|requests| requests.saturating_mul(self.request_bytes));
        let in_flight_bytes = requests_bytes.unwrap_or(u64::MAX).min(upload.window_bytes);
        let trip = upload.round_trip.as_secs_f64();
        let by_distance = (trip > 0.0).then(|| in_flight_bytes as f64 / trip);
        let held_by = match requests_bytes {
            Some(bytes) if bytes < upload.window_bytes => Brake::Requests,
            _ => Brake::Window,
        };
        let bounds = [
            (by_distance, held_by),
            (upload.line_bytes_per_second.map(|rate| rate as f64), Brake::Line),
            (self.most_bytes_per_second.map(|rate| rate as f64), Brake::Machine),
        ];
        let lowest = bounds
            .into_iter()
            .filter_map(|(rate, brake)| Some((rate?, brake)))
            .min_by(|(left, _), (right, _)| left.total_cmp(right));
        let (bytes_per_second, brake) =
            lowest.map_or((None, Brake::Machine), |(rate, brake)| (Some(rate), brake));
        // A rate of nothing takes for ever: no duration is told then.
        let sending = bytes_per_second
            .and_then(|rate| Duration::try_from_secs_f64(upload.size_bytes as f64 / rate).ok());
        let around = upload.round_trip.saturating_mul(SET_UP_ROUND_TRIPS + 1);
        let takes = sending.map(|sending| sending.saturating_add(around));
        Forecast { in_flight_bytes, bytes_per_second, takes, brake }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn upload(round_trip_ms: u64, line_bytes_per_second: Option<u64>) -> Upload {
        Upload {
            size_bytes: 20 << 30,
            round_trip: Duration::from_millis(round_trip_ms),
            line_bytes_per_second,
            window_bytes: WINDOW_BYTES,
        }
    }

    #[test]
    fn each_brake_has_its_case() {
        let cases = [
            ("lftp", upload(40, None), Brake::Requests, 512.0 * 1024.0 / 0.04),
            ("winscp", upload(40, None), Brake::Window, 2.0 * 1024.0 * 1024.0 / 0.04),
            ("winscp", upload(40, Some(5_000_000)), Brake::Line, 5e6),
            ("putty", upload(0, None), Brake::Machine, 110e6),
        ];
        for (name, upload, brake, rate) in cases {
            let forecast = Habit::of(name).unwrap().forecast(&upload);
            assert_eq!(
                (forecast.brake, forecast.bytes_per_second),
                (brake, Some(rate)),
                "{name}: {upload:?}"
            );
        }
    }

    #[test]
    fn nothing_is_told_of_what_nobody_knows() {
        let forecast = Habit::of("winscp").unwrap().forecast(&upload(0, None));
        assert_eq!((forecast.bytes_per_second, forecast.takes), (None, None));
        let stopped = Habit::of("openssh").unwrap().forecast(&upload(10, Some(0)));
        assert_eq!(stopped.takes, None);
    }

    #[test]
    fn a_longer_line_never_makes_an_upload_faster() {
        for habit in HABITS {
            let times =
                [0, 1, 10, 50, 150, 600].map(|trip| habit.forecast(&upload(trip, Some(12_500_000))).takes);
            assert!(times.is_sorted(), "{}: {times:?}", habit.name);
        }
    }

    #[test]
    fn names_differ_and_every_client_that_has_one_habit_is_known() {
        let mut names: Vec<_> = HABITS.iter().map(|habit| habit.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), HABITS.len());
        let clients: Vec<_> = crate::client::all().iter().map(|client| client.name().to_owned()).collect();
        let strangers: Vec<_> =
            names.iter().filter(|name| !clients.iter().any(|client| client == *name)).collect();
        assert!(strangers.is_empty(), "no client is named {strangers:?}");
    }
}
