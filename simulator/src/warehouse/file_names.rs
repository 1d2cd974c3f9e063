//! Names of tables' files in a generation.

use std::collections::HashSet;

/// Longest name, without what tells namesakes apart.
const LONGEST: usize = 120;

/// The names that are taken, in small letters.
#[derive(Default)]
pub struct FileNames(HashSet<String>);

impl FileNames {
    /// A name for a table's file that every system can hold, and that no other table has.
    pub fn take(&mut self, table: &str) -> String {
        let plain =
            |letter: char| if letter.is_alphanumeric() || "._- ".contains(letter) { letter } else { '_' };
        let mut stem = String::new();
        for letter in table.chars().map(plain) {
            if stem.len() + letter.len_utf8() > LONGEST {
                break;
            }
            stem.push(letter);
        }
        let mut name = format!("{stem}.arrow");
        let mut number = 1;
        while !self.0.insert(name.to_lowercase()) {
            number += 1;
            name = format!("{stem}~{number}.arrow");
        }
        name
    }
}
