//! Descriptor blocks and stream headers of Microsoft Tape Format 1.00a.

use std::io::{Read, Seek};

use crate::checksum;
use crate::tape::{Tape, TapeError};
use crate::value::Bytes;

/// Bytes of the header common to all descriptor blocks.
const COMMON_BYTES: usize = 52;
/// Largest descriptor block: the offset of its first stream is a 16-bit word.
const MOST_BYTES: usize = 1 << 16;
/// Bytes of a stream's header.
pub const STREAM_HEADER_BYTES: usize = 22;
/// Streams begin at multiples of this.
pub const STREAM_ALIGNMENT_BYTES: u64 = 4;

/// The types of descriptor block that SQL Server writes, and the others of the format.
const TYPES: [&str; 14] = [
    "TAPE", "SFMB", "SSET", "VOLB", "MSCI", "MSDA", "MSTL", "MSLS", "ESET", "DIRB", "FILE", "CFIL", "ESPB",
    "EOTM",
];
/// Name of a block of another type: its header's checksum is right and its streams can be passed over, as
/// those of full-text catalogs and FILESTREAM containers may have to be.
const OTHER: &str = "other";

/// Name of a block or stream, such as `TAPE`.
pub type Name = &'static str;

/// A descriptor block up to its first stream.
pub struct Block {
    pub name: Name,
    /// Logical offset.
    pub at: u64,
    pub bytes: Vec<u8>,
}

/// Why there is no block here.
pub enum BlockError {
    Tape(TapeError),
    /// The first bytes are none of the types.
    NoBlock,
    /// The header's checksum is wrong; the type may still be told.
    Checksum(Name),
}

impl From<TapeError> for BlockError {
    fn from(error: TapeError) -> BlockError {
        BlockError::Tape(error)
    }
}

impl Block {
    pub fn read<S: Read + Seek>(tape: &mut Tape<S>) -> Result<Block, BlockError> {
        let at = tape.position();
        let mut bytes = vec![0; COMMON_BYTES];
        tape.read_exact(&mut bytes)?;
        let header = Bytes(&bytes);
        let is_right = header.u16(50) == Some(checksum::words(&bytes[..50]));
        let may_be_other = is_right && bytes[..4].iter().all(u8::is_ascii_uppercase);
        let name = TYPES.into_iter().find(|name| bytes.starts_with(name.as_bytes()));
        let Some(name) = name.or(may_be_other.then_some(OTHER)) else { return Err(BlockError::NoBlock) };
        if !is_right {
            return Err(BlockError::Checksum(name));
        }
        let first_stream = usize::from(header.u16(8).unwrap_or(0)).clamp(COMMON_BYTES, MOST_BYTES);
        bytes.resize(first_stream, 0);
        tape.read_exact(&mut bytes[COMMON_BYTES..])?;
        Ok(Block { name, at, bytes })
    }

    /// File marks are the only blocks without streams.
    pub fn has_streams(&self) -> bool {
        self.name != "SFMB"
    }
}

/// The header of a data stream; its bytes follow.
pub struct Stream {
    pub id: [u8; 4],
    /// Logical offset of the header.
    pub at: u64,
    pub media_attributes: u16,
    pub length: u64,
    pub encryption: u16,
    pub compression: u16,
}

/// Why there is no stream here.
pub enum StreamError {
    Tape(TapeError),
    Checksum,
}

impl From<TapeError> for StreamError {
    fn from(error: TapeError) -> StreamError {
        StreamError::Tape(error)
    }
}

impl Stream {
    /// Reads the next header of a block that begins at `block_at`.
    pub fn read<S: Read + Seek>(tape: &mut Tape<S>, block_at: u64) -> Result<Stream, StreamError> {
        let gap = (tape.position() - block_at) % STREAM_ALIGNMENT_BYTES;
        if gap != 0 {
            tape.skip(STREAM_ALIGNMENT_BYTES - gap)?;
        }
        let at = tape.position();
        let mut bytes = [0; STREAM_HEADER_BYTES];
        tape.read_exact(&mut bytes)?;
        let header = Bytes(&bytes);
        if header.u16(20) != Some(checksum::words(&bytes[..20])) {
            return Err(StreamError::Checksum);
        }
        Ok(Stream {
            id: [bytes[0], bytes[1], bytes[2], bytes[3]],
            at,
            media_attributes: header.u16(6).unwrap_or(0),
            length: header.u64(8).unwrap_or(0),
            encryption: header.u16(16).unwrap_or(0),
            compression: header.u16(18).unwrap_or(0),
        })
    }

    pub fn is(&self, name: &str) -> bool {
        self.id == name.as_bytes()
    }

    /// The name with anything unprintable escaped.
    pub fn shown(&self) -> String {
        self.id.escape_ascii().to_string()
    }
}
