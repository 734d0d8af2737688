//! One or two GStreamer elements between two pads of our own, run by whoever pushes.
//!
//! A push decodes in the caller's thread and the pictures lie ready when it returns (as in GStreamer's own test harness). No
//! pipeline, no thread, no queue and no clock, which is what makes hundreds of decoders in one process cheap.
//! What the buffers mean belongs to [`super::decoder`].

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use gstreamer::{self as gst, glib, prelude::*};
use gstreamer_video as gst_video;

use crate::geometry::Size;

/// Widest and highest picture that is decoded, in pixels.
pub const PICTURE_SIDE_MAX: u32 = 8192;

/// Pictures that wait for [`Chain::take`]. Synchronous decoders leave a few at most; one with a thread of its own (stateful
/// V4L2) loses its oldest.
const WAITING_MAX: usize = 64;

/// Elements in a row, running, with our pads at both ends.
pub(super) struct Chain {
    input: gst::Pad,
    output: gst::Pad,
    elements: Vec<gst::Element>,
    outlet: Arc<Outlet>,
}

/// What came out.
pub(super) struct Raw {
    pub(super) buffer: gst::Buffer,
    pub(super) info: Arc<gst_video::VideoInfo>,
}

/// Why a push failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// The element could not make sense of the buffer, in its words.
    Undecodable(String),
    /// The picture is larger than [`PICTURE_SIDE_MAX`].
    TooLarge(Size),
}

/// Where buffers and complaints of the elements arrive.
#[derive(Default)]
struct Outlet(Mutex<Arrived>);

#[derive(Default)]
struct Arrived {
    info: Option<Arc<gst_video::VideoInfo>>,
    buffers: VecDeque<Raw>,
    complaint: Option<String>,
    refused: Option<Size>,
}

impl Outlet {
    /// Guards plain fields, never held across a call into GStreamer.
    fn lock(&self) -> MutexGuard<'_, Arrived> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn buffer(&self, buffer: gst::Buffer) -> Result<gst::FlowSuccess, gst::FlowError> {
        let mut arrived = self.lock();
        let info = arrived.info.clone().ok_or(gst::FlowError::NotNegotiated)?;
        if arrived.buffers.len() == WAITING_MAX {
            arrived.buffers.pop_front();
        }
        arrived.buffers.push_back(Raw { buffer, info });
        Ok(gst::FlowSuccess::Ok)
    }

    /// Whether pictures of these caps are wanted.
    fn caps(&self, caps: &gst::CapsRef) -> bool {
        let Ok(info) = gst_video::VideoInfo::from_caps(caps) else { return false };
        let size = Size::new(info.width(), info.height());
        let mut arrived = self.lock();
        if size.w > PICTURE_SIDE_MAX || size.h > PICTURE_SIDE_MAX {
            arrived.refused = Some(size);
            return false;
        }
        arrived.info = Some(Arc::new(info));
        true
    }
}

impl Chain {
    /// Starts `elements`, fed with buffers of `caps`.
    pub(super) fn start(elements: Vec<gst::Element>, caps: &gst::Caps) -> Result<Self, glib::BoolError> {
        let outlet = Arc::new(Outlet::default());
        let chain = Self { input: input_pad(), output: output_pad(&outlet)?, elements, outlet };
        chain.connect()?;
        chain.play()?;
        // Asked beforehand: an event that is refused stays on the pad, and the refusal shows at the first buffer only.
        if !chain.input.peer_query_accept_caps(caps) {
            return Err(glib::bool_error!("it does not take {caps}"));
        }
        chain.input.push_event(gst::event::StreamStart::new("camera"));
        chain.input.push_event(gst::event::Caps::new(caps));
        chain.begin_segment();
        Ok(chain)
    }

    fn connect(&self) -> Result<(), glib::BoolError> {
        // The default check also asks for a common parent, and a decoder alone has none.
        let link = |from: &gst::Pad, to: &gst::Pad| {
            from.link_full(to, gst::PadLinkCheck::CAPS)
                .map_err(|e| glib::bool_error!("{} and {} do not link: {e}", from.name(), to.name()))
        };
        let mut from = self.input.clone();
        for element in &self.elements {
            link(&from, &pad(element, "sink")?)?;
            from = pad(element, "src")?;
        }
        link(&from, &self.output)?;
        Ok(())
    }

    fn play(&self) -> Result<(), glib::BoolError> {
        self.output.set_active(true)?;
        for element in self.elements.iter().rev() {
            element.set_bus(Some(&listening_bus(&self.outlet)));
            element.set_state(gst::State::Playing).map_err(|_| {
                let said = self.outlet.lock().complaint.take();
                glib::bool_error!("{}", said.unwrap_or_else(|| format!("{} does not start", element.name())))
            })?;
        }
        self.input.set_active(true)
    }

    fn begin_segment(&self) {
        self.input.push_event(gst::event::Segment::new(&gst::FormattedSegment::<gst::ClockTime>::new()));
    }

    /// Pushes one buffer through; returns once it has been worked on.
    pub(super) fn push(&self, buffer: gst::Buffer) -> Result<(), Failure> {
        let flow = self.input.push(buffer);
        let mut arrived = self.outlet.lock();
        let said = arrived.complaint.take();
        if let Some(size) = arrived.refused.take() {
            return Err(Failure::TooLarge(size));
        }
        match (flow, said) {
            (Ok(_), None) => Ok(()),
            (Ok(_), Some(said)) => Err(Failure::Undecodable(said)),
            (Err(flow), said) => Err(Failure::Undecodable(said.unwrap_or_else(|| flow.to_string()))),
        }
    }

    /// The oldest picture that came out and was not taken yet.
    pub(super) fn take(&self) -> Option<Raw> {
        self.outlet.lock().buffers.pop_front()
    }

    /// Forgets everything under way: references, delayed pictures, errors. The next buffer starts afresh.
    pub(super) fn flush(&self) {
        self.input.push_event(gst::event::FlushStart::new());
        self.input.push_event(gst::event::FlushStop::new(true));
        self.begin_segment();
        let mut arrived = self.outlet.lock();
        arrived.buffers.clear();
        arrived.complaint = None;
        arrived.refused = None;
    }

    /// Makes the elements give out what they hold back. [`Self::take`] it, then [`Self::flush`] before the next push.
    pub(super) fn finish(&self) {
        self.input.push_event(gst::event::Eos::new());
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        for element in &self.elements {
            if element.set_state(gst::State::Null).is_err() {
                tracing::warn!(element = %element.name(), "a decoder does not stop in order");
            }
        }
        // Deactivating a pad of our own that is linked to a stopped element cannot fail in a way that matters here.
        let _ = self.input.set_active(false);
        let _ = self.output.set_active(false);
    }
}

fn pad(element: &gst::Element, name: &str) -> Result<gst::Pad, glib::BoolError> {
    element.static_pad(name).ok_or_else(|| glib::bool_error!("{} has no pad \"{name}\"", element.name()))
}

/// A pad that we push into. It answers nothing but what it sends, and that it is not live: there is no pipeline above.
fn input_pad() -> gst::Pad {
    gst::Pad::builder(gst::PadDirection::Src)
        .name("units")
        .event_function(|_, _, _| true)
        .query_function(|pad, parent, query| match query.view_mut() {
            gst::QueryViewMut::Latency(latency) => {
                latency.set(false, gst::ClockTime::ZERO, gst::ClockTime::NONE);
                true
            }
            gst::QueryViewMut::Caps(_) | gst::QueryViewMut::AcceptCaps(_) => {
                gst::Pad::query_default(pad, parent, query)
            }
            _ => false,
        })
        .build()
}

/// A pad that takes pictures in system memory (a decoder on a GPU then downloads them), with any strides.
fn output_pad(outlet: &Arc<Outlet>) -> Result<gst::Pad, glib::BoolError> {
    let any = gst::Caps::new_empty_simple("video/x-raw");
    let template =
        gst::PadTemplate::new("pictures", gst::PadDirection::Sink, gst::PadPresence::Always, &any)?;
    let (chained, told) = (Arc::clone(outlet), Arc::clone(outlet));
    Ok(gst::Pad::builder_from_template(&template)
        .chain_function(move |_, _, buffer| chained.buffer(buffer))
        .event_function(move |_, _, event| match event.view() {
            gst::EventView::Caps(caps) => told.caps(caps.caps()),
            _ => true,
        })
        .query_function(|pad, parent, query| match query.view_mut() {
            gst::QueryViewMut::Allocation(allocation) => {
                // Lets libav decode straight into the buffers that we get, padding included.
                allocation.add_allocation_meta::<gst_video::VideoMeta>(None);
                true
            }
            _ => gst::Pad::query_default(pad, parent, query),
        })
        .build())
}

/// A bus that keeps the last error's words and queues nothing. Without its asynchronous half it needs no file descriptor.
fn listening_bus(outlet: &Arc<Outlet>) -> gst::Bus {
    let bus = glib::Object::builder::<gst::Bus>().property("enable-async", false).build();
    let outlet = Arc::clone(outlet);
    bus.set_sync_handler(move |_, message| {
        if let gst::MessageView::Error(error) = message.view() {
            outlet.lock().complaint = Some(error.error().message().to_owned());
        }
        gst::BusSyncReply::Drop
    });
    bus
}
