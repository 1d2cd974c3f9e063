//! The logical bytes of a backup file at any place, from many threads.
//!
//! Of a plain file nothing is kept. Of a compressed one the places of its chunks are, and the chunk decoded
//! last: a spool would need a disk, which this crate does not know.

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::chunk::{Chunk, ChunkIndex};
use crate::family::{Depth, Family};
use crate::reader;
use crate::tape::TapeError;

/// Bytes read at once while the headers are walked.
const WALK_BUFFER_BYTES: usize = 64 << 10;

/// A backup file, open for reading at any place.
pub struct Contents<S> {
    file: Mutex<S>,
    /// Of a compressed file.
    chunks: Option<ChunkIndex>,
    /// The chunk decoded last, by its place in the file.
    last: Mutex<(u64, Vec<u8>)>,
}

/// A panic elsewhere does not make a file or a copy of bytes wrong.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: Read + Seek> Contents<S> {
    /// Walks the headers; the data is passed over.
    pub fn open(mut file: S) -> io::Result<(Contents<S>, Family)> {
        let walk = BufReader::with_capacity(WALK_BUFFER_BYTES, &mut file);
        let (family, chunks) = reader::survey(walk, Depth::Headers)?;
        let last = Mutex::new((u64::MAX, Vec::new()));
        Ok((Contents { file: Mutex::new(file), chunks, last }, family))
    }

    /// Bytes that are no backup.
    #[cfg(test)]
    pub fn plain(file: S) -> Contents<S> {
        Contents { file: Mutex::new(file), chunks: None, last: Mutex::new((u64::MAX, Vec::new())) }
    }

    /// Fills `buffer` from logical offset `at`.
    pub fn read_at(&self, at: u64, buffer: &mut [u8]) -> Result<(), TapeError> {
        let Some(chunks) = &self.chunks else {
            return self.read_file(at, buffer);
        };
        let (mut at, mut buffer) = (at, buffer);
        while !buffer.is_empty() {
            let chunk = chunks.find(at).ok_or(TapeError::Ended)?;
            let skipped = (at - chunk.logical) as usize;
            let count = buffer.len().min(chunk.size() - skipped);
            let (now, later) = buffer.split_at_mut(count);
            self.copy_from(&chunk, skipped, now)?;
            at += count as u64;
            buffer = later;
        }
        Ok(())
    }

    fn read_file(&self, at: u64, buffer: &mut [u8]) -> Result<(), TapeError> {
        let mut file = lock(&self.file);
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(buffer)?;
        Ok(())
    }

    /// Copies from a decoded chunk. Decoding itself happens outside every lock.
    fn copy_from(&self, chunk: &Chunk, skipped: usize, to: &mut [u8]) -> Result<(), TapeError> {
        {
            let last = lock(&self.last);
            if last.0 == chunk.at {
                to.copy_from_slice(&last.1[skipped..skipped + to.len()]);
                return Ok(());
            }
        }
        let mut record = vec![0; chunk.record_bytes()];
        self.read_file(chunk.at, &mut record)?;
        let decoded = chunk.decode(&record)?;
        to.copy_from_slice(&decoded[skipped..skipped + to.len()]);
        *lock(&self.last) = (chunk.at, decoded);
        Ok(())
    }
}
