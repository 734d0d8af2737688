//! Signing in and out, and what a session is for.
//!
//! Owns the cookie, and what is written down of those who sign in. Who signs in has to reach his alerts: where the audit log cannot be written, that is told
//! and he goes on; no recording is shown to anybody then.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Json,
    extract::{ConnectInfo, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{
    super::{
        answer::{Answer, Refusal, fresh},
        visitor::{Person, Visitor},
    },
    Access, COOKIE,
    data::{LanguageData, NewPassword, PurposeData, SessionData, SignIn},
    doors::address_of,
    too_soon,
};
use crate::{
    account::{LASTS_MAX, RegisterError, Standing, Token, Verdict},
    evidence::{Action, Actor, Purpose},
    id::Login,
};

const NOBODY: &str = "登录名或密码不对 · wrong login or password";
const NO_PERSON: &str = "a program has no session: it names who, unit, purpose and case with each question";

pub(super) async fn show(State(access): State<Arc<Access>>, headers: HeaderMap) -> Response {
    let visitor = access.visitor(&headers);
    fresh(access.session(visitor.as_ref().and_then(Visitor::as_person)))
}

pub(super) async fn sign_in(
    State(access): State<Arc<Access>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Json(SignIn { login, password }): Json<SignIn>,
) -> Answer<Response> {
    let address = address_of(peer, &headers);
    let login: Option<Login> = login.trim().to_lowercase().parse().ok();
    let tried = match access.doors.knock(login.clone(), address, access.clock.now().mono) {
        Ok(tried) => tried,
        Err(wait) => return Ok(too_soon(wait)),
    };
    let account = login.as_ref().and_then(|login| access.register.account(login));
    let hash = account.as_ref().map(|account| account.password.clone());
    let verdict = access.register.hasher().verify(password, hash).await;
    let verdict = verdict.inspect_err(|_| access.doors.unjudged(&tried))?;
    // As it is now: a password that was changed meanwhile, or an account that was disabled, opens nothing.
    let account = account.filter(|it| {
        verdict == Verdict::Right
            && it.standing == Standing::Enabled
            && access.register.account(&it.login).is_some_and(|now| now == *it)
    });
    let Some(account) = account else {
        let what = json!({ "login": login, "address": address });
        let purpose = "somebody failed to sign in";
        let _ = access.write_down(&Actor::daemon(), purpose, Action::SignInFailed, what).await;
        return Err(Refusal(StatusCode::UNAUTHORIZED, NOBODY.to_owned()));
    };
    access.doors.opened(&tried);
    let what = json!({ "login": account.login, "address": address });
    let _ = access.write_down(&account.actor()?, "signing in", Action::SignedIn, what).await;
    access.let_in(&account.login, &headers, StatusCode::OK).await
}

pub(super) async fn sign_out(State(access): State<Arc<Access>>, visitor: Visitor) -> Answer<Response> {
    let person = person(&visitor)?;
    access.register.end(person.session).await;
    let what = json!({ "login": person.account.login });
    let _ = access.write_down(&person.actor, "signing out", Action::SignedOut, what).await;
    let cookie = format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    let cookie = [(header::SET_COOKIE, cookie), (header::CACHE_CONTROL, "no-store".to_owned())];
    Ok((StatusCode::NO_CONTENT, cookie).into_response())
}

pub(super) async fn set_purpose(
    State(access): State<Arc<Access>>,
    visitor: Visitor,
    Json(wanted): Json<PurposeData>,
) -> Answer<Response> {
    let person = person(&visitor)?;
    let purpose = Purpose::new(&wanted.purpose, &wanted.case)
        .map_err(|refusal| Refusal(StatusCode::BAD_REQUEST, refusal.words().to_string()))?;
    access.register.set_purpose(person.session, Some(&purpose)).await;
    Ok(fresh(access.session(Some(&Person { purpose: Some(purpose), ..person.clone() }))))
}

pub(super) async fn clear_purpose(State(access): State<Arc<Access>>, visitor: Visitor) -> Answer<StatusCode> {
    access.register.set_purpose(person(&visitor)?.session, None).await;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn set_password(
    State(access): State<Arc<Access>>,
    visitor: Visitor,
    Json(NewPassword { old, new }): Json<NewPassword>,
) -> Answer<Response> {
    let person = person(&visitor)?;
    let login = &person.account.login;
    new.check(login).map_err(|bad| Refusal(StatusCode::BAD_REQUEST, bad.to_string()))?;
    // Somebody who finds a page open guesses no more often than at the door.
    let now = access.clock.now().mono;
    let unspecified = std::net::Ipv4Addr::UNSPECIFIED.into();
    let tried = match access.doors.knock(Some(login.clone()), unspecified, now) {
        Ok(tried) => tried,
        Err(wait) => return Ok(too_soon(wait)),
    };
    let hasher = access.register.hasher();
    let verdict = hasher.verify(old, Some(person.account.password.clone())).await;
    if verdict.inspect_err(|_| access.doors.unjudged(&tried))? == Verdict::Wrong {
        return Err(Refusal(StatusCode::FORBIDDEN, "原密码不对 · the old password is wrong".to_owned()));
    }
    access.doors.opened(&tried);
    let hash = hasher.hash(new).await?;
    let what = json!({ "login": login, "changed": ["password"] });
    access.write_down(&person.actor, "a new password of one's own", Action::AccountChanged, what).await?;
    access.register.alter(login, Some(person.session), |account| account.password = hash).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) async fn set_language(
    State(access): State<Arc<Access>>,
    visitor: Visitor,
    Json(LanguageData { language }): Json<LanguageData>,
) -> Answer<Response> {
    let person = person(&visitor)?;
    let alter = access.register.alter(&person.account.login, None, |account| account.language = language);
    alter.await?;
    let account = access.register.account(&person.account.login);
    let account = account.unwrap_or_else(|| Arc::clone(&person.account));
    Ok(fresh(access.session(Some(&Person { account, ..person.clone() }))))
}

fn person(visitor: &Visitor) -> Answer<&Person> {
    visitor.as_person().ok_or_else(|| Refusal(StatusCode::FORBIDDEN, NO_PERSON.to_owned()))
}

impl Access {
    pub(super) fn session(&self, person: Option<&Person>) -> SessionData {
        SessionData::new(&self.config.station, !self.is_set_up(), person)
    }

    /// A session for somebody who has shown that he is who he says, as his page is told.
    pub(super) async fn let_in(
        &self,
        login: &Login,
        headers: &HeaderMap,
        status: StatusCode,
    ) -> Answer<Response> {
        let token = self.register.begin(login.clone(), self.clock.now().wall).await?;
        let gone = || RegisterError::NotKept("the account is gone".to_owned());
        let visitor = self.of_session(token.hash()).ok_or_else(gone)?;
        let mut response = fresh(self.session(visitor.as_person()));
        *response.status_mut() = status;
        let secure = if self.is_secure(headers) { "; Secure" } else { "" };
        let lasts = LASTS_MAX.as_secs();
        let cookie = format!(
            "{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age={lasts}{secure}",
            *token.spell()
        );
        let mut cookie = HeaderValue::try_from(cookie).expect("letters and digits");
        cookie.set_sensitive(true);
        response.headers_mut().insert(header::SET_COOKIE, cookie);
        Ok(response)
    }

    /// Whether the page came over TLS: under the station's own address, or as what is before us says. Over plain HTTP a browser would not keep a cookie for TLS
    /// alone, and nobody could sign in on the machine itself.
    fn is_secure(&self, headers: &HeaderMap) -> bool {
        let Some(address) = self.config.console.address.as_ref().filter(|it| it.scheme() == "https") else {
            return false;
        };
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let host = text(header::HOST).map(|host| host.split(':').next().unwrap_or_default());
        let is_under_its_name = host.is_some() && host == address.host_str();
        let forwarded = headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok());
        is_under_its_name || forwarded.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
    }
}

/// The session's token, as a browser sends it.
pub(super) fn cookie(headers: &HeaderMap) -> Option<Token> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(name, value)| (name == COOKIE).then(|| Token::read(value)).flatten())
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::SmallRng};

    use super::*;

    #[test]
    fn the_cookie_is_found_among_others() {
        let token = Token::draw(&mut SmallRng::seed_from_u64(1));
        let spelt = token.spell();
        let found = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::COOKIE, line.parse().expect("a value"));
            }
            cookie(&headers).map(|token| token.hash())
        };
        let own = format!("{COOKIE}={}", *spelt);
        for lines in [
            &[own.as_str()][..],
            &[&format!("a=b; {own}; c=d")],
            &["a=b", &own],
            &[&format!("{COOKIE}=nonsense; {own}")],
        ] {
            assert_eq!(found(lines), Some(token.hash()), "{lines:?}");
        }
        for lines in [&[][..], &["a=b"], &[&format!("x{own}")], &[&format!("{COOKIE}=")], &[";;=;"]] {
            assert_eq!(found(lines), None, "{lines:?}");
        }
    }
}
