//! The file area a site sees over SFTP: a real directory tree that no request can leave (C-20 to C-26).
//!
//! Every name is resolved from a directory handle, one component at a time and without following
//! symbolic links, so links put there behind our back lead nowhere. All changes of names, and all
//! opens, happen under one lock, which the movers take too: a file is never moved between the look
//! at it and its opening.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, DirBuilderExt, Metadata, OpenOptions, OpenOptionsExt};
use rustix::fs::{Mode, OFlags};

use crate::clock::Clock;
use crate::config::{Layout, Visibility};
use crate::site::layout::TOP_FOLDERS;
use crate::site::names::{Names, NamesGuard};
use crate::site::open_file::{OpenFile, OpenMode};
use crate::site::path::SitePath;

/// Mode bits of what is made here, before the process's mask takes some away.
const FILE_PERMISSIONS: u32 = 0o666;
const FOLDER_PERMISSIONS: u32 = 0o777;

/// Why an operation on the file area was refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum AreaError {
    /// Nothing of that name; names are case-sensitive.
    #[error("{path}: there is nothing of that name")]
    NoSuchFile {
        /// The path asked for.
        path: String,
    },
    /// A file, where only a folder will do.
    #[error("{path}: is a file, not a folder")]
    NotAFolder {
        /// The path asked for.
        path: String,
    },
    /// A rule of the file area forbids it.
    #[error("{path}: {reason}")]
    Forbidden {
        /// The path asked for.
        path: String,
        /// The rule, in plain words.
        reason: &'static str,
    },
    /// It cannot be done to what is there now.
    #[error("{path}: {reason}")]
    Conflict {
        /// The path asked for.
        path: String,
        /// What stands in the way.
        reason: &'static str,
    },
    /// The disk said no: full, read-only, broken.
    #[error("{path}: {error}")]
    Disk {
        /// The path asked for.
        path: String,
        /// What the operating system answered.
        error: io::Error,
    },
}

/// What a listing shows of one entry.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The bare name.
    pub name: String,
    /// Size, kind and time.
    pub metadata: Metadata,
}

/// A file a mover may take.
#[derive(Clone, Debug)]
pub struct MovableFile {
    /// Path relative to the site's root, such as `Spatial/aerial/b.tif`.
    pub path: String,
    /// Size in bytes.
    pub size_bytes: u64,
}

/// One site's tree, shared by all its sessions and the movers.
pub struct FileArea {
    root: Dir,
    root_path: PathBuf,
    pub(super) staging: Dir,
    pub(super) clock: Clock,
    layout: Layout,
    names: Mutex<Names>,
}

impl FileArea {
    /// Opens the tree below `inbox`, making it and the three folders where missing.
    ///
    /// Files of visibility `on-close` grow in a folder `staging` beside it, emptied here: an upload
    /// that was cut off by the end of the process never becomes visible.
    pub fn open(inbox: &Path, clock: Clock, layout: Layout) -> io::Result<FileArea> {
        std::fs::create_dir_all(inbox)?;
        let staging_path = inbox.with_file_name("staging");
        if staging_path.exists() {
            std::fs::remove_dir_all(&staging_path)?;
        }
        std::fs::create_dir_all(&staging_path)?;
        let root = Dir::open_ambient_dir(inbox, ambient_authority())?;
        for folder in TOP_FOLDERS {
            match root.create_dir(folder) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        Ok(FileArea {
            root,
            root_path: inbox.to_owned(),
            staging: Dir::open_ambient_dir(&staging_path, ambient_authority())?,
            names: Mutex::new(Names::new(clock.now())),
            clock,
            layout,
        })
    }

    /// Where the tree lies on disk.
    pub fn root(&self) -> &Path {
        &self.root_path
    }

    /// Holds all names still until the guard is dropped.
    pub fn lock_names(&self) -> NamesGuard<'_> {
        NamesGuard { names: self.lock() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Names> {
        // A panic elsewhere cannot leave the maps half changed: each is changed in one call.
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every regular file below one of the three folders, in order of path; none where a free layout lost it.
    pub fn movable(&self, top: &str) -> io::Result<Vec<MovableFile>> {
        let mut found = Vec::new();
        let folder = match self.root.open_dir_nofollow(top) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.layout == Layout::Free => {
                return Ok(found);
            }
            other => other?,
        };
        self.collect(&folder, top, &mut found)?;
        found.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(found)
    }

    fn collect(&self, dir: &Dir, prefix: &str, found: &mut Vec<MovableFile>) -> io::Result<()> {
        for entry in dir.entries()? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = format!("{prefix}/{name}");
            let metadata = match entry.metadata() {
                Ok(metadata) => metadata,
                // Renamed or removed since the listing began: the next run will see it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if metadata.is_dir() {
                match dir.open_dir_nofollow(&name) {
                    Ok(below) => self.collect(&below, &path, found)?,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            } else if metadata.is_file() {
                found.push(MovableFile { path, size_bytes: metadata.len() });
            }
        }
        Ok(())
    }

    /// The folder that holds `path`, and its last name. Fails for the root itself.
    pub(super) fn parent<'p>(&self, path: &'p SitePath) -> Result<(Dir, &'p str), AreaError> {
        let Some((name, parents)) = path.names().split_last() else {
            return Err(forbidden(path, "the root itself cannot be changed"));
        };
        if let Some(top) = parents.first()
            && !self.layout.shows(top)
        {
            return Err(AreaError::NoSuchFile { path: path.to_string() });
        }
        let mut dir = self.root.try_clone().map_err(|error| disk(path, error))?;
        for parent in parents {
            dir = dir.open_dir_nofollow(parent).map_err(|error| at_folder(path, error))?;
        }
        Ok((dir, name))
    }

    /// Size, kind and time of what is at `path`; links are reported as missing.
    pub fn metadata(&self, path: &SitePath) -> Result<Metadata, AreaError> {
        if path.names().is_empty() {
            return self.root.dir_metadata().map_err(|error| disk(path, error));
        }
        let (dir, name) = self.parent(path)?;
        existing(&dir, name, path)
    }

    /// The entries of a folder, in order of name. Links, pipes and names that are not UTF-8 are left out.
    pub fn list(&self, path: &SitePath) -> Result<Vec<Entry>, AreaError> {
        let dir = self.folder(path)?;
        let mut entries = Vec::new();
        for entry in dir.entries().map_err(|error| disk(path, error))? {
            let entry = entry.map_err(|error| disk(path, error))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            if path.names().is_empty() && !self.layout.shows(&name) {
                continue;
            }
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() || metadata.is_file() => {
                    entries.push(Entry { name, metadata });
                }
                // Gone since, or not something to show.
                _ => {}
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn folder(&self, path: &SitePath) -> Result<Dir, AreaError> {
        if path.names().is_empty() {
            return self.root.try_clone().map_err(|error| disk(path, error));
        }
        let (dir, name) = self.parent(path)?;
        if !existing(&dir, name, path)?.is_dir() {
            return Err(AreaError::NotAFolder { path: path.to_string() });
        }
        dir.open_dir_nofollow(name).map_err(|error| at_folder(path, error))
    }

    /// Opens a file for reading, writing or both.
    pub fn open_file(
        self: &Arc<Self>,
        path: &SitePath,
        mode: OpenMode,
        visibility: Visibility,
    ) -> Result<OpenFile, AreaError> {
        let mut names = self.lock();
        if path.names().is_empty() {
            return Err(conflict(path, "is a folder; name the file too"));
        }
        let (dir, name) = self.parent(path)?;
        let found = match existing(&dir, name, path) {
            Ok(metadata) if metadata.is_dir() => {
                return Err(conflict(path, "is a folder: write a slash and the file name behind it"));
            }
            Ok(_) if mode.create && mode.exclusive => return Err(conflict(path, "exists already")),
            Ok(metadata) => Some(metadata),
            Err(AreaError::NoSuchFile { .. }) if mode.create => None,
            Err(error) => return Err(error),
        };
        // Making an empty file is an upload too, though nothing may be written through the handle.
        let writes = mode.writes() || found.is_none();
        self.layout.check_file(path)?;
        let staged = writes && visibility == Visibility::OnClose;
        let (file, staging_name) = if staged {
            let staging_name = names.next_writer().to_string();
            let file = self
                .stage(&dir, name, &staging_name, mode, found.is_some())
                .map_err(|error| disk(path, error))?;
            (file, Some(staging_name))
        } else {
            let mut options = OpenOptions::new();
            options.read(mode.read || !mode.writes()).write(writes).follow(FollowSymlinks::No);
            if found.is_none() {
                options.create_new(true).mode(mode.permissions.unwrap_or(FILE_PERMISSIONS));
            }
            options.truncate(mode.truncate && writes);
            let file = dir.open_with(name, &options).map_err(|error| disk(path, error))?;
            (file.into_std(), None)
        };
        let writer = writes.then(|| names.opened(path, self.clock.now()));
        drop(names);
        Ok(OpenFile {
            area: self.clone(),
            file,
            mode,
            writer,
            staging_name,
            opened_size_bytes: if mode.truncate { 0 } else { found.map_or(0, |metadata| metadata.len()) },
            written_bytes: 0,
            read_bytes: 0,
            path: path.clone(),
        })
    }

    /// A private copy to write into; published at CLOSE.
    fn stage(
        &self,
        dir: &Dir,
        name: &str,
        staging_name: &str,
        mode: OpenMode,
        exists: bool,
    ) -> io::Result<std::fs::File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true).follow(FollowSymlinks::No);
        options.mode(mode.permissions.unwrap_or(FILE_PERMISSIONS));
        let mut staged = self.staging.open_with(staging_name, &options)?.into_std();
        if exists && !mode.truncate {
            let mut source = OpenOptions::new();
            source.read(true).follow(FollowSymlinks::No);
            io::copy(&mut dir.open_with(name, &source)?.into_std(), &mut staged)?;
        }
        Ok(staged)
    }

    /// Makes a folder, where the layout lets one be; with these mode bits, or those every folder gets here.
    pub fn make_folder(&self, path: &SitePath, permissions: Option<u32>) -> Result<(), AreaError> {
        let _names = self.lock();
        if path.names().is_empty() {
            return Err(conflict(path, "exists already"));
        }
        self.layout.check_folder(path)?;
        let (dir, name) = self.parent(path)?;
        let mut builder = DirBuilder::new();
        builder.mode(permissions.unwrap_or(FOLDER_PERMISSIONS));
        match dir.create_dir_with(name, &builder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(conflict(path, "exists already"))
            }
            other => other.map_err(|error| disk(path, error)),
        }
    }

    /// Removes an empty folder.
    pub fn remove_folder(&self, path: &SitePath) -> Result<(), AreaError> {
        let _names = self.lock();
        let (dir, name) = self.parent(path)?;
        let metadata = existing(&dir, name, path)?;
        self.layout.keep_root(path, "the folders Database, Spatial and Web cannot be removed")?;
        if !metadata.is_dir() {
            return Err(AreaError::NotAFolder { path: path.to_string() });
        }
        dir.remove_dir(name).map_err(|error| match error.kind() {
            io::ErrorKind::DirectoryNotEmpty => conflict(path, "is not empty"),
            _ => disk(path, error),
        })
    }

    /// Removes a file.
    pub fn remove_file(&self, path: &SitePath) -> Result<(), AreaError> {
        let mut names = self.lock();
        let (dir, name) = self.parent(path)?;
        let metadata = existing(&dir, name, path)?;
        self.layout.keep_root(path, "the folders Database, Spatial and Web cannot be removed")?;
        if metadata.is_dir() {
            return Err(conflict(path, "is a folder; remove it as a folder"));
        }
        dir.remove_file(name).map_err(|error| disk(path, error))?;
        names.forget(&path.relative());
        Ok(())
    }

    /// Renames a file or folder. Answers whether something was replaced.
    ///
    /// Plain RENAME refuses an existing target (draft 02, section 6.5); `posix-rename` replaces a file.
    pub fn rename(&self, from: &SitePath, to: &SitePath, replace: bool) -> Result<bool, AreaError> {
        let mut names = self.lock();
        let (from_dir, from_name) = self.parent(from)?;
        let source = existing(&from_dir, from_name, from)?;
        self.layout.keep_root(from, "the folders Database, Spatial and Web cannot be renamed")?;
        let (to_dir, to_name) = self.parent(to)?;
        self.layout.keep_root(to, "the root takes no files and no new folders")?;
        if source.is_dir() {
            self.layout.check_folder(to)?;
        }
        if source.is_dir() && from != to && from.contains(to) {
            return Err(conflict(to, "lies inside the folder to be renamed"));
        }
        let target = match existing(&to_dir, to_name, to) {
            Ok(metadata) => Some(metadata),
            Err(AreaError::NoSuchFile { .. }) => None,
            Err(error) => return Err(error),
        };
        match &target {
            Some(_) if !replace => return Err(conflict(to, "exists already; plain rename never replaces")),
            Some(metadata) if source.is_dir() && !metadata.is_dir() => {
                return Err(AreaError::NotAFolder { path: to.to_string() });
            }
            Some(metadata) if metadata.is_dir() && !source.is_dir() => {
                return Err(conflict(to, "is a folder, which a file cannot replace"));
            }
            _ => {}
        }
        from_dir.rename(from_name, &to_dir, to_name).map_err(|error| match error.kind() {
            io::ErrorKind::DirectoryNotEmpty => conflict(to, "is not empty"),
            _ => disk(to, error),
        })?;
        names.follow_rename(from, to);
        Ok(target.is_some())
    }

    /// Room on the disk that holds the tree.
    pub fn space(&self) -> io::Result<rustix::fs::StatVfs> {
        Ok(rustix::fs::fstatvfs(&self.root)?)
    }

    /// Sets an attribute of a file or folder by path; `change` gets an open handle to it.
    pub fn change(
        &self,
        path: &SitePath,
        write: bool,
        change: impl FnOnce(&std::fs::File) -> io::Result<()>,
    ) -> Result<(), AreaError> {
        let _names = self.lock();
        let (dir, name) = self.parent(path)?;
        let metadata = existing(&dir, name, path)?;
        self.layout.keep_root(path, "the folders Database, Spatial and Web cannot be changed")?;
        let mut options = OpenOptions::new();
        options.read(true).write(write && metadata.is_file()).follow(FollowSymlinks::No);
        let file = if metadata.is_dir() {
            dir.open_dir_nofollow(name).and_then(|folder| reopened(&folder))
        } else {
            dir.open_with(name, &options).map(cap_std::fs::File::into_std)
        };
        change(&file.map_err(|error| disk(path, error))?).map_err(|error| disk(path, error))
    }
}

/// A handle that attributes can be set through: the one names are resolved from is for that only.
fn reopened(folder: &Dir) -> io::Result<std::fs::File> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(folder, ".", flags, Mode::empty())?.into())
}

fn existing(dir: &Dir, name: &str, path: &SitePath) -> Result<Metadata, AreaError> {
    match dir.symlink_metadata(name) {
        Ok(metadata) if metadata.is_dir() || metadata.is_file() => Ok(metadata),
        // Links and devices can only have been put there behind our back: they are not part of the area.
        Ok(_) => Err(forbidden(path, "is neither a file nor a folder of this area")),
        Err(error) => Err(at_folder(path, error)),
    }
}

fn at_folder(path: &SitePath, error: io::Error) -> AreaError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            AreaError::NoSuchFile { path: path.to_string() }
        }
        // A symbolic link among the folders: not part of the area.
        _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            AreaError::NoSuchFile { path: path.to_string() }
        }
        _ => disk(path, error),
    }
}

pub(super) fn forbidden(path: &SitePath, reason: &'static str) -> AreaError {
    AreaError::Forbidden { path: path.to_string(), reason }
}

pub(super) fn conflict(path: &SitePath, reason: &'static str) -> AreaError {
    AreaError::Conflict { path: path.to_string(), reason }
}

pub(super) fn disk(path: &SitePath, error: io::Error) -> AreaError {
    AreaError::Disk { path: path.to_string(), error }
}
