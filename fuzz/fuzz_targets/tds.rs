//! Whatever a client sends, reading it ends and does not panic; and what was read can be given back.
//!
//! The first byte chooses: 0 is a connection from its beginning, another the type of one request behind a login.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spatialcloud_tds::{
    Column, Event, Framing, PacketType, Prelogin, Request, Response, Session, Version, message_packets, tls,
};

const FRAMING: Framing = Framing { packet_bytes: 512, session: 51, version: Version::TDS_7_4 };

fuzz_target!(|data: &[u8]| {
    let Some((choice, rest)) = data.split_first() else { return };
    let kinds = [PacketType::Rpc, PacketType::SqlBatch, PacketType::TransactionManager, PacketType::Login7];
    let stream = match usize::from(*choice).checked_sub(1) {
        None => rest.to_owned(),
        Some(choice) => {
            let kind = kinds[choice % kinds.len()];
            let prelogin = message_packets(PacketType::Prelogin, vec![0xFF], 4096, 0);
            let mut login = vec![0; 94];
            login[..8].copy_from_slice(&[94, 0, 0, 0, 4, 0, 0, 0x74]);
            let login = match kind {
                PacketType::Login7 => Vec::new(),
                _ => message_packets(PacketType::Login7, login, 4096, 0),
            };
            [prelogin, login, message_packets(kind, rest.to_owned(), 4096, 0)].concat()
        }
    };
    let _ = Prelogin::parse(rest);
    let _ = tls::Handshake::default().unwrap(rest);
    let mut session = Session::new(1 << 20);
    for piece in stream.chunks(500) {
        session.receive(piece);
        loop {
            match session.next_event() {
                Ok(Some(event)) => answer(&event),
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
});

/// Gives parameters back, as values and as a row: whatever can be read can be written.
fn answer(event: &Event) {
    let Event::Request { request: Request::Calls { calls, .. }, .. } = event else {
        return drop(format!("{event:?}"));
    };
    for call in calls {
        let mut response = Response::new(FRAMING);
        let (mut columns, mut values) = (Vec::new(), Vec::new());
        for parameter in &call.parameters {
            // What a client says of lengths need not be true of its values.
            let _ = response.return_value(0, &parameter.name, &parameter.column_type, &parameter.value);
            columns.push(Column::new(parameter.name.clone(), parameter.column_type.clone()));
            values.push(parameter.value.clone());
        }
        if response.columns(&columns).is_ok() {
            let _ = response.row(&columns, &values);
        }
        response.finish();
    }
}
