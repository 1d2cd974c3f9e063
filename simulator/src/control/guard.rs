//! Who may call: beyond loopback only who knows the token; nowhere a page of somebody else.

use axum::extract::{Request, State as Shared};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::State;
use super::error::ApiError;

/// The cookie that lets the page in once it was opened with `/?token=…`.
const COOKIE: &str = "spatialcloud-token";

/// Health checks are open to everybody.
const OPEN: &[&str] = &["/api/v1/healthz", "/api/v1/readyz"];

pub(super) async fn guard(Shared(state): Shared<State>, request: Request, next: Next) -> Response {
    if OPEN.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    if is_foreign(request.method(), request.headers()) {
        return forbidden(
            "a page of another site asked for this: only this stack's own page may change things",
        );
    }
    let Some(token) = &state.token else {
        // A name that somebody else's DNS points at this machine makes their page look like ours.
        return match is_local(request.headers()) {
            true => next.run(request).await,
            false => forbidden(
                "without a token this API answers only to localhost and loopback addresses: call it by one of them",
            ),
        };
    };
    if is_let_in(request.headers(), token) {
        return next.run(request).await;
    }
    if request.uri().path() == "/" && request.uri().query() == Some(&format!("token={token}")) {
        let cookie = format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict");
        return (StatusCode::SEE_OTHER, [(header::LOCATION, "/".to_owned()), (header::SET_COOKIE, cookie)])
            .into_response();
    }
    ApiError::unauthorized(
        "this API listens beyond loopback: send Authorization: Bearer TOKEN, as printed at start; \
         the page opens with /?token=TOKEN",
    )
    .into_response()
}

fn forbidden(message: &str) -> Response {
    ApiError::new(StatusCode::FORBIDDEN, "forbidden", message).into_response()
}

fn text(headers: &HeaderMap, name: impl header::AsHeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Whether a browser says that the page behind a change is not ours. Programs say nothing.
fn is_foreign(method: &Method, headers: &HeaderMap) -> bool {
    !method.is_safe()
        && text(headers, "sec-fetch-site").is_some_and(|site| !["same-origin", "none"].contains(&site))
}

/// Whether the caller used a name of this machine that nobody else can give.
fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = text(headers, header::HOST) else { return true };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_let_in(headers: &HeaderMap, token: &str) -> bool {
    let bearer = text(headers, header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
    let mut cookies = text(headers, header::COOKIE).unwrap_or_default().split(';');
    let is_it = |cookie: &str| cookie.trim().split_once('=') == Some((COOKIE, token));
    bearer == Some(token) || cookies.any(is_it)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::HeaderName::from_static(name), value.parse().unwrap())])
    }

    #[test]
    fn names_of_this_machine_are_told_from_others() {
        for host in ["localhost", "LOCALHOST:8022", "127.0.0.1:8022", "127.9.9.9", "[::1]:8022", "[::1]"] {
            assert!(is_local(&headers("host", host)), "{host}");
        }
        for host in
            ["example.com", "example.com:8022", "192.0.2.1", "127.0.0.1.example.com", "localhost.x:80"]
        {
            assert!(!is_local(&headers("host", host)), "{host}");
        }
        assert!(is_local(&HeaderMap::new()));
    }

    #[test]
    fn pages_of_others_change_nothing() {
        for (site, foreign) in
            [("cross-site", true), ("same-site", true), ("same-origin", false), ("none", false)]
        {
            assert_eq!(is_foreign(&Method::POST, &headers("sec-fetch-site", site)), foreign, "{site}");
            assert!(!is_foreign(&Method::GET, &headers("sec-fetch-site", site)), "{site}");
        }
        assert!(!is_foreign(&Method::POST, &HeaderMap::new()));
    }

    #[test]
    fn the_token_comes_as_header_or_cookie() {
        assert!(is_let_in(&headers("authorization", "Bearer abc"), "abc"));
        assert!(is_let_in(&headers("cookie", "a=b; spatialcloud-token=abc"), "abc"));
        for (name, value) in
            [("authorization", "Bearer abd"), ("cookie", "spatialcloud-token=ab"), ("cookie", "token=abc")]
        {
            assert!(!is_let_in(&headers(name, value), "abc"), "{value}");
        }
    }
}
