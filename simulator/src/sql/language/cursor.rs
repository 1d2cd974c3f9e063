//! A place among tokens.

use super::lexer::{Token, TokenKind};
use crate::sql::Halt;
use crate::sql::error::{syntax, unsupported};

/// Parentheses inside each other, at most: the stack is not endless.
const DEEPEST: usize = 60;
/// Operators in a statement, at most: each may lie inside the one before.
const MOST_OPERATORS: usize = 1000;

/// Tokens, and how many of them have been used.
pub struct Cursor<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    operators: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(tokens: &'a [Token]) -> Cursor<'a> {
        Cursor { tokens, at: 0, depth: 0, operators: 0 }
    }

    /// The next token.
    pub fn peek(&self) -> Option<&'a TokenKind> {
        self.peek_at(0)
    }

    /// The token behind so many others.
    pub fn peek_at(&self, ahead: usize) -> Option<&'a TokenKind> {
        self.tokens.get(self.at + ahead).map(|token| &token.kind)
    }

    /// Line of the next token, or of the last.
    pub fn line(&self) -> u32 {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(1, |token| token.line)
    }

    pub fn next(&mut self) -> Option<&'a TokenKind> {
        let token = self.peek();
        self.at += usize::from(token.is_some());
        token
    }

    pub fn is_at_end(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// Whether the next token is this keyword.
    pub fn is_word(&self, word: &str) -> bool {
        self.is_word_at(0, word)
    }

    pub fn is_word_at(&self, ahead: usize, word: &str) -> bool {
        matches!(self.peek_at(ahead), Some(TokenKind::Word(found)) if found.eq_ignore_ascii_case(word))
    }

    pub fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self.peek(), Some(TokenKind::Symbol(found)) if *found == symbol)
    }

    /// Passes over the keywords if they all come next.
    pub fn take_words(&mut self, words: &[&str]) -> bool {
        let all = words.iter().enumerate().all(|(ahead, word)| self.is_word_at(ahead, word));
        self.at += if all { words.len() } else { 0 };
        all
    }

    pub fn take_word(&mut self, word: &str) -> bool {
        self.take_words(&[word])
    }

    pub fn take_symbol(&mut self, symbol: &str) -> bool {
        let is_it = self.is_symbol(symbol);
        self.at += usize::from(is_it);
        is_it
    }

    pub fn expect_word(&mut self, word: &str) -> Result<(), Halt> {
        if self.take_word(word) { Ok(()) } else { Err(self.wrong()) }
    }

    pub fn expect_symbol(&mut self, symbol: &str) -> Result<(), Halt> {
        if self.take_symbol(symbol) { Ok(()) } else { Err(self.wrong()) }
    }

    /// A name, written as a word or in brackets.
    pub fn name(&mut self) -> Result<String, Halt> {
        match self.peek() {
            Some(TokenKind::Word(name)) if !is_reserved(name) => {
                self.next();
                Ok(name.clone())
            }
            Some(TokenKind::Name(name)) => {
                self.next();
                Ok(name.clone())
            }
            _ => Err(self.wrong()),
        }
    }

    /// Whether a name comes next.
    pub fn is_name(&self) -> bool {
        match self.peek() {
            Some(TokenKind::Word(word)) => !is_reserved(word),
            Some(TokenKind::Name(_)) => true,
            _ => false,
        }
    }

    /// A whole number without a sign.
    pub fn integer(&mut self) -> Result<u32, Halt> {
        let number = match self.peek() {
            Some(TokenKind::Number(number)) => number.parse().ok(),
            _ => None,
        };
        let number = number.ok_or_else(|| self.wrong())?;
        self.next();
        Ok(number)
    }

    /// Goes one level deeper, and comes back.
    pub fn deeper<T>(&mut self, parse: impl FnOnce(&mut Cursor<'a>) -> Result<T, Halt>) -> Result<T, Halt> {
        if self.depth == DEEPEST {
            return Err(unsupported(format_args!("more than {DEEPEST} levels of parentheses")));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// Counts an operator.
    pub fn operator(&mut self) -> Result<(), Halt> {
        self.operators += 1;
        if self.operators > MOST_OPERATORS {
            return Err(unsupported(format_args!("more than {MOST_OPERATORS} operators in a statement")));
        }
        Ok(())
    }

    /// A new statement: its operators count anew.
    pub fn begin_statement(&mut self) {
        self.operators = 0;
    }

    /// 102, about the next token.
    pub fn wrong(&self) -> Halt {
        let near = match self.peek() {
            None => "the end of the batch".to_owned(),
            Some(TokenKind::Word(text) | TokenKind::Name(text) | TokenKind::Variable(text)) => text.clone(),
            Some(TokenKind::Text(text, _) | TokenKind::Number(text)) => text.chars().take(60).collect(),
            Some(TokenKind::Binary(_)) => "0x…".to_owned(),
            Some(TokenKind::Symbol(symbol)) => (*symbol).to_owned(),
        };
        self.at_line(syntax(&near))
    }

    /// The same error, with the line reached.
    pub fn at_line(&self, halt: Halt) -> Halt {
        match halt {
            Halt::Failed(mut message) => {
                if message.line <= 1 {
                    message.line = self.line();
                }
                Halt::Failed(message)
            }
            other => other,
        }
    }
}

/// Words that are no names unless they stand in brackets: those that can follow one.
const RESERVED: &[&str] = &[
    "ALL",
    "AND",
    "AS",
    "ASC",
    "BEGIN",
    "BETWEEN",
    "BY",
    "CASE",
    "COLLATE",
    "COMMIT",
    "CROSS",
    "DECLARE",
    "DESC",
    "DISTINCT",
    "ELSE",
    "END",
    "EXCEPT",
    "EXEC",
    "EXECUTE",
    "EXISTS",
    "FOR",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "IF",
    "IN",
    "INNER",
    "INTERSECT",
    "INTO",
    "IS",
    "JOIN",
    "LEFT",
    "LIKE",
    "NOT",
    "NULL",
    "ON",
    "OPTION",
    "OR",
    "ORDER",
    "OUTER",
    "PRINT",
    "RIGHT",
    "ROLLBACK",
    "SELECT",
    "SET",
    "THEN",
    "TOP",
    "UNION",
    "USE",
    "WHEN",
    "WHERE",
    "WITH",
];

fn is_reserved(word: &str) -> bool {
    RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(word))
}
