//! Names with `*` in them: temporary names of movers, paths of faults.

/// Whether `name` fits a pattern in which `*` stands for anything; letters count alike in both cases.
pub fn fits(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_lowercase(), name.to_lowercase());
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        let Some(found) = rest.find(piece) else { return false };
        rest = &rest[found + piece.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn temporary_names_are_known_by_pattern() {
        for (pattern, name, expected) in [
            ("*.filepart", "x.bak.filepart", true),
            ("*.filepart", "x.bak", false),
            (".in.*", ".in.x.bak", true),
            ("~$*", "~$report.docx", true),
            ("*.PART", "x.part", true),
            ("exact", "exact", true),
            ("exact", "exactly", false),
            ("a*b*c", "a-b-c", true),
            ("a*b*c", "a-c-b", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }
}
