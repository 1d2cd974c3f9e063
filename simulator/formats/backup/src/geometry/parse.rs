//! Well-known text to shapes: what [`Geometry::to_wkt`] writes, and what people write by hand.

use super::DEEPEST;
use super::model::{Geometry, Position, Ring, Section, Shape};

/// Why a text is no shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Byte of the text.
    pub at: usize,
    /// What was expected there and what came.
    pub message: String,
}

impl std::fmt::Display for ParseError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "character {}: {}", self.at + 1, self.message)
    }
}

impl std::error::Error for ParseError {}

impl Geometry {
    /// Reads `POINT (1 2)`, or `SRID=28355;POINT (1 2)`; without a SRID it has `default_srid`. Positions have z and m
    /// behind x and y; `NULL` is none. Words may be in any case.
    ///
    /// # Errors
    /// Where and why the text is none.
    pub fn from_wkt(text: &str, default_srid: i32) -> Result<Geometry, ParseError> {
        let mut parser = Parser { text, at: 0 };
        let mut srid = default_srid;
        if let Some(rest) =
            text.get(..5).filter(|start| start.eq_ignore_ascii_case("SRID=")).map(|_| &text[5..])
        {
            let (number, _) =
                rest.split_once(';').ok_or_else(|| parser.wrong("a semicolon behind the SRID"))?;
            srid = number.trim().parse().map_err(|_| parser.wrong("a number behind SRID="))?;
            parser.at = 5 + number.len() + 1;
        }
        let shape = parser.shape(0)?;
        parser.blanks();
        if parser.at < text.len() {
            return Err(parser.wrong("the end"));
        }
        Ok(Geometry::new(srid, shape))
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn wrong(&self, expected: &str) -> ParseError {
        let found: String = self.rest().chars().take(20).collect();
        let found = if found.is_empty() { "the end".to_owned() } else { format!("{found:?}") };
        ParseError { at: self.at, message: format!("expected {expected}, got {found}") }
    }

    /// Letters, in capitals.
    fn word(&mut self) -> String {
        self.blanks();
        let word: String = self.rest().chars().take_while(char::is_ascii_alphabetic).collect();
        self.at += word.len();
        word.to_ascii_uppercase()
    }

    fn takes(&mut self, letter: char) -> bool {
        self.blanks();
        let found = self.rest().starts_with(letter);
        self.at += usize::from(found);
        found
    }

    /// `(a, b)`, or `EMPTY`.
    fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, ParseError>,
    ) -> Result<Vec<T>, ParseError> {
        let mut items = Vec::new();
        if !self.takes('(') {
            let start = self.at;
            return match self.word().as_str() {
                "EMPTY" => Ok(items),
                _ => Err(Parser { at: start, ..*self }.wrong("an opening parenthesis or EMPTY")),
            };
        }
        loop {
            items.push(item(self)?);
            if self.takes(')') {
                return Ok(items);
            }
            if !self.takes(',') {
                return Err(self.wrong("a comma or a closing parenthesis"));
            }
        }
    }

    fn shape(&mut self, depth: usize) -> Result<Shape, ParseError> {
        self.blanks();
        let start = self.at;
        let name = self.word();
        // Dimensions are told by the positions themselves.
        let behind = self.at;
        if !matches!(self.word().as_str(), "Z" | "M" | "ZM") {
            self.at = behind;
        }
        Ok(match name.as_str() {
            "POINT" => Shape::Point(self.point()?),
            "LINESTRING" => Shape::LineString(self.positions()?),
            "CIRCULARSTRING" => Shape::CircularString(self.positions()?),
            "COMPOUNDCURVE" => Shape::CompoundCurve(self.list(Parser::section)?),
            "POLYGON" => Shape::Polygon(self.list(Parser::positions)?),
            "CURVEPOLYGON" => Shape::CurvePolygon(self.list(Parser::ring)?),
            "MULTIPOINT" => Shape::MultiPoint(self.list(Parser::member_point)?),
            "MULTILINESTRING" => Shape::MultiLineString(self.list(Parser::positions)?),
            "MULTIPOLYGON" => Shape::MultiPolygon(self.list(|parser| parser.list(Parser::positions))?),
            "GEOMETRYCOLLECTION" if depth >= DEEPEST => {
                return Err(ParseError {
                    at: start,
                    message: format!("collections nest more than {DEEPEST} deep"),
                });
            }
            "GEOMETRYCOLLECTION" => Shape::GeometryCollection(self.list(|parser| parser.shape(depth + 1))?),
            "FULLGLOBE" => Shape::FullGlobe,
            _ => {
                return Err(
                    Parser { at: start, ..*self }.wrong("a shape such as POINT, LINESTRING or POLYGON")
                );
            }
        })
    }

    fn point(&mut self) -> Result<Option<Position>, ParseError> {
        let start = self.at;
        let mut positions = self.positions()?;
        match positions.len() {
            0 | 1 => Ok(positions.pop()),
            count => Err(ParseError { at: start, message: format!("a point has one position, not {count}") }),
        }
    }

    /// `(1 2)`, or as some write it `1 2`.
    fn member_point(&mut self) -> Result<Option<Position>, ParseError> {
        self.blanks();
        if self.rest().starts_with(|letter: char| letter == '-' || letter == '+' || letter.is_ascii_digit()) {
            return self.position().map(Some);
        }
        self.point()
    }

    fn positions(&mut self) -> Result<Vec<Position>, ParseError> {
        self.list(Parser::position)
    }

    fn section(&mut self) -> Result<Section, ParseError> {
        let start = self.at;
        match self.word().as_str() {
            "CIRCULARSTRING" => Ok(Section::Arc(self.positions()?)),
            "" | "LINESTRING" => Ok(Section::Line(self.positions()?)),
            _ => {
                self.at = start;
                Ok(Section::Line(self.positions()?))
            }
        }
    }

    fn ring(&mut self) -> Result<Ring, ParseError> {
        let start = self.at;
        if self.word() == "COMPOUNDCURVE" {
            return Ok(Ring::Compound(self.list(Parser::section)?));
        }
        self.at = start;
        Ok(Ring::Plain(self.section()?))
    }

    fn position(&mut self) -> Result<Position, ParseError> {
        let (Some(x), Some(y)) = (self.number()?, self.number()?) else {
            return Err(self.wrong("numbers for x and y"));
        };
        let mut more = [None, None];
        for value in &mut more {
            self.blanks();
            if self.rest().is_empty() || self.rest().starts_with([',', ')']) {
                break;
            }
            *value = self.number()?;
        }
        Ok(Position { x, y, z: more[0], m: more[1] })
    }

    /// `None` for `NULL`.
    fn number(&mut self) -> Result<Option<f64>, ParseError> {
        self.blanks();
        let length = self.rest().find([' ', ',', ')', '(', '\t', '\n', '\r']).unwrap_or(self.rest().len());
        let text = self.rest().get(..length).unwrap_or_default();
        if text.eq_ignore_ascii_case("NULL") {
            self.at += length;
            return Ok(None);
        }
        // Rust reads words such as "inf" as numbers; a position has none.
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => {
                self.at += length;
                Ok(Some(number))
            }
            _ => Err(self.wrong("a number")),
        }
    }
}
