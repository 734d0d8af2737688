//! `cunkou audit`: the audit log, shown entry by entry and proven to be whole.
//!
//! Owns which entries are shown and how. The log is read beside a daemon at work; nothing is asked of it, and it waits for nobody who reads.

use std::collections::BTreeMap;

use anyhow::anyhow;
use cunkou::{
    evidence::{Action, Entry, Extent, LogFault, Receipt, read_keyring},
    time::Wall,
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::json;

use super::{Failure, Outcome, place::Place, print_plain};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Entries from then on: RFC 3339, or a day of the station's time zone
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Entries before it; a day is included
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// By those in whose name or unit this stands
    #[arg(long, value_name = "NAME")]
    who: Option<String>,
    /// Of these kinds, separated by commas: search, view, export, …
    #[arg(long, value_name = "ACTIONS", value_delimiter = ',')]
    action: Vec<String>,
    /// For this case
    #[arg(long, value_name = "REF")]
    case: Option<String>,
    /// Show no entry; only say whether the log is whole
    #[arg(long, conflicts_with_all = ["from", "to", "who", "action", "case"])]
    check: bool,
    /// JSON lines on stdout
    #[arg(long)]
    json: bool,
}

/// Which entries are shown.
struct Wanted {
    from: Option<Wall>,
    to: Option<Wall>,
    who: Option<String>,
    actions: Vec<String>,
    case: Option<String>,
}

pub(super) fn run(arguments: Arguments) -> Outcome {
    let known = arguments.place.find()?;
    let wanted = Wanted::read(&arguments, &known.zone)?;
    let folder = known.data.join("audit");
    if !folder.is_dir() {
        return Err(Failure::input(anyhow!("{}: there is no audit log", folder.display())));
    }
    let extent = Extent::of(&folder)?;
    let keyring = read_keyring(&known.keyring()).map_err(Failure::input)?;
    let (mut shown, mut printed, mut last) = (0u64, Ok(()), 0);
    let walked = extent.walk(&keyring, &[], |entry, receipt| {
        last = receipt.seq;
        // Who reads may be gone; it is checked to the end all the same.
        if printed.is_ok() && !arguments.check && wanted.has(entry) {
            shown += 1;
            printed = match arguments.json {
                true => machine_line(entry, receipt).map_err(Into::into).and_then(|line| print_plain(&line)),
                false => print_plain(&in_words(entry, &known.zone)),
            };
        }
    });
    match walked {
        Ok(walked) => {
            let (entries, checkpoints) = (walked.entries, walked.checkpoints);
            if arguments.json {
                let line = json!({
                    "type": "log", "whole": true, "entries": entries, "shown": shown, "checkpoints": checkpoints,
                    "hash": walked.tip.hash,
                });
                print_plain(&line.to_string())?;
            } else if arguments.check {
                print_plain(&format!(
                    "完整 WHOLE  {entries} entries, {checkpoints} signed checkpoints, last hash {}",
                    walked.tip.hash
                ))?;
            } else {
                eprintln!("完整 WHOLE  {shown} of {entries} entries, {checkpoints} signed checkpoints");
            }
            printed.map_err(Into::into)
        }
        Err(fault) => {
            if arguments.json {
                print_plain(&of_fault(&fault, last, shown).to_string())?;
            }
            Err(Failure::Failed(anyhow!("不完整 NOT WHOLE  behind entry {last}: {fault}")))
        }
    }
}

impl Wanted {
    fn read(arguments: &Arguments, zone: &TimeZone) -> Result<Self, Failure> {
        for action in &arguments.action {
            if !Action::names().any(|name| name == action) {
                let names: Vec<&str> = Action::names().collect();
                return Err(Failure::input(anyhow!("--action {action} is none of {}", names.join(", "))));
            }
        }
        let time = |name: &str, text: &Option<String>, midnight: fn(Date) -> Result<Date, jiff::Error>| {
            text.as_deref().map(|text| moment(name, text, zone, midnight)).transpose()
        };
        Ok(Self {
            from: time("--from", &arguments.from, Ok)?,
            to: time("--to", &arguments.to, Date::tomorrow)?,
            who: arguments.who.clone(),
            actions: arguments.action.clone(),
            case: arguments.case.clone(),
        })
    }

    fn has(&self, entry: &Entry) -> bool {
        let is_by = |who: &String| entry.who.contains(who) || entry.unit.contains(who);
        self.from.is_none_or(|from| entry.at >= from)
            && self.to.is_none_or(|to| entry.at < to)
            && self.who.as_ref().is_none_or(is_by)
            && self.case.as_ref().is_none_or(|case| entry.case == *case)
            && (self.actions.is_empty() || self.actions.iter().any(|name| entry.action.as_str() == name))
    }
}

/// A time, or a day of `zone`.
fn moment(
    name: &str,
    text: &str,
    zone: &TimeZone,
    midnight: fn(Date) -> Result<Date, jiff::Error>,
) -> Result<Wall, Failure> {
    let of_day = || {
        let day = midnight(Date::strptime("%Y-%m-%d", text).ok()?).ok()?;
        zone.to_timestamp(day.at(0, 0, 0, 0)).ok()
    };
    let at = of_day().or_else(|| text.parse::<Timestamp>().ok()).ok_or_else(|| {
        Failure::input(anyhow!(
            "{name} {text} is no time: write it as 2026-03-09, 2026-03-09T18:04:05Z or 2026-03-10T02:04:05+08:00"
        ))
    })?;
    Ok(Wall::from_unix_us(at.as_microsecond()))
}

/// One line: number, when, what, who, what for, which case, what exactly.
fn in_words(entry: &Entry, zone: &TimeZone) -> String {
    let at = zone.to_datetime(entry.at.timestamp()).strftime("%F %T");
    let results = match entry.results.len() {
        0 => String::new(),
        count => format!(" → {count}"),
    };
    let Entry { seq, action, who, unit, purpose, case, what, .. } = entry;
    let what = if what.is_null() { String::new() } else { format!("  {what}") };
    format!("{seq:>6}  {at}  {:<14}  {who}, {unit}  {purpose}  {case}{what}{results}", action.as_str())
}

fn machine_line(entry: &Entry, receipt: Receipt) -> serde_json::Result<String> {
    let mut line: BTreeMap<String, serde_json::Value> = serde_json::from_value(serde_json::to_value(entry)?)?;
    line.insert("type".into(), "entry".into());
    line.insert("hash".into(), json!(receipt.hash));
    serde_json::to_string(&line)
}

fn of_fault(fault: &LogFault, last: u64, shown: u64) -> serde_json::Value {
    let (file, line) = match fault {
        LogFault::Entry { path, line, .. } => {
            (path.file_name().map(|name| name.to_string_lossy().into_owned()), Some(*line))
        }
        LogFault::Truncated { .. } | LogFault::File(_) => (None, None),
    };
    json!({
        "type": "log", "whole": false, "file": file, "line": line, "after": last, "shown": shown, "why": fault.to_string(),
    })
}
