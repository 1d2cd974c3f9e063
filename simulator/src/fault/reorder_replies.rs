//! `reorder-replies`: acknowledgements of requests in flight are held back and come last to first.

use super::{FaultKind, Point, Verdict};

pub(super) const KIND: FaultKind = FaultKind {
    name: "reorder-replies",
    sentence: "Acknowledgements of requests in flight are held back and come last to first.",
    example: r#"{"fault":"reorder-replies"}"#,
    point: Point::Session,
    verdict: |_| Ok(Verdict::Reorder),
};
