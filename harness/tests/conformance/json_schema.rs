//! Python's jsonschema: the schema of scenario files takes every scenario, and refuses the mistakes it can see.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use libtest_mimic::Failed;
use serde_json::{Value, json};
use spatialcloud_harness::scenario::{self, node};
use spatialcloud_harness::schema;

use crate::tool;
use crate::{Check, Judge};

pub const JUDGE: Judge = Judge {
    name: "jsonschema",
    missing,
    checks: || {
        Ok(vec![
            Check::new("takes every scenario", takes_scenarios),
            Check::new("refuses mistakes", refuses_mistakes),
        ])
    },
};

/// Why mistakes in tables are not seen.
const OF_TABLES: &str = "columns, keys and rows follow from declarations in the file itself";
/// Mistakes that no schema sees, and why. Whatever it does see may not stand here.
const UNSEEN: &[(&str, &str)] = &[
    ("advance-both", "each of the keys is right; which go together is for `check`"),
    ("backup-bad-key", OF_TABLES),
    ("backup-bad-shape", OF_TABLES),
    ("backup-bad-stripe", "how many stripes there are is part of the text"),
    ("backup-bad-value", OF_TABLES),
    ("backup-metadata-column", OF_TABLES),
    ("backup-null-in-key", OF_TABLES),
    ("backup-same-key", OF_TABLES),
    ("backup-size-and-tables", "each of the keys is right; which go together is for `check`"),
    ("backup-two-tables", OF_TABLES),
    ("backup-unknown-base", "names are defined elsewhere in the file"),
    ("backup-unknown-column", OF_TABLES),
    ("backup-unknown-type", OF_TABLES),
    ("backup-without-size", "either of two keys is needed; which is for `check`"),
    ("mistake-in-included-file", "it stands in another file"),
    ("not-yaml", "it is no YAML: there is nothing to judge"),
    ("not-yaml-in-other-letters", "it is no YAML: there is nothing to judge"),
    ("query-of-no-site", "how many sites there are is known elsewhere in the file"),
    ("query-row-no-list", "rows may be anything, as far as the schema knows"),
    ("query-says-without-error", "each of the keys is right; which go together is for `check`"),
    ("unknown-captured-value", "names are defined by another step"),
    ("unknown-file", "names are defined elsewhere in the file"),
    ("unknown-site", "names are defined elsewhere in the file"),
];

/// Reads a schema and documents by name, and writes what is wrong with each.
const SCRIPT: &str = "
import json, sys, jsonschema
asked = json.load(sys.stdin)
jsonschema.Draft7Validator.check_schema(asked['schema'])
judge = jsonschema.Draft7Validator(asked['schema'])
told = {name: [f'{error.json_path}: {error.message}' for error in judge.iter_errors(document)]
        for name, document in asked['documents'].items()}
json.dump(told, sys.stdout)
";

fn python() -> PathBuf {
    tool::cache().join("venv/bin/python")
}

fn missing() -> Option<String> {
    let mut command = Command::new(python());
    let asked = command.args(["-W", "ignore", "-c", "import jsonschema"]).stderr(Stdio::null()).status();
    let is_here = asked.is_ok_and(|status| status.success());
    (!is_here).then(|| "no jsonschema; ci/install gets it".to_owned())
}

/// Files below a folder of the package, by name; those that are no YAML left out.
fn documents(folder: &str) -> Result<BTreeMap<String, Value>, Failed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut documents = BTreeMap::new();
    for file in scenario::find(std::slice::from_ref(&folder))? {
        let name = file.strip_prefix(&folder).unwrap_or(&file).with_extension("").display().to_string();
        if let Ok(node) = node::parse(&std::fs::read_to_string(&file)?) {
            documents.insert(name, node.to_json());
        }
    }
    Ok(documents)
}

/// What the judge has to say of each.
fn judged(documents: &BTreeMap<String, Value>) -> Result<BTreeMap<String, Vec<String>>, Failed> {
    let mut command = tool::bounded(60, python());
    command.args(["-W", "ignore", "-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let asked = json!({ "schema": schema::value(), "documents": documents }).to_string();
    child.stdin.take().ok_or("no standard input")?.write_all(asked.as_bytes())?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err(format!("the judge ended with {}", output.status).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn takes_scenarios() -> Result<(), Failed> {
    let documents = documents("../scenarios")?;
    if documents.len() < 100 {
        return Err(format!("only {} scenarios found", documents.len()).into());
    }
    let told = judged(&documents)?.into_iter().filter(|(_, told)| !told.is_empty());
    let wrong: Vec<String> = told.map(|(name, told)| format!("{name}\n  {}", told.join("\n  "))).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

fn refuses_mistakes() -> Result<(), Failed> {
    let documents = documents("tests/mistakes")?;
    let told = judged(&documents)?;
    let is_unseen = |name: &str| UNSEEN.iter().any(|(unseen, _)| *unseen == name);
    let mut wrong: Vec<String> = told
        .iter()
        .filter(|(name, told)| told.is_empty() && !is_unseen(name))
        .map(|(name, _)| format!("{name}: the schema takes it, and no reason stands in UNSEEN"))
        .collect();
    for (name, _) in UNSEEN {
        if !Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/mistakes/{name}.yaml")).exists() {
            wrong.push(format!("{name}: it stands in UNSEEN, and there is no such mistake"));
        }
        if let Some(told) = told.get(*name).filter(|told| !told.is_empty()) {
            wrong.push(format!("{name}: it stands in UNSEEN, and is seen: {}", told.join("; ")));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}
