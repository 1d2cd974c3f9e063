//! What a table's columns are, and what a row has in them.

/// A column of the table, the exported spatial one left aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
}

/// A type, as far as a shapefile tells types apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// tinyint (3 digits), smallint (5), int (10), bigint (19).
    Integer {
        /// Most digits, without a sign.
        digits: u8,
    },
    /// decimal, numeric, money (19, 4), smallmoney (10, 4).
    Decimal {
        /// Most digits.
        precision: u8,
        /// How many of them follow the point.
        scale: u8,
    },
    /// float.
    Double,
    /// real.
    Single,
    /// bit.
    Boolean,
    /// char, varchar, nchar, nvarchar, text, ntext, xml.
    Text {
        /// Most characters; `None` for the (max) types.
        characters: Option<u16>,
    },
    /// date: the one type of time that a shapefile has.
    Date,
    /// time, datetime, smalldatetime, datetime2, datetimeoffset, written as text.
    Moment {
        /// Most characters of its text.
        characters: u8,
    },
    /// uniqueidentifier, written as text.
    Guid,
    /// binary, image, timestamp, hierarchyid, sql_variant, a further spatial column: left out.
    Other,
}

/// What a row has in a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// NULL.
    Null,
    /// For [`ColumnType::Integer`].
    Integer(i64),
    /// For [`ColumnType::Double`].
    Double(f64),
    /// For [`ColumnType::Single`].
    Single(f32),
    /// For [`ColumnType::Boolean`].
    Boolean(bool),
    /// For [`ColumnType::Date`].
    Date {
        /// Year, 1 to 9999.
        year: u16,
        /// Month, from 1.
        month: u8,
        /// Day, from 1.
        day: u8,
    },
    /// For [`ColumnType::Text`], and the printed form for `Decimal`, `Moment` and `Guid`.
    Text(&'a str),
}
