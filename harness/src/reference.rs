//! The reference of scenario files, written from the tables: steps, events, settings, keys, damage, rules.

use std::fmt::Write;

use serde_json::Value;
use spatialcloud_backup::writer::DAMAGES;

use crate::behaviours::BEHAVIOURS;
use crate::client;
use crate::contract::RULES;
use crate::step::STEPS;
use crate::{keys, stack};

/// What stands in front of the tables.
const INTRODUCTION: &str = "\
# Reference of scenario files

Generated from the program's own tables: `UPDATE_GOLDEN=1 cargo test -p spatialcloud-harness --test reference`.

A file is a map. `title` and `steps` are needed; the rest is as wanted. `schema.json` beside this file tells editors
the same.

| key | what |
|---|---|
";

/// The keys of a file.
pub const KEYS: &[(&str, &str)] = &[
    ("title", "what it shows, in a sentence"),
    ("contract", "the rules it proves"),
    ("clock", "the first instant of simulated time, such as `2026-03-02T16:00[Australia/Sydney]`"),
    ("settings", "settings of its stack, as below"),
    (
        "files",
        "files to upload: `{ text: … }`, `{ random: { seed, size } }`, `{ backup: { seed, size, … } }` as below, `{ real-backup: NAME }`",
    ),
    (
        "sites",
        "sites by code: `{ key: rsa-2048, from: [client], provisioned: true }`; `client` is where the client comes from",
    ),
    ("clients", "the clients it runs with; absent: all that can do every step"),
    ("except", "clients that do not run it although they could, each with the reason"),
    ("behaviours", "the client behaviours it shows"),
    ("twice", "`true`: it runs twice, and both runs must give the same events"),
    ("for-each", "rows of values; it runs once for each, with `${name}` replaced"),
    ("include", "a file beside it whose keys count where this one has none"),
    ("steps", "what is done"),
    ("always", "what is done whatever happened before"),
];

/// The keys of `backup:`.
pub const BACKUP_KEYS: &[(&str, &str)] = &[
    ("seed", "everything that is not described follows from it"),
    ("size", "about how many bytes a plain one has; with `tables` it follows from them"),
    ("without", "tables of the usual ones to leave out"),
    ("version", "the version of SQL Server it says it comes from, such as `2017`"),
    ("compression", "`true`: a compressed backup"),
    ("damage", "what is wrong with it, as below"),
    ("stripe", "which stripe it is of how many, such as `1/2`; each is a file of its own"),
    ("differential-of", "another of the files, a full backup: this one is what has to change in it"),
    (
        "tables",
        "the tables, instead of the usual ones: `{ name, schema, columns, primary-key, indexes, rows }`",
    ),
    ("ogr_metadata", "rows of the metadata table, with FilePath, FileName and TableName"),
];

/// What stands before and behind the keys of `backup:`.
const OF_BACKUPS: [&str; 2] = [
    "\
`backup:` takes these; `generate` has an option of the same name for each, and `--tables FILE` for the last two.

| key of `backup` | what |
|---|---|
",
    "
`columns: { id: int primary key, owner: nvarchar(60), lot: varchar(20) not null, shape: geometry }`; a key of several
columns is `primary-key: [plan, lot]`. `indexes: { by_owner: [owner], by_lot: { columns: [lot], unique: true } }` are in
the catalog alone. `rows` is a number, or a list: `[1, J. Nguyen, DP5, \"SRID=28355;POINT (1 2)\"]`, or
`{ id: 1, lot: DP5 }` with NULL for the rest. Values are written as `inspect --table` prints them.

",
];

/// What holds for every step.
const OF_STEPS: &str = "\
A client's step succeeds unless it says `fails: WORDS` (`\"*\"`: whatever its words) or `may-fail: true`.
`capture: name` keeps a value for later steps, which write it `${name}`.
";

/// The whole reference.
pub fn text() -> String {
    let rows = |keys: &[(&str, &str)]| -> String {
        keys.iter().map(|(key, what)| format!("| `{key}` | {what} |\n")).collect()
    };
    let [before, behind] = OF_BACKUPS;
    let (keys, of_backups) = (rows(KEYS), rows(BACKUP_KEYS));
    let mut text = format!("{INTRODUCTION}{keys}\n{before}{of_backups}{behind}{OF_STEPS}");
    let mut section = |title: &str, lines: Vec<String>| {
        let _ = write!(text, "\n## {title}\n\n{}\n", lines.join("\n"));
    };
    section(
        "Steps",
        STEPS
            .iter()
            .map(|step| format!("- **{}** {}\n  `{}`", step.name, step.sentence, step.example))
            .collect(),
    );
    section(
        "What `expect` looks at",
        EXPECTATIONS.iter().map(|(form, what)| format!("- `{form}` {what}")).collect(),
    );
    let mut events = vec!["| event | what | fields |".to_owned(), "|---|---|---|".to_owned()];
    events.extend(
        stack::event_docs()
            .iter()
            .map(|event| format!("| `{}` | {} | {} |", event.name, event.sentence, event.fields.join(", "))),
    );
    section("Events", events);
    section(
        "Faults",
        stack::fault_docs()
            .iter()
            .map(|(name, sentence, example)| format!("- **{name}** {sentence}\n  `{example}`"))
            .collect(),
    );
    section(
        "Where and how often a fault strikes",
        stack::fault_parameters().iter().map(|(key, meaning)| format!("- `{key}`: {meaning}")).collect(),
    );
    let mut settings = vec!["```yaml".to_owned()];
    write_settings(&stack::default_settings(), &stack::settings_schema(), 0, &mut settings);
    settings.push("```".to_owned());
    section("Settings and their defaults", settings);
    section("Presets", presets());
    section(
        "Keys",
        keys::KINDS
            .iter()
            .map(|(name, arguments)| format!("- `{name}`: ssh-keygen {}", arguments.join(" ")))
            .collect(),
    );
    section(
        "Damage",
        DAMAGES.iter().map(|(_, name, _, sentence)| format!("- `{name}`: {sentence}")).collect(),
    );
    section("Clients", client::names().iter().map(|name| format!("- `{name}`")).collect());
    section(
        "Client behaviours",
        BEHAVIOURS.iter().map(|(behaviour, summary)| format!("- **{behaviour}** {summary}")).collect(),
    );
    section("Rules", RULES.iter().map(|(rule, summary)| format!("- **{rule}** {summary}")).collect());
    text
}

/// Forms of `expect`, each an example that parses.
pub const EXPECTATIONS: &[(&str, &str)] = &[
    (
        "{ cloud: CITY/Spatial/a.tif, same-as: a.tif }",
        "the file is there with those bytes; `inbox` and `history` are looked into the same way",
    ),
    ("{ inbox: CITY/Spatial/a.tif, differs-from: a.tif }", "it is there with other bytes"),
    ("{ history: CITY/Spatial/a.tif.1, size: 1MiB }", "it is there with that size"),
    ("{ cloud: CITY/Spatial/a.tif, absent: true }", "no such file is there"),
    ("{ out: CITY/Cadastre/Parcels.shp }", "readers of the warehouse see that snapshot"),
    (
        "{ table: CITY/dbo.parcels, rows: 7, load: 2, key: [id], row: { id: 7 } }",
        "they see that table: with so many rows, of that load, with that primary key, with such a row among its first 10,000; `absent: true`: no such table",
    ),
    (
        "{ warehouse: CITY, load: 2, tables: 4, snapshots: 4 }",
        "what they see is of that load; `absent: true`: nothing has been loaded",
    ),
    (
        "{ event: file.left, site: CITY, says: open, capture: reason as why }",
        "such an event happened, or happens within ten seconds; fields and words are compared",
    ),
    ("{ no-event: file.moved, site: CITY }", "no such event has happened"),
    (
        "{ requests: [init 3, open *.filepart write,creat,trunc, rename] }",
        "these came in this order, others between them or not; needs `record-requests: true`",
    ),
    ("{ no-request: setstat Spatial/a.tif }", "no such request came"),
    (
        "{ client: failed, says: quota, exit-code: 1 }",
        "what the client made of its last step: `succeeded` or `failed`",
    ),
];

/// What `preset:` can name; each with the settings that stand for it, which those beside it overrule.
fn presets() -> Vec<String> {
    let mut lines = vec![
        "`preset: NAME` among the settings stands for these; what is given beside it overrules it."
            .to_owned(),
    ];
    for (name, sentence, settings) in stack::preset_docs() {
        lines.extend([String::new(), format!("**{name}**: {sentence}.")]);
        if settings.as_object().is_some_and(|settings| !settings.is_empty()) {
            lines.push("```yaml".to_owned());
            write_settings(&settings, &Value::Null, 0, &mut lines);
            lines.push("```".to_owned());
        }
    }
    lines
}

/// Settings as YAML, each with what the schema says of it.
fn write_settings(value: &Value, schema: &Value, depth: usize, lines: &mut Vec<String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let indent = "  ".repeat(depth);
        let schema = &schema["properties"][name];
        if let Some(what) = schema["description"].as_str() {
            lines.extend(what.lines().map(|line| format!("{indent}# {line}")));
        }
        match value {
            Value::Object(map) if !map.is_empty() => {
                lines.push(format!("{indent}{name}:"));
                write_settings(value, schema, depth + 1, lines);
            }
            Value::String(text) => lines.push(format!("{indent}{name}: {text}")),
            other => lines.push(format!("{indent}{name}: {other}")),
        }
    }
}
