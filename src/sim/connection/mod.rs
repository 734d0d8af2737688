//! One client's connection: requests in, answers and media out.
//!
//! Waits in one place ([`Connection::wait`]) and acts in another. Owns the session's state and its sockets; what media is
//! sent when belongs to `camera`, how bytes become requests to `rtsp`.

mod answer;
mod wire;

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use bytes::{Buf, BytesMut};
use rand::{Rng, SeedableRng, rngs::SmallRng};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{mpsc, watch},
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use self::wire::Wire;
use super::{
    camera::{Handle, Shot},
    rtp,
    rtsp::{self, Bad, Incoming, Response},
    timeline::Condition,
    village::Registry,
};
use crate::config::StreamRole;

/// A client that takes nothing for so long is let go.
const WRITE_MAX: Duration = Duration::from_secs(10);
/// A connection without a session that says nothing for so long is closed.
const IDLE_MAX: Duration = Duration::from_secs(30);
/// Most grace that a session has beyond its timeout.
const GRACE_MAX: Duration = Duration::from_secs(5);
/// Time between sender reports.
const REPORT_EVERY: Duration = Duration::from_secs(5);

/// One client.
pub(super) struct Connection {
    stream: TcpStream,
    local: SocketAddr,
    peer: SocketAddr,
    village: Arc<Registry>,
    inbox: BytesMut,
    bound: Option<Bound>,
    session: Session,
    nonce: String,
    random: SmallRng,
    /// When the client last gave a sign of life.
    heard: Instant,
    scratch: Vec<u8>,
}

/// The camera that the client speaks with.
struct Bound {
    camera: Arc<Handle>,
    condition: watch::Receiver<Condition>,
    epoch: u32,
}

/// Where the session stands (RFC 2326 appendix A.2).
enum Session {
    Init,
    Ready(Setup),
    Playing(Setup, Media),
}

/// What SETUP settled.
struct Setup {
    id: String,
    role: StreamRole,
    wire: Wire,
    sender: rtp::Sender,
}

/// What PLAY began.
struct Media {
    shots: mpsc::Receiver<Shot>,
    next_report: Instant,
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ending {
    #[error("the client closed it")]
    Left,
    #[error("the village ends")]
    Stopped,
    #[error("the camera went away, restarted, or changed its password")]
    CameraGone,
    #[error("the client gave no sign of life, or took nothing")]
    TimedOut,
    #[error("the client was behind for too long")]
    Behind,
    #[error("what the client sent is {0}")]
    NotRtsp(Bad),
    #[error("the network failed: {0}")]
    Network(io::Error),
}

enum Wake {
    Stop,
    Condition,
    Received(io::Result<usize>),
    Heard,
    Shot(Option<Shot>),
    Silence,
}

impl Connection {
    /// A connection that was just accepted.
    pub(super) fn new(
        stream: TcpStream,
        peer: SocketAddr,
        village: Arc<Registry>,
        seed: u64,
    ) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let mut random = SmallRng::seed_from_u64(seed);
        Ok(Self {
            local: stream.local_addr()?,
            stream,
            peer,
            village,
            inbox: BytesMut::with_capacity(4096),
            bound: None,
            session: Session::Init,
            nonce: format!("{:032x}", random.random::<u128>()),
            random,
            heard: Instant::now(),
            scratch: Vec::new(),
        })
    }

    /// Serves the client to the end.
    pub(super) async fn serve(mut self, stop: CancellationToken) -> Ending {
        let ending = loop {
            let wake = self.wait(&stop).await;
            if let Err(ending) = self.act(wake).await {
                break ending;
            }
        };
        self.abandon_media();
        if let Ending::NotRtsp(bad) = &ending {
            let response = Response::new(bad.status(), None);
            // The connection ends in any case.
            let _ = timeout(WRITE_MAX, self.stream.write_all(&response.to_bytes())).await;
        }
        ending
    }

    /// Waits for the next thing to do, and changes nothing but the inbox.
    async fn wait(&mut self, stop: &CancellationToken) -> Wake {
        let limit = match self.session {
            Session::Init => IDLE_MAX,
            // Some grace: clients say that they live just before the time is up.
            Session::Ready(_) | Session::Playing(..) => {
                let timeout = self.village.session_timeout;
                timeout + (timeout / 4).min(GRACE_MAX)
            }
        };
        let frozen = self.bound.as_ref().is_some_and(|bound| bound.condition.borrow().frozen);
        let (shots, wire) = match &mut self.session {
            Session::Playing(setup, media) => (Some(&mut media.shots), Some(&setup.wire)),
            Session::Ready(setup) => (None, Some(&setup.wire)),
            Session::Init => (None, None),
        };
        let condition = self.bound.as_mut().map(|bound| &mut bound.condition);
        tokio::select! {
            biased;
            () = stop.cancelled() => Wake::Stop,
            () = changed(condition) => Wake::Condition,
            received = self.stream.read_buf(&mut self.inbox), if !frozen => Wake::Received(received),
            () = wire::heard(wire), if !frozen => Wake::Heard,
            shot = next(shots), if !frozen => Wake::Shot(shot),
            () = sleep_until(self.heard + limit), if !frozen => Wake::Silence,
        }
    }

    async fn act(&mut self, wake: Wake) -> Result<(), Ending> {
        match wake {
            Wake::Stop => Err(Ending::Stopped),
            Wake::Silence => Err(Ending::TimedOut),
            Wake::Received(Ok(0)) => Err(Ending::Left),
            Wake::Received(Err(error)) => Err(Ending::Network(error)),
            Wake::Received(Ok(_)) => {
                self.heard = Instant::now();
                self.answer_all().await
            }
            Wake::Heard => {
                self.heard = Instant::now();
                Ok(())
            }
            Wake::Condition => {
                self.check_camera()?;
                // What came in while the camera was frozen has waited.
                self.answer_all().await
            }
            Wake::Shot(None) => Err(Ending::Behind),
            Wake::Shot(Some(shot)) => self.send(&shot).await,
        }
    }

    fn check_camera(&mut self) -> Result<(), Ending> {
        let Some(bound) = &mut self.bound else { return Ok(()) };
        let condition = bound.condition.borrow_and_update();
        if !condition.reachable || condition.epoch != bound.epoch {
            return Err(Ending::CameraGone);
        }
        Ok(())
    }

    /// Answers all whole requests that have come in, in order.
    async fn answer_all(&mut self) -> Result<(), Ending> {
        loop {
            if self.bound.as_ref().is_some_and(|bound| bound.condition.borrow().frozen) {
                return Ok(());
            }
            match rtsp::parse(&self.inbox).map_err(Ending::NotRtsp)? {
                None => return Ok(()),
                Some((taken, Incoming::Interleaved { .. })) => self.inbox.advance(taken),
                Some((taken, Incoming::Request(request))) => {
                    if !self.bind(&request)? {
                        // The camera is frozen: the request stays where it is until it answers again.
                        return Ok(());
                    }
                    self.inbox.advance(taken);
                    let response = self.answer(&request).await;
                    self.write(&response.to_bytes()).await?;
                }
            }
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Ending> {
        match timeout(WRITE_MAX, self.stream.write_all(bytes)).await {
            Ok(written) => written.map_err(Ending::Network),
            Err(_) => Err(Ending::TimedOut),
        }
    }

    async fn send(&mut self, shot: &Shot) -> Result<(), Ending> {
        let Session::Playing(setup, media) = &mut self.session else { return Ok(()) };
        let now = Instant::now();
        let mut output = wire::Output {
            stream: &mut self.stream,
            wire: &setup.wire,
            scratch: &mut self.scratch,
            random: &mut self.random,
        };
        let report = (now >= media.next_report).then(|| {
            media.next_report = now + REPORT_EVERY;
            setup.sender.report(shot.wall, shot.rtp, "cunkou-sim")
        });
        let sending = async {
            if let Some(report) = report {
                output.report(&report).await?;
            }
            output.media(&mut setup.sender, shot).await
        };
        let counts = &self.village.counts;
        match timeout(WRITE_MAX, sending).await {
            Ok(Ok(bytes)) => {
                counts.sent.fetch_add(1, Relaxed);
                counts.packets.fetch_add(shot.unit.packets.len() as u64, Relaxed);
                counts.bytes.fetch_add(bytes, Relaxed);
                Ok(())
            }
            failed => {
                counts.abandoned.fetch_add(1, Relaxed);
                Err(match failed {
                    Ok(Err(error)) => Ending::Network(error),
                    _ => Ending::TimedOut,
                })
            }
        }
    }

    /// Stops playing, and counts what had been queued.
    fn abandon_media(&mut self) {
        let Session::Playing(setup, mut media) = std::mem::replace(&mut self.session, Session::Init) else {
            return;
        };
        media.shots.close();
        while media.shots.try_recv().is_ok() {
            self.village.counts.abandoned.fetch_add(1, Relaxed);
        }
        self.session = Session::Ready(setup);
    }
}

/// Waits for a camera to change; for ever where there is none.
async fn changed(condition: Option<&mut watch::Receiver<Condition>>) {
    let Some(condition) = condition else { return std::future::pending().await };
    if condition.changed().await.is_err() {
        // A camera's task ends only with the village, whose stop is waited for beside this.
        std::future::pending().await
    }
}

async fn next(shots: Option<&mut mpsc::Receiver<Shot>>) -> Option<Shot> {
    match shots {
        Some(shots) => shots.recv().await,
        None => std::future::pending().await,
    }
}
