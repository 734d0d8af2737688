//! Whoever asks: what he may, which cameras there are for him, as whom he stands in the record.
//!
//! Owns the answers to these questions, for handlers: a [`Visitor`] is an argument of theirs. Who he is, was found out before ([`super::access`]).

use std::sync::Arc;

use axum::{extract::FromRequestParts, http::request::Parts};

use super::guarded::Unlet;
use crate::{
    account::{Account, Permission, Permissions, Sight, TokenHash},
    evidence::{Actor, Purpose, Refusal},
    id::CameraId,
    mqtt::payload::AlertData,
};

/// Whoever asks. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Visitor {
    who: Who,
    may: Permissions,
    sight: Sight,
}

#[derive(Debug, Clone)]
enum Who {
    /// A program of this machine: it says as whom it asks.
    Machine,
    Person(Person),
}

/// Somebody with an account.
#[derive(Debug, Clone)]
pub struct Person {
    /// His account, as it is now.
    pub account: Arc<Account>,
    /// As he stands in the record.
    pub actor: Actor,
    /// His session.
    pub session: TokenHash,
    /// What he looks at recordings for, where he has said it.
    pub purpose: Option<Purpose>,
}

impl Visitor {
    /// A program that has the machine's own token.
    pub(super) fn machine() -> Self {
        Self { who: Who::Machine, may: Permissions::ALL, sight: Sight::Everything }
    }

    /// Somebody with an account.
    pub(super) fn person(person: Person, sight: Sight) -> Self {
        Self { may: person.account.permissions(), who: Who::Person(person), sight }
    }

    #[cfg(test)]
    pub(super) fn of_test(may: Permissions, sight: Sight) -> Self {
        Self { who: Who::Machine, may, sight }
    }

    /// Whether he may do this.
    pub fn may(&self, permission: Permission) -> bool {
        self.may.has(permission)
    }

    /// Whether this camera exists for him.
    pub fn may_see(&self, camera: &CameraId) -> bool {
        self.sight.has(camera)
    }

    /// Whether this alert exists for him: neighbours' are the whole station's.
    pub fn may_see_alert(&self, alert: &AlertData) -> bool {
        self.sight.is_everything() || (alert.home.is_none() && self.sight.has(&alert.camera.id))
    }

    /// What there is of an alert for him: further cameras that it concerns are those that exist for him.
    pub fn shown(&self, mut alert: AlertData) -> Option<AlertData> {
        if !self.may_see_alert(&alert) {
            return None;
        }
        alert.cameras.retain(|camera| self.may_see(camera));
        Some(alert)
    }

    /// What there is for him.
    pub fn sight(&self) -> &Sight {
        &self.sight
    }

    /// Who he is, where he has an account; `None`: a program of this machine.
    pub fn as_person(&self) -> Option<&Person> {
        match &self.who {
            Who::Machine => None,
            Who::Person(person) => Some(person),
        }
    }

    /// As whom he stands in the record: his account's name and unit; a program's as it says.
    pub fn actor(&self, who: &str, unit: &str) -> Result<Actor, Refusal> {
        match &self.who {
            Who::Machine => Actor::new(who, unit),
            Who::Person(person) => Ok(person.actor.clone()),
        }
    }

    /// What he looks at recordings for: as he says with this question, else as he has said for his session.
    pub fn purpose(&self, purpose: &str, case: &str) -> Result<Purpose, Refusal> {
        let says_nothing = purpose.trim().is_empty() && case.trim().is_empty();
        match self.as_person().and_then(|person| person.purpose.as_ref()) {
            Some(of_session) if says_nothing => Ok(of_session.clone()),
            _ => Purpose::new(purpose, case),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Unlet;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Unlet> {
        parts.extensions.get().cloned().ok_or(Unlet::Stranger)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        account::{Role, Scope},
        console::board,
        id::Mint,
        time::Wall,
    };

    #[test]
    fn an_alert_is_shown_within_a_scope_and_names_no_camera_outside() {
        let id = |text: &str| text.parse::<CameraId>().expect("an id");
        let within = |camera: &str| {
            let scope = Scope { cameras: [id(camera)].into(), ..Scope::default() };
            Sight::Within(scope.into(), Arc::default())
        };
        let visitor = |sight| Visitor::of_test(Role::Operator.permissions(), sight);
        let mut alert = board::tests::alert(Mint::seeded(1).alert(Wall::from_unix_ms(1)));
        alert.cameras = vec![id("c"), id("d")];
        let names = |alert: Option<AlertData>| alert.map(|alert| alert.cameras);
        let all = Some(alert.cameras.clone());
        assert_eq!(names(visitor(Sight::Everything).shown(alert.clone())), all);
        assert_eq!(names(visitor(within("c")).shown(alert.clone())), Some(vec![id("c")]));
        assert_eq!(names(visitor(within("d")).shown(alert.clone())), None, "it is at c");
        // A neighbour's camera may have the id of one of ours.
        alert.home = Some("riverside".parse().expect("an id"));
        assert_eq!(names(visitor(within("c")).shown(alert.clone())), None);
        assert_eq!(names(visitor(Sight::Everything).shown(alert)), all);
    }
}
