//! `/sites/{code}/handover`: what a site's people enter into their clients, ready to paste. One file for each client.

use axum::Json;
use axum::extract::State as Shared;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::{ApiError, Path, Query};
use super::{State, sites};

/// What one client is given.
struct Sheet {
    /// The word that asks for it.
    name: &'static str,
    /// What it is, in a sentence.
    sentence: &'static str,
    /// A name for the file, where it becomes one.
    file: &'static str,
    /// Which form of the private key the client reads, as it lies where people keep it.
    key: Key,
    /// The text, with `{names}` of facts.
    text: &'static str,
}

#[derive(Clone, Copy)]
enum Key {
    OpenSsh,
    Ppk,
}

/// Every client there is a sheet for.
const SHEETS: &[Sheet] = &[
    Sheet {
        name: "openssh",
        sentence: "A host of OpenSSH's configuration, for sftp, scp and sshfs.",
        file: "config",
        key: Key::OpenSsh,
        text: include_str!("openssh.txt"),
    },
    Sheet {
        name: "known-hosts",
        sentence: "The endpoint's host keys, for OpenSSH, rclone and lftp.",
        file: "known_hosts",
        key: Key::OpenSsh,
        text: include_str!("known-hosts.txt"),
    },
    Sheet {
        name: "winscp",
        sentence: "A script for winscp.com, with the same as raw settings.",
        file: "upload.winscp",
        key: Key::Ppk,
        text: include_str!("winscp.txt"),
    },
    Sheet {
        name: "winscp-preset",
        sentence: "The site in WinSCP's window, and a transfer preset that is chosen by host and user.",
        file: "winscp-preset.txt",
        key: Key::Ppk,
        text: include_str!("winscp-preset.txt"),
    },
    Sheet {
        name: "filezilla",
        sentence: "A site that FileZilla imports.",
        file: "filezilla.xml",
        key: Key::Ppk,
        text: include_str!("filezilla.txt"),
    },
    Sheet {
        name: "putty",
        sentence: "A saved session of PuTTY on Windows, for psftp and pscp.",
        file: "spatialcloud.reg",
        key: Key::Ppk,
        text: include_str!("putty.txt"),
    },
    Sheet {
        name: "putty-unix",
        sentence: "The same elsewhere: a file in ~/.putty/sessions.",
        file: "spatialcloud",
        key: Key::Ppk,
        text: include_str!("putty-unix.txt"),
    },
    Sheet {
        name: "rclone",
        sentence: "A remote of rclone.",
        file: "rclone.conf",
        key: Key::OpenSsh,
        text: include_str!("rclone.txt"),
    },
    Sheet {
        name: "lftp",
        sentence: "A script for lftp.",
        file: "upload.lftp",
        key: Key::OpenSsh,
        text: include_str!("lftp.txt"),
    },
    Sheet {
        name: "sql-agent",
        sentence: "A nightly job of SQL Server Agent that backs up and uploads.",
        file: "job.sql",
        key: Key::Ppk,
        text: include_str!("sql-agent.txt"),
    },
];

/// Where the site's people keep things.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Places {
    /// The private key.
    key: Option<String>,
    /// The endpoint's host keys.
    known_hosts: Option<String>,
}

/// Every sheet.
pub(super) async fn list(
    Shared(state): Shared<State>,
    Path(code): Path<String>,
    Query(places): Query<Places>,
) -> Result<Json<Value>, ApiError> {
    sites::found(&state, &code)?;
    checked(&places)?;
    let sheets: Vec<Value> = SHEETS
        .iter()
        .map(|sheet| {
            json!({
                "name": sheet.name, "sentence": sheet.sentence, "file": sheet.file,
                "text": text(sheet, &state, &code, &places),
            })
        })
        .collect();
    Ok(Json(json!({"sheets": sheets})))
}

/// The text of one.
pub(super) async fn show(
    Shared(state): Shared<State>,
    Path((code, name)): Path<(String, String)>,
    Query(places): Query<Places>,
) -> Result<Response, ApiError> {
    sites::found(&state, &code)?;
    checked(&places)?;
    let sheet = SHEETS.iter().find(|sheet| sheet.name == name).ok_or_else(|| {
        let names: Vec<&str> = SHEETS.iter().map(|sheet| sheet.name).collect();
        ApiError::not_found(format!(
            "there is no sheet for {}; there is: {}",
            name.escape_debug(),
            names.join(", ")
        ))
    })?;
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", sheet.file)),
    ];
    Ok((headers, text(sheet, &state, &code, &places)).into_response())
}

/// A path stands between quotes in most of these files: what would end them is refused.
fn checked(places: &Places) -> Result<(), ApiError> {
    for (name, place) in [("key", &places.key), ("known_hosts", &places.known_hosts)] {
        let bad = |letter: char| letter.is_control() || "\"'{}".contains(letter);
        if place.as_ref().is_some_and(|place| place.contains(bad)) {
            let message = format!("{name}: a path without quotes, braces and control characters is expected");
            return Err(ApiError::bad_request(message));
        }
    }
    Ok(())
}

fn text(sheet: &Sheet, state: &State, code: &str, places: &Places) -> String {
    let card = &state.endpoint;
    let usual_key = match sheet.key {
        Key::OpenSsh => format!("~/.ssh/{code}_rsa"),
        Key::Ppk => format!("C:\\SpatialCloud\\{code}.ppk"),
    };
    let key = places.key.clone().unwrap_or(usual_key);
    let known_hosts = places.known_hosts.clone().unwrap_or_else(|| "~/.ssh/known_hosts".to_owned());
    let known_hosts_lines: Vec<String> =
        card.host_keys.iter().map(|host_key| format!("[{}]:{} {host_key}", card.host, card.port)).collect();
    let facts = [
        ("code", code.to_owned()),
        ("host", card.host.clone()),
        ("port", card.port.to_string()),
        ("port_hex", format!("{:08x}", card.port)),
        ("key_xml", key.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")),
        ("key_escaped", key.replace('\\', "\\\\")),
        ("key", key),
        ("known_hosts_lines", known_hosts_lines.join("\n")),
        ("known_hosts", known_hosts),
        ("fingerprint", card.host_key_fingerprint.clone()),
        ("winscp_host_key", winscp_host_key(&card.host_key, &card.host_key_fingerprint)),
        ("nightly_at", state.config.movers.nightly_at.clone()),
        ("time_zone", state.config.clock.time_zone.clone()),
    ];
    facts.iter().fold(sheet.text.to_owned(), |text, (name, fact)| text.replace(&format!("{{{name}}}"), fact))
}

/// Algorithm, bits, and SHA-256 in base64 with its padding, as WinSCP writes host keys.
fn winscp_host_key(host_key: &str, fingerprint: &str) -> String {
    let algorithm = host_key.split(' ').next().unwrap_or_default();
    let bits = if algorithm == "ssh-ed25519" { " 255" } else { "" };
    let hash = fingerprint.strip_prefix("SHA256:").unwrap_or(fingerprint);
    format!("{algorithm}{bits} {hash}=")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sheet_names_only_facts_there_are() {
        let known = [
            "code",
            "host",
            "port",
            "port_hex",
            "key_xml",
            "key_escaped",
            "key",
            "known_hosts_lines",
            "known_hosts",
            "fingerprint",
            "winscp_host_key",
            "nightly_at",
            "time_zone",
        ];
        for sheet in SHEETS {
            for rest in sheet.text.split('{').skip(1) {
                let name = rest.split('}').next().unwrap_or_default();
                assert!(known.contains(&name), "{}: {name}", sheet.name);
            }
            assert!(sheet.sentence.ends_with('.'), "{}", sheet.name);
        }
    }

    #[test]
    fn paths_that_would_end_their_quotes_are_refused() {
        let places = |key: &str| Places { key: Some(key.to_owned()), known_hosts: None };
        assert!(checked(&places("C:\\My Keys\\a.ppk")).is_ok());
        for key in ["a\"b", "a'b", "a\nb", "{host}"] {
            assert!(checked(&places(key)).is_err(), "{key}");
        }
    }
}
