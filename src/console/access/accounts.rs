//! Accounts: listed, made, changed, removed.
//!
//! Owns what is checked of what is sent, and that a change is written down before it is made.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{
    super::{
        answer::{Answer, Refusal, fresh},
        visitor::Visitor,
    },
    Access,
    data::{AccountChange, AccountData, NewAccount, Wanted},
};
use crate::{
    account::{Account, Change, NotChanged, Password, RegisterError, Scope, Standing},
    evidence::{Action, Actor},
    id::Login,
};

pub(super) async fn list(State(access): State<Arc<Access>>) -> Response {
    let accounts = access.register.accounts();
    fresh(accounts.iter().map(|account| AccountData::from(&**account)).collect::<Vec<_>>())
}

pub(super) async fn make(
    State(access): State<Arc<Access>>,
    visitor: Visitor,
    Json(NewAccount { login, password, wanted }): Json<NewAccount>,
) -> Answer<Response> {
    access.check(&wanted, None)?;
    let mut account = Account {
        password: access.hashed(password, &login).await?,
        login: login.clone(),
        name: String::new(),
        unit: String::new(),
        role: wanted.role,
        also: Default::default(),
        scope: None,
        standing: Standing::Enabled,
        language: None,
        made_at: access.clock.now().wall,
    };
    wanted.apply(&mut account);
    let what = json!({ "login": login, "role": account.role, "also": account.also, "scope": account.scope });
    let change = Change::Make(account);
    access.register.plan(&change).map_err(RegisterError::from)?;
    access.write_down(&by(&visitor), "an account is made", Action::AccountMade, what).await?;
    access.register.change(change).await?;
    access.forget_code();
    Ok((StatusCode::CREATED, fresh(access.told(&login)?)).into_response())
}

pub(super) async fn alter(
    State(access): State<Arc<Access>>,
    visitor: Visitor,
    Path(login): Path<String>,
    Json(AccountChange { password, wanted }): Json<AccountChange>,
) -> Answer<Response> {
    let before = access.known(&login)?;
    let login = &before.login;
    access.check(&wanted, before.scope.as_ref())?;
    let mut changed = wanted.differs(&before);
    let password = match password {
        None => None,
        Some(password) => {
            changed.push("password");
            Some(access.hashed(password, login).await?)
        }
    };
    let mut planned = Account::clone(&before);
    wanted.clone().apply(&mut planned);
    access.register.plan(&Change::Alter(planned, None)).map_err(RegisterError::from)?;
    let what = json!({
        "login": login, "changed": changed, "role": wanted.role, "also": wanted.also, "scope": wanted.scope,
        "disabled": wanted.disabled,
    });
    access.write_down(&by(&visitor), "an account is changed", Action::AccountChanged, what).await?;
    let own = visitor.as_person().filter(|person| person.account.login == *login).map(|it| it.session);
    let edit = |account: &mut Account| {
        wanted.apply(account);
        if let Some(password) = password {
            account.password = password;
        }
    };
    access.register.alter(login, own, edit).await?;
    Ok(fresh(access.told(login)?))
}

pub(super) async fn remove(
    State(access): State<Arc<Access>>,
    visitor: Visitor,
    Path(login): Path<String>,
) -> Answer<StatusCode> {
    let login = access.known(&login)?.login.clone();
    let change = Change::Remove(login.clone());
    access.register.plan(&change).map_err(RegisterError::from)?;
    let what = json!({ "login": login });
    access.write_down(&by(&visitor), "an account is removed", Action::AccountRemoved, what).await?;
    access.register.change(change).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who does it: a program of this machine says no name here.
fn by(visitor: &Visitor) -> Actor {
    visitor.as_person().map_or_else(Actor::daemon, |person| person.actor.clone())
}

impl Access {
    fn known(&self, login: &str) -> Answer<Arc<Account>> {
        let account = login.parse::<Login>().ok().and_then(|login| self.register.account(&login));
        account.ok_or_else(|| {
            Refusal(StatusCode::NOT_FOUND, format!("没有账号 {login} · there is no account {login}"))
        })
    }

    fn told(&self, login: &Login) -> Answer<AccountData> {
        let account = self.register.account(login);
        let account = account.ok_or_else(|| RegisterError::from(NotChanged::Unknown(login.clone())))?;
        Ok(AccountData::from(&*account))
    }

    async fn hashed(&self, password: Password, login: &Login) -> Answer<crate::account::PasswordHash> {
        password.check(login).map_err(|bad| Refusal(StatusCode::BAD_REQUEST, bad.to_string()))?;
        Ok(self.register.hasher().hash(password).await?)
    }

    /// Whether what is wanted makes sense: a name and a unit for the record, and places that there are. What was in a scope may stay.
    fn check(&self, wanted: &Wanted, before: Option<&Scope>) -> Answer<()> {
        let bad = |why: String| Refusal(StatusCode::BAD_REQUEST, why);
        Actor::new(&wanted.name, &wanted.unit).map_err(|why| bad(why.words().to_string()))?;
        let Some(scope) = &wanted.scope else { return Ok(()) };
        let config = &self.config;
        for village in &scope.villages {
            let was = before.is_some_and(|before| before.villages.contains(village));
            if !was && !config.villages.contains_key(village) {
                return Err(bad(format!("没有村 {village} · there is no village {village}")));
            }
        }
        for camera in &scope.cameras {
            let was = before.is_some_and(|before| before.cameras.contains(camera));
            if !was && !config.cameras.iter().any(|known| known.id == *camera) {
                return Err(bad(format!("没有摄像机 {camera} · there is no camera {camera}")));
            }
        }
        Ok(())
    }
}
