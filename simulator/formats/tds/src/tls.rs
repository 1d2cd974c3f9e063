//! Where TLS records are while TLS is being negotiated: inside packets of type PRELOGIN (\[MS-TDS\] 2.2.6.5).
//!
//! Once the handshake is done they are bare, with packets inside them. TDS 8.0 has them bare from the first byte;
//! it needs nothing of this file. The TLS library is the caller's.

use crate::error::ProtocolError;
use crate::packet::{DEFAULT_PACKET_BYTES, PacketType, Reassembler, message_packets};

/// First bytes of TLS records: change of cipher, alert, handshake, data.
const RECORDS: std::ops::RangeInclusive<u8> = 0x14..=0x17;
/// A handshake has certificates in it, but never this many.
const MOST_FLIGHT_BYTES: usize = 128 * 1024;

/// ALPN of TDS 8.0.
pub const ALPN: &[u8] = b"tds/8.0";

/// Whether the first byte of a connection begins TLS, as TDS 8.0 does.
pub fn is_strict(first_byte: u8) -> bool {
    first_byte == 0x16
}

/// Takes records out of packets, and puts them in.
#[derive(Debug)]
pub struct Handshake {
    packets: Reassembler,
    is_bare: bool,
}

impl Default for Handshake {
    fn default() -> Handshake {
        Handshake { packets: Reassembler::new(MOST_FLIGHT_BYTES), is_bare: false }
    }
}

impl Handshake {
    /// Takes what came from the client; answers the records in it. Once a bare record has been met, behind the last
    /// packet of the handshake, all is bare.
    pub fn unwrap(&mut self, bytes: &[u8]) -> Result<Vec<u8>, ProtocolError> {
        if self.is_bare {
            return Ok(bytes.to_owned());
        }
        self.packets.receive(bytes);
        let mut records = Vec::new();
        loop {
            if self.packets.first_byte().is_some_and(|byte| RECORDS.contains(&byte)) {
                self.is_bare = true;
                records.extend(self.packets.take_rest());
                return Ok(records);
            }
            match self.packets.next_message()? {
                Some(message) if message.kind == PacketType::Prelogin => records.extend(message.body),
                Some(message) => {
                    return Err(ProtocolError::OutOfOrder {
                        expected: "a TLS handshake inside packets of type 0x12",
                        got: message.kind as u8,
                    });
                }
                None => return Ok(records),
            }
        }
    }

    /// Records of the server's, as packets.
    pub fn wrap(records: Vec<u8>) -> Vec<u8> {
        message_packets(PacketType::Prelogin, records, DEFAULT_PACKET_BYTES, 0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bare_records_follow_the_handshake() {
        let mut handshake = Handshake::default();
        let mut bytes = Handshake::wrap(vec![0x16, 3, 3, 0, 0]);
        bytes.extend([0x17, 3, 3, 0, 1, 9]);
        assert_eq!(handshake.unwrap(&bytes), Ok(vec![0x16, 3, 3, 0, 0, 0x17, 3, 3, 0, 1, 9]));
        assert_eq!(handshake.unwrap(&[0x12, 7]), Ok(vec![0x12, 7]), "all is bare now");
    }

    #[test]
    fn nothing_else_comes_during_the_handshake() {
        let login = message_packets(PacketType::Login7, vec![0; 9], 512, 0);
        assert!(matches!(
            Handshake::default().unwrap(&login),
            Err(ProtocolError::OutOfOrder { got: 0x10, .. })
        ));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn records_come_out_as_they_went_in(records in proptest::collection::vec(any::<u8>(), 1..20_000), piece in 1_usize..5000) {
            let packets = Handshake::wrap(records.clone());
            let mut handshake = Handshake::default();
            let mut got = Vec::new();
            for bytes in packets.chunks(piece) {
                got.extend(handshake.unwrap(bytes).expect("sound packets"));
            }
            prop_assert_eq!(got, records);
        }
    }
}
