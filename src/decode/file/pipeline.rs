//! The GStreamer pipeline behind a file.
//!
//! Owns which of a file's streams is decoded (the first video) and what becomes of the others (nothing). What the frames mean
//! belongs to [`super::Reader`].

use std::{
    path::Path,
    sync::{Arc, OnceLock},
};

use gstreamer::{self as gst, glib, prelude::*};
use gstreamer_app as gst_app;

/// Decoded frames that wait to be asked for. More would only be memory.
const WAITING_MAX: u32 = 4;

/// The pipeline, its end, and what kind of file it turns out to be.
pub(super) type Built = (gst::Pipeline, gst_app::AppSink, Arc<OnceLock<String>>);

pub(super) fn build(path: &Path) -> Result<Built, glib::BoolError> {
    let source = gst::ElementFactory::make("filesrc").property("location", path).build()?;
    let decode = gst::ElementFactory::make("decodebin")
        // Hardware decodes into a fixed number of surfaces, and our frames may be held for long.
        .property("force-sw-decoders", true)
        .build()?;
    let sink = gst_app::AppSink::builder()
        .caps(&gst::Caps::new_empty_simple("video/x-raw"))
        .max_buffers(WAITING_MAX)
        .sync(false)
        .build();
    sink.set_property("enable-last-sample", false);
    let pipeline = gst::Pipeline::new();
    pipeline.add_many([&source, &decode, sink.upcast_ref()])?;
    source.link(&decode)?;

    let kind = Arc::new(OnceLock::new());
    let seen = Arc::clone(&kind);
    decode.connect("autoplug-continue", false, move |values| {
        let caps = values.get(2).and_then(|caps| caps.get::<gst::Caps>().ok());
        let name = caps.and_then(|caps| caps.structure(0).map(|s| s.name().to_string())).unwrap_or_default();
        // The first to be asked about is the file itself.
        let first = seen.set(name.clone()).is_ok();
        let unwanted = ["audio/", "text/", "subpicture/"].iter().any(|kind| name.starts_with(kind));
        Some((first || !unwanted).to_value())
    });
    let (into, whole) = (sink.clone(), pipeline.downgrade());
    decode.connect_pad_added(move |_, pad| {
        if let Some(pipeline) = whole.upgrade() {
            attach(&pipeline, pad, &into);
        }
    });
    let into = sink.clone();
    decode.connect_no_more_pads(move |decode| {
        if into.static_pad("sink").is_some_and(|pad| !pad.is_linked()) {
            let news = gst::message::Application::new(gst::Structure::new_empty("no-video"));
            if decode.post_message(news).is_err() {
                tracing::debug!("a file has no video, and nobody listens any more");
            }
        }
    });
    Ok((pipeline, sink, kind))
}

/// Links the first video stream to our end, and lets all else run into the ground.
fn attach(pipeline: &gst::Pipeline, pad: &gst::Pad, sink: &gst_app::AppSink) {
    let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
    let is_video = caps.structure(0).is_some_and(|s| s.name() == "video/x-raw");
    let end = sink.static_pad("sink").expect("an appsink has a sink pad");
    let linked = if is_video && !end.is_linked() {
        pad.link(&end).map(drop).map_err(|e| e.to_string())
    } else {
        drain_away(pipeline, pad).map_err(|e| e.message.to_string())
    };
    if let Err(why) = linked {
        tracing::warn!("a stream of a file is left out: {why}");
    }
}

fn drain_away(pipeline: &gst::Pipeline, pad: &gst::Pad) -> Result<(), glib::BoolError> {
    let ground =
        gst::ElementFactory::make("fakesink").property("async", false).property("sync", false).build()?;
    pipeline.add(&ground)?;
    ground.sync_state_with_parent()?;
    let end = ground.static_pad("sink").expect("a fakesink has a sink pad");
    pad.link(&end).map_err(|e| glib::bool_error!("{e}"))?;
    Ok(())
}
