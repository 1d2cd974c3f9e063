//! A table's shapefile set: rows into the two passes that a shapefile needs (C-45).

use std::cell::RefCell;
use std::fs::File;
use std::io::BufWriter;

use spatialcloud_backup::geometry::{Geometry, SpatialType, decode};
use spatialcloud_backup::{SqlType, Value};
use spatialcloud_shapefile::{Column, ColumnType, Layer, Plan, Settings, Survey, Value as Field, WriteError};

use super::generation::SnapshotRecord;
use super::out::{Out, OutError};
use super::table::{ColumnRecord, TableError, TableReader, TableRecord};
use super::target::Target;

/// Bytes gathered before a file is written to.
const BUFFER_BYTES: usize = 256 * 1024;
/// Characters of `2026-03-02 16:00:00`, of `16:00:00`, and of ` +10:00`.
const MOMENT_CHARACTERS: u8 = 19;
const TIME_CHARACTERS: u8 = 8;
const OFFSET_CHARACTERS: u8 = 7;

/// Why a snapshot could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Something in the table or its target: the snapshot of the night before stays.
    #[error("{0}")]
    Table(String),
    /// The disk failed: so does the load.
    #[error(transparent)]
    Disk(#[from] std::io::Error),
}

/// The columns of a table, with the spatial one that is exported.
pub struct Exported<'t> {
    columns: &'t [ColumnRecord],
    spatial: usize,
    spatial_type: SpatialType,
    /// Texts of the present row's numbers and times.
    shown: Vec<Option<String>>,
}

impl<'t> Exported<'t> {
    /// Of column `spatial` of a table.
    pub fn new(columns: &'t [ColumnRecord], spatial: usize) -> Exported<'t> {
        let spatial_type = match columns[spatial].sql_type() {
            SqlType::Geography => SpatialType::Geography,
            _ => SpatialType::Geometry,
        };
        Exported { columns, spatial, spatial_type, shown: vec![None; columns.len()] }
    }

    /// The first pass over it, dated year, month and day.
    pub fn survey(&self, date: (u16, u8, u8)) -> Survey {
        let columns = self
            .others()
            .map(|(_, column)| Column { name: column.name.clone(), column_type: column_type(column) });
        Survey::new(columns.collect(), Settings::new(self.spatial_type, date))
    }

    fn others(&self) -> impl Iterator<Item = (usize, &'t ColumnRecord)> + use<'t> {
        let spatial = self.spatial;
        self.columns.iter().enumerate().filter(move |(index, _)| *index != spatial)
    }

    /// Hands a row to either pass.
    ///
    /// # Errors
    /// A geometry that cannot be decoded, and what the pass says.
    pub fn row(
        &mut self,
        row: &[Value<'_>],
        pass: impl FnOnce(Option<&Geometry>, &[Field<'_>]) -> Result<(), WriteError>,
    ) -> Result<(), SnapshotError> {
        let geometry = match &row[self.spatial] {
            Value::Binary(bytes) => {
                let decoded = decode(bytes, self.spatial_type);
                decoded.map_err(|error| {
                    SnapshotError::Table(format!("column {}: {error}", self.columns[self.spatial].name))
                })?
            }
            _ => None,
        };
        for (index, _) in self.others() {
            self.shown[index] = shown(&row[index]);
        }
        let fields: Vec<Field<'_>> =
            self.others().map(|(index, _)| field(&row[index], self.shown[index].as_deref())).collect();
        pass(geometry.as_ref(), &fields).map_err(of_pass)
    }
}

fn of_pass(error: WriteError) -> SnapshotError {
    match error {
        WriteError::Io(error) => match error.downcast::<OutError>() {
            Ok(OutError::Disk(error)) | Err(error) => SnapshotError::Disk(error),
            Ok(taken @ OutError::Taken { .. }) => SnapshotError::Table(taken.to_string()),
        },
        other => SnapshotError::Table(other.to_string()),
    }
}

/// Where a snapshot goes, and for whom.
pub struct Place<'p> {
    /// The target.
    pub target: &'p Target,
    /// Who has its files, as `row 3 of ogr_metadata`.
    pub owner: &'p str,
}

/// The second pass: writes the files and waits until they are on the disk. What a failed one wrote is removed.
///
/// # Errors
/// [`SnapshotError`].
pub fn write(
    table: &TableRecord,
    mut exported: Exported<'_>,
    plan: Plan,
    rows: &mut TableReader,
    out: &mut Out,
    place: &Place<'_>,
) -> Result<SnapshotRecord, SnapshotError> {
    let srid = plan.srid;
    let column = exported.columns[exported.spatial].name.clone();
    let made: RefCell<Vec<(File, String)>> = RefCell::new(Vec::new());
    let shared = RefCell::new(&mut *out);
    let written = (|| {
        let mut layer = Layer::create(plan, |suffix: &str, extension: spatialcloud_shapefile::Extension| {
            let ending = format!("{suffix}.{}", extension.as_str());
            let created = shared.borrow_mut().create(place.target, &ending, place.owner);
            let (file, path) = created.map_err(|error| match error {
                OutError::Disk(error) => error,
                taken @ OutError::Taken { .. } => std::io::Error::other(taken),
            })?;
            made.borrow_mut().push((file.try_clone()?, path));
            Ok(BufWriter::with_capacity(BUFFER_BYTES, file))
        })
        .map_err(of_pass)?;
        while let Some(row) = rows.next_row().map_err(of_table)? {
            exported.row(&row, |geometry, fields| layer.write(geometry, fields))?;
        }
        let report = layer.finish().map_err(of_pass)?;
        for (file, _) in made.borrow().iter() {
            file.sync_all()?;
        }
        Ok(report)
    })();
    let mut files: Vec<String> = made.into_inner().into_iter().map(|(_, path)| path).collect();
    let report = match written {
        Ok(report) => report,
        Err(error) => {
            out.remove(&files)?;
            return Err(error);
        }
    };
    files.sort_unstable();
    Ok(SnapshotRecord {
        table: table.full_name(),
        column,
        target: place.target.relative(),
        load: table.load,
        records: report.files.iter().map(|file| u64::from(file.records)).sum(),
        geometry: report.files.first().and_then(|file| file.plan.kind).map(|kind| kind.to_string()),
        srid,
        files,
        notices: report.notices.iter().map(ToString::to_string).collect(),
    })
}

fn of_table(error: TableError) -> SnapshotError {
    match error {
        TableError::File(error) => SnapshotError::Disk(error),
        // Written a moment ago: if it cannot be read, the disk has it wrong.
        other => SnapshotError::Disk(std::io::Error::other(other)),
    }
}

fn column_type(column: &ColumnRecord) -> ColumnType {
    let characters =
        |unit: i16| u16::try_from(column.max_length_bytes / unit).ok().filter(|length| *length > 0);
    let fraction = if column.scale == 0 { 0 } else { column.scale.min(7) + 1 };
    match column.sql_type() {
        SqlType::TinyInt => ColumnType::Integer { digits: 3 },
        SqlType::SmallInt => ColumnType::Integer { digits: 5 },
        SqlType::Int => ColumnType::Integer { digits: 10 },
        SqlType::BigInt => ColumnType::Integer { digits: 19 },
        SqlType::Decimal | SqlType::Numeric => {
            ColumnType::Decimal { precision: column.precision, scale: column.scale }
        }
        SqlType::Money => ColumnType::Decimal { precision: 19, scale: 4 },
        SqlType::SmallMoney => ColumnType::Decimal { precision: 10, scale: 4 },
        SqlType::Float => ColumnType::Double,
        SqlType::Real => ColumnType::Single,
        SqlType::Bit => ColumnType::Boolean,
        SqlType::NChar | SqlType::NVarChar => ColumnType::Text { characters: characters(2) },
        SqlType::Char | SqlType::VarChar => ColumnType::Text { characters: characters(1) },
        SqlType::Text | SqlType::NText | SqlType::Xml => ColumnType::Text { characters: None },
        SqlType::Date => ColumnType::Date,
        SqlType::Time => ColumnType::Moment { characters: TIME_CHARACTERS + fraction },
        // Both are shown with milliseconds.
        SqlType::DateTime | SqlType::SmallDateTime => {
            ColumnType::Moment { characters: MOMENT_CHARACTERS + 4 }
        }
        SqlType::DateTime2 => ColumnType::Moment { characters: MOMENT_CHARACTERS + fraction },
        SqlType::DateTimeOffset => {
            ColumnType::Moment { characters: MOMENT_CHARACTERS + fraction + OFFSET_CHARACTERS }
        }
        SqlType::UniqueIdentifier => ColumnType::Guid,
        SqlType::Image
        | SqlType::SqlVariant
        | SqlType::VarBinary
        | SqlType::Binary
        | SqlType::Timestamp
        | SqlType::HierarchyId
        | SqlType::Geometry
        | SqlType::Geography
        | SqlType::Clr
        | SqlType::Unknown(_) => ColumnType::Other,
    }
}

/// The printed form, of values that go into a shapefile so.
fn shown(value: &Value<'_>) -> Option<String> {
    match value {
        Value::Decimal(_)
        | Value::Time(_)
        | Value::DateTime(..)
        | Value::DateTime2(..)
        | Value::DateTimeOffset(..)
        | Value::Guid(_)
        | Value::Xml(_) => Some(value.to_string()),
        _ => None,
    }
}

fn field<'v>(value: &'v Value<'_>, shown: Option<&'v str>) -> Field<'v> {
    match value {
        Value::Integer(number) => Field::Integer(*number),
        Value::Float(number) => Field::Double(*number),
        Value::Real(number) => Field::Single(*number),
        Value::Bit(bit) => Field::Boolean(*bit),
        Value::Date(date) => {
            let (year, month, day) = date.parts();
            Field::Date { year, month, day }
        }
        Value::Text(text) => Field::Text(text),
        // Binary values have no field.
        _ => shown.map_or(Field::Null, Field::Text),
    }
}
