//! The live page: HTML, CSS and scripts inside the binary, over the control API and nothing else.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

/// The page and its scripts may load each other and call the API, and nothing from anywhere else; no other page may
/// frame it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Every file: where it is served, what it is, its text.
const FILES: &[(&str, &str, &str)] = &[
    ("/", HTML, include_str!("page.html")),
    ("/dashboard/style.css", CSS, include_str!("style.css")),
    ("/dashboard/main.js", SCRIPT, include_str!("main.js")),
    ("/dashboard/api.js", SCRIPT, include_str!("api.js")),
    ("/dashboard/page.js", SCRIPT, include_str!("page.js")),
    ("/dashboard/clock.js", SCRIPT, include_str!("clock.js")),
    ("/dashboard/sites.js", SCRIPT, include_str!("sites.js")),
    ("/dashboard/transfers.js", SCRIPT, include_str!("transfers.js")),
    ("/dashboard/files.js", SCRIPT, include_str!("files.js")),
    ("/dashboard/timeline.js", SCRIPT, include_str!("timeline.js")),
    ("/dashboard/words.js", SCRIPT, include_str!("words.js")),
    ("/dashboard/handover.js", SCRIPT, include_str!("handover.js")),
    ("/dashboard/retell.js", SCRIPT, include_str!("retell.js")),
    ("/dashboard/warehouse.js", SCRIPT, include_str!("warehouse.js")),
    ("/dashboard/map.js", SCRIPT, include_str!("map.js")),
    ("/dashboard/faults.js", SCRIPT, include_str!("faults.js")),
];

/// The routes of the page.
pub fn router() -> Router {
    FILES.iter().fold(Router::new(), |router, (path, content_type, text)| {
        router.route(path, get(move || async move { served(content_type, text) }))
    })
}

fn served(content_type: &'static str, text: &'static str) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, content_type),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        // The next version of the program is at the same address.
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Fact;

    /// What a page may weigh, all together.
    const LARGEST_BYTES: usize = 100_000;

    #[test]
    fn the_page_is_small_and_needs_nothing_from_elsewhere() {
        let bytes: usize = FILES.iter().map(|(_, _, text)| text.len()).sum();
        assert!(bytes < LARGEST_BYTES, "{bytes} bytes");
        for (path, _, text) in FILES {
            let foreign = ["http://", "https://", "//cdn"];
            let found = text
                .lines()
                .filter(|line| !line.contains("www.w3.org/2000/svg"))
                .find(|line| foreign.iter().any(|word| line.contains(word)));
            assert_eq!(found, None, "{path}");
        }
    }

    /// Words for a kind of event that no longer exists would stay for ever.
    #[test]
    fn the_page_has_words_only_for_events_there_are() {
        let words = include_str!("words.js");
        let named = words.lines().filter_map(|line| line.trim().strip_prefix('"')?.split_once("\": ("));
        let mut count = 0;
        for (kind, _) in named {
            assert!(Fact::KINDS.iter().any(|known| known.name == kind), "{kind}");
            count += 1;
        }
        assert_eq!(count, Fact::KINDS.len(), "every kind has its words");
    }
}
