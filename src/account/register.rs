//! The register of accounts and sessions: the book, and the way to the ledger.
//!
//! Owns that a change of accounts is durable before it holds. A session is not: who signs in on a disk that is full has to reach his alerts, so it holds at
//! once, is written down when that is possible, and ends with the daemon where it was not.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::timeout;

use super::{
    Account, Hasher, PasswordHash, Token, TokenHash,
    book::{ACCOUNTS_MAX, Book, Change, Known, NotChanged},
    record,
};
use crate::{
    evidence::Purpose,
    id::Login,
    store::{Condition, Desk, Refused, Write},
    time::Wall,
};

/// How long a change may wait for the store.
const WRITTEN_WITHIN: Duration = Duration::from_secs(10);
/// How long signing in waits for the store, which then goes on by itself.
const TOLD_WITHIN: Duration = Duration::from_secs(1);
/// Accounts and sessions that are read at the start, at most.
const READ_MAX: usize = ACCOUNTS_MAX * 20;

/// Accounts and sessions of the station.
#[derive(Debug)]
pub struct Register {
    desk: Desk,
    /// Guards the book; held for a moment, never across an await.
    book: Mutex<Book>,
    /// Held while a change is planned, written and applied.
    changing: tokio::sync::Mutex<()>,
    hasher: Hasher,
}

/// Why a change is not made.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// It may not be.
    #[error(transparent)]
    NotChanged(#[from] NotChanged),
    /// It cannot be kept just now.
    #[error("accounts cannot be kept just now: {0}")]
    NotKept(String),
}

impl From<Refused> for RegisterError {
    fn from(refused: Refused) -> Self {
        Self::NotKept(refused.to_string())
    }
}

impl Register {
    /// Reads what is on record.
    pub async fn open(desk: Desk) -> Result<Self, Refused> {
        let (from, to) = record::range();
        let pairs = desk.range(from, to, READ_MAX).await?;
        let (book, unread) = Book::read(pairs.iter().map(|(key, value)| (&key[..], &value[..])));
        if unread > 0 {
            tracing::error!(
                unread,
                "accounts or sessions on record cannot be read: were they written by a newer program?"
            );
        }
        Ok(Self {
            desk,
            book: Mutex::new(book),
            changing: tokio::sync::Mutex::new(()),
            hasher: Hasher::default(),
        })
    }

    /// What works on passwords.
    pub fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    /// Whether nobody has an account.
    pub fn is_empty(&self) -> bool {
        self.book().is_empty()
    }

    /// All accounts, by login.
    pub fn accounts(&self) -> Vec<Arc<Account>> {
        self.book().accounts().cloned().collect()
    }

    /// One.
    pub fn account(&self, login: &Login) -> Option<Arc<Account>> {
        self.book().account(login).cloned()
    }

    /// What is kept of somebody's password.
    pub fn password_of(&self, login: &Login) -> Option<PasswordHash> {
        self.book().account(login).map(|account| account.password.clone())
    }

    /// Whether a change could be made just now.
    pub fn plan(&self, change: &Change) -> Result<(), NotChanged> {
        self.book().plan(change).map(|_| ())
    }

    /// Makes a change; it is durable when this returns.
    pub async fn change(&self, change: Change) -> Result<(), RegisterError> {
        let _alone = self.changing.lock().await;
        self.make(change).await
    }

    /// Changes an account as it is now; it is durable when this returns. Sessions: see [`Change::Alter`].
    pub async fn alter(
        &self,
        login: &Login,
        spared: Option<TokenHash>,
        edit: impl FnOnce(&mut Account),
    ) -> Result<(), RegisterError> {
        let _alone = self.changing.lock().await;
        let account = self.account(login).ok_or_else(|| NotChanged::Unknown(login.clone()))?;
        let mut account = Account::clone(&account);
        edit(&mut account);
        self.make(Change::Alter(account, spared)).await
    }

    /// Makes the first account; refused where there is one.
    pub async fn make_first(&self, account: Account) -> Result<(), RegisterError> {
        let _alone = self.changing.lock().await;
        if !self.is_empty() {
            return Err(NotChanged::Taken(account.login).into());
        }
        self.make(Change::Make(account)).await
    }

    async fn make(&self, change: Change) -> Result<(), RegisterError> {
        let writes = self.book().plan(&change)?;
        match &*self.desk.condition().borrow() {
            Condition::Well => {}
            Condition::Full(why) | Condition::Failing(why) => {
                return Err(RegisterError::NotKept(why.clone()));
            }
        }
        match timeout(WRITTEN_WITHIN, self.desk.promise(writes, Vec::new())).await {
            Ok(kept) => kept?,
            Err(_) => return Err(RegisterError::NotKept("the store takes too long".to_owned())),
        };
        self.book().apply(change);
        Ok(())
    }

    /// Somebody has signed in: gives the token of his session.
    pub async fn begin(&self, login: Login, now: Wall) -> Result<Token, RegisterError> {
        let token = Token::new().map_err(|error| RegisterError::NotKept(error.to_string()))?;
        let writes = self.book().begin(token.hash(), login, now);
        self.tell(writes).await;
        Ok(token)
    }

    /// Who shows this token, if his session lasts; it lasts the longer by it.
    pub fn recognise(&self, hash: TokenHash, now: Wall) -> Option<Known> {
        let mut known = self.book().recognise(hash, now)?;
        if let Some(write) = known.write.take() {
            let desk = self.desk.clone();
            // Lost where the store has stopped: the session then ends the earlier.
            tokio::spawn(async move { desk.promise(vec![write], Vec::new()).await });
        }
        Some(known)
    }

    /// From now on he looks at recordings for this, or for nothing.
    pub async fn set_purpose(&self, hash: TokenHash, purpose: Option<&Purpose>) {
        let write = self.book().set_purpose(hash, purpose);
        self.tell(write.into_iter().collect()).await;
    }

    /// He signs out.
    pub async fn end(&self, hash: TokenHash) {
        let write = self.book().end(hash);
        self.tell(write.into_iter().collect()).await;
    }

    /// Makes durable what holds already.
    async fn tell(&self, writes: Vec<Write>) {
        match timeout(TOLD_WITHIN, self.desk.promise(writes, Vec::new())).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "a session is not on record: it ends with this daemon"),
            // What reached the desk is promised.
            Err(_) => {}
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
