//! What a model is, as declared in `models/*.toml`.
//!
//! Owns the spelling of a description and every check of it. Reading files and the model's bytes belongs to `model`.
//! `models/README.md` documents each key.

use serde::Deserialize;
use toml::Spanned;

use super::{Class, Group, placement::Fit};
use crate::geometry::Size;

/// Largest side of a network's input, in pixels.
const SIDE_PX_MAX: u32 = 4096;
/// Most classes that a model may have.
const CLASS_COUNT_MAX: usize = 10_000;
/// Most detections of one frame.
const DETECTIONS_MAX: usize = 300;

/// A description with nothing left to check.
#[derive(Debug, Clone, PartialEq)]
pub struct Description {
    /// For people.
    pub name: String,
    /// The model file, beside the description.
    pub file: String,
    /// SHA-256 of the file, lower-case hex.
    pub sha256: String,
    /// Licence of the weights.
    pub licence: String,
    /// Where they come from.
    pub source: String,
    /// What goes in.
    pub input: Input,
    /// What comes out.
    pub output: Output,
    /// What is kept of it.
    pub classes: Classes,
    /// Intersection over union above which two boxes of a group are one thing.
    pub same_above: SameAbove,
    /// Most detections of one frame.
    pub detections_max: usize,
}

/// The network's input.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// Its name in the graph.
    pub name: String,
    /// Width and height.
    pub size: Size,
    /// Order of the axes.
    pub layout: Layout,
    /// What a value is.
    pub element: Element,
    /// Order of the channels.
    pub colour: Colour,
    /// How the picture is fitted in.
    pub fit: Fit,
    /// What padding and masks are filled with, 0..=255, on every channel, before scaling of values.
    pub pad: u8,
    /// By channel in the order of `colour`: what is fed is `value * multiply + add`. Ones and zeros for u8.
    pub multiply: [f32; 3],
    /// See `multiply`.
    pub add: [f32; 3],
    /// A second input, i64 [1, 2], that is told the size to which boxes are to be scaled: always the network's own.
    pub target_size: Option<String>,
}

/// Order of the axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// Batch, height, width, channels.
    Nhwc,
    /// Batch, channels, height, width.
    Nchw,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Element {
    /// Bytes, as they are.
    U8,
    /// 32-bit floats.
    F32,
}

/// Order of the channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Colour {
    /// Red first.
    Rgb,
    /// Blue first.
    Bgr,
}

/// What a number that stands for a class is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// A probability already.
    None,
    /// A logit, by class.
    Sigmoid,
    /// A logit among all classes.
    Softmax,
}

/// What four numbers of a box are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BoxForm {
    /// Centre, width and height in shares of the input.
    CentreUnit,
    /// Centre, width and height in input pixels.
    CentrePixels,
    /// Left, top, right, bottom in shares of the input.
    EdgesUnit,
    /// Left, top, right, bottom in input pixels.
    EdgesPixels,
}

/// What comes out, by family. C is the number of classes, M that of places or queries; a batch is always 1. Tensors are f32
/// unless it says otherwise.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Output {
    /// Decoded in the graph: `boxes` [1, M, 4], `scores` [1, M, C].
    Nanodet {
        /// Tensor of the boxes.
        boxes: String,
        /// Tensor of the scores.
        scores: String,
        /// What a box is.
        #[serde(default = "edges_pixels")]
        form: BoxForm,
        /// What a score is.
        #[serde(default = "no_activation")]
        activation: Activation,
    },
    /// NanoDet as its own exporter writes it: `tensor` [1, M, C + 4 (reg_max + 1)], places row by row, stride after
    /// stride; four distributions (left, top, right, bottom) over 0..=reg_max, in strides from the place's centre, which lies at
    /// `(index + cell_offset) * stride`: generalised focal loss, arXiv 2006.04388.
    NanodetRaw {
        /// The tensor.
        tensor: String,
        /// Pixels from place to place, by level.
        strides: Vec<u32>,
        /// Last bin of a distribution.
        reg_max: u32,
        /// 0.5 in NanoDet, 0 in NanoDet-Plus.
        cell_offset: f32,
        /// What a score is.
        #[serde(default = "no_activation")]
        activation: Activation,
    },
    /// YOLOX as exported without decoding: `tensor` [1, M, 5 + C]: x and y from the place's corner in
    /// strides, logarithms of width and height in strides, objectness, scores (arXiv 2107.08430).
    Yolox {
        /// The tensor.
        tensor: String,
        /// Pixels from place to place, by level.
        strides: Vec<u32>,
        /// What objectness and scores are.
        #[serde(default = "no_activation")]
        activation: Activation,
    },
    /// YOLOv5, v6, v7: `tensor` [1, M, 5 + C]: centre, width, height in pixels, objectness, scores.
    Yolov5 {
        /// The tensor.
        tensor: String,
    },
    /// YOLOv8, v9, 11, 12: `tensor` [1, 4 + C, M]: centre, width, height in pixels, scores, no objectness.
    #[serde(alias = "yolo11")]
    Yolov8 {
        /// The tensor.
        tensor: String,
    },
    /// Queries as they leave the network: `boxes` [1, M, 4], `logits` [1, M, C]. RF-DETR, and RT-DETR or D-FINE exported
    /// without their post-processor. With softmax, the last class is "nothing" and counts in `classes.count`.
    Detr {
        /// Tensor of the boxes.
        boxes: String,
        /// Tensor of the logits.
        logits: String,
        /// What a box is.
        #[serde(default = "centre_unit")]
        form: BoxForm,
        /// What a score is.
        #[serde(default = "sigmoid")]
        activation: Activation,
    },
    /// After a post-processor in the graph: `labels` i64 or i32 [1, M], `boxes` [1, M, 4], `scores` [1, M]. RT-DETR and
    /// D-FINE as their own exporters write them, with `target_size`.
    DetrLabels {
        /// Tensor of the class indices.
        labels: String,
        /// Tensor of the boxes.
        boxes: String,
        /// Tensor of the scores.
        scores: String,
        /// What a box is.
        #[serde(default = "edges_pixels")]
        form: BoxForm,
    },
}

const fn edges_pixels() -> BoxForm {
    BoxForm::EdgesPixels
}
const fn centre_unit() -> BoxForm {
    BoxForm::CentreUnit
}
const fn no_activation() -> Activation {
    Activation::None
}
const fn sigmoid() -> Activation {
    Activation::Sigmoid
}

impl Output {
    /// The tensors that it needs, by name.
    pub fn tensors(&self) -> Vec<&str> {
        match self {
            Self::Nanodet { boxes, scores, .. } => vec![boxes, scores],
            Self::NanodetRaw { tensor, .. }
            | Self::Yolox { tensor, .. }
            | Self::Yolov5 { tensor }
            | Self::Yolov8 { tensor } => vec![tensor],
            Self::Detr { boxes, logits, .. } => vec![boxes, logits],
            Self::DetrLabels { labels, boxes, scores, .. } => vec![labels, boxes, scores],
        }
    }

    fn strides(&self) -> Option<&[u32]> {
        match self {
            Self::NanodetRaw { strides, .. } | Self::Yolox { strides, .. } => Some(strides),
            _ => None,
        }
    }
}

/// Which of the model's classes are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Classes {
    /// How many the model has.
    pub count: usize,
    /// Those that are kept, by index. Not empty.
    pub kept: Vec<Kept>,
}

/// A class that is kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kept {
    /// Its place in the model's output.
    pub index: usize,
    /// What it is to us.
    pub class: Class,
    /// Confidence from which on it counts as found, above 0 and below 1.
    pub threshold: f32,
    /// Confidence from which on it is reported: the threshold, or less where doubtful ones are wanted too.
    pub reported_from: f32,
}

/// Intersection over union above which two boxes of a group are taken for one thing.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SameAbove {
    /// People.
    pub person: f32,
    /// Bicycles and motorcycles.
    pub two_wheeler: f32,
    /// Cars, buses, trucks.
    pub vehicle: f32,
    /// Animals.
    pub animal: f32,
}

impl SameAbove {
    /// For one group.
    pub fn of(&self, group: Group) -> f32 {
        match group {
            Group::Person => self.person,
            Group::TwoWheeler => self.two_wheeler,
            Group::Vehicle => self.vehicle,
            Group::Animal => self.animal,
        }
    }
}

/// What is wrong with a description, and where in its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Byte offset in the text.
    pub at: usize,
    /// What, and how to mend it.
    pub why: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Raw {
    name: String,
    file: Spanned<String>,
    sha256: Spanned<String>,
    licence: String,
    source: String,
    input: RawInput,
    output: Spanned<Output>,
    classes: RawClasses,
    same_above: Spanned<SameAbove>,
    detections_max: Option<Spanned<usize>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawInput {
    name: String,
    width: Spanned<u32>,
    height: Spanned<u32>,
    layout: Layout,
    element: Spanned<Element>,
    colour: Colour,
    fit: Fit,
    #[serde(default = "default_pad")]
    pad: u8,
    scale: Option<Spanned<f32>>,
    mean: Option<Spanned<[f32; 3]>>,
    deviation: Option<Spanned<[f32; 3]>>,
    target_size: Option<String>,
}

/// The grey that most networks were trained to see as padding.
const fn default_pad() -> u8 {
    114
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawClasses {
    count: Spanned<usize>,
    doubtful_from: Option<Spanned<f32>>,
    kept: Spanned<Vec<Spanned<RawKept>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKept {
    index: usize,
    class: String,
    threshold: f32,
}

impl Description {
    /// Reads a description from TOML text.
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub fn read(text: &str) -> Result<Self, Wrong> {
        let raw: Raw = toml::from_str(text).map_err(|err| Wrong {
            at: err.span().map_or(0, |span| span.start),
            why: err.message().trim_end().replace('\n', "; "),
        })?;
        raw.check()
    }
}

fn wrong<T>(place: &Spanned<T>, why: impl Into<String>) -> Wrong {
    Wrong { at: place.span().start, why: why.into() }
}

impl Raw {
    fn check(self) -> Result<Description, Wrong> {
        let file = self.file.get_ref();
        if file.is_empty() || file.contains(['/', '\\']) {
            let why = "`file` is the name of a file beside the description, without a path";
            return Err(wrong(&self.file, why));
        }
        let digest = self.sha256.get_ref().to_ascii_lowercase();
        if digest.len() != 64 || !digest.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(wrong(&self.sha256, "`sha256` is 64 hexadecimal digits, as `sha256sum` prints them"));
        }
        let input = self.input.check()?;
        check_output(&self.output, input.size)?;
        let detections_max = match &self.detections_max {
            None => 100,
            Some(max) if (1..=DETECTIONS_MAX).contains(max.get_ref()) => *max.get_ref(),
            Some(max) => {
                return Err(wrong(max, format!("`detections-max` is from 1 to {DETECTIONS_MAX}")));
            }
        };
        let same = self.same_above.get_ref();
        if [same.person, same.two_wheeler, same.vehicle, same.animal].iter().any(|s| !(*s > 0.0 && *s <= 1.0))
        {
            let why = "`same-above` holds intersections over union: above 0, at most 1";
            return Err(wrong(&self.same_above, why));
        }
        Ok(Description {
            name: self.name,
            file: self.file.into_inner(),
            sha256: digest,
            licence: self.licence,
            source: self.source,
            input,
            output: self.output.into_inner(),
            classes: self.classes.check()?,
            same_above: self.same_above.into_inner(),
            detections_max,
        })
    }
}

impl RawInput {
    fn check(self) -> Result<Input, Wrong> {
        for side in [&self.width, &self.height] {
            if !(8..=SIDE_PX_MAX).contains(side.get_ref()) {
                return Err(wrong(side, format!("a side of the input has 8 to {SIDE_PX_MAX} pixels")));
            }
        }
        if *self.element.get_ref() == Element::U8
            && (self.scale.is_some() || self.mean.is_some() || self.deviation.is_some())
        {
            let why = "bytes are fed as they are: `scale`, `mean` and `deviation` need `element = \"f32\"`";
            return Err(wrong(&self.element, why));
        }
        let scale = match &self.scale {
            None => 1.0,
            Some(scale) if scale.get_ref().is_finite() && *scale.get_ref() > 0.0 => *scale.get_ref(),
            Some(scale) => {
                return Err(wrong(scale, "`scale` is a number above 0, such as 0.00392157 (1/255)"));
            }
        };
        let mean = match &self.mean {
            None => [0.0; 3],
            Some(mean) if mean.get_ref().iter().all(|m| m.is_finite()) => *mean.get_ref(),
            Some(mean) => return Err(wrong(mean, "`mean` is three numbers")),
        };
        let deviation = match &self.deviation {
            None => [1.0; 3],
            Some(dev) if dev.get_ref().iter().all(|d| d.is_finite() && *d > 0.0) => *dev.get_ref(),
            Some(dev) => return Err(wrong(dev, "`deviation` is three numbers above 0")),
        };
        Ok(Input {
            name: self.name,
            size: Size::new(*self.width.get_ref(), *self.height.get_ref()),
            layout: self.layout,
            element: *self.element.get_ref(),
            colour: self.colour,
            fit: self.fit,
            pad: self.pad,
            multiply: deviation.map(|d| scale / d),
            add: std::array::from_fn(|c| -mean[c] / deviation[c]),
            target_size: self.target_size,
        })
    }
}

fn check_output(output: &Spanned<Output>, size: Size) -> Result<(), Wrong> {
    if let Some(strides) = output.get_ref().strides()
        && !((1..=8).contains(&strides.len()) && strides.iter().all(|s| (1..=size.w.min(size.h)).contains(s)))
    {
        return Err(wrong(output, "`strides` is one to eight numbers of pixels, none larger than the input"));
    }
    if let Output::NanodetRaw { reg_max, cell_offset, activation, .. } = output.get_ref() {
        if !(1..=64).contains(reg_max) {
            return Err(wrong(output, "`reg-max` is from 1 to 64 (7 in most NanoDet models)"));
        }
        if !(0.0..=1.0).contains(cell_offset) {
            let why = "`cell-offset` is from 0 to 1: 0.5 for NanoDet, 0 for NanoDet-Plus";
            return Err(wrong(output, why));
        }
        if *activation == Activation::Softmax {
            return Err(wrong(output, "NanoDet's scores are probabilities or sigmoid logits, never softmax"));
        }
    }
    if let Output::Yolox { activation: Activation::Softmax, .. } = output.get_ref() {
        return Err(wrong(output, "YOLOX's scores are probabilities or sigmoid logits, never softmax"));
    }
    Ok(())
}

impl RawClasses {
    fn check(self) -> Result<Classes, Wrong> {
        let count = *self.count.get_ref();
        if !(1..=CLASS_COUNT_MAX).contains(&count) {
            return Err(wrong(&self.count, format!("a model has 1 to {CLASS_COUNT_MAX} classes")));
        }
        if self.kept.get_ref().is_empty() {
            return Err(wrong(&self.kept, "keep at least one class"));
        }
        let doubtful_from = match &self.doubtful_from {
            None => 1.0,
            Some(from) if *from.get_ref() > 0.0 && *from.get_ref() < 1.0 => *from.get_ref(),
            Some(from) => return Err(wrong(from, "`doubtful-from` is a confidence above 0 and below 1")),
        };
        let mut kept: Vec<Kept> = Vec::new();
        for entry in self.kept.get_ref() {
            let raw = entry.get_ref();
            let class = allowed(&raw.class).map_err(|why| wrong(entry, why))?;
            if raw.index >= count {
                let why =
                    format!("index {} is none of the model's {count} classes (0 is the first)", raw.index);
                return Err(wrong(entry, why));
            }
            if kept.iter().any(|other| other.index == raw.index) {
                return Err(wrong(entry, format!("index {} is kept twice", raw.index)));
            }
            if !(raw.threshold > 0.0 && raw.threshold < 1.0) {
                return Err(wrong(entry, "`threshold` is a confidence above 0 and below 1"));
            }
            let reported_from = raw.threshold.min(doubtful_from);
            kept.push(Kept { index: raw.index, class, threshold: raw.threshold, reported_from });
        }
        Ok(Classes { count, kept })
    }
}

/// The class of this name, or why it may not be kept.
fn allowed(name: &str) -> Result<Class, String> {
    Class::ALL.into_iter().find(|class| class.as_str() == name).ok_or_else(|| {
        let names = Class::ALL.map(Class::as_str).join(", ");
        format!(
            "class \"{name}\" is not allowed: Cunkou detects things, never faces, identities or traits of people. \
             Leave it out, or map it to one of: {names}"
        )
    })
}
