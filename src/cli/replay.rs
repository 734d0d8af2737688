//! `cunkou replay`: recorded files, judged as a camera would be.

use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use anyhow::{Context, anyhow};
use cunkou::{
    alert::Change,
    config::{self, Camera, Config},
    decode::file::Reader,
    detect::{Detector, Facts, Model, Runtime},
    id::{CameraId, Mint},
    lane::{Replay, Replayed},
    rules::Verdict,
};
use serde_json::{Value, json};

use super::{Failure, Outcome, shadow};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Video files (mp4, mkv, avi, h264, …)
    #[arg(required_unless_present = "rules", conflicts_with = "rules", value_name = "VIDEO")]
    videos: Vec<PathBuf>,
    /// With videos: a configuration whose rules apply; without it, any person that comes to stay in view for a moment, and any vehicle that comes near,
    /// raises `zone-enter`. With --rules: the one whose volumes are read, if it is another
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// With videos: which of the configuration's cameras they are taken for. With --rules: of which cameras; may be repeated
    #[arg(long, value_name = "ID")]
    camera: Vec<CameraId>,
    /// Without videos: a configuration whose zones, lines and rules are tried over what was seen, as the logs beside the recordings have it
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// How far back --rules goes: 7d, 12h, 30m
    #[arg(long, value_name = "TIME", default_value = "7d", requires = "rules")]
    since: String,
    /// JSON lines on stdout
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Arguments) -> Outcome {
    if let Some(rules) = &arguments.rules {
        return shadow::run(&shadow::Question {
            rules,
            config: arguments.config.as_deref(),
            since: &arguments.since,
            cameras: &arguments.camera,
            json: arguments.json,
        });
    }
    let (config, camera) = station(&arguments)?;
    let model = Model::load(&config.paths.models, &config.detect.model).map_err(Failure::input)?;
    let runtime = Runtime::load(config.paths.onnxruntime.as_deref())?;
    let mut detector = Detector::open(&runtime, &model, config.detect.provider)?;
    for video in &arguments.videos {
        if arguments.videos.len() > 1 && !arguments.json {
            eprintln!("{}", video.display());
        }
        replay(video, &camera, model.facts(), &mut detector, arguments.json)?;
    }
    Ok(())
}

/// The configuration and the camera that the files are taken for.
fn station(arguments: &Arguments) -> Result<(Config, Arc<Camera>), Failure> {
    let (file, id) = match (&arguments.config, arguments.camera.as_slice()) {
        (Some(file), [id]) => (file, id),
        (None, []) => return usual(),
        _ => {
            let what = "videos are judged by the rules of one camera: give both --config and --camera, once";
            return Err(Failure::Input(anyhow!(what)));
        }
    };
    let config = config::load(file).map_err(Failure::input)?;
    let camera = config.cameras.iter().find(|camera| camera.id == *id).map(Arc::clone);
    let camera = camera.ok_or_else(|| {
        let known: Vec<&str> = config.cameras.iter().map(|camera| camera.id.as_str()).collect();
        Failure::Input(anyhow!("{} has no camera {id}; it has: {}", file.display(), known.join(", ")))
    })?;
    Ok((config, camera))
}

/// What is judged by without a configuration.
fn usual() -> Result<(Config, Arc<Camera>), Failure> {
    let config =
        config::parse(config::replay_toml(), "config/replay.toml", Path::new("config"), &config::Machine)?;
    let camera =
        config.cameras.first().map(Arc::clone).context("the built-in configuration has no camera")?;
    Ok((config, camera))
}

fn replay(video: &Path, camera: &Arc<Camera>, facts: Facts, detector: &mut Detector, json: bool) -> Outcome {
    let began = Instant::now();
    let reader = Reader::open(video).map_err(Failure::input)?;
    let mut replay = Replay::new(Arc::clone(camera), facts, Mint::seeded(0));
    let mut printer = Printer { json, out: std::io::stdout().lock(), alerts: 0 };
    let mut broken = None;
    for frame in reader {
        let frame = match frame {
            Ok(frame) => frame,
            // What came before it counts all the same.
            Err(error) => {
                broken = Some(error);
                break;
            }
        };
        let t_ms = frame.media.ms();
        if let Some(seen) = replay.frame(frame, detector)? {
            printer.seen(t_ms, &seen)?;
        }
    }
    let (end_ms, verdicts) = replay.finish();
    printer.verdicts(end_ms, &verdicts)?;
    let counts = replay.counts();
    printer.line(&json!({
        "type": "summary",
        "frames": counts.frames,
        "decoded": counts.frames,
        "inferred": counts.inferred,
        "alerts": printer.alerts,
        "wall_s": (began.elapsed().as_secs_f64() * 10.0).round() / 10.0,
    }))?;
    broken.map_or(Ok(()), |error| Err(Failure::input(error)))
}

struct Printer<W> {
    json: bool,
    out: W,
    alerts: u64,
}

impl<W: Write> Printer<W> {
    fn seen(&mut self, t_ms: i64, seen: &Replayed) -> Outcome {
        if self.json {
            for (track, detection) in &seen.detections {
                let bbox = detection.bbox.to_pixels(seen.size);
                let bbox = [bbox.l, bbox.t, bbox.r, bbox.b].map(|edge| edge.round() as i64);
                self.line(&json!({
                    "type": "detection",
                    "t_ms": t_ms,
                    "frame": seen.number,
                    "track": track,
                    "class": detection.class,
                    "confidence": round(detection.confidence),
                    "box": bbox,
                }))?;
            }
        }
        self.verdicts(t_ms, &seen.verdicts)
    }

    fn verdicts(&mut self, t_ms: i64, verdicts: &[Verdict]) -> Outcome {
        for Verdict { change, alert } in verdicts {
            let kind = alert.rule.when.kind();
            let object = alert.objects.first().context("an alert is about something")?;
            match change {
                Change::Raised => {
                    self.alerts += 1;
                    self.line(&json!({
                        "type": "alert",
                        "t_ms": t_ms,
                        "kind": kind,
                        "severity": alert.rule.severity,
                        "track": object.track,
                        "class": object.class,
                        "began_ms": alert.occurred_at.unix_ms(),
                        "confidence": round(object.confidence),
                        "rule": alert.rule.id,
                        "direction": alert.direction,
                        "alert": alert.id,
                    }))?;
                }
                Change::Ended => self.line(&json!({
                    "type": "alert_end", "t_ms": t_ms, "track": object.track, "kind": kind, "rule": alert.rule.id,
                    "alert": alert.id,
                }))?,
                Change::Updated => {}
            }
        }
        Ok(())
    }

    fn line(&mut self, line: &Value) -> Outcome {
        if self.json {
            writeln!(self.out, "{line}")?;
        } else {
            let members = line.as_object().into_iter().flatten();
            let words: Vec<String> = members
                .map(|(key, value)| if key == "type" { format!("{value}") } else { format!("{key}={value}") })
                .collect();
            writeln!(self.out, "{}", words.join(" ").replace('"', ""))?;
        }
        Ok(())
    }
}

fn round(confidence: f32) -> f64 {
    (f64::from(confidence) * 1000.0).round() / 1000.0
}
