//! A short notation for shapes of JSON, and what OpenAPI makes of it.
//!
//! `{ name: string, size: count?, hash~: string, all: [Site] }`: `?` may be null, `~` may be absent, `[…]` is a list,
//! a word with a capital is a shape with a name. `count` is a whole number from 0, `flag` a boolean.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The schema of a body, from the type that reads it.
pub(super) type Body = fn(&mut SchemaGenerator) -> schemars::Schema;

/// Shapes with a name.
pub(super) const SHAPES: &[(&str, &str)] = &[
    (
        "Site",
        "{ code: string, state: string, due~: string, keys: [Key], addresses: [string], attributes: object? }",
    ),
    ("Key", "{ fingerprint: string, bits: count, openssh: string }"),
    ("Run", "{ mover: string, at: string, moved: count, left: count, failed: count }"),
    ("Error", "{ code: string, message: string, detail: any }"),
];

/// Writes schemas of types as OpenAPI has them, each whole where it stands.
pub(super) fn generator() -> SchemaGenerator {
    let mut settings = SchemaSettings::openapi3();
    settings.inline_subschemas = true;
    settings.into_generator()
}

/// The schema of a shape; a mistake in the notation shows as a word that no reader knows, and a test finds it.
pub(super) fn schema(notation: &str) -> Value {
    let mut rest = notation.trim();
    value(&mut rest)
}

fn value(rest: &mut &str) -> Value {
    let mut schema = match rest.chars().next() {
        Some('{') => object(rest),
        Some('[') => {
            skip(rest, '[');
            let items = value(rest);
            skip(rest, ']');
            json!({"type": "array", "items": items})
        }
        _ => word(rest),
    };
    if rest.starts_with('?') {
        skip(rest, '?');
        schema["nullable"] = json!(true);
    }
    schema
}

fn object(rest: &mut &str) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    skip(rest, '{');
    while !rest.starts_with('}') && !rest.is_empty() {
        let name = name(rest);
        let may_be_absent = rest.starts_with('~');
        if may_be_absent {
            skip(rest, '~');
        }
        skip(rest, ':');
        if !may_be_absent {
            required.push(json!(name));
        }
        let schema = value(rest);
        properties.insert(name, schema);
        skip(rest, ',');
    }
    skip(rest, '}');
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn word(rest: &mut &str) -> Value {
    let word = name(rest);
    match word.as_str() {
        "string" | "text" => json!({"type": "string"}),
        "count" => json!({"type": "integer", "minimum": 0}),
        "flag" => json!({"type": "boolean"}),
        "object" => json!({"type": "object"}),
        "any" => json!({}),
        _ => json!({"$ref": format!("#/components/schemas/{word}")}),
    }
}

fn name(rest: &mut &str) -> String {
    let end =
        rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    *rest = after.trim_start();
    name.to_owned()
}

fn skip(rest: &mut &str, letter: char) {
    *rest = rest.strip_prefix(letter).unwrap_or(rest).trim_start();
}

/// The schema of what stands in a query: of a type, or one of several words.
pub(super) fn parameter(kind: &str) -> Value {
    match kind.contains('|') {
        true => json!({"type": "string", "enum": kind.split('|').collect::<Vec<_>>()}),
        false => schema(kind),
    }
}
