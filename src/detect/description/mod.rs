//! What a model is, as declared in `models/*.toml`.
//!
//! Owns what is true of a model; how it is written, and every check of it, belongs to [`read`]. Reading files and the model's
//! bytes belongs to `model`. `models/README.md` documents each key.

mod read;

use serde::Deserialize;

use super::{Class, Group, placement::Fit};
use crate::geometry::Size;

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
