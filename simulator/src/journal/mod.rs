//! Everything that happened, in order, in simulated time; and waiting for it to happen.

mod event;
mod totals;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::ZonedDateTime;
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use crate::clock::Clock;
pub use event::{Fact, KindDoc};
pub use totals::Totals;

/// Events kept in memory; older ones go first. At some 500 bytes each: 100 MiB.
const KEPT_EVENTS: usize = 200_000;

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Event {
    /// 1, 2, 3 … in the order of recording.
    pub sequence: u64,
    /// Simulated time, by the vendor's clock.
    pub time: ZonedDateTime,
    /// The site concerned, if one is.
    pub site: Option<String>,
    /// What happened.
    pub fact: Fact,
}

impl Event {
    /// The dotted name of its kind.
    pub fn kind(&self) -> &'static str {
        self.fact.kind()
    }

    /// The event as the API shows it: `sequence`, `time`, `event`, `site`, its fields, `volatile`.
    pub fn to_json(&self) -> Value {
        let mut object = Map::new();
        object.insert("sequence".to_owned(), json!(self.sequence));
        object.insert("time".to_owned(), json!(self.time.to_string()));
        object.insert("event".to_owned(), json!(self.kind()));
        if let Some(site) = &self.site {
            object.insert("site".to_owned(), json!(site));
        }
        self.fact.fill(&mut object);
        Value::Object(object)
    }
}

/// Which events are meant. Empty: all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Only events with a higher sequence number.
    pub after: u64,
    /// The dotted name of a kind; a trailing `*` stands for anything.
    pub kind: Option<String>,
    /// A site's code.
    pub site: Option<String>,
    /// Fields and the values they must have, compared as text; volatile ones included.
    pub fields: BTreeMap<String, Value>,
    /// Words that some field must contain.
    pub says: Option<String>,
}

impl Filter {
    /// Whether the event is meant.
    pub fn matches(&self, event: &Event) -> bool {
        event.sequence > self.after
            && self.kind.as_deref().is_none_or(|kind| match kind.strip_suffix('*') {
                Some(prefix) => event.kind().starts_with(prefix),
                None => event.kind() == kind,
            })
            && self.site.as_ref().is_none_or(|site| event.site.as_ref() == Some(site))
            && (self.fields.is_empty() || self.fields_match(&event.to_json()))
            && self.says.as_ref().is_none_or(|text| says(&event.to_json(), text))
    }

    fn fields_match(&self, event: &Value) -> bool {
        self.fields.iter().all(|(name, wanted)| {
            let found = event.get(name).or_else(|| event.get("volatile").and_then(|v| v.get(name)));
            // Query strings know no types: 3 and "3" are the same there.
            found.is_some_and(|found| found == wanted || as_text(found) == as_text(wanted))
        })
    }
}

fn says(value: &Value, text: &str) -> bool {
    match value {
        Value::String(found) => found.contains(text),
        Value::Array(items) => items.iter().any(|item| says(item, text)),
        Value::Object(fields) => fields.values().any(|field| says(field, text)),
        _ => false,
    }
}

fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(as_text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// The journal of one stack. Clones share it.
#[derive(Clone)]
pub struct Journal {
    clock: Clock,
    state: Arc<Mutex<State>>,
    last: Arc<watch::Sender<u64>>,
}

struct State {
    events: std::collections::VecDeque<Arc<Event>>,
    sequence: u64,
    totals: Totals,
    lines: Option<File>,
}

/// The part of the journal behind some event.
#[derive(Clone, Debug, Default)]
pub struct Tail {
    /// First and last number of events that are no longer kept.
    pub missed: Option<(u64, u64)>,
    /// The events, oldest first.
    pub events: Vec<Arc<Event>>,
}

impl Journal {
    /// An empty journal; with `json_lines`, every event is appended to that file too.
    pub fn new(clock: Clock, json_lines: Option<&Path>) -> io::Result<Journal> {
        let lines = match json_lines {
            Some(path) => Some(File::options().create(true).append(true).open(path)?),
            None => None,
        };
        let state = State {
            events: std::collections::VecDeque::new(),
            sequence: 0,
            totals: Totals::default(),
            lines,
        };
        Ok(Journal { clock, state: Arc::new(Mutex::new(state)), last: Arc::new(watch::channel(0).0) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // An event is pushed in one step: a panic elsewhere leaves the list whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records what happened, now.
    pub fn record(&self, site: Option<&str>, fact: Fact) {
        let mut state = self.state();
        state.sequence += 1;
        let sequence = state.sequence;
        let event = Event { sequence, time: self.clock.zoned(), site: site.map(str::to_owned), fact };
        if let Some(lines) = &mut state.lines {
            // A full disk must not stop the cloud; the events in memory stay complete.
            let _ = writeln!(lines, "{}", event.to_json());
        }
        state.totals.count(&event.fact);
        if state.events.len() == KEPT_EVENTS {
            state.events.pop_front();
        }
        state.events.push_back(Arc::new(event));
        drop(state);
        self.last.send_replace(sequence);
    }

    /// The events that match, oldest first.
    pub fn events(&self, filter: &Filter) -> Vec<Arc<Event>> {
        self.state().events.iter().filter(|event| filter.matches(event)).cloned().collect()
    }

    /// The highest sequence number given so far.
    pub fn last_sequence(&self) -> u64 {
        self.state().sequence
    }

    /// Sums over everything recorded so far.
    pub fn totals(&self) -> Totals {
        self.state().totals.clone()
    }

    /// At most `limit` events after number `after`, whatever they are; waits for one where there is none.
    ///
    /// The journal itself is the queue of whoever follows it: nothing is held for a slow reader, and what is no
    /// longer kept when the reader comes is named in [`Tail::missed`].
    pub async fn tail(&self, after: u64, limit: usize) -> Tail {
        let mut last = self.last.subscribe();
        // The sender lives in `self`: this cannot fail.
        let _ = last.wait_for(|sequence| *sequence > after).await;
        let state = self.state();
        let start = state.events.partition_point(|event| event.sequence <= after);
        let events: Vec<_> = state.events.iter().skip(start).take(limit).cloned().collect();
        let first = events.first().map_or(state.sequence + 1, |event| event.sequence);
        Tail { missed: (first > after + 1).then(|| (after + 1, first - 1)), events }
    }

    /// Forgets all events; sequence numbers go on.
    pub fn clear(&self) {
        self.state().events.clear();
    }

    /// The first event that matches: one that has happened already, or the next to come.
    pub async fn wait_for(&self, filter: &Filter) -> Arc<Event> {
        let mut last = self.last.subscribe();
        let mut filter = filter.clone();
        loop {
            let seen = self.last_sequence();
            if let Some(event) = self.state().events.iter().find(|event| filter.matches(event)) {
                return event.clone();
            }
            filter.after = filter.after.max(seen);
            // The sender lives in `self`: this cannot fail.
            let _ = last.wait_for(|sequence| *sequence > seen).await;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::Pace;
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    fn journal() -> Journal {
        Journal::new(Clock::new(Timestamp::UNIX_EPOCH, Pace::Manual, TimeZone::UTC), None).unwrap()
    }

    fn moved(path: &str) -> Fact {
        Fact::FileMoved { mover: "nightly".into(), path: path.into(), size_bytes: 3, replaced: false }
    }

    #[test]
    fn filters_by_kind_site_and_field() {
        let journal = journal();
        journal.record(Some("CITY"), moved("Database/a"));
        journal.record(Some("TOWN"), moved("Database/b"));
        journal.record(None, Fact::ConnectionOpened { session: 1, address: "127.0.0.1".into(), port: 5 });
        let count = |filter: Filter| journal.events(&filter).len();
        assert_eq!(count(Filter::default()), 3);
        assert_eq!(count(Filter { kind: Some("file.*".into()), ..Filter::default() }), 2);
        assert_eq!(count(Filter { site: Some("TOWN".into()), ..Filter::default() }), 1);
        assert_eq!(
            count(Filter { fields: [("size_bytes".into(), json!("3"))].into(), ..Filter::default() }),
            2
        );
        assert_eq!(count(Filter { fields: [("port".into(), json!(5))].into(), ..Filter::default() }), 1);
        assert_eq!(count(Filter { after: 3, ..Filter::default() }), 0);
    }

    #[tokio::test]
    async fn waiting_sees_past_and_coming_events() {
        let journal = journal();
        let filter = Filter { kind: Some("file.moved".into()), ..Filter::default() };
        let waiting = tokio::spawn({
            let (journal, filter) = (journal.clone(), filter.clone());
            async move { journal.wait_for(&filter).await.sequence }
        });
        journal.record(None, Fact::StackStarted {});
        journal.record(Some("CITY"), moved("Database/a"));
        assert_eq!(waiting.await.unwrap(), 2);
        assert_eq!(journal.wait_for(&filter).await.sequence, 2);
    }

    #[tokio::test]
    async fn the_tail_is_bounded_goes_on_and_names_what_is_gone() {
        let journal = journal();
        let numbers = |tail: &Tail| tail.events.iter().map(|event| event.sequence).collect::<Vec<_>>();
        for _ in 0..5 {
            journal.record(None, Fact::StackStarted {});
        }
        let first = journal.tail(0, 3).await;
        assert_eq!((first.missed, numbers(&first)), (None, vec![1, 2, 3]));
        let second = journal.tail(3, 3).await;
        assert_eq!((second.missed, numbers(&second)), (None, vec![4, 5]));
        journal.clear();
        let gone = journal.tail(3, 3).await;
        assert_eq!((gone.missed, numbers(&gone)), (Some((4, 5)), vec![]));
        let waiting = tokio::spawn({
            let journal = journal.clone();
            async move { journal.tail(3, 3).await }
        });
        journal.record(None, Fact::StackStarted {});
        let woken = waiting.await.unwrap();
        assert_eq!(woken.missed, Some((4, 5)));
        assert_eq!(numbers(&journal.tail(5, 3).await), [6]);
    }

    #[test]
    fn totals_outlive_the_events() {
        let journal = journal();
        journal.record(Some("CITY"), moved("Database/a"));
        journal.record(None, Fact::MoverFinished { mover: "nightly".into(), moved: 1, left: 0, failed: 0 });
        journal.clear();
        let totals = journal.totals();
        assert_eq!((totals.of("file.moved"), totals.moved_bytes), (1, 3));
        assert_eq!(totals.mover_runs.get("nightly"), Some(&1));
    }

    #[test]
    fn every_kind_has_a_sentence_and_a_name_of_its_own() {
        let mut names: Vec<_> = Fact::KINDS.iter().map(|kind| kind.name).collect();
        assert!(Fact::KINDS.iter().all(|kind| kind.sentence.ends_with('.')));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Fact::KINDS.len());
    }
}
