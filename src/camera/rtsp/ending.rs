//! retina's errors in the words of this house.
//!
//! retina's error is opaque: an HTTP-like status where there was one, and a text. The texts matched here are those
//! of the pinned version (0.4.21, `error.rs`); a test pins each of them. No text that leaves here carries a credential.

use std::time::Duration;

use url::Url;

use super::Ending;
use crate::{
    config::{Camera, StreamRole},
    id::CameraId,
};

/// Longest piece of a camera's error that is passed on, in characters.
const TEXT_LEN_MAX: usize = 240;
/// A password shorter than this is not searched for in texts: it would be found in every port number.
const PASSWORD_LEN_MIN: usize = 4;

/// What we told the camera: the URL, and what must not come back in a text.
pub(super) struct Told {
    camera: CameraId,
    url: Url,
    password: Option<String>,
}

impl Told {
    /// For a stream. The URL is stripped of user name and password, should it have any.
    pub(super) fn new(camera: &Camera, role: StreamRole) -> Self {
        let mut url = camera.url(role).clone();
        // Neither fails for a URL that has a host, and one without a host cannot carry them.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        let password = camera.credentials.as_ref().map(|of| of.password.reveal().to_owned());
        Self { camera: camera.id.clone(), url, password }
    }

    /// Without credentials.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Host and port.
    pub(super) fn address(&self) -> String {
        format!("{}:{}", self.url.host_str().unwrap_or("?"), self.url.port().unwrap_or(554))
    }
}

/// What an error of retina means to us.
pub(super) fn ending_of(error: &retina::Error, told: &Told) -> Ending {
    let text = error.to_string();
    tracing::debug!(camera = %told.camera, error = %condensed(&text, told), "rtsp");
    ending(error.status_code(), &text, told)
}

fn ending(status: Option<u16>, text: &str, told: &Told) -> Ending {
    match status {
        Some(401 | 403 | 407) => Ending::Auth,
        Some(200..=299) if text.contains("No parseable streams") => {
            Ending::Unsupported("the camera describes no stream that can be understood".to_owned())
        }
        Some(200..=299) => Ending::Garbage(condensed(text, told)),
        Some(461) => Ending::Refused(format!(
            "the camera does not offer this transport; try the other of tcp and udp ({})",
            condensed(text, told)
        )),
        Some(453 | 500..) => Ending::Refused(condensed(text, told)),
        Some(_) => Ending::NotFound(condensed(text, told)),
        None => unanswered(text, told),
    }
}

fn unanswered(text: &str, told: &Told) -> Ending {
    if let Some(why) = text.strip_prefix("Unable to connect to RTSP server: ") {
        return Ending::Refused(format!("{}: {}", told.address(), condensed(why, told)));
    }
    if let Some(why) = ["Invalid argument: ", "Internal error: "].iter().find_map(|of| text.strip_prefix(of))
    {
        return Ending::Refused(condensed(why, told));
    }
    if text.contains("keepalive") && text.contains(" within ") {
        return Ending::Timeout { phase: "keepalive", after: interval(text).unwrap_or_default() };
    }
    let lost =
        ["Error reading from RTSP peer: ", "Error writing to RTSP peer: ", "Error receiving UDP packet: "];
    if lost.iter().any(|of| text.starts_with(of)) || text.contains("Incomplete RTSP message at EOF") {
        return Ending::Closed;
    }
    Ending::Garbage(condensed(text, told))
}

/// The duration in "... within 30s", as `Duration` prints itself.
fn interval(text: &str) -> Option<Duration> {
    let written = text.split(" within ").nth(1)?.split_ascii_whitespace().next()?;
    let (number, unit_s) = match written.strip_suffix("ms") {
        Some(number) => (number, 1e-3),
        None => (written.strip_suffix('s')?, 1.0),
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * unit_s).ok()
}

/// One line: what retina says, without the dump of bytes that may follow, and where in a packet capture to find it.
fn condensed(text: &str, told: &Told) -> String {
    let (what, place) = match text.split_once("\n\nconn: ") {
        Some((what, place)) => (what, Some(place)),
        None => (text, None),
    };
    // Cleaned before it is cut: half a password is one too.
    let clean = |text: &str| short(&without_credentials(text, told.password.as_deref()));
    let what = clean(what.lines().next().unwrap_or_default());
    match place {
        None => what,
        Some(place) => format!("{what} [{}]", clean(&format!("conn: {}", place.replace('\n', ", ")))),
    }
}

fn short(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(TEXT_LEN_MAX)
        .collect::<String>()
        .trim()
        .to_owned()
}

/// A camera may repeat what it was told, or have user name and password in the URLs of its own description.
fn without_credentials(text: &str, password: Option<&str>) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        clean.push_str(before);
        let authority = after.find(['/', ' ', '"', '?', '#']).unwrap_or(after.len());
        rest = match after[..authority].rfind('@') {
            Some(at) => &after[at + 1..],
            None => after,
        };
    }
    clean.push_str(rest);
    match password {
        Some(password) if password.chars().count() >= PASSWORD_LEN_MIN => clean.replace(password, "(secret)"),
        _ => clean,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told() -> Told {
        let url = Url::parse("rtsp://10.0.0.9/stream?x=1").expect("a URL");
        let camera = "gate-1".parse().expect("an id");
        Told { camera, url, password: Some("hunter22".to_owned()) }
    }

    const PLACE: &str =
        "\n\nconn: 10.0.0.1:5000(me)->10.0.0.9:554@2026-03-09T18:04:05Z\nmsg: 120@2026-03-09T18:04:06Z";

    #[test]
    fn each_error_of_retina_has_an_ending() {
        let cases: &[(Option<u16>, &str, &str)] = &[
            (
                Some(401),
                "401 response to DESCRIBE CSeq=2: Received Unauthorized after trying digest auth",
                "Auth",
            ),
            (Some(403), "403 response to DESCRIBE CSeq=2: Unexpected RTSP response status", "Auth"),
            (Some(404), "404 response to DESCRIBE CSeq=1: Unexpected RTSP response status", "NotFound"),
            (Some(302), "302 response to DESCRIBE CSeq=1: Unexpected RTSP response status", "NotFound"),
            (Some(453), "453 response to SETUP CSeq=2: Unexpected RTSP response status", "Refused"),
            (Some(461), "461 response to SETUP CSeq=2: Unexpected RTSP response status", "Refused"),
            (Some(503), "503 response to PLAY CSeq=3: Unexpected RTSP response status", "Refused"),
            (Some(200), "200 response to DESCRIBE CSeq=1: Unable to parse SDP: no version", "Garbage"),
            (
                Some(200),
                "200 response to DESCRIBE CSeq=1: No parseable streams (and 1 unparseable streams)",
                "Unsupported",
            ),
            (None, "Unable to connect to RTSP server: Connection refused (os error 111)", "Refused"),
            (None, "Invalid argument: Bad URL rtsps://x/; only scheme rtsp supported", "Refused"),
            (None, "Internal error: Unable to find even/odd pair", "Refused"),
            (None, "Error reading from RTSP peer: EOF while expecting response to DESCRIBE CSeq 1", "Closed"),
            (None, "Error writing to RTSP peer: Broken pipe (os error 32)", "Closed"),
            (
                None,
                "Error reading from RTSP peer: Server failed to respond to keepalive 7 within 30s",
                "Timeout",
            ),
            (None, "Error writing to RTSP peer: Unable to write keepalive 7 within 500ms", "Timeout"),
            (None, "Error receiving UDP packet: No route to host", "Closed"),
            (None, "RTSP framing error: Incomplete RTSP message at EOF (header); buffered:", "Closed"),
            (
                None,
                "RTSP framing error: Invalid RTSP message: bad start; buffered:\n0000: 41 42 43",
                "Garbage",
            ),
            (None, "wrong ssrc after 7 RTP pkts + 0 RTCP pkts", "Garbage"),
        ];
        for (status, text, expected) in cases {
            let ending = ending(*status, &format!("{text}{PLACE}"), &told());
            let name = format!("{ending:?}");
            assert!(name.starts_with(expected), "{text}: {name}");
        }
    }

    #[test]
    fn a_keepalive_tells_how_long_it_waited() {
        let text = "Error reading from RTSP peer: Server failed to respond to keepalive 7 within 32.5s";
        assert_eq!(
            ending(None, &format!("{text}{PLACE}"), &told()),
            Ending::Timeout { phase: "keepalive", after: Duration::from_millis(32_500) }
        );
        assert_eq!(interval("within 30s"), None);
        assert_eq!(interval("x within 500ms\n"), Some(Duration::from_millis(500)));
        assert_eq!(interval("x within 1e99s"), None);
    }

    #[test]
    fn texts_keep_the_place_and_lose_dumps_and_credentials() {
        let text = format!(
            "RTSP framing error: got rtsp://admin:p@ss@10.0.0.9/a and hunter22\n0000: 68 75 6e 74 65 72 |hunter|{PLACE}"
        );
        assert_eq!(
            condensed(&text, &told()),
            "RTSP framing error: got rtsp://10.0.0.9/a and (secret) [conn: \
             10.0.0.1:5000(me)->10.0.0.9:554@2026-03-09T18:04:05Z, msg: 120@2026-03-09T18:04:06Z]"
        );
        assert_eq!(without_credentials("a://b@c d://e", None), "a://c d://e");
        assert!(condensed(&"x".repeat(9000), &told()).len() <= TEXT_LEN_MAX);
        let cut = condensed(&format!("{} hunter22", "x".repeat(TEXT_LEN_MAX - 5)), &told());
        assert!(!cut.contains("hunt"), "{cut}");
    }
}
