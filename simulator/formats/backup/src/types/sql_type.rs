//! The types of SQL Server 2005 to 2019, in one table.

/// A type of column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum SqlType {
    Image,
    Text,
    UniqueIdentifier,
    Date,
    Time,
    DateTime2,
    DateTimeOffset,
    TinyInt,
    SmallInt,
    Int,
    SmallDateTime,
    Real,
    Money,
    DateTime,
    Float,
    SqlVariant,
    NText,
    Bit,
    Decimal,
    Numeric,
    SmallMoney,
    BigInt,
    VarBinary,
    VarChar,
    Binary,
    Char,
    Timestamp,
    NVarChar,
    NChar,
    Xml,
    HierarchyId,
    Geometry,
    Geography,
    /// A type made with the CLR.
    Clr,
    /// One that is not known here, by its number.
    Unknown(u8),
}

/// Number in sys.types, type, name, and bytes in the fixed part (0: the column's length tells).
const TYPES: &[(u8, SqlType, &str, u16)] = &[
    (34, SqlType::Image, "image", 0),
    (35, SqlType::Text, "text", 0),
    (36, SqlType::UniqueIdentifier, "uniqueidentifier", 16),
    (40, SqlType::Date, "date", 3),
    (41, SqlType::Time, "time", 0),
    (42, SqlType::DateTime2, "datetime2", 0),
    (43, SqlType::DateTimeOffset, "datetimeoffset", 0),
    (48, SqlType::TinyInt, "tinyint", 1),
    (52, SqlType::SmallInt, "smallint", 2),
    (56, SqlType::Int, "int", 4),
    (58, SqlType::SmallDateTime, "smalldatetime", 4),
    (59, SqlType::Real, "real", 4),
    (60, SqlType::Money, "money", 8),
    (61, SqlType::DateTime, "datetime", 8),
    (62, SqlType::Float, "float", 8),
    (98, SqlType::SqlVariant, "sql_variant", 0),
    (99, SqlType::NText, "ntext", 0),
    (104, SqlType::Bit, "bit", 1),
    (106, SqlType::Decimal, "decimal", 0),
    (108, SqlType::Numeric, "numeric", 0),
    (122, SqlType::SmallMoney, "smallmoney", 4),
    (127, SqlType::BigInt, "bigint", 8),
    (165, SqlType::VarBinary, "varbinary", 0),
    (167, SqlType::VarChar, "varchar", 0),
    (173, SqlType::Binary, "binary", 0),
    (175, SqlType::Char, "char", 0),
    (189, SqlType::Timestamp, "timestamp", 8),
    (231, SqlType::NVarChar, "nvarchar", 0),
    (239, SqlType::NChar, "nchar", 0),
    (241, SqlType::Xml, "xml", 0),
];

/// Number of all CLR types; the system's own are told apart by their user type.
const CLR: u8 = 240;

impl SqlType {
    /// By the numbers of sys.columns: system type and user type.
    pub(crate) fn of(system_type: u8, user_type: i32) -> SqlType {
        match (system_type, user_type) {
            (CLR, 128) => SqlType::HierarchyId,
            (CLR, 129) => SqlType::Geometry,
            (CLR, 130) => SqlType::Geography,
            (CLR, _) => SqlType::Clr,
            _ => TYPES
                .iter()
                .find(|(number, ..)| *number == system_type)
                .map_or(SqlType::Unknown(system_type), |(_, sql_type, ..)| *sql_type),
        }
    }

    /// Its numbers in sys.columns: system type and user type.
    pub(crate) fn numbers(self) -> (u8, u32) {
        match self {
            SqlType::HierarchyId => (CLR, 128),
            SqlType::Geometry => (CLR, 129),
            SqlType::Geography => (CLR, 130),
            _ => {
                let known = TYPES.iter().find(|(_, known, ..)| *known == self);
                known.map_or((0, 0), |(number, ..)| (*number, u32::from(*number)))
            }
        }
    }

    /// Its name in Transact-SQL.
    pub fn name(self) -> &'static str {
        match self {
            SqlType::HierarchyId => "hierarchyid",
            SqlType::Geometry => "geometry",
            SqlType::Geography => "geography",
            SqlType::Clr => "clr",
            SqlType::Unknown(_) => "unknown",
            _ => TYPES.iter().find(|(_, known, ..)| *known == self).map_or("unknown", |(_, _, name, _)| name),
        }
    }

    /// The type of that name; [`SqlType::Unknown`] of number 0 where there is none.
    pub fn named(name: &str) -> SqlType {
        let own = [SqlType::HierarchyId, SqlType::Geometry, SqlType::Geography, SqlType::Clr];
        let known = TYPES.iter().map(|(_, known, ..)| *known).chain(own);
        known.into_iter().find(|known| known.name() == name).unwrap_or(SqlType::Unknown(0))
    }

    /// Bytes in the fixed part of records, for a column of that length.
    pub(crate) fn fixed_bytes(self, max_length_bytes: i16) -> u16 {
        let fixed = TYPES.iter().find(|(_, known, ..)| *known == self).map_or(0, |(.., bytes)| *bytes);
        if fixed > 0 { fixed } else { u16::try_from(max_length_bytes).unwrap_or(0) }
    }

    /// Whether its bytes are text in a code page.
    pub fn has_code_page(self) -> bool {
        matches!(self, SqlType::Char | SqlType::VarChar | SqlType::Text)
    }

    /// Whether its bytes are UTF-16.
    pub fn is_unicode(self) -> bool {
        matches!(self, SqlType::NChar | SqlType::NVarChar | SqlType::NText)
    }
}
