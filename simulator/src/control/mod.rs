//! The control API: everything a stack does and knows, over HTTP as JSON, at `/api/v1`.

mod clock;
mod error;
mod events;
mod faults;
mod files;
mod guard;
mod handover;
mod metrics;
mod movers;
mod openapi;
mod operations;
mod scenario;
mod shape;
mod sites;
mod sql;
mod stream;
mod transfers;
mod warehouse;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::State as Shared;
use axum::middleware;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::clock::{Clock, ClockFile};
use crate::config::Config;
use crate::fault::Faults;
use crate::journal::Journal;
use crate::mover::Movers;
use crate::site::Sites;
pub use error::ApiError;
use operations::OPERATIONS;
pub use stream::MOST_STREAMS;

/// What the API works with.
#[derive(Clone)]
pub struct State {
    /// The sites.
    pub sites: Sites,
    /// The journal.
    pub journal: Journal,
    /// The clock.
    pub clock: Clock,
    /// Where simulated time is written down.
    pub clock_file: ClockFile,
    /// The movers.
    pub movers: Movers,
    /// The faults that are armed.
    pub faults: Faults,
    /// The settings the stack was started with.
    pub config: Arc<Config>,
    /// Where clients connect.
    pub endpoint: Arc<EndpointCard>,
    /// Where SQL clients do, where they may.
    pub sql: Option<SocketAddr>,
    /// Demanded as a bearer token, if there is one; beyond loopback there is.
    pub token: Option<String>,
    /// One permit for each reader that may follow the events.
    pub streams: Arc<Semaphore>,
}

/// How clients reach the endpoint.
#[derive(Clone, Debug)]
pub struct EndpointCard {
    /// Host or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Host key in OpenSSH form.
    pub host_key: String,
    /// `SHA256:…`
    pub host_key_fingerprint: String,
    /// Every host key there is; more than one where SHA-1 clients are let in.
    pub host_keys: Vec<String>,
    /// Where legacy FTP is refused, if anywhere.
    pub legacy_ftp: Option<SocketAddr>,
}

/// All routes; `pages` are let in by the same rules.
pub fn router(state: State, pages: Router) -> Router {
    let api = OPERATIONS
        .iter()
        .fold(Router::new(), |api, operation| api.route(operation.path, (operation.handler)()));
    Router::new()
        .nest("/api/v1", api)
        .route("/metrics", get(metrics::show))
        .merge(pages.with_state(()))
        .fallback(error::no_such_route)
        .method_not_allowed_fallback(error::no_such_method)
        .layer(middleware::from_fn_with_state(state.clone(), guard::guard))
        .with_state(state)
}

async fn ok() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

async fn endpoint(Shared(state): Shared<State>) -> Json<Value> {
    let card = &state.endpoint;
    Json(json!({
        "host": card.host,
        "port": card.port,
        "host_key": card.host_key,
        "host_key_fingerprint": card.host_key_fingerprint,
        "host_keys": card.host_keys,
        "legacy_ftp": card.legacy_ftp,
        "settings": state.config.endpoint,
    }))
}

/// Every setting the stack was started with; but for the password of a server that is somebody's own.
async fn settings(Shared(state): Shared<State>) -> Json<Value> {
    let mut settings = json!(*state.config);
    if let Some(password) = settings.pointer_mut("/warehouse/sql-server/password") {
        *password = json!("(not told)");
    }
    Json(settings)
}

/// Removes all sites and forgets all events. Time stays: it never goes backwards.
async fn reset(Shared(state): Shared<State>) -> Result<Json<Value>, ApiError> {
    for site in state.sites.all() {
        state.sites.remove(&site.code)?;
    }
    state.faults.clear();
    state.journal.clear();
    Ok(Json(json!({"status": "ok"})))
}
