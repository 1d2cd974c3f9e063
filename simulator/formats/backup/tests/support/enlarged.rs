//! A real backup made to look huge: its database file grows by extents of zeros that exist only when read.

use std::io::{self, Read, Seek, SeekFrom};

const PAGE_BYTES: usize = 8192;
const EXTENT_BYTES: u64 = 65536;
/// Extents that one GAM page tells of.
const GAM_EXTENTS: u64 = 63904;

/// The bytes of a plain backup with one data file, as if that had `extents` extents, all of the new allocated.
pub struct Enlarged {
    bytes: Vec<u8>,
    /// Where the pages begin and where the real ones end.
    data: std::ops::Range<u64>,
    /// Extents of the real file, and of the enlarged one.
    old_extents: u64,
    new_extents: u64,
    at: u64,
}

impl Enlarged {
    pub fn new(mut bytes: Vec<u8>, new_extents: u64) -> Enlarged {
        let stream = find(&bytes, b"MQDA").expect("a stream of pages");
        let start = stream + 24;
        let old_length = u64_at(&bytes, stream + 8) - 2;
        let mut old_extents = 0;
        let mut from = 0;
        while let Some(record) = find(&bytes[from..], b"SFIN").map(|at| from + at) {
            if bytes[record + 20] == 1 {
                old_extents = u64_at(&bytes, record + 40) / EXTENT_BYTES;
                bytes[record + 40..record + 48].copy_from_slice(&(new_extents * EXTENT_BYTES).to_le_bytes());
            }
            from = record + 4;
        }
        let new_length = old_length + (new_extents - old_extents) * EXTENT_BYTES;
        bytes[stream + 8..stream + 16].copy_from_slice(&(new_length + 2).to_le_bytes());
        let sum = bytes[stream..stream + 20]
            .chunks(2)
            .fold(0, |sum, word| sum ^ u16::from_le_bytes([word[0], word[1]]));
        bytes[stream + 20..stream + 22].copy_from_slice(&sum.to_le_bytes());
        let gam = start + 2 * PAGE_BYTES;
        for extent in old_extents..new_extents.min(GAM_EXTENTS) {
            bytes[gam + 194 + extent as usize / 8] &= !(1 << (extent % 8));
        }
        // No checksum is needed where the page says that it has none.
        bytes[gam + 4..gam + 6].fill(0);
        let data = start as u64..start as u64 + old_length;
        Enlarged { bytes, data, old_extents, new_extents, at: 0 }
    }

    fn added(&self) -> u64 {
        (self.new_extents - self.old_extents) * EXTENT_BYTES
    }

    /// The byte at `at` and how many follow it without a change of place.
    fn fill(&self, at: u64, to: &mut [u8]) -> usize {
        let real = |from: u64, to: &mut [u8], end: u64| {
            let count = to.len().min((end - from) as usize);
            to[..count].copy_from_slice(&self.bytes[from as usize..from as usize + count]);
            count
        };
        if at < self.data.end {
            return real(at, to, self.data.end);
        }
        if at >= self.data.end + self.added() {
            return real(at - self.added(), to, self.bytes.len() as u64);
        }
        let place = at - self.data.end;
        let (extent, within) = (self.old_extents + place / EXTENT_BYTES, place % EXTENT_BYTES);
        let count = to.len().min((EXTENT_BYTES - within) as usize);
        to[..count].fill(0);
        if extent.is_multiple_of(GAM_EXTENTS) && within < PAGE_BYTES as u64 {
            let page = gam_page(extent * 8);
            let count = count.min(PAGE_BYTES - within as usize);
            to[..count].copy_from_slice(&page[within as usize..within as usize + count]);
            return count;
        }
        count
    }
}

/// A GAM page that calls all its extents allocated.
fn gam_page(number: u64) -> Vec<u8> {
    let mut page = vec![0; PAGE_BYTES];
    page[..2].copy_from_slice(&[1, 8]);
    page[22] = 2;
    page[32..36].copy_from_slice(&(number as u32).to_le_bytes());
    page[36] = 1;
    page[PAGE_BYTES - 4..].copy_from_slice(&[190, 0, 96, 0]);
    page
}

fn find(bytes: &[u8], what: &[u8; 4]) -> Option<usize> {
    bytes.windows(4).position(|window| window == what)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

impl Read for Enlarged {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let end = self.bytes.len() as u64 + self.added();
        if self.at >= end || to.is_empty() {
            return Ok(0);
        }
        let count = self.fill(self.at, to);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Enlarged {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let end = self.bytes.len() as u64 + self.added();
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(by) => end.saturating_add_signed(by),
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
        };
        Ok(self.at)
    }
}
