//! Every setting of a stack, with its default and the contract rule it belongs to.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use jiff::ZonedDateTime;
use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fault::FaultSpec;

/// A whole stack: what `up --config FILE` reads, and `settings:` in a scenario file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// What the settings start from; those given beside it differ from it.
    pub preset: Preset,
    /// Seed of every random choice (C-51).
    pub seed: u64,
    /// Where simulated time starts and how it passes (C-50).
    pub clock: ClockConfig,
    /// The SFTP endpoint (C-10 to C-26).
    pub endpoint: EndpointConfig,
    /// The movers (C-30 to C-35).
    pub movers: MoverConfig,
    /// The nightly load (C-40 to C-46).
    pub warehouse: WarehouseConfig,
    /// How long provisioning takes (C-02).
    pub provisioning: ProvisioningConfig,
    /// The warehouse as SQL clients see it.
    pub sql: SqlConfig,
    /// Sites that exist from the start, by code.
    pub sites: BTreeMap<String, SiteConfig>,
    /// Faults that are armed from the start.
    pub faults: Vec<FaultSpec>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            preset: Preset::Contract,
            seed: 1,
            clock: ClockConfig::default(),
            endpoint: EndpointConfig::default(),
            movers: MoverConfig::default(),
            warehouse: WarehouseConfig::default(),
            provisioning: ProvisioningConfig::default(),
            sql: SqlConfig::default(),
            sites: BTreeMap::new(),
            faults: Vec::new(),
        }
    }
}

impl Config {
    /// Reads settings: what is absent is as in their preset.
    pub fn from_json(settings: Value) -> Result<Config, serde_json::Error> {
        let preset = match settings.get("preset") {
            None => Preset::default(),
            Some(name) => Preset::deserialize(name)
                .map_err(|error| serde_json::Error::custom(format!("preset: {error}")))?,
        };
        let mut merged = serde_json::to_value(preset.config())?;
        lay_over(&mut merged, settings);
        serde_json::from_value(merged)
    }
}

/// Puts settings over others: maps key by key, all else as a whole.
fn lay_over(below: &mut Value, above: Value) {
    match (below, above) {
        (Value::Object(below), Value::Object(above)) => {
            for (key, value) in above {
                lay_over(below.entry(key).or_insert(Value::Null), value);
            }
        }
        (below, above) => *below = above,
    }
}

/// Settings under one name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// What the contract says.
    #[default]
    Contract,
    /// A file area that behaves as an ordinary folder does behind OpenSSH's server.
    Posix,
}

impl Preset {
    /// Every preset with what it is for.
    pub const ALL: [(Preset, &str); 2] = [
        (Preset::Contract, "what the contract says: the defaults below"),
        (
            Preset::Posix,
            "the file area behaves as an ordinary folder does behind OpenSSH's server, without links",
        ),
    ];

    /// Its settings, whole.
    pub fn config(self) -> Config {
        let endpoint = match self {
            Preset::Contract => EndpointConfig::default(),
            Preset::Posix => EndpointConfig {
                layout: Layout::Free,
                attributes: AttributeAnswers::all(AttributeAnswer::Apply),
                attributes_of_new: AttributesOfNew::Permissions,
                ..EndpointConfig::default()
            },
        };
        Config { preset: self, endpoint, ..Config::default() }
    }
}

/// Simulated time (C-50).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ClockConfig {
    /// First instant, as `2026-03-02T16:00[Australia/Sydney]`; absent: the present.
    #[schemars(with = "Option<String>")]
    pub start: Option<ZonedDateTime>,
    /// `real`, `x60` (sixty times faster) or `manual` (only when advanced).
    pub pace: Pace,
    /// The vendor's time zone: nights begin by its clock (C-31).
    pub time_zone: String,
}

impl Default for ClockConfig {
    fn default() -> ClockConfig {
        ClockConfig { start: None, pace: Pace::Real, time_zone: "Australia/Sydney".to_owned() }
    }
}

/// How simulated time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(into = "String", try_from = "String")]
pub enum Pace {
    /// As on the wall.
    Real,
    /// So many times faster.
    Times(u32),
    /// Only when advanced.
    Manual,
}

impl fmt::Display for Pace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pace::Real => formatter.write_str("real"),
            Pace::Times(factor) => write!(formatter, "x{factor}"),
            Pace::Manual => formatter.write_str("manual"),
        }
    }
}

impl From<Pace> for String {
    fn from(pace: Pace) -> String {
        pace.to_string()
    }
}

impl FromStr for Pace {
    type Err = String;

    fn from_str(text: &str) -> Result<Pace, String> {
        match text {
            "real" => Ok(Pace::Real),
            "manual" => Ok(Pace::Manual),
            _ => match text.strip_prefix('x').and_then(|factor| factor.parse().ok()) {
                Some(factor @ 1..) => Ok(Pace::Times(factor)),
                _ => Err(format!("clock pace {text:?}: expected real, manual or xN such as x60")),
            },
        }
    }
}

impl TryFrom<String> for Pace {
    type Error = String;

    fn try_from(text: String) -> Result<Pace, String> {
        text.parse()
    }
}

/// The SFTP endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct EndpointConfig {
    /// Where SSH listens; port 0 takes any free one.
    pub listen: SocketAddr,
    /// How a connection from an unlisted address fails (C-10).
    pub unlisted_address: Refusal,
    /// Whether SHA-1 signatures (`ssh-rsa`) are taken (C-13).
    pub allow_ssh_rsa: bool,
    /// Where files and folders may be made (C-20, C-21).
    pub layout: Layout,
    /// OpenSSH extensions announced and served.
    pub extensions: Vec<Extension>,
    /// Answers to SETSTAT and FSETSTAT, aspect by aspect (C-23).
    pub attributes: AttributeAnswers,
    /// What becomes of attributes in OPEN and MKDIR (C-23).
    pub attributes_of_new: AttributesOfNew,
    /// When a file being written becomes visible (C-25).
    pub visibility: Visibility,
    /// Bounds on what clients may ask for (C-16).
    pub limits: Limits,
    /// Reports every SFTP request as an event, attributes and flags as the client sent them.
    pub record_requests: bool,
    /// Where a listener refuses FTP in words; absent: nothing answers (C-06).
    pub legacy_ftp: Option<SocketAddr>,
}

impl Default for EndpointConfig {
    fn default() -> EndpointConfig {
        EndpointConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            unlisted_address: Refusal::Close,
            allow_ssh_rsa: false,
            layout: Layout::Standard,
            extensions: vec![Extension::PosixRename, Extension::Fsync, Extension::Limits, Extension::Statvfs],
            attributes: AttributeAnswers::default(),
            attributes_of_new: AttributesOfNew::Ignore,
            visibility: Visibility::InPlace,
            limits: Limits::default(),
            record_requests: false,
            legacy_ftp: None,
        }
    }
}

/// How a connection from an unlisted address fails (C-10).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// Closed before the banner.
    Close,
    /// Reset before the banner.
    Reset,
    /// Taken, and never spoken to.
    Blackhole,
    /// Banner and key exchange, then every key is refused.
    Auth,
}

impl Refusal {
    /// The word used in settings and events.
    pub fn name(self) -> &'static str {
        match self {
            Refusal::Close => "close",
            Refusal::Reset => "reset",
            Refusal::Blackhole => "blackhole",
            Refusal::Auth => "auth",
        }
    }
}

/// Where files and folders may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// The root holds `Database`, `Spatial` and `Web`, and nothing else; Database holds files only (C-20, C-21).
    Standard,
    /// Anywhere: the three folders are there from the start, and are ordinary ones.
    Free,
}

/// An OpenSSH extension of SFTP version 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Extension {
    /// `posix-rename@openssh.com`
    PosixRename,
    /// `fsync@openssh.com`
    Fsync,
    /// `limits@openssh.com`
    Limits,
    /// `statvfs@openssh.com`
    Statvfs,
}

/// The answer to each aspect of SETSTAT and FSETSTAT (C-23).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct AttributeAnswers {
    /// Access and modification time.
    pub times: AttributeAnswer,
    /// Mode bits.
    pub permissions: AttributeAnswer,
    /// User and group.
    pub ownership: AttributeAnswer,
    /// Size: cutting or stretching a file.
    pub size: AttributeAnswer,
}

impl AttributeAnswers {
    /// The same answer to every aspect.
    pub fn all(answer: AttributeAnswer) -> AttributeAnswers {
        AttributeAnswers { times: answer, permissions: answer, ownership: answer, size: answer }
    }
}

/// One answer to an attribute change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AttributeAnswer {
    /// Status 8, as object-store-backed services answer.
    #[default]
    OpUnsupported,
    /// Status 3.
    PermissionDenied,
    /// Status 4.
    Failure,
    /// Success, and nothing done.
    NoOp,
    /// Success, and done.
    Apply,
}

/// What becomes of attributes in OPEN and MKDIR (C-23).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AttributesOfNew {
    /// Ignored, without an error.
    Ignore,
    /// Mode bits are those of the new file or folder; the rest is ignored, as OpenSSH's server does.
    Permissions,
}

/// When a file being written becomes visible (C-25).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Visibility {
    /// At OPEN, growing in place.
    InPlace,
    /// At CLOSE, whole, as in an object store.
    OnClose,
}

/// Bounds on what clients may ask for (C-16).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// Failed authentication requests before the connection ends. Clients with several keys and
    /// algorithms ask often, so the default is generous.
    pub authentication_attempts: u32,
    /// Seconds to log in; people read host key warnings meanwhile.
    pub login_grace_seconds: u64,
    /// Seconds without any traffic before a connection ends.
    pub idle_timeout_seconds: u64,
    /// Logged-in connections of one site.
    pub sessions_per_site: u32,
    /// Connections from one address.
    pub sessions_per_address: u32,
    /// SSH channels of one connection.
    pub channels_per_connection: u32,
    /// Files and folders one session may hold open.
    pub open_handles: u32,
    /// Length of a path in bytes.
    pub path_length_bytes: u32,
    /// Length of an SFTP packet in bytes; announced by `limits@openssh.com`.
    pub packet_bytes: u32,
    /// Names in one reply to READDIR.
    pub directory_entries_per_reply: u32,
    /// Payload bytes in either direction after which the server asks for new session keys.
    pub rekey_bytes: u64,
    /// Seconds after which the server asks for new session keys.
    pub rekey_seconds: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            authentication_attempts: 20,
            login_grace_seconds: 120,
            idle_timeout_seconds: 900,
            sessions_per_site: 100,
            sessions_per_address: 200,
            channels_per_connection: 10,
            open_handles: 256,
            path_length_bytes: 4096,
            packet_bytes: 256 * 1024,
            directory_entries_per_reply: 100,
            rekey_bytes: 1 << 30,
            rekey_seconds: 3600,
        }
    }
}

/// The movers (C-30 to C-35).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct MoverConfig {
    /// Minutes between runs over Spatial and Web; must divide a day.
    pub interval_minutes: u32,
    /// Local time of the run over Database, as `22:00`.
    pub nightly_at: String,
    /// A file written less than this long ago is left for the next run.
    pub settle_seconds: u64,
    /// Takes files that are still open for writing, as a naive mover does.
    pub move_open_files: bool,
    /// Takes files with temporary names too.
    pub move_temporary_names: bool,
    /// Names that clients give files they have not finished; `*` stands for anything.
    pub temporary_names: Vec<String>,
}

impl Default for MoverConfig {
    fn default() -> MoverConfig {
        MoverConfig {
            interval_minutes: 5,
            nightly_at: "22:00".to_owned(),
            settle_seconds: 0,
            move_open_files: false,
            move_temporary_names: false,
            temporary_names: ["*.filepart", "*.part", "*.partial", ".in.*", ".~lock*", "~$*"]
                .map(str::to_owned)
                .to_vec(),
        }
    }
}

/// The nightly load (C-40 to C-46).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct WarehouseConfig {
    /// Nights of production data that are kept: tonight's, and those that readers may still be at.
    pub kept_generations: u64,
    /// Names in the metadata table (C-42).
    pub metadata: MetadataConfig,
    /// A SQL Server that restores the backup, and whose production tables are replaced; what it refuses is refused in
    /// its words. Absent: the backup is read here, without one.
    pub sql_server: Option<SqlServerConfig>,
}

impl Default for WarehouseConfig {
    fn default() -> WarehouseConfig {
        WarehouseConfig { kept_generations: 2, metadata: MetadataConfig::default(), sql_server: None }
    }
}

/// A SQL Server that takes part in the nightly load. Each site's production is a database by its code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SqlServerConfig {
    /// Host or address.
    pub host: String,
    /// Port.
    #[serde(default = "usual_port")]
    pub port: u16,
    /// Who logs in: somebody who may restore and make databases.
    pub user: String,
    /// With which password.
    pub password: String,
    /// A folder that this stack can write to and the server can read: the backup is put there for it.
    pub shared_folder: PathBuf,
    /// The same folder, as the server sees it.
    pub folder_on_server: String,
    /// What stands before a site's code in the name of its database, where several stacks share the server.
    #[serde(default)]
    pub database_prefix: String,
}

fn usual_port() -> u16 {
    1433
}

/// Names of the metadata table and its columns, upper and lower case alike. The table's, FilePath and FileName are
/// the vendor's; what the others are called is not public, so each is a list of which the first that exists is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct MetadataConfig {
    /// The table.
    pub table: String,
    /// Its column with the folder below OUT.
    pub file_path: String,
    /// Its column with the files' name.
    pub file_name: String,
    /// The spatial table; without such a column FileName is its name.
    pub table_name: Vec<String>,
    /// The spatial table's schema; without such a column `dbo`, or whichever schema has the table.
    pub table_schema: Vec<String>,
    /// The spatial column; without such a column the table's first.
    pub geometry_column: Vec<String>,
}

impl Default for MetadataConfig {
    fn default() -> MetadataConfig {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        MetadataConfig {
            table: "ogr_metadata".to_owned(),
            file_path: "FilePath".to_owned(),
            file_name: "FileName".to_owned(),
            table_name: names(&["TableName", "Table_Name", "f_table_name", "LayerName"]),
            table_schema: names(&["TableSchema", "Table_Schema", "f_table_schema", "SchemaName"]),
            geometry_column: names(&["GeometryColumn", "Geometry_Column", "f_geometry_column"]),
        }
    }
}

/// Provisioning (C-02).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProvisioningConfig {
    /// Simulated hours between request and provisioning; the vendor says up to 120.
    pub delay_hours: u64,
}

/// The warehouse as SQL clients see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SqlConfig {
    /// Where it listens, port 0 taking any free one; absent: nowhere.
    pub listen: Option<SocketAddr>,
    /// Who may log in.
    pub user: String,
    /// With which password.
    pub password: String,
    /// What is encrypted.
    pub encryption: SqlEncryption,
    /// A file of recorded answers to damaged backups, as `spatialcloud calibrate` writes it; absent: our own table.
    pub calibration: Option<PathBuf>,
}

impl Default for SqlConfig {
    fn default() -> SqlConfig {
        SqlConfig {
            listen: None,
            user: "sa".to_owned(),
            // Known to all who read this: it keeps out mistakes, and whoever listens beyond loopback sets another.
            password: "Spatial-Cloud-1".to_owned(),
            encryption: SqlEncryption::AsAsked,
            calibration: None,
        }
    }
}

/// What of a SQL connection is inside TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SqlEncryption {
    /// What the client asks for: all, the login only, or nothing.
    AsAsked,
    /// All, or the client is refused.
    Forced,
    /// Nothing: there is no TLS.
    None,
}

impl SqlEncryption {
    /// As the protocol has it.
    pub fn offer(self) -> spatialcloud_tds::Offer {
        match self {
            SqlEncryption::AsAsked => spatialcloud_tds::Offer::AsAsked,
            SqlEncryption::Forced => spatialcloud_tds::Offer::Forced,
            SqlEncryption::None => spatialcloud_tds::Offer::Nothing,
        }
    }
}

/// A site that exists from the start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct SiteConfig {
    /// Public keys in OpenSSH form.
    pub keys: Vec<String>,
    /// Addresses or ranges it connects from.
    pub from: Vec<String>,
    /// Answers to attribute changes, where they differ from the endpoint's.
    pub attributes: Option<AttributeAnswers>,
    /// Whether it is provisioned at once rather than after the delay.
    pub provisioned: bool,
}

impl Default for SiteConfig {
    fn default() -> SiteConfig {
        SiteConfig { keys: Vec::new(), from: Vec::new(), attributes: None, provisioned: true }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn settings_differ_from_their_preset_one_by_one() {
        assert_eq!(Config::from_json(json!({})).unwrap(), Config::default());
        let posix = Preset::Posix.config();
        assert_eq!(Config::from_json(json!({ "preset": "posix" })).unwrap(), posix);
        let settings = json!({
            "preset": "posix", "seed": 7,
            "endpoint": { "attributes": { "times": "failure" }, "extensions": ["fsync"] },
        });
        let mut expected = Config { seed: 7, ..posix };
        expected.endpoint.attributes.times = AttributeAnswer::Failure;
        expected.endpoint.extensions = vec![Extension::Fsync];
        assert_eq!(Config::from_json(settings).unwrap(), expected);
    }

    #[test]
    fn what_is_unknown_or_of_the_wrong_shape_is_named() {
        for (settings, says) in [
            (
                json!({ "preset": "posixx" }),
                "preset: unknown variant `posixx`, expected `contract` or `posix`",
            ),
            (json!({ "endpoint": { "attribute": {} } }), "unknown field `attribute`"),
            (json!({ "endpoint": 7 }), "invalid type"),
            (json!({ "sites": { "CITY": { "key": "x" } } }), "unknown field `key`"),
        ] {
            let error = Config::from_json(settings).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
