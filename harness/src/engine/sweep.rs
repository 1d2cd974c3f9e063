//! Removes what earlier runs left behind: containers whose process was killed before it could. Each has a label with the
//! process that started it, and is removed when that is gone; those of runs beside this one are not touched.

use std::collections::HashMap;
use std::path::Path;

use testcontainers::bollard::Docker;
use testcontainers::bollard::query_parameters::{ListContainersOptions, RemoveContainerOptions};

/// Label of every container of ours: machine and process that started it.
pub(super) const LABEL: &str = "spatialcloud.sql-server";

/// Begins the name of every folder of backups.
pub(super) const FOLDER_PREFIX: &str = "spatialcloud-backups-";

/// What stands in the label of this process's containers.
pub(super) fn owner() -> String {
    format!("{}/{}", machine(), std::process::id())
}

/// Tells this machine's processes from those of others that use the same Docker; other containers count as others.
fn machine() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let space = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    format!("{}{}", boot.trim(), space.display())
}

/// Removes containers of this machine whose process is gone. What cannot be removed now is tried by the next run.
pub(super) async fn sweep(docker: &Docker) {
    let options = ListContainersOptions {
        all: true,
        filters: Some(HashMap::from([("label".to_owned(), vec![LABEL.to_owned()])])),
        ..ListContainersOptions::default()
    };
    for container in docker.list_containers(Some(options)).await.unwrap_or_default() {
        let owner = container.labels.as_ref().and_then(|labels| labels.get(LABEL));
        if let (Some(id), Some(owner)) = (container.id, owner)
            && is_gone(owner)
        {
            remove(docker, &id).await;
            // The folder that was mounted there is its process's too.
            let mounted = container.mounts.into_iter().flatten().filter_map(|mount| mount.source);
            for folder in mounted.map(std::path::PathBuf::from).filter(|folder| is_ours(folder)) {
                let _ = std::fs::remove_dir_all(folder);
            }
        }
    }
}

/// Removes a container with its volumes, running or not.
pub(super) async fn remove(docker: &Docker, id: &str) {
    let options = RemoveContainerOptions { force: true, v: true, ..RemoveContainerOptions::default() };
    let _ = docker.remove_container(id, Some(options)).await;
}

/// Whether it is a folder of backups that [`super::Engine`] has made.
fn is_ours(folder: &Path) -> bool {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    folder.parent() == Some(&std::env::temp_dir()) && name.starts_with(FOLDER_PREFIX)
}

fn is_gone(owner: &str) -> bool {
    let Some((own, process)) = owner.rsplit_once('/') else { return false };
    own == machine() && !Path::new("/proc").join(process).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_process_of_this_machine_can_be_known_to_be_gone() {
        assert!(!is_gone(&owner()));
        assert!(is_gone(&format!("{}/4194305", machine())), "greater than any process number");
        assert!(!is_gone("another machine/4194305"));
        assert!(!is_gone(""));
    }
}
