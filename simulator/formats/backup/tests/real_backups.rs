//! Real backups agree with an independent reader's findings, and damaged copies of them are told apart.
//!
//! The files are not ours to publish: `SPATIALCLOUD_BACKUPS` names the folder that holds them and `expected/`.

#[path = "support/shapes.rs"]
mod shapes;

use std::io::Cursor;
use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};
use spatialcloud_backup::verdict::{Verdict, judge};
use spatialcloud_backup::writer::{LEAST_SIZE_BYTES, Spec, write};
use spatialcloud_backup::{BackupType, Depth, Family, FileType, ProblemKind, Set, read};

fn main() {
    let arguments = Arguments::from_args();
    let trials = match std::env::var_os("SPATIALCLOUD_BACKUPS").map(PathBuf::from) {
        Some(folder) => trials(&folder),
        None => vec![
            Trial::test("real backups: not run here, since SPATIALCLOUD_BACKUPS is not set", || Ok(()))
                .with_ignored_flag(true),
        ],
    };
    libtest_mimic::run(&arguments, trials).exit();
}

fn trials(folder: &Path) -> Vec<Trial> {
    let mut names: Vec<String> = std::fs::read_dir(folder.join("expected"))
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
        .filter(|name| folder.join(name).is_file())
        .collect();
    names.sort();
    assert!(names.len() >= 20, "{}: only {} backups", folder.display(), names.len());
    let mut trials = Vec::new();
    for name in names {
        let (path, expected) = (folder.join(&name), folder.join("expected").join(format!("{name}.json")));
        let bytes = path.clone();
        trials.push(Trial::test(format!("{name} agrees"), move || agrees(&path, &expected)));
        trials.push(Trial::test(format!("{name} damaged"), move || damaged(&std::fs::read(&bytes)?)));
    }
    let stripes = ["sql2008r2_stripe1of2.bak", "sql2008r2_stripe2of2.bak"].map(|name| folder.join(name));
    trials.push(Trial::test("both stripes are a whole backup", move || both_stripes(&stripes)));
    let real = folder.join("sql2017_world.bak");
    trials.push(Trial::test("a generated catalog is shaped as a real one", move || generated_catalog(&real)));
    trials
}

/// Builds before and after that file's lack a column of one base table, or append one to two others.
fn generated_catalog(real: &Path) -> Result<(), Failed> {
    let mut backup = Vec::new();
    write(&Spec { seed: 1, size_bytes: LEAST_SIZE_BYTES, damage: None }, &mut backup)?;
    let real = std::fs::read(real)?;
    let (described, really) = (shapes::descriptions(&backup), shapes::descriptions(&real));
    if described != really || described.len() < 100 {
        let differs = |key: &&(u64, u32)| described.get(key) != really.get(key);
        let keys: Vec<_> = described.keys().chain(really.keys()).filter(differs).collect();
        return Err(
            format!("{} columns of base tables; described otherwise: {keys:?}", described.len()).into()
        );
    }
    let (ours, real) = (shapes::shapes(&backup), shapes::shapes(&real));
    if ours.len() < 9 {
        return Err(format!("base tables with rows: {ours:?}").into());
    }
    match ours.iter().find(|(object, shapes)| real.get(object) != Some(shapes)) {
        None => Ok(()),
        Some((object, shapes)) => {
            Err(format!("base table {object}: {shapes:?}, really {:?}", real.get(object)).into())
        }
    }
}

fn family(bytes: &[u8], depth: Depth) -> Family {
    read(Cursor::new(bytes), depth).expect("memory does not fail")
}

fn verdict(bytes: &[u8]) -> Verdict {
    judge(&[family(bytes, Depth::Everything)], &["copy.bak".to_owned()])
}

fn agrees(path: &Path, expected: &Path) -> Result<(), Failed> {
    let bytes = std::fs::read(path)?;
    let expected: Value = serde_json::from_str(&std::fs::read_to_string(expected)?)?;
    let found = family(&bytes, Depth::Everything);
    let mut differences = Vec::new();
    differ(&media(&found), &expected["media"][0], "media", &mut differences);
    let sets = expected["sets"].as_array().cloned().unwrap_or_default();
    if sets.len() != found.sets.len() {
        differences.push(format!("{} sets expected, {} found", sets.len(), found.sets.len()));
    }
    for (found, expected) in found.sets.iter().zip(&sets) {
        differ(&set(found), expected, "set", &mut differences);
        let header = found.header.as_ref().filter(|header| header.backup_type == BackupType::Differential);
        for file in found.files.iter().filter(|file| header.is_some() && file.file_type == FileType::Data) {
            if file.differential_base_lsn != header.and_then(|header| header.database_backup_lsn) {
                differences.push(format!("the file's base is {:?}", file.differential_base_lsn));
            }
        }
    }
    let sum = |pointer: &str| -> u64 { sets.iter().filter_map(|set| set.pointer(pointer)?.as_u64()).sum() };
    // Stale pages in allocated extents have right checksums too; which they are, only the GAM tells.
    let pages = sum("/page_verify/checksum_ok")..=sum("/page_verify/checksum_ok") + sum("/pages/stale");
    if !pages.contains(&found.checks.pages) {
        differences.push(format!("page checksums: {pages:?} expected, {} right", found.checks.pages));
    }
    if sum("/stream_checksums/ok") != found.checks.data_streams {
        differences.push(format!("stream checksums: {} right", found.checks.data_streams));
    }
    for problem in &found.problems {
        differences.push(format!("problem: {problem:?}"));
    }
    // What the headers alone tell is the same.
    let shallow = family(&bytes, Depth::Headers);
    if shallow.media != found.media || shallow.sets.iter().map(set).ne(found.sets.iter().map(set)) {
        differences.push("reading headers alone tells something else".to_owned());
    }
    if differences.is_empty() { Ok(()) } else { Err(differences.join("\n").into()) }
}

/// Every field of ours must be in the expected findings, and the same.
fn differ(found: &Value, expected: &Value, what: &str, differences: &mut Vec<String>) {
    for (name, found) in found.as_object().into_iter().flatten() {
        match expected.get(name) {
            Some(expected) if expected == found => {}
            // Somebody's mail address was taken out of the findings.
            Some(Value::String(expected)) if expected.ends_with("@example.invalid") => {}
            other => differences.push(format!("{what}.{name}: expected {other:?}, found {found}")),
        }
    }
}

fn text(value: Option<impl ToString>) -> Value {
    value.map_or(Value::Null, |value| json!(value.to_string()))
}

fn media(family: &Family) -> Value {
    let Some(media) = &family.media else { return json!({"media": "none"}) };
    json!({
        "compressed": media.is_compressed,
        "block_size": media.block_size_bytes,
        "header_checksums": {"blocks": family.checks.blocks, "streams": family.checks.streams, "bad": []},
        "set_count": family.sets.len(),
        "media_set_id": text(media.media_set_id),
        "family_count": media.family_count,
        "mirror_count": media.mirror_count,
        "family_sequence": media.family_sequence_number,
        "media_sequence": media.media_sequence_number,
        "media_family_id": format!("0x{:08x}", media.media_family_id),
        "media_name": media.media_name,
        "media_description": media.media_description,
        "media_password_set": media.password_set,
        "software": media.software_name,
        "vendor_id": media.software_vendor_id,
        "media_date": text(media.media_date),
        "mtf_major": media.format_major,
    })
}

fn set(set: &Set) -> Value {
    let header = set.header.as_ref().expect("whole sets have a header");
    let chain: Vec<&str> =
        set.blocks.iter().flat_map(|(name, count)| std::iter::repeat_n(*name, *count as usize)).collect();
    let files: Vec<Value> = set
        .files
        .iter()
        .map(|file| {
            json!({
                "file_id": file.file_id,
                "filegroup_id": file.file_group_id,
                "page_size": file.page_size,
                "type": if file.file_type == FileType::Data { "data" } else { "log" },
                "size": file.size,
                "pages_in_backup": file.pages_in_backup,
                "backup_bytes": file.backup_size_in_bytes,
                "logical": file.logical_name,
                "physical": file.physical_name,
            })
        })
        .collect();
    let filegroups: Vec<Value> =
        set.filegroups.iter().map(|group| json!({"id": group.id, "name": group.name})).collect();
    json!({
        "position": set.position,
        "set_number": set.number,
        "type": header.backup_type.name(),
        "name": set.name,
        "description": set.description,
        "user": set.user_name,
        "set_guid": text(set.guid),
        "machine": set.machine_name,
        "volume_device": set.device_name,
        "sset_date": text(set.start_date),
        "time_zone_quarter_hours": set.time_zone_quarter_hours,
        "end_date": text(set.finish_date),
        "sset_attr": set.attributes,
        "database": header.database_name,
        "server": header.server_name,
        "software_version": format!("{}.{}.{}", header.software_version_major, header.software_version_minor, header.software_version_build),
        "internal_version": header.database_version,
        "compat_level": header.compatibility_level,
        "database_id": header.database_id,
        "lcid": header.unicode_locale_id,
        "sort_order": header.sort_order,
        "comparison_style": header.unicode_comparison_style,
        "database_creation_date": text(header.database_creation_date),
        "backup_date": text(header.backup_date),
        "first_lsn_decimal": text(header.first_lsn),
        "last_lsn_decimal": text(header.last_lsn),
        "checkpoint_lsn_decimal": text(header.checkpoint_lsn),
        "database_backup_lsn_decimal": text(header.database_backup_lsn),
        "backup_size": header.backup_size,
        "flags": header.flags,
        "binding_id": text(header.binding_id),
        "recovery_fork_id": text(header.recovery_fork_id),
        "family_guid": text(header.family_guid),
        "has_backup_checksums": header.flags & 0x10 != 0,
        "filegroups": filegroups,
        "files": files,
        "chain": chain,
        "log_bytes": set.log_bytes,
    })
}

/// Copies that are cut or changed are refused for the right reason; a copy of another file's kind too.
fn damaged(bytes: &[u8]) -> Result<(), Failed> {
    let whole = verdict(bytes);
    let has = |verdict: &Verdict, error: u32| verdict.reasons.iter().any(|reason| reason.error == error);
    let mut wrong = Vec::new();
    let mut expect = |what: &str, copy: &[u8], error: u32| {
        let verdict = verdict(copy);
        if verdict.accepted || !has(&verdict, error) {
            wrong.push(format!("{what}: error {error} expected, got {verdict:?}"));
        }
    };
    for parts in [1, 3, 5, 7] {
        let length = bytes.len() * parts / 8;
        expect(&format!("cut to {length} bytes"), &bytes[..length], 3203);
    }
    expect("cut by one byte", &bytes[..bytes.len() - 1], 3203);
    expect("nothing", &[], 3242);
    expect("text", b"PK\x03\x04 not a backup at all, rather a zip archive of one", 3242);
    let compressed = bytes.starts_with(b"MSSQLBAK");
    let mut header = bytes.to_vec();
    let at = if compressed { 0x600 + 100 } else { 12 };
    header[at] ^= 1;
    expect("a bit flipped in a header", &header, 3241);
    if let Some(page) = checked_page(bytes) {
        let mut flipped = bytes.to_vec();
        flipped[page + 4000] ^= 4;
        expect("a bit flipped in a page", &flipped, 3183);
    }
    // An upload in text mode turns line ends around.
    let text_mode: Vec<u8> =
        bytes.iter().flat_map(|byte| if *byte == b'\n' { vec![b'\r', b'\n'] } else { vec![*byte] }).collect();
    let mangled = verdict(&text_mode);
    if mangled.accepted {
        wrong.push("sent in text mode: accepted".to_owned());
    }
    // Two backups in one file: the first is judged, the second mentioned.
    if !compressed && whole.accepted {
        let mut twice = bytes.to_vec();
        twice.extend_from_slice(&bytes[set_start(bytes)..]);
        let verdict = verdict(&twice);
        if !verdict.accepted || verdict.warnings.len() != 1 {
            wrong.push(format!("two sets: one warning expected, got {verdict:?}"));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

fn set_start(bytes: &[u8]) -> usize {
    (0..bytes.len()).step_by(512).find(|at| bytes[*at..].starts_with(b"SSET")).unwrap_or(0)
}

/// Where a page with a checksum stands in a plain backup.
fn checked_page(bytes: &[u8]) -> Option<usize> {
    let stream = bytes.windows(4).position(|window| window == b"MQDA")?;
    let first = stream + 22 + 2;
    (first..bytes.len().saturating_sub(8192)).step_by(8192).take(40).find(|at| {
        bytes[*at] == 1
            && bytes[at + 1] == 1
            && u16::from_le_bytes([bytes[at + 4], bytes[at + 5]]) & 0x200 != 0
    })
}

fn both_stripes(paths: &[PathBuf; 2]) -> Result<(), Failed> {
    let mut families = Vec::new();
    for path in paths {
        families.push(family(&std::fs::read(path)?, Depth::Everything));
    }
    let names = ["one.bak".to_owned(), "two.bak".to_owned()];
    let whole = judge(&families, &names);
    let half = judge(&families[1..], &names[1..]);
    let kinds: Vec<ProblemKind> =
        families.iter().flat_map(|family| family.problems.iter().map(|problem| problem.kind)).collect();
    match (whole.accepted, half.reasons.first().map(|reason| reason.error)) {
        (true, Some(3132)) if kinds.is_empty() => Ok(()),
        _ => Err(format!("{whole:?}\n{half:?}\n{kinds:?}").into()),
    }
}
