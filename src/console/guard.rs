//! Where a request comes from, and what a browser may do with the answer.
//!
//! Owns the check of the Host, of the Origin, and the headers that every answer carries. Who asks is found out behind it ([`super::access`]).

use std::{net::IpAddr, net::SocketAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// What the page may load: its own files, nothing from elsewhere.
const CONTENT_POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; style-src 'self'; script-src 'self'; \
                              connect-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
/// What every answer says beside that.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), bluetooth=(), display-capture=()",
    ),
];

/// Where we are asked for.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    listen: SocketAddr,
    /// The host, and port, of `console.address`: what is before us hands its requests on under that name.
    named: Option<Arc<str>>,
}

impl Guard {
    pub(super) fn new(listen: SocketAddr, address: Option<&url::Url>) -> Self {
        let named = address.and_then(|url| {
            let host = url.host_str()?;
            Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")).into())
        });
        Self { listen, named }
    }

    fn is_named(&self, host: &str) -> bool {
        self.named.as_deref().is_some_and(|named| named.eq_ignore_ascii_case(host))
    }

    /// Whether a Host header names us. A page elsewhere can make a browser ask 127.0.0.1 under a name of its own ("DNS rebinding"), and would read alerts
    /// and pictures.
    fn is_us(&self, host: Option<&str>) -> bool {
        !self.listen.ip().is_loopback()
            || host.is_none_or(|host| is_this_machine(host) || self.is_named(host))
    }

    /// Whether a request comes from no page at all, or from one that we served.
    fn is_own_page(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else { return true };
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        origin.is_some_and(|(_, from)| host == Some(from) || self.is_named(from))
    }
}

pub(super) async fn guard(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    if !guard.is_us(host) {
        return (StatusCode::MISDIRECTED_REQUEST, "ask for this machine by its address\n").into_response();
    }
    // Browsers let any page open a WebSocket to anywhere, and say which page it was.
    let changes_something = !matches!(*request.method(), Method::GET | Method::HEAD);
    if (changes_something || headers.contains_key(header::UPGRADE)) && !guard.is_own_page(headers) {
        let words =
            "来自其他网站的请求 · another site's page may not do this; open this station's own page\n";
        return (StatusCode::FORBIDDEN, words).into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY));
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    name.eq_ignore_ascii_case("localhost") || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(listen: &str, address: Option<&str>) -> Guard {
        let address = address.map(|text| text.parse().expect("a URL"));
        Guard::new(listen.parse().expect("an address"), address.as_ref())
    }

    #[test]
    fn only_this_machine_is_answered_on_loopback() {
        let guard = guard("127.0.0.1:8080", Some("https://station.example"));
        for host in [
            "127.0.0.1:8080",
            "127.0.0.1",
            "localhost:8080",
            "LOCALHOST",
            "[::1]:8080",
            "[::1]",
            "station.example",
        ] {
            assert!(guard.is_us(Some(host)), "{host}");
        }
        for host in [
            "rebound.example:8080",
            "127.0.0.1.example",
            "localhost.example",
            "",
            ":8080",
            "station.example:81",
        ] {
            assert!(!guard.is_us(Some(host)), "{host}");
        }
        assert!(guard.is_us(None));
    }

    #[test]
    fn a_page_of_somebody_else_changes_nothing() {
        let headers = |origin: Option<&'static str>, host: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.extend(host.map(|it| (header::HOST, HeaderValue::from_static(it))));
            headers.extend(origin.map(|it| (header::ORIGIN, HeaderValue::from_static(it))));
            headers
        };
        let (plain, named) =
            (guard("127.0.0.1:8080", None), guard("127.0.0.1:8080", Some("https://station.example:8443/")));
        let here = Some("127.0.0.1:8080");
        for origin in [None, Some("http://127.0.0.1:8080"), Some("https://127.0.0.1:8080")] {
            assert!(plain.is_own_page(&headers(origin, here)), "{origin:?}");
        }
        for origin in [
            "http://elsewhere.example",
            "null",
            "http://127.0.0.1:80801",
            "http://127.0.0.1",
            "https://station.example:8443",
        ] {
            assert!(!plain.is_own_page(&headers(Some(origin), here)), "{origin}");
        }
        assert!(!plain.is_own_page(&headers(Some("http://127.0.0.1:8080"), None)));
        // What is before us may keep the name, or not.
        for host in [here, Some("station.example:8443")] {
            assert!(named.is_own_page(&headers(Some("https://station.example:8443"), host)), "{host:?}");
        }
        assert!(!named.is_own_page(&headers(Some("https://station.example"), here)));
    }
}
