//! A segment file, found as it was left: what of it is whole.
//!
//! The writer may have been killed anywhere, so only complete fragments count; the first box that is cut off, or that makes no sense, is the end.
//! Reads heads alone: of a segment of 10 minutes some 300 times 4 KiB.

use std::{
    io::{self, Read, Seek, SeekFrom},
    time::Duration,
};

use super::{
    boxes::{Fields, Kind, header},
    facts::{Facts, wall_of_ntp},
    movie::{self, Samples, Tracks},
};
use crate::time::{MediaTime, Wall};

/// The head of a file or of a fragment is never larger.
const HEAD_LEN_MAX: u64 = 16 << 20;
/// Read at once.
const WINDOW_LEN: u64 = 4096;

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scanned {
    /// Bytes in front of the first fragment.
    pub init_len: u32,
    /// What it says of itself; `None` where it says nothing.
    pub facts: Option<Facts>,
    /// Its tracks.
    pub tracks: Tracks,
    /// Its whole fragments, in order.
    pub fragments: Vec<Span>,
    /// Bytes up to the end of the last whole fragment; what is behind may be cut off.
    pub whole_len: u64,
}

/// Where a whole fragment lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// From the begin of the file, bytes.
    pub offset: u64,
    /// Bytes.
    pub len: u32,
    /// When its first picture arrived: what its `prft` says, or else reckoned from the file's begin.
    pub from: Wall,
    /// How long it shows.
    pub length: Duration,
    /// Whether playing may begin here.
    pub is_key: bool,
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The disk.
    #[error("the recording cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It ends before its head does, or has another one.
    #[error("this is no recording: it does not begin with a readable ftyp and moov")]
    NotARecording,
    /// It is not what it was when it was scanned.
    #[error("the fragment at byte {offset} of the recording cannot be understood; scan the file anew")]
    Damaged {
        /// From the begin of the file.
        offset: u64,
    },
}

/// Finds what is whole in a file.
///
/// # Errors
/// It cannot be read, or has no head. A file without a whole fragment is none.
pub fn scan(file: &mut (impl Read + Seek)) -> Result<Scanned, ScanError> {
    let mut window = Window::new(file)?;
    let (facts, tracks, init_len) = init(&mut window)?.ok_or(ScanError::NotARecording)?;
    let mut fragments = Vec::new();
    let mut whole_len = init_len;
    while let Some(head) = head(&mut window, whole_len)? {
        let Some(span) = span(&mut window, whole_len, &head, &tracks, facts.as_ref())? else { break };
        whole_len += u64::from(span.len);
        fragments.push(span);
    }
    let init_len = u32::try_from(init_len).map_err(|_| ScanError::NotARecording)?;
    Ok(Scanned { init_len, facts, tracks, fragments, whole_len })
}

/// The samples of a fragment.
///
/// # Errors
/// It cannot be read, or is not there any more.
pub fn samples(file: &mut (impl Read + Seek), tracks: &Tracks, span: &Span) -> Result<Samples, ScanError> {
    let damaged = ScanError::Damaged { offset: span.offset };
    let mut window = Window::new(file)?;
    let Some(head) = head(&mut window, span.offset)? else { return Err(damaged) };
    head.samples(&mut window, tracks)?.ok_or(damaged)
}

/// `ftyp` and `moov`, and where they end.
fn init(window: &mut Window<'_, impl Read + Seek>) -> io::Result<Option<(Option<Facts>, Tracks, u64)>> {
    let mut at = 0;
    while let Some(it) = window.header(at)? {
        match &it.kind {
            b"moov" => {
                let described = window.body(&it)?.and_then(movie::described);
                return Ok(described.map(|(facts, tracks)| (facts, tracks, it.end)));
            }
            b"ftyp" | b"free" | b"skip" | b"uuid" => at = it.end,
            _ => break,
        }
    }
    Ok(None)
}

/// The boxes of a whole fragment.
struct Head {
    /// The wall time in its `prft`.
    from: Option<Wall>,
    moof: Found,
    mdat: Found,
}

/// A box in the file.
#[derive(Clone, Copy)]
struct Found {
    kind: Kind,
    at: u64,
    /// Where its content begins.
    body: u64,
    end: u64,
}

/// `None` where no whole fragment begins at `at`.
fn head(window: &mut Window<'_, impl Read + Seek>, mut at: u64) -> io::Result<Option<Head>> {
    let (mut from, mut moof) = (None, None);
    while let Some(it) = window.header(at)? {
        match (&it.kind, moof) {
            (b"prft", None) => from = window.body(&it)?.and_then(prft),
            (b"moof", None) => moof = Some(it),
            (b"mdat", Some(moof)) => return Ok(Some(Head { from, moof, mdat: it })),
            (b"styp" | b"sidx" | b"emsg" | b"uuid" | b"free" | b"skip", _) => {}
            _ => break,
        }
        at = it.end;
    }
    Ok(None)
}

fn prft(body: &[u8]) -> Option<Wall> {
    let mut fields = Fields(body);
    fields.version()?;
    fields.u32()?;
    fields.u64().map(wall_of_ntp)
}

fn span(
    window: &mut Window<'_, impl Read + Seek>,
    offset: u64,
    head: &Head,
    tracks: &Tracks,
    facts: Option<&Facts>,
) -> io::Result<Option<Span>> {
    let samples = head.samples(window, tracks)?;
    let Some((first, samples)) = samples.as_ref().and_then(|it| Some((it.video.first()?, it))) else {
        return Ok(None);
    };
    let timescale = tracks.video.described.timescale;
    let time = |ticks: u64| MediaTime::from_ticks(i64::try_from(ticks).unwrap_or(i64::MAX), timescale);
    let lasts = |ticks: u64| time(ticks).since(MediaTime::default());
    let from = head.from.or_else(|| Some(facts?.from.after(lasts(first.decode)))).unwrap_or_default();
    let length = lasts(samples.video.iter().map(|it| u64::from(it.duration)).sum());
    let len = u32::try_from(head.mdat.end - offset).ok();
    Ok(len.map(|len| Span { offset, len, from, length, is_key: first.is_key }))
}

impl Head {
    /// `None` where they make no sense: all of them lie inside of `mdat`.
    fn samples(
        &self,
        window: &mut Window<'_, impl Read + Seek>,
        tracks: &Tracks,
    ) -> io::Result<Option<Samples>> {
        let samples = window.body(&self.moof)?.and_then(|body| movie::samples(body, self.moof.at, tracks));
        let is_inside = |it: &movie::Sample| {
            it.offset >= self.mdat.body
                && it.offset.checked_add(it.len.into()).is_some_and(|end| end <= self.mdat.end)
        };
        Ok(samples.filter(|it| it.video.iter().chain(&it.audio).all(is_inside)))
    }
}

/// A piece of a file in memory.
struct Window<'f, F> {
    file: &'f mut F,
    file_len: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl<'f, F: Read + Seek> Window<'f, F> {
    fn new(file: &'f mut F) -> io::Result<Self> {
        let file_len = file.seek(SeekFrom::End(0))?;
        Ok(Self { file, file_len, start: 0, bytes: Vec::new() })
    }

    /// The box at `at`, if the file holds all of it.
    fn header(&mut self, at: u64) -> io::Result<Option<Found>> {
        let Some(left) = self.file_len.checked_sub(at) else { return Ok(None) };
        let bytes = self.get(at, left.min(16))?;
        let found = header(bytes).and_then(|(kind, header_len, len)| {
            let end = at.checked_add(len)?;
            Some(Found { kind, at, body: at + header_len, end })
        });
        Ok(found.filter(|it| it.end <= self.file_len))
    }

    /// The content of a box; `None` where it is too large to be a head.
    fn body(&mut self, of: &Found) -> io::Result<Option<&[u8]>> {
        let len = of.end - of.body;
        if len > HEAD_LEN_MAX { Ok(None) } else { self.get(of.body, len).map(Some) }
    }

    /// `len` bytes from `at` on, which the file has; fewer where it has become shorter meanwhile.
    fn get(&mut self, at: u64, len: u64) -> io::Result<&[u8]> {
        let held = self.start..self.start + self.bytes.len() as u64;
        if !(held.start <= at && at + len <= held.end) {
            self.file.seek(SeekFrom::Start(at))?;
            self.bytes.clear();
            self.file.take(len.max(WINDOW_LEN)).read_to_end(&mut self.bytes)?;
            self.start = at;
        }
        let from = (at - self.start) as usize;
        Ok(&self.bytes[from..self.bytes.len().min(from + len as usize)])
    }
}
