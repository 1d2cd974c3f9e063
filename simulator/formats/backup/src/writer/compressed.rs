//! The container of compressed backups: records of chunks, file marks as they are, padding in front of those.

use std::io::{self, Write};

use super::xpress;
use crate::checksum;
use crate::chunk::{RECORD_HEADER_BYTES, SIZE_UNIT_BYTES};
use crate::compressed::{ALIGNMENT_BYTES, CHUNK, INDEX, MAGIC, PADDING, RECORDS_BEGIN};
use crate::xpress::CHUNK_BYTES;

/// What stands behind the magic in all compressed backups seen.
const VERSION: [u8; 8] = [2, 0, 0, 0, 3, 0, 0, 0];
/// Bytes of a record's header that are followed by padding of which the header tells the length.
const PADDING_HEADER_BYTES: u64 = 24;
/// An index's own header: it tells its count, its length and its checksum too.
const INDEX_HEADER_BYTES: u64 = 40;

/// Turns logical bytes into records.
pub struct Compressing<W> {
    out: W,
    /// Bytes of the file so far.
    at: u64,
    /// Bytes that go into the next chunk.
    pending: Vec<u8>,
    /// Logical offset behind what was taken in.
    logical: u64,
    /// Blocks told in the next index: logical offset in the set, place in the file.
    index: Vec<(u64, u64)>,
    set_start: u64,
    /// Whether a bit of the next full chunk is to be flipped.
    flips_chunk: bool,
}

impl<W: Write> Compressing<W> {
    pub fn begin(mut out: W, flips_chunk: bool) -> io::Result<Compressing<W>> {
        let mut header = vec![0; RECORDS_BEGIN as usize];
        header[..8].copy_from_slice(MAGIC);
        header[8..16].copy_from_slice(&VERSION);
        out.write_all(&header)?;
        let pending = Vec::with_capacity(CHUNK_BYTES);
        Ok(Compressing {
            out,
            at: RECORDS_BEGIN,
            pending,
            logical: 0,
            index: Vec::new(),
            set_start: 0,
            flips_chunk,
        })
    }

    /// Bytes of the file so far.
    pub fn written(&self) -> u64 {
        self.at
    }

    pub fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.logical += bytes.len() as u64;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK_BYTES - self.pending.len()));
            self.pending.extend_from_slice(now);
            bytes = later;
            if self.pending.len() == CHUNK_BYTES {
                self.chunk()?;
            }
        }
        Ok(())
    }

    /// A set begins here.
    pub fn begin_set(&mut self) {
        self.set_start = self.logical;
    }

    /// A block begins here that the index tells of; it begins a chunk.
    pub fn note_block(&mut self) -> io::Result<()> {
        self.chunk()?;
        self.index.push((self.logical - self.set_start, self.at));
        Ok(())
    }

    /// Writes a file mark as it is, where one may begin.
    pub fn file_mark(&mut self, mark: &[u8]) -> io::Result<()> {
        self.chunk()?;
        if self.index.is_empty() {
            self.pad()?
        } else {
            self.write_index()?
        }
        self.logical += mark.len() as u64;
        self.raw(mark)
    }

    /// Stops within a chunk, as an upload does that breaks off.
    pub fn break_off(&mut self) -> io::Result<()> {
        let record = record(&self.pending);
        self.raw(&record[..record.len() / 2])
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.chunk()?;
        self.flush_file()
    }

    /// Without what is pending.
    pub fn flush_file(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.at += bytes.len() as u64;
        self.out.write_all(bytes)
    }

    fn chunk(&mut self) -> io::Result<()> {
        let pending = std::mem::take(&mut self.pending);
        self.chunk_of(&pending)?;
        self.pending = pending;
        self.pending.clear();
        Ok(())
    }

    /// One record, or two where the bytes are such that one could not tell its length.
    fn chunk_of(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let mut record = record(bytes);
        if self.flips_chunk && bytes.len() == CHUNK_BYTES {
            self.flips_chunk = false;
            let middle = record.len() / 2;
            record[middle] ^= 4;
        }
        if record.len() - RECORD_HEADER_BYTES <= usize::from(u16::MAX) {
            return self.raw(&record);
        }
        let (one, other) = bytes.split_at(CHUNK_BYTES / 2);
        self.chunk_of(one)?;
        self.chunk_of(other)
    }

    fn pad(&mut self) -> io::Result<()> {
        if self.at.is_multiple_of(ALIGNMENT_BYTES) {
            return Ok(());
        }
        let end = (self.at + RECORD_HEADER_BYTES as u64).next_multiple_of(ALIGNMENT_BYTES);
        let mut bytes = vec![0; (end - self.at) as usize];
        bytes[0] = PADDING;
        let length = end - self.at - PADDING_HEADER_BYTES;
        bytes[2..4].copy_from_slice(&(length as u16).to_le_bytes());
        self.raw(&bytes)
    }

    fn write_index(&mut self) -> io::Result<()> {
        let pairs: Vec<u8> = std::mem::take(&mut self.index)
            .into_iter()
            .flat_map(|(logical, at)| [logical.to_le_bytes(), at.to_le_bytes()])
            .flatten()
            .collect();
        let end = (self.at + INDEX_HEADER_BYTES + pairs.len() as u64).next_multiple_of(ALIGNMENT_BYTES);
        let mut bytes = vec![0; (end - self.at) as usize];
        bytes[0] = INDEX;
        bytes[24..28].copy_from_slice(&[1, 0, 1, 0]);
        bytes[28..32].copy_from_slice(&((pairs.len() / 16) as u32).to_le_bytes());
        bytes[32..36].copy_from_slice(&((end - self.at - PADDING_HEADER_BYTES) as u32).to_le_bytes());
        bytes[36..40].copy_from_slice(&checksum::chunk(&pairs).to_le_bytes());
        bytes[40..40 + pairs.len()].copy_from_slice(&pairs);
        self.raw(&bytes)
    }
}

/// Header and encoded bytes.
fn record(bytes: &[u8]) -> Vec<u8> {
    let encoded = xpress::encode(bytes);
    let mut record = vec![0; RECORD_HEADER_BYTES];
    record[0] = CHUNK;
    record[1] = (bytes.len() / SIZE_UNIT_BYTES) as u8;
    // Too long ones are not written so.
    record[2..4].copy_from_slice(&(encoded.len() as u16).to_le_bytes());
    record[24..28].copy_from_slice(&checksum::chunk(&encoded).to_le_bytes());
    record.extend(encoded);
    record
}
