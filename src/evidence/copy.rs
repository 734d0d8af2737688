//! The video of a pack: bytes of a segment, copied and hashed, whatever has become of them.
//!
//! Owns how a recording is read. What cannot be read any more is left out, what differs is copied as it is, and both are marked.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    os::unix::fs::FileExt,
    path::Path,
};

use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use super::{
    files::{FileError, at},
    manifest::{FragmentFacts, Init, Recorded, SegmentFacts, Video},
    moment::Moment,
    pack::Open,
    seal::Sum,
    select::Picked,
};
use crate::record::Segment;

/// Bytes that are copied at once.
const COPY_LEN: usize = 256 * 1024;

/// Copies what was picked of a segment into a file of its own, and hashes it on the way.
pub(super) fn copy(
    dir: &Path,
    name: String,
    picked: &Picked<'_>,
    open: Open<'_>,
    zone: &TimeZone,
) -> Result<Video, FileError> {
    let Segment { role, volume, path, from, to, init_len, init_sha256, skew_ms, .. } = picked.segment;
    let out_path = dir.join(&name);
    let out = File::create_new(&out_path).map_err(at(&out_path, "made"))?;
    let source = match open(picked.segment) {
        Ok(source) => Some(source),
        // A file that is gone is one of which nothing is left: the pack says so of each fragment.
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => return Err(at(path, "opened")(e)),
    };
    let mut copier = Copier { source, out: BufWriter::new(out), whole: Sha256::new(), written: 0 };
    let failed = || at(&out_path, "written");
    let (len, sha256) = copier.copy(0, u64::from(*init_len)).map_err(failed())?;
    let init = Init { len, sha256, differs_from: recorded(len, sha256, u64::from(*init_len), init_sha256) };
    let mut fragments = Vec::with_capacity(picked.fragments.len());
    for (fragment, n) in picked.fragments.iter().zip(1..) {
        let offset = copier.written;
        let (len, sha256) = copier.copy(fragment.offset, u64::from(fragment.len)).map_err(failed())?;
        fragments.push(FragmentFacts {
            n,
            from: fragment.from,
            length_ms: u64::try_from(fragment.length.as_millis()).unwrap_or(u64::MAX),
            offset,
            len,
            is_key: fragment.is_key,
            sha256,
            segment_offset: fragment.offset,
            differs_from: recorded(len, sha256, u64::from(fragment.len), &fragment.sha256),
        });
    }
    copier.out.flush().and_then(|()| copier.out.get_ref().sync_all()).map_err(failed())?;
    Ok(Video {
        file: name,
        bytes: copier.written,
        sha256: Sum(copier.whole.finalize().into()),
        segment: SegmentFacts {
            role: *role,
            volume: volume.clone(),
            path: path.to_string_lossy().into_owned(),
            from: Moment::new(*from, zone),
            to: Moment::new(*to, zone),
        },
        skew_ms: *skew_ms,
        init,
        fragments,
    })
}

/// What was recorded, where it is not what is there.
fn recorded(len: u64, sha256: Sum, recorded_len: u64, recorded: &[u8; 32]) -> Option<Recorded> {
    let recorded = Recorded { len: recorded_len, sha256: Sum(*recorded) };
    (recorded != Recorded { len, sha256 }).then_some(recorded)
}

struct Copier {
    source: Option<File>,
    out: BufWriter<File>,
    whole: Sha256,
    written: u64,
}

impl Copier {
    /// Copies up to `len` bytes from `offset`, and gives how many it were and their sum: fewer where the source ends or cannot be read. Errors are
    /// those of writing.
    fn copy(&mut self, offset: u64, len: u64) -> io::Result<(u64, Sum)> {
        let (mut sum, mut done) = (Sha256::new(), 0);
        let mut buffer = vec![0; COPY_LEN.min(usize::try_from(len).unwrap_or(COPY_LEN))];
        while done < len {
            let want = usize::try_from(len - done).unwrap_or(COPY_LEN).min(COPY_LEN);
            let Some(source) = &self.source else { break };
            let got = match source.read_at(&mut buffer[..want], offset.saturating_add(done)) {
                Ok(got) => got,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => 0,
            };
            if got == 0 {
                break;
            }
            let bytes = &buffer[..got];
            self.out.write_all(bytes)?;
            self.whole.update(bytes);
            sum.update(bytes);
            done += got as u64;
        }
        self.written += done;
        Ok((done, Sum(sum.finalize().into())))
    }
}
