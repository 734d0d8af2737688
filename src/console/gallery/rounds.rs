//! Whose turn it is to have a picture made of it, so that there is one of a camera that is lost.
//!
//! Pure. Owns how often; making them is the gallery's.

use std::time::Duration;

use crate::time::Mono;

/// A camera's picture is made anew after so long. A large fleet takes longer for its round: one picture is made at a time, one a second.
const EVERY: Duration = Duration::from_secs(600);
/// A camera of which none could be made is tried again after so long: where it is away, that costs nothing.
const AGAIN: Duration = Duration::from_secs(20);

/// When each camera is due.
#[derive(Debug)]
pub(super) struct Rounds {
    due: Vec<Mono>,
}

/// What came of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Made,
    Failed,
}

impl Rounds {
    /// For so many cameras, all of which are due at once.
    pub(super) fn new(cameras: usize, now: Mono) -> Self {
        Self { due: vec![now; cameras] }
    }

    /// The one that has been due for the longest time.
    pub(super) fn next(&self, now: Mono) -> Option<usize> {
        let first = self.due.iter().enumerate().min_by_key(|(_, due)| **due)?;
        (*first.1 <= now).then_some(first.0)
    }

    pub(super) fn done(&mut self, camera: usize, turn: Turn, now: Mono) {
        let wait = match turn {
            Turn::Made => EVERY,
            Turn::Failed => AGAIN,
        };
        if let Some(due) = self.due.get_mut(camera) {
            *due = now + wait;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_turn_and_who_failed_holds_nobody_up() {
        let at = |s: u64| Mono::from_start(Duration::from_secs(s));
        let mut rounds = Rounds::new(3, at(0));
        let mut turns = Vec::new();
        for s in 0..1300 {
            while let Some(camera) = rounds.next(at(s)) {
                let turn = if camera == 1 { Turn::Failed } else { Turn::Made };
                rounds.done(camera, turn, at(s));
                turns.push((s, camera));
                if turn == Turn::Made {
                    break;
                }
            }
        }
        let of = |camera: usize| {
            turns.iter().filter(|turn| turn.1 == camera).map(|turn| turn.0).collect::<Vec<_>>()
        };
        assert_eq!(of(0), [0, 600, 1200]);
        assert_eq!(of(2), [1, 601, 1201]);
        assert_eq!(of(1).len(), 1 + 1299 / 20);
        assert_eq!(Rounds::new(0, at(0)).next(at(9)), None);
    }
}
