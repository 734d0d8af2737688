//! Where cameras were analysed less than was wanted, as machines ask for it.
//!
//! Owns what may be asked and how the answer is spelt (`docs/ref/schemas/analysis.json`). Finding it is the store's.

use serde::Serialize;

use super::parameters::{BadQuestion, Parameters, in_order};
use crate::{
    analysis::{Interval, What},
    id::CameraId,
    store::{Asked, PAGE_MAX, Page},
};

/// Intervals on a page where nothing else is asked for.
const LIMIT_USUAL: usize = 100;

/// A page of intervals, as JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AnalysisPage {
    /// By their begin, oldest first; those that begin at the same time by camera.
    pub intervals: Vec<IntervalData>,
    /// What to ask for as `after` to go on; null at the end.
    pub next: Option<String>,
}

/// An interval, as JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct IntervalData {
    /// Whose.
    pub camera: CameraId,
    /// RFC 3339, UTC.
    pub from: String,
    /// RFC 3339, UTC.
    pub to: String,
    /// `reduced` or `not-analysed`.
    pub what: &'static str,
    /// [`crate::analysis::Cause::as_str`].
    pub cause: &'static str,
    /// Frames a second that were analysed; null where none were.
    pub analysed_fps: Option<f64>,
    /// Frames a second that were wanted; null where none were analysed.
    pub wanted_fps: Option<f64>,
}

impl From<&(CameraId, Interval)> for IntervalData {
    fn from((camera, interval): &(CameraId, Interval)) -> Self {
        let (analysed_fps, wanted_fps) = match interval.what {
            What::Reduced { analysed_fps, wanted_fps } => (Some(analysed_fps), Some(wanted_fps)),
            What::NotAnalysed => (None, None),
        };
        let hundredths = |fps: f32| (f64::from(fps) * 100.0).round() / 100.0;
        Self {
            camera: camera.clone(),
            from: interval.from.to_string(),
            to: interval.to.to_string(),
            what: interval.what.as_str(),
            cause: interval.cause.as_str(),
            analysed_fps: analysed_fps.map(hundredths),
            wanted_fps: wanted_fps.map(hundredths),
        }
    }
}

impl From<Page> for AnalysisPage {
    fn from(page: Page) -> Self {
        Self {
            intervals: page.intervals.iter().map(IntervalData::from).collect(),
            next: page.next.map(|place| place.to_string()),
        }
    }
}

/// Reads a question's parameters.
pub(super) fn ask(parameters: &[(String, String)]) -> Result<Asked, BadQuestion> {
    let mut parameters = Parameters::new(parameters);
    let asked = Asked {
        from: parameters.time("from")?,
        to: parameters.time("to")?,
        camera: parameters.value("camera")?,
        after: parameters.value("after")?,
        limit: parameters.number("limit", 1, PAGE_MAX)?.unwrap_or(LIMIT_USUAL),
    };
    parameters.finish()?;
    in_order(asked.from, asked.to)?;
    Ok(asked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Wall;

    fn asked(question: &[(&str, &str)]) -> Result<Asked, String> {
        let owned = |&(name, text): &(&str, &str)| (name.to_owned(), text.to_owned());
        ask(&question.iter().map(owned).collect::<Vec<_>>()).map_err(|bad| bad.to_string())
    }

    #[test]
    fn questions_are_read() {
        assert_eq!(asked(&[]), Ok(Asked { limit: LIMIT_USUAL, ..Asked::default() }));
        let all = [
            ("from", "2026-03-10T02:04:05.123+08:00"),
            ("to", "2026-03-09T18:04:06Z"),
            ("camera", "gate-1"),
            ("after", "1773079445123.gate-1"),
            ("limit", "1000"),
        ];
        let expected = Asked {
            from: Some(Wall::from_unix_ms(1_773_079_445_123)),
            to: Some(Wall::from_unix_ms(1_773_079_446_000)),
            camera: Some("gate-1".parse().expect("an id")),
            after: Some("1773079445123.gate-1".parse().expect("a place")),
            limit: 1000,
        };
        assert_eq!(asked(&all), Ok(expected));
    }

    #[test]
    fn bad_questions_are_refused_in_words() {
        let cases: [(&[(&str, &str)], &str); 12] = [
            (&[("from", "yesterday")], "from=yesterday is no time"),
            (&[("to", "2026-03-09T18:04:05 08:00")], "a + in an address"),
            (&[("to", "")], "to= is no time"),
            (&[("from", "2026-03-09T18:04:05")], "is no time"),
            (&[("camera", "North Gate")], "\"North Gate\" is not an id"),
            (&[("after", "7")], "use what a page before has"),
            (&[("limit", "0")], "limit=0 is no number from 1 to 1000"),
            (&[("limit", "1001")], "limit=1001"),
            (&[("limit", "-1")], "limit=-1"),
            (&[("from", "2026-03-09T18:04:05Z"), ("to", "2026-03-09T18:04:04Z")], "from lies behind to"),
            (&[("kamera", "a")], "kamera cannot be asked for"),
            (&[("camera", "a"), ("camera", "b")], "camera is written twice"),
        ];
        for (question, expected) in cases {
            let refused = asked(question).expect_err(expected);
            assert!(refused.contains(expected), "{refused}");
        }
    }
}
