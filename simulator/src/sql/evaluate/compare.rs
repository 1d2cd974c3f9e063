//! Which of two values comes first.
//!
//! Text is compared as SQL_Latin1_General_CP1_CI_AS does it as far as letters and digits go: case does not count,
//! blanks at the end do not count. Among other characters the order is that of their numbers in Unicode, which is
//! not SQL Server's.

use std::cmp::Ordering;
use std::fmt::Write;

use spatialcloud_tds::Value;

/// Two values of one type. NULL comes first, and equals itself: conditions ask for NULL before.
pub fn compare(left: &Value<'_>, right: &Value<'_>) -> Ordering {
    match (left, right) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (Value::Bit(left), Value::Bit(right)) => left.cmp(right),
        (Value::Integer(left), Value::Integer(right)) => left.cmp(right),
        (Value::Decimal(left), Value::Decimal(right)) => {
            let signed = |value: &spatialcloud_tds::Decimal, scale: u8| {
                let value = value.rescaled(scale)?;
                let magnitude = i128::try_from(value.magnitude).ok()?;
                Some(if value.is_negative { -magnitude } else { magnitude })
            };
            let scale = left.scale.max(right.scale);
            match (signed(left, scale), signed(right, scale)) {
                (Some(left), Some(right)) => left.cmp(&right),
                // Too far apart for one scale: a floating point tells them apart.
                _ => float(left).total_cmp(&float(right)),
            }
        }
        (Value::Real(left), Value::Real(right)) => left.total_cmp(right),
        (Value::Float(left), Value::Float(right)) => left.total_cmp(right),
        (Value::Date(left), Value::Date(right)) => left.cmp(right),
        (Value::Time(left), Value::Time(right)) => left.ticks().cmp(&right.ticks()),
        (Value::DateTime(left, left_time), Value::DateTime(right, right_time)) => {
            (left, left_time.ticks()).cmp(&(right, right_time.ticks()))
        }
        (Value::DateTimeOffset(..), Value::DateTimeOffset(..)) => utc(left).cmp(&utc(right)),
        // The last group counts first, as SQL Server has it.
        (Value::Guid(left), Value::Guid(right)) => guid_order(left.0).cmp(&guid_order(right.0)),
        (Value::Text(left), Value::Text(right)) => folded(left).cmp(folded(right)),
        (Value::Binary(left), Value::Binary(right)) => trimmed(left).cmp(trimmed(right)),
        (Value::Variant(left), Value::Variant(right)) => compare(&left.value, &right.value),
        // Of one type they are not; that is a mistake of the caller's, and still an order.
        (left, right) => left.to_string().cmp(&right.to_string()),
    }
}

fn float(decimal: &spatialcloud_tds::Decimal) -> f64 {
    decimal.to_string().parse().unwrap_or(f64::INFINITY)
}

fn utc(value: &Value<'_>) -> i128 {
    match value {
        Value::DateTimeOffset(date, time, offset) => {
            let day = i128::from(spatialcloud_tds::Time::TICKS_PER_DAY);
            i128::from(date.days()) * day + i128::from(time.ticks()) - i128::from(*offset) * 600_000_000
        }
        _ => 0,
    }
}

fn guid_order(bytes: [u8; 16]) -> [u8; 16] {
    let [a, b, c, d, e, f, g, h, i, j, rest @ ..] = bytes;
    let [k, l, m, n, o, p] = rest;
    [k, l, m, n, o, p, i, j, g, h, e, f, a, b, c, d]
}

fn folded(text: &str) -> impl Iterator<Item = char> + '_ {
    text.trim_end_matches(' ').chars().flat_map(char::to_lowercase)
}

/// Zeros at the end do not count.
fn trimmed(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes.get(..end).unwrap_or_default()
}

/// A text that is the same for values of one type that are equal, and for no others.
pub fn key(values: &[Value<'_>]) -> String {
    let mut key = String::new();
    for value in values {
        // Lengths keep values apart.
        let part = match value {
            Value::Null => "n".to_owned(),
            Value::Text(text) => format!("t{}", folded(text).collect::<String>()),
            Value::Decimal(decimal) => {
                let text = decimal.to_string();
                let text =
                    if decimal.scale > 0 { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
                format!("v{text}")
            }
            Value::DateTimeOffset(..) => format!("v{}", utc(value)),
            Value::Time(time) => format!("v{}", time.ticks()),
            Value::DateTime(date, time) => format!("v{} {}", date.days(), time.ticks()),
            Value::Binary(bytes) => format!("v{}", Value::Binary(trimmed(bytes).into())),
            // There is a zero below zero too.
            Value::Real(number) => format!("v{}", number + 0.0),
            Value::Float(number) => format!("v{}", number + 0.0),
            other => format!("v{other}"),
        };
        let _ = write!(key, "{}:{part}", part.len());
    }
    key
}

#[cfg(test)]
mod tests {
    use spatialcloud_tds::Decimal;

    use super::*;

    #[test]
    fn case_and_blanks_do_not_count() {
        let order =
            |left: &str, right: &str| compare(&Value::from(left.to_owned()), &Value::from(right.to_owned()));
        assert_eq!(order("Straße ", "STRAßE"), Ordering::Equal);
        assert_eq!(order("a", "B"), Ordering::Less);
        assert_eq!(order("", " "), Ordering::Equal);
        assert_eq!(key(&[Value::from("A ")]), key(&[Value::from("a")]));
        assert_ne!(key(&[Value::from("a"), Value::from("b")]), key(&[Value::from("ab"), Value::from("")]));
    }

    #[test]
    fn numbers_are_equal_in_any_scale() {
        let (left, right) =
            (Value::Decimal(Decimal::from_units(150, 2)), Value::Decimal(Decimal::from_units(15, 1)));
        assert_eq!(compare(&left, &right), Ordering::Equal);
        assert_eq!(key(&[left]), key(&[right]));
        let below = Value::Decimal(Decimal::from_units(-1, 0));
        assert_eq!(compare(&below, &Value::Decimal(Decimal::from_units(0, 3))), Ordering::Less);
    }
}
