//! Streams, hosts, addresses and paths.
//!
//! What is wrong with a URL or a host is told without repeating it: somebody may have written a password into it.

use std::net::{IpAddr, SocketAddr};

use url::Url;

use super::{Wrong, wrong};
use crate::config::{
    problem::{nearest, shown},
    tree::Value,
};

pub(super) fn check_path(text: &str) -> Result<Value, Wrong> {
    if text.trim().is_empty() {
        wrong("is empty", "a path is expected", "write a path, or remove the key")
    } else if text.contains('\0') {
        wrong("contains a NUL character", "no path may", "remove it")
    } else if text.starts_with('~') {
        wrong("begins with ~", "only a shell knows whose home that is", "write the whole path")
    } else {
        Ok(Value::Path(text.into()))
    }
}

/// Where a web server is reached. Paths are put behind it.
pub(super) fn check_web(text: &str) -> Result<Url, Wrong> {
    let write = "write it like \"https://station.example\"";
    let Ok(url) = Url::parse(text) else {
        // What it is may hold a password, and is not repeated.
        return wrong("is no address", "expected is that of a web server", write);
    };
    if !matches!(url.scheme(), "http" | "https") {
        return wrong(
            "is no address of a web server",
            format!("its scheme is {}", shown(url.scheme())),
            write,
        );
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("contains a user name or password", "this file is no place for a secret", write);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong("has a query or a fragment", "paths are put behind it", write);
    }
    Ok(url)
}

/// A stream that a camera may have.
pub(super) fn check_stream(text: &str) -> Result<Url, Wrong> {
    const MOVE: &str = "move them to credentials = { user = \"…\", password_env = \"…\" }";
    // An @ hides what people take for the host, and is a user's name more often than not.
    let write = if text.contains('@') {
        "write rtsp://HOST:PORT/PATH, and user and password into credentials"
    } else {
        "write rtsp://HOST:PORT/PATH"
    };
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            return wrong("is no URL", "the scheme is missing", write);
        }
        Err(url::ParseError::EmptyHost) => return wrong("has no host", "nobody can be asked then", write),
        Err(url::ParseError::InvalidPort) => {
            return wrong("has a bad port", "a port is a number from 1 to 65535", write);
        }
        Err(error) => return wrong("is no URL", error.to_string(), write),
    };
    if url.scheme() != "rtsp" {
        let why = if nearest(url.scheme(), ["rtsp"]).is_some() {
            format!("its scheme is {}", shown(url.scheme()))
        } else {
            "cameras are read by RTSP alone".into()
        };
        return wrong("is no RTSP URL", why, write);
    }
    if url.host_str().is_none_or(str::is_empty) {
        return wrong("has no host", "nobody can be asked then", write);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("contains a user name or password", "this file is no place for a secret", MOVE);
    }
    let tail = format!("{}?{}", url.path(), url.query().unwrap_or_default()).to_lowercase();
    if ["password=", "passwd=", "pwd=", "pass="].iter().any(|word| tail.contains(word)) {
        return wrong("contains a password in its path", "URLs are logged and shown", MOVE);
    }
    if url.port() == Some(0) {
        return wrong("has port 0", "nobody listens there", "write the camera's port, mostly 554");
    }
    if url.fragment().is_some() {
        return wrong("contains a #", "a stream has no such part", "remove it, or write %23");
    }
    Ok(url)
}

/// A name or address of a machine.
pub(super) fn check_host(text: &str) -> Result<Value, Wrong> {
    if text.contains("//") || text.contains('@') || text.contains('/') {
        return wrong(
            "is no host",
            "a name or address alone is expected",
            "write host and port apart, without mqtt://",
        );
    }
    let literal = text.parse::<IpAddr>().is_ok();
    if !literal && text.contains(':') {
        return wrong(
            "contains a colon",
            "the port is a key of its own",
            "write host = \"HOST\" and port = PORT",
        );
    }
    match url::Host::parse(text) {
        _ if literal => Ok(Value::Text(text.to_owned())),
        Ok(_) => Ok(Value::Text(text.to_owned())),
        Err(error) => {
            wrong("is no host", error.to_string(), "write a name like \"broker.example\" or an IP address")
        }
    }
}

pub(super) fn check_listen(text: &str) -> Result<Value, Wrong> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok(Value::Listen(address));
    }
    let (why, mend) = if text.parse::<IpAddr>().is_ok() {
        ("the port is missing", format!("write \"{text}:PORT\""))
    } else if text.starts_with("localhost:") {
        (
            "an address is expected, not a name",
            format!("write \"{}\"", text.replace("localhost", "127.0.0.1")),
        )
    } else {
        ("an IP address and a port are expected", "write it like \"127.0.0.1:8080\"".to_owned())
    };
    wrong(format!("is {}", shown(text)), why, mend)
}
