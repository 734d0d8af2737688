//! Which cameras there are for somebody.
//!
//! Pure. Owns the question whether a camera lies in a scope. Outside of it nothing exists for him: whoever shows something asks here first.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::{
    config::Config,
    id::{CameraId, VillageId},
};

/// Villages and cameras beside them. Of an account that has none, everything is in scope.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Every camera of these.
    #[serde(default)]
    pub villages: BTreeSet<VillageId>,
    /// And these.
    #[serde(default)]
    pub cameras: BTreeSet<CameraId>,
}

/// Where each camera of the station stands.
#[derive(Debug, Clone, Default)]
pub struct Places(BTreeMap<CameraId, VillageId>);

impl Places {
    /// Those of a configuration.
    pub fn of(config: &Config) -> Self {
        let place = |camera: &Arc<crate::config::Camera>| {
            let village = &config.entry_points.get(&camera.entry_point)?.village;
            Some((camera.id.clone(), village.clone()))
        };
        Self(config.cameras.iter().filter_map(place).collect())
    }
}

impl FromIterator<(CameraId, VillageId)> for Places {
    fn from_iter<I: IntoIterator<Item = (CameraId, VillageId)>>(places: I) -> Self {
        Self(places.into_iter().collect())
    }
}

/// What somebody can see of the station.
#[derive(Debug, Clone)]
pub enum Sight {
    /// Everything, neighbours' alerts included.
    Everything,
    /// What lies in a scope.
    Within(Arc<Scope>, Arc<Places>),
}

impl Sight {
    /// Whether this camera exists for him. One that is not in the configuration any more has no village: it has to be named itself.
    pub fn has(&self, camera: &CameraId) -> bool {
        match self {
            Self::Everything => true,
            Self::Within(scope, places) => {
                scope.cameras.contains(camera)
                    || places.0.get(camera).is_some_and(|village| scope.villages.contains(village))
            }
        }
    }

    /// Whether it is the whole station.
    pub fn is_everything(&self) -> bool {
        matches!(self, Self::Everything)
    }

    /// Of the cameras that are asked for (none: of all) those that exist for him. `None`: no camera need be named, all are meant.
    pub fn narrow(&self, asked: Vec<CameraId>) -> Option<Vec<CameraId>> {
        match self {
            Self::Everything if asked.is_empty() => None,
            Self::Everything => Some(asked),
            Self::Within(scope, places) if asked.is_empty() => {
                let of_villages = places.0.iter().filter(|(_, village)| scope.villages.contains(*village));
                let cameras: BTreeSet<&CameraId> =
                    of_villages.map(|(camera, _)| camera).chain(&scope.cameras).collect();
                Some(cameras.into_iter().cloned().collect())
            }
            Self::Within(..) => Some(asked.into_iter().filter(|camera| self.has(camera)).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id<T: std::str::FromStr>(text: &str) -> T
    where
        T::Err: std::fmt::Debug,
    {
        text.parse().expect("an id")
    }

    fn within(villages: &[&str], cameras: &[&str]) -> Sight {
        let places = [("a1", "a"), ("a2", "a"), ("b1", "b"), ("c1", "c")];
        let places: Places = places.map(|(camera, village)| (id(camera), id(village))).into_iter().collect();
        let scope = Scope {
            villages: villages.iter().map(|it| id(it)).collect(),
            cameras: cameras.iter().map(|it| id(it)).collect(),
        };
        Sight::Within(scope.into(), places.into())
    }

    #[test]
    fn what_is_outside_does_not_exist() {
        let sight = within(&["a"], &["c1", "gone"]);
        for (camera, seen) in
            [("a1", true), ("a2", true), ("b1", false), ("c1", true), ("gone", true), ("never", false)]
        {
            assert_eq!(sight.has(&id(camera)), seen, "{camera}");
            assert!(Sight::Everything.has(&id(camera)));
        }
        let all: Vec<CameraId> = ["a1", "a2", "c1", "gone"].map(id).into();
        assert_eq!(sight.narrow(Vec::new()), Some(all));
        assert_eq!(sight.narrow(["b1", "a2"].map(id).into()), Some(vec![id("a2")]));
        assert_eq!(sight.narrow(vec![id("b1")]), Some(Vec::new()), "not all of them");
        assert_eq!(Sight::Everything.narrow(Vec::new()), None);
        assert_eq!(within(&[], &[]).narrow(Vec::new()), Some(Vec::new()), "an empty scope shows nothing");
    }

    proptest! {
        #[test]
        fn narrowing_gives_nothing_that_is_not_seen(
            villages in proptest::sample::subsequence(vec!["a", "b", "c"], 0..=3),
            cameras in proptest::sample::subsequence(vec!["a1", "b1", "x"], 0..=3),
            asked in proptest::sample::subsequence(vec!["a1", "a2", "b1", "c1", "x", "y"], 0..=6),
        ) {
            let sight = within(&villages, &cameras);
            let asked: Vec<CameraId> = asked.into_iter().map(id).collect();
            let narrowed = sight.narrow(asked.clone()).expect("a list");
            prop_assert!(narrowed.iter().all(|camera| sight.has(camera)));
            if !asked.is_empty() {
                let seen: Vec<CameraId> = asked.into_iter().filter(|camera| sight.has(camera)).collect();
                prop_assert_eq!(narrowed, seen);
            }
        }
    }
}
