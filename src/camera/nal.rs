//! What the NAL units of an access unit say of it: whether decoding may start there.
//!
//! Reads Annex B byte streams (ITU-T H.264 and H.265, Annex B) as far as the first coded slice, and copies nothing.
//! What is inside of a slice is not looked at
//! (its header is read by `gate`). The only file that names memchr.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::Codec;

/// Made once: making it costs as much as searching a small unit.
static START_CODE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(&[0, 0, 1]));

/// What an access unit is to a decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Decoding may start here.
    Key,
    /// Needs pictures before it.
    Delta,
    /// Carries no picture (a lone delimiter, SEI or parameter set).
    NoPicture,
}

/// What an access unit is, by its first coded slice.
///
/// H.264: NAL type 5 (IDR) is key, 1 to 4 are not. H.265: 16 to 21 (BLA, IDR, CRA) are key, other types below 32 are not. MJPEG:
/// every picture is key. Never panics, whatever the bytes.
pub(super) fn kind(codec: Codec, data: &[u8]) -> Kind {
    let slice = match codec {
        Codec::Mjpeg => return if data.is_empty() { Kind::NoPicture } else { Kind::Key },
        Codec::H264 => nal_headers(data).map(|header| header & 0x1f).find(|kind| (1..=5).contains(kind)),
        Codec::H265 => nal_headers(data).map(|header| (header >> 1) & 0x3f).find(|&kind| kind < 32),
    };
    match (codec, slice) {
        (_, None) => Kind::NoPicture,
        (Codec::H264, Some(5)) | (Codec::H265, Some(16..=21)) => Kind::Key,
        (_, Some(_)) => Kind::Delta,
    }
}

/// The first byte of each NAL unit, in order.
fn nal_headers(data: &[u8]) -> impl Iterator<Item = u8> {
    starts(data).filter_map(|at| data.get(at).copied())
}

/// Where each NAL unit begins: behind its start code. Searches only as far as it is asked.
pub(crate) fn starts(data: &[u8]) -> impl Iterator<Item = usize> {
    // 00 00 01 starts a NAL unit; emulation prevention keeps it out of everything else.
    START_CODE.find_iter(data).map(|at| at + 3)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn annex_b(nals: &[&[u8]]) -> Vec<u8> {
        nals.iter().flat_map(|nal| [&[0, 0, 0, 1], *nal].concat()).collect()
    }

    #[test]
    fn the_first_slice_decides() {
        let h265 = |kind: u8| [kind << 1, 1, 0xaf];
        let cases: &[(&str, Codec, Vec<u8>, Kind)] = &[
            ("IDR after SPS, PPS", Codec::H264, annex_b(&[&[0x67, 1], &[0x68, 1], &[0x65, 9]]), Kind::Key),
            ("P", Codec::H264, annex_b(&[&[0x41, 9]]), Kind::Delta),
            ("delimiter and P", Codec::H264, annex_b(&[&[0x09, 0xf0], &[0x41, 9]]), Kind::Delta),
            ("three-byte start code", Codec::H264, vec![0, 0, 1, 0x65, 9], Kind::Key),
            ("SEI alone", Codec::H264, annex_b(&[&[0x06, 5, 1, 0, 0x80]]), Kind::NoPicture),
            ("nothing", Codec::H264, vec![], Kind::NoPicture),
            ("a start code at the very end", Codec::H264, vec![0, 0, 1], Kind::NoPicture),
            ("IDR_W_RADL", Codec::H265, annex_b(&[&h265(32), &h265(33), &h265(34), &h265(19)]), Kind::Key),
            ("BLA_W_LP", Codec::H265, annex_b(&[&h265(16)]), Kind::Key),
            ("CRA after SEI", Codec::H265, annex_b(&[&h265(39), &h265(21)]), Kind::Key),
            ("reserved IRAP", Codec::H265, annex_b(&[&h265(22)]), Kind::Delta),
            ("TRAIL_R", Codec::H265, annex_b(&[&h265(1)]), Kind::Delta),
            ("RASL", Codec::H265, annex_b(&[&h265(9)]), Kind::Delta),
            ("TRAIL_N has type 0", Codec::H265, annex_b(&[&h265(0)]), Kind::Delta),
            (
                "parameter sets alone",
                Codec::H265,
                annex_b(&[&h265(32), &h265(33), &h265(34)]),
                Kind::NoPicture,
            ),
            ("any JPEG", Codec::Mjpeg, vec![0xff, 0xd8], Kind::Key),
        ];
        for (what, codec, data, expected) in cases {
            assert_eq!(kind(*codec, data), *expected, "{what}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_have_a_kind(data in proptest::collection::vec(prop_oneof![Just(0u8), Just(1u8), any::<u8>()], 0..200)) {
            for codec in [Codec::H264, Codec::H265, Codec::Mjpeg] {
                kind(codec, &data);
            }
        }
    }
}
