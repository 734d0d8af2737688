//! The page's own files, compiled in (`build.rs` lists them).
//!
//! Owns what they are called outside, and how long a browser may keep them: files below `/assets/` carry a hash of what is in them and never change.

use axum::{
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

/// A file of the page.
struct File {
    /// Below `web/dist`.
    name: &'static str,
    plain: &'static [u8],
    /// As gzip, where that is worth it.
    zipped: Option<&'static [u8]>,
}

static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/page.rs"));

const UNBUILT: &str = include_str!("unbuilt.html");
const REPORT_STYLE: &str = include_str!("../../web/report.css");
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";

/// `/`
pub(super) async fn home(headers: HeaderMap) -> Response {
    match find("index.html") {
        Some(file) => answer(file, &headers, ASK_AGAIN),
        None => text("text/html; charset=utf-8", UNBUILT),
    }
}

/// `/assets/{file}`
pub(super) async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    match find(&format!("assets/{name}")) {
        Some(file) => answer(file, &headers, FOR_EVER),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// `/icon.svg`
pub(super) async fn icon(headers: HeaderMap) -> Response {
    sign("icon.svg", &headers)
}

/// `/icon-news.svg`
pub(super) async fn icon_news(headers: HeaderMap) -> Response {
    sign("icon-news.svg", &headers)
}

fn sign(name: &str, headers: &HeaderMap) -> Response {
    find(name).map_or_else(|| StatusCode::NOT_FOUND.into_response(), |file| answer(file, headers, ASK_AGAIN))
}

/// `/report.css`
pub(super) async fn report_style() -> Response {
    text("text/css; charset=utf-8", REPORT_STYLE)
}

fn find(name: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.name == name)
}

fn text(content_type: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, ASK_AGAIN)], text).into_response()
}

fn answer(file: &'static File, headers: &HeaderMap, keep: &'static str) -> Response {
    let ending = file.name.rsplit('.').next().unwrap_or_default();
    let content_type = match ending {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    };
    let head = [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, keep),
        (header::VARY, "accept-encoding"),
    ];
    match file.zipped.filter(|_| takes_gzip(headers)) {
        Some(zipped) => (head, [(header::CONTENT_ENCODING, "gzip")], zipped).into_response(),
        None => (head, file.plain).into_response(),
    }
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted =
        headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        parts.next() == Some("gzip") && !parts.any(|weight| weight == "q=0")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_whoever_takes_it() {
        for (accepted, takes) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, gzip;q=0.8", true),
            ("gzip;q=0", false),
            ("br", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, accepted.parse().expect("a value"));
            assert_eq!(takes_gzip(&headers), takes, "{accepted}");
        }
    }

    #[test]
    fn a_built_page_is_whole() {
        let Some(home) = find("index.html") else { return };
        let html = std::str::from_utf8(home.plain).expect("UTF-8");
        let named: Vec<&str> = html.split("\"/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(named.len() > 1, "{html}");
        for name in named {
            assert!(find(name).is_some(), "{name}");
        }
    }
}
