//! Who is in which database.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The sessions of an instance.
#[derive(Default)]
pub struct Sessions(Mutex<BTreeMap<u16, InUse>>);

struct InUse {
    database: String,
    /// Its connection is to end with its next request.
    is_ended: bool,
}

impl Sessions {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u16, InUse>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A session is in a database now.
    pub fn enter(&self, session: u16, database: &str) {
        let mut sessions = self.lock();
        let is_ended = sessions.get(&session).is_some_and(|known| known.is_ended);
        sessions.insert(session, InUse { database: database.to_owned(), is_ended });
    }

    /// A session has gone.
    pub fn leave(&self, session: u16) {
        self.lock().remove(&session);
    }

    /// Whether others than `session` are in a database.
    pub fn others(&self, session: u16, database: &str) -> bool {
        let sessions = self.lock();
        let mut others = sessions.iter().filter(|(number, _)| **number != session);
        others.any(|(_, known)| !known.is_ended && known.database.eq_ignore_ascii_case(database))
    }

    /// Ends the others in a database: each with its next request.
    pub fn end_others(&self, session: u16, database: &str) {
        for (number, known) in self.lock().iter_mut() {
            known.is_ended |= *number != session && known.database.eq_ignore_ascii_case(database);
        }
    }

    /// Whether a session was ended by another.
    pub fn is_ended(&self, session: u16) -> bool {
        self.lock().get(&session).is_some_and(|known| known.is_ended)
    }
}
