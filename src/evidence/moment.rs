//! How civil time is written in evidence: RFC 3339 in UTC, to the microsecond, and beside it as the station's clocks show it.
//!
//! Owns spelling and reading; what a time means belongs to whoever writes it.

use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::time::Wall;

/// One moment, in UTC and by the station's clocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// UTC: `2026-03-09T18:04:05.123456Z`. This one counts.
    #[serde(with = "utc")]
    pub utc: Wall,
    /// The same in the station's time zone, with its distance from UTC: `2026-03-10T02:04:05.123456+08:00`.
    pub local: String,
}

impl Moment {
    /// `at`, in `zone`.
    pub fn new(at: Wall, zone: &TimeZone) -> Self {
        Self { utc: at, local: local(at, zone) }
    }
}

/// The moment by the clocks of `zone`.
pub(super) fn local(at: Wall, zone: &TimeZone) -> String {
    at.timestamp().to_zoned_datetime(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%.6f%:z").to_string()
}

/// For people: to the second, with the distance from UTC.
pub(super) fn local_brief(at: Wall, zone: &TimeZone) -> String {
    at.timestamp().to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

/// A [`Wall`] as RFC 3339 in UTC, for serde's `with`.
pub(super) mod utc {
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(at: &Wall, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{:.6}", at.timestamp()))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Wall, D::Error> {
        let text = String::deserialize(from)?;
        let at: jiff::Timestamp = text.parse().map_err(|_| D::Error::custom("not a time in RFC 3339"))?;
        Ok(Wall::from_unix_us(at.as_microsecond()))
    }
}

/// The same where there may be none.
pub(super) mod utc_or_null {
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(at: &Option<Wall>, to: S) -> Result<S::Ok, S::Error> {
        match at {
            Some(at) => utc::serialize(at, to),
            None => to.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Wall>, D::Error> {
        #[derive(Deserialize)]
        struct At(#[serde(with = "utc")] Wall);
        Ok(Option::<At>::deserialize(from)?.map(|At(at)| at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_in_both_and_read_again() {
        let at = Wall::from_unix_us(1_773_079_445_123_456);
        let moment = Moment::new(at, &TimeZone::get("Asia/Shanghai").unwrap());
        let text = serde_json::to_string(&moment).unwrap();
        assert_eq!(
            text,
            r#"{"utc":"2026-03-09T18:04:05.123456Z","local":"2026-03-10T02:04:05.123456+08:00"}"#
        );
        assert_eq!(serde_json::from_str::<Moment>(&text).unwrap(), moment);
        assert!(serde_json::from_str::<Moment>(r#"{"utc":"yesterday","local":""}"#).is_err());
    }
}
