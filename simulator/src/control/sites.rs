//! `/sites`: provisioning, keys, addresses.

use axum::Json;
use axum::extract::State as Shared;
use axum::http::StatusCode;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Value, json};

use super::State;
use super::error::{ApiError, Body, Path};
use crate::clock::Clock;
use crate::config::AttributeAnswers;
use crate::site::{Site, SiteState};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSite {
    code: String,
    keys: Vec<String>,
    addresses: Vec<String>,
    #[serde(default)]
    provision: When,
    attributes: Option<AttributeAnswers>,
}

#[derive(Default, Deserialize, JsonSchema, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum When {
    Now,
    #[default]
    Wait,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewKey {
    key: String,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Addresses {
    addresses: Vec<String>,
}

pub(super) fn new_site(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<NewSite>()
}

pub(super) fn new_key(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<NewKey>()
}

pub(super) fn new_addresses(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<Addresses>()
}

fn shown(site: &Site, clock: &Clock) -> Value {
    let mut value = json!({
        "code": site.code,
        "state": site.state.name(),
        "keys": site.keys.iter().map(|key| json!({
            "fingerprint": key.fingerprint(), "bits": key.bits(), "openssh": key.openssh(),
        })).collect::<Vec<_>>(),
        "addresses": site.addresses,
        "attributes": site.attributes,
    });
    if let SiteState::Requested { due } = &site.state {
        value["due"] = json!(clock.zoned_at(*due).to_string());
    }
    value
}

pub(super) fn found(state: &State, code: &str) -> Result<std::sync::Arc<Site>, ApiError> {
    state
        .sites
        .get(code)
        .ok_or_else(|| ApiError::not_found(format!("there is no site {}", code.escape_debug())))
}

pub(super) async fn list(Shared(state): Shared<State>) -> Json<Value> {
    Json(json!({"sites": state.sites.all().iter().map(|site| shown(site, &state.clock)).collect::<Vec<_>>()}))
}

pub(super) async fn show(
    Shared(state): Shared<State>,
    Path(code): Path<String>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(shown(&*found(&state, &code)?, &state.clock)))
}

pub(super) async fn create(
    Shared(state): Shared<State>,
    Body(site): Body<NewSite>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let delay_hours = if site.provision == When::Now { 0 } else { state.config.provisioning.delay_hours };
    state.sites.request(&site.code, &site.keys, &site.addresses, site.attributes, delay_hours)?;
    if delay_hours == 0 {
        state.sites.provision(&site.code)?;
    }
    Ok((StatusCode::CREATED, Json(shown(&*found(&state, &site.code)?, &state.clock))))
}

pub(super) async fn remove(
    Shared(state): Shared<State>,
    Path(code): Path<String>,
) -> Result<Json<Value>, ApiError> {
    state.sites.remove(&code)?;
    Ok(Json(json!({"status": "ok"})))
}

pub(super) async fn provision(
    Shared(state): Shared<State>,
    Path(code): Path<String>,
) -> Result<Json<Value>, ApiError> {
    state.sites.provision(&code)?;
    show(Shared(state), Path(code)).await
}

pub(super) async fn suspend(
    Shared(state): Shared<State>,
    Path(code): Path<String>,
) -> Result<Json<Value>, ApiError> {
    state.sites.suspend(&code)?;
    show(Shared(state), Path(code)).await
}

pub(super) async fn resume(
    Shared(state): Shared<State>,
    Path(code): Path<String>,
) -> Result<Json<Value>, ApiError> {
    state.sites.resume(&code)?;
    show(Shared(state), Path(code)).await
}

pub(super) async fn add_key(
    Shared(state): Shared<State>,
    Path(code): Path<String>,
    Body(new): Body<NewKey>,
) -> Result<Json<Value>, ApiError> {
    state.sites.add_key(&code, &new.key)?;
    show(Shared(state), Path(code)).await
}

pub(super) async fn remove_key(
    Shared(state): Shared<State>,
    Path((code, fingerprint)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    state.sites.remove_key(&code, &fingerprint)?;
    show(Shared(state), Path(code)).await
}

pub(super) async fn set_addresses(
    Shared(state): Shared<State>,
    Path(code): Path<String>,
    Body(new): Body<Addresses>,
) -> Result<Json<Value>, ApiError> {
    state.sites.set_addresses(&code, &new.addresses)?;
    show(Shared(state), Path(code)).await
}
