//! A time range of one or several segments as a fragmented stream for browsers (MSE): an initialisation part, then fragments as they were written.
//!
//! Owns the plan, and where each fragment lies in the viewer's time. Streams are untouched; of a fragment only the times in its head are changed, in
//! place, so that its length stays.
//!
//! **Time.** 0 is the first picture. Within a segment, and over seams of less than half a second, the stream's own times hold; what is missing
//! between segments is missing in the viewer's time, too: nothing is buffered there.
//!
//! **Other parameters.** Another initialisation part follows in the stream, as MSE allows, where the kind of each track stays. Where it does not, or
//! a track comes or goes, the stream ends and says so: the rest needs another `SourceBuffer`.

use std::io::{Read, Seek};

use super::{
    CutEnd, CutError, Source,
    boxes::{Fields, child, children},
    cut::{SEAM, convert, in_range, lasts, ticks},
    init::AUDIO_ID,
    movie::{self, Tracks},
    scan,
};
use crate::time::Wall;

/// How a stream is put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Playback {
    /// What it consists of, in order; an initialisation part first.
    pub parts: Vec<Part>,
    /// Length of the stream in bytes.
    pub total_len: u64,
    /// What a browser is asked whether it plays it.
    pub mime: String,
    /// When its first picture arrived: a key picture, so mostly before what was asked for.
    pub from: Wall,
    /// When its last picture has been shown.
    pub to: Wall,
    /// Whether that is all.
    pub end: CutEnd,
}

/// Bytes of a segment, and what is to be changed in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Which of the segments, in the order in which they were given.
    pub segment: usize,
    /// From the begin of that file, bytes.
    pub offset: u64,
    /// Bytes.
    pub len: u32,
    /// Added to the times of pictures and of sound, each in ticks of its track.
    shift: (i64, i64),
    /// Whether its sound is taken out, which no browser plays.
    mutes: bool,
}

/// Why there is no stream.
#[derive(Debug, thiserror::Error)]
pub enum NoPlayback {
    /// There is nothing to be played, or it cannot be read.
    #[error(transparent)]
    Cut(#[from] CutError),
    /// It is coded in a way that browsers do not play by MSE.
    #[error("no browser plays the coding of this recording (MJPEG); ask for video.mp4, which players play")]
    NotPlayable,
}

/// Plans a stream of `from..to`. Segments are of one stream and in order; no more of them than the range needs, and the one before `from`.
///
/// # Errors
/// See [`NoPlayback`].
pub fn playback<F: Read + Seek>(
    sources: &mut [Source<'_, F>],
    from: Wall,
    to: Wall,
) -> Result<Playback, NoPlayback> {
    let nothing = || CutError::Nothing { from, to };
    let fragments = in_range(sources, from, to);
    let &(first, begin) = fragments.first().ok_or_else(nothing)?;
    let kind = Kind::of(&sources[first].scanned.tracks).ok_or(NoPlayback::NotPlayable)?;
    let mut plan = Playback {
        parts: Vec::new(),
        total_len: 0,
        mime: kind.mime(),
        from: begin.from,
        to: begin.from,
        end: CutEnd::Whole,
    };
    // Of the segment being read: its number, and what is added to its times. The viewer's time so far, in seconds' exact ticks of pictures.
    let (mut current, mut shift, mut end) = (None, (0, 0), 0);
    for &(segment, span) in &fragments {
        let tracks = &sources[segment].scanned.tracks;
        let failed = |error| NoPlayback::Cut(CutError::Segment { segment, error });
        if current != Some(segment) && Kind::of(tracks).is_none_or(|it| !it.follows(&kind)) {
            plan.end = CutEnd::Changed { at: span.from };
            break;
        }
        let mutes = kind.audio.is_none() && tracks.audio.is_some();
        let rate = tracks.video.described.timescale;
        let is_other = current.is_none_or(|known: usize| sources[known].scanned.tracks != *tracks);
        let source = &mut sources[segment];
        let pictures = scan::samples(source.file, &source.scanned.tracks, &span).map_err(failed)?.video;
        let (Some(opening), Some(last)) = (pictures.first(), pictures.last()) else { continue };
        if current != Some(segment) {
            let told = ticks(span.from.us_since(plan.from), rate);
            let at = if told > end + ticks(SEAM.as_micros() as i64, rate) { told } else { end };
            let by = at as i64 - opening.decode as i64;
            shift =
                (by, tracks.audio.as_ref().map_or(0, |audio| rescale(by, rate, audio.described.timescale)));
            current = Some(segment);
        }
        if is_other {
            plan.push(Part { segment, offset: 0, len: source.scanned.init_len, shift: (0, 0), mutes });
        }
        plan.push(Part { segment, offset: span.offset, len: span.len, shift, mutes });
        end = last.decode.saturating_add(last.duration.into()).saturating_add_signed(shift.0);
        plan.to = plan.from.after(lasts(end, rate));
    }
    if plan.parts.is_empty() { Err(nothing().into()) } else { Ok(plan) }
}

impl Playback {
    fn push(&mut self, part: Part) {
        self.total_len += u64::from(part.len);
        self.parts.push(part);
    }
}

impl Part {
    /// Changes its bytes, as they were read, into those of the stream.
    pub fn apply(&self, bytes: &mut [u8]) {
        if self.mutes {
            movie::mute(bytes);
        }
        for (at, by) in times(bytes, self.shift) {
            let Some(field) = bytes.get_mut(at..at + 8).and_then(|it| it.first_chunk_mut::<8>()) else {
                continue;
            };
            *field = u64::from_be_bytes(*field).saturating_add_signed(by).to_be_bytes();
        }
    }
}

/// Where 64-bit decoding times lie in a fragment, and what is to be added to each.
fn times(bytes: &[u8], shift: (i64, i64)) -> Vec<(usize, i64)> {
    let mut found = Vec::new();
    for outer in children(bytes) {
        match &outer.kind {
            // Behind version and flags, the track and the time of the real world.
            b"prft" if outer.body.len() >= 24 => found.push((outer.at + 8 + 16, shift.0)),
            b"moof" => {
                for traf in children(outer.body).filter(|it| it.kind == *b"traf") {
                    let by = if is_of_sound(traf.body) { shift.1 } else { shift.0 };
                    let tfdt = children(traf.body).find(|it| it.kind == *b"tfdt");
                    let is_wide =
                        |body: &[u8]| Fields(body).version().is_some_and(|(version, _)| version == 1);
                    if let Some(tfdt) = tfdt.filter(|it| is_wide(it.body)) {
                        found.push((outer.at + 8 + traf.at + 8 + tfdt.at + 8 + 4, by));
                    }
                }
            }
            _ => {}
        }
    }
    found
}

fn is_of_sound(traf: &[u8]) -> bool {
    let track = child(traf, b"tfhd").and_then(|body| {
        let mut fields = Fields(body);
        fields.version()?;
        fields.u32()
    });
    track == Some(AUDIO_ID)
}

/// Ticks that may be negative.
fn rescale(ticks: i64, from: u32, to: u32) -> i64 {
    let scaled = convert(ticks.unsigned_abs(), from, to).min(i64::MAX as u64) as i64;
    if ticks < 0 { -scaled } else { scaled }
}

/// What of a recording a browser decodes.
struct Kind {
    /// RFC 6381.
    video: String,
    audio: Option<String>,
}

impl Kind {
    /// `None` where browsers have no name for the pictures' coding.
    fn of(tracks: &Tracks) -> Option<Self> {
        Some(Self { video: tracks.video_codec()?, audio: tracks.audio_codec() })
    }

    fn mime(&self) -> String {
        let sound = self.audio.as_ref().map(|audio| format!(",{audio}")).unwrap_or_default();
        format!("video/mp4; codecs=\"{}{sound}\"", self.video)
    }

    /// Whether a `SourceBuffer` for `first` takes this, too: the same codings, whatever their profile and level, and the same tracks.
    fn follows(&self, first: &Self) -> bool {
        let family = |codec: &str| codec.split('.').next().map(str::to_owned);
        family(&self.video) == family(&first.video)
            && self.audio.as_deref().map(family) == first.audio.as_deref().map(family)
    }
}
