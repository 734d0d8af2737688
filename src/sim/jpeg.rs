//! JPEG over RTP (RFC 2435): one baseline JFIF picture → payloads.
//!
//! The receiver rebuilds the picture's headers by itself, so only what the RFC can express may be sent: baseline, 4:2:0
//! or 4:2:2, standard Huffman tables, at most 2040 pixels a side. Quantisation tables travel in the first packet.

use bytes::{BufMut, Bytes, BytesMut};

use super::rtp::PAYLOAD_MAX;

/// What RFC 2435 needs to know of a picture.
struct Picture<'a> {
    /// 0: 4:2:2, 1: 4:2:0.
    kind: u8,
    /// In blocks of 8 pixels.
    width_8: u8,
    height_8: u8,
    /// Luma, then chroma, in zigzag order.
    tables: [&'a [u8]; 2],
    scan: &'a [u8],
}

/// The payloads of one picture, in order; none where RFC 2435 cannot carry it.
pub(super) fn packetise(picture: &[u8]) -> Vec<Bytes> {
    let Some(picture) = parse(picture) else { return Vec::new() };
    let mut payloads = Vec::new();
    let mut from = 0;
    while from < picture.scan.len() {
        let mut payload = BytesMut::with_capacity(PAYLOAD_MAX);
        // Type-specific byte, fragment offset, type, Q (255: tables are in band), width, height.
        payload.put_u8(0);
        payload.put_uint(from as u64, 3);
        payload.put_slice(&[picture.kind, 255, picture.width_8, picture.height_8]);
        if from == 0 {
            // Must be zero, precision (8 bits), length of the tables.
            payload.put_slice(&[0, 0, 0, 128]);
            payload.put_slice(picture.tables[0]);
            payload.put_slice(picture.tables[1]);
        }
        let to = (from + PAYLOAD_MAX - payload.len()).min(picture.scan.len());
        payload.put_slice(&picture.scan[from..to]);
        payloads.push(payload.freeze());
        from = to;
    }
    payloads
}

/// Reads the markers up to the scan (ITU-T T.81 annex B).
fn parse(data: &[u8]) -> Option<Picture<'_>> {
    let mut tables: [Option<&[u8]>; 4] = [None; 4];
    let mut frame = None;
    let mut at = 2;
    if data.get(..2)? != [0xff, 0xd8] {
        return None;
    }
    loop {
        let (marker, length) = (data.get(at..at + 2)?, data.get(at + 2..at + 4)?);
        if marker[0] != 0xff {
            return None;
        }
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        let segment = data.get(at + 4..at + 2 + length.max(2))?;
        at += 2 + length.max(2);
        match marker[1] {
            0xdb => quantisation_tables(segment, &mut tables)?,
            0xc0 => frame = Some(segment),
            0xc1..=0xc3 | 0xc5..=0xcf if marker[1] != 0xc8 && marker[1] != 0xcc => return None,
            // A restart interval would need types 64 and 65.
            0xdd if segment != [0, 0] => return None,
            0xda => break,
            _ => {}
        }
    }
    let frame: &[u8] = frame.filter(|f: &&[u8]| f.len() >= 15 && f[0] == 8 && f[5] == 3)?;
    let side = |i: usize| -> Option<u8> {
        let pixels = u16::from_be_bytes([frame[i], frame[i + 1]]);
        u8::try_from(pixels.div_ceil(8)).ok().filter(|&blocks| blocks > 0)
    };
    let kind = match (frame[7], frame[10], frame[13]) {
        (0x21, 0x11, 0x11) => 0,
        (0x22, 0x11, 0x11) => 1,
        _ => return None,
    };
    let end = data.len() - if data.ends_with(&[0xff, 0xd9]) { 2 } else { 0 };
    Some(Picture {
        kind,
        height_8: side(1)?,
        width_8: side(3)?,
        tables: [tables[usize::from(frame[8] & 3)]?, tables[usize::from(frame[11] & 3)]?],
        scan: data.get(at..end)?,
    })
}

fn quantisation_tables<'a>(mut segment: &'a [u8], tables: &mut [Option<&'a [u8]>; 4]) -> Option<()> {
    while let Some((&id, rest)) = segment.split_first() {
        // Upper half: precision; only 8 bits are baseline.
        if id > 3 || rest.len() < 64 {
            return None;
        }
        tables[usize::from(id)] = Some(&rest[..64]);
        segment = &rest[64..];
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Markers of a baseline 4:2:0 picture of 322x242, and a scan of this length.
    fn picture(sampling: u8, scan_len: usize) -> Vec<u8> {
        let mut data = vec![0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2];
        for table in [0u8, 1] {
            data.extend_from_slice(&[0xff, 0xdb, 0, 67, table]);
            data.extend_from_slice(&[10 + table; 64]);
        }
        data.extend_from_slice(&[0xff, 0xc0, 0, 17, 8, 0, 242, 1, 66, 3]);
        data.extend_from_slice(&[1, sampling, 0, 2, 0x11, 1, 3, 0x11, 1]);
        data.extend_from_slice(&[0xff, 0xda, 0, 12, 3, 1, 0, 2, 0x11, 3, 0x11, 0, 63, 0]);
        data.extend(std::iter::repeat_n(0x55, scan_len));
        data.extend_from_slice(&[0xff, 0xd9]);
        data
    }

    #[test]
    fn tables_travel_first_and_offsets_count_the_scan() {
        let payloads = packetise(&picture(0x22, 3_000));
        assert_eq!(payloads[0][..12], [0, 0, 0, 0, 1, 255, 41, 31, 0, 0, 0, 128]);
        assert_eq!((payloads[0][12], payloads[0][76], payloads[0][140]), (10, 11, 0x55));
        let mut from = 0;
        for (number, payload) in payloads.iter().enumerate() {
            let offset = [payload[1], payload[2], payload[3]];
            assert_eq!(
                usize::from(offset[0]) << 16 | usize::from(offset[1]) << 8 | usize::from(offset[2]),
                from
            );
            from += payload.len() - if number == 0 { 140 } else { 8 };
        }
        assert_eq!((from, packetise(&picture(0x21, 9))[0][4]), (3_000, 0));
    }

    #[test]
    fn what_the_rfc_cannot_carry_is_left_out() {
        let good = picture(0x22, 100);
        let replaced = |at: usize, byte: u8| {
            let mut data = good.clone();
            data[at] = byte;
            data
        };
        let sof = good.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
        let cases = [
            ("no picture", vec![]),
            ("not JPEG", replaced(1, 0)),
            ("progressive", replaced(sof + 1, 0xc2)),
            ("4:4:4", replaced(sof + 11, 0x11)),
            ("12 bits", replaced(sof + 4, 12)),
            ("too wide", replaced(sof + 7, 0x10)),
            ("cut off", good[..sof + 6].to_vec()),
        ];
        for (what, data) in cases {
            assert!(packetise(&data).is_empty(), "{what}");
        }
    }
}
