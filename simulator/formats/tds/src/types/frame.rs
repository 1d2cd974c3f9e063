//! What stands before and between a value's bytes (\[MS-TDS\] 2.2.5.2).

use std::borrow::Cow;

use super::type_info::Form;
use crate::error::ProtocolError;
use crate::input::Input;

const NULL_SHORT: u16 = 0xFFFF;
const NULL_LONG: u32 = 0xFFFF_FFFF;
const NULL_PARTIAL: u64 = 0xFFFF_FFFF_FFFF_FFFF;
/// Total of pieces that only their end tells.
const UNKNOWN_PARTIAL: u64 = 0xFFFF_FFFF_FFFF_FFFE;

/// The bytes of the value that stands next; `None` for NULL.
pub(crate) fn read<'a>(input: &mut Input<'a>, form: Form) -> Result<Option<Cow<'a, [u8]>>, ProtocolError> {
    const WHAT: &str = "value of a parameter";
    let length = match form {
        Form::Nothing => return Ok(None),
        Form::Partial => return read_pieces(input),
        Form::Fixed(bytes) => bytes,
        Form::Byte => match input.u8(WHAT)? {
            0 => return Ok(None),
            length => usize::from(length),
        },
        Form::Short => match input.u16(WHAT)? {
            NULL_SHORT => return Ok(None),
            length => usize::from(length),
        },
        Form::Long => match input.u32(WHAT)? {
            NULL_LONG => return Ok(None),
            length => usize::try_from(length).unwrap_or(usize::MAX),
        },
        Form::Variant => match input.length32(WHAT)? {
            0 => return Ok(None),
            length => length,
        },
    };
    Ok(Some(Cow::Borrowed(input.take(length, WHAT)?)))
}

fn read_pieces<'a>(input: &mut Input<'a>) -> Result<Option<Cow<'a, [u8]>>, ProtocolError> {
    let total = input.u64("length of a large value")?;
    if total == NULL_PARTIAL {
        return Ok(None);
    }
    let mut value: Cow<'a, [u8]> = Cow::Borrowed(&[]);
    loop {
        let length = input.length32("length of a piece of a large value")?;
        if length == 0 {
            break;
        }
        let piece = input.take(length, "a piece of a large value")?;
        if value.is_empty() {
            value = Cow::Borrowed(piece);
        } else {
            value.to_mut().extend(piece);
        }
    }
    if total != UNKNOWN_PARTIAL && total != value.len() as u64 {
        let got = format!("{} bytes in pieces", value.len());
        return Err(input.wrong("a large value", "as many bytes as were announced", got, 4));
    }
    Ok(Some(value))
}

/// NULL. `false` where the form has none.
pub(crate) fn write_null(output: &mut Vec<u8>, form: Form) -> bool {
    match form {
        Form::Nothing => {}
        Form::Fixed(_) => return false,
        Form::Byte => output.push(0),
        Form::Short => output.extend(NULL_SHORT.to_le_bytes()),
        Form::Long => output.extend(NULL_LONG.to_le_bytes()),
        Form::Variant => output.extend([0; 4]),
        Form::Partial => output.extend(NULL_PARTIAL.to_le_bytes()),
    }
    true
}

/// The bytes that `body` writes, with what stands before them. `Err` with their number where there are too many.
pub(crate) fn write<E>(
    output: &mut Vec<u8>,
    form: Form,
    body: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<Result<(), usize>, E> {
    let start = output.len();
    let before: usize = match form {
        Form::Nothing | Form::Fixed(_) => 0,
        Form::Byte => 1,
        Form::Short => 2,
        Form::Long | Form::Variant => 4,
        Form::Partial => 12,
    };
    output.resize(start + before, 0);
    body(output)?;
    let length = output.len() - start - before;
    let fits = match form {
        Form::Nothing => length == 0,
        Form::Fixed(bytes) => length == bytes,
        Form::Byte => (1..=u8::MAX.into()).contains(&length),
        Form::Short => length < NULL_SHORT.into(),
        Form::Long | Form::Variant | Form::Partial => length <= i32::MAX as usize,
    };
    if !fits {
        return Ok(Err(length));
    }
    let number = (length as u64).to_le_bytes();
    if form == Form::Partial && length == 0 {
        // Nothing in pieces is no piece.
        output.truncate(start);
        output.extend([0; 12]);
        return Ok(Ok(()));
    }
    let (total, piece) = number.split_at(if form == Form::Partial { 8 } else { before });
    let places =
        [(0, total), (8, if form == Form::Partial { number.get(..4).unwrap_or(piece) } else { &[] })];
    for (at, bytes) in places {
        if let Some(place) = output.get_mut(start + at..start + at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }
    if form == Form::Partial {
        output.extend([0; 4]);
    }
    Ok(Ok(()))
}
