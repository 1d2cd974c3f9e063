//! `/sites/{code}/files`: what lies in the inbox, the client folder, the history, and below OUT.

use std::io::{self, Read, Seek, SeekFrom};

use axum::Json;
use axum::body::Bytes;
use axum::extract::State as Shared;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::error::{ApiError, Path, Query};
use super::{State, sites};
use crate::site::Site;
use crate::site::path::SitePath;
use crate::warehouse::generation::{Generations, OUT};

/// Bytes hashed at a time.
const PIECE_BYTES: usize = 1024 * 1024;
/// Most bytes the API hands out at once; larger files are asked for in pieces, or compared by hash.
const LARGEST_READ_BYTES: u64 = 64 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listing {
    #[serde(default)]
    area: Area,
    #[serde(default)]
    sha256: bool,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Area {
    #[default]
    Inbox,
    Cloud,
    History,
    /// The snapshots of the generation that readers see now.
    Out,
}

/// The area's folder; held open, it stays that of one generation.
fn root(site: &Site, area: Area) -> io::Result<Dir> {
    let path = match area {
        Area::Inbox => site.area.root().to_owned(),
        Area::Cloud => site.cloud.clone(),
        Area::History => site.history.clone(),
        Area::Out => match Generations::below(&site.warehouse).current()? {
            Some((folder, _)) => folder.join(OUT),
            None => return Err(io::ErrorKind::NotFound.into()),
        },
    };
    Dir::open_ambient_dir(path, ambient_authority())
}

fn disk(error: io::Error) -> ApiError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename => {
            ApiError::not_found("there is no such file")
        }
        io::ErrorKind::IsADirectory => {
            ApiError::bad_request("that is a folder: ask for a file, or for the list of files")
        }
        _ => ApiError::internal(error.to_string()),
    }
}

/// Runs file work where it may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| ApiError::internal(error.to_string()))?
}

pub(super) async fn list(
    Shared(state): Shared<State>,
    Path(code): Path<String>,
    Query(listing): Query<Listing>,
) -> Result<Json<Value>, ApiError> {
    let site = sites::found(&state, &code)?;
    blocking(move || {
        let mut files = Vec::new();
        match root(&site, listing.area) {
            Ok(root) => collect(&root, "", listing.sha256, &mut files).map_err(disk)?,
            // Before the first load there is no OUT.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(disk(error)),
        }
        files.sort_by(|a, b| a["path"].as_str().cmp(&b["path"].as_str()));
        Ok(Json(json!({"files": files})))
    })
    .await
}

fn collect(dir: &Dir, prefix: &str, with_hash: bool, files: &mut Vec<Value>) -> io::Result<()> {
    for entry in dir.entries()? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        let metadata = entry.metadata()?;
        if metadata.is_dir() {
            files.push(json!({"path": path, "kind": "directory", "size_bytes": 0}));
            collect(&entry.open_dir()?, &path, with_hash, files)?;
        } else if metadata.is_file() {
            let mut file = json!({"path": path, "kind": "file", "size_bytes": metadata.len()});
            if with_hash {
                file["sha256"] = json!(hash(entry.open()?)?);
            }
            files.push(file);
        }
    }
    Ok(())
}

fn hash(mut file: cap_std::fs::File) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match file.read(&mut piece)? {
            0 => break,
            count => hasher.update(&piece[..count]),
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Piece {
    #[serde(default)]
    offset_bytes: u64,
    /// Absent: to the end.
    length_bytes: Option<u64>,
}

pub(super) async fn read(
    Shared(state): Shared<State>,
    Path((code, area, path)): Path<(String, Area, String)>,
    Query(piece): Query<Piece>,
) -> Result<Bytes, ApiError> {
    let site = sites::found(&state, &code)?;
    let path = SitePath::parse(&path).map_err(|error| ApiError::bad_request(error.to_string()))?;
    blocking(move || {
        // The handle keeps the path inside the site's folder, links or not.
        let mut file = root(&site, area).and_then(|dir| dir.open(path.relative())).map_err(disk)?;
        let rest = file.metadata().map_err(disk)?.len().saturating_sub(piece.offset_bytes);
        let wanted = piece.length_bytes.map_or(rest, |length| length.min(rest));
        if wanted > LARGEST_READ_BYTES {
            return Err(ApiError::bad_request(format!(
                "these are {wanted} bytes of {path}; up to {LARGEST_READ_BYTES} are handed out at once: \
                 ask with offset_bytes and length_bytes, or compare its sha256"
            )));
        }
        let mut data = Vec::new();
        file.seek(SeekFrom::Start(piece.offset_bytes)).map_err(disk)?;
        file.take(wanted).read_to_end(&mut data).map_err(disk)?;
        Ok(Bytes::from(data))
    })
    .await
}
