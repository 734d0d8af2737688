//! Who may have how much of the decoders where nothing seems to happen.
//!
//! Pure: told what each camera costs, says what each is granted. What moves is decoded in any case and is no matter of this budget; nor is the promise that
//! each camera is looked at within its time, which is kept even where it costs more than there is.

use std::{sync::Arc, time::Duration};

use super::Grant;
use crate::config::{AttentionPolicy, Camera};

/// What decoding all of a camera costs that was never measured, in cores: 640x360, 15 frames a second, on a slow machine.
const ALWAYS_COSTS: f32 = 0.01;
/// What a look at one of its key frames costs.
const KEY_LOOK_COSTS: Duration = Duration::from_millis(5);
/// Nobody is looked at more often than this without cause: cameras send a key frame every one or two seconds.
const EVERY_MIN: Duration = Duration::from_secs(2);
/// A camera whose stream says little is looked at so many times as often as another one, while that can be afforded.
const POOR_WEIGHT: f32 = 4.0;
/// Once all is granted, the fleet may cost so much more than the budget before anything is taken back: costs are measured on a noisy machine.
const TOLERANCE: f32 = 1.2;

/// What a camera costs, and what its stream is worth.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Claim {
    /// Cores' worth of decoding that all of its frames take; `None` where that was never measured.
    pub always: Option<f32>,
    /// What a look at one key frame takes; `None` where that was never measured.
    pub key_look: Option<Duration>,
    /// Its stream has proved to say little of what moves.
    pub is_poor: bool,
    /// It streams at all. What does not costs nothing.
    pub streams: bool,
}

/// Shares out the attention of a fleet.
#[derive(Debug)]
pub struct Budget {
    cores: f32,
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    policy: AttentionPolicy,
    promise: Duration,
    /// As last measured.
    always: f32,
    key_look_s: f32,
    is_poor: bool,
    streams: bool,
    granted: Grant,
}

impl Member {
    /// Cores that decoding all of it takes. What is away costs nothing.
    fn always(&self) -> f32 {
        if self.streams { self.always } else { 0.0 }
    }

    fn key_look_s(&self) -> f32 {
        if self.streams { self.key_look_s } else { 0.0 }
    }
}

impl Budget {
    /// For these cameras, in this order, of which nothing was measured yet.
    pub fn new(cameras: &[Arc<Camera>], cores: f32) -> Self {
        let members = cameras.iter().map(|camera| Member {
            policy: camera.attention,
            promise: camera.look_every,
            always: ALWAYS_COSTS,
            key_look_s: KEY_LOOK_COSTS.as_secs_f32(),
            is_poor: false,
            streams: true,
            granted: Grant::Off,
        });
        let mut budget = Self { cores, members: members.collect() };
        budget.grant();
        budget
    }

    /// What each camera has now, in the order of the cameras.
    pub fn granted(&self) -> impl Iterator<Item = Grant> {
        self.members.iter().map(|member| member.granted)
    }

    /// Takes in what the cameras cost, in their order. Says which of them are granted something else from now on.
    ///
    /// # Panics
    /// Where there are not as many claims as cameras.
    pub fn share(&mut self, claims: &[Claim]) -> Vec<(usize, Grant)> {
        assert_eq!(claims.len(), self.members.len(), "each camera has a claim");
        for (member, claim) in self.members.iter_mut().zip(claims) {
            // Half of what is new, so that one busy minute does not turn the fleet about.
            if let Some(always) = claim.always {
                member.always += (always - member.always) / 2.0;
            }
            if let Some(look) = claim.key_look {
                member.key_look_s += (look.as_secs_f32() - member.key_look_s) / 2.0;
            }
            member.is_poor = claim.is_poor;
            member.streams = claim.streams;
        }
        let before: Vec<Grant> = self.granted().collect();
        self.grant();
        let changed = self.granted().zip(before).enumerate();
        changed.filter(|(_, (now, before))| now != before).map(|(index, (now, _))| (index, now)).collect()
    }

    fn grant(&mut self) {
        let mut left = self.cores;
        let mut open: Vec<usize> = Vec::new();
        for (index, member) in self.members.iter_mut().enumerate() {
            match member.policy {
                AttentionPolicy::Off => member.granted = Grant::Off,
                AttentionPolicy::Always => {
                    left -= member.always();
                    member.granted = Grant::Always;
                }
                AttentionPolicy::Auto => open.push(index),
            }
        }
        // Who is watched all the time stays so while it can be afforded; then those whose streams say little; then the cheapest.
        open.sort_by(|&a, &b| {
            let key = |i: usize| {
                let member = &self.members[i];
                (member.granted != Grant::Always, !member.is_poor, member.always())
            };
            let (a, b) = (key(a), key(b));
            (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2))
        });
        let all: f32 = open.iter().map(|&i| self.members[i].always()).sum();
        let had_all = open.iter().all(|&i| self.members[i].granted == Grant::Always);
        if all <= left || (had_all && !open.is_empty() && all <= left * TOLERANCE) {
            for index in open {
                self.members[index].granted = Grant::Always;
            }
            return;
        }
        self.share_out(&open, left);
    }

    /// Not everybody can be watched all the time: who is looked at how often, and who has the rest.
    fn share_out(&mut self, open: &[usize], cores: f32) {
        // Each takes looks in proportion to its weight, between its promise and the most there is any use in.
        let rate = |member: &Member, level: f32| {
            let weight = if member.is_poor { POOR_WEIGHT } else { 1.0 };
            let (least, most) = (1.0 / member.promise.as_secs_f32(), 1.0 / EVERY_MIN.as_secs_f32());
            (weight * level).clamp(least.min(most), most)
        };
        let cost = |level: f32| -> f32 {
            open.iter().map(|&i| rate(&self.members[i], level) * self.members[i].key_look_s()).sum()
        };
        let (mut low, mut high) = (0.0, 1.0 / EVERY_MIN.as_secs_f32());
        if cost(high) <= cores {
            low = high;
        }
        for _ in 0..20 {
            let middle = (low + high) / 2.0;
            if cost(middle) <= cores { low = middle } else { high = middle }
        }
        let mut left = cores - cost(low);
        for &index in open {
            let member = &mut self.members[index];
            let per_s = rate(member, low);
            let more = member.always() - per_s * member.key_look_s();
            let tolerance = if member.granted == Grant::Always { TOLERANCE } else { 1.0 };
            if low >= 1.0 / EVERY_MIN.as_secs_f32() && more <= left * tolerance {
                left -= more;
                member.granted = Grant::Always;
                continue;
            }
            // Whole fifths of a second: what differs by less is the same.
            let every = Duration::from_millis((5.0 / per_s).round() as u64 * 200);
            member.granted =
                Grant::Sparse { every: every.clamp(EVERY_MIN.min(member.promise), member.promise) };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{self, Canned};

    fn cameras(count: usize, attention: &str) -> Vec<Arc<Camera>> {
        let mut text = String::from(
            "[station]\nid = \"s\"\n[broker]\nkind = \"embedded\"\n[village.v]\n[entry_point.e]\nvillage = \"v\"\n",
        );
        for number in 0..count {
            text += &format!(
                "[camera.c{number}]\nentry_point = \"e\"\nmain = \"rtsp://127.0.0.1/c{number}\"\nattention = \"{attention}\"\n"
            );
        }
        config::parse(&text, "test", Path::new("."), &Canned::default())
            .unwrap_or_else(|e| panic!("{e}"))
            .cameras
    }

    fn claim(always: f32) -> Claim {
        Claim {
            always: Some(always),
            key_look: Some(Duration::from_millis(4)),
            is_poor: false,
            streams: true,
        }
    }

    fn every(grant: Grant) -> f32 {
        match grant {
            Grant::Sparse { every } => every.as_secs_f32(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn few_cameras_are_watched_all_the_time_and_778_are_not() {
        assert!(Budget::new(&cameras(8, "auto"), 0.5).granted().all(|grant| grant == Grant::Always));
        let mut town = Budget::new(&cameras(778, "auto"), 0.5);
        assert!(
            town.granted().all(|grant| matches!(grant, Grant::Sparse { .. })),
            "from the first moment on"
        );
        for _ in 0..20 {
            town.share(&[claim(0.008); 778]);
        }
        let cost: f32 = town.granted().map(|grant| 0.004 / every(grant)).sum();
        assert!((0.4..=0.51).contains(&cost), "{cost} of half a core");
    }

    #[test]
    fn whose_stream_says_little_is_looked_at_more_often() {
        let mut town = Budget::new(&cameras(300, "auto"), 0.25);
        let mut claims = vec![claim(0.008); 300];
        claims[7].is_poor = true;
        for _ in 0..20 {
            town.share(&claims);
        }
        let granted: Vec<Grant> = town.granted().collect();
        assert!(every(granted[7]) < every(granted[8]) / 1.8, "{:?} {:?}", granted[7], granted[8]);
    }

    #[test]
    fn the_promise_is_kept_whatever_it_costs() {
        let mut town = Budget::new(&cameras(778, "auto"), 0.05);
        town.share(&[claim(0.02); 778]);
        assert!(town.granted().all(|grant| every(grant) <= 10.0));
    }

    #[test]
    fn what_is_left_watches_as_many_as_it_can_and_those_keep_it() {
        let mut town = Budget::new(&cameras(60, "auto"), 0.5);
        let claims = vec![claim(0.012); 60];
        for _ in 0..20 {
            town.share(&claims);
        }
        let always = town.granted().filter(|grant| *grant == Grant::Always).count();
        assert!((20..60).contains(&always), "{always}");
        let before: Vec<Grant> = town.granted().collect();
        for round in 0..10 {
            let noise = if round % 2 == 0 { 0.0121 } else { 0.0119 };
            town.share(&vec![claim(noise); 60]);
        }
        let same = town.granted().zip(before).filter(|(a, b)| a == b).count();
        assert!(same >= 57, "{same} of 60 keep what they have");
    }

    #[test]
    fn what_was_written_down_holds() {
        assert!(Budget::new(&cameras(500, "always"), 0.05).granted().all(|grant| grant == Grant::Always));
        assert!(Budget::new(&cameras(2, "off"), 4.0).granted().all(|grant| grant == Grant::Off));
    }
}
