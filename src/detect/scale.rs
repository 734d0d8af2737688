//! A part of a picture → the network's input: scaled, padded, masked, in the channels' order.
//!
//! Owns the doorways to `fast_image_resize` and `yuv` of this stage, and every buffer in between, which are reused. Planes are
//! scaled as they come from the decoder, and turned into RGB at the network's resolution, straight into the input tensor
//! where that holds bytes, row after row.

use fast_image_resize::{
    FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer,
    images::{TypedCroppedImage, TypedImage, TypedImageRef},
    pixels::{U8, U8x2},
};
use yuv::{YuvPlanarImage, YuvRange, YuvStandardMatrix, yuv444_to_bgr, yuv444_to_rgb};

use super::{
    description::{Colour, Input, Layout},
    onnx,
    placement::Placement,
};
use crate::{
    decode::{Chroma, Picture, Plane, Range},
    geometry::{PixelRect, Polygon, Size},
};

/// Area-true where it shrinks, and smooth where it grows: what the model was measured with.
const SCALING: ResizeAlg = ResizeAlg::Convolution(FilterType::Bilinear);

/// Scales pictures for one network. Buffers grow to the network's size and stay.
pub(super) struct Scaler {
    input: Input,
    resizer: Resizer,
    /// Luma at the content's size.
    luma: Vec<u8>,
    /// Pairs of U and V at the content's size too: at half of it, 3 % more people are seen on vtest that are none.
    chroma: Vec<u8>,
    /// Pairs of U and V as the picture has them, where it has them in two planes.
    pairs: Vec<u8>,
    /// U and V at the content's size.
    apart: [Vec<u8>; 2],
    /// A plane whose memory cannot be viewed as it is.
    straight: Vec<u8>,
    /// Bytes in channel order, rows of pixels, where the tensor is laid out otherwise.
    packed: Vec<u8>,
    /// What of the tensor, or of `packed`, is not padding.
    content: Option<PixelRect>,
    spans: Vec<(f32, f32)>,
}

impl Scaler {
    pub(super) fn new(input: Input) -> Self {
        Self {
            input,
            resizer: Resizer::new(),
            luma: Vec::new(),
            chroma: Vec::new(),
            pairs: Vec::new(),
            apart: [Vec::new(), Vec::new()],
            straight: Vec::new(),
            packed: Vec::new(),
            content: None,
            spans: Vec::new(),
        }
    }

    /// Fills `tensor` with the part of `picture` that `placement` says, masks burnt in.
    ///
    /// # Errors
    /// What the scaling or colour library refuses, in its words.
    pub(super) fn fill(
        &mut self,
        picture: &Picture,
        placement: &Placement,
        masks: &[Polygon],
        tensor: onnx::Input<'_>,
    ) -> Result<(), String> {
        match tensor {
            onnx::Input::U8(bytes) if self.input.layout == Layout::Nhwc => {
                self.pack(picture, placement, masks, bytes)
            }
            onnx::Input::U8(bytes) => {
                let packed = self.packed(picture, placement, masks)?;
                planes(&packed, bytes, |_, value| value);
                self.packed = packed;
                Ok(())
            }
            onnx::Input::F32(floats) => {
                let packed = self.packed(picture, placement, masks)?;
                let (multiply, add) = (self.input.multiply, self.input.add);
                let value = |channel: usize, byte: u8| f32::from(byte) * multiply[channel] + add[channel];
                match self.input.layout {
                    Layout::Nchw => planes(&packed, floats, value),
                    Layout::Nhwc => {
                        for (pixel, bytes) in floats.chunks_exact_mut(3).zip(packed.chunks_exact(3)) {
                            for channel in 0..3 {
                                pixel[channel] = value(channel, bytes[channel]);
                            }
                        }
                    }
                }
                self.packed = packed;
                Ok(())
            }
        }
    }

    /// The packed bytes, taken out of `self`; they are to be put back.
    fn packed(
        &mut self,
        picture: &Picture,
        placement: &Placement,
        masks: &[Polygon],
    ) -> Result<Vec<u8>, String> {
        let mut packed = std::mem::take(&mut self.packed);
        packed.resize(3 * self.input.size.w as usize * self.input.size.h as usize, 0);
        match self.pack(picture, placement, masks, &mut packed) {
            Ok(()) => Ok(packed),
            Err(why) => {
                self.content = None;
                Err(why)
            }
        }
    }

    /// Rows of pixels of three bytes, as large as the network's input.
    fn pack(
        &mut self,
        picture: &Picture,
        placement: &Placement,
        masks: &[Polygon],
        out: &mut [u8],
    ) -> Result<(), String> {
        let content = placement.content;
        // Padding stays from call to call; only another content leaves something where padding is to be.
        if self.content != Some(content) {
            out.fill(self.input.pad);
            self.content = Some(content);
        }
        let stride = 3 * self.input.size.w as usize;
        let start = content.y as usize * stride + 3 * content.x as usize;
        self.colour(picture, placement, &mut out[start..], stride as u32)?;
        for mask in masks {
            self.burn(mask, placement, out);
        }
        Ok(())
    }

    /// Scales the planes, then turns them into RGB or BGR at `out`.
    fn colour(
        &mut self,
        picture: &Picture,
        placement: &Placement,
        out: &mut [u8],
        stride: u32,
    ) -> Result<(), String> {
        let (width, height) = (placement.content.w, placement.content.h);
        let range = match picture.range() {
            Range::Limited => YuvRange::Limited,
            Range::Full => YuvRange::Full,
        };
        let matrix = matrix(picture);
        let rgb = self.input.colour == Colour::Rgb;
        self.plane::<U8>(&picture.luma(), placement, Target::Luma)?;
        let [u_plane, v_plane] =
            [1, 2].map(|index| (index < picture.plane_count()).then(|| picture.plane(index)));
        let coloured = match (picture.chroma(), u_plane, v_plane) {
            (Chroma::Interleaved420, Some(uv), _) => {
                self.plane::<U8x2>(&uv, placement, Target::Chroma)?;
                true
            }
            (_, Some(u), Some(v)) => {
                // One plane of pairs is scaled a third faster than two planes.
                let mut pairs = std::mem::take(&mut self.pairs);
                interleave(&u, &v, &mut pairs);
                let uv = Plane { data: &pairs, stride: 2 * u.width, width: u.width, rows: u.rows };
                let scaled = self.plane::<U8x2>(&uv, placement, Target::Chroma);
                self.pairs = pairs;
                scaled?;
                true
            }
            _ => false,
        };
        let [u, v] = &mut self.apart;
        if coloured {
            separate(&self.chroma, u, v);
        } else {
            // 128 is no colour.
            for plane in [&mut *u, &mut *v] {
                plane.clear();
                plane.resize(self.luma.len(), 128);
            }
        }
        // Three planes for every layout: the library's other converters leave out a last row that is shorter than the stride,
        // as it is where padding lies on both sides.
        let image = YuvPlanarImage {
            y_plane: &self.luma,
            y_stride: width,
            u_plane: u,
            u_stride: width,
            v_plane: v,
            v_stride: width,
            width,
            height,
        };
        let convert = if rgb { yuv444_to_rgb } else { yuv444_to_bgr };
        let made = convert(&image, out, stride, range, matrix);
        made.map_err(|err| format!("conversion to RGB: {err}"))
    }

    /// Scales what a plane has of `part` to `content` pixels.
    fn plane<P: PixelTrait>(
        &mut self,
        plane: &Plane<'_>,
        placement: &Placement,
        target: Target,
    ) -> Result<(), String> {
        let failed = |err: &dyn std::fmt::Display| format!("scaling: {err}");
        let content = placement.content;
        let sample = size_of::<P>();
        let (mut data, mut stride) = (plane.data, plane.stride);
        // The library wants whole rows and strides of whole samples. Decoders give both but for odd cases.
        if stride % sample != 0 || data.len() < stride * plane.rows {
            let row_bytes = plane.width * sample;
            self.straight.clear();
            for row in 0..plane.rows {
                self.straight.extend_from_slice(&data[row * stride..][..row_bytes]);
            }
            (data, stride) = (&self.straight, row_bytes);
        }
        let whole = &data[..stride * plane.rows];
        let view = TypedImageRef::<P>::from_buffer((stride / sample) as u32, plane.rows as u32, whole)
            .map_err(|err| failed(&err))?;
        let view = TypedCroppedImage::from_ref(&view, 0, 0, plane.width as u32, plane.rows as u32)
            .map_err(|err| failed(&err))?;
        let buffer = match target {
            Target::Luma => &mut self.luma,
            Target::Chroma => &mut self.chroma,
        };
        buffer.resize(content.w as usize * content.h as usize * sample, 0);
        let mut scaled =
            TypedImage::<P>::from_buffer(content.w, content.h, buffer).map_err(|err| failed(&err))?;
        let options = options(placement.picture, placement.part, plane);
        self.resizer.resize_typed(&view, &mut scaled, &options).map_err(|err| failed(&err))
    }

    /// Paints over what a mask covers. Columns that it covers in part count as covered.
    fn burn(&mut self, mask: &Polygon, placement: &Placement, out: &mut [u8]) {
        let content = placement.content;
        let (top, bottom) = mask
            .corners()
            .iter()
            .fold((1.0f32, 0.0f32), |(top, bottom), corner| (top.min(corner.y), bottom.max(corner.y)));
        let (first, end) = (content.y, content.y + content.h);
        let top = (placement.row(top).floor().max(0.0) as u32).clamp(first, end);
        let bottom = (placement.row(bottom).ceil().max(0.0) as u32).clamp(first, end);
        let (left, right) = (content.x as f32, (content.x + content.w) as f32);
        for row in top..bottom {
            self.spans.clear();
            // Near both edges of the row as well, so that a slanted edge leaves nothing uncovered.
            for at in [0.02, 0.5, 0.98] {
                mask.row_spans(placement.row_to_unit(row as f32 + at), &mut self.spans);
            }
            for (from, to) in self.spans.drain(..) {
                let from = placement.column(from).floor().clamp(left, right) as usize;
                let to = placement.column(to).ceil().clamp(left, right) as usize;
                if from < to {
                    let start = 3 * row as usize * self.input.size.w as usize;
                    out[start + 3 * from..start + 3 * to].fill(self.input.pad);
                }
            }
        }
    }
}

/// Two planes of one sample → one of pairs.
fn interleave(u: &Plane<'_>, v: &Plane<'_>, pairs: &mut Vec<u8>) {
    let row_bytes = 2 * u.width;
    pairs.resize(row_bytes * u.rows, 0);
    for (row, pairs) in pairs.chunks_exact_mut(row_bytes).enumerate() {
        let (u, v) = (&u.data[row * u.stride..][..u.width], &v.data[row * v.stride..][..u.width]);
        for ((pair, u), v) in pairs.chunks_exact_mut(2).zip(u).zip(v) {
            pair[0] = *u;
            pair[1] = *v;
        }
    }
}

/// A plane of pairs → two of one sample.
fn separate(pairs: &[u8], u: &mut Vec<u8>, v: &mut Vec<u8>) {
    u.resize(pairs.len() / 2, 0);
    v.resize(pairs.len() / 2, 0);
    for ((pair, u), v) in pairs.chunks_exact(2).zip(u).zip(v) {
        (*u, *v) = (pair[0], pair[1]);
    }
}

/// Which buffer a scaled plane goes to.
#[derive(Clone, Copy)]
enum Target {
    Luma,
    Chroma,
}

/// How a plane is scaled: the part of the picture in the plane's own samples, of which it may have half as many.
fn options(picture: Size, part: PixelRect, plane: &Plane<'_>) -> ResizeOptions {
    let step = |all: u32, samples: usize| if samples == all as usize { 1.0 } else { 2.0 };
    let (across, down) = (step(picture.w, plane.width), step(picture.h, plane.rows));
    ResizeOptions::new().resize_alg(SCALING).crop(
        f64::from(part.x) / across,
        f64::from(part.y) / down,
        f64::from(part.w) / across,
        f64::from(part.h) / down,
    )
}

/// Pixels of three bytes → three planes.
fn planes<T>(packed: &[u8], out: &mut [T], value: impl Fn(usize, u8) -> T) {
    let len = out.len() / 3;
    for (channel, plane) in out.chunks_exact_mut(len).enumerate() {
        for (out, pixel) in plane.iter_mut().zip(packed.chunks_exact(3)) {
            *out = value(channel, pixel[channel]);
        }
    }
}

/// Pictures do not say how their colours were coded: by convention, HD is BT.709 and JPEG and anything smaller BT.601.
fn matrix(picture: &Picture) -> YuvStandardMatrix {
    if picture.range() == Range::Limited && picture.size().h >= 720 {
        YuvStandardMatrix::Bt709
    } else {
        YuvStandardMatrix::Bt601
    }
}

#[cfg(test)]
#[path = "scale_tests.rs"]
mod tests;
