//! Scenario files: what they say, read without running anything.

pub mod backup;
pub mod diagnostic;
pub mod fields;
pub mod node;
pub mod specs;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::behaviours::BEHAVIOURS;
use crate::contract;
use crate::step;
use fields::{Asked, Fields, Mistake, items, text};
use node::{Kind, Node, Place};
pub use specs::{FileSpec, SiteSpec};

/// One scenario: a file, or one row of its `for-each`.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it shows, in a sentence.
    pub title: String,
    /// The row of `for-each`, as `name=value`, if there is one.
    pub row: Option<String>,
    /// The rules it proves.
    pub contract: Vec<String>,
    /// Settings of its stack.
    pub settings: Value,
    /// Files it uploads.
    pub files: BTreeMap<String, FileSpec>,
    /// Its sites.
    pub sites: BTreeMap<String, SiteSpec>,
    /// The clients it names; absent: all that can do every step.
    pub clients: Option<Vec<String>>,
    /// Clients that do not run it although they could, each with the reason.
    pub except: BTreeMap<String, String>,
    /// The client behaviours it shows.
    pub behaviours: Vec<String>,
    /// Whether it runs twice, and both runs must give the same events.
    pub twice: bool,
    /// What is done.
    pub steps: Vec<Node>,
    /// What is done whatever happened.
    pub always: Vec<Node>,
    /// The text all of this was read from.
    pub source: Arc<Source>,
}

/// The text of a scenario file, and of the file it includes. Places count through both.
#[derive(Debug, Default)]
pub struct Source {
    path: PathBuf,
    text: String,
    included: Option<(PathBuf, String)>,
}

impl Source {
    /// File, its text, and the place within it.
    pub fn locate(&self, place: &Place) -> (&Path, &str, Place) {
        let end = self.text.len();
        match &self.included {
            Some((path, text)) if place.start >= end => (path, text, place.start - end..place.end - end),
            _ => (&self.path, &self.text, place.clone()),
        }
    }

    /// File and line, counted from 1, for messages.
    pub fn line(&self, place: &Place) -> String {
        let (path, text, place) = self.locate(place);
        let line = text.get(..place.start).map_or(1, |before| before.matches('\n').count() + 1);
        format!("{}:{line}", path.display())
    }

    /// The line itself.
    pub fn excerpt(&self, place: &Place) -> &str {
        let (_, text, place) = self.locate(place);
        let start = text.get(..place.start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default().trim()
    }
}

/// A file that cannot be used, and why.
#[derive(Debug)]
pub enum LoadError {
    /// It cannot be read.
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// Something in it is wrong.
    Mistake {
        /// The text.
        source: Arc<Source>,
        /// What is wrong.
        mistake: Mistake,
    },
}

impl LoadError {
    /// For a person.
    pub fn render(&self, colour: bool) -> String {
        match self {
            LoadError::Unreadable { path, error } => format!("error: {}: {error}", path.display()),
            LoadError::Mistake { source, mistake } => {
                let (path, text, place) = source.locate(&mistake.place);
                let mistake = Mistake { place, ..mistake.clone() };
                diagnostic::render(&path.display().to_string(), text, &mistake, colour)
            }
        }
    }
}

/// Reads a file: one scenario, or one for each row.
pub fn load(path: &Path) -> Result<Vec<Scenario>, LoadError> {
    let text = read(path)?;
    let mut source = Source { path: path.to_owned(), text, included: None };
    let root = match node::parse(&source.text) {
        Ok(root) => root,
        Err(error) => return Err(yaml_mistake(source, error, 0)),
    };
    let root = match include(&root) {
        None => root,
        Some(name) => {
            let path = path.with_file_name(name);
            let text = read(&path)?;
            let shift = source.text.len();
            source.included = Some((path, text.clone()));
            match node::parse(&text) {
                Ok(shared) => merged(root, shared.shifted(shift)),
                Err(error) => return Err(yaml_mistake(source, error, shift)),
            }
        }
    };
    let source = Arc::new(source);
    rows(&root)
        .and_then(|rows| rows.iter().map(|row| row_of(&root, row, &source)).collect())
        .map_err(|mistake| LoadError::Mistake { source, mistake })
}

/// Reads a file of tables, as `generate --tables` takes it.
pub fn load_tables(path: &Path) -> Result<backup::Tables, LoadError> {
    let source = Source { path: path.to_owned(), text: read(path)?, included: None };
    match node::parse(&source.text) {
        Ok(root) => {
            backup::tables(&root).map_err(|mistake| LoadError::Mistake { source: Arc::new(source), mistake })
        }
        Err(error) => Err(yaml_mistake(source, error, 0)),
    }
}

fn read(path: &Path) -> Result<String, LoadError> {
    std::fs::read_to_string(path).map_err(|error| LoadError::Unreadable { path: path.to_owned(), error })
}

fn yaml_mistake(source: Source, error: node::YamlError, shift: usize) -> LoadError {
    let place = error.place.start + shift..error.place.end + shift;
    let mistake = Mistake { message: error.message, place, help: None };
    LoadError::Mistake { source: Arc::new(source), mistake }
}

/// The file named by `include:`, beside this one.
fn include(root: &Node) -> Option<&str> {
    let Kind::Map(entries) = &root.kind else { return None };
    match &entries.iter().find(|(key, _)| key.text == "include")?.1.kind {
        Kind::Scalar(Value::String(name)) => Some(name),
        _ => None,
    }
}

/// What stands in `root` wins over what `shared` brings.
fn merged(root: Node, shared: Node) -> Node {
    let (Kind::Map(mut entries), Kind::Map(shared)) = (root.kind, shared.kind) else {
        return Node { kind: Kind::Null, place: root.place };
    };
    entries.retain(|(key, _)| key.text != "include");
    for (key, value) in shared {
        if !entries.iter().any(|(known, _)| known.text == key.text) {
            entries.push((key, value));
        }
    }
    Node { kind: Kind::Map(entries), place: root.place }
}

type Row = BTreeMap<String, String>;

fn rows(root: &Node) -> Result<Vec<Row>, Mistake> {
    let Kind::Map(entries) = &root.kind else {
        return Err(Mistake::new(&root.place, format!("a scenario file is a map, got {}", root.described())));
    };
    let Some((_, list)) = entries.iter().find(|(key, _)| key.text == "for-each") else {
        return Ok(vec![Row::new()]);
    };
    let rows = items(list, "for-each")?;
    if rows.is_empty() {
        return Err(Mistake::new(&list.place, "for-each: without a row nothing would run"));
    }
    rows.iter()
        .map(|item| {
            Fields::of(item, "a row of for-each")?
                .rest()
                .into_iter()
                .map(|(key, value)| Ok((key.text.clone(), text(value, "for-each")?)))
                .collect()
        })
        .collect()
}

fn row_of(root: &Node, row: &Row, source: &Arc<Source>) -> Result<Scenario, Mistake> {
    let root = root.substituted(row);
    let mut fields = Fields::of(&root, "a scenario")?;
    let scenario = scenario(&mut fields, row, source)?;
    fields.end()?;
    Ok(scenario)
}

/// The keys of a scenario file, as its reader asks for them.
pub fn asked() -> Vec<Asked> {
    fields::asked("title: x\nsteps: []", |fields| scenario(fields, &Row::new(), &Arc::default()).map(|_| ()))
}

fn scenario(fields: &mut Fields<'_>, row: &Row, source: &Arc<Source>) -> Result<Scenario, Mistake> {
    let title = fields.need_text("title")?;
    let contract = fields.some_of("contract", "contract rule", &names(contract::RULES))?;
    let clock = fields.take("clock");
    let settings = fields.take("settings");
    let files = fields.take("files").map(specs::files).transpose()?.unwrap_or_default();
    let sites = fields.take("sites").map(specs::sites).transpose()?.unwrap_or_default();
    let clients = match fields.take("clients") {
        None => None,
        Some(node) => Some(clients(node)?),
    };
    let except = fields.take("except").map(except).transpose()?.unwrap_or_default();
    let behaviours = fields.some_of("behaviours", "client behaviour", &names(BEHAVIOURS))?;
    let twice = fields.flag("twice")?;
    for elsewhere in ["for-each", "include"] {
        fields.take(elsewhere);
    }
    let steps = items(fields.need("steps")?, "steps")?.to_vec();
    let always = fields.take("always").map(|node| items(node, "always").map(<[Node]>::to_vec)).transpose()?;
    let always = always.unwrap_or_default();
    let names =
        step::Names { files: files.keys().cloned().collect(), sites: sites.keys().cloned().collect() };
    let mut captured = Vec::new();
    for node in steps.iter().chain(&always) {
        step::parse(node, &names)?;
        node.check_captures(&captured)?;
        captured.extend(node.captures());
    }
    let row = (!row.is_empty())
        .then(|| row.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" "));
    Ok(Scenario {
        title,
        row,
        twice,
        contract,
        settings: read_settings(settings, clock)?,
        files,
        sites,
        clients,
        except,
        behaviours,
        steps,
        always,
        source: source.clone(),
    })
}

/// The names in a table of names and summaries.
fn names(table: &[(&'static str, &str)]) -> Vec<&'static str> {
    table.iter().map(|(name, _)| *name).collect()
}

fn read_settings(settings: Option<&Node>, clock: Option<&Node>) -> Result<Value, Mistake> {
    let mut merged = settings.map_or_else(|| json!({}), Node::to_json);
    if !merged.is_object() {
        let place = settings.map_or(0..0, |node| node.place.clone());
        return Err(Mistake::new(
            &place,
            "settings: expected a map such as { movers: { settle-seconds: 60 } }",
        ));
    }
    if merged.get("clock").is_none() {
        merged["clock"] = json!({});
    }
    merged["clock"]["pace"] = json!("manual");
    if let Some(node) = clock {
        let start = text(node, "clock")?;
        if start.parse::<jiff::ZonedDateTime>().is_err() {
            return Err(Mistake::new(
                &node.place,
                format!(
                    "clock: {start:?} is not an instant: expected one such as 2026-03-02T16:00[Australia/Sydney]"
                ),
            ));
        }
        merged["clock"]["start"] = json!(start);
    }
    crate::stack::check_settings(&merged).map_err(|reason| settings_mistake(settings, &reason))?;
    Ok(merged)
}

/// Finds the place of an unknown setting from the reader's words, which quote its name and the known ones.
fn settings_mistake(settings: Option<&Node>, reason: &str) -> Mistake {
    let whole = settings.map_or(0..0, |node| node.place.clone());
    let mut quoted = reason.split('`').skip(1).step_by(2);
    if reason.starts_with("unknown field")
        && let (Some(found), Some(settings)) = (quoted.next(), settings)
        && let Some(key) = settings.find_key(found)
    {
        return Mistake::unknown(&key.place, "setting", found, &quoted.collect::<Vec<_>>());
    }
    Mistake::new(&whole, format!("settings: {reason}"))
}

fn clients(node: &Node) -> Result<Vec<String>, Mistake> {
    items(node, "clients")?
        .iter()
        .map(|item| {
            let name = text(item, "clients")?;
            known_client(&item.place, &name)?;
            Ok(name)
        })
        .collect()
}

/// `{ scp: why it does not run this }`
fn except(node: &Node) -> Result<BTreeMap<String, String>, Mistake> {
    Fields::of(node, "except")?
        .rest()
        .into_iter()
        .map(|(key, reason)| {
            known_client(&key.place, &key.text)?;
            Ok((key.text.clone(), text(reason, "except")?))
        })
        .collect()
}

fn known_client(place: &Place, name: &str) -> Result<(), Mistake> {
    let known = crate::client::names();
    if known.contains(&name) { Ok(()) } else { Err(Mistake::unknown(place, "client", name, &known)) }
}

/// All scenario files below the paths, in order. Files whose names begin with `_` are for `include`.
pub fn find(paths: &[PathBuf]) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            walk(path, &mut found)?;
        } else {
            std::fs::metadata(path)
                .map_err(|error| std::io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
            found.push(path.clone());
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(['_', '.']));
        if path.is_dir() {
            walk(&path, found)?;
        } else if !hidden && path.extension().is_some_and(|extension| extension == "yaml") {
            found.push(path);
        }
    }
    Ok(())
}
