//! What is followed in the pictures of a camera, for those who want to see it drawn over them.
//!
//! Owns the way from a lane to viewers. The newest sight alone is kept: who lags misses some, and nobody waits. While nobody wants any, none is made:
//! the lane asks first, which costs one atomic load.

use std::sync::Arc;

use tokio::sync::watch;

use crate::{
    config::StreamRole,
    detect::Class,
    geometry::UnitBox,
    id::TrackId,
    time::{MediaTime, Mono},
};

/// What was followed in one picture that was looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Sight {
    /// Of which stream the picture was.
    pub role: StreamRole,
    /// Its time in that stream.
    pub media: MediaTime,
    /// When it arrived.
    pub arrived: Mono,
    /// What was followed; may be empty.
    pub followed: Vec<Followed>,
}

/// One thing that is followed.
#[derive(Debug, Clone, PartialEq)]
pub struct Followed {
    /// Its number in its camera.
    pub track: TrackId,
    /// What it is taken for.
    pub class: Class,
    /// How sure, 0..=1.
    pub confidence: f32,
    /// Where it is.
    pub bbox: UnitBox,
}

/// Where a lane puts what it follows.
#[derive(Debug, Clone, Default)]
pub struct Sights(Arc<watch::Sender<Option<Sight>>>);

impl Sights {
    /// Whether anybody wants to see it.
    pub fn are_wanted(&self) -> bool {
        self.0.receiver_count() > 0
    }

    /// The newest one. Never waits.
    pub fn show(&self, sight: Sight) {
        self.0.send_replace(Some(sight));
    }

    /// From the next one on.
    pub(super) fn listen(&self) -> Sighted {
        let mut sights = self.0.subscribe();
        sights.mark_unchanged();
        Sighted { sights, was_empty: false }
    }
}

/// Somebody who wants to see it.
#[derive(Debug)]
pub struct Sighted {
    sights: watch::Receiver<Option<Sight>>,
    /// Whether nothing was followed in the last one.
    was_empty: bool,
}

impl Sighted {
    /// The next one, or a newer one; of several without anything in them the first. `None` once none can come any more. Cancel safe.
    pub async fn next(&mut self) -> Option<Sight> {
        loop {
            self.sights.changed().await.ok()?;
            let newest = self.sights.borrow_and_update();
            let Some(sight) = newest.as_ref() else { continue };
            let is_empty = sight.followed.is_empty();
            if !(std::mem::replace(&mut self.was_empty, is_empty) && is_empty) {
                return Some(sight.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt;

    use super::*;

    fn sight(ms: u64, tracks: u64) -> Sight {
        let followed = (1..=tracks).map(|number| Followed {
            track: TrackId(number),
            class: Class::Person,
            confidence: 0.8,
            bbox: UnitBox::new(0.1, 0.1, 0.2, 0.4),
        });
        Sight {
            role: StreamRole::Sub,
            media: MediaTime::from_ms(ms as i64),
            arrived: Mono::from_start(Duration::from_millis(ms)),
            followed: followed.collect(),
        }
    }

    #[test]
    fn who_lags_sees_the_newest_and_that_nothing_is_there_is_said_once() {
        let sights = Sights::default();
        assert!(!sights.are_wanted());
        sights.show(sight(0, 1));
        let mut sighted = sights.listen();
        assert!(sights.are_wanted());
        let now = |sighted: &mut Sighted| sighted.next().now_or_never().flatten();
        assert_eq!(now(&mut sighted), None, "what was before is not told");
        (1..=3).for_each(|ms| sights.show(sight(ms, 2)));
        assert_eq!(now(&mut sighted), Some(sight(3, 2)));
        sights.show(sight(4, 0));
        assert_eq!(now(&mut sighted), Some(sight(4, 0)));
        sights.show(sight(5, 0));
        assert_eq!(now(&mut sighted), None);
        sights.show(sight(6, 1));
        assert_eq!(now(&mut sighted), Some(sight(6, 1)));
        drop(sighted);
        assert!(!sights.are_wanted());
    }
}
