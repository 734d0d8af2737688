//! Live view: which streams can be watched, and who is fed by whom.
//!
//! Owns that what is read for analysis or recording, and nothing else, can be watched. What viewers see is `record::live`'s.

use crate::{
    config::{Camera, Config},
    lane::Filming,
    metrics::Metrics,
    record::live::{Feed, Feeds},
};

/// What a camera's connections put their streams into.
pub(super) struct CameraFeeds {
    /// The lane's.
    pub(super) lane: Feed,
    /// That of the recording's own connection, where there is one.
    pub(super) own: Option<Feed>,
}

/// Every stream that is read, and what it is fed by: one for each camera, in the order of the configuration.
pub(super) fn open(config: &Config, metrics: &Metrics) -> (Feeds, Vec<CameraFeeds>) {
    let roles = |camera: &Camera| {
        let own = (!Filming::shares(camera)).then_some(camera.record.role);
        [camera.analyse].into_iter().chain(own).collect()
    };
    let cameras = config.cameras.iter().map(|camera| (&**camera, roles(camera)));
    let (feeds, of_cameras) = Feeds::new(config.station.id.clone(), cameras, metrics.clone());
    let of_camera = |feeds: Vec<Feed>| {
        let mut feeds = feeds.into_iter();
        CameraFeeds { lane: feeds.next().expect("each camera has a lane"), own: feeds.next() }
    };
    (feeds, of_cameras.into_iter().map(of_camera).collect())
}
