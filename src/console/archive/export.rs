//! Evidence packs: made, and fetched file by file.
//!
//! Owns what goes into an order. What a pack is, and what proves it, belongs to [`crate::evidence`].

use std::{fs::File, io, path::PathBuf, sync::Arc};

use axum::{
    Json,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_util::io::ReaderStream;

use super::{
    super::parameters::Parameters,
    Answer, Pairs, Refusal, Rooms, Visitor,
    clips::ClipData,
    fresh, in_time, seen,
    video::Scene,
    warrant::{Said, Warrant},
};
use crate::{
    archive::{FILM_MAX, What},
    config::Camera,
    evidence::{
        ExportError, Order,
        manifest::{CameraFacts, ModelFacts, RuleFacts, StationFacts},
    },
    id::{CameraId, ClipId},
    index::{self, PAGE_MAX, Question},
    record::{Gap, Segment},
    time::Wall,
};

/// Passages that are named in a pack, at most.
const PASSAGES_MAX: usize = 5000;

/// What is to be exported, as it is sent: a clip, or a time of a camera.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    #[serde(default)]
    who: String,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    purpose: String,
    #[serde(default)]
    case: String,
    clip: Option<ClipId>,
    camera: Option<CameraId>,
    from: Option<jiff::Timestamp>,
    to: Option<jiff::Timestamp>,
}

/// A pack.
#[derive(Debug, Serialize)]
struct PackData {
    /// Its name, in addresses and as a folder.
    name: String,
    /// Where it lies on the daemon's machine.
    path: PathBuf,
    camera: CameraId,
    /// Its number among the packs of its camera.
    no: u64,
    /// SHA-256 of its manifest.
    manifest: String,
    /// The key that signed it.
    key: String,
    from: String,
    to: String,
    videos: usize,
    fragments: usize,
    bytes: u64,
    /// Fragments that are not as they were recorded.
    differing: Vec<Value>,
}

pub(super) async fn make(
    State(rooms): State<Arc<Rooms>>,
    visitor: Visitor,
    Json(wanted): Json<Wanted>,
) -> Answer<Response> {
    let Wanted { who, unit, purpose, case, .. } = &wanted;
    let warrant = Warrant::of(&visitor, Said { who, unit, purpose, case })?;
    let scene = rooms.wanted(&wanted, &visitor).await?;
    let order = rooms.order(warrant, &scene).await?;
    let unopened = |why: String| Refusal(StatusCode::SERVICE_UNAVAILABLE, why);
    let opened = tokio::task::spawn_blocking(rooms.access.journal().opener()).await;
    let opened = opened.map_err(|panic| unopened(panic.to_string()))?;
    let mut evidence = opened.map_err(|error| unopened(error.to_string()))?;
    let now = rooms.clock.now().wall;
    let catalog = rooms.archive.catalog().clone();
    let made = tokio::task::spawn_blocking(move || {
        let open = |segment: &Segment| match catalog.path_of(&segment.volume, &segment.path) {
            Some(path) => File::open(path),
            None => Err(io::Error::new(io::ErrorKind::NotFound, format!("volume {}", segment.volume))),
        };
        evidence.export(now, &order, &open)
    });
    let made = made.await.map_err(|panic| Refusal(StatusCode::INTERNAL_SERVER_ERROR, panic.to_string()))?;
    let pack = made.map_err(|error| {
        let status = match error {
            ExportError::Nothing { .. } => StatusCode::NOT_FOUND,
            ExportError::Range { .. } | ExportError::Streams { .. } => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Refusal(status, error.to_string())
    })?;
    let differing =
        pack.differing.iter().map(|it| json!({ "file": it.file, "n": it.n, "from": it.from.to_string() }));
    let data = PackData {
        name: pack.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        camera: scene.camera,
        no: pack.no,
        manifest: pack.manifest.to_string(),
        key: pack.key.to_string(),
        from: pack.from.to_string(),
        to: pack.to.to_string(),
        videos: pack.videos,
        fragments: pack.fragments,
        bytes: pack.bytes,
        differing: differing.collect(),
        path: pack.path,
    };
    Ok((StatusCode::CREATED, fresh(data)).into_response())
}

pub(super) async fn file(
    State(rooms): State<Arc<Rooms>>,
    visitor: Visitor,
    Path((pack, file)): Path<(String, String)>,
    Query(pairs): Pairs,
) -> Answer<Response> {
    let mut parameters = Parameters::new(&pairs);
    let warrant = Warrant::read(&mut parameters, &visitor)?;
    parameters.finish()?;
    let none = || Refusal(StatusCode::NOT_FOUND, format!("there is no {file} in a pack {pack}"));
    if ![&pack, &file].into_iter().all(|name| is_plain(name)) {
        return Err(none());
    }
    let may_see = camera_of(&pack).is_some_and(|camera| visitor.may_see(&camera));
    if !may_see && !visitor.sight().is_everything() {
        return Err(none());
    }
    let path = rooms.exports().join(&pack).join(&file);
    let is_there = |found: &std::fs::Metadata| found.is_file();
    let len = tokio::fs::symlink_metadata(&path).await.ok().filter(is_there).ok_or_else(none)?.len();
    let opened = tokio::fs::File::open(&path).await.map_err(|_| none())?;
    rooms.write_view(&warrant, json!({ "pack": pack }), vec![pack.clone()]).await?;
    let content_type = match file.rsplit_once('.').map(|(_, ending)| ending) {
        Some("json") => "application/json",
        Some("html") => "text/html; charset=utf-8",
        Some("mp4") => "video/mp4",
        _ => "application/octet-stream",
    };
    let headers = [
        (header::CONTENT_TYPE, content_type.to_owned()),
        (header::CONTENT_LENGTH, len.to_string()),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    let body = ReaderStream::new(opened).map_ok(|bytes| bytes);
    Ok((headers, axum::body::Body::from_stream(body)).into_response())
}

/// Whose pack it is: `cunkou-{camera}-{begin}-no{number}`.
fn camera_of(pack: &str) -> Option<CameraId> {
    let (rest, _number) = pack.strip_prefix("cunkou-")?.rsplit_once("-no")?;
    rest.rsplit_once('-')?.0.parse().ok()
}

/// Whether it names a file or folder and nothing else.
fn is_plain(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    !name.is_empty() && !name.starts_with('.') && name.bytes().all(plain)
}

impl Rooms {
    /// Where packs are written.
    fn exports(&self) -> PathBuf {
        self.config.paths.data.join("exports")
    }

    async fn wanted(&self, wanted: &Wanted, visitor: &Visitor) -> Answer<Scene> {
        let bad = |why: &str| Refusal(StatusCode::BAD_REQUEST, why.to_owned());
        let at = |at: jiff::Timestamp| Wall::from_unix_us(at.as_microsecond());
        match (wanted.clip, &wanted.camera, wanted.from, wanted.to) {
            (Some(clip), None, None, None) => self.scene_for(clip, visitor).await,
            (None, Some(camera), Some(from), Some(to))
                if at(to).us_since(at(from)) > FILM_MAX.as_micros() as i64 =>
            {
                Err(bad(&format!("camera {camera}: two hours at most go into one pack")))
            }
            (None, Some(camera), Some(from), Some(to)) => {
                seen(visitor, camera)?;
                Ok(Scene { camera: camera.clone(), from: at(from), to: at(to) })
            }
            _ => Err(bad("write either clip, or camera with from and to")),
        }
    }

    async fn order(&self, warrant: Warrant, scene: &Scene) -> Answer<Order> {
        let Scene { camera, from, to } = scene;
        let (catalog, now) = (self.archive.catalog(), self.clock.now().wall);
        let known = self.config.cameras.iter().find(|known| known.id == *camera);
        let known = known.ok_or_else(|| {
            let why = format!(
                "the camera {camera} is not configured any more: declare it again to export what it recorded"
            );
            Refusal(StatusCode::NOT_FOUND, why)
        })?;
        let mut segments = Vec::new();
        for recorded in in_time(catalog.segments(camera, *from, *to)).await?.segments {
            let segment = catalog.segment(&recorded).await;
            segments
                .push(segment.map_err(|why| Refusal(StatusCode::INTERNAL_SERVER_ERROR, why.to_string()))?);
        }
        let line = in_time(catalog.coverage(camera, *from, *to, now)).await?;
        let gaps = line.into_iter().filter_map(|stretch| match stretch.what {
            What::Gap(cause) => {
                Some(Gap { camera: camera.clone(), from: stretch.from, to: stretch.to, cause })
            }
            What::Recorded | What::Open => None,
        });
        let alerts = in_time(self.alerts.alerts(camera, *from, *to)).await?;
        let alerts: Result<Vec<Value>, _> = alerts.iter().map(serde_json::to_value).collect();
        let station = &self.config.station;
        Ok(Order {
            actor: warrant.actor,
            purpose: warrant.purpose,
            station: StationFacts {
                id: station.id.clone(),
                node: station.node.clone(),
                name: station.name.clone(),
                time_zone: station.time_zone.iana_name().unwrap_or("UTC").to_owned(),
            },
            time_zone: station.time_zone.clone(),
            camera: self.facts(known),
            from: *from,
            to: *to,
            segments,
            gaps: gaps.collect(),
            alerts: alerts.map_err(|why| Refusal(StatusCode::INTERNAL_SERVER_ERROR, why.to_string()))?,
            passages: self.passages(scene).await?,
            model: Some(ModelFacts { name: self.model.name.clone(), sha256: self.model.sha256.clone() }),
            rules: known
                .rules
                .iter()
                .map(|rule| RuleFacts { id: rule.id.clone(), version: rule.version.clone() })
                .collect(),
            into: self.exports(),
        })
    }

    fn facts(&self, camera: &Camera) -> CameraFacts {
        let entry_point = &self.config.entry_points[&camera.entry_point];
        CameraFacts {
            id: camera.id.clone(),
            name: camera.name.clone(),
            entry_point: camera.entry_point.clone(),
            entry_point_name: entry_point.name.clone(),
            village: entry_point.village.clone(),
            village_name: self.config.villages[&entry_point.village].name.clone(),
            level: entry_point.level,
            direction: None,
        }
    }

    async fn passages(&self, scene: &Scene) -> Answer<Vec<Value>> {
        let mut question = Question {
            from: Some(scene.from),
            to: Some(scene.to),
            cameras: vec![scene.camera.clone()],
            order: index::Order::Oldest,
            limit: PAGE_MAX,
            ..Question::default()
        };
        let mut passages = Vec::new();
        loop {
            let page = in_time(self.index.find(question.clone())).await?;
            for clip in page.clips {
                passages.extend(serde_json::to_value(ClipData::from(clip)));
            }
            match page.next {
                Some(next) if passages.len() < PASSAGES_MAX => question.after = Some(next),
                _ => return Ok(passages),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_says_whose_it_is() {
        for (pack, camera) in [
            ("cunkou-gate-20260309T180405Z-no1", Some("gate")),
            ("cunkou-gate-2-20260309T180405Z-no12", Some("gate-2")),
            ("cunkou-no-no1-20260309T180405Z-no12", Some("no-no1")),
            ("cunkou-20260309T180405Z-no1", None),
            ("gate-20260309T180405Z-no1", None),
            ("cunkou", None),
            ("", None),
        ] {
            assert_eq!(camera_of(pack).as_ref().map(CameraId::as_str), camera, "{pack}");
        }
    }
}
