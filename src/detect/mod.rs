//! Pixels → things: model description, fair scheduling, tensors in and out (ort).
//!
//! Owns classes, model descriptions, sessions and the pool. Knows nothing of tracks, rules or cameras' state: it is
//! handed a frame and a view, and answers with detections.

pub mod bench;
mod description;
mod detector;
mod error;
mod model;
mod onnx;
pub mod outputs;
mod placement;
mod pool;
mod scale;
mod suppress;
mod view;

use serde::{Deserialize, Serialize};

pub use description::{
    Activation, BoxForm, Classes, Colour, Description, Element, Input, Kept, Layout, Output, SameAbove, Wrong,
};
pub use detector::{CROPS_MAX, Detector};
pub use error::DetectError;
pub use model::Model;
pub use onnx::Runtime;
pub use placement::{Fit, Placement};
pub use pool::{Detected, Job, start_pool};
pub use view::{HEARTBEAT_PLANS, STANDING_PLANS, ViewPlan};

use crate::geometry::{PixelRect, UnitBox};

/// What can be detected. The list is closed on purpose: things, never identities or traits of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names are those of the contract")]
pub enum Class {
    Person,
    Bicycle,
    Motorcycle,
    Car,
    Bus,
    Truck,
    Dog,
    Horse,
    Sheep,
    Cow,
}

/// Things that are mistaken for each other, and are tracked and suppressed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Group {
    /// People.
    Person,
    /// Bicycles and motorcycles.
    TwoWheeler,
    /// Cars, buses, trucks.
    Vehicle,
    /// Animals.
    Animal,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Person,
        Self::Bicycle,
        Self::Motorcycle,
        Self::Car,
        Self::Bus,
        Self::Truck,
        Self::Dog,
        Self::Horse,
        Self::Sheep,
        Self::Cow,
    ];

    /// As in payloads and configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Bicycle => "bicycle",
            Self::Motorcycle => "motorcycle",
            Self::Car => "car",
            Self::Bus => "bus",
            Self::Truck => "truck",
            Self::Dog => "dog",
            Self::Horse => "horse",
            Self::Sheep => "sheep",
            Self::Cow => "cow",
        }
    }

    /// For Chinese readers.
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Person => "人员",
            Self::Bicycle => "自行车",
            Self::Motorcycle => "摩托车",
            Self::Car => "小汽车",
            Self::Bus => "客车",
            Self::Truck => "货车",
            Self::Dog => "狗",
            Self::Horse => "马",
            Self::Sheep => "羊",
            Self::Cow => "牛",
        }
    }

    /// What it is mistaken for.
    pub const fn group(self) -> Group {
        match self {
            Self::Person => Group::Person,
            Self::Bicycle | Self::Motorcycle => Group::TwoWheeler,
            Self::Car | Self::Bus | Self::Truck => Group::Vehicle,
            Self::Dog | Self::Horse | Self::Sheep | Self::Cow => Group::Animal,
        }
    }
}

/// One thing in one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Detection {
    /// What.
    pub class: Class,
    /// How sure, 0..=1.
    pub confidence: f32,
    /// Where, in shares of the picture, cut to it.
    pub bbox: UnitBox,
}

/// What those who use a model's detections have to know of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Facts {
    /// The shorter side of its input, in pixels.
    pub input_side_px: u32,
    /// From which confidence on a detection counts as sure.
    pub sure_from: SureFrom,
}

/// From which confidence on a detection of each class, in the order of [`Class::ALL`], counts as sure. What is less sure is reported to keep alive
/// what is tracked already, and begins nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SureFrom(pub [f32; Class::ALL.len()]);

impl SureFrom {
    /// Whether a detection is sure.
    pub fn admits(&self, detection: &Detection) -> bool {
        detection.confidence >= self.0[detection.class as usize]
    }
}

/// As read off the table of the shipped model's card: people 0.45, two-wheelers and vehicles 0.40, animals 0.35.
impl Default for SureFrom {
    fn default() -> Self {
        Self(Class::ALL.map(|class| match class.group() {
            Group::Person => 0.45,
            Group::TwoWheeler | Group::Vehicle => 0.4,
            Group::Animal => 0.35,
        }))
    }
}

/// How the detector is to look at a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum View {
    /// One call on the whole picture.
    Full,
    /// A call on each of these parts, in pixels of the frame. Not empty, at most 4.
    Crops(Vec<PixelRect>),
    /// The whole picture, and these parts: at most 4.
    FullAndCrops(Vec<PixelRect>),
}
