//! Strings and lengths as tokens hold them.

/// As UTF-16, lowest byte first.
pub(crate) fn utf16(output: &mut Vec<u8>, text: &str) {
    output.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
}

/// The first so many UTF-16 units of a text, whole characters only.
pub(crate) fn first_units(text: &str, most_units: usize) -> &str {
    let mut units = 0;
    for (at, character) in text.char_indices() {
        units += character.len_utf16();
        if units > most_units {
            return text.get(..at).unwrap_or_default();
        }
    }
    text
}

/// UTF-16 behind its length in units, in one byte. What is longer than that can say is cut off: names of the
/// protocol have at most 128 units.
pub(crate) fn b_varchar(output: &mut Vec<u8>, text: &str) {
    let text = first_units(text, u8::MAX.into());
    output.push(u8::try_from(text.encode_utf16().count()).unwrap_or(u8::MAX));
    utf16(output, text);
}

/// UTF-16 behind its length in units, in two bytes. What is longer than that can say is cut off.
pub(crate) fn us_varchar(output: &mut Vec<u8>, text: &str) {
    let text = first_units(text, u16::MAX.into());
    let units = u16::try_from(text.encode_utf16().count()).unwrap_or(u16::MAX);
    output.extend(units.to_le_bytes());
    utf16(output, text);
}

/// A token whose length in two bytes stands behind its type; `body` writes what the length counts.
pub(crate) fn counted_token(output: &mut Vec<u8>, token: u8, body: impl FnOnce(&mut Vec<u8>)) {
    output.extend([token, 0, 0]);
    let from = output.len();
    body(output);
    // Every caller bounds its strings so that this fits.
    let length = u16::try_from(output.len() - from).unwrap_or(u16::MAX).to_le_bytes();
    if let Some(place) = output.get_mut(from - 2..from) {
        place.copy_from_slice(&length);
    }
}
