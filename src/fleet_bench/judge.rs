//! What happened against what was told: true, missed and spurious alerts, and how late. Pure.
//!
//! All times are microseconds of one civil clock, since the Unix epoch.

use std::collections::BTreeMap;

use serde::Serialize;

/// An alert counts for a visit until so long after the visitor has left.
const GRACE_US: i64 = 3_000_000;

/// Somebody came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// Where.
    pub camera: String,
    /// When the first frame left the camera that shows anything of the visitor.
    pub seen_us: i64,
    /// When the first one did in which the visitor is half in the picture.
    pub shows_us: i64,
    /// When the first one did that no longer shows the visitor.
    pub left_us: i64,
}

/// An alert that a subscriber has heard for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Where.
    pub camera: String,
    /// When the subscriber had it.
    pub at_us: i64,
}

/// Quantiles of a latency, ms.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Quantiles {
    /// Half are not later.
    pub p50: f64,
    /// 95 of a hundred are not later.
    pub p95: f64,
    /// 99 of a hundred are not later.
    pub p99: f64,
    /// The latest.
    pub max: f64,
}

/// The judgement.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Judgement {
    /// Visits with an alert.
    pub alerts_true: usize,
    /// Visits without.
    pub alerts_missed: usize,
    /// Alerts that belong to no visit, and each further one of the same visit.
    pub alerts_spurious: usize,
    /// From half in the picture to the subscriber; who was told of before counts as 0.
    pub latency_ms: Quantiles,
    /// Alerts that came before the visitor was half in the picture.
    pub alerts_before_half: usize,
    /// From the first pixel to the subscriber.
    pub latency_first_pixel_ms: Quantiles,
}

/// Judges. Visits at one camera lie further apart than the grace.
pub fn judge(visits: &[Visit], alerts: &[Told]) -> Judgement {
    let mut by_camera: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for alert in alerts {
        by_camera.entry(&alert.camera).or_default().push(alert.at_us);
    }
    let mut judgement = Judgement::default();
    let (mut half, mut first) = (Vec::new(), Vec::new());
    for visit in visits {
        let told = by_camera.get(visit.camera.as_str()).into_iter().flatten();
        let during = told.filter(|&&at| (visit.seen_us..=visit.left_us + GRACE_US).contains(&at)).min();
        let Some(&at) = during else {
            judgement.alerts_missed += 1;
            continue;
        };
        judgement.alerts_true += 1;
        judgement.alerts_before_half += usize::from(at < visit.shows_us);
        half.push((at - visit.shows_us).max(0));
        first.push(at - visit.seen_us);
    }
    judgement.alerts_spurious = alerts.len() - judgement.alerts_true;
    judgement.latency_ms = quantiles(half);
    judgement.latency_first_pixel_ms = quantiles(first);
    judgement
}

fn quantiles(mut us: Vec<i64>) -> Quantiles {
    us.sort_unstable();
    let at = |share: f64| {
        let rank = ((us.len() as f64 * share).ceil() as usize).clamp(1, us.len().max(1));
        us.get(rank - 1).map_or(0.0, |&us| us as f64 / 1e3)
    };
    Quantiles { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(camera: &str, seen_s: i64) -> Visit {
        let us = |s: i64| s * 1_000_000;
        let (seen_us, shows_us, left_us) = (us(seen_s), us(seen_s + 1), us(seen_s + 10));
        Visit { camera: camera.into(), seen_us, shows_us, left_us }
    }

    #[test]
    fn the_first_alert_of_a_visit_is_true_and_all_others_are_spurious() {
        let visits = [visit("a", 10), visit("a", 40), visit("b", 10)];
        // camera, ms; true, missed, spurious, before half
        type Case = (&'static [(&'static str, i64)], [usize; 4]);
        let cases: [Case; 8] = [
            (&[], [0, 3, 0, 0]),
            (&[("a", 11_200), ("a", 41_500), ("b", 12_000)], [3, 0, 0, 0]),
            (&[("a", 11_200), ("a", 12_000)], [1, 2, 1, 0]),
            (&[("a", 9_999)], [0, 3, 1, 0]),
            (&[("a", 10_500)], [1, 2, 0, 1]),
            (&[("a", 23_000)], [1, 2, 0, 0]),
            (&[("a", 23_001)], [0, 3, 1, 0]),
            (&[("c", 11_000)], [0, 3, 1, 0]),
        ];
        for (told, [is_true, missed, spurious, early]) in cases {
            let told: Vec<Told> =
                told.iter().map(|&(camera, ms)| Told { camera: camera.into(), at_us: ms * 1_000 }).collect();
            let found = judge(&visits, &told);
            assert_eq!(
                (found.alerts_true, found.alerts_missed, found.alerts_spurious, found.alerts_before_half),
                (is_true, missed, spurious, early),
                "{told:?}"
            );
        }
    }

    #[test]
    fn latencies_count_from_half_in_the_picture_and_from_the_first_pixel() {
        let visits = [visit("a", 10), visit("b", 10), visit("c", 10)];
        let told = [("a", 11_200), ("b", 10_700), ("c", 13_000)];
        let told = told.map(|(camera, ms)| Told { camera: camera.into(), at_us: ms * 1_000 });
        let found = judge(&visits, &told);
        assert_eq!(found.latency_ms, Quantiles { p50: 200.0, p95: 2_000.0, p99: 2_000.0, max: 2_000.0 });
        assert_eq!(
            found.latency_first_pixel_ms,
            Quantiles { p50: 1_200.0, p95: 3_000.0, p99: 3_000.0, max: 3_000.0 }
        );
    }
}
