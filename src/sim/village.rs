//! The village: one listener, a task for each camera, a task for each client.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{broadcast, mpsc, oneshot, watch},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    SimError,
    camera::{Camera, Counts, Handle, ORDERS_MAX, Order},
    connection::{Connection, Ending},
    diary::{Diary, DiaryEntry},
    material::Material,
    scenario::{Event, Fault, Scenario},
    sdp,
    timeline::{Faults, Timeline},
};
use crate::{config::StreamRole, daemon::raise_file_limit, id::CameraId, time::Clock};

/// Connections that the kernel holds until we accept them: a fleet connects all at once.
const BACKLOG: u32 = 4_096;
/// Most clients at once.
const CONNECTIONS_MAX: usize = 8_192;
/// How long an ordered stop may take.
const STOP_MAX: Duration = Duration::from_secs(5);
/// Pause after the system refused a connection (no file handles left).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The cameras' first frames are spread over this time, so that they do not all send at once.
const SPREAD: Duration = Duration::from_secs(1);

/// Simulated cameras, served. Dropping it stops them without waiting.
#[derive(Debug)]
pub struct Village {
    address: SocketAddr,
    registry: Arc<Registry>,
    diary: Arc<Diary>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// What every connection may look at.
#[derive(Debug)]
pub(super) struct Registry {
    cameras: HashMap<CameraId, Arc<Handle>>,
    pub(super) session_timeout: Duration,
    pub(super) counts: Arc<Counts>,
}

/// What a URL names.
pub(super) struct Place {
    pub(super) camera: Arc<Handle>,
    pub(super) role: StreamRole,
}

impl Place {
    /// The stream's path, without a slash at its end.
    pub(super) fn path(&self) -> String {
        path_of(&self.camera.spec.id, self.role)
    }
}

fn path_of(camera: &CameraId, role: StreamRole) -> String {
    match role {
        StreamRole::Main => format!("/{camera}"),
        StreamRole::Sub => format!("/{camera}/sub"),
    }
}

impl Registry {
    /// The stream that a URL, or the path of one, names: `/{camera}`, `/{camera}/sub`, either with the track behind it.
    pub(super) fn place(&self, uri: &str) -> Option<Place> {
        let rest = match uri.split_once("://") {
            Some((_, rest)) => rest.split_once('/')?.1,
            None => uri.strip_prefix('/')?,
        };
        let path = rest.split('?').next().unwrap_or(rest);
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        let camera = self.cameras.get(&parts.next()?.parse().ok()?)?.clone();
        let mut parts = parts.peekable();
        let role = match parts.next_if(|part| matches!(*part, "sub" | "main")) {
            Some("sub") if camera.reel.sub.is_none() => return None,
            Some("sub") => StreamRole::Sub,
            _ => StreamRole::Main,
        };
        let whole = match parts.next() {
            None => true,
            Some(track) => track == sdp::TRACK && parts.next().is_none(),
        };
        whole.then_some(Place { camera, role })
    }
}

/// What went over the edges so far. All of them as JSON members of the same names. Once all sessions have ended, `units_offered` = `units_sent` + `units_skipped` +
/// `units_abandoned`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Totals {
    /// Connections accepted.
    pub connections: u64,
    /// Connections closed at once, because there were too many.
    pub refused: u64,
    /// Sessions that began to play.
    pub sessions: u64,
    /// Access units meant for a session.
    pub units_offered: u64,
    /// Access units written to the end.
    pub units_sent: u64,
    /// Access units left out for a session that was behind, or by a frozen camera.
    pub units_skipped: u64,
    /// Access units that waited for a session, or were half written, when it ended.
    pub units_abandoned: u64,
    /// RTP packets.
    pub packets: u64,
    /// Bytes of RTP, with headers.
    pub bytes: u64,
    /// Times when a camera was so late that it moved its schedule.
    pub late: u64,
}

impl Village {
    /// Serves a scenario. Port 0 takes a free one. Needs a tokio runtime; returns when clients can connect. The scenario's
    /// time 0 is now.
    pub async fn start(
        listen: SocketAddr,
        material: Arc<Material>,
        scenario: Scenario,
        clock: Clock,
    ) -> Result<Self, SimError> {
        scenario.check(&material)?;
        raise_file_limit();
        let failed = |source| SimError::Listen { address: listen, source };
        let listener = listen_on(listen).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;

        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (diary, counts) = (Arc::new(Diary::new()), Arc::new(Counts::default()));
        let start = clock.now().mono;
        let mut events: HashMap<&CameraId, Vec<&Event>> = HashMap::new();
        for event in &scenario.events {
            events.entry(&event.camera).or_default().push(event);
        }
        let mut cameras = HashMap::new();
        for (index, spec) in scenario.cameras.iter().enumerate() {
            let reel = material.reel_of(spec).expect("a checked scenario has its material");
            let events = events.remove(&spec.id).unwrap_or_default();
            let faults = Faults::new(spec, &events, scenario.repeat);
            let timeline = Timeline::new(spec, &events, scenario.repeat, &reel.cuts, reel.main.rate);
            let (condition_in, condition) = watch::channel(faults.condition());
            let (orders, orders_out) = mpsc::channel(ORDERS_MAX);
            let camera = Camera {
                spec: spec.clone(),
                reel: reel.clone(),
                timeline,
                faults,
                orders: orders_out,
                condition: condition_in,
                diary: diary.clone(),
                counts: counts.clone(),
                clock,
                start: start + SPREAD * index as u32 / scenario.cameras.len() as u32,
                seed: scenario.seed ^ (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15),
                watchers: Vec::new(),
                frame: 0,
                swapped: false,
                hushed: false,
            };
            tasks.spawn(camera.run(stop.clone()));
            let handle = Handle { spec: spec.clone(), reel, orders, condition };
            cameras.insert(spec.id.clone(), Arc::new(handle));
        }
        let registry = Arc::new(Registry { cameras, session_timeout: scenario.session_timeout, counts });
        let accept = accept(listener, registry.clone(), scenario.seed, stop.clone(), tasks.clone());
        tasks.spawn(accept);
        tracing::info!(%address, cameras = scenario.cameras.len(), "the simulated village is open");
        Ok(Self { address, registry, diary, stop, tasks })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a stream, without credentials.
    pub fn url(&self, camera: &CameraId, role: StreamRole) -> String {
        format!("rtsp://{}{}", self.address, path_of(camera, role))
    }

    /// Pulls a camera's plug: its connections close, and it answers nobody until [`Village::resume_camera`].
    pub async fn stop_camera(&self, camera: &CameraId) -> Result<(), SimError> {
        self.done(camera, |done| Order::Stop { done }).await
    }

    /// Plugs a camera in again.
    pub async fn resume_camera(&self, camera: &CameraId) -> Result<(), SimError> {
        self.done(camera, |done| Order::Resume { done }).await
    }

    /// Something breaks, now.
    pub async fn break_camera(&self, camera: &CameraId, fault: Fault) -> Result<(), SimError> {
        self.order(camera, Order::Break(fault)).await
    }

    /// Somebody comes at the next key frame, after those who are already on their way. False where the camera's material
    /// has no such visit, or too many are on their way.
    pub async fn show_visit(&self, camera: &CameraId, visit: usize) -> Result<bool, SimError> {
        let (reply, answer) = oneshot::channel();
        self.order(camera, Order::Show { visit, reply }).await?;
        answer.await.map_err(|_| SimError::NoCamera(camera.clone()))
    }

    /// All cameras show no further frame, for good, and keep their connections: what was offered then arrives, or never does.
    pub async fn hush(&self) {
        for camera in self.registry.cameras.values() {
            // A camera that has ended shows nothing anyway.
            let _ = camera.orders.send(Order::Hush).await;
        }
    }

    async fn order(&self, camera: &CameraId, order: Order) -> Result<(), SimError> {
        let unknown = || SimError::NoCamera(camera.clone());
        let handle = self.registry.cameras.get(camera).ok_or_else(unknown)?;
        handle.orders.send(order).await.map_err(|_| unknown())
    }

    /// Returns once the order is carried out.
    async fn done(
        &self,
        camera: &CameraId,
        order: impl FnOnce(oneshot::Sender<()>) -> Order,
    ) -> Result<(), SimError> {
        let (done, answer) = oneshot::channel();
        self.order(camera, order(done)).await?;
        answer.await.map_err(|_| SimError::NoCamera(camera.clone()))
    }

    /// What was really shown so far, oldest first.
    pub fn diary(&self) -> Vec<DiaryEntry> {
        self.diary.read()
    }

    /// Entries that the diary had no room to keep.
    pub fn diary_forgotten(&self) -> u64 {
        self.diary.forgotten()
    }

    /// The diary from now on, entry by entry.
    pub fn follow_diary(&self) -> broadcast::Receiver<DiaryEntry> {
        self.diary.follow()
    }

    /// What went over the edges so far.
    pub fn totals(&self) -> Totals {
        let counts = &self.registry.counts;
        let read = |count: &AtomicU64| count.load(Relaxed);
        Totals {
            connections: read(&counts.connections),
            refused: read(&counts.refused),
            sessions: read(&counts.sessions),
            units_offered: read(&counts.offered),
            units_sent: read(&counts.sent),
            units_skipped: read(&counts.skipped),
            units_abandoned: read(&counts.abandoned),
            packets: read(&counts.packets),
            bytes: read(&counts.bytes),
            late: read(&counts.late),
        }
    }

    /// Ends it: cameras stop, connections close. Gives the final counts.
    pub async fn stop(self) -> Totals {
        self.stop.cancel();
        self.tasks.close();
        if timeout(STOP_MAX, self.tasks.wait()).await.is_err() {
            tracing::warn!(left = self.tasks.len(), "the simulated village did not end in time");
        }
        self.totals()
    }
}

impl Drop for Village {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn listen_on(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn accept(
    listener: TcpListener,
    registry: Arc<Registry>,
    seed: u64,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    let cameras = registry.cameras.len();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a client");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if tasks.len() > CONNECTIONS_MAX + cameras {
            registry.counts.refused.fetch_add(1, Relaxed);
            continue;
        }
        let number = registry.counts.connections.fetch_add(1, Relaxed);
        let client_seed = seed.rotate_left(17) ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        tasks.spawn(serve(stream, peer, registry.clone(), client_seed, stop.clone()));
    }
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    registry: Arc<Registry>,
    seed: u64,
    stop: CancellationToken,
) {
    let ending = match Connection::new(stream, peer, registry, seed) {
        Ok(connection) => connection.serve(stop).await,
        Err(error) => Ending::Network(error),
    };
    tracing::debug!(client = %peer, %ending, "a client's connection ended");
}
