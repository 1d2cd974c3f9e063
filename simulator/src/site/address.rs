//! The addresses a site connects from: single ones and ranges, IPv4 and IPv6 (C-04).

use std::net::IpAddr;

use ipnet::IpNet;

/// Reads an address or a range such as `203.0.113.0/24`. Bits beyond the prefix are dropped.
pub fn parse(text: &str) -> Result<IpNet, AddressError> {
    let text = text.trim();
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(IpNet::from(address.to_canonical()));
    }
    text.parse::<IpNet>()
        .map(|net| net.trunc())
        .map_err(|_| AddressError { found: text.escape_debug().to_string() })
}

/// Not an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{found:?} is not an address: expected one like 203.0.113.7 or 2001:db8::1, or a range like 203.0.113.0/24"
)]
pub struct AddressError {
    /// What came.
    pub found: String,
}

/// Whether `address` is in one of the ranges; IPv4 addresses mapped into IPv6 count as IPv4.
pub fn listed(ranges: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    ranges.iter().any(|range| range.contains(&address))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ranges_admit_what_they_hold() {
        for (range, address, expected) in [
            ("203.0.113.7", "203.0.113.7", true),
            ("203.0.113.7", "203.0.113.8", false),
            ("203.0.113.99/24", "203.0.113.8", true),
            ("203.0.113.7", "::ffff:203.0.113.7", true),
            ("2001:db8::/32", "2001:db8:1::5", true),
            ("2001:db8::/32", "2001:db9::5", false),
            ("::ffff:10.0.0.1", "10.0.0.1", true),
        ] {
            let ranges = [parse(range).unwrap()];
            assert_eq!(listed(&ranges, address.parse().unwrap()), expected, "{range} {address}");
        }
        for bad in ["", "council.example", "10.0.0.1/33", "10.0.0"] {
            assert!(parse(bad).unwrap_err().to_string().contains("203.0.113.7"));
        }
    }
}
