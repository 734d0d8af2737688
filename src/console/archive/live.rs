//! Live view over HTTP: a WebSocket for browsers, an endless answer for players.
//!
//! Owns how it travels, and when a viewer is given up. A viewer that does not read holds what its socket holds, and half a megabyte; it is told what it
//! missed (`record::live`).

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{
        Path, Query, State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket, close_code, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use serde::Serialize;
use serde_json::json;
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{
    super::parameters::Parameters, Answer, Live, Pairs, Refusal, Rooms, Visitor, seen, warrant::Warrant,
};
use crate::{
    account::Permission,
    config::StreamRole,
    id::CameraId,
    mqtt::payload::ObjectData,
    record::live::{Heard, Opening, Shown, Sight, Sighted, Viewer},
};

/// A viewer whose socket takes nothing for so long is gone.
const STALLED_MAX: Duration = Duration::from_secs(30);
/// An answer of bytes alone begins within this, or not at all: its headers say what it is.
const OPENS_WITHIN: Duration = Duration::from_secs(15);
/// What a viewer may send: words to the connection itself.
const HEARD_BYTES_MAX: usize = 4096;

/// What a viewer is told beside the pictures.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Word<'w> {
    Init { mime: &'w str, stream: StreamRole, width: u32, height: u32, from: String, at_s: f64, sound: Heard },
    Skipped,
    Gone { why: &'w str },
    Boxes { at_s: f64, objects: Vec<ObjectData> },
}

pub(super) async fn socket(
    State(rooms): State<Arc<Rooms>>,
    visitor: Visitor,
    Path(camera): Path<CameraId>,
    Query(pairs): Pairs,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Answer<Response> {
    let mut parameters = Parameters::new(&pairs);
    let boxes = parameters.words("boxes", &["0", "1"], |word| word)?;
    let viewer = rooms.seat(&camera, &visitor, parameters).await?;
    let sighted = boxes.contains(&"1").then(|| rooms.live.feeds.sighted(&camera));
    let Ok(upgrade) = upgrade else {
        let why = "this is a WebSocket: ask with Upgrade, or for live.mp4";
        return Err(Refusal(StatusCode::UPGRADE_REQUIRED, why.to_owned()));
    };
    let Live { stop, viewers, .. } = &rooms.live;
    let (stop, viewers) = (stop.clone(), viewers.clone());
    let access = Arc::clone(&rooms.access);
    let over = async move { access.over(&visitor, Permission::Live, &camera).await };
    let show =
        move |socket| async move { viewers.track_future(show(socket, viewer, sighted, stop, over)).await };
    Ok(upgrade.max_message_size(HEARD_BYTES_MAX).on_upgrade(show))
}

pub(super) async fn stream(
    State(rooms): State<Arc<Rooms>>,
    visitor: Visitor,
    Path(camera): Path<CameraId>,
    Query(pairs): Pairs,
) -> Answer<Response> {
    let mut viewer = rooms.seat(&camera, &visitor, Parameters::new(&pairs)).await?;
    let (opening, shown) = match timeout(OPENS_WITHIN, opened(&mut viewer)).await {
        Ok(Ok(opened)) => opened,
        Ok(Err(why)) => return Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, format!("{camera}: {why}"))),
        Err(_) => {
            let why = format!("{camera}: no key picture came within {} s", OPENS_WITHIN.as_secs());
            return Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, why));
        }
    };
    let (to, from) = mpsc::channel(1);
    let access = Arc::clone(&rooms.access);
    let pumping = async move {
        tokio::select! {
            () = access.over(&visitor, Permission::Live, &camera) => {}
            () = pump(viewer, shown, to) => {}
        }
    };
    tokio::spawn(rooms.live.stop.clone().run_until_cancelled_owned(pumping));
    let body = stream::unfold(from, |mut from| async move { Some((from.recv().await?, from)) });
    let mut response = Response::new(Body::from_stream(body.map(Ok::<Bytes, Infallible>)));
    describe(response.headers_mut(), &opening.mime, &opening.from.to_string());
    Ok(response)
}

/// What a stream of MP4 for browsers is, and when its first picture arrived.
pub(super) fn describe(headers: &mut HeaderMap, mime: &str, from: &str) {
    let mut put = |name: header::HeaderName, value: &str| {
        // Codec strings, times and numbers are ASCII.
        headers.insert(name, HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static("")));
    };
    put(header::CONTENT_TYPE, mime);
    put(header::CACHE_CONTROL, "private, no-store");
    put(header::HeaderName::from_static("cunkou-from"), from);
}

/// Waits for the first initialisation part; else says why there is none.
async fn opened(viewer: &mut Viewer) -> Result<(Opening, Vec<Shown>), String> {
    while let Some(shown) = viewer.next().await {
        for it in &shown {
            match it {
                Shown::Init(opening, _) => return Ok((opening.clone(), shown)),
                Shown::Gone(gone) => return Err(gone.clone()),
                Shown::Fragment(_) | Shown::Skipped => {}
            }
        }
    }
    Err("the station is stopping".to_owned())
}

/// Hands on what a viewer is shown, until nobody takes it any more.
async fn pump(mut viewer: Viewer, mut shown: Vec<Shown>, to: mpsc::Sender<Bytes>) {
    loop {
        for bytes in shown.into_iter().filter_map(bytes) {
            match timeout(STALLED_MAX, to.send(bytes)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return,
            }
        }
        shown = tokio::select! {
            () = to.closed() => return,
            next = viewer.next() => match next {
                Some(next) => next,
                None => return,
            },
        };
    }
}

fn bytes(shown: Shown) -> Option<Bytes> {
    match shown {
        Shown::Init(_, bytes) | Shown::Fragment(bytes) => Some(bytes),
        Shown::Skipped | Shown::Gone(_) => None,
    }
}

/// Why showing ended.
enum End {
    /// The viewer left, or let its socket stand still.
    Left,
    /// Nothing can come any more.
    Over,
    /// The viewer may not watch any more.
    SignedOut,
}

/// Shows until the viewer leaves or lets its socket stand still, until he may not watch any more, or until `stop`.
async fn show(
    mut socket: WebSocket,
    mut viewer: Viewer,
    mut sighted: Option<Sighted>,
    stop: CancellationToken,
    over: impl Future<Output = ()>,
) {
    let end = tokio::select! {
        biased;
        () = stop.cancelled() => End::Over,
        () = over => End::SignedOut,
        end = show_on(&mut socket, &mut viewer, &mut sighted) => end,
    };
    let last = match end {
        End::Left => None,
        End::Over => Some((close_code::AWAY, "the station is stopping")),
        End::SignedOut => Some((close_code::POLICY, "your session is over")),
    };
    if let Some((code, reason)) = last {
        let frame = CloseFrame { code, reason: reason.into() };
        // Whoever does not take a last word has had its pictures.
        let _ = timeout(Duration::from_millis(100), socket.send(Message::Close(Some(frame)))).await;
    }
}

async fn show_on(socket: &mut WebSocket, viewer: &mut Viewer, sighted: &mut Option<Sighted>) -> End {
    loop {
        let words: Vec<Message> = tokio::select! {
            heard = socket.recv() => match heard {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return End::Left,
                // Pings are answered by the protocol itself; nothing else is expected, or understood.
                Some(Ok(_)) => continue,
            },
            shown = viewer.next() => match shown {
                Some(shown) => shown.into_iter().flat_map(messages).collect(),
                None => return End::Over,
            },
            sight = next_sight(sighted) => boxes(viewer, sight).into_iter().collect(),
        };
        for message in words {
            match timeout(STALLED_MAX, socket.send(message)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return End::Left,
            }
        }
    }
}

/// What is followed in the next picture that was looked at; pending for ever where nobody wants to know, or nobody looks any more.
async fn next_sight(sighted: &mut Option<Sighted>) -> Sight {
    let next = match sighted {
        Some(sighted) => sighted.next().await,
        None => None,
    };
    match next {
        Some(sight) => sight,
        None => std::future::pending().await,
    }
}

/// Nothing where the picture is from before what the viewer sees.
fn boxes(viewer: &Viewer, sight: Sight) -> Option<Message> {
    let at_s = viewer.moment(&sight)?.as_secs_f64();
    let objects =
        sight.followed.into_iter().map(|it| ObjectData::new(it.class, it.confidence, it.bbox, it.track));
    let word = Word::Boxes { at_s, objects: objects.collect() };
    // As numbers of 32 bits are written: as `Value` they have the digits of 64.
    let text = serde_json::to_string(&word).expect("a word is a plain struct of texts, numbers and lists");
    Some(Message::Text(text.into()))
}

fn messages(shown: Shown) -> impl Iterator<Item = Message> {
    let word = match &shown {
        Shown::Init(Opening { mime, role, size, from, at, heard }, _) => Some(Word::Init {
            mime,
            stream: *role,
            width: size.w,
            height: size.h,
            from: from.to_string(),
            at_s: at.as_secs_f64(),
            sound: *heard,
        }),
        Shown::Skipped => Some(Word::Skipped),
        Shown::Gone(why) => Some(Word::Gone { why }),
        Shown::Fragment(_) => None,
    };
    let text = word.map(|word| Message::Text(json!(word).to_string().into()));
    text.into_iter().chain(bytes(shown).map(Message::Binary))
}

impl Rooms {
    /// A seat before a camera's stream, once it is written down who takes it and what for.
    async fn seat(
        &self,
        camera: &CameraId,
        visitor: &Visitor,
        mut parameters: Parameters<'_>,
    ) -> Answer<Viewer> {
        seen(visitor, camera)?;
        let warrant = Warrant::read_live(&mut parameters, visitor)?;
        let roles = [("main", StreamRole::Main), ("sub", StreamRole::Sub)];
        let asked = parameters.words("stream", &roles, |(word, _)| word)?;
        parameters.finish()?;
        let viewer = self.live.feeds.watch(camera, asked.first().map(|(_, role)| *role))?;
        let what = json!({ "camera": camera, "stream": viewer.role(), "shown": "live" });
        self.write_view(&warrant, what, Vec::new()).await?;
        Ok(viewer)
    }
}
