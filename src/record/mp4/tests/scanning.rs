//! What is found in files that were cut off, damaged, or are none.

use std::io::Cursor;

use proptest::prelude::*;

use super::{
    super::{AudioTrack, Law, ScanError, Source, Span, Tracks, mute, plan, samples, scan},
    *,
};

/// Everything that reads, over any bytes; what came of it does not matter.
fn read_all(bytes: &[u8]) -> Option<usize> {
    let mut file = Cursor::new(bytes);
    let scanned = scan(&mut file).ok()?;
    for span in &scanned.fragments {
        let found = samples(&mut file, &scanned.tracks, span).expect("it was whole a moment ago");
        assert!(found.video.iter().all(|it| it.offset + u64::from(it.len) <= scanned.whole_len));
    }
    let (_, _, _) = (scanned.tracks.video_codec(), scanned.tracks.audio_codec(), scanned.tracks.size());
    if let Ok(cut) =
        plan(&mut [Source { scanned: &scanned, file: &mut file }], wall(-1_000_000), wall(1_000_000))
    {
        assert!(cut.pieces.iter().all(|it| it.offset + it.len <= scanned.whole_len));
    }
    mute(&mut bytes.to_vec());
    Some(scanned.fragments.len())
}

#[test]
fn a_segment_is_found_as_it_was_written() {
    let (file, fragments) = segment(0, 3, Some(AudioTrack::g711(Law::A)));
    let scanned = scan(&mut Cursor::new(&file)).expect("a file");
    assert_eq!(scanned.facts, Some(facts(BEGIN)));
    assert_eq!(scanned.whole_len, file.len() as u64);
    let mut offset = u64::from(scanned.init_len);
    let expected: Vec<_> = fragments
        .iter()
        .map(|it| {
            let len = it.bytes.len() as u32;
            let span = Span { offset, len, from: it.from, length: it.length, is_key: it.is_key };
            offset += u64::from(len);
            span
        })
        .collect();
    assert_eq!(scanned.fragments, expected);
    assert_eq!(scanned.tracks.video_codec().as_deref(), Some("avc1.42c00a"));
    assert_eq!(scanned.tracks.size().to_string(), "176x144");
    assert!(scanned.tracks.has_sound());
    assert_eq!(scanned.tracks.mime(), None, "no browser has a name for A-law");
    assert_eq!(Some(scanned.tracks), Tracks::of_init(&file));
}

#[test]
fn wherever_a_file_is_cut_off_its_whole_fragments_are_found() {
    let (file, fragments) = segment(0, 2, None);
    let init_len = file.len() - fragments.iter().map(|it| it.bytes.len()).sum::<usize>();
    for len in 0..file.len() {
        let found = scan(&mut Cursor::new(&file[..len]));
        if len < init_len {
            assert!(matches!(found, Err(ScanError::NotARecording)), "{len}");
            continue;
        }
        let found = found.expect("its head is whole");
        let whole = usize::from(len >= init_len + fragments[0].bytes.len());
        assert_eq!(found.fragments.len(), whole, "{len}");
        assert_eq!(found.whole_len as usize, init_len + whole * fragments[0].bytes.len(), "{len}");
        read_all(&file[..len]);
    }
}

#[test]
fn zeros_behind_the_end_are_no_fragments() {
    let (mut file, _) = segment(0, 1, None);
    let whole = file.len() as u64;
    file.resize(file.len() + 5000, 0);
    assert_eq!(scan(&mut Cursor::new(&file)).expect("a file").whole_len, whole);
}

#[test]
fn sound_can_be_taken_out_in_place() {
    let (mut file, fragments) = segment(0, 2, Some(AudioTrack::g711(Law::A)));
    let init_len = file.len() - fragments.iter().map(|it| it.bytes.len()).sum::<usize>();
    let (init, rest) = file.split_at_mut(init_len);
    mute(init);
    mute(rest);
    let mut file = Cursor::new(&file);
    let scanned = scan(&mut file).expect("a file");
    assert!(!scanned.tracks.has_sound());
    assert_eq!(scanned.tracks.mime().as_deref(), Some("video/mp4; codecs=\"avc1.42c00a\""));
    assert_eq!(scanned.fragments.len(), 2);
    assert_eq!(samples(&mut file, &scanned.tracks, &scanned.fragments[1]).expect("readable").audio, []);
    let text = String::from_utf8_lossy(file.get_ref()).into_owned();
    assert_eq!(
        (text.matches("trex").count(), text.matches("traf").count(), text.matches("trak").count()),
        (1, 2, 1)
    );
}

proptest! {
    #[test]
    fn flipped_bytes_do_no_harm(flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let (mut file, _) = segment(0, 2, Some(AudioTrack::g711(Law::A)));
        for (at, value) in flips {
            let at = at.index(file.len());
            file[at] = value;
        }
        read_all(&file);
    }

    /// Numbers of boxes are what readers stumble over.
    #[test]
    fn wild_numbers_do_no_harm(
        at in any::<prop::sample::Index>(),
        value in prop_oneof![Just(0u32), Just(1), Just(u32::MAX), Just(i32::MAX as u32), Just(1 << 31), any::<u32>()],
    ) {
        let (mut file, fragments) = segment(0, 1, Some(AudioTrack::g711(Law::A)));
        let at = at.index(file.len() - fragments[0].bytes.len() + 600);
        file[at..at + 4].copy_from_slice(&value.to_be_bytes());
        read_all(&file);
    }

    #[test]
    fn random_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400), tail in 0usize..1200) {
        read_all(&bytes);
        let (file, _) = segment(0, 1, None);
        let keep = tail.min(file.len());
        read_all(&[&file[..keep], &bytes[..]].concat());
    }
}
