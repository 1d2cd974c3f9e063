//! Types, values, and how both are on the wire.

mod collation;
mod column_type;
mod decode;
mod encode;
mod frame;
mod number;
#[cfg(test)]
mod tests;
mod time;
mod type_info;
mod value;

pub use collation::Collation;
pub use column_type::{ColumnType, Length, UdtType};
pub use number::Decimal;
pub use time::{Date, Time};
pub use value::{Guid, Value, Variant};

pub(crate) use decode::read_value;
pub(crate) use encode::write_value;
pub(crate) use type_info::TypeInfo;
