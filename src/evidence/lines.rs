//! Files of lines that only grow: what a kill leaves at their end, and how they are read.
//!
//! A kill, or a power cut, leaves half a line, or zeros where a line should be: that is moved aside. Whatever else is wrong with a line is nobody's
//! accident, and for those to say who know what is in it.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use super::files::{self, FileError, at};

/// Longest line, in bytes.
pub(super) const LINE_LEN_MAX: usize = 1024 * 1024;

/// What was torn, and where it is now.
#[derive(Debug)]
pub(super) struct Torn {
    pub(super) bytes: u64,
    pub(super) aside: PathBuf,
}

/// A file that ends with a line's end, or is empty.
#[derive(Debug)]
pub(super) struct Mended {
    pub(super) len: u64,
    pub(super) torn: Option<Torn>,
}

/// Moves aside what is behind the last whole line. A file that is not there is empty.
pub(super) fn mend(path: &Path) -> Result<Mended, FileError> {
    let (begin, bytes) = match end_of(path) {
        Ok(end) => end,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Mended { len: 0, torn: None }),
        Err(e) => return Err(at(path, "read")(e)),
    };
    let whole = whole_lines(&bytes);
    let (len, rest) = (begin + whole as u64, &bytes[whole..]);
    if rest.is_empty() {
        return Ok(Mended { len, torn: None });
    }
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let aside = path.with_file_name(format!("torn-{name}-{len}.part"));
    files::replace(&aside, rest).map_err(at(&aside, "written"))?;
    let cut = File::options().write(true).open(path).and_then(|file| {
        file.set_len(len)?;
        file.sync_all()
    });
    cut.map_err(at(path, "cut"))?;
    Ok(Mended { len, torn: Some(Torn { bytes: rest.len() as u64, aside }) })
}

/// How many of the bytes are whole lines: up to the last end of a line, and before any line with a zero byte at the end.
fn whole_lines(bytes: &[u8]) -> usize {
    let mut whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    while let Some(lines) = bytes[..whole].strip_suffix(b"\n") {
        let begin = lines.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        if !lines[begin..].contains(&0) {
            break;
        }
        whole = begin;
    }
    whole
}

/// Where the end begins, and its bytes: enough for two of the longest lines.
pub(super) fn end_of(path: &Path) -> io::Result<(u64, Vec<u8>)> {
    let mut file = files::open_plain(path)?;
    let len = fs::metadata(path)?.len();
    let begin = len.saturating_sub(2 * LINE_LEN_MAX as u64 + 2);
    file.seek(SeekFrom::Start(begin))?;
    let mut bytes = Vec::new();
    file.take(len - begin).read_to_end(&mut bytes)?;
    Ok((begin, bytes))
}

/// Lines with their ends; one that is too long comes without.
pub(super) fn lines(path: &Path) -> Result<impl Iterator<Item = io::Result<Vec<u8>>>, FileError> {
    lines_up_to(path, u64::MAX)
}

/// The same of the first `len` bytes.
pub(super) fn lines_up_to(
    path: &Path,
    len: u64,
) -> Result<impl Iterator<Item = io::Result<Vec<u8>>>, FileError> {
    let mut file = BufReader::new(files::open_plain(path).map_err(at(path, "read"))?.take(len));
    Ok(std::iter::from_fn(move || {
        let mut line = Vec::new();
        match (&mut file).take(LINE_LEN_MAX as u64 + 1).read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) => Some(Ok(line)),
            Err(e) => Some(Err(e)),
        }
    }))
}
