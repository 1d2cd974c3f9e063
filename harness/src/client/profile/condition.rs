//! Conditions in profiles: `not target`, `local.size >= 102400`, `announced posix-rename@openssh.com`.

use std::collections::BTreeMap;

/// Whether a request is made, or a reaction fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// A name is known to hold: an earlier request succeeded, or the user asked for it.
    Holds(String),
    /// It does not.
    HoldsNot(String),
    /// The server announced an extension.
    Announced(String),
    /// It did not.
    AnnouncedNot(String),
    /// One size compared with another or with a number.
    Compared(String, Comparison, String),
}

/// How two sizes are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

const COMPARISONS: &[(&str, Comparison)] = &[
    ("<", Comparison::Less),
    ("<=", Comparison::LessOrEqual),
    (">", Comparison::Greater),
    (">=", Comparison::GreaterOrEqual),
];

/// What conditions are about.
pub struct Facts<'a> {
    /// What holds, and the size that came with it.
    pub holding: &'a BTreeMap<String, Option<u64>>,
    /// Whether an extension is announced.
    pub announced: &'a (dyn Fn(&str) -> bool + Sync),
}

impl Condition {
    /// Reads one; the words of what was expected if it is none.
    pub fn parse(text: &str) -> Result<Condition, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        Ok(match words.as_slice() {
            ["not", "announced", name] => Condition::AnnouncedNot((*name).to_owned()),
            ["announced", name] => Condition::Announced((*name).to_owned()),
            ["not", name] => Condition::HoldsNot((*name).to_owned()),
            [name] => Condition::Holds((*name).to_owned()),
            [left, sign, right] => match COMPARISONS.iter().find(|(known, _)| known == sign) {
                Some((_, comparison)) => {
                    Condition::Compared((*left).to_owned(), *comparison, (*right).to_owned())
                }
                None => return Err(format!("{sign:?} is none of <, <=, >, >=")),
            },
            _ => {
                return Err(format!(
                    "{text:?} is no condition such as `target`, `not target`, `announced NAME` or `local.size >= 102400`"
                ));
            }
        })
    }

    /// The names it speaks of.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Condition::Holds(name) | Condition::HoldsNot(name) => vec![name],
            Condition::Announced(_) | Condition::AnnouncedNot(_) => Vec::new(),
            Condition::Compared(left, _, right) => {
                [left, right].into_iter().filter_map(|text| text.strip_suffix(".size")).collect()
            }
        }
    }

    /// Whether it is so.
    pub fn is_so(&self, facts: &Facts<'_>) -> bool {
        match self {
            Condition::Holds(name) => facts.holding.contains_key(name),
            Condition::HoldsNot(name) => !facts.holding.contains_key(name),
            Condition::Announced(name) => (facts.announced)(name),
            Condition::AnnouncedNot(name) => !(facts.announced)(name),
            Condition::Compared(left, comparison, right) => {
                let (Some(left), Some(right)) = (size(left, facts), size(right, facts)) else { return false };
                match comparison {
                    Comparison::Less => left < right,
                    Comparison::LessOrEqual => left <= right,
                    Comparison::Greater => left > right,
                    Comparison::GreaterOrEqual => left >= right,
                }
            }
        }
    }
}

/// A number, or the size known under a name.
fn size(text: &str, facts: &Facts<'_>) -> Option<u64> {
    match text.strip_suffix(".size") {
        Some(name) => facts.holding.get(name).copied().flatten(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_and_judged() {
        let holding = BTreeMap::from([("local".to_owned(), Some(200)), ("partial".to_owned(), Some(50))]);
        let announced = |name: &str| name == "posix-rename@openssh.com";
        let facts = Facts { holding: &holding, announced: &announced };
        for (text, expected) in [
            ("partial", true),
            ("not partial", false),
            ("not target", true),
            ("partial.size <= local.size", true),
            ("local.size >= 201", false),
            ("local.size > 199", true),
            ("target.size < 5", false),
            ("announced posix-rename@openssh.com", true),
            ("not announced fsync@openssh.com", true),
        ] {
            let condition = Condition::parse(text).expect(text);
            assert_eq!(condition.is_so(&facts), expected, "{text}");
        }
        assert!(Condition::parse("a is b").is_err());
    }
}
