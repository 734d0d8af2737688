//! The life of one alert, as it is kept on record.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::{Actor, Deadline, Pursuit, Reason, State, Terms, ToldWhy};
use crate::{
    alert::{Kind, Severity},
    duty::Telling,
    id::{CommandId, PostId, StationId},
    time::Wall,
};

/// Tellings, remarks and commands that are kept on record; of more, the newest.
pub(super) const KEPT_MAX: usize = 32;

/// Posts that tellings on record name together, unless the last one alone names more: a record and its messages have to fit into a batch.
const NAMED_MAX: usize = 512;

/// Who is told at a tier, or at the next one that has somebody; `None`: none is left.
pub type Tell<'a> = &'a dyn Fn(u32) -> Option<Telling>;

/// The life of one alert. Pure: it is told the time, and says what is due when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Life {
    pub(super) state: State,
    pub(super) raised_at: Wall,
    pub(super) terms: Terms,
    pub(super) tier: u32,
    pub(super) told: VecDeque<Told>,
    /// Who saw it first, whatever followed.
    pub(super) acknowledged: Option<Done>,
    /// When it was seen, since it was last raised.
    pub(super) seen: Option<Wall>,
    pub(super) claim: Option<Claim>,
    pub(super) first_claimed: Option<Done>,
    pub(super) breached_at: Option<Wall>,
    pub(super) closed: Option<Closed>,
    pub(super) notes: VecDeque<Note>,
    pub(super) dues: BTreeMap<Deadline, Wall>,
    /// Commands that had an effect, and the revision that it had.
    pub(super) remembered: VecDeque<(CommandId, u64)>,
    /// Other stations that were told.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) shared: BTreeSet<StationId>,
}

/// Somebody was told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Told {
    /// When.
    pub at: Wall,
    /// What for.
    pub why: ToldWhy,
    /// Which tier.
    pub tier: u32,
    /// Who.
    pub posts: Vec<PostId>,
    /// Who was to be told and was not, and why.
    pub passed_over: Vec<(PostId, String)>,
}

/// Somebody did something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// When.
    pub at: Wall,
    /// Who.
    pub by: Actor,
}

/// Somebody goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// Since when.
    pub since: Wall,
    /// Who.
    pub by: Actor,
    /// Until when it holds.
    pub until: Wall,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Closed {
    /// When.
    pub at: Wall,
    /// By whom; `None` where nobody did.
    pub by: Option<Actor>,
    /// Why it was dismissed.
    pub reason: Option<Reason>,
    /// A remark.
    pub note: Option<String>,
}

/// A remark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// When.
    pub at: Wall,
    /// Who.
    pub by: Actor,
    /// What.
    pub text: String,
}

/// It is not as it was; and who is to be told.
#[derive(Debug, Clone, PartialEq, Default)]
#[must_use]
pub struct Changed {
    /// What for, at which tier, and who.
    pub told: Option<Told>,
}

impl Told {
    fn named(&self) -> usize {
        self.posts.len() + self.passed_over.len()
    }

    /// The same once more; who was passed over is on record already.
    pub(super) fn telling(&self) -> Telling {
        Telling { tier: self.tier, posts: self.posts.clone(), passed_over: Vec::new() }
    }
}

impl Life {
    /// It begins; nobody is told yet.
    pub fn begin(now: Wall, terms: Terms) -> Self {
        let mut life = Self {
            state: State::Raised,
            raised_at: now,
            terms,
            tier: 0,
            told: VecDeque::new(),
            acknowledged: None,
            seen: None,
            claim: None,
            first_claimed: None,
            breached_at: None,
            closed: None,
            notes: VecDeque::new(),
            dues: BTreeMap::new(),
            remembered: VecDeque::new(),
            shared: BTreeSet::new(),
        };
        life.set_out(now);
        life
    }

    /// What is known of an alert from before lives were on record: it is raised, or has expired so long after it was.
    pub fn of_old(raised_at: Wall, kind: Kind, severity: Severity, state: State) -> Self {
        let mut life = Self::begin(raised_at, Terms::of(kind, severity, Pursuit::Flooded));
        if state.is_closed() {
            let at = raised_at.after(super::deadlines::expiry(severity));
            life.close(state, Closed { at, by: None, reason: None, note: None });
        }
        life
    }

    /// Stands as the alert does that leads its incident: who has seen that one, or goes for it, does so for this one.
    pub fn follow(&mut self, now: Wall, lead: &Self) {
        if let Some(claim) = &lead.claim {
            self.state = State::Claimed;
            self.first_claimed = Some(Done { at: now, by: claim.by.clone() });
            self.dues.clear();
            self.dues.insert(Deadline::Lapse, claim.until);
            self.claim = Some(claim.clone());
        } else if lead.seen.is_some() {
            self.state = State::Acknowledged;
            self.seen = Some(now);
            self.acknowledged.clone_from(&lead.acknowledged);
            self.dues.remove(&Deadline::Remind);
        }
    }

    /// Puts on record who is told.
    pub fn tell(&mut self, now: Wall, why: ToldWhy, telling: Telling) -> Changed {
        let Telling { tier, posts, passed_over } = telling;
        let passed_over =
            passed_over.into_iter().map(|(post, why)| (post, why.as_str().to_owned())).collect();
        let told = Told { at: now, why, tier, posts, passed_over };
        self.tier = self.tier.max(tier);
        keep(&mut self.told, told.clone());
        while self.told.len() > 1 && self.told.iter().map(Told::named).sum::<usize>() > NAMED_MAX {
            self.told.pop_front();
        }
        Changed { told: Some(told) }
    }

    /// What it tells of is well again, or nobody knows any more: it is dealt with by that. Nothing where it is closed already.
    pub fn settle(&mut self, now: Wall, note: &str) -> Option<Changed> {
        if self.state.is_closed() {
            return None;
        }
        let closed = Closed { at: now, by: None, reason: None, note: Some(note.to_owned()) };
        self.close(State::Resolved, closed);
        Some(Changed::default())
    }

    /// Another station was told of it: who is of that one may answer it.
    pub fn share(&mut self, with: StationId) {
        self.shared.insert(with);
    }

    /// Whether a command had an effect, of the newest ones.
    pub fn remembers(&self, command: CommandId) -> bool {
        self.remembered.iter().any(|(id, _)| *id == command)
    }

    /// Whether another station was told of it.
    pub fn is_shared(&self, with: &StationId) -> bool {
        self.shared.contains(with)
    }

    pub(super) fn close(&mut self, state: State, closed: Closed) {
        self.state = state;
        self.claim = None;
        self.dues.clear();
        self.closed = Some(closed);
    }

    /// Which tier is told next: the first one, where nobody was told.
    pub(super) fn next_tier(&self) -> u32 {
        if self.told.is_empty() { 0 } else { self.tier.saturating_add(1) }
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// When it was promised.
    pub fn raised_at(&self) -> Wall {
        self.raised_at
    }

    /// Highest tier that was told.
    pub fn tier(&self) -> u32 {
        self.tier
    }

    /// Who was told, oldest first.
    pub fn told(&self) -> impl Iterator<Item = &Told> {
        self.told.iter()
    }

    /// Who saw it first.
    pub fn acknowledged(&self) -> Option<&Done> {
        self.acknowledged.as_ref()
    }

    /// Who goes.
    pub fn claim(&self) -> Option<&Claim> {
        self.claim.as_ref()
    }

    /// Who was the first to go.
    pub fn first_claimed(&self) -> Option<&Done> {
        self.first_claimed.as_ref()
    }

    /// When the ten minutes were over with nobody on the way.
    pub fn breached_at(&self) -> Option<Wall> {
        self.breached_at
    }

    /// How it ended.
    pub fn closed(&self) -> Option<&Closed> {
        self.closed.as_ref()
    }

    /// Remarks, oldest first.
    pub fn notes(&self) -> impl Iterator<Item = &Note> {
        self.notes.iter()
    }
}

/// Adds one to what is kept on record.
pub(super) fn keep<T>(kept: &mut VecDeque<T>, one: T) {
    if kept.len() == KEPT_MAX {
        kept.pop_front();
    }
    kept.push_back(one);
}
