//! XPRESS with Huffman coding, [MS-XCA] section 2.2: one chunk of at most 64 KiB.

/// Most bytes a chunk can hold.
pub const CHUNK_BYTES: usize = 64 * 1024;
/// Bytes of code lengths in front of the coded data: 512 symbols, four bits each.
pub const TABLE_BYTES: usize = 256;
/// Longest code, in bits.
pub const CODE_BITS: u32 = 15;

/// Decodes a chunk to exactly `size` bytes; `None` if it is not one.
pub fn decode(input: &[u8], size: usize) -> Option<Vec<u8>> {
    let lengths = input.get(..TABLE_BYTES)?;
    let table = decoding_table(lengths)?;
    let mut bits = Bits { input, at: TABLE_BYTES, bits: 0, spare: 0 };
    bits.bits = u32::from(bits.word()?) << 16 | u32::from(bits.word()?);
    bits.spare = 16;
    let mut output = Vec::with_capacity(size);
    while output.len() < size {
        let (symbol, length) = table[(bits.bits >> (32 - CODE_BITS)) as usize];
        if length == 0 {
            return None;
        }
        bits.take(u32::from(length));
        if symbol < 256 {
            output.push(symbol as u8);
            continue;
        }
        let mut match_length = usize::from(symbol & 15);
        let offset_bits = u32::from(symbol - 256) >> 4;
        if match_length == 15 {
            match_length = match bits.byte()? {
                255 => match usize::from(bits.word()?) {
                    0 => bits.long()?,
                    length => length,
                },
                extra => usize::from(extra) + 15,
            };
        }
        match_length = match_length.checked_add(3)?;
        // Two shifts, since no bits at all would be a shift by 32.
        let offset = (1 << offset_bits) + (bits.bits >> 1 >> (31 - offset_bits)) as usize;
        bits.take(offset_bits);
        if offset > output.len() || match_length > size - output.len() {
            return None;
        }
        for _ in 0..match_length {
            output.push(output[output.len() - offset]);
        }
    }
    Some(output)
}

/// Symbol and code length for each value of the next fifteen bits; length 0 where no code begins so.
fn decoding_table(packed: &[u8]) -> Option<Vec<(u16, u8)>> {
    let lengths: Vec<u8> = packed.iter().flat_map(|byte| [byte & 15, byte >> 4]).collect();
    let mut table = vec![(0, 0); 1 << CODE_BITS];
    let mut next = 0;
    for length in 1..=CODE_BITS as u8 {
        for (symbol, _) in lengths.iter().enumerate().filter(|(_, found)| **found == length) {
            let span = 1_usize << (CODE_BITS - u32::from(length));
            table.get_mut(next..next + span)?.fill((symbol as u16, length));
            next += span;
        }
    }
    Some(table)
}

/// Bits are read from 16-bit words, whole bytes from where the next word would be.
struct Bits<'a> {
    input: &'a [u8],
    at: usize,
    bits: u32,
    /// How many of the lower sixteen bits are filled.
    spare: i32,
}

impl Bits<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.input.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn word(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes([self.byte()?, self.byte()?]))
    }

    fn long(&mut self) -> Option<usize> {
        let low = u32::from(self.word()?);
        usize::try_from(low | u32::from(self.word()?) << 16).ok()
    }

    /// Drops bits. Past the end zeros follow: the last code needs no full word behind it.
    fn take(&mut self, count: u32) {
        self.bits = self.bits.checked_shl(count).unwrap_or(0);
        self.spare -= count as i32;
        if self.spare < 0 {
            let word = self.word().unwrap_or(0);
            self.bits |= u32::from(word) << -self.spare;
            self.spare += 16;
        }
    }
}
