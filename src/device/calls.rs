//! Calls for help: which presses are one, what is recorded for them, and when they are over.

use std::{collections::BTreeMap, time::Duration};

use jiff::ToSpan;

use super::{Deed, Press, Station, sentence, word::believed};
use crate::{
    alert::{Change, Earnest, Judged, Kind, Occurrence, Ongoing, Severity},
    archive::NewHold,
    config::{Button, Config, Name, Recording},
    id::{AlertId, ButtonId, Mint},
    time::{Now, Wall},
};

/// Presses that follow each other within this time are one call. One that is meant is never part of a drill, nor the other way round.
const SAME_WITHIN: Duration = Duration::from_secs(10);

/// All buttons, and who calls.
#[derive(Debug)]
pub(super) struct Calls {
    station: Station,
    recording: Recording,
    mint: Mint,
    buttons: BTreeMap<ButtonId, (Button, Name)>,
    /// A button has one for each ten seconds of its time at most.
    open: BTreeMap<AlertId, Call>,
}

/// A call that lasts.
#[derive(Debug)]
struct Call {
    button: ButtonId,
    earnest: Earnest,
    began: Wall,
    last: Now,
    presses: u32,
    who: Option<String>,
    note: Option<String>,
    /// What was said of it before a restart; `None`: what this knows.
    said: Option<Name>,
    /// Up to when its recordings are held.
    held_until: Wall,
}

impl Calls {
    pub(super) fn new(config: &Config, station: Station, mint: Mint) -> Self {
        let village = |button: &Button| {
            let village = config.villages.get(&button.village);
            village.expect("the configuration was checked: a button is in a village").name.clone()
        };
        let buttons = config.buttons.iter().map(|(id, button)| {
            let village = village(button);
            (id.clone(), (button.clone(), village))
        });
        Self { station, recording: config.recording, mint, buttons: buttons.collect(), open: BTreeMap::new() }
    }

    pub(super) fn knows(&self, id: &ButtonId) -> bool {
        self.buttons.contains_key(id)
    }

    /// A call goes on after a restart. What it was held for is on record, or is held now.
    pub(super) fn resume(
        &mut self,
        now: Now,
        button: &ButtonId,
        ongoing: &Ongoing,
        deeds: &mut Vec<Deed>,
    ) -> bool {
        if !self.knows(button) {
            return false;
        }
        let call = Call {
            button: button.clone(),
            earnest: ongoing.earnest,
            began: ongoing.occurred_at,
            last: now,
            presses: 1,
            who: None,
            note: None,
            said: Some(ongoing.explain.clone()),
            held_until: ongoing.occurred_at,
        };
        self.open.insert(ongoing.id, call);
        self.film(ongoing.id, deeds);
        self.hold(ongoing.id, now, deeds);
        true
    }

    pub(super) fn press(
        &mut self,
        now: Now,
        id: &ButtonId,
        press: Press,
        deeds: &mut Vec<Deed>,
    ) -> Option<AlertId> {
        let (button, _) = self.buttons.get(id)?;
        let earnest = press.earnest.unwrap_or(button.earnest);
        let same = self.open.iter_mut().find(|(_, call)| {
            call.button == *id && call.earnest == earnest && now.mono.since(call.last.mono) < SAME_WITHIN
        });
        if let Some((&alert, call)) = same {
            call.presses = call.presses.saturating_add(1);
            call.last = now;
            call.said = None;
            call.who = press.who.or(call.who.take());
            call.note = press.note.or(call.note.take());
            deeds.push(self.tell(Change::Updated, alert, None));
            return Some(alert);
        }
        let alert = self.mint.alert(now.wall);
        let began = believed(now, press.at);
        let call = Call {
            button: id.clone(),
            earnest,
            began,
            last: now,
            presses: 1,
            who: press.who,
            note: press.note,
            said: None,
            held_until: began,
        };
        self.open.insert(alert, call);
        self.film(alert, deeds);
        deeds.push(self.tell(Change::Raised, alert, None));
        self.hold(alert, now, deeds);
        Some(alert)
    }

    pub(super) fn tick(&mut self, now: Now, deeds: &mut Vec<Deed>) {
        let lasts = |call: &Call| self.buttons.get(&call.button).map_or(Duration::ZERO, |(of, _)| of.lasts);
        let is_over = |call: &Call| now.mono.since(call.last.mono) >= lasts(call);
        let over: Vec<AlertId> =
            self.open.iter().filter(|(_, call)| is_over(call)).map(|(id, _)| *id).collect();
        for alert in over {
            self.hold(alert, now, deeds);
            let cameras = self.open.get(&alert).and_then(|call| self.buttons.get(&call.button));
            let cameras = cameras.map_or(&[][..], |(button, _)| &button.cameras);
            deeds.extend(cameras.iter().map(|camera| Deed::Cut(camera.clone(), alert)));
            deeds.push(self.tell(Change::Ended, alert, Some(now.wall)));
            self.open.remove(&alert);
        }
    }

    fn film(&self, alert: AlertId, deeds: &mut Vec<Deed>) {
        let (button, _) = self.button(alert);
        deeds.extend(button.cameras.iter().map(|camera| Deed::Film(camera.clone(), alert)));
    }

    /// Holds what is recorded of a call that ends at the time it would by now, as far as it is not held yet.
    fn hold(&mut self, alert: AlertId, now: Now, deeds: &mut Vec<Deed>) {
        let (button, _) = self.button(alert);
        let (cameras, days, lasts) = (button.cameras.clone(), button.hold_days, button.lasts);
        let Some(call) = self.open.get_mut(&alert) else { return };
        let passed = now.mono.since(call.last.mono);
        let ends = now.wall.after(lasts.saturating_sub(passed));
        let (from, to) = self.recording.around(call.began, ends);
        let from = if call.held_until == call.began { from } else { call.held_until };
        if to <= call.held_until {
            return;
        }
        call.held_until = to;
        let today = self.station.time_zone.to_datetime(now.wall.timestamp()).date();
        let review = today.checked_add(i64::from(days).days()).unwrap_or(today);
        let drill = if call.earnest == Earnest::Drill { " (drill)" } else { "" };
        for camera in cameras {
            deeds.push(Deed::Hold(Box::new(NewHold {
                camera,
                from,
                to,
                owner: format!("button {}", call.button),
                reason: format!("call for help{drill}, alert {alert}"),
                case: None,
                review,
            })));
        }
    }

    fn button(&self, alert: AlertId) -> &(Button, Name) {
        let call = self.open.get(&alert).expect("whoever asks has just found or opened it");
        self.buttons.get(&call.button).expect("only known buttons call")
    }

    fn tell(&self, change: Change, alert: AlertId, ended_at: Option<Wall>) -> Deed {
        let (button, village) = self.button(alert);
        let call = &self.open[&alert];
        let (camera, others) = self.station.cameras(&button.cameras);
        let said = sentence::Call {
            button: &button.name,
            village,
            earnest: call.earnest,
            at: call.began,
            presses: call.presses,
            who: call.who.as_deref(),
            note: call.note.as_deref(),
        };
        let explain = call.said.clone().unwrap_or_else(|| said.sentence(&self.station.time_zone));
        let occurrence = Occurrence {
            id: alert,
            kind: Kind::PanicButton,
            severity: Severity::Critical,
            camera,
            others,
            judged: Judged::Button(call.button.clone()),
            direction: None,
            occurred_at: call.began,
            ended_at: ended_at.map(|at| at.max(call.began)),
            objects: Vec::new(),
            earnest: call.earnest,
            explain,
        };
        Deed::Tell(change, Box::new(occurrence))
    }
}
