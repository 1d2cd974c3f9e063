//! Sites: who they are, what they may do, and the files they see.

pub mod address;
pub mod area;
#[cfg(test)]
mod area_tests;
pub mod key;
mod layout;
mod names;
pub mod open_file;
pub mod path;
mod registry;

pub use registry::{LoginRefusal, Site, SiteError, SiteState, Sites};
