//! Numbers and bytes that follow from a seed, on every machine.

use crate::value::Guid;

/// SplitMix64.
pub struct Random(u64);

impl Random {
    /// A stream of bytes that follows from `seed`.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The stream of one row of a table.
    pub(super) fn of_row(seed: u64, table: &str, index: u64) -> Random {
        let salt = table.bytes().fold(0_u64, |salt, byte| salt.rotate_left(8) ^ u64::from(byte));
        Random::new(seed ^ salt.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ index << 20)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    /// A number below `end`, which is small: the bias is not worth avoiding.
    pub(super) fn below(&mut self, end: u32) -> u32 {
        (self.next() >> 32) as u32 % end
    }

    /// Fills `bytes` with the next ones.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for piece in bytes.chunks_mut(8) {
            let value = self.next().to_le_bytes();
            piece.copy_from_slice(&value[..piece.len()]);
        }
    }

    /// A random identifier, version 4.
    pub fn guid(&mut self) -> Guid {
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        bytes[7] = bytes[7] & 0x0F | 0x40;
        bytes[8] = bytes[8] & 0x3F | 0x80;
        Guid(bytes)
    }
}
