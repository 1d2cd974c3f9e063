//! Expressions: bound to columns and types first, then evaluated row by row.

mod aggregate;
mod arithmetic;
mod bind;
mod bound;
mod compare;
mod convert;
mod convert_text;
mod function;
mod inner;
mod like;
mod method;
mod precedence;

pub use aggregate::{Gathered, has_aggregate};
pub use bind::{Scope, ScopeColumn, bind_condition, bind_value};
pub use bound::{Bound, Context, Row};
pub use compare::{compare, key};
pub use convert::convert;
pub use precedence::{common, is_comparable};

/// Whether a text is like a pattern, as the catalog's procedures ask.
pub fn like_pattern(text: &str, pattern: &str) -> bool {
    like::like(text, pattern, None)
}
