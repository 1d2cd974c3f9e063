//! `/clock`: simulated time, and moving it on.

use axum::Json;
use axum::extract::State as Shared;
use jiff::Span;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Value, json};

use super::State;
use super::error::{ApiError, Body};
use crate::mover::{AdvanceError, Run, Target};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Advance {
    /// A span, such as `5m` or `2h 30m`.
    by: Option<String>,
    /// `nightly`, `interval`, or an instant such as `2026-03-03T01:00[Australia/Sydney]`.
    to: Option<String>,
}

pub(super) fn advance_body(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<Advance>()
}

pub(super) fn shown(run: &Run) -> Value {
    json!({
        "mover": run.mover.name(), "at": run.at.to_string(),
        "moved": run.moved, "left": run.left, "failed": run.failed,
    })
}

pub(super) async fn show(Shared(state): Shared<State>) -> Json<Value> {
    let next: Vec<Value> = state
        .movers
        .next()
        .into_iter()
        .map(|(mover, at)| json!({"mover": mover.name(), "at": at.to_string()}))
        .collect();
    Json(json!({
        "now": state.clock.zoned().to_string(),
        "time_zone": state.config.clock.time_zone,
        "pace": state.clock.pace().to_string(),
        "next": next,
    }))
}

/// Answers only when every run that fell due has finished.
pub(super) async fn advance(
    Shared(state): Shared<State>,
    Body(advance): Body<Advance>,
) -> Result<Json<Value>, ApiError> {
    let target = match (&advance.by, &advance.to) {
        (Some(by), None) => {
            Target::By(by.parse::<Span>().map_err(|_| AdvanceError::Span { found: by.clone() })?)
        }
        (None, Some(to)) => to.parse()?,
        _ => {
            return Err(ApiError::bad_request(
                "expected exactly one of \"by\" (a span such as 5m) and \"to\" (nightly, interval or an instant)",
            ));
        }
    };
    let runs = state.movers.advance(target).await?;
    // Written down before it is answered: a stack that is killed now must not fall back in time.
    state.clock_file.write(state.clock.now()).map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(Json(json!({
        "now": state.clock.zoned().to_string(),
        "runs": runs.iter().map(shown).collect::<Vec<_>>(),
    })))
}
