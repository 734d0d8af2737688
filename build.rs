//! Lists the files of the page (`web/dist`, built by `make`), so that they are compiled in. Where it was not built, the program says so to whoever opens it.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

const DIST: &str = "web/dist";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={DIST}");
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let mut files = Vec::new();
    walk(&root.join(DIST), &mut files)?;
    files.sort();
    let mut table = String::from("&[\n");
    for file in &files {
        let name = file.strip_prefix(root.join(DIST)).expect("below it").display().to_string();
        let zipped = file.with_added_extension("gz");
        let zipped = match zipped.exists() {
            true => format!("Some(include_bytes!({zipped:?}))"),
            false => "None".to_owned(),
        };
        table.push_str(&format!(
            "    File {{ name: {name:?}, plain: include_bytes!({file:?}), zipped: {zipped} }},\n"
        ));
    }
    table.push_str("]\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("page.rs"), table)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension != "gz") {
            files.push(path);
        }
    }
    Ok(())
}
