//! The harness: drives real SFTP clients against a simulated Spatial Cloud and says what would go wrong.

pub mod api;
pub mod behaviours;
pub mod calibrate;
pub mod client;
pub mod contract;
pub mod difference;
pub mod engine;
pub mod hash;
pub mod keys;
pub mod load;
pub mod reference;
pub mod report;
pub mod runner;
pub mod scenario;
pub mod schema;
pub mod scope;
pub mod shard;
pub mod size;
pub mod stack;
pub mod step;
pub mod throughput;
pub mod trace;

pub use stack::Stack;

/// The examples of that page are compiled.
#[cfg(doctest)]
#[doc = include_str!("../../docs/testing.md")]
pub struct TestingPage;
