//! Bytes to and from a client, inside TLS or not.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use rustls::{ServerConfig, ServerConnection};
use spatialcloud_tds::tls::Handshake;

/// Bytes asked from the operating system at a time.
const READ_BYTES: usize = 16 * 1024;

/// A connection.
pub struct Transport {
    stream: TcpStream,
    tls: Option<Tls>,
}

/// TLS, and where its records are.
struct Tls {
    connection: ServerConnection,
    /// Inside packets; `None`: bare from the first.
    handshake: Option<Handshake>,
    /// Whether what is sent still belongs into packets.
    sends_packets: bool,
}

impl Transport {
    pub fn new(stream: TcpStream) -> Transport {
        Transport { stream, tls: None }
    }

    /// The first byte, left where it is.
    pub fn first_byte(&self) -> io::Result<Option<u8>> {
        let mut byte = [0];
        Ok((self.stream.peek(&mut byte)? == 1).then_some(byte[0]))
    }

    /// What comes next, waiting for it; nothing at the end.
    pub fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let count = self.stream.read(&mut buffer)?;
            let bytes = buffer.get(..count).unwrap_or_default();
            if count == 0 || self.tls.is_none() {
                return Ok(bytes.to_owned());
            }
            let plain = self.decrypt(bytes)?;
            if !plain.is_empty() {
                return Ok(plain);
            }
        }
    }

    /// What has come already; `None` where nothing has.
    pub fn read_available(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.stream.set_nonblocking(true)?;
        let mut buffer = vec![0; READ_BYTES];
        let read = self.stream.read(&mut buffer);
        self.stream.set_nonblocking(false)?;
        match read {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) if self.tls.is_some() => {
                self.decrypt(buffer.get(..count).unwrap_or_default()).map(Some)
            }
            Ok(count) => Ok(buffer.get(..count).map(<[u8]>::to_owned)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends all of it.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return self.stream.write_all(bytes) };
        // A record's worth at a time: what is encrypted is kept until it is sent.
        for piece in bytes.chunks(READ_BYTES) {
            tls.connection.writer().write_all(piece)?;
            tls.send(&mut self.stream)?;
        }
        Ok(())
    }

    /// From here on all is inside TLS; its handshake inside packets, or bare.
    pub fn begin_tls(&mut self, config: Arc<ServerConfig>, inside_packets: bool) -> io::Result<()> {
        let mut connection = ServerConnection::new(config).map_err(io::Error::other)?;
        connection.set_buffer_limit(None);
        let handshake = inside_packets.then(Handshake::default);
        self.tls = Some(Tls { connection, handshake, sends_packets: inside_packets });
        Ok(())
    }

    /// From here on nothing is: only the login was to be hidden.
    pub fn end_tls(&mut self) {
        self.tls = None;
    }

    /// Says good-bye, as far as the other side listens.
    pub fn close(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.connection.send_close_notify();
            let _ = tls.send(&mut self.stream);
        }
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    fn decrypt(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let Some(tls) = &mut self.tls else { return Ok(bytes.to_owned()) };
        let plain = tls.decrypt(bytes);
        // An alert tells the client what was wrong, a handshake goes on.
        tls.send(&mut self.stream)?;
        plain
    }
}

impl Tls {
    fn decrypt(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let records = match &mut self.handshake {
            Some(handshake) => handshake.unwrap(bytes).map_err(io::Error::other)?,
            None => bytes.to_owned(),
        };
        let mut rest = &records[..];
        let mut plain = Vec::new();
        while !rest.is_empty() {
            if self.connection.read_tls(&mut rest)? == 0 {
                break;
            }
            let state = self.connection.process_new_packets().map_err(io::Error::other)?;
            let from = plain.len();
            plain.resize(from + state.plaintext_bytes_to_read(), 0);
            if let Some(place) = plain.get_mut(from..) {
                self.connection.reader().read_exact(place)?;
            }
        }
        Ok(plain)
    }

    fn send(&mut self, stream: &mut TcpStream) -> io::Result<()> {
        let mut records = Vec::new();
        while self.connection.wants_write() {
            self.connection.write_tls(&mut records)?;
        }
        if records.is_empty() {
            return Ok(());
        }
        // The handshake's last words still go inside a packet.
        let packets = if self.sends_packets { Handshake::wrap(records) } else { records };
        self.sends_packets &= self.connection.is_handshaking();
        stream.write_all(&packets)
    }
}
