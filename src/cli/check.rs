//! `cunkou check`: everything that is wrong with a configuration, and with `--connect` with what it names.

use std::{io::Write, path::PathBuf, sync::Arc};

use anyhow::anyhow;
use cunkou::{
    camera::{self, Limits},
    config::{self, Broker, Camera, Config, StreamRole},
    detect::{Detector, Model, Runtime},
    id::Mint,
    mqtt::{self, ConnectionSettings},
    time::Clock,
};
use futures::{StreamExt, stream};
use serde_json::json;

use super::{Failure, Outcome, block_on};

/// Cameras that are tried at once: a town's switches should not take this for an attack.
const CAMERAS_AT_ONCE: usize = 16;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "config/cunkou.toml")]
    config: PathBuf,
    /// Try each camera, the broker and the model
    #[arg(long)]
    connect: bool,
    /// JSON lines on stdout: one a problem, one a thing that was tried
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
    if !arguments.connect {
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
    let failed = block_on(connect(&config, arguments.json))?;
    match failed {
        0 => Ok(()),
        _ => Err(Failure::Input(anyhow!(
            "{failed} of the things that the configuration names {}",
            if failed == 1 { "fails" } else { "fail" }
        ))),
    }
}

/// Tries everything; says how many failed.
async fn connect(config: &Config, json: bool) -> Result<usize, Failure> {
    let mut failed = 0;
    let mut told = |what: String, result: Result<String, String>| {
        failed += usize::from(result.is_err());
        let line = match (&result, json) {
            (_, true) => json!({
                "type": "tried", "what": what, "works": result.is_ok(), "detail": result.as_ref().unwrap_or_else(|why| why),
            })
            .to_string(),
            (Ok(detail), false) => format!("good  {what}: {detail}"),
            (Err(why), false) => format!("FAILS {what}: {why}"),
        };
        print(&line)
    };
    told(format!("model {}", config.detect.model), model(config))?;
    let broker = match &config.broker {
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
            let tried = mqtt::probe(&settings).await;
            let result = tried.map(|()| "accepts us".to_owned()).map_err(|ending| ending.to_string());
            (format!("broker {}:{}", broker.host, broker.port), result)
        }
    };
    told(broker.0, broker.1)?;
    let mut tried = stream::iter(streams(config))
        .map(|(camera, role)| async move {
            let result = camera::probe(&camera, role, Limits::default()).await;
            let result = result.map(|info| {
                let size = info.size.map_or_else(|| "size unknown".to_owned(), |size| size.to_string());
                format!("{:?}, {size}", info.codec)
            });
            let role = if role == StreamRole::Main { "main" } else { "sub" };
            (format!("camera {} {role}", camera.id), result.map_err(|ending| ending.to_string()))
        })
        .buffered(CAMERAS_AT_ONCE);
    while let Some((what, result)) = tried.next().await {
        told(what, result)?;
    }
    Ok(failed)
}

fn streams(config: &Config) -> Vec<(Arc<Camera>, StreamRole)> {
    let in_service = config.cameras.iter().filter(|camera| !camera.maintenance);
    in_service
        .flat_map(|camera| {
            let sub = camera.sub.as_ref().map(|_| (Arc::clone(camera), StreamRole::Sub));
            [(Arc::clone(camera), StreamRole::Main)].into_iter().chain(sub)
        })
        .collect()
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
