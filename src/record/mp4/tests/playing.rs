//! What a stream for browsers holds: one time line over segments, holes where nothing was recorded, another head where another is needed.

use std::io::Cursor;

use proptest::prelude::*;

use super::{
    super::{AudioTrack, CutEnd, Law, NoPlayback, Playback, Source, playback, samples, scan},
    *,
};

fn plan(segments: &[Vec<u8>], from_ms: i64, to_ms: i64) -> Result<Playback, NoPlayback> {
    let mut files: Vec<_> = segments.iter().map(Cursor::new).collect();
    let scanned: Vec<_> = files.iter_mut().map(|file| scan(file).expect("a file")).collect();
    let mut sources: Vec<_> =
        scanned.iter().zip(&mut files).map(|(scanned, file)| Source { scanned, file }).collect();
    playback(&mut sources, wall(from_ms), wall(to_ms))
}

/// The bytes of the stream, a part each.
fn played(plan: &Playback, segments: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let parts = plan.parts.iter().map(|part| {
        let mut bytes = segments[part.segment][part.offset as usize..][..part.len as usize].to_vec();
        part.apply(&mut bytes);
        bytes
    });
    let parts: Vec<Vec<u8>> = parts.collect();
    assert_eq!(parts.iter().map(Vec::len).sum::<usize>() as u64, plan.total_len);
    parts
}

/// When pictures and sound are decoded, ms; of a stream with one head.
fn times(stream: Vec<u8>) -> (Vec<u64>, Vec<u64>) {
    let mut file = Cursor::new(stream);
    let scanned = scan(&mut file).expect("a stream");
    assert_eq!(scanned.whole_len, file.get_ref().len() as u64);
    let (mut pictures, mut sound) = (Vec::new(), Vec::new());
    for span in &scanned.fragments {
        let both = samples(&mut file, &scanned.tracks, span).expect("readable");
        pictures.extend(both.video.iter().map(|it| it.decode / 90));
        sound.extend(both.audio.iter().map(|it| it.decode * 1000 / 16_000));
    }
    (pictures, sound)
}

fn aac() -> Option<AudioTrack> {
    Some(AudioTrack::aac(&[0x14, 0x08]).expect("16 kHz, mono"))
}

#[test]
fn segments_are_one_time_line_and_a_hole_stays_one() {
    // The second follows at once but for jitter, the third 10 s later.
    let segments = [segment(0, 2, aac()).0, segment(2040, 2, aac()).0, segment(14_000, 1, aac()).0];
    let plan = plan(&segments, 1500, 99_000).expect("recorded");
    assert_eq!(plan.mime, "video/mp4; codecs=\"avc1.42c00a,mp4a.40.2\"");
    assert_eq!((plan.from, plan.to, plan.end), (wall(1000), wall(15_000), CutEnd::Whole));
    assert_eq!(plan.parts.iter().map(|it| it.segment).collect::<Vec<_>>(), [0, 0, 1, 1, 2], "one head");
    let stream = played(&plan, &segments).concat();
    let (pictures, sound) = times(stream.clone());
    let expected: Vec<u64> = (0..30).chain(130..140).map(|it| it * 100).collect();
    assert_eq!(pictures, expected);
    // Frames of 800 samples are told in a track of 16000 a second; each segment's begins with its pictures.
    assert_eq!([sound[0], sound[10], sound[30]], [0, 1000, 13_000]);
    // The media time beside the real time is the decoding time, too.
    let prft = stream.windows(4).position(|it| it == b"prft").expect("a fragment begins with one");
    assert_eq!(stream[prft + 20..prft + 28], 0u64.to_be_bytes());
}

#[test]
fn other_parameters_come_with_another_head_and_other_tracks_end_it() {
    let other = {
        let (mut muxer, mut file) = {
            let key = picture(2000, true, 10);
            let mut data = key.data.to_vec();
            let at = data.windows(2).position(|it| it == [0x68, 0xcb]).expect("a PPS");
            data[at + 1] = 0xeb;
            let video = VideoTrack::of_key(Codec::H264, &data).expect("has its parameter sets");
            Muxer::new(video, None, &facts(wall(2000)))
        };
        (0..10).for_each(|at| muxer.push_video(&picture(2000 + at * 100, at == 0, 9)).expect("in order"));
        file.extend_from_slice(&muxer.cut(None).expect("a fragment").bytes);
        file
    };
    let segments = [segment(0, 2, None).0, other, segment(3000, 1, None).0, segment(4000, 1, aac()).0];
    let whole = plan(&segments, 0, 9000).expect("recorded");
    assert_eq!((whole.to, whole.end), (wall(4000), CutEnd::Changed { at: wall(4000) }));
    let parts = played(&whole, &segments);
    let heads: Vec<usize> = (0..parts.len()).filter(|&it| parts[it][4..8] == *b"ftyp").collect();
    assert_eq!(heads, [0, 3, 5]);
    let second = times(parts[3..5].concat()).0;
    assert_eq!((second[0], second.len()), (2000, 10));
    assert_eq!(times(parts[5..].concat()).0[0], 3000);
    let rest = plan(&segments, 4000, 9000).expect("recorded");
    assert_eq!((rest.from, rest.end), (wall(4000), CutEnd::Whole));
}

#[test]
fn sound_that_no_browser_plays_is_left_out() {
    let segments = [segment(0, 2, Some(AudioTrack::g711(Law::A))).0, segment(2000, 1, None).0];
    let plan = plan(&segments, 0, 9000).expect("recorded");
    assert_eq!((plan.mime.as_str(), plan.end), ("video/mp4; codecs=\"avc1.42c00a\"", CutEnd::Whole));
    let parts = played(&plan, &segments);
    let (pictures, sound) = times(parts[..3].concat());
    assert_eq!((pictures.len(), sound.len()), (20, 0));
}

#[test]
fn nothing_is_nothing() {
    let segments = [segment(0, 2, None).0];
    assert!(matches!(plan(&segments, -2000, -1000), Err(NoPlayback::Cut(_))));
    assert!(matches!(plan(&[], 0, 1000), Err(NoPlayback::Cut(_))));
}

proptest! {
    /// A file may change under us: what was planned is applied to whatever is there.
    #[test]
    fn no_bytes_make_it_panic(flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20), cut in any::<prop::sample::Index>()) {
        let segments = [segment(0, 1, aac()).0];
        let plan = plan(&segments, 0, 9000).expect("recorded");
        for part in &plan.parts {
            let mut bytes = segments[0][part.offset as usize..][..part.len as usize].to_vec();
            for (at, by) in &flips {
                let at = at.index(bytes.len().min(400));
                bytes[at] ^= by;
            }
            bytes.truncate(cut.index(bytes.len() + 1));
            let len = bytes.len();
            part.apply(&mut bytes);
            prop_assert_eq!(bytes.len(), len);
        }
    }
}
