//! A SQL Server as its client sees it: the stand-in, or Microsoft's own.
//!
//! ```text
//! connection   logs in, sends batches
//! answer       what came back: results, messages, errors
//! cell         a value as text and as JSON
//! told         what servers say beside results
//! recipe       restores a backup and puts its tables into production
//! ```
//!
//! A crate, because the simulator's nightly load and the harness both need it and neither may know the other's
//! inside; it knows nothing of either.

mod answer;
mod cell;
mod connection;
pub mod recipe;
mod told;

pub use answer::{Answer, Column, Item, Results, ServerError};
pub use cell::Cell;
pub use connection::{Connection, Encryption, Login, SqlError};
