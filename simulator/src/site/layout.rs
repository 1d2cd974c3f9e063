//! Where files and folders may be made: the one place that knows the three folders (C-20, C-21).

use super::area::{AreaError, conflict, forbidden};
use super::path::SitePath;
use crate::config::Layout;

/// What the root holds at first; under [`Layout::Standard`] exactly and for ever.
pub const TOP_FOLDERS: [&str; 3] = ["Database", "Spatial", "Web"];
/// The folder that takes files but no folders.
const FLAT_FOLDER: &str = "Database";

impl Layout {
    /// What to tell whoever looked for something that is not there.
    pub fn hint(self) -> &'static str {
        match self {
            Layout::Standard => "; the folders here are Database, Spatial and Web, in exactly this spelling",
            Layout::Free => "",
        }
    }

    /// Whether something of that name in the root belongs to the area.
    pub(super) fn shows(self, top: &str) -> bool {
        self == Layout::Free || TOP_FOLDERS.contains(&top)
    }

    /// Whether a file may be opened at `path`.
    pub(super) fn check_file(self, path: &SitePath) -> Result<(), AreaError> {
        match (self, path.names()) {
            (Layout::Standard, [only])
                if TOP_FOLDERS.iter().any(|folder| folder.eq_ignore_ascii_case(only)) =>
            {
                Err(AreaError::NoSuchFile { path: path.to_string() })
            }
            (Layout::Standard, [_]) => {
                Err(forbidden(path, "the root takes no files: put it into Database, Spatial or Web"))
            }
            _ => Ok(()),
        }
    }

    /// Whether a folder may be made at `path`.
    pub(super) fn check_folder(self, path: &SitePath) -> Result<(), AreaError> {
        match (self, path.names()) {
            (Layout::Standard, [only]) if TOP_FOLDERS.contains(&only.as_str()) => {
                Err(conflict(path, "exists already"))
            }
            (Layout::Standard, [_]) => Err(forbidden(path, "the root takes no new folders")),
            (Layout::Standard, [top, ..]) if top == FLAT_FOLDER => {
                Err(forbidden(path, "Database takes files only, no folders"))
            }
            _ => Ok(()),
        }
    }

    /// Refuses, with that reason, to change what is in the root.
    pub(super) fn keep_root(self, path: &SitePath, reason: &'static str) -> Result<(), AreaError> {
        match self {
            Layout::Standard if path.names().len() < 2 => Err(forbidden(path, reason)),
            _ => Ok(()),
        }
    }
}
