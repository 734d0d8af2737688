//! Annex B byte streams (H.264 and H.265): where one NAL unit ends and the next begins.
//!
//! Knows nothing of what the NAL units mean, beyond the type in their first byte.

use bytes::Bytes;

/// The NAL units of an Annex B byte stream, without start codes, in order. They share the memory of `data`. Bytes in
/// front of the first start code and empty units are left out.
pub fn nal_units(data: &Bytes) -> Vec<Bytes> {
    let mut units = Vec::new();
    let mut begin = None;
    let mut at = 0;
    while at + 3 <= data.len() {
        if data[at..at + 3] == [0, 0, 1] {
            push(data, begin, at, &mut units);
            begin = Some(at + 3);
            at += 3;
        } else {
            at += 1;
        }
    }
    push(data, begin, data.len(), &mut units);
    units
}

/// Zero bytes before a start code belong to it (or are trailing zeros), never to a NAL unit (H.264 annex B.1.1).
fn push(data: &Bytes, begin: Option<usize>, end: usize, units: &mut Vec<Bytes>) {
    let Some(begin) = begin else { return };
    let length = data[begin..end].iter().rposition(|&b| b != 0).map_or(0, |last| last + 1);
    if length > 0 {
        units.push(data.slice(begin..begin + length));
    }
}

/// The type of an H.264 NAL unit (H.264 table 7-1).
pub fn h264_type(nal: &[u8]) -> u8 {
    nal.first().map_or(0, |b| b & 0x1f)
}

/// The type of an H.265 NAL unit (H.265 table 7-1).
pub fn h265_type(nal: &[u8]) -> u8 {
    nal.first().map_or(0, |b| (b >> 1) & 0x3f)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_found_between_start_codes_of_both_lengths() {
        let cases: [(&[u8], &[&[u8]]); 6] = [
            (&[], &[]),
            (&[1, 2, 3], &[]),
            (&[0, 0, 1], &[]),
            (&[0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 2], &[&[0x67, 1], &[0x68, 2]]),
            (&[0, 0, 1, 0x67, 0, 0, 0, 0, 1, 0x65, 0, 3, 0, 0], &[&[0x67], &[0x65, 0, 3]]),
            (&[9, 9, 0, 0, 1, 0, 0, 1, 5], &[&[5]]),
        ];
        for (data, expected) in cases {
            let found = nal_units(&Bytes::copy_from_slice(data));
            assert_eq!(found.iter().map(|n| &n[..]).collect::<Vec<_>>(), expected, "{data:?}");
        }
    }
}
