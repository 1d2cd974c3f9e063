//! What a server says: tokens, gathered into one answer (\[MS-TDS\] 2.2.7).

mod columns;
mod done;
mod environment;
mod login;
mod message;
mod row;

pub use columns::{Column, Updatability};
pub use done::{Command, Done, DoneKind};
pub use environment::EnvironmentChange;
pub use login::LoginAnswer;
pub use message::{Message, NOT_SERVED};

use crate::error::EncodeError;
use crate::login::Version;
use crate::output::{b_varchar, counted_token};
use crate::packet::{PacketType, Packetizer};
use crate::types::{ColumnType, TypeInfo, Value, write_value};

/// How packets of an answer are to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framing {
    /// Their size, as agreed in the login.
    pub packet_bytes: u16,
    /// The session's number (SPID), which they carry.
    pub session: u16,
    /// What both sides speak.
    pub version: Version,
}

/// An answer: tokens go in, packets come out.
///
/// ```
/// use spatialcloud_tds::{Column, ColumnType, Command, Done, Framing, Response, Value, Version};
///
/// let framing = Framing { packet_bytes: 4096, session: 51, version: Version::TDS_7_4 };
/// let mut response = Response::new(framing);
/// let columns = [Column::new("id", ColumnType::Int), Column::new("owner", ColumnType::nvarchar(50))];
/// response.columns(&columns)?;
/// response.row(&columns, &[Value::Integer(7), Value::from("Ada")])?;
/// response.done(Done::rows(Command::SELECT, 1));
/// assert_eq!(response.finish()[..2], [0x04, 0x01]);
/// # Ok::<(), spatialcloud_tds::EncodeError>(())
/// ```
#[derive(Debug)]
pub struct Response {
    framing: Framing,
    packetizer: Packetizer,
    /// Tokens that are not in packets yet.
    body: Vec<u8>,
    packets: Vec<u8>,
}

/// Tokens are cut into packets when there are this many bytes of them.
const CUT_AT_BYTES: usize = 64 * 1024;

impl Response {
    /// An empty one.
    pub fn new(framing: Framing) -> Response {
        Response {
            framing,
            packetizer: Packetizer::new(PacketType::Response, framing.packet_bytes, framing.session),
            body: Vec::new(),
            packets: Vec::new(),
        }
    }

    /// Begins a result: describes its columns (COLMETADATA).
    pub fn columns(&mut self, columns: &[Column]) -> Result<(), EncodeError> {
        columns::write(&mut self.body, columns)
    }

    /// A row of the result whose columns were described last; of an error nothing has been written.
    pub fn row(&mut self, columns: &[Column], values: &[Value<'_>]) -> Result<(), EncodeError> {
        let from = self.body.len();
        let written = row::write(&mut self.body, self.framing.version, columns, values);
        match written {
            Ok(()) if self.body.len() >= CUT_AT_BYTES => self.cut(),
            Ok(()) => {}
            Err(_) => self.body.truncate(from),
        }
        written
    }

    /// The columns that a result is ordered by, counted from 1 (ORDER).
    pub fn order(&mut self, columns: &[u16]) {
        // SQL Server has at most 1024 columns.
        let columns = columns.get(..1024).unwrap_or(columns);
        counted_token(&mut self.body, 0xA9, |body| {
            body.extend(columns.iter().flat_map(|column| column.to_le_bytes()));
        });
    }

    /// Ends a statement, or all of it.
    pub fn done(&mut self, done: Done) {
        done.write(&mut self.body);
    }

    /// An error, or something worth knowing.
    pub fn message(&mut self, message: &Message) {
        message.write(&mut self.body);
    }

    /// Something of the session is no longer as it was.
    pub fn environment(&mut self, change: &EnvironmentChange<'_>) {
        change.write(&mut self.body);
    }

    /// What a procedure answers (RETURNSTATUS); 0 is success.
    pub fn return_status(&mut self, status: i32) {
        self.body.push(0x79);
        self.body.extend(status.to_le_bytes());
    }

    /// A parameter that is given back (RETURNVALUE), by its place in the call, counted from 0.
    pub fn return_value(
        &mut self,
        place: u16,
        name: &str,
        column_type: &ColumnType,
        value: &Value<'_>,
    ) -> Result<(), EncodeError> {
        const OUTPUT: u8 = 1;
        let from = self.body.len();
        self.body.push(0xAC);
        self.body.extend(place.to_le_bytes());
        b_varchar(&mut self.body, name);
        self.body.push(OUTPUT);
        // User type, and flags that no parameter has.
        self.body.extend([0; 6]);
        let info = TypeInfo::of(column_type, true);
        info.write(&mut self.body);
        let written = write_value(&mut self.body, name, &info, value, false);
        if written.is_err() {
            self.body.truncate(from);
        }
        written
    }

    /// The login is accepted.
    pub fn login(&mut self, answer: &LoginAnswer<'_>) {
        answer.write(&mut self.body, self.framing);
    }

    /// How long the part is that has not been handed out.
    pub fn waiting_bytes(&self) -> usize {
        self.packets.len() + self.body.len()
    }

    /// The packets that are full, to be sent before the answer is whole.
    pub fn take_packets(&mut self) -> Vec<u8> {
        self.cut();
        std::mem::take(&mut self.packets)
    }

    /// All that is waiting, the last packet shorter than the others where need be: for what must not wait.
    pub fn take_all(&mut self) -> Vec<u8> {
        self.packetizer.all_packets(&mut self.body, &mut self.packets);
        std::mem::take(&mut self.packets)
    }

    /// The rest of the packets.
    pub fn finish(mut self) -> Vec<u8> {
        self.packetizer.finish(self.body, &mut self.packets);
        self.packets
    }

    fn cut(&mut self) {
        self.packetizer.full_packets(&mut self.body, &mut self.packets);
    }
}
