//! `/openapi.json`: the API described, from the table of its operations.

use axum::Json;
use serde_json::{Map, Value, json};

use super::operations::{Answer, OPERATIONS, Operation};
use super::shape;

pub(super) async fn show() -> Json<Value> {
    Json(document())
}

/// What stands in paths: name, type, an example, sentence.
const IN_PATHS: &[(&str, &str, &str, &str)] = &[
    ("code", "text", "CITY", "the site's code"),
    ("area", "inbox|cloud|history|out", "inbox", "which of its areas"),
    ("path", "text", "Spatial/roads.zip", "the path below it, its slashes as they are"),
    ("fingerprint", "text", "SHA256:abc", "the key's fingerprint, `SHA256:…`"),
    ("name", "text", "interval", "which one"),
    ("id", "count", "1", "its number"),
];

/// Words of error statuses.
const STATUSES: &[(u16, &str)] = &[
    (400, "The request cannot be understood, or asks for what cannot be."),
    (401, "The API listens beyond loopback, and the token is missing or wrong."),
    (403, "A page of another site asked, or the stack was called by a name that is not this machine's."),
    (404, "What was asked for is not there."),
    (405, "The path is there, the method is not."),
    (408, "It did not happen in time; `detail.seen` has what did."),
    (409, "It contradicts what is there."),
    (
        422,
        "The key was refused; `detail.kind` says why, `detail.converted` is the key mended where that can be.",
    ),
    (500, "The stack failed, or the machine below it."),
    (503, "Too many readers follow the events."),
];

/// The whole description.
pub(crate) fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in OPERATIONS {
        let path = format!("/api/v1{}", operation.path.replace("{*", "{"));
        let described = described(operation);
        let entry = paths.entry(path).or_insert_with(|| json!({}));
        entry[operation.method] = described;
    }
    let shapes: Map<String, Value> =
        shape::SHAPES.iter().map(|(name, notation)| ((*name).to_owned(), shape::schema(notation))).collect();
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "spatialcloud",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The control API of a simulated Spatial Cloud. On loopback it asks for nothing; beyond, for a token.",
        },
        "paths": paths,
        "components": {
            "schemas": shapes,
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
        },
        "security": [{}, { "token": [] }],
    })
}

fn described(operation: &Operation) -> Value {
    let in_path = operation.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = in_path
        .filter_map(|part| IN_PATHS.iter().find(|(name, ..)| *name == part.trim_start_matches('*')))
        .map(|(name, kind, example, sentence)| {
            let example = example.parse::<u64>().map_or(json!(example), |number| json!(number));
            json!({
                "name": name, "in": "path", "required": true, "schema": shape::parameter(kind),
                "example": example, "description": sentence,
            })
        })
        .collect();
    parameters.extend(operation.query.iter().map(|(name, kind, sentence)| {
        json!({"name": name, "in": "query", "schema": shape::parameter(kind), "description": sentence})
    }));
    let content = match operation.answer {
        Answer::Json(notation) => json!({"application/json": {"schema": shape::schema(notation)}}),
        // Readers that know YAML read it.
        Answer::File("application/yaml") => json!({"application/yaml": {"schema": {"type": "object"}}}),
        Answer::File(media_type) => json!({media_type: {"schema": {"type": "string", "format": "binary"}}}),
        Answer::Stream => json!({"text/event-stream": {"schema": {"type": "string"}}}),
    };
    let mut responses = Map::new();
    responses.insert(operation.status.to_string(), json!({"description": "Done.", "content": content}));
    let always = [401, 403, 500];
    for (status, words) in STATUSES {
        if operation.errors.contains(status) || always.contains(status) {
            let error = json!({"$ref": "#/components/schemas/Error"});
            let content = json!({"application/json": {"schema": error}});
            responses.insert(status.to_string(), json!({"description": words, "content": content}));
        }
    }
    let mut described = json!({
        "summary": operation.sentence,
        "operationId": name(operation),
        "parameters": parameters,
        "responses": responses,
    });
    if let Some(body) = operation.body {
        let schema = body(&mut shape::generator());
        described["requestBody"] =
            json!({"required": true, "content": {"application/json": {"schema": schema}}});
    }
    described
}

/// `post-sites-code-keys`.
fn name(operation: &Operation) -> String {
    let path = operation.path.replace(['{', '}', '*'], "").replace(['/', '.'], "-");
    format!("{}{path}", operation.method)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_reference_and_every_part_of_a_path_is_described() {
        let text = document().to_string();
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(shape::SHAPES.iter().any(|(known, _)| *known == name), "{name}");
        }
        for operation in OPERATIONS {
            assert!(operation.sentence.ends_with('.'), "{}", operation.path);
            for part in operation.path.split('{').skip(1) {
                let part = part.split('}').next().unwrap().trim_start_matches('*');
                assert!(IN_PATHS.iter().any(|(name, ..)| *name == part), "{part}");
            }
            for status in operation.errors {
                assert!(STATUSES.iter().any(|(known, _)| known == status), "{status}");
            }
        }
    }

    #[test]
    fn the_notation_says_what_may_be_null_and_what_may_be_absent() {
        let schema = shape::schema("{ a: string?, b~: [Site], c: { d: count } }");
        assert_eq!(schema["required"], json!(["a", "c"]));
        assert_eq!(schema["properties"]["a"], json!({"type": "string", "nullable": true}));
        assert_eq!(schema["properties"]["b"]["items"]["$ref"], "#/components/schemas/Site");
        assert_eq!(schema["properties"]["c"]["properties"]["d"]["type"], "integer");
    }
}
