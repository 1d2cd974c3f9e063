//! Numbers as SQL Server's spatial types print them.

/// The round-trip form of the .NET Framework, which is not the shortest one: fifteen significant digits where
/// those read back to the same number, seventeen otherwise; an exponent from 1E+15 (or 1E+17) up and from 1E-05 down.
pub fn round_trip(number: f64) -> String {
    let fifteen = format!("{number:.14e}");
    let (text, precision) = match fifteen.parse::<f64>() {
        Ok(parsed) if parsed == number => (fifteen, 15),
        _ => (format!("{number:.16e}"), 17),
    };
    // Rust always writes d.ddd…e±x here.
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let negative = mantissa.starts_with('-') && number != 0.0;
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_end_matches('0');
    let sign = if negative { "-" } else { "" };
    if digits.is_empty() {
        return "0".to_owned();
    }
    if exponent <= -5 || exponent >= precision {
        let (first, rest) = digits.split_at(1);
        let point = if rest.is_empty() { "" } else { "." };
        let exponent_sign = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{first}{point}{rest}E{exponent_sign}{:02}", exponent.unsigned_abs());
    }
    if exponent < 0 {
        return format!("{sign}0.{}{digits}", "0".repeat(exponent.unsigned_abs() as usize - 1));
    }
    let whole = exponent as usize + 1;
    if digits.len() <= whole {
        return format!("{sign}{digits}{}", "0".repeat(whole - digits.len()));
    }
    format!("{sign}{}.{}", &digits[..whole], &digits[whole..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_print_as_sql_server_prints_them() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.5, "1.5"),
            (-122.36, "-122.36"),
            (1e10, "10000000000"),
            (1e14, "100000000000000"),
            (1e15, "1E+15"),
            (1e30, "1E+30"),
            (0.0001, "0.0001"),
            (0.00001, "1E-05"),
            (0.000001, "1E-06"),
            (-1.25e-7, "-1.25E-07"),
            (4.000000000000007, "4.0000000000000071"),
            (0.1 + 0.2, "0.30000000000000004"),
            (12_345_678_901_234_568.0, "12345678901234568"),
            (1.7976931348623157e308, "1.7976931348623157E+308"),
            (5e-324, "4.94065645841247E-324"),
        ] {
            assert_eq!(round_trip(number), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(number in any::<f64>().prop_filter("finite", |number| number.is_finite())) {
            prop_assert_eq!(round_trip(number).parse::<f64>(), Ok(number));
        }
    }
}
