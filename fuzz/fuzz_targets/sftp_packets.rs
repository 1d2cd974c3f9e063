//! Whatever bytes come over an SFTP channel, in whatever pieces: every packet handed on decodes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use russh_sftp::protocol::Packet;
use spatialcloud_simulator::endpoint::frame::Frames;

fuzz_target!(|data: &[u8]| {
    // The first byte says how large the pieces are.
    let Some((size, data)) = data.split_first() else { return };
    let mut frames = Frames::new(4096);
    for piece in data.chunks(usize::from(*size).max(1)) {
        frames.push(piece);
        while let Ok(Some(packet)) = frames.next_packet() {
            assert!(Packet::try_from(&mut packet.slice(4..)).is_ok(), "{packet:?}");
        }
    }
});
