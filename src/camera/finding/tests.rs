//! Each way of being set badly is found, by itself; a good camera hears nothing.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::*;
use crate::{
    camera::{AccessUnit, StreamInfo},
    config::{AttentionPolicy, RecordPolicy, Transport, ViewPolicy},
    time::{MediaTime, Now},
};

fn camera(analyse: StreamRole, sub: bool) -> Camera {
    Camera {
        id: "gate".parse().expect("an id"),
        name: Name { zh: "村口".to_owned(), en: "gate".to_owned() },
        entry_point: "gate".parse().expect("an id"),
        maintenance: false,
        main: "rtsp://127.0.0.1/main".parse().expect("a URL"),
        sub: sub.then(|| "rtsp://127.0.0.1/sub".parse().expect("a URL")),
        credentials: None,
        transport: Transport::Tcp,
        analyse,
        attention: AttentionPolicy::Auto,
        look_every: Duration::from_secs(10),
        record: RecordPolicy::off(),
        detect_fps: 5.0,
        view: ViewPolicy::Auto,
        masks: Vec::new(),
        zones: Default::default(),
        lines: Default::default(),
        rules: Vec::<Arc<crate::config::Rule>>::new(),
    }
}

/// As advised.
fn good() -> Survey {
    let info = StreamInfo { codec: Codec::H264, size: Some(Size::new(640, 360)), rfc6381: None, audio: None };
    let key = AccessUnit {
        role: StreamRole::Sub,
        codec: Codec::H264,
        data: Bytes::new(),
        is_key: true,
        media: MediaTime::default(),
        camera_clock: None,
        arrived: Now::default(),
        packets_lost: 0,
    };
    Survey {
        info,
        key,
        lasted: Duration::from_secs(4),
        fps: Some(15.0),
        kbps: Some(512.0),
        gop: every(2.0, 2.0),
        key_share: 0.3,
        spread: Some(0.4),
        padding_share: 0.0,
        reordered: 0,
        packets_lost: 0,
        clock_skew_ms: Some(-300),
    }
}

fn every(shortest_s: f32, longest_s: f32) -> Gop {
    Gop::Every { shortest: Duration::from_secs_f32(shortest_s), longest: Duration::from_secs_f32(longest_s) }
}

#[test]
fn each_bad_setting_is_found_and_nothing_else() {
    type Case = (&'static str, fn(&mut Survey), Option<&'static str>);
    let cases: &[Case] = &[
        ("good", |_| (), None),
        ("4CIF", |of| of.info.size = Some(Size::new(704, 576)), None),
        ("720p", |of| of.info.size = Some(Size::new(1280, 720)), Some("picture-large")),
        ("a stamp", |of| of.info.size = Some(Size::new(176, 144)), Some("picture-small")),
        ("25 a second", |of| of.fps = Some(25.0), Some("fps-high")),
        ("20 a second", |of| of.fps = Some(20.0), None),
        ("3 a second", |of| of.fps = Some(3.0), Some("fps-low")),
        ("2 Mbit/s", |of| of.kbps = Some(2000.0), Some("rate-high")),
        ("10 s without a key frame", |of| of.gop = Gop::LongerThan(Duration::from_secs(8)), Some("gop-long")),
        ("nothing known", |of| of.gop = Gop::LongerThan(Duration::ZERO), None),
        ("each 5 s", |of| of.gop = every(5.0, 5.0), Some("gop-long")),
        ("each 4 s", |of| of.gop = every(4.0, 4.0), None),
        ("each second", |of| of.gop = every(1.0, 1.0), None),
        ("two a second", |of| of.gop = every(0.5, 0.5), Some("gop-short")),
        ("smart", |of| of.gop = every(2.0, 6.0), Some("gop-uneven")),
        ("a little uneven", |of| of.gop = every(1.9, 2.1), None),
        ("intra alone", |of| of.gop = Gop::EveryPicture, Some("keys-only")),
        ("padded", |of| of.padding_share = 0.2, Some("padded")),
        ("B frames", |of| of.reordered = 9, Some("reordered")),
        ("an hour off", |of| of.clock_skew_ms = Some(-3_600_000), Some("clock")),
        ("no clock told", |of| of.clock_skew_ms = None, None),
        ("lossy", |of| of.packets_lost = 3, Some("lossy")),
        ("H.265", |of| of.info.codec = Codec::H265, Some("h265")),
        (
            "MJPEG",
            |of| {
                of.info.codec = Codec::Mjpeg;
                (of.gop, of.kbps) = (Gop::EveryPicture, Some(6000.0));
            },
            Some("mjpeg"),
        ),
    ];
    for (what, change, expected) in cases {
        let mut survey = good();
        change(&mut survey);
        let found = Finding::of(&survey, &camera(StreamRole::Sub, true), StreamRole::Sub);
        let names: Vec<String> = found.iter().map(name).collect();
        assert_eq!(names.iter().map(String::as_str).collect::<Vec<_>>(), expected.as_slice(), "{what}");
    }
}

fn name(finding: &Finding) -> String {
    let json = serde_json::to_value(finding).expect("it is data");
    json["finding"].as_str().expect("it has a name").to_owned()
}

#[test]
fn which_stream_is_analysed_matters() {
    let mut large = good();
    large.info.size = Some(Size::new(1920, 1080));
    let (width, height) = (1920, 1080);
    for (analyse, sub, expected) in [
        (StreamRole::Main, false, Finding::NoSub { width, height }),
        (StreamRole::Main, true, Finding::MainAnalysed { width, height }),
        (StreamRole::Sub, true, Finding::PictureLarge { width, height }),
    ] {
        assert_eq!(Finding::of(&large, &camera(analyse, sub), analyse), [expected]);
    }
    let found = Finding::of(&large, &camera(StreamRole::Sub, true), StreamRole::Main);
    assert_eq!(found, [], "a large main stream that is not analysed is as it should be");
}

#[test]
fn words_are_there_in_both_languages_and_name_no_other_finding() {
    let (width, height) = (1920, 1080);
    let all = [
        Finding::NoSub { width, height },
        Finding::MainAnalysed { width, height },
        Finding::PictureLarge { width, height },
        Finding::PictureSmall { width: 176, height: 144 },
        Finding::FpsHigh { fps: 25.0 },
        Finding::FpsLow { fps: 3.0, wanted: 5.0 },
        Finding::RateHigh { kbps: 2000.0 },
        Finding::GopLong { seconds: 8.0 },
        Finding::GopShort { seconds: 0.5 },
        Finding::KeysOnly,
        Finding::GopUneven { shortest: 2.0, longest: 6.0 },
        Finding::Padded { share: 0.25 },
        Finding::Reordered { pictures: 9 },
        Finding::H265,
        Finding::Mjpeg { kbps: 6000.0 },
        Finding::Clock { skew_s: -3600.0 },
        Finding::Lossy { packets: 3 },
    ];
    for finding in all {
        let Advice { what, cost, mend } = finding.advice();
        for Name { zh, en } in [what, cost, mend] {
            assert!(zh.chars().any(|c| c > '\u{2e80}'), "{finding:?}: {zh}");
            assert!(en.is_ascii() && en.contains(' '), "{finding:?}: {en}");
            assert!(!en.ends_with('.') && !zh.ends_with('。'), "{finding:?}: a part of a sentence");
        }
    }
    assert_eq!(Finding::Clock { skew_s: -90.0 }.advice().what.en, "the camera's clock is 90 s behind");
}
