//! `kill`: the stack's process is killed at a request, or at a byte of a file.

use super::{FaultKind, Point, Verdict, needed};

pub(super) const KIND: FaultKind = FaultKind {
    name: "kill",
    sentence: "The stack is killed before a request is done; only one that runs as `spatialcloud up`.",
    example: r#"{"fault":"kill","at":"write","offset-bytes":1048576,"times":1}"#,
    point: Point::Request,
    verdict: |spec| needed(&spec.at, "at").map(|_| Verdict::Kill),
};
