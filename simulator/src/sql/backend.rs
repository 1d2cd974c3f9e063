//! What answers a session's requests, and what it answers with.

use std::io;

use spatialcloud_tds::{
    Column, Command, Done, DoneKind, EncodeError, EnvironmentChange, Framing, Message, Request, Response,
    Value,
};

/// Whoever answers a session's requests.
pub trait Backend: Send {
    /// Answers a request. What the client is told, errors too, goes into `answer`; the rest ends the request.
    fn execute(&mut self, request: &Request, answer: &mut Answer<'_>) -> Result<(), Halt>;

    /// The session is to be as if newly logged in.
    fn reset(&mut self, keep_transaction: bool);
}

/// Why a request came to its end before it was done.
#[derive(Debug)]
pub enum Halt {
    /// The statement failed; the client is told, and what else was asked is not done.
    Failed(Box<Message>),
    /// The client gave up on it.
    Cancelled,
    /// The client is gone.
    Gone(io::Error),
}

impl Halt {
    /// An error of that number.
    pub fn error(number: i32, text: impl Into<String>) -> Halt {
        Halt::Failed(Box::new(Message::error(number, text)))
    }
}

impl From<EncodeError> for Halt {
    fn from(error: EncodeError) -> Halt {
        // Whoever made columns and values made a mistake: not the client.
        Halt::error(super::error::INTERNAL, format!("the stand-in cannot send this: {error}"))
    }
}

/// Where an answer goes.
pub trait Sink {
    /// Sends packets. `false`: the client gave up on the rest.
    fn send(&mut self, packets: &[u8]) -> io::Result<bool>;
}

/// The answer to one request.
pub struct Answer<'a> {
    response: Response,
    sink: &'a mut dyn Sink,
    columns: Vec<Column>,
    /// The end of a statement, until it is known whether another follows.
    pending: Option<Done>,
    /// How many procedures this is inside: there statements end with another token.
    procedures: u32,
    /// Whether a transaction is open.
    pub in_transaction: bool,
    server: &'a str,
    /// What was answered, as text.
    #[cfg(test)]
    pub said: Vec<String>,
}

/// Packets are sent when this much of an answer waits.
const SEND_AT_BYTES: usize = 32 * 1024;

impl<'a> Answer<'a> {
    pub(super) fn new(framing: Framing, sink: &'a mut dyn Sink, server: &'a str) -> Answer<'a> {
        Answer {
            response: Response::new(framing),
            sink,
            columns: Vec::new(),
            pending: None,
            procedures: 0,
            in_transaction: false,
            server,
            #[cfg(test)]
            said: Vec::new(),
        }
    }

    /// Begins a result.
    pub fn columns(&mut self, columns: Vec<Column>) -> Result<(), Halt> {
        self.flush_done(true);
        self.response.columns(&columns)?;
        #[cfg(test)]
        self.said.push(columns.iter().map(super::tests::described).collect::<Vec<_>>().join(" | "));
        self.columns = columns;
        Ok(())
    }

    /// A row of it.
    pub fn row(&mut self, values: &[Value<'_>]) -> Result<(), Halt> {
        self.response.row(&self.columns, values)?;
        #[cfg(test)]
        self.said.push(values.iter().map(Value::to_string).collect::<Vec<_>>().join(" | "));
        if self.response.waiting_bytes() < SEND_AT_BYTES {
            return Ok(());
        }
        let packets = self.response.take_packets();
        self.send(&packets)
    }

    /// A whole result.
    pub fn table(&mut self, columns: Vec<Column>, rows: &[Vec<Value<'_>>]) -> Result<(), Halt> {
        self.columns(columns)?;
        for row in rows {
            self.row(row)?;
        }
        self.done(Command::SELECT, Some(rows.len() as u64));
        Ok(())
    }

    /// Ends a statement.
    pub fn done(&mut self, command: Command, rows: Option<u64>) {
        self.flush_done(true);
        let done = Done { kind: self.kind(), rows, ..Done::statement(command) };
        self.pending = Some(done);
    }

    /// An error, or something worth knowing.
    pub fn message(&mut self, message: &Message) {
        self.flush_done(true);
        let server = if message.server.is_empty() { self.server.to_owned() } else { message.server.clone() };
        #[cfg(test)]
        {
            let kind = if message.is_error() { "error" } else { "info" };
            self.said.push(format!("{kind} {}: {}", message.number, message.text));
        }
        self.response.message(&Message { server, ..message.clone() });
    }

    /// Something of the session has changed.
    pub fn environment(&mut self, change: &EnvironmentChange<'_>) {
        self.flush_done(true);
        self.response.environment(change);
    }

    /// From here on statements end as those inside a procedure do.
    pub fn begin_procedure(&mut self) {
        self.procedures += 1;
    }

    /// Gives a parameter back.
    pub fn return_value(
        &mut self,
        place: u16,
        name: &str,
        column_type: &spatialcloud_tds::ColumnType,
        value: &Value<'_>,
    ) -> Result<(), Halt> {
        self.flush_done(true);
        Ok(self.response.return_value(place, name, column_type, value)?)
    }

    /// What the procedure answers; 0 is success.
    pub fn return_status(&mut self, status: i32) {
        self.flush_done(true);
        self.response.return_status(status);
    }

    /// Ends a procedure.
    pub fn end_procedure(&mut self, failed: bool) {
        self.flush_done(true);
        self.procedures = self.procedures.saturating_sub(1);
        self.pending = Some(Done { kind: DoneKind::Procedure, failed, ..Done::statement(Command::EXECUTE) });
    }

    /// Ends a statement that failed.
    pub fn failed(&mut self, message: &Message) {
        self.message(message);
        self.pending = Some(Done { kind: self.kind(), ..Done::failure() });
    }

    /// Something worth knowing while the work goes on: it is sent at once. It ends a statement of its own, as SQL
    /// Server has it.
    pub fn progress(&mut self, message: &Message, command: Command) -> Result<(), Halt> {
        self.message(message);
        self.done(command, None);
        self.flush_done(true);
        let packets = self.response.take_all();
        self.send(&packets)
    }

    /// Whether the client still wants it.
    pub fn go_on(&mut self) -> Result<(), Halt> {
        self.send(&[])
    }

    fn send(&mut self, packets: &[u8]) -> Result<(), Halt> {
        match self.sink.send(packets) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Halt::Cancelled),
            Err(error) => Err(Halt::Gone(error)),
        }
    }

    /// Sends the rest. `false`: the client has given up on it meanwhile, and has been told that this was heard.
    pub(super) fn finish(mut self, cancelled: bool) -> io::Result<()> {
        if cancelled {
            self.flush_done(true);
            self.pending = Some(Done::attention());
        }
        if self.pending.is_none() {
            self.pending = Some(Done::statement(Command::NONE));
        }
        self.flush_done(false);
        let packets = self.response.finish();
        self.sink.send(&packets).map(drop)
    }

    fn kind(&self) -> DoneKind {
        if self.procedures > 0 { DoneKind::StatementInProcedure } else { DoneKind::Statement }
    }

    pub(super) fn flush_done(&mut self, more: bool) {
        if let Some(done) = self.pending.take() {
            #[cfg(test)]
            self.said.push(match done.rows {
                Some(rows) => format!("done {}: {rows} rows", done.command.0),
                None => format!("done {}", done.command.0),
            });
            self.response.done(Done { more, in_transaction: self.in_transaction, ..done });
        }
    }
}
