//! I420 pictures in memory: median, noise, cut-outs, halving.
//!
//! Pure arithmetic on planes. Which frames and which boxes belongs to `studio`.

use rand::{Rng, SeedableRng, rngs::SmallRng};

use crate::geometry::Size;

/// An I420 picture without padding: luma, then both chroma planes at half the size. Even sizes only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Planes {
    size: Size,
    data: Vec<u8>,
}

impl Default for Planes {
    fn default() -> Self {
        Self { size: Size::new(0, 0), data: Vec::new() }
    }
}

/// Bytes a row, and rows.
type Shape = (usize, usize);

impl Planes {
    pub(super) fn new(size: Size) -> Self {
        let mut planes = Self::default();
        planes.resize(size);
        planes
    }

    pub(super) fn resize(&mut self, size: Size) {
        debug_assert!(size.w.is_multiple_of(2) && size.h.is_multiple_of(2), "chroma is at half the size");
        self.size = size;
        self.data.resize((size.w * size.h * 3 / 2) as usize, 0);
    }

    pub(super) fn size(&self) -> Size {
        self.size
    }

    fn shapes(&self) -> [Shape; 3] {
        let (w, h) = (self.size.w as usize, self.size.h as usize);
        [(w, h), (w / 2, h / 2), (w / 2, h / 2)]
    }

    /// Index, bytes and shape of each plane.
    pub(super) fn planes(&self) -> impl Iterator<Item = (usize, (&[u8], Shape))> {
        let luma = (self.size.w * self.size.h) as usize;
        let (y, chroma) = self.data.split_at(luma);
        let (u, v) = chroma.split_at(luma / 4);
        [y, u, v].into_iter().zip(self.shapes()).enumerate()
    }

    /// Index and bytes, and shape, of each plane.
    pub(super) fn planes_mut(&mut self) -> impl Iterator<Item = ((usize, &mut [u8]), Shape)> {
        let shapes = self.shapes();
        let luma = (self.size.w * self.size.h) as usize;
        let (y, chroma) = self.data.split_at_mut(luma);
        let (u, v) = chroma.split_at_mut(luma / 4);
        [y, u, v].into_iter().enumerate().zip(shapes)
    }

    fn plane(&self, index: usize) -> &[u8] {
        self.planes().nth(index).expect("there are three planes").1.0
    }

    /// Per-pixel median. Empty input is a broken invariant.
    pub(super) fn median(pictures: &[Planes]) -> Planes {
        let first = pictures.first().expect("a median needs a picture");
        let mut median = Planes::new(first.size);
        let mut values = vec![0u8; pictures.len()];
        let middle = pictures.len() / 2;
        for (at, out) in median.data.iter_mut().enumerate() {
            for (value, picture) in values.iter_mut().zip(pictures) {
                *value = picture.data[at];
            }
            *out = *values.select_nth_unstable(middle).1;
        }
        median
    }

    /// Half the size each way, each pixel the mean of four. The last row or column of a plane with an odd side is
    /// left out, and sides are rounded down to even numbers.
    pub(super) fn halve_into(&self, half: &mut Planes) {
        half.resize(half_of(self.size));
        for ((_, (from, (stride, _))), ((_, to), (row_len, rows))) in self.planes().zip(half.planes_mut()) {
            for row in 0..rows {
                let (upper, lower) = (&from[2 * row * stride..], &from[(2 * row + 1) * stride..]);
                for (x, out) in to[row * row_len..][..row_len].iter_mut().enumerate() {
                    let sum = |line: &[u8]| u16::from(line[2 * x]) + u16::from(line[2 * x + 1]);
                    *out = ((sum(upper) + sum(lower) + 2) / 4) as u8;
                }
            }
        }
    }
}

impl Planes {
    /// A band as wide as the picture, from luma row `top` (even) on, at five sixths of its size each way and in the shape
    /// 16:9. Each pixel is the mean of what it covers. The width is a multiple of 192, and the band lies inside.
    pub(super) fn five_sixths_into(&self, top: usize, band: &mut Planes) {
        debug_assert!(self.size.w.is_multiple_of(192) && top.is_multiple_of(2));
        let w = self.size.w / 6 * 5;
        band.resize(Size::new(w, w / 16 * 9));
        for ((index, (from, (stride, _))), ((_, to), (row_len, rows))) in self.planes().zip(band.planes_mut())
        {
            let top = if index == 0 { top } else { top / 2 };
            for row in 0..rows {
                let below = row % 5;
                let (upper, lower) =
                    from[(top + row / 5 * 6 + below) * stride..][..2 * stride].split_at(stride);
                for (x, out) in to[row * row_len..][..row_len].iter_mut().enumerate() {
                    let right = x % 5;
                    let at = x / 5 * 6 + right;
                    let across = |line: &[u8]| {
                        (5 - right) * usize::from(line[at]) + (right + 1) * usize::from(line[at + 1])
                    };
                    *out = (((5 - below) * across(upper) + (below + 1) * across(lower) + 18) / 36) as u8;
                }
            }
        }
    }
}

/// Half of a size each way, even.
pub(super) fn half_of(size: Size) -> Size {
    Size::new((size.w / 2) & !1, (size.h / 2) & !1)
}

/// What a sensor adds to a still picture: fresh noise for each, the same again from the same seed.
pub(super) struct Noise {
    table: Vec<i8>,
    random: SmallRng,
    on: NoisePlanes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NoisePlanes {
    /// Chroma has half of luma's.
    All,
    Luma,
}

/// Values in the table; a prime number of them would be as good, a power of two wraps cheaply.
const NOISE_TABLE: usize = 1 << 18;
/// Standard deviation of luma noise, in steps of 1/255; chroma has half of it. Close to what the
/// footage itself has, so that access units of the quiet street are as large as real ones.
const NOISE_SIGMA: f32 = 1.2;

impl Noise {
    /// Daylight: about what the footage itself has.
    pub(super) fn seeded(seed: u64) -> Self {
        Self::new(seed, NOISE_SIGMA, NoisePlanes::All)
    }

    /// Of this standard deviation, in steps of 1/255.
    pub(super) fn on_luma(seed: u64, sigma: f32) -> Self {
        Self::new(seed, sigma, NoisePlanes::Luma)
    }

    fn new(seed: u64, sigma: f32, on: NoisePlanes) -> Self {
        let mut random = SmallRng::seed_from_u64(seed);
        let table = (0..NOISE_TABLE)
            .map(|_| {
                // The sum of twelve uniform numbers less six is close to a normal one.
                let normal: f32 = (0..12).map(|_| random.random::<f32>()).sum::<f32>() - 6.0;
                (normal * sigma).round() as i8
            })
            .collect();
        Self { table, random, on }
    }

    pub(super) fn add(&mut self, to: &mut Planes) {
        for ((index, bytes), _) in to.planes_mut() {
            if index > 0 && self.on == NoisePlanes::Luma {
                continue;
            }
            let shift = u32::from(index > 0);
            let mut rest = &mut bytes[..];
            while !rest.is_empty() {
                let from = self.random.random_range(0..NOISE_TABLE);
                let run = rest.len().min(NOISE_TABLE - from).min(8192);
                let (now, later) = rest.split_at_mut(run);
                for (byte, &noise) in now.iter_mut().zip(&self.table[from..]) {
                    *byte = byte.saturating_add_signed(noise >> shift);
                }
                rest = later;
            }
        }
    }
}

/// Left, top, right, bottom in luma pixels; right and bottom lie outside. May reach over the picture's edge.
pub(super) type PixelBox = [i32; 4];

/// The pixels of one person in one frame, with soft edges.
pub(super) struct CutOut {
    /// Left and top in luma pixels, even.
    at: (usize, usize),
    /// Width and height in luma pixels, even.
    size: (usize, usize),
    /// Weight of each luma pixel, 0..=255.
    alpha: Vec<u8>,
    /// Luma, then both chroma planes.
    pixels: [Vec<u8>; 3],
}

/// How far around a person's box pixels may belong to the person: feet, bags, shadow.
const MARGIN: i32 = 10;
/// The same where other people are near, who are not to be seen.
const MARGIN_IN_COMPANY: i32 = 3;
/// Differences from the empty street below this are noise, and above twice this are the person.
const DIFFERENCE: u16 = 14;

impl CutOut {
    /// What differs from the empty street within and around `person`, and not within `others`.
    pub(super) fn take(
        picture: &Planes,
        empty: &Planes,
        person: PixelBox,
        others: &[PixelBox],
    ) -> Option<Self> {
        let (w, h) = (picture.size.w as i32, picture.size.h as i32);
        let [l, t, r, b] = person;
        let (l, t) = ((l - MARGIN).clamp(0, w) & !1, (t - MARGIN).clamp(0, h) & !1);
        let (r, b) = ((r + MARGIN).clamp(0, w) & !1, (b + MARGIN).clamp(0, h) & !1);
        if r <= l || b <= t || person[2] <= 0 || person[3] <= 0 || person[0] >= w || person[1] >= h {
            return None;
        }
        let area = Area { l: l as usize, t: t as usize, w: (r - l) as usize, h: (b - t) as usize };
        let mut alpha = area.differences(picture, empty);
        // Close holes (it grows by four pixels), then soften.
        alpha = area.spread(&alpha, 4, |values| values.iter().copied().max().unwrap_or(0));
        alpha = area.spread(&alpha, 2, |values| {
            (values.iter().map(|&v| u32::from(v)).sum::<u32>() / values.len() as u32) as u8
        });
        let margin = if others.is_empty() { MARGIN } else { MARGIN_IN_COMPANY };
        for (index, weight) in alpha.iter_mut().enumerate() {
            let (x, y) = ((area.l + index % area.w) as i32, (area.t + index / area.w) as i32);
            let inside = depth(person, x, y);
            let edge = ((inside + margin) * 255 / margin).clamp(0, 255);
            let taken = others.iter().any(|&other| depth(other, x, y) > inside.max(-4));
            *weight = if taken { 0 } else { (i32::from(*weight) * edge / 255) as u8 };
        }
        let pixels = [0, 1, 2].map(|plane| area.copy(picture, plane));
        Some(Self { at: (area.l, area.t), size: (area.w, area.h), alpha, pixels })
    }

    /// Luma pixels of which at least half is the person.
    pub(super) fn visible(&self) -> usize {
        self.alpha.iter().filter(|&&a| a >= 128).count()
    }

    /// The same, so many times smaller, where its feet are.
    pub(super) fn shrunk(&self, times: usize) -> Self {
        let times = times.max(1);
        let even = |length: usize| (length / times).max(2) & !1;
        let (w, h) = (even(self.size.0), even(self.size.1));
        let (l, t) = (self.at.0 + (self.size.0 - w) / 2, self.at.1 + self.size.1 - h);
        // What has fewer pixels has the mean of those that it stands for.
        let mean = |from: &[u8], from_w: usize, w: usize, h: usize| -> Vec<u8> {
            let sum = |x: usize, y: usize| -> usize {
                let row = |y: usize| &from[y * from_w..][x * times..(x + 1) * times];
                (y * times..(y + 1) * times).flat_map(row).map(|&v| usize::from(v)).sum()
            };
            let square = times * times;
            (0..h)
                .flat_map(|y| (0..w).map(move |x| (x, y)))
                .map(|(x, y)| (sum(x, y) / square) as u8)
                .collect()
        };
        let plane = |index: usize| {
            let half = usize::from(index > 0);
            mean(&self.pixels[index], self.size.0 >> half, w >> half, h >> half)
        };
        Self {
            at: (l & !1, t & !1),
            size: (w, h),
            alpha: mean(&self.alpha, self.size.0, w, h),
            pixels: [0, 1, 2].map(plane),
        }
    }

    pub(super) fn put(&self, on: &mut Planes) {
        let (w, h) = self.size;
        for ((index, bytes), (row_len, _)) in on.planes_mut() {
            let half = usize::from(index > 0);
            for y in 0..h >> half {
                for x in 0..w >> half {
                    let weight = u16::from(self.alpha[(y << half) * w + (x << half)]);
                    let to = &mut bytes[((self.at.1 >> half) + y) * row_len + (self.at.0 >> half) + x];
                    let from = u16::from(self.pixels[index][y * (w >> half) + x]);
                    *to = ((from * weight + u16::from(*to) * (255 - weight) + 127) / 255) as u8;
                }
            }
        }
    }
}

/// How deep a point lies inside of a box; negative: how far outside.
fn depth([l, t, r, b]: PixelBox, x: i32, y: i32) -> i32 {
    (x - l).min(r - 1 - x).min(y - t).min(b - 1 - y)
}

/// A rectangle inside of a picture, even.
struct Area {
    l: usize,
    t: usize,
    w: usize,
    h: usize,
}

impl Area {
    fn differences(&self, picture: &Planes, empty: &Planes) -> Vec<u8> {
        let width = picture.size.w as usize;
        let (now, before) = ([0, 1, 2].map(|p| picture.plane(p)), [0, 1, 2].map(|p| empty.plane(p)));
        let difference = |plane: usize, at: usize| u16::from(now[plane][at].abs_diff(before[plane][at]));
        let mut out = Vec::with_capacity(self.w * self.h);
        for y in self.t..self.t + self.h {
            for x in self.l..self.l + self.w {
                let chroma = (y / 2) * (width / 2) + x / 2;
                let all = difference(0, y * width + x) + 2 * (difference(1, chroma) + difference(2, chroma));
                out.push((all.saturating_sub(DIFFERENCE).min(DIFFERENCE) * 255 / DIFFERENCE) as u8);
            }
        }
        out
    }

    /// Replaces each value by what `fold` makes of its neighbours within `reach`, first along rows, then along columns.
    fn spread(&self, values: &[u8], reach: usize, fold: impl Fn(&[u8]) -> u8) -> Vec<u8> {
        let mut rows = vec![0; values.len()];
        for (out, line) in rows.chunks_exact_mut(self.w).zip(values.chunks_exact(self.w)) {
            for (x, value) in out.iter_mut().enumerate() {
                *value = fold(&line[x.saturating_sub(reach)..(x + reach + 1).min(self.w)]);
            }
        }
        let mut out = vec![0; values.len()];
        let mut column = vec![0; self.h];
        for x in 0..self.w {
            for (y, value) in column.iter_mut().enumerate() {
                *value = rows[y * self.w + x];
            }
            for y in 0..self.h {
                out[y * self.w + x] = fold(&column[y.saturating_sub(reach)..(y + reach + 1).min(self.h)]);
            }
        }
        out
    }

    fn copy(&self, picture: &Planes, plane: usize) -> Vec<u8> {
        let half = usize::from(plane > 0);
        let stride = picture.size.w as usize >> half;
        let from = picture.plane(plane);
        (self.t >> half..(self.t + self.h) >> half)
            .flat_map(|y| &from[y * stride + (self.l >> half)..][..self.w >> half])
            .copied()
            .collect()
    }
}

#[cfg(test)]
mod tests;
