//! `cunkou replay --rules`: other rules, tried over what a station has seen.
//!
//! Owns of which cameras, and how the answer is printed. Logs and judgement belong to `shadow`.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::Path,
    sync::Arc,
    time::SystemTime,
};

use anyhow::{Context, anyhow};
use cunkou::{
    config::{self, Camera, Config, Rule},
    detect::SureFrom,
    id::{CameraId, RuleId},
    shadow::{self, Log, Outcome as By, Tally, Tried},
    time::Wall,
};
use jiff::{Span, SpanRelativeTo};
use serde_json::{Value, json};

use super::{Failure, Outcome};

/// What is asked.
pub(super) struct Question<'a> {
    /// The configuration whose rules are tried.
    pub(super) rules: &'a Path,
    /// The one whose volumes are read; that of the rules where there is none.
    pub(super) config: Option<&'a Path>,
    /// How far back.
    pub(super) since: &'a str,
    /// Of which cameras; all where there is none.
    pub(super) cameras: &'a [CameraId],
    /// JSON lines.
    pub(super) json: bool,
}

pub(super) fn run(question: &Question<'_>) -> Outcome {
    let rules = config::load(question.rules).map_err(Failure::input)?;
    let station = question.config.map(config::load).transpose().map_err(Failure::input)?;
    let volumes: Vec<&Path> =
        station.as_ref().unwrap_or(&rules).volumes.iter().map(|volume| volume.path.as_path()).collect();
    let since = since(question.since)?;
    let cameras = chosen(&rules, question)?;
    let mut printer = Printer { json: question.json, out: io::stdout().lock() };
    for camera in cameras {
        let mut log = Log::default();
        let records = log.read(&volumes, &camera.id, since, usize::MAX).map_err(|error| anyhow!(error))?;
        for (path, damage) in &log.damaged {
            eprintln!("{}: {damage}", path.display());
        }
        printer.log(&camera.id, &log)?;
        let tried = shadow::replay(camera, records, since);
        for one in &tried {
            printer.tried(&camera.id, one)?;
        }
        for rule in &camera.rules {
            for limit in limits(rule) {
                printer.limit(&camera.id, &rule.id, &limit)?;
            }
        }
        let mut tallies = Tally::of(&tried);
        for rule in &camera.rules {
            tallies.entry(rule.id.clone()).or_default();
        }
        printer.summary(&camera.id, &tallies)?;
    }
    Ok(())
}

/// `7d`, `12h`, `1w 2d`: so long before now. Days have 24 hours.
fn since(text: &str) -> Result<Wall, Failure> {
    let span: Result<Span, jiff::Error> = text.parse();
    let length = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()));
    let length = length.ok().and_then(|length| std::time::Duration::try_from(length).ok());
    let length = length.ok_or_else(|| {
        Failure::Input(anyhow!("--since {text} is no length of time: write 7d, 12h or 30m, for instance"))
    })?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).context("the clock is before 1970")?;
    Ok(Wall::from_unix_ms(now.saturating_sub(length).as_millis() as i64))
}

fn chosen<'a>(rules: &'a Config, question: &Question<'_>) -> Result<Vec<&'a Arc<Camera>>, Failure> {
    if question.cameras.is_empty() {
        return Ok(rules.cameras.iter().collect());
    }
    let find = |id: &CameraId| {
        let camera = rules.cameras.iter().find(|camera| camera.id == *id);
        camera.ok_or_else(|| Failure::Input(anyhow!("{} has no camera {id}", question.rules.display())))
    };
    question.cameras.iter().map(find).collect()
}

/// What of a rule the log cannot tell.
fn limits(rule: &Rule) -> Vec<String> {
    let mut limits = Vec::new();
    let SureFrom(sure_from) = SureFrom::default();
    let unsure = rule.classes.iter().any(|class| rule.confidence_min < sure_from[*class as usize]);
    if unsure {
        limits.push(
            "what was never surer than a track needs to begin was not kept, and cannot be judged".into(),
        );
    }
    if rule.frames_needed < 3 {
        limits.push("who was surely seen in fewer than 3 looks and raised nothing was not kept".into());
    }
    limits
}

struct Printer<W> {
    json: bool,
    out: W,
}

impl<W: Write> Printer<W> {
    fn log(&mut self, camera: &CameraId, log: &Log) -> Outcome {
        let time = |at: Option<Wall>| at.map(|at| at.to_string());
        if self.json {
            return self.line(&json!({
                "type": "log",
                "camera": camera,
                "files": log.files,
                "passages": log.passages,
                "looks": log.looks,
                "from": time(log.from),
                "to": time(log.to),
                "lost_bytes": log.lost_bytes(),
            }));
        }
        let (Some(from), Some(to)) = (log.from, log.to) else {
            writeln!(self.out, "{camera}: nothing was kept; whether anybody passed is not known")?;
            return Ok(());
        };
        writeln!(
            self.out,
            "{camera}: {} passages, {} looks, from {from} to {to}; where it was not looked at, nothing is known",
            log.passages, log.looks
        )?;
        Ok(())
    }

    fn tried(&mut self, camera: &CameraId, one: &Tried) -> Outcome {
        let (then, now) = match one.outcome {
            By::Both => (true, true),
            By::OnlyThen => (true, false),
            By::OnlyNow => (false, true),
        };
        if self.json {
            return self.line(&json!({
                "type": "shadow",
                "camera": camera,
                "at": one.at.to_string(),
                "rule": one.rule,
                "kind": one.kind,
                "class": one.class,
                "direction": one.direction,
                "raised_then": then,
                "would_raise": now,
                "alert": one.alert,
            }));
        }
        let sign = match one.outcome {
            By::Both => ' ',
            By::OnlyThen => '-',
            By::OnlyNow => '+',
        };
        writeln!(self.out, "{sign} {} {} {} {}", one.at, one.rule, one.kind.as_str(), one.class.as_str())?;
        Ok(())
    }

    fn limit(&mut self, camera: &CameraId, rule: &RuleId, limit: &str) -> Outcome {
        if self.json {
            return self.line(&json!({ "type": "limit", "camera": camera, "rule": rule, "what": limit }));
        }
        writeln!(self.out, "  {rule}: {limit}")?;
        Ok(())
    }

    fn summary(&mut self, camera: &CameraId, tallies: &BTreeMap<RuleId, Tally>) -> Outcome {
        if !self.json {
            let (rule, then, would) = ("rule", "raised then", "would raise");
            writeln!(
                self.out,
                "{rule:<32} {then:>11} {would:>11} {:>8} {:>9} {:>8}",
                "both", "only then", "only now"
            )?;
        }
        for (rule, tally) in tallies {
            let Tally { both, only_then, only_now } = tally;
            let (then, would) = (tally.raised_then(), tally.would_raise());
            if self.json {
                self.line(&json!({
                    "type": "summary",
                    "camera": camera,
                    "rule": rule,
                    "raised_then": then,
                    "would_raise": would,
                    "both": both,
                    "only_then": only_then,
                    "only_now": only_now,
                }))?;
            } else {
                let rule = rule.as_str();
                writeln!(
                    self.out,
                    "{rule:<32} {then:>11} {would:>11} {both:>8} {only_then:>9} {only_now:>8}"
                )?;
            }
        }
        Ok(())
    }

    fn line(&mut self, line: &Value) -> Outcome {
        writeln!(self.out, "{line}")?;
        Ok(())
    }
}
