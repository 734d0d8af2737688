//! `cunkou keys`: the station's keys, listed and changed.
//!
//! Works on the files: a daemon reads the key anew whenever it signs, holds its lock meanwhile, and so signs with a new one from then on.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use anyhow::anyhow;
use cunkou::{
    evidence::{Actor, Evidence, Purpose, read_keyring},
    time::Clock,
};
use serde_json::json;

use super::{
    Failure, Outcome,
    door::Warrant,
    place::{Known, Place},
    print_plain,
};

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: List,
}

#[derive(clap::Args)]
struct List {
    #[command(flatten)]
    place: Place,
    /// JSON lines on stdout, a key each
    #[arg(long)]
    json: bool,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Make a new key, to which the one in use hands over
    #[command(
        after_help = "Example:\n  sudo -u cunkou cunkou keys rotate --config /etc/cunkou/cunkou.toml --who Li --unit station \\\n    \
        --purpose \"the old key was on a disk that was sold\" --case IT-2026-7\n\n\
        The daemon may be running. Packs from before stay whole; tell those who compare fingerprints the new one."
    )]
    Rotate(Rotate),
}

#[derive(clap::Args)]
struct Rotate {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    warrant: Warrant,
}

pub(super) fn run(arguments: Arguments) -> Outcome {
    match arguments.command {
        None => list(&arguments.list),
        Some(Command::Rotate(rotate)) => self::rotate(rotate),
    }
}

fn list(arguments: &List) -> Outcome {
    let keyring = read_keyring(&arguments.place.find()?.keyring()).map_err(Failure::input)?;
    for key in keyring.keys() {
        let (from, until) = (key.from.to_string(), key.until.map(|until| until.to_string()));
        let fingerprint = key.public.fingerprint();
        if arguments.json {
            let line = json!({
                "station": keyring.station(), "key": key.id, "public": key.public, "fingerprint": fingerprint,
                "from": from, "until": until,
            });
            print_plain(&line.to_string())?;
        } else {
            let until = until.unwrap_or_else(|| "in use".to_owned());
            print_plain(&format!("{}  {from} – {until}", key.id))?;
            print_plain(&format!("    fingerprint {fingerprint}"))?;
        }
    }
    Ok(())
}

fn rotate(arguments: Rotate) -> Outcome {
    let known = arguments.place.find()?;
    // A first key is the daemon's to make: where there is none, this is not the station's data.
    let before = read_keyring(&known.keyring()).map_err(Failure::input)?;
    is_ours(&known)?;
    let (actor, purpose): (Actor, Purpose) = arguments.warrant.read()?;
    let now = Clock::start().now().wall;
    let mut evidence = Evidence::open(&known.data, before.station(), now)?;
    let new = evidence.rotate_key(now, actor, purpose)?;
    println!("{new}");
    let keyring = evidence.keyring()?;
    let fingerprint = keyring.find(new).map(|key| key.public.fingerprint()).unwrap_or_default();
    eprintln!(
        "{} has handed over to it and is destroyed; its fingerprint: {fingerprint}",
        before.current().id
    );
    eprintln!("the station's public keys: {}", known.keyring().display());
    Ok(())
}

/// Files that root makes, the daemon could not read.
fn is_ours(known: &Known) -> Outcome {
    let keys: &Path = &known.data.join("keys");
    let (owner, we) = (fs::metadata(keys)?.uid(), rustix::process::geteuid().as_raw());
    match owner == we {
        true => Ok(()),
        false => Err(Failure::input(anyhow!(
            "{}: belongs to user {owner}, and you are {we}: run this as the user as whom the daemon runs (sudo -u '#{owner}' cunkou keys rotate …)",
            keys.display()
        ))),
    }
}
