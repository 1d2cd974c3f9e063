//! One machine's share of work that many do: from the command line, or from what pipelines say of themselves.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One of several equal shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Counted from 0; people count from 1.
    pub index: u32,
    /// Shards in all.
    pub total: u32,
}

/// Where pipelines say which machine of how many this is: index, total, and what the first index is.
const VARIABLES: &[(&str, &str, u32)] = &[
    ("SHARD_INDEX", "SHARD_TOTAL", 1),
    // Kubernetes' Indexed Jobs say only the index; the manifest says the total.
    ("JOB_COMPLETION_INDEX", "SHARD_TOTAL", 0),
    // GitLab's `parallel`, and those who took its names over.
    ("CI_NODE_INDEX", "CI_NODE_TOTAL", 1),
    // Azure DevOps' `strategy: parallel`.
    ("SYSTEM_JOBPOSITIONINPHASE", "SYSTEM_TOTALJOBSINPHASE", 1),
    ("CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL", 0),
    ("BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT", 0),
];

impl Shard {
    /// All of the work.
    pub const WHOLE: Shard = Shard { index: 0, total: 1 };

    /// What the environment says; nothing where it says nothing.
    pub fn from_environment() -> Result<Option<Shard>, String> {
        Shard::from_variables(|name| std::env::var(name).ok())
    }

    fn from_variables(value: impl Fn(&str) -> Option<String>) -> Result<Option<Shard>, String> {
        for &(index_name, total_name, first) in VARIABLES {
            let (Some(index), Some(total)) = (value(index_name), value(total_name)) else { continue };
            let wrong = || {
                format!(
                    "{index_name}={index} and {total_name}={total}: expected a number from {first} on, below the \
                     total{}; --shard I/N goes before them",
                    if first == 1 { " or equal to it" } else { "" }
                )
            };
            let number: u32 = index.parse().map_err(|_| wrong())?;
            let total: u32 = total.parse().map_err(|_| wrong())?;
            let index = number.checked_sub(first).filter(|index| *index < total).ok_or_else(wrong)?;
            return Ok(Some(Shard { index, total }));
        }
        // An index alone would run all of the work on each machine, and nobody would notice.
        if let Some(index) = value("SHARD_INDEX") {
            return Err(format!("SHARD_INDEX={index} without SHARD_TOTAL: set both, or neither"));
        }
        Ok(None)
    }

    /// Whether the work of that number is this shard's.
    pub fn takes(self, number: u32) -> bool {
        number % self.total.max(1) == self.index
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let parts = text
            .split_once('/')
            .and_then(|(index, total)| Some((index.parse::<u32>().ok()?, total.parse::<u32>().ok()?)));
        match parts {
            Some((index, total)) if (1..=total).contains(&index) => Ok(Shard { index: index - 1, total }),
            _ => Err("expected I/N such as 1/3".to_owned()),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.index + 1, self.total)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    type Variables = &'static [(&'static str, &'static str)];

    fn from(variables: &[(&str, &str)]) -> Result<Option<Shard>, String> {
        Shard::from_variables(|wanted| {
            let found = variables.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn each_pipeline_is_understood_in_its_own_way_of_counting() {
        let cases: &[(Variables, Option<&str>)] = &[
            (&[], None),
            (&[("SHARD_INDEX", "1"), ("SHARD_TOTAL", "3")], Some("1/3")),
            (&[("JOB_COMPLETION_INDEX", "0"), ("SHARD_TOTAL", "3")], Some("1/3")),
            (&[("CI_NODE_INDEX", "3"), ("CI_NODE_TOTAL", "3")], Some("3/3")),
            (&[("SYSTEM_JOBPOSITIONINPHASE", "2"), ("SYSTEM_TOTALJOBSINPHASE", "4")], Some("2/4")),
            (&[("CIRCLE_NODE_INDEX", "1"), ("CIRCLE_NODE_TOTAL", "2")], Some("2/2")),
            // Not sharded, though GitLab says so of every job.
            (&[("CI_NODE_TOTAL", "1")], None),
            // The one that was set for this goes first.
            (
                &[("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "9"), ("SHARD_INDEX", "2"), ("SHARD_TOTAL", "2")],
                Some("2/2"),
            ),
        ];
        for (variables, expected) in cases {
            let shard = from(variables).unwrap();
            assert_eq!(shard.map(|shard| shard.to_string()).as_deref(), *expected, "{variables:?}");
        }
    }

    #[test]
    fn what_would_run_the_wrong_share_is_refused() {
        for (variables, words) in [
            ([("SHARD_INDEX", "0"), ("SHARD_TOTAL", "3")], "from 1 on"),
            ([("SHARD_INDEX", "4"), ("SHARD_TOTAL", "3")], "equal to it"),
            ([("CIRCLE_NODE_INDEX", "2"), ("CIRCLE_NODE_TOTAL", "2")], "below the total;"),
            ([("SHARD_INDEX", "2"), ("SHARD_COUNT", "3")], "without SHARD_TOTAL"),
        ] {
            let said = from(&variables).unwrap_err();
            assert!(said.contains(words), "{said}");
        }
    }

    #[test]
    fn shards_share_all_work_and_nothing_twice() {
        for number in 0..100 {
            let takers = (1..=3).filter(|index| format!("{index}/3").parse::<Shard>().unwrap().takes(number));
            assert_eq!(takers.count(), 1);
        }
    }
}
