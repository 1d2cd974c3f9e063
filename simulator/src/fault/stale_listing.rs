//! `stale-listing`: listings leave out what is newer than the fault.

use std::time::SystemTime;

use super::{FaultKind, Point, Verdict};

pub(super) const KIND: FaultKind = FaultKind {
    name: "stale-listing",
    sentence: "Listings leave out what is newer than the fault.",
    example: r#"{"fault":"stale-listing"}"#,
    point: Point::Request,
    verdict: |_| Ok(Verdict::HideNewerThan(SystemTime::UNIX_EPOCH)),
};
