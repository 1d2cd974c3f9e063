//! The examples of \[MS-TDS\] section 4, message by message, and answers whose bytes follow from section 2.

use spatialcloud_tds::{
    Collation, Column, ColumnType, Command, Done, DoneKind, Encryption, EnvironmentChange, Event, Framing,
    LoginAnswer, Message, Prelogin, Procedure, Request, Response, Session, Value, Version,
};

fn bytes(hex: &str) -> Vec<u8> {
    let digits: String = hex.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hex")).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Section 4.1.
const PRELOGIN: &str = "
    12 01 00 2F 00 00 01 00 00 00 1A 00 06 01 00 20 00 01 02 00 21 00 01 03 00 22 00 04 04 00 26 00 01 FF
    09 00 00 00 00 00 01 00 B8 0D 00 00 01";
/// Section 4.2.
const LOGIN7: &str = "
    10 01 00 90 00 00 01 00 88 00 00 00 02 00 09 72 00 10 00 00 00 00 00 07 00 01 00 00 00 00 00 00
    E0 03 00 00 00 00 00 00 09 04 00 00 5E 00 08 00 6E 00 02 00 72 00 00 00 72 00 07 00 80 00 00 00
    80 00 00 00 80 00 04 00 88 00 00 00 88 00 00 00 00 50 8B E2 B7 8F 88 00 00 00 88 00 00 00 88 00
    00 00 00 00 00 00 73 00 6B 00 6F 00 73 00 74 00 6F 00 76 00 31 00 73 00 61 00 4F 00 53 00 51 00
    4C 00 2D 00 33 00 32 00 4F 00 44 00 42 00 43 00";
/// Section 4.6.
const BATCH: &str = "
    01 01 00 5C 00 00 01 00 16 00 00 00 12 00 00 00 02 00 00 00 00 00 00 00 00 01 00 00 00 00 0A 00
    73 00 65 00 6C 00 65 00 63 00 74 00 20 00 27 00 66 00 6F 00 6F 00 27 00 20 00 61 00 73 00 20 00
    27 00 62 00 61 00 72 00 27 00 0A 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00 20 00";
/// Section 4.8.
const RPC: &str = "
    03 01 00 2F 00 00 01 00 16 00 00 00 12 00 00 00 02 00 00 00 00 00 00 00 00 01 00 00 00 00 04 00
    66 00 6F 00 6F 00 33 00 00 00 00 02 26 02 00";

#[test]
fn the_examples_are_understood() {
    let mut session = Session::new(1 << 20);
    let mut event = |hex: &str| {
        session.receive(&bytes(hex));
        session.next_event().expect("a message of the specification").expect("a whole message")
    };

    let Event::Prelogin(prelogin) = event(PRELOGIN) else { panic!("no PRELOGIN") };
    assert_eq!((prelogin.version, prelogin.encryption), ((9, 0, 0, 0), Encryption::On));
    assert_eq!((prelogin.instance.as_str(), prelogin.thread, prelogin.mars), ("", Some(0xB80D_0000), true));

    let Event::Login(login) = event(LOGIN7) else { panic!("no LOGIN7") };
    assert_eq!((login.version, login.packet_bytes, login.process), (Version::TDS_7_2, 4096, 256));
    assert_eq!((login.host.as_str(), login.user.as_str(), login.password.as_str()), ("skostov1", "sa", ""));
    assert_eq!((login.application.as_str(), login.library.as_str()), ("OSQL-32", "ODBC"));
    assert_eq!((login.database.as_str(), login.client_id), ("", [0, 0x50, 0x8B, 0xE2, 0xB7, 0x8F]));
    assert!(login.options.is_odbc() && login.options.language_is_required());
    assert!(!login.options.is_integrated() && !login.options.is_read_only());

    let Event::Request { reset: None, request: Request::Batch { headers, sql } } = event(BATCH) else {
        panic!("no batch")
    };
    assert_eq!((headers.transaction, headers.outstanding), (1 << 56, 0));
    assert_eq!(sql, "\nselect 'foo' as 'bar'\n        ");

    let Event::Request { request: Request::Calls { calls, .. }, .. } = event(RPC) else { panic!("no call") };
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].procedure, Procedure::Name("foo3".to_owned()));
    let [parameter] = &calls[0].parameters[..] else { panic!("{calls:?}") };
    assert!(parameter.is_default && !parameter.by_reference);
    assert_eq!((&parameter.column_type, &parameter.value), (&ColumnType::SmallInt, &Value::Null));
}

#[test]
fn several_calls_are_told_apart() {
    let headers = "16000000 12000000 0200 0000000000000000 01000000";
    let call = "ffff 0f00 0000 00 00 26 04 04 07000000";
    let body = bytes(&format!("{headers} {call} fe {call} ff {call} ff"));
    let mut message = vec![3, 1, 0, body.len() as u8 + 8, 0, 0, 1, 0];
    message.extend(body);
    let mut session = Session::new(1 << 20);
    session.receive(&bytes(PRELOGIN));
    session.next_event().expect("PRELOGIN");
    session.receive(&bytes(LOGIN7));
    session.next_event().expect("LOGIN7");
    session.receive(&message);
    let Ok(Some(Event::Request { request: Request::Calls { calls, .. }, .. })) = session.next_event() else {
        panic!("no calls")
    };
    let names: Vec<_> = calls.iter().map(|call| (call.procedure.name(), call.is_executed)).collect();
    assert_eq!(names, [("sp_unprepare", false), ("sp_unprepare", true), ("sp_unprepare", true)]);
    assert_eq!(calls[2].parameters[0].value, Value::Integer(7));
}

#[test]
fn a_prelogin_is_answered() {
    let asked = Prelogin::parse(&bytes(PRELOGIN)[8..]).expect("a PRELOGIN");
    let answer = asked.answer((15, 0, 4430), Encryption::LoginOnly);
    let expected = "
        00 001a 0006  01 0020 0001  02 0021 0001  03 0022 0000  04 0022 0001  ff
        0f 00 114e 0000  00  00  00";
    assert_eq!(hex(&answer), hex(&bytes(expected)));
    assert_eq!(
        Prelogin::parse(&answer).map(|answer| (answer.version, answer.mars)),
        Ok(((15, 0, 4430, 0), false))
    );
}

fn framing() -> Framing {
    Framing { packet_bytes: 4096, session: 0x33, version: Version::TDS_7_4 }
}

/// The body of an answer that fits one packet, whose header is checked.
fn body(answer: impl FnOnce(&mut Response)) -> String {
    let mut response = Response::new(framing());
    answer(&mut response);
    let packet = response.finish();
    let [high, low] = u16::try_from(packet.len()).expect("one packet").to_be_bytes();
    assert_eq!(packet[..8], [4, 1, high, low, 0, 0x33, 1, 0]);
    hex(&packet[8..])
}

#[test]
fn a_login_is_answered() {
    let expected = "
        e3 1700 01 04 6d00 6100 7000 7300  06 6d00 6100 7300 7400 6500 7200
        ab 5400 45160000 01 00 2300 4300680061006e006700650064002000640061007400610062006100730065002000
           63006f006e007400650078007400200074006f00200027006d0061007000730027002e00  00 00 01000000
        e3 0800 07 05 0904d00034 00
        e3 0700 02 02 6500 6e00 00
        ab 4c00 47160000 01 00 1f00 4300680061006e0067006500640020006c0061006e0067007500610067006500200073006500
           7400740069006e006700200074006f00200065006e002e00  00 00 01000000
        ad 0e00 01 74000004 02 7300 6400 0f 00 114e
        e3 1300 04 04 3400 3000 3900 3600 04 3400 3000 3900 3600
        fd 0000 0000 0000000000000000";
    let answer = body(|response| {
        response.login(&LoginAnswer {
            program: "sd",
            program_version: (15, 0, 4430),
            server: "",
            database: "maps",
            language: "en",
            collation: Collation::LATIN1,
            features: &[],
        });
    });
    assert_eq!(answer, hex(&bytes(expected)));
}

/// Section 4.7 has the answer to the batch of 4.6, in the form of TDS 7.2.
#[test]
fn a_result_is_told() {
    let columns = [Column::new("bar", ColumnType::varchar(3)).not_null()];
    let answer = body(|response| {
        response.columns(&columns).expect("a column");
        response.row(&columns, &[Value::from("foo")]).expect("a row");
        response.done(Done::rows(Command::SELECT, 1));
    });
    let expected = "
        81 0100 00000000 0000 a7 0300 0904d00034 03 6200 6100 7200
        d1 0300 66 6f 6f
        fd 1000 c100 0100000000000000";
    assert_eq!(answer, hex(&bytes(expected)));
}

#[test]
fn nulls_are_left_out_where_that_is_shorter() {
    let columns: Vec<Column> = (0..9).map(|_| Column::new("", ColumnType::nvarchar(9))).collect();
    let mut values = vec![Value::Null; 9];
    values[8] = Value::from("a");
    let row = |version| {
        let mut response = Response::new(Framing { version, ..framing() });
        response.row(&columns, &values).expect("a row");
        hex(&response.finish()[8..])
    };
    assert_eq!(row(Version::TDS_7_4), hex(&bytes("d2 ff00 0200 6100")));
    assert_eq!(row(Version::TDS_7_3_A), hex(&bytes("d1 ffffffffffffffffffffffffffffffff 0200 6100")));
    let columns = [Column::new("a", ColumnType::Int)];
    let one = body(|response| response.row(&columns, &[Value::Null]).expect("a row"));
    assert_eq!(one, "d100");
}

#[test]
fn procedures_and_messages_are_told() {
    let answer = body(|response| {
        let message = Message {
            line: 3,
            server: "S".to_owned(),
            procedure: "p".to_owned(),
            ..Message::error(208, "no")
        };
        response.message(&message);
        response.order(&[2, 1]);
        response.return_status(-6);
        response.return_value(0, "@handle", &ColumnType::Int, &Value::Integer(9)).expect("a value");
        response.environment(&EnvironmentChange::TransactionBegun(5));
        response.environment(&EnvironmentChange::TransactionCommitted(5));
        response.environment(&EnvironmentChange::ConnectionReset);
        let failed = Done { kind: DoneKind::Procedure, more: true, in_transaction: true, ..Done::failure() };
        response.done(failed);
        response.done(Done::attention());
    });
    let expected = "
        aa 1600 d0000000 01 10 0200 6e00 6f00 01 5300 01 7000 03000000
        a9 0400 0200 0100
        79 faffffff
        ac 0000 07 4000680061006e0064006c006500 01 00000000 0000 26 04 04 09000000
        e3 0b00 08 08 0500000000000000 00
        e3 0b00 09 00 08 0500000000000000
        e3 0300 12 00 00
        fe 0700 0000 0000000000000000
        fd 2000 0000 0000000000000000";
    assert_eq!(answer, hex(&bytes(expected)));
}

#[test]
fn a_row_that_does_not_fit_leaves_nothing_behind() {
    let columns = [Column::new("a", ColumnType::Int), Column::new("b", ColumnType::TinyInt).not_null()];
    let answer = body(|response| {
        let too_large = [Value::Integer(1), Value::Integer(256)];
        assert!(response.row(&columns, &too_large).is_err());
        assert!(response.row(&columns, &[Value::Integer(1)]).is_err());
        assert!(response.row(&columns, &[Value::Integer(1), Value::Null]).is_err());
        assert!(response.return_value(0, "@a", &ColumnType::TinyInt, &Value::Integer(256)).is_err());
        assert!(response.columns(&vec![columns[0].clone(); 4097]).is_err());
        response.row(&columns, &[Value::Integer(1), Value::Integer(2)]).expect("a row");
    });
    assert_eq!(answer, "d1040100000002");
}

#[test]
fn long_answers_are_handed_out_in_parts() {
    let columns = [Column::new("a", ColumnType::varchar(8000))];
    let text = "x".repeat(8000);
    let (mut parts, mut whole) = (Response::new(framing()), Response::new(framing()));
    let mut sent = Vec::new();
    for _ in 0..40 {
        for response in [&mut parts, &mut whole] {
            response.row(&columns, &[Value::from(text.as_str())]).expect("a row");
        }
        sent.extend(parts.take_packets());
        assert!(parts.waiting_bytes() <= 4096);
    }
    sent.extend(parts.finish());
    assert_eq!(sent, whole.finish());
    assert_eq!(sent.len(), 40 * 8003 + (40 * 8003_usize).div_ceil(4088) * 8);
}
