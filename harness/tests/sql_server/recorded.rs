//! What a server says to damage is recorded, and the stand-in then says the same, in columns of the same types.
//!
//! Files that were recorded from engines, by anybody who has one, belong into the folder `recorded` beside this file:
//! the stand-in is held against each of them.

use std::path::{Path, PathBuf};

use libtest_mimic::Failed;
use serde_json::{Value, json};
use spatialcloud_backup::writer::DAMAGES;
use spatialcloud_harness::calibrate::record;

use crate::server::Server;

/// Files that are here.
pub fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sql_server/recorded");
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files
}

/// Records what `server` says, and has the stand-in say it.
pub async fn from(server: &Server) -> Result<(), Failed> {
    let mut recorded = record(&mut server.connect().await?, server.folder(), &mut |_| {}).await?;
    let answers = recorded["answers"].as_array().cloned().unwrap_or_default();
    if answers.len() != 5 * DAMAGES.len() {
        return Err(format!("{} answers to {} kinds of damage", answers.len(), DAMAGES.len()).into());
    }
    for damage in ["cut", "not-a-backup", "newer", "header-bit"] {
        let mut of_damage = answers.iter().filter(|answer| answer["damage"] == damage);
        if of_damage.all(|answer| answer["errors"].as_array().is_none_or(Vec::is_empty)) {
            return Err(format!("no error says anything against {damage}: {recorded}").into());
        }
    }
    if recorded["shapes"][1]["columns"][0]["name"] != "BackupName" {
        return Err(format!("the columns of HEADERONLY: {}", recorded["shapes"]).into());
    }
    // Another number than anybody would guess: that it comes back shows where it comes from.
    let mut changed = 0;
    for answer in recorded["answers"].as_array_mut().into_iter().flatten() {
        if answer["damage"] == "cut" && answer["statement"] == "verify-only" {
            let text = "{device} of \"{database}\" is odd";
            answer["errors"] = json!([{ "number": 54321, "class": 16, "state": 2, "text": text }]);
            changed += 1;
        }
    }
    if changed != 1 {
        return Err("VERIFYONLY of a cut backup was not asked".into());
    }
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("recorded.json");
    std::fs::write(&file, recorded.to_string())?;
    said_again(&file).await
}

/// Whether the stand-in, with this file in its settings, sends the same columns and says the same.
pub async fn said_again(file: &Path) -> Result<(), Failed> {
    let recorded: Value = serde_json::from_slice(&std::fs::read(file)?)?;
    let stand_in = Server::stand_in(json!({ "sql": { "calibration": file } })).await?;
    let said = record(&mut stand_in.connect().await?, stand_in.folder(), &mut |_| {}).await?;
    let mut wrong = Vec::new();
    for (part, key, what) in [("shapes", "columns", "columns"), ("answers", "errors", "errors")] {
        let pairs =
            recorded[part].as_array().into_iter().flatten().zip(said[part].as_array().into_iter().flatten());
        for (wanted, got) in pairs.filter(|(wanted, got)| wanted[key] != got[key]) {
            let of = format!("{} {}", wanted["damage"].as_str().unwrap_or("sound"), wanted["statement"]);
            wrong.push(format!("{what} of {of}: recorded {}, said {}", wanted[key], got[key]));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}
