//! Taking heads of files and of fragments apart: which tracks there are, and where which sample lies.
//!
//! Reads `moov` and `moof` from memory, ours or any other writer's. What cannot be understood is not there.

use super::{
    boxes::{Child, Fields, child, children, descendant},
    codecs,
    facts::Facts,
    track::{Described, ENTRY_FIELDS, Media},
};
use crate::geometry::Size;

/// A fragment has no more samples in one track.
const SAMPLES_MAX: usize = 200_000;
/// `sample_is_non_sync_sample`.
const IS_NO_SYNC: u32 = 0x1_0000;

/// The tracks of a file. Two files with equal ones can be played by one decoder, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracks {
    pub(super) video: Track,
    pub(super) audio: Option<Track>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Track {
    pub(super) id: u32,
    pub(super) described: Described,
    /// For what a fragment does not say.
    usual: Usual,
}

/// Of a sample: duration, bytes, flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Usual {
    duration: u32,
    len: u32,
    flags: u32,
}

/// One coded picture or frame of sound in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// From the begin of the file, bytes.
    pub offset: u64,
    /// Bytes.
    pub len: u32,
    /// When it is decoded, in ticks of its track.
    pub decode: u64,
    /// When it is shown, after that; may be negative.
    pub composition: i32,
    /// Ticks until the next one.
    pub duration: u32,
    /// Decoding may start here.
    pub is_key: bool,
}

/// The samples of one fragment, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Samples {
    /// Pictures, in ticks of 1/90000 s in our files.
    pub video: Vec<Sample>,
    /// Sound, in ticks of its sampling rate.
    pub audio: Vec<Sample>,
}

impl Tracks {
    /// Of an initialisation part, or of the head of any MP4 file. `None` where there is no video track.
    pub fn of_init(init: &[u8]) -> Option<Self> {
        Self::of_moov(child(init, b"moov")?)
    }

    pub(super) fn of_moov(moov: &[u8]) -> Option<Self> {
        let mut tracks =
            children(moov).filter(|it| it.kind == *b"trak").filter_map(|it| track(it.body, moov));
        let mut all: Vec<_> = tracks.by_ref().take(8).collect();
        let video = all.iter().position(|it| matches!(it.described.media, Media::Video(_)))?;
        let video = all.swap_remove(video);
        Some(Self { video, audio: all.into_iter().find(|it| it.described.media == Media::Audio) })
    }

    /// Of the pictures, as they are shown.
    pub fn size(&self) -> Size {
        match self.video.described.media {
            Media::Video(size) => size,
            Media::Audio => unreachable!("the video track holds pictures"),
        }
    }

    /// Whether there is sound.
    pub fn has_sound(&self) -> bool {
        self.audio.is_some()
    }

    /// RFC 6381, of the pictures (`avc1.64001e`); `None` where browsers have no name for their coding.
    pub fn video_codec(&self) -> Option<String> {
        codecs::of_entry(&self.video.described.entry)
    }

    /// What a browser is asked whether it plays it by MSE: `video/mp4; codecs="avc1.64001e,mp4a.40.2"`. `None` where browsers have no name for
    /// the pictures' coding, or for the sound's: then [`mute`] it first.
    pub fn mime(&self) -> Option<String> {
        let video = self.video_codec()?;
        match (&self.audio, self.audio_codec()) {
            (None, _) => Some(format!("video/mp4; codecs=\"{video}\"")),
            (Some(_), audio) => Some(format!("video/mp4; codecs=\"{video},{}\"", audio?)),
        }
    }

    /// RFC 6381, of the sound (`mp4a.40.2`); `None` where there is none, or browsers have no name for its coding.
    pub fn audio_codec(&self) -> Option<String> {
        codecs::of_entry(&self.audio.as_ref()?.described.entry)
    }
}

fn track(trak: &[u8], moov: &[u8]) -> Option<Track> {
    let mut tkhd = Fields(child(trak, b"tkhd")?);
    let (version, _) = tkhd.version()?;
    tkhd.take(if version == 0 { 8 } else { 16 })?;
    let id = tkhd.u32()?;
    let mut mdhd = Fields(descendant(trak, &[b"mdia", b"mdhd"])?);
    let (version, _) = mdhd.version()?;
    mdhd.take(if version == 0 { 8 } else { 16 })?;
    let timescale = mdhd.u32().filter(|&it| it > 0)?;
    let stsd = descendant(trak, &[b"mdia", b"minf", b"stbl", b"stsd"])?.get(8..)?;
    let Child { at, body, .. } = children(stsd).next()?;
    let entry = stsd.get(at..at + 8 + body.len())?;
    let mut hdlr = Fields(descendant(trak, &[b"mdia", b"hdlr"])?);
    hdlr.take(8)?;
    let media = match hdlr.take(4)? {
        b"vide" => {
            let mut sizes = Fields(entry.get(ENTRY_FIELDS.0 - 54..)?);
            Media::Video(Size::new(sizes.u16()?.into(), sizes.u16()?.into()))
        }
        b"soun" => Media::Audio,
        _ => return None,
    };
    let usual = child(moov, b"mvex").and_then(|mvex| usual(mvex, id)).unwrap_or_default();
    Some(Track { id, described: Described { media, timescale, entry: entry.to_vec() }, usual })
}

/// `trex` of a track.
fn usual(mvex: &[u8], id: u32) -> Option<Usual> {
    children(mvex).filter(|it| it.kind == *b"trex").find_map(|it| {
        let mut trex = Fields(it.body);
        trex.version()?;
        (trex.u32()? == id).then_some(())?;
        trex.u32()?;
        Some(Usual { duration: trex.u32()?, len: trex.u32()?, flags: trex.u32()? })
    })
}

/// What the content of a `moof` that lies at `at` in its file says. `None` where it cannot be understood.
pub(super) fn samples(moof: &[u8], at: u64, tracks: &Tracks) -> Option<Samples> {
    let mut samples = Samples::default();
    for traf in children(moof).filter(|it| it.kind == *b"traf") {
        let mut tfhd = Fields(child(traf.body, b"tfhd")?);
        let (_, flags) = tfhd.version()?;
        let id = tfhd.u32()?;
        let (track, list) = match &tracks.audio {
            _ if id == tracks.video.id => (&tracks.video, &mut samples.video),
            Some(audio) if id == audio.id => (audio, &mut samples.audio),
            _ => continue,
        };
        let base = if flags & 1 != 0 { tfhd.u64()? } else { at };
        if flags & 2 != 0 {
            tfhd.u32()?;
        }
        let mut usual = track.usual;
        for (flag, field) in [(8, &mut usual.duration), (0x10, &mut usual.len), (0x20, &mut usual.flags)] {
            if flags & flag != 0 {
                *field = tfhd.u32()?;
            }
        }
        let mut tfdt = Fields(child(traf.body, b"tfdt")?);
        let (version, _) = tfdt.version()?;
        let begin = tfdt.wide(version)?;
        // Without offsets, a run's data follows that of the run before.
        let mut place = Place { offset: base, decode: begin };
        for trun in children(traf.body).filter(|it| it.kind == *b"trun") {
            run(trun.body, base, usual, &mut place, list)?;
        }
    }
    Some(samples)
}

struct Place {
    offset: u64,
    decode: u64,
}

fn run(trun: &[u8], base: u64, usual: Usual, place: &mut Place, to: &mut Vec<Sample>) -> Option<()> {
    let mut fields = Fields(trun);
    let (_, flags) = fields.version()?;
    let count = fields.u32()? as usize;
    if to.len().checked_add(count)? > SAMPLES_MAX {
        return None;
    }
    if flags & 1 != 0 {
        let offset = fields.u32()? as i32;
        place.offset = base.checked_add_signed(offset.into())?;
    }
    let mut first_flags = if flags & 4 != 0 { Some(fields.u32()?) } else { None };
    for _ in 0..count {
        let mut or = |flag: u32, usual: u32| if flags & flag != 0 { fields.u32() } else { Some(usual) };
        let (duration, len) = (or(0x100, usual.duration)?, or(0x200, usual.len)?);
        let own_flags = or(0x400, usual.flags)?;
        let composition = or(0x800, 0)? as i32;
        let is_key = first_flags.take().unwrap_or(own_flags) & IS_NO_SYNC == 0;
        to.push(Sample { offset: place.offset, len, decode: place.decode, composition, duration, is_key });
        place.offset = place.offset.checked_add(len.into())?;
        place.decode = place.decode.checked_add(duration.into())?;
    }
    Some(())
}

/// Takes the sound out of an initialisation part or of a fragment of ours, in place and without moving a byte: browsers refuse a file
/// with sound that they cannot play (G.711). What described it becomes free space; its data stays and is skipped.
pub fn mute(bytes: &mut [u8]) {
    let mut silent = Vec::new();
    for outer in children(bytes).filter(|it| it.kind == *b"moov" || it.kind == *b"moof") {
        let within = outer.at + 8;
        for inner in children(outer.body) {
            match &inner.kind {
                b"trak" if descendant(inner.body, &[b"mdia", b"minf", b"smhd"]).is_some() => {
                    silent.push(within + inner.at);
                }
                b"mvex" => silent.extend(
                    children(inner.body)
                        .filter(|it| it.kind == *b"trex" && is_of_sound(it.body))
                        .map(|it| within + inner.at + 8 + it.at),
                ),
                b"traf" if child(inner.body, b"tfhd").is_some_and(is_of_sound) => {
                    silent.push(within + inner.at);
                }
                _ => {}
            }
        }
    }
    for at in silent {
        bytes[at + 4..at + 8].copy_from_slice(b"free");
    }
}

/// Whether a `trex` or `tfhd` is about the track that is sound in our files.
fn is_of_sound(full: &[u8]) -> bool {
    let mut fields = Fields(full);
    fields.version().is_some() && fields.u32() == Some(super::init::AUDIO_ID)
}

/// The facts and tracks of a `moov`.
pub(super) fn described(moov: &[u8]) -> Option<(Option<Facts>, Tracks)> {
    Some((Facts::read(moov), Tracks::of_moov(moov)?))
}
