//! Frames of `vtest.mp4` as pictures, decoded by GStreamer.

use std::path::Path;

use cunkou::{
    decode::{Chroma, Picture, Range},
    geometry::Size,
};
use gstreamer::{self as gst, prelude::*};
use gstreamer_app::AppSink;
use gstreamer_video::{self as gst_video, prelude::*};

const VTEST: &str = ".cache/footage/vtest.mp4";

/// Every `every`th frame of vtest with its number, or nothing where set-up has not made the file.
pub(crate) fn vtest(every: usize) -> Option<impl Iterator<Item = (usize, Picture)>> {
    if !Path::new(VTEST).exists() {
        eprintln!("SKIPPED: {VTEST} is not there; `make test` makes it");
        return None;
    }
    gst::init().expect("GStreamer starts");
    let line = format!(
        "filesrc location={VTEST} ! qtdemux ! h264parse ! avdec_h264 ! video/x-raw,format=I420 \
         ! appsink name=out sync=false max-buffers=4"
    );
    let pipeline = gst::parse::launch(&line).expect("the elements are installed");
    let pipeline = pipeline.downcast::<gst::Pipeline>().expect("a pipeline");
    let sink = pipeline.by_name("out").expect("named above");
    let sink = sink.downcast::<AppSink>().expect("it is an appsink");
    pipeline.set_state(gst::State::Playing).expect("it plays");
    let mut number = 0;
    let frames = std::iter::from_fn(move || {
        loop {
            let Ok(sample) = sink.pull_sample() else {
                pipeline.set_state(gst::State::Null).expect("it stops");
                return None;
            };
            let this = number;
            number += 1;
            if this % every == 0 {
                return Some((this, picture(&sample)));
            }
        }
    });
    Some(frames)
}

fn picture(sample: &gst::Sample) -> Picture {
    let info = gst_video::VideoInfo::from_caps(sample.caps().expect("caps")).expect("video");
    let buffer = sample.buffer().expect("a buffer");
    let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &info).expect("readable");
    let planes = (0..3)
        .map(|plane| {
            let data = frame.plane_data(plane).expect("three planes").to_vec();
            (data, frame.plane_stride()[plane as usize] as usize)
        })
        .collect();
    let size = Size::new(info.width(), info.height());
    Picture::from_planes(size, Chroma::Planar420, Range::Limited, planes).expect("planes are whole")
}
