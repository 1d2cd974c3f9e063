//! Transact-SQL, as far as it is understood: text to trees.

mod common;
mod cursor;
mod expression;
mod lexer;
mod query;
mod types;

pub use cursor::Cursor;
pub use expression::{Binary, Expression, Unary, expression};
pub use lexer::{TokenKind, tokens};
pub use query::{
    Item, Join, JoinKind, Name, Order, Query, Source, query, skip_hints, skip_parentheses, table_name,
};
pub use types::column_type;
