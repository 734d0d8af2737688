//! What is recorded and what is not, and what is kept from being deleted: questions that show nobody.
//!
//! Owns how the answers are spelt (`docs/ref/openapi.json`). Finding them is the archive's.

use std::time::Duration;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::super::parameters::{BadQuestion, Parameters, in_order};
use crate::{
    archive::{GAPS_MAX, GapPage, Hold, NewHold, Question, Stretch, What},
    id::{CameraId, HoldId},
    record::GapCause,
    time::Wall,
};

/// Gaps on a page where nothing else is asked for.
const LIMIT_USUAL: usize = 100;

/// A stretch of a time line.
#[derive(Debug, Serialize)]
pub(super) struct StretchData {
    from: String,
    to: String,
    /// `recorded`, `gap`, or `open`: being recorded just now.
    what: &'static str,
    /// Of a gap.
    cause: Option<&'static str>,
}

impl From<&Stretch> for StretchData {
    fn from(stretch: &Stretch) -> Self {
        let (what, cause) = match stretch.what {
            What::Recorded => ("recorded", None),
            What::Open => ("open", None),
            What::Gap(cause) => ("gap", Some(cause.as_str())),
        };
        Self { from: stretch.from.to_string(), to: stretch.to.to_string(), what, cause }
    }
}

/// A range that has to be there.
pub(super) fn range(parameters: &mut Parameters<'_>) -> Result<(Wall, Wall), BadQuestion> {
    let (from, to) = (parameters.time_needed("from")?, parameters.time_needed("to")?);
    in_order(Some(from), Some(to))?;
    Ok((from, to))
}

pub(super) fn ask_gaps(pairs: &[(String, String)]) -> Result<Question, BadQuestion> {
    let mut parameters = Parameters::new(pairs);
    let (from, to) = range(&mut parameters)?;
    let question = Question {
        cameras: parameters.values("camera")?,
        from,
        to,
        causes: parameters.words("cause", &GapCause::ALL, GapCause::as_str)?,
        length_min: parameters.seconds("min_s")?.unwrap_or(Duration::ZERO),
        after: parameters.value("after")?,
        limit: parameters.number("limit", 1, GAPS_MAX)?.unwrap_or(LIMIT_USUAL),
    };
    parameters.finish()?;
    Ok(question)
}

/// A page of gaps.
#[derive(Debug, Default, Serialize)]
pub(super) struct Gaps {
    gaps: Vec<GapData>,
    next: Option<String>,
}

#[derive(Debug, Serialize)]
struct GapData {
    camera: CameraId,
    from: String,
    to: String,
    cause: &'static str,
}

impl From<GapPage> for Gaps {
    fn from(page: GapPage) -> Self {
        let gaps = page.gaps.into_iter().map(|gap| GapData {
            camera: gap.camera,
            from: gap.from.to_string(),
            to: gap.to.to_string(),
            cause: gap.cause.as_str(),
        });
        Self { gaps: gaps.collect(), next: page.next.map(|place| place.to_string()) }
    }
}

/// What is to be held, as it is sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HoldWanted {
    pub(super) camera: CameraId,
    pub(super) from: jiff::Timestamp,
    pub(super) to: jiff::Timestamp,
    /// Who answers for it, and of which unit: whoever asks, where he has an account.
    #[serde(default)]
    pub(super) owner: String,
    #[serde(default)]
    pub(super) unit: String,
    pub(super) reason: String,
    pub(super) case: Option<String>,
    review: Date,
}

impl From<HoldWanted> for NewHold {
    fn from(wanted: HoldWanted) -> Self {
        Self {
            camera: wanted.camera,
            from: Wall::from_unix_us(wanted.from.as_microsecond()),
            to: Wall::from_unix_us(wanted.to.as_microsecond()),
            owner: wanted.owner,
            reason: wanted.reason,
            case: wanted.case,
            review: wanted.review,
        }
    }
}

/// The end of a hold, as it is sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReleaseWanted {
    /// Who, and of which unit: whoever asks, where he has an account.
    #[serde(default)]
    pub(super) by: String,
    #[serde(default)]
    pub(super) unit: String,
    /// Why.
    pub(super) why: String,
}

/// A hold.
#[derive(Debug, Serialize)]
pub(super) struct HoldData {
    id: HoldId,
    camera: CameraId,
    from: String,
    to: String,
    owner: String,
    reason: String,
    case: Option<String>,
    review: Date,
    made_at: String,
    /// Whether its review is overdue.
    overdue: bool,
    released: Option<ReleaseData>,
}

#[derive(Debug, Serialize)]
struct ReleaseData {
    at: String,
    by: String,
    why: String,
}

impl HoldData {
    pub(super) fn new(hold: Hold, today: Date) -> Self {
        let overdue = hold.is_overdue(today);
        let Hold { id, made_at, what, release } = hold;
        Self {
            id,
            camera: what.camera,
            from: what.from.to_string(),
            to: what.to.to_string(),
            owner: what.owner,
            reason: what.reason,
            case: what.case,
            review: what.review,
            made_at: made_at.to_string(),
            overdue,
            released: release.map(|release| ReleaseData {
                at: release.at.to_string(),
                by: release.by,
                why: release.why,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(question: &[(&str, &str)]) -> Result<Question, String> {
        let owned = |&(name, text): &(&str, &str)| (name.to_owned(), text.to_owned());
        ask_gaps(&question.iter().map(owned).collect::<Vec<_>>()).map_err(|bad| bad.to_string())
    }

    #[test]
    fn a_question_for_gaps_is_read_or_refused_in_words() {
        let range = [("from", "2026-03-09T00:00:00Z"), ("to", "2026-03-10T00:00:00Z")];
        let with = |more: &[(&'static str, &'static str)]| asked(&[&range[..], more].concat());
        let question =
            with(&[("camera", "a,b"), ("camera", "c"), ("cause", "offline,shed"), ("min_s", "2.5")]);
        let question = question.expect("it is well asked");
        assert_eq!(question.cameras.iter().map(CameraId::as_str).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(question.causes, [GapCause::Offline, GapCause::Shed]);
        assert_eq!((question.length_min, question.limit), (Duration::from_millis(2500), LIMIT_USUAL));
        for (more, word) in [
            (("cause", "rain"), "none of offline, maintenance"),
            (("min_s", "-1"), "no number from 0 to 86400"),
            (("camera", "A"), "not an id"),
            (("after", "x"), "use what a page before"),
            (("camera_id", "a"), "use from, to, camera, cause"),
        ] {
            let refused = with(&[more]).expect_err(word);
            assert!(refused.contains(word), "{refused}");
        }
        assert_eq!(asked(&range[..1]).expect_err("no end"), "to is missing");
    }
}
