//! Methods of geometry and geography, in one table.

use spatialcloud_backup::geometry::{Geometry, Shape, SpatialType, decode};
use spatialcloud_tds::{ColumnType, Length, Value};

use crate::sql::Halt;
use crate::sql::error::unsupported;

/// A method.
pub struct Method {
    name: &'static str,
    gives: Gives,
    call: fn(&Geometry) -> Value<'static>,
}

#[derive(Clone, Copy)]
enum Gives {
    Text,
    Bytes,
    Int,
    Bit,
    Float,
}

static METHODS: &[Method] = &[
    Method { name: "STAsText", gives: Gives::Text, call: |geometry| geometry.to_wkt_2d().into() },
    Method { name: "ToString", gives: Gives::Text, call: |geometry| geometry.to_wkt().into() },
    Method { name: "AsTextZM", gives: Gives::Text, call: |geometry| geometry.to_wkt().into() },
    Method {
        name: "STAsBinary",
        gives: Gives::Bytes,
        call: |geometry| Value::Binary(geometry.to_wkb_2d().into()),
    },
    Method {
        name: "AsBinaryZM",
        gives: Gives::Bytes,
        call: |geometry| Value::Binary(geometry.to_wkb().into()),
    },
    Method { name: "STSrid", gives: Gives::Int, call: |geometry| Value::Integer(geometry.srid.into()) },
    Method { name: "STIsValid", gives: Gives::Bit, call: |geometry| Value::Bit(geometry.valid) },
    Method { name: "STGeometryType", gives: Gives::Text, call: |geometry| geometry.shape.name().into() },
    Method { name: "STX", gives: Gives::Float, call: |geometry| ordinate(geometry, |x, _| x) },
    Method { name: "STY", gives: Gives::Float, call: |geometry| ordinate(geometry, |_, y| y) },
    Method { name: "Long", gives: Gives::Float, call: |geometry| ordinate(geometry, |x, _| x) },
    Method { name: "Lat", gives: Gives::Float, call: |geometry| ordinate(geometry, |_, y| y) },
];

/// The method of that name on values of that type. Names of methods count with their case.
pub fn resolve(of: &ColumnType, name: &str, arguments: usize) -> Result<&'static Method, Halt> {
    let is_spatial = spatial_type(of).is_some();
    let method = METHODS.iter().find(|method| method.name == name).filter(|_| arguments == 0 && is_spatial);
    method.ok_or_else(|| unsupported(format_args!("the method {name} of {}", of.name())))
}

fn spatial_type(of: &ColumnType) -> Option<SpatialType> {
    match of {
        ColumnType::Udt(udt) if udt.name.eq_ignore_ascii_case("geometry") => Some(SpatialType::Geometry),
        ColumnType::Udt(udt) if udt.name.eq_ignore_ascii_case("geography") => Some(SpatialType::Geography),
        _ => None,
    }
}

impl Method {
    /// The type of what it gives.
    pub fn column_type(&self) -> ColumnType {
        match self.gives {
            Gives::Text => {
                ColumnType::NVarChar { length: Length::Max, collation: spatialcloud_tds::Collation::LATIN1 }
            }
            Gives::Bytes => ColumnType::VarBinary { length: Length::Max },
            Gives::Int => ColumnType::Int,
            Gives::Bit => ColumnType::Bit,
            Gives::Float => ColumnType::Float,
        }
    }

    /// Calls it.
    pub fn call(&self, value: Value<'static>, of: &ColumnType) -> Result<Value<'static>, Halt> {
        let (Value::Binary(bytes), Some(spatial_type)) = (&value, spatial_type(of)) else {
            return Ok(Value::Null);
        };
        let geometry = decode(bytes, spatial_type).map_err(|error| {
            Halt::error(
                6522,
                format!("A .NET Framework error occurred: the {} is damaged: {error}", of.name()),
            )
        })?;
        // The value that is NULL inside is NULL.
        Ok(geometry.map_or(Value::Null, |geometry| (self.call)(&geometry)))
    }
}

fn ordinate(geometry: &Geometry, of: fn(f64, f64) -> f64) -> Value<'static> {
    match &geometry.shape {
        Shape::Point(Some(position)) => Value::Float(of(position.x, position.y)),
        _ => Value::Null,
    }
}
