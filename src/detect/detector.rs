//! One detector on one thread: picture in, detections out.

use std::time::Instant;

use super::{
    DetectError, Detection, Model, Runtime, View,
    bench::Stages,
    description::Description,
    onnx::Session,
    outputs::{self, BadOutput, Candidate},
    placement::Placement,
    scale::Scaler,
    suppress::{Found, merge, on_picture, suppress},
};
use crate::{
    config::Provider,
    decode::Picture,
    geometry::{PixelRect, Polygon, Size},
};

/// Most parts of a frame that are looked at beside the whole.
pub const CROPS_MAX: usize = 4;

/// A session with its buffers, all of which are reused from call to call.
pub struct Detector {
    model: Model,
    session: Session,
    scaler: Scaler,
    candidates: Vec<Candidate>,
    found: Vec<Found>,
}

impl Detector {
    /// Loads `model` into a session of one thread, and runs it once on an even picture: a model that is not as described is found
    /// out here, and the first frame does not wait for the library's preparations.
    ///
    /// # Errors
    /// The library lacks the provider, or does not take the model; inputs, outputs or shapes are not as described.
    pub fn open(runtime: &Runtime, model: &Model, provider: Provider) -> Result<Self, DetectError> {
        let session = Session::open(runtime, model, provider)?;
        let scaler = Scaler::new(model.description().input.clone());
        let mut detector =
            Self { model: model.clone(), session, scaler, candidates: Vec::new(), found: Vec::new() };
        let even = Picture::grey(model.input_size(), 114);
        detector.detect(&even, &View::Full, &[], &mut Vec::new())?;
        Ok(detector)
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Looks at `picture` as `view` says, with `masks` (in shares of the picture) painted over, and appends what it
    /// finds to `out`: boxes in shares of the whole picture, surest first, one a thing. Each part of the view is one call of the
    /// model; parts beyond the fourth are not looked at.
    ///
    /// # Errors
    /// A part that is empty or leaves the picture; a failing call; outputs that are not numbers. Nothing is appended then.
    pub fn detect(
        &mut self,
        picture: &Picture,
        view: &View,
        masks: &[Polygon],
        out: &mut Vec<Detection>,
    ) -> Result<(), DetectError> {
        let (whole, crops) = match view {
            View::Full => (true, &[][..]),
            View::Crops(crops) => (false, crops.as_slice()),
            View::FullAndCrops(crops) => (true, crops.as_slice()),
        };
        let whole = whole.then(|| PixelRect::whole(picture.size()));
        self.found.clear();
        let parts = whole.into_iter().chain(crops.iter().take(CROPS_MAX).copied());
        for (view, part) in parts.enumerate() {
            self.look(picture, part, masks, view)?;
        }
        let description = self.model.description();
        merge(&mut self.found, &description.same_above, description.detections_max, out);
        Ok(())
    }

    /// One call on one part; adds to `found`.
    fn look(
        &mut self,
        picture: &Picture,
        part: PixelRect,
        masks: &[Polygon],
        view: usize,
    ) -> Result<(), DetectError> {
        let placement = self.prepare(picture, part, masks)?;
        let candidates = &mut self.candidates;
        self.session.run(|tensors| read(&self.model, tensors, candidates))??;
        self.found.extend(candidates.iter().filter_map(|one| on_picture(one, &placement, view)));
        Ok(())
    }

    /// The call alone, on the input as it stands: what everything else is measured against.
    pub(super) fn call(&mut self) -> Result<(), DetectError> {
        self.session.run(|_| ())
    }

    /// As [`Self::detect`] on the whole picture, but for the clock.
    pub(super) fn timed(&mut self, picture: &Picture) -> Result<Stages, DetectError> {
        let begun = Instant::now();
        let placement = self.prepare(picture, PixelRect::whole(picture.size()), &[])?;
        let prepared = Instant::now();
        let called = self.session.run(|tensors| {
            let called = Instant::now();
            let read = read(&self.model, tensors, &mut self.candidates);
            read.map(|()| called)
        })??;
        self.found.clear();
        self.found.extend(self.candidates.iter().filter_map(|one| on_picture(one, &placement, 0)));
        Ok([prepared - begun, called - prepared, called.elapsed()])
    }

    /// Fills the input tensor.
    pub(super) fn prepare(
        &mut self,
        picture: &Picture,
        part: PixelRect,
        masks: &[Polygon],
    ) -> Result<Placement, DetectError> {
        let size = picture.size();
        let Description { input, .. } = self.model.description();
        let placement = Placement::new(size, part, input.size, input.fit).ok_or_else(|| {
            let why = format!("the part {part:?} is empty or leaves it");
            DetectError::Picture { size, why }
        })?;
        self.scaler
            .fill(picture, &placement, masks, self.session.input())
            .map_err(|why| DetectError::Picture { size, why })?;
        Ok(placement)
    }
}

/// Leaves what the outputs hold in `candidates`: one a thing, surest first, as many as the description allows.
fn read(
    model: &Model,
    tensors: &[outputs::Tensor<'_>],
    candidates: &mut Vec<Candidate>,
) -> Result<(), DetectError> {
    let description = model.description();
    candidates.clear();
    outputs::decode(description, tensors, candidates).map_err(|bad| refused(model, bad))?;
    suppress(candidates, &description.same_above);
    candidates.truncate(description.detections_max);
    Ok(())
}

fn refused(model: &Model, bad: BadOutput) -> DetectError {
    let (model, why) = (model.name().to_owned(), bad.to_string());
    match bad {
        BadOutput::NotFinite { .. } => DetectError::Output { model, why },
        BadOutput::Missing { .. } | BadOutput::Element { .. } | BadOutput::Shape { .. } => {
            DetectError::Mismatch { model, why }
        }
    }
}

impl std::fmt::Debug for Detector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Size { w, h } = self.model.input_size();
        write!(f, "Detector({:?}, {w}x{h})", self.model)
    }
}
