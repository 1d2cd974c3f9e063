//! What is written beside the code: links lead somewhere, references are as the code has them, the dashboard shows
//! metrics there are.
#![allow(clippy::unwrap_used)] // A test that cannot go on says where.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use spatialcloud_harness::{Stack, contract};

/// The whole repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

async fn stack() -> Stack {
    Stack::in_process().settings(json!({"clock": {"pace": "manual"}})).start().await.unwrap()
}

/// Fails, or writes where `UPDATE_GOLDEN` says so.
fn is_as_written(path: &Path, text: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, text).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    let place = written.lines().zip(text.lines()).position(|(written, told)| written != told);
    assert!(
        written == text,
        "{} is not as the code has it (first at line {:?}): UPDATE_GOLDEN=1 writes it",
        path.display(),
        place.map(|line| line + 1)
    );
}

/// Metrics that a text names.
fn metrics(text: &str) -> BTreeSet<String> {
    let is_name = |letter: char| letter.is_ascii_lowercase() || letter == '_';
    let names = text.match_indices("spatialcloud_").map(|(at, _)| {
        let rest = &text[at..];
        rest[..rest.find(|letter| !is_name(letter)).unwrap_or(rest.len())].to_owned()
    });
    names.collect()
}

#[tokio::test]
async fn the_dashboard_of_grafana_shows_every_metric_and_no_other() {
    let stack = stack().await;
    let url = format!("{}/metrics", stack.api().url());
    let told = tokio::task::spawn_blocking(move || {
        ureq::get(&url).call().unwrap().body_mut().read_to_string().unwrap()
    })
    .await
    .unwrap();
    let there: BTreeSet<String> =
        told.lines().filter(|line| line.starts_with("# TYPE ")).flat_map(metrics).collect();
    let dashboard: Value =
        serde_json::from_str(&std::fs::read_to_string(root().join("docs/grafana.json")).unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let shown: BTreeSet<String> =
        targets.flat_map(|target| metrics(target["expr"].as_str().unwrap())).collect();
    assert!(there.len() > 8, "{there:?}");
    assert_eq!(shown, there);
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn the_reference_of_the_api_is_as_the_code_has_it() {
    let stack = stack().await;
    let api = stack.api().get("openapi.json").await.unwrap();
    is_as_written(&root().join("docs/api.md"), &reference(&api));
    stack.stop().await.unwrap();
}

/// The API's own description, for people.
fn reference(api: &Value) -> String {
    let words = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut text = String::from(
        "# The control API\n\nGenerated from the program's own table: \
         `UPDATE_GOLDEN=1 cargo test -p spatialcloud-harness --test documents`. Programs find the\n\
         same at `/api/v1/openapi.json`.\n\n\
         On loopback the API asks for nothing. Where it listens beyond, every call has to bring `Authorization: Bearer \
         TOKEN`; the\ntoken is printed at start. Errors are `{ code, message, detail }`; `code` stays, `message` is for \
         people.\n\n`/metrics` is for Prometheus; [grafana.json](grafana.json) is a dashboard to import.\n",
    );
    for (path, operations) in api["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            text.push_str(&format!(
                "\n## {} {path}\n\n{}\n",
                method.to_uppercase(),
                words(&operation["summary"])
            ));
            let parameters = operation["parameters"].as_array().unwrap();
            if !parameters.is_empty() {
                text.push('\n');
            }
            for parameter in parameters {
                let place = if parameter["in"] == "path" { "in the path, " } else { "" };
                text.push_str(&format!(
                    "- `{}`: {place}{}\n",
                    words(&parameter["name"]),
                    words(&parameter["description"])
                ));
            }
            let body = &operation["requestBody"]["content"]["application/json"]["schema"];
            if !body.is_null() {
                text.push_str(&format!("\nBody: `{}`\n", shape(body)));
            }
            for (status, response) in operation["responses"].as_object().unwrap() {
                if !status.starts_with('2') {
                    continue;
                }
                let (media_type, content) = response["content"].as_object().unwrap().iter().next().unwrap();
                let told = match media_type.as_str() {
                    "application/json" => format!("`{}`", shape(&content["schema"])),
                    media_type => format!("`{media_type}`"),
                };
                text.push_str(&format!("\nAnswers {status}: {told}\n"));
            }
            let errors: Vec<&String> = operation["responses"]
                .as_object()
                .unwrap()
                .keys()
                .filter(|status| {
                    !status.starts_with('2') && !["401", "403", "500"].contains(&status.as_str())
                })
                .collect();
            if !errors.is_empty() {
                let errors: Vec<&str> = errors.into_iter().map(String::as_str).collect();
                text.push_str(&format!("Errors: {}\n", errors.join(", ")));
            }
        }
    }
    text.push_str("\n## Shapes\n\n");
    for (name, schema) in api["components"]["schemas"].as_object().unwrap() {
        text.push_str(&format!("- **{name}** `{}`\n", shape(schema)));
    }
    text
}

/// A schema on one line: `?` may be null, `~` may be absent.
fn shape(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return reference.rsplit('/').next().unwrap_or_default().to_owned();
    }
    let null = if schema["nullable"] == true { "?" } else { "" };
    let kind = schema["type"].as_str().unwrap_or("any");
    let told = match kind {
        "object" => match schema["properties"].as_object() {
            None => "object".to_owned(),
            Some(properties) => {
                let required = schema["required"].as_array().cloned().unwrap_or_default();
                let fields: Vec<String> = properties
                    .iter()
                    .map(|(name, schema)| {
                        let absent = if required.contains(&json!(name)) { "" } else { "~" };
                        format!("{name}{absent}: {}", shape(schema))
                    })
                    .collect();
                format!("{{ {} }}", fields.join(", "))
            }
        },
        "array" => format!("[{}]", shape(&schema["items"])),
        "integer" => "count".to_owned(),
        "boolean" => "flag".to_owned(),
        other => other.to_owned(),
    };
    format!("{told}{null}")
}

#[test]
fn how_faithful_it_is_stands_as_the_rules_have_it() {
    let proofs = contract::proofs(&[root().join("scenarios")]).unwrap();
    let mut text = String::from(
        "# How faithful is it?\n\nGenerated from the program's own tables: \
         `UPDATE_GOLDEN=1 cargo test -p spatialcloud-harness --test documents`.\n\n\
         Nobody outside the vendor has seen its cloud from within. What is known of it comes from public pages; the rest is \
         chosen,\nand each choice that could matter is a setting ([reference](../scenarios/REFERENCE.md)). Every rule is \
         proved by scenarios that\nrun with real clients; a rule without one fails the build.\n\n\
         - **documented**: the vendor's public guide to SFTP says it.\n\
         - **vendor page**: another public page of the vendor says it.\n\
         - **our choice**: nobody outside knows; details of documented rules can be our choice, too.\n\n\
         | rule | what | known from | proved by |\n|---|---|---|---|\n",
    );
    for (id, summary) in contract::RULES {
        let scenarios: Vec<String> =
            proofs[*id].iter().map(|name| format!("[{name}](../scenarios/{name}.yaml)")).collect();
        text.push_str(&format!(
            "| {id} | {summary} | {} | {} |\n",
            contract::source(id).words(),
            scenarios.join(", ")
        ));
    }
    is_as_written(&root().join("docs/faithful.md"), &text);
}

/// Every Markdown file of the repository.
fn documents(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" && !path.is_symlink() {
                documents(&path, found);
            }
        } else if name.ends_with(".md") {
            found.push(path);
        }
    }
}

/// The name that a heading has in an address, as code hosts make it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    kept.chars()
        .filter(|c| c.is_alphanumeric() || "-_ ".contains(*c))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// Headings, without what stands between fences.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut is_code = false;
    let headings = text.lines().filter(|line| {
        is_code ^= line.trim_start().starts_with("```");
        !is_code && line.starts_with('#')
    });
    headings.map(|line| anchor(line.trim_start_matches('#'))).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut found = Vec::new();
    documents(&root(), &mut found);
    assert!(found.len() > 6, "{found:?}");
    let (mut wrong, mut count) = (Vec::new(), 0);
    for path in &found {
        let text = std::fs::read_to_string(path).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            count += 1;
            let (file, heading) =
                link.split_once('#').map_or((link, None), |(file, heading)| (file, Some(heading)));
            let target = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            let is_there = target.exists()
                && heading.is_none_or(|heading| {
                    anchors(&std::fs::read_to_string(&target).unwrap()).contains(heading)
                });
            if !is_there {
                wrong.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(count > 5, "{count} links");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
