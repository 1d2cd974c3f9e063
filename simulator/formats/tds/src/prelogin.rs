//! PRELOGIN: what both sides are, and whether they encrypt (\[MS-TDS\] 2.2.6.5).

use crate::error::ProtocolError;
use crate::input::Input;
use crate::types::Guid;

/// Options of PRELOGIN.
mod option {
    pub const VERSION: u8 = 0x00;
    pub const ENCRYPTION: u8 = 0x01;
    pub const INSTANCE: u8 = 0x02;
    pub const THREAD: u8 = 0x03;
    pub const MARS: u8 = 0x04;
    pub const TRACE: u8 = 0x05;
    pub const FEDERATED_AUTHENTICATION: u8 = 0x06;
    pub const NONCE: u8 = 0x07;
    pub const END: u8 = 0xFF;
}

/// What one side says of encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// Only the login is encrypted.
    LoginOnly,
    /// All is encrypted.
    On,
    /// No TLS here.
    NotSupported,
    /// All must be encrypted.
    Required,
    /// Another value, by its number.
    Other(u8),
}

impl Encryption {
    fn of(byte: u8) -> Encryption {
        match byte {
            0 => Encryption::LoginOnly,
            1 => Encryption::On,
            2 => Encryption::NotSupported,
            3 => Encryption::Required,
            other => Encryption::Other(other),
        }
    }

    fn byte(self) -> u8 {
        match self {
            Encryption::LoginOnly => 0,
            Encryption::On => 1,
            Encryption::NotSupported => 2,
            Encryption::Required => 3,
            Encryption::Other(byte) => byte,
        }
    }
}

/// What of the connection is inside TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Nothing.
    None,
    /// From behind PRELOGIN to the end of LOGIN7; the answer to it is plain again.
    LoginOnly,
    /// From behind PRELOGIN to the end.
    Session,
    /// From the first byte (TDS 8.0): PRELOGIN itself is inside.
    Strict,
}

/// What the server is ready to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Offer {
    /// As SQL Server without further settings: what the client likes.
    #[default]
    AsAsked,
    /// All is encrypted, or the client is refused ("Force Encryption").
    Forced,
    /// There is no TLS.
    Nothing,
}

/// The client's PRELOGIN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prelogin {
    /// Version of the client's library: major, minor, build, sub-build.
    pub version: (u8, u8, u16, u16),
    /// What it wants of encryption.
    pub encryption: Encryption,
    /// Named instance it looks for; mostly empty.
    pub instance: String,
    /// Thread that asks.
    pub thread: Option<u32>,
    /// Whether it asks for several requests at a time over one connection.
    pub mars: bool,
    /// Connection, activity and sequence number, for those who trace.
    pub trace: Option<Trace>,
    /// Whether it can log in with a token.
    pub federated_authentication: bool,
    /// Random bytes for that.
    pub nonce: Option<[u8; 32]>,
    /// Options that are not known here; the specification has them passed over.
    pub unknown: Vec<u8>,
}

/// How a connection is named in traces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The connection.
    pub connection: Guid,
    /// What it belongs to.
    pub activity: Guid,
    /// Counted within that.
    pub sequence: u32,
}

/// More options than the specification will ever have.
const MOST_OPTIONS: usize = 32;

impl Prelogin {
    /// Reads it.
    pub fn parse(body: &[u8]) -> Result<Prelogin, ProtocolError> {
        let mut prelogin = Prelogin {
            version: (0, 0, 0, 0),
            // Who says nothing of it comes from before TLS was there.
            encryption: Encryption::NotSupported,
            instance: String::new(),
            thread: None,
            mars: false,
            trace: None,
            federated_authentication: false,
            nonce: None,
            unknown: Vec::new(),
        };
        let mut table = Input::new(body);
        for _ in 0..MOST_OPTIONS {
            let kind = table.u8("the options of PRELOGIN")?;
            if kind == option::END {
                return Ok(prelogin);
            }
            let at = usize::from(table.u16_big("offset of an option of PRELOGIN")?);
            let length = usize::from(table.u16_big("length of an option of PRELOGIN")?);
            let mut data = Input::new(table.slice(at, length, "an option of PRELOGIN")?);
            prelogin.take(kind, &mut data)?;
        }
        Err(ProtocolError::TooMuch {
            what: "options of PRELOGIN",
            limit: MOST_OPTIONS,
            got: MOST_OPTIONS + 1,
        })
    }

    fn take(&mut self, kind: u8, data: &mut Input<'_>) -> Result<(), ProtocolError> {
        match kind {
            option::VERSION => {
                let [major, minor] = data.array("VERSION of PRELOGIN")?;
                let build = data.u16_big("VERSION of PRELOGIN")?;
                self.version = (major, minor, build, data.u16("VERSION of PRELOGIN")?);
            }
            option::ENCRYPTION => self.encryption = Encryption::of(data.u8("ENCRYPTION of PRELOGIN")?),
            option::INSTANCE => {
                let bytes = data.rest().split(|byte| *byte == 0).next().unwrap_or_default();
                self.instance = String::from_utf8_lossy(bytes).into_owned();
            }
            // Some clients send it empty.
            option::THREAD if data.is_empty() => {}
            option::THREAD => self.thread = Some(u32::from_be_bytes(data.array("THREADID of PRELOGIN")?)),
            option::MARS => self.mars = data.u8("MARS of PRELOGIN")? != 0,
            option::TRACE => {
                self.trace = Some(Trace {
                    connection: Guid(data.array("TRACEID of PRELOGIN")?),
                    activity: Guid(data.array("TRACEID of PRELOGIN")?),
                    sequence: data.u32("TRACEID of PRELOGIN")?,
                });
            }
            option::FEDERATED_AUTHENTICATION => {
                self.federated_authentication = data.u8("FEDAUTHREQUIRED of PRELOGIN")? != 0;
            }
            option::NONCE => self.nonce = Some(data.array("NONCEOPT of PRELOGIN")?),
            other => self.unknown.push(other),
        }
        Ok(())
    }

    /// What is agreed on: what the server answers, and what follows from it. (Measured: 0→0, 1→1, 2→2, 3→1.)
    pub fn agree(&self, offer: Offer) -> Result<(Encryption, Protection), ProtocolError> {
        let refused = |what, remedy| Err(ProtocolError::Unsupported { what, remedy });
        match (self.encryption, offer) {
            (Encryption::Other(byte), _) => Err(ProtocolError::Wrong {
                what: "ENCRYPTION of PRELOGIN",
                expected: "0 (login only), 1 (on), 2 (not supported) or 3 (required)",
                got: byte.to_string(),
                at: 0,
            }),
            (Encryption::Required, Offer::Nothing) => {
                refused("an encrypted connection", "the server is set up without TLS; do not require it")
            }
            (_, Offer::Nothing) => Ok((Encryption::NotSupported, Protection::None)),
            (Encryption::NotSupported, Offer::Forced) => refused(
                "an unencrypted connection",
                "the server is set up to demand TLS; switch it on in the client",
            ),
            (Encryption::LoginOnly, Offer::Forced) => Ok((Encryption::Required, Protection::Session)),
            (Encryption::LoginOnly, Offer::AsAsked) => Ok((Encryption::LoginOnly, Protection::LoginOnly)),
            (Encryption::NotSupported, Offer::AsAsked) => Ok((Encryption::NotSupported, Protection::None)),
            (Encryption::On | Encryption::Required, _) => Ok((Encryption::On, Protection::Session)),
        }
    }

    /// The server's PRELOGIN, as the body of a message of type RESPONSE. Who asked for MARS hears no. Tokens of
    /// others are not taken, so that FEDAUTHREQUIRED is absent.
    pub fn answer(&self, version: (u8, u8, u16), encryption: Encryption) -> Vec<u8> {
        let (major, minor, build) = version;
        let [high, low] = build.to_be_bytes();
        let options: [(u8, &[u8]); 5] = [
            (option::VERSION, &[major, minor, high, low, 0, 0]),
            (option::ENCRYPTION, &[encryption.byte()]),
            (option::INSTANCE, &[0]),
            (option::THREAD, &[]),
            (option::MARS, &[0]),
        ];
        let mut at = options.len() * 5 + 1;
        let (mut table, mut data) = (Vec::new(), Vec::<u8>::new());
        for (kind, bytes) in options {
            table.push(kind);
            // All of it is shorter than a hundred bytes.
            table.extend([at, bytes.len()].into_iter().flat_map(|number| (number as u16).to_be_bytes()));
            data.extend(bytes);
            at += bytes.len();
        }
        table.push(option::END);
        table.extend(data);
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(encryption: u8) -> Prelogin {
        Prelogin::parse(&[1, 0, 6, 0, 1, 0xFF, encryption]).expect("a PRELOGIN")
    }

    #[test]
    fn encryption_is_agreed_as_measured() {
        use Encryption::{LoginOnly, NotSupported, On, Required};
        let agreed = |asked, offer| asking(asked).agree(offer).ok();
        assert_eq!(agreed(0, Offer::AsAsked), Some((LoginOnly, Protection::LoginOnly)));
        assert_eq!(agreed(1, Offer::AsAsked), Some((On, Protection::Session)));
        assert_eq!(agreed(2, Offer::AsAsked), Some((NotSupported, Protection::None)));
        assert_eq!(agreed(3, Offer::AsAsked), Some((On, Protection::Session)));
        assert_eq!(agreed(0, Offer::Forced), Some((Required, Protection::Session)));
        assert_eq!(agreed(2, Offer::Forced), None);
        assert_eq!(agreed(3, Offer::Nothing), None);
        assert_eq!(agreed(1, Offer::Nothing), Some((NotSupported, Protection::None)));
        assert_eq!(agreed(7, Offer::AsAsked), None);
    }

    #[test]
    fn options_have_bounds() {
        let wrong = |bytes: &[u8]| Prelogin::parse(bytes).expect_err("an error").to_string();
        assert!(wrong(&[]).contains("the options of PRELOGIN"));
        assert!(wrong(&[1, 0, 6, 0, 9, 0xFF, 0]).contains("an option of PRELOGIN"));
        assert!(wrong(&[1, 0, 6, 0, 0, 0xFF]).contains("ENCRYPTION"));
        assert!(wrong(&[9, 0, 0, 0, 0].repeat(40)).contains("at most 32"));
        let unknown = Prelogin::parse(&[9, 0, 6, 0, 1, 0xFF, 0]).expect("a PRELOGIN");
        assert_eq!(unknown.unknown, [9]);
    }
}
