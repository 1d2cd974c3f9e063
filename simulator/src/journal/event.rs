//! The table of event kinds: name, sentence, fields. Everything that is ever reported stands here.

use serde_json::{Map, Value};

/// One kind of event, for help and references.
#[derive(Clone, Copy, Debug)]
pub struct KindDoc {
    /// The dotted name: `file.moved`.
    pub name: &'static str,
    /// What it tells, in one sentence.
    pub sentence: &'static str,
    /// Field names; volatile ones differ from run to run of the same scenario (C-51).
    pub fields: &'static [&'static str],
    /// Fields found under `volatile`.
    pub volatile: &'static [&'static str],
}

macro_rules! facts {
    ($( $(#[doc = $sentence:literal])+ $name:literal $variant:ident { $($field:ident : $type:ty),* } $( volatile { $($vfield:ident : $vtype:ty),* } )? )*) => {
        /// What happened. Field names are the same in code, JSON and documentation.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs)] // The fields are documented by the table itself.
        pub enum Fact {
            $( $(#[doc = $sentence])+ $variant { $($field: $type,)* $($($vfield: $vtype,)*)? } ),*
        }

        impl Fact {
            /// Every kind there is.
            pub const KINDS: &'static [KindDoc] = &[
                $( KindDoc {
                    name: $name,
                    sentence: concat!($($sentence),+),
                    fields: &[$(stringify!($field)),*],
                    volatile: &[$($(stringify!($vfield)),*)?],
                } ),*
            ];

            /// The dotted name of this event's kind.
            pub fn kind(&self) -> &'static str {
                match self { $( Fact::$variant { .. } => $name ),* }
            }

            /// Puts the fields into a JSON object, volatile ones below `volatile`.
            pub(super) fn fill(&self, object: &mut Map<String, Value>) {
                match self {
                    $( Fact::$variant { $($field,)* $($($vfield,)*)? } => {
                        $( object.insert(stringify!($field).to_owned(), serde_json::json!($field)); )*
                        $( object.insert("volatile".to_owned(), serde_json::json!({ $(stringify!($vfield): $vfield),* })); )?
                        let _ = object;
                    } ),*
                }
            }
        }
    };
}

facts! {
    /// The stack is up.
    "stack.started" StackStarted {}
    /// The stack was stopped in an orderly way.
    "stack.stopped" StackStopped {}
    /// Simulated time was moved forward.
    "clock.advanced" ClockAdvanced { from: String, to: String }

    /// A client connected from a listed address.
    "connection.opened" ConnectionOpened { session: u64, address: String } volatile { port: u16 }
    /// A connection was turned away before SSH began.
    "connection.refused" ConnectionRefused { address: String, reason: String, manner: String } volatile { port: u16 }
    /// A connection ended.
    "connection.closed" ConnectionClosed { session: u64, address: String, reason: String } volatile { duration_ms: u64 }
    /// A logged-in client's name and version, from its banner.
    "client.identified" ClientIdentified { session: u64, banner: String }
    /// A login was refused; the reason is told here, never to the client.
    "authentication.failed" AuthenticationFailed { session: u64, user: String, address: String, method: String, reason: String, fingerprint: Option<String> }
    /// A client logged in.
    "authentication.succeeded" AuthenticationSucceeded { session: u64, user: String, address: String, fingerprint: String, algorithm: String }
    /// A channel or channel request other than SFTP was refused.
    "channel.refused" ChannelRefused { session: u64, request: String, detail: String }
    /// An SFTP session began.
    "session.started" SessionStarted { session: u64, client_version: u32 }

    /// A file was opened for writing.
    "upload.started" UploadStarted { session: u64, path: String, resumed_at_bytes: Option<u64> }
    /// A file that was written to was closed.
    "upload.finished" UploadFinished { session: u64, path: String, size_bytes: u64, written_bytes: u64 } volatile { duration_ms: u64, bytes_per_second: u64 }
    /// The connection ended while a file was open for writing.
    "upload.interrupted" UploadInterrupted { session: u64, path: String, written_bytes: u64, reason: String }
    /// A file that was read was closed.
    "download.finished" DownloadFinished { session: u64, path: String, read_bytes: u64 } volatile { duration_ms: u64 }
    /// A file or folder got another name.
    "file.renamed" FileRenamed { session: u64, from: String, to: String, replaced: bool }
    /// A client removed a file.
    "file.removed" FileRemoved { session: u64, path: String }
    /// A client made a folder.
    "directory.made" DirectoryMade { session: u64, path: String }
    /// A client removed a folder.
    "directory.removed" DirectoryRemoved { session: u64, path: String }
    /// A change of time, permissions, owner or size was refused; the file itself is stored.
    "attributes.refused" AttributesRefused { session: u64, path: String, aspects: Vec<String>, status: u32, advice: String }
    /// A change of attributes was answered with success and not done.
    "attributes.ignored" AttributesIgnored { session: u64, path: String, aspects: Vec<String> }
    /// A change of attributes was done.
    "attributes.applied" AttributesApplied { session: u64, path: String, aspects: Vec<String> }
    /// A request was refused or failed, with the status the client got.
    "operation.refused" OperationRefused { session: u64, operation: String, path: String, status: u32, reason: String }
    /// A name was taken that Windows, where the client folders are, cannot hold.
    "name.warned" NameWarned { session: u64, path: String, reason: String }

    /// A request came, where `record-requests` is on; WRITEs to a file in a row are one event.
    "request.received" RequestReceived { session: u64, operation: String, path: String, to: Option<String>, flags: Vec<String>, attributes: Vec<String>, count: u64, size_bytes: Option<u64> }
    /// The request before this was answered no, where `record-requests` is on.
    "request.refused" RequestRefused { session: u64, operation: String, path: String, status: u32 }
    /// A fault was armed.
    "fault.armed" FaultArmed { id: u64, fault: String, specification: Value }
    /// A fault was disarmed.
    "fault.disarmed" FaultDisarmed { id: u64, fault: String }
    /// A fault struck.
    "fault.fired" FaultFired { session: u64, fault: String, operation: String, path: String }

    /// A site handed over key and addresses.
    "site.requested" SiteRequested { due: String }
    /// A site was provisioned: it can log in from now on.
    "site.provisioned" SiteProvisioned {}
    /// A site logged in for the first time.
    "site.tested" SiteTested {}
    /// A site was suspended: nobody logs in with its name.
    "site.suspended" SiteSuspended {}
    /// A suspended site was let in again.
    "site.resumed" SiteResumed {}
    /// A site was removed with all its files.
    "site.removed" SiteRemoved {}
    /// A public key was taken.
    "key.accepted" KeyAccepted { fingerprint: String, bits: u32 }
    /// A key was refused at provisioning.
    "key.refused" KeyRefused { reason: String, message: String }
    /// A public key was removed.
    "key.removed" KeyRemoved { fingerprint: String }
    /// A site's list of addresses changed.
    "addresses.changed" AddressesChanged { addresses: Vec<String> }

    /// A mover has been through every site.
    "mover.finished" MoverFinished { mover: String, moved: u32, left: u32, failed: u32 }
    /// A file was moved to the client folder.
    "file.moved" FileMoved { mover: String, path: String, size_bytes: u64, replaced: bool }
    /// A file was left for the next run: open, settling, or a temporary name.
    "file.left" FileLeft { mover: String, path: String, reason: String }
    /// A file could not be moved; it stays, and is tried again next run.
    "move.failed" MoveFailed { mover: String, path: String, error: String }
    /// A file in Database is not what the nightly load expects.
    "database.warned" DatabaseWarned { path: String, reason: String }
    /// The moved backup was read: whether the nightly load would take it, how many tables it has, and what its metadata table exports.
    "warehouse.inspected" WarehouseInspected { path: String, accepted: bool, database: Option<String>, server_version: Option<String>, tables: Option<u64>, exports: Vec<String>, reasons: Vec<String>, warnings: Vec<String> }
    /// A SQL Server has restored the backup, and its own production tables are replaced.
    "warehouse.restored" WarehouseRestored { server: String, tables: u64, rows: u64 } volatile { duration_ms: u64 }
    /// A table of the upload is in production, dropped and made anew where it was there before.
    "table.loaded" TableLoaded { table: String, rows: u64, replaced: bool, indexes: Vec<String>, warnings: Vec<String> } volatile { duration_ms: u64 }
    /// A table's shapefile set was written below OUT.
    "snapshot.written" SnapshotWritten { table: String, path: String, records: u64, geometry: Option<String>, srid: Option<i32>, files: Vec<String>, notices: Vec<String> } volatile { duration_ms: u64 }
    /// A row of the metadata table gave no shapefile.
    "snapshot.skipped" SnapshotSkipped { row: u64, reason: String }
    /// Readers see tonight's data from now on: all tables and snapshots, switched in one step.
    "warehouse.loaded" WarehouseLoaded { load: u64, path: String, tables: u64, rows: u64, snapshots: u64, kept_tables: u64, kept_snapshots: u64 } volatile { duration_ms: u64 }
    /// Tables of production were made or replaced, and removed, over SQL: readers see all of it from now on.
    "warehouse.changed" WarehouseChanged { load: u64, user: String, tables: Vec<String>, removed: Vec<String> }
    /// Nothing was loaded: readers see what they saw before. `load` is what they see, if anything was ever loaded.
    "warehouse.failed" WarehouseFailed { path: String, reasons: Vec<String>, load: Option<u64> }
}
