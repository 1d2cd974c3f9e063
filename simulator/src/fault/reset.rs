//! `reset`: the connection is reset, at a request or at a byte of a file.

use super::{FaultKind, Point, Verdict};

pub(super) const KIND: FaultKind = FaultKind {
    name: "reset",
    sentence: "The connection is reset, at a request or at a byte of a file.",
    example: r#"{"fault":"reset","at":"write","offset-bytes":1048576,"times":1}"#,
    point: Point::Request,
    verdict: |_| Ok(Verdict::Reset),
};
