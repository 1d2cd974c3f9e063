//! Packets: eight bytes of header and a piece of a message (\[MS-TDS\] 2.2.3).

use crate::error::ProtocolError;

/// Bytes of a packet's header.
pub const HEADER_BYTES: usize = 8;
/// Size of packets until the login has agreed on another.
pub const DEFAULT_PACKET_BYTES: u16 = 4096;
/// The smallest and largest packets that may be agreed on (\[MS-TDS\] 2.2.6.4).
pub const PACKET_BYTES: std::ops::RangeInclusive<u16> = 512..=32_767;

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
#[repr(u8)]
pub enum PacketType {
    SqlBatch = 0x01,
    /// The login of TDS before 7.0.
    OldLogin = 0x02,
    Rpc = 0x03,
    Response = 0x04,
    Attention = 0x06,
    BulkLoad = 0x07,
    FederatedAuthentication = 0x08,
    TransactionManager = 0x0E,
    Login7 = 0x10,
    Sspi = 0x11,
    /// Also what carries TLS records while TLS is being negotiated.
    Prelogin = 0x12,
}

impl PacketType {
    fn of(byte: u8) -> Option<PacketType> {
        use PacketType::*;
        [
            SqlBatch,
            OldLogin,
            Rpc,
            Response,
            Attention,
            BulkLoad,
            FederatedAuthentication,
            TransactionManager,
            Login7,
            Sspi,
            Prelogin,
        ]
        .into_iter()
        .find(|kind| *kind as u8 == byte)
    }
}

/// Status bits of a packet.
mod status {
    pub const END_OF_MESSAGE: u8 = 0x01;
    /// With the end of the message: the client gave up on it, it is to be dropped.
    pub const IGNORE: u8 = 0x02;
    pub const RESET_CONNECTION: u8 = 0x08;
    pub const RESET_CONNECTION_SKIP_TRANSACTION: u8 = 0x10;
}

/// First byte of the packets of MARS (\[MC-SMP\]).
const SMP: u8 = 0x53;

/// What a pooled connection asks before its next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// As if newly logged in.
    Connection,
    /// The same, but the transaction stays.
    KeepTransaction,
}

/// A whole message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it is.
    pub kind: PacketType,
    /// Whether the session is to be reset first.
    pub reset: Option<Reset>,
    /// What was in its packets.
    pub body: Vec<u8>,
}

/// Puts messages together from packets, however the bytes arrive.
#[derive(Debug)]
pub struct Reassembler {
    /// Bytes that have come and are not part of `body` yet.
    pending: Vec<u8>,
    /// How many of them have been used.
    used: usize,
    /// The message so far: its type and reset come from its first packet.
    message: Option<Message>,
    most_message_bytes: usize,
}

impl Reassembler {
    /// One that refuses longer messages.
    pub fn new(most_message_bytes: usize) -> Reassembler {
        Reassembler { pending: Vec::new(), used: 0, message: None, most_message_bytes }
    }

    /// Changes the longest message that is taken.
    pub fn set_most_message_bytes(&mut self, most_message_bytes: usize) {
        self.most_message_bytes = most_message_bytes;
    }

    /// Takes bytes as they came. What [`Reassembler::next_message`] has not asked for yet is kept, so ask until
    /// there is nothing before giving more.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.pending.drain(..self.used);
        self.used = 0;
        self.pending.extend(bytes);
    }

    /// Whether nothing is waiting: no part of a packet, no part of a message.
    pub fn is_idle(&self) -> bool {
        self.used == self.pending.len() && self.message.is_none()
    }

    /// Gives back the bytes behind the last packet that was used: they are of another layer.
    pub fn take_rest(&mut self) -> Vec<u8> {
        let rest = self.pending.split_off(self.used);
        self.pending.clear();
        self.used = 0;
        rest
    }

    /// The first of the waiting bytes, if it begins a packet.
    pub(crate) fn first_byte(&self) -> Option<u8> {
        self.pending.get(self.used).copied()
    }

    /// The next whole message, if it has come.
    pub fn next_message(&mut self) -> Result<Option<Message>, ProtocolError> {
        loop {
            let rest = self.pending.get(self.used..).unwrap_or_default();
            let Some((&[kind, status, high, low, ..], _)) = rest.split_first_chunk::<HEADER_BYTES>() else {
                // Whoever speaks another protocol may never send eight bytes.
                return match rest.first() {
                    Some(first) => packet_type(*first).map(|_| None),
                    None => Ok(None),
                };
            };
            let kind = packet_type(kind)?;
            let length = usize::from(u16::from_be_bytes([high, low]));
            if !(HEADER_BYTES..=usize::from(*PACKET_BYTES.end())).contains(&length) {
                return Err(ProtocolError::Wrong {
                    what: "length of a packet",
                    expected: "8 to 32767",
                    got: length.to_string(),
                    at: 2,
                });
            }
            let Some(body) = rest.get(HEADER_BYTES..length) else { return Ok(None) };
            let message =
                self.message.get_or_insert_with(|| Message { kind, reset: reset(status), body: Vec::new() });
            if message.kind != kind {
                return Err(ProtocolError::OutOfOrder {
                    expected: "the rest of the message that was begun",
                    got: kind as u8,
                });
            }
            let total = message.body.len() + body.len();
            if total > self.most_message_bytes {
                return Err(ProtocolError::TooMuch {
                    what: "bytes of a message",
                    limit: self.most_message_bytes,
                    got: total,
                });
            }
            message.body.extend(body);
            self.used += length;
            if status & status::END_OF_MESSAGE != 0 {
                let message = self.message.take();
                if status & status::IGNORE == 0 {
                    return Ok(message);
                }
            }
        }
    }
}

fn packet_type(byte: u8) -> Result<PacketType, ProtocolError> {
    if byte == SMP {
        return Err(ProtocolError::Wrong {
            what: "type of a packet",
            expected: "a TDS packet, since MARS was refused in PRELOGIN",
            got: "0x53 (MARS)".to_owned(),
            at: 0,
        });
    }
    PacketType::of(byte).ok_or_else(|| ProtocolError::Wrong {
        what: "type of a packet",
        expected: "one that clients send",
        got: format!("0x{byte:02x}"),
        at: 0,
    })
}

fn reset(status: u8) -> Option<Reset> {
    if status & status::RESET_CONNECTION_SKIP_TRANSACTION != 0 {
        Some(Reset::KeepTransaction)
    } else if status & status::RESET_CONNECTION != 0 {
        Some(Reset::Connection)
    } else {
        None
    }
}

/// Cuts a message into packets, as its bytes become known.
#[derive(Debug)]
pub struct Packetizer {
    kind: PacketType,
    body_bytes: usize,
    session: u16,
    number: u8,
}

impl Packetizer {
    /// For one message. The packets' size is brought into the bounds of the protocol; `session` is the number
    /// that packets of a server carry (SPID).
    pub fn new(kind: PacketType, packet_bytes: u16, session: u16) -> Packetizer {
        let packet_bytes = packet_bytes.clamp(*PACKET_BYTES.start(), *PACKET_BYTES.end());
        Packetizer { kind, body_bytes: usize::from(packet_bytes) - HEADER_BYTES, session, number: 0 }
    }

    /// Moves as many whole packets as there are from `body` to `packets`, but never the last of the message.
    pub fn full_packets(&mut self, body: &mut Vec<u8>, packets: &mut Vec<u8>) {
        let mut from = 0;
        while body.len() - from > self.body_bytes {
            let to = from + self.body_bytes;
            self.packet(body.get(from..to).unwrap_or_default(), 0, packets);
            from = to;
        }
        body.drain(..from);
    }

    /// Moves all of `body` to `packets`; the message goes on.
    pub fn all_packets(&mut self, body: &mut Vec<u8>, packets: &mut Vec<u8>) {
        self.full_packets(body, packets);
        if !body.is_empty() {
            self.packet(body, 0, packets);
            body.clear();
        }
    }

    /// Moves all of `body` to `packets`, and ends the message.
    pub fn finish(mut self, mut body: Vec<u8>, packets: &mut Vec<u8>) {
        self.full_packets(&mut body, packets);
        self.packet(&body, status::END_OF_MESSAGE, packets);
    }

    fn packet(&mut self, body: &[u8], status: u8, packets: &mut Vec<u8>) {
        self.number = self.number.wrapping_add(1);
        // At most 32767, by the bounds of `new`.
        let length = u16::try_from(body.len() + HEADER_BYTES).unwrap_or(u16::MAX);
        packets.extend([self.kind as u8, status]);
        packets.extend(length.to_be_bytes());
        packets.extend(self.session.to_be_bytes());
        packets.extend([self.number, 0]);
        packets.extend(body);
    }
}

/// One whole message as packets.
pub fn message_packets(kind: PacketType, body: Vec<u8>, packet_bytes: u16, session: u16) -> Vec<u8> {
    let mut packets = Vec::with_capacity(body.len() + HEADER_BYTES);
    Packetizer::new(kind, packet_bytes, session).finish(body, &mut packets);
    packets
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(bytes: &[u8]) -> Result<Option<Message>, ProtocolError> {
        let mut reassembler = Reassembler::new(1 << 20);
        reassembler.receive(bytes);
        reassembler.next_message()
    }

    #[test]
    fn packets_have_bounds() {
        let wrong = |bytes: &[u8]| whole(bytes).expect_err("an error").to_string();
        assert!(wrong(&[1, 1, 0, 7, 0, 0, 1, 0]).contains("expected 8 to 32767, got 7"));
        assert!(wrong(&[1, 1, 0x80, 0, 0, 0, 1, 0]).contains("got 32768"));
        assert!(wrong(&[0x53, 1]).contains("MARS"));
        assert!(wrong(b"GET / HTTP/1.1\r\n").contains("got 0x47"));
        assert_eq!(whole(&[1, 1, 0, 9, 0, 0, 1, 0]), Ok(None));
        assert_eq!(whole(&[]), Ok(None));
    }

    #[test]
    fn a_message_is_not_longer_than_allowed() {
        let mut reassembler = Reassembler::new(3);
        reassembler.receive(&message_packets(PacketType::SqlBatch, vec![1, 2, 3], 512, 0));
        assert!(matches!(reassembler.next_message(), Ok(Some(_))));
        reassembler.receive(&message_packets(PacketType::SqlBatch, vec![1, 2, 3, 4], 512, 0));
        let error = reassembler.next_message().expect_err("four bytes");
        assert_eq!(error.to_string(), "bytes of a message: expected at most 3, got 4");
    }

    #[test]
    fn status_bits_are_heard() {
        let message = |first, last| {
            let packets = [[1, first, 0, 9, 0, 0, 1, 0, 7], [1, last, 0, 9, 0, 0, 2, 0, 8]].concat();
            whole(&packets).expect("packets")
        };
        assert_eq!(message(0, 1).map(|message| (message.reset, message.body)), Some((None, vec![7, 8])));
        assert_eq!(message(8, 1).and_then(|message| message.reset), Some(Reset::Connection));
        assert_eq!(message(16, 1).and_then(|message| message.reset), Some(Reset::KeepTransaction));
        assert_eq!(message(0, 3), None, "a message that is to be ignored");
        assert!(whole(&[1, 0, 0, 8, 0, 0, 1, 0, 3, 1, 0, 8, 0, 0, 1, 0]).is_err(), "two types in a message");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_cut_is_put_together(
            bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..3000), 1..4),
            packet_bytes in 512_u16..2000,
            pieces in proptest::collection::vec(1_usize..1500, 1..8),
        ) {
            let stream: Vec<u8> = bodies.iter()
                .flat_map(|body| message_packets(PacketType::Rpc, body.clone(), packet_bytes, 51))
                .collect();
            let mut reassembler = Reassembler::new(3000);
            let mut got = Vec::new();
            let (mut rest, mut sizes) = (&stream[..], pieces.iter().cycle());
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(rest.len().min(*sizes.next().expect("a cycle")));
                rest = after;
                reassembler.receive(piece);
                while let Some(message) = reassembler.next_message().expect("sound packets") {
                    got.push(message.body);
                }
            }
            prop_assert_eq!(got, bodies);
            prop_assert!(reassembler.is_idle());
        }

        #[test]
        fn what_must_not_wait_is_put_together_too(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..900), 0..6)) {
            let mut packetizer = Packetizer::new(PacketType::Response, 512, 7);
            let mut packets = Vec::new();
            for piece in &pieces {
                packetizer.all_packets(&mut piece.clone(), &mut packets);
            }
            packetizer.finish(Vec::new(), &mut packets);
            prop_assert_eq!(whole(&packets).expect("sound packets").map(|message| message.body), Some(pieces.concat()));
        }

        #[test]
        fn a_stream_is_cut_as_a_whole_is(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..900), 0..6)) {
            let mut packetizer = Packetizer::new(PacketType::Response, 512, 7);
            let (mut body, mut packets) = (Vec::new(), Vec::new());
            for piece in &pieces {
                body.extend(piece);
                packetizer.full_packets(&mut body, &mut packets);
            }
            packetizer.finish(body, &mut packets);
            prop_assert_eq!(packets, message_packets(PacketType::Response, pieces.concat(), 512, 7));
        }
    }
}
