//! `cunkou check --connect`, the cameras: each stream is tried, and the analysed ones are listened to for some seconds.
//!
//! Owns which streams are tried when, and how what came of it is told. What is good and what is bad is for `camera`.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use cunkou::{
    camera::{self, Codec, Finding, Gop, Limits, Pace, Survey},
    config::{Camera, Config, StreamRole},
    decode::{Backend, Decoder},
};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::time::MissedTickBehavior;

/// How long an analysed stream is listened to. All are at once, within the fleet's pace: they are what the daemon itself will read.
const LISTENED_FOR: Duration = Duration::from_secs(8);
/// Streams that nobody analyses are tried so many at once: they are the large ones, and the daemon would not read them.
const OTHERS_AT_ONCE: usize = 16;
/// How often it is said how far it is.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// A stream of a camera, and what came of trying it.
pub(super) struct Tried {
    camera: Arc<Camera>,
    role: StreamRole,
    pub(super) result: Result<Box<Survey>, String>,
    pub(super) findings: Vec<Finding>,
}

/// How often each finding was found, by its name.
pub(super) type Counts = BTreeMap<String, usize>;

/// Tries every stream of every camera in service, and tells of each in the order of the file: the analysed ones first.
pub(super) async fn try_all<E>(
    config: &Config,
    backend: Option<&Backend>,
    mut told: impl FnMut(Tried) -> Result<(), E>,
) -> Result<(), E> {
    let (analysed, others) = streams(config);
    let (pace, count) = (Pace::default(), analysed.len() + others.len());
    let tried = |(camera, role): (Arc<Camera>, StreamRole)| {
        let (pace, backend) = (pace.clone(), backend.cloned());
        async move { try_one(camera, role, &pace, backend).await }
    };
    let mut tries = stream::iter(analysed.iter().cloned())
        .map(tried)
        .buffered(analysed.len().max(1))
        .chain(stream::iter(others).map(tried).buffered(OTHERS_AT_ONCE))
        .boxed_local();
    let mut tell = tokio::time::interval(TELL_EVERY);
    tell.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tell.tick().await;
    let mut done = 0;
    loop {
        tokio::select! {
            biased;
            tried = tries.next() => match tried {
                Some(tried) => {
                    done += 1;
                    told(tried)?;
                }
                None => return Ok(()),
            },
            _ = tell.tick() => tracing::info!("{done} of {count} streams tried"),
        }
    }
}

/// A camera's stream.
type Stream = (Arc<Camera>, StreamRole);

/// The analysed stream of each camera in service, and the other ones.
fn streams(config: &Config) -> (Vec<Stream>, Vec<Stream>) {
    let in_service = config.cameras.iter().filter(|camera| !camera.maintenance);
    let all = in_service.flat_map(|camera| {
        let sub = camera.sub.as_ref().map(|_| (Arc::clone(camera), StreamRole::Sub));
        [(Arc::clone(camera), StreamRole::Main)].into_iter().chain(sub)
    });
    all.partition(|(camera, role)| *role == camera.analyse)
}

async fn try_one(camera: Arc<Camera>, role: StreamRole, pace: &Pace, backend: Option<Backend>) -> Tried {
    let length = if role == camera.analyse { LISTENED_FOR } else { Duration::ZERO };
    let surveyed = camera::survey(&camera, role, Limits::default(), pace, length).await;
    let result = match (surveyed, backend) {
        (Err(ending), _) => Err(ending.to_string()),
        (Ok(survey), Some(backend)) if role == camera.analyse => decoded(survey, backend).await,
        (Ok(survey), _) => Ok(Box::new(survey)),
    };
    let findings = result.as_ref().map_or_else(|_| Vec::new(), |survey| Finding::of(survey, &camera, role));
    Tried { camera, role, result, findings }
}

/// Whether a decoder takes its first key frame.
async fn decoded(survey: Survey, backend: Backend) -> Result<Box<Survey>, String> {
    let key = survey.key.clone();
    let decode = move || Decoder::new(&backend, key.codec)?.decode(&key, &mut Vec::new());
    match tokio::task::spawn_blocking(decode).await {
        Ok(Ok(())) => Ok(Box::new(survey)),
        Ok(Err(error)) => Err(error.to_string()),
        Err(panic) => Err(format!("the decoder panicked: {panic}")),
    }
}

impl Tried {
    /// Which stream, as it is printed.
    pub(super) fn what(&self) -> String {
        let role = if self.role == StreamRole::Main { "main" } else { "sub" };
        format!("camera {} {role}", self.camera.id)
    }

    /// What it is like, or why it does not work.
    pub(super) fn detail(&self) -> String {
        match &self.result {
            Ok(survey) => in_words(survey),
            Err(why) => why.clone(),
        }
    }

    /// What is set badly, a line each in both languages.
    pub(super) fn advice(&self) -> impl Iterator<Item = [String; 2]> {
        self.findings.iter().map(|finding| {
            let advice = finding.advice();
            let (what, cost, mend) = (advice.what, advice.cost, advice.mend);
            [
                format!("      {}：{}。建议：{}。", what.zh, cost.zh, mend.zh),
                format!("      {}: {}. Better: {}.", what.en, cost.en, mend.en),
            ]
        })
    }

    /// What a machine is told beside that.
    pub(super) fn add_to(&self, line: &mut Value) {
        line["camera"] = self.camera.id.as_str().into();
        line["role"] = json!(self.role);
        if let Ok(survey) = &self.result {
            line["survey"] = to_json(survey);
            line["findings"] = self.findings.iter().map(finding_to_json).collect();
        }
    }

    /// Counts what was found.
    pub(super) fn count(&self, counts: &mut Counts) {
        for finding in &self.findings {
            if let Some(name) = finding_to_json(finding)["finding"].as_str() {
                *counts.entry(name.to_owned()).or_default() += 1;
            }
        }
    }
}

fn finding_to_json(finding: &Finding) -> Value {
    let mut json = json!(finding);
    let advice = finding.advice();
    (json["what"], json["cost"], json["mend"]) = (json!(advice.what), json!(advice.cost), json!(advice.mend));
    json
}

fn in_words(survey: &Survey) -> String {
    let size = survey.info.size.map_or_else(|| "size unknown".to_owned(), |size| size.to_string());
    let mut words = format!("{:?}, {size}", survey.info.codec);
    if let (Some(fps), Some(kbps)) = (survey.fps, survey.kbps) {
        words += &format!(", {fps:.1} frames/s, {kbps:.0} kbit/s");
        let share = survey.key_share * 100.0;
        words += &match survey.gop {
            Gop::EveryPicture if survey.info.codec == Codec::Mjpeg => String::new(),
            Gop::EveryPicture => ", every picture a key frame".to_owned(),
            Gop::Every { longest, .. } => {
                format!(", a key frame every {:.1} s ({share:.0} % of the bytes)", longest.as_secs_f32())
            }
            Gop::LongerThan(seen) => format!(", no second key frame in {:.1} s", seen.as_secs_f32()),
        };
    }
    words
}

fn to_json(survey: &Survey) -> Value {
    let gop_s = match survey.gop {
        Gop::EveryPicture => json!(null),
        Gop::Every { shortest, longest } => json!([shortest.as_secs_f32(), longest.as_secs_f32()]),
        Gop::LongerThan(seen) => json!([seen.as_secs_f32(), null]),
    };
    json!({
        "codec": format!("{:?}", survey.info.codec),
        "width": survey.info.size.map(|size| size.w),
        "height": survey.info.size.map(|size| size.h),
        "listened_s": survey.lasted.as_secs_f32(),
        "fps": survey.fps,
        "kbps": survey.kbps,
        "gop_s": gop_s,
        "key_share": survey.key_share,
        "size_spread": survey.spread,
        "padding_share": survey.padding_share,
        "reordered": survey.reordered,
        "packets_lost": survey.packets_lost,
        "clock_skew_ms": survey.clock_skew_ms,
    })
}
