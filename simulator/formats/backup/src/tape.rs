//! The logical bytes of a backup, front to back, whether the file holds them plainly or compressed.

use std::io::{self, Read, Seek, SeekFrom};

use crate::chunk::ChunkIndex;
use crate::compressed::{Compressed, MAGIC};

/// Why the bytes end.
#[derive(Debug)]
pub enum TapeError {
    /// The file ends too early.
    Ended,
    /// The compressed container is damaged, at this place in the file.
    Damaged { at: u64, what: &'static str },
    /// The compressed container is of a kind not known here, at this place in the file.
    Unknown { at: u64, what: String },
    /// The disk failed.
    Io(io::Error),
}

impl From<io::Error> for TapeError {
    fn from(error: io::Error) -> TapeError {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => TapeError::Ended,
            _ => TapeError::Io(error),
        }
    }
}

/// The logical bytes of a backup.
pub struct Tape<S> {
    source: Source<S>,
    position: u64,
}

enum Source<S> {
    Plain { file: S, length: u64 },
    Compressed(Box<Compressed<S>>),
}

impl<S: Read + Seek> Tape<S> {
    pub fn open(mut file: S) -> io::Result<Tape<S>> {
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(0))?;
        let mut magic = [0; 8];
        let compressed = length >= 8 && {
            file.read_exact(&mut magic)?;
            &magic == MAGIC
        };
        let source = if compressed {
            Source::Compressed(Box::new(Compressed::open(file, length)?))
        } else {
            file.seek(SeekFrom::Start(0))?;
            Source::Plain { file, length }
        };
        Ok(Tape { source, position: 0 })
    }

    /// The chunks passed so far; `None` where the file is not compressed.
    pub fn into_chunks(self) -> Option<ChunkIndex> {
        match self.source {
            Source::Plain { .. } => None,
            Source::Compressed(compressed) => Some(compressed.into_chunks()),
        }
    }

    pub fn is_compressed(&self) -> bool {
        matches!(self.source, Source::Compressed(_))
    }

    /// Logical bytes read or skipped so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Whether nothing follows.
    pub fn at_end(&mut self) -> Result<bool, TapeError> {
        match &mut self.source {
            Source::Plain { length, .. } => Ok(self.position >= *length),
            Source::Compressed(compressed) => compressed.at_end(),
        }
    }

    pub fn read_exact(&mut self, buffer: &mut [u8]) -> Result<(), TapeError> {
        match &mut self.source {
            Source::Plain { file, .. } => file.read_exact(buffer)?,
            Source::Compressed(compressed) => compressed.read_exact(buffer)?,
        }
        self.position += buffer.len() as u64;
        Ok(())
    }

    pub fn skip(&mut self, count: u64) -> Result<(), TapeError> {
        match &mut self.source {
            Source::Plain { file, length } => {
                if count > length.saturating_sub(self.position) {
                    self.position = *length;
                    return Err(TapeError::Ended);
                }
                file.seek(SeekFrom::Start(self.position + count))?;
            }
            Source::Compressed(compressed) => compressed.skip(count)?,
        }
        self.position += count;
        Ok(())
    }
}
