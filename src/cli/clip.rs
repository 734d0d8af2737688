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
    /// Id of a clip or of an alert
    #[arg(value_name = "ID", required_unless_present = "camera", conflicts_with = "camera")]
    id: Option<String>,
    /// A camera instead, with --from and --to
    #[arg(long, value_name = "ID", requires = "from", requires = "to")]
    camera: Option<String>,
    /// From when; playing begins at the key frame before
    #[arg(long, value_name = "TIME", requires = "camera")]
    from: Option<String>,
    /// Until when
    #[arg(long, value_name = "TIME", requires = "camera")]
    to: Option<String>,
    /// The file to write; one that is there already is left alone
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub(super) fn run(arguments: Arguments) -> Outcome {
    let mut pairs = arguments.warrant.pairs();
    let path = match (&arguments.id, &arguments.camera) {
        (Some(id), _) => format!("/api/v1/clips/{}/video.mp4", plain(id)?),
        (None, Some(camera)) => {
            pairs.extend(arguments.from.map(|from| ("from", from)));
            pairs.extend(arguments.to.map(|to| ("to", to)));
            format!("/api/v1/cameras/{}/video.mp4", plain(camera)?)
        }
        (None, None) => unreachable!("the command line asks for one of both"),
    };
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
