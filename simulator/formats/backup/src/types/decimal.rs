//! Exact decimal numbers.

use std::fmt;

/// A number with up to 38 digits, some of them behind the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    /// Whether it is below zero; never so for zero itself.
    pub is_negative: bool,
    /// The digits, without sign and point.
    pub magnitude: u128,
    /// How many digits are behind the point.
    pub scale: u8,
}

impl Decimal {
    /// Of an integer counting the last digit.
    pub fn from_units(units: i64, scale: u8) -> Decimal {
        Decimal { is_negative: units < 0, magnitude: u128::from(units.unsigned_abs()), scale }
    }

    /// From the stored form: a sign (1 is positive), then the magnitude, lowest byte first.
    pub(crate) fn from_bytes(bytes: &[u8], scale: u8) -> Option<Decimal> {
        let (sign, digits) = bytes.split_first()?;
        if digits.is_empty() || digits.len() > 16 {
            return None;
        }
        let mut wide = [0; 16];
        wide[..digits.len()].copy_from_slice(digits);
        let magnitude = u128::from_le_bytes(wide);
        Some(Decimal { is_negative: *sign == 0 && magnitude > 0, magnitude, scale })
    }
}

/// With exactly its scale of digits behind the point.
impl fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_negative {
            formatter.write_str("-")?;
        }
        let digits = self.magnitude.to_string();
        let scale = usize::from(self.scale);
        if scale == 0 {
            return formatter.write_str(&digits);
        }
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        write!(formatter, "{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_their_scale() {
        let text = |bytes: &[u8], scale| Decimal::from_bytes(bytes, scale).expect("a number").to_string();
        assert_eq!(text(&[1, 0x39, 0x30, 0, 0], 2), "123.45");
        assert_eq!(text(&[0, 5, 0, 0, 0], 3), "-0.005");
        assert_eq!(text(&[0, 0, 0, 0, 0], 2), "0.00");
        assert_eq!(text(&[1, 7, 0, 0, 0], 0), "7");
        assert_eq!(Decimal::from_units(-1, 4).to_string(), "-0.0001");
        assert_eq!(Decimal::from_bytes(&[1], 0), None);
        assert_eq!(Decimal::from_bytes(&[1; 18], 0), None);
    }
}
