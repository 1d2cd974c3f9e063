//! What a server says to damage is recorded, and the stand-in answers as recorded.

use libtest_mimic::Failed;
use serde_json::json;
use spatialcloud_backup::writer::{self, DAMAGES, Damage, Description};
use spatialcloud_harness::Stack;
use spatialcloud_harness::calibrate::record;

use crate::server::Server;

pub async fn from(server: &Server) -> Result<(), Failed> {
    let mut recorded = record(&mut server.connect().await?, server.folder(), &mut |_| {}).await?;
    let answers = recorded["answers"].as_array().cloned().unwrap_or_default();
    if answers.len() != 5 * DAMAGES.len() {
        return Err(format!("{} answers to {} kinds of damage", answers.len(), DAMAGES.len()).into());
    }
    let is_refused = |damage: &str| {
        let of_damage = answers.iter().filter(|answer| answer["damage"] == damage);
        of_damage
            .into_iter()
            .any(|answer| answer["errors"].as_array().is_some_and(|errors| !errors.is_empty()))
    };
    for damage in ["cut", "not-a-backup", "newer", "header-bit"] {
        if !is_refused(damage) {
            return Err(format!("no error says anything against {damage}: {recorded}").into());
        }
    }
    if recorded["shapes"][1]["columns"][0]["name"] != "BackupName" {
        return Err(format!("the columns of HEADERONLY: {}", recorded["shapes"]).into());
    }
    // Another number than anybody would guess: that it comes back shows where it comes from.
    let mut said = None;
    for answer in recorded["answers"].as_array_mut().into_iter().flatten() {
        if answer["damage"] == "cut" && answer["statement"] == "verify-only" {
            answer["errors"] =
                json!([{ "number": 54321, "class": 16, "state": 2, "text": "{device} is odd" }]);
            said = Some(());
        }
    }
    said.ok_or("VERIFYONLY of a cut backup was not asked")?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("recorded.json");
    std::fs::write(&file, recorded.to_string())?;
    let settings = json!({ "sql": { "calibration": file } });
    let stack = Stack::in_process().settings(settings).sql().start().await?;
    let description =
        Description { seed: 7, size_bytes: 1 << 20, damage: Some(Damage::Cut), ..Description::default() };
    let cut = std::fs::File::create(stack.data().join("sql/backup/cut.bak"))?;
    writer::write_described(&description, cut)?;
    let answer = stack.query("RESTORE VERIFYONLY FROM DISK = N'/backup/cut.bak'").await?;
    match answer.errors.first() {
        Some(error) if error.number == 54321 && error.message == "/backup/cut.bak is odd" => Ok(()),
        other => Err(format!("what was recorded is not what is said: {other:?}").into()),
    }
}
