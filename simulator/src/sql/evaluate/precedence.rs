//! Which of two types wins, and what type an operation has (SQL Server's "data type precedence" and "precision,
//! scale, and length").

use spatialcloud_tds::{ColumnType, Length};

use crate::sql::Halt;

/// A larger number wins.
fn rank(column_type: &ColumnType) -> u8 {
    use ColumnType::*;
    match column_type {
        Null => 0,
        Binary { .. } => 1,
        VarBinary { .. } => 2,
        Char { .. } => 3,
        VarChar { .. } => 4,
        NChar { .. } => 5,
        NVarChar { .. } => 6,
        UniqueIdentifier => 7,
        Image => 8,
        Text { .. } => 9,
        NText { .. } => 10,
        Bit => 11,
        TinyInt => 12,
        SmallInt => 13,
        Int => 14,
        BigInt => 15,
        SmallMoney => 16,
        Money => 17,
        Decimal { .. } | Numeric { .. } => 18,
        Real => 19,
        Float => 20,
        Time { .. } => 21,
        Date => 22,
        SmallDateTime => 23,
        DateTime => 24,
        DateTime2 { .. } => 25,
        DateTimeOffset { .. } => 26,
        Xml => 27,
        SqlVariant => 28,
        Udt(_) => 29,
    }
}

/// The type that both can be converted to.
pub fn common(left: &ColumnType, right: &ColumnType) -> ColumnType {
    use ColumnType::*;
    if left == right {
        return left.clone();
    }
    if let (Some((left_precision, left_scale)), Some((right_precision, right_scale))) =
        (exact_digits(left), exact_digits(right))
        && (is_decimal(left) || is_decimal(right))
    {
        let scale = left_scale.max(right_scale);
        let whole = (left_precision - left_scale).max(right_precision - right_scale);
        return Decimal { precision: (whole + scale).min(38), scale: scale.min(38_u8.saturating_sub(whole)) };
    }
    let winner = if rank(left) >= rank(right) { left } else { right };
    let longer = |unit: u16| match (length(left), length(right)) {
        (Some(Length::Of(left)), Some(Length::Of(right))) => Length::Of(left.max(right).min(8000 / unit)),
        (Some(length), None) | (None, Some(length)) => length,
        _ => Length::Max,
    };
    match winner {
        Char { collation, .. } | VarChar { collation, .. } => {
            VarChar { length: longer(1), collation: *collation }
        }
        NChar { collation, .. } | NVarChar { collation, .. } => {
            NVarChar { length: longer(2), collation: *collation }
        }
        Binary { .. } | VarBinary { .. } => VarBinary { length: longer(1) },
        other => other.clone(),
    }
}

/// The length of texts and bytes.
pub fn length(column_type: &ColumnType) -> Option<Length> {
    use ColumnType::*;
    match column_type {
        Char { length, .. } | NChar { length, .. } | Binary { length } => Some(Length::Of(*length)),
        VarChar { length, .. } | NVarChar { length, .. } | VarBinary { length } => Some(*length),
        Text { .. } | NText { .. } | Image => Some(Length::Max),
        _ => None,
    }
}

/// Precision and scale of the exact numbers.
pub fn exact_digits(column_type: &ColumnType) -> Option<(u8, u8)> {
    use ColumnType::*;
    match column_type {
        Bit => Some((1, 0)),
        TinyInt => Some((3, 0)),
        SmallInt => Some((5, 0)),
        Int => Some((10, 0)),
        BigInt => Some((19, 0)),
        SmallMoney => Some((10, 4)),
        Money => Some((19, 4)),
        Decimal { precision, scale } | Numeric { precision, scale } => Some((*precision, *scale)),
        _ => None,
    }
}

pub fn is_decimal(column_type: &ColumnType) -> bool {
    matches!(column_type, ColumnType::Decimal { .. } | ColumnType::Numeric { .. })
}

pub fn is_integer(column_type: &ColumnType) -> bool {
    use ColumnType::*;
    matches!(column_type, Bit | TinyInt | SmallInt | Int | BigInt)
}

pub fn is_money(column_type: &ColumnType) -> bool {
    matches!(column_type, ColumnType::Money | ColumnType::SmallMoney)
}

pub fn is_approximate(column_type: &ColumnType) -> bool {
    matches!(column_type, ColumnType::Real | ColumnType::Float)
}

pub fn is_text(column_type: &ColumnType) -> bool {
    use ColumnType::*;
    matches!(
        column_type,
        Char { .. } | VarChar { .. } | NChar { .. } | NVarChar { .. } | Text { .. } | NText { .. }
    )
}

pub fn is_binary(column_type: &ColumnType) -> bool {
    use ColumnType::*;
    matches!(column_type, Binary { .. } | VarBinary { .. } | Image)
}

/// Whether values of it can be compared and sorted.
pub fn is_comparable(column_type: &ColumnType) -> Result<(), Halt> {
    use ColumnType::*;
    match column_type {
        Xml | Udt(_) | Text { .. } | NText { .. } | Image => {
            let name = column_type.name();
            let words = format!("Values of {name} cannot be compared or sorted.");
            Err(Halt::error(305, words))
        }
        _ => Ok(()),
    }
}
