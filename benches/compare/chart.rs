//! The tables as bars: one SVG, readable on light and dark pages.

use crate::peer::OURS;
use crate::report::Table;

const WIDTH: f64 = 860.0;
const LABELS: f64 = 330.0;
const BAR: f64 = 18.0;

/// Text inside SVG.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Bars of all tables' medians, with the range as a line over each.
pub fn svg(tables: &[Table]) -> String {
    let mut body = String::new();
    let mut y = 10.0;
    for table in tables {
        let most =
            table.lines.iter().filter_map(|line| line.range()).map(|(_, most)| most).fold(0.0, f64::max);
        if most <= 0.0 {
            continue;
        }
        y += 24.0;
        body.push_str(&format!(
            "<text x=\"10\" y=\"{y}\" class=\"head\">{}, {}</text>\n",
            escaped(&table.name),
            escaped(table.unit)
        ));
        y += 8.0;
        let scale = (WIDTH - LABELS - 70.0) / most;
        for line in &table.lines {
            let (Some(median), Some((least, most))) = (line.median(|sample| sample.rate), line.range())
            else {
                continue;
            };
            let class = if line.server == OURS { "ours" } else { "theirs" };
            let (width, middle) = (median * scale, y + BAR / 2.0);
            body.push_str(&format!(
                "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{} → {}</text>\n\
                 <rect x=\"{LABELS}\" y=\"{y}\" width=\"{width:.1}\" height=\"{}\" class=\"{class}\"/>\n\
                 <line x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{middle}\" y2=\"{middle}\"/>\n\
                 <text x=\"{:.1}\" y=\"{}\">{median:.0}</text>\n",
                LABELS - 8.0,
                y + 13.0,
                escaped(&line.case),
                escaped(&line.server),
                BAR - 4.0,
                LABELS + least * scale,
                LABELS + most * scale,
                LABELS + most * scale + 6.0,
                y + 13.0,
            ));
            y += BAR;
        }
    }
    let height = y + 16.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<style>\n\
         text {{ fill: #333 }} .head {{ font-weight: bold; font-size: 14px }} .ours {{ fill: #2f7d4f }}\n\
         .theirs {{ fill: #8aa1b4 }} line {{ stroke: #333; stroke-width: 1.5 }}\n\
         @media (prefers-color-scheme: dark) {{ text {{ fill: #ddd }} line {{ stroke: #ddd }} }}\n\
         </style>\n{body}</svg>\n"
    )
}
