//! `expect`: files on either side, events that happened or did not, what the client said.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use super::{Failure, Names, Parsed, Step, World, production};
use crate::api::{FileEntry, escaped};
use crate::hash::sha256;
use crate::scenario::fields::{Fields, Mistake, text};
use crate::scenario::node::Node;
use crate::{difference, size, trace};

/// How long an event may take to come; things that follow from a finished step are there already.
const EVENT_WAIT: Duration = Duration::from_secs(10);
/// Bytes of a file asked for at once when the first difference is looked for.
const PIECE_BYTES: usize = 1 << 20;

pub(super) fn expect(fields: &mut Fields<'_>, names: &Names) -> Parsed {
    for area in ["cloud", "inbox", "history", "out"] {
        if let Some(path) = fields.text(area)? {
            return file(area, &path, fields, names);
        }
    }
    if let Some(node) = fields.take("event") {
        return event(node, fields, false);
    }
    if let Some(node) = fields.take("no-event") {
        return event(node, fields, true);
    }
    if let Some(path) = fields.text("table")? {
        return production::table(&path, fields, names);
    }
    if let Some(site) = fields.text("warehouse")? {
        return production::warehouse(&site, fields, names);
    }
    let requests = fields.texts("requests")?;
    if !requests.is_empty() {
        return Ok(Box::new(Requests { wanted: requests.into_iter().map(|(text, _)| text).collect() }));
    }
    if let Some(pattern) = fields.text("no-request")? {
        return Ok(Box::new(NoRequest { pattern }));
    }
    if let Some(word) = fields.text("client")? {
        let succeeded = match word.as_str() {
            "succeeded" => true,
            "failed" => false,
            other => {
                return Err(Mistake::unknown(
                    fields.place_of("client"),
                    "client outcome",
                    other,
                    &["succeeded", "failed"],
                ));
            }
        };
        let exit_code = fields.number("exit-code")?;
        return Ok(Box::new(ClientOutcome { succeeded, says: fields.text("says")?, exit_code }));
    }
    Err(Mistake::new(
        fields.place(),
        "expect: expected one of cloud, inbox, history, out, table, warehouse, event, no-event, requests, no-request, client",
    ))
}

struct FileState {
    area: &'static str,
    site: String,
    path: String,
    wanted: Wanted,
}

enum Wanted {
    SameAs(String),
    DiffersFrom(String),
    Absent,
    Size(u64),
    There,
}

fn file(area: &'static str, path: &str, fields: &mut Fields<'_>, names: &Names) -> Parsed {
    let Some((site, path)) = path.split_once('/') else {
        return Err(Mistake::new(
            fields.place_of(area),
            format!("{area}: expected SITE/path, such as CITY/Database/x.bak"),
        ));
    };
    names.need_site(fields.place_of(area), site)?;
    let wanted = if let Some(file) = fields.text("same-as")? {
        names.need_file(fields.place_of("same-as"), &file)?;
        Wanted::SameAs(file)
    } else if let Some(file) = fields.text("differs-from")? {
        names.need_file(fields.place_of("differs-from"), &file)?;
        Wanted::DiffersFrom(file)
    } else if let Some(text) = fields.text("size")? {
        Wanted::Size(size::parse(&text).map_err(|reason| Mistake::new(fields.place_of("size"), reason))?)
    } else if fields.flag("absent")? {
        Wanted::Absent
    } else {
        Wanted::There
    };
    Ok(Box::new(FileState { area, site: site.to_owned(), path: path.to_owned(), wanted }))
}

#[async_trait]
impl Step for FileState {
    async fn run(&self, world: &mut World) -> Result<(), Failure> {
        let with_hash = matches!(self.wanted, Wanted::SameAs(_) | Wanted::DiffersFrom(_));
        let files = world.stack.api().files(&self.site, self.area, with_hash).await?;
        let found = files.iter().find(|file| file.path == self.path);
        let there = || {
            let names: Vec<&str> =
                files.iter().filter(|file| file.kind == "file").map(|file| file.path.as_str()).collect();
            if names.is_empty() {
                format!("{} of {} is empty", self.area, self.site)
            } else {
                format!("there is: {}", names.join(", "))
            }
        };
        let described = |file: &FileEntry| format!("{} of {} bytes", file.path, file.size_bytes);
        match (&self.wanted, found) {
            (Wanted::Absent, None) => Ok(()),
            (Wanted::Absent, Some(file)) => {
                Err(Failure::new(format!("no {} in {}", self.path, self.area), described(file)))
            }
            (_, None) => Err(Failure::new(format!("{} in {}", self.path, self.area), there())),
            (Wanted::There, Some(_)) => Ok(()),
            (Wanted::Size(bytes), Some(file)) if file.size_bytes == *bytes => Ok(()),
            (Wanted::Size(bytes), Some(file)) => Err(Failure::new(format!("{bytes} bytes"), described(file))),
            (Wanted::SameAs(name), Some(file)) => {
                let (local, hash) = sent(world, name)?;
                if file.sha256.as_deref() == Some(hash.as_str()) {
                    return Ok(());
                }
                let length = std::fs::metadata(&local).map_or(0, |metadata| metadata.len());
                let got = format!("{} (sha256 {})", described(file), file.sha256.clone().unwrap_or_default());
                let difference = self.difference(world, local).await?;
                Err(Failure::new(
                    format!("the {length} bytes of {name} (sha256 {hash})"),
                    format!("{got}\n{difference}"),
                ))
            }
            (Wanted::DiffersFrom(name), Some(file)) => match sent(world, name)? {
                (_, hash) if file.sha256.as_deref() == Some(hash.as_str()) => {
                    Err(Failure::new(format!("other bytes than those of {name}"), described(file)))
                }
                _ => Ok(()),
            },
        }
    }
}

/// Where a file of the scenario lies, and its hash.
fn sent(world: &World, name: &str) -> Result<(PathBuf, String), Failure> {
    let local = world.files.get(name).cloned().unwrap_or_default();
    let hash = sha256(&local).map_err(|error| Failure::Stack(error.to_string()))?;
    Ok((local, hash))
}

impl FileState {
    /// Where the file that came differs first from the one that was sent.
    async fn difference(&self, world: &World, sent: PathBuf) -> Result<String, Failure> {
        let mut offset_bytes = 0;
        let mut sent = File::open(sent).map_err(|error| Failure::Stack(error.to_string()))?;
        loop {
            let api = world.stack.api();
            let piece = api.piece(&self.site, self.area, &self.path, offset_bytes, PIECE_BYTES).await?;
            // Past its end the rest of what was sent is the difference.
            let expected = (&mut sent).take(piece.len().max(1) as u64);
            let found = difference::first(expected, &piece[..]);
            match found.map_err(|error| Failure::Stack(error.to_string()))? {
                Some(mut found) => {
                    found.at += offset_bytes;
                    return Ok(found.to_string());
                }
                None if piece.is_empty() => return Ok("it has changed since: no difference now".to_owned()),
                None => offset_bytes += piece.len() as u64,
            }
        }
    }
}

struct EventState {
    kind: String,
    fields: Vec<(String, String)>,
    absent: bool,
    /// What its words must contain, in whichever field.
    says: Option<String>,
    capture: Option<(String, String)>,
}

fn event(node: &Node, fields: &mut Fields<'_>, absent: bool) -> Parsed {
    let kind = text(node, "event")?;
    let known = crate::stack::event_kinds();
    if !kind.ends_with('*') && !known.contains(&kind.as_str()) {
        return Err(Mistake::unknown(&node.place, "event", &kind, &known));
    }
    let capture = fields.text("capture")?.and_then(|capture| {
        let (field, name) = capture.split_once(" as ")?;
        Some((field.to_owned(), name.to_owned()))
    });
    let says = fields.text("says")?;
    let mut fields_wanted = Vec::new();
    for (key, value) in fields.rest() {
        let value = match value.to_json() {
            Value::String(text) => text,
            Value::Array(items) => items
                .iter()
                .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
                .collect::<Vec<_>>()
                .join(","),
            other => other.to_string(),
        };
        fields_wanted.push((key.text.clone(), value));
    }
    Ok(Box::new(EventState { kind, fields: fields_wanted, absent, says, capture }))
}

impl EventState {
    fn query(&self) -> String {
        let fields = self.fields.iter().map(|(name, value)| format!("&{}={}", escaped(name), escaped(value)));
        let says = self.says.iter().map(|text| format!("&says={}", escaped(text)));
        format!("kind={}{}{}", escaped(&self.kind), fields.collect::<String>(), says.collect::<String>())
    }

    fn words(&self) -> String {
        let fields = self.fields.iter().map(|(name, value)| format!(" {name}={value}"));
        let says = self.says.iter().map(|text| format!(" that says {text:?}"));
        format!("{}{}{}", self.kind, fields.collect::<String>(), says.collect::<String>())
    }
}

#[async_trait]
impl Step for EventState {
    async fn run(&self, world: &mut World) -> Result<(), Failure> {
        let api = world.stack.api();
        if self.absent {
            return match api.events(&self.query()).await?.first() {
                None => Ok(()),
                Some(event) => Err(Failure::new(format!("no event {}", self.words()), event.to_string())),
            };
        }
        let Some(event) = api.wait(&self.query(), EVENT_WAIT).await? else {
            let same_kind = api.events(&format!("kind={}", escaped(&self.kind))).await?;
            let got = match same_kind.last() {
                Some(event) => format!("the last of that kind was {event}"),
                None => "none of that kind".to_owned(),
            };
            return Err(Failure::new(format!("an event {}", self.words()), got));
        };
        if let Some((field, name)) = &self.capture {
            let value = event.get(field).cloned().unwrap_or(Value::Null);
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            world.captures.insert(name.clone(), value);
        }
        if self.kind == "warehouse.loaded" {
            let load = format!("load {}: {} tables, {} rows", event["load"], event["tables"], event["rows"]);
            world.story.push(format!("{load}, {} snapshots", event["snapshots"]));
        }
        if self.kind == "warehouse.inspected" {
            let word = |name: &str| event[name].as_str().unwrap_or("?").to_owned();
            world.story.push(format!(
                "backup of {} from SQL Server {}, accepted: {}",
                word("database"),
                word("server_version"),
                event["accepted"]
            ));
        }
        Ok(())
    }
}

/// Requests that came, of whatever session.
async fn requests(world: &World) -> Result<Vec<String>, Failure> {
    let api = world.stack.api();
    let mut events = api.events("kind=session.started").await?;
    events.extend(api.events("kind=request.received").await?);
    events.sort_by_key(|event| event["sequence"].as_u64());
    let lines = trace::lines(&events);
    if lines.iter().all(|line| line.starts_with("init ")) {
        return Err(Failure::new(
            "requests in the journal",
            "none: set `settings: { endpoint: { record-requests: true } }`",
        ));
    }
    Ok(lines)
}

struct Requests {
    wanted: Vec<String>,
}

#[async_trait]
impl Step for Requests {
    async fn run(&self, world: &mut World) -> Result<(), Failure> {
        let lines = requests(world).await?;
        match trace::first_missing(&lines, &self.wanted) {
            None => Ok(()),
            Some(missing) => {
                Err(Failure::new(format!("{missing:?}, after those before it"), lines.join("\n")))
            }
        }
    }
}

struct NoRequest {
    pattern: String,
}

#[async_trait]
impl Step for NoRequest {
    async fn run(&self, world: &mut World) -> Result<(), Failure> {
        match requests(world).await?.iter().find(|line| trace::begins(line, &self.pattern)) {
            None => Ok(()),
            Some(line) => Err(Failure::new(format!("no request {:?}", self.pattern), line.clone())),
        }
    }
}

struct ClientOutcome {
    succeeded: bool,
    says: Option<String>,
    exit_code: Option<i64>,
}

#[async_trait]
impl Step for ClientOutcome {
    async fn run(&self, world: &mut World) -> Result<(), Failure> {
        let Some(outcome) = &world.outcome else {
            return Err(Failure::new("a client step before this one", "the client has done nothing"));
        };
        let got = format!(
            "succeeded: {}, exit code {:?}, words: {}",
            outcome.succeeded, outcome.exit_code, outcome.output
        );
        if outcome.succeeded != self.succeeded {
            return Err(Failure::new(format!("succeeded: {}", self.succeeded), got));
        }
        if let Some(text) = &self.says
            && !outcome.output.to_lowercase().contains(&text.to_lowercase())
        {
            return Err(Failure::new(format!("words containing {text:?}"), got));
        }
        match self.exit_code {
            Some(code) if outcome.exit_code.map(i64::from) != Some(code) => {
                Err(Failure::new(format!("exit code {code}"), got))
            }
            _ => Ok(()),
        }
    }
}
