//! The OUT folder of a generation: which names are taken, as Windows would see it.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use super::target::Target;

/// The OUT folder while snapshots are written into it.
pub struct Out {
    folder: PathBuf,
    /// Folders by their small letters, as they are spelt.
    folders: HashMap<String, String>,
    /// Files by their small letters, with whose they are.
    files: HashMap<String, String>,
}

/// Why a file cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum OutError {
    /// Another snapshot has it.
    #[error("OUT/{path} is written for {owner} already: give one of them another FileName")]
    Taken {
        /// The file.
        path: String,
        /// Whose it is.
        owner: String,
    },
    /// The disk.
    #[error(transparent)]
    Disk(#[from] io::Error),
}

impl Out {
    /// An empty one.
    pub fn new(folder: PathBuf) -> Out {
        Out { folder, folders: HashMap::new(), files: HashMap::new() }
    }

    /// Makes `FOLDERS/NAME` + `ending` for `owner`; answers the file and its path below OUT.
    ///
    /// # Errors
    /// [`OutError`].
    pub fn create(&mut self, target: &Target, ending: &str, owner: &str) -> Result<(File, String), OutError> {
        let parent = self.parent(&target.folders)?;
        let path = format!("{parent}{}{ending}", target.name);
        self.take(&path, owner)?;
        Ok((File::create_new(self.folder.join(&path))?, path))
    }

    /// Gives a file of an earlier generation a second name here.
    ///
    /// # Errors
    /// [`OutError`].
    pub fn link(&mut self, from: &std::path::Path, path: &str, owner: &str) -> Result<String, OutError> {
        let mut folders: Vec<String> = path.split('/').map(str::to_owned).collect();
        let name = folders.pop().unwrap_or_default();
        let path = self.parent(&folders)? + &name;
        self.take(&path, owner)?;
        fs::hard_link(from, self.folder.join(&path))?;
        Ok(path)
    }

    /// Removes files of a snapshot that came to nothing.
    ///
    /// # Errors
    /// The disk's.
    pub fn remove(&mut self, paths: &[String]) -> io::Result<()> {
        for path in paths {
            fs::remove_file(self.folder.join(path))?;
            self.files.remove(&path.to_lowercase());
        }
        Ok(())
    }

    fn take(&mut self, path: &str, owner: &str) -> Result<(), OutError> {
        let key = path.to_lowercase();
        let taken = match self.files.get(&key) {
            Some(owner) => Some(owner.clone()),
            None => self.folders.get(&format!("{key}/")).map(|_| "a folder of that name".to_owned()),
        };
        if let Some(owner) = taken {
            return Err(OutError::Taken { path: path.to_owned(), owner });
        }
        self.files.insert(key, owner.to_owned());
        Ok(())
    }

    /// The folder, made where missing, with a slash behind it; whoever names it first decides on its spelling.
    fn parent(&mut self, folders: &[String]) -> Result<String, OutError> {
        let mut spelt = String::new();
        for folder in folders {
            let path = format!("{spelt}{folder}");
            if let Some(owner) = self.files.get(&path.to_lowercase()) {
                return Err(OutError::Taken { path, owner: owner.clone() });
            }
            let known = self.folders.entry(format!("{}/", path.to_lowercase()));
            spelt = known.or_insert_with(|| format!("{path}/")).clone();
        }
        fs::create_dir_all(self.folder.join(&spelt))?;
        Ok(spelt)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use super::*;

    #[test]
    fn names_that_differ_in_case_are_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut out = Out::new(folder.path().to_owned());
        let target = |folders: &[&str], name: &str| Target {
            folders: folders.iter().map(|folder| (*folder).to_owned()).collect(),
            name: name.to_owned(),
            extension_dropped: None,
        };
        let (mut file, path) = out.create(&target(&["Cadastre", "Now"], "Parcels"), ".shp", "row 1").unwrap();
        file.write_all(b"x").unwrap();
        assert_eq!(path, "Cadastre/Now/Parcels.shp");
        let error = out.create(&target(&["CADASTRE", "now"], "parcels"), ".shp", "row 2").unwrap_err();
        assert_eq!(
            error.to_string(),
            "OUT/Cadastre/Now/parcels.shp is written for row 1 already: give one of them another FileName"
        );
        let (_, path) = out.create(&target(&["cadastre"], "roads"), ".shp", "row 3").unwrap();
        assert_eq!(path, "Cadastre/roads.shp");
        assert!(out.create(&target(&["Cadastre", "roads.shp"], "x"), ".shp", "row 4").is_err());
        assert!(out.create(&target(&[], "cadastre"), "", "row 5").is_err());
        let earlier = folder.path().join("Cadastre/Now/Parcels.shp");
        assert!(out.link(&earlier, "cadastre/ROADS.shp", "load 1").is_err());
        assert_eq!(out.link(&earlier, "cadastre/drains.shp", "load 1").unwrap(), "Cadastre/drains.shp");
        out.remove(&["Cadastre/roads.shp".to_owned()]).unwrap();
        out.create(&target(&["cadastre"], "Roads"), ".shp", "row 6").unwrap();
    }
}
