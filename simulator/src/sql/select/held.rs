//! What a statement holds is bounded: rows, and bytes of them.

use spatialcloud_tds::Value;

use crate::sql::Halt;
use crate::sql::error::unsupported;

/// Rows that a part of a statement holds, at most: for ORDER BY, GROUP BY, DISTINCT and the right side of a join.
const MOST_ROWS: usize = 2_000_000;
/// Bytes of them, at most: a few statements at a time are less than what a small machine has.
const MOST_BYTES: usize = 512 << 20;
/// A value takes this much, whatever is in it.
const VALUE_BYTES: usize = size_of::<Value<'static>>();

/// What is held so far.
#[derive(Default)]
pub struct Held {
    rows: usize,
    bytes: usize,
}

impl Held {
    /// One row more.
    pub fn add(&mut self, row: &[Value<'static>]) -> Result<(), Halt> {
        self.rows += 1;
        self.bytes += row.iter().map(bytes).sum::<usize>();
        if self.rows > MOST_ROWS || self.bytes > MOST_BYTES {
            return Err(unsupported(format_args!(
                "ordering, grouping or joining more than {MOST_ROWS} rows or {} MiB in one statement: of such tables ask for fewer columns, or fewer rows",
                MOST_BYTES >> 20
            )));
        }
        Ok(())
    }
}

fn bytes(value: &Value<'static>) -> usize {
    VALUE_BYTES
        + match value {
            Value::Text(text) => text.len(),
            Value::Binary(bytes) => bytes.len(),
            Value::Variant(variant) => bytes(&variant.value),
            _ => 0,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_rows_can_be_too_many_bytes() {
        let mut held = Held::default();
        let row = [Value::from("x".repeat(64 << 20))];
        let taken = (0..).take_while(|_| held.add(&row).is_ok()).count();
        assert_eq!(taken, 7);
    }
}
