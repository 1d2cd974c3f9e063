//! Shapefile sets (`.shp .shx .dbf .prj .cpg .qix`) from a table with a spatial column.
//!
//! No I/O but [`std::io::Write`] and [`std::io::Seek`]; no clock. Rows are streamed twice, because a shapefile
//! must know before its first record what only the last row tells: which kinds of geometry there are, whether any
//! has z or m, how wide a text is.
//!
//! ```text
//! Survey::new ─ see(row)… ─ finish → Plan ─ Layer::create ─ write(row)… ─ finish → Report
//! ```
//!
//! Memory is bounded: one record, and about 50 bytes a shape for the spatial index up to
//! [`Settings::most_indexed`] shapes.
//!
//! ```
//! use std::io::Cursor;
//! use spatialcloud_backup::geometry::{Geometry, Position, Shape, SpatialType};
//! use spatialcloud_shapefile::{Column, ColumnType, Layer, Settings, Survey, Value};
//!
//! let columns = vec![Column { name: "id".to_owned(), column_type: ColumnType::Integer { digits: 10 } }];
//! let hydrant = Geometry::new(7855, Shape::Point(Some(Position::xy(320_000.0, 5_812_000.0))));
//! let mut survey = Survey::new(columns, Settings::new(SpatialType::Geometry, (2026, 3, 2)));
//! survey.see(Some(&hydrant), &[Value::Integer(1)])?;
//! // In earnest: a new buffered file for the table's name, the suffix and the extension.
//! let mut layer = Layer::create(survey.finish(), |_suffix, _extension| Ok(Cursor::new(Vec::new())))?;
//! layer.write(Some(&hydrant), &[Value::Integer(1)])?;
//! let report = layer.finish()?;
//! assert!(report.files[0].projection && report.notices.is_empty());
//! # Ok::<(), spatialcloud_shapefile::WriteError>(())
//! ```
//!
//! **One kind of geometry a file.** A shapefile holds points, lines or polygons, never two of them. The kind
//! that most rows have keeps the table's own name, because that is what a map is configured to show; the others go
//! to files with `_point`, `_line` or `_polygon` behind the name. (Whichever row comes first must not decide: a
//! stray point would turn a polygon layer into a point layer overnight.) A collection's members go each to the file
//! of its kind, with the row's attributes. Rows without geometry are null shapes in the table's own file.
//!
//! What is changed or lost on the way is in [`Report::notices`], never silent.
//!
//! Sources: ESRI Shapefile Technical Description (July 1998), the dBase III file structure, and for `.qix` what
//! MapServer's documentation and GDAL's reader agree on.

mod column;
mod dbf;
mod error;
mod field;
mod layer;
mod notice;
mod parts;
mod projection;
mod quadtree;
mod shp;
mod survey;

pub use column::{Column, ColumnType, Value};
pub use error::WriteError;
pub use layer::{Extension, Layer, Report, Written};
pub use notice::{LeftOut, Notice, Rows, What};
pub use parts::Kind;
pub use projection::{known_srids, projection};
pub use survey::{FilePlan, Plan, Settings, Survey};
