//! The size that a unit says its picture has.
//!
//! Owns just enough of the parameter sets to refuse a picture before a decoder sets memory aside for it: libav decodes first and
//! asks whether anybody wants it afterwards. All else in them is the decoder's business. Pure.

use crate::{camera::Codec, geometry::Size};

/// Bytes of a parameter set that are looked at.
const PARAMETERS_MAX: usize = 1024;

/// Bytes of a unit in which parameter sets are looked for.
const HEAD_MAX: usize = 64 << 10;

/// The coded size in the parameter sets in front of the first slice, or in the frame header of a JPEG. `None` where there are
/// none, or they cannot be read.
pub(super) fn size(codec: Codec, data: &[u8]) -> Option<Size> {
    match codec {
        Codec::H264 => nals(data)
            .take_while(|nal| !matches!(nal[0] & 0x1f, 1..=5))
            .filter(|nal| nal[0] & 0x1f == 7)
            .find_map(|nal| h264(&mut Bits::of(nal.get(1..)?))),
        Codec::H265 => nals(data)
            .take_while(|nal| (nal[0] >> 1) & 0x3f >= 32)
            .filter(|nal| (nal[0] >> 1) & 0x3f == 33)
            .find_map(|nal| h265(&mut Bits::of(nal.get(2..)?))),
        Codec::Mjpeg => jpeg(data),
    }
}

/// The NAL units of an Annex B stream, without start codes; none is empty. Rec. ITU-T H.264 annex B.
fn nals(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = &data[..data.len().min(HEAD_MAX)];
    std::iter::from_fn(move || {
        let start = start_code(rest)? + 3;
        rest = &rest[start..];
        // Parameter sets are short: looking further for the end of a slice would be work for nothing.
        let near = &rest[..rest.len().min(PARAMETERS_MAX)];
        Some(&near[..start_code(near).unwrap_or(near.len())])
    })
    .filter(|nal| !nal.is_empty())
}

fn start_code(data: &[u8]) -> Option<usize> {
    data.windows(3).position(|three| three == [0, 0, 1])
}

/// Rec. ITU-T H.264 section 7.3.2.1.1, up to `frame_mbs_only_flag`.
fn h264(bits: &mut Bits) -> Option<Size> {
    let profile = bits.take(8)?;
    bits.take(16)?;
    bits.exp_golomb()?;
    if matches!(profile, 44 | 83 | 86 | 100 | 110 | 118 | 122 | 128 | 134 | 135 | 138 | 139 | 244) {
        let chroma_format = bits.exp_golomb()?;
        if chroma_format == 3 {
            bits.take(1)?;
        }
        bits.exp_golomb()?;
        bits.exp_golomb()?;
        bits.take(1)?;
        if bits.take(1)? == 1 {
            for list in 0..if chroma_format == 3 { 12 } else { 8 } {
                if bits.take(1)? == 1 {
                    skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
    }
    bits.exp_golomb()?;
    match bits.exp_golomb()? {
        0 => {
            bits.exp_golomb()?;
        }
        1 => {
            bits.take(1)?;
            bits.exp_golomb()?;
            bits.exp_golomb()?;
            for _ in 0..bits.exp_golomb()?.min(255) {
                bits.exp_golomb()?;
            }
        }
        _ => {}
    }
    bits.exp_golomb()?;
    bits.take(1)?;
    let (columns, rows) = (bits.exp_golomb()?.checked_add(1)?, bits.exp_golomb()?.checked_add(1)?);
    let fields = if bits.take(1)? == 1 { 1 } else { 2 };
    Some(Size::new(columns.saturating_mul(16), rows.saturating_mul(16 * fields)))
}

/// Section 7.3.2.1.1.1.
fn skip_scaling_list(bits: &mut Bits, entries: u32) -> Option<()> {
    let (mut last, mut next) = (8i64, 8i64);
    for _ in 0..entries {
        if next != 0 {
            let code = i64::from(bits.exp_golomb()?);
            let delta = if code % 2 == 1 { (code + 1) / 2 } else { -code / 2 };
            next = (last + delta).rem_euclid(256);
        }
        last = if next == 0 { last } else { next };
    }
    Some(())
}

/// Rec. ITU-T H.265 sections 7.3.2.2.1 and 7.3.3, up to the height.
fn h265(bits: &mut Bits) -> Option<Size> {
    bits.take(4)?;
    let sub_layers = bits.take(3)?;
    bits.take(1)?;
    bits.skip(96)?;
    let mut present = Vec::new();
    for _ in 0..sub_layers {
        present.push((bits.take(1)?, bits.take(1)?));
    }
    if sub_layers > 0 {
        bits.skip(2 * (8 - sub_layers as usize))?;
    }
    for (profile, level) in present {
        bits.skip(88 * profile as usize + 8 * level as usize)?;
    }
    bits.exp_golomb()?;
    if bits.exp_golomb()? == 3 {
        bits.take(1)?;
    }
    Some(Size::new(bits.exp_golomb()?, bits.exp_golomb()?))
}

/// The first frame header: Rec. ITU-T T.81 section B.2.2.
fn jpeg(data: &[u8]) -> Option<Size> {
    let mut at = 2;
    loop {
        let (mark, kind) = (*data.get(at)?, *data.get(at + 1)?);
        if mark != 0xff {
            return None;
        }
        if kind == 0xff {
            at += 1;
            continue;
        }
        let pair = |at: usize| Some(u16::from_be_bytes([*data.get(at)?, *data.get(at + 1)?]));
        if matches!(kind, 0xc0..=0xcf) && !matches!(kind, 0xc4 | 0xc8 | 0xcc) {
            return Some(Size::new(pair(at + 7)?.into(), pair(at + 5)?.into()));
        }
        at += 2 + usize::from(pair(at + 2)?);
    }
}

/// Reads bits, most significant first, with emulation prevention taken out.
struct Bits {
    bytes: Vec<u8>,
    at: usize,
}

impl Bits {
    fn of(nal: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(nal.len());
        let mut zeros = 0;
        for byte in nal {
            if *byte == 3 && zeros >= 2 {
                // Two zeros and a 3: the 3 is there to keep the stream free of start codes.
                zeros = 0;
                continue;
            }
            zeros = if *byte == 0 { zeros + 1 } else { 0 };
            bytes.push(*byte);
        }
        Self { bytes, at: 0 }
    }

    fn skip(&mut self, bits: usize) -> Option<()> {
        self.at += bits;
        (self.at <= 8 * self.bytes.len()).then_some(())
    }

    fn take(&mut self, bits: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..bits {
            let byte = *self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    /// ue(v), section 9.1.
    fn exp_golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1u32 << zeros) - 1 + self.take(zeros)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::probe;

    #[test]
    fn the_probe_says_its_size() {
        let units: Vec<_> = probe::units().collect();
        assert_eq!(size(Codec::H264, &units[0].data), Some(probe::SIZE));
        assert_eq!(size(Codec::H264, &units[1].data), None, "a P picture has no parameter sets");
    }

    #[test]
    fn jpeg_frame_headers_are_found_behind_other_segments() {
        let head = b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xc4\0\x03z\xff\xc2\0\x0b\x08\x01\x68\x02\x80\x03";
        assert_eq!(size(Codec::Mjpeg, head), Some(Size::new(640, 360)));
        assert_eq!(size(Codec::Mjpeg, &head[..18]), None);
        assert_eq!(size(Codec::Mjpeg, b"\xff\xd8\xff\xe0\0\0\xff"), None);
    }

    #[test]
    fn whatever_the_bytes_are_there_is_an_answer() {
        let mut dice = 1u64;
        for round in 0..3000 {
            let mut bytes = vec![0, 0, 1, if round % 2 == 0 { 0x67 } else { 0x42 }, 1];
            for _ in 0..round % 90 {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                bytes.push((dice >> 40) as u8 & if round % 3 == 0 { 0x13 } else { 0xff });
            }
            for codec in [Codec::H264, Codec::H265, Codec::Mjpeg] {
                size(codec, &bytes);
                size(codec, &bytes[3..]);
            }
        }
    }
}
