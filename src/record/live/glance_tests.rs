//! Glances at streams, and where what was seen lies in a viewer's time.

use std::time::Duration;

use super::{
    super::testing::unit_at,
    tests::{feeds, hear, info, now, picture, watch},
    *,
};
use crate::{
    camera::{Ending, StreamEvent},
    config::StreamRole,
    id::CameraId,
    metrics::Metrics,
    time::{MediaTime, Mono, Now, Wall},
};

fn sight(role: StreamRole, media: MediaTime, arrived_ms: u64) -> Sight {
    let arrived = Mono::from_start(Duration::from_millis(arrived_ms));
    Sight { role, media, arrived, followed: Vec::new() }
}

#[test]
fn what_was_seen_lies_at_the_same_moment_of_the_viewers_time_whichever_stream_he_watches() {
    let mut camera = crate::testing::camera();
    camera.sub = Some("rtsp://127.0.0.1/sub".parse().expect("a URL"));
    let both = [(&camera, vec![StreamRole::Main, StreamRole::Sub])];
    let (feeds, mut fed) = Feeds::new("north".parse().expect("an id"), both, Metrics::new());
    let mut feed = fed.remove(0).remove(0);
    hear(&mut feed, StreamEvent::Playing(info(None)));
    let mut viewer = watch(&feeds);
    let moment = |viewer: &Viewer, sight: Sight| viewer.moment(&sight).map(|at| at.as_millis());
    assert_eq!(
        moment(&viewer, sight(StreamRole::Main, MediaTime::from_ms(0), 0)),
        None,
        "nothing is shown yet"
    );
    // The stream's own time began elsewhere, and each picture is late by something else.
    for number in 0..30u64 {
        let late = [0, 40, 10][number as usize % 3];
        let arrived = Mono::from_start(Duration::from_millis(5000 + number * 100 + late));
        let arrived = Now { mono: arrived, wall: Wall::from_unix_ms(number as i64 * 100) };
        let media = MediaTime::from_ms(700 + number as i64 * 100);
        hear(&mut feed, StreamEvent::Unit(unit_at(arrived, media, number == 0, 100)));
        now(&mut viewer);
    }
    let (main, sub) = (StreamRole::Main, StreamRole::Sub);
    assert_eq!(moment(&viewer, sight(main, MediaTime::from_ms(2700), 7040)), Some(2000), "by its own time");
    // Picture 29 came 10 ms late at 7910, and lies at 2900.
    assert_eq!(moment(&viewer, sight(sub, MediaTime::from_ms(123_456), 7710)), Some(2700), "by its arrival");
    assert_eq!(moment(&viewer, sight(sub, MediaTime::from_ms(123_456), 8010)), Some(3000), "not shown yet");
    assert_eq!(moment(&viewer, sight(main, MediaTime::from_ms(9), 4999)), None, "before he came");
    // The camera was away for three seconds; its time begins anew.
    hear(&mut feed, StreamEvent::Ended(Ending::Closed));
    hear(&mut feed, StreamEvent::Playing(info(None)));
    let begin = Now { mono: Mono::from_start(Duration::from_millis(11_000)), wall: Wall::from_unix_ms(9000) };
    hear(&mut feed, StreamEvent::Unit(unit_at(begin, MediaTime::from_ms(0), true, 100)));
    now(&mut viewer);
    assert_eq!(
        moment(&viewer, sight(main, MediaTime::from_ms(2700), 7900)),
        None,
        "of the connection before"
    );
    assert_eq!(moment(&viewer, sight(main, MediaTime::from_ms(40), 11_040)), Some(6040));
}

#[test]
fn a_glance_takes_what_is_in_memory_or_the_next_key_picture_and_leaves_nothing_behind() {
    use futures::FutureExt;
    let (feeds, mut feed, metrics) = feeds();
    let gate: CameraId = "gate".parse().expect("an id");
    let away = feeds.newest_key(&gate, Pick::Best).now_or_never().expect("at once").expect_err("not reached");
    assert_eq!(away, NoGlance::Away("the camera has not been reached yet".to_owned()));
    let unknown = feeds.newest_key(&"none".parse().expect("an id"), Pick::Best).now_or_never();
    assert!(matches!(unknown, Some(Err(NoGlance::NoView(NoView::Unknown(_))))));
    hear(&mut feed, StreamEvent::Playing(info(None)));
    (0..25).for_each(|number| hear(&mut feed, StreamEvent::Unit(picture(number))));

    // In memory, as of a camera that sleeps.
    let mut glance = Box::pin(feeds.newest_key(&gate, Pick::Smallest));
    assert!(glance.as_mut().now_or_never().is_none());
    feed.hear(&StreamEvent::Unit(picture(25)), || (20..25).map(picture).collect());
    assert_eq!(glance.now_or_never().expect("it is there").expect("a picture").arrived, picture(20).arrived);
    // Who looked is gone: nothing more is asked for, or kept.
    hear(&mut feed, StreamEvent::Unit(picture(26)));
    assert_eq!(metrics.live_viewers.get(), 0);

    // Nothing is in memory: the next key picture.
    let mut glance = Box::pin(feeds.newest_key(&gate, Pick::Best));
    assert!(glance.as_mut().now_or_never().is_none());
    feed.hear(&StreamEvent::Unit(picture(27)), Vec::new);
    (28..40).for_each(|number| hear(&mut feed, StreamEvent::Unit(picture(number))));
    assert!(glance.as_mut().now_or_never().is_none());
    hear(&mut feed, StreamEvent::Unit(picture(40)));
    assert_eq!(glance.now_or_never().expect("it is there").expect("a picture").arrived, picture(40).arrived);

    // Somebody watches: what he is shown is the newest.
    let _viewer = watch(&feeds);
    feed.hear(&StreamEvent::Unit(picture(41)), || vec![picture(40)]);
    let seen = feeds.newest_key(&gate, Pick::Best).now_or_never().expect("at once").expect("a picture");
    assert_eq!(seen.arrived, picture(40).arrived);
    // It ends while one waits.
    hear(&mut feed, StreamEvent::Playing(info(None)));
    let mut glance = Box::pin(feeds.newest_key(&gate, Pick::Best));
    assert!(glance.as_mut().now_or_never().is_none());
    hear(&mut feed, StreamEvent::Ended(Ending::Closed));
    assert!(matches!(glance.now_or_never(), Some(Err(NoGlance::Away(_)))));
    assert_eq!(feeds.watchable(&gate), [StreamRole::Main]);
}
