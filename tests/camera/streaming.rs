//! What cameras should not do while they play, played by a scripted server.

use std::time::Duration;

use cunkou::{
    camera::{Ending, Limits, StreamEvent},
    geometry::Size,
    id::Mint,
};
use futures::FutureExt;

use super::{
    SHORT, camera, ending,
    fake::{
        Fake, H264_SPS_320X240, H264_SPS_640X480, H265_PPS, H265_SPS_320X240, H265_VPS, SDP_H264, SDP_H265,
        SDP_JPEG, gop, h264_delta, h264_key, h265_slice, hex, number_of,
    },
    first_key, patient, playing, source, unit,
};

#[tokio::test]
async fn garbage_in_the_middle_of_a_stream() {
    let cases: [(&str, &[u8]); 4] = [
        ("framing", b"\x00\x01\x02 this is not RTSP\r\n\r\n"),
        ("rtp", b"$\x00\x00\x04\x00\x00\x00\x00"),
        ("rtcp", b"$\x01\x00\x04\x00\x00\x00\x00"),
        ("aggregation", b"$\x00\x00\x10\x80\xe0\x03\xf2\x00\x01\x00\x00\x00\x00\x00\x07\x18\xff\xff\x00"),
    ];
    for (what, bytes) in cases {
        let fake = Fake::playing(SDP_H264, move |mut connection, _| async move {
            gop(&mut connection, 2).await;
            connection.raw(bytes).await;
            connection
        })
        .await;
        let mut source = source(camera(&format!("mid-{what}"), &fake.url()), patient());
        playing(&mut source).await;
        for _ in 0..3 {
            unit(&mut source).await;
        }
        let found = ending(&mut source).await;
        assert!(matches!(found, Ending::Garbage(_)), "{what}: {found:?}");
    }
}

/// Well-formed RTP packets whose payload is noise, or nearly a picture: whatever comes of it is an ending in words.
#[tokio::test]
async fn noise_inside_of_packets_costs_the_stream_and_nothing_else() {
    for (sdp, first_bytes) in [
        (SDP_H264, &[0x41, 0x65, 0x67, 0x68, 0x78, 0x7c, 0x5c][..]),
        (SDP_H265, &[0x02, 0x26, 0x40, 0x42, 0x44, 0x60, 0x62][..]),
        (SDP_JPEG, &[0, 0, 0, 0, 0xff, 0x41, 0x01][..]),
    ] {
        for seed in 0..40 {
            let fake = Fake::start(move |mut connection, _| async move {
                let mut mint = Mint::seeded(seed);
                let mut draw = move |below: usize| (mint.unit() * below as f64) as usize;
                if connection.answer_until_play(sdp).await {
                    for packet in 0..60u32 {
                        let mut payload: Vec<u8> =
                            (0..draw(90)).map(|_| [0, 1, draw(256) as u8][draw(3)]).collect();
                        if let Some(first) = payload.first_mut() {
                            *first = first_bytes[draw(first_bytes.len())];
                        }
                        connection.rtp(packet / 3 * 3600, draw(3) == 0, &payload).await;
                    }
                }
            })
            .await;
            let mut source = source(camera("noise", &fake.url()), patient());
            let found = ending(&mut source).await;
            let is_said = match &found {
                Ending::Closed => true,
                Ending::Garbage(why) => !why.contains("panic"),
                _ => false,
            };
            assert!(is_said, "seed {seed}: {found:?}");
        }
    }
}

#[tokio::test]
async fn a_camera_that_dies_in_the_middle_and_comes_back() {
    let fake = Fake::start(|mut connection, count| async move {
        if connection.answer_until_play(SDP_H264).await {
            gop(&mut connection, 3).await;
            if count > 0 {
                connection.answer_until_gone().await;
            }
        }
    })
    .await;
    for attempt in 0..2 {
        let mut source = source(camera("dies", &fake.url()), patient());
        playing(&mut source).await;
        for number in 0..4 {
            let (_, unit) = unit(&mut source).await;
            assert_eq!(number_of(&unit), number, "attempt {attempt}");
        }
        if attempt == 0 {
            assert_eq!(ending(&mut source).await, Ending::Closed);
        }
        source.close().await;
    }
}

#[tokio::test]
async fn a_camera_that_freezes_though_its_reports_go_on() {
    let fake = Fake::playing(SDP_H264, |mut connection, _| async move {
        gop(&mut connection, 1).await;
        for second in 0.. {
            connection.report(3600, Duration::from_secs(1_790_000_000 + second)).await;
            if connection.gone_within(Duration::from_millis(20)).await {
                break;
            }
        }
        connection
    })
    .await;
    let mut source = source(camera("freezes", &fake.url()), Limits { silence: SHORT, ..patient() });
    playing(&mut source).await;
    unit(&mut source).await;
    unit(&mut source).await;
    assert_eq!(ending(&mut source).await, Ending::Timeout { phase: "media", after: SHORT });
}

#[tokio::test]
async fn a_camera_that_plays_nothing() {
    let fake = Fake::playing(SDP_H264, |connection, _| async move { connection }).await;
    let limits = Limits { silence: SHORT, ..patient() };
    let found = first_key(camera("plays-nothing", &fake.url()), limits).await;
    assert_eq!(found, Err(Ending::Timeout { phase: "media", after: SHORT }));
}

#[tokio::test]
async fn a_survey_of_a_stream_without_key_frames() {
    let fake = Fake::playing(SDP_H264, |mut connection, _| async move {
        for number in 0u32.. {
            connection.unit(number * 3600, &h264_delta(number as u8)).await;
            if connection.gone_within(Duration::from_millis(20)).await {
                break;
            }
        }
        connection
    })
    .await;
    let limits = Limits { keyframe: SHORT, ..patient() };
    let found = first_key(camera("no-keys", &fake.url()), limits).await;
    assert_eq!(found, Err(Ending::NoKeyframe(SHORT)));
}

#[tokio::test]
async fn the_picture_changes_its_size_in_the_middle() {
    let fake = Fake::playing(SDP_H264, |mut connection, _| async move {
        gop(&mut connection, 1).await;
        connection.unit(7200, &h264_key(H264_SPS_640X480, 2)).await;
        connection.unit(10800, &h264_delta(3)).await;
        connection.unit(14400, &h264_key(H264_SPS_640X480, 4)).await;
        connection
    })
    .await;
    let mut source = source(camera("resizes", &fake.url()), patient());
    assert_eq!(playing(&mut source).await.size, None, "the description does not tell");
    let mut seen = Vec::new();
    for _ in 0..5 {
        let (changed, unit) = unit(&mut source).await;
        let sps = [&[0, 0, 0, 1], hex(H264_SPS_640X480).as_slice()].concat();
        seen.push((changed.and_then(|info| info.size), unit.is_key, unit.data.starts_with(&sps)));
    }
    let size = |w, h| Some(Size { w, h });
    assert_eq!(
        seen,
        [
            (size(320, 240), true, false),
            (None, false, false),
            (size(640, 480), true, true),
            (None, false, false),
            (None, true, true),
        ]
    );
}

#[tokio::test]
async fn parameter_sets_that_change_between_key_frames_reach_the_decoder() {
    let fake = Fake::playing(SDP_H264, |mut connection, _| async move {
        gop(&mut connection, 0).await;
        connection.unit(3600, &[vec![0x68, 0xce, 0x0f, 0xc9], vec![0x41, 0x9a, 1, 0x80]]).await;
        connection
    })
    .await;
    let mut source = source(camera("new-pps", &fake.url()), patient());
    playing(&mut source).await;
    unit(&mut source).await;
    let (changed, unit) = unit(&mut source).await;
    assert!(changed.is_some() && !unit.is_key);
    let pps = [0, 0, 0, 1, 0x68, 0xce, 0x0f, 0xc9];
    assert!(unit.data.windows(pps.len()).any(|at| at == pps), "{:02x?}", unit.data);
}

#[tokio::test]
async fn clean_random_access_pictures_of_h265_are_key_and_bring_their_parameter_sets() {
    let fake = Fake::playing(SDP_H265, |mut connection, _| async move {
        let sets = [hex(H265_VPS), hex(H265_SPS_320X240), hex(H265_PPS)];
        let (idr, trail, cra, delimiter) = (19, 1, 21, 35);
        connection.unit(0, &[sets.as_slice(), &[h265_slice(idr, 0)]].concat()).await;
        connection.unit(3600, &[h265_slice(trail, 1)]).await;
        connection.unit(7200, &[h265_slice(cra, 2)]).await;
        connection.unit(10800, &[h265_slice(delimiter, 99)]).await;
        connection.unit(14400, &[sets.as_slice(), &[h265_slice(cra, 3)]].concat()).await;
        connection
    })
    .await;
    let mut source = source(camera("cra", &fake.url()), patient());
    playing(&mut source).await;
    let mut found = Vec::new();
    for _ in 0..4 {
        let (_, unit) = unit(&mut source).await;
        let vps = [&[0, 0, 0, 1], hex(H265_VPS).as_slice()].concat();
        let sets = unit.data.windows(vps.len()).filter(|at| *at == vps).count();
        found.push((number_of(&unit), unit.is_key, sets, unit.data.starts_with(&vps)));
    }
    let key = |number| (number, true, 1, true);
    assert_eq!(found, [key(0), (1, false, 0, false), key(2), key(3)]);
}

#[tokio::test]
async fn lost_packets_are_counted() {
    let fake = Fake::playing(SDP_H264, |mut connection, _| async move {
        gop(&mut connection, 0).await;
        connection.lose(3);
        connection.unit(3600, &h264_delta(1)).await;
        // The second packet of a unit is lost, and with it the unit.
        connection.rtp(7200, false, &[0x41, 0x9a, 2, 0x80]).await;
        connection.lose(1);
        connection.rtp(7200, true, &[0x41, 0x9a, 2, 0x80]).await;
        connection.unit(10800, &h264_delta(3)).await;
        connection
    })
    .await;
    let mut source = source(camera("loses", &fake.url()), patient());
    playing(&mut source).await;
    let mut found = Vec::new();
    for _ in 0..3 {
        let (_, unit) = unit(&mut source).await;
        found.push((number_of(&unit), unit.packets_lost));
    }
    assert_eq!(found, [(0, 0), (1, 3), (3, 1)]);
}

#[tokio::test]
async fn an_absurd_access_unit_ends_the_stream() {
    let fake = Fake::playing(SDP_H264, |mut connection, _| async move {
        gop(&mut connection, 0).await;
        let slice = vec![vec![0x41; 900]; 5];
        connection.unit(3600, &slice).await;
        connection
    })
    .await;
    let limits = Limits { unit_bytes_max: 4000, ..patient() };
    let mut source = source(camera("absurd", &fake.url()), limits);
    let Ending::Garbage(why) = ending(&mut source).await else { panic!("it was taken") };
    assert!(why.contains("at most 4000"), "{why}");
}

#[tokio::test]
async fn each_unit_has_the_cameras_clock_once_it_was_told() {
    const UNIX: Duration = Duration::from_millis(1_790_000_000_250);
    let fake = Fake::playing(SDP_H264, |mut connection, _| async move {
        connection.unit(90_000, &h264_key(H264_SPS_320X240, 0)).await;
        connection.report(99_000, UNIX).await;
        connection.unit(108_000, &h264_delta(1)).await;
        connection.unit(117_000, &h264_delta(2)).await;
        connection
    })
    .await;
    let mut source = source(camera("clock", &fake.url()), patient());
    playing(&mut source).await;
    let mut found = Vec::new();
    for _ in 0..3 {
        let (_, unit) = unit(&mut source).await;
        found.push((unit.media.ms(), unit.camera_clock.map(|wall| wall.unix_ms() - UNIX.as_millis() as i64)));
    }
    assert_eq!(found, [(0, None), (200, Some(100)), (300, Some(200))]);
}

#[tokio::test]
async fn a_session_is_kept_alive_beyond_its_timeout() {
    let fake = Fake::start(|mut connection, _| async move {
        connection.session_timeout_s = 1;
        if connection.answer_until_play(SDP_H264).await {
            gop(&mut connection, 0).await;
            let mut keepalives = 0;
            while let Some(request) = connection.request().await {
                connection.answer(&request, "").await;
                keepalives += 1;
                connection.unit(keepalives * 3600, &h264_delta(1)).await;
            }
        }
    })
    .await;
    let mut source = source(camera("keepalive", &fake.url()), patient());
    playing(&mut source).await;
    for _ in 0..4 {
        unit(&mut source).await;
    }
    let log = fake.log();
    assert_eq!(log[3..6], ["OPTIONS cam", "GET_PARAMETER cam", "GET_PARAMETER cam"], "{log:?}");
}

#[tokio::test]
async fn a_cancelled_wait_loses_no_unit() {
    const UNITS: u8 = 200;
    let fake = Fake::playing(SDP_H264, |mut connection, _| async move {
        gop(&mut connection, UNITS).await;
        connection
    })
    .await;
    let mut source = source(camera("cancelled", &fake.url()), patient());
    let (mut numbers, mut cancelled) = (Vec::new(), 0);
    while numbers.len() <= usize::from(UNITS) {
        // Polled once and dropped, again and again, as the other arms of a lane's select do it.
        match source.next().now_or_never() {
            Some(StreamEvent::Unit(unit)) => numbers.push(number_of(&unit)),
            Some(StreamEvent::Ended(ending)) => panic!("{ending}"),
            Some(_) => {}
            None => {
                cancelled += 1;
                tokio::task::yield_now().await;
            }
        }
    }
    assert_eq!(numbers, (0..=UNITS).collect::<Vec<u8>>());
    assert!(cancelled > 0);
}
