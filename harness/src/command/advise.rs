//! `advise`: how long tonight's upload will take, and which setting is the brake.

use std::time::Duration;

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::json;
use spatialcloud_harness::size;
use spatialcloud_harness::throughput::{Brake, Forecast, HABITS, Habit, Upload, WINDOW_BYTES};

use super::fail;
use crate::exit::Exit;

#[derive(Args)]
pub struct Arguments {
    /// Round trip to the endpoint, such as 40ms; `ping` tells it
    #[arg(long, value_name = "TIME", value_parser = round_trip)]
    rtt: Duration,
    /// The client that uploads
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(HABITS.iter().map(|habit| habit.name)))]
    client: String,
    /// The backup's size, such as 20GiB
    #[arg(long, value_parser = size::parse)]
    size: u64,
    /// What the line carries in a second, such as 12MB; for a line of 100 Mbit/s that is 12.5MB
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    line: Option<u64>,
    /// The server's SSH window
    #[arg(long, value_name = "SIZE", value_parser = size::parse, default_value_t = WINDOW_BYTES)]
    window: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Reads `40ms` or `0.2s`.
pub(super) fn round_trip(text: &str) -> Result<Duration, String> {
    let expected = || format!("{text:?}: expected milliseconds or seconds, such as 40ms or 0.2s");
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 1e-3),
        None => (text.strip_suffix('s').ok_or_else(expected)?, 1.0),
    };
    let number: f64 = number.trim().parse().map_err(|_| expected())?;
    Duration::try_from_secs_f64(number * unit).map_err(|_| expected())
}

pub fn perform(arguments: &Arguments) -> Exit {
    let Some(habit) = Habit::of(&arguments.client) else {
        return fail(Exit::WrongUse, format!("--client: nothing is known of {}", arguments.client));
    };
    let upload = Upload {
        size_bytes: arguments.size,
        round_trip: arguments.rtt,
        line_bytes_per_second: arguments.line,
        window_bytes: arguments.window,
    };
    let forecast = habit.forecast(&upload);
    if arguments.json {
        println!(
            "{}",
            json!({
                "client": habit.name,
                "seconds": forecast.takes.map(|takes| takes.as_secs_f64()),
                "bytes_per_second": forecast.bytes_per_second,
                "in_flight_bytes": forecast.in_flight_bytes,
                "brake": name(forecast.brake),
            })
        );
    } else {
        print!("{}", told(habit, &upload, &forecast));
    }
    Exit::Passed
}

fn name(brake: Brake) -> &'static str {
    match brake {
        Brake::Requests => "requests",
        Brake::Window => "window",
        Brake::Line => "line",
        Brake::Machine => "machine",
    }
}

fn told(habit: &Habit, upload: &Upload, forecast: &Forecast) -> String {
    let style = super::style();
    let size = size::human(upload.size_bytes);
    let first = match (forecast.takes, forecast.bytes_per_second) {
        (Some(takes), Some(rate)) => {
            format!("about {} at {:.1} MB/s", style.strong(&span(takes)), rate / 1e6)
        }
        _ => "no forecast: say how much the line carries with --line".to_owned(),
    };
    let trip = upload.round_trip.as_secs_f64() * 1000.0;
    let held = size::human(forecast.in_flight_bytes);
    let brake = match forecast.brake {
        Brake::Requests => format!(
            "the client's requests: {held} in flight, and each waits {trip:.0} ms for its reply\n  to do       {}",
            habit.setting
        ),
        Brake::Window => format!(
            "the server's SSH window: {held} in flight, and the next bytes wait {trip:.0} ms\n  to do       \
             nothing in the client: several files at once, or a shorter way to the endpoint"
        ),
        Brake::Line => "the line itself: no setting of the client changes that".to_owned(),
        Brake::Machine => "the machine: client, cipher and disk; AES-GCM is the fastest cipher".to_owned(),
    };
    format!("{} of {size}: {first}\n  the brake   {brake}\n", habit.name)
}

/// Hours and minutes, or minutes and seconds.
fn span(time: Duration) -> String {
    let seconds = time.as_secs_f64().round() as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn round_trips_are_read_and_mistakes_told() {
        assert_eq!(round_trip("40ms").unwrap(), Duration::from_millis(40));
        assert_eq!(round_trip("0.2s").unwrap(), Duration::from_millis(200));
        for text in ["40", "-1ms", "ms", "1e300s", "NaNs"] {
            assert!(round_trip(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_told_as_people_say_them() {
        let told = [59, 61, 3661].map(|seconds| span(Duration::from_secs(seconds)));
        assert_eq!(told, ["59 s", "1 min 1 s", "1 h 1 min"]);
    }
}
