//! What real clients send, recorded message by message, is understood; how is in the golden files.
//!
//! A line of a recording is a message: its type and status as the first packet had them, and its body. Each
//! client logged in, asked for rows, gave parameters of several types, committed, changed something and rolled
//! back. `UPDATE_GOLDEN=1 cargo test -p spatialcloud-tds` writes the golden files anew.

use std::fmt::Write;
use std::path::Path;

use spatialcloud_tds::{Call, Collation, Event, PacketType, Request, Session, message_packets};

#[test]
fn recordings_are_understood() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .expect("the recordings")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    names.sort();
    assert!(names.len() >= 5, "only these recordings: {names:?}");
    for path in names {
        let recording = std::fs::read_to_string(&path).expect("a recording");
        let got = understood(&recording);
        let golden = path.with_extension("golden");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&golden, &got).expect("a golden file");
        }
        let expected = std::fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(got, expected, "{}: UPDATE_GOLDEN=1 if this is meant", path.display());
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.as_bytes().chunks(2).collect();
    digits
        .iter()
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("hex"), 16).expect("hex"))
        .collect()
}

fn kind(byte: u8) -> PacketType {
    use PacketType::{Attention, Login7, Prelogin, Rpc, SqlBatch, TransactionManager};
    let kinds = [Attention, Login7, Prelogin, Rpc, SqlBatch, TransactionManager];
    kinds.into_iter().find(|kind| *kind as u8 == byte).expect("a type that clients send")
}

fn understood(recording: &str) -> String {
    let mut session = Session::new(1 << 20);
    let mut text = String::new();
    for line in recording.lines() {
        let mut parts = line.split(' ');
        let mut next = || bytes(parts.next().unwrap_or_default());
        let (packet_type, status, body) = (next()[0], next()[0], next());
        let mut packets = message_packets(kind(packet_type), body, 4096, 0);
        packets[1] |= status;
        // As a network may give them, in pieces.
        for piece in packets.chunks(1000) {
            session.receive(piece);
            while let Some(event) = session.next_event().expect("what a real client sends") {
                show(&mut text, &event);
            }
        }
    }
    assert!(!session.is_inside_message());
    text
}

fn show(text: &mut String, event: &Event) {
    let shown = match event {
        Event::Prelogin(prelogin) => writeln!(text, "{prelogin:?}"),
        Event::Login(login) => {
            assert_eq!(login.password, "Pw1!aaaaa");
            writeln!(text, "{login:#?}")
        }
        Event::Request { reset, request } => {
            if let Some(reset) = reset {
                writeln!(text, "reset: {reset:?}").expect("memory");
            }
            match request {
                Request::Batch { headers, sql } => {
                    writeln!(text, "batch in {}: {}", headers.transaction, short(&format!("{sql:?}"), 400))
                }
                Request::Calls { headers, calls } => {
                    writeln!(text, "calls in {}:", headers.transaction).expect("memory");
                    calls.iter().try_for_each(|call| show_call(text, call))
                }
                Request::Transaction { headers, request } => {
                    writeln!(text, "transaction in {}: {request:?}", headers.transaction)
                }
                Request::Attention => writeln!(text, "attention"),
                Request::Refused(error) => writeln!(text, "refused: {error}"),
            }
        }
    };
    shown.expect("memory");
}

fn show_call(text: &mut String, call: &Call) -> std::fmt::Result {
    writeln!(text, "  {} {:?}", call.procedure, call.procedure)?;
    for parameter in &call.parameters {
        let (name, value) = (&parameter.name, short(&parameter.value.to_string(), 200));
        let output = if parameter.by_reference { " output" } else { "" };
        let column_type = format!("{:?}", parameter.column_type);
        // What all of them have.
        let column_type = column_type.replace(&format!("{:?}", Collation::LATIN1), "Latin1");
        writeln!(text, "    {name:?} {column_type}{output} = {value}")?;
    }
    Ok(())
}

fn short(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}… ({} characters)", &text[..at], text.chars().count()),
        None => text.to_owned(),
    }
}
