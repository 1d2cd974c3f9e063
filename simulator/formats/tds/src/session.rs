//! A connection's messages in their order: PRELOGIN, LOGIN7, requests.

use crate::error::ProtocolError;
use crate::login::Login;
use crate::packet::{Message, PacketType, Reassembler, Reset};
use crate::prelogin::Prelogin;
use crate::request::Request;

/// Messages before the login are short; this is the most that the specification allows one of them.
const MOST_LOGIN_BYTES: usize = 128 * 1024 - 1;

/// Something that a client has sent, whole.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Its PRELOGIN. It waits for the server's; if TLS was agreed on, its handshake follows
    /// ([`crate::tls::Handshake`]), and what comes out of that is what [`Session::receive`] takes from then on.
    Prelogin(Prelogin),
    /// Its LOGIN7. If only that was to be encrypted, TLS ends here, on both sides.
    Login(Box<Login>),
    /// A request.
    Request {
        /// Whether the session is to be reset first.
        reset: Option<Reset>,
        /// What is asked.
        request: Request,
    },
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Prelogin,
    Login,
    Requests,
}

/// The server's end of a connection, without the connection: bytes go in, events come out.
///
/// ```
/// use spatialcloud_tds::{Event, Session};
///
/// let mut session = Session::new(16 << 20);
/// session.receive(&[0x12, 1, 0, 15, 0, 0, 1, 0]);
/// assert_eq!(session.next_event()?, None);
/// session.receive(&[1, 0, 6, 0, 1, 0xFF, 2]);
/// assert!(matches!(session.next_event()?, Some(Event::Prelogin(_))));
/// # Ok::<(), spatialcloud_tds::ProtocolError>(())
/// ```
#[derive(Debug)]
pub struct Session {
    packets: Reassembler,
    phase: Phase,
    most_request_bytes: usize,
}

impl Session {
    /// At its beginning. Longer requests than `most_request_bytes` end the connection.
    pub fn new(most_request_bytes: usize) -> Session {
        Session { packets: Reassembler::new(MOST_LOGIN_BYTES), phase: Phase::Prelogin, most_request_bytes }
    }

    /// Takes what came, without TLS. Ask [`Session::next_event`] until there is none before giving more.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.packets.receive(bytes);
    }

    /// Whether part of a message has come, and the rest not yet.
    pub fn is_inside_message(&self) -> bool {
        !self.packets.is_idle()
    }

    /// Gives back bytes behind PRELOGIN or LOGIN7, where what follows is in another layer.
    pub fn take_rest(&mut self) -> Vec<u8> {
        self.packets.take_rest()
    }

    /// The next event, if it has come whole. After an error there is none any more: close the connection.
    pub fn next_event(&mut self) -> Result<Option<Event>, ProtocolError> {
        let Some(message) = self.packets.next_message()? else { return Ok(None) };
        match self.phase {
            Phase::Prelogin => {
                expect(&message, PacketType::Prelogin, "PRELOGIN")?;
                self.phase = Phase::Login;
                Ok(Some(Event::Prelogin(Prelogin::parse(&message.body)?)))
            }
            Phase::Login => {
                expect(&message, PacketType::Login7, "LOGIN7")?;
                let login = Login::parse(&message.body)?;
                self.phase = Phase::Requests;
                self.packets.set_most_message_bytes(self.most_request_bytes);
                Ok(Some(Event::Login(Box::new(login))))
            }
            Phase::Requests => {
                let request = Request::parse(&message)?;
                Ok(Some(Event::Request { reset: message.reset, request }))
            }
        }
    }
}

fn expect(message: &Message, kind: PacketType, expected: &'static str) -> Result<(), ProtocolError> {
    if message.kind == kind {
        return Ok(());
    }
    Err(ProtocolError::OutOfOrder { expected, got: message.kind as u8 })
}
