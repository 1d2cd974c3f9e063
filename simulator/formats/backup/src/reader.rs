//! Reads one backup file front to back: media, sets, and every problem met on the way.

use std::io::{self, Read, Seek};

use crate::block::{Block, BlockError, Stream, StreamError};
use crate::checksum::{self, PAGE_BYTES};
use crate::chunk::ChunkIndex;
use crate::configuration::Configuration;
use crate::family::{Depth, Family, Problem, ProblemKind, Set, Span};
use crate::media::Media;
use crate::tape::{Tape, TapeError};
use crate::value::Bytes;

/// Largest configuration stream taken: far beyond the 32,767 files a database can have.
const MOST_CONFIGURATION_BYTES: u64 = 64 << 20;
/// Largest other stream kept in memory.
const MOST_SMALL_STREAM_BYTES: u64 = 64 << 10;
/// Most problems told of one file; damage tends to repeat itself.
const MOST_PROBLEMS: usize = 100;
/// Media attribute of a stream that a CSUM stream follows.
const HAS_CHECKSUM: u16 = 0x100;
/// Page header flag: bytes 60 to 63 hold a checksum.
const PAGE_HAS_CHECKSUM: u16 = 0x200;
/// Largest page type there is.
const MOST_PAGE_TYPE: u8 = 20;

/// Reads a backup file. Fails only if the disk does: everything wrong with the file itself is told as a problem.
pub fn read<S: Read + Seek>(file: S, depth: Depth) -> io::Result<Family> {
    Ok(survey(file, depth)?.0)
}

/// What [`read`] tells, and the chunks of a compressed file, which lead to any byte of it.
pub(crate) fn survey<S: Read + Seek>(file: S, depth: Depth) -> io::Result<(Family, Option<ChunkIndex>)> {
    let mut reader = Reader { tape: Tape::open(file)?, depth, family: Family::default(), open_set: None };
    match reader.run() {
        Ok(()) | Err(Stop::Told) => {}
        Err(Stop::Io(error)) => return Err(error),
    }
    if let Some(set) = reader.open_set.take() {
        reader.family.sets.push(set);
    }
    Ok((reader.family, reader.tape.into_chunks()))
}

/// Why reading stopped early.
enum Stop {
    /// The problem has been told.
    Told,
    Io(io::Error),
}

struct Reader<S> {
    tape: Tape<S>,
    depth: Depth,
    family: Family,
    open_set: Option<Set>,
}

impl<S: Read + Seek> Reader<S> {
    fn run(&mut self) -> Result<(), Stop> {
        self.media()?;
        loop {
            let at_end = self.tape.at_end().map_err(|error| self.stop(error, "the next block"))?;
            if at_end {
                return self.end();
            }
            let block = self.block()?;
            self.take_block(&block)?;
        }
    }

    fn media(&mut self) -> Result<(), Stop> {
        let at_end = match self.tape.at_end() {
            Ok(at_end) => at_end,
            Err(error) => return Err(self.stop(error, "the media header")),
        };
        if at_end {
            return Err(self.tell(ProblemKind::NotABackup, 0, "the file is empty"));
        }
        let block = match Block::read(&mut self.tape) {
            Ok(block) if block.name == "TAPE" => block,
            Err(BlockError::Checksum("TAPE")) => {
                return Err(self.tell(ProblemKind::Header, 0, "the checksum of the media header is wrong"));
            }
            Err(BlockError::Tape(TapeError::Ended)) if !self.tape.is_compressed() => {
                return Err(self.tell(
                    ProblemKind::NotABackup,
                    0,
                    "the file is too short for a media header",
                ));
            }
            Err(BlockError::Tape(error)) => return Err(self.stop(error, "the media header")),
            Ok(_) | Err(BlockError::NoBlock | BlockError::Checksum(_)) => {
                let message = "a SQL Server backup begins with TAPE or MSSQLBAK; this file does not";
                return Err(self.tell(ProblemKind::NotABackup, 0, message));
            }
        };
        self.family.checks.blocks += 1;
        self.family.media = Some(Media::from_block(&block.bytes, self.tape.is_compressed()));
        self.streams(&block)
    }

    fn block(&mut self) -> Result<Block, Stop> {
        let at = self.tape.position();
        match Block::read(&mut self.tape) {
            Ok(block) => {
                self.family.checks.blocks += 1;
                Ok(block)
            }
            Err(BlockError::Checksum(name)) => {
                Err(self.tell(ProblemKind::Header, at, format!("the checksum of the {name} block is wrong")))
            }
            Err(BlockError::NoBlock) if self.open_set.is_some() || self.family.sets.is_empty() => Err(
                self.tell(ProblemKind::Header, at, "a descriptor block was expected; these bytes are none")
            ),
            Err(BlockError::NoBlock) => {
                Err(self.tell(ProblemKind::Leftover, at, "a backup set or the end of the file was expected"))
            }
            Err(BlockError::Tape(error)) => Err(self.stop(error, "a descriptor block")),
        }
    }

    fn take_block(&mut self, block: &Block) -> Result<(), Stop> {
        if block.name == "SSET" {
            if self.open_set.is_some() {
                let message = "the set before this one has no end";
                return Err(self.tell(ProblemKind::Header, block.at, message));
            }
            self.open_set = Some(self.new_set(&block.bytes));
        }
        if let Some(set) = &mut self.open_set {
            match set.blocks.last_mut() {
                Some((name, count)) if *name == block.name => *count += 1,
                _ => set.blocks.push((block.name, 1)),
            }
            let bytes = Bytes(&block.bytes);
            match block.name {
                "VOLB" => (set.device_name, set.machine_name) = (bytes.text(56), bytes.text(64)),
                "ESET" => set.finish_date = bytes.date(80),
                _ => {}
            }
        } else if !matches!(block.name, "SFMB") {
            let message = format!("{} stands outside every backup set", block.name);
            return Err(self.tell(ProblemKind::Header, block.at, message));
        }
        if block.has_streams() {
            self.streams(block)?;
        }
        // A set ends with the file mark behind its ESET blocks.
        let ended = block.name == "SFMB"
            && self.open_set.as_ref().is_some_and(|set| set.blocks.iter().any(|(name, _)| *name == "ESET"));
        if ended && let Some(mut set) = self.open_set.take() {
            set.is_whole = true;
            self.family.sets.push(set);
        }
        Ok(())
    }

    fn new_set(&self, block: &[u8]) -> Set {
        let block = Bytes(block);
        Set {
            position: self.family.sets.len() as u32 + 1,
            number: block.u16(62).unwrap_or(0),
            name: block.text(64),
            description: block.text(68),
            user_name: block.text(76),
            guid: block.guid(100),
            attributes: block.u32(52).unwrap_or(0),
            start_date: block.date(88),
            finish_date: None,
            time_zone_quarter_hours: block.u8(95).unwrap_or(127) as i8,
            device_name: None,
            machine_name: None,
            header: None,
            filegroups: Vec::new(),
            files: Vec::new(),
            blocks: Vec::new(),
            data_bytes: 0,
            log_bytes: 0,
            is_whole: false,
            spans: Vec::new(),
        }
    }

    /// Reads the streams behind a block, up to and with the SPAD that ends them.
    fn streams(&mut self, block: &Block) -> Result<(), Stop> {
        let mut data = DataSum::default();
        loop {
            let at = self.tape.position();
            let stream = match Stream::read(&mut self.tape, block.at) {
                Ok(stream) => stream,
                Err(StreamError::Checksum) => {
                    let message = format!("the checksum of a stream header behind {} is wrong", block.name);
                    return Err(self.tell(ProblemKind::Header, at, message));
                }
                Err(StreamError::Tape(error)) => return Err(self.stop(error, "a stream header")),
            };
            self.family.checks.streams += 1;
            if stream.encryption != 0 {
                return Err(self.tell(ProblemKind::Encrypted, at, "the backup is encrypted"));
            }
            if stream.compression != 0 {
                let message =
                    format!("stream {} is compressed by method {}", stream.shown(), stream.compression);
                return Err(self.tell(ProblemKind::Compression, at, message));
            }
            self.take_stream(block, &stream, &mut data)?;
            if stream.is("SPAD") {
                return Ok(());
            }
        }
    }

    fn take_stream(&mut self, block: &Block, stream: &Stream, data: &mut DataSum) -> Result<(), Stop> {
        match &stream.id {
            b"RAID" => {
                let bytes = self.small(stream, MOST_SMALL_STREAM_BYTES)?;
                if let Some(media) = &mut self.family.media {
                    media.add_raid(&bytes);
                }
                Ok(())
            }
            b"MQCI" => {
                let bytes = self.small(stream, MOST_CONFIGURATION_BYTES)?;
                self.configure(block, stream, &bytes)
            }
            b"MQDA" | b"MQTL" => self.data(stream, data),
            b"CSUM" => {
                let bytes = self.small(stream, MOST_SMALL_STREAM_BYTES)?;
                self.compare(stream, data, Bytes(&bytes).u32(0))
            }
            _ => self.skip(stream.length, "the end of a stream"),
        }
    }

    fn configure(&mut self, block: &Block, stream: &Stream, bytes: &[u8]) -> Result<(), Stop> {
        let configuration = match Configuration::read(bytes) {
            Ok(configuration) => configuration,
            Err(reason) => {
                return Err(self.tell(ProblemKind::Header, stream.at, format!("configuration: {reason}")));
            }
        };
        let Some(set) = &mut self.open_set else { return Ok(()) };
        let announced = std::mem::replace(&mut set.files, configuration.files);
        if block.name == "MSLS" {
            for (file, announced) in set.files.iter_mut().zip(announced) {
                file.announced_size_in_bytes = announced.announced_size_in_bytes;
                file.announced_pages = announced.announced_pages;
            }
        }
        set.header = Some(configuration.header);
        set.filegroups = configuration.filegroups;
        Ok(())
    }

    /// Pages or log: two lead bytes where the length says so, then whole sectors.
    fn data(&mut self, stream: &Stream, data: &mut DataSum) -> Result<(), Stop> {
        let is_pages = stream.is("MQDA");
        let lead = if stream.length % checksum::SECTOR_BYTES as u64 == 2 { 2 } else { 0 };
        if let Some(set) = &mut self.open_set {
            let bytes = if is_pages { &mut set.data_bytes } else { &mut set.log_bytes };
            *bytes = bytes.saturating_add(stream.length - lead);
            if is_pages && stream.length > lead {
                let blocks = set.blocks.iter().filter(|(name, _)| *name == "MSDA");
                let at = self.tape.position() + lead;
                let block = blocks.map(|(_, count)| count).sum();
                set.spans.push(Span { at, length: stream.length - lead, block });
            }
        }
        if self.depth == Depth::Headers {
            return self.skip(stream.length, "the end of the data");
        }
        self.skip(lead, "the data")?;
        let mut left = stream.length - lead;
        let mut unit = [0; PAGE_BYTES];
        while left > 0 {
            let count = left.min(PAGE_BYTES as u64) as usize;
            let at = self.tape.position();
            if let Err(error) = self.tape.read_exact(&mut unit[..count]) {
                return Err(self.stop(error, "the rest of the data"));
            }
            left -= count as u64;
            if stream.media_attributes & HAS_CHECKSUM != 0 {
                data.sum = checksum::sectors(data.sum, &unit[..count]);
                data.is_vouched_for = true;
            }
            if is_pages && count == PAGE_BYTES {
                self.page(&unit, at);
            }
        }
        Ok(())
    }

    /// Units that do not look like pages are stale disk contents: nothing can be said of them.
    fn page(&mut self, page: &[u8; PAGE_BYTES], at: u64) {
        let header = Bytes(page);
        let flags = header.u16(4).unwrap_or(0);
        let (number, file) = (header.u32(32).unwrap_or(0), header.u16(36).unwrap_or(0));
        let looks_like_one =
            page[0] == 1 && (1..=MOST_PAGE_TYPE).contains(&page[1]) && self.has_page(file, number);
        if !looks_like_one || flags & PAGE_HAS_CHECKSUM == 0 {
            return;
        }
        let (expected, found) = (header.u32(60).unwrap_or(0), checksum::page(page));
        if expected == found {
            self.family.checks.pages += 1;
            return;
        }
        let message =
            format!("page ({file}:{number}): checksum 0x{expected:08x} stored, 0x{found:08x} computed");
        self.tell(ProblemKind::Page, at, message);
    }

    /// Whether a database file of the open set can have that page.
    fn has_page(&self, file: u16, number: u32) -> bool {
        let files = self.open_set.iter().flat_map(|set| &set.files);
        files.into_iter().any(|known| {
            known.file_id == u32::from(file) && u64::from(number) < known.size / PAGE_BYTES as u64
        })
    }

    fn compare(&mut self, stream: &Stream, data: &mut DataSum, stored: Option<u32>) -> Result<(), Stop> {
        let data = std::mem::take(data);
        if !data.is_vouched_for {
            return Ok(());
        }
        if stored == Some(data.sum) {
            self.family.checks.data_streams += 1;
        } else {
            let message =
                format!("backup checksum 0x{:08x} stored, 0x{:08x} computed", stored.unwrap_or(0), data.sum);
            self.tell(ProblemKind::DataStream, stream.at, message);
        }
        Ok(())
    }

    /// The bytes of a stream that is kept in memory; its length is checked before.
    fn small(&mut self, stream: &Stream, most: u64) -> Result<Vec<u8>, Stop> {
        if stream.length > most {
            let message =
                format!("stream {} claims {} bytes, more than any real one", stream.shown(), stream.length);
            return Err(self.tell(ProblemKind::Header, stream.at, message));
        }
        let mut bytes = Vec::new();
        let mut left = stream.length as usize;
        // In steps, so that a false length costs no more than the file holds.
        while left > 0 {
            let from = bytes.len();
            bytes.resize(from + left.min(1 << 16), 0);
            if let Err(error) = self.tape.read_exact(&mut bytes[from..]) {
                return Err(self.stop(error, "the end of a stream"));
            }
            left -= bytes.len() - from;
        }
        Ok(bytes)
    }

    fn skip(&mut self, count: u64, what: &str) -> Result<(), Stop> {
        self.tape.skip(count).map_err(|error| self.stop(error, what))
    }

    fn end(&mut self) -> Result<(), Stop> {
        let at = self.tape.position();
        if self.open_set.is_some() || self.family.sets.is_empty() {
            return Err(self.tell(ProblemKind::Truncated, at, "the file ends inside a backup set"));
        }
        Ok(())
    }

    fn stop(&mut self, error: TapeError, expected: &str) -> Stop {
        let at = self.tape.position();
        match error {
            TapeError::Io(error) => Stop::Io(error),
            TapeError::Ended => {
                self.tell(ProblemKind::Truncated, at, format!("the file ends where {expected} was expected"))
            }
            TapeError::Damaged { at: place, what } => self.tell(
                ProblemKind::Header,
                at,
                format!("{what} is wrong, at byte {place} of the compressed file"),
            ),
            TapeError::Unknown { at: place, what } => self.tell(
                ProblemKind::Compression,
                at,
                format!("{what}, at byte {place} of the compressed file"),
            ),
        }
    }

    fn tell(&mut self, kind: ProblemKind, at: u64, message: impl Into<String>) -> Stop {
        if self.family.problems.len() < MOST_PROBLEMS {
            self.family.problems.push(Problem { kind, at, message: message.into() });
        }
        Stop::Told
    }
}

/// The running checksum of the data streams before the next CSUM.
#[derive(Default)]
struct DataSum {
    sum: u32,
    is_vouched_for: bool,
}
