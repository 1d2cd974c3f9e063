//! From events to steps. Events are told in their order; a step that stands for several is told with the last of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::session::Sessions;
use super::{Step, Told};
use crate::journal::{Event, Fact};
use crate::mover::schedule::{Mover, Schedule};

/// What has been told so far.
pub(super) struct Replay<'e> {
    pub(super) events: &'e [Arc<Event>],
    pub(super) told: Told,
    schedule: &'e Schedule,
    /// When the replay begins, and how far its time has come.
    start: Timestamp,
    now: Timestamp,
    /// Runs that are told, or that happen in an advance that is told.
    runs: BTreeSet<(Mover, Timestamp)>,
    /// A run at which nothing happened: time must come to it before a client does more.
    quiet: Option<Timestamp>,
    /// What a run did, until the run itself is told.
    waiting: Vec<Step>,
    /// What can be looked at only when all is over.
    last: Vec<Step>,
    /// Numbers of the faults that are armed.
    armed: BTreeSet<u64>,
    /// Faults that run movers or move time have struck so often.
    runs_of_faults: u32,
}

/// Steps that do again what these events tell.
pub(super) fn replay(events: &[Arc<Event>], schedule: &Schedule) -> Told {
    let start = events.first().map_or(Timestamp::UNIX_EPOCH, |event| event.time.timestamp());
    let mut replay = Replay {
        events,
        told: Told::default(),
        schedule,
        start,
        now: start,
        runs: BTreeSet::new(),
        quiet: None,
        waiting: Vec::new(),
        last: Vec::new(),
        armed: BTreeSet::new(),
        runs_of_faults: 0,
    };
    let mut sessions = Sessions::default();
    sessions.before(&mut replay);
    for (index, event) in events.iter().enumerate() {
        if let Some(site) = &event.site {
            replay.told.sites.insert(site.clone(), ());
        }
        replay.stack_event(event);
        sessions.event(&mut replay, index, event);
    }
    let rest = std::mem::take(&mut replay.waiting).into_iter().chain(std::mem::take(&mut replay.last));
    let Told { steps, untold, .. } = &mut replay.told;
    steps.extend(rest);
    untold.dedup();
    // Without a site nobody is there to do anything.
    if replay.told.sites.is_empty() {
        replay.told.sites.insert("SITE".to_owned(), ());
    }
    replay.told
}

impl Replay<'_> {
    /// A step of a client: whatever time has passed without anything happening has to pass first.
    pub(super) fn client_step(&mut self, step: Step) {
        if let Some(quiet) = self.quiet.take()
            && quiet > self.now
        {
            self.advance(quiet);
        }
        self.told.steps.push(step);
    }

    /// An expectation of what a mover's run did: it is looked at when the run is told.
    pub(super) fn expect_of_run(&mut self, step: Step) {
        self.waiting.push(step);
    }

    /// The same of what follows a run: a load is told after the run that brought its backup.
    pub(super) fn expect_after_run(&mut self, step: Step) {
        match (self.waiting.is_empty(), self.last.is_empty()) {
            (true, true) => self.told.steps.push(step),
            (false, _) => self.waiting.push(step),
            (true, false) => self.last.push(step),
        }
    }

    pub(super) fn untold(&mut self, event: &Event, why: &str) {
        self.told.untold.push(format!("event {}, {}: {why}", event.sequence, event.kind()));
    }

    fn advance(&mut self, to: Timestamp) {
        let zone = self
            .events
            .first()
            .map(|event| event.time.time_zone().clone())
            .unwrap_or(jiff::tz::TimeZone::UTC);
        let name = zone.iana_name().unwrap_or("UTC").to_owned();
        let instant = to.to_zoned_datetime(zone);
        // The offset tells which of two equal times it is when clocks are put back.
        let text = format!("{}[{name}]", instant.strftime("%Y-%m-%dT%H:%M:%S%.f%:z"));
        self.told.steps.push(Step::new("advance").with("to", text));
        self.now = to;
    }

    /// What the stack does, and what is done to it.
    fn stack_event(&mut self, event: &Event) {
        match &event.fact {
            Fact::MoverFinished { mover, moved, left, failed } => {
                let at = event.time.timestamp();
                if let Some(mover) = Mover::named(mover) {
                    self.run(mover, at, moved + left + failed > 0 || !self.waiting.is_empty());
                }
            }
            Fact::ClockAdvanced { to, .. } => {
                let to =
                    to.parse::<jiff::ZonedDateTime>().map_or(event.time.timestamp(), |to| to.timestamp());
                if to > self.now && self.runs_of_faults == 0 {
                    self.quiet = None;
                    self.advance(to);
                }
                self.runs_of_faults = self.runs_of_faults.saturating_sub(1);
            }
            Fact::FaultArmed { id, specification, .. } => {
                self.armed.insert(*id);
                let mut step = Step::new("fault");
                for (name, value) in specification.as_object().into_iter().flatten() {
                    if name == "session" && !value.is_null() {
                        self.untold(event, "it is for one connection by its number; here it is for all");
                    } else if !value.is_null() && value != &Value::from(0) {
                        step = step.with(name, value.clone());
                    }
                }
                // The kind first, as people write it.
                step.fields.sort_by_key(|(name, _)| name != "fault");
                self.client_step(step);
            }
            Fact::FaultDisarmed { id, .. } => {
                self.armed.remove(id);
                let more = self.events.iter().any(|other| {
                    other.sequence == event.sequence + 1 && matches!(other.fact, Fact::FaultDisarmed { .. })
                });
                if self.armed.is_empty() {
                    self.client_step(Step::new("clear-faults"));
                } else if !more {
                    self.untold(event, "others stay armed, and a scenario can only disarm all");
                }
            }
            Fact::FaultFired { fault, .. } if ["run-mover", "jump-clock"].contains(&fault.as_str()) => {
                self.runs_of_faults += 1;
            }
            Fact::StackStarted {} if event.sequence > 1 && event.sequence > self.events[0].sequence => {
                self.client_step(Step::new("restart"));
            }
            _ => {}
        }
    }

    /// A run of a mover: one that time came to, or one out of turn.
    fn run(&mut self, mover: Mover, at: Timestamp, did_something: bool) {
        let due = self.schedule.last(mover, at);
        if self.runs_of_faults > 0 {
            // The fault does it again by itself; what it did shows when the client's step is over.
            self.runs_of_faults -= 1;
            let did = std::mem::take(&mut self.waiting);
            self.last.extend(did);
            return;
        }
        let is_first = due > self.start && !self.runs.contains(&(mover, due));
        if is_first && due > self.now && !did_something {
            self.quiet = Some(self.quiet.map_or(due, |quiet| quiet.max(due)));
            self.runs.insert((mover, due));
            return;
        }
        if is_first {
            self.runs.insert((mover, due));
            if due > self.now {
                self.quiet = None;
                self.advance(due);
            }
        } else {
            self.client_step(Step::new("run-mover").with("name", mover.name()));
        }
        let did = std::mem::take(&mut self.waiting);
        self.told.steps.extend(did);
    }
}

/// What of a site's files has which of the scenario's files in it.
pub(super) type Contents = BTreeMap<(String, String), String>;
