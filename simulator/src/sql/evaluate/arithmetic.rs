//! Sums, differences and what else two numbers make.

use spatialcloud_tds::{ColumnType, Decimal, Length, Value};

use super::convert::{convert, overflow, to_float};
use super::precedence::{
    common, exact_digits, is_approximate, is_binary, is_decimal, is_integer, is_money, is_text, length,
};
use crate::sql::Halt;
use crate::sql::language::Binary;

/// The type of an operation on two types.
pub fn result_type(operator: Binary, left: &ColumnType, right: &ColumnType) -> Result<ColumnType, Halt> {
    let wrong = || {
        let words = format!(
            "The data types {} and {} are incompatible in the {} operator.",
            left.name(),
            right.name(),
            name(operator)
        );
        Halt::error(402, words)
    };
    // A NULL of no type is of the other's, or an int.
    let typed = |column_type: &ColumnType, other: &ColumnType| match (column_type, other) {
        (ColumnType::Null, ColumnType::Null) => ColumnType::Int,
        (ColumnType::Null, other) => other.clone(),
        (column_type, _) => column_type.clone(),
    };
    let (left, right) = (typed(left, right), typed(right, left));
    let both = common(&left, &right);
    if operator == Binary::Add && is_text(&left) && is_text(&right) || is_binary(&left) && is_binary(&right) {
        return if operator == Binary::Add { Ok(joined(&both, &left, &right)) } else { Err(wrong()) };
    }
    // Text beside a number becomes that kind of number.
    let number = if is_text(&both) { return Err(wrong()) } else { both };
    if matches!(operator, Binary::BitAnd | Binary::BitOr | Binary::BitXor) {
        return if is_integer(&number) { Ok(number) } else { Err(wrong()) };
    }
    if is_decimal(&number) {
        let digits =
            |column_type: &ColumnType| exact_digits(column_type).or(exact_digits(&number)).unwrap_or((38, 0));
        let ((precision_left, scale_left), (precision_right, scale_right)) = (digits(&left), digits(&right));
        let (whole_left, whole_right) = (precision_left - scale_left, precision_right - scale_right);
        let scale = scale_left.max(scale_right);
        let (precision, scale) = match operator {
            Binary::Multiply => (precision_left + precision_right + 1, scale_left + scale_right),
            Binary::Divide => {
                let scale = (scale_left + precision_right + 1).max(6);
                (whole_left + scale_right + scale, scale)
            }
            Binary::Remainder => (whole_left.min(whole_right) + scale, scale),
            _ => (whole_left.max(whole_right) + scale + 1, scale),
        };
        return Ok(limited(precision, scale));
    }
    match number {
        ColumnType::Bit => Ok(ColumnType::Int),
        number if is_integer(&number) || is_money(&number) || is_approximate(&number) => Ok(number),
        _ => Err(wrong()),
    }
}

/// Beyond 38 digits some behind the point are given up, but not the first six.
fn limited(precision: u8, scale: u8) -> ColumnType {
    let excess = precision.saturating_sub(38);
    let scale = if excess > 0 { scale.saturating_sub(excess).max(scale.min(6)) } else { scale };
    ColumnType::Decimal { precision: precision.min(38), scale: scale.min(38) }
}

fn joined(both: &ColumnType, left: &ColumnType, right: &ColumnType) -> ColumnType {
    use ColumnType::*;
    let sum = |most: u16| match (length(left), length(right)) {
        (Some(Length::Of(left)), Some(Length::Of(right))) => Length::Of(left.saturating_add(right).min(most)),
        _ => Length::Max,
    };
    match both {
        Char { collation, .. } | VarChar { collation, .. } => {
            VarChar { length: sum(8000), collation: *collation }
        }
        NChar { collation, .. } | NVarChar { collation, .. } => {
            NVarChar { length: sum(4000), collation: *collation }
        }
        Binary { .. } | VarBinary { .. } => VarBinary { length: sum(8000) },
        other => other.clone(),
    }
}

fn name(operator: Binary) -> &'static str {
    match operator {
        Binary::Add => "add",
        Binary::Subtract => "subtract",
        Binary::Multiply => "multiply",
        Binary::Divide => "divide",
        Binary::Remainder => "modulo",
        Binary::BitAnd => "'&'",
        Binary::BitOr => "'|'",
        Binary::BitXor => "'^'",
        _ => "comparison",
    }
}

/// The operation on two values that are not NULL; `to` is what [`result_type`] said.
pub fn operate(
    operator: Binary,
    (left, left_type): (Value<'static>, &ColumnType),
    (right, right_type): (Value<'static>, &ColumnType),
    to: &ColumnType,
) -> Result<Value<'static>, Halt> {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) if is_text(to) => {
            let most = match length(to) {
                Some(Length::Of(most)) => usize::from(most),
                _ => usize::MAX,
            };
            Ok(Value::from([left, right].concat().chars().take(most).collect::<String>()))
        }
        (Value::Binary(left), Value::Binary(right)) => Ok(Value::Binary([left, right].concat().into())),
        (left, right) if is_approximate(to) => {
            let (left, right) = (to_float(&left, left_type, to)?, to_float(&right, right_type, to)?);
            let result = match operator {
                Binary::Add => left + right,
                Binary::Subtract => left - right,
                Binary::Multiply => left * right,
                Binary::Divide if right == 0.0 => return Err(by_zero()),
                Binary::Divide => left / right,
                _ => left % right,
            };
            if !result.is_finite() {
                return Err(overflow(to));
            }
            Ok(if *to == ColumnType::Real { Value::Real(result as f32) } else { Value::Float(result) })
        }
        (left, right) if is_integer(to) => {
            // Text must fit the result's type; numbers are counted wide, so that the result's overflow is told.
            let wide = |from: &ColumnType| if is_text(from) { to.clone() } else { ColumnType::BigInt };
            let whole = |value: Value<'static>, from: &ColumnType| match convert(value, from, &wide(from), 0)?
            {
                Value::Integer(number) => Ok(number),
                _ => Err(overflow(to)),
            };
            let (left, right) = (whole(left, left_type)?, whole(right, right_type)?);
            let result = match operator {
                Binary::Add => left.checked_add(right),
                Binary::Subtract => left.checked_sub(right),
                Binary::Multiply => left.checked_mul(right),
                Binary::Divide | Binary::Remainder if right == 0 => return Err(by_zero()),
                Binary::Divide => left.checked_div(right),
                Binary::Remainder => left.checked_rem(right),
                Binary::BitAnd => Some(left & right),
                Binary::BitOr => Some(left | right),
                _ => Some(left ^ right),
            };
            convert(Value::Integer(result.ok_or_else(|| overflow(to))?), &ColumnType::BigInt, to, 0)
        }
        (left, right) => {
            let exact = |value: Value<'static>, from: &ColumnType| match value {
                Value::Decimal(decimal) => Ok(decimal),
                value => {
                    let most = if is_text(from) { to.clone() } else { digits_of(from) };
                    match convert(value, from, &most, 0)? {
                        Value::Decimal(decimal) => Ok(decimal),
                        _ => Err(overflow(to)),
                    }
                }
            };
            let result = decimal(operator, exact(left, left_type)?, exact(right, right_type)?, to)?;
            let most = ColumnType::Decimal { precision: 38, scale: result.scale };
            convert(Value::Decimal(result), &most, to, 0)
        }
    }
}

fn digits_of(column_type: &ColumnType) -> ColumnType {
    let (precision, scale) = exact_digits(column_type).unwrap_or((38, 0));
    ColumnType::Decimal { precision, scale }
}

/// 8134.
fn by_zero() -> Halt {
    Halt::error(8134, "Divide by zero error encountered.")
}

fn decimal(operator: Binary, left: Decimal, right: Decimal, to: &ColumnType) -> Result<Decimal, Halt> {
    let signed = |decimal: Decimal| {
        let magnitude = i128::try_from(decimal.magnitude).ok()?;
        Some(if decimal.is_negative { -magnitude } else { magnitude })
    };
    let made = |number: i128, scale: u8| Decimal {
        is_negative: number < 0,
        magnitude: number.unsigned_abs(),
        scale,
    };
    let scale = left.scale.max(right.scale);
    let result = match operator {
        Binary::Multiply => {
            let product = signed(left).zip(signed(right)).and_then(|(left, right)| left.checked_mul(right));
            product.map(|product| made(product, left.scale + right.scale))
        }
        Binary::Divide => {
            if right.magnitude == 0 {
                return Err(by_zero());
            }
            let (_, scale) = exact_digits(to).unwrap_or((38, 6));
            divided(left, right, scale)
        }
        _ => {
            let both = left.rescaled(scale).and_then(signed).zip(right.rescaled(scale).and_then(signed));
            let result = both.and_then(|(left, right)| match operator {
                Binary::Add => left.checked_add(right),
                Binary::Subtract => left.checked_sub(right),
                Binary::Remainder => left.checked_rem(right),
                _ => None,
            });
            if operator == Binary::Remainder && right.magnitude == 0 {
                return Err(by_zero());
            }
            result.map(|result| made(result, scale))
        }
    };
    result.ok_or_else(|| overflow(to))
}

/// Digit by digit, so that no more than 38 digits are ever held. What is behind the scale is cut off.
fn divided(left: Decimal, right: Decimal, scale: u8) -> Option<Decimal> {
    // left/10^a : right/10^b with `scale` digits is (left × 10^(scale - a + b)) : right.
    let shift = i32::from(scale) - i32::from(left.scale) + i32::from(right.scale);
    let mut quotient = left.magnitude / right.magnitude;
    let mut rest = left.magnitude % right.magnitude;
    for _ in 0..shift {
        rest = rest.checked_mul(10)?;
        quotient = quotient.checked_mul(10)?.checked_add(rest / right.magnitude)?;
        rest %= right.magnitude;
    }
    for _ in shift..0 {
        quotient /= 10;
    }
    let is_negative = left.is_negative != right.is_negative && quotient > 0;
    Some(Decimal { is_negative, magnitude: quotient, scale })
}
