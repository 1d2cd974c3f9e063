//! sp_rename: tables, columns, keys and indexes.

use spatialcloud_tds::Message;

use super::Arguments;
use crate::sql::Halt;
use crate::sql::backend::Answer;
use crate::sql::error::unsupported;
use crate::sql::interpreter::Interpreter;
use crate::sql::world::DEFAULT_SCHEMA;

/// `sp_rename name, new name, kind`
pub fn rename(arguments: Arguments, session: &mut Interpreter, answer: &mut Answer<'_>) -> Result<(), Halt> {
    let name = arguments.text(0, "@objname")?.unwrap_or_default();
    let new = arguments.text(1, "@newname")?.unwrap_or_default();
    let kind = arguments.text(2, "@objtype")?.map(|kind| kind.to_ascii_uppercase());
    let parts: Vec<&str> = name.split('.').map(|part| part.trim_matches(['[', ']', '"'])).collect();
    let inner = matches!(kind.as_deref(), Some("COLUMN" | "INDEX"));
    let (schema, table, item) = match (&parts[..], inner) {
        ([table], false) => (DEFAULT_SCHEMA, *table, ""),
        ([schema, table], false) => (*schema, *table, ""),
        ([table, item], true) => (DEFAULT_SCHEMA, *table, *item),
        ([schema, table, item], true) => (*schema, *table, *item),
        _ => return Err(unknown(&name, session, kind.as_deref())),
    };
    if new.is_empty() || new.encode_utf16().count() > 128 {
        return Err(Halt::error(
            15223,
            format!("Error: The input parameter 'newname' is not allowed to be {new:?}."),
        ));
    }
    let mut change = session.begin_change(&session.database)?;
    let stored = change.find(schema, table).cloned();
    let stored = stored.ok_or_else(|| unknown(&name, session, kind.as_deref()))?;
    let mut record = stored.record.clone();
    let in_use = |what: &str| {
        let words = format!(
            "Error: The new name '{new}' is already in use as a {what} name and would cause a duplicate that is not permitted."
        );
        Err(Halt::error(15335, words))
    };
    let same = |known: &str, wanted: &str| known.eq_ignore_ascii_case(wanted);
    match kind.as_deref() {
        None | Some("OBJECT") => {
            if !same(table, &new) && change.find(schema, &new).is_some() {
                return in_use("object");
            }
            change.remove(schema, table);
            record.name = new;
        }
        Some("COLUMN") => {
            if !same(item, &new) && record.columns.iter().any(|column| same(&column.name, &new)) {
                return in_use("COLUMN");
            }
            let column = record.columns.iter_mut().find(|column| same(&column.name, item));
            let column = column.ok_or_else(|| unknown(&name, session, kind.as_deref()))?;
            column.name.clone_from(&new);
            for index in &mut record.indexes {
                for key in index.keys.iter_mut().chain(&mut index.included) {
                    let (plain, descends) = match key.strip_suffix(" DESC") {
                        Some(plain) => (plain, " DESC"),
                        None => (key.as_str(), ""),
                    };
                    if same(plain, item) {
                        *key = format!("{new}{descends}");
                    }
                }
            }
        }
        Some("INDEX") => {
            if !same(item, &new) && record.indexes.iter().any(|index| same(&index.name, &new)) {
                return in_use("INDEX");
            }
            let index = record.indexes.iter_mut().find(|index| same(&index.name, item));
            index.ok_or_else(|| unknown(&name, session, kind.as_deref()))?.name = new;
        }
        Some(other) => return Err(unsupported(format_args!("sp_rename of a {other}"))),
    }
    change.put(record, stored.path);
    session.end_change(change)?;
    let words =
        "Caution: Changing any part of an object name could break scripts and stored procedures.".to_owned();
    answer.message(&Message { class: 10, ..Message::information(15477, words) });
    answer.return_status(0);
    Ok(())
}

fn unknown(name: &str, session: &Interpreter, kind: Option<&str>) -> Halt {
    let words = format!(
        "No item by the name of '{name}' could be found in the current database '{}', given that @itemtype was input as '{}'.",
        session.database,
        kind.unwrap_or("(null)")
    );
    Halt::Failed(Box::new(Message { class: 11, ..Message::error(15225, words) }))
}
