//! What a server says beside its results. tiberius hands on the first error of a batch, and tells everything else,
//! such as "10 percent processed.", to `tracing` alone: it is heard there.

use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::answer::{Item, ServerError};

/// Where tiberius reads what servers send.
const SOURCE: &str = "tiberius::tds::stream::token";
/// What it tells there that no server has said: changes of the session's state.
const OWN_WORDS: [&str; 8] = [
    "Database change from ",
    "Packet size change from ",
    "SQL collation change",
    "Begin transaction",
    "Commit transaction",
    "Rollback transaction",
    "Ignored env change",
    "FeatureExtAck with ",
];

/// Keeps what was said until it is taken.
#[derive(Clone, Default)]
pub(crate) struct Told(Arc<Mutex<Vec<Item>>>);

impl Told {
    /// What was said since it was last asked.
    pub(crate) fn take(&self) -> Vec<Item> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Subscriber for Told {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // What it traces of each row costs more than the row.
        metadata.is_event() && metadata.target() == SOURCE && *metadata.level() <= Level::DEBUG
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::DEBUG)
    }

    fn event(&self, event: &Event<'_>) {
        let mut words = Words::default();
        event.record(&mut words);
        let item = match words.number {
            Some(number) => {
                let number = u32::try_from(number).unwrap_or(u32::MAX);
                Item::Error(ServerError { number, class: None, state: None, line: None, message: words.text })
            }
            None if OWN_WORDS.iter().any(|own| words.text.starts_with(own)) => return,
            None => Item::Message(words.text),
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(item);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Words {
    text: String,
    number: Option<u64>,
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.text, "{value:?}");
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "code" {
            self.number = Some(value);
        }
    }
}
