//! Paths as clients write them, turned into names relative to a site's tree (contract C-22).

use std::fmt;

/// Longest path a client may send, in bytes. Windows and Linux both stop near here.
pub const PATH_LENGTH_BYTES: usize = 4096;
/// Longest single name, in bytes: what ext4, NTFS and APFS can all hold.
pub const NAME_LENGTH_BYTES: usize = 255;

/// A path inside a site's tree: normalised, relative to its root, without `.` or `..`.
///
/// `..` never rises above the root, as in a chroot: `/../Database` is `Database`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SitePath {
    names: Vec<String>,
}

/// Why a path was refused before anything on disk was touched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The whole path is longer than [`PATH_LENGTH_BYTES`].
    #[error("path of {found_bytes} bytes: at most {PATH_LENGTH_BYTES} are allowed; use a shorter path")]
    PathTooLong {
        /// Length that came, in bytes.
        found_bytes: usize,
    },
    /// One name is longer than [`NAME_LENGTH_BYTES`].
    #[error("name of {found_bytes} bytes: at most {NAME_LENGTH_BYTES} are allowed; use a shorter name")]
    NameTooLong {
        /// Length that came, in bytes.
        found_bytes: usize,
    },
    /// The path holds a NUL character.
    #[error("the path contains a NUL character: no file can be named so")]
    Nul,
}

impl SitePath {
    /// Reads a path as a client sent it; relative paths start at the root, where every session starts.
    pub fn parse(text: &str) -> Result<SitePath, PathError> {
        if text.len() > PATH_LENGTH_BYTES {
            return Err(PathError::PathTooLong { found_bytes: text.len() });
        }
        if text.contains('\0') {
            return Err(PathError::Nul);
        }
        let mut names = Vec::new();
        for name in text.split('/') {
            match name {
                "" | "." => {}
                ".." => {
                    names.pop();
                }
                _ if name.len() > NAME_LENGTH_BYTES => {
                    return Err(PathError::NameTooLong { found_bytes: name.len() });
                }
                _ => names.push(name.to_owned()),
            }
        }
        Ok(SitePath { names })
    }

    /// The names from the root down; empty for the root itself.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The first name: one of the standard folders, if the path is a valid one.
    pub fn top(&self) -> Option<&str> {
        self.names.first().map(String::as_str)
    }

    /// `Database/x.bak`: the form used in events, the API and on disk.
    pub fn relative(&self) -> String {
        self.names.join("/")
    }

    /// Whether `other` is this path or lies below it.
    pub fn contains(&self, other: &SitePath) -> bool {
        other.names.starts_with(&self.names)
    }

    /// Why Windows, where the client folders are, could not hold one of the names (reported, never refused).
    pub fn windows_warning(&self) -> Option<String> {
        self.names.iter().find_map(|name| {
            windows_complaint(name).map(|complaint| format!("{:?} {complaint}", name.as_str()))
        })
    }
}

impl fmt::Display for SitePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "/{}", self.relative())
    }
}

/// Device names that Windows reserves, with or without an extension.
const WINDOWS_DEVICES: &[&str] = &["CON", "PRN", "AUX", "NUL"];

fn windows_complaint(name: &str) -> Option<&'static str> {
    if name.ends_with('.') || name.ends_with(' ') {
        return Some("ends in a dot or a space, which Windows drops");
    }
    if name.chars().any(|c| "<>:\"\\|?*".contains(c) || c.is_control()) {
        return Some("has a character that Windows names cannot have");
    }
    let stem = name.split('.').next().unwrap_or(name).to_ascii_uppercase();
    let numbered =
        |prefix: &str| stem.strip_prefix(prefix).is_some_and(|rest| matches!(rest.as_bytes(), [b'1'..=b'9']));
    (WINDOWS_DEVICES.contains(&stem.as_str()) || numbered("COM") || numbered("LPT"))
        .then_some("is a device name that Windows reserves")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_are_normalised_inside_the_tree() {
        for (text, expected) in [
            ("", ""),
            ("/", ""),
            (".", ""),
            ("/Database/", "Database"),
            ("Database//./x.bak", "Database/x.bak"),
            ("/../../etc/passwd", "etc/passwd"),
            ("/Spatial/../Web/a", "Web/a"),
        ] {
            assert_eq!(SitePath::parse(text).unwrap().relative(), expected, "{text:?}");
        }
    }

    #[test]
    fn impossible_paths_are_refused_by_name() {
        assert_eq!(SitePath::parse("a\0b"), Err(PathError::Nul));
        let long = "x".repeat(256);
        assert_eq!(SitePath::parse(&long), Err(PathError::NameTooLong { found_bytes: 256 }));
        let deep = "a/".repeat(2049);
        assert!(matches!(SitePath::parse(&deep), Err(PathError::PathTooLong { .. })));
    }

    #[test]
    fn names_that_windows_cannot_hold_are_noticed() {
        for name in ["a:b", "x.", "CON", "con.txt", "COM1", "lpt9.dbf", "a|b", "tail "] {
            assert!(SitePath::parse(name).unwrap().windows_warning().is_some(), "{name}");
        }
        for name in ["IntraMapsSpatialCloud.bak", "Straße 1.shp", "COM", "COM10", ".in.x"] {
            assert_eq!(SitePath::parse(name).unwrap().windows_warning(), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_path_leaves_the_tree(text in ".{0,200}") {
            if let Ok(path) = SitePath::parse(&text) {
                for name in path.names() {
                    prop_assert!(!name.is_empty() && name != "." && name != ".." && !name.contains('/'));
                }
            }
        }
    }
}
