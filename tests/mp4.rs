//! Recordings of real encoders: what was muxed, cut off, and cut plays in GStreamer, picture by picture.

#![allow(missing_docs, reason = "a test binary has no public items")]

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::Path,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use cunkou::{
    camera::{AccessUnit, Codec},
    config::StreamRole,
    decode::file,
    geometry::Size,
    record::mp4::{self, CutEnd, Facts, Muxer, Source, Stretch, VideoTrack},
    time::{MediaTime, Mono, Now, Wall},
};
use gstreamer::{self as gst, prelude::*};
use gstreamer_app as gst_app;

const SIZE: Size = Size::new(160, 90);
const PICTURES: i64 = 40;
const GOP: i64 = 10;
const STEP_MS: i64 = 100;

/// How a camera may code: a name, the encoder, what its codec string begins with.
type Coding = (&'static str, Codec, &'static str, &'static str);

const CODINGS: [Coding; 5] = [
    ("h264", Codec::H264, "x264enc key-int-max=10 bframes=0 option-string=scenecut=0", "avc1.64"),
    (
        "h264 with B frames",
        Codec::H264,
        "x264enc key-int-max=10 bframes=3 b-pyramid=true b-adapt=false option-string=scenecut=0",
        "avc1.64",
    ),
    (
        "h265",
        Codec::H265,
        "x265enc key-int-max=10 speed-preset=ultrafast option-string=bframes=0:scenecut=0:log-level=none",
        "hvc1.1.6.L",
    ),
    (
        "h265 with B frames",
        Codec::H265,
        "x265enc key-int-max=10 speed-preset=ultrafast option-string=bframes=3:b-adapt=0:open-gop=0:scenecut=0:log-level=none",
        "hvc1.1.6.L",
    ),
    ("mjpeg", Codec::Mjpeg, "jpegenc", ""),
];

/// Pictures behind a key picture that are shown before it, and need pictures of the group before.
const OPEN: &str = "x265enc key-int-max=10 speed-preset=ultrafast option-string=bframes=3:b-adapt=0:open-gop=1:scenecut=0:log-level=none";

/// libx265 sets up tables of the whole process without a lock: encoders open and close one after another. Guards nothing else.
static ENCODING: Mutex<()> = Mutex::new(());

fn wall(ms: i64) -> Wall {
    Wall::from_unix_ms(1_773_079_445_000 + ms)
}

/// A test picture that moves, as a camera sends it, beginning at `from_ms`.
fn encoded(codec: Codec, encoder: &str, from_ms: i64) -> Vec<AccessUnit> {
    let _alone = ENCODING.lock().unwrap_or_else(PoisonError::into_inner);
    gst::init().expect("GStreamer starts");
    let tail = match codec {
        Codec::H264 => {
            "video/x-h264,profile=high ! h264parse config-interval=-1 ! video/x-h264,stream-format=byte-stream,alignment=au"
        }
        Codec::H265 => "h265parse config-interval=-1 ! video/x-h265,stream-format=byte-stream,alignment=au",
        Codec::Mjpeg => "image/jpeg",
    };
    let line = format!(
        "videotestsrc num-buffers={PICTURES} pattern=ball ! video/x-raw,format=I420,width={},height={},framerate=10/1 \
         ! {encoder} ! {tail} ! appsink name=out sync=false",
        SIZE.w, SIZE.h
    );
    let pipeline = gst::parse::launch(&line).expect(&line).downcast::<gst::Pipeline>().expect("a pipeline");
    let sink = pipeline.by_name("out").expect("out").downcast::<gst_app::AppSink>().expect("an appsink");
    pipeline.set_state(gst::State::Playing).expect("plays");
    let (mut first, mut units) = (None, Vec::new());
    while let Ok(sample) = sink.pull_sample() {
        let buffer = sample.buffer().expect("a buffer");
        let pts_ms = buffer.pts().expect("a time").mseconds() as i64;
        let media_ms = pts_ms - *first.get_or_insert(pts_ms);
        let arrived = wall(from_ms + units.len() as i64 * STEP_MS);
        units.push(AccessUnit {
            role: StreamRole::Main,
            codec,
            data: Bytes::copy_from_slice(&buffer.map_readable().expect("maps")),
            is_key: !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT),
            media: MediaTime::from_ms(media_ms),
            camera_clock: None,
            arrived: Now { mono: Mono::ZERO, wall: arrived },
            packets_lost: 0,
        });
    }
    pipeline.set_state(gst::State::Null).expect("stops");
    assert_eq!(units.len() as i64, PICTURES, "{line}");
    units
}

/// A segment with a fragment for each group of pictures.
fn segment(path: &Path, units: &[AccessUnit]) -> usize {
    let video = VideoTrack::of_key(units[0].codec, &units[0].data).expect("the encoder sends its parameters");
    assert_eq!(video.size(), SIZE);
    let facts = Facts {
        station: "north".parse().expect("an id"),
        camera: "gate-1".parse().expect("an id"),
        role: StreamRole::Main,
        from: units[0].arrived.wall,
        skew_ms: None,
    };
    let (mut muxer, mut bytes) = Muxer::new(video, None, &facts);
    let mut count = 0;
    let mut add = |fragment: Option<mp4::FragmentBytes>| {
        count += usize::from(fragment.is_some());
        fragment.iter().for_each(|it| bytes.extend_from_slice(&it.bytes));
    };
    for (index, unit) in (0..).zip(units) {
        if index % GOP == 0 {
            add(muxer.cut(Some(unit.media)));
        }
        muxer.push_video(unit).expect("in order");
    }
    add(muxer.cut(None));
    fs::write(path, bytes).expect("written");
    count
}

/// Times of all frames that can be decoded, in ms from the first.
fn played(path: &Path) -> Vec<i64> {
    let frames: Vec<i64> = file::Reader::open(path)
        .expect("a video")
        .map(|it| it.expect("plays to its end").media.ms())
        .collect();
    frames.iter().map(|it| it - frames[0]).collect()
}

fn steady(count: i64) -> Vec<i64> {
    (0..count).map(|at| at * STEP_MS).collect()
}

fn near(found: &[i64], expected: &[i64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: {found:?}");
    let is_near = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() <= 1);
    assert!(is_near, "{what}: {found:?}");
}

/// The whole file of a cut.
fn save(cut: &mp4::Cut, files: &mut [File], to: &Path) {
    let mut bytes = Vec::new();
    for it in cut.stretches(0..cut.total_len) {
        match it {
            Stretch::Head(head) => bytes.extend_from_slice(head),
            Stretch::File(piece) => {
                let file = &mut files[piece.segment];
                file.seek(SeekFrom::Start(piece.offset)).expect("seeks");
                file.take(piece.len).read_to_end(&mut bytes).expect("reads");
            }
        }
    }
    assert_eq!(bytes.len() as u64, cut.total_len);
    fs::write(to, bytes).expect("written");
}

#[test]
fn recordings_of_every_coding_play_whole_cut_off_and_cut() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    for (what, codec, encoder, codec_string) in CODINGS {
        let paths = [at("a.mp4"), at("b.mp4")];
        for (path, from_ms) in paths.iter().zip([0, 6000]) {
            assert_eq!(segment(path, &encoded(codec, encoder, from_ms)) as i64, PICTURES / GOP, "{what}");
        }
        near(&played(&paths[0]), &steady(PICTURES), what);

        let mut files = paths.each_ref().map(|path| File::open(path).expect("opens"));
        let scanned = files.each_mut().map(|file| mp4::scan(file).expect("a recording"));
        let told = scanned[0].tracks.video_codec();
        assert_eq!(told.is_some(), !codec_string.is_empty(), "{what}");
        assert!(told.unwrap_or_default().starts_with(codec_string), "{what}: {:?}", scanned[0].tracks);

        // Killed in the middle of the last fragment.
        let torn = at("torn.mp4");
        let last = scanned[0].fragments[3];
        let bytes = fs::read(&paths[0]).expect("reads");
        fs::write(&torn, &bytes[..(last.offset + u64::from(last.len) / 2) as usize]).expect("written");
        let whole = mp4::scan(&mut File::open(&torn).expect("opens")).expect("a recording");
        assert_eq!((whole.fragments.len(), whole.whole_len), (3, last.offset), "{what}");
        File::options()
            .write(true)
            .open(&torn)
            .and_then(|it| it.set_len(whole.whole_len))
            .expect("shortened");
        near(&played(&torn), &steady(PICTURES - GOP), what);

        // From the middle of one segment into the next one, over what is missing between them.
        let mut sources: Vec<_> =
            scanned.iter().zip(&mut files).map(|(scanned, file)| Source { scanned, file }).collect();
        let cut = mp4::plan(&mut sources, wall(2000), wall(8000)).expect("recorded");
        let begins = (cut.from, cut.end);
        assert_eq!(begins, (wall(2000), CutEnd::Whole), "{what}");
        save(&cut, &mut files, &at("cut.mp4"));
        let (first, gap) = (PICTURES / 2, 4000);
        let expected: Vec<i64> =
            steady(first).into_iter().chain(steady(20).into_iter().map(|it| it + gap)).collect();
        near(&played(&at("cut.mp4")), &expected, what);

        // The same as a stream for browsers: what is missing is missing in it, too.
        let mut sources: Vec<_> =
            scanned.iter().zip(&mut files).map(|(scanned, file)| Source { scanned, file }).collect();
        let stream = mp4::playback(&mut sources, wall(2000), wall(8000));
        if codec_string.is_empty() {
            assert!(matches!(stream, Err(mp4::NoPlayback::NotPlayable)), "{what}");
            continue;
        }
        let stream = stream.expect("recorded");
        assert!(stream.mime.contains(codec_string), "{what}: {}", stream.mime);
        let mut bytes = Vec::new();
        for part in &stream.parts {
            let mut read = vec![0; part.len as usize];
            files[part.segment].seek(SeekFrom::Start(part.offset)).expect("seeks");
            files[part.segment].read_exact(&mut read).expect("reads");
            part.apply(&mut read);
            bytes.extend_from_slice(&read);
        }
        assert_eq!(bytes.len() as u64, stream.total_len, "{what}");
        fs::write(at("stream.mp4"), bytes).expect("written");
        near(&played(&at("stream.mp4")), &expected, what);
    }
}

#[test]
fn open_groups_play_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("open.mp4");
    segment(&path, &encoded(Codec::H265, OPEN, 0));
    near(&played(&path), &steady(PICTURES), "all of them");
}
