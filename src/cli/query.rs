//! `cunkou query`: clips by place, time, and what was seen.

use serde_json::Value;

use super::{
    Outcome,
    door::{Door, Pairs, Warrant, each},
};

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    door: Door,
    #[command(flatten)]
    warrant: Warrant,
    /// Clips that begin then or later: a time, or a day of the station
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Clips that begin before it; a day is included
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// At these times of day; may be repeated
    #[arg(long, value_name = "HH:MM-HH:MM")]
    time_of_day: Vec<String>,
    /// On these days: mon, tue, …
    #[arg(long, value_name = "DAYS")]
    day: Vec<String>,
    /// Of these cameras, separated by commas; as in all lists, any of them will do
    #[arg(long, value_name = "IDS")]
    camera: Vec<String>,
    /// At these entry points
    #[arg(long, value_name = "IDS")]
    entry_point: Vec<String>,
    /// In these villages
    #[arg(long, value_name = "IDS")]
    village: Vec<String>,
    /// On these levels: ring, block, line, point
    #[arg(long, value_name = "LEVELS")]
    level: Vec<String>,
    /// In these zones
    #[arg(long, value_name = "IDS")]
    zone: Vec<String>,
    /// Across these lines
    #[arg(long, value_name = "IDS")]
    line: Vec<String>,
    /// Of these classes: person, car, …
    #[arg(long, value_name = "CLASSES")]
    class: Vec<String>,
    /// In these directions: in, out
    #[arg(long, value_name = "DIRECTIONS")]
    direction: Vec<String>,
    /// With an alert of these kinds
    #[arg(long, value_name = "KINDS")]
    kind: Vec<String>,
    /// By day or by night (infrared, dark)
    #[arg(long, value_name = "LIGHT")]
    light: Vec<String>,
    /// As sure as that, 0 to 1
    #[arg(long, value_name = "SHARE")]
    confidence_min: Option<String>,
    /// Which come first: newest (default) or oldest
    #[arg(long, value_name = "ORDER")]
    order: Option<String>,
    /// Go on behind a page: what it gave as "next"
    #[arg(long, value_name = "PLACE")]
    after: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value = "100")]
    limit: String,
    /// JSON lines on stdout
    #[arg(long)]
    json: bool,
}

impl Arguments {
    fn pairs(&self) -> Pairs {
        let lists = [
            ("time_of_day", &self.time_of_day),
            ("day", &self.day),
            ("camera", &self.camera),
            ("entry_point", &self.entry_point),
            ("village", &self.village),
            ("level", &self.level),
            ("zone", &self.zone),
            ("line", &self.line),
            ("class", &self.class),
            ("direction", &self.direction),
            ("kind", &self.kind),
            ("light", &self.light),
        ];
        let ones = [
            ("from", &self.from),
            ("to", &self.to),
            ("confidence_min", &self.confidence_min),
            ("order", &self.order),
            ("after", &self.after),
        ];
        let lists = lists.into_iter().flat_map(|(name, values)| each(name, values));
        let ones = ones.into_iter().flat_map(|(name, value)| each(name, value));
        self.warrant
            .pairs()
            .into_iter()
            .chain(lists)
            .chain(ones)
            .chain([("limit", self.limit.clone())])
            .collect()
    }
}

pub(super) fn run(arguments: Arguments) -> Outcome {
    let page: Value = arguments.door.get("/api/v1/clips", &arguments.pairs())?;
    let clips = page["clips"].as_array().map(Vec::as_slice).unwrap_or_default();
    for clip in clips {
        match arguments.json {
            true => println!("{clip}"),
            false => println!("{}", in_words(clip)),
        }
    }
    match page["next"].as_str() {
        Some(next) => eprintln!("{} clips; more with --after {next}", clips.len()),
        None => eprintln!("{} clips", clips.len()),
    }
    Ok(())
}

/// One line: begin, camera, what, which way, why, id.
fn in_words(clip: &Value) -> String {
    let text = |name: &str| clip[name].as_str().unwrap_or("-").to_owned();
    let kinds: Vec<&str> = clip["kinds"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let at = match text("from").parse::<jiff::Timestamp>() {
        Ok(at) => jiff::tz::TimeZone::system().to_datetime(at).strftime("%F %T").to_string(),
        Err(_) => text("from"),
    };
    format!(
        "{at}  {:<24} {:<10} {:<4} {:<5} {:<12} {}",
        text("camera"),
        text("class"),
        text("direction"),
        text("light"),
        if kinds.is_empty() { "-".to_owned() } else { kinds.join(",") },
        text("id")
    )
}
