//! Makes a profile of what a real client was seen to ask.
//!
//! What cannot be seen is left for a person to fill in: what the client would have done after another answer,
//! and how many WRITEs it lets wait.

use serde_json::Value;

/// How the recorded client is to be called.
#[derive(Clone, Debug)]
pub struct Naming<'a> {
    /// The profile's name.
    pub name: &'a str,
    /// The client's version; absent: as in its banner.
    pub version: Option<&'a str>,
    /// The real client that runs here, if it is one.
    pub stands_for: Option<&'a str>,
}

/// What was seen while a client did one thing.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    /// What it did, as the profile's section and the step are called.
    pub operation: &'a str,
    /// The path it was about; for an upload the server tells it.
    pub path: &'a str,
    /// The other path, of a rename.
    pub to: &'a str,
    /// Everything that happened meanwhile.
    pub events: &'a [Value],
}

impl<'a> Visit<'a> {
    /// An upload, whatever else was done.
    pub fn upload(events: &'a [Value]) -> Visit<'a> {
        Visit { operation: "upload", path: "", to: "", events }
    }

    /// The events of the session that counts: that of the upload, else the one that asked most.
    pub fn session(&self) -> Vec<&'a Value> {
        let requests = || self.events.iter().filter(|event| event["event"] == "request.received");
        let is_upload = |event: &&Value| {
            event["operation"] == "open"
                && event["flags"].as_array().is_some_and(|flags| flags.iter().any(|flag| flag == "write"))
        };
        let session = match self.operation {
            "upload" => requests().find(is_upload),
            _ => requests()
                .max_by_key(|event| requests().filter(|other| other["session"] == event["session"]).count()),
        };
        let session = session.map(|event| &event["session"]);
        self.events.iter().filter(|event| session == Some(&event["session"])).collect()
    }
}

/// The text of a profile of these visits, an upload first. The words of what is missing where there is none.
pub fn profile(visits: &[Visit<'_>], naming: &Naming<'_>) -> Result<String, String> {
    let of_session = visits.first().map(Visit::session).unwrap_or_default();
    let is_open = |event: &&&Value| event["operation"] == "open" && event["event"] == "request.received";
    let opened =
        of_session.iter().find(is_open).ok_or("no file was uploaded, so there is nothing to record")?;
    let field = |kind: &str, name: &str| {
        of_session.iter().find(|event| event["event"] == kind).map(|event| event[name].clone())
    };
    let banner = field("client.identified", "banner").unwrap_or_default();
    let banner = banner.as_str().unwrap_or_default();
    let algorithm = field("authentication.succeeded", "algorithm").unwrap_or_default();
    let version = naming.version.unwrap_or_else(|| version_in(banner));
    let mut text = format!(
        "# Recorded by `spatialcloud record`: what the server saw.\nname: {}\ntitle: {}\nversion: {}\n\
         evidence: recorded\n",
        naming.name,
        quoted(&format!("{} {version}", naming.name)),
        quoted(version)
    );
    if let Some(real) = naming.stands_for {
        text.push_str(&format!("stands-for: {real}\n"));
    }
    text.push_str(&format!("banner: {}\n", quoted(banner)));
    text.push_str(&format!("init: {}\n", field("session.started", "client_version").unwrap_or(3.into())));
    if let Some(algorithm) = algorithm.as_str() {
        text.push_str(&format!("signatures: [{algorithm}]\n"));
    }
    let target = target(opened, &of_session);
    let mut is_first = true;
    for visit in visits {
        let paths = match visit.operation {
            "upload" => Paths { target: &target, to: "" },
            _ => Paths { target: visit.path, to: visit.to },
        };
        let asks = asks(&visit.session(), paths);
        let greeting = asks.iter().take_while(|ask| ask.is_greeting).count();
        let sections = [("session", &asks[..greeting]), (visit.operation, &asks[greeting..])];
        // Every session begins the same way.
        for (section, asks) in sections.into_iter().skip(usize::from(!is_first)) {
            if !asks.is_empty() {
                text.push_str(&format!("{section}:\n"));
                asks.iter().for_each(|ask| text.push_str(&ask.text));
            }
        }
        is_first = false;
    }
    Ok(text)
}

/// The paths that a profile writes as `${remote}` and `${to}`.
#[derive(Clone, Copy)]
struct Paths<'a> {
    target: &'a str,
    to: &'a str,
}

/// `SSH-2.0-OpenSSH_9.2p1 Debian-2` → `9.2p1`.
fn version_in(banner: &str) -> &str {
    let software = banner.splitn(3, '-').nth(2).unwrap_or(banner);
    let software = software.split(' ').next().unwrap_or(software);
    software.find(|c: char| c.is_ascii_digit()).map_or(software, |at| &software[at..])
}

/// The file's final path: what the opened file was renamed to, if it was.
fn target(opened: &Value, events: &[&Value]) -> String {
    let renamed = events
        .iter()
        .find(|event| event["operation"] == "rename" && event["path"] == opened["path"])
        .and_then(|event| event["to"].as_str());
    renamed.or(opened["path"].as_str()).unwrap_or_default().to_owned()
}

struct Recorded {
    text: String,
    is_greeting: bool,
}

fn asks(events: &[&Value], paths: Paths<'_>) -> Vec<Recorded> {
    let mut recorded: Vec<Recorded> = Vec::new();
    // READs of one file and READDIRs of one folder are one line, whatever their number.
    let mut last = String::new();
    for event in events {
        match event["event"].as_str().unwrap_or_default() {
            "channel.refused" if event["request"] == "exec" => {
                let command = event["detail"].as_str().unwrap_or_default();
                let text = format!("  - exec: {}\n", quoted(command));
                recorded.push(Recorded { text, is_greeting: true });
                last.clear();
            }
            "request.received" => {
                let ask = ask(event, paths);
                let goes_on = ["read", "readdir"].iter().any(|known| last == *known);
                if !(goes_on && event["operation"] == last.as_str()) {
                    recorded.push(ask);
                }
                last = event["operation"].as_str().unwrap_or_default().to_owned();
            }
            "request.refused" => {
                // It went on after this answer.
                if let Some(ask) = recorded.last_mut()
                    && !ask.text.contains("otherwise:")
                {
                    ask.text.push_str("    otherwise: { then: go-on }\n");
                }
            }
            _ => {}
        }
    }
    recorded
}

fn ask(event: &Value, paths: Paths<'_>) -> Recorded {
    let operation = event["operation"].as_str().unwrap_or_default();
    let path = event["path"].as_str().unwrap_or_default();
    let is_extension = operation == "extended";
    let shown = if is_extension { path.to_owned() } else { templated(operation, path, paths) };
    let is_about_a_handle = matches!(operation, "close" | "fstat" | "fsetstat" | "readdir");
    let mut text = match operation {
        "write" => format!("  - write: {}\n    in-flight: 64\n", event["size_bytes"]),
        "read" => format!("  - read: {}\n", event["size_bytes"]),
        _ if is_about_a_handle => format!("  - {operation}:\n"),
        "extended" if shown == "posix-rename@openssh.com" => format!(
            "  - posix-rename: {}\n    to: {}\n    if: announced posix-rename@openssh.com\n",
            quoted("${remote}"),
            quoted(if paths.to.is_empty() { "${remote}" } else { "${to}" })
        ),
        _ => format!("  - {operation}: {}\n", quoted(&shown)),
    };
    if is_extension && shown != "posix-rename@openssh.com" {
        text.push_str(&format!("    if: announced {shown}\n    otherwise: {{ then: go-on }}\n"));
    }
    if let Some(to) = event["to"].as_str() {
        text.push_str(&format!("    to: {}\n", quoted(&templated(operation, to, paths))));
    }
    for name in ["flags", "attributes"] {
        let words: Vec<&str> =
            event[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if !words.is_empty() {
            text.push_str(&format!("    {name}: [{}]\n", words.join(", ")));
        }
    }
    let is_greeting =
        (is_extension && shown == "limits@openssh.com") || (operation == "realpath" && path.is_empty());
    Recorded { text, is_greeting }
}

/// A path in terms of those that the user named.
fn templated(operation: &str, path: &str, Paths { target, to }: Paths<'_>) -> String {
    let (folder, name) = target.rsplit_once('/').unwrap_or(("", target));
    if path.is_empty() {
        return if operation == "realpath" { "." } else { "/" }.to_owned();
    }
    if !to.is_empty() && path == to {
        return "${to}".to_owned();
    }
    if let Some(suffix) = path.strip_prefix(target) {
        return format!("${{remote}}{suffix}");
    }
    if path == folder {
        return "${folder}".to_owned();
    }
    match path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')) {
        Some(rest) => format!("${{folder}}/{}", rest.replace(name, "${name}")),
        None => format!("/{path}"),
    }
}

/// YAML in double quotes where plain text could be taken for something else.
fn quoted(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '$' || c == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "${}/._-@ ".contains(c))
        && !text.ends_with(' ');
    if is_plain { text.to_owned() } else { format!("{text:?}") }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::client::Profile;

    #[test]
    fn what_was_seen_becomes_a_profile_that_can_be_read() {
        let request = |operation: &str, path: &str, more: Value| {
            let mut event =
                json!({"event": "request.received", "session": 4, "operation": operation, "path": path});
            for (key, value) in more.as_object().into_iter().flatten() {
                event[key] = value.clone();
            }
            event
        };
        let events = [
            json!({"event": "client.identified", "session": 4, "banner": "SSH-2.0-WinSCP_release_6.6.3"}),
            json!({"event": "authentication.succeeded", "session": 4, "algorithm": "rsa-sha2-512"}),
            json!({"event": "session.started", "session": 4, "client_version": 3}),
            request("realpath", "", json!({})),
            request("stat", "Spatial", json!({})),
            request("lstat", "Spatial/a.tif", json!({})),
            json!({"event": "request.refused", "session": 4, "operation": "lstat", "status": 2}),
            request(
                "open",
                "Spatial/a.tif.filepart",
                json!({"flags": ["write", "creat"], "attributes": ["size"]}),
            ),
            request("write", "Spatial/a.tif.filepart", json!({"count": 3, "size_bytes": 32768})),
            request("close", "Spatial/a.tif.filepart", json!({})),
            request("rename", "Spatial/a.tif.filepart", json!({"to": "Spatial/a.tif"})),
            request("setstat", "Spatial/a.tif", json!({"attributes": ["times"]})),
        ];
        let naming = Naming { name: "mine", version: None, stands_for: None };
        let text = profile(&[Visit::upload(&events)], &naming).expect("an upload");
        let expected = "\
# Recorded by `spatialcloud record`: what the server saw.
name: mine
title: mine 6.6.3
version: \"6.6.3\"
evidence: recorded
banner: SSH-2.0-WinSCP_release_6.6.3
init: 3
signatures: [rsa-sha2-512]
session:
  - realpath: \".\"
upload:
  - stat: ${folder}
  - lstat: ${remote}
    otherwise: { then: go-on }
  - open: ${remote}.filepart
    flags: [write, creat]
    attributes: [size]
  - write: 32768
    in-flight: 64
  - close:
  - rename: ${remote}.filepart
    to: ${remote}
  - setstat: ${remote}
    attributes: [times]
";
        assert_eq!(text, expected);
        Profile::read(Path::new("mine.yaml"), &text).expect("it can be read");
        assert!(profile(&[Visit::upload(&events[..5])], &naming).is_err());
    }
}
