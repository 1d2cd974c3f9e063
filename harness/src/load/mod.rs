//! Load: many sessions of many sites at once against a simulated cloud, and how long each stage of theirs took.
//!
//! A campaign says what is to be done. One machine, or many, do it: each takes the sites whose number is its shard's,
//! and what they measured is joined without loss, because a histogram holds counts and not averages. The same campaign
//! has the same sessions at the same times in each number of shards.

mod figures;
mod session;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use spatialcloud_backup::writer::Random;

use crate::api::{Api, ApiError};
use crate::client::Login;
use crate::keys::KeyPair;
use crate::shard::Shard;
use crate::stack::{SftpAddress, StackError};
pub use figures::{Figures, MergeError, STAGES, Stage};
use session::Course;

/// Sites of a campaign at most: their codes have four digits.
pub const MOST_SITES: u32 = 9999;
/// Bytes that repeat in what is uploaded: longer than the memory of any compression of SSH.
const PATTERN_BYTES: usize = 1 << 20;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Campaign {
    /// Sites that upload.
    pub sites: u32,
    /// Connections of each.
    pub sessions: u32,
    /// Uploads of each connection, one after the other.
    pub uploads: u32,
    /// Sizes of the uploads in bytes, taken in turns.
    pub sizes_bytes: Vec<u64>,
    /// Pause between two uploads of a connection.
    pub think_ms: u64,
    /// When connections begin.
    pub arrival: Arrival,
    /// Whatever is left to chance follows from it.
    pub seed: u64,
}

/// When connections begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arrival {
    /// All at once.
    AtOnce,
    /// One after the other, at even distances of so many milliseconds.
    EveryMs(u64),
    /// As people come: at random distances, so many milliseconds on average.
    AroundMs(u64),
}

/// Why a campaign cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It makes no sense.
    #[error("{0}")]
    Campaign(String),
    /// There is no cloud.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// The cloud does not answer, or refuses.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Somebody ended it.
    #[error("interrupted; its sites are removed, and nothing was written")]
    Interrupted,
    /// No key for the sites.
    #[error("no key for the sites: {0}")]
    Key(std::io::Error),
}

/// One connection of a campaign.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Planned {
    site: u32,
    session: u32,
    begins: Duration,
}

impl Campaign {
    /// Says what is wrong with it, if anything is.
    pub fn check(&self, shard: Shard) -> Result<(), String> {
        let wrong = Err;
        if self.sites == 0 || self.sessions == 0 || self.uploads == 0 || self.sizes_bytes.is_empty() {
            return wrong("a load needs at least one site, session, upload and size".to_owned());
        }
        if self.sites > MOST_SITES {
            return wrong(format!("{} sites: at most {MOST_SITES} have a code", self.sites));
        }
        if shard.total > self.sites {
            return wrong(format!(
                "{} sites cannot be split into {} shards, because a site belongs to one shard: take more sites, or fewer shards",
                self.sites, shard.total
            ));
        }
        Ok(())
    }

    /// Every connection, in the order they begin. Does not depend on shards.
    fn plan(&self) -> Vec<Planned> {
        let mut random = Random::new(self.seed);
        let mut begins = Duration::ZERO;
        let mut planned = Vec::new();
        for session in 0..self.sessions {
            for site in 0..self.sites {
                planned.push(Planned { site, session, begins });
                begins += match self.arrival {
                    Arrival::AtOnce => Duration::ZERO,
                    Arrival::EveryMs(gap) => Duration::from_millis(gap),
                    // Gaps between people who do not know each other are distributed exponentially.
                    Arrival::AroundMs(gap) => {
                        let mut drawn = [0; 8];
                        random.fill(&mut drawn);
                        let chance = (u64::from_le_bytes(drawn) >> 11) as f64 / (1_u64 << 53) as f64;
                        Duration::from_millis(gap).mul_f64(-(1.0 - chance).ln())
                    }
                };
            }
        }
        planned
    }
}

/// The code of a site, such as `LOAD0007`.
fn code(site: u32) -> String {
    format!("LOAD{site:04}")
}

/// What is uploaded: bytes that no compression makes shorter, as many as are asked for.
fn pattern(seed: u64) -> Arc<[u8]> {
    let mut bytes = vec![0; PATTERN_BYTES];
    Random::new(seed).fill(&mut bytes);
    bytes.into()
}

/// Makes the sites of the shard, runs its sessions to their end, looks at what arrived, and removes the sites; also
/// when `interrupted` comes first, because a site that stays would refuse the next run.
pub async fn run(
    campaign: &Campaign,
    shard: Shard,
    api: &Api,
    sftp: &SftpAddress,
    from: &str,
    interrupted: impl Future<Output = ()>,
) -> Result<Figures, LoadError> {
    campaign.check(shard).map_err(LoadError::Campaign)?;
    let pair = crate::keys::own().map_err(LoadError::Key)?;
    let mine: Vec<u32> = (0..campaign.sites).filter(|site| shard.takes(*site)).collect();
    let mut made = Vec::new();
    let mut ran = Ok(());
    for &site in &mine {
        match api.create_site(&code(site), &pair.public, &[from.to_owned()], true).await {
            Ok(_) => made.push(site),
            Err(error) => {
                ran = Err(LoadError::Api(error));
                break;
            }
        }
    }
    let mut figures = Figures::new(campaign.clone(), shard);
    if ran.is_ok() {
        let work = async {
            let acknowledged = upload_all(campaign, shard, sftp, &pair, &mut figures).await;
            verify(campaign, &mine, &acknowledged, api, &mut figures).await
        };
        ran = tokio::select! {
            ran = work => ran,
            () = interrupted => Err(LoadError::Interrupted),
        };
    }
    for site in made {
        let removed = api.delete(&format!("sites/{}", code(site))).await;
        ran = ran.and(removed.map(drop).map_err(LoadError::Api));
    }
    ran.map(|()| figures)
}

/// Runs the sessions; answers how many uploads of each, by site and number, were acknowledged.
async fn upload_all(
    campaign: &Campaign,
    shard: Shard,
    sftp: &SftpAddress,
    pair: &KeyPair,
    figures: &mut Figures,
) -> HashMap<(u32, u32), u64> {
    let pattern = pattern(campaign.seed);
    let work = std::env::temp_dir();
    figures.begin();
    let since = tokio::time::Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for planned in campaign.plan() {
        if !shard.takes(planned.site) {
            continue;
        }
        let course = Course {
            login: Login::new(sftp, &code(planned.site), pair.clone(), &work),
            session: planned.session,
            campaign: campaign.clone(),
            pattern: pattern.clone(),
        };
        running.spawn(async move {
            tokio::time::sleep_until(since + planned.begins).await;
            ((planned.site, planned.session), course.run().await)
        });
    }
    let mut acknowledged = HashMap::new();
    while let Some(ended) = running.join_next().await {
        match ended {
            Ok((whose, account)) => {
                figures.add(&account);
                acknowledged.insert(whose, account.uploads);
            }
            Err(error) => figures.add_error(&format!("ours: {error}")),
        }
    }
    figures.end();
    acknowledged
}

/// After the clock has stopped: whether each file that a client heard was taken is there, byte for byte.
async fn verify(
    campaign: &Campaign,
    sites: &[u32],
    acknowledged: &HashMap<(u32, u32), u64>,
    api: &Api,
    figures: &mut Figures,
) -> Result<(), LoadError> {
    let pattern = pattern(campaign.seed);
    let hashes: Vec<String> =
        campaign.sizes_bytes.iter().map(|&size_bytes| session::hash(&pattern, size_bytes)).collect();
    for &site in sites {
        let mut right = 0;
        let expected = |path: &str| {
            let (session, upload) = session::numbers(path)?;
            // Sessions stop at the first upload that fails: what is acknowledged comes before it.
            let is_acknowledged =
                u64::from(upload) < acknowledged.get(&(site, session)).copied().unwrap_or(0);
            hashes.get(session::turn(campaign, session, upload)).filter(|_| is_acknowledged)
        };
        // A mover may have come meanwhile.
        for area in ["inbox", "cloud"] {
            for file in api.files(&code(site), area, true).await? {
                let wanted = expected(&file.path);
                right += u64::from(wanted.is_some() && wanted == file.sha256.as_ref());
            }
        }
        figures.verified += right;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn campaign(arrival: Arrival) -> Campaign {
        Campaign { sites: 5, sessions: 2, uploads: 1, sizes_bytes: vec![1], think_ms: 0, arrival, seed: 7 }
    }

    #[test]
    fn every_session_is_planned_once_and_at_the_same_time_whatever_the_shards() {
        for arrival in [Arrival::AtOnce, Arrival::EveryMs(10), Arrival::AroundMs(10)] {
            let plan = campaign(arrival).plan();
            assert_eq!(plan, campaign(arrival).plan());
            let mut sessions: Vec<_> = plan.iter().map(|planned| (planned.site, planned.session)).collect();
            sessions.sort_unstable();
            sessions.dedup();
            assert_eq!(sessions.len(), 10, "{arrival:?}");
            assert!(plan.is_sorted_by_key(|planned| planned.begins), "{arrival:?}");
        }
    }

    #[test]
    fn random_gaps_have_the_mean_that_was_asked_for() {
        let many = Campaign { sites: 9999, sessions: 4, ..campaign(Arrival::AroundMs(10)) };
        let plan = many.plan();
        let mean = plan.last().unwrap().begins.as_secs_f64() / plan.len() as f64;
        assert!((0.0095..0.0105).contains(&mean), "{mean}");
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        let shard = |index, total| Shard { index, total };
        let five = campaign(Arrival::AtOnce);
        let cases = [
            (Campaign { uploads: 0, ..five.clone() }, shard(0, 1), "at least one"),
            (Campaign { sites: 10_000, ..five.clone() }, shard(0, 1), "9999"),
            (five.clone(), shard(0, 6), "take more sites, or fewer shards"),
        ];
        for (campaign, shard, words) in cases {
            let said = campaign.check(shard).unwrap_err();
            assert!(said.contains(words), "{said}");
        }
        assert!(five.check(shard(4, 5)).is_ok());
    }
}
