//! Keeps a slow disk from holding up other sessions: what takes long is done where nobody else waits for it.
//!
//! Operations on files block. On a fast disk they take microseconds, and handing each to another thread would cost
//! more than it does; so a session is watched, and stands aside only once its disk has shown that it is slow.

use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};

use crate::clock::Clock;

/// Far longer than a thread hop, and than what a busy machine keeps a thread waiting for.
const SLOW: Duration = Duration::from_millis(10);
/// The typical time of an operation follows this many.
const MEMORY: u32 = 8;

/// How long the operations of a session take.
#[derive(Default)]
pub struct DiskPace {
    typical: Duration,
}

impl DiskPace {
    /// Does it here, or, where operations have been slow, with the other sessions of this thread moved to another.
    pub fn perform<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let since = Clock::stopwatch();
        let done =
            if self.is_slow() && has_other_threads() { tokio::task::block_in_place(work) } else { work() };
        self.took(since.elapsed());
        done
    }

    fn is_slow(&self) -> bool {
        self.typical >= SLOW
    }

    fn took(&mut self, time: Duration) {
        self.typical = (self.typical * (MEMORY - 1) + time) / MEMORY;
    }
}

/// A runtime of one thread has nowhere to move the others to.
fn has_other_threads() -> bool {
    Handle::try_current().is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn one_slow_operation_is_forgiven_and_a_slow_disk_is_seen_and_forgotten() {
        let mut pace = DiskPace::default();
        pace.took(SLOW * 7);
        assert!(!pace.is_slow(), "one hiccup");
        pace.took(SLOW * 7);
        assert!(pace.is_slow(), "two of two");
        for _ in 0..100 {
            pace.took(Duration::from_micros(10));
        }
        assert!(!pace.is_slow(), "the disk is fast again");
    }

    /// With one worker thread, a session that blocks for an event of another would wait for ever if it did not stand
    /// aside.
    #[test]
    fn a_slow_session_does_not_hold_up_the_others() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let (told, hears) = std::sync::mpsc::channel();
        let slow = runtime.spawn(async move {
            let mut pace = DiskPace { typical: SLOW };
            let other = tokio::spawn(async move { told.send("the other session went on").unwrap() });
            let heard = pace.perform(|| hears.recv().unwrap());
            other.await.unwrap();
            heard
        });
        assert_eq!(runtime.block_on(slow).unwrap(), "the other session went on");
    }

    #[test]
    fn without_other_threads_it_is_done_here() {
        let mut pace = DiskPace { typical: SLOW };
        assert_eq!(pace.perform(|| 7), 7);
    }
}
