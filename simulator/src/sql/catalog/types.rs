//! What the catalog says of types.

use spatialcloud_tds::{ColumnType, Length, UdtType};

/// What sys.types, INFORMATION_SCHEMA and ODBC know of a type.
pub struct Facts {
    /// Its name.
    pub name: String,
    /// system_type_id in sys.types.
    pub system_type: i64,
    /// user_type_id in sys.types.
    pub user_type: i64,
    /// Bytes of a value; -1: max.
    pub max_length: i64,
    /// Digits.
    pub precision: i64,
    /// Digits behind the point.
    pub scale: i64,
    /// ODBC's number of it.
    pub odbc: i64,
}

/// What is known of a type.
pub fn facts(column_type: &ColumnType) -> Facts {
    use ColumnType::*;
    let fixed = |system_type, max_length, precision, scale, odbc| {
        (column_type.name().to_owned(), system_type, system_type, max_length, precision, scale, odbc)
    };
    let long = |length: &Length, unit: i64| match length {
        Length::Of(length) => i64::from(*length) * unit,
        Length::Max => -1,
    };
    let time = |scale: u8, base: i64| {
        let bytes = match scale {
            0..=2 => 3,
            3..=4 => 4,
            _ => 5,
        };
        let digits = if scale > 0 { i64::from(scale) + 1 } else { 0 };
        (bytes, base + digits, i64::from(scale))
    };
    let decimal = |system_type, precision: u8, scale: u8, odbc| {
        let bytes = match precision {
            0..=9 => 5,
            10..=19 => 9,
            20..=28 => 13,
            _ => 17,
        };
        fixed(system_type, bytes, precision.into(), scale.into(), odbc)
    };
    let (name, system_type, user_type, max_length, precision, scale, odbc) = match column_type {
        Null => fixed(56, 4, 10, 0, 4),
        Bit => fixed(104, 1, 1, 0, -7),
        TinyInt => fixed(48, 1, 3, 0, -6),
        SmallInt => fixed(52, 2, 5, 0, 5),
        Int => fixed(56, 4, 10, 0, 4),
        BigInt => fixed(127, 8, 19, 0, -5),
        Real => fixed(59, 4, 24, 0, 7),
        Float => fixed(62, 8, 53, 0, 6),
        Money => fixed(60, 8, 19, 4, 3),
        SmallMoney => fixed(122, 4, 10, 4, 3),
        Decimal { precision, scale } => decimal(106, *precision, *scale, 3),
        Numeric { precision, scale } => decimal(108, *precision, *scale, 2),
        Date => fixed(40, 3, 10, 0, -9),
        Time { scale } => {
            let (bytes, precision, scale) = time(*scale, 8);
            fixed(41, bytes, precision, scale, -154)
        }
        DateTime => fixed(61, 8, 23, 3, 11),
        SmallDateTime => fixed(58, 4, 16, 0, 11),
        DateTime2 { scale } => {
            let (bytes, precision, scale) = time(*scale, 19);
            fixed(42, bytes + 3, precision, scale, -9)
        }
        DateTimeOffset { scale } => {
            let (bytes, precision, scale) = time(*scale, 26);
            fixed(43, bytes + 5, precision, scale, -155)
        }
        UniqueIdentifier => fixed(36, 16, 0, 0, -11),
        Char { length, .. } => fixed(175, (*length).into(), 0, 0, 1),
        VarChar { length, .. } => fixed(167, long(length, 1), 0, 0, 12),
        NChar { length, .. } => fixed(239, i64::from(*length) * 2, 0, 0, -8),
        NVarChar { length, .. } => fixed(231, long(length, 2), 0, 0, -9),
        Binary { length } => fixed(173, (*length).into(), 0, 0, -2),
        VarBinary { length } => fixed(165, long(length, 1), 0, 0, -3),
        Text { .. } => fixed(35, 16, 0, 0, -1),
        NText { .. } => fixed(99, 16, 0, 0, -10),
        Image => fixed(34, 16, 0, 0, -4),
        Xml => fixed(241, -1, 0, 0, -152),
        SqlVariant => fixed(98, 8016, 0, 0, -150),
        Udt(udt) => (udt.name.clone(), 240, udt_number(udt), -1, 0, 0, -151),
    };
    Facts { name, system_type, user_type, max_length, precision, scale, odbc }
}

fn udt_number(udt: &UdtType) -> i64 {
    match udt.name.to_ascii_lowercase().as_str() {
        "hierarchyid" => 128,
        "geometry" => 129,
        "geography" => 130,
        _ => 240,
    }
}

/// Whether it is text.
pub fn is_text(column_type: &ColumnType) -> bool {
    use ColumnType::*;
    matches!(
        column_type,
        Char { .. } | VarChar { .. } | NChar { .. } | NVarChar { .. } | Text { .. } | NText { .. }
    )
}

/// Whether it is UTF-16.
pub fn is_unicode(column_type: &ColumnType) -> bool {
    use ColumnType::*;
    matches!(column_type, NChar { .. } | NVarChar { .. } | NText { .. })
}

/// Whether it is a number.
pub fn is_number(column_type: &ColumnType) -> bool {
    use ColumnType::*;
    matches!(
        column_type,
        TinyInt
            | SmallInt
            | Int
            | BigInt
            | Real
            | Float
            | Money
            | SmallMoney
            | Decimal { .. }
            | Numeric { .. }
    )
}

/// Whether it has a date or a time.
pub fn is_moment(column_type: &ColumnType) -> bool {
    use ColumnType::*;
    matches!(
        column_type,
        Date | Time { .. } | DateTime | SmallDateTime | DateTime2 { .. } | DateTimeOffset { .. }
    )
}

/// A type of each kind, for lists of all.
pub fn all() -> Vec<ColumnType> {
    use ColumnType::*;
    let collation = spatialcloud_tds::Collation::LATIN1;
    vec![
        Image,
        Text { collation },
        UniqueIdentifier,
        Date,
        Time { scale: 7 },
        DateTime2 { scale: 7 },
        DateTimeOffset { scale: 7 },
        TinyInt,
        SmallInt,
        Int,
        SmallDateTime,
        Real,
        Money,
        DateTime,
        Float,
        SqlVariant,
        NText { collation },
        Bit,
        Decimal { precision: 38, scale: 38 },
        Numeric { precision: 38, scale: 38 },
        SmallMoney,
        BigInt,
        Udt(UdtType::hierarchy_id("")),
        Udt(UdtType::geometry("")),
        Udt(UdtType::geography("")),
        VarBinary { length: Length::Of(8000) },
        VarChar { length: Length::Of(8000), collation },
        Binary { length: 8000 },
        Char { length: 8000, collation },
        NVarChar { length: Length::Of(4000), collation },
        NChar { length: 4000, collation },
        Xml,
    ]
}
