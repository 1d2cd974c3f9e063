//! Making records of the catalog: fixed part, null bitmap, variable part.

const HAS_NULL_BITMAP: u8 = 0x10;
const HAS_VARIABLE: u8 = 0x20;

/// A row being laid out, column by column in the table's order, fixed and variable ones mixed; the buffers are used again for the next.
#[derive(Default)]
pub struct RecordMaker {
    bytes: Vec<u8>,
    columns: usize,
    nulls: u64,
    variable: Vec<u8>,
    ends: Vec<u16>,
}

impl RecordMaker {
    /// Begins the next record.
    pub fn begin(&mut self) -> &mut RecordMaker {
        self.bytes.clear();
        self.bytes.extend([0; 4]);
        self.variable.clear();
        self.ends.clear();
        (self.columns, self.nulls) = (0, 0);
        self
    }

    /// A fixed column.
    pub fn fixed(&mut self, bytes: &[u8]) -> &mut RecordMaker {
        self.columns += 1;
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// A variable column; NULL and empty differ by the bitmap alone.
    pub fn variable(&mut self, bytes: Option<&[u8]>) -> &mut RecordMaker {
        if bytes.is_none() {
            self.nulls |= 1 << self.columns;
        }
        self.columns += 1;
        self.variable.extend_from_slice(bytes.unwrap_or_default());
        self.ends.push(self.variable.len() as u16);
        self
    }

    /// A variable column of UTF-16.
    pub fn text(&mut self, text: &str) -> &mut RecordMaker {
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        self.variable(Some(&units))
    }

    /// The whole record.
    pub fn finish(&mut self) -> &[u8] {
        let fixed_end = self.bytes.len() as u16;
        // Like SQL Server, without the empty ones at the end.
        while self.ends.last().is_some_and(|end| self.ends.iter().rev().nth(1).unwrap_or(&0) == end) {
            self.ends.pop();
        }
        let has_variable = !self.ends.is_empty();
        self.bytes[0] = HAS_NULL_BITMAP | if has_variable { HAS_VARIABLE } else { 0 };
        self.bytes[2..4].copy_from_slice(&fixed_end.to_le_bytes());
        self.bytes.extend((self.columns as u16).to_le_bytes());
        self.bytes.extend_from_slice(&self.nulls.to_le_bytes()[..self.columns.div_ceil(8)]);
        if has_variable {
            self.bytes.extend((self.ends.len() as u16).to_le_bytes());
            let begin = (self.bytes.len() + 2 * self.ends.len()) as u16;
            for end in &self.ends {
                self.bytes.extend((begin + end).to_le_bytes());
            }
            self.bytes.extend_from_slice(&self.variable);
        }
        &self.bytes
    }
}
