//! Bits and Exp-Golomb numbers of a NAL unit, without its emulation prevention bytes.
//!
//! ITU-T H.264, 7.3.1 and 9.1; H.265 has the same. What the numbers mean belongs to `h264` and `h265`.

/// Reads forward; past the end there is nothing, and that is no error but `None`.
pub(super) struct Bits<'a> {
    rest: &'a [u8],
    /// How many zero bytes came just before `rest`.
    zeros: u8,
    /// Bits that were taken from `rest` and not yet read, at the top.
    held: u64,
    held_len: u32,
}

impl<'a> Bits<'a> {
    /// Of the payload of a NAL unit: what follows its header.
    pub(super) fn new(payload: &'a [u8]) -> Self {
        Self { rest: payload, zeros: 0, held: 0, held_len: 0 }
    }

    /// The next `len` bits as a number; at most 32.
    pub(super) fn bits(&mut self, len: u32) -> Option<u32> {
        debug_assert!(len <= 32, "numbers have 32 bits");
        if len == 0 {
            return Some(0);
        }
        self.hold(len)?;
        let number = (self.held >> (64 - len)) as u32;
        self.drop_held(len);
        Some(number)
    }

    /// The next bit.
    pub(super) fn flag(&mut self) -> Option<bool> {
        Some(self.bits(1)? == 1)
    }

    /// Passes over `len` bits.
    pub(super) fn skip(&mut self, len: u32) -> Option<()> {
        for _ in 0..len / 32 {
            self.bits(32)?;
        }
        self.bits(len % 32).map(drop)
    }

    /// ue(v), below 2^32 - 1.
    pub(super) fn ue(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1u32 << zeros) - 1 + self.bits(zeros)?)
    }

    /// ue(v) that is at most `max`: anything above is no stream that is understood.
    pub(super) fn ue_to(&mut self, max: u32) -> Option<u32> {
        self.ue().filter(|&number| number <= max)
    }

    /// se(v).
    pub(super) fn se(&mut self) -> Option<i32> {
        let code = i64::from(self.ue()?);
        let number = if code % 2 == 1 { (code + 1) / 2 } else { -code / 2 };
        i32::try_from(number).ok()
    }

    /// Passes over `count` numbers of ue(v).
    pub(super) fn skip_ue(&mut self, count: u32) -> Option<()> {
        (0..count).try_for_each(|_| self.ue().map(drop))
    }

    /// Passes over `count` numbers of se(v).
    pub(super) fn skip_se(&mut self, count: u32) -> Option<()> {
        self.skip_ue(count)
    }

    fn hold(&mut self, len: u32) -> Option<()> {
        while self.held_len < len {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            if self.zeros >= 2 && byte == 3 {
                self.zeros = 0;
                continue;
            }
            self.zeros = if byte == 0 { self.zeros.saturating_add(1) } else { 0 };
            self.held |= u64::from(byte) << (56 - self.held_len);
            self.held_len += 8;
        }
        Some(())
    }

    fn drop_held(&mut self, len: u32) {
        self.held <<= len;
        self.held_len -= len;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_the_standard_writes_them() {
        // 1 010 011 00100 | 00101 1... : ue 0, 1, 2, 3, 4.
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0010, 0b1100_0000]);
        assert_eq!((0..5).map(|_| bits.ue()).collect::<Option<Vec<_>>>(), Some(vec![0, 1, 2, 3, 4]));
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0010, 0b1100_0000]);
        assert_eq!((0..5).map(|_| bits.se()).collect::<Option<Vec<_>>>(), Some(vec![0, 1, -1, 2, -2]));
    }

    #[test]
    fn emulation_prevention_is_no_content() {
        let mut bits = Bits::new(&[0, 0, 3, 1, 3, 0, 0, 3]);
        assert_eq!(bits.bits(32), Some(0x0000_0103));
        assert_eq!(bits.bits(16), Some(0));
        assert_eq!(bits.bits(1), None);
    }

    #[test]
    fn the_longest_number_fits_and_a_longer_one_is_none() {
        let longest = [0, 0, 3, 0, 1, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(Bits::new(&longest).ue(), Some(u32::MAX - 1));
        assert_eq!(Bits::new(&[0, 0, 0, 0, 0x80]).ue(), None);
        assert_eq!(Bits::new(&[0]).ue(), None);
    }
}
