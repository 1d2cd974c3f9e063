//! Every operation of the API: the table from which routes and their description are made.

use axum::routing::{MethodRouter, delete, get, post, put};

use super::shape::Body;
use super::{
    State, clock, endpoint, events, faults, files, handover, movers, ok, openapi, reset, scenario, settings,
    sites, sql, stream, transfers, warehouse,
};

/// One operation.
pub(super) struct Operation {
    pub method: &'static str,
    /// Below `/api/v1`, as axum writes it.
    pub path: &'static str,
    /// What it does.
    pub sentence: &'static str,
    /// What may stand in the query.
    pub query: &'static [Parameter],
    /// What has to stand in the body.
    pub body: Option<Body>,
    /// Status and content of success.
    pub status: u16,
    pub answer: Answer,
    /// Other statuses it may have.
    pub errors: &'static [u16],
    pub handler: fn() -> MethodRouter<State>,
}

/// What may stand in the query: name, type, sentence.
pub(super) type Parameter = (&'static str, &'static str, &'static str);

/// What comes back.
#[derive(Clone, Copy)]
pub(super) enum Answer {
    /// JSON of a shape, in the notation of [`super::shape`].
    Json(&'static str),
    /// A file of this media type.
    File(&'static str),
    /// Server-sent events.
    Stream,
}

use Answer::{File, Json, Stream};

/// Which events are meant; other names are fields of events and their values.
const EVENT_FILTER: &[Parameter] = &[
    ("after", "count", "only events with a higher number"),
    ("kind", "text", "only this kind; a `*` at the end stands for anything"),
    ("site", "text", "only events of this site"),
    ("says", "text", "only events of which some field has these words in it"),
];
const LISTED_EVENTS: &[Parameter] = &[
    EVENT_FILTER[0],
    EVENT_FILTER[1],
    EVENT_FILTER[2],
    EVENT_FILTER[3],
    ("limit", "count", "so many at most"),
];
const AWAITED_EVENT: &[Parameter] = &[
    EVENT_FILTER[0],
    EVENT_FILTER[1],
    EVENT_FILTER[2],
    EVENT_FILTER[3],
    ("timeout_ms", "count", "how long it is waited for, 5000 where absent, 600000 at most"),
];
const PLACES: &[Parameter] = &[
    ("key", "text", "where the private key lies"),
    ("known_hosts", "text", "where the endpoint's host keys lie"),
];

const DONE: Answer = Json("{ status: string }");

#[allow(clippy::too_many_arguments)] // One line for each column of the table.
const fn operation(
    method: &'static str,
    path: &'static str,
    sentence: &'static str,
    query: &'static [Parameter],
    body: Option<Body>,
    answer: Answer,
    errors: &'static [u16],
    handler: fn() -> MethodRouter<State>,
) -> Operation {
    Operation { method, path, sentence, query, body, status: 200, answer, errors, handler }
}

/// All of them. Those that take things away stand last.
pub(super) const OPERATIONS: &[Operation] = &[
    operation(
        "get",
        "/healthz",
        "Whether the process lives; open to everybody.",
        &[],
        None,
        DONE,
        &[],
        || get(ok),
    ),
    operation("get", "/readyz", "Whether the stack is up; open to everybody.", &[], None, DONE, &[], || {
        get(ok)
    }),
    operation("get", "/openapi.json", "This description.", &[], None, Json("object"), &[], || {
        get(openapi::show)
    }),
    operation(
        "get",
        "/endpoint",
        "Where clients connect, and how the endpoint is set.",
        &[],
        None,
        Json(
            "{ host: string, port: count, host_key: string, host_key_fingerprint: string, host_keys: [string], legacy_ftp: string?, settings: object }",
        ),
        &[],
        || get(endpoint),
    ),
    operation(
        "get",
        "/sql",
        "Where SQL clients find the warehouse, and as whom they log in.",
        &[],
        None,
        Json("{ host: string, port: count, user: string, password: string }"),
        &[404],
        || get(sql::show),
    ),
    operation(
        "get",
        "/settings",
        "The settings the stack was started with.",
        &[],
        None,
        Json("object"),
        &[],
        || get(settings),
    ),
    operation("get", "/sites", "Every site.", &[], None, Json("{ sites: [Site] }"), &[], || get(sites::list)),
    Operation {
        status: 201,
        ..operation(
            "post",
            "/sites",
            "A site hands over its keys and addresses.",
            &[],
            Some(sites::new_site),
            Json("Site"),
            &[400, 409, 422],
            || post(sites::create),
        )
    },
    operation("get", "/sites/{code}", "One site.", &[], None, Json("Site"), &[400, 404], || get(sites::show)),
    operation(
        "post",
        "/sites/{code}/provision",
        "Provisions a site that has handed over its key.",
        &[],
        None,
        Json("Site"),
        &[400, 404],
        || post(sites::provision),
    ),
    operation(
        "post",
        "/sites/{code}/suspend",
        "Lets nobody in with its name.",
        &[],
        None,
        Json("Site"),
        &[400, 404],
        || post(sites::suspend),
    ),
    operation(
        "post",
        "/sites/{code}/resume",
        "Lets a suspended site in again.",
        &[],
        None,
        Json("Site"),
        &[400, 404],
        || post(sites::resume),
    ),
    operation(
        "post",
        "/sites/{code}/keys",
        "Adds a public key; the others stay.",
        &[],
        Some(sites::new_key),
        Json("Site"),
        &[400, 404, 422],
        || post(sites::add_key),
    ),
    operation(
        "put",
        "/sites/{code}/addresses",
        "Replaces the addresses it connects from.",
        &[],
        Some(sites::new_addresses),
        Json("Site"),
        &[400, 404],
        || put(sites::set_addresses),
    ),
    operation(
        "get",
        "/sites/{code}/files",
        "Files of one of its areas.",
        &[
            ("area", "inbox|cloud|history|out", "which, the inbox where absent"),
            ("sha256", "flag", "with their hashes"),
        ],
        None,
        Json("{ files: [{ path: string, kind: string, size_bytes: count, sha256~: string }] }"),
        &[400, 404],
        || get(files::list),
    ),
    operation(
        "get",
        "/sites/{code}/files/{area}/{*path}",
        "Bytes of a file.",
        &[
            ("offset_bytes", "count", "where they begin"),
            ("length_bytes", "count", "how many; to the end where absent"),
        ],
        None,
        File("application/octet-stream"),
        &[400, 404],
        || get(files::read),
    ),
    operation(
        "get",
        "/sites/{code}/handover",
        "What its people enter into their clients.",
        PLACES,
        None,
        Json("{ sheets: [{ name: string, sentence: string, file: string, text: string }] }"),
        &[400, 404],
        || get(handover::list),
    ),
    operation(
        "get",
        "/sites/{code}/handover/{name}",
        "The same for one client, as a file.",
        PLACES,
        None,
        File("text/plain"),
        &[400, 404],
        || get(handover::show),
    ),
    operation(
        "get",
        "/warehouse/{code}",
        "What readers see: tables, snapshots, and every load there was.",
        &[],
        None,
        Json(
            "{ load: count?, at: string?, backup: object?, folder~: string, tables: [object], snapshots: [object], loads: [object] }",
        ),
        &[400, 404],
        || get(warehouse::show),
    ),
    operation(
        "get",
        "/warehouse/{code}/tables/{name}/rows",
        "Rows of a production table.",
        &[
            ("offset", "count", "rows left out before"),
            ("limit", "count", "rows at most, 100 where absent, 10000 at most"),
        ],
        None,
        Json("{ table: string, columns: [string], rows: [[any]], total: count }"),
        &[400, 404],
        || get(warehouse::rows),
    ),
    operation(
        "get",
        "/clock",
        "Simulated time, and when the movers run next.",
        &[],
        None,
        Json("{ now: string, time_zone: string, pace: string, next: [{ mover: string, at: string }] }"),
        &[],
        || get(clock::show),
    ),
    operation(
        "post",
        "/clock/advance",
        "Moves time on; answers when every run that fell due has finished.",
        &[],
        Some(clock::advance_body),
        Json("{ now: string, runs: [Run] }"),
        &[400, 409],
        || post(clock::advance),
    ),
    operation(
        "get",
        "/movers",
        "The movers, what they take, and what they leave.",
        &[],
        None,
        Json(
            "{ movers: [{ name: string, folders: [string], next: string }], leaves: { open: flag, settle_seconds: count, temporary_names: [string] } }",
        ),
        &[],
        || get(movers::list),
    ),
    operation(
        "post",
        "/movers/{name}/run",
        "Runs a mover out of turn.",
        &[],
        None,
        Json("Run"),
        &[400, 404],
        || post(movers::run),
    ),
    operation(
        "get",
        "/faults",
        "Faults that are armed, and the kinds there are.",
        &[],
        None,
        Json("{ faults: [object], kinds: [{ name: string, sentence: string, example: string }] }"),
        &[],
        || get(faults::list),
    ),
    operation(
        "post",
        "/faults",
        "Arms a fault.",
        &[],
        Some(faults::new_fault),
        Json("{ id: count }"),
        &[400],
        || post(faults::arm),
    ),
    operation(
        "get",
        "/events",
        "What happened, oldest first.",
        LISTED_EVENTS,
        None,
        Json("{ events: [object], last: count }"),
        &[400],
        || get(events::list),
    ),
    operation(
        "get",
        "/events/wait",
        "The first event that fits: one that has happened, or the next to come.",
        AWAITED_EVENT,
        None,
        Json("{ event: object }"),
        &[400, 408],
        || get(events::wait),
    ),
    operation(
        "get",
        "/events/stream",
        "Events as they happen, as server-sent events with their numbers as ids.",
        EVENT_FILTER,
        None,
        Stream,
        &[400, 503],
        || get(stream::stream),
    ),
    operation(
        "get",
        "/scenario",
        "What happened, as a scenario file that does it again.",
        &[
            ("after", "count", "only what happened after this event"),
            ("through", "count", "nothing that happened after this one"),
            ("site", "text", "what concerns this site, or none"),
            ("title", "text", "the scenario's title"),
        ],
        None,
        File("application/yaml"),
        &[400, 404],
        || get(scenario::show),
    ),
    operation(
        "get",
        "/transfers",
        "Uploads in progress.",
        &[],
        None,
        Json("{ transfers: [{ site: string, path: string, since: string, written_bytes: count }] }"),
        &[],
        || get(transfers::list),
    ),
    operation("delete", "/faults/{id}", "Disarms a fault.", &[], None, DONE, &[400, 404], || {
        delete(faults::disarm)
    }),
    operation("delete", "/faults", "Disarms all.", &[], None, DONE, &[], || delete(faults::clear)),
    operation(
        "delete",
        "/sites/{code}/keys/{*fingerprint}",
        "Removes a public key.",
        &[],
        None,
        Json("Site"),
        &[400, 404],
        || delete(sites::remove_key),
    ),
    operation(
        "delete",
        "/sites/{code}",
        "Removes a site with all its files.",
        &[],
        None,
        DONE,
        &[400, 404],
        || delete(sites::remove),
    ),
    operation(
        "post",
        "/reset",
        "Removes all sites and faults, and forgets all events; time stays.",
        &[],
        None,
        DONE,
        &[],
        || post(reset),
    ),
];
