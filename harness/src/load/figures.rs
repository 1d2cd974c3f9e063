//! What a load measured: counts and histograms, which join without loss.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::Campaign;
use super::session::Account;
use crate::shard::Shard;

/// A stage of a session that is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// From the TCP connection to an SFTP session.
    Handshake,
    /// From OPEN to the acknowledgement of the first WRITE.
    FirstByte,
    /// From CLOSE to its acknowledgement.
    Close,
    /// From OPEN to the acknowledgement of CLOSE.
    Upload,
}

/// Every stage, in the order of reports.
pub const STAGES: [Stage; 4] = [Stage::Handshake, Stage::FirstByte, Stage::Close, Stage::Upload];

/// Three digits hold of each time, whatever its size.
const DIGITS: u8 = 3;
/// The longest time that is told apart: a day.
const LONGEST_US: u64 = 24 * 3600 * 1_000_000;

/// What came of a campaign, or of some of its shards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figures {
    /// What was to be done.
    pub campaign: Campaign,
    /// Shards in all.
    pub total: u32,
    /// Which of them these figures are of, counted from 0.
    pub shards: Vec<u32>,
    /// When the first session began, milliseconds since 1970.
    pub began_ms: u64,
    /// When the last one ended.
    pub ended_ms: u64,
    /// Sessions that ran, to a good end or a bad one.
    pub sessions: u64,
    /// Uploads whose CLOSE was acknowledged.
    pub uploads: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Uploads that were found on the cloud's side, byte for byte.
    pub verified: u64,
    /// How many sessions ended early, by where and why.
    pub errors: BTreeMap<String, u64>,
    /// For each stage: microseconds, and how often they were counted.
    pub stages: BTreeMap<Stage, Vec<(u64, u64)>>,
}

/// Why figures cannot be joined.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// Nothing was given.
    #[error("nothing to merge: name the files that `load --json` wrote")]
    Nothing,
    /// They are of different work.
    #[error(
        "{0} and {1} are not of the same campaign: every shard needs the same options, the seed among them"
    )]
    Different(String, String),
    /// Twice the same shard.
    #[error("shard {} is in {} and in {}", .shard + 1, .first, .second)]
    Twice {
        /// Counted from 0.
        shard: u32,
        /// Where it was seen first.
        first: String,
        /// And again.
        second: String,
    },
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX).clamp(1, LONGEST_US)
}

/// The nearest time that a histogram tells apart: what is recorded already joins without moving.
fn rounded(time_us: u64) -> u64 {
    empty().map_or(time_us, |histogram| histogram.lowest_equivalent(time_us))
}

fn empty() -> Option<Histogram<u64>> {
    Histogram::new_with_bounds(1, LONGEST_US, DIGITS).ok()
}

impl Figures {
    /// Of nothing yet.
    pub fn new(campaign: Campaign, shard: Shard) -> Figures {
        Figures {
            campaign,
            total: shard.total,
            shards: vec![shard.index],
            began_ms: 0,
            ended_ms: 0,
            sessions: 0,
            uploads: 0,
            bytes: 0,
            verified: 0,
            errors: BTreeMap::new(),
            stages: BTreeMap::new(),
        }
    }

    pub(super) fn begin(&mut self) {
        self.began_ms = now_ms();
    }

    pub(super) fn end(&mut self) {
        self.ended_ms = now_ms();
    }

    pub(super) fn add(&mut self, account: &Account) {
        self.sessions += 1;
        self.uploads += account.uploads;
        self.bytes += account.bytes;
        for (stage, time) in &account.times {
            let time_us = rounded(microseconds(*time));
            let counts = self.stages.entry(*stage).or_default();
            count(counts, time_us, 1);
        }
        if let Some(error) = &account.error {
            self.add_error(error);
        }
    }

    pub(super) fn add_error(&mut self, kind: &str) {
        *self.errors.entry(kind.to_owned()).or_default() += 1;
    }

    /// Joins the figures of shards, each with the name it is known by, into those of all.
    pub fn merge(parts: Vec<(String, Figures)>) -> Result<Figures, MergeError> {
        let mut seen: BTreeMap<u32, String> = BTreeMap::new();
        let mut parts = parts.into_iter();
        let (first_name, mut all) = parts.next().ok_or(MergeError::Nothing)?;
        seen.extend(all.shards.iter().map(|shard| (*shard, first_name.clone())));
        for (name, part) in parts {
            if part.campaign != all.campaign || part.total != all.total {
                return Err(MergeError::Different(first_name, name));
            }
            for shard in &part.shards {
                if let Some(first) = seen.insert(*shard, name.clone()) {
                    return Err(MergeError::Twice { shard: *shard, first, second: name });
                }
            }
            all.began_ms = all.began_ms.min(part.began_ms);
            all.ended_ms = all.ended_ms.max(part.ended_ms);
            all.sessions += part.sessions;
            all.uploads += part.uploads;
            all.bytes += part.bytes;
            all.verified += part.verified;
            for (kind, number) in part.errors {
                *all.errors.entry(kind).or_default() += number;
            }
            for (stage, counts) in part.stages {
                let joined = all.stages.entry(stage).or_default();
                for (time_us, number) in counts {
                    count(joined, time_us, number);
                }
            }
        }
        all.shards = seen.into_keys().collect();
        Ok(all)
    }

    /// Shards that are not in it, counted from 0.
    pub fn missing(&self) -> Vec<u32> {
        (0..self.total).filter(|shard| !self.shards.contains(shard)).collect()
    }

    /// Whether nothing failed, and all that was acknowledged arrived.
    pub fn is_good(&self) -> bool {
        self.errors.is_empty() && self.verified == self.uploads
    }

    /// From the first session's beginning to the last one's end.
    pub fn seconds(&self) -> f64 {
        self.ended_ms.saturating_sub(self.began_ms) as f64 / 1e3
    }

    /// Bytes of all uploads over that time; absent where there was none.
    pub fn bytes_per_second(&self) -> Option<f64> {
        (self.ended_ms > self.began_ms).then(|| self.bytes as f64 / self.seconds())
    }

    /// How often a stage was counted, and its times in microseconds at these percentiles.
    pub fn percentiles<const N: usize>(&self, stage: Stage, at: [f64; N]) -> (u64, [u64; N]) {
        let Some(mut histogram) = empty() else { return (0, [0; N]) };
        for (time_us, number) in self.stages.get(&stage).into_iter().flatten() {
            histogram.saturating_record_n(*time_us, *number);
        }
        (histogram.len(), at.map(|percentile| histogram.value_at_percentile(percentile)))
    }
}

fn count(counts: &mut Vec<(u64, u64)>, time_us: u64, number: u64) {
    match counts.binary_search_by_key(&time_us, |(known, _)| *known) {
        Ok(place) => counts[place].1 += number,
        Err(place) => counts.insert(place, (time_us, number)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::Arrival;
    use super::*;

    fn campaign() -> Campaign {
        Campaign {
            sites: 4,
            sessions: 1,
            uploads: 1,
            sizes_bytes: vec![10],
            think_ms: 0,
            arrival: Arrival::AtOnce,
            seed: 1,
        }
    }

    fn account(number: u64) -> Account {
        Account {
            times: vec![
                (Stage::Handshake, Duration::from_micros(number * 7919 % 100_000)),
                (Stage::Upload, Duration::from_micros(number * 104_729 % 9_000_000)),
            ],
            uploads: 1,
            bytes: 10,
            error: number.is_multiple_of(10).then(|| "close: Failure (status 4)".to_owned()),
        }
    }

    /// The same accounts, counted by one and counted by three and joined, make the same figures, to the last digit.
    #[test]
    fn shards_join_to_what_one_run_counts() {
        let mut whole = Figures::new(campaign(), Shard { index: 0, total: 1 });
        let mut parts: Vec<Figures> =
            (0..3).map(|index| Figures::new(campaign(), Shard { index, total: 3 })).collect();
        for number in 1..2000 {
            whole.add(&account(number));
            parts[(number % 3) as usize].add(&account(number));
        }
        let named = parts.iter().enumerate().map(|(index, part)| (index.to_string(), part.clone())).collect();
        let joined = Figures::merge(named).unwrap();
        assert!(joined.missing().is_empty());
        assert_eq!(Figures { total: 1, shards: vec![0], ..joined }, whole);
        let written = serde_json::to_string(&whole).unwrap();
        assert_eq!(serde_json::from_str::<Figures>(&written).unwrap(), whole);
    }

    #[test]
    fn percentiles_are_right_to_three_digits() {
        let mut figures = Figures::new(campaign(), Shard { index: 0, total: 1 });
        for time in 1..=10_000 {
            let times = vec![(Stage::Close, Duration::from_micros(time * 100))];
            figures.add(&Account { times, ..Account::default() });
        }
        let (number, [half, most]) = figures.percentiles(Stage::Close, [50.0, 99.0]);
        assert_eq!(number, 10_000);
        assert!((499_000..=501_000).contains(&half), "{half}");
        assert!((989_000..=991_000).contains(&most), "{most}");
    }

    #[test]
    fn what_does_not_belong_together_is_not_joined() {
        let shard = |index| Figures::new(campaign(), Shard { index, total: 2 });
        let named = |name: &str, figures: Figures| (name.to_owned(), figures);
        let twice = Figures::merge(vec![named("a", shard(1)), named("b", shard(1))]).unwrap_err();
        assert_eq!(twice.to_string(), "shard 2 is in a and in b");
        let mut other = shard(0);
        other.campaign.seed = 2;
        let different = Figures::merge(vec![named("a", shard(1)), named("b", other)]).unwrap_err();
        assert!(different.to_string().contains("the seed among them"));
        assert!(Figures::merge(Vec::new()).is_err());
        assert_eq!(Figures::merge(vec![named("b", shard(1))]).unwrap().missing(), [0]);
    }
}
