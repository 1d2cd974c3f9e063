//! Whatever a client sends, reading it ends, and neither panics nor takes more memory than was allowed.

use proptest::prelude::*;
use spatialcloud_tds::{Event, PacketType, Session, message_packets, tls};

/// A request may have this many bytes here.
const MOST_REQUEST_BYTES: usize = 256 * 1024;

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

/// A whole recorded connection, as its packets; types and bodies as in `recordings.rs`.
fn recorded(recording: &str) -> Vec<Vec<u8>> {
    let messages = recording.lines().map(|line| {
        let mut parts = line.split(' ');
        let (kind, _status, body) = (parts.next(), parts.next(), parts.next());
        let mut packets = message_packets(PacketType::Rpc, bytes(body.unwrap_or_default()), 4096, 0);
        let kind = bytes(kind.unwrap_or_default())[0];
        // One type for all packets of a message.
        let mut at = 0;
        while at < packets.len() {
            packets[at] = kind;
            at += usize::from(u16::from_be_bytes([packets[at + 2], packets[at + 3]]));
        }
        packets
    });
    messages.collect()
}

const RECORDINGS: [&str; 3] = [
    include_str!("recordings/pymssql.txt"),
    include_str!("recordings/python-tds.txt"),
    include_str!("recordings/mssql-python.txt"),
];

/// Reads until there is nothing or an error; how many events there were.
fn read(stream: &[u8], piece_bytes: usize) -> usize {
    let mut session = Session::new(MOST_REQUEST_BYTES);
    let mut events = 0;
    for piece in stream.chunks(piece_bytes.max(1)) {
        session.receive(piece);
        loop {
            match session.next_event() {
                Ok(Some(event)) => {
                    events += 1;
                    // Showing it must do no harm either.
                    let _ = format!("{event:?}");
                    if let Event::Prelogin(prelogin) = event {
                        let _ = prelogin.agree(Default::default());
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    return events;
                }
            }
        }
    }
    events
}

#[test]
fn sound_recordings_are_read_to_their_end() {
    for recording in RECORDINGS {
        let messages = recorded(recording);
        assert_eq!(read(&messages.concat(), 700), messages.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_do_no_harm(stream in proptest::collection::vec(any::<u8>(), 0..4096), piece in 1_usize..600) {
        read(&stream, piece);
        let _ = tls::Handshake::default().unwrap(&stream);
    }

    #[test]
    fn random_messages_do_no_harm(
        messages in proptest::collection::vec(
            (prop_oneof![Just(PacketType::SqlBatch), Just(PacketType::Rpc), Just(PacketType::TransactionManager), Just(PacketType::Attention), Just(PacketType::BulkLoad)],
             proptest::collection::vec(prop_oneof![Just(0_u8), Just(0xFF), any::<u8>()], 0..400)), 0..5),
    ) {
        let mut stream: Vec<u8> = recorded(RECORDINGS[1])[..2].concat();
        for (kind, body) in messages {
            // Headers that say nothing, so that what follows them is reached.
            let body = [vec![4, 0, 0, 0], body].concat();
            stream.extend(message_packets(kind, body, 512, 0));
        }
        read(&stream, 4096);
    }

    #[test]
    fn changed_recordings_do_no_harm(
        recording in any::<prop::sample::Index>(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let messages = recorded(RECORDINGS[recording.index(RECORDINGS.len())]);
        let mut stream = messages.concat();
        for (at, byte) in changes {
            let at = at.index(stream.len());
            stream[at] = byte;
        }
        let cut = cut.index(stream.len());
        // Errors may end it early; more events than messages would be made up.
        prop_assert!(read(&stream, 1000) <= messages.len() + 4);
        prop_assert!(read(&stream[..cut], 1000) <= messages.len() + 4);
    }
}

#[test]
fn a_message_without_end_is_refused() {
    let mut session = Session::new(MOST_REQUEST_BYTES);
    let mut packet = vec![0x12, 0, 0x7F, 0xFF, 0, 0, 1, 0];
    packet.resize(0x7FFF, 0);
    let refused = (0..100).find_map(|_| {
        session.receive(&packet);
        session.next_event().err()
    });
    let refused = refused.expect("an error before 3 MB").to_string();
    assert_eq!(refused, "bytes of a message: expected at most 131071, got 163795");
}
