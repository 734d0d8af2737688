//! What an access unit says of itself without being decoded: how large it is, what kind of picture, and the QP of its first slice.
//!
//! Reads NAL headers, parameter sets and the first slice's header (at most [`SLICE_PREFIX`] bytes of it), and nothing that is
//! entropy coded. Copies nothing, and allocates only when parameter sets change. What is unusual belongs to `evidence`.

mod bits;
mod h264;
mod h265;
#[cfg(test)]
mod tests;

use crate::camera::{Codec, nal_starts};

/// What one access unit says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnitFacts {
    /// Bytes of coded slices: without filler, SEI, parameter sets and delimiters.
    pub bytes: u32,
    /// Bytes of filler (H.264 NAL type 12, H.265 type 38): what a constant rate pads with.
    pub filler: u32,
    /// How the first slice is predicted.
    pub kind: PictureKind,
    /// Whether other pictures refer to it.
    pub is_reference: bool,
    /// QP of the first slice, 0 to 51; `None` where the header cannot be read that far.
    pub qp: Option<u8>,
    /// Coded slices; 0 where the unit carries no picture.
    pub slices: u16,
}

/// How a picture is predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureKind {
    /// From nothing: a key frame, or an intra picture at which decoding may not start.
    Key,
    /// From pictures before it.
    Predicted,
    /// From two pictures at a time.
    Bidirectional,
}

/// Bytes of a slice that are looked at. Headers end after some 10 to 20; a long table of weights may not fit, and QP is then unknown.
const SLICE_PREFIX: usize = 64;
/// Parameter sets of one kind that are kept. Cameras send one, now and then two.
const SETS_MAX: usize = 8;
/// Longest parameter set that is read, in bytes. With all scaling lists one has some 1,000.
const SET_LEN_MAX: usize = 2_048;

/// Id of a parameter set.
type SetId = u8;

/// Reads the units of one stream: keeps its parameter sets.
#[derive(Debug, Default)]
pub struct Headers {
    h264_sps: Sets<h264::Sps>,
    h264_pps: Sets<h264::Pps>,
    h265_sps: Sets<h265::Sps>,
    h265_pps: Sets<h265::Pps>,
}

impl Headers {
    /// Of a stream that has said nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What `unit` says: Annex B for H.264 and H.265, one JFIF picture for MJPEG. Never panics, whatever the bytes.
    pub fn read(&mut self, codec: Codec, unit: &[u8]) -> UnitFacts {
        let mut facts = UnitFacts {
            bytes: 0,
            filler: 0,
            kind: PictureKind::Predicted,
            is_reference: true,
            qp: None,
            slices: 0,
        };
        if codec == Codec::Mjpeg {
            let slices = u16::from(!unit.is_empty());
            return UnitFacts { bytes: len_of(unit), kind: PictureKind::Key, slices, ..facts };
        }
        let mut starts = nal_starts(unit);
        let mut start = starts.next();
        while let Some(from) = start {
            start = starts.next();
            // Of a start code with four bytes, the first zero is counted with the unit before it, and left out there.
            let end = start.map_or(unit.len(), |next| next.saturating_sub(3).max(from));
            let nal = unit[from..end].strip_suffix(&[0]).unwrap_or(&unit[from..end]);
            if nal.is_empty() {
                continue;
            }
            match codec {
                Codec::H264 => self.h264(nal, &mut facts),
                Codec::H265 => self.h265(nal, &mut facts),
                Codec::Mjpeg => {}
            }
        }
        facts
    }

    fn h264(&mut self, nal: &[u8], facts: &mut UnitFacts) {
        let payload = &nal[1..];
        match nal[0] & 0x1f {
            1..=5 => {
                facts.slice(nal);
                if facts.slices == 1 {
                    facts.is_reference = nal[0] & 0x60 != 0;
                    let prefix = &payload[..payload.len().min(SLICE_PREFIX)];
                    if nal[0] & 0x1f == 5 {
                        facts.kind = PictureKind::Key;
                    }
                    let Some((kind, pps)) = h264::kind(prefix) else { return };
                    if facts.kind != PictureKind::Key {
                        facts.kind = kind;
                    }
                    let pps = self.h264_pps.get(pps);
                    let sps = pps.and_then(|pps| self.h264_sps.get(pps.sps));
                    let qp = pps.zip(sps).and_then(|(pps, sps)| h264::qp(nal[0], prefix, sps, pps));
                    facts.qp = qp.and_then(in_range);
                }
            }
            7 => self.h264_sps.put(payload, h264::Sps::read),
            8 => self.h264_pps.put(payload, h264::Pps::read),
            12 => facts.filler(nal),
            _ => {}
        }
    }

    fn h265(&mut self, nal: &[u8], facts: &mut UnitFacts) {
        let nal_type = (nal[0] >> 1) & 0x3f;
        let payload = nal.get(2..).unwrap_or_default();
        match nal_type {
            0..=31 => {
                facts.slice(nal);
                if facts.slices == 1 {
                    // TRAIL_N and its like have even types, up to 14.
                    facts.is_reference = nal_type > 14 || nal_type % 2 == 1;
                    if matches!(nal_type, 16..=21) {
                        facts.kind = PictureKind::Key;
                    }
                    let prefix = &payload[..payload.len().min(SLICE_PREFIX)];
                    let pps = h265::pps_of(nal_type, prefix).and_then(|id| self.h265_pps.get(id));
                    let Some(pps) = pps else { return };
                    facts.kind = h265::kind(nal_type, prefix, pps).unwrap_or(facts.kind);
                    let sps = self.h265_sps.get(pps.sps);
                    facts.qp = sps.and_then(|sps| h265::qp(nal_type, prefix, sps, pps)).and_then(in_range);
                }
            }
            33 => self.h265_sps.put(payload, h265::Sps::read),
            34 => self.h265_pps.put(payload, h265::Pps::read),
            38 => facts.filler(nal),
            _ => {}
        }
    }
}

impl UnitFacts {
    fn slice(&mut self, nal: &[u8]) {
        self.bytes = self.bytes.saturating_add(len_of(nal));
        self.slices = self.slices.saturating_add(1);
    }

    fn filler(&mut self, nal: &[u8]) {
        self.filler = self.filler.saturating_add(len_of(nal));
    }
}

fn len_of(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// Higher bit depths go below 0; what is above 51 was misread.
fn in_range(qp: i32) -> Option<u8> {
    u8::try_from(qp.max(0)).ok().filter(|&qp| qp <= 51)
}

/// The newest parameter sets of one kind.
#[derive(Debug)]
struct Sets<T> {
    sets: Vec<Set<T>>,
}

#[derive(Debug)]
struct Set<T> {
    id: SetId,
    /// As it came: cameras repeat theirs with each key frame, and it is read once.
    raw: Vec<u8>,
    is: T,
}

impl<T> Default for Sets<T> {
    fn default() -> Self {
        Self { sets: Vec::new() }
    }
}

impl<T> Sets<T> {
    fn get(&self, id: SetId) -> Option<&T> {
        self.sets.iter().find(|set| set.id == id).map(|set| &set.is)
    }

    fn put(&mut self, payload: &[u8], read: impl FnOnce(&[u8]) -> Option<(SetId, T)>) {
        if payload.len() > SET_LEN_MAX || self.sets.iter().any(|set| set.raw == payload) {
            return;
        }
        let Some((id, is)) = read(payload) else { return };
        let set = Set { id, raw: payload.to_vec(), is };
        match self.sets.iter_mut().find(|set| set.id == id) {
            Some(old) => *old = set,
            None => {
                if self.sets.len() == SETS_MAX {
                    self.sets.remove(0);
                }
                self.sets.push(set);
            }
        }
    }
}
