//! Text to tokens.

use crate::sql::Halt;
use crate::sql::error::syntax;

/// A token, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub kind: TokenKind,
    /// Line of the batch, from 1.
    pub line: u32,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub enum TokenKind {
    /// A keyword or a name.
    Word(String),
    /// A name in brackets or quotes: never a keyword.
    Name(String),
    /// Text; whether it was written with N.
    Text(String, bool),
    /// A number as it is written.
    Number(String),
    /// Bytes, written `0x…`.
    Binary(Vec<u8>),
    /// `@name` or `@@name`, with what stands before the name.
    Variable(String),
    /// An operator or punctuation.
    Symbol(&'static str),
}

/// Operators and punctuation, the longer first.
const SYMBOLS: [&str; 28] = [
    "<>", "!=", "<=", ">=", "!<", "!>", "+=", "-=", "*=", "/=", "::", "(", ")", ",", ";", ".", "=", "<", ">",
    "+", "-", "*", "/", "%", "&", "|", "^", "~",
];

/// All tokens of a text. With `quoted_identifiers` what is in double quotes is a name, else it is text.
pub fn tokens(text: &str, quoted_identifiers: bool) -> Result<Vec<Token>, Halt> {
    let mut lexer = Lexer { rest: text, line: 1 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_space()?;
        let line = lexer.line;
        match lexer.token(quoted_identifiers)? {
            Some(kind) => tokens.push(Token { kind, line }),
            None => return Ok(tokens),
        }
    }
}

struct Lexer<'a> {
    rest: &'a str,
    line: u32,
}

impl<'a> Lexer<'a> {
    fn advance(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.line += taken.bytes().filter(|byte| *byte == b'\n').count() as u32;
        self.rest = rest;
        taken
    }

    fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|character| !is_part(character)).unwrap_or(self.rest.len());
        self.advance(end)
    }

    /// Spaces and comments; those between `/*` and `*/` nest.
    fn skip_space(&mut self) -> Result<(), Halt> {
        loop {
            self.take_while(|character| character.is_whitespace() || character == '\u{FEFF}');
            if self.rest.starts_with("--") {
                self.take_while(|character| character != '\n');
            } else if self.rest.starts_with("/*") {
                let mut depth = 0_usize;
                loop {
                    if self.rest.starts_with("/*") {
                        depth += 1;
                        self.advance(2);
                    } else if self.rest.starts_with("*/") {
                        depth -= 1;
                        self.advance(2);
                        if depth == 0 {
                            break;
                        }
                    } else {
                        let Some(character) = self.rest.chars().next() else {
                            return Err(Halt::error(113, "Missing end comment mark '*/'."));
                        };
                        self.advance(character.len_utf8());
                    }
                }
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self, quoted_identifiers: bool) -> Result<Option<TokenKind>, Halt> {
        let Some(first) = self.rest.chars().next() else { return Ok(None) };
        let second = self.rest.chars().nth(1);
        let kind = match first {
            'N' | 'n' if second == Some('\'') => {
                self.advance(1);
                TokenKind::Text(self.quoted('\'', '\'')?, true)
            }
            '\'' => TokenKind::Text(self.quoted('\'', '\'')?, false),
            '"' if quoted_identifiers => TokenKind::Name(self.quoted('"', '"')?),
            '"' => TokenKind::Text(self.quoted('"', '"')?, false),
            '[' => TokenKind::Name(self.quoted('[', ']')?),
            '@' => TokenKind::Variable(self.take_while(|part| part == '@' || is_word(part)).to_owned()),
            '0' if matches!(second, Some('x' | 'X')) => self.binary()?,
            '0'..='9' => TokenKind::Number(self.number()),
            '.' if second.is_some_and(|digit| digit.is_ascii_digit()) => TokenKind::Number(self.number()),
            first if is_word_start(first) => TokenKind::Word(self.take_while(is_word).to_owned()),
            other => {
                let symbol = SYMBOLS.into_iter().find(|symbol| self.rest.starts_with(symbol));
                let symbol = symbol.ok_or_else(|| syntax(&other.to_string()))?;
                self.advance(symbol.len());
                TokenKind::Symbol(symbol)
            }
        };
        Ok(Some(kind))
    }

    /// What is between two marks; the second, doubled, stands for itself.
    fn quoted(&mut self, open: char, close: char) -> Result<String, Halt> {
        let line = self.line;
        self.advance(open.len_utf8());
        let mut text = String::new();
        loop {
            text.push_str(self.take_while(|part| part != close));
            if self.rest.is_empty() {
                let short: String = text.chars().take(30).collect();
                let words = format!("Unclosed quotation mark after the character string '{short}'.");
                return match Halt::error(105, words) {
                    Halt::Failed(message) => {
                        Err(Halt::Failed(Box::new(spatialcloud_tds::Message { line, ..*message })))
                    }
                    other => Err(other),
                };
            }
            self.advance(close.len_utf8());
            if !self.rest.starts_with(close) {
                return Ok(text);
            }
            self.advance(close.len_utf8());
            text.push(close);
        }
    }

    fn binary(&mut self) -> Result<TokenKind, Halt> {
        self.advance(2);
        let digits = self.take_while(|digit| digit.is_ascii_hexdigit());
        let padded = if digits.len() % 2 == 1 { format!("0{digits}") } else { digits.to_owned() };
        let pairs = padded.as_bytes().chunks(2).map(|pair| {
            let pair = std::str::from_utf8(pair).ok()?;
            u8::from_str_radix(pair, 16).ok()
        });
        pairs.collect::<Option<_>>().map(TokenKind::Binary).ok_or_else(|| syntax(digits))
    }

    /// Digits, a point, an exponent.
    fn number(&mut self) -> String {
        let mut text = self.take_while(|digit| digit.is_ascii_digit()).to_owned();
        if self.rest.starts_with('.') {
            text.push_str(self.advance(1));
            text.push_str(self.take_while(|digit| digit.is_ascii_digit()));
        }
        let mut after = self.rest.chars();
        if matches!(after.next(), Some('e' | 'E')) {
            let sign = matches!(after.next(), Some('+' | '-'));
            let digits = self.rest.chars().nth(1 + usize::from(sign));
            if digits.is_some_and(|digit| digit.is_ascii_digit()) {
                text.push_str(self.advance(1 + usize::from(sign)));
                text.push_str(self.take_while(|digit| digit.is_ascii_digit()));
            }
        }
        text
    }
}

fn is_word_start(character: char) -> bool {
    character.is_alphabetic() || matches!(character, '_' | '#')
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '#' | '$' | '@')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<TokenKind> {
        tokens(text, true).expect("tokens").into_iter().map(|token| token.kind).collect()
    }

    #[test]
    fn text_is_cut_into_tokens() {
        use TokenKind::*;
        assert_eq!(
            kinds("SELECT [a]]b], N'it''s' -- no\n, 1.5e-3 /* x /* y */ z */ <> @p1"),
            [
                Word("SELECT".to_owned()),
                Name("a]b".to_owned()),
                Symbol(","),
                Text("it's".to_owned(), true),
                Symbol(","),
                Number("1.5e-3".to_owned()),
                Symbol("<>"),
                Variable("@p1".to_owned()),
            ]
        );
        assert_eq!(
            kinds("0xABC \"n\" 7.e"),
            [Binary(vec![0x0A, 0xBC]), Name("n".to_owned()), Number("7.".to_owned()), Word("e".to_owned())]
        );
        assert_eq!(tokens("\"t\"", false).expect("tokens")[0].kind, Text("t".to_owned(), false));
        assert_eq!(tokens("a\n\nb", true).expect("tokens")[1].line, 3);
    }

    #[test]
    fn what_has_no_end_is_told() {
        for text in ["'abc", "[abc", "/* abc", "a ? b"] {
            assert!(matches!(tokens(text, true), Err(Halt::Failed(_))), "{text}");
        }
    }
}
