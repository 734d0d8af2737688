//! H.265 parameter sets and slice headers, as far as the slice's QP (ITU-T H.265, 7.3.2 and 7.3.6).
//!
//! Names are the standard's. What cannot be read is `None`; so are the profiles for several layers and for screens, and
//! slices that refer to long-term pictures.

use super::{PictureKind, SetId, bits::Bits};

/// What of a sequence parameter set a slice header depends on.
#[derive(Debug, Clone)]
pub(super) struct Sps {
    has_chroma: bool,
    separate_colour_plane: bool,
    order_len: u32,
    ref_sets: Vec<RefSet>,
    /// Bits of an index into `ref_sets`.
    ref_set_len: u32,
    long_term: Option<u32>,
    temporal_mvp: bool,
    adaptive_offset: bool,
}

/// What of a picture parameter set a slice header depends on.
#[derive(Debug, Clone)]
pub(super) struct Pps {
    pub(super) sps: SetId,
    output_flag: bool,
    extra_bits: u32,
    refs: [u32; 2],
    init_qp: i32,
    cabac_init: bool,
    weighted_pred: bool,
    weighted_bipred: bool,
    lists_modification: bool,
}

/// Pictures that one refers to at most.
const REFS_MAX: usize = 16;

/// A short-term reference picture set: distances in display order, nearest first, those before and then those after.
#[derive(Debug, Clone, Default)]
struct RefSet {
    deltas: [i32; REFS_MAX],
    used: u16,
    before: u8,
    count: u8,
}

impl RefSet {
    fn push(&mut self, delta: i32, is_used: bool) -> Option<()> {
        *self.deltas.get_mut(usize::from(self.count))? = delta;
        self.used |= u16::from(is_used) << self.count;
        self.count += 1;
        Some(())
    }

    fn read(bits: &mut Bits<'_>, known: &[RefSet], in_slice: bool) -> Option<Self> {
        if !known.is_empty() && bits.flag()? {
            let back = if in_slice { bits.ue()? as usize + 1 } else { 1 };
            return Self::predicted(bits, known.get(known.len().checked_sub(back)?)?);
        }
        let mut set = Self::default();
        let (before, after) = (bits.ue_to(REFS_MAX as u32)?, bits.ue_to(REFS_MAX as u32)?);
        for (count, sign) in [(before, -1), (after, 1)] {
            let mut delta = 0i32;
            for _ in 0..count {
                delta += sign * (bits.ue_to(0x7fff)? as i32 + 1);
                let is_used = bits.flag()?;
                set.push(delta, is_used)?;
            }
        }
        set.before = before as u8;
        Some(set)
    }

    /// As (7-61) and (7-62) of the standard have it.
    fn predicted(bits: &mut Bits<'_>, from: &Self) -> Option<Self> {
        let is_negative = bits.flag()?;
        let distance = bits.ue_to(0x7fff)? as i32 + 1;
        let shift = if is_negative { -distance } else { distance };
        let count = usize::from(from.count);
        let (mut used, mut kept) = ([false; REFS_MAX + 1], [true; REFS_MAX + 1]);
        for (used, kept) in used.iter_mut().zip(&mut kept).take(count + 1) {
            *used = bits.flag()?;
            if !*used {
                *kept = bits.flag()?;
            }
        }
        // The reference set's own picture is the entry after its last.
        let delta = |of: usize| if of == count { shift } else { from.deltas[of] + shift };
        let before = usize::from(from.before);
        let mut set = Self::default();
        let negative = (before..count).rev().chain([count]).chain(0..before);
        let positive = (0..before).rev().chain([count]).chain(before..count);
        for of in negative.filter(|&of| delta(of) < 0 && kept[of]) {
            set.push(delta(of), used[of])?;
        }
        set.before = set.count;
        for of in positive.filter(|&of| delta(of) > 0 && kept[of]) {
            set.push(delta(of), used[of])?;
        }
        Some(set)
    }
}

impl Sps {
    pub(super) fn read(payload: &[u8]) -> Option<(SetId, Self)> {
        let mut bits = Bits::new(payload);
        bits.skip(4)?;
        let sub_layers = bits.bits(3)?;
        bits.skip(1)?;
        skip_profile(&mut bits, sub_layers)?;
        let id = bits.ue_to(15)? as SetId;
        let chroma_format = bits.ue_to(3)?;
        let separate_colour_plane = chroma_format == 3 && bits.flag()?;
        bits.skip_ue(2)?;
        if bits.flag()? {
            bits.skip_ue(4)?;
        }
        bits.skip_ue(2)?;
        let order_len = bits.ue_to(12)? + 4;
        let ordered = if bits.flag()? { sub_layers + 1 } else { 1 };
        bits.skip_ue(3 * ordered + 6)?;
        if bits.flag()? && bits.flag()? {
            skip_scaling_lists(&mut bits)?;
        }
        bits.skip(1)?;
        let adaptive_offset = bits.flag()?;
        if bits.flag()? {
            bits.skip(8)?;
            bits.skip_ue(2)?;
            bits.skip(1)?;
        }
        let sets = bits.ue_to(64)?;
        let mut ref_sets = Vec::with_capacity(sets as usize);
        for _ in 0..sets {
            let set = RefSet::read(&mut bits, &ref_sets, false)?;
            ref_sets.push(set);
        }
        let mut long_term = None;
        if bits.flag()? {
            let count = bits.ue_to(32)?;
            bits.skip(count * (order_len + 1))?;
            long_term = Some(count);
        }
        let temporal_mvp = bits.flag()?;
        let sps = Self {
            has_chroma: chroma_format != 0 && !separate_colour_plane,
            separate_colour_plane,
            order_len,
            ref_sets,
            ref_set_len: bits_for(sets),
            long_term,
            temporal_mvp,
            adaptive_offset,
        };
        Some((id, sps))
    }
}

/// Ceil(Log2(choices)).
fn bits_for(choices: u32) -> u32 {
    choices.max(1).next_power_of_two().ilog2()
}

/// profile_tier_level. `None` for the profiles whose slices look otherwise.
fn skip_profile(bits: &mut Bits<'_>, sub_layers: u32) -> Option<()> {
    bits.skip(3)?;
    // 1 to 4: Main, Main 10, still picture, range extensions. 5 and above: high throughput, layers, screen content.
    if bits.bits(5)? > 4 {
        return None;
    }
    bits.skip(88)?;
    let mut present = [(false, false); 8];
    for present in present.iter_mut().take(sub_layers as usize) {
        *present = (bits.flag()?, bits.flag()?);
    }
    if sub_layers > 0 {
        bits.skip(2 * (8 - sub_layers))?;
    }
    for (profile, level) in present.into_iter().take(sub_layers as usize) {
        bits.skip(if profile { 88 } else { 0 } + if level { 8 } else { 0 })?;
    }
    Some(())
}

fn skip_scaling_lists(bits: &mut Bits<'_>) -> Option<()> {
    for size in 0..4u32 {
        for _ in (0..6).step_by(if size == 3 { 3 } else { 1 }) {
            if bits.flag()? {
                let has_dc = u32::from(size > 1);
                bits.skip_se(has_dc + (1u32 << (4 + 2 * size)).min(64))?;
            } else {
                bits.ue()?;
            }
        }
    }
    Some(())
}

impl Pps {
    pub(super) fn read(payload: &[u8]) -> Option<(SetId, Self)> {
        let mut bits = Bits::new(payload);
        let id = bits.ue_to(63)? as SetId;
        let sps = bits.ue_to(15)? as SetId;
        bits.skip(1)?;
        let output_flag = bits.flag()?;
        let extra_bits = bits.bits(3)?;
        bits.skip(1)?;
        let cabac_init = bits.flag()?;
        let refs = [bits.ue_to(14)? + 1, bits.ue_to(14)? + 1];
        let init_qp = 26i32.checked_add(bits.se()?)?;
        bits.skip(2)?;
        if bits.flag()? {
            bits.ue()?;
        }
        bits.skip_se(2)?;
        bits.skip(1)?;
        let (weighted_pred, weighted_bipred) = (bits.flag()?, bits.flag()?);
        bits.skip(1)?;
        let has_tiles = bits.flag()?;
        bits.skip(1)?;
        if has_tiles {
            let splits = bits.ue_to(63)? + bits.ue_to(63)?;
            if !bits.flag()? {
                bits.skip_ue(splits)?;
            }
            bits.skip(1)?;
        }
        bits.skip(1)?;
        if bits.flag()? {
            bits.skip(1)?;
            if !bits.flag()? {
                bits.skip_se(2)?;
            }
        }
        if bits.flag()? {
            skip_scaling_lists(&mut bits)?;
        }
        let lists_modification = bits.flag()?;
        let pps = Self {
            sps,
            output_flag,
            extra_bits,
            refs,
            init_qp,
            cabac_init,
            weighted_pred,
            weighted_bipred,
            lists_modification,
        };
        Some((id, pps))
    }
}

/// The parts of a slice header in front of the picture parameter set's id, and that id. Only of a picture's first slice.
fn start(nal_type: u8, bits: &mut Bits<'_>) -> Option<SetId> {
    if !bits.flag()? {
        return None;
    }
    bits.skip(u32::from(matches!(nal_type, 16..=23)))?;
    Some(bits.ue_to(63)? as SetId)
}

/// Which picture parameter set a picture's first slice refers to.
pub(super) fn pps_of(nal_type: u8, payload: &[u8]) -> Option<SetId> {
    start(nal_type, &mut Bits::new(payload))
}

/// What kind of slice it is.
pub(super) fn kind(nal_type: u8, payload: &[u8], pps: &Pps) -> Option<PictureKind> {
    let mut bits = Bits::new(payload);
    start(nal_type, &mut bits)?;
    bits.skip(pps.extra_bits)?;
    Some(match bits.ue_to(2)? {
        0 => PictureKind::Bidirectional,
        1 => PictureKind::Predicted,
        _ => PictureKind::Key,
    })
}

/// A slice's QP.
pub(super) fn qp(nal_type: u8, payload: &[u8], sps: &Sps, pps: &Pps) -> Option<i32> {
    let mut bits = Bits::new(payload);
    start(nal_type, &mut bits)?;
    bits.skip(pps.extra_bits)?;
    let lists = 2 - bits.ue_to(2)? as usize;
    bits.skip(u32::from(pps.output_flag))?;
    bits.skip(if sps.separate_colour_plane { 2 } else { 0 })?;
    let mut refs_now = 0;
    let mut temporal_mvp = false;
    if !matches!(nal_type, 19 | 20) {
        bits.skip(sps.order_len)?;
        refs_now = refs_of_slice(&mut bits, sps)?;
        if let Some(listed) = sps.long_term {
            let listed = if listed > 0 { bits.ue()? } else { 0 };
            if listed > 0 || bits.ue()? > 0 {
                return None;
            }
        }
        temporal_mvp = sps.temporal_mvp && bits.flag()?;
    }
    if sps.adaptive_offset {
        bits.skip(1 + u32::from(sps.has_chroma))?;
    }
    if lists > 0 {
        let mut refs = pps.refs;
        if bits.flag()? {
            for refs in &mut refs[..lists] {
                *refs = bits.ue_to(14)? + 1;
            }
        }
        if pps.lists_modification && refs_now > 1 {
            for refs in &refs[..lists] {
                if bits.flag()? {
                    bits.skip(refs * bits_for(refs_now))?;
                }
            }
        }
        bits.skip(u32::from(lists == 2) + u32::from(pps.cabac_init))?;
        if temporal_mvp {
            let from_second = lists == 2 && !bits.flag()?;
            if refs[usize::from(from_second)] > 1 {
                bits.ue()?;
            }
        }
        if if lists == 2 { pps.weighted_bipred } else { pps.weighted_pred } {
            skip_weights(&mut bits, &refs[..lists], sps.has_chroma)?;
        }
        bits.ue_to(4)?;
    }
    pps.init_qp.checked_add(bits.se()?)
}

/// How many pictures the slice refers to.
fn refs_of_slice(bits: &mut Bits<'_>, sps: &Sps) -> Option<u32> {
    if !bits.flag()? {
        return Some(RefSet::read(bits, &sps.ref_sets, true)?.used.count_ones());
    }
    let index = bits.bits(sps.ref_set_len)?;
    Some(sps.ref_sets.get(index as usize)?.used.count_ones())
}

fn skip_weights(bits: &mut Bits<'_>, lists: &[u32], has_chroma: bool) -> Option<()> {
    bits.ue()?;
    bits.skip_se(has_chroma.into())?;
    for &refs in lists {
        let luma = bits.bits(refs)?.count_ones();
        let chroma = if has_chroma { bits.bits(refs)?.count_ones() } else { 0 };
        bits.skip_se(2 * luma + 4 * chroma)?;
    }
    Some(())
}
