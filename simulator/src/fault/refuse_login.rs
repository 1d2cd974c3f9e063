//! `refuse-login`: a key that is right is refused as if it were wrong.

use super::{FaultKind, Point, Verdict};

pub(super) const KIND: FaultKind = FaultKind {
    name: "refuse-login",
    sentence: "A key that is right is refused as if it were wrong.",
    example: r#"{"fault":"refuse-login","site":"CITY","times":1}"#,
    point: Point::Login,
    verdict: |_| Ok(Verdict::RefuseLogin),
};
