//! The picture that goes with an alert.
//!
//! Owns how it looks: scaled to what a telephone shows, masks burnt in, boxes drawn. Where it is stored and how it is referred to
//! belongs to `store`. The one place that names `jpeg_encoder`.

use jpeg_encoder::{ColorType, Encoder, EncodingError, SamplingFactor};

use crate::{
    decode::{Picture, rgb::to_rgb},
    geometry::{Polygon, Size, UnitBox},
};

/// Widest snapshot, in pixels: wider pictures are scaled down by 2, 3, and so on.
pub const WIDTH_MAX: u32 = 1920;

/// Quality that shows who and what without filling the disk: some 85 kB for 768x576.
pub const QUALITY: u8 = 85;

/// Colours of boxes, told apart on any ground by people who see red and green alike as well.
const COLOURS: [[u8; 3]; 6] =
    [[255, 214, 10], [64, 196, 255], [255, 138, 61], [214, 140, 255], [110, 231, 183], [255, 255, 255]];

const BLACK: [u8; 3] = [0, 0, 0];

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The picture has no pixels.
    #[error("a picture of {0} has nothing to show")]
    Empty(Size),
    /// It could not be written as JPEG.
    #[error("the picture cannot be written as JPEG: {0}")]
    Encode(#[from] EncodingError),
}

/// RGB pixels, packed.
struct Canvas {
    size: Size,
    rgb: Vec<u8>,
}

/// The picture as JPEG (4:2:0, `quality` 1..=100), at most [`WIDTH_MAX`] wide. `masks` are black, and are so before anything else is
/// done; each of `boxes` is outlined in a colour that its label picks (labels themselves are not drawn). Call it without
/// boxes for the plain copy.
///
/// # Errors
/// The picture is empty, or too high for JPEG (65535 rows).
pub fn encode(
    picture: &Picture,
    masks: &[Polygon],
    boxes: &[(UnitBox, &str)],
    quality: u8,
) -> Result<Vec<u8>, SnapshotError> {
    let mut canvas = Canvas::of(picture, masks)?.at_most(WIDTH_MAX);
    for (bbox, label) in boxes {
        canvas.outline(bbox, colour(label));
    }
    canvas.jpeg(quality)
}

/// The picture as JPEG, at most `width` pixels wide, with its masks black.
///
/// # Errors
/// As [`encode`].
pub fn scaled(
    picture: &Picture,
    masks: &[Polygon],
    width: u32,
    quality: u8,
) -> Result<Vec<u8>, SnapshotError> {
    Canvas::of(picture, masks)?.at_most(width.max(1)).jpeg(quality)
}

/// Several pictures as one JPEG: `columns` beside each other, each `width` pixels wide at most and as high as the first one is then; masks are black in all of
/// them. Fewer pictures than fill the last row leave it black.
///
/// # Errors
/// There is no picture, the first one is empty, or all of them are too high for JPEG.
pub fn sheet(
    pictures: &[Picture],
    masks: &[Polygon],
    columns: usize,
    width: u32,
) -> Result<Vec<u8>, SnapshotError> {
    let first = pictures.first().map_or(Size::new(0, 0), Picture::size);
    if first.w == 0 || first.h == 0 {
        return Err(SnapshotError::Empty(first));
    }
    let columns = columns.clamp(1, pictures.len());
    let mut tiles = Vec::with_capacity(pictures.len());
    for picture in pictures.iter().filter(|picture| picture.size().w > 0 && picture.size().h > 0) {
        tiles.push(Canvas::of(picture, masks)?.at_most(width.max(1)));
    }
    let tile = tiles[0].size;
    let rows = tiles.len().div_ceil(columns) as u32;
    let size = Size::new(tile.w * columns as u32, tile.h * rows);
    let mut sheet = Canvas { size, rgb: vec![0; 3 * size.w as usize * size.h as usize] };
    for (number, tile_of) in tiles.iter().enumerate() {
        let (column, row) = ((number % columns) as u32, (number / columns) as u32);
        sheet.paste(tile_of, column * tile.w, row * tile.h, tile);
    }
    sheet.jpeg(QUALITY)
}

/// The same label has the same colour everywhere (FNV-1a, so that it is not the order of anything).
fn colour(label: &str) -> [u8; 3] {
    let hash =
        label.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    COLOURS[hash as usize % COLOURS.len()]
}

impl Canvas {
    /// The picture, with its masks burnt in.
    fn of(picture: &Picture, masks: &[Polygon]) -> Result<Self, SnapshotError> {
        let size = picture.size();
        if size.w == 0 || size.h == 0 {
            return Err(SnapshotError::Empty(size));
        }
        let mut rgb = Vec::new();
        to_rgb(picture, &mut rgb);
        let mut canvas = Self { size, rgb };
        masks.iter().for_each(|mask| canvas.burn(mask));
        Ok(canvas)
    }

    /// Blackens every pixel that a mask touches.
    fn burn(&mut self, mask: &Polygon) {
        let (w, h) = (self.size.w as f32, self.size.h as f32);
        let mut spans = Vec::new();
        for y in 0..self.size.h {
            spans.clear();
            // Edges of the row and its middle: a slanting edge touches more than the middle tells.
            for part in [0.001, 0.5, 0.999] {
                mask.row_spans((y as f32 + part) / h, &mut spans);
            }
            for (from, to) in &spans {
                let (from, to) = ((from * w).floor() as u32, (to * w).ceil() as u32);
                self.fill(from, y, to, y + 1, BLACK);
            }
        }
    }

    /// Fills columns `l..r` of rows `t..b`, as far as they lie in the picture.
    fn fill(&mut self, l: u32, t: u32, r: u32, b: u32, colour: [u8; 3]) {
        let (l, r) = (l as usize, r.min(self.size.w) as usize);
        for y in t as usize..b.min(self.size.h) as usize {
            let row = y * self.size.w as usize;
            if l < r {
                for pixel in self.rgb[3 * (row + l)..3 * (row + r)].chunks_exact_mut(3) {
                    pixel.copy_from_slice(&colour);
                }
            }
        }
    }

    /// Puts another picture here, no more of it than `within`.
    fn paste(&mut self, other: &Self, l: u32, t: u32, within: Size) {
        let (w, h) = (other.size.w.min(within.w) as usize, other.size.h.min(within.h) as usize);
        for y in 0..h {
            let from = 3 * y * other.size.w as usize;
            let to = 3 * ((t as usize + y) * self.size.w as usize + l as usize);
            self.rgb[to..to + 3 * w].copy_from_slice(&other.rgb[from..from + 3 * w]);
        }
    }

    /// A coloured outline of two pixels (three in wide pictures), between two black ones of one.
    fn outline(&mut self, bbox: &UnitBox, colour: [u8; 3]) {
        let edges = bbox.clamped().to_pixels(self.size);
        let thickness = if self.size.w >= 960 { 3 } else { 2 };
        let (l, t) = (edges.l.round() as u32, edges.t.round() as u32);
        let (r, b) = (edges.r.round() as u32, edges.b.round() as u32);
        self.frame(l, t, r, b, thickness + 2, BLACK);
        self.frame(l + 1, t + 1, r.saturating_sub(1), b.saturating_sub(1), thickness, colour);
    }

    /// The outline `thickness` wide inside of a rectangle.
    fn frame(&mut self, l: u32, t: u32, r: u32, b: u32, thickness: u32, colour: [u8; 3]) {
        self.fill(l, t, r, (t + thickness).min(b), colour);
        self.fill(l, b.saturating_sub(thickness).max(t), r, b, colour);
        self.fill(l, t, (l + thickness).min(r), b, colour);
        self.fill(r.saturating_sub(thickness).max(l), t, r, b, colour);
    }

    /// Scaled down by the smallest whole number that makes it narrow enough: each pixel is the mean of a square. At such
    /// factors nothing is sharper, and a resizing library would cost a minute of every build.
    fn at_most(self, width_max: u32) -> Self {
        let by = self.size.w.div_ceil(width_max);
        let size = Size::new(self.size.w / by, self.size.h / by);
        if by == 1 || size.h == 0 {
            return self;
        }
        let (by, from_row, to_row) = (by as usize, 3 * self.size.w as usize, 3 * size.w as usize);
        let mut rgb = vec![0; to_row * size.h as usize];
        let mut sums = vec![0u32; to_row];
        for (to, band) in rgb.chunks_exact_mut(to_row).zip(self.rgb.chunks_exact(from_row * by)) {
            sums.fill(0);
            for row in band.chunks_exact(from_row) {
                for (sum, pixels) in sums.chunks_exact_mut(3).zip(row.chunks_exact(3 * by)) {
                    for pixel in pixels.chunks_exact(3) {
                        sum.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += u32::from(*value));
                    }
                }
            }
            let area = (by * by) as u32;
            to.iter_mut().zip(&sums).for_each(|(to, sum)| *to = ((sum + area / 2) / area) as u8);
        }
        Self { size, rgb }
    }

    fn jpeg(&self, quality: u8) -> Result<Vec<u8>, SnapshotError> {
        let side = |pixels: u32| u16::try_from(pixels).unwrap_or(u16::MAX);
        let (w, h) = (side(self.size.w), side(self.size.h));
        // Cut where JPEG has no number for a side; nothing that is decoded here comes near it.
        let rgb = &self.rgb[..3 * usize::from(w) * usize::from(h)];
        let mut bytes = Vec::with_capacity(rgb.len() / 16);
        let mut encoder = Encoder::new(&mut bytes, quality.clamp(1, 100));
        encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
        encoder.encode(rgb, w, h, ColorType::Rgb)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decode::{Chroma, Range},
        geometry::UnitPoint,
    };

    /// Left half red, right half green, in limited range.
    fn halves(size: Size) -> Picture {
        let half = |w: u32, h: u32, left: u8, right: u8| {
            let row = (0..w).map(move |x| if x < w / 2 { left } else { right });
            ((0..h).flat_map(|_| row.clone()).collect::<Vec<u8>>(), w as usize)
        };
        let (w, h) = (size.w, size.h);
        let (cw, ch) = (w.div_ceil(2), h.div_ceil(2));
        let planes = if h < 720 {
            vec![half(w, h, 81, 145), half(cw, ch, 90, 54), half(cw, ch, 240, 34)]
        } else {
            vec![half(w, h, 63, 173), half(cw, ch, 102, 42), half(cw, ch, 240, 26)]
        };
        Picture::from_planes(size, Chroma::Planar420, Range::Limited, planes).expect("made to measure")
    }

    fn decoded(jpeg: &[u8]) -> image::RgbImage {
        image::load_from_memory_with_format(jpeg, image::ImageFormat::Jpeg).expect("it is a JPEG").to_rgb8()
    }

    #[track_caller]
    fn assert_near(image: &image::RgbImage, (x, y): (u32, u32), colour: [u8; 3]) {
        let got = image.get_pixel(x, y).0;
        let near = got.iter().zip(colour).all(|(got, want)| got.abs_diff(want) <= 24);
        assert!(near, "at {x},{y}: {got:?}, not {colour:?}");
    }

    const RED: [u8; 3] = [254, 0, 0];
    const GREEN: [u8; 3] = [0, 255, 0];

    fn square(l: f32, t: f32, r: f32, b: f32) -> Polygon {
        let corners = [(l, t), (r, t), (r, b), (l, b)].map(|(x, y)| UnitPoint::new(x, y));
        Polygon::new(corners.to_vec()).expect("a square")
    }

    #[test]
    fn colours_masks_and_boxes_are_where_they_belong() {
        let picture = halves(Size::new(640, 360));
        let masks = [square(0.0, 0.0, 0.25, 0.25)];
        let boxes = [(UnitBox::new(0.5, 0.5, 0.75, 0.9), "person")];
        let plain = decoded(&encode(&picture, &masks, &[], 95).expect("encodes"));
        let drawn = decoded(&encode(&picture, &masks, &boxes, 95).expect("encodes"));
        for image in [&plain, &drawn] {
            assert_eq!(image.dimensions(), (640, 360));
            assert_near(image, (20, 20), BLACK);
            assert_near(image, (150, 80), BLACK);
            assert_near(image, (200, 40), RED);
            assert_near(image, (40, 200), RED);
            assert_near(image, (600, 20), GREEN);
            assert_near(image, (400, 250), GREEN);
        }
        // Box: columns 320 to 480, rows 180 to 324. Chroma is shared by two pixels, so luma decides.
        let luma = |image: &image::RgbImage, x: u32, y: u32| {
            let [r, g, b] = image.get_pixel(x, y).0.map(f32::from);
            0.299 * r + 0.587 * g + 0.114 * b
        };
        let wanted = colour("person").map(f32::from);
        let bright = 0.299 * wanted[0] + 0.587 * wanted[1] + 0.114 * wanted[2];
        for (x, y) in [(322, 250), (477, 250), (400, 182), (400, 321)] {
            assert!((luma(&drawn, x, y) - bright).abs() < 45.0, "{x},{y}: {}", luma(&drawn, x, y));
        }
        for (x, y) in [(320, 250), (479, 250), (400, 180), (400, 323)] {
            assert!(luma(&drawn, x, y) < 80.0, "{x},{y}: {}", luma(&drawn, x, y));
            assert!(luma(&plain, x, y) > 100.0, "{x},{y}: {}", luma(&plain, x, y));
        }
    }

    #[test]
    fn large_pictures_are_scaled_down_with_their_masks() {
        let picture = halves(Size::new(3840, 2160));
        let boxes = [(UnitBox::new(0.6, 0.6, 0.7, 0.7), "car")];
        let image =
            decoded(&encode(&picture, &[square(0.5, 0.0, 1.0, 0.5)], &boxes, QUALITY).expect("encodes"));
        assert_eq!(image.dimensions(), (1920, 1080));
        assert_near(&image, (100, 100), RED);
        assert_near(&image, (1900, 20), BLACK);
        assert_near(&image, (970, 530), BLACK);
        assert_near(&image, (1800, 1000), GREEN);
    }

    #[test]
    fn a_sheet_shows_its_pictures_in_rows_masked() {
        let wide = halves(Size::new(320, 180));
        let corner = |x: f32, y: f32| UnitPoint::new(x, y);
        let mask = Polygon::new(vec![corner(0.0, 0.0), corner(0.2, 0.0), corner(0.2, 0.2), corner(0.0, 0.2)]);
        let pictures = [wide.clone(), Picture::grey(Size::new(320, 180), 235), wide];
        let made = sheet(&pictures, &[mask.expect("a polygon")], 2, 160).expect("a sheet");
        let image = decoded(&made);
        assert_eq!(image.dimensions(), (320, 180));
        for (at, colour) in [
            ((60, 60), [255, 0, 0]),
            ((140, 60), [0, 255, 0]),
            ((240, 60), [255, 255, 255]),
            ((60, 150), [255, 0, 0]),
            ((10, 6), [0, 0, 0]),
            ((170, 6), [0, 0, 0]),
            ((240, 150), [0, 0, 0]),
        ] {
            assert_near(&image, at, colour);
        }
        assert!(matches!(sheet(&[], &[], 2, 160), Err(SnapshotError::Empty(_))));
    }

    #[test]
    fn odd_sizes_boxes_at_the_edge_and_empty_pictures() {
        let boxes =
            [(UnitBox::new(-0.5, -0.5, 0.01, 2.0), "dog"), (UnitBox::new(0.99, 0.99, 0.99, 0.99), "cat")];
        let jpeg = encode(&halves(Size::new(53, 31)), &[], &boxes, 0).expect("encodes");
        assert_eq!(decoded(&jpeg).dimensions(), (53, 31));
        let nothing = encode(&Picture::grey(Size::new(0, 0), 0), &[], &[], 80);
        assert!(matches!(nothing, Err(SnapshotError::Empty(_))));
    }

    #[test]
    fn masks_cover_every_row_that_they_touch() {
        // Rows 16.64 to 31.36: the middles of rows 16 and 31 lie outside.
        let mask = square(0.0, 0.26, 1.0, 0.49);
        let image = decoded(&encode(&halves(Size::new(64, 64)), &[mask], &[], 95).expect("encodes"));
        // Chroma is shared by two rows and smoothed, so that an edge is not all black.
        for (row, is_masked) in [(13, false), (16, true), (24, true), (31, true), (34, false)] {
            let red = image.get_pixel(10, row).0[0];
            assert_eq!(red < 90, is_masked, "row {row}: {red}");
        }
    }
}
