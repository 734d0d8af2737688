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
    /// The id of its alert.
    pub alert: String,
    /// What it says of the visitor.
    pub about: String,
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
    /// Each missed visit and each spurious alert, for those who look for the reason.
    #[serde(skip)]
    pub wrong: Vec<String>,
}

/// Judges. Visits at one camera lie further apart than the grace.
pub fn judge(visits: &[Visit], alerts: &[Told]) -> Judgement {
    let mut by_camera: BTreeMap<&str, Vec<&Told>> = BTreeMap::new();
    for alert in alerts {
        by_camera.entry(&alert.camera).or_default().push(alert);
    }
    let mut judgement = Judgement::default();
    let (mut half, mut first) = (Vec::new(), Vec::new());
    for visit in visits {
        let told = by_camera.entry(&visit.camera).or_default();
        let during = visit.seen_us..=visit.left_us.saturating_add(GRACE_US);
        let first_of = told.iter().enumerate().filter(|(_, told)| during.contains(&told.at_us));
        let Some((place, _)) = first_of.min_by_key(|(_, told)| told.at_us) else {
            judgement.alerts_missed += 1;
            judgement.wrong.push(format!("{}: nothing told of who came at {}", visit.camera, visit.seen_us));
            continue;
        };
        let at = told.swap_remove(place).at_us;
        judgement.alerts_true += 1;
        judgement.alerts_before_half += usize::from(at < visit.shows_us);
        half.push((at - visit.shows_us).max(0));
        first.push(at - visit.seen_us);
    }
    for told in by_camera.into_values().flatten() {
        judgement.alerts_spurious += 1;
        judgement.wrong.push(spurious(told, visits));
    }
    judgement.latency_ms = quantiles(half);
    judgement.latency_first_pixel_ms = quantiles(first);
    judgement
}

/// Where the alert came from, as far as the visits say.
fn spurious(told: &Told, visits: &[Visit]) -> String {
    let before = |visit: &&Visit| visit.camera == told.camera && visit.seen_us <= told.at_us;
    let after = match visits.iter().filter(before).max_by_key(|visit| visit.seen_us) {
        Some(visit) => {
            let s = |us: i64| (told.at_us - us) as f64 / 1e6;
            match visit.left_us > told.at_us {
                true => format!("{:.2} s after somebody came who was still there", s(visit.seen_us)),
                false => format!("{:.2} s after the last visitor left", s(visit.left_us)),
            }
        }
        None => "nobody had come".to_owned(),
    };
    format!("{}: alert {} too much, {after}: {}", told.camera, told.alert, told.about)
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

    fn told(camera: &str, ms: i64) -> Told {
        Told { camera: camera.into(), at_us: ms * 1_000, alert: String::new(), about: String::new() }
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
        for (alerts, [is_true, missed, spurious, early]) in cases {
            let alerts: Vec<Told> = alerts.iter().map(|&(camera, ms)| told(camera, ms)).collect();
            let found = judge(&visits, &alerts);
            assert_eq!(found.wrong.len(), missed + spurious, "{found:?}");
            assert_eq!(
                (found.alerts_true, found.alerts_missed, found.alerts_spurious, found.alerts_before_half),
                (is_true, missed, spurious, early),
                "{alerts:?}"
            );
        }
    }

    #[test]
    fn latencies_count_from_half_in_the_picture_and_from_the_first_pixel() {
        let visits = [visit("a", 10), visit("b", 10), visit("c", 10)];
        let alerts = [("a", 11_200), ("b", 10_700), ("c", 13_000)];
        let found = judge(&visits, &alerts.map(|(camera, ms)| told(camera, ms)));
        assert_eq!(found.latency_ms, Quantiles { p50: 200.0, p95: 2_000.0, p99: 2_000.0, max: 2_000.0 });
        assert_eq!(
            found.latency_first_pixel_ms,
            Quantiles { p50: 1_200.0, p95: 3_000.0, p99: 3_000.0, max: 3_000.0 }
        );
    }
}
