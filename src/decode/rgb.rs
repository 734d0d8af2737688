//! Pixels → RGB, for whoever shows them to a person or to a model.
//!
//! Owns the choice of matrix and range. Scaling and drawing belong to the users. The one place that names `yuv`.

use yuv::{
    YuvBiPlanarImage, YuvConversionMode, YuvError, YuvGrayImage, YuvPlanarImage, YuvRange, YuvStandardMatrix,
};

use super::{Chroma, Picture, Range};

/// Rows from which on a picture counts as high definition, whose colours are BT.709's; smaller ones have BT.601's. What a stream
/// says of itself is wrong too often to be worth carrying along.
const HIGH_DEFINITION_ROWS: u32 = 720;

/// Writes the picture into `rgb` as rows of R, G, B bytes (sRGB, 0..=255), tightly packed: `3 * w * h` bytes, no more.
/// `rgb` is reused where it is large enough.
pub fn to_rgb(picture: &Picture, rgb: &mut Vec<u8>) {
    let (width, height) = (picture.size().w, picture.size().h);
    // No clearing: every byte is written below.
    rgb.resize(3 * width as usize * height as usize, 0);
    if !rgb.is_empty() {
        convert(picture, rgb).expect("a picture's planes are as large as its size asks for");
    }
}

fn convert(picture: &Picture, rgb: &mut [u8]) -> Result<(), YuvError> {
    let (width, height) = (picture.size().w, picture.size().h);
    let range = match picture.range() {
        Range::Limited => YuvRange::Limited,
        Range::Full => YuvRange::Full,
    };
    let matrix =
        if height >= HIGH_DEFINITION_ROWS { YuvStandardMatrix::Bt709 } else { YuvStandardMatrix::Bt601 };
    let plane = |index| {
        let plane = picture.plane(index);
        (plane.data, plane.stride as u32)
    };
    let (y_plane, y_stride) = plane(0);
    let to_rgb = match picture.chroma() {
        Chroma::None => {
            let grey = YuvGrayImage { y_plane, y_stride, width, height };
            return yuv::yuv400_to_rgb(&grey, rgb, 3 * width, range, matrix);
        }
        Chroma::Interleaved420 => {
            let (uv_plane, uv_stride) = plane(1);
            let image = YuvBiPlanarImage { y_plane, y_stride, uv_plane, uv_stride, width, height };
            return yuv::yuv_nv12_to_rgb(&image, rgb, 3 * width, range, matrix, YuvConversionMode::Balanced);
        }
        Chroma::Planar420 => yuv::yuv420_to_rgb,
        Chroma::Planar422 => yuv::yuv422_to_rgb,
        Chroma::Planar444 => yuv::yuv444_to_rgb,
    };
    let ((u_plane, u_stride), (v_plane, v_stride)) = (plane(1), plane(2));
    let image = YuvPlanarImage { y_plane, y_stride, u_plane, u_stride, v_plane, v_stride, width, height };
    to_rgb(&image, rgb, 3 * width, range, matrix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Size;

    /// An even picture, with padding behind each row.
    fn even(size: Size, chroma: Chroma, range: Range, yuv: [u8; 3]) -> Picture {
        let (w, h) = (size.w as usize, size.h as usize);
        let (cw, ch) = match chroma {
            Chroma::Planar444 => (w, h),
            Chroma::Planar422 => (w.div_ceil(2), h),
            _ => (w.div_ceil(2), h.div_ceil(2)),
        };
        let plane = |value: u8, w: usize, h: usize| (vec![value; (w + 9) * h], w + 9);
        let mut planes = vec![plane(yuv[0], w, h)];
        match chroma {
            Chroma::None => {}
            Chroma::Interleaved420 => {
                let pairs = [yuv[1], yuv[2]].into_iter().cycle().take((2 * cw + 10) * ch).collect();
                planes.push((pairs, 2 * cw + 10));
            }
            _ => planes.extend([plane(yuv[1], cw, ch), plane(yuv[2], cw, ch)]),
        }
        Picture::from_planes(size, chroma, range, planes).expect("made to measure")
    }

    #[test]
    fn colours_are_those_of_the_standards() {
        let (sd, hd) = (Size::new(53, 31), Size::new(1280, 720));
        // Rec. ITU-R BT.601-7 and BT.709-6, worked out by hand; JFIF 1.02 for full range.
        for (size, chroma, range, yuv, rgb) in [
            (sd, Chroma::None, Range::Limited, [16, 0, 0], [0, 0, 0]),
            (sd, Chroma::None, Range::Limited, [235, 0, 0], [255, 255, 255]),
            (sd, Chroma::None, Range::Full, [128, 0, 0], [128, 128, 128]),
            (sd, Chroma::Planar420, Range::Limited, [81, 90, 240], [255, 0, 0]),
            (sd, Chroma::Planar422, Range::Limited, [145, 54, 34], [0, 255, 0]),
            (sd, Chroma::Planar444, Range::Limited, [41, 240, 110], [0, 0, 255]),
            (sd, Chroma::Interleaved420, Range::Limited, [81, 90, 240], [255, 0, 0]),
            (sd, Chroma::Planar420, Range::Full, [76, 85, 255], [255, 0, 0]),
            (hd, Chroma::Planar420, Range::Limited, [63, 102, 240], [255, 0, 0]),
            (hd, Chroma::Interleaved420, Range::Limited, [173, 42, 26], [0, 255, 0]),
        ] {
            // Longer than needed, and dirty: it is cut and overwritten.
            let mut out = vec![77; 3 * 1280 * 721];
            to_rgb(&even(size, chroma, range, yuv), &mut out);
            assert_eq!(out.len(), 3 * (size.w * size.h) as usize);
            for pixel in out.chunks_exact(3) {
                let far = pixel.iter().zip(rgb).any(|(got, want)| got.abs_diff(want) > 3);
                assert!(!far, "{chroma:?} {range:?} {yuv:?}: {pixel:?}, not {rgb:?}");
            }
        }
    }

    #[test]
    fn nothing_becomes_nothing() {
        let mut out = vec![1, 2, 3];
        to_rgb(&Picture::grey(Size::new(0, 4), 9), &mut out);
        assert!(out.is_empty());
    }
}
