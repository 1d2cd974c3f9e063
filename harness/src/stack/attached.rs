//! A stack that runs already, started by hand, by compose or in a cluster. Each case gets sites of its own on it, and
//! takes them away again; the clock and the movers belong to all, so cases take turns.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::{ToSpan, ZonedDateTime};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{SftpAddress, SqlAddress, StackError, difference_of_settings, full_settings};
use crate::api::Api;
use crate::scope::Scope;

/// Longest wait for the stack to tell who has knocked.
const KNOCK: Duration = Duration::from_secs(10);
/// Where clients connect from as scenarios have it.
const LOOPBACK: &str = "127.0.0.1";
/// Characters of a site's code that stay; the rest make it this case's own.
const CODE_PREFIX: usize = 16;
/// Settings that may differ: where it listens, what is made through its API, when its clock began, and SQL, of which
/// only counts whether it is there. A seed counts where a scenario has one.
const MAY_DIFFER: &[&str] = &["preset", "seed", "sites", "faults", "clock.start", "endpoint.listen", "sql"];

/// A running stack that cases are run against.
#[derive(Debug)]
pub struct Attached {
    api: Api,
    sftp: SftpAddress,
    sql: Option<SqlAddress>,
    settings: Value,
    /// Where connections from here come from, as the stack sees it.
    client_address: String,
    /// A site that was there before lets in who comes from where our clients come from.
    is_open_to_us: bool,
    turn: Arc<Mutex<()>>,
    /// Tells the sites of this run from those of others.
    run: u64,
    cases: AtomicU64,
}

impl Attached {
    /// Finds the stack whose control API is at `url`; `sftp` says where clients reach its endpoint, `HOST:PORT`, if that
    /// is not what the stack says of itself.
    ///
    /// # Errors
    /// Where nobody answers, or the endpoint cannot be reached from here.
    pub async fn find(url: &str, token: Option<String>, sftp: Option<&str>) -> Result<Attached, StackError> {
        let api = Api::new(url).with_token(token);
        let mut found = SftpAddress::of(&api).await?;
        match sftp {
            Some(given) => {
                let (host, port) = given
                    .rsplit_once(':')
                    .and_then(|(host, port)| Some((host, port.parse().ok()?)))
                    .ok_or_else(|| StackError::Start(format!("{given:?}: expected HOST:PORT")))?;
                (found.host, found.port) = (host.trim_matches(['[', ']']).to_owned(), port);
            }
            // It listens on every address there; the one that its API answers on is one of them.
            None if found.host.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified()) => {
                found.host = host_of(url).to_owned();
            }
            None => {}
        }
        let sql = SqlAddress::of(&api).await?;
        let settings = api.get("settings").await?;
        let client_address = knock(&api, &found).await?;
        let sites = api.get("sites").await?;
        let addresses = sites["sites"].as_array().into_iter().flatten().map(|site| &site["addresses"]);
        let ours = |address: &Value| {
            let address = address.as_str().unwrap_or_default();
            address == client_address || (client_address == LOOPBACK && address.starts_with("127."))
        };
        let is_open_to_us = addresses.flat_map(|list| list.as_array()).flatten().any(ours);
        let run =
            jiff::Timestamp::now().as_nanosecond().unsigned_abs() as u64 ^ u64::from(std::process::id());
        let (turn, cases) = (Arc::default(), AtomicU64::new(0));
        Ok(Attached { api, sftp: found, sql, settings, client_address, is_open_to_us, turn, run, cases })
    }

    /// Where clients connect.
    pub fn sftp(&self) -> &SftpAddress {
        &self.sftp
    }

    /// Where SQL clients connect, if it lets them.
    pub fn sql(&self) -> Option<&SqlAddress> {
        self.sql.as_ref()
    }

    /// Its control API.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// Where connections from here come from, as the stack sees it.
    pub fn client_address(&self) -> &str {
        &self.client_address
    }

    /// Whether it can tell clients of several addresses apart; the reason where it cannot.
    pub fn has_addresses(&self) -> Result<(), &'static str> {
        if self.client_address != LOOPBACK {
            return Err("its clients come from several addresses, and the stack sees one");
        }
        if self.is_open_to_us {
            return Err("it wants addresses refused that another site of the stack lets in");
        }
        Ok(())
    }

    /// Whether settings that a scenario asks for are the stack's own; where they differ, in words.
    pub fn has_settings(&self, wanted: &Value) -> Result<(), String> {
        let mut may_differ = MAY_DIFFER.to_vec();
        if wanted.get("seed").is_some() {
            may_differ.retain(|name| *name != "seed");
        }
        match difference_of_settings(&full_settings(wanted)?, &self.settings, &may_differ) {
            None => Ok(()),
            Some((name, wanted, found)) => {
                Err(format!("it needs {name}: {wanted}, and the stack runs with {found}"))
            }
        }
    }

    /// Begins a case: waits for its turn, moves time on to the hour the settings ask for, and gives its
    /// sites codes that the stack has never heard.
    pub(super) async fn begin(
        self: &Arc<Attached>,
        settings: &Value,
        names: &[String],
    ) -> Result<Visit, StackError> {
        let turn = self.turn.clone().lock_owned().await;
        let last = self.api.get("events?limit=0").await?["last"].as_u64().unwrap_or(0);
        let mut scope = Scope::new().after(last);
        if self.client_address != LOOPBACK {
            scope = scope.with_address(LOOPBACK, &self.client_address);
        }
        let case = self.cases.fetch_add(1, Ordering::Relaxed);
        for code in names {
            let prefix: String = code.chars().take(CODE_PREFIX).collect();
            scope = scope.with_site(code, &format!("{prefix}-{:08x}-{case:x}", self.run as u32));
        }
        let visit = Visit { api: self.api.clone().seen_by(Arc::new(scope)), _turn: turn };
        if let Some(start) = settings["clock"]["start"].as_str() {
            self.until(start).await?;
        }
        for fault in settings["faults"].as_array().into_iter().flatten() {
            visit.api.arm_fault(fault.clone()).await?;
        }
        Ok(visit)
    }

    /// Moves time on to the hour at which a scenario begins: its date has gone by here, or is still to come.
    async fn until(&self, start: &str) -> Result<(), StackError> {
        let unreadable = |what: &str, error: jiff::Error| StackError::Start(format!("{what}: {error}"));
        let wanted: ZonedDateTime = start.parse().map_err(|error| unreadable(start, error))?;
        let clock = self.api.get("clock").await?;
        let now = clock["now"].as_str().unwrap_or_default();
        let now: ZonedDateTime = now.parse().map_err(|error| unreadable("the stack's clock", error))?;
        let mut target = now.date().to_datetime(wanted.time());
        if target <= now.datetime() {
            target = target.saturating_add(1.day());
        }
        let zone = now.time_zone().clone();
        let target =
            target.to_zoned_datetime(zone).map_err(|error| unreadable("the stack's clock", error))?;
        self.api.advance(json!({"to": target.to_string()})).await?;
        Ok(())
    }
}

/// The host of `http://HOST:PORT/…`.
pub(super) fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

/// Where a connection from here comes from: the endpoint's word counts, not this machine's, since there may be a
/// network between them that changes it.
async fn knock(api: &Api, sftp: &SftpAddress) -> Result<String, StackError> {
    let last = api.get("events?limit=0").await?["last"].as_u64().unwrap_or(0);
    let place = format!("{}:{}", sftp.host, sftp.port);
    let stream = TcpStream::connect((sftp.host.as_str(), sftp.port)).await.map_err(|error| {
        StackError::Start(format!(
            "the stack says that SFTP is at {place}, and that cannot be reached from here: {error}; say where it can, with --sftp HOST:PORT"
        ))
    })?;
    let seen = api.wait(&format!("kind=connection.*&after={last}"), KNOCK).await?;
    drop(stream);
    let address = seen.and_then(|event| Some(event["address"].as_str()?.to_owned()));
    address.ok_or_else(|| {
        StackError::Start(format!(
            "somebody answers at {place}, and the stack at {} knows nothing of it: is that its endpoint? say where it is, with --sftp HOST:PORT",
            api.url()
        ))
    })
}

/// A case on an attached stack. Dropped, its sites and faults are gone from it.
pub(super) struct Visit {
    pub(super) api: Api,
    _turn: OwnedMutexGuard<()>,
}

impl Drop for Visit {
    fn drop(&mut self) {
        if let Err(error) = self.api.leave() {
            eprintln!("what a case has left on {}: {error}", self.api.url());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_an_address_is_found() {
        for (url, host) in [
            ("http://127.0.0.1:8022", "127.0.0.1"),
            ("https://cloud.example/spatial", "cloud.example"),
            ("http://[::1]:8022/", "::1"),
        ] {
            assert_eq!(host_of(url), host);
        }
    }
}
