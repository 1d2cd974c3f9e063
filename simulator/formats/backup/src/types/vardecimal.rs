//! Decimals of varying length: of ROW compression, and of the vardecimal format of SQL Server 2005.
//!
//! A sign bit (set: positive) and an exponent with a bias of 64 in the first byte; then the digits, three in
//! each ten bits, highest first, trailing zero bytes cut off. The point is behind the first digit that is not
//! zero. (Layout: "SQL Server 2008 Internals"; OrcaMDF.)

use super::Decimal;

/// Bits of a group, and the digits in it.
const GROUP_BITS: usize = 10;
const GROUP: u128 = 1000;

/// A decimal of that scale; `None` if the bytes are none.
pub fn decode(bytes: &[u8], scale: u8) -> Option<Decimal> {
    let Some((first, mantissa)) = bytes.split_first() else {
        return Some(Decimal { is_negative: false, magnitude: 0, scale });
    };
    let exponent = i32::from(first & 0x7F) - 64;
    let mut digits = 0_u128;
    let mut zero_groups = 0;
    for group in 0..(mantissa.len() * 8).div_ceil(GROUP_BITS) {
        let value = group_at(mantissa, group * GROUP_BITS);
        if value >= GROUP {
            return None;
        }
        // Zeros at the end say nothing, and there may be more than fit.
        if value == 0 {
            zero_groups += 1;
            continue;
        }
        for _ in 0..=std::mem::take(&mut zero_groups) {
            digits = digits.checked_mul(GROUP)?;
        }
        digits = digits.checked_add(value)?;
    }
    if digits == 0 {
        return Some(Decimal { is_negative: false, magnitude: 0, scale });
    }
    let count = digits.ilog10() as i32 + 1;
    let shift = exponent - (count - 1) + i32::from(scale);
    let power = 10_u128.checked_pow(shift.unsigned_abs())?;
    let magnitude = if shift >= 0 {
        digits.checked_mul(power)?
    } else if digits.is_multiple_of(power) {
        digits / power
    } else {
        return None;
    };
    Some(Decimal { is_negative: first & 0x80 == 0, magnitude, scale })
}

/// Ten bits from `bit` on, highest first; beyond the end are zeros.
fn group_at(bytes: &[u8], bit: usize) -> u128 {
    (bit..bit + GROUP_BITS).fold(0, |value, bit| {
        let byte = bytes.get(bit / 8).copied().unwrap_or(0);
        value << 1 | u128::from(byte >> (7 - bit % 8) & 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A first byte and groups of three digits.
    fn packed(first: u8, groups: &[u16]) -> Vec<u8> {
        let mut bytes = vec![first];
        bytes.resize(1 + (groups.len() * GROUP_BITS).div_ceil(8), 0);
        for bit in 0..groups.len() * GROUP_BITS {
            let value = groups[bit / GROUP_BITS] >> (GROUP_BITS - 1 - bit % GROUP_BITS) & 1;
            bytes[1 + bit / 8] |= (value as u8) << (7 - bit % 8);
        }
        bytes
    }

    #[test]
    fn decimals_of_varying_length() {
        for (bytes, scale, text) in [
            (&b""[..], 2, "0.00"),
            (b"\xC4\x03\x15\x90", 0, "12345"),
            (b"\xC1\x03\x15\x90", 3, "12.345"),
            (b"\x41\x03\x15\x90", 3, "-12.345"),
            (b"\x40\x00\x40", 3, "-1.000"),
            (b"\xC6\x00\x40", 2, "1000000.00"),
            (b"\xBE\x19", 4, "0.0100"),
        ] {
            assert_eq!(decode(bytes, scale).map(|decimal| decimal.to_string()).as_deref(), Some(text));
        }
        let largest: Vec<u16> = std::iter::once(99).chain([999; 12]).collect();
        assert_eq!(
            decode(&packed(0xE5, &largest), 0).map(|decimal| decimal.magnitude),
            Some(10_u128.pow(38) - 1)
        );
        assert_eq!(decode(b"\xC0\x19\x99", 0), None);
        assert_eq!(decode(b"\xC0\xFF\xFF", 0), None);
        assert_eq!(decode(b"\xFF\x00\x40", 38), None);
    }
}
