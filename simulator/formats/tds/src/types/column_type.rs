//! The types of SQL Server, as far as they can be told apart on the wire.

use super::Collation;

/// A type of column or parameter. Texts and bytes have their length; unlike the rest, it is part of the type.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ColumnType {
    /// A NULL of which nobody knows the type; only parameters are of this.
    Null,
    Bit,
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    Real,
    Float,
    Money,
    SmallMoney,
    Decimal {
        precision: u8,
        scale: u8,
    },
    Numeric {
        precision: u8,
        scale: u8,
    },
    Date,
    Time {
        scale: u8,
    },
    DateTime,
    SmallDateTime,
    DateTime2 {
        scale: u8,
    },
    DateTimeOffset {
        scale: u8,
    },
    UniqueIdentifier,
    /// Length in bytes.
    Char {
        length: u16,
        collation: Collation,
    },
    /// Length in bytes.
    VarChar {
        length: Length,
        collation: Collation,
    },
    /// Length in UTF-16 units.
    NChar {
        length: u16,
        collation: Collation,
    },
    /// Length in UTF-16 units.
    NVarChar {
        length: Length,
        collation: Collation,
    },
    Binary {
        length: u16,
    },
    VarBinary {
        length: Length,
    },
    Text {
        collation: Collation,
    },
    NText {
        collation: Collation,
    },
    Image,
    Xml,
    SqlVariant,
    /// geometry, geography, hierarchyid and others made with the CLR.
    Udt(UdtType),
}

/// The length of a type that varies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// At most so many, themselves at most 8000 bytes.
    Of(u16),
    /// `max`: up to 2 GB.
    Max,
}

/// A type made with the CLR, as the wire names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdtType {
    /// Database it is in.
    pub database: String,
    /// Its schema; `sys` for the system's own.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Its class and assembly, by which clients that know it find their code; empty in parameters.
    pub assembly: String,
}

/// What stands behind the class of the system's own types.
const SYSTEM_ASSEMBLY: &str =
    "Microsoft.SqlServer.Types, Version=11.0.0.0, Culture=neutral, PublicKeyToken=89845dcd8080cc91";

impl UdtType {
    fn system(database: &str, name: &str, class: &str) -> UdtType {
        UdtType {
            database: database.to_owned(),
            schema: "sys".to_owned(),
            name: name.to_owned(),
            assembly: format!("Microsoft.SqlServer.Types.{class}, {SYSTEM_ASSEMBLY}"),
        }
    }

    /// geometry.
    pub fn geometry(database: &str) -> UdtType {
        UdtType::system(database, "geometry", "SqlGeometry")
    }

    /// geography.
    pub fn geography(database: &str) -> UdtType {
        UdtType::system(database, "geography", "SqlGeography")
    }

    /// hierarchyid.
    pub fn hierarchy_id(database: &str) -> UdtType {
        UdtType::system(database, "hierarchyid", "SqlHierarchyId")
    }
}

impl ColumnType {
    /// nvarchar of so many UTF-16 units.
    pub fn nvarchar(length: u16) -> ColumnType {
        ColumnType::NVarChar { length: Length::Of(length), collation: Collation::LATIN1 }
    }

    /// varchar of so many bytes.
    pub fn varchar(length: u16) -> ColumnType {
        ColumnType::VarChar { length: Length::Of(length), collation: Collation::LATIN1 }
    }

    /// Its name in Transact-SQL.
    pub fn name(&self) -> &'static str {
        match self {
            ColumnType::Null => "a NULL without a type",
            ColumnType::Bit => "bit",
            ColumnType::TinyInt => "tinyint",
            ColumnType::SmallInt => "smallint",
            ColumnType::Int => "int",
            ColumnType::BigInt => "bigint",
            ColumnType::Real => "real",
            ColumnType::Float => "float",
            ColumnType::Money => "money",
            ColumnType::SmallMoney => "smallmoney",
            ColumnType::Decimal { .. } => "decimal",
            ColumnType::Numeric { .. } => "numeric",
            ColumnType::Date => "date",
            ColumnType::Time { .. } => "time",
            ColumnType::DateTime => "datetime",
            ColumnType::SmallDateTime => "smalldatetime",
            ColumnType::DateTime2 { .. } => "datetime2",
            ColumnType::DateTimeOffset { .. } => "datetimeoffset",
            ColumnType::UniqueIdentifier => "uniqueidentifier",
            ColumnType::Char { .. } => "char",
            ColumnType::VarChar { .. } => "varchar",
            ColumnType::NChar { .. } => "nchar",
            ColumnType::NVarChar { .. } => "nvarchar",
            ColumnType::Binary { .. } => "binary",
            ColumnType::VarBinary { .. } => "varbinary",
            ColumnType::Text { .. } => "text",
            ColumnType::NText { .. } => "ntext",
            ColumnType::Image => "image",
            ColumnType::Xml => "xml",
            ColumnType::SqlVariant => "sql_variant",
            ColumnType::Udt(_) => "a CLR type",
        }
    }

    /// Whether it is one of the old large types, whose values have a pointer before them in rows.
    pub(crate) fn has_text_pointer(&self) -> bool {
        matches!(self, ColumnType::Text { .. } | ColumnType::NText { .. } | ColumnType::Image)
    }
}
