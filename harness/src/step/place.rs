//! Steps about sites: handing over keys, provisioning, suspending.

use async_trait::async_trait;
use serde_json::json;

use super::{Failure, Names, Parsed, Step, World};
use crate::api::ApiError;
use crate::keys;
use crate::scenario::fields::{Fields, Mistake};

struct Provision {
    site: String,
    action: Action,
    refused: Option<String>,
}

enum Action {
    /// Hands over key and addresses; provisioning takes its time.
    Request(Option<String>),
    Now,
    Suspend,
    Resume,
    AddKey(String),
    RemoveKey(String),
}

const ACTIONS: &[&str] = &["now", "request", "suspend", "resume", "add-key", "remove-key"];

/// `provision: { site: CITY, do: request | now | suspend | resume | add-key | remove-key, key: …, refused: kind }`
pub(super) fn provision(fields: &mut Fields<'_>, names: &Names) -> Parsed {
    let site = fields.need_text("site")?;
    names.need_site(fields.place_of("site"), &site)?;
    let key = fields.one_of("key", "key", &keys::names())?;
    let place = fields.place().clone();
    let need_key = || key.clone().ok_or_else(|| Mistake::new(&place, "provision: \"key\" is missing"));
    let action = match fields.one_of("do", "action", ACTIONS)?.as_deref() {
        Some("request") => Action::Request(key.clone()),
        Some("suspend") => Action::Suspend,
        Some("resume") => Action::Resume,
        Some("add-key") => Action::AddKey(need_key()?),
        Some("remove-key") => Action::RemoveKey(need_key()?),
        _ => Action::Now,
    };
    Ok(Box::new(Provision { site, action, refused: fields.text("refused")? }))
}

#[async_trait]
impl Step for Provision {
    async fn run(&self, world: &mut World) -> Result<(), Failure> {
        let done = self.act(world).await;
        match (&self.refused, done) {
            (None, done) => done,
            (Some(kind), Ok(())) => Err(Failure::new(format!("a refusal of kind {kind}"), "it was accepted")),
            (Some(kind), Err(Failure::Stack(words))) if words.contains(kind.as_str()) => Ok(()),
            (Some(kind), Err(Failure::Stack(words))) => {
                Err(Failure::new(format!("a refusal of kind {kind}"), words))
            }
            (Some(_), Err(other)) => Err(other),
        }
    }
}

impl Provision {
    async fn act(&self, world: &mut World) -> Result<(), Failure> {
        let api = world.stack.api();
        let pair = |kind: &str| keys::pair(kind).map_err(|error| Failure::Stack(error.to_string()));
        let site = &self.site;
        let answer = match &self.action {
            Action::Request(kind) => {
                let pair = match kind {
                    Some(kind) => pair(kind)?,
                    None => world
                        .keys
                        .get(site)
                        .cloned()
                        .ok_or_else(|| Failure::Stack("the site has no key".to_owned()))?,
                };
                let from = world.from.get(site).cloned().unwrap_or_default();
                api.create_site(site, &pair.public, &from, false).await
            }
            Action::Now => api.post(&format!("sites/{site}/provision"), json!({})).await,
            Action::Suspend => api.post(&format!("sites/{site}/suspend"), json!({})).await,
            Action::Resume => api.post(&format!("sites/{site}/resume"), json!({})).await,
            Action::AddKey(kind) => {
                api.post(&format!("sites/{site}/keys"), json!({"key": pair(kind)?.public})).await
            }
            Action::RemoveKey(kind) => {
                let wanted = pair(kind)?.public;
                let blob = wanted.split(' ').nth(1).unwrap_or_default().to_owned();
                let shown = api.get(&format!("sites/{site}")).await?;
                let fingerprint = shown["keys"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .find(|key| key["openssh"].as_str().is_some_and(|line| line.contains(&blob)))
                    .and_then(|key| key["fingerprint"].as_str())
                    .unwrap_or_default();
                api.delete(&format!("sites/{site}/keys/{}", crate::api::escaped(fingerprint))).await
            }
        };
        match answer {
            Ok(_) => Ok(()),
            Err(ApiError::Refused { code, message, detail, .. }) => {
                let kind = detail["kind"].as_str().unwrap_or(&code).to_owned();
                Err(Failure::Stack(format!("{kind}: {message}")))
            }
            Err(error) => Err(error.into()),
        }
    }
}
