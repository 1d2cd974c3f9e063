//! Order of keys, as near to SQL Server's as text needs here: without case, by letters' numbers.

use std::cmp::Ordering;

use crate::types::{Decimal, Value};
use crate::value::Guid;

/// Rows by the columns of a key.
pub fn by_key(key: &[usize], one: &[Value<'_>], other: &[Value<'_>]) -> Ordering {
    key.iter().fold(Ordering::Equal, |order, column| {
        order.then_with(|| match (one.get(*column), other.get(*column)) {
            (Some(one), Some(other)) => values(one, other),
            _ => Ordering::Equal,
        })
    })
}

/// Values of one type.
fn values(one: &Value<'_>, other: &Value<'_>) -> Ordering {
    match (one, other) {
        (Value::Bit(one), Value::Bit(other)) => one.cmp(other),
        (Value::Integer(one), Value::Integer(other)) => one.cmp(other),
        (Value::Decimal(one), Value::Decimal(other)) => decimals(*one, *other),
        (Value::Real(one), Value::Real(other)) => one.total_cmp(other),
        (Value::Float(one), Value::Float(other)) => one.total_cmp(other),
        (Value::Date(one), Value::Date(other)) => one.cmp(other),
        (Value::Time(one), Value::Time(other)) => one.cmp(other),
        (Value::DateTime(one, at), Value::DateTime(other, other_at))
        | (Value::DateTime2(one, at), Value::DateTime2(other, other_at)) => (one, at).cmp(&(other, other_at)),
        (Value::DateTimeOffset(one, at, offset), Value::DateTimeOffset(other, other_at, other_offset)) => {
            const TICKS_PER_MINUTE: i64 = 600_000_000;
            let utc = |days: u32, ticks: u64, offset: i16| {
                i128::from(days) * 864_000_000_000 + i128::from(ticks)
                    - i128::from(i64::from(offset) * TICKS_PER_MINUTE)
            };
            utc(one.days(), at.ticks(), *offset).cmp(&utc(other.days(), other_at.ticks(), *other_offset))
        }
        (Value::Guid(one), Value::Guid(other)) => guid_order(*one).cmp(&guid_order(*other)),
        (Value::Text(one), Value::Text(other)) => text_order(one).cmp(&text_order(other)),
        (Value::Binary(one), Value::Binary(other)) => one.cmp(other),
        _ => Ordering::Equal,
    }
}

/// Of the same scale.
fn decimals(one: Decimal, other: Decimal) -> Ordering {
    match (one.is_negative, other.is_negative) {
        (false, true) => Ordering::Greater,
        (true, false) => Ordering::Less,
        (false, false) => one.magnitude.cmp(&other.magnitude),
        (true, true) => other.magnitude.cmp(&one.magnitude),
    }
}

/// SQL Server compares the last six bytes first.
fn guid_order(guid: Guid) -> [u8; 16] {
    const ORDER: [usize; 16] = [10, 11, 12, 13, 14, 15, 8, 9, 6, 7, 4, 5, 0, 1, 2, 3];
    ORDER.map(|at| guid.0[at])
}

/// Blanks at the end do not count.
fn text_order(text: &str) -> Vec<char> {
    text.trim_end_matches(' ').chars().flat_map(char::to_lowercase).collect()
}
