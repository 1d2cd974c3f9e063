//! Reads profile files; every mistake is shown at the word that is wrong.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use russh::keys::HashAlg;
use serde_json::Value;

use super::condition::Condition;
use super::{Ask, Attribute, Evidence, FILES, OPERATIONS, Profile, Reaction, Then, What, WriteBytes};
use crate::client::sftp;
use crate::scenario::diagnostic;
use crate::scenario::fields::{Fields, Mistake, items, text};
use crate::scenario::node::{self, Kind, Node, Place};

/// The names that texts may hold as `${name}`.
const VARIABLES: &[&str] =
    &["remote", "folder", "name", "hash", "to", "path", "status", "code", "message", "local"];
/// WRITEs on their way where a client sets no limit of its own: more than any window holds.
const UNLIMITED: usize = 4096;

impl Profile {
    /// Reads a file's text; mistakes come with line, column and caret.
    pub fn read(path: &Path, content: &str) -> Result<Profile, String> {
        let parsed = match node::parse(content) {
            Ok(node) => based(node).and_then(|node| profile(&node)),
            Err(error) => Err(Mistake { message: error.message, place: error.place, help: None }),
        };
        parsed.map_err(|mistake| diagnostic::render(&path.display().to_string(), content, &mistake, false))
    }
}

/// With `like: FILE`, everything that this file does not say is taken from that one of ours.
fn based(node: Node) -> Result<Node, Mistake> {
    let Kind::Map(mut entries) = node.kind else { return Ok(node) };
    if let Some(index) = entries.iter().position(|(key, _)| key.text == "like") {
        let (_, like) = entries.remove(index);
        let name = text(&like, "like")?;
        let base = FILES.iter().find(|(file, _)| *file == name).and_then(|(_, text)| node::parse(text).ok());
        let Some(Node { kind: Kind::Map(base), .. }) = base else {
            let known: Vec<&str> = FILES.iter().map(|(file, _)| *file).collect();
            return Err(Mistake::unknown(&like.place, "profile", &name, &known));
        };
        let missing =
            base.into_iter().filter(|(key, _)| !entries.iter().any(|(own, _)| own.text == key.text));
        let missing: Vec<_> = missing.collect();
        entries.extend(missing);
    }
    Ok(Node { kind: Kind::Map(entries), place: node.place })
}

fn profile(node: &Node) -> Result<Profile, Mistake> {
    let mut fields = Fields::of(node, "a profile")?;
    let name = fields.need_text("name")?;
    let title = fields.need_text("title")?;
    let version = fields.need_text("version")?;
    let evidence = match fields.need_text("evidence")?.as_str() {
        "recorded" => Evidence::Recorded,
        "source" => Evidence::Source,
        other => {
            let place = fields.place_of("evidence");
            return Err(Mistake::unknown(place, "evidence", other, &["recorded", "source"]));
        }
    };
    let signatures = fields.texts("signatures")?.iter().map(signature).collect::<Result<Vec<_>, _>>()?;
    let understands: Vec<String> = fields.texts("understands")?.into_iter().map(|(wish, _)| wish).collect();
    let mut status_words = BTreeMap::new();
    if let Some(node) = fields.take("status-words") {
        let mut words = Fields::of(node, "status-words")?;
        for (key, value) in words.rest() {
            let code = key
                .text
                .parse()
                .map_err(|_| Mistake::new(&key.place, format!("{:?} is no status code", key.text)))?;
            status_words.insert(code, text(value, "status-words")?);
        }
    }
    let mut known = understands.clone();
    known.push("local".to_owned());
    let session = asks(fields.take("session"), &mut known)?;
    let mut operations = BTreeMap::new();
    for &operation in OPERATIONS {
        if let Some(node) = fields.take(operation) {
            operations.insert(operation, asks(Some(node), &mut known.clone())?);
        }
    }
    let at_least_one =
        |value: Option<i64>, default| value.and_then(|value| u64::try_from(value).ok()).unwrap_or(default);
    let profile = Profile {
        name,
        title,
        version,
        evidence,
        stands_for: fields.text("stands-for")?,
        banner: fields.text("banner")?,
        init: fields.number("init")?.and_then(|value| u32::try_from(value).ok()).unwrap_or(3),
        signatures: if signatures.is_empty() { vec![Some(HashAlg::Sha512)] } else { signatures },
        attempts: at_least_one(fields.number("attempts")?, 1).max(1),
        reconnects: at_least_one(fields.number("reconnects")?, 0),
        reconnect_wait: Duration::from_millis(at_least_one(fields.number("reconnect-wait-ms")?, 0)),
        understands,
        status_words,
        session,
        operations,
    };
    fields.end()?;
    Ok(profile)
}

fn signature((name, place): &(String, Place)) -> Result<Option<HashAlg>, Mistake> {
    match name.as_str() {
        "rsa-sha2-512" => Ok(Some(HashAlg::Sha512)),
        "rsa-sha2-256" => Ok(Some(HashAlg::Sha256)),
        "ssh-rsa" => Ok(None),
        other => {
            Err(Mistake::unknown(place, "signature", other, &["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"]))
        }
    }
}

/// A list of requests. `known` grows by the names they are remembered as.
fn asks(node: Option<&Node>, known: &mut Vec<String>) -> Result<Vec<Ask>, Mistake> {
    let Some(node) = node else { return Ok(Vec::new()) };
    items(node, "requests")?.iter().map(|item| ask(item, known)).collect()
}

/// Reads the value of a request's own key.
type Reader = fn(&Node, &mut Fields<'_>) -> Result<What, Mistake>;

/// Every request there is.
const REQUESTS: &[(&str, Reader)] = &[
    ("open", |node, fields| {
        Ok(What::Open { path: path(node)?, flags: flags(fields)?, attributes: attributes(fields)? })
    }),
    ("close", |_, _| Ok(What::Close)),
    ("write", |node, fields| {
        Ok(What::Write {
            bytes: write_bytes(node)?,
            in_flight: in_flight(fields)?,
            from: fields.text("from")?,
        })
    }),
    ("read", |node, _| match write_bytes(node)? {
        WriteBytes::Fixed(bytes) => Ok(What::Read(u32::try_from(bytes).unwrap_or(u32::MAX))),
        WriteBytes::Limits => Err(Mistake::new(&node.place, "read: expected bytes")),
    }),
    ("stat", |node, _| path(node).map(What::Stat)),
    ("lstat", |node, _| path(node).map(What::Lstat)),
    ("fstat", |_, _| Ok(What::Fstat)),
    ("setstat", |node, fields| Ok(What::Setstat { path: path(node)?, attributes: attributes(fields)? })),
    ("fsetstat", |_, fields| Ok(What::Fsetstat { attributes: attributes(fields)? })),
    ("realpath", |node, _| path(node).map(What::Realpath)),
    ("opendir", |node, _| path(node).map(What::Opendir)),
    ("readdir", |_, fields| Ok(What::Readdir { in_flight: in_flight(fields)? })),
    ("rename", |node, fields| Ok(What::Rename { from: path(node)?, to: path(fields.need("to")?)? })),
    ("posix-rename", |node, fields| {
        Ok(What::PosixRename { from: path(node)?, to: path(fields.need("to")?)? })
    }),
    ("remove", |node, _| path(node).map(What::Remove)),
    ("mkdir", |node, _| path(node).map(What::Mkdir)),
    ("rmdir", |node, _| path(node).map(What::Rmdir)),
    ("extended", |node, _| text(node, "extended").map(What::Extended)),
    ("exec", |node, _| text(node, "exec").map(What::Exec)),
    ("let", |node, _| text(node, "let").map(What::Let)),
    ("says", |node, _| path(node).map(What::Says)),
    ("fails", |node, _| path(node).map(What::Fails)),
];

fn ask(node: &Node, known: &mut Vec<String>) -> Result<Ask, Mistake> {
    let mut fields = Fields::of(node, "a request")?;
    let found = REQUESTS.iter().find_map(|(name, read)| fields.take(name).map(|node| (node, *read)));
    let Some((node, read)) = found else {
        let names: Vec<&str> = REQUESTS.iter().map(|(name, _)| *name).collect();
        return Err(match &node.kind {
            Kind::Map(entries) if !entries.is_empty() => {
                let key = &entries[0].0;
                Mistake::unknown(&key.place, "request", &key.text, &names)
            }
            _ => Mistake::new(&node.place, format!("a request is one of {}", names.join(", "))),
        });
    };
    let what = read(node, &mut fields)?;
    if let What::Write { from: Some(from), .. } = &what {
        check_names(&[from.strip_suffix(".size").unwrap_or(from)], fields.place_of("from"), known)?;
    }
    let conditions = conditions(&mut fields, known)?;
    let otherwise = match fields.take("otherwise") {
        None => Vec::new(),
        Some(node) => match &node.kind {
            Kind::List(items) => items.iter().map(|item| reaction(item, known)).collect::<Result<_, _>>()?,
            _ => vec![reaction(node, known)?],
        },
    };
    let remembered_as = fields.text("as")?;
    known.extend(remembered_as.clone());
    if let What::Let(name) = &what {
        known.push(name.clone());
    }
    let at_once = fields.flag("at-once")?;
    fields.end()?;
    Ok(Ask { what, conditions, remembered_as, otherwise, at_once })
}

fn reaction(node: &Node, known: &[String]) -> Result<Reaction, Mistake> {
    let mut fields = Fields::of(node, "otherwise")?;
    let status = match fields.take("status") {
        None => Vec::new(),
        Some(node) => {
            let list = items(node, "status")?;
            list.iter()
                .map(|item| {
                    let code = text(item, "status")?;
                    code.parse().map_err(|_| Mistake::new(&item.place, format!("{code:?} is no status code")))
                })
                .collect::<Result<_, _>>()?
        }
    };
    let conditions = conditions(&mut fields, known)?;
    let says = fields.take("says").map(path).transpose()?;
    let exit = fields.number("exit")?.and_then(|exit| i32::try_from(exit).ok());
    let then = match fields.text("then")?.as_deref() {
        None | Some("fail") => Then::Fail(exit.unwrap_or(1)),
        Some("go-on") => Then::GoOn,
        Some("hang") => Then::Hang,
        Some(other) => {
            let place = fields.place_of("then");
            return Err(Mistake::unknown(place, "ending", other, &["fail", "go-on", "hang"]));
        }
    };
    let requests = asks(fields.take("requests"), &mut known.to_vec())?;
    fields.end()?;
    Ok(Reaction { status, conditions, says, then, requests })
}

fn conditions(fields: &mut Fields<'_>, known: &[String]) -> Result<Vec<Condition>, Mistake> {
    let Some(node) = fields.take("if") else { return Ok(Vec::new()) };
    let list = match &node.kind {
        Kind::List(items) => items.iter().collect(),
        _ => vec![node],
    };
    list.into_iter()
        .map(|item| {
            let condition = Condition::parse(&text(item, "if")?)
                .map_err(|reason| Mistake::new(&item.place, format!("if: {reason}")))?;
            check_names(&condition.names(), &item.place, known)?;
            Ok(condition)
        })
        .collect()
}

fn check_names(names: &[&str], place: &Place, known: &[String]) -> Result<(), Mistake> {
    let all: Vec<&str> = known.iter().map(String::as_str).collect();
    match names.iter().find(|name| !all.contains(name)) {
        None => Ok(()),
        Some(name) => Err(Mistake::unknown(place, "name", name, &all)),
    }
}

/// Text with `${name}` of known names.
fn path(node: &Node) -> Result<String, Mistake> {
    let written = text(node, "path")?;
    let mut rest = written.as_str();
    while let Some((_, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        if !VARIABLES.contains(&name) {
            return Err(Mistake::unknown(&node.place, "value", name, VARIABLES));
        }
        rest = after;
    }
    Ok(written)
}

fn flags(fields: &mut Fields<'_>) -> Result<u32, Mistake> {
    let names: Vec<&str> = sftp::FLAGS.iter().map(|(name, _)| *name).collect();
    fields.texts("flags")?.iter().try_fold(0, |flags, (name, place)| {
        match sftp::FLAGS.iter().find(|(known, _)| known == name) {
            Some((_, flag)) => Ok(flags | flag),
            None => Err(Mistake::unknown(place, "flag", name, &names)),
        }
    })
}

fn attributes(fields: &mut Fields<'_>) -> Result<Vec<Attribute>, Mistake> {
    fields
        .texts("attributes")?
        .iter()
        .map(|(word, place)| match word.split_once('=') {
            None if word == "size" => Ok(Attribute::Size),
            None if word == "times" => Ok(Attribute::Times),
            Some(("permissions", octal)) => u32::from_str_radix(octal, 8)
                .map(Attribute::Permissions)
                .map_err(|_| Mistake::new(place, format!("{octal:?} are no octal mode bits such as 644"))),
            _ => Err(Mistake::unknown(place, "attribute", word, &["size", "times", "permissions=644"])),
        })
        .collect()
}

/// Bytes in one request.
fn write_bytes(node: &Node) -> Result<WriteBytes, Mistake> {
    match &node.kind {
        Kind::Scalar(Value::String(word)) if word == "limits" => Ok(WriteBytes::Limits),
        Kind::Scalar(Value::Number(number))
            if number.as_u64().is_some_and(|bytes| (1..=1 << 20).contains(&bytes)) =>
        {
            Ok(WriteBytes::Fixed(usize::try_from(number.as_u64().unwrap_or(1)).unwrap_or(1)))
        }
        _ => Err(Mistake::new(
            &node.place,
            format!("expected bytes, at most 1048576, or `limits`; got {}", node.described()),
        )),
    }
}

fn in_flight(fields: &mut Fields<'_>) -> Result<usize, Mistake> {
    match fields.text("in-flight")?.as_deref() {
        None => Ok(1),
        Some("unlimited") => Ok(UNLIMITED),
        Some(number) => number.parse().map_err(|_| {
            let place = fields.place_of("in-flight");
            Mistake::new(place, format!("in-flight: expected a number or `unlimited`, got {number:?}"))
        }),
    }
}
