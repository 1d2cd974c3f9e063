//! Chunks of a compressed backup, and an index of them: about five bytes for each 64 KiB of contents.

use crate::checksum;
use crate::tape::TapeError;
use crate::xpress;

/// Bytes of a record's header, in front of the chunk.
pub const RECORD_HEADER_BYTES: usize = 28;
/// Unit of the size that a header tells.
pub const SIZE_UNIT_BYTES: usize = 512;
/// Most chunks of a stretch: looking one up walks over them.
const STRETCH_CHUNKS: usize = 64;

/// Where a chunk is, and which logical bytes it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Logical offset of its first byte.
    pub logical: u64,
    /// Place of its record in the file.
    pub at: u64,
    /// Compressed bytes, behind the record's header.
    pub length: u16,
    /// Size when decoded, in units.
    pub units: u8,
}

impl Chunk {
    /// Bytes when decoded.
    pub fn size(&self) -> usize {
        usize::from(self.units) * SIZE_UNIT_BYTES
    }

    /// Bytes of the record, header and all.
    pub fn record_bytes(&self) -> usize {
        RECORD_HEADER_BYTES + usize::from(self.length)
    }

    /// Its bytes, from those of its record.
    pub fn decode(&self, record: &[u8]) -> Result<Vec<u8>, TapeError> {
        let wrong = |what| TapeError::Damaged { at: self.at, what };
        let (header, input) =
            record.split_at_checked(RECORD_HEADER_BYTES).ok_or_else(|| wrong("a compressed chunk"))?;
        if header[24..] != checksum::chunk(input).to_le_bytes() {
            return Err(wrong("checksum of a compressed chunk"));
        }
        xpress::decode(input, self.size()).ok_or_else(|| wrong("a compressed chunk"))
    }
}

/// The chunks of a file.
#[derive(Debug, Default)]
pub struct ChunkIndex {
    stretches: Vec<Stretch>,
    /// Length and units of each chunk.
    chunks: Vec<(u16, u8)>,
}

/// Chunks that follow each other without a gap.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    logical: u64,
    at: u64,
    /// Index of its first chunk.
    first: usize,
}

impl ChunkIndex {
    /// Adds a chunk behind those before.
    pub fn push(&mut self, chunk: Chunk) {
        let is_next = self.last().is_some_and(|last| {
            let (logical, at) = (last.logical + last.size() as u64, last.at + last.record_bytes() as u64);
            (logical, at) == (chunk.logical, chunk.at)
        });
        let in_stretch = self.stretches.last().map_or(0, |stretch| self.chunks.len() - stretch.first);
        if !is_next || in_stretch >= STRETCH_CHUNKS {
            let first = self.chunks.len();
            self.stretches.push(Stretch { logical: chunk.logical, at: chunk.at, first });
        }
        self.chunks.push((chunk.length, chunk.units));
    }

    fn last(&self) -> Option<Chunk> {
        let stretch = self.stretches.last()?;
        self.walk(*stretch, self.chunks.len()).last()
    }

    fn walk(&self, stretch: Stretch, end: usize) -> impl Iterator<Item = Chunk> + '_ {
        let Stretch { mut logical, mut at, first } = stretch;
        self.chunks[first..end].iter().map(move |(length, units)| {
            let chunk = Chunk { logical, at, length: *length, units: *units };
            logical += chunk.size() as u64;
            at += chunk.record_bytes() as u64;
            chunk
        })
    }

    /// The chunk that holds a logical byte.
    pub fn find(&self, at: u64) -> Option<Chunk> {
        let index = self.stretches.partition_point(|stretch| stretch.logical <= at).checked_sub(1)?;
        let end = self.stretches.get(index + 1).map_or(self.chunks.len(), |next| next.first);
        self.walk(self.stretches[index], end)
            .find(|chunk| (chunk.logical..chunk.logical + chunk.size() as u64).contains(&at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_found_by_their_bytes() {
        let mut index = ChunkIndex::default();
        let mut chunks = Vec::new();
        let (mut logical, mut at) = (0, 480);
        for number in 0..300_u16 {
            let chunk = Chunk { logical, at, length: number + 1, units: (number % 128) as u8 + 1 };
            index.push(chunk);
            chunks.push(chunk);
            // Every hundredth is followed by padding, every seventieth by bytes that are not compressed.
            logical += chunk.size() as u64 + if number % 70 == 0 { 512 } else { 0 };
            at += chunk.record_bytes() as u64 + if number % 100 == 0 { 300 } else { 0 };
        }
        for chunk in &chunks {
            assert_eq!(index.find(chunk.logical), Some(*chunk));
            assert_eq!(index.find(chunk.logical + chunk.size() as u64 - 1), Some(*chunk));
        }
        assert_eq!(index.find(chunks[70].logical + chunks[70].size() as u64), None);
        assert_eq!(index.find(logical + 1), None);
        assert_eq!(ChunkIndex::default().find(0), None);
    }
}
