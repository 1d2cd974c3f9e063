//! What the metadata table asks for, row by row: which spatial table becomes which shapefile, and why not (C-42, C-45).
//!
//! Pure: it is given the table's rows and the names of the uploaded tables, and answers.

use std::collections::HashMap;

use super::answer::{Answer, Export, Refusal};
use super::target::resolve;
use crate::config::MetadataConfig;

/// The metadata table as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Names of its columns.
    pub columns: Vec<String>,
    /// Its rows, a text or NULL for each column.
    pub rows: Vec<Vec<Option<String>>>,
}

/// A table of the upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadedTable {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its columns of type geometry or geography, in order.
    pub spatial_columns: Vec<String>,
}

/// The metadata table lacks a column without which no row can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{table} has no column {column}, only {found:?}: no shapefiles; add the column at the source")]
pub struct Unusable {
    /// The metadata table's name.
    pub table: String,
    /// The column.
    pub column: String,
    /// Those it has.
    pub found: Vec<String>,
}

/// Answers each row of the metadata table, in order.
///
/// # Errors
/// [`Unusable`] when FilePath or FileName is not among its columns.
pub fn decide(
    metadata: &Metadata,
    tables: &[UploadedTable],
    names: &MetadataConfig,
) -> Result<Vec<Answer>, Unusable> {
    let find = |name: &String| metadata.columns.iter().position(|column| same(column, name));
    let needed = |name: &String| {
        find(name).ok_or_else(|| Unusable {
            table: names.table.clone(),
            column: name.clone(),
            found: metadata.columns.clone(),
        })
    };
    let (file_path, file_name) = (needed(&names.file_path)?, needed(&names.file_name)?);
    let [table, schema, geometry] = [&names.table_name, &names.table_schema, &names.geometry_column]
        .map(|names| names.iter().find_map(find));
    let mut taken: HashMap<String, usize> = HashMap::new();
    let mut answers = Vec::with_capacity(metadata.rows.len());
    for (index, row) in metadata.rows.iter().enumerate() {
        let text = |column: usize| row.get(column).and_then(Option::as_deref);
        let filled =
            |column: Option<usize>| column.and_then(text).map(str::trim).filter(|text| !text.is_empty());
        let answer = resolve(text(file_path), text(file_name)).map_err(Refusal::Target).and_then(|target| {
            let Some(target) = target else { return Ok(Answer::Skipped) };
            let listed = match table {
                Some(_) => filled(table).ok_or(Refusal::NoTable)?,
                None => &target.name,
            };
            let found = find_table(tables, listed, filled(schema))?;
            let spatial_column = find_column(&tables[found], filled(geometry))?;
            if let Some(row) = taken.get(&target.key()) {
                return Err(Refusal::Taken { target: target.relative(), row: *row });
            }
            taken.insert(target.key(), index + 1);
            Ok(Answer::Export(Export { table: found, spatial_column, target }))
        });
        answers.push(answer.unwrap_or_else(Answer::Refused));
    }
    Ok(answers)
}

/// As SQL Server's usual collations compare names.
fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// A table by `name`, `schema.name` or `[schema].[name]`.
fn find_table(tables: &[UploadedTable], listed: &str, schema: Option<&str>) -> Result<usize, Refusal> {
    let (own_schema, name) = split_name(listed);
    let schema = own_schema.or_else(|| schema.map(|schema| bare(schema).to_owned()));
    let named: Vec<usize> = (0..tables.len()).filter(|index| same(&tables[*index].name, &name)).collect();
    let in_schema = |wanted: &str| named.iter().copied().find(|index| same(&tables[*index].schema, wanted));
    let full = |index: &usize| format!("{}.{}", tables[*index].schema, tables[*index].name);
    match (&schema, &named[..]) {
        (Some(schema), _) => in_schema(schema).ok_or_else(|| Refusal::Missing {
            table: format!("{schema}.{name}"),
            instead: named.first().map(full),
        }),
        (None, [only]) => Ok(*only),
        (None, []) => {
            let nearest = (0..tables.len()).find(|index| letters(&tables[*index].name) == letters(&name));
            Err(Refusal::Missing { table: name, instead: nearest.as_ref().map(full) })
        }
        (None, several) => in_schema("dbo").ok_or_else(|| Refusal::SeveralSchemas {
            table: name,
            schemas: several.iter().map(|index| tables[*index].schema.clone()).collect(),
        }),
    }
}

fn find_column(table: &UploadedTable, wanted: Option<&str>) -> Result<usize, Refusal> {
    let name = || format!("{}.{}", table.schema, table.name);
    match wanted.map(bare) {
        _ if table.spatial_columns.is_empty() => Err(Refusal::NotSpatial { table: name() }),
        None => Ok(0),
        Some(wanted) => {
            let found = table.spatial_columns.iter().position(|column| same(column, wanted));
            found.ok_or_else(|| Refusal::NoSuchColumn { table: name(), column: wanted.to_owned() })
        }
    }
}

/// Schema and name. A dot inside brackets parts nothing.
fn split_name(listed: &str) -> (Option<String>, String) {
    let parted = match listed.strip_prefix('[') {
        Some(rest) => rest.split_once(']').and_then(|(schema, rest)| Some((schema, rest.strip_prefix('.')?))),
        None => listed.split_once('.'),
    };
    match parted {
        Some((schema, name)) => (Some(schema.to_owned()), bare(name).to_owned()),
        None => (None, bare(listed).to_owned()),
    }
}

/// Without brackets.
fn bare(name: &str) -> &str {
    name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name)
}

/// What is left of a name when people spell it differently: `Land Parcels` and `land_parcels`.
fn letters(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(schema: &str, name: &str, spatial: &[&str]) -> UploadedTable {
        let spatial_columns = spatial.iter().map(|column| (*column).to_owned()).collect();
        UploadedTable { schema: schema.to_owned(), name: name.to_owned(), spatial_columns }
    }

    fn uploaded() -> Vec<UploadedTable> {
        vec![
            table("dbo", "parcels", &["Shape", "Centroid"]),
            table("dbo", "Land_Zones", &["geom"]),
            table("dbo", "rates", &[]),
            table("gis", "parcels", &["Shape"]),
            table("gis", "roads", &["Shape"]),
            table("old", "drains", &["Shape"]),
            table("new", "drains", &["Shape"]),
        ]
    }

    fn answers(columns: &[&str], rows: &[&[&str]]) -> Vec<String> {
        let text = |text: &&str| (*text != "NULL").then(|| (*text).to_owned());
        let metadata = Metadata {
            columns: columns.iter().map(|column| (*column).to_owned()).collect(),
            rows: rows.iter().map(|row| row.iter().map(text).collect()).collect(),
        };
        let answers = decide(&metadata, &uploaded(), &MetadataConfig::default()).expect("usable");
        answers.iter().map(ToString::to_string).collect()
    }

    /// Table, FilePath, FileName, and the answer.
    const CASES: &[([&str; 3], &str)] = &[
        (["parcels", "Cadastre", "parcels"], "written to OUT/Cadastre/parcels.shp"),
        (
            ["rates", "NULL", "NULL"],
            "no shapefile, since FilePath and FileName are blank; better not to list the table at all",
        ),
        (
            ["nothing", "", "  "],
            "no shapefile, since FilePath and FileName are blank; better not to list the table at all",
        ),
        (
            ["roads", "Transport", "roads.shp"],
            "written to OUT/Transport/roads.shp; leave \".shp\" out of FileName",
        ),
        (
            ["gis.parcels", "cadastre", "PARCELS"],
            "no shapefile: row 1 already writes OUT/cadastre/PARCELS.shp: give one of them another FileName",
        ),
        (["[gis].[parcels]", "GIS", "parcels"], "written to OUT/GIS/parcels.shp"),
        (["PARCELS", "NULL", "all"], "written to OUT/all.shp"),
        (
            ["bridges", "Transport", "bridges"],
            "no shapefile: table \"bridges\" is listed and not in the backup: add it to the warehouse, or take the row out",
        ),
        (
            ["land zones", "Planning", "zones"],
            "no shapefile: table \"land zones\" is listed and not in the backup; it has \"dbo.Land_Zones\"",
        ),
        (
            ["dbo.roads", "Transport", "r"],
            "no shapefile: table \"dbo.roads\" is listed and not in the backup; it has \"gis.roads\"",
        ),
        (
            ["drains", "Water", "drains"],
            "no shapefile: schemas old and new have a table \"drains\": write which, as \"old.drains\"",
        ),
        (
            ["rates", "Rates", "rates"],
            "no shapefile: table \"dbo.rates\" has no column of type geometry or geography",
        ),
        (["NULL", "Rates", "x"], "no shapefile: the row does not name its table"),
        (
            ["parcels", "..\\..", "x"],
            "no shapefile: FilePath \"..\\\\..\" leads upwards: give a folder below OUT, without \"..\"",
        ),
        (
            ["parcels", "Cadastre", "NULL"],
            "no shapefile: FilePath is filled in and FileName is not: fill in both, or neither",
        ),
    ];

    #[test]
    fn every_row_has_its_answer() {
        let rows: Vec<&[&str]> = CASES.iter().map(|(row, _)| &row[..]).collect();
        let expected: Vec<&str> = CASES.iter().map(|(_, answer)| *answer).collect();
        assert_eq!(answers(&["tablename", "FILEPATH", "filename"], &rows), expected);
    }

    #[test]
    fn without_a_table_column_the_file_is_named_like_its_table() {
        let rows: [&[&str]; 2] = [&["Transport", "roads.shp"], &["Transport", "bridges"]];
        assert_eq!(
            answers(&["FilePath", "FileName"], &rows),
            [
                "written to OUT/Transport/roads.shp; leave \".shp\" out of FileName",
                "no shapefile: table \"bridges\" is listed and not in the backup: add it to the warehouse, or take the row out",
            ]
        );
    }

    #[test]
    fn schema_and_spatial_column_can_have_columns_of_their_own() {
        let columns = ["FileName", "FilePath", "f_table_schema", "f_table_name", "f_geometry_column"];
        let metadata = |row: [&str; 5]| Metadata {
            columns: columns.iter().map(ToString::to_string).collect(),
            rows: vec![row.iter().map(|text| Some(text.to_string())).collect()],
        };
        let decide_one = |row| {
            let answers = decide(&metadata(row), &uploaded(), &MetadataConfig::default()).expect("usable");
            answers.into_iter().next().expect("one row")
        };
        for (row, expected) in [
            (["p", "", "dbo", "parcels", "CENTROID"], Ok((0, 1))),
            (["p", "", "gis", "parcels", ""], Ok((3, 0))),
            (
                ["p", "", "dbo", "parcels", "outline"],
                Err("table \"dbo.parcels\" has no spatial column \"outline\""),
            ),
            (
                ["p", "", "web", "parcels", ""],
                Err("table \"web.parcels\" is listed and not in the backup; it has \"dbo.parcels\""),
            ),
        ] {
            match (decide_one(row), expected) {
                (Answer::Export(export), Ok(expected)) => {
                    assert_eq!((export.table, export.spatial_column), expected);
                }
                (Answer::Refused(refusal), Err(expected)) => assert_eq!(refusal.to_string(), expected),
                (got, _) => panic!("{row:?}: {got:?}"),
            }
        }
    }

    #[test]
    fn a_metadata_table_without_the_two_columns_is_unusable() {
        let metadata =
            Metadata { columns: vec!["FilePath".to_owned(), "Layer".to_owned()], rows: Vec::new() };
        let error = decide(&metadata, &uploaded(), &MetadataConfig::default()).expect_err("no FileName");
        assert_eq!(
            error.to_string(),
            "ogr_metadata has no column FileName, only [\"FilePath\", \"Layer\"]: no shapefiles; add the column at the source"
        );
    }
}
