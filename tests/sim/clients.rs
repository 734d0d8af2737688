//! Clients of all kinds play what the village shows, and nothing is lost on the way.

use std::{process::Command, sync::Arc, time::Duration};

use cunkou::{
    camera::Codec,
    config::StreamRole,
    sim::{
        Event, EventKind, Material, Scenario, SimCamera, Source, Studio, What, auth,
        cli::{SimArgs, prepare},
    },
};
use gstreamer::prelude::*;
use retina::client::Transport;

use crate::{
    id, ids, open,
    retina_client::{Client, login, slices},
    soon, street,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ffprobe_reads_both_streams() {
    let Some(material) = street() else { return };
    if Command::new("ffprobe").arg("-version").output().is_err() {
        eprintln!("skipped: ffprobe is not installed");
        return;
    }
    let village = open(material, Scenario::quiet(&ids(&["gate"]))).await;
    for (role, transport, expected) in [
        (StreamRole::Main, "tcp", "h264,768,576,10/1"),
        (StreamRole::Sub, "tcp", "h264,384,288,10/1"),
        (StreamRole::Main, "udp", "h264,768,576,10/1"),
    ] {
        let url = village.url(&id("gate"), role);
        let probe = move || {
            // Microseconds: ffprobe gives up by itself.
            let arguments =
                ["-v", "error", "-timeout", "30000000", "-rtsp_transport", transport, "-of", "csv=p=0"];
            let wanted = ["-show_entries", "stream=codec_name,width,height,r_frame_rate", &url];
            Command::new("ffprobe").args(arguments).args(wanted).output()
        };
        let output = tokio::task::spawn_blocking(probe).await.unwrap().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert_eq!(told.trim(), expected, "{}", String::from_utf8_lossy(&output.stderr));
    }
    village.stop().await;
}

/// Plays with GStreamer, decodes, and gives the size and the count of the pictures.
fn gstreamer_plays(url: &str, transport: &str, depay: &str) -> (i32, i32, usize) {
    gstreamer::init().unwrap();
    let description = format!(
        "rtspsrc location={url} protocols={transport} latency=100 ! {depay} ! decodebin ! fakesink name=end sync=false \
         num-buffers=12 signal-handoffs=true"
    );
    let pipeline = gstreamer::parse::launch(&description).unwrap().downcast::<gstreamer::Pipeline>().unwrap();
    let seen = Arc::new(std::sync::Mutex::new((0, 0, 0)));
    let counted = seen.clone();
    pipeline.by_name("end").unwrap().connect("handoff", false, move |values| {
        let pad = values[2].get::<gstreamer::Pad>().unwrap();
        let caps = pad.current_caps().unwrap();
        let caps = caps.structure(0).unwrap();
        let mut seen = counted.lock().unwrap();
        *seen = (caps.get("width").unwrap(), caps.get("height").unwrap(), seen.2 + 1);
        None
    });
    pipeline.set_state(gstreamer::State::Playing).unwrap();
    let wanted = [gstreamer::MessageType::Eos, gstreamer::MessageType::Error];
    let message = pipeline.bus().unwrap().timed_pop_filtered(gstreamer::ClockTime::from_seconds(60), &wanted);
    pipeline.set_state(gstreamer::State::Null).unwrap();
    match message.as_ref().map(|m| m.view()) {
        Some(gstreamer::MessageView::Eos(_)) => *seen.lock().unwrap(),
        other => panic!("{url}: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gstreamer_decodes_over_tcp_and_udp() {
    let Some(material) = street() else { return };
    let village = open(material, Scenario::quiet(&ids(&["gate"]))).await;
    let play = |role, transport| {
        let url = village.url(&id("gate"), role);
        tokio::task::spawn_blocking(move || gstreamer_plays(&url, transport, "rtph264depay ! h264parse"))
    };
    let (main, sub) = tokio::join!(play(StreamRole::Main, "tcp"), play(StreamRole::Sub, "udp"));
    assert_eq!((main.unwrap(), sub.unwrap()), ((768, 576, 12), (384, 288, 12)));
    village.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passwords_are_asked_for() {
    let Some(material) = street() else { return };
    let mut scenario = Scenario::quiet(&ids(&["digest", "basic"]));
    for (camera, scheme) in scenario.cameras.iter_mut().zip([auth::Scheme::Digest, auth::Scheme::Basic]) {
        camera.login = Some(auth::Login { user: "admin".into(), password: "a:b c".into(), scheme });
    }
    let village = open(material, scenario).await;
    for camera in ["digest", "basic"] {
        let url = village.url(&id(camera), StreamRole::Main);
        for transport in [Transport::Tcp(Default::default()), Transport::Udp(Default::default())] {
            let mut client = Client::play(&url, transport.clone(), login("admin", "a:b c")).await.unwrap();
            assert!(client.take(3).await[0].is_key);
            for wrong in [None, login("admin", "other"), login("other", "a:b c")] {
                let refused = Client::play(&url, transport.clone(), wrong).await;
                let why = refused.err().expect("a wrong password is refused");
                assert_eq!(why.status_code(), Some(401), "{why}");
            }
        }
    }
    village.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visit_begins_at_a_key_frame_and_the_diary_knows_which() {
    let Some(material) = street() else { return };
    let reel = material.reel(&Source::Street, Codec::H264).unwrap();
    let visit = 1;
    let mut scenario = Scenario::quiet(&ids(&["gate"]));
    let at = Duration::from_millis(2_300);
    scenario.events.push(Event { camera: id("gate"), at, kind: EventKind::Visit(visit) });
    let village = open(material.clone(), scenario).await;
    let mut diary = village.follow_diary();
    let mut main = Client::tcp(&village.url(&id("gate"), StreamRole::Main)).await;
    let mut sub = Client::tcp(&village.url(&id("gate"), StreamRole::Sub)).await;

    let entry = soon("the visit", diary.recv()).await.unwrap();
    assert_eq!((entry.what.clone(), entry.watchers), (What::Enters { visit }, 2));
    let units = reel.cuts.visits[visit].units.clone();
    for (client, role) in [(&mut main, StreamRole::Main), (&mut sub, StreamRole::Sub)] {
        let mut received = client.take(10).await;
        while received.last().unwrap().rtp != entry.rtp.wrapping_add(9_000 * 14) {
            received.push(client.next().await.expect("the stream goes on"));
        }
        for pair in received.windows(2) {
            assert_eq!(pair[1].rtp.wrapping_sub(pair[0].rtp), 9_000, "a seamless cut");
        }
        let begin = received.iter().position(|unit| unit.rtp == entry.rtp).expect("the diary's frame");
        assert!(received[begin].is_key && begin > 0);
        let track = reel.track(role);
        for (unit, truth) in received[begin..].iter().zip(&track.units[units.clone()]) {
            assert_eq!(unit.slices, slices(&truth.data));
        }
        let still = &track.units[reel.cuts.still.clone()];
        for unit in &received[..begin] {
            assert!(still.iter().any(|truth| slices(&truth.data) == unit.slices), "nothing happens before");
        }
        // What sender reports say of the frame, and the diary.
        let (rtp, ntp) = client.reports.first_key_value().expect("a report with the first frame");
        let ticks = i64::from(entry.rtp.wrapping_sub(*rtp) as i32);
        let told_us = (*ntp >> 32) as i64 * 1_000_000 + (((ntp & 0xffff_ffff) * 1_000_000) >> 32) as i64
            - 2_208_988_800_000_000
            + ticks * 1_000_000 / 90_000;
        // A busy machine shows frames late; never early.
        let late_us = entry.at.wall.unix_us() - told_us;
        assert!((-1_000..2_000_000).contains(&late_us), "{late_us}");
    }
    village.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_clients_lose_nothing() {
    let Some(material) = street() else { return };
    let names: Vec<String> = (0..25).map(|n| format!("gate-{n}")).collect();
    let cameras: Vec<_> = names.iter().map(|name| id(name)).collect();
    let village = open(material, Scenario::quiet(&cameras)).await;
    let mut clients = tokio::task::JoinSet::new();
    for camera in &cameras {
        for role in [StreamRole::Main, StreamRole::Sub] {
            let url = village.url(camera, role);
            clients.spawn(async move {
                let received = Client::tcp(&url).await.take(15).await;
                assert!(received[0].is_key);
                for pair in received.windows(2) {
                    assert_eq!((pair[1].rtp.wrapping_sub(pair[0].rtp), pair[1].loss), (9_000, 0));
                }
            });
        }
    }
    while let Some(done) = clients.join_next().await {
        done.unwrap();
    }
    let totals = village.stop().await;
    assert_eq!((totals.sessions, totals.units_skipped, totals.refused), (50, 0, 0), "{totals:?}");
    assert!(totals.units_sent >= 50 * 15, "{totals:?}");
    assert_eq!(totals.units_offered, totals.units_sent + totals.units_abandoned, "{totals:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn footage_of_ones_own_plays_in_every_codec() {
    gstreamer::init().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("ball.mkv");
    let make = format!(
        "videotestsrc pattern=ball num-buffers=23 ! video/x-raw,width=322,height=242,framerate=15/1 ! x264enc \
         tune=zerolatency ! matroskamux ! filesink location={}",
        film.display()
    );
    let pipeline = gstreamer::parse::launch(&make).unwrap();
    pipeline.set_state(gstreamer::State::Playing).unwrap();
    let wanted = [gstreamer::MessageType::Eos, gstreamer::MessageType::Error];
    let bus = pipeline.bus().unwrap();
    bus.timed_pop_filtered(gstreamer::ClockTime::from_seconds(60), &wanted).unwrap();
    pipeline.set_state(gstreamer::State::Null).unwrap();

    let codecs = [(Codec::H264, "h264"), (Codec::H265, "h265"), (Codec::Mjpeg, "mjpeg")];
    let mut scenario = Scenario::quiet(&[]);
    for (codec, name) in codecs {
        let camera = SimCamera { material: Source::File(film.clone()), codec, ..SimCamera::new(id(name)) };
        scenario.cameras.push(camera);
    }
    let studio = Studio { cache: folder.path().join("cache"), footage: None };
    let prepare = || Material::prepare_for(&scenario, &studio, &mut |_| ()).unwrap();
    let first = prepare();
    let again = prepare();
    for (codec, _) in codecs {
        let source = Source::File(film.clone());
        let (made, kept) = (first.reel(&source, codec).unwrap(), again.reel(&source, codec).unwrap());
        assert_eq!((made.main.units.len(), made.cuts.clone()), (23, kept.cuts.clone()));
        for (a, b) in made.track(StreamRole::Sub).units.iter().zip(&kept.track(StreamRole::Sub).units) {
            assert_eq!((&a.data, a.is_key, &a.packets), (&b.data, b.is_key, &b.packets));
        }
    }

    let village = open(Arc::new(first), scenario).await;
    let mut playing = tokio::task::JoinSet::new();
    for (_, name) in codecs {
        playing.spawn(plays_own_footage(name, village.url(&id(name), StreamRole::Main)));
    }
    while let Some(done) = playing.join_next().await {
        done.unwrap();
    }
    village.stop().await;
}

async fn plays_own_footage(name: &str, url: String) {
    // Longer than the film: it comes again, from a key frame.
    let received = Client::tcp(&url).await.take(35).await;
    assert!(received.iter().all(|unit| unit.data_len > 0), "{name}");
    for pair in received.windows(2) {
        assert_eq!(pair[1].rtp.wrapping_sub(pair[0].rtp), 6_000, "{name}");
    }
    let depay = match name {
        "h264" => "rtph264depay",
        "h265" => "rtph265depay",
        _ => "rtpjpegdepay",
    };
    let told = tokio::task::spawn_blocking(move || gstreamer_plays(&url, "tcp", depay)).await.unwrap();
    // JPEG over RTP counts in blocks of eight pixels.
    let expected = if name == "mjpeg" { (328, 248, 12) } else { (322, 242, 12) };
    assert_eq!(told, expected, "{name}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_makes_a_village_where_people_come_and_go() {
    if street().is_none() {
        return;
    }
    let studio = Studio { cache: crate::cache(), footage: None };
    let listen = "127.0.0.1:0".parse().unwrap();
    let args = SimArgs { cameras: 3, scenario: None, listen, seed: 5, json: true, orders: false, studio };
    let (material, scenario) = prepare(&args, |_| ()).await.unwrap();
    scenario.check(&material).unwrap();
    let names: Vec<_> = scenario.cameras.iter().map(|camera| camera.id.to_string()).collect();
    assert_eq!(names, ["gate-1", "gate-2", "gate-3"]);
    let village = open(material, scenario).await;
    let mut diary = village.follow_diary();
    let first = soon("somebody", diary.recv()).await.unwrap();
    assert!(matches!(first.what, What::Enters { .. }), "{first:?}");
    assert_eq!(village.diary(), [first]);
    village.stop().await;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scenario.toml");
    std::fs::write(&path, "[[cameras]]\nid = \"a\"\ncolour = \"red\"\n").unwrap();
    let wrong = prepare(&SimArgs { scenario: Some(path), ..args }, |_| ()).await.unwrap_err().to_string();
    assert!(wrong.contains("scenario.toml") && wrong.contains("colour"), "{wrong}");
}
