//! Real decoders on real streams, made here by GStreamer: what comes out is what went in, whatever is done to the bytes.

#![allow(missing_docs, reason = "a test binary has no public items")]

use bytes::Bytes;
use cunkou::{
    camera::{AccessUnit, Codec},
    config::{Hardware, StreamRole},
    decode::{Backend, Chroma, DecodeError, Decoder, Frame, Picture, Range, file},
    geometry::Size,
    motion::{Motion, MotionDetector},
    time::{MediaTime, Mono, Now, Wall},
};
use gstreamer::{self as gst, prelude::*};
use gstreamer_app as gst_app;

const FPS: i64 = 10;

/// An I420 picture with a gradient, a bright block that moves with `t`, and chroma that differs from place to place.
fn pattern(size: Size, t: u32) -> Vec<u8> {
    let (w, h) = (size.w, size.h);
    let mut bytes = Vec::new();
    let block = (t * 6) % (w - 32);
    for y in 0..h {
        for x in 0..w {
            let inside = (block..block + 32).contains(&x) && (h / 4..h / 2).contains(&y);
            bytes.push(if inside { 220 } else { (40 + (x * 100 / w) + (y * 40 / h)) as u8 });
        }
    }
    for plane in 0..2 {
        for y in 0..h.div_ceil(2) {
            for x in 0..w.div_ceil(2) {
                bytes.push(if plane == 0 { 90 + (x * 60 / w) as u8 } else { 100 + (y * 80 / h) as u8 });
            }
        }
    }
    bytes
}

/// Encodes pictures into access units as a camera's stream has them.
fn encode(
    encoder: &str,
    codec: Codec,
    size: Size,
    pictures: impl IntoIterator<Item = Vec<u8>>,
) -> Vec<AccessUnit> {
    gst::init().expect("GStreamer starts");
    let tail = match codec {
        Codec::H264 => "h264parse config-interval=-1 ! video/x-h264,stream-format=byte-stream,alignment=au",
        Codec::H265 => "h265parse config-interval=-1 ! video/x-h265,stream-format=byte-stream,alignment=au",
        Codec::Mjpeg => "image/jpeg",
    };
    let line = format!("appsrc name=in format=time ! {encoder} ! {tail} ! appsink name=out sync=false");
    let pipeline = gst::parse::launch(&line).expect(&line).downcast::<gst::Pipeline>().expect("a pipeline");
    let source = pipeline.by_name("in").expect("in").downcast::<gst_app::AppSrc>().expect("an appsrc");
    let sink = pipeline.by_name("out").expect("out").downcast::<gst_app::AppSink>().expect("an appsink");
    source.set_caps(Some(
        &gst::Caps::builder("video/x-raw")
            .field("format", "I420")
            .field("width", size.w as i32)
            .field("height", size.h as i32)
            .field("framerate", gst::Fraction::new(FPS as i32, 1))
            .build(),
    ));
    pipeline.set_state(gst::State::Playing).expect("plays");
    for (index, picture) in pictures.into_iter().enumerate() {
        let mut buffer = gst::Buffer::with_size(i420_size(size)).expect("memory");
        {
            let info = video_info(size);
            let buffer = buffer.get_mut().expect("just made");
            buffer.set_pts(gst::ClockTime::from_mseconds(index as u64 * 1000 / FPS as u64));
            buffer.set_duration(gst::ClockTime::from_mseconds(1000 / FPS as u64));
            let mut frame =
                gstreamer_video::VideoFrameRef::from_buffer_ref_writable(buffer, &info).expect("maps");
            copy_in(&mut frame, &picture, size);
        }
        source.push_buffer(buffer).expect("takes it");
    }
    source.end_of_stream().expect("ends");
    let mut first = None;
    let mut units = vec![];
    while let Ok(sample) = sink.pull_sample() {
        let buffer = sample.buffer().expect("a buffer");
        let pts_ms = buffer.pts().expect("a time").mseconds() as i64;
        let media_ms = pts_ms - *first.get_or_insert(pts_ms);
        units.push(AccessUnit {
            role: StreamRole::Sub,
            codec,
            data: Bytes::copy_from_slice(&buffer.map_readable().expect("maps")),
            is_key: !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT),
            media: MediaTime::from_ms(media_ms),
            camera_clock: Some(Wall::from_unix_ms(50_000 + media_ms)),
            arrived: Now { mono: Mono::default(), wall: Wall::from_unix_ms(90_000 + media_ms) },
            packets_lost: 0,
        });
    }
    pipeline.set_state(gst::State::Null).expect("stops");
    assert!(!units.is_empty(), "{line} encodes");
    units
}

fn video_info(size: Size) -> gstreamer_video::VideoInfo {
    gstreamer_video::VideoInfo::builder(gstreamer_video::VideoFormat::I420, size.w, size.h)
        .build()
        .expect("fits")
}

fn i420_size(size: Size) -> usize {
    video_info(size).size()
}

fn copy_in(frame: &mut gstreamer_video::VideoFrameRef<&mut gst::BufferRef>, picture: &[u8], size: Size) {
    use gstreamer_video::VideoFrameExt;
    let chroma = (size.w.div_ceil(2) as usize, size.h.div_ceil(2) as usize);
    let shapes = [(size.w as usize, size.h as usize), chroma, chroma];
    let strides: Vec<usize> = frame.plane_stride().iter().map(|stride| *stride as usize).collect();
    let mut from = picture;
    for (plane, (width, rows)) in shapes.into_iter().enumerate() {
        let data = frame.plane_data_mut(plane as u32).expect("three planes");
        for row in 0..rows {
            let (line, rest) = from.split_at(width);
            data[row * strides[plane]..][..width].copy_from_slice(line);
            from = rest;
        }
    }
}

/// All samples of a picture, tightly packed.
fn packed(picture: &Picture) -> Vec<u8> {
    (0..picture.plane_count())
        .flat_map(|index| {
            let plane = picture.plane(index);
            let rows = (0..plane.rows).map(move |y| &plane.data[y * plane.stride..][..plane.width]);
            rows.flatten().copied().collect::<Vec<u8>>()
        })
        .collect()
}

/// Peak signal-to-noise ratio in decibels.
fn psnr(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let squares: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 * a.len() as f64 / squares.max(1e-9)).log10()
}

fn software() -> Backend {
    Backend::choose(Hardware::Off).expect("a software decoder is installed")
}

fn decode_all(decoder: &mut Decoder, units: &[AccessUnit]) -> Vec<Frame> {
    let mut frames = vec![];
    for (index, unit) in units.iter().enumerate() {
        decoder.decode(unit, &mut frames).unwrap_or_else(|e| panic!("unit {index}: {e}"));
    }
    decoder.drain(&mut frames);
    frames
}

#[test]
fn what_comes_out_is_what_went_in() {
    let backend = software();
    for (name, encoder, codec, size, decibels) in [
        ("H.264", "x264enc tune=zerolatency bitrate=2000", Codec::H264, Size::new(640, 360), 36.0),
        (
            "H.264 with B frames",
            "x264enc bframes=3 b-adapt=false key-int-max=20 bitrate=2000",
            Codec::H264,
            Size::new(640, 360),
            36.0,
        ),
        (
            "H.264, coded larger than shown",
            "x264enc tune=zerolatency bitrate=4000",
            Codec::H264,
            Size::new(706, 434),
            36.0,
        ),
        ("H.265", "x265enc tune=zerolatency bitrate=2000", Codec::H265, Size::new(640, 360), 34.0),
        (
            "H.265 with B frames",
            "x265enc bitrate=2000 key-int-max=20",
            Codec::H265,
            Size::new(640, 360),
            34.0,
        ),
        ("MJPEG", "jpegenc quality=90", Codec::Mjpeg, Size::new(640, 360), 34.0),
    ] {
        if gst::ElementFactory::find(encoder.split(' ').next().expect("a name")).is_none() {
            eprintln!("SKIPPED {name}: the encoder {encoder} is not installed");
            continue;
        }
        let pictures: Vec<_> = (0..40).map(|t| pattern(size, t)).collect();
        let units = encode(encoder, codec, size, pictures.clone());
        assert_eq!(units.len(), 40, "{name}");
        let mut decoder = Decoder::new(&backend, codec).expect("a decoder");
        let frames = decode_all(&mut decoder, &units);
        assert_eq!(frames.len(), 40, "{name}");
        for (index, (frame, picture)) in frames.iter().zip(&pictures).enumerate() {
            let media_ms = index as i64 * 1000 / FPS;
            assert_eq!((frame.number, frame.media.ms()), (index as u64, media_ms), "{name}");
            assert_eq!(
                frame.arrived.wall,
                Wall::from_unix_ms(90_000 + media_ms),
                "{name}: times travel along"
            );
            assert_eq!(frame.camera_clock, Some(Wall::from_unix_ms(50_000 + media_ms)), "{name}");
            assert_eq!(frame.picture.size(), size, "{name}");
            assert_eq!(frame.picture.chroma(), Chroma::Planar420, "{name}");
            let expected = if codec == Codec::Mjpeg { Range::Full } else { Range::Limited };
            assert_eq!(frame.picture.range(), expected, "{name}");
            let got = psnr(&packed(&frame.picture), picture);
            assert!(got > decibels, "{name}, frame {index}: {got:.1} dB");
        }
    }
}

/// The pedestrians of OpenCV's documentation, where they are.
fn vtest() -> Option<std::path::PathBuf> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let places =
        [root.join(".cache/footage/vtest.mp4"), "/usr/share/doc/opencv-doc/examples/data/vtest.avi".into()];
    let found = places.into_iter().find(|place| place.exists());
    if found.is_none() {
        eprintln!("SKIPPED: vtest is not here; install opencv-doc");
    }
    found
}

/// A file made by a GStreamer line that ends in `filesink name=out`.
fn make_file(line: &str, path: &std::path::Path) {
    gst::init().expect("GStreamer starts");
    let pipeline = gst::parse::launch(line).expect(line).downcast::<gst::Pipeline>().expect("a pipeline");
    pipeline.by_name("out").expect("out").set_property("location", path);
    pipeline.set_state(gst::State::Playing).expect("plays");
    let bus = pipeline.bus().expect("a bus");
    let end = bus
        .timed_pop_filtered(
            gst::ClockTime::from_seconds(60),
            &[gst::MessageType::Eos, gst::MessageType::Error],
        )
        .expect("it ends");
    assert!(matches!(end.view(), gst::MessageView::Eos(_)), "{line}: {end:?}");
    pipeline.set_state(gst::State::Null).expect("stops");
}

#[test]
fn files_give_every_frame_at_its_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = "videotestsrc num-buffers=50 pattern=ball ! video/x-raw,format=I420,width=320,height=240,framerate=25/1";
    for (name, tail, timed) in [
        ("plain.mp4", "x264enc bframes=2 key-int-max=10 ! mp4mux", true),
        ("fast.mp4", "x264enc key-int-max=10 ! mp4mux faststart=true", true),
        ("plain.mkv", "x264enc key-int-max=10 ! matroskamux", true),
        ("plain.avi", "jpegenc ! avimux", true),
        ("raw.h264", "x264enc bframes=2 key-int-max=10 ! video/x-h264,stream-format=byte-stream", false),
        ("raw.h265", "x265enc ! video/x-h265,stream-format=byte-stream", false),
        ("raw.mjpeg", "jpegenc", false),
        ("ten-bit.mkv", "videoconvert ! video/x-raw,format=I420_10LE ! x264enc ! matroskamux", true),
    ] {
        let path = folder.path().join(name);
        make_file(&format!("{source} ! {tail} ! filesink name=out"), &path);
        let start = Wall::from_unix_ms(1_700_000_000_000);
        let reader = file::Reader::open(&path).expect(name).starting_at(start);
        let info = reader.info();
        assert_eq!(info.size, Size::new(320, 240), "{name}");
        assert_eq!(info.fps, Some(25.0), "{name}");
        assert_eq!(info.duration.map(|d| d.as_millis()), timed.then_some(2000), "{name}");
        let frames: Vec<Frame> = reader.collect::<Result<_, _>>().expect(name);
        let times: Vec<_> = frames.iter().map(|f| f.media.ms()).collect();
        assert_eq!(times, (0..50).map(|i| i * 40).collect::<Vec<_>>(), "{name}");
        assert!(frames.iter().enumerate().all(|(i, f)| f.number == i as u64), "{name}");
        assert_eq!(frames[7].arrived.wall, Wall::from_unix_ms(1_700_000_000_280), "{name}");
        assert_eq!(frames[7].picture.chroma(), Chroma::Planar420, "{name}");
    }
}

#[test]
fn sound_and_a_second_picture_are_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sound.mkv");
    let video = |w: u32, n| {
        format!(
            "videotestsrc num-buffers={n} ! video/x-raw,format=I420,width={w},height=96,framerate=10/1 ! x264enc ! m."
        )
    };
    let sound = "audiotestsrc num-buffers=200 ! audioconvert ! m.";
    make_file(
        &format!("{} {sound} {} matroskamux name=m ! filesink name=out", video(128, 30), video(160, 25)),
        &path,
    );
    let reader = file::Reader::open(&path).expect("opens");
    let (width, frames) = (reader.info().size.w, reader.inspect(|frame| assert!(frame.is_ok())).count());
    assert!([(128, 30), (160, 25)].contains(&(width, frames)), "{frames} frames {width} wide");
}

#[test]
fn what_is_no_video_is_told_in_words() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name);
    std::fs::write(file("empty.mp4"), b"").expect("writes");
    std::fs::write(file("text.mp4"), "this is no video at all\n".repeat(100)).expect("writes");
    let noise: Vec<u8> = (0..200_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    std::fs::write(file("noise.avi"), noise).expect("writes");
    make_file("audiotestsrc num-buffers=20 ! wavenc ! filesink name=out", &file("sound.wav"));
    make_file(
        "audiotestsrc num-buffers=20 ! audioconvert ! matroskamux ! filesink name=out",
        &file("sound.mkv"),
    );
    for (path, words) in [
        (file("missing.mp4"), "cannot be read"),
        (folder.path().to_owned(), "cannot be read"),
        (file("empty.mp4"), "is not a video"),
        (file("text.mp4"), "is not a video"),
        (file("noise.avi"), "is not a video"),
        (file("sound.wav"), "has no video stream"),
        (file("sound.mkv"), "has no video stream"),
    ] {
        match file::Reader::open(&path) {
            Ok(_) => panic!("{} opens", path.display()),
            Err(e) => assert!(e.to_string().contains(words), "{e}"),
        }
    }
}

#[test]
fn a_file_that_is_cut_off_plays_to_where_it_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = "videotestsrc num-buffers=100 pattern=snow ! video/x-raw,format=I420,width=320,height=240,framerate=25/1";
    for (name, tail) in [
        ("cut.mp4", "x264enc key-int-max=10 ! mp4mux faststart=true"),
        ("cut.mkv", "x264enc key-int-max=10 ! matroskamux"),
        ("cut.avi", "jpegenc ! avimux"),
    ] {
        let path = folder.path().join(name);
        make_file(&format!("{source} ! {tail} ! filesink name=out"), &path);
        let whole = std::fs::read(&path).expect("reads");
        std::fs::write(&path, &whole[..whole.len() * 6 / 10]).expect("writes");
        let (frames, errors): (Vec<_>, Vec<_>) =
            file::Reader::open(&path).expect(name).partition(Result::is_ok);
        assert!((40..80).contains(&frames.len()), "{name}: {} frames", frames.len());
        let [Err(error)] = errors.as_slice() else { panic!("{name}: {errors:?}") };
        assert!(matches!(error, file::FileError::Truncated { .. }), "{name}: {error}");
    }
}

#[test]
fn vtest_reads_whole() {
    let Some(path) = vtest() else { return };
    let reader = file::Reader::open(path).expect("vtest opens");
    assert_eq!((reader.info().size, reader.info().fps), (Size::new(768, 576), Some(10.0)));
    let frames = reader.map(|frame| frame.expect("vtest is whole")).inspect(|frame| {
        assert_eq!(frame.media.ms(), frame.number as i64 * 100);
    });
    assert_eq!(frames.count(), 795);
}

#[test]
fn pictures_beyond_the_limit_are_refused_before_they_cost_memory() {
    let backend = software();
    let (large, small) = (Size::new(8224, 64), Size::new(320, 240));
    for (codec, encoder) in [
        (Codec::H264, "x264enc tune=zerolatency"),
        (Codec::H265, "x265enc tune=zerolatency"),
        (Codec::Mjpeg, "jpegenc"),
    ] {
        if !installed(codec) {
            continue;
        }
        let refused = encode(encoder, codec, large, [pattern(large, 0)]);
        let taken = encode(encoder, codec, small, [pattern(small, 0)]);
        let mut decoder = Decoder::new(&backend, codec).expect("a decoder");
        match decoder.decode(&refused[0], &mut vec![]) {
            Err(DecodeError::PictureTooLarge(size)) => assert!(size.w >= 8224, "{codec:?}: {size}"),
            other => panic!("{codec:?}: {other:?}"),
        }
        assert_eq!(decode_all(&mut decoder, &taken).len(), 1, "{codec:?} goes on with what it can");
    }
}

/// A deterministic source of bytes.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below.max(1)
    }
}

/// Forty frames, a key frame every ten.
fn short_gops(codec: Codec) -> Vec<AccessUnit> {
    let size = Size::new(320, 240);
    let encoder = match codec {
        Codec::H264 => "x264enc tune=zerolatency key-int-max=10 option-string=scenecut=0 bitrate=800",
        Codec::H265 => {
            "x265enc tune=zerolatency key-int-max=10 option-string=scenecut=0:open-gop=0 bitrate=800"
        }
        Codec::Mjpeg => "jpegenc",
    };
    encode(encoder, codec, size, (0..40).map(|t| pattern(size, t)))
}

fn installed(codec: Codec) -> bool {
    gst::init().expect("GStreamer starts");
    codec != Codec::H265 || gst::ElementFactory::find("x265enc").is_some()
}

/// Bends the bytes of a unit in one of the ways in which networks and cameras do.
fn damage(way: usize, unit: &AccessUnit, dice: &mut Dice) -> AccessUnit {
    let mut bytes = unit.data.to_vec();
    match way {
        0 => (0..8).for_each(|_| {
            let at = dice.roll(bytes.len());
            bytes[at] ^= 1 << dice.roll(8);
        }),
        1 => bytes.truncate(1 + dice.roll(bytes.len())),
        2 => bytes.iter_mut().for_each(|byte| *byte = dice.roll(256) as u8),
        3 => bytes.iter_mut().skip(6).for_each(|byte| *byte = dice.roll(256) as u8),
        4 => bytes.fill(0),
        _ => {
            let third = bytes.len() / 3;
            bytes.rotate_left(third);
        }
    }
    AccessUnit { data: bytes.into(), ..unit.clone() }
}

#[test]
fn damage_costs_frames_and_the_next_key_frame_mends_it() {
    let backend = software();
    let mut dice = Dice(20_260_309);
    for codec in [Codec::H264, Codec::H265, Codec::Mjpeg].into_iter().filter(|codec| installed(*codec)) {
        let good = short_gops(codec);
        for way in 0..6 {
            let mut decoder = Decoder::new(&backend, codec).expect("a decoder");
            let mut frames = vec![];
            for round in 0..12 {
                for unit in &good {
                    let bad = if dice.roll(3) == 0 { damage(way, unit, &mut dice) } else { unit.clone() };
                    // Whether a bent unit can be decoded is the decoder's business; that it goes on is ours.
                    let _ = decoder.decode(&bad, &mut frames);
                }
                // Good units at last: from the second key frame on at the latest, every frame comes.
                frames.clear();
                let mut lost = vec![];
                for (index, unit) in good.iter().enumerate() {
                    if let Err(e) = decoder.decode(unit, &mut frames) {
                        lost.push((index, e));
                    }
                }
                let late = frames.iter().filter(|frame| frame.media >= good[10].media).count();
                assert!(late >= 29, "{codec:?}, way {way}, round {round}: {late} frames; lost: {lost:?}");
                decoder.drain(&mut frames);
                let last = frames.last().expect("frames").media;
                assert_eq!(last, good[39].media, "{codec:?}, way {way}, round {round}");
            }
        }
    }
}

/// What is no picture at all.
fn garbage(unit: &AccessUnit) -> AccessUnit {
    AccessUnit { data: Bytes::from_static(b"HTTP/1.1 503 Service Unavailable\r\n\r\n"), ..unit.clone() }
}

#[test]
fn after_a_unit_that_fails_nothing_is_shown_until_a_key_frame() {
    let units = short_gops(Codec::H264);
    let mut decoder = Decoder::new(&software(), Codec::H264).expect("a decoder");
    let mut frames = vec![];
    for (index, unit) in units.iter().enumerate() {
        let before = frames.len();
        if index == 14 {
            let failed = decoder.decode(&garbage(unit), &mut frames);
            assert!(matches!(failed, Err(DecodeError::Undecodable(_))), "{failed:?}");
            assert_eq!(frames.len(), before);
        } else if (15..20).contains(&index) {
            assert_eq!(decoder.decode(unit, &mut frames), Err(DecodeError::Damaged), "unit {index}");
            assert_eq!(frames.len(), before, "unit {index} refers to what was lost");
        } else {
            assert_eq!(decoder.decode(unit, &mut frames), Ok(()), "unit {index}");
        }
    }
    decoder.drain(&mut frames);
    assert_eq!(frames.len(), 34);
    assert!(frames.iter().enumerate().all(|(index, frame)| frame.number == index as u64));
}

/// A camera with periodic intra refresh sends one key frame in its life.
#[test]
fn without_further_key_frames_a_stream_heals_all_the_same() {
    let size = Size::new(128, 96);
    let encoder = "x264enc tune=zerolatency intra-refresh=true key-int-max=30 bitrate=300";
    let pictures: Vec<_> = (0..420).map(|t| pattern(size, t)).collect();
    let mut units = encode(encoder, Codec::H264, size, pictures.clone());
    // The parser calls the beginning of each refresh a key frame; many a camera does not.
    units.iter_mut().skip(1).for_each(|unit| unit.is_key = false);
    units[20] = garbage(&units[20]);
    let mut decoder = Decoder::new(&software(), Codec::H264).expect("a decoder");
    let mut frames = vec![];
    for unit in &units {
        // Errors are those of the test above.
        let _ = decoder.decode(unit, &mut frames);
    }
    decoder.drain(&mut frames);
    let late: Vec<_> = frames.iter().filter(|frame| frame.media >= units[330].media).collect();
    assert_eq!(late.len(), 90, "all of the last frames are shown");
    for frame in late {
        let index = (frame.media.ms() * FPS / 1000) as usize;
        let got = psnr(&packed(&frame.picture), &pictures[index]);
        assert!(got > 30.0, "frame {index}: {got:.1} dB");
    }
    assert!(frames.len() < 130, "what is damaged is withheld: {}", frames.len());
}

#[test]
fn units_of_another_codec_are_survived() {
    if !installed(Codec::H265) {
        eprintln!("SKIPPED: x265enc is not installed");
        return;
    }
    let backend = software();
    let (h264, h265) = (short_gops(Codec::H264), short_gops(Codec::H265));
    for (codec, own, foreign) in [(Codec::H264, &h264, &h265), (Codec::H265, &h265, &h264)] {
        let mut decoder = Decoder::new(&backend, codec).expect("a decoder");
        let mut frames = vec![];
        let mut told = 0;
        for _ in 0..5 {
            for unit in foreign {
                let disguised = AccessUnit { codec, ..unit.clone() };
                told += usize::from(decoder.decode(&disguised, &mut frames).is_err());
            }
        }
        assert_eq!(frames.len(), 0, "{codec:?}");
        assert!(told > 0, "{codec:?}: silence is no success");
        assert_eq!(decode_all(&mut decoder, own).len(), 40, "{codec:?} recovers at once");
    }
}

#[test]
fn pictures_that_are_held_stay_as_they_are_and_stall_nothing() {
    let size = Size::new(320, 240);
    let backend = software();
    for codec in [Codec::H264, Codec::H265, Codec::Mjpeg].into_iter().filter(|codec| installed(*codec)) {
        let pictures: Vec<_> = (0..100).map(|t| pattern(size, t)).collect();
        let encoder = match codec {
            Codec::H264 => "x264enc bframes=2 bitrate=2000",
            Codec::H265 => "x265enc bitrate=2000",
            Codec::Mjpeg => "jpegenc quality=90",
        };
        let units = encode(encoder, codec, size, pictures.clone());
        let mut decoder = Decoder::new(&backend, codec).expect("a decoder");
        // All hundred are alive at the end, and looked at only then.
        let frames = decode_all(&mut decoder, &units);
        assert_eq!(frames.len(), 100, "{codec:?}");
        drop(decoder);
        for (frame, picture) in frames.iter().zip(&pictures) {
            let got = psnr(&packed(&frame.picture), picture);
            assert!(got > 33.0, "{codec:?}, frame {}: {got:.1} dB", frame.number);
        }
    }
}

#[test]
fn a_stream_may_change_its_size_in_the_middle() {
    let backend = software();
    for codec in [Codec::H264, Codec::H265, Codec::Mjpeg].into_iter().filter(|codec| installed(*codec)) {
        let encoder = match codec {
            Codec::H264 => "x264enc bframes=2 bitrate=2000",
            Codec::H265 => "x265enc bitrate=2000",
            Codec::Mjpeg => "jpegenc quality=90",
        };
        let sizes = [Size::new(640, 360), Size::new(320, 240), Size::new(704, 576)];
        let mut units = vec![];
        let mut expected = vec![];
        for (part, size) in sizes.into_iter().enumerate() {
            let pictures: Vec<_> = (0..15).map(|t| pattern(size, t)).collect();
            units.extend(encode(encoder, codec, size, pictures.clone()).into_iter().map(|unit| AccessUnit {
                media: MediaTime::from_ms(unit.media.ms() + part as i64 * 1500),
                ..unit
            }));
            expected.extend(pictures.into_iter().map(|picture| (size, picture)));
        }
        let frames = decode_all(&mut Decoder::new(&backend, codec).expect("a decoder"), &units);
        assert_eq!(frames.len(), 45, "{codec:?}");
        for (frame, (size, picture)) in frames.iter().zip(&expected) {
            assert_eq!(frame.picture.size(), *size, "{codec:?}, frame {}", frame.number);
            assert!(psnr(&packed(&frame.picture), picture) > 33.0, "{codec:?}, frame {}", frame.number);
        }
    }
}

#[test]
fn decoding_begins_at_a_key_frame() {
    let units = short_gops(Codec::H264);
    let mut decoder = Decoder::new(&software(), Codec::H264).expect("a decoder");
    let mut frames = vec![];
    assert_eq!(decoder.decode(&units[1], &mut frames), Err(DecodeError::NeedsKey));
    assert_eq!(decoder.decode(&units[10], &mut frames), Ok(()));
    decoder.reset();
    assert_eq!(decoder.decode(&units[11], &mut frames), Err(DecodeError::NeedsKey));
    frames.clear();
    assert_eq!(decode_all(&mut decoder, &units[20..]).len(), 20);
    assert_eq!(decode_all(&mut decoder, &units).len(), 40, "a drained decoder goes on");
    let mut successor = Decoder::new(&software(), Codec::H264).expect("a decoder").counting_from(61);
    let numbers: Vec<u64> = decode_all(&mut successor, &units[30..]).iter().map(|f| f.number).collect();
    assert_eq!(numbers, (61..71).collect::<Vec<_>>());
}

#[test]
fn units_that_cannot_be_are_refused() {
    let unit = short_gops(Codec::H264).swap_remove(0);
    let mut decoder = Decoder::new(&software(), Codec::H264).expect("a decoder");
    let large = 40 << 20;
    for (bad, error) in [
        (AccessUnit { data: Bytes::new(), ..unit.clone() }, DecodeError::Empty),
        (AccessUnit { data: vec![0; large].into(), ..unit.clone() }, DecodeError::UnitTooLarge(large)),
        (
            AccessUnit { codec: Codec::Mjpeg, ..unit.clone() },
            DecodeError::Codec { expected: Codec::H264, found: Codec::Mjpeg },
        ),
    ] {
        assert_eq!(decoder.decode(&bad, &mut vec![]), Err(error));
    }
    assert_eq!(decode_all(&mut decoder, &[unit]).len(), 1);
}

#[test]
fn the_walkers_of_vtest_move_and_what_is_parked_does_not() {
    let Some(path) = vtest() else { return };
    let mut detector = MotionDetector::new();
    let mut motion = Motion::default();
    let (mut looks, mut empty, mut covered) = (0u32, 0u32, 0.0);
    for frame in file::Reader::open(path).expect("vtest opens") {
        let frame = frame.expect("vtest is whole");
        detector.look(&frame.picture, &mut motion);
        assert!(motion.changed_share < 0.2, "frame {}: nothing changes as a whole here", frame.number);
        assert!(motion.regions.len() <= 16);
        if frame.number >= 20 {
            looks += 1;
            empty += u32::from(motion.regions.is_empty());
            covered += motion.regions.iter().map(cunkou::geometry::UnitBox::area).sum::<f32>();
        }
    }
    assert!(empty == 0, "somebody is always under way, and {empty} looks of {looks} saw nobody");
    let mean = covered / looks as f32;
    assert!((0.04..0.25).contains(&mean), "regions cover {mean} of the picture");
}
