//! Which losses are one: many cameras within a moment are a power cut or a switch, and one alert.
//!
//! A loss is *dense* where some window of `many_within` that contains it has `many` losses. Dense losses that are no farther apart than the window are one
//! run, and one alert, however long it takes until the last of a fleet is found to be gone. Others are alerts of their own.

use super::{End, Now, Open, Standing, Told, Watchman, What};
use crate::{
    id::AlertId,
    time::{Mono, Wall},
};
use std::time::Duration;

/// A camera that was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Loss {
    at: Mono,
    whose: Whose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Of a camera of which nobody is told yet.
    Untold(usize),
    /// In an open alert of many.
    Of(AlertId),
}

impl Watchman {
    /// Tells of cameras that are lost: alone, with others, or with others of whom was told.
    pub(super) fn tell_losses(&mut self, now: Now, told: &mut Told) {
        self.rejoin(now, told);
        let due = |at: Mono| now.mono.since(at) >= self.terms.offline_after;
        // Who is one of many that are told of waits for his own time to be one again, whoever is lost with him.
        let is_new =
            |loss: &Loss| matches!(loss.whose, Whose::Untold(place) if self.many_of(place).is_none());
        let mut losses: Vec<Loss> = self.untold().filter(is_new).collect();
        if !losses.iter().any(|loss| due(loss.at)) {
            return;
        }
        for (id, open) in &self.open {
            if let What::Many(lost) = &open.what {
                losses.extend(lost.iter().map(|at| Loss { at: *at, whose: Whose::Of(*id) }));
            }
        }
        losses.sort_by_key(|loss| loss.at);
        let (mut alone, mut together, mut joining) = (Vec::new(), Vec::new(), Vec::new());
        for run in runs(&losses, self.terms.many, self.terms.many_within) {
            let untold = run.losses.iter().filter_map(|loss| match loss.whose {
                Whose::Untold(place) => Some((loss.at, place)),
                Whose::Of(_) => None,
            });
            let is_due = untold.clone().any(|(at, _)| due(at));
            let alert = run.losses.iter().find_map(|loss| match loss.whose {
                Whose::Of(id) => Some(id),
                Whose::Untold(_) => None,
            });
            match (run.is_dense, alert) {
                (false, _) => alone.extend(untold.filter(|(at, _)| due(*at)).map(|(_, place)| place)),
                (true, Some(id)) => {
                    joining.extend(untold.filter(|(at, _)| due(*at)).map(|(at, place)| (id, at, place)));
                }
                (true, None) if is_due => together.push(untold.unzip::<_, _, Vec<_>, Vec<_>>()),
                (true, None) => {}
            }
        }
        for (lost, places) in together {
            places.iter().for_each(|place| self.supersede(*place, told));
            self.raise(now, What::Many(lost), places, told);
        }
        for (id, at, place) in joining {
            self.supersede(place, told);
            self.join(id, at, place);
        }
        for place in alone {
            self.supersede(place, told);
            self.raise(now, What::Offline, vec![place], told);
        }
    }

    /// Cameras that are lost and of which that is not told.
    fn untold(&self) -> impl Iterator<Item = Loss> + '_ {
        self.cameras.iter().enumerate().filter_map(|(place, watched)| {
            let is_lost = matches!(watched.standing, Standing::Offline(_));
            let open = watched.told.and_then(|id| self.open.get(&id));
            let is_untold = open.is_none_or(|open| open.what == What::Degraded);
            (is_lost && is_untold).then_some(Loss { at: watched.since.mono, whose: Whose::Untold(place) })
        })
    }

    /// The open alert of many that lists a camera, whether it is back or not.
    fn many_of(&self, place: usize) -> Option<AlertId> {
        let lists = |open: &Open| matches!(open.what, What::Many(_)) && open.members.contains(&place);
        self.open.iter().find(|(_, open)| lists(open)).map(|(id, _)| *id)
    }

    /// One of many that was back and is lost again is still one of them, as long as they are told of.
    fn rejoin(&mut self, now: Now, told: &mut Told) {
        let again: Vec<(AlertId, Mono, usize)> = self
            .untold()
            .filter(|loss| now.mono.since(loss.at) >= self.terms.offline_after)
            .filter_map(|loss| {
                let Whose::Untold(place) = loss.whose else { return None };
                Some((self.many_of(place)?, loss.at, place))
            })
            .collect();
        for (id, at, place) in again {
            self.supersede(place, told);
            self.join(id, at, place);
        }
    }

    /// What was told of a camera before it was lost is over.
    fn supersede(&mut self, place: usize, told: &mut Told) {
        let since: Wall = self.cameras[place].since.wall;
        if let Some(id) = self.cameras[place].told.take() {
            self.end(id, since, End::Lost, told);
        }
    }

    /// One more of many; the next update tells of it.
    fn join(&mut self, id: AlertId, at: Mono, place: usize) {
        let Some(open) = self.open.get_mut(&id) else { return };
        if let What::Many(lost) = &mut open.what {
            lost.push(at);
        }
        if !open.members.contains(&place) {
            open.members.push(place);
        }
        self.cameras[place].told = Some(id);
        self.cameras[place].proof = None;
    }
}

struct Run<'l> {
    losses: &'l [Loss],
    is_dense: bool,
}

/// Divides losses, which are in order, into runs that are dense, and what lies between.
fn runs(losses: &[Loss], many: usize, within: Duration) -> Vec<Run<'_>> {
    let mut dense = vec![false; losses.len()];
    for (first, window) in losses.windows(many.max(1)).enumerate() {
        if window[window.len() - 1].at.since(window[0].at) <= within {
            dense[first..first + window.len()].fill(true);
        }
    }
    let mut runs = Vec::new();
    let mut from = 0;
    for to in 1..=losses.len() {
        let is_over =
            to == losses.len() || dense[to] != dense[from] || losses[to].at.since(losses[to - 1].at) > within;
        if is_over {
            runs.push(Run { losses: &losses[from..to], is_dense: dense[from] });
            from = to;
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_dense_where_a_window_is_full() {
        type Case<'a> = (&'a [u64], &'a [(usize, bool)]);
        let cases: [Case<'_>; 6] = [
            (&[], &[]),
            (&[0, 1, 2], &[(3, true)]),
            (&[0, 3, 6], &[(3, false)]),
            // A slow trickle behind three at once is not of them; what is full again a moment later is.
            (&[0, 1, 2, 6, 10], &[(3, true), (2, false)]),
            (&[0, 1, 2, 5, 6, 7], &[(6, true)]),
            (&[0, 1, 2, 20, 21, 22], &[(3, true), (3, true)]),
        ];
        for (seconds, expected) in cases {
            let at = |s: &u64| Mono::from_start(Duration::from_secs(*s));
            let losses: Vec<Loss> =
                seconds.iter().map(|s| Loss { at: at(s), whose: Whose::Untold(0) }).collect();
            let found: Vec<(usize, bool)> = runs(&losses, 3, Duration::from_secs(4))
                .iter()
                .map(|run| (run.losses.len(), run.is_dense))
                .collect();
            assert_eq!(found, expected, "{seconds:?}");
        }
    }
}
