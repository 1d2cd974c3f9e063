//! `/events/stream`: the journal as server-sent events, from wherever a reader left off.
//!
//! Each event is a message with its sequence number as `id`. Nothing is held for a reader who is slow: the journal
//! is the queue. A reader who falls behind what the journal keeps is disconnected with the reason, comes back with
//! `Last-Event-ID`, and is told what is missing.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Sse;
use axum::response::sse::{Event as Message, KeepAlive};
use futures_util::Stream;
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;

use super::State;
use super::error::{ApiError, Query};
use super::events::filter;
use crate::journal::{Event, Fact, Filter, Journal};

/// Readers at once; a browser holds one for each page, a script one for each follower.
pub const MOST_STREAMS: usize = 64;
/// Events taken from the journal at once: some 64 KiB of text.
const BATCH_EVENTS: usize = 128;
/// A comment is sent after so long without an event, so that proxies and readers know the line is up.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// One reader's place in the journal.
struct Reader {
    journal: Journal,
    filter: Filter,
    after: u64,
    /// Whether it has been given anything: a gap before that is told, a gap after it ends the stream.
    is_reading: bool,
    ready: VecDeque<Arc<Event>>,
    has_ended: bool,
    _permit: OwnedSemaphorePermit,
}

pub(super) async fn stream(
    Shared(state): Shared<State>,
    Query(mut query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Message, Infallible>>>, ApiError> {
    // A reader that comes back says where it was; that counts for more than where its address says it began.
    if let Some(last) = headers.get("last-event-id") {
        let last = last.to_str().ok().and_then(|text| text.parse::<u64>().ok()).ok_or_else(|| {
            ApiError::bad_request("Last-Event-ID: expected the sequence number of an event, such as 17")
        })?;
        query.insert("after".to_owned(), last.to_string());
    }
    let filter = filter(query)?;
    let permit = state.streams.clone().try_acquire_owned().map_err(|_| {
        ApiError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too-many-streams",
            format!("{MOST_STREAMS} readers follow the events already: close one first"),
        )
    })?;
    // A number that was never given comes from before a restart: the reader starts over.
    let after = if filter.after > state.journal.last_sequence() { 0 } else { filter.after };
    let reader = Reader {
        journal: state.journal.clone(),
        filter: Filter { after: 0, ..filter },
        after,
        is_reading: false,
        ready: VecDeque::new(),
        has_ended: false,
        _permit: permit,
    };
    let messages = futures_util::stream::unfold(reader, |mut reader| async move {
        reader.next().await.map(|message| (Ok(message), reader))
    });
    Ok(Sse::new(messages).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

impl Reader {
    /// The next message; `None` ends the stream.
    async fn next(&mut self) -> Option<Message> {
        loop {
            if self.has_ended {
                return None;
            }
            while let Some(event) = self.ready.pop_front() {
                self.after = event.sequence;
                // An orderly stop must not wait for readers.
                self.has_ended = matches!(event.fact, Fact::StackStopped {});
                if self.filter.matches(&event) {
                    return Some(message(&event));
                }
                if self.has_ended {
                    return None;
                }
            }
            let tail = self.journal.tail(self.after, BATCH_EVENTS).await;
            let was_reading = std::mem::replace(&mut self.is_reading, true);
            self.ready = tail.events.into();
            if let Some((first, last)) = tail.missed {
                self.has_ended = was_reading;
                self.after = last;
                return Some(gap(first, last, was_reading));
            }
        }
    }
}

fn message(event: &Event) -> Message {
    Message::default().id(event.sequence.to_string()).data(event.to_json().to_string())
}

/// Says which events are gone, and whether the stream ends with that.
fn gap(first: u64, last: u64, ends: bool) -> Message {
    let reason = if ends {
        "too slow: the journal no longer keeps the events that come next; connect again to go on after them"
    } else {
        "the journal no longer keeps these events"
    };
    let data: Value = json!({"first": first, "last": last, "reason": reason});
    let name = if ends { "stream.ended" } else { "stream.missed" };
    Message::default().event(name).data(data.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::clock::Clock;
    use crate::config::Pace;
    use jiff::{Timestamp, tz::TimeZone};
    use tokio::sync::Semaphore;

    fn reader(journal: &Journal, after: u64, filter: Filter) -> Reader {
        Reader {
            journal: journal.clone(),
            filter,
            after,
            is_reading: false,
            ready: VecDeque::new(),
            has_ended: false,
            _permit: Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap(),
        }
    }

    async fn text(reader: &mut Reader) -> String {
        format!("{:?}", reader.next().await)
    }

    #[tokio::test]
    async fn a_reader_goes_on_is_told_of_gaps_and_ends_with_the_stack() {
        let clock = Clock::new(Timestamp::UNIX_EPOCH, Pace::Manual, TimeZone::UTC);
        let journal = Journal::new(clock, None).unwrap();
        journal.record(Some("CITY"), Fact::SiteProvisioned {});
        journal.record(Some("TOWN"), Fact::SiteProvisioned {});
        let only_town = Filter { site: Some("TOWN".into()), ..Filter::default() };
        let mut town = reader(&journal, 0, only_town);
        assert!(text(&mut town).await.contains("TOWN"));

        let mut slow = reader(&journal, 0, Filter::default());
        assert!(text(&mut slow).await.contains("CITY"));
        assert!(text(&mut slow).await.contains("TOWN"));
        journal.record(None, Fact::SiteTested {});
        journal.clear();
        let ended = text(&mut slow).await;
        assert!(ended.contains("stream.ended") && ended.contains("too slow"), "{ended}");
        assert!(slow.next().await.is_none());

        let mut back = reader(&journal, 2, Filter::default());
        let missed = text(&mut back).await;
        assert!(missed.contains("stream.missed"), "{missed}");
        journal.record(None, Fact::StackStopped {});
        assert!(text(&mut back).await.contains("stack.stopped"));
        assert!(back.next().await.is_none());
    }
}
