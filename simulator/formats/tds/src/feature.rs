//! Features beyond the version: what LOGIN7 asks, what FEATUREEXTACK answers (\[MS-TDS\] 2.2.6.4, 2.2.7.11).

use std::fmt;

use crate::error::ProtocolError;
use crate::input::Input;

/// One feature that a client asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct Feature {
    /// Its number.
    pub id: u8,
    /// What the client says of it.
    pub data: Vec<u8>,
}

/// Number and name of the features in the specification.
const NAMES: &[(u8, &str)] = &[
    (0x01, "session recovery"),
    (0x02, "federated authentication"),
    (0x04, "column encryption"),
    (0x05, "global transactions"),
    (0x08, "Azure SQL support"),
    (0x09, "data classification"),
    (UTF8, "UTF-8"),
    (0x0B, "Azure SQL DNS caching"),
    (0x0D, "JSON"),
    (0x0E, "vectors"),
    (0x10, "user agent"),
];

/// The client understands varchar in UTF-8.
const UTF8: u8 = 0x0A;
/// Ends the list.
const END: u8 = 0xFF;
/// There are fewer numbers than this for features.
const MOST_FEATURES: usize = 254;

impl Feature {
    /// Its name in words.
    pub fn name(&self) -> &'static str {
        NAMES.iter().find(|(id, _)| *id == self.id).map_or("unknown", |(_, name)| name)
    }

    /// What is answered: UTF-8 is understood. Of all else nothing is said, which the specification has as no.
    pub fn answer(&self) -> Option<(u8, &'static [u8])> {
        (self.id == UTF8).then_some((UTF8, &[1]))
    }
}

impl fmt::Debug for Feature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Feature(0x{:02x} {}, {} bytes)", self.id, self.name(), self.data.len())
    }
}

/// Reads the list.
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<Feature>, ProtocolError> {
    let mut input = Input::new(bytes);
    let mut features = Vec::new();
    loop {
        let id = input.u8("the features of LOGIN7")?;
        if id == END {
            return Ok(features);
        }
        if features.len() == MOST_FEATURES {
            return Err(ProtocolError::TooMuch {
                what: "features of LOGIN7",
                limit: MOST_FEATURES,
                got: MOST_FEATURES + 1,
            });
        }
        let length = input.length32("length of a feature of LOGIN7")?;
        features.push(Feature { id, data: input.take(length, "a feature of LOGIN7")?.to_owned() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_listed_and_answered() {
        let features = parse(&[4, 1, 0, 0, 0, 3, 0x0A, 1, 0, 0, 0, 1, 0xFF]).expect("two features");
        assert_eq!(features.iter().map(Feature::name).collect::<Vec<_>>(), ["column encryption", "UTF-8"]);
        let answers: Vec<_> = features.iter().filter_map(Feature::answer).collect();
        assert_eq!(answers, [(0x0A, &[1][..])]);
        assert!(parse(&[4, 0xFF, 0xFF, 0xFF, 0xFF]).is_err());
        assert!(parse(&[4, 0, 0, 0, 0]).is_err(), "no end");
        assert!(parse(&[4, 0, 0, 0, 0].repeat(300)).is_err());
    }
}
