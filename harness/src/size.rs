//! Sizes as people write them: `6MiB`, `2GiB`, `512KB`, `1000`.

/// Units by name, in bytes.
pub const UNITS: &[(&str, u64)] = &[
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// Reads a size in bytes.
pub fn parse(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim();
    let factor = if unit.is_empty() {
        Some(1)
    } else {
        UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).map(|(_, factor)| *factor)
    };
    match (number.parse::<u64>().ok(), factor) {
        (Some(number), Some(factor)) => number.checked_mul(factor),
        _ => None,
    }
    .ok_or_else(|| format!("size {text:?}: expected a number and a unit, such as 6MiB, 2GiB or 1000"))
}

/// Writes a size for people: three digits and a unit.
pub fn human(bytes: u64) -> String {
    const STEPS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = bytes as f64;
    let mut step = 0;
    while value >= 1024.0 && step + 1 < STEPS.len() {
        value /= 1024.0;
        step += 1;
    }
    if step == 0 || value >= 100.0 {
        format!("{value:.0} {}", STEPS[step])
    } else {
        format!("{value:.1} {}", STEPS[step])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_written() {
        assert_eq!(parse("6MiB"), Ok(6 << 20));
        assert_eq!(parse("2 GiB"), Ok(2 << 30));
        assert_eq!(parse("512KB"), Ok(512_000));
        assert_eq!(parse("17"), Ok(17));
        for bad in ["", "MiB", "6 MiBs", "-1", "99999999999GiB"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert_eq!(human(0), "0 B");
        assert_eq!(human(6 << 20), "6.0 MiB");
        assert_eq!(human(300_000_000), "286 MiB");
    }
}
