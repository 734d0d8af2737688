//! Boxes of ISO base media files (ISO/IEC 14496-12, 4.2): how they are written, and how they are taken apart.
//!
//! Knows sizes and numbers, and nothing of what a box means. Reading takes any bytes and never panics: what does not fit is not there.

/// The four letters of a box.
pub(super) type Kind = [u8; 4];

/// Bytes in front of the content of a box with a 32-bit size.
pub(super) const HEADER_LEN: usize = 8;

/// Boxes being written, big-endian, into memory.
#[derive(Debug, Default)]
pub(super) struct Boxes(pub(super) Vec<u8>);

impl Boxes {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// A box with what `fill` writes.
    pub(super) fn boxed(&mut self, kind: &Kind, fill: impl FnOnce(&mut Self)) {
        let at = self.0.len();
        self.u32(0).bytes(kind);
        fill(self);
        let size = (self.0.len() - at) as u32;
        self.patch(at, size);
    }

    /// A box with version and flags in front.
    pub(super) fn full(&mut self, kind: &Kind, version: u8, flags: u32, fill: impl FnOnce(&mut Self)) {
        self.boxed(kind, |it| {
            it.u32(u32::from(version) << 24 | flags);
            fill(it);
        });
    }

    /// Overwrites the 32-bit number at `at`, which has been written.
    pub(super) fn patch(&mut self, at: usize, value: u32) {
        self.0[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn zeros(&mut self, count: usize) -> &mut Self {
        self.0.resize(self.0.len() + count, 0);
        self
    }

    pub(super) fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes(&[value])
    }

    pub(super) fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(super) fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(super) fn i32(&mut self, value: i32) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(super) fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }
}

/// What a box header says: letters, length of the header, length of the whole box. `None` where `bytes` hold no whole header, or where
/// it says something impossible. A box "up to the end of the file" (size 0) is no box here: nothing of ours has one.
pub(super) fn header(bytes: &[u8]) -> Option<(Kind, u64, u64)> {
    let size = u64::from(u32::from_be_bytes(*bytes.first_chunk()?));
    let kind = *bytes.get(4..)?.first_chunk()?;
    let (header_len, len) = match size {
        1 => (16, u64::from_be_bytes(*bytes.get(8..)?.first_chunk()?)),
        _ => (8, size),
    };
    (len >= header_len).then_some((kind, header_len, len))
}

/// The boxes inside of `bytes`, as far as they are whole.
#[derive(Debug, Clone)]
pub(super) struct Children<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Child<'a> {
    pub(super) kind: Kind,
    /// Where its header begins in the bytes that were taken apart.
    pub(super) at: usize,
    pub(super) body: &'a [u8],
}

pub(super) fn children(bytes: &[u8]) -> Children<'_> {
    Children { bytes, at: 0 }
}

impl<'a> Iterator for Children<'a> {
    type Item = Child<'a>;

    fn next(&mut self) -> Option<Child<'a>> {
        let at = self.at;
        let rest = self.bytes.get(at..)?;
        let (kind, header_len, len) = header(rest)?;
        let len = usize::try_from(len).ok()?;
        let body = rest.get(header_len as usize..len)?;
        self.at = at + len;
        Some(Child { kind, at, body })
    }
}

/// The content of the first box of that kind inside of `bytes`.
pub(super) fn child<'a>(bytes: &'a [u8], kind: &Kind) -> Option<&'a [u8]> {
    children(bytes).find(|it| it.kind == *kind).map(|it| it.body)
}

/// The content of the box at the end of a path of boxes.
pub(super) fn descendant<'a>(bytes: &'a [u8], path: &[&Kind]) -> Option<&'a [u8]> {
    path.iter().try_fold(bytes, |within, kind| child(within, kind))
}

/// Numbers, one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(*self.take(2)?.first_chunk()?))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(*self.take(4)?.first_chunk()?))
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        Some(u64::from_be_bytes(*self.take(8)?.first_chunk()?))
    }

    /// Version and flags of a full box.
    pub(super) fn version(&mut self) -> Option<(u8, u32)> {
        let both = self.u32()?;
        Some(((both >> 24) as u8, both & 0xff_ffff))
    }

    /// 64 bits where the version says so, 32 elsewhere.
    pub(super) fn wide(&mut self, version: u8) -> Option<u64> {
        if version == 0 { self.u32().map(u64::from) } else { self.u64() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_taken_apart_again() {
        let mut boxes = Boxes::default();
        boxes.boxed(b"moov", |it| {
            it.full(b"tfdt", 1, 2, |it| {
                it.u64(7).u16(3).u8(9);
            });
            it.boxed(b"free", |it| {
                it.zeros(3);
            });
        });
        let kinds: Vec<_> = children(&boxes.0).map(|it| it.kind).collect();
        assert_eq!(kinds, [*b"moov"]);
        let mut fields = Fields(descendant(&boxes.0, &[b"moov", b"tfdt"]).expect("a tfdt"));
        assert_eq!(fields.version(), Some((1, 2)));
        assert_eq!(
            (fields.wide(1), fields.u16(), fields.u8(), fields.u8()),
            (Some(7), Some(3), Some(9), None)
        );
        let free = children(child(&boxes.0, b"moov").expect("a moov")).nth(1).expect("a second box");
        assert_eq!((free.at, free.body), (23, &[0, 0, 0][..]));
    }

    #[test]
    fn impossible_sizes_are_no_boxes() {
        let cases: [(&[u8], Option<u64>); 6] = [
            (&[0, 0, 0, 8, b'f', b'r', b'e', b'e'], Some(8)),
            (&[0, 0, 0, 7, b'f', b'r', b'e', b'e'], None),
            (&[0, 0, 0, 0, b'm', b'd', b'a', b't'], None),
            (&[0, 0, 0, 8, b'f', b'r', b'e'], None),
            (&[0, 0, 0, 1, b'm', b'd', b'a', b't', 0, 0, 0, 0, 0, 0, 0, 17], Some(17)),
            (&[0, 0, 0, 1, b'm', b'd', b'a', b't', 0, 0, 0, 0, 0, 0, 0, 15], None),
        ];
        for (bytes, expected) in cases {
            assert_eq!(header(bytes).map(|it| it.2), expected, "{bytes:?}");
        }
    }
}
