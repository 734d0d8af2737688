//! The decoders that we know, and how each is started.
//!
//! Owns the list, by where decoding is done, and what each element needs to be told. Choosing among them is
//! [`super::backend`]'s.

use gstreamer::{self as gst, prelude::*};

use super::{DecodeError, chain::Chain, raw::Keep};
use crate::camera::Codec;

/// Where decoding is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Software,
    Vaapi,
    Nvdec,
    V4l2,
}

/// A decoder that we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate {
    /// GStreamer's name of the element.
    pub(super) element: &'static str,
    /// What has to stand in front, since the element wants more caps than we know.
    parser: Option<&'static str>,
    /// What may become of its memory.
    pub(super) keep: Keep,
}

pub(super) const fn software(element: &'static str, parser: Option<&'static str>) -> Candidate {
    Candidate { element, parser, keep: Keep::Shared }
}

pub(super) const fn hardware(element: &'static str, parser: &'static str) -> Candidate {
    Candidate { element, parser: Some(parser), keep: Keep::Copied }
}

impl Family {
    /// Those that are not software, in the order in which they are tried.
    pub(super) const HARDWARE: [Self; 3] = [Self::Nvdec, Self::Vaapi, Self::V4l2];

    /// Its decoders for a codec, the best first.
    pub(super) fn candidates(self, codec: Codec) -> &'static [Candidate] {
        match (self, codec) {
            (Self::Software, Codec::H264) => {
                const { &[software("avdec_h264", None), software("openh264dec", Some("h264parse"))] }
            }
            (Self::Software, Codec::H265) => {
                const { &[software("avdec_h265", None), software("libde265dec", Some("h265parse"))] }
            }
            (Self::Software, Codec::Mjpeg) => {
                const { &[software("avdec_mjpeg", None), software("jpegdec", None)] }
            }
            (Self::Vaapi, Codec::H264) => {
                const { &[hardware("vah264dec", "h264parse"), hardware("vaapih264dec", "h264parse")] }
            }
            (Self::Vaapi, Codec::H265) => {
                const { &[hardware("vah265dec", "h265parse"), hardware("vaapih265dec", "h265parse")] }
            }
            (Self::Vaapi, Codec::Mjpeg) => {
                const { &[hardware("vajpegdec", "jpegparse"), hardware("vaapijpegdec", "jpegparse")] }
            }
            (Self::Nvdec, Codec::H264) => {
                const { &[hardware("nvh264dec", "h264parse"), hardware("nvh264sldec", "h264parse")] }
            }
            (Self::Nvdec, Codec::H265) => {
                const { &[hardware("nvh265dec", "h265parse"), hardware("nvh265sldec", "h265parse")] }
            }
            (Self::Nvdec, Codec::Mjpeg) => const { &[hardware("nvjpegdec", "jpegparse")] },
            (Self::V4l2, Codec::H264) => {
                const { &[hardware("v4l2slh264dec", "h264parse"), hardware("v4l2h264dec", "h264parse")] }
            }
            (Self::V4l2, Codec::H265) => {
                const { &[hardware("v4l2slh265dec", "h265parse"), hardware("v4l2h265dec", "h265parse")] }
            }
            (Self::V4l2, Codec::Mjpeg) => const { &[hardware("v4l2jpegdec", "jpegparse")] },
        }
    }

    pub(super) fn installed(self, codec: Codec) -> impl Iterator<Item = Candidate> {
        self.candidates(codec).iter().copied().filter(Candidate::is_installed)
    }

    /// For people.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Software => "software",
            Self::Vaapi => "VA-API",
            Self::Nvdec => "NVDEC",
            Self::V4l2 => "Video4Linux",
        }
    }

    /// How to get what is missing.
    pub(super) const fn mend(self) -> &'static str {
        match self {
            Self::Software => "install gstreamer1.0-libav",
            Self::Vaapi => {
                "install GStreamer's va or vaapi plugin and the driver of the GPU, see that vainfo lists H.264 and that \
                 this user may open /dev/dri/renderD128, or set decode.hardware to \"auto\" or \"off\""
            }
            Self::Nvdec => {
                "install GStreamer's nvcodec plugin and NVIDIA's driver, see that nvidia-smi lists the GPU, or set \
                 decode.hardware to \"auto\" or \"off\""
            }
            Self::V4l2 => {
                "install gstreamer1.0-plugins-good and -bad, see that v4l2-ctl --list-devices lists a decoder that this \
                 user may open, or set decode.hardware to \"auto\" or \"off\""
            }
        }
    }

    pub(super) fn error(self, why: impl Into<String>) -> DecodeError {
        DecodeError::Hardware { family: self.name(), why: why.into(), mend: self.mend() }
    }
}

impl Candidate {
    fn is_installed(&self) -> bool {
        gst::ElementFactory::find(self.element).is_some()
            && self.parser.is_none_or(|parser| gst::ElementFactory::find(parser).is_some())
    }

    /// A running decoder that takes access units of `codec`.
    pub(super) fn start(&self, codec: Codec) -> Result<Chain, DecodeError> {
        let failed = |why: String| DecodeError::Start { element: self.element, why };
        let make = |name: &str| gst::ElementFactory::make(name).build().map_err(|e| failed(e.to_string()));
        let decoder = make(self.element)?;
        for (property, value) in [
            // The caller's thread and no other, so that a pool of decoding threads is all there is.
            ("max-threads", "1"),
            // Every unit that cannot be decoded is heard of, not the eleventh.
            ("max-errors", "0"),
            // libav's strict mode holds back as many frames as the standard allows.
            ("std-compliance", "normal"),
            ("qos", "false"),
        ] {
            if decoder.has_property(property) {
                decoder.set_property_from_str(property, value);
            }
        }
        let parser = self.parser.map(make).transpose()?;
        let elements = parser.into_iter().chain([decoder]).collect();
        Chain::start(elements, &caps(codec)).map_err(|e| failed(e.message.to_string()))
    }
}

fn caps(codec: Codec) -> gst::Caps {
    match codec {
        Codec::H264 | Codec::H265 => {
            let name = if codec == Codec::H264 { "video/x-h264" } else { "video/x-h265" };
            gst::Caps::builder(name).field("stream-format", "byte-stream").field("alignment", "au").build()
        }
        // "Parsed" says that a buffer holds one whole picture.
        Codec::Mjpeg => gst::Caps::builder("image/jpeg").field("parsed", true).build(),
    }
}
