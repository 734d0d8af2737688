//! Who may what: accounts, roles, scopes, sessions, and who has failed too often.
//!
//! ```text
//! password ─▶ Hasher ─▶ Book ─▶ Token (a cookie) ─▶ Book ─▶ Account ─▶ Permissions, Sight
//!              Waits ─┘                                └─▶ Session: purpose and case
//! ```
//! Owns the space [`crate::store::Space::Accounts`] of the ledger. [`Role`], [`Sight`], [`Session`], [`Waits`] and [`Book`] are pure; [`Register`] is the way to
//! the ledger, [`Hasher`] the way to threads. What a path of the page needs, cookies and what is written down belong to [`crate::console`].

mod book;
mod password;
mod record;
mod register;
mod role;
mod scope;
mod session;
#[cfg(test)]
mod tests;
mod waits;

pub use book::{ACCOUNTS_MAX, Book, Change, Known, NotChanged};
pub use password::{BadPassword, CHARS, Hasher, Password, PasswordHash, Unhashed, Verdict};
pub use record::{Account, Language, Standing};
pub use register::{Register, RegisterError};
pub use role::{Permission, Permissions, Role};
pub use scope::{Places, Scope, Sight};
pub use session::{IDLE_MAX, LASTS_MAX, Over, Session, Token, TokenHash};
pub use waits::Waits;
