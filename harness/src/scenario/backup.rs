//! `backup:` in scenario files, and the tables that `generate` is given: what the writer is told to write.

use serde_json::Value as Json;
use spatialcloud_backup::Value;
use spatialcloud_backup::writer::{
    ColumnSpec, ColumnType, DAMAGES, DBO, Damage, Description, IndexSpec, Part, Rows, Stripe, TableSpec,
    VERSIONS, Version, metadata_table, optional_tables, parse_value, type_names,
};

use super::fields::{Fields, Mistake, items, text};
use super::node::{Key, Kind, Node, Place};

/// A generated backup.
#[derive(Clone, Debug, PartialEq)]
pub struct BackupSpec {
    /// What is written.
    pub description: Description,
    /// The file whose full backup it is a differential of.
    pub differential_of: Option<String>,
}

/// Tables and rows of the metadata table, as a file for `generate --tables` has them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tables {
    /// The tables.
    pub tables: Option<Vec<TableSpec>>,
    /// Rows of `ogr_metadata`.
    pub ogr_metadata: Option<Vec<Vec<Value<'static>>>>,
}

/// Reads the value of `backup:`. `others` are the files that a differential backup can be of.
pub fn backup(fields: &mut Fields<'_>, others: &[&str]) -> Result<BackupSpec, Mistake> {
    let seed = u64::try_from(fields.number("seed")?.unwrap_or(1)).unwrap_or(1);
    let size_bytes = fields.size("size")?;
    let damages: Vec<&str> = DAMAGES.iter().map(|(_, name, ..)| *name).collect();
    let damage = fields.one_of("damage", "damage", &damages)?.and_then(|name| Damage::named(&name));
    let versions: Vec<&str> = VERSIONS.iter().map(|version| version.name).collect();
    let version = fields.one_of("version", "version", &versions)?.and_then(|name| Version::named(&name));
    let is_compressed = fields.flag("compression")?;
    let stripe = fields.text("stripe")?;
    let optional: Vec<&str> = optional_tables().collect();
    let without = fields.some_of("without", "table", &optional)?;
    let differential_of = fields.text("differential-of")?;
    let Tables { tables, ogr_metadata } = take_tables(fields)?;
    let size_bytes = match (size_bytes, &tables) {
        (Some(size_bytes), None) => size_bytes,
        (None, Some(_)) => 0,
        (Some(_), Some(_)) => {
            let place = fields.place_of("size");
            return Err(Mistake::new(place, "size: with tables it follows from their rows"));
        }
        (None, None) => {
            return Err(Mistake::new(fields.place(), "backup: \"size\" is missing, or \"tables\""));
        }
    };
    if tables.is_some() && !without.is_empty() {
        let place = fields.place_of("without");
        return Err(Mistake::new(place, "without: leaves out what \"tables\" has taken the place of"));
    }
    let stripe = stripe.map(|text| Stripe::parse(&text)).transpose();
    let stripe =
        stripe.map_err(|reason| Mistake::new(fields.place_of("stripe"), format!("stripe: {reason}")))?;
    if let Some(name) = differential_of.as_ref().filter(|name| !others.contains(&name.as_str())) {
        let place = fields.place_of("differential-of");
        return Err(Mistake::unknown(place, "full backup among the files", name, others));
    }
    let description = Description {
        seed,
        size_bytes,
        tables,
        without,
        ogr_metadata,
        version: version.unwrap_or_default(),
        is_compressed,
        stripe: stripe.unwrap_or_default(),
        damage,
    };
    Ok(BackupSpec { description, differential_of })
}

/// Reads a file for `generate --tables`.
pub fn tables(node: &Node) -> Result<Tables, Mistake> {
    let mut fields = Fields::of(node, "a file of tables")?;
    let found = take_tables(&mut fields)?;
    fields.end()?;
    Ok(found)
}

fn take_tables(fields: &mut Fields<'_>) -> Result<Tables, Mistake> {
    let tables = fields.take("tables").map(described_tables).transpose()?;
    let ogr_metadata = fields.take("ogr_metadata").map(metadata_rows).transpose()?;
    Ok(Tables { tables, ogr_metadata })
}

fn described_tables(node: &Node) -> Result<Vec<TableSpec>, Mistake> {
    let mut tables: Vec<TableSpec> = Vec::new();
    for item in items(node, "tables")? {
        let (table, name) = table(item)?;
        if tables.iter().any(|other| (&other.schema, &other.name) == (&table.schema, &table.name)) {
            let TableSpec { schema, name: table_name, .. } = table;
            return Err(Mistake::new(&name, format!("there are two tables {schema}.{table_name}")));
        }
        tables.push(table);
    }
    Ok(tables)
}

/// A table, and where its name stands.
fn table(node: &Node) -> Result<(TableSpec, Place), Mistake> {
    let mut fields = Fields::of(node, "a table")?;
    let name = fields.need_text("name")?;
    let schema = fields.text("schema")?.unwrap_or_else(|| DBO.to_owned());
    let columns = columns(fields.need("columns")?)?;
    let key = fields.take("primary-key");
    let indexes = fields.take("indexes").map(|node| indexes(node, &columns)).transpose()?.unwrap_or_default();
    let rows_node = fields.take("rows");
    let mut places = Places {
        name: fields.place_of("name").clone(),
        key: fields.place_of(if key.is_some() { "primary-key" } else { "columns" }).clone(),
        columns: columns.iter().map(|column| column.place.clone()).collect(),
        indexes: indexes.iter().map(|(_, place)| place.clone()).collect(),
        rows: Vec::new(),
    };
    fields.end()?;
    let primary_key = match key {
        Some(node) => column_places(node, "primary-key", &columns)?,
        None => (0..columns.len()).filter(|place| columns[*place].is_key).collect(),
    };
    let mut specs: Vec<ColumnSpec> = columns.into_iter().map(|column| column.spec).collect();
    for place in &primary_key {
        specs[*place].is_nullable = false;
    }
    let rows = match rows_node {
        None => Rows::Given(Vec::new()),
        Some(node) => rows(node, &specs, &mut places)?,
    };
    let indexes = indexes.into_iter().map(|(index, _)| index).collect();
    let table = TableSpec { schema, name, columns: specs, primary_key, indexes, rows };
    places.check(&table)?;
    Ok((table, places.name))
}

/// Where the parts of a table stand.
struct Places {
    name: Place,
    key: Place,
    columns: Vec<Place>,
    indexes: Vec<Place>,
    /// A row's, and those of its values.
    rows: Vec<(Place, Vec<Place>)>,
}

impl Places {
    fn check(&self, table: &TableSpec) -> Result<(), Mistake> {
        table.check().map_err(|mistake| {
            let row = |index: usize| self.rows.get(index);
            let place = match mistake.part {
                Part::Table => None,
                Part::Column(index) => self.columns.get(index),
                Part::Key => Some(&self.key),
                Part::Index(index) => self.indexes.get(index),
                Part::Row(index) => row(index).map(|(place, _)| place),
                Part::Value(index, column) => row(index).and_then(|(_, values)| values.get(column)),
            };
            Mistake::new(place.unwrap_or(&self.name), mistake.message)
        })
    }
}

/// A column, and where it stands.
struct Column {
    spec: ColumnSpec,
    is_key: bool,
    place: Place,
}

/// `{ id: int primary key, owner: nvarchar(60), area: "decimal(12,2) not null" }`
fn columns(node: &Node) -> Result<Vec<Column>, Mistake> {
    Fields::of(node, "columns")?
        .rest()
        .into_iter()
        .map(|(key, declaration)| {
            let (column_type, is_nullable, is_key) = declared(declaration)?;
            Ok(Column {
                spec: ColumnSpec { name: key.text.clone(), column_type, is_nullable },
                is_key,
                place: key.place.clone(),
            })
        })
        .collect()
}

/// A type, whether it may be NULL, and whether it is the key.
fn declared(node: &Node) -> Result<(ColumnType, bool, bool), Mistake> {
    let declaration = text(node, "a column's type")?;
    let lower = declaration.to_lowercase();
    let mut rest = lower.trim();
    let (mut is_nullable, mut is_key) = (true, false);
    loop {
        rest = if let Some(before) = rest.strip_suffix(" primary key") {
            (is_nullable, is_key) = (false, true);
            before
        } else if let Some(before) = rest.strip_suffix(" not null") {
            is_nullable = false;
            before
        } else if let Some(before) = rest.strip_suffix(" null") {
            before
        } else {
            break;
        }
        .trim_end();
    }
    let name = rest.split('(').next().unwrap_or(rest).trim_end();
    if !type_names().any(|known| known == name) {
        return Err(Mistake::unknown(&node.place, "type", name, &type_names().collect::<Vec<_>>()));
    }
    let column_type = ColumnType::parse(rest).map_err(|message| Mistake::new(&node.place, message))?;
    Ok((column_type, is_nullable, is_key))
}

/// `{ by_owner: [owner], by_lot: { columns: [lot, plan], unique: true }, by_shape: [shape] }`
fn indexes(node: &Node, columns: &[Column]) -> Result<Vec<(IndexSpec, Place)>, Mistake> {
    let read = |(key, node): (&Key, &Node)| {
        let (node, is_unique) = match &node.kind {
            Kind::Map(_) => {
                let mut fields = Fields::of(node, "an index")?;
                let found = (fields.need("columns")?, fields.flag("unique")?);
                fields.end()?;
                found
            }
            _ => (node, false),
        };
        let columns = column_places(node, "an index", columns)?;
        Ok((IndexSpec { name: key.text.clone(), columns, is_unique }, key.place.clone()))
    };
    Fields::of(node, "indexes")?.rest().into_iter().map(read).collect()
}

fn column_places(node: &Node, what: &str, columns: &[Column]) -> Result<Vec<usize>, Mistake> {
    items(node, what)?
        .iter()
        .map(|item| {
            let name = text(item, what)?;
            columns.iter().position(|column| column.spec.name == name).ok_or_else(|| {
                let known: Vec<&str> = columns.iter().map(|column| column.spec.name.as_str()).collect();
                Mistake::unknown(&item.place, "column", &name, &known)
            })
        })
        .collect()
}

/// A number of rows that follow from the seed, or rows.
fn rows(node: &Node, columns: &[ColumnSpec], places: &mut Places) -> Result<Rows, Mistake> {
    if let Kind::Scalar(value) = &node.kind {
        let count = value.as_u64().or_else(|| value.as_str()?.parse().ok());
        return count.map(Rows::Random).ok_or_else(|| {
            Mistake::new(&node.place, format!("rows: expected a number or a list, got {}", node.described()))
        });
    }
    let mut all = Vec::new();
    for item in items(node, "rows")? {
        let (row, values) = row(item, columns)?;
        places.rows.push((item.place.clone(), values));
        all.push(row);
    }
    Ok(Rows::Given(all))
}

/// `[1, City of Example, "SRID=28355;POINT (1 2)"]`, or `{ id: 1, owner: City of Example }`, where the rest is NULL.
fn row(node: &Node, columns: &[ColumnSpec]) -> Result<(Vec<Value<'static>>, Vec<Place>), Mistake> {
    let mut row = vec![Value::Null; columns.len()];
    let mut places = vec![node.place.clone(); columns.len()];
    let entries: Vec<(usize, &Node)> = match &node.kind {
        Kind::List(values) if values.len() == columns.len() => values.iter().enumerate().collect(),
        Kind::List(values) => {
            let message = format!("{} values for {} columns", values.len(), columns.len());
            return Err(Mistake::new(&node.place, message));
        }
        Kind::Map(entries) => entries
            .iter()
            .map(|(key, value)| {
                let place = columns.iter().position(|column| column.name == key.text).ok_or_else(|| {
                    let known: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
                    Mistake::unknown(&key.place, "column", &key.text, &known)
                })?;
                Ok((place, value))
            })
            .collect::<Result<_, Mistake>>()?,
        _ => {
            let message = format!("a row: expected a list or a map, got {}", node.described());
            return Err(Mistake::new(&node.place, message));
        }
    };
    for (place, value) in entries {
        row[place] = self::value(value, &columns[place])?;
        places[place] = value.place.clone();
    }
    Ok((row, places))
}

fn value(node: &Node, column: &ColumnSpec) -> Result<Value<'static>, Mistake> {
    let written = match &node.kind {
        Kind::Null => return Ok(Value::Null),
        Kind::Scalar(Json::String(text)) => text.clone(),
        Kind::Scalar(value) => value.to_string(),
        _ => {
            let message = format!("{}: expected a value, got {}", column.name, node.described());
            return Err(Mistake::new(&node.place, message));
        }
    };
    parse_value(column.column_type, &written)
        .map_err(|message| Mistake::new(&node.place, format!("{}: {message}", column.name)))
}

/// Rows of `ogr_metadata` with its columns FilePath, FileName and TableName.
fn metadata_rows(node: &Node) -> Result<Vec<Vec<Value<'static>>>, Mistake> {
    let columns = metadata_table(Vec::new()).columns;
    items(node, "ogr_metadata")?.iter().map(|item| Ok(row(item, &columns)?.0)).collect()
}
