//! One client, from its first byte to its last.

use std::collections::VecDeque;
use std::io;
use std::net::TcpStream;
use std::time::Duration;

use spatialcloud_tds::{
    Collation, Event, Framing, Login, LoginAnswer, Message, PacketType, Protection, ProtocolError, Request,
    Reset, Response, Session, Version, message_packets, tls,
};

use super::backend::{Answer, Backend, Halt, Sink};
use super::certificate::Tls;
use super::transport::Transport;
use super::{LoginRefusal, SERVER_NAME, SERVER_VERSION, Server};

/// The longest request: statements of people and of programs are far below.
const MOST_REQUEST_BYTES: usize = 16 * 1024 * 1024;
/// Time to log in, as SQL Server gives it.
const LOGIN_TIME: Duration = Duration::from_secs(30);

/// How a connection ended, if not by the client's own wish.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// The network's doing, or TLS's.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The client does not speak TDS as it is written.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// It was not let in.
    #[error("the login was refused")]
    Refused,
}

/// Serves a client to its end.
pub fn serve(stream: TcpStream, session_number: u16, server: &Server) -> Result<(), Ended> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LOGIN_TIME))?;
    let unlimited = stream.try_clone()?;
    let mut connection = Connection {
        transport: Transport::new(stream),
        session: Session::new(MOST_REQUEST_BYTES),
        waiting: VecDeque::new(),
        cancelled: false,
    };
    let served = connection.log_in(session_number, server).and_then(|logged_in| {
        let Some((framing, backend)) = logged_in else { return Ok(()) };
        unlimited.set_read_timeout(None)?;
        connection.answer_requests(framing, backend)
    });
    connection.transport.close();
    served
}

/// How packets are from here on, and who answers.
type LoggedIn = (Framing, Box<dyn Backend>);

struct Connection {
    transport: Transport,
    session: Session,
    /// What came while an answer was being sent.
    waiting: VecDeque<Event>,
    /// Whether the client gave up on the answer that is being sent.
    cancelled: bool,
}

impl Connection {
    /// The next event, waiting for it; `None` at the end.
    fn next(&mut self) -> Result<Option<Event>, Ended> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Ok(Some(event));
            }
            if let Some(event) = self.session.next_event()? {
                return Ok(Some(event));
            }
            let bytes = self.transport.read()?;
            if bytes.is_empty() {
                return Ok(None);
            }
            self.session.receive(&bytes);
        }
    }

    fn log_in(&mut self, session_number: u16, server: &Server) -> Result<Option<LoggedIn>, Ended> {
        let Some(first) = self.transport.first_byte()? else { return Ok(None) };
        let is_strict = tls::is_strict(first);
        if is_strict {
            self.transport.begin_tls(server.tls.strict.clone(), false)?;
        }
        let Some(Event::Prelogin(prelogin)) = self.next()? else { return Ok(None) };
        let (encryption, protection) = prelogin.agree(server.config.encryption.offer())?;
        let answer = prelogin.answer(SERVER_VERSION, encryption);
        self.transport.write(&message_packets(PacketType::Response, answer, 4096, 0))?;
        let protection = if is_strict { Protection::Strict } else { protection };
        if matches!(protection, Protection::LoginOnly | Protection::Session) {
            let Tls { inside, .. } = &server.tls;
            self.transport.begin_tls(inside.clone(), true)?;
        }
        let Some(Event::Login(login)) = self.next()? else { return Ok(None) };
        if protection == Protection::LoginOnly {
            self.transport.end_tls();
        }
        self.answer_login(&login, session_number, server).map(Some)
    }

    fn answer_login(
        &mut self,
        login: &Login,
        session_number: u16,
        server: &Server,
    ) -> Result<LoggedIn, Ended> {
        let version = login.version.agree();
        let framing = Framing {
            packet_bytes: login.agreed_packet_bytes(),
            session: session_number,
            version: version.unwrap_or(Version::TDS_7_4),
        };
        let opened = match version {
            Some(_) => server.open_session(login, session_number),
            None => Err(LoginRefusal::OldVersion(login.version)),
        };
        match opened {
            Ok((backend, database)) => {
                let mut response = Response::new(Framing { packet_bytes: 4096, ..framing });
                response.login(&LoginAnswer {
                    program: "Microsoft SQL Server",
                    program_version: SERVER_VERSION,
                    server: SERVER_NAME,
                    database: &database,
                    language: "us_english",
                    collation: Collation::LATIN1,
                    features: &login.features,
                });
                self.transport.write(&response.finish())?;
                Ok((framing, backend))
            }
            Err(refusal) => {
                let mut response = Response::new(Framing { packet_bytes: 4096, ..framing });
                for message in refusal.messages(&login.user) {
                    response.message(&Message { server: SERVER_NAME.to_owned(), ..message });
                }
                response.done(spatialcloud_tds::Done::failure());
                self.transport.write(&response.finish())?;
                Err(Ended::Refused)
            }
        }
    }

    fn answer_requests(&mut self, framing: Framing, mut backend: Box<dyn Backend>) -> Result<(), Ended> {
        while let Some(event) = self.next()? {
            let Event::Request { reset, request } = event else { return Ok(()) };
            self.cancelled = false;
            let mut answer = Answer::new(framing, self, SERVER_NAME);
            if let Some(reset) = reset {
                backend.reset(reset == Reset::KeepTransaction);
                answer.environment(&spatialcloud_tds::EnvironmentChange::ConnectionReset);
            }
            let cancelled = match answer_one(&request, backend.as_mut(), &mut answer) {
                Ok(()) => false,
                Err(Halt::Cancelled) => true,
                Err(Halt::Gone(error)) => return Err(error.into()),
                Err(Halt::Failed(message)) => {
                    answer.failed(&message);
                    false
                }
            };
            answer.finish(cancelled)?;
            if self.cancelled && !cancelled {
                // It gave up while the last packets were on their way: that is answered on its own.
                self.waiting.push_front(Event::Request { reset: None, request: Request::Attention });
            }
        }
        Ok(())
    }
}

fn answer_one(request: &Request, backend: &mut dyn Backend, answer: &mut Answer<'_>) -> Result<(), Halt> {
    match request {
        Request::Attention => Err(Halt::Cancelled),
        Request::Refused(error) => Err(Halt::Failed(Box::new(Message::refusal(error)))),
        request => backend.execute(request, answer),
    }
}

impl Sink for Connection {
    fn send(&mut self, packets: &[u8]) -> io::Result<bool> {
        self.transport.write(packets)?;
        // Whoever sends more than an attention before the answer has come to its end waits for that.
        while self.waiting.is_empty() && !self.cancelled {
            let Some(bytes) = self.transport.read_available()? else { break };
            self.session.receive(&bytes);
            while let Some(event) = self.session.next_event().map_err(io::Error::other)? {
                match event {
                    Event::Request { request: Request::Attention, .. } => self.cancelled = true,
                    event => self.waiting.push_back(event),
                }
            }
        }
        Ok(!self.cancelled)
    }
}
