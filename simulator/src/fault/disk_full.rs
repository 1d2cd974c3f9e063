//! `disk-full`: writes fail once so many bytes were written; `status` chooses the answer, 4 where absent.

use super::{FaultKind, Point, Verdict, needed};

pub(super) const KIND: FaultKind = FaultKind {
    name: "disk-full",
    sentence: "Writes fail once so many bytes were written; `status` chooses the answer, 4 where absent.",
    example: r#"{"fault":"disk-full","space-bytes":1048576}"#,
    point: Point::Request,
    verdict: |spec| {
        needed(&spec.space_bytes, "space-bytes")?;
        // OpenSSH's server knows no better word for it than 4; the protocol's later versions have 14.
        Ok(Verdict::Status(spec.status.unwrap_or(4)))
    },
};
