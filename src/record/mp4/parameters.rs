//! Parameter sets: what of them a sample entry repeats.
//!
//! Reads an SPS as far as the size of its picture (H.264: and the shape of its pixels), and not a bit further: cameras write odd things behind that.

use std::num::NonZeroUsize;

use h264_reader::rbsp::{BitRead, BitReader, BitReaderError, ByteReader};

use crate::geometry::Size;

/// Longest side of a picture that is taken for true.
const SIDE_MAX: u32 = 16_384;

/// What an SPS says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sps {
    /// Of the picture as it is shown, in its own pixels.
    pub(super) size: Size,
    /// Width to height of a pixel, where it says so and they differ.
    pub(super) pixel: Option<(u16, u16)>,
    /// 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4.
    pub(super) chroma: u8,
    /// Bits of luma and of chroma, beyond 8.
    pub(super) depth_minus8: (u8, u8),
    /// H.265: temporal layers, and whether they are nested.
    pub(super) layers: (u8, bool),
}

type Bits<'a> = BitReader<ByteReader<&'a [u8]>>;

fn bits(nal: &[u8], header: NonZeroUsize) -> Bits<'_> {
    BitReader::new(ByteReader::skipping_bytes(nal, header))
}

/// An H.264 SPS (ITU-T H.264, 7.3.2.1.1), with its one-byte header.
pub(super) fn h264(nal: &[u8]) -> Option<Sps> {
    read_h264(&mut bits(nal, const { NonZeroUsize::new(1).unwrap() })).ok().flatten()
}

fn read_h264(from: &mut Bits<'_>) -> Result<Option<Sps>, BitReaderError> {
    let profile: u8 = from.read(8, "profile_idc")?;
    from.skip(16, "constraints, level_idc")?;
    from.read_ue("seq_parameter_set_id")?;
    let (mut chroma, mut depth_minus8) = (1, (0, 0));
    // Those that have a chroma format.
    if matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135) {
        chroma = from.read_ue("chroma_format_idc")?;
        from.skip(u32::from(chroma == 3), "separate_colour_plane_flag")?;
        depth_minus8 = (from.read_ue("bit_depth_luma_minus8")?, from.read_ue("bit_depth_chroma_minus8")?);
        from.skip(1, "qpprime_y_zero_transform_bypass_flag")?;
        if from.read_bool("seq_scaling_matrix_present_flag")? {
            for list in 0..if chroma == 3 { 12 } else { 8 } {
                if from.read_bool("seq_scaling_list_present_flag")? {
                    skip_scaling_list(from, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
    }
    from.read_ue("log2_max_frame_num_minus4")?;
    match from.read_ue("pic_order_cnt_type")? {
        0 => drop(from.read_ue("log2_max_pic_order_cnt_lsb_minus4")?),
        1 => {
            from.skip(1, "delta_pic_order_always_zero_flag")?;
            from.read_se("offset_for_non_ref_pic")?;
            from.read_se("offset_for_top_to_bottom_field")?;
            let count = from.read_ue("num_ref_frames_in_pic_order_cnt_cycle")?;
            for _ in 0..count.min(255) {
                from.read_se("offset_for_ref_frame")?;
            }
        }
        _ => {}
    }
    from.read_ue("max_num_ref_frames")?;
    from.skip(1, "gaps_in_frame_num_value_allowed_flag")?;
    let columns = from.read_ue("pic_width_in_mbs_minus1")?.saturating_add(1);
    let rows = from.read_ue("pic_height_in_map_units_minus1")?.saturating_add(1);
    let is_frames = from.read_bool("frame_mbs_only_flag")?;
    if !is_frames {
        from.skip(1, "mb_adaptive_frame_field_flag")?;
    }
    from.skip(1, "direct_8x8_inference_flag")?;
    let field = if is_frames { 1 } else { 2 };
    let coded = (columns.saturating_mul(16), rows.saturating_mul(16 * field));
    let (across, down) = crop_units(chroma);
    let size = cropped(from, "frame_cropping_flag", coded, (across, down * field))?;
    // Only what is behind the size may be missing.
    let pixel = read_pixel(from).unwrap_or_default();
    Ok(sps(size, pixel, chroma, depth_minus8, (1, true)))
}

fn skip_scaling_list(from: &mut Bits<'_>, count: usize) -> Result<(), BitReaderError> {
    let (mut last, mut next) = (8i32, 8i32);
    for _ in 0..count {
        if next != 0 {
            next = (last.wrapping_add(from.read_se("delta_scale")?)) & 0xff;
        }
        last = if next == 0 { last } else { next };
    }
    Ok(())
}

/// Of VUI, as far as `sample_aspect_ratio` (ITU-T H.264, table E-1).
fn read_pixel(from: &mut Bits<'_>) -> Result<Option<(u16, u16)>, BitReaderError> {
    if !(from.read_bool("vui_parameters_present_flag")?
        && from.read_bool("aspect_ratio_info_present_flag")?)
    {
        return Ok(None);
    }
    let ratio = match from.read::<u8>(8, "aspect_ratio_idc")? {
        2 => (12, 11),
        3 => (10, 11),
        4 => (16, 11),
        5 => (40, 33),
        6 => (24, 11),
        7 => (20, 11),
        8 => (32, 11),
        9 => (80, 33),
        10 => (18, 11),
        11 => (15, 11),
        12 => (64, 33),
        13 => (160, 99),
        14 => (4, 3),
        15 => (3, 2),
        16 => (2, 1),
        255 => (from.read(16, "sar_width")?, from.read(16, "sar_height")?),
        _ => (1, 1),
    };
    Ok(Some(ratio).filter(|&(w, h)| w != h && w != 0 && h != 0))
}

/// An H.265 SPS (ITU-T H.265, 7.3.2.2.1), with its two-byte header.
pub(super) fn h265(nal: &[u8]) -> Option<Sps> {
    read_h265(&mut bits(nal, const { NonZeroUsize::new(2).unwrap() })).ok().flatten()
}

fn read_h265(from: &mut Bits<'_>) -> Result<Option<Sps>, BitReaderError> {
    from.skip(4, "sps_video_parameter_set_id")?;
    let sub_layers: u8 = from.read(3, "sps_max_sub_layers_minus1")?;
    let is_nested = from.read_bool("sps_temporal_id_nesting_flag")?;
    from.skip(96, "general profile, tier and level")?;
    let mut present = [(false, false); 8];
    for of in &mut present[..usize::from(sub_layers)] {
        *of = (
            from.read_bool("sub_layer_profile_present_flag")?,
            from.read_bool("sub_layer_level_present_flag")?,
        );
    }
    if sub_layers > 0 {
        from.skip(2 * (8 - u32::from(sub_layers)), "reserved_zero_2bits")?;
    }
    for (has_profile, has_level) in present {
        from.skip(if has_profile { 88 } else { 0 }, "sub-layer profile")?;
        from.skip(if has_level { 8 } else { 0 }, "sub_layer_level_idc")?;
    }
    from.read_ue("sps_seq_parameter_set_id")?;
    let chroma = from.read_ue("chroma_format_idc")?;
    from.skip(u32::from(chroma == 3), "separate_colour_plane_flag")?;
    let coded = (from.read_ue("pic_width_in_luma_samples")?, from.read_ue("pic_height_in_luma_samples")?);
    let size = cropped(from, "conformance_window_flag", coded, crop_units(chroma))?;
    let depth_minus8 = (from.read_ue("bit_depth_luma_minus8")?, from.read_ue("bit_depth_chroma_minus8")?);
    Ok(sps(size, None, chroma, depth_minus8, (sub_layers + 1, is_nested)))
}

/// `None` where a number is impossible.
fn sps(
    size: Option<Size>,
    pixel: Option<(u16, u16)>,
    chroma: u32,
    (luma, colour): (u32, u32),
    layers: (u8, bool),
) -> Option<Sps> {
    let is_possible = chroma <= 3 && luma <= 7 && colour <= 7;
    let depth_minus8 = (luma as u8, colour as u8);
    size.filter(|_| is_possible).map(|size| Sps { size, pixel, chroma: chroma as u8, depth_minus8, layers })
}

/// What a unit of cropping is, in pixels across and down.
fn crop_units(chroma: u32) -> (u32, u32) {
    match chroma {
        1 => (2, 2),
        2 => (2, 1),
        _ => (1, 1),
    }
}

/// The picture without its cropped edges; `None` where nothing sensible is left.
fn cropped(
    from: &mut Bits<'_>,
    flag: &'static str,
    (w, h): (u32, u32),
    (across, down): (u32, u32),
) -> Result<Option<Size>, BitReaderError> {
    let mut edges = [0; 4];
    if from.read_bool(flag)? {
        for edge in &mut edges {
            *edge = from.read_ue("crop offset")?;
        }
    }
    let [left, right, top, bottom] = edges;
    let less = |side: u32, a: u32, b: u32, unit: u32| {
        side.checked_sub(a.checked_add(b)?.checked_mul(unit)?).filter(|side| (1..=SIDE_MAX).contains(side))
    };
    Ok(less(w, left, right, across).zip(less(h, top, bottom, down)).map(|(w, h)| Size::new(w, h)))
}

/// The picture of a JPEG, by its start of frame (ITU-T T.81, B.2.2).
pub(super) fn jpeg(data: &[u8]) -> Option<Size> {
    let mut rest = data.strip_prefix(&[0xff, 0xd8])?;
    loop {
        let (&marker, after) = rest.strip_prefix(&[0xff])?.split_first()?;
        match marker {
            // Fill bytes.
            0xff => rest = &rest[1..],
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                let side = |at: usize| Some(u32::from(u16::from_be_bytes(*after.get(at..)?.first_chunk()?)));
                let size = Size::new(side(5)?, side(3)?);
                return (size.w > 0 && size.h > 0).then_some(size);
            }
            0x01 | 0xd0..=0xd8 => rest = after,
            0xd9 | 0xda => return None,
            _ => rest = after.get(usize::from(u16::from_be_bytes(*after.first_chunk()?))..)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
    }

    /// As x264 and x265 write them.
    #[test]
    fn sizes_are_read_from_what_encoders_write() {
        let plain = |w, h| Sps {
            size: Size::new(w, h),
            pixel: None,
            chroma: 1,
            depth_minus8: (0, 0),
            layers: (1, true),
        };
        let cases = [
            ("H.264 high", "67640028acd940780227e5c044000003000400000300783c60c658", plain(1920, 1080)),
            ("baseline", "6742c00ad902c4ec0440000003004000000783c48992", plain(176, 144)),
            (
                "interlaced, wide pixels",
                "6764001eacd940b024d8388000000300800000190f8a14cb",
                Sps { pixel: Some((20, 11)), ..plain(704, 576) },
            ),
            (
                "4:2:2, 10 bits, cropped",
                "677a000db6cd9416097abc0440000003004000000c83c50a6580",
                Sps { chroma: 2, depth_minus8: (2, 2), ..plain(350, 286) },
            ),
            (
                "4:4:4, scaling lists",
                "67f40015919b282e12f1fe0220000003002000000641e2c5b2c0",
                Sps { chroma: 3, ..plain(354, 288) },
            ),
            (
                "H.265 main",
                "420101016000000300900000030000030078a003c08010e596566924caf0168080000003008000000784",
                plain(1920, 1080),
            ),
            (
                "H.265, 4:2:2, 10 bits, temporal layers",
                "4201010408000003009d0800000300003cb00b08048756d96566924caf0168080000030008000003007840",
                Sps { chroma: 2, depth_minus8: (2, 2), layers: (1, true), ..plain(350, 286) },
            ),
        ];
        for (what, hex, expected) in cases {
            let nal = bytes(hex);
            let read = if nal[0] == 0x42 { h265(&nal) } else { h264(&nal) };
            assert_eq!(read, Some(expected), "{what}");
            // What is cut off before the size says nothing.
            assert_eq!(if nal[0] == 0x42 { h265(&nal[..15]) } else { h264(&nal[..6]) }, None, "{what}");
        }
    }

    #[test]
    fn a_jpeg_tells_its_size_in_its_frame_header() {
        let frame = [0xff, 0xc0, 0, 11, 8, 1, 0x20, 1, 0x60, 1, 1, 0x11, 0];
        let tables = [0xff, 0xdb, 0, 4, 1, 2];
        let whole = [&[0xff, 0xd8, 0xff][..], &tables, &frame].concat();
        assert_eq!(jpeg(&whole), Some(Size::new(0x160, 0x120)));
        assert_eq!(jpeg(&whole[..14]), None);
        assert_eq!(jpeg(&[0xff, 0xd8, 0xff, 0xda, 0, 4]), None);
        assert_eq!(jpeg(&[0xff, 0xd8, 0xff, 0xdb, 0, 0]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(data in proptest::collection::vec(any::<u8>(), 0..120)) {
            h264(&data);
            h265(&data);
            jpeg(&[&[0xff, 0xd8], &data[..]].concat());
        }
    }
}
