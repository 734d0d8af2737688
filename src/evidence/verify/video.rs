//! A video against what the manifest says of it, part by part.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
};

use sha2::{Digest, Sha256};

use super::{
    super::{
        manifest::{Manifest, Video},
        seal::Sum,
    },
    Check, Fault,
};

/// Bytes that are read at once.
const READ_LEN: usize = 256 * 1024;

impl Check {
    pub(super) fn video(&mut self, manifest: &Manifest, video: &Video) {
        let name = &video.file;
        let file = || name.clone();
        for (n, from, differs) in std::iter::once((0, video.segment.from.utc, &video.init.differs_from))
            .chain(video.fragments.iter().map(|f| (f.n, f.from, &f.differs_from)))
        {
            if differs.is_some() {
                self.faults.push(Fault::NotAsRecorded { file: file(), n, from });
            }
        }
        if !self.source.has(name) {
            if !self.source.has_no_file(name) {
                self.faults.push(Fault::Missing { file: file() });
            }
            return;
        }
        match self.source.file(name).and_then(|from| parts(from, manifest, video)) {
            Ok(faults) => self.faults.extend(faults),
            Err(why) => self.faults.push(Fault::Unreadable { file: file(), why: why.to_string() }),
        }
    }
}

/// Reads the file through, part by part.
fn parts(file: File, manifest: &Manifest, video: &Video) -> io::Result<Vec<Fault>> {
    let found = file.metadata()?.len();
    let mut reader = Reader { file, whole: Sha256::new(), buffer: vec![0; READ_LEN] };
    let mut faults = Vec::new();
    let name = || video.file.clone();
    let truncated = |first| Fault::Truncated { file: name(), expected: video.bytes, found, first };
    let Some(init) = reader.part(video.init.len)? else {
        return Ok(vec![truncated(video.fragments.first().map(|f| (f.n, f.from)))]);
    };
    if init != video.init.sha256 {
        faults.push(Fault::Init { file: name() });
    }
    let mut known = None;
    for fragment in &video.fragments {
        let Some(sum) = reader.part(fragment.len)? else {
            faults.push(truncated(Some((fragment.n, fragment.from))));
            return Ok(faults);
        };
        if sum != fragment.sha256 {
            let known = known.get_or_insert_with(|| by_sum(manifest));
            let holds = known.get(&sum).map(|(file, n)| ((*file).to_owned(), *n));
            faults.push(Fault::Fragment { file: name(), n: fragment.n, from: fragment.from, holds });
        }
    }
    let extra = reader.rest()?;
    if extra > 0 {
        faults.push(Fault::TooLong { file: name(), extra });
    }
    if faults.is_empty() && Sum(reader.whole.finalize().into()) != video.sha256 {
        faults.push(Fault::Changed { file: name() });
    }
    Ok(faults)
}

fn by_sum(manifest: &Manifest) -> BTreeMap<Sum, (&str, u32)> {
    manifest.fragments().map(|(file, fragment)| (fragment.sha256, (file, fragment.n))).collect()
}

struct Reader {
    file: File,
    whole: Sha256,
    buffer: Vec<u8>,
}

impl Reader {
    /// The sum of the next `len` bytes; `None`: there are not so many.
    fn part(&mut self, len: u64) -> io::Result<Option<Sum>> {
        let (mut sum, mut left) = (Sha256::new(), len);
        while left > 0 {
            let want = usize::try_from(left).unwrap_or(READ_LEN).min(READ_LEN);
            let got = self.read(want)?;
            if got == 0 {
                return Ok(None);
            }
            sum.update(&self.buffer[..got]);
            left -= got as u64;
        }
        Ok(Some(Sum(sum.finalize().into())))
    }

    /// How many bytes there are to the end.
    fn rest(&mut self) -> io::Result<u64> {
        let mut len = 0;
        loop {
            match self.read(READ_LEN)? {
                0 => return Ok(len),
                got => len += got as u64,
            }
        }
    }

    fn read(&mut self, want: usize) -> io::Result<usize> {
        loop {
            match self.file.read(&mut self.buffer[..want]) {
                Ok(got) => {
                    self.whole.update(&self.buffer[..got]);
                    return Ok(got);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }
}
