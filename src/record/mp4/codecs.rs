//! RFC 6381 codec strings, from sample entries: what a browser is asked whether it can play.

use std::fmt::Write;

use super::{
    boxes::{Fields, child},
    track::ENTRY_FIELDS,
};

/// Of one sample entry; `None` where no browser has a name for it, or it cannot be understood.
pub(super) fn of_entry(entry: &[u8]) -> Option<String> {
    let (video, audio) = ENTRY_FIELDS;
    match entry.get(4..8)? {
        b"avc1" => avc(child(entry.get(video..)?, b"avcC")?),
        b"hvc1" => hevc(child(entry.get(video..)?, b"hvcC")?),
        b"mp4a" => aac(child(entry.get(audio..)?, b"esds")?),
        _ => None,
    }
}

/// `avc1.PPCCLL` (RFC 6381, 3.3).
fn avc(config: &[u8]) -> Option<String> {
    let [_, profile, constraints, level, ..] = config else { return None };
    Some(format!("avc1.{profile:02x}{constraints:02x}{level:02x}"))
}

/// ISO/IEC 14496-15, annex E.3.
fn hevc(config: &[u8]) -> Option<String> {
    let mut fields = Fields(config.get(1..)?);
    let profile = fields.u8()?;
    let compatible = fields.u32()?.reverse_bits();
    let constraints = fields.take(6)?;
    let level = fields.u8()?;
    let space = ["", "A", "B", "C"][usize::from(profile >> 6)];
    let tier = if profile & 0x20 == 0 { 'L' } else { 'H' };
    let mut text = format!("hvc1.{space}{}.{compatible:X}.{tier}{level}", profile & 0x1f);
    let count = constraints.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1);
    for byte in &constraints[..count] {
        write!(text, ".{byte:X}").expect("a string takes everything");
    }
    Some(text)
}

/// `mp4a.40.N`, N the audio object type. Descriptors as written by `track`: lengths of one byte, or padded ones.
fn aac(esds: &[u8]) -> Option<String> {
    let mut fields = Fields(esds.get(4..)?);
    descriptor(&mut fields, 3)?;
    fields.take(3)?;
    descriptor(&mut fields, 4)?;
    let object = fields.u8()?;
    fields.take(12)?;
    descriptor(&mut fields, 5)?;
    (object == 0x40).then_some(format!("mp4a.40.{}", fields.u8()? >> 3))
}

fn descriptor(fields: &mut Fields<'_>, tag: u8) -> Option<()> {
    (fields.u8()? == tag).then_some(())?;
    while fields.u8()? & 0x80 != 0 {}
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::mp4::{AudioTrack, Law, NoTrack};

    #[test]
    fn hevc_strings_are_written_by_the_book() {
        let mut config = vec![1, 1, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93];
        assert_eq!(hevc(&config).as_deref(), Some("hvc1.1.6.L93.B0"));
        config[1] = 0x62;
        config[6] = 0;
        assert_eq!(hevc(&config).as_deref(), Some("hvc1.A2.6.H93"));
        assert_eq!(hevc(&config[..12]), None);
    }

    #[test]
    fn sound_has_a_string_where_browsers_play_it() {
        let aac = AudioTrack::aac(&[0x14, 0x08]).expect("16 kHz, mono");
        assert_eq!(aac.rate_hz(), 16_000);
        assert_eq!(of_entry(&aac.described().entry).as_deref(), Some("mp4a.40.2"));
        assert_eq!(of_entry(&AudioTrack::g711(Law::A).described().entry), None);
        for config in [&[][..], &[0x14], &[0xff, 0xff, 0xff], &[0x17, 0, 0, 0, 0, 8], &[0x14, 0]] {
            assert_eq!(
                AudioTrack::aac(config),
                Err(NoTrack::Unreadable("AudioSpecificConfig")),
                "{config:?}"
            );
        }
    }
}
