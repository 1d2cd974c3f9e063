//! Fields of the attribute table: names of ten bytes, types and widths.

use std::collections::HashSet;

use crate::notice::{LeftOut, Notices, What};
use crate::{Column, ColumnType, Value};

/// Most fields, as GDAL and ArcGIS have it.
const MOST_FIELDS: usize = 255;
/// Most bytes of a name; the eleventh is its end.
const MOST_NAME_BYTES: usize = 10;
/// Most bytes of a text.
pub const MOST_TEXT_BYTES: usize = 254;
/// Widest number that readers take for one: dBase has twenty places.
const MOST_NUMBER_BYTES: usize = 20;
/// Widest whole number that readers still take for a 64-bit integer; a wider one becomes a float.
const MOST_INTEGER_BYTES: usize = 18;
/// Any double in its shortest form, `-2.2250738585072014e-308` the longest.
const DOUBLE_BYTES: u8 = 24;
/// Any float in its shortest form, `-1.1754944e-38` the longest.
const SINGLE_BYTES: u8 = 15;

/// A field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Where its values come from; `None` counts the records.
    pub column: Option<usize>,
    pub name: String,
    /// `C`, `N`, `F`, `L` or `D`.
    pub kind: u8,
    pub width: u8,
    pub decimals: u8,
}

/// The longest value of a column, in bytes as they are printed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extent(usize);

impl Extent {
    pub fn see(&mut self, value: &Value<'_>) {
        let bytes = match value {
            Value::Text(text) => text.len(),
            Value::Integer(number) => {
                let digits = number.unsigned_abs().checked_ilog10().unwrap_or(0) as usize + 1;
                digits + usize::from(*number < 0)
            }
            _ => return,
        };
        self.0 = self.0.max(bytes);
    }
}

/// The fields for these columns.
pub fn fields(columns: &[Column], extents: &[Extent], notices: &mut Notices) -> Vec<Field> {
    let mut fields = Vec::new();
    for (index, (column, extent)) in columns.iter().zip(extents).enumerate() {
        let left_out = |why| What::ColumnLeftOut { column: column.name.clone(), why };
        let Some((kind, width, decimals)) = form(column.column_type, *extent) else {
            notices.add(left_out(LeftOut::Type));
            continue;
        };
        if fields.len() == MOST_FIELDS {
            notices.add(left_out(LeftOut::TooMany));
            continue;
        }
        if kind == b'C' && !matches!(column.column_type, ColumnType::Text { .. }) {
            notices.add(What::AsText { column: column.name.clone() });
        }
        fields.push(Field { column: Some(index), name: String::new(), kind, width, decimals });
    }
    name(&mut fields, columns, notices);
    if fields.is_empty() {
        notices.add(What::NoColumns);
        fields.push(Field { column: None, name: "FID".to_owned(), kind: b'N', width: 11, decimals: 0 });
    }
    fields
}

/// Type, width and decimals. They hang on the column's type, and on the data only beyond what is usual: a layer
/// must not change its fields from night to night.
fn form(column_type: ColumnType, Extent(longest): Extent) -> Option<(u8, u8, u8)> {
    let text = |bytes: usize| Some((b'C', bytes.clamp(1, MOST_TEXT_BYTES) as u8, 0));
    match column_type {
        ColumnType::Integer { digits } => {
            let width = usize::from(digits) + 1;
            let usual = longest <= MOST_INTEGER_BYTES;
            Some((b'N', width.min(if usual { MOST_INTEGER_BYTES } else { MOST_NUMBER_BYTES }) as u8, 0))
        }
        ColumnType::Decimal { precision, scale } => {
            // A sign, a point, and the zero that stands before it when all digits follow it.
            let width = usize::from(precision) + 1 + usize::from(scale > 0) + usize::from(scale >= precision);
            match width {
                ..=MOST_NUMBER_BYTES => Some((b'N', width as u8, scale)),
                _ if longest <= MOST_NUMBER_BYTES && usize::from(scale) + 2 <= MOST_NUMBER_BYTES => {
                    Some((b'N', MOST_NUMBER_BYTES as u8, scale))
                }
                _ => text(width),
            }
        }
        // Readers go by what stands in the field; the decimals make them take it for a float.
        ColumnType::Double => Some((b'F', DOUBLE_BYTES, 15)),
        ColumnType::Single => Some((b'F', SINGLE_BYTES, 7)),
        ColumnType::Boolean => Some((b'L', 1, 0)),
        ColumnType::Date => Some((b'D', 8, 0)),
        ColumnType::Text { characters: Some(characters) } => text(longest.max(usize::from(characters))),
        ColumnType::Text { characters: None } => text(MOST_TEXT_BYTES),
        ColumnType::Moment { characters } => text(longest.max(usize::from(characters))),
        ColumnType::Guid => text(36),
        ColumnType::Other => None,
    }
}

/// Names fields: those whose names fit keep them, whatever stands before them; then the others, in their order,
/// cut to ten bytes, and with `_1`, `_2` … at the end where that is taken. Upper and lower case count as one.
fn name(fields: &mut [Field], columns: &[Column], notices: &mut Notices) {
    let mut taken: HashSet<String> = HashSet::new();
    let own = |field: &Field| field.column.map(|column| columns[column].name.as_str()).unwrap_or_default();
    for fits in [true, false] {
        for field in fields.iter_mut() {
            let column = own(field).to_owned();
            let cleaned = clean(&column);
            if !field.name.is_empty()
                || (cleaned != column || taken.contains(&cleaned.to_ascii_lowercase())) == fits
            {
                continue;
            }
            let ways = (1..).map(|number| {
                let end = format!("_{number}");
                let start = cleaned.get(..MOST_NAME_BYTES - end.len()).unwrap_or(&cleaned);
                format!("{start}{end}")
            });
            let free = std::iter::once(cleaned.clone()).chain(ways.take(MOST_FIELDS));
            field.name = free
                .into_iter()
                .find(|name| taken.insert(name.to_ascii_lowercase()))
                .unwrap_or_else(|| cleaned.clone());
            if field.name != column {
                notices.add(What::FieldRenamed { column, field: field.name.clone() });
            }
        }
    }
}

/// ASCII letters, digits and underscores, ten at most.
fn clean(name: &str) -> String {
    let plain = |character: char| if character.is_ascii_alphanumeric() { character } else { '_' };
    let cleaned: String = name.chars().map(plain).take(MOST_NAME_BYTES).collect();
    if cleaned.is_empty() { "FIELD".to_owned() } else { cleaned }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> Vec<String> {
        let column = |name: &&str| Column { name: (*name).to_owned(), column_type: ColumnType::Boolean };
        let columns: Vec<Column> = names.iter().map(column).collect();
        let extents = vec![Extent::default(); columns.len()];
        let fields = fields(&columns, &extents, &mut Notices::default());
        fields.into_iter().map(|field| field.name).collect()
    }

    #[test]
    fn names_have_ten_bytes_and_are_unique() {
        for (names, expected) in [
            (vec!["LAND_USE"], vec!["LAND_USE"]),
            (vec!["population_density", "population"], vec!["populati_1", "population"]),
            (
                vec!["assessment_no", "assessment_id", "ASSESSMENT"],
                vec!["assessme_1", "assessme_2", "ASSESSMENT"],
            ),
            (vec!["Area (m²)", "naïve", "Name", "NAME"], vec!["Area__m__", "na_ve", "Name", "NAME_1"]),
            (vec!["", "FIELD"], vec!["FIELD_1", "FIELD"]),
        ] {
            assert_eq!(named(&names), expected);
        }
        let same = vec!["a_very_long_column_name"; 200];
        let unique: HashSet<String> = named(&same).into_iter().collect();
        assert!(unique.len() == 200 && unique.iter().all(|name| name.len() <= 10));
    }

    #[test]
    fn types_and_widths() {
        use ColumnType::{Decimal, Integer, Moment, Text};
        for (column_type, longest, expected) in [
            (Integer { digits: 10 }, 11, Some((b'N', 11, 0))),
            (Integer { digits: 19 }, 18, Some((b'N', 18, 0))),
            (Integer { digits: 19 }, 20, Some((b'N', 20, 0))),
            (Decimal { precision: 18, scale: 0 }, 19, Some((b'N', 19, 0))),
            (Decimal { precision: 4, scale: 4 }, 7, Some((b'N', 7, 4))),
            (Decimal { precision: 19, scale: 4 }, 12, Some((b'N', 20, 4))),
            (Decimal { precision: 38, scale: 10 }, 40, Some((b'C', 40, 0))),
            (Text { characters: Some(50) }, 20, Some((b'C', 50, 0))),
            (Text { characters: Some(50) }, 71, Some((b'C', 71, 0))),
            (Text { characters: Some(4000) }, 20, Some((b'C', 254, 0))),
            (Text { characters: None }, 20, Some((b'C', 254, 0))),
            (Moment { characters: 23 }, 23, Some((b'C', 23, 0))),
            (ColumnType::Other, 0, None),
        ] {
            assert_eq!(form(column_type, Extent(longest)), expected, "{column_type:?} {longest}");
        }
    }

    #[test]
    fn whole_numbers_are_measured_with_their_sign() {
        for number in [0, 1, -1, 9, 10, -10, i64::MAX, i64::MIN, 999_999_999_999_999_999] {
            let mut extent = Extent::default();
            extent.see(&Value::Integer(number));
            assert_eq!(extent.0, number.to_string().len(), "{number}");
        }
    }
}
