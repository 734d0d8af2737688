//! What was not analysed: the words for it.
//!
//! Owns the interval that is kept on record where a camera was analysed less than was wanted, and the causes that there are. How it is found out is
//! the lane's (`lane::shortfall`), how it lies on disk the store's. A camera that is away is no shortfall: its health says so.

use crate::time::Wall;

/// A time in which a camera was analysed less than was wanted: `from..to`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Its first moment.
    pub from: Wall,
    /// The first moment after it.
    pub to: Wall,
    /// What went missing.
    pub what: What,
    /// Why; where there was more than one cause, the one that cost the most.
    pub cause: Cause,
}

/// What went missing in an interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum What {
    /// Some frames were analysed, and fewer than were wanted.
    Reduced {
        /// Frames a second that were analysed; above 0.
        analysed_fps: f32,
        /// Frames a second that were wanted.
        wanted_fps: f32,
    },
    /// Frames or looks were wanted, and nothing was analysed.
    NotAnalysed,
}

impl What {
    /// Its name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reduced { .. } => "reduced",
            Self::NotAnalysed => "not-analysed",
        }
    }
}

/// Why frames that were wanted were not analysed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// More was to be decoded than the decoders decode.
    DecodersBehind,
    /// More was to be detected than the detector does.
    DetectorBehind,
    /// Alerts wait for the store, so that detection is shed.
    StoreStuck,
    /// The detector fails.
    DetectorFailed,
    /// The stream plays, and nothing in it can be decoded.
    NoPicture,
    /// It was longer since the last look than was promised.
    LookLate,
}

impl Cause {
    /// Every cause; a cause's place here is its [`Self::index`].
    pub const ALL: [Self; 6] = [
        Self::DecodersBehind,
        Self::DetectorBehind,
        Self::StoreStuck,
        Self::DetectorFailed,
        Self::NoPicture,
        Self::LookLate,
    ];

    /// Its place in [`Self::ALL`], for counts by cause.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Its name on the wire and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DecodersBehind => "decoders-behind",
            Self::DetectorBehind => "detector-behind",
            Self::StoreStuck => "store-stuck",
            Self::DetectorFailed => "detector-failed",
            Self::NoPicture => "no-picture",
            Self::LookLate => "look-late",
        }
    }

    /// The cause with the largest count; of equal ones the first in [`Self::ALL`].
    pub fn main(counts: &[u64; Self::ALL.len()]) -> Self {
        let first = Self::ALL[0];
        Self::ALL.into_iter().fold(first, |main, cause| {
            if counts[cause.index()] > counts[main.index()] { cause } else { main }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_a_place_and_a_name_of_its_own() {
        for (place, cause) in Cause::ALL.into_iter().enumerate() {
            assert_eq!(cause.index(), place);
            let named = Cause::ALL.into_iter().filter(|other| other.as_str() == cause.as_str());
            assert_eq!(named.count(), 1, "{cause:?}");
        }
    }

    #[test]
    fn the_main_cause_is_the_one_that_cost_the_most() {
        assert_eq!(Cause::main(&[0, 2, 9, 9, 0, 1]), Cause::StoreStuck);
        assert_eq!(Cause::main(&[0; 6]), Cause::DecodersBehind);
    }
}
