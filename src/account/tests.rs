//! The book, over tables and any order of things.

use std::{collections::BTreeSet, time::Duration};

use proptest::prelude::*;

use super::*;
use crate::{evidence::Purpose, id::Login, store::Write, time::Wall};

pub(super) fn account(login: &str, role: Role) -> Account {
    Account {
        login: login.parse().expect("a login"),
        name: login.to_uppercase(),
        unit: "柳庄派出所".to_owned(),
        role,
        also: BTreeSet::new(),
        scope: None,
        password: hash("one"),
        standing: Standing::Enabled,
        language: None,
        made_at: Wall::from_unix_ms(1),
    }
}

fn hash(text: &str) -> PasswordHash {
    serde_json::from_value(serde_json::json!(text)).expect("any text")
}

fn login(text: &str) -> Login {
    text.parse().expect("a login")
}

fn at(minutes: u64) -> Wall {
    Wall::from_unix_ms(1_773_079_445_123).after(Duration::from_secs(60 * minutes))
}

fn book(accounts: &[Account]) -> Book {
    let mut book = Book::default();
    for account in accounts {
        make(&mut book, Change::Make(account.clone())).expect("it is new");
    }
    book
}

fn make(book: &mut Book, change: Change) -> Result<Vec<Write>, NotChanged> {
    let writes = book.plan(&change)?;
    book.apply(change);
    Ok(writes)
}

#[test]
fn the_last_administrator_stays_one() {
    let (admin, other) = (account("admin", Role::Administrator), account("other", Role::Administrator));
    let mut book = book(&[admin.clone(), account("li", Role::Operator)]);
    let alter = |change: fn(&mut Account)| {
        let mut account = admin.clone();
        change(&mut account);
        Change::Alter(account, None)
    };
    let last = Err(NotChanged::LastAdministrator(login("admin")));
    for change in [
        Change::Remove(login("admin")),
        alter(|it| it.role = Role::Supervisor),
        alter(|it| it.standing = Standing::Disabled),
    ] {
        assert_eq!(book.plan(&change).map(|_| ()), last, "{change:?}");
    }
    assert!(book.plan(&alter(|it| it.name = "Wu".to_owned())).is_ok());
    assert!(book.plan(&Change::Remove(login("li"))).is_ok());
    make(&mut book, Change::Make(Account { standing: Standing::Disabled, ..other.clone() })).expect("new");
    assert_eq!(book.plan(&Change::Remove(login("admin"))).map(|_| ()), last, "the other one cannot sign in");
    make(&mut book, Change::Alter(other, None)).expect("enabled");
    make(&mut book, Change::Remove(login("admin"))).expect("there is another one");
}

#[test]
fn a_login_is_one_account() {
    let book = book(&[account("li", Role::Operator)]);
    let again = Change::Make(account("li", Role::Administrator));
    assert_eq!(book.plan(&again), Err(NotChanged::Taken(login("li"))));
    let nobody = Err(NotChanged::Unknown(login("wu")));
    assert_eq!(book.plan(&Change::Remove(login("wu"))), nobody);
    assert_eq!(book.plan(&Change::Alter(account("wu", Role::Operator), None)), nobody);
}

#[test]
fn a_session_ends_with_its_account_and_with_its_password() {
    let li = account("li", Role::Operator);
    let (own, other) = (TokenHash([1; 32]), TokenHash([2; 32]));
    for (what, change, own_lasts, other_lasts) in [
        ("removed", Change::Remove(login("li")), false, false),
        ("another name", Change::Alter(Account { name: "Wu".into(), ..li.clone() }, None), true, true),
        ("another role", Change::Alter(Account { role: Role::Maintainer, ..li.clone() }, None), true, true),
        (
            "a new password",
            Change::Alter(Account { password: hash("two"), ..li.clone() }, None),
            false,
            false,
        ),
        ("his own", Change::Alter(Account { password: hash("two"), ..li.clone() }, Some(own)), true, false),
        (
            "disabled",
            Change::Alter(Account { standing: Standing::Disabled, ..li.clone() }, None),
            false,
            false,
        ),
    ] {
        let mut book = book(&[account("admin", Role::Administrator), li.clone()]);
        book.begin(own, login("li"), at(0));
        book.begin(other, login("li"), at(0));
        book.begin(TokenHash([3; 32]), login("admin"), at(0));
        let writes = make(&mut book, change).expect("it may be");
        let lasts = [own, other].map(|hash| book.recognise(hash, at(1)).is_some());
        assert_eq!(lasts, [own_lasts, other_lasts], "{what}");
        assert!(book.recognise(TokenHash([3; 32]), at(1)).is_some(), "{what}: nobody else's");
        let deleted = writes.iter().filter(|write| matches!(write, Write::Delete(key) if key[1] == b's'));
        assert_eq!(deleted.count(), 2 - lasts.iter().filter(|&&lasts| lasts).count(), "{what}: on disk too");
    }
}

#[test]
fn a_session_lasts_while_somebody_asks_and_a_shift_at_most() {
    let mut book = book(&[account("li", Role::Operator)]);
    let hash = TokenHash([1; 32]);
    book.begin(hash, login("li"), at(0));
    let mut written = 0;
    for minutes in (0..720).step_by(2) {
        let known = book.recognise(hash, at(minutes)).unwrap_or_else(|| panic!("after {minutes} min"));
        written += usize::from(known.write.is_some());
    }
    assert_eq!(written, 119, "each six minutes");
    assert!(book.recognise(hash, at(720)).is_none());
    let idle = TokenHash([2; 32]);
    book.begin(idle, login("li"), at(800));
    assert!(book.recognise(idle, at(860)).is_none());
    assert_eq!(book.sweep(at(860)).len(), 1, "the older one went when he signed in again");
    assert!(book.recognise(TokenHash([9; 32]), at(0)).is_none(), "a token of nobody");
}

#[test]
fn what_a_session_is_for_is_kept_with_it() {
    let mut book = book(&[account("li", Role::Investigator)]);
    let hash = TokenHash([1; 32]);
    book.begin(hash, login("li"), at(0));
    let purpose = Purpose::new("寻找走失老人", "A-1").expect("it says something");
    let write = book.set_purpose(hash, Some(&purpose)).expect("it lasts");
    let Write::Put(key, value) = write else { panic!("it is kept") };
    assert_eq!(book.recognise(hash, at(1)).expect("it lasts").purpose, Some(purpose.clone()));
    let Write::Put(account_key, account_value) =
        book.plan(&Change::Make(account("wu", Role::Operator))).expect("new").remove(0)
    else {
        panic!("it is kept")
    };
    let pairs = [(&key[..], &value[..]), (&account_key[..], &account_value[..]), (b"Pa/x", b"{}")];
    let (again, unread) = Book::read(pairs);
    assert_eq!((again.accounts().count(), unread), (1, 1));
    assert!(book.set_purpose(hash, None).is_some());
    assert_eq!(book.recognise(hash, at(1)).expect("it lasts").purpose, None);
    assert!(book.set_purpose(TokenHash([2; 32]), Some(&purpose)).is_none());
}

#[test]
fn who_signs_in_too_often_loses_the_oldest_session() {
    let mut book = book(&[account("li", Role::Operator)]);
    for n in 0..20 {
        book.begin(TokenHash([n; 32]), login("li"), at(u64::from(n)));
    }
    let lasting: Vec<u8> =
        (0..20).filter(|&n| book.recognise(TokenHash([n; 32]), at(20)).is_some()).collect();
    assert_eq!(lasting, (4..20).collect::<Vec<u8>>());
}

proptest! {
    /// Whatever is changed in whatever order: once there was an administrator there is one, and what lies in the ledger is what the book has.
    #[test]
    fn an_administrator_is_always_left(steps in proptest::collection::vec((0u8..4, 0usize..5, any::<bool>(), 0u8..3), 1..60)) {
        let logins = ["a", "b", "c", "d"];
        let mut book = book(&[account("a", Role::Administrator)]);
        let mut ledger = std::collections::BTreeMap::new();
        let mut hash = 0;
        for (who, role, enabled, what) in steps {
            let mut wanted = account(logins[who as usize], Role::ALL[role]);
            wanted.standing = if enabled { Standing::Enabled } else { Standing::Disabled };
            let change = match what {
                0 => Change::Make(wanted),
                1 => Change::Alter(wanted, None),
                _ => Change::Remove(wanted.login),
            };
            hash += 1;
            let begun = book.begin(TokenHash([hash; 32]), login(logins[who as usize]), at(0));
            let writes = make(&mut book, change).unwrap_or_default();
            for write in begun.into_iter().chain(writes) {
                match write {
                    Write::Put(key, value) => { ledger.insert(key, value); }
                    Write::Delete(key) => { ledger.remove(&key); }
                }
            }
            prop_assert!(book.accounts().any(|account| account.is_administrator()));
        }
        let (again, unread) = Book::read(ledger.iter().map(|(key, value)| (&key[..], &value[..])));
        prop_assert_eq!(unread, 0);
        for account in again.accounts() {
            prop_assert_eq!(Some(account), book.account(&account.login));
        }
    }
}
