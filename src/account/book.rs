//! Accounts and sessions, as they are in memory.
//!
//! Pure. Owns what may be changed, and what ends a session: its time, the account's end, a new password. A change is looked at first ([`Book::plan`]), made
//! durable by others, and done then ([`Book::apply`]).

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use super::{Account, Session, Standing, TokenHash, record};
use crate::{evidence::Purpose, id::Login, store::Write, time::Wall};

/// Accounts of a station, at most.
pub const ACCOUNTS_MAX: usize = 1000;
/// Sessions of one account, at most; then the one that was quiet for longest ends.
const SESSIONS_MAX: usize = 16;
/// When somebody was last seen is made durable so often.
const SEEN_EVERY: Duration = Duration::from_secs(300);

/// What is to be changed.
#[derive(Debug, Clone)]
pub enum Change {
    /// A new account.
    Make(Account),
    /// An account as it is to be. With a new password, or disabled, its sessions end, the one that is named aside.
    Alter(Account, Option<TokenHash>),
    /// No such account any more.
    Remove(Login),
}

/// Why a change is not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotChanged {
    /// There is one with this login.
    #[error("登录名 {0} 已存在 · there is an account {0} already")]
    Taken(Login),
    /// There is none.
    #[error("没有账号 {0} · there is no account {0}")]
    Unknown(Login),
    /// Nobody could make accounts any more.
    #[error("{0} 是最后一个管理员 · {0} is the last administrator: make another one first")]
    LastAdministrator(Login),
    /// There are enough.
    #[error("账号过多 · there are {ACCOUNTS_MAX} accounts already: remove one that nobody uses")]
    TooMany,
}

/// Accounts and sessions.
#[derive(Debug, Default)]
pub struct Book {
    accounts: BTreeMap<Login, Arc<Account>>,
    sessions: HashMap<TokenHash, Kept>,
}

#[derive(Debug)]
struct Kept {
    session: Session,
    /// [`Session::seen`] as the ledger has it.
    durable: Wall,
}

/// Whoever shows a token, while his session lasts.
#[derive(Debug, Clone)]
pub struct Known {
    /// His account.
    pub account: Arc<Account>,
    /// What he looks at recordings for.
    pub purpose: Option<Purpose>,
    /// What is to be made durable, when there is time.
    pub write: Option<Write>,
}

impl Book {
    /// What lies in a ledger; counts what cannot be read.
    pub fn read<'p>(pairs: impl IntoIterator<Item = (&'p [u8], &'p [u8])>) -> (Self, usize) {
        let (mut book, mut unread) = (Self::default(), 0);
        for (key, value) in pairs {
            match record::read(key, value) {
                Some(record::Kept::Account(account)) => {
                    book.accounts.insert(account.login.clone(), Arc::new(*account));
                }
                Some(record::Kept::Session(hash, session)) => {
                    let durable = session.seen;
                    book.sessions.insert(hash, Kept { session, durable });
                }
                None => unread += 1,
            }
        }
        (book, unread)
    }

    /// All accounts, by login.
    pub fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.accounts.values()
    }

    /// One.
    pub fn account(&self, login: &Login) -> Option<&Arc<Account>> {
        self.accounts.get(login)
    }

    /// Whether nobody has an account.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// What has to be written for a change, or why it is not made.
    pub fn plan(&self, change: &Change) -> Result<Vec<Write>, NotChanged> {
        let mut writes = match change {
            Change::Make(account) if self.accounts.contains_key(&account.login) => {
                return Err(NotChanged::Taken(account.login.clone()));
            }
            Change::Make(_) if self.accounts.len() >= ACCOUNTS_MAX => return Err(NotChanged::TooMany),
            Change::Make(account) => vec![record::put(account)],
            Change::Alter(account, _) => {
                self.known(&account.login)?;
                self.spare(&account.login, account.is_administrator())?;
                vec![record::put(account)]
            }
            Change::Remove(login) => {
                self.known(login)?;
                self.spare(login, false)?;
                vec![record::remove(login)]
            }
        };
        writes.extend(self.ended_by(change).into_iter().map(record::remove_session));
        Ok(writes)
    }

    /// Does what was planned.
    pub fn apply(&mut self, change: Change) {
        for hash in self.ended_by(&change) {
            self.sessions.remove(&hash);
        }
        match change {
            Change::Make(account) | Change::Alter(account, _) => {
                self.accounts.insert(account.login.clone(), Arc::new(account));
            }
            Change::Remove(login) => {
                self.accounts.remove(&login);
            }
        }
    }

    /// Somebody has signed in. Gives what is to be written.
    pub fn begin(&mut self, hash: TokenHash, login: Login, now: Wall) -> Vec<Write> {
        let mut writes = self.sweep(now);
        let of_login = |(_, kept): &(&TokenHash, &Kept)| kept.session.login == login;
        if self.sessions.iter().filter(of_login).count() >= SESSIONS_MAX
            && let Some((&quietest, _)) =
                self.sessions.iter().filter(of_login).min_by_key(|(_, kept)| kept.session.seen)
        {
            writes.extend(self.end(quietest));
        }
        let session = Session::begin(login, now);
        writes.push(record::put_session(hash, &session));
        self.sessions.insert(hash, Kept { session, durable: now });
        writes
    }

    /// Who shows this token, if his session lasts; it lasts the longer by it.
    pub fn recognise(&mut self, hash: TokenHash, now: Wall) -> Option<Known> {
        let kept = self.sessions.get_mut(&hash)?;
        let account = self.accounts.get(&kept.session.login)?;
        if account.standing == Standing::Disabled || kept.session.over(now).is_some() {
            return None;
        }
        kept.session.seen = kept.session.seen.max(now);
        let is_due = kept.session.seen.us_since(kept.durable) >= SEEN_EVERY.as_micros() as i64;
        let write = is_due.then(|| {
            kept.durable = kept.session.seen;
            record::put_session(hash, &kept.session)
        });
        Some(Known { account: Arc::clone(account), purpose: kept.session.purpose(), write })
    }

    /// From now on he looks at recordings for this, or for nothing. Gives what is to be written.
    pub fn set_purpose(&mut self, hash: TokenHash, purpose: Option<&Purpose>) -> Option<Write> {
        let kept = self.sessions.get_mut(&hash)?;
        kept.session.set_purpose(purpose);
        Some(record::put_session(hash, &kept.session))
    }

    /// He signs out. Gives what is to be written.
    pub fn end(&mut self, hash: TokenHash) -> Option<Write> {
        self.sessions.remove(&hash).map(|_| record::remove_session(hash))
    }

    /// Sessions that are over, or of nobody, go. Gives what is to be written.
    pub fn sweep(&mut self, now: Wall) -> Vec<Write> {
        let accounts = &self.accounts;
        let is_over =
            |session: &Session| session.over(now).is_some() || !accounts.contains_key(&session.login);
        let over = self.sessions.extract_if(|_, kept| is_over(&kept.session));
        over.map(|(hash, _)| record::remove_session(hash)).collect()
    }

    fn known(&self, login: &Login) -> Result<&Account, NotChanged> {
        self.accounts.get(login).map(AsRef::as_ref).ok_or_else(|| NotChanged::Unknown(login.clone()))
    }

    /// Refuses what would leave no administrator.
    fn spare(&self, login: &Login, stays: bool) -> Result<(), NotChanged> {
        let others = self.accounts.values().any(|it| it.login != *login && it.is_administrator());
        let is_one = self.accounts.get(login).is_some_and(|it| it.is_administrator());
        if is_one && !stays && !others { Err(NotChanged::LastAdministrator(login.clone())) } else { Ok(()) }
    }

    fn ended_by(&self, change: &Change) -> Vec<TokenHash> {
        let (login, spared) = match change {
            Change::Make(account) => (&account.login, None),
            Change::Remove(login) => (login, None),
            Change::Alter(account, spared) => {
                let is_same = self.accounts.get(&account.login).is_some_and(|before| {
                    before.password == account.password && account.standing == Standing::Enabled
                });
                if is_same {
                    return Vec::new();
                }
                (&account.login, *spared)
            }
        };
        let of_login = |(_, kept): &(&TokenHash, &Kept)| kept.session.login == *login;
        let hashes = self.sessions.iter().filter(of_login).map(|(&hash, _)| hash);
        hashes.filter(|&hash| Some(hash) != spared).collect()
    }
}
