//! `cunkou requests`: clips of neighbouring stations that are asked for, here and there.

use serde_json::{Value, json};

use super::{
    Outcome,
    clip::plain,
    door::{Door, Warrant},
};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Every request, those of neighbours and our own
    #[command(after_help = "Example:\n  cunkou requests list --json")]
    List(List),
    /// Ask a neighbouring station for the clip of one of its alerts
    #[command(
        after_help = "Example:\n  cunkou requests ask 01JQ… --who Li --unit patrol --purpose \"a lost child\" --case 2026-0312"
    )]
    Ask(Ask),
    /// Grant or refuse what a neighbouring station asks for
    #[command(
        after_help = "Example:\n  cunkou requests answer 01JQ… --grant --who Wang --unit station --why \"as agreed by telephone\""
    )]
    Answer(Answer),
}

#[derive(clap::Args)]
pub(super) struct List {
    #[command(flatten)]
    door: Door,
    /// JSON lines on stdout
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
pub(super) struct Ask {
    #[command(flatten)]
    door: Door,
    #[command(flatten)]
    warrant: Warrant,
    /// The clip of which alert
    #[arg(value_name = "ALERT")]
    alert: String,
}

#[derive(clap::Args)]
pub(super) struct Answer {
    #[command(flatten)]
    door: Door,
    /// Which request
    #[arg(value_name = "ID")]
    id: String,
    /// It may be seen: the neighbour is sent an address that is good for this clip for 24 hours
    #[arg(long, required_unless_present = "refuse", conflicts_with = "refuse")]
    grant: bool,
    /// It may not
    #[arg(long)]
    refuse: bool,
    /// Your name
    #[arg(long, value_name = "NAME")]
    who: String,
    /// Your unit
    #[arg(long, value_name = "NAME")]
    unit: String,
    /// Why; the neighbour is told
    #[arg(long, value_name = "TEXT", default_value = "")]
    why: String,
}

pub(super) fn run(command: Command) -> Outcome {
    match command {
        Command::List(list) => {
            let requests: Vec<Value> = list.door.get("/api/v1/clip-requests", &Vec::new())?;
            for request in &requests {
                match list.json {
                    true => println!("{request}"),
                    false => println!("{}", in_words(request)),
                }
            }
            eprintln!("{} requests", requests.len());
        }
        Command::Ask(ask) => {
            let mut wanted = json!({ "alert": plain(&ask.alert)? });
            for (name, text) in ask.warrant.pairs() {
                wanted[name] = text.into();
            }
            let made: Value = ask.door.post("/api/v1/clip-requests", &wanted)?;
            println!("{}", made["request_id"].as_str().unwrap_or_default());
        }
        Command::Answer(answer) => {
            let path = format!("/api/v1/clip-requests/{}/answer", plain(&answer.id)?);
            let decided =
                json!({ "grant": answer.grant, "who": answer.who, "unit": answer.unit, "why": answer.why });
            let request: Value = answer.door.post(&path, &decided)?;
            eprintln!("{}", in_words(&request));
        }
    }
    Ok(())
}

fn in_words(request: &Value) -> String {
    let text = |pointer: &str| request.pointer(pointer).and_then(Value::as_str).unwrap_or("-").to_owned();
    let state = request.pointer("/answer/result").and_then(Value::as_str).unwrap_or("waits");
    format!(
        "{} {} {:<8} {:<16} {} {:<8} {} ({}), {}, {} {}",
        text("/request_id"),
        text("/asked_at"),
        text("/way"),
        text("/neighbour"),
        text("/alert_id"),
        state,
        text("/who"),
        text("/unit"),
        text("/purpose"),
        text("/case"),
        text("/answer/url"),
    )
}
