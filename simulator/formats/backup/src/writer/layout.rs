//! Where in a table's records each column is: the key first, fixed columns in front of variable ones.

use super::tables::ColumnSpec;
use crate::types::SqlType;

/// Bytes in front of the fixed columns: status, and where they end.
const HEAD_BYTES: usize = 4;

/// Where a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Fixed {
        at: usize,
        bytes: usize,
    },
    Bit {
        at: usize,
        bit: u8,
    },
    /// Which of the variable ones.
    Variable(usize),
}

/// The layout of a table's records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordLayout {
    /// Columns in the order in which they are laid out.
    pub order: Vec<usize>,
    /// By column.
    pub places: Vec<Place>,
    /// End of the fixed part.
    pub fixed_end: usize,
    pub variable_count: usize,
}

impl RecordLayout {
    pub fn of(columns: &[ColumnSpec], primary_key: &[usize]) -> RecordLayout {
        let mut order = primary_key.to_vec();
        order.extend((0..columns.len()).filter(|column| !primary_key.contains(column)));
        let mut places = vec![Place::Variable(0); columns.len()];
        let (mut fixed_end, mut variable_count) = (HEAD_BYTES, 0);
        // The byte that takes the next bits, and how many it has.
        let mut open_bits: Option<(usize, u8)> = None;
        for column in &order {
            let Some(spec) = columns.get(*column) else { continue };
            places[*column] = match spec.column_type.fixed_bytes() {
                None => {
                    variable_count += 1;
                    Place::Variable(variable_count - 1)
                }
                Some(_) if spec.column_type.sql_type == SqlType::Bit => {
                    let (at, bit) = open_bits.unwrap_or_else(|| {
                        fixed_end += 1;
                        (fixed_end - 1, 0)
                    });
                    open_bits = (bit < 7).then_some((at, bit + 1));
                    Place::Bit { at, bit }
                }
                Some(bytes) => {
                    fixed_end += bytes;
                    Place::Fixed { at: fixed_end - bytes, bytes }
                }
            };
        }
        RecordLayout { order, places, fixed_end, variable_count }
    }

    /// Place among the physical columns, from 1: that in the null bitmap.
    pub fn null_bit(&self, column: usize) -> usize {
        self.order.iter().position(|known| *known == column).map_or(0, |place| place + 1)
    }

    /// Bytes of a record whose variable columns are all NULL.
    pub fn least_bytes(&self) -> usize {
        self.fixed_end + 2 + self.order.len().div_ceil(8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::writer::column_type::ColumnType;

    #[test]
    fn keys_come_first_and_bits_share_bytes() {
        let types = ["bit", "nvarchar(5)", "int", "bit", "varchar(9)"];
        let mut columns: Vec<ColumnSpec> = types
            .iter()
            .map(|declared| ColumnSpec {
                name: (*declared).to_owned(),
                column_type: ColumnType::parse(declared).expect(declared),
                is_nullable: false,
            })
            .collect();
        let layout = RecordLayout::of(&columns, &[4, 2]);
        assert_eq!(layout.order, [4, 2, 0, 1, 3]);
        let expected = [
            Place::Bit { at: 8, bit: 0 },
            Place::Variable(1),
            Place::Fixed { at: 4, bytes: 4 },
            Place::Bit { at: 8, bit: 1 },
            Place::Variable(0),
        ];
        assert_eq!(layout.places, expected);
        assert_eq!((layout.fixed_end, layout.null_bit(4), layout.null_bit(3)), (9, 1, 5));
        columns.extend(std::iter::repeat_n(columns[0].clone(), 8));
        assert_eq!(RecordLayout::of(&columns, &[]).places[12], Place::Bit { at: 9, bit: 1 });
    }
}
