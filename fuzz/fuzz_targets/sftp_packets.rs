//! Whatever bytes come over an SFTP channel, in whatever pieces: the same requests, each within what it took.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spatialcloud_simulator::endpoint::frame::{Frames, Request};

fuzz_target!(|data: &[u8]| {
    // The first byte says how large the pieces are.
    let Some((size, data)) = data.split_first() else { return };
    assert_eq!(requests(data.chunks(usize::from(*size).max(1))), requests(std::iter::once(data)));
});

/// Bytes that each request took, and of its data.
fn requests<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<(usize, usize)> {
    let mut frames = Frames::new(4096);
    let mut found = Vec::new();
    for piece in pieces {
        frames.push(piece.to_vec().into());
        loop {
            match frames.next_request() {
                Ok(Some((request, taken))) => {
                    let data = if let Request::Write { data, .. } = request { data.len() } else { 0 };
                    assert!(data < taken, "{data} of {taken}");
                    found.push((taken, data));
                }
                Ok(None) => break,
                // The channel ends there.
                Err(_) => return found,
            }
        }
    }
    found
}
