//! The server's side of TDS 7.4, the protocol of SQL Server 2012 to 2022, and of TDS 8.0.
//!
//! No I/O, no clock, no TLS library, nothing asynchronous: bytes go in and events come out, rows go in and
//! bytes come out. Every length is bounded before use.
//!
//! - [`Session`] makes events of a client's bytes: [`Prelogin`], [`Login`], [`Request`]s.
//! - [`Prelogin::agree`] says what is to be encrypted, and [`tls::Handshake`] where TLS records are meanwhile.
//! - [`Response`] makes packets of columns, rows, messages and all else a server says.
//! - [`ColumnType`] and [`Value`] are what columns and parameters are of.
//!
//! ```text
//! client                        this crate                               caller
//! PRELOGIN ──────────────────▶ Session ─▶ Event::Prelogin ─▶ agree, answer
//! TLS inside PRELOGIN packets ▶ tls::Handshake ◀───────────▶ TLS library
//! LOGIN7 ────────────────────▶ Session ─▶ Event::Login ────▶ who is that?
//!        ◀──────────────────── Response::login ◀───────────
//! batch, procedure, attention ▶ Session ─▶ Event::Request ─▶ what is asked
//!        ◀──────────────────── Response ◀────────────────── columns, rows, done
//! ```
//!
//! Known and refused, each with words: MARS, bulk load, tables as parameters, Always Encrypted, query
//! notifications, distributed transactions. Windows and token logins come out as such; what to say to them is the
//! caller's.
//!
//! Source: \[MS-TDS\], by whose sections things are named; and recordings of real clients, in `tests/recordings`.

mod error;
mod feature;
mod input;
mod login;
mod output;
mod packet;
mod prelogin;
mod request;
mod session;
pub mod tls;
mod token;
mod types;

pub use error::{EncodeError, ProtocolError};
pub use feature::Feature;
pub use login::{Login, Options, Version};
pub use packet::{DEFAULT_PACKET_BYTES, HEADER_BYTES, PACKET_BYTES, PacketType, Reset, message_packets};
pub use prelogin::{Encryption, Offer, Prelogin, Protection, Trace};
pub use request::{Call, Headers, IsolationLevel, Parameter, Procedure, Request, TransactionRequest};
pub use session::{Event, Session};
pub use token::{
    Column, Command, Done, DoneKind, EnvironmentChange, Framing, LoginAnswer, Message, NOT_SERVED, Response,
    Updatability,
};
pub use types::{Collation, ColumnType, Date, Decimal, Guid, Length, Time, UdtType, Value, Variant};
