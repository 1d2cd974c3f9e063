//! The load on a SQL Server, where the settings name one: it restores the backup and replaces its own production
//! tables; what it refuses, the load refuses, in its words.
//!
//! Our reader reads the same backup. Before a table is replaced the two are compared, so that the server's tables and
//! the generation that is made here afterwards hold the same.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use spatialcloud_backup::geometry::{SpatialType, decode};
use spatialcloud_backup::{Backup, DataError, Database, Index, IndexType, SqlType, Table, Value};
use spatialcloud_sql_client::recipe::{
    self, ColumnContents, Contents, IndexContents, Integers, RecipeError, Restore, Restored, Spatial,
    TableContents,
};
use spatialcloud_sql_client::{Connection, Encryption, Login};

use super::load::LoadError;
use crate::config::SqlServerConfig;

/// The server runs as a user of its own, which must be able to read the file.
const READABLE_BY_ALL: u32 = 0o644;

/// Why a server's production is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The recipe ended early.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The folder that both see.
    #[error("warehouse.sql-server.shared-folder {folder}: {error}")]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the operating system answered.
        error: io::Error,
    },
}

impl ServerError {
    /// Whether the backup is to blame.
    pub fn is_refusal(&self) -> bool {
        matches!(self, ServerError::Recipe(error) if error.is_refusal())
    }
}

/// The backup as it lies in the folder that the server sees too; removed when it has been read.
struct Shared {
    here: PathBuf,
    device: String,
}

impl Shared {
    fn place(config: &SqlServerConfig, backup: &Path, database: &str) -> Result<Shared, ServerError> {
        let name = format!("{database}.bak");
        let here = config.shared_folder.join(&name);
        let placed = fs::copy(backup, &here)
            .and_then(|_| fs::set_permissions(&here, Permissions::from_mode(READABLE_BY_ALL)));
        placed.map_err(|error| ServerError::Folder { folder: config.shared_folder.clone(), error })?;
        let folder = config.folder_on_server.trim_end_matches(['/', '\\']);
        let separator = if config.folder_on_server.contains('\\') { '\\' } else { '/' };
        Ok(Shared { here, device: format!("{folder}{separator}{name}") })
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Whoever has removed it before has saved us the work.
        let _ = fs::remove_file(&self.here);
    }
}

/// Has the server restore `backup` and replace the tables of `production`. Without `contents`, where our own reader
/// refuses the backup already, the server only says what it thinks of it, and nothing is replaced.
///
/// # Errors
/// [`ServerError`]; then its production is as it was.
pub fn load(
    config: &SqlServerConfig,
    backup: &Path,
    production: &str,
    metadata_table: &str,
    contents: Option<&Contents>,
) -> Result<Restored, ServerError> {
    let withheld: Vec<String> = contents
        .iter()
        .flat_map(|contents| &contents.tables)
        .filter(|table| table.name.eq_ignore_ascii_case(metadata_table))
        .map(TableContents::full_name)
        .collect();
    let shared = Shared::place(config, backup, production)?;
    let plan = Restore { device: &shared.device, production, contents, withheld: &withheld };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| ServerError::Folder { folder: config.shared_folder.clone(), error })?;
    runtime.block_on(async {
        let mut connection = Connection::open(&login(config)).await.map_err(RecipeError::from)?;
        Ok(recipe::restore(&mut connection, &plan, &mut |_| {}).await?)
    })
}

fn login(config: &SqlServerConfig) -> Login {
    Login {
        host: config.host.clone(),
        port: config.port,
        user: config.user.clone(),
        password: config.password.clone(),
        database: None,
        encryption: Encryption::default(),
    }
}

/// What our reader finds in a backup, each row read.
///
/// # Errors
/// As those of a load.
pub fn contents(backup: &Path) -> Result<Contents, LoadError> {
    let database = Database::open(Backup::file(File::open(backup)?))?;
    let tables = database.tables().iter().map(|table| table_contents(&database, table));
    Ok(Contents { tables: tables.collect::<Result<_, _>>()? })
}

fn table_contents(database: &Database<File>, table: &Table) -> Result<TableContents, DataError> {
    let mut found =
        TableContents { schema: table.schema.clone(), name: table.name.clone(), ..TableContents::default() };
    let mut bounds: Vec<Option<[f64; 4]>> = vec![None; table.columns.len()];
    if table.unsupported.is_none() {
        let compared: Vec<usize> =
            (0..table.columns.len()).filter(|&place| is_compared(table, place)).collect();
        found.columns = compared.iter().map(|&place| column(table, place)).collect();
        let mut count = 0;
        let mut rows = database.rows(table)?;
        while let Some(row) = rows.next_row() {
            let row = row?;
            count += 1;
            for (column, &place) in found.columns.iter_mut().zip(&compared) {
                let value = row.value(place)?;
                see(column, &value);
                if table.columns[place].sql_type == SqlType::Geometry {
                    widen(&mut bounds[place], &value);
                }
            }
        }
        // What was written while the backup ran, SQL Server takes from the log; pages alone do not tell it.
        if rows.is_fuzzy() {
            found.columns.clear();
        } else {
            found.rows = Some(count);
        }
    }
    found.indexes = table.indexes.iter().filter_map(|index| index_contents(table, index, &bounds)).collect();
    Ok(found)
}

/// Computed columns have no stored value; old long types cannot be counted.
fn is_compared(table: &Table, place: usize) -> bool {
    let column = &table.columns[place];
    column.is_stored && !matches!(column.sql_type, SqlType::Text | SqlType::NText | SqlType::Image)
}

fn column(table: &Table, place: usize) -> ColumnContents {
    let column = &table.columns[place];
    let is_integer =
        matches!(column.sql_type, SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt);
    ColumnContents { name: column.name.clone(), values: 0, integers: is_integer.then(Integers::default) }
}

fn see(column: &mut ColumnContents, value: &Value<'_>) {
    match value {
        Value::Null => {}
        Value::Integer(value) => column.see(Some(*value)),
        _ => column.see(None),
    }
}

fn widen(bounds: &mut Option<[f64; 4]>, value: &Value<'_>) {
    let Value::Binary(bytes) = value else { return };
    // What is no shape is for the export to tell.
    let Ok(Some(geometry)) = decode(bytes, SpatialType::Geometry) else { return };
    geometry.shape.each_position(&mut |position| {
        let (x, y) = (position.x, position.y);
        let [least_x, least_y, greatest_x, greatest_y] = bounds.unwrap_or([x, y, x, y]);
        *bounds = Some([least_x.min(x), least_y.min(y), greatest_x.max(x), greatest_y.max(y)]);
    });
}

/// An index that production gets; those over columns of other kinds are named by the load's own tables and left out.
fn index_contents(table: &Table, index: &Index, bounds: &[Option<[f64; 4]>]) -> Option<IndexContents> {
    let is_spatial = index.index_type == IndexType::Spatial;
    let is_ordinary = matches!(index.index_type, IndexType::Clustered | IndexType::Nonclustered);
    if index.is_disabled || !(is_spatial || is_ordinary) {
        return None;
    }
    let spatial = match is_spatial {
        false => None,
        true => {
            let (place, column) = table.column(index.keys.first()?)?;
            Some(match column.sql_type {
                SqlType::Geography => Spatial::Geography,
                _ => Spatial::Geometry(room(bounds[place])),
            })
        }
    };
    let descending = index.descending.iter().copied().chain(std::iter::repeat(false));
    Some(IndexContents {
        name: index.name.clone(),
        is_primary_key: index.is_primary_key,
        is_unique: index.is_unique,
        is_clustered: index.index_type == IndexType::Clustered,
        keys: index.keys.iter().cloned().zip(descending).collect(),
        included: index.included.clone(),
        spatial,
    })
}

/// A box with some extent in both directions, as an index must have it.
fn room(bounds: Option<[f64; 4]>) -> [f64; 4] {
    let [least_x, least_y, greatest_x, greatest_y] = bounds.unwrap_or([0.0, 0.0, 1.0, 1.0]);
    let beyond = |least: f64, greatest: f64| if greatest > least { greatest } else { least + 1.0 };
    [least_x, least_y, beyond(least_x, greatest_x), beyond(least_y, greatest_y)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spatial_index_has_room_even_over_one_point_or_none() {
        assert_eq!(room(None), [0.0, 0.0, 1.0, 1.0]);
        assert_eq!(room(Some([2.0, 3.0, 2.0, 5.0])), [2.0, 3.0, 3.0, 5.0]);
    }
}
