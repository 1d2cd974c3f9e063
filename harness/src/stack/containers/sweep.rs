//! Takes away what a run has started, by its label: at its end, and at the start of the next one what an earlier run
//! that was killed has left. Nothing else on the engine is touched.

use std::collections::HashMap;

use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error;
use testcontainers::bollard::query_parameters::{
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, RemoveContainerOptionsBuilder,
};

/// Label of all that a run starts; its value names the run.
pub(super) const RUN_LABEL: &str = "spatialcloud.run";
/// Label that tells which process a run is.
pub(super) const OWNER_LABEL: &str = "spatialcloud.owner";
/// What belongs to a process that nobody here can see is given up after a day.
const LONGEST_RUN_SECONDS: i64 = 24 * 60 * 60;

/// Names this process for as long as the machine runs: its space of process numbers, its number, and when it started,
/// since numbers come again; then the present, in seconds since 1970.
pub(super) fn owner() -> String {
    let space = space().unwrap_or_default();
    let number = std::process::id();
    let now = jiff::Timestamp::now().as_second();
    format!("{space} {number} {} {now}", started(number).unwrap_or_default())
}

fn space() -> Option<String> {
    Some(std::fs::read_link("/proc/self/ns/pid").ok()?.display().to_string())
}

/// When a process started, in the kernel's own count; the name before it may hold anything but ends with a bracket.
fn started(number: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(19).map(str::to_owned)
}

/// Whether the run of that owner is over: certain where its process would be seen here, else a matter of age.
fn is_over(owner: &str) -> bool {
    let words: Vec<&str> = owner.split(' ').collect();
    let [found_space, number, start, begun] = words[..] else { return false };
    if Some(found_space) == space().as_deref() {
        return number.parse().ok().and_then(started).is_none_or(|found| found != start);
    }
    let age = begun.parse().map(|begun: i64| jiff::Timestamp::now().as_second() - begun);
    age.is_ok_and(|seconds| seconds > LONGEST_RUN_SECONDS)
}

/// Removes everything of one run.
pub(super) async fn run(docker: &Docker, run: &str) -> Result<(), Error> {
    remove(docker, &format!("{RUN_LABEL}={run}"), |_| true).await
}

/// Removes everything of runs whose process has gone.
pub(super) async fn earlier(docker: &Docker) -> Result<(), Error> {
    remove(docker, RUN_LABEL, is_over).await
}

async fn remove(docker: &Docker, label: &str, is_wanted: impl Fn(&str) -> bool) -> Result<(), Error> {
    let filters = HashMap::from([("label".to_owned(), vec![label.to_owned()])]);
    let owner = |labels: &Option<HashMap<String, String>>| {
        labels.as_ref().and_then(|labels| labels.get(OWNER_LABEL).cloned()).unwrap_or_default()
    };
    let all = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
    for container in docker.list_containers(Some(all)).await? {
        if is_wanted(&owner(&container.labels))
            && let Some(id) = &container.id
        {
            let how = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
            gone(docker.remove_container(id, Some(how)).await)?;
        }
    }
    let all = ListNetworksOptionsBuilder::new().filters(&filters).build();
    for network in docker.list_networks(Some(all)).await? {
        if is_wanted(&owner(&network.labels))
            && let Some(id) = &network.id
        {
            gone(docker.remove_network(id).await)?;
        }
    }
    Ok(())
}

/// What somebody else has removed, or is removing, is gone as well.
fn gone(result: Result<(), Error>) -> Result<(), Error> {
    match result {
        Err(Error::DockerResponseServerError { status_code: 404 | 409, .. }) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_over_when_its_process_has_gone() {
        assert!(!is_over(&owner()), "this one runs");
        let space = space().unwrap_or_default();
        assert!(is_over(&format!("{space} 4194304 1 0")));
        assert!(is_over(&format!("{space} {} 1 0", std::process::id())), "the number came again");
        let now = jiff::Timestamp::now().as_second();
        assert!(!is_over(&format!("pid:[1] 7 1 {now}")), "nobody here can see it");
        assert!(is_over(&format!("pid:[1] 7 1 {}", now - LONGEST_RUN_SECONDS - 1)));
        assert!(!is_over("of somebody else"));
    }
}
