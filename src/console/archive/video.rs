//! Clips: found, shown as films, as a picture, and as a sheet of pictures.
//!
//! Owns which time of which camera a clip is. A clip is a passage on record, or what was recorded around an alert: that bears the alert's id.

use std::sync::Arc;

use axum::{
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    super::parameters::Parameters,
    Answer, Pairs, Refusal, Rooms, Visitor,
    clips::{self, ClipData, Clips},
    film, fresh, in_time, records, seen, still,
    warrant::Warrant,
};
use crate::{
    archive::FILM_MAX,
    evidence::Action,
    geometry::Polygon,
    id::{AlertId, CameraId, ClipId},
    index::Page,
    time::Wall,
};

/// A time of a camera.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) camera: CameraId,
    pub(super) from: Wall,
    pub(super) to: Wall,
}

impl Scene {
    pub(super) fn what(&self, shown: &'static str) -> Value {
        json!({ "camera": self.camera, "from": self.from.to_string(), "to": self.to.to_string(), "shown": shown })
    }
}

pub(super) async fn find(
    State(rooms): State<Arc<Rooms>>,
    visitor: Visitor,
    Query(pairs): Pairs,
) -> Answer<Response> {
    let mut parameters = Parameters::new(&pairs);
    let warrant = Warrant::read(&mut parameters, &visitor)?;
    let mut question = clips::ask(&mut parameters, rooms.time_zone())?;
    parameters.finish()?;
    let narrowed = visitor.sight().narrow(std::mem::take(&mut question.cameras));
    let page = match narrowed {
        Some(cameras) if cameras.is_empty() => Page::default(),
        narrowed => {
            question.cameras = narrowed.unwrap_or_default();
            in_time(rooms.index.find(question)).await?
        }
    };
    let is_question = |name: &str| !["who", "unit", "purpose", "case"].contains(&name);
    let asked = pairs.iter().filter(|(name, _)| is_question(name)).map(|(name, value)| json!([name, value]));
    let what = json!({ "question": asked.collect::<Vec<_>>() });
    let results = page.clips.iter().map(|clip| clip.id.to_string()).collect();
    rooms.write_down(&warrant, Action::Search, what, results).await?;
    Ok(fresh(Clips::from(page)))
}

pub(super) async fn clip(
    State(rooms): State<Arc<Rooms>>,
    visitor: Visitor,
    Path(id): Path<ClipId>,
    Query(pairs): Pairs,
) -> Answer<Response> {
    let warrant = only_warrant(&pairs, &visitor)?;
    let clip = in_time(rooms.index.get(id)).await?.filter(|clip| visitor.may_see(&clip.camera));
    let clip = clip.ok_or_else(|| unknown(id))?;
    let what = json!({ "question": [["clip", id]] });
    rooms.write_down(&warrant, Action::Search, what, vec![id.to_string()]).await?;
    Ok(fresh(ClipData::from(clip)))
}

pub(super) async fn of_clip(
    State(rooms): State<Arc<Rooms>>,
    visitor: Visitor,
    Path(id): Path<ClipId>,
    Query(pairs): Pairs,
    asked: HeaderMap,
) -> Answer<Response> {
    let warrant = only_warrant(&pairs, &visitor)?;
    let scene = rooms.scene_for(id, &visitor).await?;
    rooms.film(&warrant, &scene, vec![id.to_string()], &asked).await
}

pub(super) async fn of_camera(
    State(rooms): State<Arc<Rooms>>,
    visitor: Visitor,
    Path(camera): Path<CameraId>,
    Query(pairs): Pairs,
    asked: HeaderMap,
) -> Answer<Response> {
    seen(&visitor, &camera)?;
    let mut parameters = Parameters::new(&pairs);
    let warrant = Warrant::read(&mut parameters, &visitor)?;
    let (from, to) = records::range(&mut parameters)?;
    parameters.finish()?;
    rooms.film(&warrant, &Scene { camera, from, to }, Vec::new(), &asked).await
}

pub(super) async fn thumbnail(
    State(rooms): State<Arc<Rooms>>,
    visitor: Visitor,
    Path(id): Path<ClipId>,
    Query(pairs): Pairs,
) -> Answer<Response> {
    // The middle of a passage shows more of it than its begin.
    rooms.still(id, &only_warrant(&pairs, &visitor)?, &visitor, Pictures::One).await
}

pub(super) async fn sheet(
    State(rooms): State<Arc<Rooms>>,
    visitor: Visitor,
    Path(id): Path<ClipId>,
    Query(pairs): Pairs,
) -> Answer<Response> {
    rooms.still(id, &only_warrant(&pairs, &visitor)?, &visitor, Pictures::Sheet).await
}

/// How many pictures.
#[derive(Debug, Clone, Copy)]
enum Pictures {
    One,
    Sheet,
}

pub(super) fn only_warrant(pairs: &[(String, String)], visitor: &Visitor) -> Answer<Warrant> {
    let mut parameters = Parameters::new(pairs);
    let warrant = Warrant::read(&mut parameters, visitor)?;
    parameters.finish()?;
    Ok(warrant)
}

fn unknown(id: ClipId) -> Refusal {
    Refusal(StatusCode::NOT_FOUND, format!("there is no clip {id}, and no alert with this id"))
}

impl Rooms {
    /// The time of a camera that a clip shows.
    pub(super) async fn scene(&self, id: ClipId) -> Answer<Scene> {
        let seen = match in_time(self.index.get(id)).await? {
            Some(clip) => Some((clip.camera, clip.from, clip.to)),
            None => {
                let alert = in_time(self.alerts.alert(AlertId(id.0))).await?;
                // A neighbour's camera may have the id of one of ours.
                let own = alert.filter(|alert| alert.home.is_none());
                own.and_then(|alert| alert.span().map(|(from, to)| (alert.camera.id, from, to)))
            }
        };
        let (camera, from, to) = seen.ok_or_else(|| unknown(id))?;
        Ok(self.around(camera, from, to))
    }

    /// The same, where it exists for a visitor.
    pub(super) async fn scene_for(&self, id: ClipId, visitor: &Visitor) -> Answer<Scene> {
        let scene = self.scene(id).await?;
        if visitor.may_see(&scene.camera) { Ok(scene) } else { Err(unknown(id)) }
    }

    /// What is shown of something that lasted from then to then.
    pub(super) fn around(&self, camera: CameraId, from: Wall, to: Wall) -> Scene {
        let (from, to) = self.config.recording.around(from, to.min(from.after(FILM_MAX / 2)));
        Scene { camera, from, to }
    }

    pub(super) async fn film(
        &self,
        warrant: &Warrant,
        scene: &Scene,
        results: Vec<String>,
        asked: &HeaderMap,
    ) -> Answer<Response> {
        let film = in_time(self.archive.catalog().film(&scene.camera, scene.from, scene.to)).await?;
        self.write_view(warrant, scene.what("video"), results).await?;
        let name = format!("{}-{}", scene.camera, film.cut.from.timestamp().strftime("%Y%m%dT%H%M%SZ"));
        Ok(film::respond(film, &name, asked))
    }

    async fn still(
        &self,
        id: ClipId,
        warrant: &Warrant,
        visitor: &Visitor,
        pictures: Pictures,
    ) -> Answer<Response> {
        let mut scene = self.scene_for(id, visitor).await?;
        let (count, shown) = match pictures {
            Pictures::One => (1, "thumbnail"),
            Pictures::Sheet => (still::SHEET.0, "sheet"),
        };
        if count == 1 {
            let middle = scene.from.unix_us().midpoint(scene.to.unix_us());
            scene.from = Wall::from_unix_us(middle);
        }
        let units =
            in_time(self.archive.catalog().key_units(&scene.camera, scene.from, scene.to, count)).await?;
        self.write_view(warrant, scene.what(shown), vec![id.to_string()]).await?;
        let masks = self.masks(&scene.camera);
        let backend = self.backend.clone();
        let made = tokio::task::spawn_blocking(move || still::sheet(&backend, &units, &masks)).await;
        let jpeg = match made {
            Ok(Ok(jpeg)) => jpeg,
            Ok(Err(error)) => return Err(Refusal(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())),
            Err(panic) => return Err(Refusal(StatusCode::INTERNAL_SERVER_ERROR, panic.to_string())),
        };
        let headers = [(header::CONTENT_TYPE, "image/jpeg"), (header::CACHE_CONTROL, "private, no-store")];
        Ok((headers, jpeg).into_response())
    }

    /// Masks as they are drawn now; those of a camera that is not in it any more are not known.
    pub(super) fn masks(&self, camera: &CameraId) -> Vec<Polygon> {
        self.drawn.get(camera).map(|camera| camera.masks.clone()).unwrap_or_default()
    }
}
