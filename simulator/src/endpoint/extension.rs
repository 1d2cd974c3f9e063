//! The OpenSSH extensions we serve: `posix-rename`, `fsync`, `limits`, `statvfs`.
//!
//! `hardlink` is deliberately absent: there are no links in the file area.

use std::collections::HashMap;

use bytes::{Buf, BufMut};

use super::operations::READ_BYTES;
use crate::config::{Extension, Limits};

/// Room that OpenSSH leaves in a packet for everything but the data of a WRITE.
const PACKET_OVERHEAD_BYTES: u32 = 1024;

/// Name on the wire and version text of each, as OpenSSH's PROTOCOL file defines them.
const TABLE: &[(Extension, &str, &str)] = &[
    (Extension::PosixRename, "posix-rename@openssh.com", "1"),
    (Extension::Fsync, "fsync@openssh.com", "1"),
    (Extension::Limits, "limits@openssh.com", "1"),
    (Extension::Statvfs, "statvfs@openssh.com", "2"),
];

/// What VERSION announces under the given setting.
pub fn announced(setting: &[Extension]) -> HashMap<String, String> {
    TABLE
        .iter()
        .filter(|(extension, ..)| setting.contains(extension))
        .map(|(_, name, version)| ((*name).to_owned(), (*version).to_owned()))
        .collect()
}

/// The extension of that name, if it is announced: what is not announced is not served either.
pub fn known(name: &str, setting: &[Extension]) -> Option<Extension> {
    TABLE
        .iter()
        .find(|(extension, known, _)| *known == name && setting.contains(extension))
        .map(|(extension, ..)| *extension)
}

/// Reads a request's data that is one string.
pub fn one_string(mut data: &[u8]) -> Option<String> {
    string(&mut data)
}

/// Reads a request's data that is two strings.
pub fn two_strings(mut data: &[u8]) -> Option<(String, String)> {
    Some((string(&mut data)?, string(&mut data)?))
}

fn string(data: &mut &[u8]) -> Option<String> {
    if data.len() < 4 {
        return None;
    }
    let length = data.get_u32() as usize;
    if data.len() < length {
        return None;
    }
    let (text, rest) = data.split_at(length);
    *data = rest;
    String::from_utf8(text.to_vec()).ok()
}

/// Body of the answer to `limits@openssh.com`: packet, read, write, open handles; u64 each.
pub fn limits_reply(limits: &Limits) -> Vec<u8> {
    let write_bytes = limits.packet_bytes.saturating_sub(PACKET_OVERHEAD_BYTES);
    let mut body = Vec::with_capacity(32);
    body.put_u64(u64::from(limits.packet_bytes));
    body.put_u64(u64::from(READ_BYTES));
    body.put_u64(u64::from(write_bytes));
    body.put_u64(u64::from(limits.open_handles));
    body
}

/// Body of the answer to `statvfs@openssh.com`: eleven u64 in the order of `struct statvfs`.
pub fn statvfs_reply(space: &rustix::fs::StatVfs) -> Vec<u8> {
    let mut body = Vec::with_capacity(88);
    for value in [
        space.f_bsize,
        space.f_frsize,
        space.f_blocks,
        space.f_bfree,
        space.f_bavail,
        space.f_files,
        space.f_ffree,
        space.f_favail,
        0, // f_fsid: the host's business
        0, // f_flag: neither read-only nor nosuid
        space.f_namemax,
    ] {
        body.put_u64(value);
    }
    body
}
