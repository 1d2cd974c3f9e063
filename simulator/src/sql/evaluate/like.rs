//! LIKE.

/// A piece of a pattern.
#[derive(Debug, PartialEq)]
enum Piece {
    /// `%`
    Any,
    /// `_`
    One,
    /// A character.
    Is(char),
    /// `[a-z]` or `[^a-z]`: ranges, and whether they are those that do not match.
    Among(Vec<(char, char)>, bool),
}

/// Whether a text is like a pattern. Case does not count.
pub fn like(text: &str, pattern: &str, escape: Option<char>) -> bool {
    let pieces = pieces(pattern, escape);
    let text: Vec<char> = text.chars().map(fold).collect();
    // Goes back to the last % when it does not go on: no more than text times pattern steps.
    let (mut at, mut piece) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        match pieces.get(piece) {
            Some(Piece::Any) => {
                back = Some((at, piece));
                piece += 1;
                continue;
            }
            Some(wanted) if text.get(at).is_some_and(|character| wanted.matches(*character)) => {
                at += 1;
                piece += 1;
                continue;
            }
            None if at == text.len() => return true,
            _ => {}
        }
        match back {
            Some((from, any)) if from < text.len() => {
                back = Some((from + 1, any));
                at = from + 1;
                piece = any + 1;
            }
            _ => return false,
        }
    }
}

impl Piece {
    fn matches(&self, character: char) -> bool {
        match self {
            Piece::Any => false,
            Piece::One => true,
            Piece::Is(wanted) => *wanted == character,
            Piece::Among(ranges, is_not) => {
                ranges.iter().any(|(from, to)| (*from..=*to).contains(&character)) != *is_not
            }
        }
    }
}

fn fold(character: char) -> char {
    let mut lower = character.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(lower), None) => lower,
        _ => character,
    }
}

fn pieces(pattern: &str, escape: Option<char>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        pieces.push(match character {
            character if Some(character) == escape => match characters.next() {
                Some(character) => Piece::Is(fold(character)),
                None => break,
            },
            '%' => Piece::Any,
            '_' => Piece::One,
            '[' => match set(characters.as_str()) {
                Some((piece, rest)) => {
                    characters = rest.chars();
                    piece
                }
                None => Piece::Is('['),
            },
            character => Piece::Is(fold(character)),
        });
    }
    pieces
}

/// Behind an opening bracket: the set, and what follows it.
fn set(text: &str) -> Option<(Piece, &str)> {
    let (inside, rest) = text.split_once(']')?;
    let (inside, is_not) = inside.strip_prefix('^').map_or((inside, false), |inside| (inside, true));
    let characters: Vec<char> = inside.chars().map(fold).collect();
    let mut ranges = Vec::new();
    let mut at = 0;
    while let Some(from) = characters.get(at) {
        match (characters.get(at + 1), characters.get(at + 2)) {
            (Some('-'), Some(to)) => {
                ranges.push((*from, *to));
                at += 3;
            }
            _ => {
                ranges.push((*from, *from));
                at += 1;
            }
        }
    }
    Some((Piece::Among(ranges, is_not), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_documented() {
        for (text, pattern, escape, expected) in [
            ("abc", "A%", None, true),
            ("abc", "%c", None, true),
            ("abc", "a_c", None, true),
            ("abc", "a_", None, false),
            ("abc", "%b%b%", None, false),
            ("", "%", None, true),
            ("", "_", None, false),
            ("Smith", "[st]mi%", None, true),
            ("Smith", "[^s]%", None, false),
            ("x5", "x[0-9]", None, true),
            ("50%", "50!%", Some('!'), true),
            ("500", "50!%", Some('!'), false),
            ("a[b", "a[[]b", None, true),
            ("a[b", "a[b", None, true),
        ] {
            assert_eq!(like(text, pattern, escape), expected, "{text} LIKE {pattern}");
        }
        // Going back does not explode.
        assert!(!like(&"a".repeat(2000), &"%a".repeat(30).replace("%a%a", "%a%b"), None));
    }
}
