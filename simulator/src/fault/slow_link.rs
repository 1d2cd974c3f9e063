//! `slow-link`: what comes in is delivered later, and no faster than a rate.

use std::time::Duration;

use super::{FaultKind, Point, SlowLink, Verdict};

pub(super) const KIND: FaultKind = FaultKind {
    name: "slow-link",
    sentence: "The line has a round-trip time, varies by a jitter, or has a rate.",
    example: r#"{"fault":"slow-link","delay-ms":50,"jitter-ms":10,"bytes-per-second":1000000}"#,
    point: Point::Link,
    verdict: |spec| {
        let link = SlowLink {
            delay: Duration::from_millis(spec.delay_ms.unwrap_or(0)),
            jitter: Duration::from_millis(spec.jitter_ms.unwrap_or(0)),
            bytes_per_second: spec.bytes_per_second.unwrap_or(0),
        };
        if link.delay.is_zero() && link.jitter.is_zero() && link.bytes_per_second == 0 {
            return Err("expected at least one of `delay-ms`, `jitter-ms` and `bytes-per-second`".to_owned());
        }
        Ok(Verdict::SlowLink(link))
    },
};
