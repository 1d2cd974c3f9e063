//! What was measured, round by round, and what may be told of it.

use serde_json::{Value, json};

/// Fewer interleaved rounds than this make no ratio.
pub const LEAST_ROUNDS: usize = 5;

/// One measurement.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// Number of the round, from 0.
    pub round: usize,
    /// The figure itself, in the unit of its table; more is better.
    pub rate: f64,
    /// CPU seconds of the server, set-up taken off, for each unit of work that the table names.
    pub server_cpu: f64,
    /// The same of the client.
    pub client_cpu: f64,
    /// Peak memory of the server in bytes.
    pub server_peak_bytes: u64,
    /// Peak memory of the client in bytes.
    pub client_peak_bytes: u64,
}

/// One line of a table: a server with a client.
#[derive(Clone, Debug)]
pub struct Line {
    /// What is compared: lines with the same case are set against each other.
    pub case: String,
    /// The server.
    pub server: String,
    /// Its samples.
    pub samples: Vec<Sample>,
    /// Why there are fewer than were wanted.
    pub failure: Option<String>,
}

/// The median; nothing of nothing.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = values.get(middle).copied()?;
    if values.len() % 2 == 1 {
        Some(upper)
    } else {
        values.get(middle.wrapping_sub(1)).map(|lower| (lower + upper) / 2.0)
    }
}

impl Line {
    /// A line without samples yet.
    pub fn new(case: &str, server: &str) -> Line {
        Line { case: case.to_owned(), server: server.to_owned(), samples: Vec::new(), failure: None }
    }

    /// The median of what `of` picks.
    pub fn median(&self, of: impl Fn(&Sample) -> f64) -> Option<f64> {
        median(self.samples.iter().map(of).collect())
    }

    /// Least and most.
    pub fn range(&self) -> Option<(f64, f64)> {
        let rates = self.samples.iter().map(|sample| sample.rate);
        Some((rates.clone().min_by(f64::total_cmp)?, rates.max_by(f64::total_cmp)?))
    }

    /// The median, over rounds that both have, of this line's figure over the other's. None from too few rounds.
    pub fn ratio(&self, other: &Line, of: impl Fn(&Sample) -> f64) -> Option<f64> {
        let pairs: Vec<f64> = self
            .samples
            .iter()
            .filter_map(|sample| {
                let same = other.samples.iter().find(|other| other.round == sample.round)?;
                (of(same) > 0.0).then(|| of(sample) / of(same))
            })
            .collect();
        if pairs.len() < LEAST_ROUNDS { None } else { median(pairs) }
    }

    /// The line for programs.
    pub fn to_json(&self) -> Value {
        let samples: Vec<Value> = self
            .samples
            .iter()
            .map(|sample| {
                json!({
                    "round": sample.round,
                    "rate": sample.rate,
                    "server_cpu_seconds": sample.server_cpu,
                    "client_cpu_seconds": sample.client_cpu,
                    "server_peak_bytes": sample.server_peak_bytes,
                    "client_peak_bytes": sample.client_peak_bytes,
                })
            })
            .collect();
        json!({"case": self.case, "server": self.server, "failure": self.failure, "samples": samples})
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn line(rates: &[f64]) -> Line {
        let sample = |(round, &rate): (usize, &f64)| Sample { round, rate, ..Sample::default() };
        Line { samples: rates.iter().enumerate().map(sample).collect(), ..Line::new("case", "server") }
    }

    #[test]
    fn four_rounds_make_no_ratio_and_five_do() {
        let other = line(&[1.0; 5]);
        assert_eq!(line(&[2.0; 4]).ratio(&other, |sample| sample.rate), None);
        assert_eq!(line(&[2.0; 5]).ratio(&other, |sample| sample.rate), Some(2.0));
    }

    #[test]
    fn ratios_are_of_the_same_round() {
        // The machine was twice as slow in the last rounds; the ratio does not change.
        let (ours, theirs) = (line(&[6.0, 6.0, 6.0, 3.0, 3.0]), line(&[2.0, 2.0, 2.0, 1.0, 1.0]));
        assert_eq!(ours.ratio(&theirs, |sample| sample.rate), Some(3.0));
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(vec![]), None);
    }
}
