//! The media header: what RESTORE LABELONLY tells.

use crate::value::{Bytes, DateTime, Guid};

/// A media header. Field names are the columns of RESTORE LABELONLY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// Name given with MEDIANAME.
    pub media_name: Option<String>,
    /// Identifies the media set; stripes share it.
    pub media_set_id: Option<Guid>,
    /// How many files the backup is striped over.
    pub family_count: u16,
    /// Which of them this is, from 1.
    pub family_sequence_number: u16,
    /// Which volume of the family this is, from 1.
    pub media_sequence_number: u16,
    /// Identifies the family; SQL Server shows it as part of an identifier.
    pub media_family_id: u32,
    /// Description given with MEDIADESCRIPTION.
    pub media_description: Option<String>,
    /// Name of the program that wrote the header.
    pub software_name: Option<String>,
    /// Its vendor: 0x1200 is Microsoft SQL Server.
    pub software_vendor_id: u16,
    /// When the header was written.
    pub media_date: Option<DateTime>,
    /// How many mirrors were written.
    pub mirror_count: u16,
    /// Whether the file is a compressed container.
    pub is_compressed: bool,
    /// Whether a password is needed to use it.
    pub password_set: bool,
    /// Physical block size: 512 or 4096 bytes.
    pub block_size_bytes: u32,
    /// Version of the tape format.
    pub format_major: u8,
}

impl Media {
    /// From the TAPE block and its RAID stream.
    pub(crate) fn from_block(block: &[u8], is_compressed: bool) -> Media {
        let block = Bytes(block);
        Media {
            media_name: block.text(68),
            media_set_id: None,
            family_count: 1,
            family_sequence_number: 1,
            media_sequence_number: block.u16(60).unwrap_or(1),
            media_family_id: block.u32(52).unwrap_or(0),
            media_description: block.text(72),
            software_name: block.text(80),
            software_vendor_id: block.u16(86).unwrap_or(0),
            media_date: block.date(88),
            mirror_count: 1,
            is_compressed,
            password_set: block.u16(76).is_some_and(|length| length > 0),
            block_size_bytes: u32::from(block.u16(64).unwrap_or(1)) * 512,
            format_major: block.u8(93).unwrap_or(0),
        }
    }

    pub(crate) fn add_raid(&mut self, stream: &[u8]) {
        let stream = Bytes(stream);
        self.media_set_id = stream.guid(0);
        self.family_count = stream.u16(20).unwrap_or(1);
        self.mirror_count = stream.u16(22).unwrap_or(1);
        self.family_sequence_number = stream.u16(24).unwrap_or(1);
    }
}
