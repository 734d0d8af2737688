//! Tracks → alerts: zones, lines, dwell, hours, cooldown.
//!
//! Owns the judgement whether something is worth an alert, for one camera, and when that is over. Pure: it is told the time.
//! What happens to an alert then belongs to `alert` and `store`.
//!
//! What a rule means:
//! - **Only what has moved** is a visitor ([`Track::moved`]). A look counts where the thing was detected in it, is of one of the
//!   rule's classes, tall and sure enough; a thing is believed when enough of its last looks count.
//! - **One visitor is one alert** of a rule: several people who come together are an alert each. If a track breaks off and
//!   another begins within two seconds nearby, that is the same visitor. A rider and what they ride are one visitor.
//! - **A zone** is judged by the foot, whose distance to the edge has to be clear (a tenth of the thing's height). Outside for
//!   less than ten seconds is the same stay. **A line** is crossed by a path that leads through it from clearly on
//!   one side to clearly on the other, however many looks were missed between; crossing again within ten seconds is the same event.
//! - **It occurred** when the first frame arrived that shows it: the first look in the zone, the crossing; for `dwell`, the
//!   frame at which the time was up. By that time the hours are judged, too: who was there before they began is no entrance.
//! - **It ends** two seconds after the visitor's track did, or after ten seconds outside of the zone, or without another
//!   crossing. The end is dated to when the visitor was last seen to do it.
//! - **Cooldown**: in the silence after an alert, who comes while one is still open joins it as a further object. Who
//!   comes after it ended is told of when the silence is over, if still there.
//! - **Updates** are told when somebody joined, and at most every five seconds for another class, a better confidence, another way.

mod area;
mod case;
mod path;
#[cfg(test)]
pub(crate) mod tests;
mod watch;

use std::{sync::Arc, time::Duration};

pub(crate) use self::area::{Area, Inside, Walk};
use self::{
    path::{Paths, Succession},
    watch::Watch,
};
use crate::{
    alert::{Alert, Change},
    config::Camera,
    id::{Mint, TrackId},
    time::Now,
    track::Track,
};

/// So long after its track ended, nobody can turn out to go on for a visitor.
pub const SETTLED_AFTER: Duration = path::KEPT;

/// What the rules of one camera say after a frame.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Begins, goes on with news, ends.
    pub change: Change,
    /// The alert as of now.
    pub alert: Alert,
}

/// The rules of one camera. Pure: it is told the time.
#[derive(Debug)]
pub struct Rules {
    watches: Vec<Watch>,
    paths: Paths,
    successions: Vec<Succession>,
    mint: Mint,
}

impl Rules {
    /// The rules of `camera`; alert ids come from `mint`.
    pub fn new(camera: Arc<Camera>, mint: Mint) -> Self {
        let watches = camera.rules.iter().filter_map(|rule| Watch::new(&camera, rule)).collect();
        Self { watches, paths: Paths::default(), successions: Vec::new(), mint }
    }

    /// From here on the rules, zones and lines of `camera` are judged by, the same camera as it is drawn now. Open alerts of a rule that is still there, of the
    /// same kind, go on under the rule that raised them; those of all others end, dated to when they were last seen. Where a rule means the same as before,
    /// nothing that was seen is forgotten; where it does not, who has not raised an alert comes anew.
    pub fn redraw(&mut self, camera: &Arc<Camera>, out: &mut Vec<Verdict>) {
        let mut before = std::mem::take(&mut self.watches);
        for rule in &camera.rules {
            let Some(mut watch) = Watch::new(camera, rule) else { continue };
            if let Some(i) = before.iter().position(|before| before.goes_on_as(rule)) {
                watch.take_over(before.remove(i));
            }
            self.watches.push(watch);
        }
        for mut gone in before {
            gone.end_all(out);
        }
    }

    /// Takes in a frame, looked at or skipped: `now` is its arrival, `tracks` are all live tracks, `ended` those that ended with it.
    /// Verdicts are appended to `out`; of one alert always first raised, then updated, then ended.
    pub fn update(&mut self, now: Now, tracks: &[Track], ended: &[TrackId], out: &mut Vec<Verdict>) {
        self.paths.update(now, tracks, ended, &mut self.successions);
        for watch in &mut self.watches {
            for succession in &self.successions {
                watch.succeed(now, succession);
            }
            watch.update(now, self.paths.sights(tracks), tracks, &mut self.mint, out);
        }
    }

    /// Which track was found, with the newest frame, to go on where which other broke off: (the other, it).
    pub fn successions(&self) -> impl Iterator<Item = (TrackId, TrackId)> + '_ {
        self.successions.iter().map(|succession| (succession.old, succession.new))
    }

    /// The stream was lost, or the daemon stops: open alerts end, and what was seen is forgotten. A cooldown goes on.
    pub fn end_all(&mut self, out: &mut Vec<Verdict>) {
        self.paths.clear();
        for watch in &mut self.watches {
            watch.end_all(out);
        }
    }
}
