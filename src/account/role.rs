//! What there is to be allowed, and which role allows what.
//!
//! Pure. Owns the table of `docs/design/console.md`; which path of the page needs what is the console's to say.

use serde::{Deserialize, Serialize};

/// One thing that somebody may do. Names are on record and on the wire: never change one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    /// The wall of alerts, their pictures, their own clips.
    Alerts,
    /// Acknowledging, claiming … resolving, dismissing.
    Answer,
    /// Live view, and a camera's last picture.
    Live,
    /// Recordings of any time, for a purpose and a case.
    Playback,
    /// The index of clips, for a purpose and a case; asking neighbours for clips.
    Search,
    /// Packs, films to take along, holds.
    Export,
    /// Cameras, devices, gaps, the report.
    Health,
    /// Zones, lines, masks and rules of a camera.
    Configure,
    /// Answering neighbours who ask for clips.
    Approve,
    /// The audit log.
    Audit,
    /// Accounts.
    Accounts,
}

impl Permission {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 11] = [
        Self::Alerts,
        Self::Answer,
        Self::Live,
        Self::Playback,
        Self::Search,
        Self::Export,
        Self::Health,
        Self::Configure,
        Self::Approve,
        Self::Audit,
        Self::Accounts,
    ];

    /// As written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alerts => "alerts",
            Self::Answer => "answer",
            Self::Live => "live",
            Self::Playback => "playback",
            Self::Search => "search",
            Self::Export => "export",
            Self::Health => "health",
            Self::Configure => "configure",
            Self::Approve => "approve",
            Self::Audit => "audit",
            Self::Accounts => "accounts",
        }
    }

    /// Whether people are seen by it: somebody who tries without it is written down.
    pub fn shows_people(self) -> bool {
        matches!(self, Self::Alerts | Self::Live | Self::Playback | Self::Search | Self::Export)
    }
}

/// What somebody is at the station. Names are on record and on the wire: never change one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Watches the wall and answers alerts.
    Operator,
    /// Keeps cameras and rules going; sees no people.
    Maintainer,
    /// Looks for what happened, for a case.
    Investigator,
    /// Answers for the shift, for neighbours' requests and for the log.
    Supervisor,
    /// May do everything.
    Administrator,
}

impl Role {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 5] =
        [Self::Operator, Self::Maintainer, Self::Investigator, Self::Supervisor, Self::Administrator];

    /// As written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Maintainer => "maintainer",
            Self::Investigator => "investigator",
            Self::Supervisor => "supervisor",
            Self::Administrator => "administrator",
        }
    }

    /// What it allows.
    pub fn permissions(self) -> Permissions {
        use Permission::{Alerts, Answer, Approve, Audit, Configure, Export, Health, Live, Playback, Search};
        match self {
            Self::Operator => [Alerts, Answer, Live, Health].into_iter().collect(),
            Self::Maintainer => [Health, Configure].into_iter().collect(),
            Self::Investigator => [Alerts, Live, Playback, Search, Export, Health].into_iter().collect(),
            Self::Supervisor => {
                [Alerts, Answer, Live, Playback, Search, Health, Approve, Audit].into_iter().collect()
            }
            Self::Administrator => Permissions::ALL,
        }
    }
}

/// A set of permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions(u16);

impl Permissions {
    /// Everything.
    pub const ALL: Self = Self((1 << Permission::ALL.len()) - 1);

    /// Whether it is among them.
    pub fn has(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u16) != 0
    }

    /// These and those.
    pub fn and(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }

    /// One by one, in the order of [`Permission::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter().filter(move |&permission| self.has(permission))
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |bits, permission| bits | 1 << permission as u16))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_one_that_was_decided() {
        let page = include_str!("../../docs/design/console.md");
        let row = |permission: Permission| {
            let begin = format!("| `{}` |", permission.as_str());
            let row = page.lines().find(|line| line.starts_with(&begin)).expect("a row of the table");
            row.split('|').skip(3).take(Role::ALL.len()).map(|cell| cell.trim() == "●").collect::<Vec<_>>()
        };
        for permission in Permission::ALL {
            let allowed = Role::ALL.map(|role| role.permissions().has(permission));
            assert_eq!(row(permission), allowed, "{permission:?}");
        }
    }

    #[test]
    fn names_are_written_as_they_are_read() {
        for permission in Permission::ALL {
            assert_eq!(serde_json::to_value(permission).expect("JSON"), permission.as_str());
            let one = Permissions::from_iter([permission]);
            assert_eq!(one.iter().collect::<Vec<_>>(), [permission]);
        }
        for role in Role::ALL {
            assert_eq!(serde_json::to_value(role).expect("JSON"), role.as_str());
        }
        assert_eq!(Permissions::from_iter(Permission::ALL), Permissions::ALL);
    }

    #[test]
    fn a_maintainer_sees_no_people() {
        assert!(Role::Maintainer.permissions().iter().all(|permission| !permission.shows_people()));
    }
}
