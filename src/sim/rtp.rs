//! RTP and RTCP: access units → packets whose payload every client shares.
//!
//! A [`Packet`] is made once, when material is loaded; a [`Sender`] is one client's side of it (SSRC, sequence number,
//! counts) and writes only the header. Pure: no socket, no clock. Depacketising belongs to clients.

use bytes::{BufMut, Bytes, BytesMut};

use super::{
    annexb::{h264_type, h265_type, nal_units},
    jpeg,
};
use crate::{camera::Codec, time::Wall};

/// Most bytes of RTP payload in a packet: with headers it fits an Ethernet frame, a PPPoE line and a VPN.
pub const PAYLOAD_MAX: usize = 1_380;
/// Bytes of an RTP header without extensions and sources.
pub const HEADER_LEN: usize = 12;
/// The dynamic payload type that H.264 and H.265 go by.
pub const PAYLOAD_TYPE_DYNAMIC: u8 = 96;
/// The static payload type of JPEG (RFC 3551).
pub const PAYLOAD_TYPE_JPEG: u8 = 26;
/// Ticks a second of every video clock here.
pub const CLOCK_HZ: u32 = 90_000;

/// The payload of one RTP packet: a few bytes of fragmentation header, and bytes of the access unit itself, shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    prefix: [u8; 3],
    prefix_len: u8,
    /// What follows the prefix.
    pub body: Bytes,
    /// Last packet of its access unit.
    pub marker: bool,
}

impl Packet {
    fn whole(body: Bytes) -> Self {
        Self { prefix: [0; 3], prefix_len: 0, body, marker: false }
    }

    /// The bytes in front of the body.
    pub fn prefix(&self) -> &[u8] {
        &self.prefix[..usize::from(self.prefix_len)]
    }

    /// Bytes of payload.
    pub fn payload_len(&self) -> usize {
        usize::from(self.prefix_len) + self.body.len()
    }
}

/// Packs one access unit, none of whose packets has more than [`PAYLOAD_MAX`] bytes of payload. The last one is marked.
/// An access unit with nothing to send gives no packet.
pub fn packetise(codec: Codec, unit: &Bytes) -> Vec<Packet> {
    let mut packets = match codec {
        Codec::H264 => h264(unit),
        Codec::H265 => h265(unit),
        Codec::Mjpeg => jpeg::packetise(unit).into_iter().map(Packet::whole).collect(),
    };
    if let Some(last) = packets.last_mut() {
        last.marker = true;
    }
    packets
}

/// RFC 6184, packetisation mode 1: single NAL unit packets, STAP-A for parameter sets and other small things in front of
/// the picture, FU-A for what does not fit.
fn h264(unit: &Bytes) -> Vec<Packet> {
    let (mut packets, mut small) = (Vec::new(), Vec::new());
    for nal in nal_units(unit) {
        if (6..=9).contains(&h264_type(&nal)) && nal.len() <= PAYLOAD_MAX / 4 {
            small.push(nal);
            if small.len() == 3 {
                flush_stap_a(&mut small, &mut packets);
            }
            continue;
        }
        flush_stap_a(&mut small, &mut packets);
        if nal.len() <= PAYLOAD_MAX {
            packets.push(Packet::whole(nal));
        } else {
            // FU indicator: the NAL unit's F and NRI, type 28. FU header: start, end, the NAL unit's type.
            let (indicator, kind) = ((nal[0] & 0xe0) | 28, nal[0] & 0x1f);
            fragment(&nal.slice(1..), &[indicator], kind, &mut packets);
        }
    }
    flush_stap_a(&mut small, &mut packets);
    packets
}

fn flush_stap_a(small: &mut Vec<Bytes>, packets: &mut Vec<Packet>) {
    if let [single] = &small[..] {
        packets.push(Packet::whole(single.clone()));
    } else if !small.is_empty() {
        let mut body = BytesMut::with_capacity(1 + small.iter().map(|n| n.len() + 2).sum::<usize>());
        let forbidden = small.iter().fold(0, |bits, nal| bits | (nal[0] & 0x80));
        let importance = small.iter().map(|nal| nal[0] & 0x60).max().unwrap_or(0);
        body.put_u8(forbidden | importance | 24);
        for nal in &*small {
            body.put_u16(nal.len() as u16);
            body.put_slice(nal);
        }
        packets.push(Packet::whole(body.freeze()));
    }
    small.clear();
}

/// RFC 7798: single NAL unit packets and fragmentation units (type 49).
fn h265(unit: &Bytes) -> Vec<Packet> {
    let mut packets = Vec::new();
    for nal in nal_units(unit) {
        if nal.len() <= PAYLOAD_MAX {
            packets.push(Packet::whole(nal));
        } else {
            let header = [(nal[0] & 0x81) | (49 << 1), nal[1]];
            fragment(&nal.slice(2..), &header, h265_type(&nal), &mut packets);
        }
    }
    packets
}

/// Splits what follows a NAL unit's header into fragments: `header`, then start bit, end bit and type.
fn fragment(rest: &Bytes, header: &[u8], kind: u8, packets: &mut Vec<Packet>) {
    let size = PAYLOAD_MAX - header.len() - 1;
    for from in (0..rest.len()).step_by(size) {
        let to = (from + size).min(rest.len());
        let (start, end) = (u8::from(from == 0) << 7, u8::from(to == rest.len()) << 6);
        let mut prefix = [0; 3];
        prefix[..header.len()].copy_from_slice(header);
        prefix[header.len()] = start | end | kind;
        packets.push(Packet {
            prefix,
            prefix_len: header.len() as u8 + 1,
            body: rest.slice(from..to),
            marker: false,
        });
    }
}

/// The parameter sets in an access unit, without start codes; none for JPEG.
pub fn parameter_sets(codec: Codec, unit: &Bytes) -> Vec<Bytes> {
    let wanted = |nal: &Bytes| match codec {
        Codec::H264 => matches!(h264_type(nal), 7 | 8),
        Codec::H265 => matches!(h265_type(nal), 32..=34),
        Codec::Mjpeg => false,
    };
    match codec {
        Codec::Mjpeg => Vec::new(),
        Codec::H264 | Codec::H265 => nal_units(unit).into_iter().filter(wanted).collect(),
    }
}

/// One client's side of a stream: what differs from the next client's.
#[derive(Debug, Clone)]
pub struct Sender {
    ssrc: u32,
    payload_type: u8,
    next_sequence: u16,
    packets: u32,
    octets: u32,
}

impl Sender {
    /// A sender whose first packet has this sequence number.
    pub fn new(codec: Codec, ssrc: u32, first_sequence: u16) -> Self {
        Self { ssrc, payload_type: payload_type(codec), next_sequence: first_sequence, packets: 0, octets: 0 }
    }

    /// The source identifier of its packets.
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The sequence number that the next packet will have.
    pub fn next_sequence(&self) -> u16 {
        self.next_sequence
    }

    /// The header of the next packet (RFC 3550 section 5.1), counted as sent.
    pub fn header(&mut self, packet: &Packet, timestamp: u32) -> [u8; HEADER_LEN] {
        let mut header = [0; HEADER_LEN];
        header[0] = 2 << 6;
        header[1] = (u8::from(packet.marker) << 7) | self.payload_type;
        header[2..4].copy_from_slice(&self.next_sequence.to_be_bytes());
        header[4..8].copy_from_slice(&timestamp.to_be_bytes());
        header[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
        self.next_sequence = self.next_sequence.wrapping_add(1);
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(packet.payload_len() as u32);
        header
    }

    /// A compound RTCP packet: a sender report that ties `timestamp` to the camera's civil time, and a CNAME (RFC 3550
    /// sections 6.4.1 and 6.5).
    pub fn report(&self, wall: Wall, timestamp: u32, name: &str) -> Bytes {
        let mut report = BytesMut::with_capacity(28 + 12 + name.len() + 4);
        report.put_slice(&[2 << 6, 200, 0, 6]);
        report.put_u32(self.ssrc);
        report.put_u64(ntp(wall));
        report.put_u32(timestamp);
        report.put_u32(self.packets);
        report.put_u32(self.octets);

        let name = &name.as_bytes()[..name.len().min(255)];
        // SSRC, item type, length, name, and at least one zero to end the list, filled to whole words.
        let words = (4 + 2 + name.len() + 1).div_ceil(4);
        report.put_slice(&[2 << 6 | 1, 202]);
        report.put_u16(words as u16);
        report.put_u32(self.ssrc);
        report.put_slice(&[1, name.len() as u8]);
        report.put_slice(name);
        report.put_bytes(0, words * 4 - 6 - name.len());
        report.freeze()
    }
}

/// The payload type that a codec goes by.
pub fn payload_type(codec: Codec) -> u8 {
    match codec {
        Codec::H264 | Codec::H265 => PAYLOAD_TYPE_DYNAMIC,
        Codec::Mjpeg => PAYLOAD_TYPE_JPEG,
    }
}

/// NTP time: seconds since 1900 in the upper half, fractions in the lower one.
fn ntp(wall: Wall) -> u64 {
    const UNIX_S: i64 = 2_208_988_800;
    let us = wall.unix_us();
    let seconds = us.div_euclid(1_000_000).wrapping_add(UNIX_S) as u32;
    let fraction = ((us.rem_euclid(1_000_000) as u64) << 32) / 1_000_000;
    (u64::from(seconds) << 32) | fraction
}

#[cfg(test)]
mod tests;
