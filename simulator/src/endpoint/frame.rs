//! Cuts the bytes of an SFTP channel into whole requests, and mends what would lose its reply. No I/O.
//!
//! A request that will not decode becomes one of our own ([`UNDECODABLE`]) under the same id, which the session
//! answers with the right status: with another id no client could match the reply to anything.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use russh_sftp::protocol::{Extended, Packet, StatusCode};

/// Name of the EXTENDED request that stands in for one that cannot be decoded.
/// Its data is one status byte and the reason. A client that sends it itself only fails itself.
pub const UNDECODABLE: &str = "undecodable@spatialcloud";

const INIT: u8 = 1;
const WRITE: u8 = 6;
const EXTENDED: u8 = 200;
/// Type byte and request id: the least that can be answered.
const HEAD_BYTES: usize = 5;
/// Pieces of a request that are kept apart: the longest WRITE in the packets that OpenSSH sends, twice over.
const MOST_PIECES: usize = 64;

/// Why a channel cannot go on: its packet boundaries are lost.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The length field says more than the limit.
    #[error("SFTP packet of {found_bytes} bytes: at most {limit_bytes} are allowed; use smaller requests")]
    TooLong {
        /// What the length field said.
        found_bytes: u32,
        /// The setting `limits.packet-bytes`.
        limit_bytes: u32,
    },
    /// Too short to hold a type and an id.
    #[error("SFTP packet of {found_bytes} bytes: at least {HEAD_BYTES} are needed for type and request id")]
    TooShort {
        /// What the length field said.
        found_bytes: u32,
    },
    /// INIT itself could not be decoded.
    #[error("the SFTP INIT packet cannot be decoded")]
    Init,
}

/// Bytes as they came over the wire, in order: put together only where somebody needs them in one piece.
#[derive(Clone, Debug, Default)]
pub struct Pieces {
    pieces: VecDeque<Bytes>,
    length: usize,
}

impl Pieces {
    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Each piece.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.pieces.iter().map(|piece| &**piece)
    }

    fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.length += piece.len();
            self.pieces.push_back(piece);
        }
    }

    /// The first bytes, if there are so many, left where they are.
    fn peek<const COUNT: usize>(&self) -> Option<[u8; COUNT]> {
        let mut first = [0; COUNT];
        let mut bytes = self.iter().flatten();
        for place in &mut first {
            *place = *bytes.next()?;
        }
        Some(first)
    }

    /// Splits off the first `count` bytes, or all there are.
    fn take(&mut self, count: usize) -> Pieces {
        let mut taken = Pieces::default();
        while taken.length < count {
            let Some(mut piece) = self.pieces.pop_front() else { break };
            let rest = piece.split_off(piece.len().min(count - taken.length));
            self.length -= piece.len();
            taken.push(piece);
            if !rest.is_empty() {
                self.pieces.push_front(rest);
            }
        }
        // A client that sends crumbs would otherwise have each of them kept and written by itself.
        if taken.pieces.len() > MOST_PIECES {
            let mut together = Pieces::default();
            together.push(taken.into_bytes());
            return together;
        }
        taken
    }

    fn take_u32(&mut self) -> Option<u32> {
        let field = self.peek()?;
        self.take(field.len());
        Some(u32::from_be_bytes(field))
    }

    /// All in one piece; copied only if there are several.
    fn into_bytes(mut self) -> Bytes {
        if self.pieces.len() > 1 {
            let mut whole = BytesMut::with_capacity(self.length);
            self.iter().for_each(|piece| whole.extend_from_slice(piece));
            return whole.freeze();
        }
        self.pieces.pop_front().unwrap_or_default()
    }
}

impl From<Vec<u8>> for Pieces {
    fn from(bytes: Vec<u8>) -> Pieces {
        let mut pieces = Pieces::default();
        pieces.push(bytes.into());
        pieces
    }
}

/// A whole request.
#[derive(Debug)]
pub enum Request {
    /// WRITE, its data as it came: it carries the bulk of all bytes, and none of them is copied here.
    Write {
        /// Request id.
        id: u32,
        /// The open file.
        handle: String,
        /// Where the data goes.
        offset_bytes: u64,
        /// What is written there.
        data: Pieces,
    },
    /// Every other one.
    Other(Packet),
}

/// Collects bytes, gives back whole requests.
pub struct Frames {
    held: Pieces,
    limit_bytes: u32,
}

impl Frames {
    /// An empty collector for packets of at most `limit_bytes`.
    pub fn new(limit_bytes: u32) -> Frames {
        Frames { held: Pieces::default(), limit_bytes }
    }

    /// Takes in what came over the channel.
    pub fn push(&mut self, data: Bytes) {
        self.held.push(data);
    }

    /// The next whole request, if there is one, and how many bytes it took.
    pub fn next_request(&mut self) -> Result<Option<(Request, usize)>, FrameError> {
        let Some(length) = self.held.peek().map(u32::from_be_bytes) else { return Ok(None) };
        if length > self.limit_bytes {
            return Err(FrameError::TooLong { found_bytes: length, limit_bytes: self.limit_bytes });
        }
        if (length as usize) < HEAD_BYTES {
            return Err(FrameError::TooShort { found_bytes: length });
        }
        let whole = 4 + length as usize;
        if self.held.len() < whole {
            return Ok(None);
        }
        self.held.take(4);
        let body = self.held.take(length as usize);
        Ok(Some((request(body)?, whole)))
    }
}

/// What a packet asks, `body` being all of it after the length field.
fn request(mut body: Pieces) -> Result<Request, FrameError> {
    let Some([kind, id @ ..]) = body.peek::<HEAD_BYTES>() else {
        return Err(FrameError::TooShort { found_bytes: body.len() as u32 });
    };
    let id = u32::from_be_bytes(id);
    let decoded = if kind == WRITE {
        body.take(HEAD_BYTES);
        write(id, body)
    } else {
        decode(kind, body.into_bytes()).map(Request::Other)
    };
    match decoded {
        Ok(request) => Ok(request),
        Err(_) if kind == INIT => Err(FrameError::Init),
        Err((status, reason)) => Ok(Request::Other(undecodable(id, status, reason))),
    }
}

/// Why a packet is no request: status and reason of the reply.
type Fault = (StatusCode, &'static str);

/// Data longer than its length field (rclone 1.60) is no fault: the outer length rules.
fn write(id: u32, mut body: Pieces) -> Result<Request, Fault> {
    let fault = (StatusCode::BadMessage, "the WRITE request is shorter than its fields say");
    let handle_length = body.take_u32().ok_or(fault)? as usize;
    if body.len() < handle_length.saturating_add(12) {
        return Err(fault);
    }
    let handle = String::from_utf8(body.take(handle_length).into_bytes().into())
        .map_err(|_| (StatusCode::Failure, "unknown handle"))?;
    let offset_bytes = body.peek().map(u64::from_be_bytes).ok_or(fault)?;
    body.take(8);
    let data_length = body.take_u32().ok_or(fault)? as usize;
    if body.len() < data_length {
        return Err(fault);
    }
    Ok(Request::Write { id, handle, offset_bytes, data: body.take(data_length) })
}

fn decode(kind: u8, packet: Bytes) -> Result<Packet, Fault> {
    if !matches!(kind, INIT..=20 | EXTENDED) || kind == 2 {
        return Err((StatusCode::OpUnsupported, "unknown request type"));
    }
    let fault = (StatusCode::BadMessage, "the request cannot be decoded: its fields do not fit its length");
    let decoded = Packet::try_from(&mut packet.clone()).map_err(|_| fault)?;
    // The decoder mends bad UTF-8 silently, which would store the file under another name.
    let names = packet.get(HEAD_BYTES..).unwrap_or_default();
    if strings(names).take(names_of(kind)).any(|name| std::str::from_utf8(name).is_err()) {
        return Err((
            StatusCode::Failure,
            "the name is not UTF-8: rename the file, or switch the client to UTF-8 names",
        ));
    }
    Ok(decoded)
}

/// How many names a request of this kind begins with (draft 02, section 6).
fn names_of(kind: u8) -> usize {
    match kind {
        3 | 7 | 9 | 11 | 13..=17 | 19 => 1,
        18 | 20 => 2,
        _ => 0,
    }
}

fn strings(mut body: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = body.split_at_checked(4)?;
        let length = u32::from_be_bytes(length.try_into().ok()?) as usize;
        let (text, rest) = rest.split_at_checked(length)?;
        body = rest;
        Some(text)
    })
}

fn undecodable(id: u32, status: StatusCode, reason: &str) -> Packet {
    let data = [&[status as u8], reason.as_bytes()].concat();
    Packet::Extended(Extended { id, request: UNDECODABLE.to_owned(), data })
}

/// Reads back what [`Frames`] put into an [`UNDECODABLE`] request.
pub fn undecodable_reply(data: &[u8]) -> (StatusCode, String) {
    let status = match data.first() {
        Some(8) => StatusCode::OpUnsupported,
        Some(4) => StatusCode::Failure,
        _ => StatusCode::BadMessage,
    };
    (status, String::from_utf8_lossy(data.get(1..).unwrap_or_default()).into_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use bytes::BufMut;
    use proptest::prelude::*;

    fn packet(kind: u8, id: u32, body: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.put_u32(5 + body.len() as u32);
        bytes.put_u8(kind);
        bytes.put_u32(id);
        bytes.put_slice(body);
        bytes
    }

    fn string(text: &[u8]) -> Vec<u8> {
        let mut bytes = (text.len() as u32).to_be_bytes().to_vec();
        bytes.extend_from_slice(text);
        bytes
    }

    fn only(bytes: &[u8]) -> Request {
        let mut frames = Frames::new(1 << 18);
        frames.push(bytes.to_vec().into());
        frames.next_request().unwrap().unwrap().0
    }

    #[test]
    fn a_name_that_is_not_utf8_keeps_its_request_id() {
        let Request::Other(Packet::Extended(request)) = only(&packet(17, 77, &string(b"caf\xe9"))) else {
            panic!("expected EXTENDED")
        };
        assert_eq!(request.id, 77);
        assert_eq!(undecodable_reply(&request.data).0, StatusCode::Failure);
    }

    #[test]
    fn an_unknown_request_type_is_unsupported_under_its_own_id() {
        let Request::Other(Packet::Extended(request)) = only(&packet(99, 5, b"")) else {
            panic!("expected EXTENDED")
        };
        assert_eq!((request.id, undecodable_reply(&request.data).0), (5, StatusCode::OpUnsupported));
    }

    #[test]
    fn a_write_packet_longer_than_its_data_is_taken() {
        let mut body = string(b"1");
        body.put_u64(7);
        body.extend(string(b"abc"));
        body.extend_from_slice(b"trailing bytes beyond the data");
        let bytes = packet(WRITE, 9, &body);
        // In one piece, and in crumbs: each byte by itself.
        for size in [bytes.len(), 1] {
            let mut frames = Frames::new(1 << 18);
            bytes.chunks(size).for_each(|piece| frames.push(piece.to_vec().into()));
            let (request, taken) = frames.next_request().unwrap().unwrap();
            let Request::Write { id, handle, offset_bytes, data } = request else { panic!("expected WRITE") };
            assert_eq!((id, handle.as_str(), offset_bytes, taken), (9, "1", 7, bytes.len()));
            assert_eq!(data.iter().collect::<Vec<_>>().concat(), b"abc");
            assert!(frames.next_request().unwrap().is_none());
        }
    }

    #[test]
    fn a_write_shorter_than_its_fields_is_answered_under_its_own_id() {
        let mut body = string(b"1");
        body.put_u64(0);
        body.put_u32(100);
        body.extend_from_slice(b"less than that");
        let Request::Other(Packet::Extended(request)) = only(&packet(WRITE, 9, &body)) else {
            panic!("expected EXTENDED")
        };
        assert_eq!((request.id, undecodable_reply(&request.data).0), (9, StatusCode::BadMessage));
    }

    #[test]
    fn crumbs_are_put_together_and_large_pieces_left_apart() {
        let mut pieces = Pieces::default();
        (0..1000).for_each(|_| pieces.push(Bytes::from_static(b"x")));
        assert_eq!((pieces.take(900).iter().count(), pieces.len()), (1, 100));
        assert_eq!(pieces.take(3).iter().count(), 3);
    }

    #[test]
    fn over_long_packets_end_the_channel() {
        let mut frames = Frames::new(1000);
        frames.push(2000_u32.to_be_bytes().to_vec().into());
        let expected = FrameError::TooLong { found_bytes: 2000, limit_bytes: 1000 };
        assert_eq!(frames.next_request().unwrap_err(), expected);
    }

    proptest! {
        /// Whatever comes, in whatever pieces: no panic, and the same requests as in one piece.
        #[test]
        fn pieces_make_no_difference(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20),
            kind in 0u8..=255, id: u32, body in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            let requests = |pieces: Vec<Vec<u8>>| {
                let mut frames = Frames::new(4096);
                pieces.into_iter().for_each(|piece| frames.push(piece.into()));
                let mut found = Vec::new();
                while let Ok(Some((request, taken))) = frames.next_request() {
                    found.push(match request {
                        Request::Write { id, handle, offset_bytes, data } => {
                            format!("{taken} {id} {handle} {offset_bytes} {:?}", data.into_bytes())
                        }
                        Request::Other(packet) => format!("{taken} {packet:?}"),
                    });
                }
                found
            };
            let apart: Vec<Vec<u8>> = std::iter::once(packet(kind, id, &body)).chain(pieces).collect();
            prop_assert_eq!(requests(vec![apart.concat()]), requests(apart));
        }
    }
}
