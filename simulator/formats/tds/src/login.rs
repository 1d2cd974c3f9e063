//! LOGIN7: who logs in, and how the session is to be (\[MS-TDS\] 2.2.6.4).

use std::fmt;

use crate::error::ProtocolError;
use crate::feature::{self, Feature};
use crate::input::{Input, utf16};
use crate::packet::{DEFAULT_PACKET_BYTES, PACKET_BYTES};

/// A version of TDS, as LOGIN7 writes it: `0x7400_0004` is 7.4.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32);

impl Version {
    /// SQL Server 2005. Its types of date, and what comes after it, are missing.
    pub const TDS_7_2: Version = Version(0x7209_0002);
    /// SQL Server 2008.
    pub const TDS_7_3_A: Version = Version(0x730A_0003);
    /// SQL Server 2008 R2, from which on rows may leave nulls out.
    pub const TDS_7_3_B: Version = Version(0x730B_0003);
    /// SQL Server 2012 to 2022.
    pub const TDS_7_4: Version = Version(0x7400_0004);
    /// TLS from the first byte.
    pub const TDS_8_0: Version = Version(0x0800_0000);

    /// The version both sides speak; `None` where the client's is too old: before 7.3 there are no types for
    /// dates without a time.
    pub fn agree(self) -> Option<Version> {
        match self {
            Version::TDS_8_0 => Some(self),
            Version(number) if number >= Version::TDS_7_4.0 => Some(Version::TDS_7_4),
            _ => (self >= Version::TDS_7_3_A).then_some(self),
        }
    }

    /// Whether rows may leave nulls out (NBCROW).
    pub fn has_compressed_rows(self) -> bool {
        self >= Version::TDS_7_3_B || self == Version::TDS_8_0
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Version(0x{:08x})", self.0)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Version::TDS_7_2 => formatter.write_str("7.2"),
            Version::TDS_7_3_A | Version::TDS_7_3_B => formatter.write_str("7.3"),
            Version::TDS_7_4 => formatter.write_str("7.4"),
            Version::TDS_8_0 => formatter.write_str("8.0"),
            Version(number) => write!(formatter, "0x{number:08x}"),
        }
    }
}

/// A client's LOGIN7.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The newest version it speaks.
    pub version: Version,
    /// Size of packets it asks for; 0 leaves it to the server.
    pub packet_bytes: u32,
    /// Version of its library, as it writes it.
    pub client_version: u32,
    /// Its process.
    pub process: u32,
    /// Its flags.
    pub options: Options,
    /// Minutes its clock is behind UTC.
    pub time_zone_minutes: i32,
    /// Its locale.
    pub locale: u32,
    /// Its machine.
    pub host: String,
    /// User name; empty where Windows or a token tells.
    pub user: String,
    /// Password, in plain text.
    pub password: String,
    /// Its program.
    pub application: String,
    /// What it calls this server.
    pub server: String,
    /// Its library.
    pub library: String,
    /// Language of messages; empty: the login's own.
    pub language: String,
    /// Database; empty: the login's own.
    pub database: String,
    /// What tells its machine from others, often the address of its network card.
    pub client_id: [u8; 6],
    /// Windows authentication, where it uses that.
    pub sspi: Vec<u8>,
    /// File to be attached as a database.
    pub attach: String,
    /// The password it is to have from now on.
    pub new_password: String,
    /// Features it knows beyond the version, in its order.
    pub features: Vec<Feature>,
}

/// The flags of LOGIN7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The four bytes as they came: OptionFlags1, OptionFlags2, TypeFlags, OptionFlags3.
    pub bytes: [u8; 4],
}

impl Options {
    /// Whether the login must fail where the database cannot be used.
    pub fn database_is_required(self) -> bool {
        self.bytes[0] & 0x40 != 0
    }

    /// Whether the login must fail where the language is not known.
    pub fn language_is_required(self) -> bool {
        self.bytes[1] & 0x01 != 0
    }

    /// Whether ODBC's defaults hold: `ANSI_DEFAULTS` on, `TEXTSIZE` without end.
    pub fn is_odbc(self) -> bool {
        self.bytes[1] & 0x02 != 0
    }

    /// Whether Windows tells who it is.
    pub fn is_integrated(self) -> bool {
        self.bytes[1] & 0x80 != 0
    }

    /// Whether it only reads (ApplicationIntent).
    pub fn is_read_only(self) -> bool {
        self.bytes[2] & 0x20 != 0
    }

    /// Whether it wants a new password.
    pub fn changes_password(self) -> bool {
        self.bytes[3] & 0x01 != 0
    }

    fn has_features(self) -> bool {
        self.bytes[3] & 0x10 != 0
    }
}

/// Bytes before the strings, from TDS 7.2 on.
const FIXED_BYTES: usize = 94;
/// The longest string in UTF-16 units; only a file's path may be longer.
const MOST_NAME_UNITS: usize = 128;
const MOST_PATH_UNITS: usize = 260;

impl Login {
    /// Reads it. What stands between the strings is nobody's business: clients order them as they like.
    pub fn parse(body: &[u8]) -> Result<Login, ProtocolError> {
        let mut input = Input::new(body);
        let length = input.length32("length of LOGIN7")?;
        if length < FIXED_BYTES || length > body.len() {
            return Err(input.wrong("length of LOGIN7", "94 to the bytes of the message", length, 4));
        }
        let body = body.get(..length).unwrap_or(body);
        let mut input = Input::new(body);
        input.take(4, "LOGIN7")?;
        let version = Version(input.u32("version of TDS")?);
        // 8.0 counts anew from lower numbers.
        if version < Version::TDS_7_2 && version != Version::TDS_8_0 {
            return Err(input.wrong("version of TDS", "7.2 or later", version, 4));
        }
        let packet_bytes = input.u32("packet size in LOGIN7")?;
        let client_version = input.u32("client version in LOGIN7")?;
        let process = input.u32("client process in LOGIN7")?;
        input.take(4, "connection in LOGIN7")?;
        let options = Options { bytes: input.array("flags of LOGIN7")? };
        let time_zone_minutes = input.i32("time zone in LOGIN7")?;
        let locale = input.u32("locale in LOGIN7")?;

        let host = name(&mut input, "HostName")?;
        let user = name(&mut input, "UserName")?;
        let password = password(&mut input, "Password")?;
        let application = name(&mut input, "AppName")?;
        let server = name(&mut input, "ServerName")?;
        let extension = span(&mut input, "Extension", usize::MAX, 1)?;
        let library = name(&mut input, "CltIntName")?;
        let language = name(&mut input, "Language")?;
        let database = name(&mut input, "Database")?;
        let client_id = input.array("ClientID")?;
        let (sspi_at, sspi_short) =
            (usize::from(input.u16("offset of SSPI")?), usize::from(input.u16("length of SSPI")?));
        let attach = utf16(span(&mut input, "AtchDBFile", MOST_PATH_UNITS, 2)?);
        let new_password = self::password(&mut input, "ChangePassword")?;
        let sspi_long = input.length32("length of SSPI")?;
        // Where it does not fit 16 bits the long one tells.
        let sspi_bytes =
            if sspi_short == usize::from(u16::MAX) && sspi_long > 0 { sspi_long } else { sspi_short };
        let sspi = match sspi_bytes {
            0 => Vec::new(),
            length => input.slice(sspi_at, length, "SSPI of LOGIN7")?.to_owned(),
        };
        let features = match options.has_features() {
            false => Vec::new(),
            true => {
                let at = Input::new(extension).length32("Extension of LOGIN7")?;
                let bytes = body.get(at..).unwrap_or_default();
                feature::parse(bytes)?
            }
        };
        Ok(Login {
            version,
            packet_bytes,
            client_version,
            process,
            options,
            time_zone_minutes,
            locale,
            host,
            user,
            password,
            application,
            server,
            library,
            language,
            database,
            client_id,
            sspi,
            attach,
            new_password,
            features,
        })
    }

    /// The size of packets from here on: what is asked for, within the protocol's bounds.
    pub fn agreed_packet_bytes(&self) -> u16 {
        match u16::try_from(self.packet_bytes) {
            Ok(0) => DEFAULT_PACKET_BYTES,
            Ok(asked) => asked.clamp(*PACKET_BYTES.start(), *PACKET_BYTES.end()),
            Err(_) => *PACKET_BYTES.end(),
        }
    }
}

/// The bytes that the next pair of offset and length points to; the length counts `unit_bytes` each.
fn span<'a>(
    input: &mut Input<'a>,
    what: &'static str,
    most_units: usize,
    unit_bytes: usize,
) -> Result<&'a [u8], ProtocolError> {
    let at = usize::from(input.u16(what)?);
    let units = usize::from(input.u16(what)?);
    if units > most_units {
        return Err(ProtocolError::TooMuch { what, limit: most_units, got: units });
    }
    // An offset to nothing may be anything.
    if units == 0 { Ok(&[]) } else { input.slice(at, units * unit_bytes, what) }
}

fn name(input: &mut Input<'_>, what: &'static str) -> Result<String, ProtocolError> {
    span(input, what, MOST_NAME_UNITS, 2).map(utf16)
}

/// Passwords are not encrypted by this, only made hard to see.
fn password(input: &mut Input<'_>, what: &'static str) -> Result<String, ProtocolError> {
    let hidden = span(input, what, MOST_NAME_UNITS, 2)?;
    let plain: Vec<u8> = hidden.iter().map(|byte| (byte ^ 0xA5).rotate_left(4)).collect();
    Ok(utf16(&plain))
}

/// Everything but the passwords.
impl fmt::Debug for Login {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Login")
            .field("version", &self.version)
            .field("packet_bytes", &self.packet_bytes)
            .field("client_version", &format_args!("0x{:08x}", self.client_version))
            .field("process", &self.process)
            .field("options", &format_args!("{:02x?}", self.options.bytes))
            .field("time_zone_minutes", &self.time_zone_minutes)
            .field("locale", &format_args!("0x{:04x}", self.locale))
            .field("host", &self.host)
            .field("user", &self.user)
            .field("application", &self.application)
            .field("server", &self.server)
            .field("library", &self.library)
            .field("language", &self.language)
            .field("database", &self.database)
            .field("client_id", &format_args!("{:02x?}", self.client_id))
            .field("sspi_bytes", &self.sspi.len())
            .field("attach", &self.attach)
            .field("features", &self.features)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A LOGIN7 of nothing but these bytes behind the fixed part.
    fn login(change: impl FnOnce(&mut Vec<u8>)) -> Result<Login, ProtocolError> {
        let mut body = vec![0; FIXED_BYTES];
        body[4..8].copy_from_slice(&Version::TDS_7_4.0.to_le_bytes());
        change(&mut body);
        let length = u32::try_from(body.len()).expect("short");
        body[..4].copy_from_slice(&length.to_le_bytes());
        Login::parse(&body)
    }

    /// Puts an offset and a length, in units, at a place of the fixed part.
    fn pointer(body: &mut [u8], place: usize, at: u16, length: u16) {
        body[place..place + 2].copy_from_slice(&at.to_le_bytes());
        body[place + 2..place + 4].copy_from_slice(&length.to_le_bytes());
    }

    #[test]
    fn passwords_are_made_plain() {
        let login = login(|body| {
            // "aß" as a client hides it: nibbles swapped, then every byte xored with 0xA5.
            body.extend([0xB3, 0xA5, 0x58, 0xA5]);
            pointer(body, 44, 94, 2);
        });
        let login = login.expect("a login");
        assert_eq!(login.password, "aß");
        assert!(!format!("{login:?}").contains("aß"));
    }

    #[test]
    fn offsets_are_checked() {
        let wrong = |place, at, length| {
            let parsed = login(|body| pointer(body, place, at, length));
            parsed.expect_err("an error").to_string()
        };
        assert!(wrong(36, 94, 1).contains("HostName"));
        assert!(wrong(40, 0xFFFF, 1).contains("UserName"));
        assert!(wrong(36, 0, 129).contains("at most 128"));
        assert!(wrong(78, 90, 5).contains("SSPI"));
        assert!(wrong(82, 0, 261).contains("at most 260"));
        assert!(login(|body| pointer(body, 36, 0xFFFF, 0)).is_ok(), "an offset to nothing");
        assert!(Login::parse(&[0; 94]).is_err());
        assert!(login(|body| body[27] = 0x10).is_err(), "features announced, and none there");
    }

    #[test]
    fn versions_are_agreed_on() {
        assert_eq!(Version::TDS_7_2.agree(), None);
        assert_eq!(Version::TDS_7_3_A.agree(), Some(Version::TDS_7_3_A));
        assert_eq!(Version(0x7500_0000).agree(), Some(Version::TDS_7_4));
        assert_eq!(Version::TDS_8_0.agree(), Some(Version::TDS_8_0));
        assert!(login(|body| body[7] = 0x70).is_err());
    }

    #[test]
    fn packets_are_as_large_as_asked_within_bounds() {
        let size = |asked: u32| {
            login(|body| body[8..12].copy_from_slice(&asked.to_le_bytes()))
                .expect("a login")
                .agreed_packet_bytes()
        };
        assert_eq!((size(0), size(1), size(4096), size(8000)), (4096, 512, 4096, 8000));
        assert_eq!((size(40_000), size(u32::MAX)), (32_767, 32_767));
    }
}
