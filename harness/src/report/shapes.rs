//! What shapes a spatial column holds: counted over its rows.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use spatialcloud_backup::geometry::{DecodeError, SpatialType, decode};
use spatialcloud_backup::{SqlType, Table, Value};

/// The shapes of a column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shapes {
    /// Name of the column.
    pub column: String,
    /// Rows by the shape's type.
    pub types: BTreeMap<&'static str, u64>,
    /// Rows by spatial reference.
    pub srids: BTreeMap<i32, u64>,
    /// Rows without a shape.
    pub nulls: u64,
    /// Rows whose shape has no point.
    pub empty: u64,
    /// Rows whose shape the server found invalid.
    pub invalid: u64,
    /// Rows with elevations.
    pub with_z: u64,
    /// Rows with measures.
    pub with_m: u64,
    place: usize,
    spatial_type: Option<SpatialType>,
}

impl Shapes {
    /// For each spatial column of a table.
    pub fn of(table: &Table) -> Vec<Shapes> {
        let spatial = |(place, column): (usize, &spatialcloud_backup::Column)| {
            let spatial_type = match column.sql_type {
                SqlType::Geometry => SpatialType::Geometry,
                SqlType::Geography => SpatialType::Geography,
                _ => return None,
            };
            let spatial_type = Some(spatial_type);
            Some(Shapes { column: column.name.clone(), place, spatial_type, ..Shapes::default() })
        };
        table.columns.iter().enumerate().filter_map(spatial).collect()
    }

    /// Which of the table's columns it is.
    pub fn place(&self) -> usize {
        self.place
    }

    /// Counts a value of the column.
    ///
    /// # Errors
    /// When it is no shape.
    pub fn take(&mut self, value: &Value<'_>) -> Result<(), DecodeError> {
        let found = match (value, self.spatial_type) {
            (Value::Binary(bytes), Some(spatial_type)) => decode(bytes, spatial_type)?,
            _ => None,
        };
        let Some(geometry) = found else {
            self.nulls += 1;
            return Ok(());
        };
        *self.types.entry(geometry.shape.name()).or_default() += 1;
        *self.srids.entry(geometry.srid).or_default() += 1;
        let (z, m) = geometry.has_z_m();
        self.empty += u64::from(geometry.shape.is_empty());
        self.invalid += u64::from(!geometry.valid);
        self.with_z += u64::from(z);
        self.with_m += u64::from(m);
        Ok(())
    }

    /// In a line: `23 Polygon, SRID 28355; 1 NULL`.
    pub fn line(&self) -> String {
        let mut parts: Vec<String> =
            self.types.iter().map(|(name, count)| format!("{count} {name}")).collect();
        if parts.is_empty() {
            parts.push("no shapes".to_owned());
        }
        let srids: Vec<String> = self.srids.keys().map(i32::to_string).collect();
        match srids.len() {
            0 => {}
            1 => parts.push(format!("SRID {}", srids[0])),
            _ => parts.push(format!("SRIDs {}", srids.join(" and "))),
        }
        let mut line = parts.join(", ");
        for (count, what) in [
            (self.nulls, "NULL"),
            (self.empty, "empty"),
            (self.invalid, "invalid"),
            (self.with_z, "with elevations"),
            (self.with_m, "with measures"),
        ] {
            if count > 0 {
                line.push_str(&format!("; {count} {what}"));
            }
        }
        line
    }

    /// What somebody should look at before the night.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.srids.len() > 1 {
            let srids: Vec<String> = self.srids.keys().map(i32::to_string).collect();
            warnings.push(format!(
                "column {} has shapes in several spatial references, {}: a shapefile has one",
                self.column,
                srids.join(", ")
            ));
        }
        if self.srids.contains_key(&0) {
            warnings.push(format!(
                "column {} has {} with SRID 0, which is no spatial reference: nobody can tell where they are",
                self.column,
                shapes(self.srids[&0])
            ));
        }
        if self.invalid > 0 {
            warnings.push(format!(
                "column {} has {} that SQL Server calls invalid: MakeValid() mends that",
                self.column,
                shapes(self.invalid)
            ));
        }
        warnings
    }

    /// The same facts.
    pub fn json(&self) -> Json {
        json!({
            "column": self.column,
            "types": self.types,
            "srids": self.srids.iter().map(|(srid, count)| json!({"srid": srid, "rows": count})).collect::<Vec<_>>(),
            "null": self.nulls,
            "empty": self.empty,
            "invalid": self.invalid,
            "with_z": self.with_z,
            "with_m": self.with_m,
        })
    }
}

fn shapes(count: u64) -> String {
    format!("{count} shape{}", if count == 1 { "" } else { "s" })
}
