//! `cunkou export`: an evidence pack of a clip, or of any time of a camera.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use serde_json::{Map, Value};

use super::{
    Failure, Outcome,
    clip::{Scene, plain},
    door::{Door, Pairs, Warrant},
};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    door: Door,
    #[command(flatten)]
    warrant: Warrant,
    #[command(flatten)]
    scene: Scene,
    /// Folder into which the pack's folder is written
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
    /// The pack as one JSON object on the last line of stdout
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Arguments) -> Outcome {
    let Arguments { door, warrant, scene, out, json } = arguments;
    let members = warrant.pairs().into_iter().chain(scene.members());
    let wanted: Map<String, Value> = members.map(|(name, value)| (name.to_owned(), value.into())).collect();
    let pack: Value = door.post("/api/v1/exports", &wanted)?;
    let name = pack["name"].as_str().context("the daemon's answer has no name")?;
    let folder = out.join(plain_file(name)?);
    fs::create_dir(&folder).map_err(|why| {
        Failure::input(anyhow!(
            "{}: {why}; the pack is made and lies in {} on the daemon's machine",
            folder.display(),
            pack["path"]
        ))
    })?;
    fetch_all(&door, &warrant.pairs(), name, &folder)?;
    let differing = pack["differing"].as_array().map_or(0, Vec::len);
    if json {
        println!("{pack}");
    } else {
        println!("{}", folder.display());
    }
    eprintln!("check it with: cunkou verify {}", folder.display());
    match differing {
        0 => Ok(()),
        count => Err(Failure::Failed(anyhow!(
            "{count} fragments are not as they were recorded; the pack has them as they are now, and says so"
        ))),
    }
}

/// The manifest names every other file but its signature.
fn fetch_all(door: &Door, pairs: &Pairs, pack: &str, folder: &Path) -> Outcome {
    let fetch = |file: &str| -> Outcome {
        let path = format!("/api/v1/exports/{pack}/{}", plain_file(file)?);
        door.fetch(&path, pairs, &folder.join(file)).map(|_| ())
    };
    fetch("manifest.json")?;
    fetch("manifest.sig")?;
    let manifest: Value = serde_json::from_slice(&fs::read(folder.join("manifest.json"))?)?;
    let named =
        ["videos", "files"].into_iter().flat_map(|list| manifest[list].as_array().into_iter().flatten());
    for file in named {
        fetch(
            file["file"]
                .as_str()
                .or(file["name"].as_str())
                .context("the manifest has a file without a name")?,
        )?;
    }
    Ok(())
}

fn plain_file(name: &str) -> Result<&str, Failure> {
    let stem = name.replace(['.', '_'], "-");
    plain(&stem).map_err(|_| Failure::Failed(anyhow!("\"{name}\" is no name of a file in a pack")))?;
    match name.starts_with('.') {
        true => Err(Failure::Failed(anyhow!("\"{name}\" is no name of a file in a pack"))),
        false => Ok(name),
    }
}
