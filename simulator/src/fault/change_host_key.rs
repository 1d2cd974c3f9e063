//! `change-host-key`: another host key is shown, as after a move to a new machine or by somebody in between.

use super::{FaultKind, Point, Verdict};

pub(super) const KIND: FaultKind = FaultKind {
    name: "change-host-key",
    sentence: "Another host key is shown, as after a move to a new machine or by somebody in between.",
    example: r#"{"fault":"change-host-key"}"#,
    point: Point::Connection,
    verdict: |_| Ok(Verdict::OtherHostKey),
};
