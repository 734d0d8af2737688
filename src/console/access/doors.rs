//! Where somebody asks from, and whether he has to wait before he tries again.
//!
//! Owns which failures are counted together: those of a login, those of an address, those of the code for the first account. How long a wait is belongs to
//! [`Waits`].

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::http::HeaderMap;

use crate::{account::Waits, id::Login, time::Mono};

/// Failures that cost nothing: of a login, of an address, of the code.
const FREE: (u32, u32, u32) = (5, 30, 5);

/// Who has failed lately.
#[derive(Debug)]
pub(super) struct Doors(Mutex<Counted>);

#[derive(Debug)]
struct Counted {
    logins: Waits<Login>,
    addresses: Waits<IpAddr>,
    code: Waits<()>,
}

/// A try that counts as a failure unless it is said otherwise.
#[derive(Debug)]
pub(super) struct Try {
    login: Option<Login>,
    address: IpAddr,
}

impl Default for Doors {
    fn default() -> Self {
        let (login, address, code) = FREE;
        let (logins, addresses, code) = (Waits::new(login), Waits::new(address), Waits::new(code));
        Self(Mutex::new(Counted { logins, addresses, code }))
    }
}

impl Doors {
    /// Somebody tries to sign in; or has to wait for so long.
    pub(super) fn knock(&self, login: Option<Login>, address: IpAddr, now: Mono) -> Result<Try, Duration> {
        let mut counted = self.counted();
        let of_login = login.as_ref().and_then(|login| counted.logins.wait(login, now));
        if let Some(wait) = of_login.max(counted.addresses.wait(&address, now)) {
            return Err(wait);
        }
        if let Some(login) = &login {
            counted.logins.tried(login.clone(), now);
        }
        counted.addresses.tried(address, now);
        Ok(Try { login, address })
    }

    /// It was the right password: nothing is held against the login; of the address this try alone is taken back.
    pub(super) fn opened(&self, tried: &Try) {
        let mut counted = self.counted();
        if let Some(login) = &tried.login {
            counted.logins.succeeded(login);
        }
        counted.addresses.forgive(&tried.address);
    }

    /// It was not judged at all.
    pub(super) fn unjudged(&self, tried: &Try) {
        let mut counted = self.counted();
        if let Some(login) = &tried.login {
            counted.logins.forgive(login);
        }
        counted.addresses.forgive(&tried.address);
    }

    /// Somebody tries the code for the first account; or has to wait for so long.
    pub(super) fn knock_with_code(&self, now: Mono) -> Result<(), Duration> {
        let mut counted = self.counted();
        match counted.code.wait(&(), now) {
            Some(wait) => Err(wait),
            None => {
                counted.code.tried((), now);
                Ok(())
            }
        }
    }

    /// It was the right one.
    pub(super) fn code_was_right(&self) {
        self.counted().code.succeeded(&());
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where somebody asks from: what is before us on this machine says it, last in its list. Networks of IPv6 have as many addresses as they like, and are one.
pub(super) fn address_of(peer: SocketAddr, headers: &HeaderMap) -> IpAddr {
    let forwarded = headers.get_all("x-forwarded-for").iter().next_back().and_then(|it| it.to_str().ok());
    let said = forwarded.and_then(|list| list.rsplit(',').next()?.trim().parse::<IpAddr>().ok());
    let address = said.filter(|_| peer.ip().to_canonical().is_loopback()).unwrap_or(peer.ip());
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let bits = u128::from(address) & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from(bits))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: u64) -> Mono {
        Mono::from_start(Duration::from_secs(s))
    }

    fn login(text: &str) -> Option<Login> {
        Some(text.parse().expect("a login"))
    }

    #[test]
    fn a_login_and_an_address_wait_by_themselves() {
        let doors = Doors::default();
        let (here, there) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        for _ in 0..5 {
            doors.knock(login("li"), here, at(0)).expect("free");
        }
        assert_eq!(doors.knock(login("li"), there, at(0)).expect_err("it waits"), Duration::from_secs(30));
        doors.knock(login("wu"), here, at(0)).expect("another login");
        for n in 6..30 {
            doors.knock(login(&format!("x{n}")), here, at(0)).expect("free");
        }
        assert!(doors.knock(None, here, at(0)).is_err(), "the address waits");
        assert!(doors.knock(login("wu"), there, at(0)).is_ok());
        assert!(doors.knock(login("li"), there, at(30)).is_ok());
    }

    #[test]
    fn an_account_of_ones_own_makes_no_address_good() {
        let doors = Doors::default();
        let here = IpAddr::from([10, 0, 0, 1]);
        let mut tried = 0;
        while let Ok(guess) = doors.knock(login(&format!("x{tried}")), here, at(0)) {
            tried += 1;
            assert!(guess.login.is_some() && tried < 100);
            if let Ok(own) = doors.knock(login("own"), here, at(0)) {
                doors.opened(&own);
            }
        }
        assert_eq!(tried, 30);
    }

    #[test]
    fn what_was_not_judged_is_no_failure() {
        let doors = Doors::default();
        for _ in 0..100 {
            let tried = doors.knock(login("li"), IpAddr::from([10, 0, 0, 1]), at(0)).expect("never waits");
            doors.unjudged(&tried);
        }
        for _ in 0..5 {
            doors.knock_with_code(at(0)).expect("free");
        }
        assert!(doors.knock_with_code(at(0)).is_err());
        doors.code_was_right();
        assert!(doors.knock_with_code(at(0)).is_ok());
    }

    #[test]
    fn where_somebody_asks_from_is_said_by_what_is_before_us_alone() {
        let of = |peer: &str, forwarded: &[&str]| {
            let mut headers = HeaderMap::new();
            for it in forwarded {
                headers.append("x-forwarded-for", it.parse().expect("a value"));
            }
            address_of(peer.parse().expect("an address"), &headers).to_string()
        };
        for (peer, forwarded, expected) in [
            ("10.0.0.9:1", &[][..], "10.0.0.9"),
            ("10.0.0.9:1", &["1.2.3.4"], "10.0.0.9"),
            ("127.0.0.1:1", &["6.6.6.6, 1.2.3.4"], "1.2.3.4"),
            ("127.0.0.1:1", &["6.6.6.6", "1.2.3.4"], "1.2.3.4"),
            ("[::1]:1", &["nonsense"], "::"),
            ("127.0.0.1:1", &["::ffff:1.2.3.4"], "1.2.3.4"),
            ("[2001:db8:1:2:3:4:5:6]:1", &[], "2001:db8:1:2::"),
        ] {
            assert_eq!(of(peer, forwarded), expected, "{peer} {forwarded:?}");
        }
    }
}
