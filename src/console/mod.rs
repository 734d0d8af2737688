//! The page, and what machines ask over HTTP.
//!
//! | path | answer |
//! |---|---|
//! | `/`, `/assets/{file}`, `/icon.svg`, `/icon-news.svg` | the page |
//! | `/api/v1/session`, `/api/v1/setup`, `/api/v1/accounts`, `/api/v1/audit` | who asks: signing in, accounts, the audit log |
//! | `/api/state` | everything that the page shows, JSON |
//! | `/api/events` | server-sent events `alert`, `camera`, `broker`, `store`, `resync` for a viewer that lagged, and `signed-out` at the end of a session |
//! | `/api/v1/cameras`, `/api/v1/perimeter`, `/api/v1/status` | every camera, the map, the station in short: JSON |
//! | `/api/v1/analysis` | where cameras were analysed less than was wanted, JSON |
//! | `/api/v1/alerts/…` | alerts on record, and what somebody wants done with them |
//! | `/api/v1/clips`, `/api/v1/cameras/…`, `/api/v1/gaps`, `/api/v1/holds`, `/api/v1/exports` | what was recorded (`docs/ref/openapi.json`) |
//! | `/api/v1/cameras/{camera}/zones`, `…/zones/try` | what is drawn on a camera, trying and saving another drawing |
//! | `/api/v1/report`, `/report` | a day, a week or a month: volumes, answer times, breaches, outages; JSON, and a page to print |
//! | `/api/v1/devices`, `/api/v1/buttons/{button}` | buttons and sensors: who was not heard of, and pressing one |
//! | `/snapshots/{name}` | a picture, JPEG |
//! | `/metrics` | OpenMetrics text |
//! | `/healthz` | 200 while the process answers |
//! | `/readyz` | 200 once model, store and cameras were started and while the store writes; else 503, with why |
//!
//! Owns HTTP. Each path says what somebody must be allowed for it ([`guarded`]); outside of his scope nothing exists for him. A viewer never slows the line: who lags is told to read everything anew.

mod access;
mod alerts;
mod analysis;
mod answer;
mod archive;
mod board;
mod cameras;
mod devices;
mod gallery;
mod guard;
mod guarded;
mod journal;
mod page;
mod parameters;
mod visitor;
pub mod zones;

pub use access::{Access, AccessFileError, COOKIE, First, LOCAL_TOKEN};
pub use alerts::{AlertPage, AlertQuestion, Alerts, Whose};
pub use analysis::{AnalysisPage, IntervalData};
pub use archive::{Live, Rooms};
pub use board::{ALERTS_MAX, About, Board, CameraView, News, Snapshot};
pub use devices::{DeviceRoom, NotPressed};
pub use gallery::{Gallery, NoPicture, Print, Undeveloped, Width};
pub use guarded::{Needs, Route, Unlet};
pub use journal::Journal;
pub use visitor::{Person, Visitor};

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    middleware,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    serve::ListenerExt,
};
use futures::{Stream, stream};
use tokio::{
    net::TcpListener,
    sync::broadcast::{self, error::RecvError},
    time::{interval, timeout},
};
use tokio_util::sync::CancellationToken;

use self::{answer::no_alert, cameras::Yard, guard::Guard, guarded::Guarded};
use crate::{account::Permission, id::AlertId, metrics::Metrics, mqtt::payload::AlertData, store::Desk};

/// A comment is sent to an idle viewer so often, so that both ends notice a dead connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How often it is looked whether the session of somebody who watches lasts.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(5);

/// What waits in the kernel for one viewer, bytes: beyond it a viewer of live pictures lags where we see it, and is told so.
const SEND_BUFFER: usize = 128 << 10;

/// How long the store may take for an answer.
const READ_WITHIN: Duration = Duration::from_secs(5);

/// What the server answers from.
#[derive(Clone)]
pub struct Console {
    /// What is shown.
    pub board: Arc<Board>,
    /// What is counted.
    pub metrics: Metrics,
    /// Where the record of analysis is read.
    pub desk: Desk,
    /// Alerts on record.
    pub alerts: Arc<dyn Alerts>,
    /// Where the pictures lie.
    pub snapshots: PathBuf,
    /// Whether the daemon is at work.
    pub ready: Arc<AtomicBool>,
    /// Ends every open answer.
    pub stop: CancellationToken,
    /// Buttons and sensors.
    pub devices: Arc<dyn DeviceRoom>,
    /// Where cameras are drawn on.
    pub zones: Arc<dyn zones::ZoneRoom>,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Who may in.
    pub access: Arc<Access>,
}

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {listen}: {source}; choose another address under [console] listen")]
pub struct ConsoleError {
    /// Where it should listen.
    listen: SocketAddr,
    source: io::Error,
}

/// Takes the address. Says in its error which one and how to mend it.
pub async fn bind(listen: SocketAddr) -> Result<TcpListener, ConsoleError> {
    TcpListener::bind(listen).await.map_err(|source| ConsoleError { listen, source })
}

/// Serves until `console.stop`.
pub async fn serve(listener: TcpListener, console: Console, rooms: Rooms) -> io::Result<()> {
    let stop = console.stop.clone();
    let listener = listener.tap_io(|socket| {
        // Without either everything works as well, only less at once.
        let _ = socket.set_nodelay(true);
        let _ = rustix::net::sockopt::set_socket_send_buffer_size(&*socket, SEND_BUFFER);
    });
    let service = router(console, rooms).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned()).await
}

/// Every path, and what it needs.
pub fn routes() -> Vec<Route> {
    let all = [
        base().routes(),
        access::routes().routes(),
        alerts::routes().routes(),
        zones::routes().routes(),
        cameras::routes().routes(),
        archive::routes().routes(),
    ];
    all.into_iter().flatten().collect()
}

/// The page itself, and how the station is.
fn base() -> Guarded<Console> {
    use Permission::{Alerts, Health};
    Guarded::new()
        .get("/", Needs::Nothing, page::home)
        .get("/assets/{file}", Needs::Nothing, page::asset)
        .get("/icon.svg", Needs::Nothing, page::icon)
        .get("/icon-news.svg", Needs::Nothing, page::icon_news)
        .get("/report.css", Needs::Nothing, page::report_style)
        .get("/api/state", Needs::Account, state)
        .get("/api/events", Needs::Account, events)
        .get("/api/v1/analysis", Health, analysis_page)
        .get("/api/v1/devices", Health, devices::list)
        .post("/api/v1/buttons/{button}", Needs::Nothing, devices::press)
        .get("/snapshots/{name}", Alerts, snapshot)
        .get("/metrics", Needs::Nothing, metrics)
        .get("/healthz", Needs::Nothing, || async { "ok\n" })
        .get("/readyz", Needs::Nothing, ready)
}

/// What is served.
pub fn router(console: Console, rooms: Rooms) -> Router {
    let (access, zones) = (Arc::clone(&console.access), Arc::clone(&console.zones));
    let guard = Guard::new(console.listen, access.address());
    let (shown, rooms) = (console.clone(), Arc::new(rooms));
    base()
        .with_state(console)
        .merge(access::routes().with_state(Arc::clone(&access)))
        .merge(alerts::routes().with_state(alerts::Counter::new(Arc::clone(&rooms.alerts), rooms.clock)))
        .merge(zones::routes().with_state(zones))
        .merge(cameras::routes().with_state(Yard { console: shown, rooms: Arc::clone(&rooms) }))
        .merge(archive::routes().with_state(rooms))
        .into_router()
        .layer(middleware::from_fn_with_state(access, access::recognise))
        .layer(middleware::from_fn_with_state(guard, guard::guard))
}

async fn state(State(console): State<Console>, visitor: Visitor) -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "no-store")], Json(shown(console.board.snapshot(), &visitor)))
}

/// What there is of it for a visitor.
fn shown(mut all: Snapshot, visitor: &Visitor) -> Snapshot {
    let may_see_cameras = visitor.may(Permission::Health);
    all.cameras.retain(|camera| may_see_cameras && visitor.may_see(&camera.id));
    let may_see_alerts = visitor.may(Permission::Alerts);
    let alerts = all.alerts.into_iter().filter(|_| may_see_alerts);
    all.alerts = alerts.filter_map(|alert| visitor.shown(alert)).collect();
    all
}

/// What there is of news for a visitor, as JSON.
fn told(about: &About, json: String, visitor: &Visitor) -> Option<String> {
    match about {
        About::Station => Some(json),
        About::Camera(camera) => (visitor.may(Permission::Health) && visitor.may_see(camera)).then_some(json),
        About::Alert(_) if !visitor.may(Permission::Alerts) => None,
        About::Alert(_) if visitor.sight().is_everything() => Some(json),
        About::Alert(alert) => serde_json::to_string(&visitor.shown(AlertData::clone(alert))?).ok(),
    }
}

/// Each reading may wait for the store's thread, which reads in between of its writes.
async fn analysis_page(
    State(console): State<Console>,
    visitor: Visitor,
    Query(parameters): Query<Vec<(String, String)>>,
) -> Response {
    let asked = match analysis::ask(&parameters) {
        Ok(asked) => asked,
        Err(bad) => return (StatusCode::BAD_REQUEST, format!("{bad}\n")).into_response(),
    };
    if let Some(camera) = &asked.camera
        && !visitor.may_see(camera)
    {
        return answer::fresh(AnalysisPage { intervals: Vec::new(), next: None });
    }
    match timeout(READ_WITHIN, console.desk.intervals(&asked)).await {
        Ok(Ok(mut page)) => {
            page.intervals.retain(|(camera, _)| visitor.may_see(camera));
            ([(header::CACHE_CONTROL, "no-store")], Json(AnalysisPage::from(page))).into_response()
        }
        Ok(Err(refused)) => (StatusCode::SERVICE_UNAVAILABLE, format!("{refused}\n")).into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store takes too long\n").into_response(),
    }
}

/// What somebody is sent while he watches.
struct Watching {
    news: broadcast::Receiver<News>,
    console: Console,
    /// As he was when something was last sent; `None` once he was told that his session is over.
    visitor: Option<Visitor>,
    /// When it is looked next whether his session lasts.
    looks: tokio::time::Interval,
}

async fn events(
    State(console): State<Console>,
    visitor: Visitor,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let (news, looks) = (console.board.listen(), interval(LOOKED_AT_EVERY));
    let watching = Watching { news, console, visitor: Some(visitor), looks };
    let stream = stream::unfold(watching, |mut watching| async move {
        let event = watching.next().await?;
        Some((Ok(event), watching))
    });
    Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

impl Watching {
    /// The next event that is for him; `None` at the end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            let visitor = self.visitor.as_ref()?;
            let news = tokio::select! {
                biased;
                () = self.console.stop.cancelled() => return None,
                _ = self.looks.tick() => None,
                news = self.news.recv() => Some(news),
            };
            self.visitor = self.console.access.again(visitor);
            let Some(visitor) = &self.visitor else {
                return Some(Event::default().event("signed-out").data("null"));
            };
            match news {
                None => {}
                Some(Ok(News { about, event, json })) => {
                    if let Some(json) = told(&about, json, visitor) {
                        return Some(Event::default().event(event).data(json));
                    }
                }
                Some(Err(RecvError::Lagged(_))) => {
                    return Some(Event::default().event("resync").data("null"));
                }
                Some(Err(RecvError::Closed)) => return None,
            }
        }
    }
}

async fn snapshot(State(console): State<Console>, visitor: Visitor, Path(name): Path<String>) -> Response {
    // Names are alerts' ids and a fixed ending: nothing that climbs out of the folder, and nothing that the disk refuses, gets past this.
    let id = name.strip_suffix(".jpg").map(|stem| stem.strip_suffix("-boxed").unwrap_or(stem));
    let Some(id) = id.and_then(|id| id.parse::<AlertId>().ok()) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if !visitor.sight().is_everything() {
        match timeout(READ_WITHIN, console.alerts.alert(id)).await {
            Ok(Ok(Some(alert))) if visitor.may_see_alert(&alert) => {}
            Ok(Ok(_)) => return no_alert(id).into_response(),
            Ok(Err(refused)) => {
                return (StatusCode::SERVICE_UNAVAILABLE, format!("{refused}\n")).into_response();
            }
            Err(_) => return (StatusCode::SERVICE_UNAVAILABLE, "the store takes too long\n").into_response(),
        }
    }
    match tokio::fs::read(console.snapshots.join(&name)).await {
        Ok(jpeg) => {
            let headers = [
                (header::CONTENT_TYPE, "image/jpeg"),
                (header::CACHE_CONTROL, "private, max-age=86400, immutable"),
            ];
            (headers, jpeg).into_response()
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::error!(%name, %error, "a snapshot cannot be read");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn metrics(State(console): State<Console>) -> impl IntoResponse {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], console.metrics.render())
}

async fn ready(State(console): State<Console>) -> (StatusCode, String) {
    if !console.ready.load(Ordering::Acquire) {
        return (StatusCode::SERVICE_UNAVAILABLE, "starting or stopping\n".to_owned());
    }
    match console.board.store_trouble() {
        None => (StatusCode::OK, "ready\n".to_owned()),
        Some(trouble) => (StatusCode::SERVICE_UNAVAILABLE, format!("alerts cannot be kept: {trouble}\n")),
    }
}
