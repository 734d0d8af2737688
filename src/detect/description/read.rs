//! TOML text → [`Description`], or the first thing that is wrong and where.

use serde::Deserialize;
use toml::Spanned;

use super::{
    Activation, Classes, Colour, Description, Element, Input, Kept, Layout, Output, SameAbove, Wrong,
};
use crate::{
    detect::{Class, placement::Fit},
    geometry::Size,
};

/// Largest side of a network's input, in pixels.
const SIDE_PX_MAX: u32 = 4096;
/// Most classes that a model may have.
const CLASS_COUNT_MAX: usize = 10_000;
/// Most detections of one frame.
const DETECTIONS_MAX: usize = 300;

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
