//! What a database says of itself: schemas, tables, columns, indexes, and where rows are.
//!
//! System base tables are documented in name only; which column is where was read from databases of SQL
//! Server 2005 to 2019, whose catalogs describe themselves.

mod base;
mod boot;
mod columns;
mod indexes;
mod load;
mod model;
mod rowsets;

pub use boot::Boot;
pub use load::load;
pub use model::{
    Catalog, Column, Identity, Index, IndexType, Layout, Rowset, Storage, Stored, StoredSlot, Table,
};
