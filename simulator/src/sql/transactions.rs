//! Open transactions: how deep they nest, and what they have changed that nobody else sees yet.

use std::collections::BTreeMap;

use spatialcloud_tds::EnvironmentChange;

use super::Halt;
use super::backend::Answer;
use super::instance::Changes;

/// The transactions of a session.
#[derive(Default)]
pub struct Transactions {
    /// How deep they nest; 0: none.
    pub depth: u32,
    /// The number of the one that is open, or was last.
    number: u64,
    /// What they have changed.
    pub changes: Changes,
    /// What they had changed at each savepoint.
    savepoints: BTreeMap<String, Changes>,
}

/// Savepoints of one transaction, at most.
const MOST_SAVEPOINTS: usize = 1000;

impl Transactions {
    /// One more.
    pub fn begin(&mut self, answer: &mut Answer<'_>) {
        self.depth = self.depth.saturating_add(1);
        if self.depth == 1 {
            self.number += 1;
            answer.environment(&EnvironmentChange::TransactionBegun(self.number));
        }
        answer.in_transaction = true;
    }

    /// One less. Before the last, whoever has the tables makes the changes what all see.
    pub fn commit(&mut self, _name: &str, answer: &mut Answer<'_>) -> Result<(), Halt> {
        if self.depth == 0 {
            let words = "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.";
            return Err(Halt::error(3902, words));
        }
        self.depth -= 1;
        if self.depth == 0 {
            self.end();
            answer.environment(&EnvironmentChange::TransactionCommitted(self.number));
        }
        answer.in_transaction = self.depth > 0;
        Ok(())
    }

    /// None any more, or back to a savepoint.
    pub fn roll_back(&mut self, name: &str, answer: &mut Answer<'_>) -> Result<(), Halt> {
        if self.depth == 0 {
            let words = "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.";
            return Err(Halt::error(3903, words));
        }
        if let Some(changes) = self.savepoints.get(name) {
            self.changes = changes.clone();
            return Ok(());
        }
        self.end();
        answer.environment(&EnvironmentChange::TransactionRolledBack(self.number));
        answer.in_transaction = false;
        Ok(())
    }

    /// A place to come back to.
    pub fn save(&mut self, name: &str) -> Result<(), Halt> {
        if self.depth == 0 {
            return Err(Halt::error(
                628,
                "Cannot issue SAVE TRANSACTION when there is no active transaction.",
            ));
        }
        if self.savepoints.len() == MOST_SAVEPOINTS {
            return Err(super::error::unsupported(format_args!("more than {MOST_SAVEPOINTS} savepoints")));
        }
        self.savepoints.insert(name.to_owned(), self.changes.clone());
        Ok(())
    }

    /// As if there had never been one.
    pub fn end(&mut self) {
        self.depth = 0;
        self.savepoints.clear();
        self.changes.clear();
    }
}
