//! Faults: what goes wrong on purpose. A fault never acts: asked at a named point it answers a verdict, and
//! whoever asked acts. The same seed and the same questions give the same verdicts.

mod change_host_key;
mod cut;
mod disk_full;
mod jump_clock;
mod kill;
mod refuse_login;
mod reorder_replies;
mod reset;
mod run_mover;
mod slow_handshake;
mod slow_link;
mod stale_listing;
mod stall;
mod status;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::journal::{Fact, Journal};
use crate::pattern;

/// A kind of fault.
pub struct FaultKind {
    /// The word used in settings, scenarios and events.
    pub name: &'static str,
    /// What goes wrong, in a sentence.
    pub sentence: &'static str,
    /// How it is written. A test arms it.
    pub example: &'static str,
    /// Where it is asked.
    point: Point,
    /// What it says when it is due; the reason where its parameters do not fit.
    verdict: fn(&FaultSpec) -> Result<Verdict, String>,
}

/// Every kind of fault there is.
pub const FAULTS: &[FaultKind] = &[
    refuse_login::KIND,
    slow_handshake::KIND,
    change_host_key::KIND,
    slow_link::KIND,
    status::KIND,
    disk_full::KIND,
    cut::KIND,
    reset::KIND,
    stall::KIND,
    reorder_replies::KIND,
    stale_listing::KIND,
    run_mover::KIND,
    jump_clock::KIND,
    kill::KIND,
];

/// SFTP requests a fault can wait for.
pub const OPERATIONS: &[&str] = &[
    "open", "close", "read", "write", "lstat", "stat", "fstat", "setstat", "fsetstat", "opendir", "readdir",
    "remove", "mkdir", "rmdir", "realpath", "rename", "extended",
];

/// Where faults are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// A connection was taken; nothing has been said.
    Connection,
    /// A key is offered.
    Login,
    /// An SFTP session begins.
    Session,
    /// Bytes came in.
    Link,
    /// A request is about to be done.
    Request,
    /// A request was done; its reply has not left.
    Reply,
}

/// What whoever asked is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Refuse the login.
    RefuseLogin,
    /// Wait so long before the banner.
    Wait(Duration),
    /// Show another host key.
    OtherHostKey,
    /// Deliver what came in later, and no faster.
    SlowLink(SlowLink),
    /// Answer with this status and do nothing.
    Status(u32),
    /// End the connection.
    Cut,
    /// End the connection with a TCP reset.
    Reset,
    /// Say nothing until the fault is disarmed or the client has gone.
    Stall,
    /// Hold replies back and send them last to first.
    Reorder,
    /// Leave out what is newer than this.
    HideNewerThan(SystemTime),
    /// Kill the process.
    Kill,
    /// Let a mover run now.
    RunMover(String),
    /// Move simulated time on by this span.
    AdvanceClock(String),
}

/// A line that is slow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlowLink {
    /// Round-trip time that is added.
    pub delay: Duration,
    /// Up to so much more, at random.
    pub jitter: Duration,
    /// Rate; zero: as fast as it goes.
    pub bytes_per_second: u64,
}

/// A fault as it is armed: `faults:` in settings, `fault:` in scenarios, POST `/faults`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct FaultSpec {
    /// Its kind.
    #[schemars(extend("enum" = FAULTS.iter().map(|kind| kind.name).collect::<Vec<_>>()))]
    pub fault: String,
    /// Only sessions of this site.
    pub site: Option<String>,
    /// Only this session.
    pub session: Option<u64>,
    /// Only this request.
    #[schemars(extend("enum" = OPERATIONS))]
    pub at: Option<String>,
    /// Only paths that fit this pattern, from the site's root; `*` stands for anything.
    pub path: Option<String>,
    /// Only once a file's byte of this number is read or written.
    pub offset_bytes: Option<u64>,
    /// The first so many times nothing happens.
    pub skip: u32,
    /// At most so many times; absent: always.
    pub times: Option<u32>,
    /// Once it has struck, the next such request ends it: a failure that lasts for one attempt of a client.
    #[schemars(extend("enum" = OPERATIONS))]
    pub until: Option<String>,
    /// How likely it is each time, from 0 to 1.
    pub probability: Option<f64>,
    /// SFTP status.
    pub status: Option<u32>,
    /// Milliseconds of delay.
    pub delay_ms: Option<u64>,
    /// Milliseconds of delay that vary at random.
    pub jitter_ms: Option<u64>,
    /// Rate of the line.
    pub bytes_per_second: Option<u64>,
    /// Room that is left on the disk.
    pub space_bytes: Option<u64>,
    /// Which mover.
    pub mover: Option<String>,
    /// A span of simulated time, such as `5m`.
    pub by: Option<String>,
}

/// What every kind of fault takes, for the reference: key and meaning. What one kind alone takes stands in its
/// example.
pub const PARAMETERS: &[(&str, &str)] = &[
    ("site", "only sessions of this site"),
    ("session", "only the connection of this number"),
    ("at", "only this request, such as `write`"),
    ("path", "only paths that fit, from the site's root; `*` stands for anything"),
    ("offset-bytes", "only reads and writes that reach beyond this byte of the file"),
    ("skip", "not the first so many times"),
    ("times", "at most so many times"),
    ("until", "once it has struck, the next such request ends it: `close` is the end of one attempt"),
    ("probability", "how likely it is each time, from 0 to 1, drawn from the seed"),
];

/// Who asks, and about what.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Where.
    pub point: Point,
    /// The site, once it is known.
    pub site: Option<&'a str>,
    /// Number of the connection.
    pub session: u64,
    /// The request; empty where there is none.
    pub operation: &'a str,
    /// Path from the site's root without a leading slash.
    pub path: &'a str,
    /// First byte, and the one after the last, of what is read or written.
    pub range: Option<(u64, u64)>,
}

/// A fault that cannot be armed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// No such kind.
    #[error("fault {found:?} is not known: expected one of {}", known())]
    Unknown {
        /// What came.
        found: String,
    },
    /// Parameters that do not fit.
    #[error("fault {name}: {reason}")]
    Parameters {
        /// Its kind.
        name: String,
        /// What is wrong and what was expected.
        reason: String,
    },
    /// Others live in this process.
    #[error("fault kill: this stack shares its process; one that runs as `spatialcloud up` can be killed")]
    SharedProcess,
}

fn known() -> String {
    FAULTS.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ")
}

/// An armed fault, for people.
#[derive(Clone, Debug, Serialize)]
pub struct ArmedFault {
    /// Its number.
    pub id: u64,
    /// As it was armed.
    #[serde(flatten)]
    pub spec: FaultSpec,
    /// How often it came into question.
    pub asked: u32,
    /// How often it struck.
    pub fired: u32,
}

struct Armed {
    shown: ArmedFault,
    kind: &'static FaultKind,
    random: u64,
    /// Bytes written so far, for a disk that fills up.
    written_bytes: u64,
    /// The request that ends it has come.
    is_over: bool,
    since: SystemTime,
}

/// What faults may ask of the layers above the endpoint.
#[async_trait]
pub trait Effects: Send + Sync {
    /// Runs a mover to its end.
    async fn run_mover(&self, mover: &str);
    /// Moves simulated time on.
    async fn advance_clock(&self, by: &str);
    /// Ends the process at once: nothing is put away.
    fn kill_process(&self);
}

/// The faults that are armed.
#[derive(Clone)]
pub struct Faults(Arc<Inner>);

struct Inner {
    seed: u64,
    /// Whether nothing but the stack lives in this process.
    may_kill: bool,
    journal: Journal,
    /// Whether there are any: the only thing looked at where none is.
    any: AtomicBool,
    list: Mutex<(u64, Vec<Armed>)>,
    changed: watch::Sender<u64>,
}

impl Faults {
    /// None armed yet. With `may_kill` nothing but the stack lives in this process.
    pub fn new(seed: u64, journal: Journal, may_kill: bool) -> Faults {
        let (changed, _) = watch::channel(0);
        Faults(Arc::new(Inner {
            seed,
            may_kill,
            journal,
            any: AtomicBool::new(false),
            list: Mutex::default(),
            changed,
        }))
    }

    fn list(&self) -> MutexGuard<'_, (u64, Vec<Armed>)> {
        // Entries are changed in one step each: a panic elsewhere leaves them right.
        self.0.list.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn told(&self, count: usize) {
        self.0.any.store(count > 0, Ordering::Release);
        self.0.changed.send_modify(|version| *version += 1);
    }

    /// Arms a fault; answers its number.
    pub fn arm(&self, spec: FaultSpec) -> Result<u64, FaultError> {
        let kind = check(&spec)?;
        if kind.name == kill::KIND.name && !self.0.may_kill {
            return Err(FaultError::SharedProcess);
        }
        let mut list = self.list();
        list.0 += 1;
        let id = list.0;
        let specification = serde_json::to_value(&spec).unwrap_or_default();
        list.1.push(Armed {
            shown: ArmedFault { id, spec, asked: 0, fired: 0 },
            kind,
            random: self.0.seed.wrapping_add(id.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
            written_bytes: 0,
            is_over: false,
            since: SystemTime::now(),
        });
        let count = list.1.len();
        drop(list);
        self.told(count);
        self.0.journal.record(None, Fact::FaultArmed { id, fault: kind.name.to_owned(), specification });
        Ok(id)
    }

    /// Disarms one; false where there is none of that number.
    pub fn disarm(&self, id: u64) -> bool {
        self.disarm_where(|armed| armed.shown.id == id) > 0
    }

    /// Disarms all.
    pub fn clear(&self) {
        self.disarm_where(|_| true);
    }

    /// Disarms those that fit; answers how many.
    fn disarm_where(&self, fits: impl FnMut(&mut Armed) -> bool) -> usize {
        let mut list = self.list();
        let gone: Vec<Armed> = list.1.extract_if(.., fits).collect();
        let left = list.1.len();
        drop(list);
        self.told(left);
        for armed in &gone {
            let fault = armed.kind.name.to_owned();
            self.0.journal.record(None, Fact::FaultDisarmed { id: armed.shown.id, fault });
        }
        gone.len()
    }

    /// Every armed fault.
    pub fn armed(&self) -> Vec<ArmedFault> {
        self.list().1.iter().map(|armed| armed.shown.clone()).collect()
    }

    /// Whether any fault is armed; costs nothing.
    pub fn any(&self) -> bool {
        self.0.any.load(Ordering::Acquire)
    }

    /// Resolves when a fault is armed or disarmed.
    pub async fn changed(&self) {
        let mut changed = self.0.changed.subscribe();
        // An error means that this list is gone, and its faults with it.
        let _ = changed.changed().await;
    }

    /// Asks every fault; reports and answers the verdicts of those that strike.
    pub fn ask(&self, question: &Question<'_>) -> Vec<Verdict> {
        if !self.any() {
            return Vec::new();
        }
        let mut struck = Vec::new();
        for armed in &mut self.list().1 {
            if !armed.strikes(question) {
                continue;
            }
            // Checked when it was armed.
            let Ok(verdict) = (armed.kind.verdict)(&armed.shown.spec) else { continue };
            let verdict = match verdict {
                Verdict::HideNewerThan(_) => Verdict::HideNewerThan(armed.since),
                other => other,
            };
            struck.push((armed.kind.name, armed.shown.fired, verdict));
        }
        struck
            .into_iter()
            .map(|(name, fired, verdict)| {
                // A line that is slow is slow at every packet: told once.
                if question.point != Point::Link || fired == 1 {
                    self.0.journal.record(
                        question.site,
                        Fact::FaultFired {
                            session: question.session,
                            fault: name.to_owned(),
                            operation: question.operation.to_owned(),
                            path: question.path.to_owned(),
                        },
                    );
                }
                verdict
            })
            .collect()
    }
}

impl Armed {
    fn strikes(&mut self, question: &Question<'_>) -> bool {
        let spec = &self.shown.spec;
        if spec.site.as_deref().is_some_and(|site| Some(site) != question.site)
            || spec.session.is_some_and(|session| session != question.session)
            || spec.path.as_deref().is_some_and(|path| !pattern::fits(path, question.path))
        {
            return false;
        }
        self.is_over |= question.point == Point::Request
            && self.shown.fired > 0
            && spec.until.as_deref() == Some(question.operation);
        let at = spec.at.as_deref().or(self.kind.default_operation());
        if self.is_over || self.kind.point != question.point || at.is_some_and(|at| at != question.operation)
        {
            return false;
        }
        if let Some(space_bytes) = spec.space_bytes {
            let (from, to) = question.range.unwrap_or_default();
            if self.written_bytes + (to - from) <= space_bytes {
                self.written_bytes += to - from;
                return false;
            }
        }
        if let Some(offset) = spec.offset_bytes
            && question.range.is_none_or(|(_, end)| end <= offset)
        {
            return false;
        }
        self.shown.asked += 1;
        if self.shown.asked <= spec.skip || spec.times.is_some_and(|times| self.shown.fired >= times) {
            return false;
        }
        if let Some(probability) = spec.probability {
            // SplitMix64: the same numbers on every machine and in every release.
            self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut mixed = self.random;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            let drawn = ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
            if drawn >= probability {
                return false;
            }
        }
        self.shown.fired += 1;
        true
    }
}

impl FaultKind {
    /// The request it waits for, where the fault does not say.
    fn default_operation(&self) -> Option<&'static str> {
        match self.name {
            "disk-full" => Some("write"),
            "stale-listing" => Some("opendir"),
            _ => None,
        }
    }
}

/// What a fault is, if it can be armed.
pub fn check(spec: &FaultSpec) -> Result<&'static FaultKind, FaultError> {
    let Some(kind) = FAULTS.iter().find(|kind| kind.name == spec.fault) else {
        return Err(FaultError::Unknown { found: spec.fault.clone() });
    };
    check_parameters(kind, spec)
        .map_err(|reason| FaultError::Parameters { name: kind.name.to_owned(), reason })?;
    Ok(kind)
}

fn check_parameters(kind: &FaultKind, spec: &FaultSpec) -> Result<(), String> {
    if spec.at.is_some() && !matches!(kind.point, Point::Request | Point::Reply) {
        return Err("`at` has no meaning here: it does not wait for a request".to_owned());
    }
    for (name, value) in [("at", &spec.at), ("until", &spec.until)] {
        if let Some(value) = value.as_ref().filter(|value| !OPERATIONS.contains(&value.as_str())) {
            let known = OPERATIONS.join(", ");
            return Err(format!("{name}: {value:?} is not a request: expected one of {known}"));
        }
    }
    if spec.probability.is_some_and(|probability| !(0.0..=1.0).contains(&probability)) {
        return Err("probability: expected a number from 0 to 1".to_owned());
    }
    (kind.verdict)(spec).map(|_| ())
}

/// A parameter that must be there.
fn needed<T: Clone>(value: &Option<T>, name: &str) -> Result<T, String> {
    value.clone().ok_or_else(|| format!("`{name}` is missing"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::clock::Clock;
    use crate::config::Pace;
    use jiff::tz::TimeZone;

    fn faults() -> Faults {
        let clock = Clock::new(jiff::Timestamp::UNIX_EPOCH, Pace::Manual, TimeZone::UTC);
        Faults::new(7, Journal::new(clock, None).unwrap(), true)
    }

    fn write_at(path: &'static str, from: u64, to: u64) -> Question<'static> {
        Question {
            point: Point::Request,
            site: Some("CITY"),
            session: 1,
            operation: "write",
            path,
            range: Some((from, to)),
        }
    }

    fn spec(text: &str) -> FaultSpec {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn every_example_can_be_armed() {
        for kind in FAULTS {
            let value: serde_json::Value = serde_json::from_str(kind.example).unwrap();
            let armed = faults().arm(serde_json::from_value(value).unwrap());
            assert_eq!(armed, Ok(1), "{}", kind.name);
        }
    }

    #[test]
    fn every_parameter_stands_in_the_table_or_in_an_example() {
        let value = serde_json::to_value(FaultSpec::default()).unwrap();
        for key in value.as_object().unwrap().keys() {
            let is_listed = PARAMETERS.iter().any(|(name, _)| name == key);
            let is_shown = FAULTS.iter().any(|kind| kind.example.contains(&format!("\"{key}\"")));
            assert!(is_listed || is_shown, "{key} is nowhere explained");
        }
    }

    #[test]
    fn an_offset_is_met_by_the_write_that_covers_it() {
        let faults = faults();
        faults.arm(spec(r#"{"fault":"status","at":"write","status":14,"offset-bytes":100}"#)).unwrap();
        assert_eq!(faults.ask(&write_at("Spatial/a", 0, 100)), []);
        assert_eq!(faults.ask(&write_at("Spatial/a", 100, 200)), [Verdict::Status(14)]);
    }

    #[test]
    fn skip_times_and_path_are_kept() {
        let faults = faults();
        let text = r#"{"fault":"status","at":"write","status":4,"path":"Spatial/*","skip":1,"times":1}"#;
        faults.arm(spec(text)).unwrap();
        let struck: Vec<bool> = ["Web/a", "Spatial/a", "Spatial/a", "Spatial/a"]
            .map(|path| !faults.ask(&write_at(path, 0, 1)).is_empty())
            .to_vec();
        assert_eq!(struck, [false, false, true, false]);
    }

    #[test]
    fn what_lasts_until_a_request_ends_with_it() {
        let faults = faults();
        faults.arm(spec(r#"{"fault":"status","at":"write","status":4,"until":"close"}"#)).unwrap();
        let close = Question { operation: "close", range: None, ..write_at("Spatial/a", 0, 1) };
        let fails = |question: &Question<'_>| !faults.ask(question).is_empty();
        // A request of that kind before it has struck means nothing.
        let asked = [close, write_at("Spatial/a", 0, 1), write_at("Spatial/a", 1, 2), close];
        assert_eq!(asked.map(|question| fails(&question)), [false, true, true, false]);
        assert!(!fails(&write_at("Spatial/a", 0, 1)));
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let draw = || {
            let faults = faults();
            faults.arm(spec(r#"{"fault":"cut","at":"write","probability":0.3}"#)).unwrap();
            (0..200).map(|i| !faults.ask(&write_at("Spatial/a", i, i + 1)).is_empty()).collect::<Vec<_>>()
        };
        assert_eq!(draw(), draw());
        let struck = draw().iter().filter(|struck| **struck).count();
        assert!((30..90).contains(&struck), "{struck} of 200");
    }

    #[test]
    fn a_disk_takes_what_fits_and_no_more() {
        let faults = faults();
        faults.arm(spec(r#"{"fault":"disk-full","space-bytes":150}"#)).unwrap();
        assert_eq!(faults.ask(&write_at("Spatial/a", 0, 100)), []);
        assert_eq!(faults.ask(&write_at("Spatial/a", 100, 200)), [Verdict::Status(4)]);
        assert_eq!(faults.ask(&write_at("Spatial/a", 100, 150)), []);
    }

    #[test]
    fn a_shared_process_is_not_killed() {
        let journal = faults().0.journal.clone();
        let armed = Faults::new(7, journal, false).arm(spec(r#"{"fault":"kill","at":"close"}"#));
        assert_eq!(armed, Err(FaultError::SharedProcess));
    }

    #[test]
    fn what_cannot_be_armed_is_told() {
        let wrong = |text| faults().arm(spec(text)).unwrap_err().to_string();
        assert!(wrong(r#"{"fault":"cuts"}"#).contains("expected one of refuse-login"));
        assert!(wrong(r#"{"fault":"status","at":"write"}"#).contains("`status` is missing"));
        assert!(wrong(r#"{"fault":"cut","at":"writes"}"#).contains("is not a request"));
        let text = r#"{"fault":"cut","at":"write","until":"closed"}"#;
        assert!(wrong(text).contains("until: \"closed\" is not a request"));
    }
}
