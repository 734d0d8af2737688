//! HTTP/1.1 as a browser speaks it, over a plain socket. Who asks has the daemon's local token, unless it is said otherwise.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Instant,
};

use serde_json::Value;

use crate::{DEADLINE, program::token};

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// As they came, a line each.
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("it is text")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{}: {error}", self.text()))
    }
}

/// Asks for a path, exactly as it is written.
pub(crate) fn get(address: SocketAddr, path: &str) -> Answer {
    answer(ask(address, path, "close"), path)
}

/// Asks for a range of it, as a player does.
pub(crate) fn get_range(address: SocketAddr, path: &str, range: &str) -> Answer {
    answer(ask(address, path, &format!("close\r\nRange: {range}")), path)
}

/// The same of whoever may be killed meanwhile: `None` where it has not answered in full.
pub(crate) fn try_get(address: SocketAddr, path: &str) -> Option<Answer> {
    let mut bytes = Vec::new();
    let mut socket = try_ask(address, path, "close").ok()?;
    socket.read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
    let (headers, _) = text.split_once("\r\n\r\n")?;
    let len =
        headers.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse::<usize>().ok()?;
    let answer = read(bytes, path);
    (answer.body.len() == len).then_some(answer)
}

/// Sends something to a path.
pub(crate) fn post(address: SocketAddr, path: &str, media: &str, body: &Value) -> Answer {
    send("POST", address, path, media, body)
}

/// Puts JSON in a path's place.
pub(crate) fn put(address: SocketAddr, path: &str, body: &Value) -> Answer {
    send("PUT", address, path, "application/json", body)
}

fn send(method: &str, address: SocketAddr, path: &str, media: &str, body: &Value) -> Answer {
    let mut socket = TcpStream::connect(address).expect("it listens");
    socket.set_read_timeout(Some(DEADLINE)).expect("a socket has timeouts");
    let body = body.to_string();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{}Content-Type: {media}\r\nContent-Length: {}\r\n\r\n{body}",
        bearer(address),
        body.len()
    );
    socket.write_all(request.as_bytes()).expect("it takes a request");
    answer(socket, path)
}

/// Asks as somebody in particular: with these headers, a line each, and nothing else that says who it is.
pub(crate) fn ask_as(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[&str],
    body: Option<&Value>,
) -> Answer {
    let mut socket = TcpStream::connect(address).expect("it listens");
    socket.set_read_timeout(Some(DEADLINE)).expect("a socket has timeouts");
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    let body = body.map(Value::to_string);
    if let Some(body) = &body {
        request += &format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    }
    headers.iter().for_each(|line| request += &format!("{line}\r\n"));
    request += &format!("\r\n{}", body.unwrap_or_default());
    socket.write_all(request.as_bytes()).expect("it takes a request");
    answer(socket, path)
}

/// The header with the daemon's local token.
pub(crate) fn bearer(address: SocketAddr) -> String {
    format!("Authorization: Bearer {}\r\n", token(address).1)
}

fn answer(mut socket: TcpStream, path: &str) -> Answer {
    let mut bytes = Vec::new();
    socket.read_to_end(&mut bytes).expect("it answers and closes");
    read(bytes, path)
}

fn read(bytes: Vec<u8>, path: &str) -> Answer {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("headers have an end");
    let headers = String::from_utf8(bytes[..end].to_vec()).expect("headers are text");
    let status = headers.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    assert!(!headers.to_ascii_lowercase().contains("transfer-encoding"), "{path}: a plain body: {headers}");
    Answer { status, headers, body: bytes[end + 4..].to_vec() }
}

/// Server-sent events.
pub(crate) struct Events {
    lines: BufReader<TcpStream>,
}

impl Events {
    /// Listens to a path.
    pub(crate) fn listen(address: SocketAddr, path: &str) -> Self {
        Self::begin(ask(address, path, "keep-alive"))
    }

    /// Listens as somebody in particular: with this header.
    pub(crate) fn listen_as(address: SocketAddr, path: &str, header: &str) -> Self {
        let mut socket = TcpStream::connect(address).expect("it listens");
        socket.set_read_timeout(Some(DEADLINE)).expect("a socket has timeouts");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{header}\r\n\r\n");
        socket.write_all(request.as_bytes()).expect("it takes a request");
        Self::begin(socket)
    }

    fn begin(socket: TcpStream) -> Self {
        let mut events = Self { lines: BufReader::new(socket) };
        let status = events.line();
        assert!(status.contains(" 200 "), "{status}");
        let mut header = status;
        let mut content_type = None;
        while !header.is_empty() {
            header = events.line().to_ascii_lowercase();
            content_type = header.strip_prefix("content-type: ").map(str::to_owned).or(content_type);
        }
        assert_eq!(content_type.as_deref(), Some("text/event-stream"));
        events
    }

    /// The data of the next event of this name.
    pub(crate) fn next(&mut self, name: &str) -> Value {
        let (wanted, began) = (format!("event: {name}"), Instant::now());
        // Comments come for ever: silence alone is no deadline.
        while self.line() != wanted {
            assert!(began.elapsed() < DEADLINE, "waited {DEADLINE:?} in vain for: {wanted}");
        }
        let line = self.line();
        let data = line.strip_prefix("data: ").expect("an event has data");
        serde_json::from_str(data).expect("its data is JSON")
    }

    /// The next line; the sizes of chunks are lines of their own, which look like nothing that is waited for.
    fn line(&mut self) -> String {
        let mut line = String::new();
        let length = self.lines.read_line(&mut line).expect("it goes on within the deadline");
        assert!(length > 0, "it goes on until we leave");
        line.trim_end().to_owned()
    }
}

fn ask(address: SocketAddr, path: &str, connection: &str) -> TcpStream {
    try_ask(address, path, connection).expect("it listens, and takes a request")
}

fn try_ask(address: SocketAddr, path: &str, connection: &str) -> io::Result<TcpStream> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(DEADLINE))?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\n{}Connection: {connection}\r\n\r\n",
        bearer(address)
    );
    socket.write_all(request.as_bytes())?;
    Ok(socket)
}
