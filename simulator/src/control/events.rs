//! `/events`: what happened, and waiting for it.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::State;
use super::error::{ApiError, Query};
use crate::journal::{Fact, Filter};

/// How long `wait` waits unless told otherwise.
const WAIT_MS: u64 = 5_000;
/// How long it may be told to wait.
const LONGEST_WAIT_MS: u64 = 600_000;
/// Events shown when the awaited one did not come.
const SEEN_EVENTS: usize = 20;

type Pairs = BTreeMap<String, String>;

/// `after`, `kind`, `site` and `says` filter; `limit` and `timeout_ms` are taken out before; the rest are fields.
pub(super) fn filter(mut query: Pairs) -> Result<Filter, ApiError> {
    let after = number(&mut query, "after")?.unwrap_or(0);
    let kind = query.remove("kind");
    if let Some(kind) = &kind
        && !kind.ends_with('*')
        && !Fact::KINDS.iter().any(|known| known.name == kind)
    {
        let known: Vec<&str> = Fact::KINDS.iter().map(|kind| kind.name).collect();
        return Err(ApiError::bad_request(format!("there is no event kind {}", kind.escape_debug()))
            .with_detail(json!({"known": known})));
    }
    let site = query.remove("site");
    let says = query.remove("says");
    let fields = query.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
    Ok(Filter { after, kind, site, fields, says })
}

fn number(query: &mut Pairs, name: &str) -> Result<Option<u64>, ApiError> {
    query
        .remove(name)
        .map(|text| {
            text.parse().map_err(|_| {
                ApiError::bad_request(format!("{name}={}: expected a number", text.escape_debug()))
            })
        })
        .transpose()
}

pub(super) async fn list(
    Shared(state): Shared<State>,
    Query(mut query): Query<Pairs>,
) -> Result<Json<Value>, ApiError> {
    let limit =
        number(&mut query, "limit")?.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let events = state.journal.events(&filter(query)?);
    let events: Vec<Value> = events.iter().take(limit).map(|event| event.to_json()).collect();
    Ok(Json(json!({"events": events, "last": state.journal.last_sequence()})))
}

pub(super) async fn wait(
    Shared(state): Shared<State>,
    Query(mut query): Query<Pairs>,
) -> Result<Json<Value>, ApiError> {
    let timeout_ms = number(&mut query, "timeout_ms")?.unwrap_or(WAIT_MS).min(LONGEST_WAIT_MS);
    let filter = filter(query)?;
    let waiting = state.journal.wait_for(&filter);
    match tokio::time::timeout(Duration::from_millis(timeout_ms), waiting).await {
        Ok(event) => Ok(Json(json!({"event": event.to_json()}))),
        Err(_) => {
            let all = state.journal.events(&Filter::default());
            let seen: Vec<Value> =
                all.iter().rev().take(SEEN_EVENTS).rev().map(|event| event.to_json()).collect();
            let message = format!(
                "no such event within {timeout_ms} ms; the last {} that did happen are in detail.seen",
                seen.len()
            );
            Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "timeout", message)
                .with_detail(json!({"seen": seen})))
        }
    }
}
