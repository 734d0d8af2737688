//! Annex B → length-prefixed NAL units, as MP4 files have them (ISO/IEC 14496-15).
//!
//! Which units are parameter sets and delimiters is known here; what is inside of them is for `parameters`.

use super::boxes::Boxes;
use crate::camera::{Codec, nal_starts};

/// What a NAL unit is to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// Video parameter set (H.265).
    Vps,
    /// Sequence parameter set.
    Sps,
    /// Picture parameter set.
    Pps,
    /// Says that an access unit begins, which a file says by itself.
    Delimiter,
    /// Belongs into a sample.
    Sample,
}

pub(super) fn role(codec: Codec, header: u8) -> Role {
    match (codec, header & 0x1f, (header >> 1) & 0x3f) {
        (Codec::H264, 7, _) | (Codec::H265, _, 33) => Role::Sps,
        (Codec::H264, 8, _) | (Codec::H265, _, 34) => Role::Pps,
        (Codec::H265, _, 32) => Role::Vps,
        (Codec::H264, 9, _) | (Codec::H265, _, 35) => Role::Delimiter,
        _ => Role::Sample,
    }
}

/// The NAL units of an access unit, without start codes, none of them empty. Zeros in front of a start code belong to it, never to
/// a unit (ITU-T H.264, B.1.1).
pub(super) fn units(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut starts = nal_starts(data).peekable();
    std::iter::from_fn(move || {
        let start = starts.next()?;
        let end = starts.peek().map_or(data.len(), |next| next - 3);
        Some(&data[start..end.max(start)])
    })
    .filter_map(|unit| unit.iter().rposition(|&b| b != 0).map(|last| &unit[..=last]))
}

/// Appends an access unit as one sample, less its delimiters and those parameter sets that are among `sets`.
pub(super) fn append_sample(codec: Codec, data: &[u8], sets: &[Vec<u8>], to: &mut Boxes) {
    if codec == Codec::Mjpeg {
        to.bytes(data);
        return;
    }
    for unit in units(data) {
        let belongs = match role(codec, unit[0]) {
            Role::Delimiter => false,
            Role::Sample => true,
            Role::Vps | Role::Sps | Role::Pps => !sets.iter().any(|set| set == unit),
        };
        if belongs {
            to.u32(unit.len() as u32).bytes(unit);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_sample_holds_what_the_sample_entry_does_not() {
        let data = [
            &[0, 0, 0, 1, 0x09, 0xf0][..],
            &[0, 0, 0, 1, 0x67, 1, 2],
            &[0, 0, 1, 0x68, 3],
            &[0, 0, 1, 0x06, 5, 1, 0x80],
            &[0, 0, 0, 1, 0x65, 9, 9, 0, 0],
        ]
        .concat();
        let mut sample = Boxes::default();
        append_sample(Codec::H264, &data, &[vec![0x67, 1, 2]], &mut sample);
        // The PPS is another than the sample entry's, or none was there: it stays.
        assert_eq!(sample.0, [0, 0, 0, 2, 0x68, 3, 0, 0, 0, 4, 6, 5, 1, 0x80, 0, 0, 0, 3, 0x65, 9, 9]);
    }

    #[test]
    fn h265_has_other_numbers() {
        let roles = [32u8, 33, 34, 35, 19, 39].map(|kind| role(Codec::H265, kind << 1));
        assert_eq!(roles, [Role::Vps, Role::Sps, Role::Pps, Role::Delimiter, Role::Sample, Role::Sample]);
    }

    proptest! {
        #[test]
        fn any_bytes_have_units(data in proptest::collection::vec(prop_oneof![Just(0u8), Just(1u8), any::<u8>()], 0..200)) {
            let count = units(&data).inspect(|unit| assert_ne!(unit.last(), Some(&0))).count();
            prop_assert!(count <= data.len() / 3);
        }
    }
}
