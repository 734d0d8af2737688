//! Several packs of a camera: whether one between them is kept back.
//!
//! Pure. What was made before the first or after the last of them cannot be missed.

use std::collections::BTreeMap;

use super::{
    super::{Words, seal::Sum},
    Report,
};
use crate::id::{CameraId, StationId};

/// One thing that is wrong with the row of a camera's packs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainFault {
    /// Packs are missing.
    Missing {
        /// Of which camera.
        camera: CameraId,
        /// The one before that is there.
        after: u64,
        /// The one behind that is there.
        before: u64,
    },
    /// Two packs have the same number and are not the same.
    Twice {
        /// Of which camera.
        camera: CameraId,
        /// Which number.
        no: u64,
    },
    /// A pack does not follow from the one with the number before.
    Broken {
        /// Of which camera.
        camera: CameraId,
        /// The later one's number.
        no: u64,
    },
}

impl ChainFault {
    /// Its name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "pack-missing",
            Self::Twice { .. } => "pack-twice",
            Self::Broken { .. } => "chain-broken",
        }
    }

    /// Of which camera.
    pub fn camera(&self) -> &CameraId {
        match self {
            Self::Missing { camera, .. } | Self::Twice { camera, .. } | Self::Broken { camera, .. } => camera,
        }
    }

    /// In both languages.
    pub fn words(&self) -> Words {
        match self {
            Self::Missing { camera, after, before } => {
                let (first, last) = (after + 1, before - 1);
                let (zh, en) = match first == last {
                    true => (format!("第 {first} 份"), format!("no. {first} of camera {camera} is missing")),
                    false => (
                        format!("第 {first} 至 {last} 份"),
                        format!("nos. {first} to {last} of camera {camera} are missing"),
                    ),
                };
                Words::new(
                    format!("摄像机 {camera} 的第 {after} 份与第 {before} 份之间缺少{zh}"),
                    format!("between no. {after} and no. {before}, {en}"),
                )
            }
            Self::Twice { camera, no } => Words::new(
                format!("摄像机 {camera} 有两份不同的第 {no} 份"),
                format!("there are two different packs no. {no} of camera {camera}"),
            ),
            Self::Broken { camera, no } => Words::new(
                format!("摄像机 {camera} 的第 {no} 份与前一份不衔接"),
                format!("no. {no} of camera {camera} does not follow from the one before"),
            ),
        }
    }
}

/// Holds packs against each other. Their order does not matter; the same pack twice is one.
pub fn check_chains(reports: &[Report]) -> Vec<ChainFault> {
    /// By number: the sum of a manifest, and of the one that it names.
    type Row = BTreeMap<u64, BTreeMap<Sum, Option<Sum>>>;
    let mut rows: BTreeMap<(StationId, CameraId), Row> = BTreeMap::new();
    for report in reports {
        if let (Some(manifest), Some(sum)) = (&report.manifest, report.manifest_sum) {
            let row = rows.entry((manifest.station.id.clone(), manifest.camera.id.clone())).or_default();
            row.entry(manifest.chain.no).or_default().insert(sum, manifest.chain.previous);
        }
    }
    let mut faults = Vec::new();
    for ((_, camera), row) in rows {
        let mut before: Option<(u64, BTreeMap<Sum, Option<Sum>>)> = None;
        for (no, packs) in row {
            let camera = || camera.clone();
            match &before {
                Some((after, _)) if no - after > 1 => {
                    faults.push(ChainFault::Missing { camera: camera(), after: *after, before: no });
                }
                Some((_, sums)) if !packs.values().flatten().any(|previous| sums.contains_key(previous)) => {
                    faults.push(ChainFault::Broken { camera: camera(), no });
                }
                _ => {}
            }
            if packs.len() > 1 {
                faults.push(ChainFault::Twice { camera: camera(), no });
            }
            before = Some((no, packs));
        }
    }
    faults
}
