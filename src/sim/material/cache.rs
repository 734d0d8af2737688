//! Reels on disk, so that the second start is quick.
//!
//! One file a reel: a line that names the format, the length of a JSON index, the index, all access units, and the SHA-256 of all
//! of it. The file's name carries a stamp of everything that the reel was made from; a file that does not check out
//! is made anew. Written beside and renamed.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Cuts, Encoded, EncodedTrack, Rate, Reel, studio};
use crate::{camera::Codec, geometry::Size, sim::SimError};

/// Changes whenever an older file must not be read.
const MAGIC: &[u8] = b"cunkou reel 2\n";
/// Reels are tens of megabytes; nothing larger than this is read.
const FILE_MAX: u64 = 1 << 30;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    codec: String,
    rate: Rate,
    cuts: Cuts,
    main: TrackIndex,
    sub: Option<TrackIndex>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TrackIndex {
    width: u32,
    height: u32,
    /// Bytes of each access unit; whether it is a key frame.
    units: Vec<(usize, bool)>,
}

/// The file in which the reel of this name, made from this footage, is kept.
pub(super) fn path_of(cache: &Path, name: &str, footage: &Path) -> Result<PathBuf, SimError> {
    let file =
        fs::metadata(footage).map_err(|_| SimError::NoFootage { looked: footage.display().to_string() })?;
    let changed = file.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let mut stamp = Sha256::new();
    stamp.update(MAGIC);
    stamp.update(studio::RECIPE);
    stamp.update(footage.as_os_str().as_encoded_bytes());
    stamp.update(file.len().to_be_bytes());
    stamp.update(changed.as_nanos().to_be_bytes());
    let stamp: String = stamp.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(cache.join(format!("{name}-{stamp}.reel")))
}

/// A reel that was kept, if it is there and whole.
pub(super) fn load(path: &Path) -> Option<Reel> {
    if fs::metadata(path).ok()?.len() > FILE_MAX {
        return None;
    }
    let data = Bytes::from(fs::read(path).ok()?);
    let reel = parse(&data);
    if reel.is_none() {
        tracing::warn!(file = %path.display(), "a kept reel of the simulated village is damaged: making it anew");
    }
    reel
}

fn parse(data: &Bytes) -> Option<Reel> {
    let body = data.len().checked_sub(32)?;
    if Sha256::digest(&data[..body])[..] != data[body..] {
        return None;
    }
    let mut rest = data.slice(..body);
    let mut take = |length: usize| (length <= rest.len()).then(|| rest.split_to(length));
    if take(MAGIC.len())? != MAGIC {
        return None;
    }
    let length = u32::from_be_bytes(take(4)?[..].try_into().ok()?);
    let index: Index = serde_json::from_slice(&take(length as usize)?).ok()?;
    let mut track = |index: TrackIndex| {
        let size = Size::new(index.width, index.height);
        let units: Option<Vec<_>> =
            index.units.into_iter().map(|(length, is_key)| Some((take(length)?, is_key))).collect();
        Some(EncodedTrack { size, units: units? })
    };
    let codec = match index.codec.as_str() {
        "h264" => Codec::H264,
        "h265" => Codec::H265,
        "mjpeg" => Codec::Mjpeg,
        _ => return None,
    };
    let main = track(index.main)?;
    let sub = match index.sub {
        Some(sub) => Some(track(sub)?),
        None => None,
    };
    Some(Encoded { codec, rate: index.rate, cuts: index.cuts, main, sub }.into_reel())
}

/// Keeps a reel. Whoever reads meanwhile sees the old file or the new one.
pub(super) fn store(path: &Path, encoded: &Encoded) -> Result<(), SimError> {
    let failed = |source| SimError::Cache { path: path.to_owned(), source };
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    let track = |track: &EncodedTrack| TrackIndex {
        width: track.size.w,
        height: track.size.h,
        units: track.units.iter().map(|(data, is_key)| (data.len(), *is_key)).collect(),
    };
    let index = serde_json::to_vec(&Index {
        codec: super::codec_name(encoded.codec).to_owned(),
        rate: encoded.rate,
        cuts: encoded.cuts.clone(),
        main: track(&encoded.main),
        sub: encoded.sub.as_ref().map(track),
    })
    .expect("numbers and strings always serialise");

    let beside = path.with_extension(format!("{}.part", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut file = std::io::BufWriter::new(fs::File::create(&beside)?);
        let mut digest = Sha256::new();
        let mut put = |bytes: &[u8]| {
            digest.update(bytes);
            file.write_all(bytes)
        };
        put(MAGIC)?;
        put(&(index.len() as u32).to_be_bytes())?;
        put(&index)?;
        for (data, _) in encoded.main.units.iter().chain(encoded.sub.iter().flat_map(|sub| &sub.units)) {
            put(data)?;
        }
        file.write_all(&digest.finalize())?;
        file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&beside, path)
    };
    write().inspect_err(|_| drop(fs::remove_file(&beside))).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reel() -> Encoded {
        let unit = |kind: u8, is_key| (Bytes::from(vec![0, 0, 0, 1, kind, 7, 7]), is_key);
        let track = |width| EncodedTrack {
            size: Size::new(width, 48),
            units: vec![unit(0x65, true), unit(0x41, false)],
        };
        Encoded {
            codec: Codec::H264,
            rate: Rate { frames: 10, seconds: 1 },
            cuts: Cuts { gop: 2, whole: 0..2, still: 0..0, visits: Vec::new() },
            main: track(64),
            sub: Some(track(32)),
        }
    }

    #[test]
    fn a_reel_is_kept_and_a_damaged_one_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("below/a.reel");
        assert!(load(&path).is_none());
        store(&path, &reel()).unwrap();
        let kept = load(&path).unwrap();
        let sub = kept.sub.as_ref().map(|sub| sub.size);
        assert_eq!((sub, kept.main.units.len()), (Some(Size::new(32, 48)), 2));
        assert_eq!((kept.main.units[1].is_key, &kept.main.units[0].data[4..]), (false, &[0x65, 7, 7][..]));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");

        let whole = fs::read(&path).unwrap();
        for at in [0, MAGIC.len(), MAGIC.len() + 9, whole.len() - 40, whole.len() - 1] {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&path, damaged).unwrap();
            assert!(load(&path).is_none(), "byte {at}");
        }
        for length in [0, 10, 40, whole.len() - 1] {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(load(&path).is_none(), "{length} bytes");
        }
    }

    #[test]
    fn footage_that_is_not_there_is_said_so() {
        let missing = path_of(Path::new("x"), "street-h264", Path::new("/nowhere/vtest.avi"));
        let told = missing.unwrap_err().to_string();
        assert!(told.contains("/nowhere/vtest.avi") && told.contains("apt-get install opencv-doc"), "{told}");
    }
}
