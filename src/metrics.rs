//! Metric names: the one place where they are spelt.
//!
//! Owns the registry and every metric of the house, as a field of [`Metrics`]. Modules count; only
//! the console renders (OpenMetrics text).

use std::{fmt::Write, sync::atomic::AtomicU64};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use crate::{
    analysis::Cause,
    id::{CameraId, StationId, VolumeId},
};

/// The label of a metric that is counted by camera.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OfCamera {
    /// The camera's id.
    pub camera: String,
}

impl From<&CameraId> for OfCamera {
    fn from(id: &CameraId) -> Self {
        Self { camera: id.to_string() }
    }
}

/// The label of a metric that is counted by why it was done, or by what stood in the way.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OfCause {
    /// Why.
    pub cause: &'static str,
}

impl From<Cause> for OfCause {
    fn from(cause: Cause) -> Self {
        Self { cause: cause.as_str() }
    }
}

/// The label of a metric that is counted by what a message is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OfMatter {
    /// What.
    pub matter: &'static str,
}

/// The labels of a look: why, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OfLook {
    /// Why.
    pub cause: &'static str,
    /// What came of it.
    pub found: &'static str,
}

/// The label of a metric that is counted by volume.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OfVolume {
    /// The volume's id.
    pub volume: String,
}

impl From<&VolumeId> for OfVolume {
    fn from(id: &VolumeId) -> Self {
        Self { volume: id.to_string() }
    }
}

/// The label of a metric that is counted by neighbouring station.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OfNeighbour {
    /// The station's id.
    pub neighbour: String,
}

impl From<&StationId> for OfNeighbour {
    fn from(id: &StationId) -> Self {
        Self { neighbour: id.to_string() }
    }
}

/// The label of a metric that is counted by where an alert stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct OfState {
    /// Where.
    pub state: &'static str,
}

/// A counter by camera.
pub type ByCamera = Family<OfCamera, Counter>;
/// A counter by volume.
pub type ByVolume = Family<OfVolume, Counter>;
/// A counter by cause.
pub type ByCause = Family<OfCause, Counter>;
/// A gauge by camera.
pub type GaugeByCamera = Family<OfCamera, Gauge>;

macro_rules! metrics {
    ($($(#[doc = $doc:literal])+ $name:ident: $kind:ty = $new:expr,)+) => {
        /// Every metric. Cheap to clone: clones count into the same registry.
        #[derive(Clone, Debug)]
        pub struct Metrics {
            registry: std::sync::Arc<Registry>,
            $($(#[doc = $doc])+ pub $name: $kind,)+
        }

        impl Metrics {
            /// Every metric's name, without its prefix, and what it counts.
            pub const ALL: &'static [(&'static str, &'static str)] =
                &[$((stringify!($name), concat!($($doc),+)),)+];

            /// All at zero, named `cunkou_…`.
            pub fn new() -> Self {
                let mut registry = Registry::with_prefix("cunkou");
                $(
                    let $name: $kind = $new;
                    registry.register(stringify!($name), concat!($($doc),+).trim(), $name.clone());
                )+
                Self { registry: std::sync::Arc::new(registry), $($name,)+ }
            }
        }
    };
}

metrics! {
    /// Buttons and sensors that have not been heard of for too long
    devices_overdue: Gauge = Gauge::default(),
    /// Whether a camera streams (1) or not (0)
    camera_online: GaugeByCamera = Family::default(),
    /// Whether something is wrong with a camera that streams (1) or not (0)
    camera_degraded: GaugeByCamera = Family::default(),
    /// Connection attempts
    camera_connects: ByCamera = Family::default(),
    /// Access units taken in
    access_units: ByCamera = Family::default(),
    /// Bytes of access units taken in
    access_unit_bytes: ByCamera = Family::default(),
    /// RTP packets lost on the way
    packets_lost: ByCamera = Family::default(),
    /// Access units skipped since decoding fell behind
    units_skipped: ByCamera = Family::default(),
    /// Access units that could not be decoded
    decode_errors: ByCamera = Family::default(),
    /// Seconds of processor time spent on decoding and comparing pictures, by why it was done
    decode_seconds: Family<OfCause, Counter<f64, AtomicU64>> = Family::default(),
    /// Looks at sleeping cameras and times awake, by why and by what came of it: each kind of evidence and its worth
    looks: Family<OfLook, Counter> = Family::default(),
    /// Cameras of which every frame is decoded at present, for whatever reason
    cameras_awake: Gauge = Gauge::default(),
    /// Cameras of which frames or looks that were wanted are being missed, as of some seconds ago
    cameras_behind: Gauge = Gauge::default(),
    /// Frames decoded
    frames_decoded: ByCamera = Family::default(),
    /// Frames shown to the detector
    frames_detected: ByCamera = Family::default(),
    /// Frames on which the detector failed
    detect_errors: ByCamera = Family::default(),
    /// Frames that the detector did not see: overwritten by a newer one, or shed while alerts wait for the store
    frames_skipped: ByCamera = Family::default(),
    /// Frames that were wanted for analysis
    analysis_wanted: ByCamera = Family::default(),
    /// Frames that were analysed, of those that were wanted
    analysis_done: ByCamera = Family::default(),
    /// Seconds in which frames or a look were wanted and nothing was analysed
    analysis_blind_seconds: ByCamera = Family::default(),
    /// Frames that were wanted and not analysed, by cause; a second in which a look is overdue counts as one
    analysis_missed: ByCause = Family::default(),
    /// Intervals of too little analysis that could not be kept on record
    analysis_intervals_lost: Counter = Counter::default(),
    /// Passages and alerts that could not be kept in the seen log
    seen_lost: Counter = Counter::default(),
    /// Whether the seen log cannot be written (1), so that passages wait, or can (0)
    seen_stuck: Gauge = Gauge::default(),
    /// Alerts raised
    alerts_raised: ByCamera = Family::default(),
    /// Alerts that came to stand there, by state; without exercises
    alert_states: Family<OfState, Counter> = Family::default(),
    /// Alerts for which nobody was on the way within ten minutes; without exercises
    alert_breaches: Counter = Counter::default(),
    /// Camera clock minus arrival clock, in milliseconds
    clock_skew_ms: GaugeByCamera = Family::default(),
    /// Seconds of one detector call, pre- and post-processing included
    detect_seconds: Histogram = Histogram::new([0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0]),
    /// Seconds from the arrival of the first frame that shows an event to the alert being stored durably
    alert_seconds: Histogram = Histogram::new([0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0]),
    /// Messages in the outbox that the broker has not acknowledged
    outbox_waiting: Gauge = Gauge::default(),
    /// Messages that the broker has acknowledged
    outbox_delivered: Counter = Counter::default(),
    /// Messages that no broker will ever take, kept on record and passed over
    outbox_set_aside: Counter = Counter::default(),
    /// Whether the store cannot write (1), so that promises wait, or can (0)
    store_stuck: Gauge = Gauge::default(),
    /// Segments of recordings that were put on record
    segments_recorded: Counter = Counter::default(),
    /// Segments of recordings that were deleted, by why: age (older than their ceiling) or space (beyond their floor, and their volume was short of room)
    segments_deleted: ByCause = Family::default(),
    /// Bytes that a volume can take until it is full; negative beyond that
    volume_room_bytes: Family<OfVolume, Gauge> = Family::default(),
    /// How full a volume is: 0 has room, 1 recordings beyond their floor are being deleted, 2 to 10 cameras with a lower priority are not recorded
    volume_pressure: Family<OfVolume, Gauge> = Family::default(),
    /// Bytes of recordings written
    record_bytes: ByVolume = Family::default(),
    /// Fragments of recordings written, of two seconds at most
    record_fragments: ByVolume = Family::default(),
    /// Files of recordings that were closed whole, and synced
    record_segments: ByVolume = Family::default(),
    /// Syncs of files of recordings
    record_syncs: ByVolume = Family::default(),
    /// Fragments and files of recordings that were refused, since the disk is too slow
    record_sheds: ByVolume = Family::default(),
    /// Seconds spent on writing and syncing recordings
    record_seconds: Family<OfVolume, Counter<f64, AtomicU64>> = Family::default(),
    /// Whether recordings cannot be written (1), since the disk is full or fails, or can (0)
    record_stuck: Family<OfVolume, Gauge> = Family::default(),
    /// Gaps in recordings that were told, by cause; one that lasts is told once a minute
    record_gaps: ByCause = Family::default(),
    /// Times that less was kept from before an alert than is configured, since it would take too much memory
    record_pre_roll_short: ByCamera = Family::default(),
    /// Viewers of live pictures
    live_viewers: Gauge = Gauge::default(),
    /// Times that a viewer of live pictures lagged so far behind that it was set to a newer key picture
    live_skips: Counter = Counter::default(),
    /// Whether the broker is connected (1) or not (0)
    broker_connected: Gauge = Gauge::default(),
    /// Connections to the broker that were lost or refused
    broker_failures: Counter = Counter::default(),
    /// Whether a neighbour's broker is connected (1) or not (0)
    neighbour_connected: Family<OfNeighbour, Gauge> = Family::default(),
    /// Connections to a neighbour's broker that were lost or refused
    neighbour_failures: Family<OfNeighbour, Counter> = Family::default(),
    /// Entries that wait for a neighbour
    neighbour_waiting: Family<OfNeighbour, Gauge> = Family::default(),
    /// Messages that a neighbour's broker has acknowledged, repeats included
    neighbour_acknowledged: Family<OfNeighbour, Counter> = Family::default(),
    /// Entries that a neighbour has: its receipt came, or for answers, its broker's acknowledgement
    neighbour_delivered: Family<OfNeighbour, Counter> = Family::default(),
    /// Entries that were void before a neighbour had them
    neighbour_expired: Family<OfNeighbour, Counter> = Family::default(),
    /// Entries that a neighbour or its broker has refused
    neighbour_refused: Family<OfNeighbour, Counter> = Family::default(),
    /// Alerts that were not shared with a neighbour, since there were more than it gets in an hour
    neighbour_withheld: Family<OfNeighbour, Counter> = Family::default(),
    /// When the last receipt of a neighbour came, seconds since 1970
    neighbour_last_receipt: Family<OfNeighbour, Gauge> = Family::default(),
    /// Topics that the broker does not let us listen to
    broker_deaf: Gauge = Gauge::default(),
    /// Messages that came in over MQTT, by what they are about: command, button, sensor, post, neighbour or unreadable
    heard: Family<OfMatter, Counter> = Family::default(),
    /// Messages that came in and were dropped: sent without acknowledgement while there was no room, or for a part that does not run
    unheard: Counter = Counter::default(),
}

/// One camera's own counters and gauges, by the names that [`Metrics`] has for them. Looked up once: counting then takes neither a lock nor
/// an allocation. Clones count into the same place.
///
/// Each is rendered from the start, at zero. What a camera may never tell (`clock_skew_ms`) is therefore not among them.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "each is documented where `Metrics` declares it")]
pub struct CameraMetrics {
    pub camera_online: Gauge,
    pub camera_degraded: Gauge,
    pub camera_connects: Counter,
    pub access_units: Counter,
    pub access_unit_bytes: Counter,
    pub packets_lost: Counter,
    pub units_skipped: Counter,
    pub decode_errors: Counter,
    pub frames_decoded: Counter,
    pub frames_detected: Counter,
    pub detect_errors: Counter,
    pub frames_skipped: Counter,
}

/// One volume's own counters and gauges, looked up once.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "each is documented where `Metrics` declares it")]
pub struct VolumeMetrics {
    pub bytes: Counter,
    pub fragments: Counter,
    pub segments: Counter,
    pub syncs: Counter,
    pub sheds: Counter,
    pub seconds: Counter<f64, AtomicU64>,
    pub stuck: Gauge,
}

/// What one connection to a broker counts.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "each is documented where `Metrics` declares it")]
pub struct ConnectionMetrics {
    pub connected: Gauge,
    pub failures: Counter,
    pub acknowledged: Counter,
}

impl Metrics {
    /// The metrics of the connection to the station's own broker.
    pub fn of_broker(&self) -> ConnectionMetrics {
        ConnectionMetrics {
            connected: self.broker_connected.clone(),
            failures: self.broker_failures.clone(),
            acknowledged: self.outbox_delivered.clone(),
        }
    }

    /// The metrics of the connection to a neighbour's broker.
    pub fn of_neighbour(&self, of: &OfNeighbour) -> ConnectionMetrics {
        ConnectionMetrics {
            connected: self.neighbour_connected.get_or_create(of).clone(),
            failures: self.neighbour_failures.get_or_create(of).clone(),
            acknowledged: self.neighbour_acknowledged.get_or_create(of).clone(),
        }
    }

    /// The metrics of one volume.
    pub fn of_volume(&self, of: &OfVolume) -> VolumeMetrics {
        VolumeMetrics {
            bytes: self.record_bytes.get_or_create(of).clone(),
            fragments: self.record_fragments.get_or_create(of).clone(),
            segments: self.record_segments.get_or_create(of).clone(),
            syncs: self.record_syncs.get_or_create(of).clone(),
            sheds: self.record_sheds.get_or_create(of).clone(),
            seconds: self.record_seconds.get_or_create(of).clone(),
            stuck: self.record_stuck.get_or_create(of).clone(),
        }
    }

    /// The metrics of one camera.
    pub fn of(&self, camera: &CameraId) -> CameraMetrics {
        let of = OfCamera::from(camera);
        let counter = |family: &ByCamera| family.get_or_create(&of).clone();
        let gauge = |family: &GaugeByCamera| family.get_or_create(&of).clone();
        CameraMetrics {
            camera_online: gauge(&self.camera_online),
            camera_degraded: gauge(&self.camera_degraded),
            camera_connects: counter(&self.camera_connects),
            access_units: counter(&self.access_units),
            access_unit_bytes: counter(&self.access_unit_bytes),
            packets_lost: counter(&self.packets_lost),
            units_skipped: counter(&self.units_skipped),
            decode_errors: counter(&self.decode_errors),
            frames_decoded: counter(&self.frames_decoded),
            frames_detected: counter(&self.frames_detected),
            detect_errors: counter(&self.detect_errors),
            frames_skipped: counter(&self.frames_skipped),
        }
    }

    /// OpenMetrics text, as Prometheus scrapes it.
    pub fn render(&self) -> String {
        let mut text = String::new();
        if encode(&mut text, &self.registry).is_err() {
            // Writing into a String does not fail; an encoder that does is a bug worth seeing on the page.
            let _ = writeln!(text, "# metrics could not be encoded");
        }
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_rendered_by_name_and_camera() {
        let metrics = Metrics::new();
        let camera: CameraId = "gate-1".parse().expect("an id");
        metrics.access_units.get_or_create(&(&camera).into()).inc_by(3);
        let text = metrics.render();
        assert!(text.contains("cunkou_access_units_total{camera=\"gate-1\"} 3"), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn a_cameras_own_metrics_count_into_the_fleets() {
        let metrics = Metrics::new();
        let camera: CameraId = "gate-1".parse().expect("an id");
        let (own, again) = (metrics.of(&camera), metrics.of(&camera));
        own.access_units.inc_by(2);
        again.access_units.inc();
        own.camera_online.set(1);
        let text = metrics.render();
        for line in [
            "cunkou_access_units_total{camera=\"gate-1\"} 3",
            "cunkou_camera_online{camera=\"gate-1\"} 1",
            "cunkou_packets_lost_total{camera=\"gate-1\"} 0",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert!(!text.contains("clock_skew_ms{"), "a camera that tells no clock has no skew: {text}");
    }
}
