//! `/scenario`: what happened, as a scenario file that does the same again.

mod document;
mod files;
mod replay;
mod session;

use std::collections::BTreeMap;

use axum::extract::State as Shared;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;

use super::State;
use super::error::{ApiError, Query};
use crate::config::Config;
use crate::journal::Filter;
use crate::mover::schedule::Schedule;

/// Which part of what happened.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Selection {
    /// Only what happened after this event.
    #[serde(default)]
    after: u64,
    /// Nothing that happened after this event; absent: to the last one.
    through: Option<u64>,
    /// What concerns this site, and what concerns no site; absent: all.
    site: Option<String>,
    /// Its first line; absent: one that says when it happened.
    title: Option<String>,
}

pub(super) async fn show(
    Shared(state): Shared<State>,
    Query(selection): Query<Selection>,
) -> Result<Response, ApiError> {
    let through = selection.through.unwrap_or(u64::MAX);
    let events = state.journal.events(&Filter { after: selection.after, ..Filter::default() });
    let concerns = |site: &Option<String>| match (&selection.site, site) {
        (Some(wanted), Some(site)) => wanted == site,
        _ => true,
    };
    let chosen: Vec<_> =
        events.into_iter().filter(|event| event.sequence <= through && concerns(&event.site)).collect();
    let schedule = Schedule::new(&state.config.movers, state.clock.time_zone().clone())
        .map_err(|error| ApiError::internal(error.to_string()))?;
    let told = replay::replay(&chosen, &schedule);
    let (Some(first), false) = (chosen.first(), told.steps.is_empty()) else {
        return Err(ApiError::new(
            StatusCode::NOT_FOUND,
            "nothing-to-tell",
            "nothing that a scenario could do has happened there: choose events of a client, a mover or the clock",
        ));
    };
    let title = selection.title.unwrap_or_else(|| {
        let (from, to) = (selection.after + 1, chosen.last().map_or(0, |last| last.sequence));
        format!("what happened at {} (events {from} to {to})", first.time.strftime("%Y-%m-%d %H:%M"))
    });
    let text = document::text(&title, &first.time, &differences(&state.config), &told);
    let headers = [
        (header::CONTENT_TYPE, "application/yaml; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"session.yaml\""),
    ];
    Ok((headers, text).into_response())
}

/// Settings that a replay needs: those that are not as by default, without ports, time, sites and faults.
fn differences(config: &Config) -> Value {
    let plain = Config { preset: config.preset, ..Config::default() };
    let (Ok(Value::Object(ours)), Ok(defaults)) =
        (serde_json::to_value(config), serde_json::to_value(&plain))
    else {
        return Value::Null;
    };
    let kept =
        ours.into_iter().filter(|(name, _)| !["sites", "faults", "sql", "preset"].contains(&name.as_str()));
    let mut differing = difference(&Value::Object(kept.collect()), &defaults);
    for (part, names) in [("clock", ["start", "pace"]), ("endpoint", ["listen", "legacy-ftp"])] {
        for name in names {
            if let Some(part) = differing.get_mut(part).and_then(Value::as_object_mut) {
                part.remove(name);
            }
        }
    }
    if let Some(parts) = differing.as_object_mut() {
        parts.retain(|_, part| part.as_object().is_none_or(|part| !part.is_empty()));
    }
    differing
}

/// What of `ours` is not so in `defaults`.
fn difference(ours: &Value, defaults: &Value) -> Value {
    match (ours, defaults) {
        (Value::Object(ours), Value::Object(defaults)) => {
            let pairs = ours.iter().filter_map(|(name, value)| match defaults.get(name) {
                Some(default) if default == value => None,
                Some(default) => Some((name.clone(), difference(value, default))),
                None => Some((name.clone(), value.clone())),
            });
            Value::Object(pairs.collect())
        }
        _ => ours.clone(),
    }
}

/// A step: its name and what stands in it, in order.
#[derive(Clone, Debug, PartialEq)]
struct Step {
    name: &'static str,
    fields: Vec<(String, Value)>,
}

impl Step {
    fn new(name: &'static str) -> Step {
        Step { name, fields: Vec::new() }
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Step {
        self.fields.push((name.to_owned(), value.into()));
        self
    }

    /// An `expect` of an event at a site.
    fn event(kind: &str, site: Option<&str>) -> Step {
        let step = Step::new("expect").with("event", kind);
        match site {
            Some(site) => step.with("site", site),
            None => step,
        }
    }
}

/// What a scenario file is made of.
#[derive(Default)]
struct Told {
    files: files::Files,
    /// Codes, in order.
    sites: BTreeMap<String, ()>,
    steps: Vec<Step>,
    /// What happened and cannot be done again, in words.
    untold: Vec<String>,
}
