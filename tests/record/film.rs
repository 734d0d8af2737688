//! Recordings as they lie on the disk: which there are, and whether they play.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use cunkou::{
    decode::file::Reader,
    record::mp4::{samples, scan},
};

/// Every recording below a folder, in order.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.expect("readable").path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|it| it == "mp4") => files.push(path),
                false => {}
            }
        }
    }
    files.sort();
    files
}

/// Plays a file to its last whole fragment. Says how many fragments it has, and how many bytes behind them.
pub(crate) fn play(path: &Path) -> (usize, u64) {
    let len = fs::metadata(path).expect("it is there").len();
    if len == 0 {
        return (0, 0);
    }
    let mut file = File::open(path).expect("readable");
    let scanned = scan(&mut file).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let pictures: usize = scanned
        .fragments
        .iter()
        .map(|span| samples(&mut file, &scanned.tracks, span).expect("a whole fragment").video.len())
        .sum();
    if pictures > 0 {
        assert!(scanned.fragments[0].is_key, "{}", path.display());
        let whole = tempfile::Builder::new().suffix(".mp4").tempfile().expect("a file");
        let bytes = fs::read(path).expect("readable");
        fs::write(whole.path(), &bytes[..scanned.whole_len as usize]).expect("writable");
        let frames = Reader::open(whole.path()).expect("a video");
        let played: Result<Vec<_>, _> = frames.map(|frame| frame.map(drop)).collect();
        let played = played.unwrap_or_else(|error| panic!("{}: {error}", path.display())).len();
        assert_eq!(played, pictures, "{}", path.display());
    }
    (scanned.fragments.len(), len - scanned.whole_len)
}
