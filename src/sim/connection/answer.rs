//! What a camera answers to each request.

use std::time::Duration;

use rand::Rng;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, timeout},
};

use super::{
    super::{
        camera::{Order, QUEUE_MAX},
        rtp::Sender,
        rtsp::{Method, PUBLIC, Request, Response, Status, Transport, choose_transport},
        scenario::Control,
        sdp,
        village::Place,
    },
    Bound, Connection, Ending, Media, Session, Setup, Wire,
};
use std::sync::atomic::Ordering::Relaxed;

/// Longest wait for a camera's task.
const CAMERA_MAX: Duration = Duration::from_secs(5);

impl Connection {
    /// Notes which camera the client speaks with. False: it is frozen, and does not answer. An unreachable camera ends the
    /// connection.
    pub(super) fn bind(&mut self, request: &Request) -> Result<bool, Ending> {
        let Some(Place { camera, .. }) = self.village.place(&request.uri) else { return Ok(true) };
        let same = self.bound.as_ref().is_some_and(|bound| bound.camera.spec.id == camera.spec.id);
        if !same && matches!(self.session, Session::Init) {
            let mut condition = camera.condition.clone();
            let epoch = condition.borrow_and_update().epoch;
            self.bound = Some(Bound { camera, condition, epoch });
        }
        self.check_camera()?;
        Ok(!self.bound.as_ref().is_some_and(|bound| bound.condition.borrow().frozen))
    }

    /// The answer to one request.
    pub(super) async fn answer(&mut self, request: &Request) -> Response {
        let cseq = request.cseq.as_deref();
        let respond = |status| Response::new(status, cseq);
        if cseq.is_none() {
            return respond(Status::BadRequest);
        }
        if let Some(option) = request.header("require") {
            return respond(Status::OptionNotSupported).with("Unsupported", option);
        }
        match request.method {
            Method::Options => return respond(Status::Ok).with("Public", PUBLIC),
            Method::Refused => return respond(Status::MethodNotAllowed).with("Allow", PUBLIC),
            Method::Unknown => return respond(Status::NotImplemented).with("Public", PUBLIC),
            _ => {}
        }
        let Some(place) = self.village.place(&request.uri) else { return respond(Status::NotFound) };
        let login = place.camera.condition.borrow().login.clone();
        if let Some(login) = login.filter(|login| !login.admits(request, &self.nonce)) {
            return respond(Status::Unauthorized).with("WWW-Authenticate", login.challenge(&self.nonce));
        }
        match request.method {
            Method::Describe => self.describe(request, &place),
            Method::Setup => self.set_up(request, &place).await,
            _ => match self.in_session(request, &place).await {
                Ok(response) => response,
                Err(status) => respond(status),
            },
        }
    }

    fn describe(&self, request: &Request, place: &Place) -> Response {
        let respond = |status| Response::new(status, request.cseq.as_deref());
        if request.header("accept").is_some_and(|accept| !accept.contains("sdp") && !accept.contains('*')) {
            return respond(Status::NotAcceptable);
        }
        let base = self.base_of(request, place);
        let control = match place.camera.spec.control {
            Control::Relative => sdp::TRACK.to_owned(),
            Control::Absolute => format!("{base}{}", sdp::TRACK),
        };
        let track = place.camera.reel.track(place.role);
        let body = sdp::describe(place.camera.spec.id.as_str(), self.local.ip(), track, &control);
        respond(Status::Ok).with("Content-Base", base).with_body("application/sdp", body)
    }

    /// The stream's URL as the client knows it, with a slash at its end. The client's own words are used: it may have come
    /// by a name or a forwarded port that we do not know of.
    fn base_of(&self, request: &Request, place: &Place) -> String {
        let authority = request
            .uri
            .get(..7)
            .filter(|scheme| scheme.eq_ignore_ascii_case("rtsp://"))
            .and_then(|_| request.uri[7..].split('/').next())
            .map_or_else(|| self.local.to_string(), |a| a.rsplit('@').next().unwrap_or(a).to_owned());
        format!("rtsp://{authority}{}/", place.path())
    }

    async fn set_up(&mut self, request: &Request, place: &Place) -> Response {
        let respond = |status| Response::new(status, request.cseq.as_deref());
        match &self.session {
            Session::Playing(..) => return respond(Status::NotValidInThisState),
            // One session has one stream: there is only one track below each URL.
            Session::Ready(setup) if !self.is_mine(setup, request, place) => {
                return respond(Status::AggregateNotAllowed);
            }
            Session::Init if request.header("session").is_some() => return respond(Status::SessionNotFound),
            Session::Init | Session::Ready(_) => {}
        }
        let Some(transport) = request.header("transport").and_then(choose_transport) else {
            return respond(Status::UnsupportedTransport);
        };
        let wire = match transport {
            Transport::Tcp { rtp, rtcp } => Wire::Tcp { rtp, rtcp },
            Transport::Udp { rtp, rtcp } => {
                match Wire::open_udp(self.local.ip(), self.peer.ip(), (rtp, rtcp)).await {
                    Ok(wire) => wire,
                    Err(error) => {
                        tracing::warn!(%error, client = %self.peer, "no ports for a client over UDP");
                        return respond(Status::ServiceUnavailable);
                    }
                }
            }
        };
        let codec = place.camera.reel.main.codec;
        let sender = Sender::new(codec, self.random.random(), self.random.random());
        let ssrc = sender.ssrc();
        let chosen = match (transport, wire.server_ports()) {
            (Transport::Udp { rtp, rtcp }, Some((from_rtp, from_rtcp))) => format!(
                "RTP/AVP;unicast;client_port={rtp}-{rtcp};server_port={from_rtp}-{from_rtcp};ssrc={ssrc:08X};mode=\"PLAY\""
            ),
            (Transport::Tcp { rtp, rtcp }, _) => {
                format!("RTP/AVP/TCP;unicast;interleaved={rtp}-{rtcp};ssrc={ssrc:08X};mode=\"PLAY\"")
            }
            (Transport::Udp { .. }, None) => return respond(Status::ServiceUnavailable),
        };
        let id = match &self.session {
            Session::Ready(setup) => setup.id.clone(),
            _ => format!("{:016X}", self.random.random::<u64>()),
        };
        let session = self.session_header(&id);
        self.session = Session::Ready(Setup { id, role: place.role, wire, sender });
        respond(Status::Ok).with("Transport", chosen).with("Session", session)
    }

    fn session_header(&self, id: &str) -> String {
        format!("{id};timeout={}", self.village.session_timeout.as_secs())
    }

    /// Whether a request is about this session and its stream.
    fn is_mine(&self, setup: &Setup, request: &Request, place: &Place) -> bool {
        let same_camera = self.bound.as_ref().is_some_and(|b| b.camera.spec.id == place.camera.spec.id);
        let named = request.header("session").map(|text| text.split(';').next().unwrap_or(text).trim());
        same_camera && setup.role == place.role && named.is_none_or(|id| id == setup.id)
    }

    /// PLAY, PAUSE, TEARDOWN and the two that keep a session alive.
    async fn in_session(&mut self, request: &Request, place: &Place) -> Result<Response, Status> {
        let ok = || Response::new(Status::Ok, request.cseq.as_deref());
        let setup = match &self.session {
            Session::Ready(setup) | Session::Playing(setup, _) => setup,
            // Some clients ask whether a camera lives before they have a session.
            Session::Init
                if request.method == Method::GetParameter && request.header("session").is_none() =>
            {
                return Ok(ok());
            }
            Session::Init if request.header("session").is_some() => return Err(Status::SessionNotFound),
            Session::Init => return Err(Status::NotValidInThisState),
        };
        if !self.is_mine(setup, request, place) {
            return Err(Status::SessionNotFound);
        }
        let session = self.session_header(&setup.id);
        match request.method {
            Method::Play => self.play(request, place).await.map(|response| response.with("Session", session)),
            Method::Pause => {
                self.abandon_media();
                Ok(ok().with("Session", session))
            }
            Method::Teardown => {
                self.abandon_media();
                self.session = Session::Init;
                Ok(ok())
            }
            _ => Ok(ok().with("Session", session)),
        }
    }

    async fn play(&mut self, request: &Request, place: &Place) -> Result<Response, Status> {
        let response = Response::new(Status::Ok, request.cseq.as_deref()).with("Range", "npt=now-");
        if matches!(self.session, Session::Playing(..)) {
            // Clients use a second PLAY to keep a session alive.
            return Ok(response);
        }
        let (shots_in, shots) = mpsc::channel(QUEUE_MAX);
        let (reply, joined) = oneshot::channel();
        let join = Order::Join { role: place.role, shots: shots_in, reply };
        let asked = async {
            place.camera.orders.send(join).await.ok()?;
            joined.await.ok()
        };
        let joined = timeout(CAMERA_MAX, asked).await.ok().flatten().ok_or(Status::ServiceUnavailable)?;
        let base = self.base_of(request, place);
        match std::mem::replace(&mut self.session, Session::Init) {
            Session::Ready(setup) => {
                let sequence = setup.sender.next_sequence();
                self.session = Session::Playing(setup, Media { shots, next_report: Instant::now() });
                self.village.counts.sessions.fetch_add(1, Relaxed);
                let info = format!("url={base}{};seq={sequence};rtptime={}", sdp::TRACK, joined.first_rtp);
                Ok(response.with("RTP-Info", info))
            }
            other => {
                self.session = other;
                Err(Status::NotValidInThisState)
            }
        }
    }
}
