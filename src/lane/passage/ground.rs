//! Where a visitor's feet were: in which zones, across which lines.
//!
//! Owns what is remembered of one visitor's way over the ground. The geometry is the rules' own.

use std::collections::BTreeSet;

use crate::{
    config::{Camera, Direction},
    geometry::{Crossing, Segment, UnitBox, UnitPoint},
    id::{LineId, ZoneId},
    rules::{Area, Inside, Walk},
    time::Now,
};

/// The zones and lines of a camera.
#[derive(Debug)]
pub(super) struct Map {
    zones: Vec<(ZoneId, Area)>,
    lines: Vec<(LineId, Segment)>,
}

impl Map {
    pub(super) fn of(camera: &Camera) -> Self {
        let zones = camera.zones.iter().map(|(id, zone)| (id.clone(), Area::zone(&zone.area)));
        let lines = camera.lines.iter().map(|(id, line)| (id.clone(), line.segment));
        Self { zones: zones.collect(), lines: lines.collect() }
    }
}

/// One visitor's way.
#[derive(Debug, Clone)]
pub(super) struct Way {
    inside: Vec<Inside>,
    walks: Vec<Walk>,
    foot: Option<UnitPoint>,
    been: Been,
}

/// Where it has been.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Been {
    pub(super) zones: BTreeSet<ZoneId>,
    /// In the order in which they were first crossed.
    pub(super) lines: Vec<LineId>,
    /// The way across the last one.
    pub(super) direction: Option<Direction>,
}

impl Way {
    pub(super) fn new(map: &Map) -> Self {
        Self {
            inside: vec![Inside::No; map.zones.len()],
            walks: vec![Walk::default(); map.lines.len()],
            foot: None,
            been: Been::default(),
        }
    }

    /// It was seen there.
    pub(super) fn follow(&mut self, map: &Map, now: Now, bbox: &UnitBox) {
        for ((id, area), inside) in map.zones.iter().zip(&mut self.inside) {
            *inside = area.holds(bbox, *inside);
            if *inside == Inside::Yes {
                self.been.zones.insert(id.clone());
            }
        }
        for ((id, line), walk) in map.lines.iter().zip(&mut self.walks) {
            let Some((crossing, _)) = walk.step(now, line, self.foot, bbox) else { continue };
            self.been.direction = Some(match crossing {
                Crossing::LeftToRight => Direction::In,
                Crossing::RightToLeft => Direction::Out,
            });
            if !self.been.lines.contains(id) {
                self.been.lines.push(id.clone());
            }
        }
        self.foot = Some(bbox.foot());
    }

    /// Where it has been since the last time that it was asked; it goes on from where it is.
    pub(super) fn take(&mut self) -> Been {
        std::mem::take(&mut self.been)
    }
}
