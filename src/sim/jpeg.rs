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
