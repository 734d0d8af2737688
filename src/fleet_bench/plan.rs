//! Who comes where and when: drawn from a seed, and spread over cameras and time. Pure.

use std::time::Duration;

use rand::{Rng, SeedableRng, rngs::SmallRng};

/// Nobody comes to a camera so soon after somebody else has left: an alert could belong to either.
pub(super) const APART: Duration = Duration::from_secs(10);
/// A visit begins at the next key frame.
const GROUP: Duration = Duration::from_secs(2);
/// Cameras that are tried for a visit, at most.
const TRIES: usize = 64;

/// Somebody is told to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// When, from the start of the measurement.
    pub at: Duration,
    /// Number of the camera, from 0.
    pub camera: usize,
    /// Number of the visit.
    pub visit: usize,
}

/// How many calls keep `under_way` visits under way for so long.
pub fn events_for(under_way: usize, length: Duration, visits: &[Duration]) -> usize {
    let mean = visits.iter().sum::<Duration>().as_secs_f64() / visits.len().max(1) as f64;
    (under_way as f64 * length.as_secs_f64() / mean.max(1.0)).round() as usize
}

/// Calls in order of time, one in each of `events` equal parts of `within`. Fewer where there is no camera left that is free:
/// never two visits at once at one camera, and never one within ten seconds of the one before.
pub fn calls(cameras: usize, events: usize, within: Duration, visits: &[Duration], seed: u64) -> Vec<Call> {
    let mut random = SmallRng::seed_from_u64(seed);
    let mut free_at = vec![Duration::ZERO; cameras];
    let mut calls = Vec::new();
    if cameras == 0 || visits.is_empty() {
        return calls;
    }
    for number in 0..events {
        let share = (number as f64 + random.random::<f64>()) / events as f64;
        let at = Duration::from_millis((within.as_secs_f64() * share * 1e3) as u64);
        let visit = random.random_range(0..visits.len());
        let tried = (0..TRIES).map(|_| random.random_range(0..cameras)).find(|&camera| free_at[camera] <= at);
        let Some(camera) = tried.or_else(|| free_at.iter().position(|&free| free <= at)) else { continue };
        free_at[camera] = at + visits[visit] + GROUP + APART;
        calls.push(Call { at, camera, visit });
    }
    calls
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    #[test]
    fn visitors_never_meet_and_come_again_from_the_same_seed() {
        let visits = [S(8), S(24)];
        for (cameras, events) in [(1, 20), (5, 40), (200, 100)] {
            let drawn = calls(cameras, events, S(60), &visits, 3);
            assert_eq!(drawn, calls(cameras, events, S(60), &visits, 3));
            assert_ne!(drawn, calls(cameras, events, S(60), &visits, 4));
            assert!(drawn.is_sorted_by_key(|call| call.at) && drawn.iter().all(|call| call.at < S(60)));
            for (number, call) in drawn.iter().enumerate() {
                let before = drawn[..number].iter().rev().find(|before| before.camera == call.camera);
                assert!(
                    before.is_none_or(|b| b.at + visits[b.visit] + APART <= call.at),
                    "{cameras} {call:?}"
                );
            }
            assert!(cameras < 200 || drawn.len() == events);
        }
        assert_eq!(events_for(12, S(60), &[S(10), S(14)]), 60);
        assert!(calls(0, 5, S(60), &visits, 1).is_empty() && calls(5, 5, S(60), &[], 1).is_empty());
    }
}
