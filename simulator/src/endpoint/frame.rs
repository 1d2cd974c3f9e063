//! Cuts the bytes of an SFTP channel into whole requests, and mends what would lose its reply. No I/O.
//!
//! `russh-sftp` answers a request it cannot decode with id 0, which no client can match to anything.
//! So each request is checked here first; one that will not decode becomes a request of our own
//! ([`UNDECODABLE`]) under the same id, which the session answers with the right status.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use russh_sftp::protocol::{Packet, StatusCode};

/// Name of the EXTENDED request that stands in for one that cannot be decoded.
/// Its data is one status byte and the reason. A client that sends it itself only fails itself.
pub const UNDECODABLE: &str = "undecodable@spatialcloud";

const INIT: u8 = 1;
const WRITE: u8 = 6;
const EXTENDED: u8 = 200;
/// Type byte and request id: the least that can be answered.
const HEAD_BYTES: usize = 5;

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

/// Collects bytes, gives back whole packets, each with its length field.
pub struct Frames {
    buffer: BytesMut,
    limit_bytes: u32,
}

impl Frames {
    /// An empty collector for packets of at most `limit_bytes`.
    pub fn new(limit_bytes: u32) -> Frames {
        Frames { buffer: BytesMut::new(), limit_bytes }
    }

    /// Takes in what came over the channel.
    pub fn push(&mut self, data: &[u8]) {
        self.buffer.extend_from_slice(data);
    }

    /// The next whole packet, if there is one.
    pub fn next_packet(&mut self) -> Result<Option<Bytes>, FrameError> {
        let Some(length) = self.buffer.get(..4).map(|mut field| field.get_u32()) else { return Ok(None) };
        if length > self.limit_bytes {
            return Err(FrameError::TooLong { found_bytes: length, limit_bytes: self.limit_bytes });
        }
        if (length as usize) < HEAD_BYTES {
            return Err(FrameError::TooShort { found_bytes: length });
        }
        let whole = 4 + length as usize;
        if self.buffer.len() < whole {
            self.buffer.reserve(whole - self.buffer.len());
            return Ok(None);
        }
        checked(self.buffer.split_to(whole).freeze()).map(Some)
    }
}

fn checked(packet: Bytes) -> Result<Bytes, FrameError> {
    let kind = packet[4];
    let fault = if kind == WRITE { write_fault(&packet[9..]) } else { decode_fault(&packet) };
    match fault {
        None => Ok(packet),
        Some(_) if kind == INIT => Err(FrameError::Init),
        Some((status, reason)) => {
            let id = (&packet[5..9]).get_u32();
            Ok(undecodable(id, status, reason))
        }
    }
}

/// WRITE is checked by hand, not by decoding: it carries the bulk of all bytes.
/// Data longer than its length field (rclone 1.60) is no fault: the outer length rules.
fn write_fault(mut body: &[u8]) -> Option<(StatusCode, &'static str)> {
    let fault = Some((StatusCode::BadMessage, "the WRITE request is shorter than its fields say"));
    if body.len() < 4 {
        return fault;
    }
    let handle_length = body.get_u32() as usize;
    if body.len() < handle_length + 12 {
        return fault;
    }
    if std::str::from_utf8(&body[..handle_length]).is_err() {
        return Some((StatusCode::Failure, "unknown handle"));
    }
    body.advance(handle_length + 8);
    let data_length = body.get_u32() as usize;
    if body.len() < data_length { fault } else { None }
}

fn decode_fault(packet: &Bytes) -> Option<(StatusCode, &'static str)> {
    let kind = packet[4];
    if !matches!(kind, INIT..=20 | EXTENDED) || kind == 2 {
        return Some((StatusCode::OpUnsupported, "unknown request type"));
    }
    if Packet::try_from(&mut packet.slice(4..)).is_err() {
        return Some((
            StatusCode::BadMessage,
            "the request cannot be decoded: its fields do not fit its length",
        ));
    }
    // The decoder mends bad UTF-8 silently, which would store the file under another name.
    let names = names_of(kind);
    strings(&packet[HEAD_BYTES + 4..]).take(names).any(|name| std::str::from_utf8(name).is_err()).then_some((
        StatusCode::Failure,
        "the name is not UTF-8: rename the file, or switch the client to UTF-8 names",
    ))
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

fn undecodable(id: u32, status: StatusCode, reason: &str) -> Bytes {
    let mut packet = BytesMut::new();
    packet.put_u32((1 + 4 + 4 + UNDECODABLE.len() + 1 + reason.len()) as u32);
    packet.put_u8(EXTENDED);
    packet.put_u32(id);
    packet.put_u32(UNDECODABLE.len() as u32);
    packet.put_slice(UNDECODABLE.as_bytes());
    packet.put_u8(status as u8);
    packet.put_slice(reason.as_bytes());
    packet.freeze()
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

    fn only(bytes: &[u8]) -> Packet {
        let mut frames = Frames::new(1 << 18);
        frames.push(bytes);
        let packet = frames.next_packet().unwrap().unwrap();
        Packet::try_from(&mut packet.slice(4..)).unwrap()
    }

    #[test]
    fn a_name_that_is_not_utf8_keeps_its_request_id() {
        let Packet::Extended(request) = only(&packet(17, 77, &string(b"caf\xe9"))) else {
            panic!("expected EXTENDED")
        };
        assert_eq!(request.id, 77);
        assert_eq!(undecodable_reply(&request.data).0, StatusCode::Failure);
    }

    #[test]
    fn an_unknown_request_type_is_unsupported_under_its_own_id() {
        let Packet::Extended(request) = only(&packet(99, 5, b"")) else { panic!("expected EXTENDED") };
        assert_eq!((request.id, undecodable_reply(&request.data).0), (5, StatusCode::OpUnsupported));
    }

    #[test]
    fn a_write_packet_longer_than_its_data_is_taken() {
        let mut body = string(b"1");
        body.put_u64(0);
        body.extend(string(b"abc"));
        body.extend_from_slice(b"trailing bytes beyond the data");
        let Packet::Write(write) = only(&packet(WRITE, 9, &body)) else { panic!("expected WRITE") };
        assert_eq!(write.data, b"abc");
    }

    #[test]
    fn over_long_packets_end_the_channel() {
        let mut frames = Frames::new(1000);
        frames.push(&2000_u32.to_be_bytes());
        assert_eq!(frames.next_packet(), Err(FrameError::TooLong { found_bytes: 2000, limit_bytes: 1000 }));
    }

    proptest! {
        /// Whatever comes, in whatever pieces: no panic, and every packet given out decodes.
        #[test]
        fn whatever_comes_out_decodes(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20),
            kind in 0u8..=255, id: u32, body in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            let mut frames = Frames::new(4096);
            frames.push(&packet(kind, id, &body));
            for piece in pieces {
                frames.push(&piece);
                while let Ok(Some(packet)) = frames.next_packet() {
                    prop_assert!(Packet::try_from(&mut packet.slice(4..)).is_ok());
                }
            }
        }
    }
}
