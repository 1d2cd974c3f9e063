//! Binary XML laid by hand.

use super::*;

fn wide(text: &str) -> Vec<u8> {
    let units: Vec<u16> = text.encode_utf16().collect();
    let mut bytes = vec![units.len() as u8];
    bytes.extend(units.into_iter().flat_map(u16::to_le_bytes));
    bytes
}

fn document(parts: &[&[u8]]) -> Vec<u8> {
    [&[0xDF, 0xFF, 1, 0xB0, 0x04][..], &parts.concat()].concat()
}

fn name(text: &str) -> Vec<u8> {
    [&[0xF0][..], &wide(text)].concat()
}

fn string(text: &str) -> Vec<u8> {
    [&[0x11][..], &wide(text)].concat()
}

#[test]
fn documents_become_text() {
    let elements = document(&[
        &name("a"),
        &[0xEF, 0, 0, 1, 0xF8, 1],
        &name("b"),
        &[0xEF, 0, 0, 2, 0xF6, 2],
        &string("x\"<&\n"),
        &[0xF5],
        &string("1 < 2 & 3 > 2"),
        &[0xF8, 2, 0xF7, 0xF8, 2, 0xF6, 2],
        &string(""),
        &[0xF5, 0xF7],
        &[0xF3],
        &wide(" note "),
        &[0xF2],
        &wide("<raw>"),
        &[0xF1, 0xF7],
    ]);
    assert_eq!(
        text(&elements).expect("a document"),
        "<a b=\"x&quot;&lt;&amp;&#x0A;\">1 &lt; 2 &amp; 3 &gt; 2<b/><b b=\"\"/><!-- note --><![CDATA[<raw>]]></a>"
    );
}

#[test]
fn prefixes_and_typed_values() {
    let typed = document(&[
        &name("urn:p"),
        &name("p"),
        &name("a"),
        &[0xEF, 1, 2, 3],
        &name("xmlns"),
        &[0xEF, 0, 4, 2],
        &[0xF8, 1, 0xF6, 2],
        &string("urn:p"),
        &[0xF5, 0x02, 42, 0, 0, 0],
        &string(" "),
        &[0x0A, 7, 5, 2, 1, 0x39, 0x30, 0, 0],
        &[0x86, 1],
        &[0x10, 5, 0xE5, 0x04, 0, 0, 0xE1],
        &[0x7F, 0x75, 0x25, 0x0B],
        &[0x7B, 3, 0xE1, 0x1A, 0x76, 0, 0x75, 0x25, 0x0B, 60, 0],
        &[0x88, 0xFF, 0x89, 0xFF, 0xFF],
        &[0xF7],
    ]);
    assert_eq!(
        text(&typed).expect("a document"),
        "<p:a xmlns:p=\"urn:p\">42 123.45trueα2001-01-012001-01-01T03:09:00.129+01:00-165535</p:a>"
    );
}

#[test]
fn fragments_and_empty_values() {
    assert_eq!(text(&document(&[])).expect("nothing"), "");
    assert_eq!(text(&document(&[&string("text")])).expect("text"), "text");
    let instruction = document(&[&name("go"), &[0xF4, 1], &wide("now")]);
    assert_eq!(text(&instruction).expect("an instruction"), "<?go now?>");
}

#[test]
fn damage_is_told() {
    let whole = document(&[&name("a"), &[0xEF, 0, 0, 1, 0xF8, 1], &string("x"), &[0xF7]]);
    for length in 0..whole.len() {
        // Only behind all definitions is a beginning whole in itself.
        let cut = text(&whole[..length]);
        assert!(cut.is_err() || cut.is_ok_and(|text| text.is_empty()), "{length}");
    }
    for wrong in [&[0xF8, 9][..], &[0xF7], &[0xF6, 1], &[0x82], &[0xF0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]] {
        assert!(text(&document(&[wrong])).is_err(), "{wrong:02x?}");
    }
    // Thousands of elements, each with a name of thousands of characters.
    let bomb = document(&[
        &[0xF0, 0x80, 0x80, 0x02],
        &[b'a', 0].repeat(32768),
        &[0xEF, 0, 0, 1],
        &[0xF8, 1, 0xF7].repeat(4000),
    ]);
    assert!(text(&bomb).is_err_and(|error| error.message.contains("beyond all measure")));
}
