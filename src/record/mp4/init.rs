//! The head of a file: `ftyp` and `moov`, for fragmented files and for progressive ones alike.

use super::{
    boxes::Boxes,
    facts::Facts,
    track::{Described, Media},
};
use crate::time::Wall;

/// Track ids: pictures, sound.
pub(super) const VIDEO_ID: u32 = 1;
pub(super) const AUDIO_ID: u32 = 2;

/// Sample flags (ISO/IEC 14496-12, 8.8.3.1) of a sample that depends on none, and of one that does.
pub(super) const SYNC: u32 = 0x0200_0000;
pub(super) const NO_SYNC: u32 = 0x0101_0000;

/// Ticks a second of `mvhd`, `tkhd` and edit lists.
pub(super) const MOVIE_TIMESCALE: u32 = 1000;

/// Seconds from 1904, where these files' dates begin, to 1970.
const MAC_TO_UNIX_S: i64 = 2_082_844_800;

/// A track in a `moov`.
pub(super) struct Track<'a> {
    pub(super) id: u32,
    pub(super) described: &'a Described,
    /// In ticks of its own; 0 in fragmented files.
    pub(super) duration: u64,
    /// How long it shows nothing before its first sample, in ticks of the movie.
    pub(super) delay: u64,
    /// How much of the beginning is not shown, in ticks of its own: what composition offsets were shifted by.
    pub(super) skip: u32,
    /// Writes `stts` and its like, behind `stsd`.
    pub(super) tables: &'a dyn Fn(&mut Boxes),
}

impl Track<'_> {
    fn shown(&self) -> u64 {
        self.duration.saturating_mul(MOVIE_TIMESCALE.into()) / u64::from(self.described.timescale.max(1))
    }
}

/// `ftyp` and `moov` of a fragmented file.
pub(super) fn fragmented(video: &Described, audio: Option<&Described>, facts: &Facts) -> Vec<u8> {
    let mut boxes = Boxes::with_capacity(1536);
    boxes.boxed(b"ftyp", |it| {
        it.bytes(b"iso6").u32(0).bytes(b"iso6cmfcmp41");
    });
    let described = [(VIDEO_ID, Some(video)), (AUDIO_ID, audio)];
    let tracks: Vec<_> = described
        .into_iter()
        .filter_map(|(id, described)| {
            Some(Track { id, described: described?, duration: 0, delay: 0, skip: 0, tables: &no_samples })
        })
        .collect();
    boxes.boxed(b"moov", |it| {
        movie(&tracks, facts.from, it);
        it.boxed(b"mvex", |it| {
            for track in &tracks {
                it.full(b"trex", 0, 0, |it| {
                    let flags = if track.id == VIDEO_ID { NO_SYNC } else { SYNC };
                    it.u32(track.id).u32(1).u32(0).u32(0).u32(flags);
                });
            }
        });
        facts.write(it);
    });
    boxes.0
}

fn no_samples(to: &mut Boxes) {
    for kind in [b"stts", b"stsc", b"stco"] {
        to.full(kind, 0, 0, |it| _ = it.u32(0));
    }
    to.full(b"stsz", 0, 0, |it| _ = it.u32(0).u32(0));
}

/// `mvhd` and a `trak` for each track. `from` is when the first picture was taken.
pub(super) fn movie(tracks: &[Track<'_>], from: Wall, to: &mut Boxes) {
    let made = from.unix_us().div_euclid(1_000_000).saturating_add(MAC_TO_UNIX_S).max(0) as u64;
    let duration = tracks.iter().map(|it| it.shown().saturating_add(it.delay)).max().unwrap_or(0);
    to.full(b"mvhd", 1, 0, |it| {
        it.u64(made).u64(made).u32(MOVIE_TIMESCALE).u64(duration);
        it.u32(0x0001_0000).u16(0x0100).zeros(10);
        unit_matrix(it);
        it.zeros(24).u32(AUDIO_ID + 1);
    });
    for track in tracks {
        to.boxed(b"trak", |it| trak(track, made, it));
    }
}

fn trak(track: &Track<'_>, made: u64, to: &mut Boxes) {
    let (size, volume) = match track.described.media {
        Media::Video(size) => ((size.w, size.h), 0),
        Media::Audio => ((0, 0), 0x0100),
    };
    // Enabled, in the movie.
    to.full(b"tkhd", 1, 3, |it| {
        it.u64(made).u64(made).u32(track.id).u32(0).u64(track.shown().saturating_add(track.delay));
        it.zeros(8).u16(0).u16(0).u16(volume).u16(0);
        unit_matrix(it);
        it.u32(size.0 << 16).u32(size.1 << 16);
    });
    if track.delay > 0 || track.skip > 0 {
        to.boxed(b"edts", |it| {
            it.full(b"elst", 1, 0, |it| {
                it.u32(1 + u32::from(track.delay > 0));
                if track.delay > 0 {
                    it.u64(track.delay).u64(u64::MAX).u32(0x0001_0000);
                }
                it.u64(track.shown()).u64(track.skip.into()).u32(0x0001_0000);
            });
        });
    }
    to.boxed(b"mdia", |it| {
        it.full(b"mdhd", 1, 0, |it| {
            // Language: undetermined.
            it.u64(made).u64(made).u32(track.described.timescale).u64(track.duration).u16(0x55c4).u16(0);
        });
        let (handler, name): (_, &[u8]) = match track.described.media {
            Media::Video(_) => (b"vide", b"pictures\0"),
            Media::Audio => (b"soun", b"sound\0"),
        };
        it.full(b"hdlr", 0, 0, |it| _ = it.u32(0).bytes(handler).zeros(12).bytes(name));
        it.boxed(b"minf", |it| {
            match track.described.media {
                Media::Video(_) => it.full(b"vmhd", 0, 1, |it| _ = it.zeros(8)),
                Media::Audio => it.full(b"smhd", 0, 0, |it| _ = it.zeros(4)),
            }
            it.boxed(b"dinf", |it| {
                it.full(b"dref", 0, 0, |it| {
                    // The samples are in this very file.
                    it.u32(1).full(b"url ", 0, 1, |_| {});
                });
            });
            it.boxed(b"stbl", |it| {
                it.full(b"stsd", 0, 0, |it| _ = it.u32(1).bytes(&track.described.entry));
                (track.tables)(it);
            });
        });
    });
}

fn unit_matrix(to: &mut Boxes) {
    for value in [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000] {
        to.u32(value);
    }
}
