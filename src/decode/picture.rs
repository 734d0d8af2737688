//! Pixels: 8-bit luma with subsampled chroma, in whatever memory the decoder left them.
//!
//! Owns the layout. Scaling, conversion to RGB and JPEG belong to their users.

use std::sync::Arc;

use crate::geometry::Size;

/// How chroma is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Chroma {
    /// No chroma at all: grey. One plane.
    None,
    /// Planes U and V at half width and half height (I420). Three planes.
    Planar420,
    /// Planes U and V at half width (Y42B). Three planes.
    Planar422,
    /// Planes U and V at full size (Y444). Three planes.
    Planar444,
    /// One plane of U, V pairs at half width and half height (NV12). Two planes.
    Interleaved420,
}

/// What the numbers mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Range {
    /// Luma 16..=235, as most cameras send.
    Limited,
    /// Luma 0..=255, as JPEG has it.
    Full,
}

/// One plane: `rows` rows of `stride` bytes, of which the first `width` (in samples; two bytes a sample in an interleaved chroma
/// plane) count. The last row may be shorter than `stride`.
#[derive(Debug, Clone, Copy)]
pub struct Plane<'a> {
    /// The bytes.
    pub data: &'a [u8],
    /// Bytes from row to row.
    pub stride: usize,
    /// Samples in a row.
    pub width: usize,
    /// Rows.
    pub rows: usize,
}

/// A picture. Cheap to clone; never written to, since the decoder may still refer to it.
#[derive(Clone)]
pub struct Picture {
    size: Size,
    chroma: Chroma,
    range: Range,
    memory: Arc<dyn Memory>,
}

/// What holds the planes of a picture, from plane 0 (luma) on: bytes and stride of each.
pub(crate) trait Memory: Send + Sync {
    fn plane(&self, index: usize) -> Option<(&[u8], usize)>;
}

/// Planes on the heap.
struct Heap(Vec<(Vec<u8>, usize)>);

impl Memory for Heap {
    fn plane(&self, index: usize) -> Option<(&[u8], usize)> {
        self.0.get(index).map(|(data, stride)| (data.as_slice(), *stride))
    }
}

/// A plane is smaller than the picture's size asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("plane {index} of a {size} picture holds {bytes} bytes, which is too few")]
pub struct ShortPlane {
    /// Which plane.
    pub index: usize,
    /// Of what picture.
    pub size: Size,
    /// What it has.
    pub bytes: usize,
}

impl Picture {
    pub(crate) fn from_memory(
        size: Size,
        chroma: Chroma,
        range: Range,
        memory: Arc<dyn Memory>,
    ) -> Result<Self, ShortPlane> {
        let picture = Self { size, chroma, range, memory };
        for index in 0..picture.plane_count() {
            let (width, rows, sample) = picture.shape(index);
            let (data, stride) = picture.memory.plane(index).unwrap_or((&[], 0));
            let needed = rows.saturating_sub(1) * stride + width * sample;
            if stride < width * sample || data.len() < needed {
                return Err(ShortPlane { index, size, bytes: data.len() });
            }
        }
        Ok(picture)
    }

    /// A picture from planes on the heap, each with its stride in bytes.
    pub fn from_planes(
        size: Size,
        chroma: Chroma,
        range: Range,
        planes: Vec<(Vec<u8>, usize)>,
    ) -> Result<Self, ShortPlane> {
        Self::from_memory(size, chroma, range, Arc::new(Heap(planes)))
    }

    /// An even grey picture, for tests and simulation.
    pub fn grey(size: Size, luma: u8) -> Self {
        let stride = size.w as usize;
        let plane = vec![luma; stride * size.h as usize];
        Self::from_planes(size, Chroma::None, Range::Limited, vec![(plane, stride)])
            .expect("the plane was made to measure")
    }

    /// Its size in pixels.
    pub fn size(&self) -> Size {
        self.size
    }

    /// How chroma is laid out.
    pub fn chroma(&self) -> Chroma {
        self.chroma
    }

    /// What the numbers mean.
    pub fn range(&self) -> Range {
        self.range
    }

    /// How many planes it has, 1 to 3.
    pub fn plane_count(&self) -> usize {
        match self.chroma {
            Chroma::None => 1,
            Chroma::Interleaved420 => 2,
            Chroma::Planar420 | Chroma::Planar422 | Chroma::Planar444 => 3,
        }
    }

    /// Samples in a row, rows, bytes a sample.
    fn shape(&self, index: usize) -> (usize, usize, usize) {
        let (w, h) = (self.size.w as usize, self.size.h as usize);
        match (index, self.chroma) {
            (0, _) | (_, Chroma::None | Chroma::Planar444) => (w, h, 1),
            (_, Chroma::Planar420) => (w.div_ceil(2), h.div_ceil(2), 1),
            (_, Chroma::Planar422) => (w.div_ceil(2), h, 1),
            (_, Chroma::Interleaved420) => (w.div_ceil(2), h.div_ceil(2), 2),
        }
    }

    /// Plane `index` (0 is luma).
    ///
    /// # Panics
    /// Where there is no such plane.
    pub fn plane(&self, index: usize) -> Plane<'_> {
        let (width, rows, _) = self.shape(index);
        let (data, stride) = self.memory.plane(index).expect("planes were counted when it was made");
        Plane { data, stride, width, rows }
    }

    /// Luma.
    pub fn luma(&self) -> Plane<'_> {
        self.plane(0)
    }
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({}, {:?}, {:?})", self.size, self.chroma, self.range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_planes_are_refused() {
        let size = Size::new(4, 4);
        let planes = vec![(vec![0; 16], 4), (vec![0; 4], 2), (vec![0; 3], 2)];
        let refused = Picture::from_planes(size, Chroma::Planar420, Range::Limited, planes);
        assert_eq!(refused.unwrap_err(), ShortPlane { index: 2, size, bytes: 3 });
    }

    #[test]
    fn odd_sizes_round_chroma_up() {
        let size = Size::new(5, 3);
        let planes = vec![(vec![0; 15], 5), (vec![0; 12], 6)];
        let picture = Picture::from_planes(size, Chroma::Interleaved420, Range::Full, planes).unwrap();
        assert_eq!((picture.plane(1).width, picture.plane(1).rows), (3, 2));
    }
}
