//! `cunkou clip`: a clip, or any time of a camera, as an MP4 file.

use std::path::PathBuf;

use anyhow::anyhow;

use super::{
    Failure, Outcome,
    door::{Door, Warrant},
};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    door: Door,
    #[command(flatten)]
    warrant: Warrant,
    #[command(flatten)]
    scene: Scene,
    /// The file to write; one that is there already is left alone
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// A clip, or a time of a camera.
#[derive(clap::Args)]
pub(super) struct Scene {
    /// Id of a clip or of an alert
    #[arg(value_name = "ID", required_unless_present = "camera", conflicts_with = "camera")]
    id: Option<String>,
    /// A camera instead, with --from and --to
    #[arg(long, value_name = "ID", requires = "from", requires = "to")]
    camera: Option<String>,
    /// From when; it begins at the key frame before
    #[arg(long, value_name = "TIME", requires = "camera")]
    from: Option<String>,
    /// Until when
    #[arg(long, value_name = "TIME", requires = "camera")]
    to: Option<String>,
}

impl Scene {
    /// What is given of it, under the names that the daemon has for it.
    pub(super) fn members(self) -> impl Iterator<Item = (&'static str, String)> {
        let members = [("clip", self.id), ("camera", self.camera), ("from", self.from), ("to", self.to)];
        members.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }

    /// The address of its film.
    fn film(&self) -> Result<String, Failure> {
        match (&self.id, &self.camera) {
            (Some(id), _) => Ok(format!("/api/v1/clips/{}/video.mp4", plain(id)?)),
            (None, Some(camera)) => Ok(format!("/api/v1/cameras/{}/video.mp4", plain(camera)?)),
            (None, None) => unreachable!("the command line asks for one of both"),
        }
    }
}

pub(super) fn run(arguments: Arguments) -> Outcome {
    let path = arguments.scene.film()?;
    let mut pairs = arguments.warrant.pairs();
    pairs.extend(arguments.scene.members().filter(|(name, _)| matches!(*name, "from" | "to")));
    let bytes = arguments.door.fetch(&path, &pairs, &arguments.out)?;
    eprintln!("{} ({bytes} bytes)", arguments.out.display());
    Ok(())
}

/// An id as part of an address.
pub(super) fn plain(id: &str) -> Result<&str, Failure> {
    match !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        true => Ok(id),
        false => Err(Failure::input(anyhow!("\"{id}\" is no id: ids are made of letters, digits and -"))),
    }
}
