//! The container of compressed backups, `MSSQLBAK`: records of XPRESS chunks, padding, indexes, file marks.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use crate::chunk::{Chunk, ChunkIndex, RECORD_HEADER_BYTES, SIZE_UNIT_BYTES};
use crate::tape::TapeError;
use crate::xpress;

/// First bytes of a compressed backup.
pub const MAGIC: &[u8; 8] = b"MSSQLBAK";
/// Where the first record begins.
pub const RECORDS_BEGIN: u64 = 0x1E0;
/// Padding and indexes end at multiples of this, as file marks begin there.
pub const ALIGNMENT_BYTES: u64 = 512;
/// A chunk of XPRESS with Huffman coding.
pub const CHUNK: u8 = 0x21;
/// Padding.
pub const PADDING: u8 = 0x24;
/// Pairs of logical and file offsets.
pub const INDEX: u8 = 0x2C;

pub struct Compressed<S> {
    file: BufReader<S>,
    length: u64,
    at: u64,
    /// Logical offset of what the next record holds.
    logical: u64,
    chunks: ChunkIndex,
    /// Decoded bytes, and how many of them are used up.
    chunk: Vec<u8>,
    used: usize,
}

/// What a record says of itself.
enum Record {
    Chunk { chunk: Chunk, header: Vec<u8> },
    FileMark { start: Vec<u8> },
    End,
}

/// What loading the next record did.
enum Loaded {
    /// Logical bytes are there to be read.
    Chunk,
    /// So many logical bytes were passed over.
    Passed(u64),
    End,
}

impl<S: Read + Seek> Compressed<S> {
    pub fn open(mut file: S, length: u64) -> io::Result<Compressed<S>> {
        file.seek(SeekFrom::Start(RECORDS_BEGIN))?;
        Ok(Compressed {
            file: BufReader::with_capacity(256 * 1024, file),
            length,
            at: RECORDS_BEGIN,
            logical: 0,
            chunks: ChunkIndex::default(),
            chunk: Vec::new(),
            used: 0,
        })
    }

    /// The chunks passed so far.
    pub fn into_chunks(self) -> ChunkIndex {
        self.chunks
    }

    pub fn at_end(&mut self) -> Result<bool, TapeError> {
        if self.used < self.chunk.len() {
            return Ok(false);
        }
        Ok(matches!(self.load(0)?, Loaded::End))
    }

    pub fn read_exact(&mut self, mut buffer: &mut [u8]) -> Result<(), TapeError> {
        while !buffer.is_empty() {
            if self.used == self.chunk.len() && matches!(self.load(0)?, Loaded::End) {
                return Err(TapeError::Ended);
            }
            let count = buffer.len().min(self.chunk.len() - self.used);
            let (now, later) = buffer.split_at_mut(count);
            now.copy_from_slice(&self.chunk[self.used..self.used + count]);
            self.used += count;
            buffer = later;
        }
        Ok(())
    }

    /// Skips logical bytes; chunks that lie wholly within are not even decoded.
    pub fn skip(&mut self, mut count: u64) -> Result<(), TapeError> {
        while count > 0 {
            let rest = (self.chunk.len() - self.used) as u64;
            if rest > 0 {
                let step = rest.min(count);
                self.used += step as usize;
                count -= step;
                continue;
            }
            match self.load(count)? {
                Loaded::End => return Err(TapeError::Ended),
                Loaded::Passed(size) => count -= size,
                Loaded::Chunk => {}
            }
        }
        Ok(())
    }

    /// Loads the next chunk or file mark; a chunk of at most `skippable` bytes is passed over undecoded.
    fn load(&mut self, skippable: u64) -> Result<Loaded, TapeError> {
        self.chunk.clear();
        self.used = 0;
        match self.record()? {
            Record::End => Ok(Loaded::End),
            Record::FileMark { start } => {
                // Its own length is the physical block size; everything else in it is zero.
                let size = usize::from(u16::from_le_bytes([start[8], start[9]])).clamp(start.len(), 1 << 16);
                self.chunk = start;
                let rest = size - self.chunk.len();
                let read = self.bytes(rest)?;
                self.chunk.extend(read);
                self.logical += self.chunk.len() as u64;
                Ok(Loaded::Chunk)
            }
            Record::Chunk { chunk, header: mut record } => {
                self.chunks.push(chunk);
                self.logical += chunk.size() as u64;
                if chunk.size() as u64 <= skippable {
                    self.pass(u64::from(chunk.length))?;
                    return Ok(Loaded::Passed(chunk.size() as u64));
                }
                record.extend(self.bytes(usize::from(chunk.length))?);
                self.chunk = chunk.decode(&record)?;
                Ok(Loaded::Chunk)
            }
        }
    }

    /// Reads record headers up to one that holds logical bytes.
    fn record(&mut self) -> Result<Record, TapeError> {
        loop {
            if self.at >= self.length {
                return Ok(Record::End);
            }
            let at = self.at;
            let header = self.bytes(RECORD_HEADER_BYTES)?;
            if header.starts_with(b"SFMB") {
                return Ok(Record::FileMark { start: header });
            }
            let length = u16::from_le_bytes([header[2], header[3]]);
            match header[0] {
                CHUNK => {
                    let units = header[1];
                    if units == 0 || usize::from(units) * SIZE_UNIT_BYTES > xpress::CHUNK_BYTES {
                        return Err(TapeError::Damaged { at, what: "size of a compressed chunk" });
                    }
                    return Ok(Record::Chunk {
                        chunk: Chunk { logical: self.logical, at, length, units },
                        header,
                    });
                }
                PADDING => self.pass_to(at + 24 + u64::from(length))?,
                INDEX => {
                    let start = self.bytes(4)?;
                    let pairs = u64::from(u32::from_le_bytes([start[0], start[1], start[2], start[3]]));
                    self.pass_to((at + 40).saturating_add(pairs * 16))?;
                }
                other => {
                    let what = format!(
                        "record type 0x{other:02X}, a compression of SQL Server 2022 or later, or damage"
                    );
                    return Err(TapeError::Unknown { at, what });
                }
            }
        }
    }

    fn bytes(&mut self, count: usize) -> Result<Vec<u8>, TapeError> {
        let mut bytes = vec![0; count];
        self.file.read_exact(&mut bytes)?;
        self.at += count as u64;
        Ok(bytes)
    }

    fn pass(&mut self, count: u64) -> Result<(), TapeError> {
        if count > self.length.saturating_sub(self.at) {
            return Err(TapeError::Ended);
        }
        self.file.seek_relative(i64::try_from(count).unwrap_or(i64::MAX))?;
        self.at += count;
        Ok(())
    }

    /// Goes to the first multiple of the alignment that is not before `end`.
    fn pass_to(&mut self, end: u64) -> Result<(), TapeError> {
        let end = end.div_ceil(ALIGNMENT_BYTES).saturating_mul(ALIGNMENT_BYTES);
        self.pass(end.saturating_sub(self.at))
    }
}
