//! `cunkou bench gate`: what the gate catches of footage, by how it is encoded.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, anyhow};
use cunkou::{
    config::{self, Hardware, Provider},
    decode::Backend,
    detect::{Detector, Model, Runtime},
    gate::Grant,
    id::ModelId,
    sim::material::{Coding, EncodedFilm, Guise, NightNoise, Recoding, Street, encode_film},
    trial::{Report, Setting, play, report},
};

use super::super::{Failure, Outcome};

/// What is tried, by what is asked of an encoder; what ends in `-night` has a dark camera's noise.
const ENCODINGS: [&str; 15] = [
    "h264-q24-gop2s",
    "h264-q24-gop1s",
    "h264-q24-gop10s",
    "h264-q24max512-gop2s",
    "h264-vbr512max1024-gop2s",
    "h264-abr512-gop2s",
    "h264-cbr512-gop2s",
    "h264-cbr512fill-gop2s",
    "h264-q24-scenecut10s",
    "h264-q24-gop2s-b2pyramid",
    "h264-q24-refresh2s",
    "h265-q25-gop2s",
    "h265-cbr512-gop2s",
    "h264-q24-gop2s-night",
    "h264-cbr512-gop2s-night",
];
const NIGHT: NightNoise = NightNoise { sigma: 6.0, seed: 7 };
/// Longest time that visits may last from the film's start, in seconds: a day.
const SECONDS_MAX: f64 = 86_400.0;

#[derive(clap::Args)]
pub(in super::super) struct Gate {
    /// Footage to encode; without it, the project's own street with six visits
    #[arg(long, value_name = "FILE", requires = "visits")]
    video: Option<PathBuf>,
    /// When somebody is there: JSON, [[begin_s, end_s], …]
    #[arg(long, value_name = "FILE", requires = "video")]
    visits: Option<PathBuf>,
    /// Encodings to try, separated by commas; without it, all that are known
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    encodings: Vec<String>,
    /// Time between looks without cause, in seconds: what is left for a camera among 778 on two cores
    #[arg(long, value_name = "S", default_value = "6", value_parser = clap::value_parser!(u16).range(1..=600))]
    guard_s: u16,
    /// Visits of the project's own footage that are used
    #[arg(long, value_name = "N", default_value = "6")]
    visits_max: usize,
    /// Visitors of the project's own footage so many times smaller, as if farther away
    #[arg(long, value_name = "N", default_value = "1", conflicts_with = "video", value_parser = clap::value_parser!(u8).range(1..=16))]
    smaller: u8,
    /// Visitors of the project's own footage so many times slower
    #[arg(long, value_name = "N", default_value = "1", conflicts_with = "video", value_parser = clap::value_parser!(u8).range(1..=64))]
    slower: u8,
    /// Folder of the models
    #[arg(long, value_name = "DIR", default_value = "models")]
    models: PathBuf,
    /// Which model
    #[arg(long, value_name = "ID", default_value = "nanodet-g-416-int8")]
    model: ModelId,
    /// The report as one JSON object on the last line of stdout
    #[arg(long)]
    json: bool,
}

type Visits = Vec<Range<Duration>>;

enum Footage {
    File { path: PathBuf, visits: Visits },
    Street(Box<Street>, Guise),
}

pub(super) fn run(of: &Gate) -> Outcome {
    let encodings = encodings(&of.encodings)?;
    let footage = footage(of)?;
    let model = Model::load(&of.models, &of.model).map_err(Failure::input)?;
    let runtime = Runtime::load(None)?;
    let mut detector = Detector::open(&runtime, &model, Provider::Cpu)?;
    let config =
        config::parse(config::replay_toml(), "config/replay.toml", Path::new("config"), &config::Machine)?;
    let camera =
        config.cameras.first().map(Arc::clone).context("the built-in configuration has no camera")?;
    let mut setting = Setting {
        camera,
        facts: model.facts(),
        backend: Backend::choose(Hardware::Off)?,
        detector: &mut detector,
    };
    let guard = Grant::Sparse { every: Duration::from_secs(of.guard_s.into()) };
    let (mut caught, mut caught_always) = (0, 0);
    let mut by_name = serde_json::Map::new();
    for (name, recoding) in encodings {
        let (film, visits) = footage.encoded(&recoding)?;
        let codec = recoding.coding.codec;
        let gated = play(&film, codec, &visits, guard, &mut setting);
        let always = play(&film, codec, &visits, Grant::Always, &mut setting);
        let told = report(&gated, &always);
        caught += told.caught.min(told.caught_always);
        caught_always += told.caught_always;
        eprintln!("{name}: {}", serde_json::to_string(&told)?);
        by_name.insert(name, serde_json::to_value(told)?);
    }
    let caught_share = if caught_always == 0 { 1.0 } else { f64::from(caught as u32) / caught_always as f64 };
    let report = Report { encodings: by_name, caught_share, guard_s: of.guard_s.into() };
    if of.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        println!("{report:#?}");
    }
    Ok(())
}

fn encodings(names: &[String]) -> Result<Vec<(String, Recoding)>, Failure> {
    let all = ENCODINGS.map(str::to_owned);
    let names = if names.is_empty() { &all[..] } else { names };
    let read = |name: &String| {
        let (coding, noise) = match name.strip_suffix("-night") {
            Some(coding) => (coding, Some(NIGHT)),
            None => (name.as_str(), None),
        };
        let coding: Coding = coding.parse().map_err(Failure::input)?;
        Ok((name.clone(), Recoding { coding, size: None, rate: None, noise }))
    };
    names.iter().map(read).collect()
}

fn footage(of: &Gate) -> Result<Footage, Failure> {
    let (Some(path), Some(visits)) = (&of.video, &of.visits) else {
        let cache = Path::new(".cache/sim");
        let street = Street::open(cache, of.visits_max.max(1)).map_err(Failure::input)?;
        let guise = Guise { smaller: of.smaller.into(), slower: of.slower.into() };
        return Ok(Footage::Street(Box::new(street), guise));
    };
    if !path.is_file() {
        return Err(Failure::Input(anyhow!("{}: there is no such file", path.display())));
    }
    let text = fs::read_to_string(visits)
        .map_err(|error| Failure::Input(anyhow!("{}: {error}", visits.display())))?;
    let visits = read_visits(&text).map_err(|why| Failure::Input(anyhow!("{}: {why}", visits.display())))?;
    Ok(Footage::File { path: path.clone(), visits })
}

/// `[[begin_s, end_s], …]`.
fn read_visits(text: &str) -> Result<Visits, String> {
    let pairs: Vec<[f64; 2]> = serde_json::from_str(text)
        .map_err(|error| format!("write visits as [[begin_s, end_s], …]: {error}"))?;
    let read = |[begin, end]: [f64; 2]| {
        if !(0.0 <= begin && begin < end && end <= SECONDS_MAX) {
            return Err(format!(
                "a visit from {begin} s to {end} s: it must begin at 0 or later, and end after that, within a day"
            ));
        }
        Ok(Duration::from_secs_f64(begin)..Duration::from_secs_f64(end))
    };
    pairs.into_iter().map(read).collect()
}

impl Footage {
    fn encoded(&self, recoding: &Recoding) -> Result<(EncodedFilm, Visits), Failure> {
        match self {
            Self::File { path, visits } => {
                let film = encode_film(path, recoding, &mut |_| ()).map_err(Failure::input)?;
                Ok((film, visits.clone()))
            }
            Self::Street(street, guise) => Ok(street.film(recoding, *guise)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visits_are_read_or_said_to_be_wrong() {
        let second = Duration::from_secs;
        assert_eq!(read_visits("[[1, 2], [3.0, 4]]").unwrap(), [second(1)..second(2), second(3)..second(4)]);
        for (bad, word) in [
            ("{}", "[[begin_s"),
            ("[[2, 1]]", "2 s to 1 s"),
            ("[[-1, 1]]", "0 or later"),
            ("[[0]]", "length"),
        ] {
            let told = read_visits(bad).unwrap_err();
            assert!(told.contains(word), "{bad}: {told}");
        }
    }

    #[test]
    fn every_encoding_of_the_list_is_one() {
        assert!(encodings(&[]).is_ok_and(|known| known.len() == ENCODINGS.len()));
        assert!(matches!(encodings(&["h264-best".to_owned()]), Err(Failure::Input(_))));
    }
}
