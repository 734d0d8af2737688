//! Names of things: newtypes, so that a camera is never passed where a rule is meant.
//!
//! Owns the spelling of ids (`[a-z0-9][a-z0-9-]{0,47}`) and the minting of alert, clip and event
//! ids (ULID). It knows nothing of what the ids stand for.

use std::{fmt, str::FromStr, sync::Arc};

use rand::{RngCore, SeedableRng, rngs::SmallRng};
use serde::{Deserialize, Serialize};

use crate::time::Wall;

/// Longest id, in bytes. MQTT topics and file names carry ids, so they stay short.
pub const SLUG_LEN_MAX: usize = 48;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not an id: use 1 to 48 of a-z, 0-9 and -, beginning with a letter or a digit")]
pub struct NotAnId {
    /// What was written.
    pub text: String,
}

fn is_slug(text: &str) -> bool {
    let bytes = text.as_bytes();
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    (1..=SLUG_LEN_MAX).contains(&bytes.len())
        && plain(bytes[0])
        && bytes.iter().all(|&b| plain(b) || b == b'-')
}

macro_rules! slug {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                if is_slug(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(NotAnId { text: text.to_owned() })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotAnId;
            fn try_from(text: String) -> Result<Self, NotAnId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

slug! {
    /// A camera.
    CameraId;
    /// An entry point: the place where a road or path enters a village.
    EntryPointId;
    /// A village.
    VillageId;
    /// A road, path or river on the map.
    RoadId;
    /// A zone (polygon) in one camera's picture.
    ZoneId;
    /// A line in one camera's picture.
    LineId;
    /// A rule that raises alerts.
    RuleId;
    /// A named set of hours.
    HoursId;
    /// A model description.
    ModelId;
    /// A station (precinct): the root of the topics.
    StationId;
    /// One daemon of a station.
    NodeId;
    /// A place for recordings: a folder on a disk.
    VolumeId;
    /// Somebody who is told of alerts: a checkpoint, a patrol, the station itself.
    PostId;
    /// A line of the table that says who is told of what.
    RouteId;
    /// A button that calls for help, at a school, a contact point, a shop.
    ButtonId;
    /// A contact, door or vibration sensor.
    SensorId;
    /// The name under which somebody signs in.
    Login;
}

impl VolumeId {
    /// The volume of a station that declares none: a folder of its data.
    pub fn usual() -> Self {
        Self("recordings".into())
    }
}

macro_rules! ulid_id {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub ulid::Ulid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ulid::DecodeError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                ulid::Ulid::from_string(text).map(Self)
            }
        }
    )+};
}

ulid_id! {
    /// An alert, for its whole life.
    AlertId;
    /// A clip of recorded video.
    ClipId;
    /// A hold: what somebody has kept from being deleted.
    HoldId;
    /// One event about an alert: (source, event id) is the idempotency key on the wire.
    EventId;
    /// Alerts that are one thing that happens: it bears the id of the alert that leads them.
    IncidentId;
    /// A request to see a neighbouring station's clip: the same id twice is the same request.
    RequestId;
    /// What somebody wants done with an alert: the same id twice is the same wish.
    CommandId;
}

impl AlertId {
    /// The time part: when the alert was raised, by the clock of that moment.
    pub fn raised_at(self) -> Wall {
        Wall::from_unix_ms(self.0.timestamp_ms() as i64)
    }
}

impl ClipId {
    /// The time part: when what it shows began, by the clock of that moment.
    pub fn began_at(self) -> Wall {
        Wall::from_unix_ms(self.0.timestamp_ms() as i64)
    }
}

/// A track within one camera, counted from 1 since the daemon started. Never an identity: a person
/// who leaves and comes back is another track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TrackId(pub u64);

/// Mints ids. Each owner has a mint of its own, so that a simulated fleet with one seed mints the
/// same ids twice.
#[derive(Debug, Clone)]
pub struct Mint(SmallRng);

impl Mint {
    /// A mint whose ids differ from start to start, for production. They are names, not secrets.
    pub fn from_os() -> Self {
        Self(SmallRng::from_os_rng())
    }

    /// A mint that repeats itself, for simulation and replay.
    pub fn seeded(seed: u64) -> Self {
        Self(SmallRng::seed_from_u64(seed))
    }

    /// Another mint, whose ids follow from this one's seed.
    pub fn split(&mut self) -> Self {
        Self::seeded(self.0.next_u64())
    }

    fn ulid(&mut self, at: Wall) -> ulid::Ulid {
        let random = (u128::from(self.0.next_u64()) << 64) | u128::from(self.0.next_u64());
        ulid::Ulid::from_parts(at.unix_ms().max(0) as u64, random)
    }

    /// A new alert id whose time part is `at`.
    pub fn alert(&mut self, at: Wall) -> AlertId {
        AlertId(self.ulid(at))
    }

    /// A new event id whose time part is `at`.
    pub fn event(&mut self, at: Wall) -> EventId {
        EventId(self.ulid(at))
    }

    /// A new clip id whose time part is `at`.
    pub fn clip(&mut self, at: Wall) -> ClipId {
        ClipId(self.ulid(at))
    }

    /// A new hold id whose time part is `at`.
    pub fn hold(&mut self, at: Wall) -> HoldId {
        HoldId(self.ulid(at))
    }

    /// A new command id whose time part is `at`.
    pub fn command(&mut self, at: Wall) -> CommandId {
        CommandId(self.ulid(at))
    }

    /// A new request id whose time part is `at`.
    pub fn request(&mut self, at: Wall) -> RequestId {
        RequestId(self.ulid(at))
    }

    /// A number in 0..1, for jitter.
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_slugs() {
        for good in ["a", "0", "north-gate-1", &"a".repeat(48)] {
            assert_eq!(good.parse::<CameraId>().map(|id| id.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "-a", "North", "a_b", "a/b", "a+", "村", &"a".repeat(49)] {
            assert!(bad.parse::<CameraId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_seeded_mint_repeats_itself() {
        let at = Wall::from_unix_ms(1_700_000_000_000);
        assert_eq!(Mint::seeded(7).alert(at), Mint::seeded(7).alert(at));
        assert_ne!(Mint::seeded(7).alert(at), Mint::seeded(8).alert(at));
    }
}
