//! A time range of one or several segments as one progressive, fast-start MP4 file, of which not a byte is made before it is asked for.
//!
//! Owns the plan: a head in memory, and which pieces of which segments follow. Streams are untouched. The same segments and times always give the
//! same bytes, so that any range of them can be served at any time, by anybody.
//!
//! **Time.** The file's time is the wall's: what is missing between segments shows the last picture for so long. Edit lists for that are
//! ignored by too many players. Within a segment, and over seams of less than [`SEAM`], the stream's own times hold.
//!
//! **Other parameters.** The cut ends where the parameters of the stream change, and says so: browsers decode all of a track with its
//! first sample entry, and show garbage or nothing after that. The rest is another cut.

use std::{
    io::{Read, Seek},
    ops::Range,
    time::Duration,
};

use super::{
    VIDEO_TIMESCALE,
    boxes::Boxes,
    facts::Facts,
    init::{self, AUDIO_ID, VIDEO_ID},
    movie::{Sample, Tracks},
    scan::{self, ScanError, Scanned, Span},
    tables::{Entry, Table},
};
use crate::time::{MediaTime, Wall};

/// Two segments with less than this between them are one stream: arrivals jitter.
pub(super) const SEAM: Duration = Duration::from_millis(500);
/// Header of `mdat`, with a 64-bit size.
const MDAT_LEN: u64 = 16;

/// A segment to cut from.
#[derive(Debug)]
pub struct Source<'a, F> {
    /// What it holds.
    pub scanned: &'a Scanned,
    /// The file itself; its heads are read.
    pub file: &'a mut F,
}

/// How a file is put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The first bytes of the file.
    pub head: Vec<u8>,
    /// What follows, in order.
    pub pieces: Vec<Piece>,
    /// Length of the file in bytes.
    pub total_len: u64,
    /// When its first picture arrived: a key picture, so mostly before what was asked for.
    pub from: Wall,
    /// When its last picture has been shown.
    pub to: Wall,
    /// Whether that is all.
    pub end: CutEnd,
}

/// Bytes of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Where they lie in the cut.
    pub at: u64,
    /// Which of the segments, in the order in which they were given.
    pub segment: usize,
    /// From the begin of that file, bytes.
    pub offset: u64,
    /// Bytes.
    pub len: u64,
}

/// Why a cut ends where it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutEnd {
    /// Everything of the range that the segments have is in it.
    Whole,
    /// The stream's parameters change; ask anew from there.
    Changed {
        /// The first moment that is not in it.
        at: Wall,
    },
}

/// A stretch of the file that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stretch<'a> {
    /// These bytes.
    Head(&'a [u8]),
    /// Bytes of a segment's file.
    File(Piece),
}

/// Why there is no cut.
#[derive(Debug, thiserror::Error)]
pub enum CutError {
    /// A segment cannot be read.
    #[error("segment {segment}: {error}")]
    Segment {
        /// Which one, in the order in which they were given.
        segment: usize,
        /// Why.
        error: ScanError,
    },
    /// The segments have no picture in that time.
    #[error("there is no recording from {from} to {to}")]
    Nothing {
        /// As asked.
        from: Wall,
        /// As asked.
        to: Wall,
    },
}

/// Plans a cut of `from..to`. Segments are of one stream and in order; no more of them than the range needs, and the one before `from`.
///
/// # Errors
/// See [`CutError`].
pub fn plan<F: Read + Seek>(sources: &mut [Source<'_, F>], from: Wall, to: Wall) -> Result<Cut, CutError> {
    let nothing = CutError::Nothing { from, to };
    let fragments = in_range(sources, from, to);
    let Some(&(first, _)) = fragments.first() else { return Err(nothing) };
    let tracks = &sources[first].scanned.tracks;
    let mut layout = Layout::new(tracks, from, to);
    let mut end = CutEnd::Whole;
    for &(segment, span) in &fragments {
        let source = &mut sources[segment];
        if source.scanned.tracks != *tracks {
            end = CutEnd::Changed { at: span.from };
            break;
        }
        layout.fragment(source.file, segment, &span).map_err(|error| CutError::Segment { segment, error })?;
    }
    let facts = sources[first].scanned.facts.clone();
    layout.finish(facts, end).ok_or(nothing)
}

/// The fragments that show `from..to`, with their segments: from the one at or before `from` on with which playing may begin, or the first such one.
pub(super) fn in_range<F>(sources: &[Source<'_, F>], from: Wall, to: Wall) -> Vec<(usize, Span)> {
    let of_segment = |(segment, it): (usize, &Source<'_, F>)| {
        it.scanned.fragments.iter().map(move |span| (segment, *span)).collect::<Vec<_>>()
    };
    let mut fragments: Vec<(usize, Span)> = sources.iter().enumerate().flat_map(of_segment).collect();
    let is_entry = |(_, span): &(usize, Span)| span.is_key;
    let first = fragments
        .iter()
        .rposition(|it| is_entry(it) && it.1.from <= from)
        .or_else(|| fragments.iter().position(is_entry));
    fragments.drain(..first.unwrap_or(fragments.len()));
    let behind = fragments.iter().position(|(_, span)| span.from >= to);
    fragments.truncate(behind.unwrap_or(fragments.len()));
    fragments
}

impl Cut {
    /// What of head and segments makes the bytes `range` of the file, in order; as far as the file has them.
    pub fn stretches(&self, range: Range<u64>) -> impl Iterator<Item = Stretch<'_>> {
        let head_len = self.head.len() as u64;
        let within = |at: u64| at.min(head_len) as usize;
        let head = &self.head[within(range.start)..within(range.end).max(within(range.start))];
        let first = self.pieces.partition_point(|it| it.at + it.len <= range.start);
        let pieces = self.pieces[first..].iter().take_while(move |it| it.at < range.end).map(move |it| {
            let at = it.at.max(range.start);
            let len = (it.at + it.len).min(range.end) - at;
            Stretch::File(Piece { at, len, offset: it.offset + (at - it.at), ..*it })
        });
        (!head.is_empty()).then_some(Stretch::Head(head)).into_iter().chain(pieces)
    }
}

/// A cut being planned.
struct Layout<'a> {
    tracks: &'a Tracks,
    asked: (Wall, Wall),
    /// When the first picture arrived.
    from: Option<Wall>,
    /// Where the segment that is being read lies in the file's time.
    anchor: Option<Anchor>,
    video: Table,
    audio: Table,
    /// At offsets from the begin of the data.
    pieces: Vec<Piece>,
    data_len: u64,
}

struct Anchor {
    segment: usize,
    /// Ticks of the pictures in the segment, and in the file.
    begin: u64,
    at: u64,
}

impl<'a> Layout<'a> {
    fn new(tracks: &'a Tracks, from: Wall, to: Wall) -> Self {
        Self {
            tracks,
            asked: (from, to),
            from: None,
            anchor: None,
            video: Table::default(),
            audio: Table::default(),
            pieces: Vec::new(),
            data_len: 0,
        }
    }

    /// Adds what of a fragment belongs to the range.
    fn fragment<F: Read + Seek>(
        &mut self,
        file: &mut F,
        segment: usize,
        span: &Span,
    ) -> Result<(), ScanError> {
        let samples = scan::samples(file, self.tracks, span)?;
        let Some(begin) = samples.video.first().map(|it| it.decode) else { return Ok(()) };
        let rate = self.tracks.video.described.timescale;
        let wall = |decode: u64| span.from.after(lasts(decode.saturating_sub(begin), rate));
        let first = match self.from {
            Some(_) => 0,
            // The last key picture before what is asked for: a fragment may have many.
            None => {
                samples.video.iter().rposition(|it| it.is_key && wall(it.decode) <= self.asked.0).unwrap_or(0)
            }
        };
        let count = samples.video[first..].iter().take_while(|it| wall(it.decode) < self.asked.1).count();
        let pictures = &samples.video[first..first + count];
        let Some(opening) = pictures.first() else { return Ok(()) };
        let from = *self.from.get_or_insert(wall(opening.decode));
        if self.anchor.as_ref().is_none_or(|it| it.segment != segment) {
            let told = ticks(wall(opening.decode).us_since(from), rate);
            let end = self.video.end();
            let at = if told > end + ticks(SEAM.as_micros() as i64, rate) { told } else { end };
            self.anchor = Some(Anchor { segment, begin: opening.decode, at });
        }
        let anchor = self.anchor.as_ref().expect("just set");
        let (begin, at) = (anchor.begin, anchor.at);
        self.video.chunk(self.data_len);
        for it in pictures {
            self.video.push(entry(it, it.decode.saturating_sub(begin) + at), it.duration);
            self.data_len = put(&mut self.pieces, self.data_len, segment, it);
        }
        self.sound(segment, &samples.audio, (begin, at), count == samples.video.len() - first);
        Ok(())
    }

    /// Adds the sound that begins no earlier than the pictures, and, where they end in this fragment, no later.
    fn sound(&mut self, segment: usize, frames: &[Sample], (begin, at): (u64, u64), goes_on: bool) {
        let Some(audio) = &self.tracks.audio else { return };
        let rate = audio.described.timescale;
        let in_sound = |ticks: u64| convert(ticks, self.tracks.video.described.timescale, rate);
        let (begin, at, end) = (in_sound(begin), in_sound(at), in_sound(self.video.end()));
        let mut is_first = true;
        for it in frames {
            let Some(time) = (it.decode + at).checked_sub(begin) else { continue };
            if !goes_on && time >= end {
                break;
            }
            if std::mem::take(&mut is_first) {
                self.audio.chunk(self.data_len);
            }
            self.audio.push(entry(it, time), it.duration);
            self.data_len = put(&mut self.pieces, self.data_len, segment, it);
        }
    }

    /// `None` where no picture is in it.
    fn finish(mut self, facts: Option<Facts>, end: CutEnd) -> Option<Cut> {
        let from = self.from?;
        let to = from.after(lasts(self.video.end(), self.tracks.video.described.timescale));
        let facts = facts.map(|facts| Facts { from, ..facts });
        // Its length does not depend on where the data begins.
        let head_len = self.head(from, facts.as_ref(), 0).len() as u64;
        let head = self.head(from, facts.as_ref(), head_len);
        self.pieces.iter_mut().for_each(|it| it.at += head_len);
        Some(Cut { head, pieces: self.pieces, total_len: head_len + self.data_len, from, to, end })
    }

    /// Everything in front of the data, which begins at `data` in the file.
    fn head(&self, from: Wall, facts: Option<&Facts>, data: u64) -> Vec<u8> {
        let mut boxes = Boxes::default();
        boxes.boxed(b"ftyp", |it| _ = it.bytes(b"isom").u32(0).bytes(b"isomiso2mp41"));
        let video = &self.tracks.video.described;
        let write_video = |to: &mut Boxes| self.video.write(data, to);
        let write_audio = |to: &mut Boxes| self.audio.write(data, to);
        let mut tracks = vec![init::Track {
            id: VIDEO_ID,
            described: video,
            duration: self.video.duration(),
            delay: 0,
            skip: self.video.shift(),
            tables: &write_video,
        }];
        if let Some((audio, begin)) = self.tracks.audio.as_ref().zip(self.audio.begin()) {
            tracks.push(init::Track {
                id: AUDIO_ID,
                described: &audio.described,
                duration: self.audio.duration(),
                delay: convert(begin, audio.described.timescale, init::MOVIE_TIMESCALE),
                skip: 0,
                tables: &write_audio,
            });
        }
        boxes.boxed(b"moov", |it| {
            init::movie(&tracks, from, it);
            if let Some(facts) = facts {
                facts.write(it);
            }
        });
        boxes.u32(1).bytes(b"mdat").u64(MDAT_LEN + self.data_len);
        boxes.0
    }
}

fn entry(sample: &Sample, time: u64) -> Entry {
    Entry { time, composition: sample.composition, len: sample.len, is_key: sample.is_key }
}

/// Appends a sample's bytes to the data, and returns its length. What lies side by side in a segment stays one piece.
fn put(pieces: &mut Vec<Piece>, at: u64, segment: usize, sample: &Sample) -> u64 {
    let len = u64::from(sample.len);
    match pieces.last_mut() {
        Some(last) if last.segment == segment && last.offset + last.len == sample.offset => last.len += len,
        _ => pieces.push(Piece { at, segment, offset: sample.offset, len }),
    }
    at + len
}

pub(super) fn convert(ticks: u64, from: u32, to: u32) -> u64 {
    (u128::from(ticks) * u128::from(to) / u128::from(from.max(1))).min(u64::MAX.into()) as u64
}

/// Microseconds as ticks; 0 where they are negative.
pub(super) fn ticks(us: i64, rate: u32) -> u64 {
    convert(us.max(0) as u64, 1_000_000, rate)
}

pub(super) fn lasts(ticks: u64, rate: u32) -> Duration {
    let ticks_90k = convert(ticks, rate, VIDEO_TIMESCALE).min(i64::MAX as u64) as i64;
    MediaTime { ticks_90k }.since(MediaTime::default())
}
