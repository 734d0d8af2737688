//! RTSP 1.0 on the wire (RFC 2326): bytes → requests, answers → bytes.
//!
//! Pure: what a request means for a camera belongs to `connection`. Nothing here panics on any input, and nothing grows
//! past the limits below.

use std::fmt::Write;

/// Longest request line and headers, in bytes.
pub const HEAD_MAX: usize = 8 * 1024;
/// Longest body, in bytes. Bodies are read and ignored.
pub const BODY_MAX: usize = 64 * 1024;
/// Most header lines of a request.
pub const HEADERS_MAX: usize = 64;

/// What a client may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// What can be asked.
    Options,
    /// The session description.
    Describe,
    /// A transport for one stream.
    Setup,
    /// Go on.
    Play,
    /// Hold.
    Pause,
    /// Keep the session alive.
    GetParameter,
    /// Keep the session alive.
    SetParameter,
    /// End the session.
    Teardown,
    /// ANNOUNCE, RECORD or REDIRECT: known, and nothing for a camera.
    Refused,
    /// Not in RFC 2326.
    Unknown,
}

impl Method {
    fn parse(name: &str) -> Self {
        match name {
            "OPTIONS" => Self::Options,
            "DESCRIBE" => Self::Describe,
            "SETUP" => Self::Setup,
            "PLAY" => Self::Play,
            "PAUSE" => Self::Pause,
            "GET_PARAMETER" => Self::GetParameter,
            "SET_PARAMETER" => Self::SetParameter,
            "TEARDOWN" => Self::Teardown,
            "ANNOUNCE" | "RECORD" | "REDIRECT" => Self::Refused,
            _ => Self::Unknown,
        }
    }
}

/// The methods that a camera answers, for the `Public` header.
pub const PUBLIC: &str = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN";

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What is asked.
    pub method: Method,
    /// The method as written: digest authentication signs it.
    pub method_name: String,
    /// Of what, as written.
    pub uri: String,
    /// `CSeq`, echoed in the answer.
    pub cseq: Option<String>,
    headers: Vec<(String, String)>,
}

impl Request {
    /// The first header of this name, in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}

/// What a client sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A request.
    Request(Request),
    /// `$`, a channel, a length, and data: RTCP of the client (RFC 2326 section 10.12).
    Interleaved {
        /// The channel.
        channel: u8,
    },
}

/// Why bytes are no RTSP. The connection ends with this status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Bad {
    /// No request line, or a header without a colon.
    #[error("not an RTSP request")]
    Syntax,
    /// A head that does not end, too many headers.
    #[error("a request head of more than {HEAD_MAX} bytes or {HEADERS_MAX} headers")]
    HeadTooLong,
    /// A body that is too long.
    #[error("a request body of more than {BODY_MAX} bytes")]
    BodyTooLong,
    /// RTSP, but not 1.0.
    #[error("a version of RTSP other than 1.0")]
    Version,
}

impl Bad {
    /// What the client is told before the connection ends.
    pub fn status(self) -> Status {
        match self {
            Self::Syntax | Self::HeadTooLong => Status::BadRequest,
            Self::BodyTooLong => Status::TooLarge,
            Self::Version => Status::VersionNotSupported,
        }
    }
}

/// Takes the first whole thing from the front of `data`: how many bytes it took, and what it is. `Ok(None)`: more bytes
/// are needed, and never more than [`HEAD_MAX`] + [`BODY_MAX`] + 4.
pub fn parse(data: &[u8]) -> Result<Option<(usize, Incoming)>, Bad> {
    // Some clients send empty lines between requests; RFC 2326 section 4.1 lets them.
    let blank = data.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
    if blank > HEAD_MAX {
        return Err(Bad::HeadTooLong);
    }
    let found = parse_at(&data[blank..])?;
    Ok(found.map(|(taken, incoming)| (blank + taken, incoming)))
}

fn parse_at(data: &[u8]) -> Result<Option<(usize, Incoming)>, Bad> {
    if data.first() == Some(&b'$') {
        let Some(head) = data.get(..4) else { return Ok(None) };
        let taken = 4 + usize::from(u16::from_be_bytes([head[2], head[3]]));
        return Ok((data.len() >= taken).then_some((taken, Incoming::Interleaved { channel: head[1] })));
    }
    let window = &data[..data.len().min(HEAD_MAX)];
    let Some((head, head_len)) = find_head(window) else {
        // Say no to what can never become a request before it fills the buffer.
        return if window.iter().any(|&b| b == 0 || b >= 0x80) {
            Err(Bad::Syntax)
        } else if window.len() == HEAD_MAX {
            Err(Bad::HeadTooLong)
        } else {
            Ok(None)
        };
    };
    let (request, body_len) = parse_head(std::str::from_utf8(head).map_err(|_| Bad::Syntax)?)?;
    let taken = head_len + body_len;
    Ok((data.len() >= taken).then_some((taken, Incoming::Request(request))))
}

/// The head without the empty line that ends it, and its length with it. Bare line feeds are accepted.
fn find_head(data: &[u8]) -> Option<(&[u8], usize)> {
    (0..data.len()).filter(|&i| data[i] == b'\n').find_map(|i| {
        let rest = &data[i + 1..];
        let end = match rest {
            [b'\n', ..] => i + 2,
            [b'\r', b'\n', ..] => i + 3,
            _ => return None,
        };
        Some((&data[..i], end))
    })
}

fn parse_head(head: &str) -> Result<(Request, usize), Bad> {
    let mut lines = head.lines();
    let mut words = lines.next().unwrap_or_default().split_ascii_whitespace();
    let (Some(method), Some(uri), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Bad::Syntax);
    };
    if version != "RTSP/1.0" {
        return Err(if version.starts_with("RTSP/") { Bad::Version } else { Bad::Syntax });
    }
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in lines {
        if line.starts_with([' ', '\t']) {
            // A folded line continues the value before it.
            let (_, value) = headers.last_mut().ok_or(Bad::Syntax)?;
            value.push(' ');
            value.push_str(line.trim());
            continue;
        }
        if headers.len() == HEADERS_MAX {
            return Err(Bad::HeadTooLong);
        }
        let (name, value) = line.split_once(':').ok_or(Bad::Syntax)?;
        headers.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    let request = Request {
        method: Method::parse(method),
        method_name: method.to_owned(),
        uri: uri.to_owned(),
        cseq: None,
        headers,
    };
    let body_len = match request.header("content-length") {
        None => 0,
        Some(text) => text.parse::<usize>().map_err(|_| Bad::Syntax)?,
    };
    if body_len > BODY_MAX {
        return Err(Bad::BodyTooLong);
    }
    let cseq = request.header("cseq").map(str::to_owned);
    Ok((Request { cseq, ..request }, body_len))
}

/// How an answer begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of RFC 2326 section 7.1.1")]
pub enum Status {
    Ok,
    BadRequest,
    Unauthorized,
    NotFound,
    MethodNotAllowed,
    NotAcceptable,
    TooLarge,
    SessionNotFound,
    NotValidInThisState,
    AggregateNotAllowed,
    UnsupportedTransport,
    NotImplemented,
    ServiceUnavailable,
    VersionNotSupported,
    OptionNotSupported,
}

impl Status {
    /// Code and reason.
    pub fn line(self) -> &'static str {
        match self {
            Self::Ok => "200 OK",
            Self::BadRequest => "400 Bad Request",
            Self::Unauthorized => "401 Unauthorized",
            Self::NotFound => "404 Not Found",
            Self::MethodNotAllowed => "405 Method Not Allowed",
            Self::NotAcceptable => "406 Not Acceptable",
            Self::TooLarge => "413 Request Entity Too Large",
            Self::SessionNotFound => "454 Session Not Found",
            Self::NotValidInThisState => "455 Method Not Valid In This State",
            Self::AggregateNotAllowed => "459 Aggregate Operation Not Allowed",
            Self::UnsupportedTransport => "461 Unsupported Transport",
            Self::NotImplemented => "501 Not Implemented",
            Self::ServiceUnavailable => "503 Service Unavailable",
            Self::VersionNotSupported => "505 RTSP Version Not Supported",
            Self::OptionNotSupported => "551 Option Not Supported",
        }
    }
}

/// An answer in the making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// How it begins.
    pub status: Status,
    head: String,
    body: String,
}

impl Response {
    /// An answer to a request with this `CSeq`.
    pub fn new(status: Status, cseq: Option<&str>) -> Self {
        let mut response = Self { status, head: String::new(), body: String::new() };
        if let Some(cseq) = cseq {
            response = response.with("CSeq", cseq);
        }
        response.with("Server", "cunkou-sim")
    }

    /// With one more header. Line breaks in the value, which would end it, are left out.
    pub fn with(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        let value = value.to_string().replace(['\r', '\n'], "");
        write!(self.head, "{name}: {value}\r\n").expect("writing to a String never fails");
        self
    }

    /// With a body.
    pub fn with_body(mut self, content_type: &str, body: String) -> Self {
        self = self.with("Content-Type", content_type).with("Content-Length", body.len());
        self.body = body;
        self
    }

    /// As it goes over the wire.
    pub fn to_bytes(&self) -> Vec<u8> {
        format!("RTSP/1.0 {}\r\n{}\r\n{}", self.status.line(), self.head, self.body).into_bytes()
    }
}

/// How media shall travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Interleaved in the RTSP connection: RTP on this channel, RTCP on the next.
    Tcp {
        /// Channel of RTP.
        rtp: u8,
        /// Channel of RTCP.
        rtcp: u8,
    },
    /// Datagrams to these ports of the client.
    Udp {
        /// Port for RTP.
        rtp: u16,
        /// Port for RTCP.
        rtcp: u16,
    },
}

/// The first transport of a `Transport` header that we can serve; multicast and secure profiles are not among them.
pub fn choose_transport(header: &str) -> Option<Transport> {
    header.split(',').find_map(|offer| {
        let mut parts = offer.trim().split(';').map(str::trim);
        let profile = parts.next()?.to_ascii_uppercase();
        let parts: Vec<&str> = parts.collect();
        if parts.iter().any(|p| p.eq_ignore_ascii_case("multicast")) {
            return None;
        }
        let pair = |name: &str| {
            let value = parts.iter().find_map(|p| p.split_once('=').filter(|(n, _)| *n == name))?.1;
            let (first, second) = value.split_once('-').map_or((value, None), |(a, b)| (a, Some(b)));
            let first: u16 = first.parse().ok()?;
            let second = match second {
                Some(text) => text.parse().ok()?,
                None => first.checked_add(1)?,
            };
            Some((first, second))
        };
        match profile.as_str() {
            "RTP/AVP/TCP" => {
                let (rtp, rtcp) = pair("interleaved").unwrap_or((0, 1));
                Some(Transport::Tcp { rtp: rtp.try_into().ok()?, rtcp: rtcp.try_into().ok()? })
            }
            "RTP/AVP" | "RTP/AVP/UDP" => {
                let (rtp, rtcp) = pair("client_port").filter(|(rtp, rtcp)| *rtp > 0 && *rtcp > 0)?;
                Some(Transport::Udp { rtp, rtcp })
            }
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(text: &str) -> Request {
        match parse(text.as_bytes()) {
            Ok(Some((taken, Incoming::Request(request)))) if taken == text.len() => request,
            other => panic!("{text:?}: {other:?}"),
        }
    }

    #[test]
    fn requests_of_real_clients_are_understood() {
        let ffmpeg = request(
            "OPTIONS rtsp://127.0.0.1:8554/a RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: Lavf59.27.100\r\n\r\n",
        );
        assert_eq!((ffmpeg.method, ffmpeg.cseq.as_deref()), (Method::Options, Some("1")));
        assert_eq!(ffmpeg.header("user-agent"), Some("Lavf59.27.100"));
        let bare = request("\r\n\nSETUP /a/track1 RTSP/1.0\ncseq:2\nTransport: RTP/AVP;\n unicast\n\n");
        assert_eq!(bare.header("Transport"), Some("RTP/AVP; unicast"));
        let body = request("GET_PARAMETER /a RTSP/1.0\r\nCSeq: 3\r\nContent-Length: 4\r\n\r\nping");
        assert_eq!(body.method, Method::GetParameter);
        assert_eq!(request("RECORD /a RTSP/1.0\r\n\r\n").method, Method::Refused);
    }

    #[test]
    fn what_is_not_rtsp_is_refused_early() {
        let many = format!("PLAY /a RTSP/1.0\r\n{}\r\n", "a: b\r\n".repeat(HEADERS_MAX + 1));
        let cases: [(&[u8], Bad); 8] = [
            (b"\x16\x03\x01\x02\x00", Bad::Syntax),
            (b"GET / HTTP/1.1\r\n\r\n", Bad::Syntax),
            (b"PLAY /a RTSP/2.0\r\n\r\n", Bad::Version),
            (b"PLAY /a RTSP/1.0\r\nno colon\r\n\r\n", Bad::Syntax),
            (b"PLAY /a RTSP/1.0\r\nContent-Length: -1\r\n\r\n", Bad::Syntax),
            (b"PLAY /a RTSP/1.0\r\nContent-Length: 65537\r\n\r\n", Bad::BodyTooLong),
            (many.as_bytes(), Bad::HeadTooLong),
            (&[b'a'; HEAD_MAX], Bad::HeadTooLong),
        ];
        for (data, expected) in cases {
            assert_eq!(parse(data), Err(expected), "{:?}", String::from_utf8_lossy(data));
        }
    }

    #[test]
    fn pipelined_things_are_taken_one_by_one() {
        let mut data =
            b"PLAY /a RTSP/1.0\r\nCSeq: 1\r\n\r\n$\x01\x00\x02..PAUSE /a RTSP/1.0\r\n\r\n".to_vec();
        let mut kinds = Vec::new();
        while let Some((taken, incoming)) = parse(&data).unwrap() {
            kinds.push(match incoming {
                Incoming::Request(request) => request.method_name,
                Incoming::Interleaved { channel } => channel.to_string(),
            });
            data.drain(..taken);
        }
        assert_eq!((kinds.join(" "), data.len()), ("PLAY 1 PAUSE".to_owned(), 0));
    }

    #[test]
    fn the_first_transport_that_we_serve_is_chosen() {
        let cases = [
            ("RTP/AVP/TCP;unicast;interleaved=2-3", Some(Transport::Tcp { rtp: 2, rtcp: 3 })),
            ("RTP/AVP/TCP;unicast", Some(Transport::Tcp { rtp: 0, rtcp: 1 })),
            ("RTP/AVP;unicast;client_port=5000-5001", Some(Transport::Udp { rtp: 5000, rtcp: 5001 })),
            ("RTP/AVP/UDP;unicast;client_port=5000", Some(Transport::Udp { rtp: 5000, rtcp: 5001 })),
            (
                "RTP/AVP;multicast, RTP/AVP/TCP;unicast;interleaved=0-1",
                Some(Transport::Tcp { rtp: 0, rtcp: 1 }),
            ),
            ("RTP/AVP;multicast;client_port=1-2", None),
            ("RTP/AVP;unicast", None),
            ("RTP/AVP;unicast;client_port=0-1", None),
            ("RTP/AVP;unicast;client_port=65535", None),
            ("RTP/AVP/TCP;interleaved=256-257", None),
            ("RTP/SAVP;unicast;client_port=1-2", None),
            ("", None),
        ];
        for (header, expected) in cases {
            assert_eq!(choose_transport(header), expected, "{header}");
        }
    }

    #[test]
    fn an_answer_cannot_be_split_by_what_it_quotes() {
        let bytes = Response::new(Status::Ok, Some("1\r\nX: y")).to_bytes();
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "RTSP/1.0 200 OK\r\nCSeq: 1X: y\r\nServer: cunkou-sim\r\n\r\n"
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(data in proptest::collection::vec(any::<u8>(), 0..2000)) {
            if let Ok(Some((taken, _))) = parse(&data) {
                prop_assert!(taken > 0 && taken <= data.len());
            }
        }

        #[test]
        fn a_request_is_the_same_however_it_arrives(
            head in "[A-Z_]{1,12} [a-z/:]{1,20} RTSP/1\\.0\r\n(CSeq: [0-9]{1,4}\r\n)?([A-Za-z-]{1,9}: [ -~]{0,30}\r\n){0,4}\r\n",
            cut in any::<prop::sample::Index>(),
        ) {
            let whole = parse(head.as_bytes());
            let part = &head.as_bytes()[..cut.index(head.len())];
            prop_assert!(matches!(parse(part), Ok(None)), "{:?}", parse(part));
            if let Ok(Some((taken, _))) = whole {
                prop_assert_eq!(taken, head.len());
            }
        }

        #[test]
        fn any_transport_header_is_survived(header in "[ -~]{0,80}") {
            let _ = choose_transport(&header);
        }
    }
}
