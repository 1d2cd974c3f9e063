//! The base tables as they describe themselves: names, columns and keys, measured on a catalog of SQL Server 2017.

use super::catalog::base;
use super::column_type::ColumnType;
use super::layout::RecordLayout;
use super::tables::{ColumnSpec, Table};
use crate::types::SqlType;

/// Name and type of a column; a question mark: it may be NULL.
type Columns = &'static [(&'static str, &'static str)];

/// Object number, name, places of the key's columns, columns. Names of objects are `sysname`.
const BASE_TABLES: &[(u32, &str, &[usize], Columns)] = &[
    (
        base::COLUMN_PLACES,
        "sysrscols",
        &[0, 2],
        &[
            ("rsid", "bigint"),
            ("rscolid", "int"),
            ("hbcolid", "int"),
            ("rcmodified", "bigint"),
            ("ti", "int"),
            ("cid", "int"),
            ("ordkey", "smallint"),
            ("maxinrowlen", "smallint"),
            ("status", "int"),
            ("offset", "int"),
            ("nullbit", "int"),
            ("bitpos", "smallint"),
            ("colguid", "varbinary(16)?"),
        ],
    ),
    (
        base::ROWSETS,
        "sysrowsets",
        &[0],
        &[
            ("rowsetid", "bigint"),
            ("ownertype", "tinyint"),
            ("idmajor", "int"),
            ("idminor", "int"),
            ("numpart", "int"),
            ("status", "int"),
            ("fgidfs", "smallint"),
            ("rcrows", "bigint"),
            ("cmprlevel", "tinyint"),
            ("fillfact", "tinyint"),
            ("maxnullbit", "smallint"),
            ("maxleaf", "int"),
            ("maxint", "smallint"),
            ("minleaf", "smallint"),
            ("minint", "smallint"),
            ("rsguid", "varbinary(16)?"),
            ("lockres", "varbinary(8)?"),
            ("scope_id", "int?"),
        ],
    ),
    (
        base::UNITS,
        "sysallocunits",
        &[0],
        &[
            ("auid", "bigint"),
            ("type", "tinyint"),
            ("ownerid", "bigint"),
            ("status", "int"),
            ("fgid", "smallint"),
            ("pgfirst", "binary(6)"),
            ("pgroot", "binary(6)"),
            ("pgfirstiam", "binary(6)"),
            ("pcused", "bigint"),
            ("pcdata", "bigint"),
            ("pcreserved", "bigint"),
        ],
    ),
    (
        base::OBJECTS,
        "sysschobjs",
        &[0],
        &[
            ("id", "int"),
            ("name", "nvarchar(128)"),
            ("nsid", "int"),
            ("nsclass", "tinyint"),
            ("status", "int"),
            ("type", "char(2)"),
            ("pid", "int"),
            ("pclass", "tinyint"),
            ("intprop", "int"),
            ("created", "datetime"),
            ("modified", "datetime"),
            ("status2", "int"),
        ],
    ),
    (
        base::COLUMNS,
        "syscolpars",
        &[0, 1, 2],
        &[
            ("id", "int"),
            ("number", "smallint"),
            ("colid", "int"),
            ("name", "nvarchar(128)?"),
            ("xtype", "tinyint"),
            ("utype", "int"),
            ("length", "smallint"),
            ("prec", "tinyint"),
            ("scale", "tinyint"),
            ("collationid", "int"),
            ("status", "int"),
            ("maxinrow", "smallint"),
            ("xmlns", "int"),
            ("dflt", "int"),
            ("chk", "int"),
            ("idtval", "varbinary(64)?"),
        ],
    ),
    (
        base::TYPES,
        "sysscalartypes",
        &[0],
        &[
            ("id", "int"),
            ("schid", "int"),
            ("name", "nvarchar(128)"),
            ("xtype", "tinyint"),
            ("length", "smallint"),
            ("prec", "tinyint"),
            ("scale", "tinyint"),
            ("collationid", "int"),
            ("status", "int"),
            ("created", "datetime"),
            ("modified", "datetime"),
            ("dflt", "int"),
            ("chk", "int"),
        ],
    ),
    (
        base::INDEXES,
        "sysidxstats",
        &[0, 1],
        &[
            ("id", "int"),
            ("indid", "int"),
            ("name", "nvarchar(128)?"),
            ("status", "int"),
            ("intprop", "int"),
            ("fillfact", "tinyint"),
            ("type", "tinyint"),
            ("tinyprop", "tinyint"),
            ("dataspace", "int"),
            ("lobds", "int"),
            ("rowset", "bigint"),
        ],
    ),
    (
        base::INDEX_COLUMNS,
        "sysiscols",
        &[0, 1, 2],
        &[
            ("idmajor", "int"),
            ("idminor", "int"),
            ("subid", "int"),
            ("status", "int"),
            ("intprop", "int"),
            ("tinyprop1", "tinyint"),
            ("tinyprop2", "tinyint"),
            ("tinyprop3", "tinyint"),
            ("tinyprop4", "tinyint"),
        ],
    ),
    (
        base::VALUES,
        "sysobjvalues",
        &[0, 1, 2, 3],
        &[
            ("valclass", "tinyint"),
            ("objid", "int"),
            ("subobjid", "int"),
            ("valnum", "int"),
            ("value", "sql_variant?"),
            ("imageval", "varbinary(max)?"),
        ],
    ),
    (
        base::CLASSES,
        "sysclsobjs",
        &[0, 1],
        &[
            ("class", "tinyint"),
            ("id", "int"),
            ("name", "nvarchar(128)"),
            ("status", "int"),
            ("type", "char(2)"),
            ("intprop", "int"),
            ("created", "datetime"),
            ("modified", "datetime"),
        ],
    ),
];

/// A base table, described.
pub fn described(object: u32) -> Option<Table> {
    let (_, name, key, columns) = BASE_TABLES.iter().find(|(known, ..)| *known == object)?;
    let columns: Vec<ColumnSpec> = columns.iter().filter_map(column).collect();
    // Unlike in tables of users, the key does not come first where another column stands before it.
    let layout = RecordLayout::of(&columns, &[]);
    Some(Table::base(name, columns, key.to_vec(), layout))
}

fn column((name, declared): &(&str, &str)) -> Option<ColumnSpec> {
    let column_type = match declared.trim_end_matches('?') {
        "sql_variant" => {
            ColumnType { sql_type: SqlType::SqlVariant, length_bytes: 8016, precision: 0, scale: 0 }
        }
        declared => ColumnType::parse(declared).ok()?,
    };
    Some(ColumnSpec { name: (*name).to_owned(), column_type, is_nullable: declared.ends_with('?') })
}
