//! Shows a mistake the way compilers do: file, line, column, the line itself, carets, and help.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::fields::Mistake;

/// The mistake as text for a person; with colours only on a terminal.
pub fn render(path: &str, source: &str, mistake: &Mistake, colour: bool) -> String {
    // At least one character is marked, and whole ones: a caret inside a letter of two bytes would be a panic.
    let end = source.ceil_char_boundary(mistake.place.end.max(mistake.place.start + 1).min(source.len()));
    let start = source.floor_char_boundary(mistake.place.start.min(end.saturating_sub(1)));
    let snippet = Snippet::source(source).path(path).annotation(AnnotationKind::Primary.span(start..end));
    let mut group = Level::ERROR.primary_title(mistake.message.as_str()).element(snippet);
    if let Some(help) = &mistake.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&[group])
}
