//! What is packetised is put together again.

use proptest::prelude::*;

use super::*;

fn unit(nals: &[&[u8]]) -> Bytes {
    let mut data = Vec::new();
    for nal in nals {
        data.extend_from_slice(&[0, 0, 0, 1]);
        data.extend_from_slice(nal);
    }
    data.into()
}

fn payload(packet: &Packet) -> Vec<u8> {
    [packet.prefix(), &packet.body].concat()
}

/// The receiver's side of RFC 6184, as far as we send it.
fn receive_h264(packets: &[Packet]) -> Vec<Vec<u8>> {
    let mut nals: Vec<Vec<u8>> = Vec::new();
    for packet in packets {
        let data = payload(packet);
        match data[0] & 0x1f {
            24 => {
                let mut rest = &data[1..];
                while let [a, b, after @ ..] = rest {
                    let length = usize::from(u16::from_be_bytes([*a, *b]));
                    nals.push(after[..length].to_vec());
                    rest = &after[length..];
                }
            }
            28 => {
                if data[1] & 0x80 != 0 {
                    nals.push(vec![(data[0] & 0xe0) | (data[1] & 0x1f)]);
                }
                nals.last_mut().unwrap().extend_from_slice(&data[2..]);
            }
            _ => nals.push(data),
        }
    }
    nals
}

#[test]
fn parameter_sets_travel_together_and_large_units_in_fragments() {
    let slice = [&[0x65u8][..], &[7; 3000]].concat();
    let packets = packetise(Codec::H264, &unit(&[&[0x67, 1, 2], &[0x68, 3], &slice]));
    assert_eq!(payload(&packets[0]), [0x78, 0, 3, 0x67, 1, 2, 0, 2, 0x68, 3]);
    let heads: Vec<_> = packets[1..].iter().map(|p| p.prefix().to_vec()).collect();
    assert_eq!(heads, [[0x7c, 0x85], [0x7c, 0x05], [0x7c, 0x45]]);
    assert_eq!(packets.iter().map(|p| p.marker).collect::<Vec<_>>(), [false, false, false, true]);
}

#[test]
fn h265_fragments_carry_the_type_in_their_third_byte() {
    let slice = [&[19 << 1, 1][..], &[7; 2000]].concat();
    let packets = packetise(Codec::H265, &unit(&[&[32 << 1, 1, 9], &slice]));
    assert_eq!(payload(&packets[0]), [32 << 1, 1, 9]);
    assert_eq!(packets[1].prefix(), [49 << 1, 1, 0x80 | 19]);
    assert_eq!(packets[2].prefix(), [49 << 1, 1, 0x40 | 19]);
    assert_eq!(packets.len(), 3);
}

#[test]
fn the_header_counts_and_wraps() {
    let packets = packetise(Codec::H264, &unit(&[&[0x41, 1]]));
    let mut sender = Sender::new(Codec::H264, 0x0102_0304, 0xffff);
    assert_eq!(
        sender.header(&packets[0], 0x1122_3344),
        [0x80, 0xe0, 0xff, 0xff, 0x11, 0x22, 0x33, 0x44, 1, 2, 3, 4]
    );
    assert_eq!(sender.header(&packets[0], 0)[2..4], [0, 0]);
    assert_eq!(sender.next_sequence(), 1);
}

#[test]
fn a_report_ties_rtp_time_to_civil_time() {
    let mut sender = Sender::new(Codec::H264, 7, 0);
    let packets = packetise(Codec::H264, &unit(&[&[0x41, 1, 2]]));
    sender.header(&packets[0], 0);
    // 1970-01-01T00:00:01.5Z is 2208988801.5 in NTP.
    let report = sender.report(Wall::from_unix_us(1_500_000), 90, "cam");
    assert_eq!(report[..8], [0x80, 200, 0, 6, 0, 0, 0, 7]);
    assert_eq!(report[8..12], 2_208_988_801u32.to_be_bytes());
    assert_eq!(report[12..16], 0x8000_0000u32.to_be_bytes());
    assert_eq!(report[16..28], [0, 0, 0, 90, 0, 0, 0, 1, 0, 0, 0, 3]);
    assert_eq!(report[28..], [0x81, 202, 0, 3, 0, 0, 0, 7, 1, 3, b'c', b'a', b'm', 0, 0, 0]);
    assert_eq!(report.len() % 4, 0);
}

proptest! {
    #[test]
    fn what_is_packed_is_received(
        nals in prop::collection::vec((1u8..=23, 0usize..5000), 1..8),
    ) {
        // Bytes that never look like a start code.
        let nals: Vec<Vec<u8>> =
            nals.iter().map(|(kind, length)| [vec![0x60 | kind], vec![0xaa; *length]].concat()).collect();
        let refs: Vec<&[u8]> = nals.iter().map(|n| &n[..]).collect();
        let packets = packetise(Codec::H264, &unit(&refs));
        prop_assert!(packets.iter().all(|p| p.payload_len() <= PAYLOAD_MAX));
        prop_assert_eq!(packets.iter().filter(|p| p.marker).count(), 1);
        prop_assert!(packets.last().unwrap().marker);
        prop_assert_eq!(receive_h264(&packets), nals);
    }

    #[test]
    fn any_bytes_are_packed_or_left(data in prop::collection::vec(any::<u8>(), 0..4000)) {
        for codec in [Codec::H264, Codec::H265, Codec::Mjpeg] {
            let packets = packetise(codec, &Bytes::copy_from_slice(&data));
            prop_assert!(packets.iter().all(|p| p.payload_len() <= PAYLOAD_MAX));
        }
    }
}
