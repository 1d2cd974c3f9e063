//! A simulated Spatial Cloud in one process: SFTP endpoint, movers, clock, journal, control API, page.
//!
//! The modules form layers; each names only modules before it in this list.

pub mod clock;
pub mod config;
pub mod control;
pub mod dashboard;
pub mod endpoint;
pub mod fault;
pub mod journal;
pub mod mover;
pub mod pattern;
pub mod site;
pub mod sql;
pub mod stack;
pub mod warehouse;
