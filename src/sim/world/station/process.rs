//! The station's process at its start, and its configuration.

use std::{
    collections::{BTreeMap, VecDeque},
    path::Path,
    sync::Arc,
};

use super::{DETECTORS, Eye, FACTS, Process, Waiting};
use crate::{
    alert::Change,
    camera::Limits,
    config::{self, Camera, Canned, Config},
    daemon::clerk::{Clerk, Draft},
    gate::{Grant, Share},
    id::Mint,
    lane::{Filing, Lane},
    metrics::Metrics,
    mqtt::{
        courier::{Courier, Presence},
        payload::ModelData,
        wire::Writer,
    },
    sim::world::check::Ledgered,
    store::{Outbox, SimDisk, SimLedger},
    time::{Mono, Now},
};

impl Waiting {
    pub(super) fn drafted(camera: usize, filing: &Filing, draft: Option<Draft>) -> Self {
        let raised = (filing.verdict.change == Change::Raised).then_some(camera);
        Self { camera: Some(camera), raised, ..Self::of(draft.unwrap_or_default()) }
    }

    /// One that no lane waits for.
    pub(super) fn of(draft: Draft) -> Self {
        Self { draft, ..Self::default() }
    }

    /// As checkers remember it.
    pub(super) fn ledgered(self, at: Mono) -> Ledgered {
        Ledgered { at, raised: self.raised, messages: self.draft.messages }
    }
}

impl Process<'_> {
    pub(super) fn start(
        config: &Config,
        limits: &Limits,
        grant: Grant,
        disk: &SimDisk,
        mut mint: Mint,
        now: Now,
    ) -> Self {
        let metrics = Metrics::new();
        let share = Share { grant, ..Share::default() };
        let lane = |camera: &Arc<Camera>, mint| {
            Lane::new(Arc::clone(camera), FACTS, limits, share.clone(), mint, metrics.clone(), now)
        };
        let lanes: Vec<Lane> = config.cameras.iter().map(|camera| lane(camera, mint.split())).collect();
        let mut writer = Writer::new(&config.station, now.wall, mint.split());
        let presence = Presence { online: writer.online(now.wall), stopped: writer.stopped(now.wall) };
        let model = ModelData { name: "simulated".into(), sha256: "0".repeat(64) };
        let outbox = Outbox::open(SimLedger::open(disk)).expect("a simulated disk can be read after a start");
        Self {
            eyes: lanes.iter().map(|_| Eye::default()).collect(),
            forgetful: vec![false; lanes.len()],
            lane_alarms: lanes.iter().map(|_| None).collect(),
            lanes,
            shown: BTreeMap::new(),
            disk_free_at: Mono::ZERO,
            at_work: (0..DETECTORS).map(|_| None).collect(),
            clerk: Clerk::new(config, model, mint.split()),
            outbox,
            unpromised: VecDeque::new(),
            courier: Courier::new(Some(presence), mint.split()),
            courier_alarm: None,
            pkid: 0,
            window: 1,
            writer,
        }
    }
}

/// A station of one village with a rule at each camera: a person in the middle of the picture.
pub(super) fn station(cameras: usize) -> Config {
    let mut text = String::from(
        "[station]\nid = \"sim\"\nname = \"Simulated\"\ntime_zone = \"Asia/Shanghai\"\n[broker]\nkind = \"embedded\"\n\
         [village.v]\nname = \"V\"\n[entry_point.e]\nvillage = \"v\"\nlevel = \"line\"\nname = \"E\"\n",
    );
    for camera in 0..cameras {
        text.push_str(&format!(
            "[camera.c{camera}]\nentry_point = \"e\"\nname = \"C{camera}\"\nmain = \"rtsp://127.0.0.1/c{camera}\"\n\
             zone.z = {{ name = \"Z\", area = [[0.3, 0.2], [0.7, 0.2], [0.7, 0.9], [0.3, 0.9]] }}\n"
        ));
    }
    text.push_str("[post.gate]\nname = \"Gate\"\n[post.patrol]\nname = \"Patrol\"\n[route.all]\ntell = [[\"gate\"], [\"patrol\"]]\n");
    text.push_str(
        "[rule.r]\nkind = \"zone-enter\"\nname = \"R\"\nseverity = \"warning\"\nzone = \"z\"\nclasses = [\"person\", \"car\"]\n",
    );
    config::parse(&text, "simulated", Path::new("."), &Canned::default())
        .unwrap_or_else(|problems| panic!("the simulated station is valid: {problems}"))
}
