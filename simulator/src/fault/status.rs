//! `status`: a request is answered with that status, and not done.

use super::{FaultKind, Point, Verdict, needed};

pub(super) const KIND: FaultKind = FaultKind {
    name: "status",
    sentence: "A request is answered with that status, and not done.",
    example: r#"{"fault":"status","at":"write","offset-bytes":1048576,"status":14,"times":1}"#,
    point: Point::Request,
    verdict: |spec| {
        needed(&spec.at, "at")?;
        match needed(&spec.status, "status")? {
            0 => Err("status 0 is success: nothing would fail".to_owned()),
            status => Ok(Verdict::Status(status)),
        }
    },
};
