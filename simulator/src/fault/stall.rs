//! `stall`: nothing is said any more, until the fault is disarmed or the client has gone.

use super::{FaultKind, Point, Verdict};

pub(super) const KIND: FaultKind = FaultKind {
    name: "stall",
    sentence: "Nothing is said any more, until the fault is disarmed or the client has gone.",
    example: r#"{"fault":"stall","at":"close","times":1}"#,
    point: Point::Request,
    verdict: |_| Ok(Verdict::Stall),
};
