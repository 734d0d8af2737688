//! A GStreamer video buffer → [`Picture`], without a copy where that is possible.
//!
//! Owns which formats are ours, and the conversion of those that are not (10 bit, packed, RGB). RGB for the model
//! is made in [`super::rgb`].

use std::sync::Arc;

use gstreamer as gst;
use gstreamer_video::{self as gst_video, VideoFormat, VideoFrameExt};

use super::{Chroma, Picture, Range, picture::Memory};
use crate::geometry::Size;

/// Whether a picture may keep the decoder's own memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// It may: software decoders take as many buffers as there are pictures alive.
    Shared,
    /// It must be copied: hardware decodes into a fixed number of surfaces, and stalls when all are held.
    Copied,
}

/// A buffer that is no picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct NoPicture(String);

/// Turns buffers into pictures; remembers the converter for formats that are not ours.
#[derive(Default)]
pub(super) struct Develop {
    converter: Option<(gst_video::VideoInfo, gst_video::VideoInfo, gst_video::VideoConverter)>,
}

/// A mapped buffer, kept alive by whoever holds the picture.
struct Mapped(gst_video::VideoFrame<gst_video::video_frame::Readable>);

impl Memory for Mapped {
    fn plane(&self, index: usize) -> Option<(&[u8], usize)> {
        let stride = usize::try_from(*self.0.plane_stride().get(index)?).ok()?;
        let data = self.0.plane_data(u32::try_from(index).ok()?).ok()?;
        Some((data, stride))
    }
}

impl Develop {
    /// The picture in a buffer. `unmarked` is the range of a picture that does not say.
    pub(super) fn picture(
        &mut self,
        buffer: gst::Buffer,
        info: &gst_video::VideoInfo,
        unmarked: Range,
        keep: Keep,
    ) -> Result<Picture, NoPicture> {
        match chroma(info.format()) {
            Some(chroma) => {
                let picture = mapped(buffer, info, chroma, range(info, unmarked))?;
                match keep {
                    Keep::Shared => Ok(picture),
                    Keep::Copied => copied(&picture),
                }
            }
            None => self.converted(buffer, info, unmarked),
        }
    }

    fn converted(
        &mut self,
        buffer: gst::Buffer,
        info: &gst_video::VideoInfo,
        unmarked: Range,
    ) -> Result<Picture, NoPicture> {
        let fits = |(from, ..): &(gst_video::VideoInfo, _, _)| from == info;
        if !self.converter.as_ref().is_some_and(fits) {
            let to = target(info)?;
            let converter = gst_video::VideoConverter::new(info, &to, None).map_err(|_| {
                NoPicture(format!("pictures of format {} cannot be converted", info.format()))
            })?;
            self.converter = Some((info.clone(), to, converter));
        }
        let (_, to, converter) = self.converter.as_ref().expect("was made in the lines above");
        let from = gst_video::VideoFrame::from_buffer_readable(buffer, info)
            .map_err(|_| NoPicture("a picture cannot be mapped".into()))?;
        let made = gst::Buffer::with_size(to.size())
            .ok()
            .and_then(|empty| gst_video::VideoFrame::from_buffer_writable(empty, to).ok());
        let mut made = made.ok_or_else(|| NoPicture("no memory for a converted picture".into()))?;
        converter.frame(&from, &mut made);
        mapped(made.into_buffer(), to, Chroma::Planar420, range(to, unmarked))
    }
}

/// Our layout of a format, if it is one of ours.
fn chroma(format: VideoFormat) -> Option<Chroma> {
    Some(match format {
        VideoFormat::Gray8 => Chroma::None,
        VideoFormat::I420 => Chroma::Planar420,
        VideoFormat::Y42b => Chroma::Planar422,
        VideoFormat::Y444 => Chroma::Planar444,
        VideoFormat::Nv12 => Chroma::Interleaved420,
        _ => return None,
    })
}

fn range(info: &gst_video::VideoInfo, unmarked: Range) -> Range {
    match info.colorimetry().range() {
        gst_video::VideoColorRange::Range0_255 => Range::Full,
        gst_video::VideoColorRange::Range16_235 => Range::Limited,
        _ => unmarked,
    }
}

/// I420 of the same size, and of the same colours where they are YUV already.
fn target(info: &gst_video::VideoInfo) -> Result<gst_video::VideoInfo, NoPicture> {
    // The converter changes pixels alone, and insists that all else is equal.
    let builder = gst_video::VideoInfo::builder(VideoFormat::I420, info.width(), info.height())
        .fps(info.fps())
        .par(info.par())
        .interlace_mode(info.interlace_mode());
    let colours = info.colorimetry();
    let builder = if info.is_yuv() { builder.colorimetry(&colours) } else { builder };
    builder.build().map_err(|_| NoPicture(format!("a picture of {}x{}", info.width(), info.height())))
}

fn mapped(
    buffer: gst::Buffer,
    info: &gst_video::VideoInfo,
    chroma: Chroma,
    range: Range,
) -> Result<Picture, NoPicture> {
    let size = Size::new(info.width(), info.height());
    let frame = gst_video::VideoFrame::from_buffer_readable(buffer, info)
        .map_err(|_| NoPicture("a picture cannot be mapped".into()))?;
    Picture::from_memory(size, chroma, range, Arc::new(Mapped(frame))).map_err(|e| NoPicture(e.to_string()))
}

fn copied(picture: &Picture) -> Result<Picture, NoPicture> {
    let planes = (0..picture.plane_count())
        .map(|index| {
            let plane = picture.plane(index);
            (plane.data.to_vec(), plane.stride)
        })
        .collect();
    Picture::from_planes(picture.size(), picture.chroma(), picture.range(), planes)
        .map_err(|e| NoPicture(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(format: VideoFormat, w: u32, h: u32) -> gst_video::VideoInfo {
        gst::init().expect("GStreamer starts");
        gst_video::VideoInfo::builder(format, w, h).build().expect("an ordinary picture")
    }

    #[test]
    fn ten_bits_become_eight() {
        let info = info(VideoFormat::I42010le, 64, 48);
        // 10-bit limited white, 940, and neutral chroma, 512.
        let luma = 64 * 48;
        let samples = (0..info.size() / 2).map(|i| if i < luma { 940u16 } else { 512 });
        let buffer = gst::Buffer::from_slice(samples.flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
        let picture =
            Develop::default().picture(buffer, &info, Range::Limited, Keep::Shared).expect("it converts");
        assert_eq!((picture.chroma(), picture.size()), (Chroma::Planar420, Size::new(64, 48)));
        assert!(picture.luma().data[..64].iter().all(|&y| (234..=236).contains(&y)));
        assert!(picture.plane(1).data[..32].iter().all(|&u| (127..=129).contains(&u)));
    }

    #[test]
    fn a_copy_outlives_the_buffer_and_keeps_the_layout() {
        let info = info(VideoFormat::Nv12, 64, 48);
        let bytes: Vec<u8> = (0..info.size()).map(|i| (i % 251) as u8).collect();
        let take = |keep| {
            let buffer = gst::Buffer::from_slice(bytes.clone());
            Develop::default().picture(buffer, &info, Range::Full, keep).expect("NV12 is ours")
        };
        let (shared, copied) = (take(Keep::Shared), take(Keep::Copied));
        assert_eq!(shared.luma().data, copied.luma().data);
        assert_eq!(shared.plane(1).data, copied.plane(1).data);
        assert_eq!(copied.chroma(), Chroma::Interleaved420);
    }

    #[test]
    fn a_short_buffer_is_no_picture() {
        let info = info(VideoFormat::I420, 64, 48);
        let buffer = gst::Buffer::from_slice(vec![0u8; 100]);
        assert!(Develop::default().picture(buffer, &info, Range::Limited, Keep::Shared).is_err());
    }
}
