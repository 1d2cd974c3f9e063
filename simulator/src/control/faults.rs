//! `/faults`: arming what is to go wrong, and disarming it.

use axum::Json;
use axum::extract::State as Shared;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};

use super::State;
use super::error::{ApiError, Body, Path};
use crate::fault::{FAULTS, FaultSpec};

pub(super) fn new_fault(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<FaultSpec>()
}

pub(super) async fn list(Shared(state): Shared<State>) -> Json<Value> {
    let kinds: Vec<Value> = FAULTS
        .iter()
        .map(|kind| json!({"name": kind.name, "sentence": kind.sentence, "example": kind.example}))
        .collect();
    Json(json!({"faults": state.faults.armed(), "kinds": kinds}))
}

pub(super) async fn arm(
    Shared(state): Shared<State>,
    Body(spec): Body<FaultSpec>,
) -> Result<Json<Value>, ApiError> {
    let id = state.faults.arm(spec).map_err(|error| ApiError::bad_request(error.to_string()))?;
    Ok(Json(json!({"id": id})))
}

pub(super) async fn disarm(
    Shared(state): Shared<State>,
    Path(id): Path<u64>,
) -> Result<Json<Value>, ApiError> {
    if state.faults.disarm(id) {
        Ok(Json(json!({"status": "ok"})))
    } else {
        Err(ApiError::not_found(format!("no fault {id} is armed")))
    }
}

pub(super) async fn clear(Shared(state): Shared<State>) -> Json<Value> {
    state.faults.clear();
    Json(json!({"status": "ok"}))
}
