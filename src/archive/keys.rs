//! How the archive's keys are built.
//!
//! Owns the order in which its entries lie in the store, so that "this camera from then to then" and "the oldest of this camera on this volume"
//! are one read each. What the values say belongs to who writes them. Integers are big-endian; times are microseconds since 1970 with the
//! sign bit turned, so that they sort:
//!
//! ```text
//! Segment   camera 0 begin role            Shelf     volume 0 camera 0 begin role
//! Gap       camera 0 begin                 Deletion  state camera 0 begin role
//! Hold      ULID                           Tally     volume
//! ```

use crate::{
    config::StreamRole,
    id::{CameraId, HoldId, VolumeId},
    store::Space,
    time::Wall,
};

/// A range of keys: `from..to`.
pub(super) type KeyRange = (Vec<u8>, Vec<u8>);

const SIGN: u64 = 1 << 63;

/// How far a deletion has come; the numbers are on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Stage {
    /// Decided; the file may still be there.
    UnderWay = 1,
    /// The file is gone.
    Done = 2,
}

pub(super) fn segment(camera: &CameraId, from: Wall, role: StreamRole) -> Vec<u8> {
    let mut key = named(Space::Segment, camera.as_str());
    put_place(&mut key, from, role);
    key
}

/// Segments of a camera that begin in `from..to`.
pub(super) fn segments(camera: &CameraId, from: Wall, to: Wall) -> KeyRange {
    let name = named(Space::Segment, camera.as_str());
    (timed(name.clone(), from), timed(name, to))
}

/// The camera, begin and role of a segment's key.
pub(super) fn read_segment(key: &[u8]) -> Option<(CameraId, Wall, StreamRole)> {
    let (camera, rest) = split_name(key.get(1..)?)?;
    let (from, role) = read_place(rest)?;
    Some((camera.parse().ok()?, from, role))
}

pub(super) fn shelf(volume: &VolumeId, camera: &CameraId, from: Wall, role: StreamRole) -> Vec<u8> {
    let mut key = shelf_of(volume, camera);
    put_place(&mut key, from, role);
    key
}

/// All of a camera on a volume from `from` on.
pub(super) fn shelves(volume: &VolumeId, camera: &CameraId, from: Wall) -> KeyRange {
    let name = shelf_of(volume, camera);
    let to = past(&name);
    (timed(name, from), to)
}

/// All of a volume behind `camera`; all of it without one.
pub(super) fn shelves_behind(volume: &VolumeId, camera: Option<&CameraId>) -> KeyRange {
    let all = named(Space::Shelf, volume.as_str());
    let from = camera.map_or_else(|| all.clone(), |camera| past(&shelf_of(volume, camera)));
    (from, past(&all))
}

/// The volume, camera, begin and role of a shelf's key.
pub(super) fn read_shelf(key: &[u8]) -> Option<(VolumeId, CameraId, Wall, StreamRole)> {
    let (volume, rest) = split_name(key.get(1..)?)?;
    let (camera, rest) = split_name(rest)?;
    let (from, role) = read_place(rest)?;
    Some((volume.parse().ok()?, camera.parse().ok()?, from, role))
}

pub(super) fn gap(camera: &CameraId, from: Wall) -> Vec<u8> {
    timed(named(Space::Gap, camera.as_str()), from)
}

/// Gaps of a camera that begin in `from..to`.
pub(super) fn gaps(camera: &CameraId, from: Wall, to: Wall) -> KeyRange {
    (gap(camera, from), gap(camera, to))
}

/// The camera and the begin of a gap's key.
pub(super) fn read_gap(key: &[u8]) -> Option<(CameraId, Wall)> {
    let (camera, rest) = split_name(key.get(1..)?)?;
    Some((camera.parse().ok()?, read_time(rest.try_into().ok()?)))
}

pub(super) fn hold(id: HoldId) -> Vec<u8> {
    Space::Hold.key(&id.0.to_bytes())
}

pub(super) fn deletion(stage: Stage, camera: &CameraId, from: Wall, role: StreamRole) -> Vec<u8> {
    let mut key = Space::Deletion.key(&[stage as u8]);
    key.extend_from_slice(camera.as_str().as_bytes());
    key.push(0);
    put_place(&mut key, from, role);
    key
}

/// All deletions of a stage.
pub(super) fn deletions(stage: Stage) -> KeyRange {
    (Space::Deletion.key(&[stage as u8]), Space::Deletion.key(&[stage as u8 + 1]))
}

/// Deletions of a camera that are done, of segments that began in `from..to`.
pub(super) fn deletions_of(camera: &CameraId, from: Wall, to: Wall) -> KeyRange {
    let mut name = Space::Deletion.key(&[Stage::Done as u8]);
    name.extend_from_slice(camera.as_str().as_bytes());
    name.push(0);
    (timed(name.clone(), from), timed(name, to))
}

/// The camera, begin and role of a deletion's key.
pub(super) fn read_deletion(key: &[u8]) -> Option<(CameraId, Wall, StreamRole)> {
    let (camera, rest) = split_name(key.get(2..)?)?;
    let (from, role) = read_place(rest)?;
    Some((camera.parse().ok()?, from, role))
}

pub(super) fn tally(volume: &VolumeId) -> Vec<u8> {
    Space::Tally.key(volume.as_str().as_bytes())
}

/// The first key after `key`.
pub(super) fn behind(key: &[u8]) -> Vec<u8> {
    key.iter().copied().chain([0]).collect()
}

/// The first camera with an entry in `space` (segments or gaps) behind `camera`: where to look for it.
pub(super) fn cameras_behind(space: Space, camera: Option<&CameraId>) -> KeyRange {
    (camera.map_or_else(|| space.from(), |camera| past(&named(space, camera.as_str()))), space.to())
}

/// `space name 0`: no name has a zero in it.
fn named(space: Space, name: &str) -> Vec<u8> {
    let mut key = space.key(name.as_bytes());
    key.push(0);
    key
}

fn shelf_of(volume: &VolumeId, camera: &CameraId) -> Vec<u8> {
    let mut key = named(Space::Shelf, volume.as_str());
    key.extend_from_slice(camera.as_str().as_bytes());
    key.push(0);
    key
}

/// The first key after all that begin with `name`, which ends with a zero.
fn past(name: &[u8]) -> Vec<u8> {
    let mut key = name.to_vec();
    if let Some(last) = key.last_mut() {
        *last += 1;
    }
    key
}

fn timed(mut key: Vec<u8>, at: Wall) -> Vec<u8> {
    key.extend_from_slice(&((at.unix_us() as u64) ^ SIGN).to_be_bytes());
    key
}

fn read_time(bytes: [u8; 8]) -> Wall {
    Wall::from_unix_us((u64::from_be_bytes(bytes) ^ SIGN) as i64)
}

fn put_place(key: &mut Vec<u8>, from: Wall, role: StreamRole) {
    *key = timed(std::mem::take(key), from);
    key.push(match role {
        StreamRole::Main => 1,
        StreamRole::Sub => 2,
    });
}

fn read_place(bytes: &[u8]) -> Option<(Wall, StreamRole)> {
    let (from, role) = bytes.split_first_chunk::<8>()?;
    let role = match role {
        [1] => StreamRole::Main,
        [2] => StreamRole::Sub,
        _ => return None,
    };
    Some((read_time(*from), role))
}

fn split_name(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.iter().position(|&byte| byte == 0)?;
    Some((std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 1..]))
}

/// The camera of a segment's or a gap's key.
pub(super) fn camera_of(key: &[u8]) -> Option<CameraId> {
    split_name(key.get(1..)?)?.0.parse().ok()
}
