//! `cunkou gaps`: where there is no recording, and why.

use serde_json::Value;

use super::{
    Outcome,
    door::{Door, each},
};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    door: Door,
    /// From when
    #[arg(long, value_name = "TIME")]
    from: String,
    /// Until when
    #[arg(long, value_name = "TIME")]
    to: String,
    /// Of these cameras, separated by commas; of all that are known where it is absent
    #[arg(long, value_name = "IDS")]
    camera: Vec<String>,
    /// With these causes: offline, maintenance, off, schedule, agreement-ended, quiet, disk-full, disk-failed, shed, stopped, deleted, missing
    #[arg(long, value_name = "CAUSES")]
    cause: Vec<String>,
    /// At least so many seconds long
    #[arg(long, value_name = "S")]
    min_s: Option<String>,
    /// Go on behind a page: what it gave as "next"
    #[arg(long, value_name = "PLACE")]
    after: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value = "100")]
    limit: String,
    /// JSON lines on stdout
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Arguments) -> Outcome {
    let mut pairs = vec![("from", arguments.from), ("to", arguments.to), ("limit", arguments.limit)];
    pairs.extend(each("camera", &arguments.camera));
    pairs.extend(each("cause", &arguments.cause));
    pairs.extend(each("min_s", &arguments.min_s));
    pairs.extend(each("after", &arguments.after));
    let page: Value = arguments.door.get("/api/v1/gaps", &pairs)?;
    let gaps = page["gaps"].as_array().map(Vec::as_slice).unwrap_or_default();
    for gap in gaps {
        let text = |name: &str| gap[name].as_str().unwrap_or("-").to_owned();
        match arguments.json {
            true => println!("{gap}"),
            false => println!("{:<24} {} {} {}", text("camera"), text("from"), text("to"), text("cause")),
        }
    }
    match page["next"].as_str() {
        Some(next) => eprintln!("{} gaps; more with --after {next}", gaps.len()),
        None => eprintln!("{} gaps", gaps.len()),
    }
    Ok(())
}
