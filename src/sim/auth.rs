//! Who may watch: basic (RFC 7617) and digest (RFC 2617, MD5, with and without `qop=auth`) as cameras do them.
//!
//! Pure: the nonce is handed in. These are simulated cameras; nothing here protects anything real.

use base64::{Engine, prelude::BASE64_STANDARD};
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::rtsp::Request;

/// The realm that simulated cameras name.
pub const REALM: &str = "cunkou-sim";

/// How a camera wants to be told who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// Digest, what cameras do.
    #[default]
    Digest,
    /// Basic: the password travels as it is.
    Basic,
}

/// User and password of a simulated camera. They guard nothing, and are shown in its URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// User name.
    pub user: String,
    /// Password.
    pub password: String,
    /// How it is asked for.
    #[serde(default)]
    pub scheme: Scheme,
}

impl Login {
    /// The value of `WWW-Authenticate`.
    pub fn challenge(&self, nonce: &str) -> String {
        match self.scheme {
            Scheme::Digest => format!("Digest realm=\"{REALM}\", nonce=\"{nonce}\", algorithm=MD5"),
            Scheme::Basic => format!("Basic realm=\"{REALM}\""),
        }
    }

    /// Whether a request carries the right credentials.
    pub fn admits(&self, request: &Request, nonce: &str) -> bool {
        let Some((scheme, rest)) = request.header("authorization").and_then(|a| a.split_once(' ')) else {
            return false;
        };
        match self.scheme {
            Scheme::Basic => {
                scheme.eq_ignore_ascii_case("basic")
                    && BASE64_STANDARD
                        .decode(rest.trim())
                        .is_ok_and(|text| text == format!("{}:{}", self.user, self.password).into_bytes())
            }
            Scheme::Digest => {
                scheme.eq_ignore_ascii_case("digest")
                    && self.digest_matches(&request.method_name, &parameters(rest), nonce)
            }
        }
    }

    fn digest_matches(&self, method: &str, given: &[(&str, &str)], nonce: &str) -> bool {
        let get = |name: &str| given.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| *v);
        let (Some(uri), Some(response)) = (get("uri"), get("response")) else { return false };
        if get("username") != Some(&self.user) || get("nonce") != Some(nonce) || get("realm") != Some(REALM) {
            return false;
        }
        let secret = md5(&[&self.user, REALM, &self.password]);
        let action = md5(&[method, uri]);
        let expected = match (get("qop"), get("nc"), get("cnonce")) {
            (None, ..) => md5(&[&secret, nonce, &action]),
            (Some(qop), Some(count), Some(client)) => md5(&[&secret, nonce, count, client, qop, &action]),
            _ => return false,
        };
        expected.eq_ignore_ascii_case(response)
    }
}

fn md5(parts: &[&str]) -> String {
    let digest = Md5::digest(parts.join(":").as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `name=value` and `name="value"`, separated by commas. A comma within quotes does not separate.
fn parameters(text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_at(after.find(',').unwrap_or(after.len())),
        };
        found.push((name.trim(), value.trim()));
        rest = next.trim_start().trim_start_matches(',');
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::rtsp::{Incoming, parse};

    fn describe(authorization: &str) -> Request {
        let text =
            format!("DESCRIBE rtsp://h/a RTSP/1.0\r\nCSeq: 2\r\nAuthorization: {authorization}\r\n\r\n");
        match parse(text.as_bytes()) {
            Ok(Some((_, Incoming::Request(request)))) => request,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn digest_of_known_values() {
        // Computed with md5sum: HA1 = md5(u:cunkou-sim:p), HA2 = md5(DESCRIBE:rtsp://h/a).
        let login = Login { user: "u".into(), password: "p".into(), scheme: Scheme::Digest };
        let plain = "Digest username=\"u\", realm=\"cunkou-sim\", nonce=\"n\", uri=\"rtsp://h/a\", response=\"6c6790cb53ebb27d5a5518a3c4c9b5e1\"";
        let qop = "Digest username=\"u\", realm=\"cunkou-sim\", nonce=\"n\", uri=\"rtsp://h/a\", qop=auth, nc=00000001, \
                   cnonce=\"c\", response=\"1e401418ccc3f44ba39ef540f0482946\"";
        for good in [plain, qop] {
            assert!(login.admits(&describe(good), "n"), "{good}");
            assert!(!login.admits(&describe(good), "other"));
            assert!(!Login { password: "q".into(), ..login.clone() }.admits(&describe(good), "n"));
        }
        for bad in ["", "Digest", "Digest username=", "Digest =\"", "Basic dTpw", "Digest a=b,,=,\"\""] {
            assert!(!login.admits(&describe(bad), "n"), "{bad}");
        }
    }

    #[test]
    fn basic_of_known_values() {
        let login = Login { user: "u".into(), password: "p".into(), scheme: Scheme::Basic };
        assert!(login.admits(&describe("Basic dTpw"), ""));
        assert!(!login.admits(&describe("Basic dTpx"), ""));
        assert!(!login.admits(&describe("Basic ?"), ""));
    }
}
