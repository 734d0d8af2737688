//! What cameras do, played by gst-rtsp-server.

use std::time::Duration;

use cunkou::{
    camera::{Codec, Ending, Source},
    config::{StreamRole, Transport},
    geometry::Size,
};

use super::{
    camera, ending, first_key,
    gst::{Access, Gst, has},
    patient, playing, source, unit, with_password,
};

const H264: &str = "( videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=25/1 \
    ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=10 ! rtph264pay name=pay0 pt=96 )";
const H265: &str = "( videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=25/1 \
    ! x265enc speed-preset=ultrafast tune=zerolatency key-int-max=10 option-string=open-gop=1 \
    ! rtph265pay name=pay0 pt=96 )";
const MJPEG: &str = "( videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=240,framerate=25/1 \
    ! jpegenc ! rtpjpegpay name=pay0 pt=26 )";

const SIZE: Size = Size { w: 320, h: 240 };

/// Thirty units: sizes, key frames and times as they must be. Returns how many were key frames.
async fn watch(source: &mut Source, codec: Codec) -> usize {
    let mut info = playing(source).await;
    assert_eq!(info.codec, codec);
    let (mut keys, mut before) = (0, None);
    for number in 0..30 {
        let (changed, unit) = unit(source).await;
        info = changed.unwrap_or(info);
        assert_eq!(info.size, Some(SIZE), "unit {number}");
        assert!(info.rfc6381.is_some());
        assert_eq!((unit.role, unit.codec), (StreamRole::Main, codec));
        if number == 0 {
            assert!(unit.is_key, "the first unit");
            assert_eq!(unit.media.ms(), 0);
        }
        if unit.is_key {
            keys += 1;
            let begins: &[u8] = match codec {
                Codec::H264 => &[0, 0, 0, 1, 0x67],
                Codec::H265 => &[0, 0, 0, 1, 0x40],
                Codec::Mjpeg => &[0xff, 0xd8],
            };
            assert!(unit.data.starts_with(begins), "key unit {number}: {:02x?}", &unit.data[..8]);
        }
        if let Some((media, arrived)) = before.replace((unit.media, unit.arrived)) {
            let step = unit.media.since(media);
            assert!(step > Duration::ZERO && step < Duration::from_secs(10), "unit {number}: {step:?}");
            assert!(unit.arrived.mono >= arrived.mono);
        }
    }
    keys
}

#[tokio::test]
async fn h264_over_tcp_tells_the_cameras_clock() {
    let gst = Gst::start(None, H264, Access::Anybody);
    let mut source = source(camera("gst-h264-tcp", &gst.url()), patient());
    let keys = watch(&mut source, Codec::H264).await;
    assert!((3..30).contains(&keys), "{keys}");
    let skew_us = loop {
        let (_, unit) = unit(&mut source).await;
        if let Some(camera) = unit.camera_clock {
            break camera.us_since(unit.arrived.wall);
        }
    };
    assert!(skew_us.abs() < 60_000_000, "both clocks are this machine's: {skew_us} us");
    source.close().await;
}

#[tokio::test]
async fn h264_over_udp() {
    let gst = Gst::start(None, H264, Access::Udp);
    let mut camera = camera("gst-h264-udp", &gst.url());
    camera.transport = Transport::Udp;
    let mut source = source(camera, patient());
    let keys = watch(&mut source, Codec::H264).await;
    assert!((3..30).contains(&keys), "{keys}");
    source.close().await;
}

#[tokio::test]
async fn a_transport_that_the_camera_does_not_offer() {
    let gst = Gst::start(None, H264, Access::Udp);
    let mut source = source(camera("gst-461", &gst.url()), patient());
    let Ending::Refused(why) = ending(&mut source).await else { panic!("it was offered") };
    assert!(why.contains("tcp and udp"), "{why}");
}

#[tokio::test]
async fn h265_with_open_gops() {
    if !has("x265enc") {
        eprintln!("skipped: this GStreamer has no x265enc");
        return;
    }
    let gst = Gst::start(None, H265, Access::Anybody);
    let mut source = source(camera("gst-h265", &gst.url()), patient());
    let keys = watch(&mut source, Codec::H265).await;
    assert!((3..30).contains(&keys), "{keys}: pictures after the first IDR are CRA");
    source.close().await;
}

#[tokio::test]
async fn motion_jpeg() {
    let gst = Gst::start(None, MJPEG, Access::Anybody);
    let mut source = source(camera("gst-mjpeg", &gst.url()), patient());
    assert_eq!(watch(&mut source, Codec::Mjpeg).await, 30);
    source.close().await;
}

#[tokio::test]
async fn passwords() {
    let servers = [
        ("basic", Gst::start(None, MJPEG, Access::Basic("operator", "v1llage-gate"))),
        ("digest", Gst::start(None, MJPEG, Access::Digest("operator", "v1llage-gate"))),
    ];
    for (method, gst) in &servers {
        let cases = [
            ("right", Some(("operator", "v1llage-gate")), None),
            ("wrong", Some(("operator", "wr0ng-gate")), Some(Ending::Auth)),
            ("of another", Some(("nobody", "v1llage-gate")), Some(Ending::Auth)),
            ("none", None, Some(Ending::Auth)),
        ];
        for (what, credentials, expected) in cases {
            let camera = camera(&format!("gst-{method}"), &gst.url());
            let camera = match credentials {
                Some((user, password)) => with_password(camera, user, password),
                None => camera,
            };
            let found = first_key(camera, patient()).await;
            assert_eq!(found.as_ref().err(), expected.as_ref(), "{method}, {what} password: {found:?}");
        }
    }
}

#[tokio::test]
async fn a_path_that_is_not_there() {
    let gst = Gst::start(None, MJPEG, Access::Anybody);
    let mut source = source(camera("gst-404", &gst.url().replace("/cam", "/typo")), patient());
    let Ending::NotFound(why) = ending(&mut source).await else { panic!("not a 404") };
    assert!(why.contains("404") && why.contains("127.0.0.1"), "{why}");
}

#[tokio::test]
async fn a_server_that_is_killed_and_comes_back() {
    let gst = Gst::start(None, H264, Access::Anybody);
    let (url, port) = (gst.url(), gst.port);
    let mut first = source(camera("gst-killed", &url), patient());
    playing(&mut first).await;
    unit(&mut first).await;
    drop(gst);
    assert_eq!(ending(&mut first).await, Ending::Closed);
    let mut refused = source(camera("gst-killed", &url), patient());
    assert!(matches!(ending(&mut refused).await, Ending::Refused(_)));

    let _back = Gst::start(Some(port), H264, Access::Anybody);
    let mut again = source(camera("gst-killed", &url), patient());
    watch(&mut again, Codec::H264).await;
    again.close().await;
}

#[tokio::test]
async fn a_survey_waits_for_a_key_frame() {
    let gst = Gst::start(None, H264, Access::Anybody);
    let info = first_key(camera("gst-probe", &gst.url()), patient()).await;
    assert_eq!(info.map(|info| (info.codec, info.size)), Ok((Codec::H264, Some(SIZE))));
}
