//! `slow-handshake`: the banner comes late.

use std::time::Duration;

use super::{FaultKind, Point, Verdict, needed};

pub(super) const KIND: FaultKind = FaultKind {
    name: "slow-handshake",
    sentence: "The banner comes late.",
    example: r#"{"fault":"slow-handshake","delay-ms":3000}"#,
    point: Point::Connection,
    verdict: |spec| Ok(Verdict::Wait(Duration::from_millis(needed(&spec.delay_ms, "delay-ms")?))),
};
