//! `run-mover`: a mover runs after a request was done and before its reply leaves.

use super::{FaultKind, Point, Verdict, needed};

pub(super) const KIND: FaultKind = FaultKind {
    name: "run-mover",
    sentence: "A mover runs after a request was done and before the client hears of it.",
    example: r#"{"fault":"run-mover","mover":"interval","at":"close","times":1}"#,
    point: Point::Reply,
    verdict: |spec| {
        needed(&spec.at, "at")?;
        match needed(&spec.mover, "mover")? {
            mover if ["interval", "nightly"].contains(&mover.as_str()) => Ok(Verdict::RunMover(mover)),
            other => Err(format!("mover {other:?} is not known: expected interval or nightly")),
        }
    },
};
