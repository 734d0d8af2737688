//! Scripted worlds: things that walk, stand, hide and flicker, at any frame rate, and what the tracker makes of them.

use proptest::prelude::*;
use rand::{Rng, SeedableRng, rngs::SmallRng};

use super::*;

const PICTURE: Size = Size::new(1280, 720);

/// A thing: its class, its box's height, and where its foot is at which second (straight lines between).
struct Actor {
    class: Class,
    height: f32,
    width: f32,
    path: Vec<(f32, f32, f32)>,
    /// When it cannot be seen, in seconds.
    hidden: Vec<(f32, f32)>,
    /// Share of looks in which it is missed, and in which it is doubtful, while it stands.
    missed: f64,
    doubtful: f64,
}

fn person(path: &[(f32, f32, f32)]) -> Actor {
    Actor {
        class: Class::Person,
        height: 0.2,
        width: 0.045,
        path: path.to_vec(),
        hidden: vec![],
        missed: 0.0,
        doubtful: 0.0,
    }
}

fn car(path: &[(f32, f32, f32)]) -> Actor {
    Actor { class: Class::Car, height: 0.12, width: 0.14, ..person(path) }
}

impl Actor {
    fn hidden(mut self, from: f32, to: f32) -> Self {
        self.hidden.push((from, to));
        self
    }

    fn flickering(mut self, missed: f64, doubtful: f64) -> Self {
        (self.missed, self.doubtful) = (missed, doubtful);
        self
    }

    /// Its box at `t`, and whether it is on its way.
    fn at(&self, t: f32) -> Option<(UnitBox, bool)> {
        let leg = self.path.windows(2).find(|leg| leg[0].0 <= t && t < leg[1].0)?;
        let (a, b) = (leg[0], leg[1]);
        let share = (t - a.0) / (b.0 - a.0);
        let (x, y) = (a.1 + (b.1 - a.1) * share, a.2 + (b.2 - a.2) * share);
        let bbox = UnitBox::new(x - self.width / 2.0, y - self.height, x + self.width / 2.0, y);
        (bbox.area() > 0.0).then_some((bbox, (a.1, a.2) != (b.1, b.2)))
    }
}

/// What the tracker made of it.
struct Told {
    tracker: Tracker,
    /// Every track that there ever was, as last seen.
    all: Vec<Track>,
    /// Which track each actor had, at each look in which it was detected.
    owners: Vec<Vec<TrackId>>,
}

impl Told {
    fn switches(&self, actor: usize) -> usize {
        self.owners[actor].windows(2).filter(|pair| pair[0] != pair[1]).count()
    }

    fn moved(&self) -> usize {
        self.all.iter().filter(|track| track.moved).count()
    }
}

/// Which frames the detector is shown.
#[derive(Clone, Copy)]
enum Looks {
    All,
    /// Where something moves, or the tracker asks.
    WhereNeeded,
}

fn play(actors: &[Actor], seconds: f32, fps: f32, looks: Looks) -> Told {
    let mut rng = SmallRng::seed_from_u64(7);
    let mut told = Told { tracker: Tracker::new(PICTURE), all: vec![], owners: vec![vec![]; actors.len()] };
    for frame in 0..(seconds * fps) as u32 {
        let t = frame as f32 / fps;
        let at = Mono::from_start(Duration::from_secs_f32(t));
        let (mut detections, mut from, mut motion) = (vec![], vec![], Motion::default());
        for (i, actor) in actors.iter().enumerate() {
            let Some((bbox, goes)) = actor.at(t) else { continue };
            let bbox = bbox.clamped();
            if bbox.area() < 0.3 * actor.width * actor.height {
                continue;
            }
            let hidden = actor.hidden.iter().any(|span| (span.0..span.1).contains(&t));
            if goes && !hidden {
                motion.regions.push(bbox.grown(0.1).clamped());
            }
            if hidden || (rng.random_bool(actor.missed) && !goes) {
                continue;
            }
            let mut jitter = |edge: f32, size: f32| edge + size * rng.random_range(-0.06..0.06);
            let bbox = UnitBox::new(
                jitter(bbox.l, bbox.w()),
                jitter(bbox.t, bbox.h()),
                jitter(bbox.r, bbox.w()),
                jitter(bbox.b, bbox.h()),
            );
            let confidence = if rng.random_bool(actor.doubtful) && !goes { 0.3 } else { 0.8 };
            detections.push(Detection { class: actor.class, confidence, bbox: bbox.clamped() });
            from.push(i);
        }
        let look = match looks {
            Looks::All => true,
            Looks::WhereNeeded => !motion.regions.is_empty() || told.tracker.wants_look(),
        };
        if look {
            told.tracker.update(at, &detections, &motion);
        } else {
            told.tracker.skip(at, &motion);
        }
        for track in told.tracker.tracks() {
            if let Some(i) = detections.iter().position(|d| d.bbox == track.bbox) {
                told.owners[from[i]].push(track.id);
            }
            match told.all.iter_mut().find(|known| known.id == track.id) {
                Some(known) => *known = track.clone(),
                None => told.all.push(track.clone()),
            }
        }
    }
    told
}

#[test]
fn who_walks_through_is_one_track_at_any_frame_rate() {
    for fps in [1.0, 2.0, 5.0, 10.0, 25.0] {
        let told = play(&[person(&[(0.0, -0.05, 0.6), (12.0, 1.05, 0.7)])], 13.0, fps, Looks::All);
        assert_eq!(told.all.len(), 1, "{fps} fps");
        assert!(told.all[0].moved, "{fps} fps");
    }
}

#[test]
fn a_fast_car_is_one_track_at_any_frame_rate() {
    for fps in [1.0, 2.0, 5.0, 25.0] {
        let told = play(&[car(&[(0.0, -0.1, 0.6), (4.0, 1.1, 0.65)])], 5.0, fps, Looks::All);
        assert_eq!(told.all.len(), 1, "{fps} fps");
        assert!(told.all[0].moved, "{fps} fps");
    }
}

#[test]
fn paths_that_cross_keep_their_tracks() {
    for fps in [5.0, 10.0, 25.0] {
        let told = play(
            &[person(&[(0.0, 0.1, 0.60), (8.0, 0.9, 0.66)]), person(&[(0.0, 0.9, 0.61), (8.0, 0.1, 0.67)])],
            8.0,
            fps,
            Looks::All,
        );
        assert_eq!(told.all.len(), 2, "{fps} fps");
        assert_eq!((told.switches(0), told.switches(1)), (0, 0), "{fps} fps");
    }
}

#[test]
fn who_is_hidden_for_two_seconds_comes_back_as_the_same() {
    for fps in [2.0, 5.0, 10.0, 25.0] {
        let told =
            play(&[person(&[(0.0, 0.1, 0.6), (8.0, 0.9, 0.6)]).hidden(3.0, 5.0)], 8.0, fps, Looks::All);
        assert_eq!(told.all.len(), 1, "{fps} fps");
    }
}

#[test]
fn who_stands_for_ten_minutes_and_flickers_is_one_track() {
    let path = [(0.0, 0.0, 0.6), (5.0, 0.5, 0.6), (605.0, 0.5, 0.6), (610.0, 1.0, 0.6)];
    for looks in [Looks::All, Looks::WhereNeeded] {
        for (missed, doubtful) in [(0.0, 0.0), (0.3, 0.5), (0.6, 0.9)] {
            let told = play(&[person(&path).flickering(missed, doubtful)], 611.0, 5.0, looks);
            assert_eq!(told.moved(), 1, "missed {missed}, doubtful {doubtful}");
            let whole = told.all.iter().find(|track| track.moved).expect("there is one");
            let lasted = whole.seen.since(whole.born);
            assert!(lasted > Duration::from_secs(600), "missed {missed}, doubtful {doubtful}: {lasted:?}");
        }
    }
}

#[test]
fn who_stands_and_is_not_seen_for_a_minute_is_still_there() {
    let path = [(0.0, 0.0, 0.6), (5.0, 0.5, 0.6), (90.0, 0.5, 0.6), (95.0, 1.0, 0.6)];
    let told = play(&[person(&path).hidden(10.0, 80.0)], 96.0, 5.0, Looks::All);
    assert_eq!(told.all.len(), 1);
}

#[test]
fn who_leaves_is_given_up_soon_whether_somebody_looks_or_not() {
    for looks in [Looks::All, Looks::WhereNeeded] {
        let told = play(&[person(&[(0.0, 0.5, 0.6), (3.0, 1.1, 0.6)])], 5.0, 5.0, looks);
        assert_eq!((told.all.len(), told.tracker.tracks().len()), (1, 0));
    }
}

#[test]
fn a_parked_car_that_flickers_for_an_hour_never_moves() {
    let parked = |x: f32| car(&[(0.0, x, 0.5), (4000.0, x, 0.5)]).flickering(0.5, 0.6);
    // Two beside each other, that could be taken for one that hops; and people who pass before them.
    let mut actors = vec![parked(0.3), parked(0.46)];
    for k in 0..30 {
        let t = 20.0 + 110.0 * k as f32;
        actors.push(person(&[(t, 0.0, 0.55), (t + 10.0, 1.0, 0.55)]));
    }
    let told = play(&actors, 3600.0, 2.0, Looks::All);
    let cars = told.all.iter().filter(|track| track.class == Class::Car);
    assert_eq!(cars.filter(|track| track.moved).count(), 0);
    assert_eq!(told.moved(), 30, "each who passed is one track");
}

#[test]
fn a_parked_car_that_drives_off_moves_and_one_that_parks_stays_the_same() {
    let off = car(&[(0.0, 0.4, 0.5), (60.0, 0.4, 0.5), (64.0, 1.0, 0.6)]);
    let on = car(&[(0.0, 0.0, 0.8), (4.0, 0.5, 0.8), (120.0, 0.5, 0.8)]).flickering(0.3, 0.3);
    let told = play(&[off], 30.0, 5.0, Looks::All);
    assert!(!told.all[0].moved);
    let off = car(&[(0.0, 0.4, 0.5), (60.0, 0.4, 0.5), (64.0, 1.0, 0.6)]);
    let told = play(&[off, on], 120.0, 5.0, Looks::All);
    assert_eq!((told.all.len(), told.moved()), (2, 2));
}

#[test]
fn nobody_is_lost_because_nobody_looked() {
    let mut told =
        play(&[person(&[(0.0, 0.0, 0.6), (5.0, 0.5, 0.6), (20.0, 0.5, 0.6)])], 10.0, 5.0, Looks::All);
    assert!(!told.tracker.wants_look(), "it stands");
    let start = Mono::from_start(Duration::from_secs(10));
    for minute in 0..60 {
        let at = start + Duration::from_secs(60 * minute);
        assert_eq!(told.tracker.skip(at, &Motion::default()).len(), 1);
        assert_eq!(told.tracker.tracks()[0].confidence, None);
    }
    let back =
        Detection { class: Class::Person, confidence: 0.8, bbox: UnitBox::new(0.4775, 0.4, 0.5225, 0.6) };
    let id = told.all[0].id;
    let tracks = told.tracker.update(start + Duration::from_secs(3600), &[back], &Motion::default());
    assert_eq!(tracks.iter().map(|track| track.id).collect::<Vec<_>>(), [id]);
}

#[test]
fn who_stood_in_a_picture_that_is_gone_is_given_up() {
    let path = [(0.0, 0.0, 0.6), (5.0, 0.5, 0.6), (20.0, 0.5, 0.6)];
    let changed = Motion { changed_share: 0.9, regions: vec![UnitBox::FULL], ..Motion::default() };
    for (motion, left) in [(Motion::default(), 1), (changed, 0)] {
        let mut tracker = play(&[person(&path)], 10.0, 5.0, Looks::All).tracker;
        let start = Mono::from_start(Duration::from_secs(10));
        tracker.skip(start, &motion);
        assert_eq!(tracker.wants_look(), left == 0, "only a look tells whether it is still there");
        for look in 1..30 {
            tracker.update(start + Duration::from_millis(200 * look), &[], &Motion::default());
        }
        assert_eq!(tracker.tracks().len(), left);
    }
}

#[test]
fn whatever_never_moved_is_furniture_also_when_it_comes_back() {
    let cone = UnitBox::new(0.5, 0.5, 0.52, 0.54);
    let walker = Motion { regions: vec![UnitBox::new(0.495, 0.49, 0.525, 0.55)], ..Motion::default() };
    let cone = [Detection { class: Class::Person, confidence: 0.6, bbox: cone }];
    let mut tracker = Tracker::new(PICTURE);
    let mut t = 0;
    let mut at = || {
        t += 1;
        Mono::from_start(Duration::from_millis(200 * t))
    };
    for _ in 0..10 {
        tracker.update(at(), &cone, &Motion::default());
    }
    for _ in 0..60 {
        tracker.update(at(), &[], &walker);
    }
    assert_eq!(tracker.tracks().len(), 0);
    for _ in 0..10 {
        assert!(!tracker.update(at(), &cone, &walker)[0].moved);
    }
}

#[test]
fn the_class_is_what_it_was_taken_for_most_surely() {
    let mut tracker = Tracker::new(PICTURE);
    for (i, (class, confidence)) in
        [(Class::Car, 0.9), (Class::Truck, 0.5), (Class::Truck, 0.45), (Class::Person, 0.9)]
            .into_iter()
            .enumerate()
    {
        let bbox = UnitBox::new(0.2, 0.2, 0.4, 0.4);
        let at = Mono::from_start(Duration::from_millis(100 * i as u64));
        tracker.update(at, &[Detection { class, confidence, bbox }], &Motion::default());
    }
    let classes: Vec<_> = tracker.tracks().iter().map(|track| track.class).collect();
    assert_eq!(classes, [Class::Truck, Class::Person], "a person is never taken for a vehicle");
}

#[test]
fn a_parked_car_of_which_half_is_hidden_has_not_moved() {
    let mut tracker = Tracker::new(PICTURE);
    let motion = Motion { regions: vec![UnitBox::new(0.3, 0.3, 0.6, 0.5)], ..Motion::default() };
    for look in 0..60 {
        // Somebody stands before its left half, and goes again.
        let left = if (10..50).contains(&look) { 0.47 } else { 0.4 };
        let bbox = UnitBox::new(left, 0.35, 0.55, 0.45);
        let car = Detection { class: Class::Car, confidence: 0.7, bbox };
        tracker.update(Mono::from_start(Duration::from_millis(200 * look)), &[car], &motion);
    }
    assert_eq!(tracker.tracks().iter().map(|track| track.moved).collect::<Vec<_>>(), [false]);
}

#[test]
fn who_stands_cut_by_the_edge_of_the_picture_is_kept() {
    let path = [(0.0, 0.0, 1.05), (5.0, 0.5, 1.05), (60.0, 0.5, 1.05), (65.0, 1.0, 1.05)];
    let mut near = person(&path).hidden(20.0, 50.0).flickering(0.3, 0.3);
    (near.height, near.width) = (0.6, 0.15);
    let told = play(&[near], 66.0, 10.0, Looks::All);
    assert_eq!(told.all.len(), 1);
}

#[test]
fn there_are_never_more_tracks_than_allowed() {
    let mut tracker = Tracker::new(PICTURE);
    let crowd: Vec<Detection> = (0..DETECTIONS_MAX + 10)
        .map(|i| {
            let (x, y) = ((i % 15) as f32 / 15.0, (i / 15) as f32 / 15.0);
            Detection { class: Class::Sheep, confidence: 0.8, bbox: UnitBox::new(x, y, x + 0.03, y + 0.05) }
        })
        .collect();
    for look in 0..5 {
        tracker.update(Mono::from_start(Duration::from_millis(200 * look)), &crowd, &Motion::default());
        assert_eq!(tracker.tracks().len(), TRACKS_MAX);
    }
    assert!(tracker.tracks().iter().all(|track| track.hits == 5));
}

#[test]
fn a_lost_stream_ends_all() {
    let mut told = play(&[person(&[(0.0, 0.0, 0.6), (9.0, 1.0, 0.6)])], 5.0, 5.0, Looks::All);
    assert_eq!(told.tracker.clear(), [TrackId(1)]);
    assert!(told.tracker.tracks().is_empty());
}

fn any_detection() -> impl Strategy<Value = Detection> {
    let edge = || prop_oneof![8 => -0.2_f32..1.2, 1 => Just(0.0), 1 => Just(1.0), 1 => -1e30_f32..1e30];
    (0..Class::ALL.len(), -0.5_f32..1.5, edge(), edge(), edge(), edge()).prop_map(
        |(class, confidence, l, t, r, b)| Detection {
            class: Class::ALL[class],
            confidence,
            bbox: UnitBox { l, t, r, b },
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_is_detected_the_tracks_are_sound(
        frames in prop::collection::vec(
            (0_u64..3000, prop::collection::vec(any_detection(), 0..90), any::<bool>()), 1..25),
    ) {
        let mut tracker = Tracker::new(PICTURE);
        let mut again = Tracker::new(PICTURE);
        let (mut ms, mut newest, mut dead) = (0, 0, Vec::new());
        for (step, detections, skipped) in frames {
            ms += step;
            let at = Mono::from_start(Duration::from_millis(ms));
            let regions = detections.iter().take(16).map(|d| d.bbox).collect();
            let motion = Motion { regions, ..Motion::default() };
            let before: Vec<_> = tracker.tracks().iter().map(|track| track.id).collect();
            for tracker in [&mut tracker, &mut again] {
                if skipped {
                    tracker.skip(at, &motion);
                } else {
                    tracker.update(at, &detections, &motion);
                }
            }
            let tracks = tracker.tracks();
            prop_assert_eq!(tracks, again.tracks(), "the same input gives the same tracks");
            prop_assert!(tracks.len() <= TRACKS_MAX);
            prop_assert!(tracks.windows(2).all(|pair| pair[0].id < pair[1].id), "in order of birth, once each");
            for track in tracks {
                prop_assert!(!dead.contains(&track.id), "nobody comes back from the dead");
                prop_assert!(track.hits <= track.looks && track.born <= track.seen && track.seen <= at);
                let b = track.bbox;
                prop_assert!([b.l, b.t, b.r, b.b].iter().all(|x| (0.0..=1.0).contains(x)), "{:?}", b);
                if !before.contains(&track.id) {
                    prop_assert!(track.id.0 > newest, "an id is not used twice");
                    newest = track.id.0;
                }
            }
            for id in tracker.ended() {
                prop_assert!(before.contains(id) && tracks.iter().all(|track| track.id != *id));
            }
            let gone = before.iter().filter(|id| tracks.iter().all(|track| track.id != **id)).count();
            prop_assert_eq!(gone, tracker.ended().len(), "who is gone has ended");
            dead.extend_from_slice(tracker.ended());
        }
    }
}
