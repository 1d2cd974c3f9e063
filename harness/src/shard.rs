//! Which part of the work is this machine's, as pipelines and clusters tell it.

/// A variable with the number of a part, the one with how many there are, and the number of the first. Those of ours
/// come first, so that they win: Kubernetes' Indexed Jobs tell no total, and take that from us.
const VARIABLES: &[(&str, &str, usize)] = &[
    ("SHARD_INDEX", "SHARD_TOTAL", 0),
    // GitLab, and others after it.
    ("CI_NODE_INDEX", "CI_NODE_TOTAL", 1),
    // Azure Pipelines.
    ("SYSTEM_JOBPOSITIONINPHASE", "SYSTEM_TOTALJOBSINPHASE", 1),
    // Kubernetes.
    ("JOB_COMPLETION_INDEX", "SHARD_TOTAL", 0),
];

/// The part, counted from 1, and how many there are; `(1, 1)`, all of it, where no variable tells otherwise.
///
/// # Errors
/// Where a variable is no number, or its other half is missing or does not fit.
pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Result<(usize, usize), String> {
    let given = |name: &str| variable(name).filter(|value| !value.is_empty());
    let Some((index, total, first)) = VARIABLES.iter().find(|(index, ..)| given(index).is_some()) else {
        return Ok((1, 1));
    };
    let number = |name: &str| match given(name) {
        None => Err(format!("{index} is set and {name} is not: set both")),
        Some(text) => text.parse::<usize>().map_err(|_| format!("{name}={text:?}: expected a number")),
    };
    let (number_of_part, parts) = (number(index)?, number(total)?);
    match number_of_part.checked_sub(*first) {
        Some(part) if part < parts => Ok((part + 1, parts)),
        _ => Err(format!(
            "{index}={number_of_part} and {total}={parts}: expected {first} to {}",
            (parts + first).saturating_sub(1)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_system_counts_in_its_own_way() {
        let shard = |variables: &[(&str, &str)]| {
            let found = |name: &str| variables.iter().find(|(known, _)| *known == name);
            of_environment(|name| found(name).map(|(_, value)| (*value).to_owned()))
        };
        for (variables, expected) in [
            (&[][..], (1, 1)),
            (&[("SHARD_INDEX", "0"), ("SHARD_TOTAL", "3")], (1, 3)),
            (&[("CI_NODE_INDEX", "3"), ("CI_NODE_TOTAL", "3")], (3, 3)),
            (&[("SYSTEM_JOBPOSITIONINPHASE", "1"), ("SYSTEM_TOTALJOBSINPHASE", "2")], (1, 2)),
            (&[("JOB_COMPLETION_INDEX", "4"), ("SHARD_TOTAL", "5")], (5, 5)),
            (
                &[("SHARD_INDEX", "1"), ("SHARD_TOTAL", "2"), ("CI_NODE_INDEX", "9"), ("CI_NODE_TOTAL", "9")],
                (2, 2),
            ),
            (&[("SHARD_INDEX", ""), ("CI_NODE_INDEX", "")], (1, 1)),
        ] {
            assert_eq!(shard(variables), Ok(expected), "{variables:?}");
        }
        for (variables, words) in [
            (&[("SHARD_INDEX", "0")][..], "SHARD_INDEX is set and SHARD_TOTAL is not"),
            (&[("SHARD_INDEX", "one"), ("SHARD_TOTAL", "2")], "SHARD_INDEX=\"one\": expected a number"),
            (&[("SHARD_INDEX", "2"), ("SHARD_TOTAL", "2")], "expected 0 to 1"),
            (&[("CI_NODE_INDEX", "0"), ("CI_NODE_TOTAL", "2")], "expected 1 to 2"),
            (&[("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "0")], "CI_NODE_TOTAL=0"),
        ] {
            let error = shard(variables).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
