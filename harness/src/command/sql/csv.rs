//! Results as comma-separated values (RFC 4180), NULL as nothing; an empty line between two results.

use std::io::{self, Write};

use spatialcloud_sql_client::{Cell, Column};

use super::Printer;

pub struct Csv<W> {
    out: W,
    results: usize,
}

impl<W: Write> Csv<W> {
    pub fn new(out: W) -> Csv<W> {
        Csv { out, results: 0 }
    }

    fn line(&mut self, fields: impl Iterator<Item = String>) -> io::Result<()> {
        let fields: Vec<String> = fields.collect();
        write!(self.out, "{}\r\n", fields.join(","))
    }
}

fn quoted(text: &str) -> String {
    match text.contains([',', '"', '\r', '\n']) || text.is_empty() {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

impl<W: Write + Send> Printer for Csv<W> {
    fn columns(&mut self, columns: Vec<Column>) -> io::Result<()> {
        if self.results > 0 {
            self.out.write_all(b"\r\n")?;
        }
        self.results += 1;
        self.line(columns.iter().map(|column| quoted(&column.name)))
    }

    fn row(&mut self, row: Vec<Cell>) -> io::Result<()> {
        self.line(row.iter().map(|cell| match cell {
            Cell::Null => String::new(),
            cell => quoted(&cell.to_string()),
        }))
    }

    fn end(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test that cannot go on says where.
    use super::*;

    #[test]
    fn null_is_nothing_and_no_text_is_two_quotes() {
        let mut csv = Csv::new(Vec::new());
        let column =
            |name: &str| Column { name: name.to_owned(), is_number: false, wire_type: String::new() };
        let text = |text: &str| Cell::Text(text.to_owned());
        csv.columns(vec![column("id"), column("a,b")]).unwrap();
        csv.row(vec![Cell::Integer(-1), text("say \"no\"")]).unwrap();
        csv.row(vec![Cell::Null, text("")]).unwrap();
        csv.columns(vec![column("")]).unwrap();
        let written = String::from_utf8(csv.out).unwrap();
        assert_eq!(written, "id,\"a,b\"\r\n-1,\"say \"\"no\"\"\"\r\n,\"\"\r\n\r\n\"\"\r\n");
    }
}
