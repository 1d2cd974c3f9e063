//! The container of a synthetic backup: blocks, streams, configuration.

use std::io::{self, Write};

use super::boot;
use super::database::Database;
use super::random::Random;
use super::sink::Sink;
use super::version::Version;
use super::{EXTENT_PAGES, Stripe};
use crate::block::{STREAM_ALIGNMENT_BYTES, STREAM_HEADER_BYTES};
use crate::checksum::{self, PAGE_BYTES};
use crate::value::{DateTime, Guid, Lsn};

/// Blocks are padded to multiples of this.
const BLOCK_BYTES: u64 = 1024;
/// Physical block size, and bytes of a file mark.
const FILE_MARK_BYTES: usize = 512;
/// Where the block MSCI of the first set begins: behind TAPE, a file mark, SSET and VOLB.
pub const CONFIGURATION_BLOCK_AT: u64 = 0xE00;
/// Where the first page of the first set begins: behind MSCI, which takes five kilobytes, and MSDA.
pub const FIRST_PAGE_AT: u64 = 0x1E00;
/// Bytes of the log stub.
const LOG_BYTES: usize = 64 * 1024;
/// Lead bytes of a data stream.
const LEAD: [u8; 2] = [0, 0];

/// What was backed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Full,
    Differential,
    Log,
}

/// A backup set to write.
#[derive(Clone, Debug)]
pub struct SetSpec {
    pub position: u16,
    pub kind: Kind,
    pub version: Version,
    pub is_encrypted: bool,
    /// Whether the log is to differ from its checksum.
    pub breaks_log: bool,
    pub description: String,
    /// Pages in the whole set, and in the data file.
    pub pages: u32,
    pub file_pages: u32,
    pub stripe: Stripe,
    pub guid: Guid,
    pub database: Guid,
    pub date: DateTime,
    pub first_lsn: Lsn,
    pub last_lsn: Lsn,
    /// The checkpoint of the full backup that this one is based on.
    pub base_lsn: Option<Lsn>,
}

/// The backup being written.
pub struct Tape<'o, W> {
    out: &'o mut Sink<W>,
    set_start: u64,
    control_block: u32,
}

impl<'o, W: Write> Tape<'o, W> {
    /// Writes the media header.
    pub fn begin(out: &'o mut Sink<W>, media_set: Guid, stripe: Stripe) -> io::Result<Tape<'o, W>> {
        let mut tape = Tape { out, set_start: 0, control_block: 0 };
        let mut header = Record::new(94);
        // Each stripe has a family of its own.
        let family = u32::from_le_bytes([media_set.0[0], media_set.0[1], media_set.0[2], media_set.0[3]]);
        header
            .u32(52, family.wrapping_add(u32::from(stripe.number) - 1))
            .u16(60, 1)
            .u16(64, 1)
            .u16(84, BLOCK_BYTES as u16)
            .u16(86, 0x1200);
        header.put(88, &DateTime { year: 2026, month: 3, day: 1, hour: 20, minute: 0, second: 0 }.to_bytes());
        header.bytes[93] = 1;
        header.text(80, "Microsoft SQL Server");
        tape.block(b"TAPE", 0x30000, header)?;
        let mut raid = Record::new(32);
        raid.put(0, &media_set.0).u16(20, stripe.count).u16(22, 1).u16(24, stripe.number).u16(28, 1);
        tape.stream(b"RAID", 0, &raid.bytes)?;
        tape.pad(b"SPAD", BLOCK_BYTES, 0)?;
        tape.file_mark()?;
        Ok(tape)
    }

    /// Writes a backup set.
    pub fn set(&mut self, set: &SetSpec, database: &mut Database, random: &mut Random) -> io::Result<()> {
        self.set_start = self.out.offered();
        self.out.begin_set();
        self.control_block = 0;
        let mut header = Record::new(116);
        header
            .u16(52, if set.kind == Kind::Differential { 8 } else { 4 })
            .u16(60, 0x1200)
            .u16(62, set.position);
        header.put(88, &set.date.to_bytes()).put(100, &set.guid.0);
        header.bytes[93..96].copy_from_slice(&[13, 0, 40]);
        header.text(64, "synthetic backup");
        header.text(68, &set.description);
        header.text(76, "SYNTHETIC\\spatialcloud");
        self.plain_block(b"SSET", header)?;
        let mut header = Record::new(73);
        header.put(68, &set.date.to_bytes());
        header.text(56, "C:");
        header.text(64, "SYNTHETIC");
        self.plain_block(b"VOLB", header)?;
        self.configuration(b"MSCI", set, 0)?;
        if set.kind != Kind::Log {
            self.pages(set, database)?;
        }
        self.out.note_block()?;
        self.log(set, random)?;
        self.out.note_block()?;
        // Like the real ones, from the set header up to here.
        let size = self.out.offered() - self.set_start;
        self.configuration(b"MSLS", set, size)?;
        self.file_mark()?;
        for _ in 0..2 {
            let mut header = Record::new(88);
            header.u16(52, 4).u16(78, set.position).put(80, &set.date.to_bytes());
            self.plain_block(b"ESET", header)?;
        }
        // The real ones also map the tape here, in streams that nothing reads.
        self.file_mark()
    }

    fn plain_block(&mut self, name: &[u8; 4], header: Record) -> io::Result<()> {
        self.block(name, 0, header)?;
        self.pad(b"SPAD", BLOCK_BYTES, 0)
    }

    fn block(&mut self, name: &[u8; 4], attributes: u32, mut header: Record) -> io::Result<()> {
        header.align();
        let first_stream = header.bytes.len() as u16;
        let address = (self.out.offered() - self.set_start) / BLOCK_BYTES;
        header.put(0, name).u32(4, attributes).u16(8, first_stream).u16(10, 0x010E);
        header.u32(20, address as u32).u32(36, self.control_block);
        header.bytes[48] = 2;
        let sum = checksum::words(&header.bytes[..50]);
        header.u16(50, sum);
        self.control_block += 1;
        self.out.write_all(&header.bytes)
    }

    fn file_mark(&mut self) -> io::Result<()> {
        let mut mark = Record::new(FILE_MARK_BYTES);
        mark.put(0, b"SFMB").u32(4, 0x8000_0000).u16(8, FILE_MARK_BYTES as u16).u16(10, 0x010E);
        mark.bytes[48] = 2;
        let sum = checksum::words(&mark.bytes[..50]);
        mark.u16(50, sum);
        self.out.file_mark(&mark.bytes)
    }

    fn stream_header(
        &mut self,
        name: &[u8; 4],
        media_attributes: u16,
        length: u64,
        is_encrypted: bool,
    ) -> io::Result<()> {
        let mut header = Record::new(STREAM_HEADER_BYTES);
        header
            .put(0, name)
            .u16(6, media_attributes)
            .put(8, &length.to_le_bytes())
            .u16(16, u16::from(is_encrypted));
        let sum = checksum::words(&header.bytes[..20]);
        header.u16(20, sum);
        self.out.write_all(&header.bytes)
    }

    fn stream(&mut self, name: &[u8; 4], media_attributes: u16, bytes: &[u8]) -> io::Result<()> {
        self.stream_header(name, media_attributes, bytes.len() as u64, false)?;
        self.out.write_all(bytes)?;
        self.align()
    }

    fn align(&mut self) -> io::Result<()> {
        let over = self.out.offered() % STREAM_ALIGNMENT_BYTES;
        if over == 0 { Ok(()) } else { self.out.write_all(&[0; 4][over as usize..]) }
    }

    /// A stream of zeros, so long that `after` bytes behind it a multiple of `unit` is reached, counted from
    /// the start of the set.
    fn pad(&mut self, name: &[u8; 4], unit: u64, after: u64) -> io::Result<()> {
        let header = STREAM_HEADER_BYTES as u64;
        let end = self.out.offered() - self.set_start + header + after;
        let length = end.next_multiple_of(unit) - end;
        let attributes = if name == b"APAD" { 0x80 } else { 0 };
        self.stream_header(name, attributes, length, false)?;
        self.out.write_all(&vec![0; length as usize])
    }

    /// Data in front of which two lead bytes stand, so placed that it begins at a whole sector.
    fn begin_data(
        &mut self,
        name: &[u8; 4],
        attributes: u16,
        length: u64,
        is_encrypted: bool,
    ) -> io::Result<()> {
        self.pad(b"APAD", checksum::SECTOR_BYTES as u64, STREAM_HEADER_BYTES as u64 + LEAD.len() as u64)?;
        self.stream_header(name, attributes, length + LEAD.len() as u64, is_encrypted)?;
        self.out.write_all(&LEAD)
    }

    fn pages(&mut self, set: &SetSpec, database: &mut Database) -> io::Result<()> {
        let mut header = Record::new(60);
        header.u16(58, 1);
        self.block(b"MSDA", 0, header)?;
        let is_here = |database: &Database, extent: u32| {
            (set.kind == Kind::Full || database.is_changed(extent)) && set.stripe.has(extent)
        };
        let extents = set.file_pages / EXTENT_PAGES;
        let here = (0..extents).filter(|extent| is_here(database, *extent)).count() as u64;
        let bytes = here * u64::from(EXTENT_PAGES) * PAGE_BYTES as u64;
        self.begin_data(b"MQDA", 0x102, bytes, set.is_encrypted)?;
        let mut page = [0; PAGE_BYTES];
        let mut sum = 0;
        for extent in 0..extents {
            if !is_here(database, extent) {
                continue;
            }
            for number in extent * EXTENT_PAGES..(extent + 1) * EXTENT_PAGES {
                database.fill(&mut page, number)?;
                sum = checksum::sectors(sum, &page);
                self.out.write_all(&page)?;
            }
        }
        self.stream(b"CSUM", 0, &sum.to_le_bytes())?;
        self.align()?;
        self.stream_header(b"MQDA", 6, 0, false)?;
        self.align()?;
        self.pad(b"SPAD", BLOCK_BYTES, 0)
    }

    fn log(&mut self, set: &SetSpec, random: &mut Random) -> io::Result<()> {
        let mut header = Record::new(128);
        header.u16(54, 1).u32(64, LOG_BYTES as u32).u32(72, 2).put(84, &set.first_lsn.to_bytes());
        self.block(b"MSTL", 0, header)?;
        // The log is in the first stripe alone.
        if set.stripe.number > 1 {
            return self.pad(b"SPAD", BLOCK_BYTES, 0);
        }
        self.begin_data(b"MQTL", 0x100, LOG_BYTES as u64, false)?;
        let mut log = vec![0; LOG_BYTES];
        random.fill(&mut log);
        let sum = checksum::sectors(0, &log);
        if set.breaks_log {
            log[LOG_BYTES / 2] ^= 1;
        }
        self.out.write_all(&log)?;
        self.stream(b"CSUM", 0, &sum.to_le_bytes())?;
        self.pad(b"SPAD", BLOCK_BYTES, 0)
    }

    fn configuration(&mut self, block: &[u8; 4], set: &SetSpec, backup_size: u64) -> io::Result<()> {
        self.block(block, 0, Record::new(56))?;
        let is_end = block == b"MSLS";
        let mut stream = scin(set, backup_size);
        stream.extend(sfgi());
        stream.extend(sfin(set, 1, is_end));
        stream.extend(sfin(set, 2, is_end));
        self.stream(b"MQCI", 0, &stream)?;
        self.pad(b"SPAD", BLOCK_BYTES, 0)
    }
}

fn scin(set: &SetSpec, backup_size: u64) -> Vec<u8> {
    let mut record = Record::new(256);
    record.u16(8, 0x210 | if set.kind == Kind::Differential { 0x800 } else { 0 });
    record.u16(12, 1).u16(16, 1);
    let (major, minor, build) = set.version.software;
    record.u16(24, build).put(26, &[minor, major]);
    record
        .put(32, &set.first_lsn.to_bytes())
        .put(42, &set.last_lsn.to_bytes())
        .put(52, &set.first_lsn.to_bytes());
    if let Some(base) = set.base_lsn {
        record.put(62, &base.to_bytes());
    }
    let created = DateTime { year: 2020, ..set.date };
    record.put(72, &created.to_bytes()).put(77, &set.date.to_bytes()).put(82, &set.date.to_bytes());
    record.bytes[87] = match set.kind {
        Kind::Full => b'D',
        Kind::Differential => b'I',
        Kind::Log => b'L',
    };
    record.put(88, &[52, 1, 0, set.version.compatibility]).u16(92, 5).u16(94, set.version.database);
    record.put(96, &backup_size.to_le_bytes()).u32(116, 1033).u32(120, 196_609).put(124, &set.database.0);
    record.put(144, &set.last_lsn.to_bytes()).put(156, &set.database.0);
    record.put(216, &[9, 4, 0xD0, 0, 52]).put(224, &set.database.0);
    record.text(104, boot::NAME);
    record.text(108, "SYNTHETIC\\SPATIALCLOUD");
    record.finish(b"SCIN")
}

fn sfgi() -> Vec<u8> {
    let mut record = Record::new(48);
    record.u16(8, 16).u16(12, 1).u16(20, 1);
    record.text(16, "PRIMARY");
    record.finish(b"SFGI")
}

fn sfin(set: &SetSpec, file: u16, is_end: bool) -> Vec<u8> {
    let is_data = file == 1;
    let pages = match (is_data, set.kind) {
        (true, Kind::Full | Kind::Differential) => set.pages,
        (true, Kind::Log) => 0,
        (false, _) => u32::from(is_end),
    };
    let bytes =
        if is_data { u64::from(pages) * PAGE_BYTES as u64 } else { LOG_BYTES as u64 * u64::from(is_end) };
    let size = if is_data { u64::from(set.file_pages.max(8)) * PAGE_BYTES as u64 } else { 1 << 20 };
    let mut record = Record::new(1028);
    record.u16(8, if is_data { 0x84 } else { 0x0C }).u32(16, PAGE_BYTES as u32).u16(20, file).u32(24, pages);
    record.u16(28, file).u32(32, 512).u16(36, u16::from(is_data)).put(40, &size.to_le_bytes());
    record
        .put(158, &set.base_lsn.unwrap_or(set.first_lsn).to_bytes())
        .put(186, &set.database.0)
        .put(250, &bytes.to_le_bytes());
    // The two files differ in one byte of their identifiers.
    record.bytes[186] ^= file as u8;
    record.text(48, if is_data { "IntraMapsSpatialCloud" } else { "IntraMapsSpatialCloud_log" });
    record.text(
        52,
        if is_data {
            "C:\\Data\\IntraMapsSpatialCloud.mdf"
        } else {
            "C:\\Data\\IntraMapsSpatialCloud_log.ldf"
        },
    );
    record.finish(b"SFIN")
}

/// Bytes being laid out; texts are appended, and {length, offset} pairs point to them.
struct Record {
    bytes: Vec<u8>,
}

impl Record {
    fn new(length: usize) -> Record {
        Record { bytes: vec![0; length] }
    }

    fn put(&mut self, at: usize, bytes: &[u8]) -> &mut Record {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    fn u16(&mut self, at: usize, value: u16) -> &mut Record {
        self.put(at, &value.to_le_bytes())
    }

    fn u32(&mut self, at: usize, value: u32) -> &mut Record {
        self.put(at, &value.to_le_bytes())
    }

    fn text(&mut self, at: usize, text: &str) {
        let offset = self.bytes.len() as u16;
        self.bytes.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        let length = self.bytes.len() as u16 - offset;
        self.u16(at, length).u16(at + 2, offset);
    }

    /// Streams begin at multiples of their alignment.
    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(STREAM_ALIGNMENT_BYTES as usize), 0);
    }

    /// A record of the configuration: tag and length in front.
    fn finish(mut self, tag: &[u8; 4]) -> Vec<u8> {
        let length = self.bytes.len() as u32;
        self.put(0, tag).u32(4, length);
        self.bytes
    }
}
