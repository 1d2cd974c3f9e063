//! `jump-clock`: simulated time moves on after a request was done and before its reply leaves.

use jiff::Span;

use super::{FaultKind, Point, Verdict, needed};

pub(super) const KIND: FaultKind = FaultKind {
    name: "jump-clock",
    sentence: "Simulated time moves on after a request was done; runs that fall due happen.",
    example: r#"{"fault":"jump-clock","by":"5m","at":"close","times":1}"#,
    point: Point::Reply,
    verdict: |spec| {
        needed(&spec.at, "at")?;
        let by = needed(&spec.by, "by")?;
        by.parse::<Span>().map_err(|_| format!("by: {by:?} is not a span such as 5m"))?;
        Ok(Verdict::AdvanceClock(by))
    },
};
