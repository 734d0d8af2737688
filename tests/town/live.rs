//! Seen live, and again: what a browser is given of a camera, over a WebSocket and over HTTP.

use std::{
    fs,
    io::Read,
    net::{SocketAddr, TcpStream},
    path::Path,
};

use cunkou::decode::file::Reader;
use serde_json::Value;
use tungstenite::{
    Error, Message, WebSocket, client, client::IntoClientRequest, handshake::HandshakeError, http::StatusCode,
};

use crate::{
    DEADLINE,
    broker::free_port,
    http, need_model,
    program::{Program, token},
    recordings::conforms,
    station::{Station, Street},
    until,
};

const ASKED: &str = "who=Li&unit=station&purpose=on+duty&case=duty";
const VISIT: usize = 4;

pub(crate) type Socket = WebSocket<TcpStream>;

/// A seat before the gate's stream, or why there is none.
pub(crate) fn watch(page: SocketAddr, question: &str) -> Result<Socket, StatusCode> {
    let socket = TcpStream::connect(page).expect("it listens");
    socket.set_read_timeout(Some(DEADLINE)).expect("a socket has timeouts");
    let address = format!("ws://{page}/api/v1/cameras/gate/live?{question}");
    let mut request = address.into_client_request().expect("an address");
    let bearer = format!("Bearer {}", token(page).1).parse().expect("a header");
    request.headers_mut().insert("authorization", bearer);
    match client(request, socket) {
        Ok((socket, _)) => Ok(socket),
        Err(HandshakeError::Failure(Error::Http(answer))) => Err(answer.status()),
        Err(other) => panic!("{other}"),
    }
}

/// The next word, or the next bytes.
fn next(socket: &mut Socket) -> Result<Value, Vec<u8>> {
    loop {
        match socket.read().expect("it goes on") {
            Message::Text(text) => return Ok(serde_json::from_str(&text).expect("JSON")),
            Message::Binary(bytes) => return Err(bytes.to_vec()),
            _ => {}
        }
    }
}

/// The next word of a kind.
pub(crate) fn word(socket: &mut Socket, kind: &str) -> Value {
    loop {
        if let Ok(word) = next(socket)
            && word["type"] == kind
        {
            return word;
        }
    }
}

/// Messages of bytes, one after the other.
fn bytes(socket: &mut Socket, count: usize) -> Vec<u8> {
    (0..count).flat_map(|_| next(socket).expect_err("bytes follow")).collect()
}

/// Times of all frames that can be decoded, ms.
fn played(path: &Path) -> Vec<i64> {
    let frames = Reader::open(path).expect("a video").map(|it| it.map(|frame| frame.media.ms()));
    frames.collect::<Result<_, _>>().expect("every frame can be decoded")
}

fn online(page: SocketAddr) {
    until("the camera is online", || {
        let state = http::get(page, "/api/state").json();
        (state["cameras"][0]["health"]["state"] == "online").then_some(())
    });
}

#[test]
fn a_camera_is_watched_live_and_who_lags_holds_nobody_up() {
    need_model();
    let street = Street::open(&["gate"]);
    let station = Station::new(&street.cameras(&["gate"]), free_port());
    let (program, page) = Program::run(&station.file);
    online(page);

    // Without saying what for, from a page elsewhere, of what is not read: refused.
    assert_eq!(watch(page, "who=Li&unit=station").expect_err("no purpose"), 403);
    assert_eq!(http::get(page, "/api/v1/cameras/gate/live.mp4").status, 403);
    assert_eq!(http::get(page, &format!("/api/v1/cameras/none/live?{ASKED}")).status, 404);
    assert_eq!(http::get(page, &format!("/api/v1/cameras/gate/live?{ASKED}&stream=best")).status, 400);
    assert_eq!(http::get(page, &format!("/api/v1/cameras/gate/live?{ASKED}")).status, 426);

    // One that never reads, from the beginning on.
    let mut slow = watch(page, ASKED).expect("a seat");
    let mut socket = watch(page, &format!("{ASKED}&stream=main")).expect("a seat");
    let init = word(&mut socket, "init");
    conforms("liveMessage", &init);
    assert_eq!(
        (&init["stream"], &init["width"], &init["height"]),
        (&"main".into(), &768.into(), &576.into())
    );
    assert_eq!((&init["at_s"], &init["sound"]), (&0.0.into(), &"none".into()));
    assert!(
        init["mime"].as_str().is_some_and(|mime| mime.starts_with("video/mp4; codecs=\"avc1.")),
        "{init}"
    );
    let film = station.path("live.mp4");
    fs::write(&film, bytes(&mut socket, 30)).expect("writable");
    let frames = played(&film);
    assert!(frames.len() >= 28, "{frames:?}");
    assert!(frames.windows(2).all(|pair| (1..=500).contains(&(pair[1] - pair[0]))), "{frames:?}");

    let mut endless = TcpStream::connect(page).expect("it listens");
    endless.set_read_timeout(Some(DEADLINE)).expect("a socket has timeouts");
    let request = format!(
        "GET /api/v1/cameras/gate/live.mp4?{ASKED} HTTP/1.0\r\nHost: {page}\r\n{}\r\n",
        http::bearer(page)
    );
    std::io::Write::write_all(&mut endless, request.as_bytes()).expect("it takes a request");
    let mut begun = vec![0; 100_000];
    endless.read_exact(&mut begun).expect("it goes on");
    let head = begun.windows(4).position(|it| it == b"\r\n\r\n").expect("headers have an end");
    let headers = String::from_utf8_lossy(&begun[..head]).to_ascii_lowercase();
    assert!(
        headers.contains("content-type: video/mp4; codecs=") && headers.contains("cunkou-from: 20"),
        "{headers}"
    );
    fs::write(&film, &begun[head + 4..]).expect("writable");
    let frames: Vec<_> = Reader::open(&film).expect("a video").map_while(Result::ok).collect();
    assert!(frames.len() > 3, "{}", frames.len());

    // Somebody comes: the alert is told while one viewer does not read, and the other one sees on.
    street.call("gate", VISIT);
    until("the alert", || {
        let state = http::get(page, "/api/state").json();
        state["alerts"].as_array().is_some_and(|alerts| !alerts.is_empty()).then_some(())
    });
    let skips = || http::get(page, "/metrics").text().contains("cunkou_live_skips_total 1");
    until("the one that does not read is set forward once it reads", || {
        bytes(&mut socket, 5);
        // It takes a little from time to time: what comes then is not what it missed.
        let _ = next(&mut slow);
        skips().then_some(())
    });
    conforms("liveMessage", &word(&mut slow, "skipped"));
    drop(endless);
    until("a viewer that left is counted no more", || {
        http::get(page, "/metrics").text().contains("cunkou_live_viewers 2\n").then_some(())
    });

    // The station stops while they watch.
    program.signal("TERM");
    let end = loop {
        match socket.read() {
            Ok(Message::Close(frame)) => break frame,
            Ok(_) => {}
            Err(error) => panic!("it says good-bye: {error}"),
        }
    };
    assert_eq!(end.expect("and why").reason, "the station is stopping");
    assert_eq!(program.ended().code, Some(0));
    let audit = fs::read_dir(station.path("data/audit")).expect("there is an audit log");
    let audit: String =
        audit.map(|it| fs::read_to_string(it.expect("readable").path()).unwrap_or_default()).collect();
    assert_eq!(
        audit.matches("\"shown\":\"live\"").count(),
        1,
        "one viewing by one person for one case: {audit}"
    );
}

#[test]
fn what_was_recorded_is_played_over_the_seams_of_its_files() {
    need_model();
    let street = Street::open(&["gate"]);
    let station = Station::new(&street.cameras(&["gate"]), free_port());
    station.change("[village.upper]", "[recording]\nsegment_s = 10\n[village.upper]");
    station.change("[camera.gate]\n", "[camera.gate]\nrecord = \"always\"\n");
    let (program, page) = Program::run(&station.file);
    online(page);
    let range = "from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z";
    let line = || http::get(page, &format!("/api/v1/cameras/gate/timeline?{range}")).json();
    let from = until("two files, side by side", || {
        let days = fs::read_dir(station.path("data/recordings/gate")).ok()?.flatten();
        let files = days.filter_map(|day| fs::read_dir(day.path()).ok()).flatten().flatten();
        let files = files.filter(|file| file.path().extension().is_some_and(|it| it == "mp4")).count();
        let line = line();
        let stretches = line["stretches"].as_array()?;
        let recorded = stretches.iter().find(|it| it["what"] == "recorded")?;
        (files >= 3).then(|| recorded["from"].as_str().expect("a time").to_owned())
    });
    let to: jiff::Timestamp = from.parse().expect("a time");
    let to = to + jiff::SignedDuration::from_secs(60);
    let path = format!("/api/v1/cameras/gate/playback.mp4?from={from}&to={to}");
    assert_eq!(http::get(page, &path).status, 403);
    let answer = http::get(page, &format!("{path}&{ASKED}"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let headers = answer.headers.to_ascii_lowercase();
    assert!(headers.contains("content-type: video/mp4; codecs=\"avc1."), "{headers}");
    assert!(headers.contains(&format!("cunkou-from: {}", from.to_ascii_lowercase())), "{headers}");
    assert!(!headers.contains("cunkou-next"), "{headers}");
    let film = station.path("again.mp4");
    fs::write(&film, &answer.body).expect("writable");
    let frames = played(&film);
    // The first file may be short, the second one lasts for ten seconds.
    assert!(frames.len() > 90, "{}", frames.len());
    let holes: Vec<_> = frames.windows(2).filter(|pair| !(1..=250).contains(&(pair[1] - pair[0]))).collect();
    assert!(holes.is_empty(), "{holes:?}");
    program.signal("TERM");
    assert_eq!(program.ended().code, Some(0));
}
