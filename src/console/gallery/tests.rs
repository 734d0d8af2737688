//! Pictures of cameras that send, that are lost, and that were never there.

use std::path::Path;

use bytes::Bytes;
use futures::FutureExt;

use super::*;
use crate::{
    alert::snapshot,
    camera::{Codec, Ending, StreamEvent, StreamInfo},
    config::{self, Hardware, StreamRole},
    decode::Picture,
    geometry::{Size, UnitPoint},
    metrics::Metrics,
    record::live::Feed,
    time::MediaTime,
    zones::NotTaken,
};

const GATE: &str = "north-gate";

struct Street {
    config: Config,
    clock: Clock,
    feeds: Feeds,
    /// Of the first camera.
    feed: Feed,
    _data: tempfile::TempDir,
}

impl Street {
    fn new(change: impl FnOnce(&mut Camera)) -> Self {
        let mut config = config::parse(config::demo_toml(), "demo", Path::new("config"), &config::Machine)
            .expect("the demo is valid");
        let data = tempfile::tempdir().expect("a folder");
        config.paths.data = data.path().to_owned();
        let gate = config.cameras.iter_mut().find(|camera| camera.id.as_str() == GATE).expect("the gate");
        change(Arc::make_mut(gate));
        config.cameras.sort_by_key(|camera| camera.id.as_str() != GATE);
        let cameras = config.cameras.iter().map(|camera| (&**camera, vec![StreamRole::Sub]));
        let (feeds, mut fed) = Feeds::new(config.station.id.clone(), cameras, Metrics::new());
        let feed = fed.remove(0).remove(0);
        Self { config, clock: Clock::start(), feeds, feed, _data: data }
    }

    fn gallery(&self) -> Gallery {
        let backend = Backend::choose(Hardware::Off).expect("software");
        Gallery::open(
            &self.config,
            Arc::new(Cameras::new(&self.config.cameras).0),
            self.feeds.clone(),
            backend,
            self.clock,
        )
    }

    fn plays(&mut self) {
        let info = StreamInfo { codec: Codec::Mjpeg, size: None, rfc6381: None, audio: None };
        self.feed.hear(&StreamEvent::Playing(info), Vec::new);
    }

    /// A white picture comes.
    fn sends(&mut self) -> Wall {
        let jpeg =
            snapshot::encode(&Picture::grey(Size::new(640, 360), 235), &[], &[], 90).expect("a picture");
        let arrived = self.clock.now();
        let unit = AccessUnit {
            role: StreamRole::Sub,
            codec: Codec::Mjpeg,
            data: Bytes::from(jpeg),
            is_key: true,
            media: MediaTime::from_ms(arrived.wall.unix_ms()),
            camera_clock: None,
            arrived,
            packets_lost: 0,
        };
        self.feed.hear(&StreamEvent::Unit(unit), Vec::new);
        arrived.wall
    }
}

fn id(id: &str) -> CameraId {
    id.parse().expect("an id")
}

/// Luma of a pixel.
fn pixel(print: &Print, x: u32, y: u32) -> u8 {
    let image = image::load_from_memory_with_format(&print.jpeg, image::ImageFormat::Jpeg).expect("a JPEG");
    image.to_luma8().get_pixel(x, y).0[0]
}

fn left_half() -> Polygon {
    let corners = [(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)].map(|(x, y)| UnitPoint::new(x, y));
    Polygon::new(corners.to_vec()).expect("a polygon")
}

#[tokio::test]
async fn a_mask_that_is_drawn_holds_for_the_next_picture() {
    let mut street = Street::new(|_| {});
    let gallery = street.gallery();
    street.plays();
    let gate = id(GATE);
    let (bare, _) = tokio::join!(gallery.newest(&gate, Width::Small), async { street.sends() });
    assert!(pixel(&bare.expect("a picture"), 40, 90) > 220);
    let mut camera = Camera::clone(&street.config.cameras[0]);
    camera.masks = vec![left_half()];
    let drawn = gallery.drawn.draw(Arc::new(camera)).await;
    assert_eq!(drawn, Err(NotTaken::Stopped), "there is no lane");
    let (masked, _) = tokio::join!(gallery.newest(&gate, Width::Small), async { street.sends() });
    assert!(pixel(&masked.expect("a picture"), 40, 90) < 40);
}

#[tokio::test]
async fn a_picture_is_made_for_who_asks_masked_and_shown_to_all_for_a_while() {
    let mut street = Street::new(|camera| camera.masks = vec![left_half()]);
    let gallery = street.gallery();
    assert!(matches!(gallery.newest(&id("none"), Width::Small).await, Err(NoPicture::Unknown(_))));
    assert!(matches!(gallery.newest(&id(GATE), Width::Small).await, Err(NoPicture::Never(_))));
    assert_eq!(gallery.taken_at(&id(GATE)), None);
    street.plays();
    let gate = id(GATE);
    let (first, second) = (gallery.newest(&gate, Width::Small), gallery.newest(&gate, Width::Small));
    let (first, second, taken) = tokio::join!(first, second, async { street.sends() });
    let (first, second) = (first.expect("a picture"), second.expect("a picture"));
    assert!(Arc::ptr_eq(&first, &second), "made once");
    assert_eq!((first.taken, gallery.taken_at(&gate)), (taken, Some(taken)));
    assert!(pixel(&first, 40, 90) < 40 && pixel(&first, 280, 90) > 220, "the mask is black");
    let again = gallery.newest(&gate, Width::Small).now_or_never().expect("at once").expect("a picture");
    assert!(Arc::ptr_eq(&first, &again));
    // Another width is another picture.
    let (middle, _) = tokio::join!(gallery.newest(&gate, Width::Middle), async { street.sends() });
    assert!(pixel(&middle.expect("a picture"), 600, 200) > 220);
}

#[tokio::test]
async fn a_camera_that_is_lost_shows_what_it_has_last_seen_also_after_a_restart() {
    let mut street = Street::new(|_| {});
    let (gallery, stop) = (Arc::new(street.gallery()), CancellationToken::new());
    street.plays();
    let mut taken = None;
    let sending = async {
        let place = &gallery.places[&id(GATE)];
        while gallery.album.get(&gallery.face(&place.camera).1).expect("readable").is_none() {
            taken.get_or_insert(street.sends());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        stop.cancel();
    };
    tokio::join!(Arc::clone(&gallery).keep(stop.clone()), sending);
    street.feed.hear(&StreamEvent::Ended(Ending::Closed), Vec::new);
    let last = gallery.newest(&id(GATE), Width::Small).await;
    let gallery = street.gallery();
    let on_record = gallery.taken_at(&id(GATE)).expect("it is kept");
    let kept = gallery.newest(&id(GATE), Width::Small).await.expect("a picture");
    assert_eq!(kept.taken, on_record);
    assert_eq!(last.expect("a picture").taken, on_record);
    assert!(Some(on_record) >= taken && pixel(&kept, 320, 180) > 220);
    // Whose owner does not want it recorded has no picture of it on the disk, and none lasts for ever.
    let gate = Arc::make_mut(&mut street.config.cameras[0]);
    gate.record.keep_max = Duration::ZERO;
    assert!(matches!(street.gallery().newest(&id(GATE), Width::Small).await, Err(NoPicture::Never(_))));
    let gate = Arc::make_mut(&mut street.config.cameras[0]);
    gate.record.when = RecordWhen::Off;
    let gallery = street.gallery();
    assert_eq!(gallery.renew(&gallery.places[&id(GATE)], &mut false).await, rounds::Turn::Failed);
    assert_eq!((gallery.taken_at(&id(GATE)), street.gallery().taken_at(&id(GATE))), (None, None));
}

#[tokio::test]
async fn who_comes_when_too_many_wait_is_sent_away() {
    let mut street = Street::new(|_| {});
    let gallery = street.gallery();
    street.plays();
    let (_all, gate) = (gallery.asking.acquire_many(ASKING_MAX as u32).await, id(GATE));
    let refused = gallery.newest(&gate, Width::Small).now_or_never().expect("at once");
    assert!(matches!(refused, Err(NoPicture::Undeveloped(Undeveloped::Busy))));
}
