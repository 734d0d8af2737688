//! Access units → fragments, without touching a picture.
//!
//! Owns the order of times in a file, and what a fragment is made of. When a fragment ends is for whoever calls; where it goes is too.
//!
//! **Decoding times.** Units come in decoding order and carry the times at which they are shown. Of a fragment's units these times, sorted, are
//! the decoding times: the n-th unit is decoded when the n-th picture is shown. What a unit is shown earlier or later than that is
//! its composition offset, which may be negative (`trun` version 1). Without B frames all offsets are 0. Nothing must be known
//! of the stream beforehand, no fragment depends on another, and each shows its first picture when it begins.
//! Where a fragment ends in the middle of reordered pictures, decoding times are pushed on by single ticks, so that they always increase.

use std::time::Duration;

use bytes::Bytes;

use super::{
    AudioTrack, FRAGMENT_BYTES_MAX, STEP_AHEAD_MAX, STEP_BACK_MAX, VIDEO_TIMESCALE, VideoTrack,
    boxes::{Boxes, HEADER_LEN},
    facts::{Facts, ntp_of_wall},
    init::{self, AUDIO_ID, NO_SYNC, SYNC, VIDEO_ID},
    nals,
};
use crate::{
    camera::AccessUnit,
    time::{MediaTime, Wall},
};

/// Room in front of a fragment's data for what is known at its end, at first. A fragment of two seconds needs some 600 bytes.
const ROOM_FIRST: usize = 1024;
/// More room than the fragment before needed.
const ROOM_SPARE: usize = 256;
/// A picture's time where nothing says how long it is: 1/15 s.
const USUAL_TICKS: i64 = VIDEO_TIMESCALE as i64 / 15;

/// Writes one segment: an initialisation part, then fragments.
///
/// Holds one fragment at a time: its data, and some 24 bytes a picture.
#[derive(Debug)]
pub struct Muxer {
    video: VideoTrack,
    audio_rate_hz: Option<u32>,
    /// The media time that is 0 in the file.
    zero: Option<i64>,
    /// Where its first picture lies in the file's time.
    begin: i64,
    sequence: u32,
    /// Room for the head, then the samples of the pictures.
    data: Boxes,
    room: usize,
    pictures: Vec<Picture>,
    /// When the first of them arrived.
    from: Wall,
    /// Where the next fragment begins, at the earliest.
    next: i64,
    /// How long a picture of the last fragment lasted, on average.
    usual: i64,
    /// The latest time of a picture so far.
    latest: i64,
    sound: Sound,
}

#[derive(Debug, Clone, Copy)]
struct Picture {
    shown: i64,
    len: u32,
    is_key: bool,
}

/// Sound of the fragment that is being made.
#[derive(Debug, Default)]
struct Sound {
    data: Vec<u8>,
    frames: Vec<Frame>,
    /// Where the next frame belongs, in ticks of its own.
    next: i64,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    at: i64,
    samples: u32,
    len: u32,
}

/// A fragment: `prft`, `moof` and `mdat`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FragmentBytes {
    /// As written, and as played by MSE behind the initialisation part. Cloning shares the memory.
    pub bytes: Bytes,
    /// Whether playing may begin here.
    pub is_key: bool,
    /// When its first picture arrived.
    pub from: Wall,
    /// How long it shows.
    pub length: Duration,
    /// Pictures in it.
    pub pictures: u32,
}

/// Why a unit is not taken. Nothing has changed by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// It is the first one, and decoding cannot begin with it.
    #[error("a file begins with a key picture; wait for one")]
    NoKey,
    /// It is coded in another way than the track.
    #[error("the coding of the stream changed; begin a new file")]
    OtherCodec,
    /// Its time is before the file's, or long before that of a unit before it.
    #[error("the time of the stream stepped back; begin a new file")]
    StepBack,
    /// Its time is long after that of every unit before it: what lies between is a gap between files.
    #[error("the time of the stream jumped ahead; begin a new file")]
    StepAhead,
    /// The fragment would grow beyond [`FRAGMENT_BYTES_MAX`].
    #[error("the fragment is full; cut it first")]
    Full,
    /// Sound, and the file has no track for it.
    #[error("the file has no sound")]
    NoSound,
}

impl Muxer {
    /// A muxer and the initialisation part, with which the file begins.
    pub fn new(video: VideoTrack, audio: Option<AudioTrack>, facts: &Facts) -> (Self, Vec<u8>) {
        let described = audio.as_ref().map(AudioTrack::described);
        let init = init::fragmented(&video.described(), described.as_ref(), facts);
        let muxer = Self {
            video,
            audio_rate_hz: audio.map(|it| it.rate_hz()),
            zero: None,
            begin: 0,
            sequence: 0,
            data: Boxes::default(),
            room: ROOM_FIRST,
            pictures: Vec::new(),
            from: facts.from,
            next: 0,
            usual: USUAL_TICKS,
            latest: 0,
            sound: Sound::default(),
        };
        (muxer, init)
    }

    /// Puts the first picture there in the file's time, in place of 0: what follows is played behind what another muxer made. To be called
    /// before there is a picture.
    pub fn begin_at(&mut self, at: MediaTime) {
        let at = at.ticks_90k.max(0);
        (self.begin, self.next, self.latest) = (at, at, at);
    }

    /// Where the last fragment ends, in the file's time.
    pub fn end(&self) -> MediaTime {
        MediaTime { ticks_90k: self.next }
    }

    /// The video track.
    pub fn video(&self) -> &VideoTrack {
        &self.video
    }

    /// Takes a picture. Whoever calls has cut before a picture with which a fragment is to begin.
    ///
    /// # Errors
    /// See [`NotTaken`].
    pub fn push_video(&mut self, unit: &AccessUnit) -> Result<(), NotTaken> {
        if unit.codec != self.video.codec() {
            return Err(NotTaken::OtherCodec);
        }
        if self.zero.is_none() && !unit.is_key {
            return Err(NotTaken::NoKey);
        }
        let zero = self.zero.unwrap_or(unit.media.ticks_90k.saturating_sub(self.begin));
        let shown = unit.media.ticks_90k.saturating_sub(zero);
        let ticks = |of: Duration| i64::from(VIDEO_TIMESCALE) * of.as_secs() as i64;
        if shown <= self.latest.saturating_sub(ticks(STEP_BACK_MAX)) {
            return Err(NotTaken::StepBack);
        }
        if shown > self.latest.saturating_add(ticks(STEP_AHEAD_MAX)) {
            return Err(NotTaken::StepAhead);
        }
        // Lengths for 3-byte start codes make a unit longer by a quarter of itself at most.
        if self.bytes() + unit.data.len() + unit.data.len() / 4 > FRAGMENT_BYTES_MAX {
            return Err(NotTaken::Full);
        }
        self.zero = Some(zero);
        if self.pictures.is_empty() {
            self.from = unit.arrived.wall;
            self.data.zeros(self.room.saturating_sub(self.data.0.len()));
        }
        self.latest = self.latest.max(shown);
        let at = self.data.0.len();
        make_room(&mut self.data.0, unit.data.len() + 64);
        nals::append_sample(unit.codec, &unit.data, self.video.sets(), &mut self.data);
        let len = (self.data.0.len() - at) as u32;
        self.pictures.push(Picture { shown, len, is_key: unit.is_key });
        Ok(())
    }

    /// Takes a frame of sound: coded `data` of `samples` samples from `media` on, in the time of the pictures. What comes before the first
    /// picture is left out.
    ///
    /// # Errors
    /// See [`NotTaken`].
    pub fn push_audio(&mut self, data: &[u8], media: MediaTime, samples: u32) -> Result<(), NotTaken> {
        let rate_hz = self.audio_rate_hz.ok_or(NotTaken::NoSound)?;
        let is_behind = |zero: &i64| media.ticks_90k.saturating_sub(*zero) >= self.begin;
        let Some(zero) = self.zero.filter(is_behind) else { return Ok(()) };
        if self.bytes() + data.len() > FRAGMENT_BYTES_MAX {
            return Err(NotTaken::Full);
        }
        let since = i128::from(media.ticks_90k) - i128::from(zero);
        let told = (since * i128::from(rate_hz) / i128::from(VIDEO_TIMESCALE)) as i64;
        let sound = &mut self.sound;
        // Rounded times do not move it; a hole does. It never goes back.
        let at = if told > sound.next + i64::from(samples / 2) { told } else { sound.next };
        sound.next = at + i64::from(samples);
        sound.data.extend_from_slice(data);
        sound.frames.push(Frame { at, samples, len: data.len() as u32 });
        Ok(())
    }

    /// How large the fragment is so far, in bytes.
    pub fn bytes(&self) -> usize {
        self.data.0.len() + self.sound.data.len()
    }

    /// How long the fragment is so far: from its first picture to the one that is shown last.
    pub fn length(&self) -> Duration {
        let since = |ticks_90k| MediaTime { ticks_90k };
        self.pictures.first().map_or(Duration::ZERO, |first| since(self.latest).since(since(first.shown)))
    }

    /// Ends the fragment: `next` is the media time of the picture that follows, where one does. `None` where there is no picture.
    pub fn cut(&mut self, next: Option<MediaTime>) -> Option<FragmentBytes> {
        let first = self.pictures.first()?;
        let (is_key, from) = (first.is_key, self.from);
        let next = next.zip(self.zero).map(|(next, zero)| next.ticks_90k.saturating_sub(zero));
        let times = self.decode_times(next);
        let head = self.head(&times);
        self.sequence += 1;
        self.next = times[times.len() - 1];
        self.usual = (self.next - times[0]) / self.pictures.len() as i64;
        let length = MediaTime { ticks_90k: self.next }.since(MediaTime { ticks_90k: times[0] });
        let pictures = self.pictures.len() as u32;

        let capacity = self.bytes();
        let mut data = std::mem::take(&mut self.data.0);
        data.extend_from_slice(&self.sound.data);
        let start = match self.room.checked_sub(head.len()) {
            Some(start) => {
                data[start..self.room].copy_from_slice(&head);
                start
            }
            // More samples than ever before: the data moves once.
            None => {
                data.splice(..self.room, head.iter().copied());
                0
            }
        };
        self.room = head.len() + ROOM_SPARE;
        self.data.0.reserve_exact(capacity);
        self.pictures.clear();
        self.sound.data.clear();
        self.sound.frames.clear();
        Some(FragmentBytes { bytes: Bytes::from(data).slice(start..), is_key, from, length, pictures })
    }

    /// One decoding time a picture, and then when the last one ends; increasing.
    fn decode_times(&self, next: Option<i64>) -> Vec<i64> {
        let mut times: Vec<i64> = self.pictures.iter().map(|it| it.shown).chain(next).collect();
        times.sort_unstable();
        let mut earliest = self.next;
        for time in &mut times {
            *time = (*time).max(earliest);
            earliest = *time + 1;
        }
        if next.is_none() {
            let (last, steps) = (times[times.len() - 1], times.len() as i64 - 1);
            let usual = if steps == 0 { self.usual } else { (last - times[0]) / steps };
            times.push(last + usual.max(1));
        }
        times
    }

    /// `prft`, `moof`, and the header of `mdat`.
    fn head(&self, times: &[i64]) -> Vec<u8> {
        let mut boxes = Boxes::with_capacity(self.room);
        let begin = times[0] as u64;
        // The time by a clock of the real world, of the picture as it was input (flags 24).
        boxes.full(b"prft", 1, 24, |it| {
            it.u32(VIDEO_ID).u64(ntp_of_wall(self.from)).u64(begin);
        });
        let moof = boxes.0.len();
        let mut offsets = Vec::with_capacity(2);
        boxes.boxed(b"moof", |it| {
            it.full(b"mfhd", 0, 0, |it| _ = it.u32(self.sequence + 1));
            it.boxed(b"traf", |it| {
                traf(VIDEO_ID, begin, it);
                offsets.push(self.pictures_run(times, it));
            });
            if let Some(first) = self.sound.frames.first() {
                it.boxed(b"traf", |it| {
                    traf(AUDIO_ID, first.at as u64, it);
                    offsets.push(self.sound_run(it));
                });
            }
        });
        let video_len = self.data.0.len() - self.room;
        let data_at = (boxes.0.len() - moof + HEADER_LEN) as u32;
        for (at, offset) in offsets.into_iter().zip([data_at, data_at + video_len as u32]) {
            boxes.patch(at, offset);
        }
        boxes.u32((HEADER_LEN + video_len + self.sound.data.len()) as u32).bytes(b"mdat");
        boxes.0
    }

    /// `trun` of the pictures. Returns where its data offset is to be written.
    fn pictures_run(&self, times: &[i64], to: &mut Boxes) -> usize {
        let offset = |(picture, time): (&Picture, &i64)| (picture.shown - time) as i32;
        let is_reordered = self.pictures.iter().zip(times).map(offset).any(|offset| offset != 0);
        let has_flags = self.pictures[1..].iter().any(|it| it.is_key);
        let key_flags = |is_key| if is_key { SYNC } else { NO_SYNC };
        // Data offset, durations and sizes; flags of the first sample or of each; composition offsets.
        let flags = 0x301 | if has_flags { 0x400 } else { 4 } | if is_reordered { 0x800 } else { 0 };
        let mut at = 0;
        to.full(b"trun", 1, flags, |it| {
            it.u32(self.pictures.len() as u32);
            at = it.0.len();
            it.u32(0);
            if !has_flags {
                it.u32(key_flags(self.pictures[0].is_key));
            }
            for (picture, time) in self.pictures.iter().zip(times.windows(2)) {
                it.u32(u32::try_from(time[1] - time[0]).unwrap_or(u32::MAX)).u32(picture.len);
                if has_flags {
                    it.u32(key_flags(picture.is_key));
                }
                if is_reordered {
                    it.i32(offset((picture, &time[0])));
                }
            }
        });
        at
    }

    /// `trun` of the sound.
    fn sound_run(&self, to: &mut Boxes) -> usize {
        let mut at = 0;
        let frames = &self.sound.frames;
        to.full(b"trun", 0, 0x301, |it| {
            it.u32(frames.len() as u32);
            at = it.0.len();
            it.u32(0);
            for (index, frame) in frames.iter().enumerate() {
                let until = frames.get(index + 1).map_or(frame.at + i64::from(frame.samples), |next| next.at);
                it.u32(u32::try_from(until - frame.at).unwrap_or(u32::MAX)).u32(frame.len);
            }
        });
        at
    }
}

/// `tfhd` (the data begins where `moof` does) and `tfdt`.
fn traf(track: u32, begin: u64, to: &mut Boxes) {
    to.full(b"tfhd", 0, 0x2_0000, |it| _ = it.u32(track));
    to.full(b"tfdt", 1, 0, |it| _ = it.u64(begin));
}

/// Grows by a quarter at a time: doubling would cost as much memory again as the largest fragment.
fn make_room(data: &mut Vec<u8>, bytes: usize) {
    let free = data.capacity() - data.len();
    if free < bytes {
        data.reserve_exact(bytes.max(data.len() / 4));
    }
}
