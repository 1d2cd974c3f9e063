//! The four checksums of a backup: of block headers, stream headers, data streams, and database pages.

/// Bytes of a database page.
pub const PAGE_BYTES: usize = 8192;
/// Bytes of a sector, the unit of stream and page checksums.
pub const SECTOR_BYTES: usize = 512;

/// XOR of the little-endian 16-bit words: block headers (all but the last word) and stream headers.
pub fn words(bytes: &[u8]) -> u16 {
    bytes.chunks_exact(2).fold(0, |sum, word| sum ^ u16::from_le_bytes([word[0], word[1]]))
}

fn double_words(bytes: &[u8]) -> impl Iterator<Item = u32> + '_ {
    bytes.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
}

/// The running sum of a CSUM stream: one rotation and XOR for each sector.
pub fn sectors(sum: u32, bytes: &[u8]) -> u32 {
    bytes
        .chunks(SECTOR_BYTES)
        .fold(sum, |sum, sector| sum.rotate_left(1) ^ double_words(sector).fold(0, |xor, word| xor ^ word))
}

/// The sum of a compressed chunk, its bytes padded with zeros to whole words.
pub fn chunk(bytes: &[u8]) -> u32 {
    let whole = bytes.len() / 4 * 4;
    let sum = double_words(&bytes[..whole]).fold(0_u32, |sum, word| sum.rotate_left(1) ^ word);
    match bytes.len() - whole {
        0 => sum,
        rest => {
            let mut last = [0; 4];
            last[..rest].copy_from_slice(&bytes[whole..]);
            sum.rotate_left(1) ^ u32::from_le_bytes(last)
        }
    }
}

/// The checksum of a database page, its own place (bytes 60 to 63) counted as zero.
pub fn page(page: &[u8; PAGE_BYTES]) -> u32 {
    let stored = u32::from_le_bytes([page[60], page[61], page[62], page[63]]);
    page.chunks_exact(SECTOR_BYTES).enumerate().fold(0, |sum, (index, sector)| {
        let mut xor = double_words(sector).fold(0, |xor, word| xor ^ word);
        if index == 0 {
            xor ^= stored;
        }
        sum ^ xor.rotate_left(15 - index as u32)
    })
}
