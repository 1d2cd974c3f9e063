//! SQL Server's types: what they are called, and how their bytes become values.

mod code_page;
mod decimal;
mod decode;
mod expand;
mod scsu;
mod sql_type;
mod text;
mod time;
mod value;
mod vardecimal;
pub mod variant;
mod xml;

pub use code_page::CodePage;
pub use decimal::Decimal;
pub use decode::decode;
pub use expand::expand;
pub use sql_type::SqlType;
pub use text::utf16;
pub use time::{Date, Time};
pub use value::{Value, Variant};
pub use xml::text as xml_text;
