//! `cunkou report`: volumes, answer times, breaches, outages and what each rule was worth, over a day, a week or a month.

use serde_json::Value;

use super::{Outcome, door::Door};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    door: Door,
    #[command(flatten)]
    span: Span,
    /// The day, week or month that holds this day; the newest that is over where it is absent
    #[arg(long, value_name = "DATE")]
    date: Option<String>,
    /// The whole report as one line of JSON on stdout
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Span {
    /// From midnight to midnight of the station's civil time
    #[arg(long)]
    day: bool,
    /// From Monday to Sunday
    #[arg(long)]
    week: bool,
    /// From the first to the last of a month
    #[arg(long)]
    month: bool,
}

impl Span {
    fn word(&self) -> &'static str {
        match self {
            Self { month: true, .. } => "month",
            Self { week: true, .. } => "week",
            _ => "day",
        }
    }
}

pub(super) fn run(arguments: Arguments) -> Outcome {
    let mut pairs = vec![("span", arguments.span.word().to_owned())];
    pairs.extend(arguments.date.map(|date| ("date", date)));
    let report: Value = arguments.door.get("/api/v1/report", &pairs)?;
    if arguments.json {
        println!("{report}");
        return Ok(());
    }
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    let (period, alerts, answers) = (&report["period"], &report["alerts"], &report["answers"]);
    println!("{} to {} ({})", text(&period["first"]), text(&period["last"]), text(&period["time_zone"]));
    println!(
        "{} alerts, {} incidents, {} drills; {} over ten minutes",
        alerts["total"], alerts["incidents"], alerts["drills"], report["breaches"]["count"]
    );
    println!(
        "told {}, told again {}, escalated {}",
        answers["told"], answers["told_again"], answers["escalated"]
    );
    for step in ["acknowledged", "claimed", "closed"] {
        let times = &answers[step];
        let s = |name: &str| text(&times[name]);
        println!(
            "{step:<13} {:>6}  median {} s, 9 of 10 within {} s, longest {} s",
            s("count"),
            s("p50_s"),
            s("p90_s"),
            s("max_s")
        );
    }
    for worth in rows(&report["rules"]) {
        println!(
            "{:<24} {:<24} {:>6} alerts, wrong {}, precision {}",
            text(&worth["rule"]),
            text(&worth["camera"]),
            text(&worth["alerts"]),
            worth["wrong"],
            text(&worth["precision"])
        );
    }
    for outage in rows(&report["outages"]) {
        println!(
            "{:<24} {:<16} {} times, {} s in all, longest {} s",
            text(&outage["camera"]),
            text(&outage["kind"]),
            outage["times"],
            outage["total_s"],
            outage["longest_s"]
        );
    }
    eprintln!(
        "as a page to print: /report?span={}&date={} below the daemon's address",
        text(&period["span"]),
        text(&period["first"])
    );
    Ok(())
}

fn rows(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
