//! Samples of a file back as access units, for the decoder.
//!
//! Owns the way back from length-prefixed NAL units to start codes, with the parameter sets in front of key pictures. No bytes make it panic.

use super::{boxes::child, movie::Tracks, track::ENTRY_FIELDS};
use crate::camera::Codec;

const START: [u8; 4] = [0, 0, 0, 1];

impl Tracks {
    /// The access unit that a sample of the pictures holds: Annex B, or one JFIF picture. `None` where the track or the sample is not understood.
    pub fn access_unit(&self, sample: &[u8], is_key: bool) -> Option<(Codec, Vec<u8>)> {
        let entry = &self.video.described.entry;
        let boxes = entry.get(ENTRY_FIELDS.0..)?;
        let (codec, length_len, sets) = match entry.get(4..8)? {
            b"avc1" | b"avc3" => {
                let (length_len, sets) = avc(child(boxes, b"avcC")?)?;
                (Codec::H264, length_len, sets)
            }
            b"hvc1" | b"hev1" => {
                let (length_len, sets) = hevc(child(boxes, b"hvcC")?)?;
                (Codec::H265, length_len, sets)
            }
            b"jpeg" => return Some((Codec::Mjpeg, sample.to_vec())),
            _ => return None,
        };
        let mut unit = Vec::with_capacity(sample.len() + 128);
        if is_key {
            sets.iter().for_each(|set| put(&mut unit, set));
        }
        let mut rest = sample;
        while !rest.is_empty() {
            let (length, behind) = rest.split_at_checked(length_len)?;
            let length = length.iter().fold(0, |sum, &byte| (sum << 8) | usize::from(byte));
            let (nal, behind) = behind.split_at_checked(length)?;
            put(&mut unit, nal);
            rest = behind;
        }
        Some((codec, unit))
    }
}

fn put(unit: &mut Vec<u8>, nal: &[u8]) {
    unit.extend_from_slice(&START);
    unit.extend_from_slice(nal);
}

/// ISO/IEC 14496-15, 5.3.3.1: how many bytes a length has, and the parameter sets.
fn avc(config: &[u8]) -> Option<(usize, Vec<&[u8]>)> {
    let length_len = usize::from(config.get(4)? & 3) + 1;
    let (mut rest, mut sets) = (config.get(5..)?, Vec::new());
    for mask in [0x1f, 0xff] {
        let (count, behind) = rest.split_first()?;
        rest = take_sets(behind, usize::from(count & mask), &mut sets)?;
    }
    Some((length_len, sets))
}

/// ISO/IEC 14496-15, 8.3.3.1.
fn hevc(config: &[u8]) -> Option<(usize, Vec<&[u8]>)> {
    let length_len = usize::from(config.get(21)? & 3) + 1;
    let (&arrays, mut rest) = config.get(22..)?.split_first()?;
    let mut sets = Vec::new();
    for _ in 0..arrays {
        let ([_, high, low], behind) = rest.split_first_chunk()?;
        rest = take_sets(behind, usize::from(u16::from_be_bytes([*high, *low])), &mut sets)?;
    }
    Some((length_len, sets))
}

/// `count` sets, each behind its length; says what follows.
fn take_sets<'s>(mut rest: &'s [u8], count: usize, sets: &mut Vec<&'s [u8]>) -> Option<&'s [u8]> {
    for _ in 0..count {
        let (length, behind) = rest.split_first_chunk()?;
        let (set, behind) = behind.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        sets.push(set);
        rest = behind;
    }
    Some(rest)
}
