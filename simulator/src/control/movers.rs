//! `/movers`: what they take and when, and running one out of turn.

use axum::Json;
use axum::extract::{Path, State as Shared};
use serde_json::{Value, json};

use super::error::ApiError;
use super::{State, clock};
use crate::mover::Mover;

pub(super) async fn list(Shared(state): Shared<State>) -> Json<Value> {
    let movers: Vec<Value> = state
        .movers
        .next()
        .into_iter()
        .map(|(mover, at)| json!({"name": mover.name(), "folders": mover.folders(), "next": at.to_string()}))
        .collect();
    Json(json!({"movers": movers}))
}

pub(super) async fn run(
    Shared(state): Shared<State>,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let mover = Mover::named(&name).ok_or_else(|| {
        ApiError::not_found(format!(
            "there is no mover {}: expected interval or nightly",
            name.escape_debug()
        ))
    })?;
    Ok(Json(clock::shown(&state.movers.run(mover).await)))
}
