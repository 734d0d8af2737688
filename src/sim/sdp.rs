//! The description of a stream (SDP, RFC 4566) as cameras give it.

use std::net::IpAddr;

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{
    annexb::{h264_type, h265_type},
    material::Track,
    rtp,
};
use crate::camera::Codec;

/// The name of the only media track below a stream's URL.
pub(super) const TRACK: &str = "track1";

/// Describes one stream. `control` is the track's URL, absolute or relative to the stream's.
pub(super) fn describe(name: &str, address: IpAddr, track: &Track, control: &str) -> String {
    let family = if address.is_ipv6() { "IP6" } else { "IP4" };
    let payload_type = rtp::payload_type(track.codec);
    let (width, height) = (track.size.w, track.size.h);
    let fps = f64::from(track.rate.frames) / f64::from(track.rate.seconds);
    let coding = match track.codec {
        Codec::H264 => h264(&track.parameter_sets),
        Codec::H265 => h265(&track.parameter_sets),
        Codec::Mjpeg => "a=rtpmap:26 JPEG/90000\r\n".to_owned(),
    };
    format!(
        "v=0\r\n\
         o=- 1 1 IN {family} {address}\r\n\
         s={name}\r\n\
         c=IN {family} {address}\r\n\
         t=0 0\r\n\
         a=control:*\r\n\
         a=range:npt=now-\r\n\
         m=video 0 RTP/AVP {payload_type}\r\n\
         {coding}\
         a=framerate:{fps}\r\n\
         a=x-dimensions:{width},{height}\r\n\
         a=recvonly\r\n\
         a=control:{control}\r\n"
    )
}

/// RFC 6184 section 8.1.
fn h264(sets: &[bytes::Bytes]) -> String {
    let profile = sets
        .iter()
        .find(|nal| h264_type(nal) == 7)
        .and_then(|sps| sps.get(1..4))
        .map(|p| format!("profile-level-id={:02X}{:02X}{:02X};", p[0], p[1], p[2]))
        .unwrap_or_default();
    let sets: Vec<String> = sets.iter().map(|nal| BASE64_STANDARD.encode(nal)).collect();
    format!(
        "a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1;{profile}sprop-parameter-sets={}\r\n",
        sets.join(",")
    )
}

/// RFC 7798 section 7.1.
fn h265(sets: &[bytes::Bytes]) -> String {
    let of = |kind: u8| {
        let found: Vec<String> =
            sets.iter().filter(|nal| h265_type(nal) == kind).map(|nal| BASE64_STANDARD.encode(nal)).collect();
        found.join(",")
    };
    format!(
        "a=rtpmap:96 H265/90000\r\na=fmtp:96 sprop-vps={};sprop-sps={};sprop-pps={}\r\n",
        of(32),
        of(33),
        of(34)
    )
}
