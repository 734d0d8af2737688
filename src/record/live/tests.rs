//! Streams that are watched: joined in mid-group, lagged behind, changed, lost and found.

use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::{
    super::testing::{unit, unit_at},
    projector::Projector,
    reel::{Item, More, Next, Reel, Standing},
    *,
};
use crate::{
    camera::{AccessUnit, AudioCoding, AudioUnit, Codec, Ending, StreamEvent, StreamInfo},
    config::StreamRole,
    metrics::Metrics,
    record::mp4::{self, Tracks},
    time::{MediaTime, Mono, Now, Wall},
};

pub(super) fn info(audio: Option<AudioCoding>) -> StreamInfo {
    StreamInfo { codec: Codec::H264, size: None, rfc6381: None, audio }
}

pub(super) fn feeds() -> (Feeds, Feed, Metrics) {
    let (camera, metrics) = (crate::testing::camera(), Metrics::new());
    let station = "north".parse().expect("an id");
    let (feeds, mut of_cameras) = Feeds::new(station, [(&camera, vec![StreamRole::Main])], metrics.clone());
    (feeds, of_cameras.remove(0).remove(0), metrics)
}

pub(super) fn watch(feeds: &Feeds) -> Viewer {
    feeds.watch(&"gate".parse().expect("an id"), None).expect("there is a seat")
}

/// Ten pictures a second, a key picture each two seconds.
pub(super) fn picture(number: u64) -> AccessUnit {
    unit(number * 100, number.is_multiple_of(20), 1000)
}

pub(super) fn hear(feed: &mut Feed, event: StreamEvent) {
    feed.hear(&event, || panic!("nobody has just sat down"));
}

/// What there is for a viewer without waiting.
pub(super) fn now(viewer: &mut Viewer) -> Vec<Shown> {
    use futures::FutureExt;
    viewer.next().now_or_never().flatten().unwrap_or_default()
}

fn kinds(shown: &[Shown]) -> Vec<&'static str> {
    let kind = |it: &Shown| match it {
        Shown::Init(..) => "init",
        Shown::Fragment(_) => "fragment",
        Shown::Skipped => "skipped",
        Shown::Gone(_) => "gone",
    };
    shown.iter().map(kind).collect()
}

/// All that a viewer was shown, as a file.
fn film(shown: &[Shown]) -> Vec<u8> {
    let bytes = |it: &Shown| match it {
        Shown::Init(_, bytes) | Shown::Fragment(bytes) => bytes.clone(),
        Shown::Skipped | Shown::Gone(_) => Bytes::new(),
    };
    shown.iter().flat_map(bytes).collect()
}

/// When each picture of a film is decoded, ms, and when the last one ends; of one initialisation part.
fn times(film: Vec<u8>) -> Vec<u64> {
    let mut file = std::io::Cursor::new(film);
    let scanned = mp4::scan(&mut file).expect("a film");
    assert_eq!(scanned.whole_len, file.get_ref().len() as u64, "all of it is whole");
    let mut times = Vec::new();
    for span in &scanned.fragments {
        let samples = mp4::samples(&mut file, &scanned.tracks, span).expect("readable").video;
        assert_eq!(samples[0].is_key, span.is_key);
        let end = times.pop();
        assert!(end.is_none_or(|end| end == samples[0].decode / 90), "a hole before {span:?}");
        times.extend(samples.iter().map(|it| it.decode / 90));
        let last = samples.last().expect("not empty");
        times.push((last.decode + u64::from(last.duration)) / 90);
    }
    times
}

#[test]
fn who_sits_down_sees_the_group_in_memory_at_once_and_then_each_picture_as_it_comes() {
    let (feeds, mut feed, metrics) = feeds();
    hear(&mut feed, StreamEvent::Playing(info(None)));
    (0..27).for_each(|number| hear(&mut feed, StreamEvent::Unit(picture(number))));
    let mut viewer = watch(&feeds);
    assert_eq!(metrics.live_viewers.get(), 1);
    assert_eq!(kinds(&now(&mut viewer)), [""; 0]);
    feed.hear(&StreamEvent::Unit(picture(27)), || (20..27).map(picture).collect());
    let mut shown = now(&mut viewer);
    assert_eq!(kinds(&shown), ["init", "fragment"]);
    let Shown::Init(opening, init) = &shown[0] else { unreachable!() };
    assert_eq!(opening.mime, "video/mp4; codecs=\"avc1.42c00d\"");
    assert_eq!(
        (opening.from, opening.at, opening.heard),
        (Wall::from_unix_ms(2000), Duration::ZERO, Heard::None)
    );
    assert_eq!((opening.size.w, opening.size.h, opening.role), (320, 240, StreamRole::Main));
    assert_eq!(Tracks::of_init(init).and_then(|it| it.mime()).as_ref(), Some(&opening.mime));
    for number in 28..45 {
        hear(&mut feed, StreamEvent::Unit(picture(number)));
        let more = now(&mut viewer);
        assert_eq!(kinds(&more), ["fragment"], "{number}");
        shown.extend(more);
    }
    // The last one is held back until it is known how long it lasts.
    let expected: Vec<u64> = (0..=24).map(|it| it * 100).collect();
    assert_eq!(times(film(&shown)), expected);

    // The next one begins with the newest key picture.
    let mut second = watch(&feeds);
    let begun = now(&mut second);
    let Shown::Init(opening, _) = &begun[0] else { panic!("{:?}", kinds(&begun)) };
    assert_eq!(opening.from, Wall::from_unix_ms(4000));
    drop((viewer, second));
    assert_eq!(metrics.live_viewers.get(), 0);
    hear(&mut feed, StreamEvent::Unit(picture(45)));
    let mut late = watch(&feeds);
    assert_eq!(kinds(&now(&mut late)), [""; 0], "nothing is kept for nobody");
}

#[test]
fn a_camera_that_goes_and_comes_back_is_missing_for_as_long_in_the_viewers_time() {
    let (feeds, mut feed, _) = feeds();
    let mut viewer = watch(&feeds);
    assert_eq!(now(&mut viewer), [Shown::Gone("the camera has not been reached yet".to_owned())]);
    hear(&mut feed, StreamEvent::Playing(info(None)));
    (0..5).for_each(|number| hear(&mut feed, StreamEvent::Unit(picture(number))));
    hear(&mut feed, StreamEvent::Ended(Ending::Closed));
    let shown = now(&mut viewer);
    assert_eq!(kinds(&shown), ["init", "fragment", "fragment", "gone"]);
    assert_eq!(times(film(&shown)), [0, 100, 200, 300, 400, 500]);
    // Its own time begins anew.
    hear(&mut feed, StreamEvent::Playing(info(Some(AudioCoding::Ulaw))));
    let at = |ms: u64| Now { mono: Mono::from_start(Duration::from_millis(ms)), wall: Wall::from_unix_ms(1) };
    for number in 0..3 {
        let unit = unit_at(at(9000 + number * 100), MediaTime::from_ms(number as i64 * 100), number == 0, 9);
        hear(&mut feed, StreamEvent::Unit(unit));
    }
    let shown = now(&mut viewer);
    assert_eq!(kinds(&shown), ["init", "fragment"]);
    let Shown::Init(opening, _) = &shown[0] else { unreachable!() };
    // By the clock that never jumps.
    assert_eq!((opening.at, opening.heard), (Duration::from_secs(9), Heard::NotPlayable));
    assert_eq!(times(film(&shown)), [9000, 9100, 9200]);
}

#[test]
fn other_parameters_and_times_that_step_back_need_another_initialisation_part() {
    let (feeds, mut feed, _) = feeds();
    let mut viewer = watch(&feeds);
    hear(&mut feed, StreamEvent::Playing(info(None)));
    (0..3).for_each(|number| hear(&mut feed, StreamEvent::Unit(picture(number))));
    let mut other = picture(20);
    let mut data = other.data.to_vec();
    let at = data.windows(2).position(|it| it == [0x68, 0xcb]).expect("a PPS");
    data[at + 1] = 0xeb;
    other.data = data.into();
    hear(&mut feed, StreamEvent::Unit(other));
    let shown = now(&mut viewer);
    assert_eq!(kinds(&shown), ["gone", "init", "fragment", "fragment", "init"]);
    // The stream's own time steps back by a day, twice: what is shown goes on.
    for (number, media_ms) in [(40, 4000), (41, -86_400_000), (60, -86_398_000), (61, -86_397_900)] {
        let media = MediaTime::from_ms(media_ms);
        hear(&mut feed, StreamEvent::Unit(AccessUnit { media, ..picture(number) }));
    }
    let shown = now(&mut viewer);
    assert_eq!(kinds(&shown), ["fragment", "init", "fragment", "init", "fragment"]);
    let at = |it: &Shown| if let Shown::Init(opening, _) = it { Some(opening.at.as_millis()) } else { None };
    assert_eq!(shown.iter().filter_map(at).collect::<Vec<_>>(), [4000, 6000]);
    assert_eq!(times(film(&shown[3..])), [6000, 6100]);
}

#[test]
fn a_viewer_that_lags_is_told_and_goes_on_with_the_newest_key_picture() {
    let (feeds, mut feed, metrics) = feeds();
    let (mut slow, mut quick) = (watch(&feeds), watch(&feeds));
    hear(&mut feed, StreamEvent::Playing(info(None)));
    let mut seen = Vec::new();
    for number in 0..5 {
        hear(&mut feed, StreamEvent::Unit(picture(number)));
        seen.extend(now(&mut quick));
    }
    let mut shown = now(&mut slow);
    for number in 5..125 {
        hear(&mut feed, StreamEvent::Unit(picture(number)));
        seen.extend(now(&mut quick));
    }
    assert!(!kinds(&seen).contains(&"skipped"));
    assert_eq!(metrics.live_skips.get(), 0);
    let late = now(&mut slow);
    assert_eq!(kinds(&late), ["skipped", "fragment", "fragment"]);
    assert_eq!(metrics.live_skips.get(), 1);
    shown.extend(late);
    // The last picture before stands still until then: a player does not stall.
    let expected: Vec<u64> = [0, 1, 2, 3, 4].into_iter().chain(120..=124).map(|it| it * 100).collect();
    assert_eq!(times(film(&shown[1..])), expected);
}

#[test]
fn behind_a_skip_nothing_is_shown_before_a_key_picture() {
    let mut projector = Projector::new("north".parse().expect("an id"), "gate".parse().expect("an id"));
    let session = super::reel::Session { number: 1, info: info(None) };
    let mut shown = Vec::new();
    projector.resume(Standing::Playing(session.clone()), &mut shown);
    (0..3).for_each(|number| projector.take(Item::Picture(picture(number)), &mut shown));
    projector.flush(&mut shown);
    // What refers to pictures that were left out would be shown as garbage.
    projector.resume(Standing::Playing(session), &mut shown);
    (10..23).for_each(|number| projector.take(Item::Picture(picture(number)), &mut shown));
    projector.flush(&mut shown);
    assert_eq!(times(film(&shown)), [0, 100, 200, 2000, 2100, 2200]);
}

#[test]
fn sound_that_browsers_play_goes_along() {
    let mut projector = Projector::new("north".parse().expect("an id"), "gate".parse().expect("an id"));
    let session = |audio| super::reel::Session { number: 1, info: info(audio) };
    let config = Bytes::from_static(&[0x14, 0x08]);
    let mut shown = Vec::new();
    projector.resume(Standing::Playing(session(Some(AudioCoding::Aac { config }))), &mut shown);
    for number in 0..3 {
        projector.take(Item::Picture(picture(number)), &mut shown);
        let media = MediaTime::from_ms(number as i64 * 100);
        let arrived = picture(number).arrived;
        let sound = AudioUnit { data: Bytes::from_static(&[7; 50]), media, samples: 1024, arrived };
        projector.take(Item::Sound(sound), &mut shown);
    }
    projector.flush(&mut shown);
    let Shown::Init(opening, init) = &shown[0] else { panic!("{:?}", kinds(&shown)) };
    assert_eq!(
        (opening.heard, opening.mime.as_str()),
        (Heard::Aac, "video/mp4; codecs=\"avc1.42c00d,mp4a.40.2\"")
    );
    assert!(Tracks::of_init(init).expect("tracks").has_sound());
    let file = film(&shown);
    assert!(file.windows(50).any(|it| it == [7; 50]), "it is in it");
}

#[test]
fn pictures_that_no_browser_plays_are_told_once() {
    let (feeds, mut feed, _) = feeds();
    let mut viewer = watch(&feeds);
    now(&mut viewer);
    hear(&mut feed, StreamEvent::Playing(StreamInfo { codec: Codec::Mjpeg, ..info(None) }));
    let mut jpeg = Vec::new();
    jpeg_encoder::Encoder::new(&mut jpeg, 80)
        .encode(&[9; 16 * 16 * 3], 16, 16, jpeg_encoder::ColorType::Rgb)
        .expect("it encodes");
    for number in 0..3 {
        let unit =
            AccessUnit { codec: Codec::Mjpeg, data: jpeg.clone().into(), is_key: true, ..picture(number) };
        hear(&mut feed, StreamEvent::Unit(unit));
    }
    let shown = now(&mut viewer);
    let [Shown::Gone(why)] = &shown[..] else { panic!("{:?}", kinds(&shown)) };
    assert!(why.contains("MJPEG"), "{why}");
}

#[test]
fn seats_are_counted_and_streams_named() {
    let (mut camera, metrics) = (crate::testing::camera(), Metrics::new());
    camera.sub = Some("rtsp://127.0.0.1/sub".parse().expect("a URL"));
    let mut away = crate::testing::camera();
    (away.id, away.maintenance) = ("away".parse().expect("an id"), true);
    let cameras = [(&camera, vec![StreamRole::Sub]), (&away, vec![StreamRole::Main])];
    let (feeds, fed) = Feeds::new("north".parse().expect("an id"), cameras, metrics);
    assert_eq!(fed.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1]);
    let ask = |camera: &str, role| feeds.watch(&camera.parse().expect("an id"), role);
    let no_main = ask("gate", Some(StreamRole::Main)).expect_err("it is not read");
    assert!(no_main.to_string().contains("stream=sub"), "{no_main}");
    assert!(matches!(ask("away", None), Err(NoView::OutOfService(_))));
    assert!(matches!(ask("gone", None), Err(NoView::Unknown(_))));
    let mut seats: Vec<Viewer> = (0..16).map(|_| ask("gate", None).expect("a seat")).collect();
    let full = ask("gate", Some(StreamRole::Sub)).expect_err("all are taken");
    assert!(full.to_string().starts_with("16 people watch this camera"), "{full}");
    seats.pop();
    assert_eq!(ask("gate", None).expect("one was given back").role(), StreamRole::Sub);
}

proptest! {
    /// Whatever a viewer misses and whenever it reads: pictures come in order, none twice, and behind a skip begin with a key picture.
    #[test]
    fn a_reel_is_read_in_order(steps in proptest::collection::vec((1usize..80, 0usize..3, any::<bool>()), 1..40)) {
        let mut reel = Reel::new("not yet");
        reel.play(info(None));
        let (any, small, large) = (picture(0), Bytes::from_static(&[7; 10]), Bytes::from(vec![7; 200_000]));
        let (mut number, mut next, mut last, mut must_be_key) = (0u64, 0, None::<u64>, false);
        for (count, reads, is_large) in steps {
            for _ in 0..count {
                let is_key = number.is_multiple_of(20);
                let AccessUnit { media, arrived, .. } = unit(number * 100, is_key, 4);
                let data = if is_large { large.clone() } else { small.clone() };
                reel.picture(AccessUnit { media, arrived, is_key, data, ..any.clone() });
                number += 1;
            }
            for _ in 0..reads {
                match reel.since(&mut next, 1 << 20) {
                    Next::Skipped(_) => must_be_key = true,
                    Next::Items(items, more) => {
                        let bytes: usize = items.iter().map(|it| match it { Item::Picture(unit) => unit.data.len(), _ => 0 }).sum();
                        prop_assert!(bytes <= (1 << 20) + 200_200);
                        for item in items {
                            let Item::Picture(unit) = item else { continue };
                            let at = unit.media.ms() as u64 / 100;
                            prop_assert!(last.is_none_or(|last| at > last));
                            must_be_key &= !unit.is_key;
                            // Behind a skip that left no key picture, a projector waits for one.
                            prop_assert!(must_be_key || unit.is_key || last == at.checked_sub(1), "picture {at} behind {last:?}");
                            last = (!must_be_key).then_some(at).or(last);
                        }
                        prop_assert!(more == More::Yes || last == Some(number - 1) || must_be_key);
                    }
                }
            }
        }
    }
}
