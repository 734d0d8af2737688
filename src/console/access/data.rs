//! Sessions and accounts, as they are told and sent (`docs/ref/openapi.json`).
//!
//! Owns the spelling. A password is never told.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::super::visitor::Person;
use crate::{
    account::{Account, Language, Password, Permission, Role, Scope, Standing},
    config::{Name, Station},
    evidence::Purpose,
    id::{Login, StationId},
};

/// What a page has to know when it begins.
#[derive(Debug, Serialize)]
pub(super) struct SessionData {
    /// Whether nobody has an account yet.
    setup: bool,
    account: Option<SelfData>,
    purpose: Option<PurposeData>,
    station: StationData,
    time_zone: String,
}

#[derive(Debug, Serialize)]
struct StationData {
    id: StationId,
    name: Name,
}

/// Who asks, as he is told himself.
#[derive(Debug, Serialize)]
struct SelfData {
    login: Login,
    name: String,
    unit: String,
    role: Role,
    also: BTreeSet<Permission>,
    may: Vec<Permission>,
    scope: Option<Scope>,
    language: Option<Language>,
}

/// What recordings are looked at for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PurposeData {
    pub(super) purpose: String,
    pub(super) case: String,
}

impl From<&Purpose> for PurposeData {
    fn from(purpose: &Purpose) -> Self {
        Self { purpose: purpose.purpose().to_owned(), case: purpose.case().to_owned() }
    }
}

impl SessionData {
    pub(super) fn new(station: &Station, setup: bool, person: Option<&Person>) -> Self {
        let account = person.map(|person| {
            let Account { login, name, unit, role, also, scope, language, .. } = &*person.account;
            SelfData {
                login: login.clone(),
                name: name.clone(),
                unit: unit.clone(),
                role: *role,
                also: also.clone(),
                may: person.account.permissions().iter().collect(),
                scope: scope.clone(),
                language: *language,
            }
        });
        Self {
            setup,
            account,
            purpose: person.and_then(|person| person.purpose.as_ref()).map(PurposeData::from),
            station: StationData { id: station.id.clone(), name: station.name.clone() },
            time_zone: station.time_zone.iana_name().unwrap_or("UTC").to_owned(),
        }
    }
}

/// An account, as it is told to whoever makes them.
#[derive(Debug, Serialize)]
pub(super) struct AccountData {
    login: Login,
    name: String,
    unit: String,
    role: Role,
    also: BTreeSet<Permission>,
    may: Vec<Permission>,
    scope: Option<Scope>,
    disabled: bool,
    language: Option<Language>,
    made_at: String,
}

impl From<&Account> for AccountData {
    fn from(account: &Account) -> Self {
        let Account { login, name, unit, role, also, scope, standing, language, made_at, .. } = account;
        Self {
            login: login.clone(),
            name: name.clone(),
            unit: unit.clone(),
            role: *role,
            also: also.clone(),
            may: account.permissions().iter().collect(),
            scope: scope.clone(),
            disabled: *standing == Standing::Disabled,
            language: *language,
            made_at: made_at.to_string(),
        }
    }
}

/// An account that is to be made, as it is sent.
#[derive(Debug, Deserialize)]
pub(super) struct NewAccount {
    pub(super) login: Login,
    pub(super) password: Password,
    #[serde(flatten)]
    pub(super) wanted: Wanted,
}

/// An account as it is to be, as it is sent.
#[derive(Debug, Deserialize)]
pub(super) struct AccountChange {
    /// Absent: as it is.
    pub(super) password: Option<Password>,
    #[serde(flatten)]
    pub(super) wanted: Wanted,
}

/// What can be changed of an account. All of it has to be said: what was left out by mistake would be an account that sees everything.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) unit: String,
    pub(super) role: Role,
    pub(super) also: BTreeSet<Permission>,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(super) scope: Option<Scope>,
    #[serde(default)]
    pub(super) disabled: bool,
    #[serde(default)]
    pub(super) language: Option<Language>,
}

impl Wanted {
    pub(super) fn standing(&self) -> Standing {
        if self.disabled { Standing::Disabled } else { Standing::Enabled }
    }

    /// Makes an account so.
    pub(super) fn apply(self, account: &mut Account) {
        account.standing = self.standing();
        let Self { name, unit, role, also, scope, disabled: _, language } = self;
        (account.name, account.unit, account.role) = (name.trim().to_owned(), unit.trim().to_owned(), role);
        (account.also, account.scope, account.language) = (also, scope, language);
    }

    /// The names of what differs from an account, for the record.
    pub(super) fn differs(&self, account: &Account) -> Vec<&'static str> {
        [
            ("name", self.name.trim() != account.name),
            ("unit", self.unit.trim() != account.unit),
            ("role", self.role != account.role),
            ("also", self.also != account.also),
            ("scope", self.scope != account.scope),
            ("disabled", self.standing() != account.standing),
            ("language", self.language != account.language),
        ]
        .into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect()
    }
}

/// Somebody who signs in, as it is sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    pub(super) login: String,
    pub(super) password: Password,
}

/// A new password of one's own, as it is sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPassword {
    pub(super) old: Password,
    pub(super) new: Password,
}

/// The language that one reads, as it is sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LanguageData {
    #[serde(deserialize_with = "Option::deserialize")]
    pub(super) language: Option<Language>,
}

/// The first account, as it is sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FirstData {
    pub(super) code: String,
    pub(super) login: Login,
    pub(super) name: String,
    pub(super) unit: String,
    pub(super) password: Password,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_left_out_of_an_account_is_no_account_that_sees_everything() {
        let whole = json!({
            "login": "li", "name": "Li", "unit": "patrol", "role": "operator", "also": [], "scope": null,
            "password": "correct horse battery",
        });
        assert!(serde_json::from_value::<NewAccount>(whole.clone()).is_ok());
        for name in ["login", "name", "unit", "role", "also", "scope", "password"] {
            let mut part = whole.clone();
            part.as_object_mut().expect("an object").remove(name);
            let error = serde_json::from_value::<NewAccount>(part).expect_err(name).to_string();
            assert!(error.contains(name), "{error}");
        }
        for (pointer, bad) in [
            ("/scope", json!({ "village": ["a"] })),
            ("/also", json!(["everything"])),
            ("/role", json!("boss")),
            ("/login", json!("Li Wei")),
        ] {
            let mut value = whole.clone();
            *value.pointer_mut(pointer).expect("there") = bad;
            assert!(serde_json::from_value::<NewAccount>(value).is_err(), "{pointer}");
        }
        let text = format!("{:?}", serde_json::from_value::<NewAccount>(whole).expect("whole"));
        assert!(!text.contains("correct horse"), "{text}");
    }
}
