//! SQL Server's types: what they are called, and how their bytes become values.

mod code_page;
mod decimal;
mod decode;
mod sql_type;
mod text;
mod time;
mod value;
pub mod variant;

pub use code_page::CodePage;
pub use decimal::Decimal;
pub use decode::decode;
pub use sql_type::SqlType;
pub use text::utf16;
pub use time::{Date, Time};
pub use value::{Value, Variant};
