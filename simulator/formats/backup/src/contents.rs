//! The logical bytes of a backup file at any place, from many threads.
//!
//! Of a plain file nothing is kept. Of a compressed one the places of its chunks are (32 bytes for each
//! 64 KiB), and the chunk decoded last: a spool would need a disk, which this crate does not know.

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::compressed::Chunk;
use crate::family::{Depth, Family};
use crate::reader;
use crate::tape::TapeError;

/// Bytes read at once while the headers are walked.
const WALK_BUFFER_BYTES: usize = 64 << 10;

/// A backup file, open for reading at any place.
pub struct Contents<S> {
    file: Mutex<S>,
    /// Of a compressed file.
    chunks: Option<Vec<Chunk>>,
    /// The chunk decoded last, by its index.
    last: Mutex<(usize, Vec<u8>)>,
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
        let last = Mutex::new((usize::MAX, Vec::new()));
        Ok((Contents { file: Mutex::new(file), chunks, last }, family))
    }

    /// Fills `buffer` from logical offset `at`.
    pub fn read_at(&self, at: u64, buffer: &mut [u8]) -> Result<(), TapeError> {
        let Some(chunks) = &self.chunks else {
            return self.read_file(at, buffer);
        };
        let (mut at, mut buffer) = (at, buffer);
        while !buffer.is_empty() {
            let index = chunks.partition_point(|chunk| chunk.logical <= at).checked_sub(1);
            let index = index.ok_or(TapeError::Ended)?;
            let chunk = &chunks[index];
            let skipped = at - chunk.logical;
            if skipped >= u64::from(chunk.size) {
                return Err(TapeError::Ended);
            }
            let count = buffer.len().min((u64::from(chunk.size) - skipped) as usize);
            let (now, later) = buffer.split_at_mut(count);
            self.copy_from(index, chunk, skipped as usize, now)?;
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
    fn copy_from(&self, index: usize, chunk: &Chunk, skipped: usize, to: &mut [u8]) -> Result<(), TapeError> {
        {
            let last = lock(&self.last);
            if last.0 == index {
                to.copy_from_slice(&last.1[skipped..skipped + to.len()]);
                return Ok(());
            }
        }
        let mut input = vec![0; chunk.length as usize];
        self.read_file(chunk.at, &mut input)?;
        let decoded = chunk.decode(&input)?;
        to.copy_from_slice(&decoded[skipped..skipped + to.len()]);
        *lock(&self.last) = (index, decoded);
        Ok(())
    }
}
