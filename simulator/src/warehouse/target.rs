//! Where a shapefile goes: FilePath and FileName of a metadata row, turned into a path under the site's OUT folder.
//!
//! Both columns come from the upload, so nothing in them is trusted: a path that would leave the folder is refused,
//! not bent (C-45). The OUT folder is on Windows, so names that Windows cannot hold are refused too.

use std::fmt;

use crate::site::path::{NAME_LENGTH_BYTES, SitePath};

/// Longest that is put behind a FileName: the kind of a mixed table's second file, and an extension.
const LONGEST_ENDING: &str = "_polygon.shp";
/// Extensions of a shapefile set. A FileName that brings one loses it.
const EXTENSIONS: [&str; 6] = ["shp", "shx", "dbf", "prj", "cpg", "qix"];

/// A place under the OUT folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Folders from OUT down, perhaps none.
    pub folders: Vec<String>,
    /// The files' name, without extension.
    pub name: String,
    /// The extension that FileName brought and that was taken off.
    pub extension_dropped: Option<String>,
}

impl Target {
    /// `Cadastre/parcels`, relative to OUT, without extension.
    pub fn relative(&self) -> String {
        self.folders.iter().map(|folder| format!("{folder}/")).collect::<String>() + &self.name
    }

    /// What two targets have in common when one would overwrite the other: Windows does not tell case apart.
    pub fn key(&self) -> String {
        self.relative().to_lowercase()
    }
}

/// Why FilePath and FileName lead nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetError {
    /// FilePath without FileName.
    NoFileName,
    /// A folder or drive of its own.
    Absolute(String),
    /// `..` somewhere.
    Parent(String),
    /// FileName with a folder in it.
    FolderInFileName(String),
    /// A name that Windows cannot hold, and why.
    Name(String),
}

impl fmt::Display for TargetError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TargetError::NoFileName => {
                formatter.write_str("FilePath is filled in and FileName is not: fill in both, or neither")
            }
            TargetError::Absolute(path) => write!(
                formatter,
                "FilePath {path:?} begins at a drive or at the root: give a folder below OUT, such as \"Cadastre\""
            ),
            TargetError::Parent(path) => {
                write!(formatter, "FilePath {path:?} leads upwards: give a folder below OUT, without \"..\"")
            }
            TargetError::FolderInFileName(name) => {
                write!(formatter, "FileName {name:?} has a folder in it: put the folder into FilePath")
            }
            TargetError::Name(complaint) => {
                write!(formatter, "{complaint}: choose another name, since the files are stored on Windows")
            }
        }
    }
}

/// Resolves one row; `None` when both columns are blank, which asks for no shapefile (C-42).
///
/// # Errors
/// [`TargetError`], a sentence for who keeps the table.
pub fn resolve(file_path: Option<&str>, file_name: Option<&str>) -> Result<Option<Target>, TargetError> {
    // Fixed-width columns fill up with blanks.
    let path = file_path.unwrap_or_default().trim();
    let name = file_name.unwrap_or_default().trim();
    match (path, name) {
        ("", "") => return Ok(None),
        (_, "") => return Err(TargetError::NoFileName),
        _ => {}
    }
    if name.contains(is_separator) || name == "." || name == ".." {
        return Err(TargetError::FolderInFileName(name.to_owned()));
    }
    let (name, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known)) => {
            (stem, Some(extension.to_owned()))
        }
        _ => (name, None),
    };
    if name.is_empty() {
        return Err(TargetError::NoFileName);
    }
    let folders = folders(path)?;
    let target = Target { folders, name: name.to_owned(), extension_dropped: extension };
    check_names(&target)?;
    Ok(Some(target))
}

fn is_separator(character: char) -> bool {
    matches!(character, '/' | '\\')
}

/// Both kinds of slash part folders; one at the end and doubled ones inside mean nothing.
fn folders(path: &str) -> Result<Vec<String>, TargetError> {
    let drive = matches!(path.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
    if drive || path.starts_with(is_separator) {
        return Err(TargetError::Absolute(path.to_owned()));
    }
    let mut folders = Vec::new();
    for folder in path.split(is_separator) {
        match folder {
            "" | "." => {}
            ".." => return Err(TargetError::Parent(path.to_owned())),
            _ => folders.push(folder.to_owned()),
        }
    }
    Ok(folders)
}

fn check_names(target: &Target) -> Result<(), TargetError> {
    let most_bytes = NAME_LENGTH_BYTES - LONGEST_ENDING.len();
    if target.name.len() > most_bytes {
        let found = target.name.len();
        return Err(TargetError::Name(format!(
            "FileName has {found} bytes, at most {most_bytes} are possible"
        )));
    }
    let path = SitePath::parse(&target.relative()).map_err(|error| TargetError::Name(error.to_string()))?;
    // `CON.shp` is as reserved as `CON`, and `a..shp` as good as `a.`: so the name is judged without its extension.
    path.windows_warning().map_or(Ok(()), |complaint| Err(TargetError::Name(complaint)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Case = (Option<&'static str>, Option<&'static str>, Result<Option<&'static str>, &'static str>);

    /// FilePath, FileName; the target, or how the refusal begins.
    const CASES: &[Case] = &[
        (None, None, Ok(None)),
        (Some(""), Some("   "), Ok(None)),
        (None, Some(""), Ok(None)),
        (Some("Cadastre"), Some("parcels"), Ok(Some("Cadastre/parcels"))),
        (Some("Cadastre\\Current\\"), Some("parcels"), Ok(Some("Cadastre/Current/parcels"))),
        (Some("./Cadastre//Current/"), Some("parcels"), Ok(Some("Cadastre/Current/parcels"))),
        (Some("Cadastre            "), Some("parcels   "), Ok(Some("Cadastre/parcels"))),
        (None, Some("parcels"), Ok(Some("parcels"))),
        (Some("Cadastre"), Some("parcels.SHP"), Ok(Some("Cadastre/parcels"))),
        (Some("Cadastre"), Some("roads.v2"), Ok(Some("Cadastre/roads.v2"))),
        (Some("Māori land"), Some("whenua ā"), Ok(Some("Māori land/whenua ā"))),
        (Some("Cadastre"), None, Err("FilePath is filled in and FileName is not")),
        (Some("Cadastre"), Some(".shp"), Err("FilePath is filled in and FileName is not")),
        (
            Some("D:\\IntraMaps\\OUT"),
            Some("parcels"),
            Err("FilePath \"D:\\\\IntraMaps\\\\OUT\" begins at a drive"),
        ),
        (Some("d:"), Some("parcels"), Err("FilePath \"d:\" begins at a drive")),
        (
            Some("\\Cadastre"),
            Some("parcels"),
            Err("FilePath \"\\\\Cadastre\" begins at a drive or at the root"),
        ),
        (Some("\\\\server\\share"), Some("parcels"), Err("FilePath")),
        (Some("/etc"), Some("passwd"), Err("FilePath \"/etc\" begins at")),
        (Some("../OTHER"), Some("parcels"), Err("FilePath \"../OTHER\" leads upwards")),
        (Some("Cadastre\\..\\..\\OTHER"), Some("parcels"), Err("FilePath")),
        (Some("Cadastre"), Some("..\\parcels"), Err("FileName \"..\\\\parcels\" has a folder in it")),
        (Some("Cadastre"), Some("Current/parcels"), Err("FileName \"Current/parcels\" has a folder in it")),
        (Some("Cadastre"), Some(".."), Err("FileName \"..\" has a folder in it")),
        (Some("Cadastre"), Some("CON"), Err("\"CON\" is a device name")),
        (Some("Cadastre"), Some("con.shp"), Err("\"con\" is a device name")),
        (Some("lpt1"), Some("parcels"), Err("\"lpt1\" is a device name")),
        (Some("Cadastre"), Some("a:stream"), Err("\"a:stream\" has a character")),
        (Some("Cadastre"), Some("what?"), Err("\"what?\" has a character")),
        (Some("Cadastre"), Some("parcels\u{7}"), Err("\"parcels\\u{7}\" has a character")),
        (Some("Cadastre"), Some("a\0b"), Err("the path contains a NUL")),
        (Some("Cadastre. "), Some("parcels"), Err("\"Cadastre.\" ends in a dot")),
        (Some("Cadastre /x"), Some("parcels"), Err("\"Cadastre \" ends in a dot or a space")),
        (Some("Cadastre"), Some("parcels..shp"), Err("\"parcels.\" ends in a dot")),
    ];

    #[test]
    fn every_row_leads_below_out_or_nowhere() {
        for (path, name, expected) in CASES {
            match (resolve(*path, *name), expected) {
                (Ok(target), Ok(expected)) => {
                    assert_eq!(target.map(|target| target.relative()).as_deref(), *expected);
                }
                (Err(error), Err(expected)) => assert!(error.to_string().starts_with(expected), "{error}"),
                (got, _) => panic!("{path:?} {name:?}: {got:?}, expected {expected:?}"),
            }
        }
    }

    #[test]
    fn long_names_are_refused() {
        let name = |bytes| resolve(None, Some(&"x".repeat(bytes)));
        assert!(name(243).is_ok());
        let error = name(244).expect_err("too long with its ending");
        assert!(error.to_string().starts_with("FileName has 244 bytes, at most 243"), "{error}");
        assert!(resolve(Some(&"x/".repeat(5000)), Some("x")).is_err());
    }

    proptest! {
        #[test]
        fn no_text_leads_outside(path in "[a-z./\\\\: \0]{0,12}|\\PC{0,12}", name in "[a-z./\\\\: ]{0,8}|\\PC{0,8}") {
            if let Ok(Some(target)) = resolve(Some(&path), Some(&name)) {
                let parts = target.folders.iter().chain([&target.name]);
                for part in parts {
                    prop_assert!(!part.is_empty() && part != "." && part != "..");
                    prop_assert!(!part.contains(['/', '\\', ':', '\0']), "{:?}", part);
                }
            }
        }
    }
}
