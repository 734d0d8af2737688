//! Which elements decode here: chosen once at start, by trying.
//!
//! Owns the choice, and the trial. The list of known decoders is [`super::family`]'s; decoding a stream is [`super::decoder`]'s.

use std::{sync::mpsc, thread, time::Duration};

use gstreamer as gst;

use super::{
    DecodeError, Frame,
    decoder::Decoder,
    family::{Candidate, Family},
    probe,
    raw::Keep,
};
use crate::{camera::Codec, config::Hardware};

/// How long hardware may take to decode the built-in clip before it counts as broken.
const PROBE_LIMIT: Duration = Duration::from_secs(10);

/// The decoders that this machine uses. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Backend {
    family: Family,
    routes: [Route; 3],
}

/// The decoder for one codec, and what takes over where it turns out not to work.
#[derive(Debug, Clone, Copy)]
pub(super) struct Route {
    pub(super) first: Option<Candidate>,
    pub(super) fallback: Option<Candidate>,
}

impl Backend {
    /// Chooses and, for hardware, tries: a built-in clip has to come out as it went in. Takes up to seconds; call it
    /// once at start.
    ///
    /// # Errors
    /// GStreamer or its software decoder for H.264 is missing, or a hardware that was asked for by name does not work.
    /// [`Hardware::Auto`] falls back to software instead, and says so in the log.
    pub fn choose(hardware: Hardware) -> Result<Self, DecodeError> {
        gst::init().map_err(|e| DecodeError::Gstreamer(e.to_string()))?;
        let backend = match hardware {
            Hardware::Off => Self::software()?,
            Hardware::Vaapi => Self::tried(Family::Vaapi)?.alone(),
            Hardware::Nvdec => Self::tried(Family::Nvdec)?.alone(),
            Hardware::V4l2 => Self::tried(Family::V4l2)?.alone(),
            Hardware::Auto => Self::best()?,
        };
        tracing::debug!("video is decoded by {}", backend.describe());
        Ok(backend)
    }

    /// For the log and the page, such as `software (avdec_h264, avdec_h265, avdec_mjpeg)`.
    pub fn describe(&self) -> String {
        let names: Vec<_> = [(Codec::H264, "H.264"), (Codec::H265, "H.265"), (Codec::Mjpeg, "MJPEG")]
            .into_iter()
            .map(|(codec, name)| match self.route(codec).first {
                Some(candidate) => candidate.element.to_owned(),
                None => format!("no {name}"),
            })
            .collect();
        format!("{} ({})", self.family.name(), names.join(", "))
    }

    pub(super) fn route(&self, codec: Codec) -> Route {
        self.routes[codec as usize]
    }

    /// Why a codec has no decoder here.
    pub(super) fn missing(&self, codec: Codec) -> DecodeError {
        match self.family {
            Family::Software => DecodeError::Missing { codec, mend: self.family.mend() },
            family => family.error(format!("it has no decoder for {codec:?}")),
        }
    }

    /// The first hardware that works, else software.
    fn best() -> Result<Self, DecodeError> {
        for family in Family::HARDWARE {
            match Self::tried(family) {
                Ok(backend) => return Ok(backend),
                Err(e) => tracing::debug!("{e}"),
            }
        }
        Self::software()
    }

    fn software() -> Result<Self, DecodeError> {
        let route = |codec| Route { first: Family::Software.installed(codec).next(), fallback: None };
        let backend = Self {
            family: Family::Software,
            routes: [route(Codec::H264), route(Codec::H265), route(Codec::Mjpeg)],
        };
        match backend.route(Codec::H264).first {
            Some(_) => Ok(backend),
            None => Err(backend.missing(Codec::H264)),
        }
    }

    /// A hardware that has just decoded the built-in clip, with software behind it.
    fn tried(family: Family) -> Result<Self, DecodeError> {
        let mut why = None;
        for candidate in family.installed(Codec::H264) {
            match decodes(candidate) {
                Ok(()) => return Ok(Self::hardware(family, candidate)),
                Err(e) => why = Some(format!("{} does not decode: {e}", candidate.element)),
            }
        }
        let names =
            || family.candidates(Codec::H264).iter().map(|c| c.element).collect::<Vec<_>>().join(" nor ");
        Err(family.error(why.unwrap_or_else(|| format!("GStreamer has neither {} here", names()))))
    }

    fn hardware(family: Family, h264: Candidate) -> Self {
        let software = |codec| Family::Software.installed(codec).next();
        let route = |codec| match family.installed(codec).next() {
            Some(first) => Route { first: Some(first), fallback: software(codec) },
            None => Route { first: software(codec), fallback: None },
        };
        let h264 = Route { first: Some(h264), fallback: software(Codec::H264) };
        Self { family, routes: [h264, route(Codec::H265), route(Codec::Mjpeg)] }
    }

    /// Without software for H.264 and H.265, as asked for. JPEG may stay in software, since few GPUs decode it.
    fn alone(mut self) -> Self {
        for codec in [Codec::H264, Codec::H265] {
            let route = &mut self.routes[codec as usize];
            route.fallback = None;
            route.first = route.first.filter(|first| first.keep == Keep::Copied);
        }
        self
    }

    /// One decoder for H.264 and nothing else, to try it.
    fn only(candidate: Candidate) -> Self {
        let none = Route { first: None, fallback: None };
        let h264 = Route { first: Some(candidate), fallback: None };
        Self { family: Family::Software, routes: [h264, none, none] }
    }
}

/// Whether the built-in clip comes out as it went in. A driver that hangs costs a thread, not the daemon.
fn decodes(candidate: Candidate) -> Result<(), String> {
    let (tell, told) = mpsc::channel();
    thread::Builder::new()
        .name("decoder-probe".into())
        .spawn(move || {
            // Nobody listens once the limit has passed.
            let _ = tell.send(decode_probe(candidate));
        })
        .map_err(|e| e.to_string())?;
    told.recv_timeout(PROBE_LIMIT).unwrap_or_else(|_| Err(format!("no answer for {PROBE_LIMIT:?}")))
}

fn decode_probe(candidate: Candidate) -> Result<(), String> {
    let mut decoder = Decoder::new(&Backend::only(candidate), Codec::H264).map_err(|e| e.to_string())?;
    let mut frames: Vec<Frame> = Vec::new();
    for unit in probe::units() {
        decoder.decode(&unit, &mut frames).map_err(|e| e.to_string())?;
    }
    decoder.drain(&mut frames);
    let picture = &frames.last().ok_or("no picture came out")?.picture;
    let luma = picture.luma().data.first().copied().unwrap_or_default();
    if picture.size() == probe::SIZE && luma.abs_diff(probe::LUMA) <= 2 {
        Ok(())
    } else {
        Err(format!("a wrong picture came out: {picture:?}, luma {luma}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::family::{hardware, software};

    #[test]
    fn every_installed_software_decoder_decodes_the_probe() {
        gst::init().expect("GStreamer starts");
        let mut tried = 0;
        for candidate in Family::Software.installed(Codec::H264) {
            assert_eq!(decodes(candidate), Ok(()), "{}", candidate.element);
            tried += 1;
        }
        assert!(tried > 0, "a decoder is installed");
    }

    /// The way that hardware goes: a parser in front, and pictures copied out.
    #[test]
    fn a_decoder_behind_a_parser_decodes_the_probe() {
        gst::init().expect("GStreamer starts");
        assert_eq!(decodes(hardware("avdec_h264", "h264parse")), Ok(()));
    }

    #[test]
    fn what_is_no_decoder_fails_in_words() {
        gst::init().expect("GStreamer starts");
        for (element, word) in
            [("no-such-element", "no-such-element"), ("avdec_h265", "does not take"), ("fakesink", "pad")]
        {
            let why = decodes(software(element, None)).expect_err(element);
            assert!(why.contains(word), "{element}: {why}");
        }
    }

    #[test]
    fn hardware_that_is_asked_for_and_missing_says_how_to_mend_it() {
        gst::init().expect("GStreamer starts");
        for (asked, family) in [
            (Hardware::Vaapi, Family::Vaapi),
            (Hardware::Nvdec, Family::Nvdec),
            (Hardware::V4l2, Family::V4l2),
        ] {
            match Backend::choose(asked) {
                Ok(backend) => assert_eq!(backend.family, family, "this machine has it"),
                Err(e) => {
                    let words = e.to_string();
                    assert!(words.contains(family.name()) && words.contains("decode.hardware"), "{words}");
                }
            }
        }
    }

    #[test]
    fn auto_always_finds_something() {
        let backend = Backend::choose(Hardware::Auto).expect("software at least");
        assert!(backend.route(Codec::H264).first.is_some());
        assert!(backend.describe().contains('('), "{}", backend.describe());
    }

    /// A decoder that starts and then fails, or does not start at all, gives way to the second choice where there is one.
    #[test]
    fn what_fails_gives_way_to_its_fallback() {
        gst::init().expect("GStreamer starts");
        let key = probe::units().next().expect("the first is a key frame");
        for (element, keys_max) in [("avdec_h265", 1), ("identity", 60)] {
            let mut backend = Backend::only(software(element, None));
            assert_eq!(frames_of(&backend, &key, keys_max), 0, "{element} alone");
            backend.routes[0].fallback = Family::Software.installed(Codec::H264).next();
            assert!(frames_of(&backend, &key, keys_max) > 0, "{element} with a fallback");
        }
    }

    fn frames_of(backend: &Backend, key: &crate::camera::AccessUnit, keys_max: usize) -> usize {
        let Ok(mut decoder) = Decoder::new(backend, Codec::H264) else { return 0 };
        let mut frames = Vec::new();
        for _ in 0..keys_max {
            if decoder.decode(key, &mut frames).is_ok() {
                decoder.drain(&mut frames);
            }
        }
        frames.len()
    }

    #[test]
    fn decoders_may_be_handed_from_thread_to_thread() {
        fn sent<T: Send>() {}
        fn shared<T: Send + Sync>() {}
        sent::<Decoder>();
        shared::<Backend>();
        shared::<crate::decode::Picture>();
    }
}
