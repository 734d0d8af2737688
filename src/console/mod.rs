//! The first page, and what machines ask over HTTP.
//!
//! | path | answer |
//! |---|---|
//! | `/` | the page: latest alerts, camera states, live |
//! | `/api/state` | everything that the page shows, JSON |
//! | `/api/events` | server-sent events `alert`, `camera`, `broker`, `store`, and `resync` for a viewer that lagged |
//! | `/api/v1/cameras`, `/api/v1/perimeter`, `/api/v1/status` | every camera, the map, the station in short: JSON |
//! | `/api/v1/analysis` | where cameras were analysed less than was wanted, JSON |
//! | `/api/v1/alerts/…` | alerts on record, and what somebody wants done with them |
//! | `/api/v1/clips`, `/api/v1/cameras/…`, `/api/v1/gaps`, `/api/v1/holds`, `/api/v1/exports` | what was recorded (`docs/ref/openapi.json`) |
//! | `/api/v1/report`, `/report` | a day, a week or a month: volumes, answer times, breaches, outages; JSON, and a page to print |
//! | `/api/v1/devices`, `/api/v1/buttons/{button}` | buttons and sensors: who was not heard of, and pressing one |
//! | `/snapshots/{name}` | a picture, JPEG |
//! | `/metrics` | OpenMetrics text |
//! | `/healthz` | 200 while the process answers |
//! | `/readyz` | 200 once model, store and cameras were started and while the store writes; else 503, with why |
//!
//! Owns HTTP. A viewer never slows the line: who lags is told to read everything anew.

mod alerts;
mod analysis;
mod archive;
mod board;
mod cameras;
mod devices;
mod gallery;
mod parameters;

pub use alerts::{AlertPage, AlertQuestion, Alerts};
pub use analysis::{AnalysisPage, IntervalData};
pub use archive::{Live, Rooms};
pub use board::{ALERTS_MAX, Board, CameraView, News, Snapshot};
pub use devices::{DeviceRoom, NotPressed};
pub use gallery::{Gallery, NoPicture, Print, Undeveloped, Width};

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, Query, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{get, post},
    serve::ListenerExt,
};
use futures::{Stream, stream};
use tokio::{
    net::TcpListener,
    sync::broadcast::{self, error::RecvError},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use self::cameras::Yard;
use crate::{id::AlertId, metrics::Metrics, store::Desk};

/// What the page may load: its own files, nothing from elsewhere.
const CONTENT_POLICY: &str = "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// A comment is sent to an idle viewer so often, so that both ends notice a dead connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

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
    /// Where the pictures lie.
    pub snapshots: PathBuf,
    /// Whether the daemon is at work.
    pub ready: Arc<AtomicBool>,
    /// Ends every open answer.
    pub stop: CancellationToken,
    /// Buttons and sensors.
    pub devices: Arc<dyn DeviceRoom>,
    /// Where it listens.
    pub listen: SocketAddr,
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
    axum::serve(listener, router(console, rooms)).with_graceful_shutdown(stop.cancelled_owned()).await
}

/// Every path.
pub fn router(console: Console, rooms: Rooms) -> Router {
    let guarded = middleware::from_fn_with_state(console.listen, guard);
    let (shown, rooms) = (console.clone(), Arc::new(rooms));
    Router::new()
        .route("/", get(|| asset("text/html; charset=utf-8", include_str!("../../web/index.html"))))
        .route("/app.js", get(|| asset("text/javascript; charset=utf-8", include_str!("../../web/app.js"))))
        .route("/style.css", get(|| asset("text/css; charset=utf-8", include_str!("../../web/style.css"))))
        .route("/report.css", get(|| asset("text/css; charset=utf-8", include_str!("../../web/report.css"))))
        .route("/api/state", get(state))
        .route("/api/events", get(events))
        .route("/api/v1/analysis", get(analysis_page))
        .route("/api/v1/devices", get(devices::list))
        .route("/api/v1/buttons/{button}", post(devices::press))
        .route("/snapshots/{name}", get(snapshot))
        .route("/metrics", get(metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state(console)
        .merge(alerts::router(Arc::clone(&rooms.alerts), rooms.clock))
        .merge(cameras::router(Yard { console: shown, rooms: Arc::clone(&rooms) }))
        .merge(archive::router(rooms))
        .layer(guarded)
}

async fn guard(State(listen): State<SocketAddr>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    if listen.ip().is_loopback() && !host.is_none_or(is_this_machine) {
        return (StatusCode::MISDIRECTED_REQUEST, "ask for this machine by its address\n").into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Whether a Host header names this machine itself. A page elsewhere can make a browser ask 127.0.0.1 under a name of its own ("DNS rebinding"), and
/// would read alerts and pictures.
fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    name.eq_ignore_ascii_case("localhost") || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
}

async fn asset(content_type: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "no-cache")], text)
}

async fn state(State(console): State<Console>) -> impl IntoResponse {
    ([(header::CACHE_CONTROL, "no-store")], Json(console.board.snapshot()))
}

/// Each reading may wait for the store's thread, which reads in between of its writes.
async fn analysis_page(
    State(console): State<Console>,
    Query(parameters): Query<Vec<(String, String)>>,
) -> Response {
    let asked = match analysis::ask(&parameters) {
        Ok(asked) => asked,
        Err(bad) => return (StatusCode::BAD_REQUEST, format!("{bad}\n")).into_response(),
    };
    match timeout(READ_WITHIN, console.desk.intervals(&asked)).await {
        Ok(Ok(page)) => {
            ([(header::CACHE_CONTROL, "no-store")], Json(AnalysisPage::from(page))).into_response()
        }
        Ok(Err(refused)) => (StatusCode::SERVICE_UNAVAILABLE, format!("{refused}\n")).into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store takes too long\n").into_response(),
    }
}

async fn events(State(console): State<Console>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let news = console.board.listen();
    let stop = console.stop.clone();
    let stream = stream::unfold((news, stop), |(mut news, stop)| async move {
        let event = tokio::select! {
            biased;
            () = stop.cancelled() => return None,
            event = next(&mut news) => event?,
        };
        Some((Ok(event), (news, stop)))
    });
    Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

async fn next(news: &mut broadcast::Receiver<News>) -> Option<Event> {
    match news.recv().await {
        Ok(News { event, json }) => Some(Event::default().event(event).data(json)),
        Err(RecvError::Lagged(_)) => Some(Event::default().event("resync").data("null")),
        Err(RecvError::Closed) => None,
    }
}

async fn snapshot(State(console): State<Console>, Path(name): Path<String>) -> Response {
    // Names are alerts' ids and a fixed ending: nothing that climbs out of the folder, and nothing that the disk refuses, gets past this.
    let id = name.strip_suffix(".jpg").map(|stem| stem.strip_suffix("-boxed").unwrap_or(stem));
    if id.is_none_or(|id| id.parse::<AlertId>().is_err()) {
        return StatusCode::NOT_FOUND.into_response();
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

#[cfg(test)]
mod tests {
    use super::is_this_machine;

    #[test]
    fn only_this_machine_is_answered_on_loopback() {
        for host in ["127.0.0.1:8080", "127.0.0.1", "localhost:8080", "LOCALHOST", "[::1]:8080", "[::1]"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in ["rebound.example:8080", "127.0.0.1.example", "localhost.example", "", ":8080"] {
            assert!(!is_this_machine(host), "{host}");
        }
    }
}
