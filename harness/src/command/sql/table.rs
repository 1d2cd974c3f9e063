//! Results as a table that fits the terminal. The first rows say how wide columns are; those after them are
//! printed as they come.

use std::io::{self, IsTerminal, Write};

use spatialcloud_harness::report::terminal::Style;
use spatialcloud_sql_client::{Cell, Column};

use super::Printer;

/// Rows that are looked at before the first is printed.
const MEASURED_ROWS: usize = 500;
/// Between two columns.
const GAP: usize = 2;
/// No column is made narrower than this.
const LEAST_WIDTH: usize = 8;

/// The width of a terminal that does not tell its own.
const USUAL_WIDTH: usize = 80;

/// Columns of the terminal; nothing where standard output is none, which has all the room there is.
pub fn width() -> Option<usize> {
    let told = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    io::stdout().is_terminal().then(|| told().unwrap_or(USUAL_WIDTH))
}

pub struct Table<W> {
    out: W,
    width: Option<usize>,
    style: Style,
    results: usize,
    columns: Vec<Column>,
    waiting: Vec<Vec<Cell>>,
    /// Of the columns, once the heading is printed.
    widths: Option<Vec<usize>>,
    rows: usize,
}

impl<W: Write> Table<W> {
    pub fn new(out: W, width: Option<usize>, style: Style) -> Table<W> {
        Table {
            out,
            width,
            style,
            results: 0,
            columns: Vec::new(),
            waiting: Vec::new(),
            widths: None,
            rows: 0,
        }
    }

    /// Prints the heading, and the rows that were measured.
    fn begin(&mut self) -> io::Result<Vec<usize>> {
        let names: Vec<String> = self.columns.iter().map(|column| one_line(&column.name)).collect();
        let waiting = std::mem::take(&mut self.waiting);
        let mut widths: Vec<usize> = names.iter().map(|name| length(name)).collect();
        for row in &waiting {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(length(&one_line(&cell.to_string())));
            }
        }
        fit(&mut widths, self.width);
        if self.results > 1 {
            writeln!(self.out)?;
        }
        let heading: Vec<String> = names
            .iter()
            .zip(&widths)
            .zip(&self.columns)
            .map(|((name, width), column)| padded(&cut(name, *width), *width, column.is_number))
            .collect();
        writeln!(self.out, "{}", self.style.strong(heading.join("  ").trim_end()))?;
        let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        writeln!(self.out, "{}", rule.join("  "))?;
        for row in &waiting {
            self.print(row, &widths)?;
        }
        Ok(widths)
    }

    fn print(&mut self, row: &[Cell], widths: &[usize]) -> io::Result<()> {
        let cells: Vec<String> = row
            .iter()
            .zip(widths)
            .zip(&self.columns)
            .map(|((cell, width), column)| {
                let text = one_line(&cell.to_string());
                // Half a number is another number.
                let text = if column.is_number { text } else { cut(&text, *width) };
                let text = padded(&text, *width, column.is_number);
                if *cell == Cell::Null { self.style.faint(&text) } else { text }
            })
            .collect();
        writeln!(self.out, "{}", cells.join("  ").trim_end())
    }
}

impl<W: Write + Send> Printer for Table<W> {
    fn columns(&mut self, columns: Vec<Column>) -> io::Result<()> {
        self.results += 1;
        (self.columns, self.rows, self.widths) = (columns, 0, None);
        Ok(())
    }

    fn row(&mut self, row: Vec<Cell>) -> io::Result<()> {
        self.rows += 1;
        if let Some(widths) = self.widths.take() {
            self.print(&row, &widths)?;
            self.widths = Some(widths);
            return Ok(());
        }
        self.waiting.push(row);
        if self.waiting.len() == MEASURED_ROWS {
            self.widths = Some(self.begin()?);
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        if self.columns.is_empty() {
            return Ok(());
        }
        if self.widths.is_none() {
            self.begin()?;
        }
        let rows = if self.rows == 1 { "row" } else { "rows" };
        writeln!(self.out, "({} {rows})", self.rows)?;
        (self.columns, self.widths) = (Vec::new(), None);
        self.out.flush()
    }
}

/// Makes the widest columns narrower until all fit.
fn fit(widths: &mut [usize], room: Option<usize>) {
    let Some(room) = room else { return };
    let gaps = GAP * widths.len().saturating_sub(1);
    let mut over = (widths.iter().sum::<usize>() + gaps).saturating_sub(room);
    while over > 0 {
        let Some(widest) = widths.iter_mut().max().filter(|width| **width > LEAST_WIDTH) else { return };
        *widest -= 1;
        over -= 1;
    }
}

fn length(text: &str) -> usize {
    text.chars().count()
}

fn padded(text: &str, width: usize, at_right: bool) -> String {
    if at_right { format!("{text:>width$}") } else { format!("{text:<width$}") }
}

fn cut(text: &str, width: usize) -> String {
    match length(text) > width {
        true => text.chars().take(width.saturating_sub(1)).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

/// Control characters escaped.
fn one_line(text: &str) -> String {
    text.chars()
        .flat_map(|character| match character.is_control() {
            true => character.escape_default().collect::<Vec<_>>(),
            false => vec![character],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test that cannot go on says where.
    use super::*;

    #[test]
    fn numbers_stand_at_the_right_and_long_texts_are_cut_to_the_terminal() {
        let column =
            |name: &str, is_number| Column { name: name.to_owned(), is_number, wire_type: String::new() };
        let text = |text: &str| Cell::Text(text.to_owned());
        let mut table = Table::new(Vec::new(), Some(24), Style::plain());
        table.columns(vec![column("id", true), column("name", false), column("", false)]).unwrap();
        table.row(vec![Cell::Integer(7), text("a name that is long"), text("x")]).unwrap();
        table.row(vec![Cell::Integer(1200), Cell::Null, text("two\nlines")]).unwrap();
        table.end().unwrap();
        table.columns(vec![column("n", true)]).unwrap();
        table.end().unwrap();
        table.end().unwrap();
        let written = String::from_utf8(table.out).unwrap();
        let expected = "  id  name
----  --------  --------
   7  a name …  x
1200  NULL      two\\nli…
(2 rows)

n
-
(0 rows)
";
        assert_eq!(written, expected);
    }

    #[test]
    fn rows_behind_the_measured_ones_are_printed_as_they_come() {
        let mut table = Table::new(Vec::new(), None, Style::plain());
        table
            .columns(vec![Column { name: "n".to_owned(), is_number: true, wire_type: String::new() }])
            .unwrap();
        for number in 0..MEASURED_ROWS as i64 {
            table.row(vec![Cell::Integer(number)]).unwrap();
        }
        table.row(vec![Cell::Integer(12_345)]).unwrap();
        assert!(String::from_utf8(table.out.clone()).unwrap().ends_with("499\n12345\n"));
        table.end().unwrap();
        assert!(String::from_utf8(table.out).unwrap().ends_with("\n(501 rows)\n"));
    }
}
