//! What a camera's settings cost the machine that decodes it: the same street, encoded in the ways that cameras have.
//!
//! vtest (10 frames a second) is taken for 15 frames a second, so bit rates are those of a camera that sends 15. The advice that follows is
//! in `docs/cameras.md`.

use std::time::{Duration, Instant};

use bytes::Bytes;
use cunkou::{
    camera::{AccessUnit, Codec},
    config::{Hardware, StreamRole},
    decode::{Backend, Decoder},
    time::{MediaTime, Now},
};
use gstreamer::{self as gst, prelude::*};
use gstreamer_app::AppSink;
use serde_json::json;

use super::{
    Outcome,
    measure::{Bencher, round},
};

const VTEST: &str = ".cache/footage/vtest.mp4";
/// What the footage is taken for.
const FPS: u32 = 15;
/// What its own timestamps say.
const FOOTAGE_FPS: u32 = 10;

/// How a camera is set.
#[derive(Clone, Copy)]
struct Setting {
    name: &'static str,
    codec: Codec,
    size: (u32, u32),
    kbps: u32,
    gop_s: u32,
    /// More for the encoder.
    more: &'static str,
}

/// The advised setting; each other one differs from it in one thing.
const ADVISED: Setting =
    Setting { name: "advised", codec: Codec::H264, size: (640, 360), kbps: 512, gop_s: 2, more: "" };

const SETTINGS: [Setting; 15] = [
    ADVISED,
    Setting { name: "gop-1s", gop_s: 1, ..ADVISED },
    Setting { name: "gop-4s", gop_s: 4, ..ADVISED },
    Setting { name: "gop-10s", gop_s: 10, ..ADVISED },
    Setting { name: "256k", kbps: 256, ..ADVISED },
    Setting { name: "1024k", kbps: 1024, ..ADVISED },
    Setting { name: "cbr-filler", more: "nal-hrd=cbr", ..ADVISED },
    Setting { name: "b-frames", more: "bframes=2", ..ADVISED },
    Setting { name: "352x288", size: (352, 288), kbps: 320, ..ADVISED },
    Setting { name: "704x576", size: (704, 576), kbps: 768, ..ADVISED },
    Setting { name: "1280x720", size: (1280, 720), kbps: 1536, ..ADVISED },
    Setting { name: "1920x1080", size: (1920, 1080), kbps: 3072, ..ADVISED },
    Setting { name: "h265", codec: Codec::H265, kbps: 320, ..ADVISED },
    Setting { name: "h265-1920x1080", codec: Codec::H265, size: (1920, 1080), kbps: 2048, ..ADVISED },
    Setting { name: "mjpeg", codec: Codec::Mjpeg, kbps: 0, ..ADVISED },
];

pub(crate) fn run(bencher: &mut Bencher) -> Outcome {
    gst::init()?;
    let backend = Backend::choose(Hardware::Off)?;
    for setting in &SETTINGS[..bencher.of(SETTINGS.len(), 2)] {
        let units = encode(setting, bencher.of(600, 60))?;
        let mut decoder = Decoder::new(&backend, setting.codec)?;
        let (mut keys, mut deltas, mut frames) = (Vec::new(), Vec::new(), Vec::new());
        let (mut decoded, mut key_bytes) = (0, 0);
        for unit in &units {
            let start = Instant::now();
            decoder.decode(unit, &mut frames)?;
            let took = start.elapsed();
            if unit.is_key {
                keys.push(took)
            } else {
                deltas.push(took)
            }
            key_bytes += if unit.is_key { unit.data.len() } else { 0 };
            decoded += frames.len();
            frames.clear();
        }
        let bytes: usize = units.iter().map(|unit| unit.data.len()).sum();
        let each =
            |taken: &[Duration]| taken.iter().sum::<Duration>().as_secs_f64() / taken.len().max(1) as f64;
        let all =
            (each(&keys) * keys.len() as f64 + each(&deltas) * deltas.len() as f64) / units.len() as f64;
        let seconds = units.len() as f64 / f64::from(FPS);
        let more = json!({
            "picture": format!("{}x{}", setting.size.0, setting.size.1),
            "codec": format!("{:?}", setting.codec),
            "kbps": (bytes as f64 * 8.0 / 1000.0 / seconds).round(),
            "key_share": round(key_bytes as f64 / bytes as f64),
            "frames": decoded,
            "key_us": round(each(&keys) * 1e6),
            "delta_us": round(each(&deltas) * 1e6),
            "core_per_cent": round(all * f64::from(FPS) * 100.0),
            "core_per_cent_keys_alone": round(each(&keys) * keys.len() as f64 / seconds * 100.0),
        });
        bencher.tell(&format!("cameras.{}", setting.name), [keys, deltas].concat(), units.len(), more);
    }
    Ok(())
}

/// Vtest as a camera of this setting sends it.
fn encode(setting: &Setting, units_max: usize) -> Result<Vec<AccessUnit>, Box<dyn std::error::Error>> {
    let Setting { codec, size: (width, height), kbps, gop_s, more, .. } = *setting;
    let (gop, kbps) = (gop_s * FPS, kbps * FOOTAGE_FPS / FPS);
    let encoder = match codec {
        Codec::H264 => format!(
            "x264enc speed-preset=veryfast bitrate={kbps} vbv-buf-capacity=1000 key-int-max={gop} bframes=0 rc-lookahead=0 threads=1 \
             byte-stream=true option-string=keyint={gop}:min-keyint={gop}:scenecut=0{}{more} \
             ! video/x-h264,stream-format=byte-stream,alignment=au",
            if more.is_empty() { "" } else { ":" }
        ),
        Codec::H265 => format!(
            "x265enc speed-preset=veryfast bitrate={kbps} key-int-max={gop} \
             option-string=keyint={gop}:min-keyint={gop}:scenecut=0:bframes=0:rc-lookahead=0:repeat-headers=1:pools=1:frame-threads=1:log-level=0 \
             ! video/x-h265,stream-format=byte-stream,alignment=au"
        ),
        Codec::Mjpeg => "jpegenc quality=75 ! image/jpeg".to_owned(),
    };
    let line = format!(
        "filesrc location={VTEST} ! qtdemux ! h264parse ! avdec_h264 ! videoscale add-borders=false \
         ! video/x-raw,format=I420,width={width},height={height},pixel-aspect-ratio=1/1 ! {encoder} \
         ! appsink name=out sync=false max-buffers=8"
    );
    let pipeline = gst::parse::launch(&line)?;
    let pipeline = pipeline.downcast::<gst::Pipeline>().map_err(|_| "not a pipeline")?;
    let sink =
        pipeline.by_name("out").and_then(|sink| sink.downcast::<AppSink>().ok()).ok_or("no appsink")?;
    pipeline.set_state(gst::State::Playing)?;
    let mut units = Vec::new();
    while let Ok(sample) = sink.pull_sample()
        && units.len() < units_max
    {
        let buffer = sample.buffer().ok_or("a sample without a buffer")?;
        units.push(AccessUnit {
            role: StreamRole::Sub,
            codec,
            data: Bytes::copy_from_slice(&buffer.map_readable()?),
            is_key: codec == Codec::Mjpeg || !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT),
            media: MediaTime::from_ms(units.len() as i64 * 1000 / i64::from(FPS)),
            camera_clock: None,
            arrived: Now::default(),
            packets_lost: 0,
        });
    }
    pipeline.set_state(gst::State::Null)?;
    if units.is_empty() { Err(format!("{line}: gave nothing").into()) } else { Ok(units) }
}
