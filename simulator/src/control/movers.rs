//! `/movers`: what they take and when, and running one out of turn.

use axum::Json;
use axum::extract::State as Shared;
use serde_json::{Value, json};

use super::error::{ApiError, Path};
use super::{State, clock};
use crate::mover::Mover;

pub(super) async fn list(Shared(state): Shared<State>) -> Json<Value> {
    let movers: Vec<Value> = state
        .movers
        .next()
        .into_iter()
        .map(|(mover, at)| json!({"name": mover.name(), "folders": mover.folders(), "next": at.to_string()}))
        .collect();
    let settings = &state.config.movers;
    let temporary_names: &[String] =
        if settings.move_temporary_names { &[] } else { &settings.temporary_names };
    Json(json!({
        "movers": movers,
        "leaves": {
            "open": !settings.move_open_files,
            "settle_seconds": settings.settle_seconds,
            "temporary_names": temporary_names,
        },
    }))
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
