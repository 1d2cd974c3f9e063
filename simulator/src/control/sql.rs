//! `/sql`: where SQL clients find the warehouse, and as whom they log in.

use axum::Json;
use axum::extract::State as Shared;
use serde_json::{Value, json};

use super::{ApiError, State};

/// The address and login; refused where the settings let no SQL client in.
pub async fn show(Shared(state): Shared<State>) -> Result<Json<Value>, ApiError> {
    let address = state.sql.ok_or_else(|| {
        ApiError::not_found("this stack does not listen for SQL; start one with sql.listen in its settings")
    })?;
    let sql = &state.config.sql;
    Ok(Json(json!({
        "host": address.ip().to_string(),
        "port": address.port(),
        "user": sql.user,
        "password": sql.password,
    })))
}
