//! One rule on one camera: its visitors, and the alerts that they became.
//!
//! Owns raising, joining, updating and ending of alerts, and the rule's silence after it raised one. Whether something has
//! happened belongs to [`super::case`].

use std::{sync::Arc, time::Duration};

use super::{
    Verdict,
    area::Area,
    case::{Case, InHours, Scope},
    path::{Sight, Succession},
};
use crate::{
    alert::{Alert, Change, Object},
    config::{Camera, Condition, Direction, Rule},
    detect::{Class, Group},
    geometry::UnitBox,
    id::{Mint, TrackId},
    time::{Mono, Now, Wall},
    track::Track,
};

/// Beside somebody of whom is told already, somebody else is told of after this time: what looks like a second one for a moment is often
/// another part of the first.
const BESIDE_AFTER: Duration = Duration::from_millis(600);
/// News of an alert is told at most this often, except that somebody joined it.
const UPDATE_EVERY: Duration = Duration::from_secs(5);
/// By so much the confidence has to be better to be news.
const NEWS_CONFIDENCE: f32 = 0.05;
/// Most visitors of one alert; further ones are silent, as the rule is.
const OBJECTS_MAX: usize = 32;

/// One rule on one camera.
#[derive(Debug)]
pub(super) struct Watch {
    camera: Arc<Camera>,
    rule: Arc<Rule>,
    scope: Scope,
    cases: Vec<Case>,
    alerts: Vec<Open>,
    /// When the rule may raise again.
    quiet_until: Option<Mono>,
}

/// An alert that goes on.
#[derive(Debug)]
struct Open {
    alert: Alert,
    /// What was last told of it.
    told_at: Mono,
    told_confidence: f32,
    told_class: Class,
    told_direction: Option<Direction>,
    news: News,
    /// Last time at which one of its visitors was seen to do it.
    seen: Wall,
}

/// Whether there is something to tell that does not wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    None,
    Joined,
}

impl Watch {
    /// `None` where the rule names a zone or line that the camera does not have, which a checked configuration excludes.
    pub(super) fn new(camera: &Arc<Camera>, rule: &Arc<Rule>) -> Option<Self> {
        let zone = |id| camera.zones.get(id).map(|zone| Scope::Area(Area::zone(&zone.area)));
        let scope = match &rule.when {
            Condition::ZoneEnter { zone: None } | Condition::Dwell { zone: None, .. } => {
                Some(Scope::Area(Area::Picture))
            }
            Condition::ZoneEnter { zone: Some(id) }
            | Condition::Dwell { zone: Some(id), .. }
            | Condition::ZoneLeave { zone: id } => zone(id),
            Condition::LineCross { line, .. } | Condition::WrongWay { line, .. } => {
                camera.lines.get(line).map(|line| Scope::Line(line.segment))
            }
        };
        scope.map(|scope| Self {
            camera: Arc::clone(camera),
            rule: Arc::clone(rule),
            scope,
            cases: Vec::new(),
            alerts: Vec::new(),
            quiet_until: None,
        })
    }

    /// Whether alerts of this rule are alerts of that one.
    pub(super) fn goes_on_as(&self, rule: &Rule) -> bool {
        self.rule.id == rule.id && self.rule.when.kind() == rule.when.kind()
    }

    /// This rule was changed while it was at work: what `before` had open goes on here. What it has seen counts where the rule means the same.
    pub(super) fn take_over(&mut self, before: Self) {
        let same = self.rule.version == before.rule.version;
        self.cases = match same {
            true => before.cases,
            false => before.cases.into_iter().filter_map(Case::redrawn).collect(),
        };
        self.alerts = before.alerts;
        self.quiet_until = before.quiet_until;
    }

    /// A visitor goes on under another track.
    pub(super) fn succeed(&mut self, now: Now, succession: &Succession) {
        let Some(old) = self.cases.iter().position(|case| case.track == succession.old) else { return };
        let new = match self.cases.iter().position(|case| case.track == succession.new) {
            Some(new) => new,
            None => {
                self.cases.push(Case::new(now, succession.new));
                self.cases.len() - 1
            }
        };
        if self.cases[new].alert.is_some() {
            return;
        }
        let earlier = self.cases[old].clone();
        self.cases[new].continue_from(&earlier, &self.scope, succession);
        self.cases.remove(old);
        if let Some(open) =
            earlier.alert.and_then(|id| self.alerts.iter_mut().find(|open| open.alert.id == id))
        {
            for object in open.alert.objects.iter_mut().filter(|object| object.track == succession.old) {
                object.track = succession.new;
            }
        }
    }

    /// Takes in a frame.
    pub(super) fn update<'a>(
        &mut self,
        now: Now,
        sights: impl Iterator<Item = Sight<'a>>,
        tracks: &[Track],
        mint: &mut Mint,
        out: &mut Vec<Verdict>,
    ) {
        let in_hours = self.in_hours(now.wall);
        for case in &mut self.cases {
            if case.gone.is_none() && !tracks.iter().any(|track| track.id == case.track) {
                case.gone = Some(now.mono);
            }
        }
        for sight in sights {
            let i = self.case_of(now, sight.track.id);
            self.cases[i].observe(now, &self.rule, &self.scope, &sight, in_hours);
            if self.cases[i].due.is_some() {
                self.decide(now, i, &sight, tracks, mint, out);
            }
            self.refresh(i, sight.track);
        }
        self.close(now, out);
        self.tell_news(now, out);
    }

    /// Everything that is open ends, since nothing can be seen any more; dated to when it was last seen.
    pub(super) fn end_all(&mut self, out: &mut Vec<Verdict>) {
        self.cases.clear();
        for open in self.alerts.drain(..) {
            out.push(open.end(open.seen));
        }
    }

    fn case_of(&mut self, now: Now, track: TrackId) -> usize {
        self.cases.iter().position(|case| case.track == track).unwrap_or_else(|| {
            self.cases.push(Case::new(now, track));
            self.cases.len() - 1
        })
    }

    fn in_hours(&self, at: Wall) -> InHours {
        match &self.rule.hours {
            Some(hours) if !hours.contains(at) => InHours::No,
            Some(_) | None => InHours::Yes,
        }
    }

    /// Something happened: it becomes an alert of its own, or part of one, or waits, or is dropped.
    fn decide(
        &mut self,
        now: Now,
        i: usize,
        sight: &Sight<'_>,
        tracks: &[Track],
        mint: &mut Mint,
        out: &mut Vec<Verdict>,
    ) {
        let Some(due) = self.cases[i].due else { return };
        if let Some(id) = self.cases[i].alert {
            // The same visitor does it again, soon after: the same alert, the way it went last.
            if let Some(open) = self.alerts.iter_mut().find(|open| open.alert.id == id) {
                open.alert.direction = due.direction;
            }
            self.cases[i].due = None;
            return;
        }
        if self.in_hours(due.at.wall) == InHours::No {
            self.cases[i].due = None;
            return;
        }
        if sight.undecided || !self.cases[i].is_credible(&self.rule, sight.track) {
            return;
        }
        let quiet = self.quiet_until.is_some_and(|until| now.mono < until);
        let company = self.company_of(sight.track, tracks).or_else(|| {
            let open = self.alerts.iter().position(|open| open.alert.objects.len() < OBJECTS_MAX);
            if quiet { open } else { None }
        });
        if let Some(a) = company {
            let open = &mut self.alerts[a];
            open.alert.objects.push(object(sight.track));
            open.news = News::Joined;
            self.cases[i].alert = Some(open.alert.id);
            self.cases[i].due = None;
            self.cases[i].show(now);
            return;
        }
        if quiet {
            // What happened in the silence is past. Who is still in the zone when it ends is worth an alert then.
            match self.rule.when {
                Condition::ZoneEnter { .. } | Condition::Dwell { .. } => {}
                Condition::ZoneLeave { .. } | Condition::LineCross { .. } | Condition::WrongWay { .. } => {
                    self.cases[i].due = None;
                }
            }
            return;
        }
        if !self.alerts.is_empty() && now.mono.since(due.at.mono) < BESIDE_AFTER {
            return;
        }
        self.raise(now, i, sight.track, mint, out);
    }

    fn raise(&mut self, now: Now, i: usize, track: &Track, mint: &mut Mint, out: &mut Vec<Verdict>) {
        let case = &mut self.cases[i];
        let due = case.due.take().expect("only what is due is raised");
        case.show(now);
        let alert = Alert {
            id: mint.alert(now.wall),
            camera: Arc::clone(&self.camera),
            rule: Arc::clone(&self.rule),
            direction: due.direction,
            occurred_at: due.at.wall,
            ended_at: None,
            objects: vec![object(track)],
        };
        case.alert = Some(alert.id);
        self.quiet_until = Some(now.mono + self.rule.cooldown);
        out.push(Verdict { change: Change::Raised, alert: alert.clone() });
        self.alerts.push(Open {
            told_at: now.mono,
            told_confidence: track.confidence_best,
            told_class: track.class,
            told_direction: due.direction,
            news: News::None,
            seen: now.wall,
            alert,
        });
    }

    /// The open alert of somebody who is one visitor together with this track: a rider and what they ride.
    fn company_of(&self, track: &Track, tracks: &[Track]) -> Option<usize> {
        let other = match track.class.group() {
            Group::Person => Group::TwoWheeler,
            Group::TwoWheeler => Group::Person,
            Group::Vehicle | Group::Animal => return None,
        };
        let rides = |object: &Object| {
            tracks
                .iter()
                .any(|t| t.id == object.track && t.class.group() == other && are_one(&track.bbox, &t.bbox))
        };
        self.alerts
            .iter()
            .position(|open| open.alert.objects.len() < OBJECTS_MAX && open.alert.objects.iter().any(rides))
    }

    /// What is known of the thing goes into its alert.
    fn refresh(&mut self, i: usize, track: &Track) {
        let Some(id) = self.cases[i].alert else { return };
        let Some(open) = self.alerts.iter_mut().find(|open| open.alert.id == id) else { return };
        open.seen = open.seen.max(self.cases[i].seen.wall);
        if track.confidence.is_some()
            && let Some(seen) = open.alert.objects.iter_mut().find(|object| object.track == track.id)
        {
            seen.class = track.class;
            seen.confidence = seen.confidence.max(track.confidence_best);
            seen.bbox = track.bbox;
        }
    }

    /// Ends what is over.
    fn close(&mut self, now: Now, out: &mut Vec<Verdict>) {
        for case in &mut self.cases {
            if case.is_over(now) && case.alert.is_some() {
                case.alert = None;
            }
        }
        let cases = &self.cases;
        self.alerts.retain_mut(|open| {
            let goes_on = cases.iter().any(|case| case.alert == Some(open.alert.id));
            if !goes_on {
                out.push(open.end(open.seen));
            }
            goes_on
        });
        self.cases.retain(|case| !case.is_gone(now));
    }

    fn tell_news(&mut self, now: Now, out: &mut Vec<Verdict>) {
        for open in &mut self.alerts {
            if open.is_news(now) {
                open.tell(now);
                out.push(Verdict { change: Change::Updated, alert: open.alert.clone() });
            }
        }
    }
}

impl Open {
    fn is_news(&self, now: Now) -> bool {
        let (class, confidence) = self.best();
        let news = class != self.told_class
            || confidence >= self.told_confidence + NEWS_CONFIDENCE
            || self.alert.direction != self.told_direction;
        self.news == News::Joined || (news && now.mono.since(self.told_at) >= UPDATE_EVERY)
    }

    fn tell(&mut self, now: Now) {
        (self.told_class, self.told_confidence) = self.best();
        self.told_direction = self.alert.direction;
        self.told_at = now.mono;
        self.news = News::None;
    }

    /// Class of the first visitor, and the best confidence of all.
    fn best(&self) -> (Class, f32) {
        let class = self.alert.objects.first().map_or(self.told_class, |object| object.class);
        (class, self.alert.objects.iter().map(|object| object.confidence).fold(0.0, f32::max))
    }

    fn end(&self, at: Wall) -> Verdict {
        let mut alert = self.alert.clone();
        alert.ended_at = Some(at.max(alert.occurred_at));
        Verdict { change: Change::Ended, alert }
    }
}

fn object(track: &Track) -> Object {
    Object { class: track.class, confidence: track.confidence_best, bbox: track.bbox, track: track.id }
}

/// Whether a person and a two-wheeler are one visitor: most of the smaller box lies in the other.
fn are_one(a: &UnitBox, b: &UnitBox) -> bool {
    a.covered_by(b).max(b.covered_by(a)) >= 0.4
}
