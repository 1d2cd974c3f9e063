//! `/warehouse/{code}`: production tables, snapshots and the history of loads.

use std::path::PathBuf;

use axum::Json;
use axum::extract::State as Shared;
use serde::Deserialize;
use serde_json::{Value as Shown, json};
use spatialcloud_backup::geometry::{SpatialType, decode};
use spatialcloud_backup::{SqlType, Value};

use super::error::{ApiError, Path, Query};
use super::files::blocking;
use super::{State, sites};
use crate::site::Site;
use crate::warehouse::generation::{Generation, Generations, TABLES};
use crate::warehouse::table::{ColumnRecord, TableReader, TableRecord};

/// Rows handed out where the caller does not say how many, and at most.
const USUAL_ROWS: u64 = 100;
const MOST_ROWS: u64 = 10_000;

fn current(site: &Site) -> Result<Option<(PathBuf, Generation)>, ApiError> {
    Generations::below(&site.warehouse).current().map_err(|error| ApiError::internal(error.to_string()))
}

pub(super) async fn show(
    Shared(state): Shared<State>,
    Path(code): Path<String>,
) -> Result<Json<Shown>, ApiError> {
    let site = sites::found(&state, &code)?;
    blocking(move || {
        let loads = Generations::below(&site.warehouse)
            .loads()
            .map_err(|error| ApiError::internal(error.to_string()))?;
        let mut shown = json!({
            "load": null, "at": null, "backup": null, "tables": [], "snapshots": [], "loads": loads,
        });
        if let Some((folder, generation)) = current(&site)? {
            shown["load"] = json!(generation.load);
            shown["at"] = json!(generation.at);
            shown["backup"] = json!(generation.backup);
            shown["folder"] = json!(folder);
            shown["tables"] = json!(generation.tables);
            shown["snapshots"] = json!(generation.snapshots);
        }
        Ok(Json(shown))
    })
    .await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    #[serde(default)]
    offset: u64,
    limit: Option<u64>,
}

pub(super) async fn rows(
    Shared(state): Shared<State>,
    Path((code, name)): Path<(String, String)>,
    Query(page): Query<Page>,
) -> Result<Json<Shown>, ApiError> {
    let limit = page.limit.unwrap_or(USUAL_ROWS);
    if limit > MOST_ROWS {
        let told = format!("limit {limit}: at most {MOST_ROWS} rows are handed out at once, ask with offset");
        return Err(ApiError::bad_request(told));
    }
    let site = sites::found(&state, &code)?;
    blocking(move || {
        let nothing = || ApiError::not_found(format!("nothing has been loaded for {code} yet"));
        let (folder, generation) = current(&site)?.ok_or_else(nothing)?;
        let table = find(&generation.tables, &name)?;
        let file = table.file.as_ref().ok_or_else(|| ApiError::not_found(table.warnings.join("; ")))?;
        let broken = |error| ApiError::internal(format!("{name}: {error}"));
        let mut reader =
            TableReader::open(&folder.join(TABLES).join(file), &table.columns).map_err(broken)?;
        reader.skip(page.offset).map_err(broken)?;
        let mut rows = Vec::new();
        while (rows.len() as u64) < limit {
            let Some(row) = reader.next_row().map_err(broken)? else { break };
            let shown = table.columns.iter().zip(&row).map(|(column, value)| shown(column, value));
            rows.push(Shown::Array(shown.collect()));
        }
        let columns: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        Ok(Json(json!({"table": table.full_name(), "columns": columns, "rows": rows, "total": table.rows})))
    })
    .await
}

/// `dbo.parcels`, or `parcels` where one schema has it.
fn find<'t>(tables: &'t [TableRecord], name: &str) -> Result<&'t TableRecord, ApiError> {
    let wanted = name.to_lowercase();
    let is_it = |table: &&TableRecord| table.key() == wanted || table.name.to_lowercase() == wanted;
    tables.iter().find(is_it).ok_or_else(|| {
        let names: Vec<String> = tables.iter().map(TableRecord::full_name).collect();
        ApiError::not_found(format!("there is no table {name}; there is: {}", names.join(", ")))
    })
}

/// Numbers and bits as JSON has them, shapes as `SRID=7855;POINT (…)`, all else as SQL Server prints it.
fn shown(column: &ColumnRecord, value: &Value<'_>) -> Shown {
    let spatial_type = match column.sql_type() {
        SqlType::Geometry => Some(SpatialType::Geometry),
        SqlType::Geography => Some(SpatialType::Geography),
        _ => None,
    };
    match (value, spatial_type) {
        (Value::Null, _) => Shown::Null,
        (Value::Bit(bit), _) => json!(bit),
        (Value::Integer(number), _) => json!(number),
        (Value::Real(number), _) => json!(number),
        (Value::Float(number), _) => json!(number),
        (Value::Binary(bytes), Some(spatial_type)) => match decode(bytes, spatial_type) {
            Ok(Some(geometry)) => json!(format!("SRID={};{}", geometry.srid, geometry.to_wkt())),
            Ok(None) => Shown::Null,
            Err(_) => json!(value.to_string()),
        },
        _ => json!(value.to_string()),
    }
}
