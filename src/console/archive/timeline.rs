//! The time line of a camera, and what happened on it, for those who play recordings.
//!
//! Owns what may be asked for beside it, and how it is spelt (`docs/ref/openapi.json`). Who passed is a search, and needs what searching needs.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Serialize;
use serde_json::json;

use super::{
    super::{
        analysis::IntervalData,
        parameters::{BadQuestion, Parameters},
    },
    Answer, Pairs, Refusal, Rooms, Visitor, fresh, in_time,
    records::{self, StretchData},
    seen,
    warrant::Warrant,
};
use crate::{
    account::Permission,
    alert::{Kind, Severity},
    archive::{Recorded, SLACK},
    clip::Clip,
    config::{Direction, StreamRole},
    evidence::Action,
    id::{AlertId, CameraId, ClipId},
    index::{Order, PAGE_MAX, Question},
    mqtt::payload::{AlertData, AlertState},
    store,
    time::Wall,
};

/// Entries of one list, at most.
const LIST_MAX: usize = 2000;
/// Longest range of which more than the time line is told: a day, also that on which clocks are set back.
const WITH_MAX: Duration = Duration::from_secs(25 * 3600);
/// An alert that began so long before a range, and is not over, is found.
const ALERT_BEFORE: Duration = Duration::from_secs(24 * 3600);

/// What may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum With {
    Recordings,
    Alerts,
    Passages,
    Analysis,
}

impl With {
    const ALL: [Self; 4] = [Self::Recordings, Self::Alerts, Self::Passages, Self::Analysis];

    fn as_str(self) -> &'static str {
        match self {
            Self::Recordings => "recordings",
            Self::Alerts => "alerts",
            Self::Passages => "passages",
            Self::Analysis => "analysis",
        }
    }
}

/// A time line, and what was asked for beside it.
#[derive(Debug, Serialize)]
struct Timeline {
    camera: CameraId,
    stretches: Vec<StretchData>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recordings: Option<Vec<Recording>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alerts: Option<Vec<Alert>>,
    /// Outer: whether they were asked for; inner: whether they are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    passages: Option<Option<Vec<Passed>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    passages_withheld: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    analysis: Option<Vec<Interval>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<Vec<&'static str>>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Recording {
    from: String,
    to: String,
    stream: StreamRole,
}

#[derive(Debug, Serialize)]
struct Alert {
    id: AlertId,
    kind: Kind,
    severity: Severity,
    state: AlertState,
    from: String,
    to: Option<String>,
    drill: bool,
}

#[derive(Debug, Serialize)]
struct Passed {
    clip: ClipId,
    class: &'static str,
    confidence: f64,
    from: String,
    to: String,
    direction: Option<Direction>,
    alerts: Vec<AlertId>,
}

#[derive(Debug, Serialize)]
struct Interval {
    from: String,
    to: String,
    what: &'static str,
    cause: &'static str,
    analysed_fps: Option<f64>,
    wanted_fps: Option<f64>,
}

/// A question.
#[derive(Debug)]
struct Asked {
    from: Wall,
    to: Wall,
    with: Vec<With>,
}

fn ask(parameters: &mut Parameters<'_>) -> Result<Asked, BadQuestion> {
    let (from, to) = records::range(parameters)?;
    let mut with = parameters.words("with", &With::ALL, With::as_str)?;
    with.dedup();
    if !with.is_empty() && to.us_since(from) > WITH_MAX.as_micros() as i64 {
        let why = format!("with `with`, ask for {} hours at most", WITH_MAX.as_secs() / 3600);
        return Err(BadQuestion::Value { name: "to", text: to.to_string(), why });
    }
    Ok(Asked { from, to, with })
}

pub(super) async fn show(
    State(rooms): State<Arc<Rooms>>,
    visitor: Visitor,
    Path(camera): Path<CameraId>,
    Query(pairs): Pairs,
) -> Answer<Response> {
    seen(&visitor, &camera)?;
    let mut parameters = Parameters::new(&pairs);
    let asked = ask(&mut parameters)?;
    // Read whether or not it is needed: a page may send it with everything.
    let warrant = Warrant::read(&mut parameters, &visitor).and_then(|warrant| {
        let lacks = || {
            Refusal(
                StatusCode::FORBIDDEN,
                "who passed is a search, and your account does not allow it (search)".to_owned(),
            )
        };
        visitor.may(Permission::Search).then_some(warrant).ok_or_else(lacks)
    });
    parameters.finish()?;
    let Asked { from, to, with } = asked;
    let now = rooms.clock.now().wall;
    let stretches = in_time(rooms.archive.catalog().coverage(&camera, from, to, now)).await?;
    let mut line = Timeline {
        stretches: stretches.iter().map(StretchData::from).collect(),
        recordings: None,
        alerts: None,
        passages: None,
        passages_withheld: None,
        analysis: None,
        more: None,
        camera,
    };
    let mut more = Vec::new();
    for with in &with {
        let is_whole = match with {
            With::Recordings => rooms.recordings(&mut line, from, to).await?,
            With::Alerts if !visitor.may(Permission::Alerts) => Whole::No,
            With::Alerts => rooms.alerts_of(&mut line, from, to).await?,
            With::Passages => rooms.passed(&mut line, from, to, &warrant).await?,
            With::Analysis => rooms.analysis(&mut line, from, to).await?,
        };
        if is_whole == Whole::No {
            more.push(with.as_str());
        }
    }
    line.more = (!with.is_empty()).then_some(more);
    Ok(fresh(line))
}

/// Whether a list has all that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whole {
    Yes,
    No,
}

/// The list up to its limit.
fn cut<T>(mut list: Vec<T>) -> (Vec<T>, Whole) {
    let whole = if list.len() > LIST_MAX { Whole::No } else { Whole::Yes };
    list.truncate(LIST_MAX);
    (list, whole)
}

impl Rooms {
    async fn recordings(&self, line: &mut Timeline, from: Wall, to: Wall) -> Answer<Whole> {
        let page = in_time(self.archive.catalog().segments(&line.camera, from, to)).await?;
        let (list, whole) = cut(joined(&page.segments, from, to));
        line.recordings = Some(list);
        Ok(if page.next.is_some() { Whole::No } else { whole })
    }

    async fn alerts_of(&self, line: &mut Timeline, from: Wall, to: Wall) -> Answer<Whole> {
        let before = Wall::from_unix_us(from.unix_us() - ALERT_BEFORE.as_micros() as i64);
        let alerts = in_time(self.alerts.alerts(&line.camera, before, to)).await?;
        let (list, whole) = cut(alerts.into_iter().filter(|alert| touches(alert, from, to)).collect());
        line.alerts = Some(list.into_iter().map(Alert::from).collect());
        Ok(whole)
    }

    async fn passed(
        &self,
        line: &mut Timeline,
        from: Wall,
        to: Wall,
        warrant: &Answer<Warrant>,
    ) -> Answer<Whole> {
        let warrant = match warrant {
            Ok(warrant) => warrant,
            Err(refusal) => {
                line.passages = Some(None);
                line.passages_withheld = Some(Some(refusal.1.clone()));
                return Ok(Whole::Yes);
            }
        };
        let mut question = Question {
            from: Some(from),
            to: Some(to),
            cameras: vec![line.camera.clone()],
            time_zone: self.time_zone().clone(),
            order: Order::Oldest,
            limit: PAGE_MAX,
            ..Question::default()
        };
        let mut clips = Vec::new();
        loop {
            let page = in_time(self.index.find(question.clone())).await?;
            clips.extend(page.clips);
            question.after = page.next;
            if question.after.is_none() || clips.len() > LIST_MAX {
                break;
            }
        }
        let (clips, whole) = cut(clips);
        let asked = [
            ("camera", line.camera.to_string()),
            ("from", from.to_string()),
            ("to", to.to_string()),
            ("with", With::Passages.as_str().to_owned()),
        ];
        let results = clips.iter().map(|clip| clip.id.to_string()).collect();
        self.write_down(warrant, Action::Search, json!({ "question": asked }), results).await?;
        line.passages = Some(Some(clips.into_iter().map(Passed::from).collect()));
        line.passages_withheld = Some(None);
        Ok(whole)
    }

    async fn analysis(&self, line: &mut Timeline, from: Wall, to: Wall) -> Answer<Whole> {
        let mut asked = store::Asked {
            from: Some(from),
            to: Some(to),
            camera: Some(line.camera.clone()),
            after: None,
            limit: store::PAGE_MAX,
        };
        let mut list = Vec::new();
        loop {
            let page = in_time(self.desk.intervals(&asked)).await?;
            list.extend(page.intervals.iter().map(IntervalData::from).map(Interval::from));
            asked.after = page.next;
            if asked.after.is_none() || list.len() > LIST_MAX {
                break;
            }
        }
        let (list, whole) = cut(list);
        line.analysis = Some(list);
        Ok(whole)
    }
}

/// Segments of one stream that follow one another, as one; cut to `from..to`.
fn joined(segments: &[Recorded], from: Wall, to: Wall) -> Vec<Recording> {
    let mut runs: Vec<(Wall, Wall, StreamRole)> = Vec::new();
    for segment in segments {
        match runs.last_mut() {
            Some((_, end, role))
                if *role == segment.role && segment.from.us_since(*end) <= SLACK.as_micros() as i64 =>
            {
                *end = segment.to.max(*end);
            }
            _ => runs.push((segment.from, segment.to, segment.role)),
        }
    }
    let inside = runs.into_iter().map(|(begin, end, stream)| (begin.max(from), end.min(to), stream));
    let inside = inside.filter(|(begin, end, _)| begin < end);
    inside
        .map(|(from, to, stream)| Recording { from: from.to_string(), to: to.to_string(), stream })
        .collect()
}

/// Whether an alert reaches into `from..to`. One that goes on does until now.
fn touches(alert: &AlertData, from: Wall, to: Wall) -> bool {
    alert.span().is_some_and(|(begin, end)| {
        let reaches = alert.ended_at.is_none() && !alert.state.is_closed();
        begin < to && (reaches || end >= from)
    })
}

impl From<AlertData> for Alert {
    fn from(alert: AlertData) -> Self {
        Self {
            id: alert.alert_id,
            kind: alert.kind,
            severity: alert.severity,
            state: alert.state,
            from: alert.occurred_at,
            to: alert.ended_at,
            drill: alert.drill,
        }
    }
}

impl From<Clip> for Passed {
    fn from(clip: Clip) -> Self {
        Self {
            clip: clip.id,
            class: clip.class.as_str(),
            confidence: (f64::from(clip.confidence) * 100.0).round() / 100.0,
            from: clip.from.to_string(),
            to: clip.to.to_string(),
            direction: clip.direction,
            alerts: clip.alerts,
        }
    }
}

impl From<IntervalData> for Interval {
    fn from(data: IntervalData) -> Self {
        let IntervalData { camera: _, from, to, what, cause, analysed_fps, wanted_fps } = data;
        Self { from, to, what, cause, analysed_fps, wanted_fps }
    }
}
