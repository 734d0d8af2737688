//! Who asks and what for, and what is written down of it before anything is shown.
//!
//! Owns the four parameters: they are a program's. Who has an account is who he is, and what for he has said for his session, unless a question says otherwise.

use serde_json::Value;

use super::{super::parameters::Parameters, Answer, Rooms, Visitor};
use crate::evidence::{Action, Actor, Purpose};

/// Who asks, and what for.
#[derive(Debug, Clone)]
pub(super) struct Warrant {
    pub(super) actor: Actor,
    pub(super) purpose: Purpose,
}

impl Warrant {
    /// `who`, `unit`, `purpose` and `case`, all of which have to be there for a program.
    pub(super) fn read(parameters: &mut Parameters<'_>, visitor: &Visitor) -> Answer<Self> {
        let said = Said::read(parameters)?;
        Self::of(visitor, said)
    }

    /// As [`Self::read`]; who has an account and says nothing watches what happens now on duty.
    pub(super) fn read_live(parameters: &mut Parameters<'_>, visitor: &Visitor) -> Answer<Self> {
        let said = Said::read(parameters)?;
        let says_nothing = said.purpose.trim().is_empty() && said.case.trim().is_empty();
        match visitor.as_person() {
            Some(person) if says_nothing && person.purpose.is_none() => {
                Ok(Self { actor: person.actor.clone(), purpose: Purpose::new("值班 · on duty", "live")? })
            }
            _ => Self::of(visitor, said),
        }
    }

    /// What was said, by whoever asks.
    pub(super) fn of(visitor: &Visitor, said: Said<'_>) -> Answer<Self> {
        let actor = visitor.actor(said.who, said.unit)?;
        Ok(Self { actor, purpose: visitor.purpose(said.purpose, said.case)? })
    }
}

/// What somebody says of himself; empty where he does not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<'s> {
    pub(super) who: &'s str,
    pub(super) unit: &'s str,
    pub(super) purpose: &'s str,
    pub(super) case: &'s str,
}

impl<'p> Said<'p> {
    fn read(parameters: &mut Parameters<'p>) -> Answer<Self> {
        let mut text = |name| Ok::<_, super::Refusal>(parameters.text(name)?.unwrap_or_default());
        Ok(Self { who: text("who")?, unit: text("unit")?, purpose: text("purpose")?, case: text("case")? })
    }
}

impl Rooms {
    /// Writes down what is about to be shown. What cannot be written down is not shown.
    pub(super) async fn write_down(
        &self,
        warrant: &Warrant,
        action: Action,
        what: Value,
        results: Vec<String>,
    ) -> Answer<()> {
        self.access.journal().write_down(&warrant.actor, &warrant.purpose, action, what, results).await
    }

    /// As [`Self::write_down`], for a view: once in a while.
    pub(super) async fn write_view(
        &self,
        warrant: &Warrant,
        what: Value,
        results: Vec<String>,
    ) -> Answer<()> {
        let Warrant { actor, purpose } = warrant;
        self.access.journal().write_once(actor, purpose, Action::View, what, results).await
    }
}
