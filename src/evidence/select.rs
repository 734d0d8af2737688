//! Which fragments belong to a range.
//!
//! Pure. A range begins with the last fragment before it, or at its begin, from which playing may begin, so that its first moment can be seen.

use crate::{
    record::{Fragment, Segment},
    time::Wall,
};

/// What is taken from a segment: fragments that follow each other, at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Picked<'a> {
    pub(super) segment: &'a Segment,
    pub(super) fragments: &'a [Fragment],
}

/// What of `segments` shows `from..to`, in order of time, whichever streams they are of. Empty: there is nothing.
pub(super) fn select(segments: &[Segment], from: Wall, to: Wall) -> Vec<Picked<'_>> {
    let mut picked: Vec<Picked<'_>> = segments.iter().filter_map(|segment| pick(segment, from, to)).collect();
    picked.sort_by(|a, b| (a.segment.from, &a.segment.path).cmp(&(b.segment.from, &b.segment.path)));
    picked
}

fn pick(segment: &Segment, from: Wall, to: Wall) -> Option<Picked<'_>> {
    let all = &segment.fragments[..];
    let shows = |fragment: &Fragment| fragment.from < to && fragment.from.after(fragment.length) > from;
    let first = all.iter().position(shows)?;
    let last = all.iter().rposition(shows)?;
    let begin = all[..=first].iter().rposition(|fragment| fragment.is_key).unwrap_or(first);
    Some(Picked { segment, fragments: &all[begin..=last] })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::StreamRole;

    fn at(s: i64) -> Wall {
        Wall::from_unix_ms(s * 1000)
    }

    /// Ten fragments of 2 s; playing may begin at each third.
    fn segment(from: i64) -> Segment {
        let fragment = |n: i64| Fragment {
            offset: n as u64 * 100,
            len: 100,
            from: at(from + 2 * n),
            length: Duration::from_secs(2),
            is_key: n % 3 == 0,
            sha256: [0; 32],
        };
        Segment {
            camera: "gate".parse().unwrap(),
            role: StreamRole::Main,
            volume: "disk".parse().unwrap(),
            path: format!("{from}.mp4").into(),
            from: at(from),
            to: at(from + 20),
            bytes: 1000,
            init_len: 10,
            init_sha256: [0; 32],
            fragments: (0..10).map(fragment).collect(),
            skew_ms: None,
        }
    }

    fn selected(from: i64, to: i64) -> Vec<(i64, i64, usize)> {
        let segments = [segment(20), segment(0)];
        let of = |picked: Picked<'_>| {
            let s = |wall: Wall| wall.unix_ms() / 1000;
            (s(picked.segment.from), s(picked.fragments[0].from), picked.fragments.len())
        };
        select(&segments, at(from), at(to)).into_iter().map(of).collect()
    }

    #[test]
    fn a_range_begins_where_it_can_be_played_and_ends_with_what_shows_its_end() {
        for (from, to, expected) in [
            (0, 40, vec![(0, 0, 10), (20, 20, 10)]),
            (0, 1, vec![(0, 0, 1)]),
            (4, 6, vec![(0, 0, 3)]),
            (6, 8, vec![(0, 6, 1)]),
            (7, 9, vec![(0, 6, 2)]),
            (19, 21, vec![(0, 18, 1), (20, 20, 1)]),
            (40, 50, vec![]),
            (-5, 0, vec![]),
        ] {
            assert_eq!(selected(from, to), expected, "{from}..{to}");
        }
    }
}
