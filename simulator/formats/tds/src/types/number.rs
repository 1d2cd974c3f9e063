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

/// The most digits there can be.
pub(crate) const MOST_DIGITS: u8 = 38;

impl Decimal {
    /// Of an integer counting the last digit.
    pub fn from_units(units: i64, scale: u8) -> Decimal {
        Decimal { is_negative: units < 0, magnitude: u128::from(units.unsigned_abs()), scale }
    }

    /// The same number with so many digits behind the point, rounded half away from zero; `None` where it
    /// would need more than 38 digits.
    pub fn rescaled(self, scale: u8) -> Option<Decimal> {
        let power = 10_u128.checked_pow(u32::from(self.scale.abs_diff(scale)))?;
        let magnitude = if scale >= self.scale {
            self.magnitude.checked_mul(power)?
        } else {
            self.magnitude / power + u128::from(self.magnitude % power >= power / 2)
        };
        let fits = digits(magnitude) <= MOST_DIGITS;
        fits.then_some(Decimal { is_negative: self.is_negative && magnitude > 0, magnitude, scale })
    }

    /// How many digits it has.
    pub fn digits(self) -> u8 {
        digits(self.magnitude)
    }

    /// As an integer counting the last digit.
    pub fn units(self) -> Option<i64> {
        let units = i128::try_from(self.magnitude).ok()?;
        i64::try_from(if self.is_negative { -units } else { units }).ok()
    }
}

fn digits(magnitude: u128) -> u8 {
    magnitude.checked_ilog10().map_or(1, |log| log as u8 + 1)
}

/// Bytes of a magnitude in a column of that precision (\[MS-TDS\] 2.2.5.5.1.6).
pub(crate) fn magnitude_bytes(precision: u8) -> usize {
    match precision {
        0..=9 => 4,
        10..=19 => 8,
        20..=28 => 12,
        _ => 16,
    }
}

/// With exactly its scale of digits behind the point.
impl fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_negative {
            formatter.write_str("-")?;
        }
        let scale = usize::from(self.scale);
        let digits = format!("{:0>width$}", self.magnitude, width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        formatter.write_str(whole)?;
        if scale > 0 { write!(formatter, ".{fraction}") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_change_by_rounding() {
        let rescaled =
            |units, scale, to| Decimal::from_units(units, scale).rescaled(to).map(|it| it.to_string());
        assert_eq!(rescaled(12_345, 2, 4).as_deref(), Some("123.4500"));
        assert_eq!(rescaled(12_345, 2, 1).as_deref(), Some("123.5"));
        assert_eq!(rescaled(-5, 1, 0).as_deref(), Some("-1"));
        assert_eq!(rescaled(-4, 1, 0).as_deref(), Some("0"));
        assert_eq!(rescaled(1, 0, 38), None);
        assert_eq!(rescaled(0, 0, 37).map(|text| text.len()), Some(39));
    }

    #[test]
    fn units_and_digits_are_counted() {
        assert_eq!(Decimal::from_units(i64::MIN, 4).units(), Some(i64::MIN));
        assert_eq!(Decimal::from_units(0, 0).digits(), 1);
        assert_eq!(Decimal::from_units(-1000, 0).digits(), 4);
        assert_eq!(Decimal { is_negative: false, magnitude: u128::MAX, scale: 0 }.units(), None);
    }
}
