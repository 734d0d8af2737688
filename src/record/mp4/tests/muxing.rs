//! What the muxer makes of times.

use std::{io::Cursor, time::Duration};

use proptest::prelude::*;

use super::{
    super::{AudioTrack, Law, NotTaken, STEP_AHEAD_MAX, STEP_BACK_MAX, Sample, Samples, samples, scan},
    *,
};

/// Muxes pictures shown at those times, cutting in front of those whose index is in `cuts`. The first is a key.
fn muxed(shown_ms: &[i64], cuts: &[usize]) -> Vec<Samples> {
    let (mut muxer, mut file) = muxer(None, BEGIN);
    let mut fragments = Vec::new();
    for (index, &at) in shown_ms.iter().enumerate() {
        let unit = picture(at, index == 0, 12);
        if cuts.contains(&index) {
            fragments.extend(muxer.cut(Some(unit.media)));
        }
        muxer.push_video(&unit).expect("in order");
    }
    fragments.extend(muxer.cut(None));
    fragments.iter().for_each(|it| file.extend_from_slice(&it.bytes));
    let mut file = Cursor::new(file);
    let scanned = scan(&mut file).expect("a file");
    assert_eq!(scanned.fragments.len(), fragments.len());
    scanned.fragments.iter().map(|it| samples(&mut file, &scanned.tracks, it).expect("readable")).collect()
}

/// Decoding time, composition offset and duration, in ms (rounded down).
fn times(samples: &Samples) -> Vec<(i64, i64, i64)> {
    let of = |it: &Sample| {
        (it.decode as i64 / 90, i64::from(it.composition).div_euclid(90), i64::from(it.duration / 90))
    };
    samples.video.iter().map(of).collect()
}

#[test]
fn the_nth_picture_is_decoded_when_the_nth_is_shown() {
    let without = muxed(&[0, 100, 200, 350, 400], &[3]);
    assert_eq!(times(&without[0]), [(0, 0, 100), (100, 0, 100), (200, 0, 150)]);
    // The last one lasts as long as the one before.
    assert_eq!(times(&without[1]), [(350, 0, 50), (400, 0, 50)]);
    let reordered = muxed(&[0, 300, 100, 200, 600, 400, 500], &[4]);
    assert_eq!(times(&reordered[0]), [(0, 0, 100), (100, 200, 100), (200, -100, 100), (300, -100, 300)]);
    assert_eq!(times(&reordered[1]), [(600, 0, 0), (600, -201, 0), (600, -101, 0)]);
    // A cut in the middle of reordered pictures: the next fragment makes up for it, by single ticks.
    let torn = muxed(&[0, 300, 100, 200, 400], &[2]);
    assert_eq!(times(&torn[0]), [(0, 0, 100), (100, 200, 200)]);
    assert_eq!(times(&torn[1]), [(300, -200, 0), (300, -101, 99), (400, 0, 50)]);
}

#[test]
fn a_fragment_tells_when_it_was() {
    let (_, fragments) = segment(0, 3, None);
    let told: Vec<_> = fragments.iter().map(|it| (it.from, it.length, it.is_key, it.pictures)).collect();
    let second = Duration::from_secs(1);
    assert_eq!(
        told,
        [(wall(0), second, true, 10), (wall(1000), second, true, 10), (wall(2000), second, true, 10)]
    );
}

#[test]
fn what_does_not_fit_is_not_taken() {
    let (mut muxer, _) = muxer(None, BEGIN);
    assert_eq!(muxer.cut(None), None);
    assert_eq!(muxer.push_video(&picture(0, false, 9)), Err(NotTaken::NoKey));
    assert_eq!(
        muxer.push_video(&AccessUnit { codec: Codec::H265, ..picture(0, true, 9) }),
        Err(NotTaken::OtherCodec)
    );
    assert_eq!(muxer.push_video(&picture(10_000, true, 9)), Ok(()));
    let back = STEP_BACK_MAX.as_millis() as i64;
    assert_eq!(muxer.push_video(&picture(10_000 - back, false, 9)), Err(NotTaken::StepBack));
    assert_eq!(muxer.push_video(&picture(10_001 - back, false, 9)), Ok(()));
    let ahead = STEP_AHEAD_MAX.as_millis() as i64;
    assert_eq!(muxer.push_video(&picture(10_001 + ahead, false, 9)), Err(NotTaken::StepAhead));
    let never = MediaTime { ticks_90k: i64::MAX };
    assert_eq!(
        muxer.push_video(&AccessUnit { media: never, ..picture(0, false, 9) }),
        Err(NotTaken::StepAhead)
    );
    assert_eq!(muxer.push_audio(&[1], ms(0), 1), Err(NotTaken::NoSound));
    let large = AccessUnit { data: vec![0x80; 60 << 20].into(), ..picture(10_100, false, 9) };
    assert_eq!(muxer.push_video(&large), Err(NotTaken::Full));
    assert_eq!(muxer.cut(None).map(|it| it.pictures), Some(2));
}

#[test]
fn more_pictures_than_the_room_in_front_was_made_for_move_the_data() {
    let shown: Vec<i64> = (0..300).map(|at| at * 10).collect();
    let all = muxed(&shown, &[5]);
    assert_eq!((all[0].video.len(), all[1].video.len()), (5, 295));
}

#[test]
fn sound_goes_with_the_pictures() {
    let (mut muxer, mut file) = muxer(Some(AudioTrack::g711(Law::Mu)), BEGIN);
    // Nothing to hear before there is something to see.
    assert_eq!(muxer.push_audio(&[9; 160], ms(500), 160), Ok(()));
    muxer.push_video(&picture(0, true, 9)).expect("a key");
    for at in [-20, 0, 20, 40, 200, 215] {
        muxer.push_audio(&[at as u8; 160], ms(500 + at), 160).expect("there is a track");
    }
    file.extend_from_slice(&muxer.cut(None).expect("a fragment").bytes);
    let mut file = Cursor::new(file);
    let scanned = scan(&mut file).expect("a file");
    let audio = samples(&mut file, &scanned.tracks, &scanned.fragments[0]).expect("readable").audio;
    // 8 ticks a ms. A hole is a long sample; a time that wavers is none.
    let told: Vec<_> = audio.iter().map(|it| (it.decode / 8, it.duration / 8, it.len)).collect();
    assert_eq!(told, [(0, 20, 160), (20, 20, 160), (40, 160, 160), (200, 20, 160), (220, 20, 160)]);
}

#[test]
fn samples_are_the_units_with_lengths_in_front() {
    let (file, _) = segment(0, 1, None);
    let mut cursor = Cursor::new(&file);
    let scanned = scan(&mut cursor).expect("a file");
    let found = samples(&mut cursor, &scanned.tracks, &scanned.fragments[0]).expect("readable");
    for (at, it) in (0..).zip(&found.video) {
        let expected = slice(at * 100, at == 0, 20 + at as usize % 7);
        let bytes = &file[it.offset as usize..][..it.len as usize];
        assert_eq!(bytes[..4], (expected.len() as u32).to_be_bytes());
        assert_eq!(bytes[4..], expected);
        assert_eq!(it.is_key, at == 0);
    }
}

proptest! {
    /// Whatever the order of pictures and wherever it is cut: times are kept, and decoding goes on.
    #[test]
    fn times_are_kept_and_decoding_goes_on(
        jitter in proptest::collection::vec(-600i64..600, 1..60),
        cuts in proptest::collection::vec(1usize..60, 0..8),
    ) {
        let shown: Vec<i64> = jitter.iter().enumerate().map(|(at, jitter)| if at == 0 { 0 } else { 700 + at as i64 * 66 + jitter }).collect();
        let fragments = muxed(&shown, &cuts);
        let all: Vec<_> = fragments.iter().flat_map(|it| &it.video).collect();
        let found: Vec<i64> = all.iter().map(|it| (it.decode as i64 + i64::from(it.composition)) / 90).collect();
        prop_assert_eq!(found, shown);
        for pair in all.windows(2) {
            prop_assert!(pair[0].decode < pair[1].decode);
            prop_assert!(pair[0].decode + u64::from(pair[0].duration) <= pair[1].decode);
        }
    }
}
