//! What a cut holds, and that it is served the same in whatever pieces it is asked for.

use std::io::Cursor;

use proptest::prelude::*;

use super::{
    super::{
        AudioTrack, Cut, CutEnd, CutError, Facts, Law, Scanned, Source, Stretch,
        boxes::{child, descendant},
        plan, scan,
    },
    *,
};

type Files = Vec<(Scanned, Cursor<Vec<u8>>)>;

fn files(segments: impl IntoIterator<Item = Vec<u8>>) -> Files {
    let open = |bytes| {
        let mut file = Cursor::new(bytes);
        (scan(&mut file).expect("a file"), file)
    };
    segments.into_iter().map(open).collect()
}

fn cut(files: &mut Files, from_ms: i64, to_ms: i64) -> Result<Cut, CutError> {
    let mut sources: Vec<_> = files.iter_mut().map(|(scanned, file)| Source { scanned, file }).collect();
    plan(&mut sources, wall(from_ms), wall(to_ms))
}

fn served(cut: &Cut, files: &Files, range: std::ops::Range<u64>) -> Vec<u8> {
    cut.stretches(range)
        .flat_map(|it| match it {
            Stretch::Head(bytes) => bytes,
            Stretch::File(piece) => {
                &files[piece.segment].1.get_ref()[piece.offset as usize..][..piece.len as usize]
            }
        })
        .copied()
        .collect()
}

/// Words behind version and flags of a table of the first track.
fn table(file: &[u8], kind: &[u8; 4]) -> Vec<u32> {
    let stbl = descendant(file, &[b"moov", b"trak", b"mdia", b"minf", b"stbl"]).expect("tables");
    let body = child(stbl, kind).expect("the table");
    body[4..].chunks_exact(4).map(|it| u32::from_be_bytes(it.try_into().expect("4 bytes"))).collect()
}

#[test]
fn a_cut_begins_with_the_key_picture_at_or_before_what_is_asked_for() {
    let mut files = files([segment(0, 5, None).0]);
    let asked = [
        ((1500, 2750), (1000, 2800)),
        ((1000, 2000), (1000, 2000)),
        ((-50, 100), (0, 100)),
        ((4900, 99_000), (4000, 5000)),
    ];
    for ((from, to), expected) in asked {
        let cut = cut(&mut files, from, to).expect("recorded");
        assert_eq!(
            (cut.from, cut.to, cut.end),
            (wall(expected.0), wall(expected.1), CutEnd::Whole),
            "{from}..{to}"
        );
        let file = served(&cut, &files, 0..u64::MAX);
        assert_eq!(file.len() as u64, cut.total_len);
        let count = ((expected.1 - expected.0) / 100) as u32;
        assert_eq!(table(&file, b"stts"), [1, count, 9000]);
        let moov = child(&file, b"moov").expect("a moov");
        assert_eq!(Facts::read(moov), Some(Facts { from: cut.from, ..facts(BEGIN) }));
    }
    assert!(matches!(cut(&mut files, -1000, 0), Err(CutError::Nothing { .. })));
    assert!(matches!(cut(&mut Vec::new(), 0, 1000), Err(CutError::Nothing { .. })));
}

#[test]
fn chunks_lie_where_the_tables_say() {
    let mut files = files([segment(0, 3, Some(AudioTrack::g711(Law::A))).0]);
    let cut = cut(&mut files, 1000, 3000).expect("recorded");
    let file = served(&cut, &files, 0..u64::MAX);
    let chunks = table(&file, b"co64");
    assert_eq!(chunks[0], 2);
    let sizes = table(&file, b"stsz");
    for (chunk, &at) in chunks[1..].chunks_exact(2).map(|it| &it[1]).enumerate() {
        let first = 10 * chunk as i64;
        let expected = slice(1000 + first * 100, true, 20 + (10 + first as usize) % 7);
        let sample = &file[at as usize..][..sizes[2 + first as usize] as usize];
        assert_eq!(sample[4..], expected);
    }
    // Sound of a second follows its pictures: two tracks, one piece of the file each second.
    assert_eq!(cut.pieces.len(), 2);
    assert_eq!(file.windows(4).filter(|it| it == b"trak").count(), 2);
}

#[test]
fn a_fragment_of_many_key_pictures_is_cut_at_any_of_them() {
    let (mut muxer, mut file) = muxer(None, BEGIN);
    (0..30).for_each(|at| muxer.push_video(&picture(at * 100, true, 9)).expect("in order"));
    file.extend_from_slice(&muxer.cut(None).expect("a fragment").bytes);
    let mut files = files([file]);
    let cut = cut(&mut files, 1250, 1500).expect("recorded");
    assert_eq!((cut.from, cut.to), (wall(1200), wall(1500)));
}

#[test]
fn what_is_missing_between_segments_shows_the_picture_before_it() {
    // The second follows at once but for jitter, the third 10 s later.
    let mut files = files([segment(0, 2, None).0, segment(2040, 2, None).0, segment(14_000, 1, None).0]);
    let cut = cut(&mut files, 0, 99_000).expect("recorded");
    assert_eq!((cut.from, cut.to), (wall(0), wall(15_000)));
    let file = served(&cut, &files, 0..u64::MAX);
    assert_eq!(table(&file, b"stts"), [3, 39, 9000, 1, 9000 + 90 * 10_000, 10, 9000]);
    assert_eq!(cut.pieces.iter().map(|it| it.segment).collect::<Vec<_>>(), [0, 0, 1, 1, 2]);
}

#[test]
fn a_cut_ends_where_the_parameters_change() {
    let mut files = files([segment(0, 2, None).0, segment(2000, 2, Some(AudioTrack::g711(Law::A))).0]);
    let first = cut(&mut files, 0, 4000).expect("recorded");
    assert_eq!((first.to, first.end), (wall(2000), CutEnd::Changed { at: wall(2000) }));
    let rest = cut(&mut files, 2000, 4000).expect("recorded");
    assert_eq!((rest.from, rest.to, rest.end), (wall(2000), wall(4000), CutEnd::Whole));
}

#[test]
fn reordered_pictures_are_never_shown_before_they_are_decoded() {
    let (mut muxer, mut file) = muxer(None, BEGIN);
    for (index, at) in [0, 300, 100, 200, 600, 400, 500].into_iter().enumerate() {
        muxer.push_video(&picture(at, index == 0, 9)).expect("in order");
    }
    file.extend_from_slice(&muxer.cut(None).expect("a fragment").bytes);
    let mut files = files([file]);
    let cut = cut(&mut files, 0, 99_000).expect("recorded");
    let file = served(&cut, &files, 0..u64::MAX);
    assert_eq!(table(&file, b"ctts"), [5, 1, 9000, 1, 27_000, 2, 0, 1, 27_000, 2, 0]);
    let elst = descendant(&file, &[b"moov", b"trak", b"edts", b"elst"]).expect("takes the shift back");
    assert_eq!(elst[8..24], [700u64.to_be_bytes(), 9000u64.to_be_bytes()].concat());
}

proptest! {
    #[test]
    fn any_range_is_what_the_whole_has_there(from in 0u64..9000, len in 0u64..9000) {
        let mut files = files([segment(0, 2, None).0, segment(2000, 2, None).0]);
        let cut = cut(&mut files, 900, 3800).expect("recorded");
        let whole = served(&cut, &files, 0..cut.total_len);
        let within = |at: u64| at.min(cut.total_len) as usize;
        prop_assert_eq!(served(&cut, &files, from..from + len), &whole[within(from)..within(from + len)]);
    }
}
