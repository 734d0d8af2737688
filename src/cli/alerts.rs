//! `cunkou alerts` and `cunkou alert`: which alerts there are, and what is to be done with one.

use anyhow::anyhow;
use cunkou::{alert::life::Verb, mqtt::payload::AnswerResult};
use serde_json::{Map, Value, json};

use super::{
    Failure, Outcome,
    clip::plain,
    door::{Door, Pairs, each},
};

#[derive(clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    door: Door,
    /// Where they stand: open, closed, raised, acknowledged, escalated, claimed, resolved, dismissed, expired
    #[arg(long, value_name = "STATE", value_delimiter = ',')]
    state: Vec<String>,
    /// How bad: info, warning, major, critical
    #[arg(long, value_name = "SEVERITY", value_delimiter = ',')]
    severity: Vec<String>,
    /// Of which kinds
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    kind: Vec<String>,
    /// Of which cameras
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    camera: Vec<String>,
    /// Raised at this time or later
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Raised before this time
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// At most so many; the newest come first
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    /// JSON lines on stdout, an alert each
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(super) struct Order {
    #[command(flatten)]
    door: Door,
    /// What: ack, claim, release, escalate, resolve, dismiss, annotate
    #[arg(value_name = "VERB", value_parser = verb)]
    verb: Verb,
    /// With which alert
    #[arg(value_name = "ID")]
    id: String,
    /// Your name
    #[arg(long, value_name = "NAME")]
    who: String,
    /// Your unit
    #[arg(long, value_name = "NAME")]
    unit: String,
    /// Why it is dismissed: false-detection, known, harmless, duplicate, test, other (with a note)
    #[arg(long, value_name = "REASON")]
    reason: Option<String>,
    /// A remark
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Only if the alert still has this revision
    #[arg(long, value_name = "N")]
    if_rev: Option<u64>,
    /// The answer as JSON on stdout
    #[arg(long)]
    json: bool,
}

fn verb(text: &str) -> Result<Verb, String> {
    let known = Verb::ALL.map(Verb::as_str).join(", ");
    Verb::ALL.into_iter().find(|verb| verb.as_str() == text).ok_or(format!("use one of {known}"))
}

/// Alerts asked for at once.
const PAGE: usize = 1000;

pub(super) fn list(list: List) -> Outcome {
    let mut pairs: Pairs = each("state", &list.state);
    pairs.extend(each("severity", &list.severity));
    pairs.extend(each("kind", &list.kind));
    pairs.extend(each("camera", &list.camera));
    pairs.extend(each("from", &list.from));
    pairs.extend(each("to", &list.to));
    let (mut shown, mut after) = (0, None::<String>);
    while shown < list.limit {
        let mut asked = pairs.clone();
        asked.push(("limit", (list.limit - shown).min(PAGE).to_string()));
        asked.extend(after.map(|after| ("after", after)));
        let page: Value = list.door.get("/api/v1/alerts", &asked)?;
        for alert in page["alerts"].as_array().into_iter().flatten() {
            match list.json {
                true => println!("{alert}"),
                false => println!("{}", in_words(alert)),
            }
            shown += 1;
        }
        match page["next"].as_str() {
            Some(next) => after = Some(next.to_owned()),
            None => break,
        }
    }
    eprintln!("{shown} alerts");
    Ok(())
}

pub(super) fn order(order: Order) -> Outcome {
    let mut command = Map::new();
    command.insert("actor".into(), json!({ "who": order.who, "unit": order.unit }));
    command.extend(order.reason.map(|reason| ("reason".into(), reason.into())));
    command.extend(order.note.map(|note| ("note".into(), note.into())));
    command.extend(order.if_rev.map(|rev| ("if_rev".into(), rev.into())));
    let path = format!("/api/v1/alerts/{}/{}", plain(&order.id)?, order.verb.as_str());
    let answer: Value = order.door.order(&path, &command)?;
    if order.json {
        println!("{answer}");
    }
    let result = serde_json::from_value::<AnswerResult>(answer["result"].clone()).ok();
    let why = || anyhow!("{}", answer["why"].as_str().unwrap_or("the daemon does not say why"));
    match result {
        Some(AnswerResult::Ok) => {
            if let Some(alert) = answer.get("alert") {
                eprintln!("{}", in_words(alert));
            }
            Ok(())
        }
        Some(AnswerResult::Invalid) => Err(Failure::input(why())),
        _ => Err(Failure::Failed(why())),
    }
}

fn in_words(alert: &Value) -> String {
    let text = |pointer: &str| alert.pointer(pointer).and_then(Value::as_str).unwrap_or("-").to_owned();
    let holder = alert.pointer("/life/claim/by/who").and_then(Value::as_str);
    let state = match holder {
        Some(who) => format!("{} by {who}", text("/state")),
        None => text("/state"),
    };
    format!(
        "{} {} {:<8} {:<16} {:<24} {:<22} {}",
        text("/alert_id"),
        text("/occurred_at"),
        text("/severity"),
        text("/kind"),
        text("/camera/id"),
        state,
        text("/explain/en")
    )
}
