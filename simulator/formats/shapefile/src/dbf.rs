//! `.dbf`: the attribute table, dBase III with UTF-8 text (`.cpg` says so).

use std::io::{self, Seek, SeekFrom, Write};

use crate::field::Field;
use crate::notice::Notices;
use crate::{Column, Value, What, WriteError};

/// Bytes of the header and of each field in it.
const DESCRIPTOR_BYTES: usize = 32;
const END_OF_HEADER: u8 = 0x0D;
const END_OF_FILE: u8 = 0x1A;

/// The table while it grows.
pub struct Table<W> {
    sink: W,
    header: Vec<u8>,
    record_bytes: usize,
    records: u32,
}

impl<W: Write + Seek> Table<W> {
    /// Begins the table; the number of records is filled in at the end.
    pub fn create(mut sink: W, fields: &[Field], last_update: (u16, u8, u8)) -> io::Result<Table<W>> {
        let record_bytes = 1 + fields.iter().map(|field| usize::from(field.width)).sum::<usize>();
        let header_bytes = DESCRIPTOR_BYTES * (1 + fields.len()) + 1;
        let (year, month, day) = last_update;
        let mut header = vec![3, year.saturating_sub(1900).min(255) as u8, month, day];
        header.extend(0_u32.to_le_bytes());
        // 255 fields of 254 bytes are the most, so both fit.
        header.extend((header_bytes as u16).to_le_bytes());
        header.extend((record_bytes as u16).to_le_bytes());
        header.resize(DESCRIPTOR_BYTES, 0);
        for field in fields {
            let start = header.len();
            header.extend(field.name.bytes().take(10));
            header.resize(start + 11, 0);
            header.extend([field.kind, 0, 0, 0, 0, field.width, field.decimals]);
            header.resize(start + DESCRIPTOR_BYTES, 0);
        }
        header.push(END_OF_HEADER);
        sink.write_all(&header)?;
        Ok(Table { sink, header, record_bytes, records: 0 })
    }

    /// Length of the file with one record more.
    pub fn bytes_with_next(&self) -> u64 {
        (self.header.len() + 1) as u64 + self.record_bytes as u64 * (u64::from(self.records) + 1)
    }

    /// Number of the next record, from 0.
    pub fn next_record(&self) -> u32 {
        self.records
    }

    /// Writes a record that [`record`] made.
    pub fn write(&mut self, record: &[u8]) -> io::Result<()> {
        self.records += 1;
        self.sink.write_all(record)
    }

    /// Ends the table.
    pub fn finish(mut self) -> io::Result<()> {
        self.sink.write_all(&[END_OF_FILE])?;
        self.sink.seek(SeekFrom::Start(4))?;
        self.sink.write_all(&self.records.to_le_bytes())?;
        self.sink.flush()
    }
}

/// Makes a record; `number` is that of the record, `row` that of the table's row.
pub fn record(
    fields: &[Field],
    columns: &[Column],
    values: &[Value<'_>],
    number: u32,
    row: u64,
    notices: &mut Notices,
) -> Result<Vec<u8>, WriteError> {
    // A blank in front: the record is not deleted.
    let mut record = vec![b' '];
    for field in fields {
        let (value, name) = match field.column {
            Some(index) => (values[index], columns[index].name.as_str()),
            None => (Value::Integer(i64::from(number)), "FID"),
        };
        let width = usize::from(field.width);
        let text = match (field.kind, value) {
            (b'C', Value::Text(text)) => {
                record.extend(plain(text, field, name, row, notices));
                continue;
            }
            // What ArcGIS and GDAL write, and read as NULL, for these two; blanks for all others.
            (b'L', Value::Null) => "?".to_owned(),
            (b'D', Value::Null) => "0".repeat(width),
            (_, Value::Null) => String::new(),
            (b'N', Value::Integer(number)) => number.to_string(),
            (b'N', Value::Text(text)) => text.to_owned(),
            (b'F', Value::Double(number)) if number.is_finite() => {
                shortest(number.to_string(), width, || format!("{number:e}"))
            }
            (b'F', Value::Single(number)) if number.is_finite() => {
                shortest(number.to_string(), width, || format!("{number:e}"))
            }
            (b'L', Value::Boolean(truth)) => if truth { "T" } else { "F" }.to_owned(),
            (b'D', Value::Date { year, month, day }) => format!("{year:04}{month:02}{day:02}"),
            (kind, value) => return Err(mismatch(kind, width, &value, name, row)),
        };
        if text.len() > width {
            return Err(mismatch(field.kind, width, &value, name, row));
        }
        record.extend(format!("{text:>width$}").into_bytes());
    }
    Ok(record)
}

/// Digits where they fit, an exponent otherwise: both read back to the same number.
fn shortest(digits: String, width: usize, exponent: impl Fn() -> String) -> String {
    if digits.len() <= width { digits } else { exponent() }
}

/// Text, cut or filled to the field's width.
fn plain(text: &str, field: &Field, name: &str, row: u64, notices: &mut Notices) -> Vec<u8> {
    let width = usize::from(field.width);
    let column = || name.to_owned();
    if text.is_empty() {
        notices.add_row(What::EmptyText { column: column() }, row);
    }
    if text.ends_with(' ') {
        notices.add_row(What::TrailingBlanks { column: column() }, row);
    }
    let mut end = text.len();
    // Blanks that would be lost anyway need no room.
    if text.trim_end_matches(' ').len() > width {
        notices.add_row(What::TextCut { column: column(), most_bytes: field.width }, row);
    }
    if end > width {
        end = (0..=width).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    }
    let mut bytes = text.as_bytes()[..end].to_vec();
    if bytes.contains(&0) {
        notices.add_row(What::NulCharacters { column: column() }, row);
        bytes.iter_mut().filter(|byte| **byte == 0).for_each(|byte| *byte = b' ');
    }
    bytes.resize(width, b' ');
    bytes
}

fn mismatch(kind: u8, width: usize, value: &Value<'_>, name: &str, row: u64) -> WriteError {
    let type_name = match kind {
        b'C' => "text",
        b'N' => "a number",
        b'F' => "a finite float",
        b'L' => "true or false",
        _ => "a date",
    };
    WriteError::Value {
        row,
        column: name.to_owned(),
        expected: format!("{type_name} of at most {width} bytes, as surveyed"),
        got: format!("{value:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ColumnType;
    use proptest::prelude::*;

    fn cell(kind: u8, width: u8, value: Value<'_>, notices: &mut Notices) -> Result<String, WriteError> {
        let field = Field { column: Some(0), name: "F".to_owned(), kind, width, decimals: 0 };
        let column = Column { name: "f".to_owned(), column_type: ColumnType::Guid };
        let bytes = record(&[field], &[column], &[value], 0, 1, notices)?;
        Ok(String::from_utf8(bytes[1..].to_vec()).expect("never cut inside a character"))
    }

    #[test]
    fn values_take_their_fields_form() {
        for (kind, width, value, expected) in [
            (b'N', 6, Value::Integer(-42), "   -42"),
            (b'N', 6, Value::Text("1.50"), "  1.50"),
            (b'N', 6, Value::Null, "      "),
            (b'F', 24, Value::Double(0.1), "                     0.1"),
            (b'F', 24, Value::Double(-2.2250738585072014e-308), "-2.2250738585072014e-308"),
            (b'F', 15, Value::Single(-1.175_494_4e-38), " -1.1754944e-38"),
            (b'L', 1, Value::Boolean(true), "T"),
            (b'L', 1, Value::Null, "?"),
            (b'D', 8, Value::Date { year: 2026, month: 3, day: 2 }, "20260302"),
            (b'D', 8, Value::Null, "00000000"),
            (b'C', 4, Value::Text("ab"), "ab  "),
            (b'C', 4, Value::Text("Māori"), "Māo"),
            (b'C', 4, Value::Text("abāx"), "abā"),
            (b'C', 4, Value::Text("ab    "), "ab  "),
            (b'C', 4, Value::Text("a\0b"), "a b "),
        ] {
            assert_eq!(cell(kind, width, value, &mut Notices::default()).expect("fits"), expected);
        }
    }

    #[test]
    fn what_does_not_fit_is_an_error_that_names_the_place() {
        for (kind, value) in [
            (b'N', Value::Integer(1234)),
            (b'N', Value::Null),
            (b'F', Value::Double(f64::NAN)),
            (b'D', Value::Text("x")),
        ] {
            match cell(kind, 3, value, &mut Notices::default()) {
                Err(error) => {
                    assert!(error.to_string().starts_with("row 1, column \"f\": expected "), "{error}")
                }
                Ok(text) => assert_eq!((value, text.as_str()), (Value::Null, "   ")),
            }
        }
    }

    #[test]
    fn losses_are_told() {
        let mut notices = Notices::default();
        for text in ["", "ab ", "abcde", "a\0", "fine"] {
            cell(b'C', 4, Value::Text(text), &mut notices).expect("text always fits");
        }
        let told: Vec<String> = notices.into_list().iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "column \"f\": text was cut to 4 bytes of UTF-8 (row 1)",
                "column \"f\": blanks at the end are lost (row 1)",
                "column \"f\": empty text reads as NULL (row 1)",
                "column \"f\": NUL characters became blanks (row 1)",
            ]
        );
    }

    proptest! {
        #[test]
        fn floats_read_back_the_same(double in any::<f64>(), single in any::<f32>()) {
            for (width, value) in [(24, Value::Double(double)), (15, Value::Single(single))] {
                match cell(b'F', width, value, &mut Notices::default()) {
                    Ok(text) => match value {
                        Value::Double(number) => prop_assert_eq!(text.trim().parse(), Ok(number)),
                        _ => prop_assert_eq!(text.trim().parse(), Ok(single)),
                    },
                    Err(_) => prop_assert!(!double.is_finite() || !single.is_finite()),
                }
            }
        }
    }
}
