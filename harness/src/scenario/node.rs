//! YAML as a tree that remembers where everything stood.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_saphyr::Spanned;

use super::fields::Mistake;

/// Where something stands in the text: a range of bytes.
pub type Place = Range<usize>;

/// A value and where it stood.
#[derive(Clone, Debug)]
pub struct Node {
    /// The value.
    pub kind: Kind,
    /// Where.
    pub place: Place,
}

/// What a value is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Nothing.
    Null,
    /// A string, number or boolean; `quoted` tells text from the rest.
    Scalar(Value),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the file.
    Map(Vec<(Key, Node)>),
}

/// A key and where it stood.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its text.
    pub text: String,
    /// Where.
    pub place: Place,
}

/// As the parser builds it: line and column, turned into byte ranges afterwards.
struct Raw(RawKind);

enum RawKind {
    Null,
    Scalar(Value),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<String>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Raw, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Raw;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("YAML")
            }

            fn visit_unit<E>(self) -> Result<Raw, E> {
                Ok(Raw(RawKind::Null))
            }

            fn visit_none<E>(self) -> Result<Raw, E> {
                Ok(Raw(RawKind::Null))
            }

            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
                Raw::deserialize(deserializer)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
                Ok(Raw(RawKind::Scalar(value.into())))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
                Ok(Raw(RawKind::Scalar(value.into())))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
                Ok(Raw(RawKind::Scalar(value.into())))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
                Ok(Raw(RawKind::Scalar(value.into())))
            }

            fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
                Ok(Raw(RawKind::Scalar(value.into())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Raw, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(Raw(RawKind::List(list)))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
                let mut map = Vec::new();
                while let Some(entry) = entries.next_entry()? {
                    map.push(entry);
                }
                Ok(Raw(RawKind::Map(map)))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// A mistake in the YAML itself.
#[derive(Clone, Debug)]
pub struct YamlError {
    /// What is wrong.
    pub message: String,
    /// Where.
    pub place: Place,
}

/// Reads a file's text.
pub fn parse(text: &str) -> Result<Node, YamlError> {
    let options = serde_saphyr::options! { with_snippet: false };
    let raw: Spanned<Raw> = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error.location().map_or(0..0, |at| place_of(text, at.line(), at.column(), 1));
        let message = error.to_string();
        // The parser repeats the position at the end of its words.
        let message = message.split(" at line ").next().unwrap_or(&message).to_owned();
        YamlError { message, place }
    })?;
    Ok(located(text, raw))
}

fn located(text: &str, raw: Spanned<Raw>) -> Node {
    let at = raw.referenced;
    let length = match &raw.value.0 {
        RawKind::Scalar(Value::String(value)) => value.chars().count().max(1),
        RawKind::Scalar(other) => other.to_string().chars().count(),
        _ => 1,
    };
    let place = place_of(text, at.line(), at.column(), length);
    let kind = match raw.value.0 {
        RawKind::Null => Kind::Null,
        RawKind::Scalar(value) => Kind::Scalar(value),
        RawKind::List(items) => Kind::List(items.into_iter().map(|item| located(text, item)).collect()),
        RawKind::Map(entries) => Kind::Map(
            entries
                .into_iter()
                .map(|(key, value)| {
                    let at = key.referenced;
                    let place = place_of(text, at.line(), at.column(), key.value.chars().count());
                    (Key { text: key.value, place }, located(text, value))
                })
                .collect(),
        ),
    };
    Node { kind, place }
}

/// Lines and columns count from 1, columns in characters.
fn place_of(text: &str, line: u64, column: u64, length: usize) -> Place {
    let line_index = usize::try_from(line.max(1) - 1).unwrap_or(0);
    let line_start: usize = text.split_inclusive('\n').take(line_index).map(str::len).sum();
    let rest = text.get(line_start..).unwrap_or_default();
    let skipped = usize::try_from(column.max(1) - 1).unwrap_or(0);
    let bytes = |from: &str, count: usize| from.chars().take(count).map(char::len_utf8).sum::<usize>();
    let start = line_start + bytes(rest, skipped);
    let line_end = line_start + rest.find('\n').unwrap_or(rest.len());
    let end = (start + bytes(text.get(start..).unwrap_or_default(), length)).min(line_end.max(start));
    start..end
}

impl Node {
    /// What it is, in words for messages.
    pub fn described(&self) -> String {
        match &self.kind {
            Kind::Null => "nothing".to_owned(),
            Kind::Scalar(Value::String(text)) => format!("the text {text:?}"),
            Kind::Scalar(value) => format!("{value}"),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a map".to_owned(),
        }
    }

    /// As JSON, for settings and events.
    pub fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Scalar(value) => value.clone(),
            Kind::List(items) => items.iter().map(Node::to_json).collect(),
            Kind::Map(entries) => {
                entries.iter().map(|(key, value)| (key.text.clone(), value.to_json())).collect()
            }
        }
    }

    /// A copy with every `${name}` replaced that `values` knows; others stay for later. A value that is only
    /// a name becomes the number or the boolean that stands there.
    pub fn substituted(&self, values: &BTreeMap<String, String>) -> Node {
        let kind = match &self.kind {
            Kind::Scalar(Value::String(text)) if text.contains("${") => {
                let whole = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
                let typed = whole.and_then(|name| values.get(name)).and_then(|value| typed(value));
                let mut replaced = text.clone();
                for (name, value) in values {
                    replaced = replaced.replace(&format!("${{{name}}}"), value);
                }
                Kind::Scalar(typed.unwrap_or(Value::String(replaced)))
            }
            Kind::List(items) => Kind::List(items.iter().map(|item| item.substituted(values)).collect()),
            Kind::Map(entries) => Kind::Map(
                entries.iter().map(|(key, value)| (key.clone(), value.substituted(values))).collect(),
            ),
            other => other.clone(),
        };
        Node { kind, place: self.place.clone() }
    }

    /// The first key of that name, at any depth.
    pub fn find_key(&self, name: &str) -> Option<&Key> {
        match &self.kind {
            Kind::Map(entries) => entries
                .iter()
                .find_map(|(key, value)| if key.text == name { Some(key) } else { value.find_key(name) }),
            Kind::List(items) => items.iter().find_map(|item| item.find_key(name)),
            _ => None,
        }
    }

    /// The same with all places moved on.
    pub fn shifted(mut self, by: usize) -> Node {
        let moved = |place: &Place| place.start + by..place.end + by;
        self.place = moved(&self.place);
        self.kind = match self.kind {
            Kind::List(items) => Kind::List(items.into_iter().map(|item| item.shifted(by)).collect()),
            Kind::Map(entries) => Kind::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| (Key { place: moved(&key.place), ..key }, value.shifted(by)))
                    .collect(),
            ),
            other => other,
        };
        self
    }

    /// Names that `capture:` entries below this node define: `capture: name` or `capture: field as name`.
    pub fn captures(&self) -> Vec<String> {
        let Kind::Map(entries) = &self.kind else { return Vec::new() };
        entries
            .iter()
            .flat_map(|(key, value)| match (&value.kind, key.text.as_str()) {
                (Kind::Scalar(Value::String(text)), "capture") => {
                    vec![text.rsplit(" as ").next().unwrap_or(text).to_owned()]
                }
                _ => value.captures(),
            })
            .collect()
    }

    /// Every `${name}` below this node must be known.
    pub fn check_captures(&self, known: &[String]) -> Result<(), Mistake> {
        match &self.kind {
            Kind::Scalar(Value::String(text)) => {
                let mut rest = text.as_str();
                while let Some((_, after)) = rest.split_once("${") {
                    let (name, after) = after.split_once('}').unwrap_or((after, ""));
                    if !known.iter().any(|known| known == name) {
                        let known: Vec<&str> = known.iter().map(String::as_str).collect();
                        return Err(Mistake::unknown(&self.place, "captured value", name, &known));
                    }
                    rest = after;
                }
                Ok(())
            }
            Kind::List(items) => items.iter().try_for_each(|item| item.check_captures(known)),
            Kind::Map(entries) => entries.iter().try_for_each(|(_, value)| value.check_captures(known)),
            _ => Ok(()),
        }
    }
}

/// A number or a boolean, if the text is one.
fn typed(text: &str) -> Option<Value> {
    match text {
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        _ => text.parse::<i64>().ok().map(Value::from),
    }
}
