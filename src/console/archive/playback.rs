//! Recordings as a stream for browsers (MSE): an initialisation part, then fragments.
//!
//! Owns the headers, and that one fragment at a time is read, when the one before has gone. Another moment is another question: browsers have no use for
//! ranges of bytes here.

use std::{io, sync::Arc};

use axum::{
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderName, HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use futures::{Stream, stream};

use super::{
    super::parameters::Parameters,
    Answer, Pairs, Rooms, Visitor, in_time,
    live::describe,
    records, seen,
    video::{Scene, only_warrant},
    warrant::Warrant,
};
use crate::{
    archive::Reel,
    id::{CameraId, ClipId},
    record::mp4::CutEnd,
};

pub(super) async fn of_clip(
    State(rooms): State<Arc<Rooms>>,
    visitor: Visitor,
    Path(id): Path<ClipId>,
    Query(pairs): Pairs,
) -> Answer<Response> {
    let warrant = only_warrant(&pairs, &visitor)?;
    let scene = rooms.scene_for(id, &visitor).await?;
    rooms.playback(&warrant, &scene, vec![id.to_string()]).await
}

pub(super) async fn of_camera(
    State(rooms): State<Arc<Rooms>>,
    visitor: Visitor,
    Path(camera): Path<CameraId>,
    Query(pairs): Pairs,
) -> Answer<Response> {
    seen(&visitor, &camera)?;
    let mut parameters = Parameters::new(&pairs);
    let warrant = Warrant::read(&mut parameters, &visitor)?;
    let (from, to) = records::range(&mut parameters)?;
    parameters.finish()?;
    rooms.playback(&warrant, &Scene { camera, from, to }, Vec::new()).await
}

impl Rooms {
    pub(super) async fn playback(
        &self,
        warrant: &Warrant,
        scene: &Scene,
        results: Vec<String>,
    ) -> Answer<Response> {
        let reel = in_time(self.archive.catalog().reel(&scene.camera, scene.from, scene.to)).await?;
        self.write_view(warrant, scene.what("playback"), results).await?;
        Ok(respond(reel))
    }
}

fn respond(reel: Reel) -> Response {
    let playback = &reel.playback;
    let (mime, from, to) = (playback.mime.clone(), playback.from.to_string(), playback.to.to_string());
    let next = match playback.end {
        CutEnd::Whole => None,
        CutEnd::Changed { at } => Some(at.to_string()),
    };
    let len = playback.total_len;
    let mut response = Response::new(Body::from_stream(stream_of(Arc::new(reel))));
    let headers = response.headers_mut();
    describe(headers, &mime, &from);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(len));
    for (name, at) in [("cunkou-to", Some(to)), ("cunkou-next", next)] {
        // Times are ASCII.
        if let Some(at) = at.and_then(|at| HeaderValue::from_str(&at).ok()) {
            headers.insert(HeaderName::from_static(name), at);
        }
    }
    response
}

fn stream_of(reel: Arc<Reel>) -> impl Stream<Item = io::Result<Bytes>> {
    stream::try_unfold(0, move |number| {
        let reel = Arc::clone(&reel);
        async move {
            let read = tokio::task::spawn_blocking(move || reel.read(number)).await;
            let part = read.map_err(io::Error::other)??;
            Ok(part.map(|bytes| (Bytes::from(bytes), number + 1)))
        }
    })
}
