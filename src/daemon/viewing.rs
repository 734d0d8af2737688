//! Live view: which streams can be watched, and who is fed by whom.
//!
//! Owns that what is read for analysis or recording, and nothing else, can be watched. What viewers see is `record::live`'s.

use std::sync::Arc;

use crate::{
    config::{Camera, Config},
    lane::Filming,
    metrics::Metrics,
    record::live::{Feed, Feeds, Sights},
};

/// What a camera's connections put their streams into.
pub(super) struct CameraFeeds {
    /// The lane's.
    pub(super) lane: Feed,
    /// What the lane follows.
    pub(super) sights: Sights,
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
    let of_camera = |(camera, fed): (&Arc<Camera>, Vec<Feed>)| {
        let mut fed = fed.into_iter();
        CameraFeeds {
            lane: fed.next().expect("each camera has a lane"),
            sights: feeds.sights(&camera.id),
            own: fed.next(),
        }
    };
    let of_cameras = config.cameras.iter().zip(of_cameras).map(of_camera).collect();
    (feeds, of_cameras)
}
