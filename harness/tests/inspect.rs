//! What `inspect` prints of generated backups is as `inspect/*.txt` and `*.json` say. `UPDATE_GOLDEN=1` writes them anew.
#![allow(clippy::unwrap_used)] // A test that cannot go on says where.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What is printed, and the exit code.
fn program(arguments: &[&str]) -> (String, Option<i32>) {
    let program = env!("CARGO_BIN_EXE_spatialcloud");
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.is_empty(), "{arguments:?}: {error}");
    (String::from_utf8(output.stdout).unwrap(), output.status.code())
}

/// Name of the golden file, what the backup is generated with, what it is inspected with.
const CASES: &[(&str, &[&str], &[&str])] = &[
    ("usual.txt", &["--size", "512KiB"], &[]),
    ("usual.json", &["--size", "512KiB"], &["--json"]),
    ("verified.txt", &["--size", "6MiB", "--seed", "7", "--compression"], &["--verify"]),
    ("large.txt", &["--size", "6MiB", "--seed", "7"], &[]),
    ("chosen.txt", &["--tables", "chosen.yaml", "--version", "2019"], &[]),
    ("chosen.json", &["--tables", "chosen.yaml"], &["--json", "--verify"]),
    ("row-bit.txt", &["--size", "512KiB", "--damage", "row-bit"], &["--verify"]),
    ("cut.txt", &["--size", "512KiB", "--damage", "cut"], &[]),
    ("stripe.txt", &["--size", "512KiB", "--stripe", "2/2"], &[]),
    ("newer.txt", &["--size", "512KiB", "--version", "2022"], &[]),
    ("two-sets.txt", &["--size", "1MiB", "--damage", "two-sets"], &["--set", "2"]),
    ("no-such-set.txt", &["--size", "512KiB"], &["--set", "2"]),
];

#[test]
fn what_is_printed_is_as_before() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inspect");
    let folder = tempfile::tempdir().unwrap();
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    for (name, generated, inspected) in CASES {
        let path: PathBuf = folder.path().join("IntraMapsSpatialCloud.bak");
        let shown = path.display().to_string();
        let in_folder = |argument: &&str| match argument.strip_suffix(".yaml") {
            Some(_) => golden.join(argument).display().to_string(),
            None => (*argument).to_owned(),
        };
        let generated: Vec<String> = generated.iter().map(in_folder).collect();
        let mut arguments = vec!["generate", &shown, "--force"];
        arguments.extend(generated.iter().map(String::as_str));
        program(&arguments);
        let mut arguments = vec!["inspect", &shown];
        arguments.extend(*inspected);
        let (mut told, code) = program(&arguments);
        if name.ends_with(".json") {
            let report: serde_json::Value = serde_json::from_str(&told).unwrap();
            told = format!("{report:#}\n");
        } else {
            told.push_str(&format!("exit {}\n", code.unwrap_or(-1)));
        }
        if update {
            std::fs::write(golden.join(name), &told).unwrap();
        }
        let expected = std::fs::read_to_string(golden.join(name)).unwrap_or_default();
        if told != expected {
            wrong.push(format!("{name}\nexpected:\n{expected}\ngot:\n{told}"));
        }
    }
    assert!(wrong.is_empty(), "{}\nUPDATE_GOLDEN=1 accepts what was got", wrong.join("\n"));
}

#[test]
fn a_file_of_another_name_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tuesday.bak").display().to_string();
    program(&["generate", &path, "--size", "512KiB"]);
    let (told, code) = program(&["inspect", &path]);
    let words = "it is named tuesday.bak: upload it as Database/IntraMapsSpatialCloud.bak";
    assert!(told.contains(words) && code == Some(0), "{told}");
}
