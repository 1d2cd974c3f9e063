//! What a client asked of the endpoint, one request a line, as `record-requests` reports it.

use serde_json::Value;

/// The lines of all sessions' requests, in the order of the events; each session begins with `init VERSION`.
pub fn lines(events: &[Value]) -> Vec<String> {
    events.iter().filter_map(line).collect()
}

/// `open Spatial/a.tif write,creat,trunc permissions=644`; nothing for events that are no requests.
fn line(event: &Value) -> Option<String> {
    match event["event"].as_str()? {
        "session.started" => Some(format!("init {}", event["client_version"])),
        "request.received" => {
            let mut words = vec![event["operation"].as_str()?.to_owned()];
            let mut add = |text: &str| {
                if !text.is_empty() {
                    words.push(text.to_owned());
                }
            };
            add(event["path"].as_str().unwrap_or_default());
            if let Some(to) = event["to"].as_str() {
                add(&format!("-> {to}"));
            }
            add(&joined(&event["flags"]));
            add(&joined(&event["attributes"]));
            match event["operation"].as_str() {
                Some("write") => add(&format!("{} x {}", event["count"], event["size_bytes"])),
                Some("read") => add(&event["size_bytes"].to_string()),
                _ => {}
            }
            Some(words.join(" "))
        }
        _ => None,
    }
}

fn joined(list: &Value) -> String {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
}

/// The first wanted line that does not come, each after the one before it; `*` stands for anything, and a
/// line may go on where the wanted one ends.
pub fn first_missing<'w>(lines: &[String], wanted: &'w [String]) -> Option<&'w String> {
    let mut lines = lines.iter();
    wanted.iter().find(|wanted| !lines.any(|line| begins(line, wanted)))
}

/// Whether a line begins with the words of a pattern.
pub fn begins(line: &str, pattern: &str) -> bool {
    let words: Vec<&str> = line.split(' ').collect();
    let patterns: Vec<&str> = pattern.split(' ').collect();
    words.len() >= patterns.len() && patterns.iter().zip(&words).all(|(pattern, word)| fits(word, pattern))
}

fn fits(word: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        None => word == pattern,
        Some((start, end)) => {
            word.len() >= start.len() + end.len() && word.starts_with(start) && word.ends_with(end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_looked_for_in_order() {
        let lines = ["init 3", "open Spatial/a.filepart write,creat,trunc size", "close Spatial/a.filepart"];
        let lines = lines.map(str::to_owned);
        let missing = |wanted: &[&str]| {
            let wanted: Vec<String> = wanted.iter().map(|&text| text.to_owned()).collect();
            first_missing(&lines, &wanted).cloned()
        };
        assert_eq!(missing(&["init 3", "open *.filepart write,creat,trunc", "close"]), None);
        assert_eq!(missing(&["close", "open"]), Some("open".to_owned()));
        assert_eq!(missing(&["op"]), Some("op".to_owned()));
    }
}
