//! The control API as the harness uses it: for every kind of stack, and nothing else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::scope::Scope;

/// A running stack's control API.
#[derive(Clone, Debug)]
pub struct Api {
    url: String,
    token: Option<String>,
    scope: Arc<Scope>,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Nobody answers there.
    #[error("no answer from {url}: {reason}; is a stack running there? start one with `spatialcloud up`")]
    Unreachable {
        /// The address called.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// The stack refused, with its own words.
    #[error("{message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Stable code.
        code: String,
        /// The stack's words.
        message: String,
        /// What a program can act on.
        detail: Value,
    },
    /// An answer of another shape than documented.
    #[error("{url}: expected {expected}, got {got}; is this a spatialcloud of another version?")]
    Unexpected {
        /// The address called.
        url: String,
        /// What was expected.
        expected: &'static str,
        /// What came.
        got: String,
    },
}

/// A file in one of a site's areas.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct FileEntry {
    /// Path relative to the area.
    pub path: String,
    /// `file` or `directory`.
    pub kind: String,
    /// Size in bytes.
    pub size_bytes: u64,
    /// SHA-256, where asked for.
    pub sha256: Option<String>,
}

/// Longest call but those that wait for events.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Longest call that may have a night's load in it.
const LOAD_TIMEOUT: Duration = Duration::from_secs(3600);

impl Api {
    /// The API at `url`, such as `http://127.0.0.1:8022`.
    pub fn new(url: impl Into<String>) -> Api {
        Api {
            url: url.into().trim_end_matches('/').to_owned(),
            token: std::env::var("SPATIALCLOUD_TOKEN").ok(),
            scope: Arc::default(),
        }
    }

    /// The same as `scope` shows it: what is asked and answered has the scope's names.
    pub fn seen_by(mut self, scope: Arc<Scope>) -> Api {
        self.scope = scope;
        self
    }

    /// What it is seen by.
    pub fn scope(&self) -> &Arc<Scope> {
        &self.scope
    }

    /// Sends the token with every call.
    pub fn with_token(mut self, token: Option<String>) -> Api {
        self.token = token.or(self.token);
        self
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// GET, answered as JSON.
    pub async fn get(&self, path: &str) -> Result<Value, ApiError> {
        self.call("GET", path, None, TIMEOUT).await
    }

    /// POST, answered as JSON.
    pub async fn post(&self, path: &str, body: Value) -> Result<Value, ApiError> {
        self.call("POST", path, Some(body), TIMEOUT).await
    }

    /// PUT, answered as JSON.
    pub async fn put(&self, path: &str, body: Value) -> Result<Value, ApiError> {
        self.call("PUT", path, Some(body), TIMEOUT).await
    }

    /// DELETE, answered as JSON.
    pub async fn delete(&self, path: &str) -> Result<Value, ApiError> {
        self.call("DELETE", path, None, TIMEOUT).await
    }

    /// GET, answered as text: what the API hands out as a file.
    pub async fn text(&self, path: &str) -> Result<String, ApiError> {
        let (_, bytes) = self.send("GET", path, None, TIMEOUT).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    async fn call(
        &self,
        method: &'static str,
        path: &str,
        body: Option<Value>,
        timeout: Duration,
    ) -> Result<Value, ApiError> {
        let mut answer = self.call_as_told(method, path, body, timeout).await?;
        self.scope.shown(&mut answer);
        Ok(answer)
    }

    /// The answer in the stack's own names.
    async fn call_as_told(
        &self,
        method: &'static str,
        path: &str,
        body: Option<Value>,
        timeout: Duration,
    ) -> Result<Value, ApiError> {
        let (url, bytes) = self.send(method, path, body, timeout).await?;
        parsed(&url, &bytes)
    }

    /// Sends a request; answers the address and the body of a success.
    async fn send(
        &self,
        method: &'static str,
        path: &str,
        mut body: Option<Value>,
        timeout: Duration,
    ) -> Result<(String, Vec<u8>), ApiError> {
        let url = format!("{}/api/v1/{}", self.url, self.scope.path(path));
        if let Some(body) = &mut body {
            self.scope.body(body);
        }
        let token = self.token.clone();
        let work = move || {
            let bytes = send_blocking(method, &url, token.as_deref(), body, timeout)?;
            Ok((url, bytes))
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(Err(ApiError::Refused { status, code, message, mut detail })) => {
                self.scope.shown(&mut detail);
                Err(ApiError::Refused { status, code, message: self.scope.words(&message), detail })
            }
            Ok(answer) => answer,
            Err(error) => Err(ApiError::Unreachable { url: self.url.clone(), reason: error.to_string() }),
        }
    }

    /// Bytes of a file in one of a site's areas; fewer than asked for where it ends.
    pub async fn piece(
        &self,
        site: &str,
        area: &str,
        path: &str,
        offset_bytes: u64,
        length_bytes: usize,
    ) -> Result<Vec<u8>, ApiError> {
        let path: Vec<String> = path.split('/').map(escaped).collect();
        let query = format!("offset_bytes={offset_bytes}&length_bytes={length_bytes}");
        let path = format!("sites/{site}/files/{area}/{}?{query}", path.join("/"));
        self.send("GET", &path, None, TIMEOUT).await.map(|(_, bytes)| bytes)
    }

    /// Files of one of a site's areas: `inbox`, `cloud` or `history`.
    pub async fn files(&self, site: &str, area: &str, with_hash: bool) -> Result<Vec<FileEntry>, ApiError> {
        let answer = self.get(&format!("sites/{site}/files?area={area}&sha256={with_hash}")).await?;
        serde_json::from_value(answer["files"].clone()).map_err(|error| ApiError::Unexpected {
            url: self.url.clone(),
            expected: "a list of files",
            got: error.to_string(),
        })
    }

    /// Events that match the query, such as `kind=file.moved&site=CITY`.
    pub async fn events(&self, query: &str) -> Result<Vec<Value>, ApiError> {
        let path = format!("events?{}", self.scope.since(query));
        let mut answer = self.call_as_told("GET", &path, None, TIMEOUT).await?;
        let mut events = std::mem::take(answer["events"].as_array_mut().unwrap_or(&mut Vec::new()));
        events.retain(|event| self.scope.is_own(event));
        events.iter_mut().for_each(|event| self.scope.shown(event));
        Ok(events)
    }

    /// Waits for an event; `None` when it did not come in time.
    pub async fn wait(&self, query: &str, timeout: Duration) -> Result<Option<Value>, ApiError> {
        let ends = Instant::now() + timeout;
        let mut query = self.scope.since(query);
        loop {
            let left = ends.saturating_duration_since(Instant::now());
            let path = format!("events/wait?timeout_ms={}&{query}", left.as_millis());
            let mut event = match self.call_as_told("GET", &path, None, left + TIMEOUT).await {
                Ok(mut answer) => answer["event"].take(),
                Err(ApiError::Refused { status: 408, .. }) => return Ok(None),
                Err(error) => return Err(error),
            };
            if self.scope.is_own(&event) {
                self.scope.shown(&mut event);
                return Ok(Some(event));
            }
            // One of somebody else's: what comes after it may be the one.
            let others = query.split('&').filter(|pair| !pair.starts_with("after="));
            query = others.map(|pair| format!("{pair}&")).collect::<String>();
            query.push_str(&format!("after={}", event["sequence"]));
        }
    }

    /// Waits until every connection has ended and that was told; answers the number of one that has not in time.
    pub async fn still_open(&self, timeout: Duration) -> Result<Option<u64>, ApiError> {
        for opened in self.events("kind=connection.opened").await? {
            let session = &opened["session"];
            if self.wait(&format!("kind=connection.closed&session={session}"), timeout).await?.is_none() {
                return Ok(session.as_u64());
            }
        }
        Ok(None)
    }

    /// Moves time on: `{"by": "5m"}` or `{"to": "nightly"}`.
    pub async fn advance(&self, how: Value) -> Result<Value, ApiError> {
        self.call("POST", "clock/advance", Some(how), LOAD_TIMEOUT).await
    }

    /// Runs a mover now, out of turn.
    pub async fn run_mover(&self, name: &str) -> Result<Value, ApiError> {
        self.call("POST", &format!("movers/{name}/run"), Some(json!({})), LOAD_TIMEOUT).await
    }

    /// Arms a fault.
    pub async fn arm_fault(&self, spec: Value) -> Result<Value, ApiError> {
        let answer = self.post("faults", spec).await?;
        self.scope.armed(&answer);
        Ok(answer)
    }

    /// Disarms every fault; on a stack that others use too, those that were armed here.
    pub async fn clear_faults(&self) -> Result<(), ApiError> {
        if !self.scope.is_shared() {
            return self.delete("faults").await.map(|_| ());
        }
        for fault in self.scope.take_faults() {
            match self.delete(&format!("faults/{fault}")).await {
                // One that strikes so many times only may have gone by itself.
                Ok(_) | Err(ApiError::Refused { status: 404, .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes the scope's sites and faults from the stack, without waiting for anything but the answers: for what is
    /// dropped. Answers what could not be taken away.
    pub fn leave(&self) -> Result<(), ApiError> {
        let faults = self.scope.take_faults().into_iter().map(|fault| format!("faults/{fault}"));
        let sites = self.scope.sites().map(|site| format!("sites/{site}"));
        for path in faults.chain(sites) {
            let url = format!("{}/api/v1/{path}", self.url);
            match send_blocking("DELETE", &url, self.token.as_deref(), None, TIMEOUT) {
                Ok(_) | Err(ApiError::Refused { status: 404, .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// A site hands over key and addresses.
    pub async fn create_site(
        &self,
        code: &str,
        key: &str,
        addresses: &[String],
        provision_now: bool,
    ) -> Result<Value, ApiError> {
        let provision = if provision_now { "now" } else { "wait" };
        let body = json!({"code": code, "keys": [key], "addresses": addresses, "provision": provision});
        self.post("sites", body).await
    }
}

fn send_blocking(
    method: &str,
    url: &str,
    token: Option<&str>,
    body: Option<Value>,
    timeout: Duration,
) -> Result<Vec<u8>, ApiError> {
    let config =
        ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(timeout)).build();
    let agent = ureq::Agent::new_with_config(config);
    let unreachable = |error: &dyn std::fmt::Display| ApiError::Unreachable {
        url: url.to_owned(),
        reason: error.to_string(),
    };
    let authorization = token.map(|token| format!("Bearer {token}"));
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    if let Some(value) = &authorization {
        request = request.header("Authorization", value);
    }
    let sent = match &body {
        Some(body) => request
            .header("Content-Type", "application/json")
            .body(body.to_string())
            .map_err(|error| unreachable(&error))
            .and_then(|request| agent.run(request).map_err(|error| unreachable(&error))),
        None => request
            .body(())
            .map_err(|error| unreachable(&error))
            .and_then(|request| agent.run(request).map_err(|error| unreachable(&error))),
    };
    let mut response = sent?;
    let status = response.status().as_u16();
    let bytes = response
        .body_mut()
        .with_config()
        .limit(256 * 1024 * 1024)
        .read_to_vec()
        .map_err(|error| unreachable(&error))?;
    if (200..300).contains(&status) {
        return Ok(bytes);
    }
    let answer = parsed(url, &bytes)?;
    Err(ApiError::Refused {
        status,
        code: answer["code"].as_str().unwrap_or("unknown").to_owned(),
        message: answer["message"].as_str().unwrap_or("no reason was given").to_owned(),
        detail: answer["detail"].clone(),
    })
}

fn parsed(url: &str, bytes: &[u8]) -> Result<Value, ApiError> {
    serde_json::from_slice(bytes).map_err(|_| ApiError::Unexpected {
        url: url.to_owned(),
        expected: "JSON",
        got: String::from_utf8_lossy(bytes).chars().take(80).collect::<String>().escape_debug().to_string(),
    })
}

/// Escapes a value for a query string.
pub fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => (byte as char).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
