//! Cameras that are set well and badly, played by gst-rtsp-server: what a survey finds.

use std::{sync::Arc, time::Duration};

use cunkou::{
    camera::{Codec, Finding, Gop, Pace, Survey, survey},
    config::StreamRole,
    geometry::Size,
};
use futures::future::join_all;

use super::{
    camera,
    gst::{Access, Gst, has},
    patient,
};

/// Longer than any of these streams needs to be known.
const LENGTH: Duration = Duration::from_secs(8);

/// A camera that shows noise, of this size and rate, coded by this encoder.
fn launch(size: (u32, u32), fps: u32, encoder: &str) -> String {
    let (width, height) = size;
    format!(
        "( videotestsrc is-live=true pattern=ball ! video/x-raw,format=I420,width={width},height={height},framerate={fps}/1 \
         ! {encoder} name=pay0 pt=96 )"
    )
}

fn x264(more: &str, key_int: u32, options: &str) -> String {
    format!("x264enc bitrate=512 {more} key-int-max={key_int} option-string=scenecut=0{options} ! rtph264pay")
}

async fn surveyed(name: &str, launch: &str) -> (Survey, Vec<String>) {
    let gst = Gst::start(None, launch, Access::Anybody);
    let camera = Arc::new(camera(&format!("survey-{name}"), &gst.url()));
    let found = survey(&camera, StreamRole::Main, patient(), &Pace::default(), LENGTH).await;
    let survey = found.unwrap_or_else(|ending| panic!("{name}: {ending}"));
    let name_of = |finding: &Finding| {
        let json = serde_json::to_value(finding).expect("it is data");
        json["finding"].as_str().expect("it has a name").to_owned()
    };
    let findings = Finding::of(&survey, &camera, StreamRole::Main).iter().map(name_of).collect();
    (survey, findings)
}

#[tokio::test]
async fn good_and_bad_cameras_are_told_apart() {
    let size = (640, 360);
    let good = x264("speed-preset=ultrafast tune=zerolatency", 30, "");
    let mut cameras = vec![
        ("good", launch(size, 15, &good), ""),
        ("720p", launch((1280, 720), 15, &good), "no-sub"),
        ("long", launch(size, 15, &x264("speed-preset=ultrafast tune=zerolatency", 300, "")), "gop-long"),
        ("short", launch(size, 15, &x264("speed-preset=ultrafast tune=zerolatency", 5, "")), "gop-short"),
        (
            "b-frames",
            launch(
                size,
                15,
                &x264("speed-preset=veryfast bframes=2 b-adapt=false", 30, "")
                    .replace("rtph264pay", "video/x-h264,profile=main ! rtph264pay"),
            ),
            "reordered",
        ),
        (
            "padded",
            launch(size, 15, &x264("speed-preset=ultrafast tune=zerolatency", 30, ":nal-hrd=cbr")),
            "padded",
        ),
        ("slow", launch(size, 3, &x264("speed-preset=ultrafast tune=zerolatency", 6, "")), "fps-low"),
        ("mjpeg", launch(size, 15, "jpegenc ! rtpjpegpay").replace("pt=96", "pt=26"), "mjpeg"),
    ];
    if has("x265enc") {
        let x265 = "x265enc speed-preset=ultrafast tune=zerolatency key-int-max=30 ! rtph265pay";
        cameras.push(("h265", launch(size, 15, x265), "h265"));
    }
    let surveys = join_all(cameras.iter().map(|(name, launch, _)| surveyed(name, launch))).await;
    for ((name, _, expected), (survey, findings)) in cameras.iter().zip(&surveys) {
        let expected: &[&str] = if expected.is_empty() { &[] } else { &[expected] };
        let (gop, fps, kbps) = (survey.gop, survey.fps, survey.kbps);
        assert_eq!(findings, expected, "{name}: {gop:?}, {fps:?} frames a second, {kbps:?} kbit/s");
    }
    let (good, _) = &surveys[0];
    assert_eq!((good.info.codec, good.info.size), (Codec::H264, Some(Size::new(640, 360))));
    assert!(matches!(good.gop, Gop::Every { .. }), "{:?}", good.gop);
    assert!((0.0..0.9).contains(&good.key_share), "{}", good.key_share);
}
