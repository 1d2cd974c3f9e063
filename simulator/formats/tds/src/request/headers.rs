//! ALL_HEADERS: what stands before a request (\[MS-TDS\] 2.2.5.3).

use crate::error::ProtocolError;
use crate::input::Input;
use crate::types::Guid;

/// Headers of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    /// The transaction it runs in, as BEGIN was answered; 0: none.
    pub transaction: u64,
    /// Requests that are still running on this connection, this one included; more than 1 only with MARS.
    pub outstanding: u32,
    /// Activity and sequence number, for those who trace.
    pub activity: Option<(Guid, u32)>,
}

/// Kinds of header.
mod kind {
    pub const QUERY_NOTIFICATIONS: u16 = 1;
    pub const TRANSACTION: u16 = 2;
    pub const TRACE: u16 = 3;
}

impl Headers {
    pub(crate) fn parse(input: &mut Input<'_>) -> Result<Headers, ProtocolError> {
        let total = input.length32("length of ALL_HEADERS")?;
        let Some(total) = total.checked_sub(4) else {
            return Err(input.wrong("length of ALL_HEADERS", "at least 4", total, 4));
        };
        let mut inner = Input::new(input.take(total, "ALL_HEADERS")?);
        let mut headers = Headers::default();
        while !inner.is_empty() {
            let length = inner.length32("length of a header")?;
            let Some(length) = length.checked_sub(4).filter(|length| *length >= 2) else {
                return Err(inner.wrong("length of a header", "at least 6", length, 4));
            };
            let mut header = Input::new(inner.take(length, "a header of ALL_HEADERS")?);
            match header.u16("type of a header")? {
                kind::TRANSACTION => {
                    headers.transaction = header.u64("transaction descriptor")?;
                    headers.outstanding = header.u32("outstanding requests")?;
                }
                kind::TRACE => {
                    headers.activity = Some((Guid(header.array("activity")?), header.u32("activity")?));
                }
                kind::QUERY_NOTIFICATIONS => {
                    return Err(ProtocolError::Unsupported {
                        what: "query notification",
                        remedy: "ask again when you want to know whether rows have changed",
                    });
                }
                other => {
                    return Err(inner.wrong(
                        "type of a header",
                        "1 (notification), 2 (transaction) or 3 (trace)",
                        other,
                        length,
                    ));
                }
            }
        }
        Ok(headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_have_bounds() {
        let parse = |bytes: &[u8]| Headers::parse(&mut Input::new(bytes));
        assert_eq!(parse(&[4, 0, 0, 0]), Ok(Headers::default()));
        assert!(parse(&[3, 0, 0, 0]).is_err());
        assert!(parse(&[0xFF, 0xFF, 0xFF, 0xFF]).is_err());
        assert!(parse(&[8, 0, 0, 0, 0, 0, 0, 0]).is_err(), "a header without end would loop");
        assert!(parse(&[10, 0, 0, 0, 6, 0, 0, 0, 9, 0]).is_err());
        let notification = parse(&[10, 0, 0, 0, 6, 0, 0, 0, 1, 0]);
        assert!(matches!(notification, Err(ProtocolError::Unsupported { .. })));
    }
}
