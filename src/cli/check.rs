//! `cunkou check`: everything that is wrong with a configuration, with `--connect` with what it names, and with `--store` with what was recorded.

mod cameras;
mod clips;
mod store;

use std::{io::Write, path::PathBuf};

use anyhow::anyhow;
use cunkou::{
    archive::Depth,
    config::{self, Broker, Config, Neighbour},
    daemon::raise_file_limit,
    decode::Backend,
    detect::{Detector, Model, Runtime},
    id::Mint,
    mqtt::{self, ConnectionSettings},
    time::Clock,
};
use serde_json::{Value, json};

use self::cameras::{Counts, Tried};
use super::{Failure, Outcome, block_on};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "config/cunkou.toml")]
    config: PathBuf,
    /// Try each camera, the brokers and the model, and say which cameras could be set better
    #[arg(long)]
    connect: bool,
    /// Prove that the records of recordings and the recordings agree; no daemon may be running with this configuration
    #[arg(long)]
    store: bool,
    /// With --store: read every recording and compare its hashes
    #[arg(long, requires = "store")]
    deep: bool,
    /// JSON lines on stdout: one a problem, one a thing that was tried or that does not agree
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Arguments) -> Outcome {
    let config = match config::load(&arguments.config) {
        Ok(config) => config,
        Err(problems) => {
            let count = problems.0.len();
            for problem in problems.0 {
                if arguments.json {
                    let mut line = serde_json::to_value(&problem)?;
                    line["type"] = "problem".into();
                    print(&line.to_string())?;
                } else {
                    print(&problem.to_string())?;
                }
            }
            return Err(Failure::Input(anyhow!(
                "{}: {count} {}",
                arguments.config.display(),
                plural(count, "problem")
            )));
        }
    };
    let depth = if arguments.deep { Depth::Hashes } else { Depth::Names };
    if !arguments.connect && !arguments.store {
        if !arguments.json {
            let (cameras, rules) =
                (config.cameras.len(), config.cameras.iter().map(|camera| camera.rules.len()).sum::<usize>());
            let file = arguments.config.display();
            print(&format!(
                "{file}: good: {cameras} {}, {rules} {} at them",
                plural(cameras, "camera"),
                plural(rules, "rule")
            ))?;
        }
        return Ok(());
    }
    let mut disagreeing = 0;
    if arguments.store {
        disagreeing += block_on(store::check(&config, depth, arguments.json))?;
        disagreeing += clips::check(&config, arguments.json)?;
    }
    let failed = if arguments.connect { block_on(connect(&config, arguments.json))? } else { 0 };
    match failed {
        0 if disagreeing == 0 => Ok(()),
        0 => Err(Failure::Input(anyhow!(
            "{disagreeing} {} not agree with what is on record",
            if disagreeing == 1 { "thing does" } else { "things do" }
        ))),
        _ => Err(Failure::Input(anyhow!(
            "{failed} of the things that the configuration names {}",
            if failed == 1 { "fails" } else { "fail" }
        ))),
    }
}

/// Tries everything; says how many failed.
async fn connect(config: &Config, json: bool) -> Result<usize, Failure> {
    // A whole town is listened to at once.
    raise_file_limit();
    let mut failed = 0;
    let mut told = |what: String, result: Result<String, String>, more: &dyn Fn(&mut Value)| {
        failed += usize::from(result.is_err());
        let line = match (&result, json) {
            (_, true) => {
                let (works, detail) = (result.is_ok(), result.as_ref().unwrap_or_else(|why| why));
                let mut line = json!({ "type": "tried", "what": what, "works": works, "detail": detail });
                more(&mut line);
                line.to_string()
            }
            (Ok(detail), false) => format!("good  {what}: {detail}"),
            (Err(why), false) => format!("FAILS {what}: {why}"),
        };
        print(&line)
    };
    told(format!("model {}", config.detect.model), model(config), &|_| ())?;
    let (what, result) = broker(config).await;
    told(what, result, &|_| ())?;
    for neighbour in &config.neighbours {
        let (what, result) = neighbours_broker(config, neighbour).await;
        told(what, result, &|_| ())?;
    }
    let backend = Backend::choose(config.decode.hardware);
    let described = backend.as_ref().map(Backend::describe).map_err(ToString::to_string);
    told("decoder".to_owned(), described, &|_| ())?;
    let (mut streams, mut counts) = (0, Counts::new());
    let each = |tried: Tried| {
        streams += 1;
        tried.count(&mut counts);
        let result = if tried.result.is_ok() { Ok(tried.detail()) } else { Err(tried.detail()) };
        told(tried.what(), result, &|line| tried.add_to(line))?;
        let advice = tried.advice().flatten();
        if json { Ok(()) } else { advice.into_iter().try_for_each(|line| print(&line)) }
    };
    cameras::try_all(config, backend.as_ref().ok(), each).await?;
    if json {
        print(
            &json!({ "type": "summary", "streams": streams, "failed": failed, "findings": counts })
                .to_string(),
        )?;
    } else if !counts.is_empty() {
        let each: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
        print(&format!("could be set better: {} (docs/cameras.md says more)", each.join(", ")))?;
    }
    Ok(failed)
}

/// Tries the broker.
async fn broker(config: &Config) -> (String, Result<String, String>) {
    match &config.broker {
        Broker::Embedded { listen } => {
            (format!("embedded broker {listen}"), Ok("starts with the daemon".to_owned()))
        }
        Broker::External(broker) => {
            let settings = ConnectionSettings::new(
                &config.station,
                broker.clone(),
                Clock::start().now().wall,
                Mint::from_os(),
            );
            (format!("broker {}:{}", broker.host, broker.port), probe(&settings).await)
        }
    }
}

async fn neighbours_broker(config: &Config, neighbour: &Neighbour) -> (String, Result<String, String>) {
    let (id, broker) = (&neighbour.id, &neighbour.broker);
    let settings = ConnectionSettings::at_neighbour(&config.station, broker.clone());
    (format!("broker of neighbour {id}, {}:{}", broker.host, broker.port), probe(&settings).await)
}

async fn probe(settings: &ConnectionSettings) -> Result<String, String> {
    mqtt::probe(settings).await.map(|()| "accepts us".to_owned()).map_err(|ending| ending.to_string())
}

fn model(config: &Config) -> Result<String, String> {
    let tried = || {
        let model = Model::load(&config.paths.models, &config.detect.model)?;
        let runtime = Runtime::load(config.paths.onnxruntime.as_deref())?;
        Detector::open(&runtime, &model, config.detect.provider)?;
        Ok::<String, cunkou::detect::DetectError>(format!("{} runs", model.name()))
    };
    tried().map_err(|error| error.to_string())
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { noun.to_owned() } else { format!("{noun}s") }
}

fn print(line: &str) -> std::io::Result<()> {
    writeln!(std::io::stdout().lock(), "{line}")
}
