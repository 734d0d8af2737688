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
    ingest::busy,
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
    b_frames: u32,
    /// More for the encoder.
    more: &'static str,
}

/// The advised setting; each other one differs from it in one thing.
const ADVISED: Setting = Setting {
    name: "advised",
    codec: Codec::H264,
    size: (640, 360),
    kbps: 512,
    gop_s: 2,
    b_frames: 0,
    more: "",
};

const SETTINGS: [Setting; 15] = [
    ADVISED,
    Setting { name: "gop-1s", gop_s: 1, ..ADVISED },
    Setting { name: "gop-4s", gop_s: 4, ..ADVISED },
    Setting { name: "gop-10s", gop_s: 10, ..ADVISED },
    Setting { name: "256k", kbps: 256, ..ADVISED },
    Setting { name: "1024k", kbps: 1024, ..ADVISED },
    Setting { name: "cbr-filler", more: "nal-hrd=cbr", ..ADVISED },
    Setting { name: "b-frames", b_frames: 2, ..ADVISED },
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
        let units = encode(setting, bencher.of(450, 60))?;
        let all = decode(&backend, setting.codec, units.iter())?;
        let keys = decode(&backend, setting.codec, units.iter().filter(|unit| unit.is_key))?;
        let bytes = |units: &[AccessUnit]| units.iter().map(|unit| unit.data.len()).sum::<usize>() as f64;
        let key_units: Vec<AccessUnit> = units.iter().filter(|unit| unit.is_key).cloned().collect();
        let seconds = units.len() as f64 / f64::from(FPS);
        let per_cent = |decoded: &Decoded| round(decoded.busy.as_secs_f64() / seconds * 100.0);
        let more = json!({
            "picture": format!("{}x{}", setting.size.0, setting.size.1),
            "codec": format!("{:?}", setting.codec),
            "kbps": (bytes(&units) * 8.0 / 1000.0 / seconds).round(),
            "key_share": round(bytes(&key_units) / bytes(&units)),
            "frames": all.frames,
            "key_us": round(median(&all.keys)),
            "delta_us": round(median(&all.deltas)),
            "core_per_cent": per_cent(&all),
            "core_per_cent_keys_alone": per_cent(&keys),
        });
        let taken = [all.keys, all.deltas].concat();
        bencher.tell(&format!("cameras.{}", setting.name), taken, units.len(), more);
    }
    Ok(())
}

/// What decoding took.
#[derive(Default)]
struct Decoded {
    keys: Vec<Duration>,
    deltas: Vec<Duration>,
    frames: usize,
    /// Processor time of all of it.
    busy: Duration,
}

fn decode<'a>(
    backend: &Backend,
    codec: Codec,
    units: impl Iterator<Item = &'a AccessUnit>,
) -> Result<Decoded, cunkou::decode::DecodeError> {
    let mut decoder = Decoder::new(backend, codec)?;
    let (mut decoded, mut frames) = (Decoded::default(), Vec::new());
    let before = busy();
    for unit in units {
        let start = Instant::now();
        decoder.decode(unit, &mut frames)?;
        let taken = if unit.is_key { &mut decoded.keys } else { &mut decoded.deltas };
        taken.push(start.elapsed());
        decoded.frames += frames.len();
        frames.clear();
    }
    // The kernel brings the count up to date when the thread rests.
    std::thread::sleep(Duration::from_millis(1));
    decoded.busy = busy().saturating_sub(before);
    Ok(decoded)
}

/// In microseconds; 0 where nothing was taken.
fn median(taken: &[Duration]) -> f64 {
    let mut sorted = taken.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).map_or(0.0, |middle| middle.as_secs_f64() * 1e6)
}

/// Vtest as a camera of this setting sends it.
fn encode(setting: &Setting, units_max: usize) -> Result<Vec<AccessUnit>, Box<dyn std::error::Error>> {
    let Setting { codec, size: (width, height), kbps, gop_s, b_frames, more, .. } = *setting;
    let (gop, kbps) = (gop_s * FPS, kbps * FOOTAGE_FPS / FPS);
    let encoder = match codec {
        Codec::H264 => format!(
            "x264enc speed-preset=veryfast bitrate={kbps} vbv-buf-capacity=1000 key-int-max={gop} bframes={b_frames} b-adapt=false rc-lookahead=0 threads=1 \
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
