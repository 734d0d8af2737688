//! `cunkou hold`: recordings that are kept from being deleted.

use serde_json::{Value, json};

use super::{Outcome, clip::plain, door::Door};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Every hold, the released ones included
    #[command(after_help = "Example:\n  cunkou hold list --json")]
    List(List),
    /// Keep what a camera recorded in a time, and what it will record in it
    #[command(
        after_help = "Example:\n  cunkou hold add --camera north-gate-1 --from 2026-03-09T18:00:00Z --to 2026-03-09T20:00:00Z \\\n    \
        --owner Li --unit station --reason \"theft of a tricycle\" --case 2026-0312 --review 2026-06-01"
    )]
    Add(Add),
    /// Let go of one: from then on it is deleted when its time is up
    #[command(
        after_help = "Example:\n  cunkou hold release 01JQ… --by Li --unit station --why \"the case is closed\""
    )]
    Release(Release),
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
pub(super) struct Add {
    #[command(flatten)]
    door: Door,
    /// Of which camera
    #[arg(long, value_name = "ID")]
    camera: String,
    /// From when
    #[arg(long, value_name = "TIME")]
    from: String,
    /// Until when
    #[arg(long, value_name = "TIME")]
    to: String,
    /// Who answers for it
    #[arg(long, value_name = "NAME")]
    owner: String,
    /// Of which unit
    #[arg(long, value_name = "NAME")]
    unit: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Reference of the case, where there is one
    #[arg(long, value_name = "REF")]
    case: Option<String>,
    /// When somebody has to look whether it is still needed
    #[arg(long, value_name = "DATE")]
    review: String,
}

#[derive(clap::Args)]
pub(super) struct Release {
    #[command(flatten)]
    door: Door,
    /// Which
    #[arg(value_name = "ID")]
    id: String,
    /// Who lets it go
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Of which unit
    #[arg(long, value_name = "NAME")]
    unit: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    why: String,
}

pub(super) fn run(command: Command) -> Outcome {
    match command {
        Command::List(list) => {
            let holds: Vec<Value> = list.door.get("/api/v1/holds", &Vec::new())?;
            for hold in &holds {
                match list.json {
                    true => println!("{hold}"),
                    false => println!("{}", in_words(hold)),
                }
            }
            eprintln!("{} holds", holds.len());
        }
        Command::Add(add) => {
            let wanted = json!({
                "camera": add.camera,
                "from": add.from,
                "to": add.to,
                "owner": add.owner,
                "unit": add.unit,
                "reason": add.reason,
                "case": add.case,
                "review": add.review,
            });
            let made: Value = add.door.post("/api/v1/holds", &wanted)?;
            println!("{}", made["id"].as_str().unwrap_or_default());
        }
        Command::Release(release) => {
            let path = format!("/api/v1/holds/{}/release", plain(&release.id)?);
            let hold: Value = release
                .door
                .post(&path, &json!({ "by": release.by, "unit": release.unit, "why": release.why }))?;
            eprintln!("{}", in_words(&hold));
        }
    }
    Ok(())
}

fn in_words(hold: &Value) -> String {
    let text = |name: &str| hold[name].as_str().unwrap_or("-").to_owned();
    let state = match (&hold["released"], &hold["overdue"]) {
        (Value::Object(_), _) => "released",
        (_, Value::Bool(true)) => "review overdue",
        _ => "held",
    };
    format!(
        "{} {:<24} {} {} {:<14} {} ({}, case {}, review {})",
        text("id"),
        text("camera"),
        text("from"),
        text("to"),
        state,
        text("reason"),
        text("owner"),
        text("case"),
        text("review")
    )
}
