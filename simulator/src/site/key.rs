//! The public key a site hands over: read, or refused in words that say how to mend it (C-03).

use std::fmt;

use russh::keys::ssh_key::public::KeyData;
use russh::keys::{Algorithm, HashAlg, PublicKey as SshKey};

/// The shortest RSA key that is taken, in bits (C-03).
pub const LEAST_BITS: u32 = 2048;
/// A key file is a few hundred bytes; whatever is longer is something else.
const LONGEST_FILE_BYTES: usize = 64 * 1024;

/// An accepted key: RSA, 2048 bits or more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    key: SshKey,
    bits: u32,
}

/// Why a key was refused. Nothing of a private key is ever kept here or printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyRefusal {
    /// A private key in OpenSSH or PEM form.
    PrivateKey,
    /// PuTTY's private key file.
    PuttyPrivateKey,
    /// PuTTYgen's "Save public key" form, RFC 4716; converted where it could be read.
    PuttyPublicKey {
        /// The same key in OpenSSH form.
        converted: Option<String>,
    },
    /// An RSA key of too few bits.
    TooShort {
        /// Bits found.
        bits: u32,
    },
    /// Another kind of key.
    OtherKind {
        /// Its name, as in the file.
        found: String,
    },
    /// An OpenSSH certificate.
    Certificate,
    /// More than one key.
    SeveralKeys {
        /// How many lines hold one.
        count: usize,
    },
    /// A line of `authorized_keys` with options before the key.
    Options,
    /// Nothing at all.
    Empty,
    /// Not a key of any kind known here.
    Garbage {
        /// What the reader complained of.
        reason: String,
    },
}

impl KeyRefusal {
    /// One word for events and the API.
    pub fn kind(&self) -> &'static str {
        match self {
            KeyRefusal::PrivateKey => "private-key",
            KeyRefusal::PuttyPrivateKey => "putty-private-key",
            KeyRefusal::PuttyPublicKey { .. } => "putty-public-key",
            KeyRefusal::TooShort { .. } => "too-short",
            KeyRefusal::OtherKind { .. } => "other-kind",
            KeyRefusal::Certificate => "certificate",
            KeyRefusal::SeveralKeys { .. } => "several-keys",
            KeyRefusal::Options => "options",
            KeyRefusal::Empty => "empty",
            KeyRefusal::Garbage { .. } => "garbage",
        }
    }

    /// The OpenSSH form of a key that was only in the wrong form.
    pub fn converted(&self) -> Option<&str> {
        match self {
            KeyRefusal::PuttyPublicKey { converted } => converted.as_deref(),
            _ => None,
        }
    }
}

impl std::error::Error for KeyRefusal {}

impl fmt::Display for KeyRefusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyRefusal::PrivateKey => formatter.write_str(
                "this is a PRIVATE key, and has not been stored. It must never leave your machine: if it was sent to anybody, \
                 make a new pair. Hand over the file ending in .pub (ssh-keygen -y -f FILE prints it)",
            ),
            KeyRefusal::PuttyPrivateKey => formatter.write_str(
                "this is a PuTTY PRIVATE key (.ppk), and has not been stored. Load it in PuTTYgen and copy the text of the box \
                 'Public key for pasting into OpenSSH authorized_keys file' (or: puttygen FILE.ppk -O public-openssh)",
            ),
            KeyRefusal::PuttyPublicKey { converted } => {
                formatter.write_str(
                    "this is PuTTYgen's 'Save public key' form (RFC 4716), not the OpenSSH form. Convert it with: \
                     ssh-keygen -i -f FILE",
                )?;
                match converted {
                    Some(line) => write!(formatter, ". In OpenSSH form it is:\n{line}"),
                    None => formatter.write_str(", or copy the text of PuTTYgen's box for authorized_keys"),
                }
            }
            KeyRefusal::TooShort { bits } => write!(
                formatter,
                "this RSA key has {bits} bits; at least {LEAST_BITS} are required. Make a new pair: ssh-keygen -t rsa -b 4096"
            ),
            KeyRefusal::OtherKind { found } => write!(
                formatter,
                "this is a key of kind {found}; only RSA keys are accepted. Make a pair with: ssh-keygen -t rsa -b 4096"
            ),
            KeyRefusal::Certificate => formatter.write_str(
                "this is an OpenSSH certificate; hand over the plain public key it was made from (the .pub without -cert)",
            ),
            KeyRefusal::SeveralKeys { count } => write!(
                formatter,
                "there are {count} keys in this file; hand over one key at a time, each in a file of its own"
            ),
            KeyRefusal::Options => formatter.write_str(
                "there are options before the key, as in an authorized_keys file; remove everything before ssh-rsa",
            ),
            KeyRefusal::Empty => formatter.write_str("the file is empty; hand over the file ending in .pub"),
            KeyRefusal::Garbage { reason } => write!(
                formatter,
                "this is no public key in OpenSSH form ({reason}); expected one line: ssh-rsa AAAA… comment"
            ),
        }
    }
}

impl PublicKey {
    /// Reads what a site handed over. A byte-order mark and CRLF line ends are accepted and normalised.
    pub fn parse(bytes: &[u8]) -> Result<PublicKey, KeyRefusal> {
        if bytes.len() > LONGEST_FILE_BYTES {
            return Err(garbage(format!("{} bytes are far too many", bytes.len())));
        }
        let text = decode(bytes)?;
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Err(KeyRefusal::Empty);
        }
        if text.contains("PuTTY-User-Key-File") {
            return Err(KeyRefusal::PuttyPrivateKey);
        }
        if text.contains("PRIVATE KEY") {
            return Err(KeyRefusal::PrivateKey);
        }
        if text.contains("---- BEGIN SSH2 PUBLIC KEY") {
            return Err(KeyRefusal::PuttyPublicKey { converted: from_rfc4716(text) });
        }
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let Some(line) = lines.next() else { return Err(KeyRefusal::Empty) };
        let more = lines.filter(|line| looks_like_key(line)).count();
        if more > 0 {
            return Err(KeyRefusal::SeveralKeys { count: more + 1 });
        }
        from_line(line)
    }

    /// `ssh-rsa AAAA… comment`, on one line.
    pub fn openssh(&self) -> String {
        // Fails only for keys that could not have been read either.
        self.key.to_openssh().unwrap_or_default()
    }

    /// `SHA256:…`, as `ssh-keygen -l` shows it.
    pub fn fingerprint(&self) -> String {
        self.key.fingerprint(HashAlg::Sha256).to_string()
    }

    /// Length of the modulus in bits.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// Whether `key` is the same key, whatever its comment.
    pub fn is(&self, key: &SshKey) -> bool {
        self.key.key_data() == key.key_data()
    }
}

fn garbage(reason: impl Into<String>) -> KeyRefusal {
    KeyRefusal::Garbage { reason: reason.into() }
}

/// Windows editors save UTF-16 as readily as UTF-8; both are read.
fn decode(bytes: &[u8]) -> Result<String, KeyRefusal> {
    let units = |from: fn([u8; 2]) -> u16| -> Vec<u16> {
        bytes[2..].as_chunks::<2>().0.iter().map(|pair| from(*pair)).collect()
    };
    let wide = match bytes {
        [0xff, 0xfe, ..] => Some(units(u16::from_le_bytes)),
        [0xfe, 0xff, ..] => Some(units(u16::from_be_bytes)),
        _ => None,
    };
    match wide {
        Some(units) => String::from_utf16(&units).map_err(|_| garbage("the text is broken UTF-16")),
        None => String::from_utf8(bytes.to_vec()).map_err(|_| garbage("it is not text")),
    }
}

fn looks_like_key(line: &str) -> bool {
    line.split_whitespace().any(|word| word.starts_with("AAAA"))
}

fn from_line(line: &str) -> Result<PublicKey, KeyRefusal> {
    let mut words = line.split_whitespace();
    let kind = words.next().unwrap_or_default();
    if kind.contains("-cert-v") {
        return Err(KeyRefusal::Certificate);
    }
    let known = ["ssh-", "ecdsa-", "sk-", "rsa-sha2"].iter().any(|prefix| kind.starts_with(prefix));
    if !known {
        return Err(if looks_like_key(line) {
            if words.clone().any(|word| word.contains("-cert-v")) {
                KeyRefusal::Certificate
            } else {
                KeyRefusal::Options
            }
        } else {
            garbage("the line does not begin with ssh-rsa")
        });
    }
    if kind != "ssh-rsa" {
        return Err(KeyRefusal::OtherKind { found: kind.chars().take(40).collect() });
    }
    // Wrapped or doubled blanks from copying are mended; broken base64 is not guessed at.
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let key = SshKey::from_openssh(&line).map_err(|error| garbage(error.to_string()))?;
    accept(key)
}

fn accept(key: SshKey) -> Result<PublicKey, KeyRefusal> {
    match (key.algorithm(), key.key_data()) {
        (Algorithm::Rsa { .. }, KeyData::Rsa(rsa)) => {
            let modulus = rsa.n().as_positive_bytes().ok_or_else(|| garbage("the modulus is negative"))?;
            let bits = bit_length(modulus);
            if bits < LEAST_BITS {
                return Err(KeyRefusal::TooShort { bits });
            }
            Ok(PublicKey { key, bits })
        }
        (other, _) => Err(KeyRefusal::OtherKind { found: other.to_string() }),
    }
}

fn bit_length(bytes: &[u8]) -> u32 {
    let Some(first) = bytes.iter().position(|byte| *byte != 0) else { return 0 };
    let rest = &bytes[first..];
    rest.len() as u32 * 8 - rest[0].leading_zeros()
}

/// RFC 4716: headers `Name: value` (continued by a backslash), then base64 over several lines.
fn from_rfc4716(text: &str) -> Option<String> {
    let mut comment = String::new();
    let mut data = String::new();
    let mut in_header = false;
    for line in text.lines().map(str::trim).skip_while(|line| !line.starts_with("---- BEGIN")).skip(1) {
        if line.starts_with("---- END") {
            break;
        }
        if in_header {
            in_header = line.ends_with('\\');
        } else if let Some((name, value)) = line.split_once(':') {
            if name.eq_ignore_ascii_case("comment") {
                comment = value.trim().trim_matches('"').trim_end_matches('\\').to_owned();
            }
            in_header = line.ends_with('\\');
        } else {
            data.push_str(line);
        }
    }
    let line = format!("ssh-rsa {data} {comment}");
    from_line(line.trim()).ok().map(|key| key.openssh())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn rsa_line(bits: usize) -> String {
        // A modulus of the right length with the top bit set; nobody will ever sign with it.
        let mut modulus = vec![0xc3; bits / 8];
        modulus.insert(0, 0);
        let mut blob = Vec::new();
        for field in [&b"ssh-rsa"[..], &[1, 0, 1], &modulus] {
            blob.extend_from_slice(&(field.len() as u32).to_be_bytes());
            blob.extend_from_slice(field);
        }
        format!("ssh-rsa {} gis@council", base64(&blob))
    }

    fn base64(data: &[u8]) -> String {
        const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        data.chunks(3)
            .flat_map(|chunk| {
                let word = (0..3).fold(0_u32, |word, i| word << 8 | u32::from(*chunk.get(i).unwrap_or(&0)));
                (0..4).map(move |i| {
                    if i <= chunk.len() { LETTERS[(word >> (18 - 6 * i) & 63) as usize] as char } else { '=' }
                })
            })
            .collect()
    }

    #[test]
    fn good_keys_are_taken_however_windows_saved_them() {
        let line = rsa_line(2048);
        let utf16: Vec<u8> =
            [0xff, 0xfe].into_iter().chain(line.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        for bytes in [
            line.clone().into_bytes(),
            format!("\u{feff}{line}\r\n").into_bytes(),
            format!("\n# made for the council\n{line}\n\n").into_bytes(),
            utf16,
        ] {
            let key = PublicKey::parse(&bytes).unwrap();
            assert_eq!((key.bits(), key.openssh()), (2048, line.clone()));
        }
    }

    #[test]
    fn each_refusal_has_its_own_kind_and_says_how_to_mend_it() {
        let good = rsa_line(2048);
        let data = good.split(' ').nth(1).unwrap();
        let rfc4716 = format!(
            "---- BEGIN SSH2 PUBLIC KEY ----\nComment: \"gis@council\"\n{data}\n---- END SSH2 PUBLIC KEY ----\n"
        );
        let cases: Vec<(String, &str, &str)> = vec![
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n".into(), "private-key", ".pub"),
            ("-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0\n".into(), "private-key", ".pub"),
            ("PuTTY-User-Key-File-3: ssh-rsa\nc2VjcmV0\n".into(), "putty-private-key", "PuTTYgen"),
            (rfc4716, "putty-public-key", good.as_str()),
            (rsa_line(1024), "too-short", "1024 bits"),
            ("ssh-ed25519 AAAAC3Nza x".into(), "other-kind", "ssh-ed25519"),
            ("ssh-dss AAAAB3Nza x".into(), "other-kind", "ssh-dss"),
            ("ecdsa-sha2-nistp256 AAAAE2Vj x".into(), "other-kind", "ecdsa"),
            ("ssh-rsa-cert-v01@openssh.com AAAAHHNz x".into(), "certificate", "plain public key"),
            (format!("{good}\n{good}\n"), "several-keys", "2 keys"),
            (format!("from=\"10.0.0.1\" {good}"), "options", "before ssh-rsa"),
            ("  \r\n".into(), "empty", ".pub"),
            ("hello".into(), "garbage", "ssh-rsa"),
            ("ssh-rsa AAAA!!! x".into(), "garbage", "OpenSSH form"),
        ];
        for (text, kind, says) in cases {
            let refusal = PublicKey::parse(text.as_bytes()).unwrap_err();
            assert_eq!(refusal.kind(), kind, "{text}");
            let message = refusal.to_string();
            assert!(message.contains(says), "{kind}: {message}");
            assert!(!message.contains("c2VjcmV0"), "a private key must not be echoed");
        }
        assert_eq!(PublicKey::parse(&[0, 159, 146, 150]).unwrap_err().kind(), "garbage");
    }

    proptest! {
        #[test]
        fn whatever_is_handed_over_gets_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = PublicKey::parse(&bytes);
        }

        #[test]
        fn damaged_keys_get_an_answer(position in 0usize..400, byte: u8) {
            let mut bytes = rsa_line(2048).into_bytes();
            let at = position % bytes.len();
            bytes[at] = byte;
            let _ = PublicKey::parse(&bytes);
        }
    }
}
