//! Where the path of a backup device leads: the one place that knows.
//!
//! A path is written as the server's own machine would have it, and only three things of it count: the file's name, a
//! site's code among its folders, and whether its folder is `backup` or `inbox`. Drive letters, other folders, slashes
//! and backslashes alike are passed over, so that the text one would send to the real server works here as it is:
//!
//! | written | means |
//! |---|---|
//! | `D:\Spatial Cloud\CITY\Database\X.bak` | X.bak of site CITY: in its client folder's Database, else in its inbox's |
//! | `CITY/inbox/Database/X.bak` | X.bak that waits in the inbox of CITY for the nightly mover |
//! | `Database/X.bak`, `X.bak`, `/var/opt/mssql/upload/X.bak` | X.bak of the site whose database the session is in, or of the only site; else the server's own |
//! | `/var/opt/mssql/backup/X.bak` | X.bak in the server's own folder, where BACKUP DATABASE writes; else as above |
//!
//! Whatever is written, a path leads to a file in one of those folders and nowhere else.

use std::fs;
use std::path::{Path, PathBuf};

use spatialcloud_tds::Message;

use super::Instance;
use crate::warehouse::RECOMMENDED_PATH;

/// Most file names that an error lists.
const MOST_LISTED: usize = 8;

/// A path taken apart.
struct Written<'a> {
    folders: Vec<&'a str>,
    name: &'a str,
}

impl<'a> Written<'a> {
    fn parse(text: &'a str) -> Option<Written<'a>> {
        let mut parts: Vec<&str> = text.split(['/', '\\']).filter(|part| !part.is_empty()).collect();
        let name = parts.pop()?;
        // Drive letters and streams of Windows; what leads upwards is nowhere.
        let is_name = name != ".." && name != "." && !name.contains([':', '\0']);
        (is_name && !parts.contains(&"..")).then_some(Written { folders: parts, name })
    }

    fn has_folder(&self, name: &str) -> bool {
        self.folders.iter().any(|folder| folder.eq_ignore_ascii_case(name))
    }
}

impl Instance {
    /// The file that a device of RESTORE names, for a session in `database`.
    ///
    /// # Errors
    /// 3201, with what there is.
    pub fn device(&self, written: &str, database: &str) -> Result<PathBuf, Message> {
        let folders = Written::parse(written).map(|path| (self.folders(&path, database), path.name));
        let found = folders
            .iter()
            .flat_map(|(folders, name)| folders.iter().filter_map(|(_, folder)| file_in(folder, name)));
        found.into_iter().next().ok_or_else(|| {
            let looked: Vec<_> = folders.into_iter().flat_map(|(folders, _)| folders).collect();
            cannot_open(written, "2(The system cannot find the file specified.)", &self.told(&looked))
        })
    }

    /// The file that BACKUP DATABASE is to write: always in the server's own folder.
    ///
    /// # Errors
    /// 3201, where the path names another folder.
    pub fn device_to_write(&self, written: &str) -> Result<PathBuf, Message> {
        match Written::parse(written) {
            Some(path) if path.folders.last().is_none_or(|last| last.eq_ignore_ascii_case("backup")) => {
                Ok(self.backup_folder().join(path.name))
            }
            _ => {
                let told = "Backups are written into the server's own folder: name the file alone, or backup/NAME.bak.";
                Err(cannot_open(written, "5(Access is denied.)", told))
            }
        }
    }

    /// The folders that a path may mean, and what they are called, in the order they are looked at.
    fn folders(&self, path: &Written<'_>, database: &str) -> Vec<(String, PathBuf)> {
        let sites = self.sites.all();
        let named = |name: &str| sites.iter().find(|site| site.code.eq_ignore_ascii_case(name));
        let written = path.folders.iter().rev().find_map(|folder| named(folder));
        let only = || if let [only] = &sites[..] { Some(only) } else { None };
        let mut folders = Vec::new();
        if let Some(site) = written.or_else(|| named(database)).or_else(only) {
            let code = &site.code;
            if !path.has_folder("inbox") {
                folders.push((format!("{code}/Database"), site.cloud.join(database_folder())));
            }
            folders.push((format!("{code}/inbox/Database"), site.area.root().join(database_folder())));
        }
        let own = ("backup".to_owned(), self.backup_folder());
        if path.folders.last().is_some_and(|last| last.eq_ignore_ascii_case("backup")) {
            folders.insert(0, own);
        } else if written.is_none() {
            folders.push(own);
        }
        folders
    }

    /// What to tell somebody whose file is not there.
    fn told(&self, looked: &[(String, PathBuf)]) -> String {
        let mut files: Vec<String> = Vec::new();
        for (called, folder) in looked {
            files.extend(names_in(folder).into_iter().map(|name| format!("{called}/{name}")));
        }
        let codes: Vec<String> = self.sites.all().iter().map(|site| site.code.clone()).collect();
        let there = match files.len() {
            0 => "there are no files".to_owned(),
            count if count > MOST_LISTED => {
                format!("there are {count} files, {} …", files[..MOST_LISTED].join(", "))
            }
            _ => format!("there is {}", files.join(", ")),
        };
        let looked: Vec<&str> = looked.iter().map(|(called, _)| called.as_str()).collect();
        let looked = if looked.is_empty() { "no folder".to_owned() } else { looked.join(", ") };
        format!(
            "Here a path names a file as SITE/Database/NAME.bak (sites: {}), SITE/inbox/Database/NAME.bak or backup/NAME.bak; looked in {looked}: {there}.",
            if codes.is_empty() { "none".to_owned() } else { codes.join(", ") },
        )
    }
}

/// The folder of backups, in client folders and inboxes.
fn database_folder() -> &'static Path {
    Path::new(RECOMMENDED_PATH).parent().unwrap_or(Path::new(""))
}

/// A regular file of that name, in these letters or else in others.
fn file_in(folder: &Path, name: &str) -> Option<PathBuf> {
    let is_file = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file());
    let exact = Some(folder.join(name)).filter(is_file);
    exact.or_else(|| {
        let other = names_in(folder).into_iter().find(|known| known.eq_ignore_ascii_case(name))?;
        Some(folder.join(other))
    })
}

/// The names of the regular files of a folder, in order.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    let mut names: Vec<String> = files.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

/// 3201.
pub fn cannot_open(written: &str, system: &str, told: &str) -> Message {
    let text = format!("Cannot open backup device '{written}'. Operating system error {system}. {told}");
    Message { state: 2, ..Message::error(3201, text) }
}
