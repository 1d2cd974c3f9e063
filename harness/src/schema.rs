//! The JSON Schema of scenario files, for editors: made from what their readers ask for, and from the tables.
//!
//! Draft 7, which editors know best. What holds between two places of a file, such as a site that a step names,
//! a schema cannot say; `spatialcloud check` does.

use serde_json::{Map, Value, json};
use spatialcloud_backup::writer::DAMAGES;

use crate::behaviours::BEHAVIOURS;
use crate::contract::RULES;
use crate::reference::{BACKUP_KEYS, EXPECTATIONS, KEYS};
use crate::scenario::fields::{self, Asked, Shape};
use crate::scenario::{self, backup, specs};
use crate::step::{IN_SESSION, STEPS, StepKind};
use crate::{client, size, stack};

/// The schema as it is committed.
pub fn text() -> String {
    format!("{:#}\n", value())
}

/// The schema.
pub fn value() -> Value {
    let mut keys = Map::new();
    for asked in scenario::asked() {
        let what = KEYS.iter().find(|(key, _)| *key == asked.name).map(|(_, what)| *what);
        keys.insert(asked.name.to_owned(), described(key(&asked), what.unwrap_or_default()));
    }
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A scenario of spatialcloud",
        "description": "Generated from the program's own tables; `spatialcloud check` finds what a schema cannot see.",
        "type": "object",
        "properties": keys,
        "additionalProperties": false,
        // A file that it includes may bring them.
        "if": { "not": { "required": ["include"] } },
        "then": { "required": ["title", "steps"] },
        "definitions": {
            "placeholder": {
                "description": "A value of a row of `for-each`, or one that an earlier step captured.",
                "type": "string",
                "pattern": r"\$\{[^}]+\}",
            },
            "text": { "type": ["string", "number", "boolean"] },
            "step": step(),
        },
    })
}

/// What stands under a key of the file.
fn key(asked: &Asked) -> Value {
    match asked.name {
        "clock" => json!({ "type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d.*\[.+\]$|\$\{" }),
        "settings" => loosened(stack::settings_schema()),
        "files" => json!({ "type": "object", "additionalProperties": file() }),
        "sites" => {
            let site = fields::asked("{}", |fields| specs::site(fields).map(|_| ()));
            json!({ "type": "object", "additionalProperties": map(site, true) })
        }
        "clients" => list(words(client::names())),
        "except" => json!({
            "type": "object",
            "propertyNames": { "enum": client::names() },
            "additionalProperties": text_or_like(),
        }),
        "for-each" => json!({
            "type": "array",
            "minItems": 1,
            "items": { "type": "object", "additionalProperties": text_or_like() },
        }),
        "steps" | "always" => list(json!({ "$ref": "#/definitions/step" })),
        _ => shape(asked),
    }
}

/// One of the kinds of file.
fn file() -> Value {
    let backup = fields::asked("{ size: 1 }", |fields| backup::backup(fields, &[]).map(|_| ()));
    let mut backup = map(backup, false);
    for (name, what) in BACKUP_KEYS {
        let of_key = backup["properties"][name].take();
        backup["properties"][name] = described(of_key, what);
    }
    let random = fields::asked("{ size: 1 }", |fields| specs::random(fields).map(|_| ()));
    json!({
        "type": "object",
        "properties": {
            "text": text_or_like(),
            "real-backup": text_or_like(),
            "random": map(random, false),
            "backup": backup,
        },
        "additionalProperties": false,
        "minProperties": 1,
        "maxProperties": 1,
    })
}

/// A step: its name alone, or a map with its name as the only key.
fn step() -> Value {
    let alone: Vec<&str> = STEPS.iter().filter(|step| step.stands_alone()).map(|step| step.name).collect();
    let steps = STEPS.iter().map(|step| {
        let what = format!("{}\n\n`{}`", step.sentence, step.example);
        (step.name.to_owned(), described(parameters(step), &what))
    });
    json!({
        "if": { "type": "string" },
        "then": { "enum": alone },
        "else": {
            "type": "object",
            "properties": steps.collect::<Map<_, _>>(),
            "additionalProperties": false,
            "minProperties": 1,
            "maxProperties": 1,
        },
    })
}

/// What stands under a step's name.
fn parameters(step: &StepKind) -> Value {
    let example = step.example.split_once(": ").map_or("", |(_, parameters)| parameters);
    match step.name {
        "fault" => fault(),
        "expect" => expectation(step),
        "together" => together(),
        _ => map(step.asked(example), step.stands_alone()),
    }
}

fn fault() -> Value {
    let mut schema = stack::fault_schema();
    let sentences: Vec<&str> = stack::fault_docs().iter().map(|(_, sentence, _)| *sentence).collect();
    schema["properties"]["fault"]["enumDescriptions"] = json!(sentences);
    schema["required"] = json!(["fault"]);
    let mut schema = loosened(schema);
    for (name, meaning) in stack::fault_parameters() {
        schema["properties"][name]["description"] = json!(meaning);
    }
    schema
}

/// A session is a login and one step of a client.
fn together() -> Value {
    let steps = STEPS.iter().filter(|step| IN_SESSION.contains(&step.name));
    let steps = steps.map(|step| (step.name.to_owned(), described(parameters(step), step.sentence)));
    let mut session = json!({ "as": text_or_like() });
    if let Some(keys) = session.as_object_mut() {
        keys.extend(steps);
    }
    let session = json!({
        "type": "object",
        "properties": session,
        "required": ["as"],
        "additionalProperties": false,
        "minProperties": 2,
        "maxProperties": 2,
    });
    json!({
        "type": "object",
        "properties": { "sessions": list(session) },
        "required": ["sessions"],
        "additionalProperties": false,
    })
}

/// Every key of every form; which go together is for `check`.
fn expectation(step: &StepKind) -> Value {
    let forms: Vec<Value> =
        step.asked("{}").iter().map(|asked| json!({ "required": [asked.name] })).collect();
    let all = EXPECTATIONS.iter().flat_map(|(form, _)| step.asked(form));
    let mut schema = map(all.map(|asked| Asked { is_needed: false, ..asked }).collect(), false);
    let (names, sentences): (Vec<&str>, Vec<&str>) =
        stack::event_docs().iter().map(|event| (event.name, event.sentence)).unzip();
    let kind = json!({ "anyOf": [
        { "enum": names, "enumDescriptions": sentences },
        { "type": "string", "pattern": r"\*$|\$\{" },
    ] });
    for key in ["event", "no-event"] {
        schema["properties"][key] = kind.clone();
    }
    let of_events = stack::event_docs();
    let fields = of_events.iter().flat_map(|event| event.fields.iter().chain(event.volatile));
    for field in fields.chain(&["site", "sequence"]) {
        if schema["properties"][field].is_null() {
            schema["properties"][field] = json!({});
        }
    }
    schema["anyOf"] = json!(forms);
    schema
}

/// A map with these keys and no other.
fn map(asked: Vec<Asked>, may_be_empty: bool) -> Value {
    let mut properties = Map::new();
    for asked in &asked {
        // The first question says it; later ones are those of another form.
        if !properties.contains_key(asked.name) {
            properties.insert(asked.name.to_owned(), shape(asked));
        }
    }
    let mut needed: Vec<&str> =
        asked.iter().filter(|asked| asked.is_needed).map(|asked| asked.name).collect();
    needed.dedup();
    let kinds = if may_be_empty { json!(["object", "null"]) } else { json!("object") };
    json!({ "type": kinds, "properties": properties, "required": needed, "additionalProperties": false })
}

/// What may stand there, as the readers see it: numbers and booleans count as the text that was written.
fn shape(asked: &Asked) -> Value {
    match &asked.shape {
        Shape::Any => json!({}),
        Shape::Text => text_or_like(),
        Shape::Flag => or_placeholder(json!({ "type": "boolean" })),
        Shape::Number => json!({ "type": ["integer", "string"], "pattern": r"^-?\d+$|\$\{" }),
        Shape::Size => {
            let units: Vec<&str> = size::UNITS.iter().map(|(name, _)| *name).collect();
            let pattern = format!(r"^\s*\d+\s*({})?\s*$|\$\{{", units.join("|"));
            json!({ "type": ["integer", "string"], "minimum": 0, "pattern": pattern })
        }
        Shape::Texts => list(text_or_like()),
        Shape::OneOf(known) => words(known.clone()),
        Shape::SomeOf(known) => list(words(known.clone())),
    }
}

fn text_or_like() -> Value {
    json!({ "$ref": "#/definitions/text" })
}

fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

/// One of these words, with what is known of them.
fn words(known: Vec<&str>) -> Value {
    let damages: Vec<(&str, &str)> =
        DAMAGES.iter().map(|(_, name, _, sentence)| (*name, *sentence)).collect();
    let tables = [RULES, BEHAVIOURS, &damages];
    let told: Vec<Option<&str>> = known
        .iter()
        .map(|word| tables.iter().find_map(|table| Some(table.iter().find(|(name, _)| name == word)?.1)))
        .collect();
    let mut schema = json!({ "enum": known });
    if let Some(told) = told.into_iter().collect::<Option<Vec<_>>>() {
        schema["enumDescriptions"] = json!(told);
    }
    or_placeholder(schema)
}

fn or_placeholder(schema: Value) -> Value {
    json!({ "anyOf": [schema, { "$ref": "#/definitions/placeholder" }] })
}

fn described(mut schema: Value, what: &str) -> Value {
    // Beside a reference, draft 7 reads nothing else.
    if schema.get("$ref").is_some() {
        schema = json!({ "allOf": [schema] });
    }
    if let Some(map) = schema.as_object_mut() {
        map.shift_insert(0, "description".to_owned(), json!(what));
    }
    schema
}

/// A schema of typed settings, with placeholders allowed wherever one may be replaced by a value.
fn loosened(schema: Value) -> Value {
    let Value::Object(mut schema) = schema else { return schema };
    for noise in ["$schema", "title", "format", "default"] {
        schema.shift_remove(noise);
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.values_mut().for_each(|property| *property = loosened(property.take()));
    }
    for below in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get_mut(below) {
            *inner = loosened(inner.take());
        }
    }
    for choices in ["anyOf", "oneOf"] {
        if let Some(Value::Array(inner)) = schema.get_mut(choices) {
            inner.iter_mut().for_each(|inner| *inner = loosened(inner.take()));
        }
    }
    if let Some(Value::Array(options)) = schema.get("oneOf") {
        // Words with a sentence each: as a list, editors say all of them at once.
        let of =
            |key: &str| options.iter().map(|option| option.get(key).cloned()).collect::<Option<Vec<Value>>>();
        if let (Some(words), Some(sentences)) = (of("const"), of("description")) {
            schema.shift_remove("oneOf");
            schema.insert("enum".to_owned(), json!(words));
            schema.insert("enumDescriptions".to_owned(), json!(sentences));
        }
    }
    let is_typed = schema.get("type").is_some_and(|kind| {
        let kinds = kind.as_array().cloned().unwrap_or_else(|| vec![kind.clone()]);
        kinds.iter().any(|kind| ["boolean", "integer", "number"].iter().any(|typed| kind == typed))
    });
    if !is_typed && !schema.contains_key("enum") {
        return Value::Object(schema);
    }
    let what = schema.shift_remove("description").unwrap_or_default();
    described(or_placeholder(Value::Object(schema)), what.as_str().unwrap_or_default())
}
