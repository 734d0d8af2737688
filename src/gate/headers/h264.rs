//! H.264 parameter sets and slice headers, as far as the slice's QP (ITU-T H.264, 7.3.2 and 7.3.3).
//!
//! Names are the standard's. What cannot be read is `None`; so are slice groups (FMO), which no camera uses.

use super::{PictureKind, SetId, bits::Bits};

/// What of a sequence parameter set a slice header depends on.
#[derive(Debug, Clone)]
pub(super) struct Sps {
    has_chroma: bool,
    separate_colour_plane: bool,
    frame_num_len: u32,
    order: PictureOrder,
    frame_mbs_only: bool,
}

/// How pictures are numbered for display.
#[derive(Debug, Clone)]
enum PictureOrder {
    Lsb { len: u32 },
    Deltas,
    None,
}

/// What of a picture parameter set a slice header depends on.
#[derive(Debug, Clone)]
pub(super) struct Pps {
    pub(super) sps: SetId,
    cabac: bool,
    bottom_field_order: bool,
    refs: [u32; 2],
    weighted_pred: bool,
    weighted_bipred_idc: u32,
    init_qp: i32,
    redundant_pic_cnt: bool,
}

/// Slice types, `slice_type % 5`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SliceType {
    P,
    B,
    I,
    Sp,
    Si,
}

/// Numbers that one slice header repeats at most; more is no stream that is understood.
const REPEATS_MAX: usize = 66;

impl Sps {
    pub(super) fn read(payload: &[u8]) -> Option<(SetId, Self)> {
        let mut bits = Bits::new(payload);
        let profile = bits.bits(8)?;
        bits.skip(16)?;
        let id = bits.ue_to(31)? as SetId;
        let (mut chroma_format, mut separate_colour_plane) = (1, false);
        if matches!(profile, 44 | 83 | 86 | 100 | 110 | 118 | 122 | 128 | 134 | 135 | 138 | 139 | 244) {
            chroma_format = bits.ue_to(3)?;
            separate_colour_plane = chroma_format == 3 && bits.flag()?;
            bits.skip_ue(2)?;
            bits.skip(1)?;
            if bits.flag()? {
                skip_scaling_lists(&mut bits, if chroma_format == 3 { 12 } else { 8 })?;
            }
        }
        let frame_num_len = bits.ue_to(12)? + 4;
        let order = match bits.ue_to(2)? {
            0 => PictureOrder::Lsb { len: bits.ue_to(12)? + 4 },
            1 => {
                let always_zero = bits.flag()?;
                bits.skip_se(2)?;
                let in_cycle = bits.ue_to(255)?;
                bits.skip_se(in_cycle)?;
                if always_zero { PictureOrder::None } else { PictureOrder::Deltas }
            }
            _ => PictureOrder::None,
        };
        bits.skip_ue(1)?;
        bits.skip(1)?;
        bits.skip_ue(2)?;
        let frame_mbs_only = bits.flag()?;
        let has_chroma = chroma_format != 0 && !separate_colour_plane;
        Some((id, Self { has_chroma, separate_colour_plane, frame_num_len, order, frame_mbs_only }))
    }
}

fn skip_scaling_lists(bits: &mut Bits<'_>, lists: usize) -> Option<()> {
    for list in 0..lists {
        if !bits.flag()? {
            continue;
        }
        let (mut last, mut next) = (8, 8);
        for _ in 0..if list < 6 { 16 } else { 64 } {
            if next != 0 {
                next = (last + bits.se()?).rem_euclid(256);
            }
            if next != 0 {
                last = next;
            }
        }
    }
    Some(())
}

impl Pps {
    pub(super) fn read(payload: &[u8]) -> Option<(SetId, Self)> {
        let mut bits = Bits::new(payload);
        let id = bits.ue_to(255)? as SetId;
        let sps = bits.ue_to(31)? as SetId;
        let cabac = bits.flag()?;
        let bottom_field_order = bits.flag()?;
        bits.ue_to(0)?;
        let refs = [bits.ue_to(31)? + 1, bits.ue_to(31)? + 1];
        let weighted_pred = bits.flag()?;
        let weighted_bipred_idc = bits.bits(2)?;
        let init_qp = 26i32.checked_add(bits.se()?)?;
        bits.skip_se(2)?;
        bits.skip(2)?;
        let redundant_pic_cnt = bits.flag()?;
        let pps = Self {
            sps,
            cabac,
            bottom_field_order,
            refs,
            weighted_pred,
            weighted_bipred_idc,
            init_qp,
            redundant_pic_cnt,
        };
        Some((id, pps))
    }
}

/// What kind of slice it is, and which picture parameter set it refers to.
pub(super) fn kind(payload: &[u8]) -> Option<(PictureKind, SetId)> {
    let mut bits = Bits::new(payload);
    bits.ue()?;
    let kind = match slice_type(&mut bits)? {
        SliceType::I | SliceType::Si => PictureKind::Key,
        SliceType::P | SliceType::Sp => PictureKind::Predicted,
        SliceType::B => PictureKind::Bidirectional,
    };
    Some((kind, bits.ue_to(255)? as SetId))
}

fn slice_type(bits: &mut Bits<'_>) -> Option<SliceType> {
    Some(match bits.ue_to(9)? % 5 {
        0 => SliceType::P,
        1 => SliceType::B,
        2 => SliceType::I,
        3 => SliceType::Sp,
        _ => SliceType::Si,
    })
}

/// A slice's QP. `header` is the NAL unit's first byte.
pub(super) fn qp(header: u8, payload: &[u8], sps: &Sps, pps: &Pps) -> Option<i32> {
    let (is_idr, is_reference) = (header & 0x1f == 5, header & 0x60 != 0);
    let mut bits = Bits::new(payload);
    bits.ue()?;
    let slice = slice_type(&mut bits)?;
    bits.ue()?;
    bits.skip(if sps.separate_colour_plane { 2 } else { 0 })?;
    bits.skip(sps.frame_num_len)?;
    let is_field = !sps.frame_mbs_only && bits.flag()?;
    if is_field {
        bits.skip(1)?;
    }
    if is_idr {
        bits.ue()?;
    }
    let both_fields = pps.bottom_field_order && !is_field;
    match sps.order {
        PictureOrder::Lsb { len } => {
            bits.skip(len)?;
            bits.skip_se(both_fields.into())?;
        }
        PictureOrder::Deltas => bits.skip_se(1 + u32::from(both_fields))?,
        PictureOrder::None => {}
    }
    if pps.redundant_pic_cnt {
        bits.ue()?;
    }
    if slice == SliceType::B {
        bits.skip(1)?;
    }
    let lists = match slice {
        SliceType::I | SliceType::Si => 0,
        SliceType::P | SliceType::Sp => 1,
        SliceType::B => 2,
    };
    let mut refs = pps.refs;
    if lists > 0 && bits.flag()? {
        for refs in &mut refs[..lists] {
            *refs = bits.ue_to(31)? + 1;
        }
    }
    for _ in 0..lists {
        skip_list_modification(&mut bits)?;
    }
    let is_weighted = match slice {
        SliceType::P | SliceType::Sp => pps.weighted_pred,
        SliceType::B => pps.weighted_bipred_idc == 1,
        SliceType::I | SliceType::Si => false,
    };
    if is_weighted {
        skip_weights(&mut bits, &refs[..lists], sps.has_chroma)?;
    }
    if is_reference {
        skip_marking(&mut bits, is_idr)?;
    }
    if pps.cabac && lists > 0 {
        bits.ue_to(2)?;
    }
    pps.init_qp.checked_add(bits.se()?)
}

fn skip_list_modification(bits: &mut Bits<'_>) -> Option<()> {
    if !bits.flag()? {
        return Some(());
    }
    for _ in 0..REPEATS_MAX {
        if bits.ue_to(3)? == 3 {
            return Some(());
        }
        bits.ue()?;
    }
    None
}

fn skip_weights(bits: &mut Bits<'_>, lists: &[u32], has_chroma: bool) -> Option<()> {
    bits.skip_ue(1 + u32::from(has_chroma))?;
    for &refs in lists {
        for _ in 0..refs {
            if bits.flag()? {
                bits.skip_se(2)?;
            }
            if has_chroma && bits.flag()? {
                bits.skip_se(4)?;
            }
        }
    }
    Some(())
}

fn skip_marking(bits: &mut Bits<'_>, is_idr: bool) -> Option<()> {
    if is_idr {
        return bits.skip(2);
    }
    if !bits.flag()? {
        return Some(());
    }
    for _ in 0..REPEATS_MAX {
        match bits.ue_to(6)? {
            0 => return Some(()),
            3 => bits.skip_ue(2)?,
            5 => {}
            _ => bits.skip_ue(1)?,
        }
    }
    None
}
