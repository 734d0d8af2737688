//! Numbers and texts of the archive's entries, as bytes. Reading never panics.

/// Appends `n` in groups of 7 bits, lowest first.
pub(super) fn put(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Appends a signed number: small ones of either sign are short.
pub(super) fn put_signed(out: &mut Vec<u8>, n: i64) {
    put(out, ((n << 1) ^ (n >> 63)) as u64);
}

/// Appends a text with its length.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// What has not been read yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rest<'a>(pub(super) &'a [u8]);

impl<'a> Rest<'a> {
    pub(super) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk::<N>()?;
        self.0 = tail;
        Some(*head)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut n = 0u64;
        for place in 0..10 {
            let [byte] = self.take()?;
            let bits = u64::from(byte & 0x7f);
            // The tenth group has one bit.
            if place == 9 && bits > 1 {
                return None;
            }
            n |= bits << (7 * place);
            if byte & 0x80 == 0 {
                return Some(n);
            }
        }
        None
    }

    pub(super) fn signed(&mut self) -> Option<i64> {
        let n = self.number()?;
        Some((n >> 1) as i64 ^ -((n & 1) as i64))
    }

    pub(super) fn small(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        let len = usize::try_from(self.number()?).ok()?;
        let (head, tail) = self.0.split_at_checked(len)?;
        self.0 = tail;
        std::str::from_utf8(head).ok()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_written_is_read(n in any::<u64>(), shift in 0u32..64, signed in any::<i64>(), text in ".{0,40}") {
            let mut out = Vec::new();
            put(&mut out, n >> shift);
            put_signed(&mut out, signed >> shift);
            put_text(&mut out, &text);
            let mut rest = Rest(&out);
            prop_assert_eq!(rest.number(), Some(n >> shift));
            prop_assert_eq!(rest.signed(), Some(signed >> shift));
            prop_assert_eq!(rest.text(), Some(text.as_str()));
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
            let mut rest = Rest(&bytes);
            while rest.number().is_some() {}
            let _ = Rest(&bytes).text();
        }
    }
}
