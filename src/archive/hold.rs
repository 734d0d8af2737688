//! Holds: what somebody has kept from being deleted, until when it is looked at again, and who let it go.
//!
//! Owns what a hold says and how it lies on disk. A hold protects each segment that shows a moment of its range, also one that is recorded later.
//! Nobody's hold ends by itself: one whose review is overdue goes on, and is listed. Reading never panics.

use jiff::civil::Date;

use super::varint::{Rest, put_signed, put_text};
use crate::{
    id::{CameraId, HoldId},
    store::Refused,
    time::Wall,
};

const VERSION: u8 = 1;
/// Longest text of a hold, bytes.
const TEXT_LEN_MAX: usize = 2000;

/// What is to be held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewHold {
    /// Of which camera; it need not be configured any more.
    pub camera: CameraId,
    /// From when.
    pub from: Wall,
    /// Until when; after `from`.
    pub to: Wall,
    /// Who answers for it; not empty.
    pub owner: String,
    /// Why; not empty.
    pub reason: String,
    /// Number of a case, where there is one.
    pub case: Option<String>,
    /// When somebody has to look whether it is still needed.
    pub review: Date,
}

/// A hold on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// When it was made.
    pub made_at: Wall,
    /// What it holds.
    pub what: NewHold,
    /// Who ended it; `None` as long as it holds.
    pub release: Option<Release>,
}

/// The end of a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// When.
    pub at: Wall,
    /// Who; not empty.
    pub by: String,
    /// Why; not empty.
    pub why: String,
}

/// Why a hold is not made or released.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoldError {
    /// It says what cannot be.
    #[error("a hold's {what} {why}")]
    Invalid {
        /// Which part.
        what: &'static str,
        /// What is wrong.
        why: &'static str,
    },
    /// There are very many already.
    #[error("there are {0} holds already: release what is not needed any more")]
    TooMany(usize),
    /// There is none with this id.
    #[error("there is no hold {0}")]
    Unknown(HoldId),
    /// It was released before.
    #[error("the hold {0} was released before")]
    Released(HoldId),
    /// It is not on record: ask again.
    #[error("not on record: {0}")]
    NotKept(#[from] Refused),
    /// The daemon is stopping.
    #[error("the archive has stopped")]
    Stopped,
}

impl NewHold {
    /// Says what is wrong with it.
    pub(super) fn check(&self) -> Result<(), HoldError> {
        if self.from >= self.to {
            return Err(HoldError::Invalid {
                what: "range",
                why: "is empty: its end has to be after its begin",
            });
        }
        check_text("owner", &self.owner)?;
        check_text("reason", &self.reason)?;
        self.case.as_deref().map_or(Ok(()), |case| check_text("case", case))
    }
}

pub(super) fn check_text(what: &'static str, text: &str) -> Result<(), HoldError> {
    match text.trim().len() {
        0 => Err(HoldError::Invalid { what, why: "is empty" }),
        len if len > TEXT_LEN_MAX => Err(HoldError::Invalid { what, why: "is longer than 2000 bytes" }),
        _ => Ok(()),
    }
}

impl Hold {
    /// Whether it keeps a recording of `camera` over `from..to`.
    pub fn protects(&self, camera: &CameraId, from: Wall, to: Wall) -> bool {
        self.release.is_none() && self.what.camera == *camera && from < self.what.to && to > self.what.from
    }

    /// Whether somebody should have looked by now whether it is still needed.
    pub fn is_overdue(&self, today: Date) -> bool {
        self.release.is_none() && self.what.review < today
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let NewHold { camera, from, to, owner, reason, case, review } = &self.what;
        let mut out = vec![VERSION];
        for at in [self.made_at, *from, *to] {
            put_signed(&mut out, at.unix_us());
        }
        let review = review.to_string();
        for text in [camera.as_str(), owner, reason, case.as_deref().unwrap_or(""), &review] {
            put_text(&mut out, text);
        }
        if let Some(Release { at, by, why }) = &self.release {
            put_signed(&mut out, at.unix_us());
            put_text(&mut out, by);
            put_text(&mut out, why);
        }
        out
    }

    /// The hold of an entry; `None` where it was not written by this program.
    pub(super) fn decode(key: &[u8], value: &[u8]) -> Option<Self> {
        let id = HoldId(ulid::Ulid::from_bytes(key.get(1..)?.try_into().ok()?));
        let mut rest = Rest(value);
        if rest.take()? != [VERSION] {
            return None;
        }
        let mut at = || rest.signed().map(Wall::from_unix_us);
        let (made_at, from, to) = (at()?, at()?, at()?);
        let camera = rest.text()?.parse().ok()?;
        let (owner, reason) = (rest.text()?.to_owned(), rest.text()?.to_owned());
        let case = Some(rest.text()?.to_owned()).filter(|case| !case.is_empty());
        let review = rest.text()?.parse().ok()?;
        let release = if rest.is_empty() {
            None
        } else {
            let at = Wall::from_unix_us(rest.signed()?);
            Some(Release { at, by: rest.text()?.to_owned(), why: rest.text()?.to_owned() })
        };
        let what = NewHold { camera, from, to, owner, reason, case, review };
        rest.is_empty().then_some(Self { id, made_at, what, release })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;
    use crate::{archive::keys, id::Mint};

    fn hold() -> Hold {
        let at = Wall::from_unix_ms;
        let what = NewHold {
            camera: "gate".parse().expect("an id"),
            from: at(1000),
            to: at(2000),
            owner: "Li".into(),
            reason: "a theft".into(),
            case: Some("2026-17".into()),
            review: date(2026, 5, 1),
        };
        Hold { id: Mint::seeded(1).hold(at(500)), made_at: at(500), what, release: None }
    }

    fn released() -> Hold {
        let at = Wall::from_unix_ms(3000);
        Hold { release: Some(Release { at, by: "Wang".into(), why: "closed".into() }), ..hold() }
    }

    #[test]
    fn what_was_written_is_read() {
        let no_case = Hold { what: NewHold { case: None, ..hold().what }, ..hold() };
        for hold in [hold(), released(), no_case] {
            assert_eq!(Hold::decode(&keys::hold(hold.id), &hold.encode()), Some(hold));
        }
    }

    #[test]
    fn it_protects_what_it_touches_until_it_is_released() {
        let (camera, other) = ("gate".parse().expect("an id"), "road".parse().expect("an id"));
        let at = Wall::from_unix_ms;
        for (from, to, is_protected) in
            [(0, 1000, false), (0, 1001, true), (1500, 1600, true), (1999, 9000, true), (2000, 9000, false)]
        {
            assert_eq!(hold().protects(&camera, at(from), at(to)), is_protected, "{from}..{to}");
            assert!(
                !hold().protects(&other, at(from), at(to)) && !released().protects(&camera, at(from), at(to))
            );
        }
        assert!(!hold().is_overdue(date(2026, 5, 1)) && hold().is_overdue(date(2026, 5, 2)));
        assert!(!released().is_overdue(date(2030, 1, 1)));
    }

    #[test]
    fn one_that_says_what_cannot_be_is_refused() {
        let what = || hold().what;
        assert_eq!(what().check(), Ok(()));
        for wrong in [
            NewHold { to: what().from, ..what() },
            NewHold { owner: " ".into(), ..what() },
            NewHold { reason: "x".repeat(2001), ..what() },
            NewHold { case: Some(String::new()), ..what() },
        ] {
            assert!(matches!(wrong.check(), Err(HoldError::Invalid { .. })), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn damaged_bytes_never_panic(at: usize, flip in 1u8.., is_cut: bool) {
            let (key, mut bytes) = (keys::hold(hold().id), released().encode());
            let at = at % bytes.len();
            if is_cut { bytes.truncate(at) } else { bytes[at] ^= flip }
            let _ = Hold::decode(&key, &bytes);
        }
    }
}
