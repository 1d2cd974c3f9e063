//! One file from the inbox to the client folder: atomic, exactly once, whatever kills us (C-34).
//!
//! Both sides lie on one file system, so `rename` moves the file in one step. A file of the same name in
//! the client folder first gets a second name in the history (a hard link), then is replaced by the same
//! `rename`. Killed between the two, the history holds a link to a file that is still current:
//! [`recover`] removes such links at the next start. There is no moment at which a file is on both
//! sides or on none.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Moves `path` (such as `Spatial/a/b.tif`). Answers whether an earlier file of that name was replaced.
pub fn move_file(inbox: &Path, cloud: &Path, history: &Path, path: &str) -> io::Result<bool> {
    let source = inbox.join(path);
    let target = cloud.join(path);
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent)?;
    }
    let replaced = match fs::symlink_metadata(&target) {
        Ok(metadata) if metadata.is_dir() => {
            return Err(io::Error::new(
                io::ErrorKind::IsADirectory,
                "a folder of that name is in the client folder",
            ));
        }
        Ok(_) => {
            keep_generation(&target, history, path)?;
            true
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    };
    fs::rename(&source, &target)?;
    Ok(replaced)
}

/// Gives the current file a second name `history/PATH.N`, N counting up.
fn keep_generation(current: &Path, history: &Path, path: &str) -> io::Result<()> {
    let base = history.join(path);
    if let Some(parent) = base.parent() {
        fs::create_dir_all(parent)?;
    }
    let latest = generations(&base)?.into_iter().max().unwrap_or(0);
    fs::hard_link(current, generation_path(&base, latest + 1))
}

fn generation_path(base: &Path, number: u64) -> PathBuf {
    let mut name = base.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

/// The numbers of all kept generations of `base`.
fn generations(base: &Path) -> io::Result<Vec<u64>> {
    let (Some(folder), Some(name)) = (base.parent(), base.file_name().and_then(|name| name.to_str())) else {
        return Ok(Vec::new());
    };
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        if let Some(number) = entry?
            .file_name()
            .to_str()
            .and_then(|found| found.strip_prefix(name)?.strip_prefix('.')?.parse().ok())
        {
            numbers.push(number);
        }
    }
    Ok(numbers)
}

/// Removes history links left by a move that was cut off before its rename.
pub fn recover(cloud: &Path, history: &Path) -> io::Result<()> {
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(history.join(&folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let relative = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                folders.push(relative);
                continue;
            }
            // `PATH.N` beside a current file `PATH` that is the very same file: not replaced after all.
            let current = fs::symlink_metadata(cloud.join(relative.with_extension("")));
            if let Ok(current) = current
                && (current.dev(), current.ino()) == (entry.metadata()?.dev(), entry.metadata()?.ino())
            {
                fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn replaced_files_are_kept_in_order_and_half_moves_are_mended() {
        let folder = tempfile::tempdir().unwrap();
        let [inbox, cloud, history] = ["inbox", "cloud", "history"].map(|name| folder.path().join(name));
        fs::create_dir_all(inbox.join("Spatial/a")).unwrap();
        for (round, text) in ["one", "two", "three"].iter().enumerate() {
            fs::write(inbox.join("Spatial/a/b.tif"), text).unwrap();
            let replaced = move_file(&inbox, &cloud, &history, "Spatial/a/b.tif").unwrap();
            assert_eq!(replaced, round > 0);
        }
        let read = |path: PathBuf| fs::read_to_string(path).unwrap();
        assert_eq!(read(cloud.join("Spatial/a/b.tif")), "three");
        assert_eq!(read(history.join("Spatial/a/b.tif.1")), "one");
        assert_eq!(read(history.join("Spatial/a/b.tif.2")), "two");
        // Cut off between the link and the rename:
        keep_generation(&cloud.join("Spatial/a/b.tif"), &history, "Spatial/a/b.tif").unwrap();
        recover(&cloud, &history).unwrap();
        assert!(!history.join("Spatial/a/b.tif.3").exists());
        assert!(history.join("Spatial/a/b.tif.2").exists());
    }
}
