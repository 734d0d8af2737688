//! The first account: made with a code that whoever starts the daemon is told.
//!
//! Owns that it is made once. There is no default password, and no race for an open page.

use std::sync::{Arc, PoisonError};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde_json::json;

use super::{
    super::answer::{Answer, Refusal},
    Access,
    data::FirstData,
    too_soon,
};
use crate::{
    account::{Account, Role, Standing},
    evidence::{Action, Actor},
};

/// Whether there is an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum First {
    /// The first one is still to be made.
    Wanted,
    /// There is one.
    Made,
}

pub(super) async fn make_first(
    State(access): State<Arc<Access>>,
    headers: HeaderMap,
    Json(wanted): Json<FirstData>,
) -> Answer<Response> {
    let made = || Refusal(StatusCode::CONFLICT, "已有账号，请登录 · there is an account: sign in".to_owned());
    if access.first() == First::Made {
        return Err(made());
    }
    if let Err(wait) = access.doors.knock_with_code(access.clock.now().mono) {
        return Ok(too_soon(wait));
    }
    let FirstData { code, login, name, unit, password } = wanted;
    if !access.is_code(&code) {
        let words =
            "安装码不对 · wrong code: it stands in the daemon's log, and in access/setup-code of its data";
        return Err(Refusal(StatusCode::FORBIDDEN, words.to_owned()));
    }
    access.doors.code_was_right();
    let bad = |why: String| Refusal(StatusCode::BAD_REQUEST, why);
    password.check(&login).map_err(|why| bad(why.to_string()))?;
    let actor = Actor::new(&name, &unit).map_err(|why| bad(why.words().to_string()))?;
    let password = access.register.hasher().hash(password).await?;
    let account = Account {
        login: login.clone(),
        name: actor.who().to_owned(),
        unit: actor.unit().to_owned(),
        role: Role::Administrator,
        also: Default::default(),
        scope: None,
        password,
        standing: Standing::Enabled,
        language: None,
        made_at: access.clock.now().wall,
    };
    let what = json!({ "login": login, "role": Role::Administrator, "first": true });
    access.write_down(&actor, "the first account", Action::AccountMade, what).await?;
    access.register.make_first(account).await.map_err(|error| match access.first() {
        First::Made => made(),
        First::Wanted => error.into(),
    })?;
    access.forget_code();
    access.let_in(&login, &headers, StatusCode::CREATED).await
}

impl Access {
    /// Whether there is an account.
    pub fn first(&self) -> First {
        if self.register.is_empty() { First::Wanted } else { First::Made }
    }

    fn is_code(&self, text: &str) -> bool {
        let setup = self.setup.lock().unwrap_or_else(PoisonError::into_inner);
        setup.as_ref().is_some_and(|code| code.is(text))
    }

    /// There is an account: the code is good for nothing any more.
    pub(super) fn forget_code(&self) {
        let code = self.setup.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(code) = code {
            code.used();
        }
    }
}
