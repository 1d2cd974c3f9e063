//! What is answered to a login that is accepted (\[MS-TDS\] 2.2.7.14, 2.2.7.11).

use super::{Command, Done, EnvironmentChange, Framing, Message};
use crate::feature::Feature;
use crate::output::{b_varchar, counted_token};
use crate::packet::DEFAULT_PACKET_BYTES;
use crate::types::Collation;

/// What the session is like, and who the server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginAnswer<'a> {
    /// What the server calls its program; old libraries look for "Microsoft SQL Server" in it.
    pub program: &'a str,
    /// Its version: major, minor, build.
    pub program_version: (u8, u8, u16),
    /// The server's name, as messages have it.
    pub server: &'a str,
    /// The database the session is in.
    pub database: &'a str,
    /// The language of messages.
    pub language: &'a str,
    /// The collation of the database.
    pub collation: Collation,
    /// Features that the client asked for.
    pub features: &'a [Feature],
}

const LOGINACK: u8 = 0xAD;
const FEATUREEXTACK: u8 = 0xAE;
const FEATURES_END: u8 = 0xFF;
/// Statements are Transact-SQL.
const TRANSACT_SQL: u8 = 1;

impl LoginAnswer<'_> {
    /// In the order of a real server.
    pub(super) fn write(&self, output: &mut Vec<u8>, framing: Framing) {
        let tell = |output: &mut Vec<u8>, number, text: String| {
            let message = Message { server: self.server.to_owned(), ..Message::information(number, text) };
            message.write(output);
        };
        EnvironmentChange::Database { new: self.database, old: "master" }.write(output);
        // Clients know these two by their numbers and keep quiet about them.
        tell(output, 5701, format!("Changed database context to '{}'.", self.database));
        EnvironmentChange::Collation { new: self.collation, old: None }.write(output);
        EnvironmentChange::Language { new: self.language, old: "" }.write(output);
        tell(output, 5703, format!("Changed language setting to {}.", self.language));
        self.acknowledge(output, framing);
        EnvironmentChange::PacketBytes { new: framing.packet_bytes, old: DEFAULT_PACKET_BYTES }.write(output);
        self.features(output);
        Done::statement(Command::NONE).write(output);
    }

    fn acknowledge(&self, output: &mut Vec<u8>, framing: Framing) {
        let (major, minor, build) = self.program_version;
        counted_token(output, LOGINACK, |body| {
            body.push(TRANSACT_SQL);
            body.extend(framing.version.0.to_be_bytes());
            b_varchar(body, self.program);
            body.extend([major, minor]);
            body.extend(build.to_be_bytes());
        });
    }

    /// Only to whom asked: others do not know the token.
    fn features(&self, output: &mut Vec<u8>) {
        if self.features.is_empty() {
            return;
        }
        output.push(FEATUREEXTACK);
        for (id, data) in self.features.iter().filter_map(Feature::answer) {
            output.push(id);
            // A handful of bytes.
            output.extend((data.len() as u32).to_le_bytes());
            output.extend(data);
        }
        output.push(FEATURES_END);
    }
}
