//! The text of a scenario file.

use jiff::ZonedDateTime;
use serde_json::Value;

use super::{Step, Told};

/// What stands on top of the file.
const HEAD: &str = "# Written from what happened in a stack; `spatialcloud run` does it again. Bytes of files are made up:\n\
                    # put your own in, and other clients beside built-in, where they matter.\n";

/// The file.
pub(super) fn text(title: &str, start: &ZonedDateTime, settings: &Value, told: &Told) -> String {
    let mut text = HEAD.to_owned();
    for untold in &told.untold {
        text.push_str(&format!("# Not told: {}\n", untold.escape_debug()));
    }
    text.push_str(&format!("title: {}\n", scalar(&Value::from(title))));
    let zone = start.time_zone().iana_name().unwrap_or("UTC");
    text.push_str(&format!("clock: {}[{zone}]\n", start.strftime("%Y-%m-%dT%H:%M:%S")));
    if settings.as_object().is_some_and(|settings| !settings.is_empty()) {
        text.push_str(&format!("settings: {}\n", flow(settings)));
    }
    if !told.files.all().is_empty() {
        text.push_str("files:\n");
        for (name, content) in told.files.all() {
            text.push_str(&format!("  {}: {}\n", scalar(&Value::from(name.as_str())), flow(content)));
        }
    }
    text.push_str("sites:\n");
    for code in told.sites.keys() {
        text.push_str(&format!(
            "  {}: {{ key: rsa-2048, from: [client] }}\n",
            scalar(&Value::from(code.as_str()))
        ));
    }
    text.push_str("clients: [built-in]\nsteps:\n");
    for step in &told.steps {
        text.push_str(&line(step));
    }
    text
}

fn line(step: &Step) -> String {
    if step.fields.is_empty() {
        return format!("  - {}\n", step.name);
    }
    let fields: Vec<String> =
        step.fields.iter().map(|(name, value)| format!("{name}: {}", flow(value))).collect();
    format!("  - {}: {{ {} }}\n", step.name, fields.join(", "))
}

/// A value on one line.
fn flow(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{}: {}", scalar(&Value::from(name.as_str())), flow(value)))
                .collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        other => scalar(other),
    }
}

/// Text without quotes where nothing in it could be taken for something else; `$` begins the value of a capture.
fn scalar(value: &Value) -> String {
    let Value::String(text) = value else { return value.to_string() };
    let is_plain = text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_./".contains(letter))
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&text.to_ascii_lowercase().as_str());
    if is_plain { text.clone() } else { value.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_yaml_could_misread_is_quoted() {
        let cases = [
            (json!("Spatial/roads-2.tif"), "Spatial/roads-2.tif"),
            (json!("no"), "\"no\""),
            (json!("12"), "\"12\""),
            (json!("a: b"), "\"a: b\""),
            (json!("Spatial/K\u{e4}rte \"1\".tif"), "\"Spatial/K\u{e4}rte \\\"1\\\".tif\""),
            (json!(7), "7"),
            (json!(null), "null"),
        ];
        for (value, written) in cases {
            assert_eq!(scalar(&value), written);
        }
    }
}
