//! Reads maps of known keys; whatever is unknown, missing or of the wrong type is a mistake with a place.

use serde_json::Value;

use super::node::{self, Key, Kind, Node, Place};
use crate::size;

/// A mistake in a scenario file.
#[derive(Clone, Debug, PartialEq)]
pub struct Mistake {
    /// What was expected and what came.
    pub message: String,
    /// Where.
    pub place: Place,
    /// What was probably meant.
    pub help: Option<String>,
}

impl Mistake {
    /// A mistake at a place.
    pub fn new(place: &Place, message: impl Into<String>) -> Mistake {
        Mistake { message: message.into(), place: place.clone(), help: None }
    }

    /// A name that is not among the known ones.
    pub fn unknown(place: &Place, what: &str, found: &str, known: &[&str]) -> Mistake {
        let closest = known
            .iter()
            .map(|name| (strsim::damerau_levenshtein(&found.to_lowercase(), &name.to_lowercase()), *name))
            .min()
            .filter(|(distance, name)| *distance <= 1 + name.len() / 3);
        let help = match closest {
            Some((_, name)) => format!("did you mean {name:?}?"),
            None if known.is_empty() => "none is known here".to_owned(),
            None => format!("known: {}", known.join(", ")),
        };
        Mistake { message: format!("unknown {what} {found:?}"), place: place.clone(), help: Some(help) }
    }
}

/// A key that a reader asked for, whether or not it was there. The schema of scenario files is made of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The key.
    pub name: &'static str,
    /// What may stand there.
    pub shape: Shape,
    /// Whether the map is wrong without it.
    pub is_needed: bool,
}

/// What may stand under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Whatever the reader makes of it.
    Any,
    /// Text, or a number or boolean that counts as what was written.
    Text,
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Number,
    /// A size, such as `6MiB`.
    Size,
    /// A list of texts.
    Texts,
    /// One of these words.
    OneOf(Vec<&'static str>),
    /// A list of these words.
    SomeOf(Vec<&'static str>),
}

/// What a reader asks for when it reads this example; also where the example is not whole.
pub fn asked(example: &str, read: impl FnOnce(&mut Fields<'_>) -> Result<(), Mistake>) -> Vec<Asked> {
    let Ok(node) = node::parse(example) else { return Vec::new() };
    let Ok(mut fields) = Fields::of(&node, "an example") else { return Vec::new() };
    let _ = read(&mut fields);
    fields.asked
}

/// The entries of one map, taken out one by one.
pub struct Fields<'n> {
    what: &'static str,
    place: Place,
    entries: Vec<(&'n Key, &'n Node)>,
    asked: Vec<Asked>,
    taken: Vec<(&'static str, Place)>,
}

impl<'n> Fields<'n> {
    /// Begins to read `node`, which must be a map.
    pub fn of(node: &'n Node, what: &'static str) -> Result<Fields<'n>, Mistake> {
        let entries = match &node.kind {
            Kind::Map(entries) => entries.iter().map(|(key, value)| (key, value)).collect::<Vec<_>>(),
            Kind::Null => Vec::new(),
            _ => {
                return Err(Mistake::new(
                    &node.place,
                    format!("{what}: expected a map, got {}", node.described()),
                ));
            }
        };
        Ok(Fields { what, place: node.place.clone(), entries, asked: Vec::new(), taken: Vec::new() })
    }

    /// Where the map stands.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Takes an entry out, if it is there.
    pub fn take(&mut self, name: &'static str) -> Option<&'n Node> {
        self.take_as(name, Shape::Any)
    }

    fn take_as(&mut self, name: &'static str, shape: Shape) -> Option<&'n Node> {
        self.asked.push(Asked { name, shape, is_needed: false });
        let index = self.entries.iter().position(|(key, _)| key.text == name)?;
        let node = self.entries.remove(index).1;
        self.taken.push((name, node.place.clone()));
        Some(node)
    }

    /// Where the value stands that was taken out under `name`; the map itself, if none was.
    pub fn place_of(&self, name: &str) -> &Place {
        self.taken.iter().find(|(taken, _)| *taken == name).map_or(&self.place, |(_, place)| place)
    }

    /// Takes out an entry that must be there.
    pub fn need(&mut self, name: &'static str) -> Result<&'n Node, Mistake> {
        self.need_as(name, Shape::Any)
    }

    fn need_as(&mut self, name: &'static str, shape: Shape) -> Result<&'n Node, Mistake> {
        let found = self.take_as(name, shape);
        if let Some(asked) = self.asked.last_mut() {
            asked.is_needed = true;
        }
        if let Some(node) = found {
            return Ok(node);
        }
        // A typing error is likelier than an omission.
        let alike = |key: &Key| strsim::damerau_levenshtein(&key.text, name) <= 1 + name.len() / 4;
        Err(match self.entries.iter().find(|(key, _)| alike(key)) {
            Some((key, _)) => {
                Mistake::unknown(&key.place, &format!("key in {}", self.what), &key.text, &[name])
            }
            None => Mistake::new(&self.place, format!("{}: {name:?} is missing", self.what)),
        })
    }

    /// Takes out text, if it is there.
    pub fn text(&mut self, name: &'static str) -> Result<Option<String>, Mistake> {
        self.take_as(name, Shape::Text).map(|node| text(node, name)).transpose()
    }

    /// Takes out one of the known words, if it is there; `what` it is, in words for messages.
    pub fn one_of(
        &mut self,
        name: &'static str,
        what: &str,
        known: &[&'static str],
    ) -> Result<Option<String>, Mistake> {
        let node = self.take_as(name, Shape::OneOf(known.to_vec()));
        node.map(|node| word(node, name, what, known)).transpose()
    }

    /// Takes out one of the known words that must be there.
    pub fn need_one_of(
        &mut self,
        name: &'static str,
        what: &str,
        known: &[&'static str],
    ) -> Result<String, Mistake> {
        word(self.need_as(name, Shape::OneOf(known.to_vec()))?, name, what, known)
    }

    /// Takes out a size in bytes that must be there.
    pub fn need_size(&mut self, name: &'static str) -> Result<u64, Mistake> {
        let node = self.need_as(name, Shape::Size)?;
        size::parse(&text(node, name)?).map_err(|reason| Mistake::new(&node.place, reason))
    }

    /// Takes out a size in bytes, if it is there.
    pub fn size(&mut self, name: &'static str) -> Result<Option<u64>, Mistake> {
        let Some(node) = self.take_as(name, Shape::Size) else { return Ok(None) };
        size::parse(&text(node, name)?).map(Some).map_err(|reason| Mistake::new(&node.place, reason))
    }

    /// Takes out text that must be there.
    pub fn need_text(&mut self, name: &'static str) -> Result<String, Mistake> {
        text(self.need_as(name, Shape::Text)?, name)
    }

    /// Takes out `true` or `false`; absent means `false`.
    pub fn flag(&mut self, name: &'static str) -> Result<bool, Mistake> {
        self.flag_or(name, false)
    }

    /// Takes out `true` or `false`; absent means `default`.
    pub fn flag_or(&mut self, name: &'static str, default: bool) -> Result<bool, Mistake> {
        match self.take_as(name, Shape::Flag) {
            None => Ok(default),
            Some(node) => match &node.kind {
                Kind::Scalar(Value::Bool(value)) => Ok(*value),
                _ => Err(Mistake::new(
                    &node.place,
                    format!("{name}: expected true or false, got {}", node.described()),
                )),
            },
        }
    }

    /// Takes out a whole number, if it is there.
    pub fn number(&mut self, name: &'static str) -> Result<Option<i64>, Mistake> {
        match self.take_as(name, Shape::Number) {
            None => Ok(None),
            Some(node) => match &node.kind {
                Kind::Scalar(Value::Number(value)) if value.is_i64() => Ok(value.as_i64()),
                Kind::Scalar(Value::String(text)) if text.parse::<i64>().is_ok() => Ok(text.parse().ok()),
                _ => Err(Mistake::new(
                    &node.place,
                    format!("{name}: expected a number, got {}", node.described()),
                )),
            },
        }
    }

    /// Takes out a list of texts; absent means empty.
    pub fn texts(&mut self, name: &'static str) -> Result<Vec<(String, Place)>, Mistake> {
        match self.take_as(name, Shape::Texts) {
            None => Ok(Vec::new()),
            Some(node) => {
                items(node, name)?.iter().map(|item| Ok((text(item, name)?, item.place.clone()))).collect()
            }
        }
    }

    /// Takes out a list of known words; absent means empty.
    pub fn some_of(
        &mut self,
        name: &'static str,
        what: &str,
        known: &[&'static str],
    ) -> Result<Vec<String>, Mistake> {
        match self.take_as(name, Shape::SomeOf(known.to_vec())) {
            None => Ok(Vec::new()),
            Some(node) => items(node, name)?.iter().map(|item| word(item, name, what, known)).collect(),
        }
    }

    /// Everything that was not taken out, for maps with free names.
    pub fn rest(&mut self) -> Vec<(&'n Key, &'n Node)> {
        std::mem::take(&mut self.entries)
    }

    /// Ends the reading: what is left is a mistake.
    pub fn end(self) -> Result<(), Mistake> {
        match self.entries.first() {
            None => Ok(()),
            Some((key, _)) => {
                let known: Vec<&str> = self.asked.iter().map(|asked| asked.name).collect();
                Err(Mistake::unknown(&key.place, &format!("key in {}", self.what), &key.text, &known))
            }
        }
    }
}

/// The items of a list.
pub fn items<'n>(node: &'n Node, what: &str) -> Result<&'n [Node], Mistake> {
    match &node.kind {
        Kind::List(items) => Ok(items),
        _ => Err(Mistake::new(&node.place, format!("{what}: expected a list, got {}", node.described()))),
    }
}

fn word(node: &Node, name: &str, what: &str, known: &[&str]) -> Result<String, Mistake> {
    let found = text(node, name)?;
    if known.contains(&found.as_str()) {
        Ok(found)
    } else {
        Err(Mistake::unknown(&node.place, what, &found, known))
    }
}

/// Text; numbers and booleans count as what was written.
pub fn text(node: &Node, what: &str) -> Result<String, Mistake> {
    match &node.kind {
        Kind::Scalar(Value::String(text)) => Ok(text.clone()),
        Kind::Scalar(value) => Ok(value.to_string()),
        _ => Err(Mistake::new(&node.place, format!("{what}: expected text, got {}", node.described()))),
    }
}
