//! An account, and how accounts and sessions lie in the ledger.
//!
//! Pure. Owns the keys and values of [`Space::Accounts`]:
//!
//! | key | value |
//! |---|---|
//! | `a/{login}` | [`Account`], JSON |
//! | `s/{SHA-256 of the token, 32 bytes}` | [`Session`], JSON |
//!
//! Reading never panics, whatever the bytes.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{PasswordHash, Permission, Permissions, Role, Scope, Session, TokenHash};
use crate::{
    evidence::{Actor, Refusal},
    id::Login,
    store::{Space, Write},
    time::Wall,
};

/// An account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// Its key.
    pub login: Login,
    /// For the record: a person's name.
    pub name: String,
    /// For the record: of which unit.
    pub unit: String,
    /// What he is.
    pub role: Role,
    /// What he may do beside that.
    #[serde(default)]
    pub also: BTreeSet<Permission>,
    /// Which cameras there are for him; `None`: all.
    #[serde(default)]
    pub scope: Option<Scope>,
    /// What is kept of his password.
    pub password: PasswordHash,
    /// Whether he may sign in.
    pub standing: Standing,
    /// In which language he reads; `None`: as his browser asks.
    #[serde(default)]
    pub language: Option<Language>,
    /// When it was made.
    pub made_at: Wall,
}

/// Whether somebody may sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// He may.
    Enabled,
    /// He may not, for the time being.
    Disabled,
}

/// A language of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Language {
    /// Chinese.
    Zh,
    /// English.
    En,
}

impl Account {
    /// What he may do.
    pub fn permissions(&self) -> Permissions {
        self.role.permissions().and(self.also.iter().copied().collect())
    }

    /// As he stands in the record of what he does.
    ///
    /// # Errors
    /// Name or unit say nothing.
    pub fn actor(&self) -> Result<Actor, Refusal> {
        Actor::new(&self.name, &self.unit)
    }

    /// Whether the station can be run with it alone: it may sign in, and is an administrator's.
    pub fn is_administrator(&self) -> bool {
        self.role == Role::Administrator && self.standing == Standing::Enabled
    }
}

const ACCOUNT: &[u8] = b"a/";
const SESSION: &[u8] = b"s/";

/// The first key of all that lies here, and the first behind it.
pub(super) fn range() -> (Vec<u8>, Vec<u8>) {
    (Space::Accounts.from(), Space::Accounts.to())
}

/// What lies in the ledger.
#[derive(Debug, PartialEq)]
pub(super) enum Kept {
    Account(Box<Account>),
    Session(TokenHash, Session),
}

/// Reads a key and its value; `None` where they are neither an account nor a session of this version.
pub(super) fn read(key: &[u8], value: &[u8]) -> Option<Kept> {
    let rest = key.strip_prefix(&Space::Accounts.from()[..])?;
    if let Some(login) = rest.strip_prefix(ACCOUNT) {
        let account: Account = serde_json::from_slice(value).ok()?;
        return (account.login.as_str().as_bytes() == login).then(|| Kept::Account(account.into()));
    }
    let hash: [u8; 32] = rest.strip_prefix(SESSION)?.try_into().ok()?;
    Some(Kept::Session(TokenHash(hash), serde_json::from_slice(value).ok()?))
}

pub(super) fn put(account: &Account) -> Write {
    Write::Put(account_key(&account.login), json(account))
}

pub(super) fn remove(login: &Login) -> Write {
    Write::Delete(account_key(login))
}

pub(super) fn put_session(hash: TokenHash, session: &Session) -> Write {
    Write::Put(session_key(hash), json(session))
}

pub(super) fn remove_session(hash: TokenHash) -> Write {
    Write::Delete(session_key(hash))
}

fn account_key(login: &Login) -> Vec<u8> {
    Space::Accounts.key(&[ACCOUNT, login.as_str().as_bytes()].concat())
}

fn session_key(hash: TokenHash) -> Vec<u8> {
    Space::Accounts.key(&[SESSION, &hash.0].concat())
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("texts, numbers and lists are always JSON")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::tests::account, *};

    fn key_and_value(write: Write) -> (Vec<u8>, Vec<u8>) {
        match write {
            Write::Put(key, value) => (key, value),
            Write::Delete(key) => (key, Vec::new()),
        }
    }

    #[test]
    fn what_is_kept_is_read_as_it_was() {
        let mut account = account("li", Role::Operator);
        account.also.insert(Permission::Configure);
        account.scope =
            Some(Scope { villages: ["upper".parse().expect("an id")].into(), ..Scope::default() });
        let (key, value) = key_and_value(put(&account));
        assert_eq!(key_and_value(remove(&account.login)).0, key);
        assert_eq!(read(&key, &value), Some(Kept::Account(account.clone().into())));
        let (hash, session) = (TokenHash([7; 32]), Session::begin(account.login, Wall::from_unix_ms(5)));
        let (key, value) = key_and_value(put_session(hash, &session));
        assert_eq!(key_and_value(remove_session(hash)).0, key);
        assert_eq!(read(&key, &value), Some(Kept::Session(hash, session)));
        let (from, to) = range();
        assert!(from <= key && key < to);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(at in 0usize..400, bit in 0u8..8, cut in any::<bool>(), of_key in any::<bool>()) {
            let (mut key, mut value) = key_and_value(put(&account("li", Role::Supervisor)));
            let touched = if of_key { &mut key } else { &mut value };
            let at = at % touched.len();
            if cut { touched.truncate(at) } else { touched[at] ^= 1 << bit }
            if let Some(Kept::Account(account)) = read(&key, &value) {
                prop_assert!(key.ends_with(account.login.as_str().as_bytes()));
            }
        }

        #[test]
        fn nor_any_others(key in proptest::collection::vec(any::<u8>(), 0..50), value in proptest::collection::vec(any::<u8>(), 0..50)) {
            prop_assert_eq!(read(&Space::Accounts.key(&key), &value), None);
        }
    }
}
