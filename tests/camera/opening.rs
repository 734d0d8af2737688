//! What cameras should not do when a session begins or ends, played by a scripted server.

use cunkou::camera::{Codec, Ending, Limits, StreamEvent};
use tokio::net::{TcpSocket, TcpStream};

use super::{
    PATIENCE, SHORT, camera, ending,
    fake::{Fake, SDP_AUDIO_FIRST, SDP_AUDIO_ONLY, SDP_H264, SDP_MPEG4, gop},
    next, patient, playing, source, unit, with_password,
};

#[tokio::test]
async fn nobody_listens() {
    // Bound and not listening: nobody else gets this port, and whoever connects is refused.
    let socket = TcpSocket::new_v4().expect("loopback");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("loopback has ports");
    let address = socket.local_addr().expect("bound");
    let mut source = source(camera("nobody", &format!("rtsp://{address}/")), patient());
    let Ending::Refused(why) = ending(&mut source).await else { panic!("somebody listens") };
    assert!(why.contains(&address.to_string()) && why.contains("refused"), "{why}");
    assert!(matches!(next(&mut source).await, StreamEvent::Ended(Ending::Refused(_))), "it stays ended");
}

/// As a host without power does: a full accept queue lets further connections wait without a word.
#[tokio::test]
async fn nobody_answers_to_connect() {
    let socket = TcpSocket::new_v4().expect("loopback");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("loopback has ports");
    let listener = socket.listen(1).expect("bound");
    let address = listener.local_addr().expect("bound");
    let mut waiting = Vec::new();
    while let Ok(stream) = tokio::time::timeout(SHORT, TcpStream::connect(address)).await {
        waiting.push(stream.expect("the queue is not full yet"));
    }
    let limits = Limits { describe: SHORT, connect: SHORT, ..patient() };
    let mut source = source(camera("no-power", &format!("rtsp://{address}/")), limits);
    assert_eq!(ending(&mut source).await, Ending::Timeout { phase: "connect", after: SHORT });
}

/// retina 0.4.21 panics on a session without a name, when it plays it and when it tears it down.
#[tokio::test]
async fn a_panic_of_the_library_costs_the_stream_and_nothing_else() {
    let fake = Fake::start(|mut connection, _| async move {
        while let Some(request) = connection.request().await {
            if request.method == "SETUP" {
                let transport = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1";
                connection.reply(&request, "200 OK", &[transport, "Session: ;timeout=60"], "").await;
            } else {
                connection.answer(&request, SDP_H264).await;
            }
        }
    })
    .await;
    for _ in 0..2 {
        let mut source = source(camera("panics", &fake.url()), patient());
        let found = ending(&mut source).await;
        assert!(matches!(&found, Ending::Garbage(why) if why.contains("panic")), "{found:?}");
        assert_eq!(ending(&mut source).await, found);
        source.close().await;
    }
}

#[tokio::test]
async fn a_name_that_does_not_resolve() {
    let mut source = source(camera("no-name", "rtsp://no-such-host.invalid/"), patient());
    let Ending::Refused(why) = ending(&mut source).await else { panic!("it resolves") };
    assert!(why.contains("no-such-host.invalid:554"), "{why}");
}

#[tokio::test]
async fn no_answer_to_a_request() {
    for phase in ["describe", "setup", "play"] {
        let fake = Fake::start(move |mut connection, _| async move {
            while let Some(request) = connection.request().await {
                if request.method.eq_ignore_ascii_case(phase) {
                    return connection.until_gone().await;
                }
                connection.answer(&request, SDP_H264).await;
            }
        })
        .await;
        let limits = match phase {
            "describe" => Limits { describe: SHORT, ..patient() },
            "setup" => Limits { setup: SHORT, ..patient() },
            _ => Limits { play: SHORT, ..patient() },
        };
        let mut source = source(camera(&format!("no-{phase}"), &fake.url()), limits);
        assert_eq!(ending(&mut source).await, Ending::Timeout { phase, after: SHORT });
    }
}

#[tokio::test]
async fn garbage_instead_of_an_answer() {
    let noise: Vec<u8> = (0..4000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let cases: [(&str, Vec<u8>); 5] = [
        ("http", b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
        ("ssh", b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n".to_vec()),
        ("noise", noise),
        (
            "no-sdp",
            b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\nhalt"
                .to_vec(),
        ),
        (
            "bad-sdp",
            b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Type: application/sdp\r\nContent-Length: 4\r\n\r\nhalt"
                .to_vec(),
        ),
    ];
    for (what, bytes) in cases {
        let fake = Fake::start(move |mut connection, _| {
            let bytes = bytes.clone();
            async move {
                connection.request().await;
                connection.raw(&bytes).await;
                connection.until_gone().await;
            }
        })
        .await;
        let mut source = source(camera(&format!("garbage-{what}"), &fake.url()), patient());
        let found = ending(&mut source).await;
        assert!(matches!(found, Ending::Garbage(_)), "{what}: {found:?}");
    }
}

#[tokio::test]
async fn a_camera_that_hangs_up_at_once() {
    let fake = Fake::start(|mut connection, _| async move {
        connection.request().await;
    })
    .await;
    let mut source = source(camera("hangs-up", &fake.url()), patient());
    assert_eq!(ending(&mut source).await, Ending::Closed);
}

#[tokio::test]
async fn refusals() {
    for (status, expected) in [
        ("401 Unauthorized", "Auth"),
        ("403 Forbidden", "Auth"),
        ("404 Not Found", "NotFound"),
        ("454 Session Not Found", "NotFound"),
        ("453 Not Enough Bandwidth", "Refused"),
        ("503 Service Unavailable", "Refused"),
    ] {
        let fake = Fake::start(move |mut connection, _| async move {
            while let Some(request) = connection.request().await {
                connection.reply(&request, status, &[], "").await;
            }
        })
        .await;
        let mut source = source(camera("refusals", &fake.url()), patient());
        let found = format!("{:?}", ending(&mut source).await);
        assert!(found.starts_with(expected), "{status}: {found}");
    }
}

#[tokio::test]
async fn a_stream_that_nobody_decodes() {
    for (what, sdp, says) in
        [("mpeg4", SDP_MPEG4, "MPEG-4 Visual"), ("audio", SDP_AUDIO_ONLY, "offers no video")]
    {
        let fake = Fake::playing(sdp, |connection, _| async move { connection }).await;
        let mut source = source(camera(&format!("undecodable-{what}"), &fake.url()), patient());
        let Ending::Unsupported(why) = ending(&mut source).await else { panic!("{what} is decoded") };
        assert!(why.contains(says), "{why}");
    }
}

#[tokio::test]
async fn only_the_video_is_set_up() {
    let fake = Fake::playing(SDP_AUDIO_FIRST, |mut connection, _| async move {
        gop(&mut connection, 0).await;
        connection
    })
    .await;
    let mut source = source(camera("audio-beside", &fake.url()), patient());
    assert_eq!(playing(&mut source).await.codec, Codec::H264);
    assert!(unit(&mut source).await.1.is_key);
    assert_eq!(fake.log(), ["DESCRIBE cam", "SETUP track2", "PLAY cam"]);
}

#[tokio::test]
async fn a_session_is_torn_down_before_the_next_begins() {
    for orderly in [true, false] {
        let fake = Fake::start(|mut connection, _| async move {
            if connection.answer_until_play(SDP_H264).await {
                gop(&mut connection, 0).await;
                while let Some(request) = connection.request().await {
                    if request.method == "TEARDOWN" {
                        // Slow, as cameras are: whoever does not wait is seen to connect before this is over.
                        tokio::time::sleep(SHORT).await;
                        connection.note("torn down");
                    }
                    connection.answer(&request, "").await;
                }
            }
        })
        .await;
        let id = if orderly { "teardown-close" } else { "teardown-drop" };
        let mut first = source(camera(id, &fake.url()), patient());
        playing(&mut first).await;
        if orderly {
            first.close().await;
            assert_eq!(fake.log().last().map(String::as_str), Some("torn down"));
        } else {
            drop(first);
        }
        let mut second = source(camera(id, &fake.url()), patient());
        playing(&mut second).await;
        let once = ["DESCRIBE cam", "SETUP track1", "PLAY cam"];
        assert_eq!(fake.log(), [&once[..], &["TEARDOWN cam", "torn down"], &once].concat(), "{id}");
    }
}

#[tokio::test]
async fn a_camera_that_does_not_answer_a_teardown_is_left_after_the_limit() {
    let fake = Fake::start(|mut connection, _| async move {
        if connection.answer_until_play(SDP_H264).await {
            gop(&mut connection, 0).await;
            connection.until_gone().await;
        }
    })
    .await;
    let limits = Limits { teardown: SHORT, ..patient() };
    for _ in 0..2 {
        let mut source = source(camera("mute-teardown", &fake.url()), limits);
        playing(&mut source).await;
        tokio::time::timeout(PATIENCE, source.close()).await.expect("close is bounded");
    }
}

#[tokio::test]
async fn a_password_is_in_no_text() {
    const PASSWORD: &str = "v1llage-gate";
    let fake = Fake::start(|mut connection, _| async move {
        while let Some(request) = connection.request().await {
            let kind = format!("Content-Type: rtsp://operator:{PASSWORD}@camera/ {PASSWORD}");
            connection.reply(&request, "200 OK", &[&kind], "v=0\r\n").await;
        }
    })
    .await;
    // Nor is it in the URL, even where somebody wrote it there.
    let url = fake.url().replace("rtsp://", &format!("rtsp://operator:{PASSWORD}@"));
    let mut source = source(with_password(camera("echo", &url), "operator", PASSWORD), patient());
    let ending = ending(&mut source).await;
    for text in [format!("{ending}"), format!("{ending:?}")] {
        assert!(!text.contains(PASSWORD), "{text}");
    }
    assert!(matches!(&ending, Ending::Garbage(why) if why.contains("rtsp://camera/ (secret)")), "{ending:?}");
}
