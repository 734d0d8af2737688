//! How long a container says that it is, so that a file whose end is missing is known for what it is.
//!
//! Owns the outermost layer of ISO-BMFF (mp4), RIFF (avi) and EBML (mkv, webm), and nothing below it: demuxers play
//! what is there and then end as if that were all.

use std::io::{self, Read, Seek, SeekFrom};

/// Top-level boxes or chunks that are looked at, at most.
const BOXES_MAX: usize = 100_000;

/// The length in bytes that the container announces; `None` where it is of another kind, or does not say.
///
/// ISO/IEC 14496-12 section 4.2 (boxes), Microsoft's RIFF and OpenDML, RFC 8794 section 5 (EBML element sizes).
pub(super) fn announced<R: Read + Seek>(file: &mut R, len: u64) -> io::Result<Option<u64>> {
    let mut head = [0; 12];
    if len < 12 {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(0))?;
    file.read_exact(&mut head)?;
    match (&head[..4], &head[4..8]) {
        (b"RIFF", _) => chain(file, len, riff_chunk),
        (_, b"ftyp") => chain(file, len, iso_box),
        ([0x1a, 0x45, 0xdf, 0xa3], _) => chain(file, len, ebml_element),
        _ => Ok(None),
    }
}

/// Length of an element, header included, from its first bytes; `None` where it runs to the end of the file or cannot be told.
type Measure = fn(&[u8]) -> Option<u64>;

/// Walks from element to element, each behind the one before.
fn chain<R: Read + Seek>(file: &mut R, len: u64, measure: Measure) -> io::Result<Option<u64>> {
    let mut at = 0u64;
    for _ in 0..BOXES_MAX {
        if at >= len {
            return Ok(Some(at));
        }
        let mut head = [0; 16];
        let here = usize::try_from((len - at).min(16)).expect("16 at most");
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut head[..here])?;
        match measure(&head[..here]) {
            Some(size) => at = at.saturating_add(size),
            None => return Ok(None),
        }
    }
    Ok(None)
}

fn iso_box(head: &[u8]) -> Option<u64> {
    let size = u64::from(u32::from_be_bytes(*head.first_chunk()?));
    match size {
        0 => None,
        1 => Some(u64::from_be_bytes(*head.get(8..16)?.first_chunk()?)).filter(|size| *size >= 16),
        2..8 => None,
        _ => Some(size),
    }
}

fn riff_chunk(head: &[u8]) -> Option<u64> {
    if !head.starts_with(b"RIFF") {
        return None;
    }
    let size = u64::from(u32::from_le_bytes(*head.get(4..8)?.first_chunk()?));
    // A writer that was never closed leaves 0 or the largest number behind.
    (size > 0 && size < u64::from(u32::MAX)).then(|| 8 + size + size % 2)
}

fn ebml_element(head: &[u8]) -> Option<u64> {
    let id_len = head.first()?.leading_zeros() as usize + 1;
    let sized = head.get(id_len..)?;
    let size_len = sized.first()?.leading_zeros() as usize + 1;
    if id_len > 4 || size_len > 8 {
        return None;
    }
    let bytes = sized.get(..size_len)?;
    let value = bytes.iter().fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte));
    let mask = (1u64 << (7 * size_len)) - 1;
    // All ones: of unknown length, as live streams have it.
    (value & mask != mask).then(|| (id_len + size_len) as u64 + (value & mask))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn told(bytes: &[u8]) -> Option<u64> {
        announced(&mut Cursor::new(bytes), bytes.len() as u64).expect("memory reads")
    }

    #[test]
    fn each_container_says_how_long_it_is() {
        let mp4 = [b"\0\0\0\x10ftypisom\0\0\0\0".as_slice(), b"\0\0\x10\0mdat...."].concat();
        let mp4_large =
            [b"\0\0\0\x10ftypisom\0\0\0\0".as_slice(), b"\0\0\0\x01mdat\0\0\0\x01\0\0\0\0"].concat();
        let avi = b"RIFF\x20\0\0\0AVI ....".as_slice();
        let mkv =
            [b"\x1a\x45\xdf\xa3\x84....".as_slice(), b"\x18\x53\x80\x67\x01\0\0\0\0\0\x12\x34"].concat();
        let live =
            [b"\x1a\x45\xdf\xa3\x84....".as_slice(), b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff"]
                .concat();
        for (name, bytes, length) in [
            ("mp4", mp4.as_slice(), Some(16 + 4096)),
            ("mp4 of 64 bits", &mp4_large, Some(16 + (1 << 32))),
            ("avi", avi, Some(40)),
            ("mkv", &mkv, Some(9 + 12 + 0x1234)),
            ("mkv of unknown length", &live, None),
            ("text", b"this is a text, not a video", None),
            ("nothing", b"", None),
            ("an mp4 box of size 4", b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x04mdat", None),
        ] {
            assert_eq!(told(bytes), length, "{name}");
        }
    }
}
