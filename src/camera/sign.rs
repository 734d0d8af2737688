//! A sign that something is wrong: believed when it lasts, forgotten when it stays away.
//!
//! Pure. What is a sign of what is for [`super::Vitals`].

use std::time::Duration;

use crate::time::Mono;

/// One sign, with its hysteresis in time.
#[derive(Debug)]
pub(super) struct Sign {
    raise_after: Duration,
    clear_after: Duration,
    shown: bool,
    /// Since when what is seen contradicts what is shown.
    against: Option<Mono>,
}

impl Sign {
    /// Not shown, until it was seen for `raise_after`; then shown until it was absent for `clear_after`.
    pub(super) fn new(raise_after: Duration, clear_after: Duration) -> Self {
        Self { raise_after, clear_after, shown: false, against: None }
    }

    /// Whether it is believed.
    pub(super) fn is_shown(&self) -> bool {
        self.shown
    }

    /// What is seen of a measure with two limits: beyond `raise` it is a sign, and once shown it remains one beyond `clear`.
    pub(super) fn see_above(&mut self, now: Mono, measure: f32, raise: f32, clear: f32) {
        self.see(now, measure > if self.shown { clear } else { raise });
    }

    /// As [`Sign::see_above`], for a measure that is too low.
    pub(super) fn see_below(&mut self, now: Mono, measure: f32, raise: f32, clear: f32) {
        self.see_above(now, -measure, -raise, -clear);
    }

    /// What is seen now.
    pub(super) fn see(&mut self, now: Mono, wrong: bool) {
        if wrong == self.shown {
            self.against = None;
            return;
        }
        let since = *self.against.get_or_insert(now);
        let lasts = if wrong { self.raise_after } else { self.clear_after };
        if now.since(since) >= lasts {
            self.shown = wrong;
            self.against = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_is_believed_when_it_lasts_and_forgotten_when_it_stays_away() {
        let mut sign = Sign::new(Duration::from_secs(10), Duration::from_secs(5));
        let script = [
            (0, true, false),
            (9, true, false),
            (10, false, false),
            (11, true, false),
            (20, true, false),
            (21, true, true),
            (22, false, true),
            (26, true, true),
            (27, false, true),
            (31, false, true),
            (32, false, false),
        ];
        for (s, wrong, shown) in script {
            sign.see(Mono::from_start(Duration::from_secs(s)), wrong);
            assert_eq!(sign.is_shown(), shown, "at {s} s");
        }
    }

    #[test]
    fn between_both_limits_it_stays_as_it_is() {
        let mut sign = Sign::new(Duration::ZERO, Duration::ZERO);
        for (s, measure, shown) in
            [(0, 4.5, false), (1, 5.5, true), (2, 4.5, true), (3, 3.5, false), (4, 4.5, false)]
        {
            sign.see_above(Mono::from_start(Duration::from_secs(s)), measure, 5.0, 4.0);
            assert_eq!(sign.is_shown(), shown, "at {s} s");
        }
        sign.see_below(Mono::from_start(Duration::from_secs(5)), 1.0, 2.0, 3.0);
        assert!(sign.is_shown());
    }
}
