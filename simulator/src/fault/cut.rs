//! `cut`: the connection ends, at a request or at a byte of a file.

use super::{FaultKind, Point, Verdict};

pub(super) const KIND: FaultKind = FaultKind {
    name: "cut",
    sentence: "The connection ends, at a request or at a byte of a file.",
    example: r#"{"fault":"cut","at":"write","offset-bytes":1048576,"times":1}"#,
    point: Point::Request,
    verdict: |_| Ok(Verdict::Cut),
};
