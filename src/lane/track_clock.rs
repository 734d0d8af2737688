//! The clock by which tracks move.
//!
//! A tracker needs the time between pictures as the camera took them, not as a bad link delivered them in bursts. So frames are timed by the
//! stream's own time, tied to the arrival clock: gently while the two agree, anew when they do not.

use std::time::Duration;

use crate::{
    decode::Frame,
    time::{MediaTime, Mono},
};

/// Stream time and arrival time may differ by this much before the clock is tied anew: longer than the bursts of a poor link.
const DRIFT_MAX: Duration = Duration::from_secs(2);
/// Share of the difference that each frame takes away, so that a crystal that runs 100 ppm fast never adds up to a jump.
const PULL: f64 = 0.002;
/// Frames never stand still or go back: this is the least step.
const STEP_MIN: Duration = Duration::from_millis(1);

/// Gives each frame of one camera a time that increases and keeps the camera's own intervals.
#[derive(Debug, Default)]
pub(super) struct TrackClock {
    tie: Option<(MediaTime, Mono)>,
    last: Option<Mono>,
}

impl TrackClock {
    /// The time of a frame, later than that of the frame before.
    pub(super) fn time(&mut self, frame: &Frame) -> Mono {
        let arrived = frame.arrived.mono;
        let (media_0, mono_0) = *self.tie.get_or_insert((frame.media, arrived));
        let told = mono_0 + frame.media.since(media_0);
        let behind = arrived.since(told);
        let ahead = told.since(arrived);
        let went_back = frame.media < media_0;
        let at = if went_back || behind.max(ahead) > DRIFT_MAX {
            arrived
        } else {
            (told + behind.mul_f64(PULL)) - ahead.mul_f64(PULL)
        };
        self.tie = Some((frame.media, at));
        let at = self.last.map_or(at, |last| at.max(last + STEP_MIN));
        self.last = Some(at);
        at
    }

    /// The stream broke off; the next one counts from somewhere else.
    pub(super) fn cut(&mut self) {
        self.tie = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decode::Picture,
        geometry::Size,
        time::{Now, Wall},
    };

    fn frame(media_ms: i64, arrived_ms: u64) -> Frame {
        let mono = Mono::from_start(Duration::from_millis(arrived_ms));
        Frame {
            number: 0,
            media: MediaTime::from_ms(media_ms),
            arrived: Now { mono, wall: Wall::default() },
            camera_clock: None,
            picture: Picture::grey(Size::new(2, 2), 0),
        }
    }

    fn times_ms(frames: &[(i64, u64)]) -> Vec<u128> {
        let mut clock = TrackClock::default();
        frames.iter().map(|&(m, a)| clock.time(&frame(m, a)).since_start().as_millis()).collect()
    }

    #[test]
    fn a_burst_keeps_the_cameras_intervals() {
        // Three pictures 100 ms apart that a stalled link delivers at once.
        assert_eq!(times_ms(&[(0, 1000), (100, 1100), (200, 1600), (300, 1600)])[1..], [1100, 1200, 1301]);
    }

    #[test]
    fn a_jump_of_the_stream_ties_anew_and_time_never_goes_back() {
        assert_eq!(times_ms(&[(0, 1000), (90_000, 1100), (50, 1200), (100, 1100)]), [1000, 1100, 1200, 1249]);
    }

    #[test]
    fn a_drifting_crystal_is_followed_without_a_jump() {
        // The camera counts 1 % fast for ten minutes: six seconds ahead if nobody pulled.
        let mut clock = TrackClock::default();
        let mut last = Duration::ZERO;
        for i in 1..6000_u64 {
            let at = clock.time(&frame(i as i64 * 101, i * 100)).since_start();
            let step = at - last;
            assert!(i == 1 || step < Duration::from_millis(110), "step {step:?} at {i}");
            last = at;
        }
        assert!(last < Duration::from_millis(600_000 + 2000));
    }
}
