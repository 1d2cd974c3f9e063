//! `/transfers`: uploads in progress.

use axum::Json;
use axum::extract::State as Shared;
use serde_json::{Value, json};

use super::State;

pub(super) async fn list(Shared(state): Shared<State>) -> Json<Value> {
    let mut transfers = Vec::new();
    for site in state.sites.all() {
        for upload in site.area.lock_names().uploads() {
            transfers.push(json!({
                "site": site.code,
                "path": upload.path,
                "since": upload.since.to_zoned_datetime(state.clock.time_zone().clone()).to_string(),
                "written_bytes": upload.written_bytes,
            }));
        }
    }
    Json(json!({"transfers": transfers}))
}
