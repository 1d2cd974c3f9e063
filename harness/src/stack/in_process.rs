//! A stack inside this process. The only file of the harness's library that names the simulator.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;
use spatialcloud_backup::{DataError, Database};
use spatialcloud_simulator::config::{Config, MetadataConfig, Preset};
use spatialcloud_simulator::fault::{self, FAULTS, FaultSpec};
use spatialcloud_simulator::journal::{Fact, KindDoc};
use spatialcloud_simulator::site::key::PublicKey;
use spatialcloud_simulator::stack::Stack;
use spatialcloud_simulator::warehouse::preview::{self, Preview};

use super::{AcceptedKey, EventDoc, RefusedKey, StackError};
use crate::api::Api;

pub(super) struct InProcess {
    stack: Stack,
}

pub(super) fn check_settings(settings: &Value) -> Result<(), String> {
    Config::from_json(settings.clone()).map(|_| ()).map_err(|error| error.to_string())
}

pub(super) fn full_settings(settings: &Value) -> Result<Value, String> {
    let config = Config::from_json(settings.clone()).map_err(|error| error.to_string())?;
    serde_json::to_value(config).map_err(|error| error.to_string())
}

pub(super) fn event_docs() -> Vec<EventDoc> {
    let doc = |kind: &KindDoc| EventDoc {
        name: kind.name,
        sentence: kind.sentence.trim(),
        fields: kind.fields,
        volatile: kind.volatile,
    };
    Fact::KINDS.iter().map(doc).collect()
}

pub(super) fn fault_docs() -> Vec<(&'static str, &'static str, &'static str)> {
    FAULTS.iter().map(|kind| (kind.name, kind.sentence, kind.example)).collect()
}

pub(super) fn fault_parameters() -> &'static [(&'static str, &'static str)] {
    fault::PARAMETERS
}

pub(super) fn preview(database: &Database<File>) -> Result<(Vec<String>, Vec<String>), DataError> {
    let preview = preview::preview(database, &MetadataConfig::default());
    preview.map(|Preview { exports, warnings, .. }| (exports, warnings))
}

pub(super) fn recommended_backup_name() -> &'static str {
    spatialcloud_simulator::warehouse::RECOMMENDED_NAME
}

pub(super) fn check_fault(spec: &Value) -> Result<(), String> {
    let spec: FaultSpec = serde_json::from_value(spec.clone()).map_err(|error| error.to_string())?;
    fault::check(&spec).map(|_| ()).map_err(|error| error.to_string())
}

pub(super) fn default_settings() -> Value {
    // Settings are plain data: there is nothing in them that could not be shown.
    serde_json::to_value(Config::default()).unwrap_or_default()
}

pub(super) fn settings_schema() -> Value {
    schema::<Config>()
}

pub(super) fn fault_schema() -> Value {
    schema::<FaultSpec>()
}

fn schema<T: JsonSchema>() -> Value {
    let whole = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    whole.into_generator().into_root_schema_for::<T>().to_value()
}

pub(super) fn preset_docs() -> Vec<(String, &'static str, Value)> {
    Preset::ALL
        .into_iter()
        .map(|(preset, sentence)| {
            let name = serde_json::to_value(preset).unwrap_or_default();
            let settings = serde_json::to_value(preset.config()).unwrap_or_default();
            (
                name.as_str().unwrap_or_default().to_owned(),
                sentence,
                difference(&settings, &default_settings()),
            )
        })
        .collect()
}

/// What stands in `settings` and not the same way in `defaults`.
fn difference(settings: &Value, defaults: &Value) -> Value {
    let Value::Object(map) = settings else { return settings.clone() };
    let differing = map.iter().filter(|(key, value)| **value != defaults[key.as_str()]);
    Value::Object(
        differing.map(|(key, value)| (key.clone(), difference(value, &defaults[key.as_str()]))).collect(),
    )
}

pub(super) fn check_key(file: &[u8]) -> Result<AcceptedKey, RefusedKey> {
    match PublicKey::parse(file) {
        Ok(key) => {
            Ok(AcceptedKey { fingerprint: key.fingerprint(), bits: key.bits(), openssh: key.openssh() })
        }
        Err(refusal) => Err(RefusedKey {
            kind: refusal.kind(),
            message: refusal.to_string(),
            converted: refusal.converted().map(str::to_owned),
        }),
    }
}

impl InProcess {
    pub(super) async fn start(
        settings: &Value,
        data: &Path,
        http: SocketAddr,
        token: Option<String>,
        is_alone: bool,
    ) -> Result<InProcess, StackError> {
        let config: Config = match settings {
            Value::Null => Config::default(),
            _ => Config::from_json(settings.clone())
                .map_err(|error| StackError::Settings(error.to_string()))?,
        };
        let stack = Stack::start(config, data, http, token, is_alone)
            .await
            .map_err(|error| StackError::Start(error.to_string()))?;
        Ok(InProcess { stack })
    }

    pub(super) fn api(&self) -> Api {
        Api::new(format!("http://{}", self.stack.http())).with_token(self.token().map(str::to_owned))
    }

    pub(super) fn token(&self) -> Option<&str> {
        self.stack.token()
    }

    pub(super) async fn stop(self) -> Result<(), StackError> {
        Ok(self.stack.stop().await?)
    }
}
