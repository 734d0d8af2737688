//! The command line: one file a subcommand.
//!
//! Owns arguments, exit codes (0 done, 1 failed, 2 the input is wrong) and who prints what: answers for machines go to stdout, everything for
//! people to stderr.

mod alerts;
mod audit;
mod bench;
mod check;
mod clip;
mod demo;
mod door;
mod export;
mod gaps;
mod hold;
mod keys;
mod place;
mod query;
mod replay;
mod report;
mod requests;
mod run;
mod shadow;
mod signals;
mod sim;
mod verify;

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
    time::Duration,
};

use clap::{Parser, Subcommand};
use tracing_subscriber::{
    EnvFilter,
    fmt::{format::Writer, time::FormatTime},
};

/// What people see where RUST_LOG says nothing: the product's own words, and only complaints of its libraries.
const LOG_FILTER: &str = "warn,cunkou=info,rumqttd=off,retina=error,ort=warn";

#[derive(Parser)]
#[command(name = "cunkou", version, about, long_about = None, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Log as JSON lines instead of text
    #[arg(long, global = true)]
    log_json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Run the daemon
    #[command(after_help = "Example:\n  cunkou run --config /etc/cunkou/cunkou.toml")]
    Run(run::Arguments),
    /// Run a simulated village with broker, daemon and page in one process, on loopback
    #[command(after_help = "Examples:\n  cunkou demo\n  cunkou demo --cameras 8 --broker 127.0.0.1:1884\n\n\
        While it runs, type `stop north-gate` or `start north-gate` to take a camera away and give it back.")]
    Demo(demo::Arguments),
    /// Say everything that is wrong with a configuration
    #[command(
        after_help = "Examples:\n  cunkou check --config cunkou.toml\n  cunkou check --config cunkou.toml --connect\n  \
        cunkou check --config cunkou.toml --store --deep\n\n\
        Exit code 2 where anything is wrong."
    )]
    Check(check::Arguments),
    /// Judge recorded files as a camera would be, as fast as it goes; or try other rules over what a station has seen
    #[command(after_help = "Examples:\n  cunkou replay gate.mp4 --json\n  \
        cunkou replay gate.mp4 --config cunkou.toml --camera north-gate --json\n  \
        cunkou replay --rules new.toml --since 7d")]
    Replay(replay::Arguments),
    /// List alerts, the newest first
    #[command(after_help = "Example:\n  cunkou alerts --state open --severity critical,major")]
    Alerts(alerts::List),
    /// Say what is to be done with an alert
    #[command(after_help = "Examples:\n  cunkou alert claim 01JQ… --who Li --unit patrol\n  \
        cunkou alert dismiss 01JQ… --who Li --unit patrol --reason harmless --note \"a dog\"\n\n\
        Exit code 1 where something else holds, or where it is not yours to do.")]
    Alert(alerts::Order),
    /// Find clips by place, time and what was seen
    #[command(
        after_help = "Example:\n  cunkou query --from 2026-03-09 --to 2026-03-11 --time-of-day 02:00-04:00 --class car,truck \\\n    \
        --level line --direction out --who Li --unit station --purpose \"theft of a tricycle\" --case 2026-0312"
    )]
    Query(Box<query::Arguments>),
    /// Fetch a clip, or any time of a camera, as an MP4 file
    #[command(
        after_help = "Example:\n  cunkou clip 01JQ… --out van.mp4 --who Li --unit station --purpose \"theft of a tricycle\" --case 2026-0312"
    )]
    Clip(clip::Arguments),
    /// Export a clip, or any time of a camera, as an evidence pack
    #[command(
        after_help = "Example:\n  cunkou export 01JQ… --out packs --who Li --unit station --purpose \"theft of a tricycle\" --case 2026-0312"
    )]
    Export(export::Arguments),
    /// List where there is no recording, and why
    #[command(
        after_help = "Example:\n  cunkou gaps --from 2026-03-09T00:00:00Z --to 2026-03-10T00:00:00Z --cause offline"
    )]
    Gaps(gaps::Arguments),
    /// Keep recordings from being deleted
    #[command(subcommand, after_help = "Example:\n  cunkou hold list")]
    Hold(hold::Command),
    /// Report a day, a week or a month: volumes, answer times, breaches, outages, and what each rule was worth
    #[command(
        after_help = "Examples:\n  cunkou report --day\n  cunkou report --month --date 2026-03-09 --json"
    )]
    Report(report::Arguments),
    /// Clips of neighbouring stations: ask, grant, refuse
    #[command(subcommand, after_help = "Example:\n  cunkou requests list")]
    Requests(requests::Command),
    /// Run simulated cameras alone: an RTSP server that any client can play
    #[command(
        after_help = "Example:\n  cunkou sim --cameras 4 --listen 127.0.0.1:8554\n  ffplay rtsp://127.0.0.1:8554/gate-1"
    )]
    Sim(sim::Arguments),
    /// Say whether packs of evidence are whole: offline, on any machine
    #[command(after_help = "Examples:\n  cunkou verify cunkou-north-gate-20260309T180405Z-no1\n  \
        cunkou verify --keyring liuzhuang-keyring.json evidence/*\n\n\
        Exit code 0 where all are whole, 1 where one is not or one between them is missing, 2 where something is no pack.")]
    Verify(verify::Arguments),
    /// Show who did what and what for, and say whether the audit log is whole
    #[command(
        after_help = "Examples:\n  cunkou audit --config cunkou.toml --from 2026-03-09 --to 2026-03-10 --action search,export\n  \
        cunkou audit --data /mnt/backup/data --check\n\n\
        Exit code 1 where an entry was changed, or one is missing."
    )]
    Audit(audit::Arguments),
    /// List the keys with which the station signs its evidence, and make new ones
    #[command(after_help = "Examples:\n  cunkou keys --config cunkou.toml\n  cunkou keys rotate --help")]
    Keys(keys::Arguments),
    /// Measure a part of the product
    #[command(subcommand, after_help = "Example:\n  cunkou bench detector --json")]
    Bench(bench::Command),
}

/// Why a subcommand did not do what it was asked.
enum Failure {
    /// The input is wrong: exit code 2.
    Input(anyhow::Error),
    /// Anything else: exit code 1.
    Failed(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Failure {
    fn input(error: impl Into<anyhow::Error>) -> Self {
        Self::Input(error.into())
    }
}

type Outcome = Result<(), Failure>;

pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    start_log(arguments.log_json);
    let outcome = match arguments.command {
        Command::Run(arguments) => run::run(arguments),
        Command::Demo(arguments) => demo::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Replay(arguments) => replay::run(arguments),
        Command::Alerts(list) => alerts::list(list),
        Command::Alert(order) => alerts::order(order),
        Command::Query(arguments) => query::run(*arguments),
        Command::Clip(arguments) => clip::run(arguments),
        Command::Export(arguments) => export::run(arguments),
        Command::Gaps(arguments) => gaps::run(arguments),
        Command::Hold(command) => hold::run(command),
        Command::Report(arguments) => report::run(arguments),
        Command::Requests(command) => requests::run(command),
        Command::Sim(arguments) => sim::run(arguments),
        Command::Verify(arguments) => verify::run(arguments),
        Command::Audit(arguments) => audit::run(arguments),
        Command::Keys(arguments) => keys::run(arguments),
        Command::Bench(command) => bench::run(command),
    };
    let (error, code) = match outcome {
        Ok(()) => return ExitCode::SUCCESS,
        Err(Failure::Input(error)) => (error, 2),
        Err(Failure::Failed(error)) => (error, 1),
    };
    eprintln!("cunkou: {}", in_words(&error));
    ExitCode::from(code)
}

fn start_log(json: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOG_FILTER));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_timer(LocalTime)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    if json { log.json().init() } else { log.init() }
}

/// One line on stdout, of texts that may come from anybody: what would move the cursor or turn the direction of writing is not passed on.
fn print_plain(line: &str) -> std::io::Result<()> {
    let is_unseen = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    writeln!(std::io::stdout().lock(), "{}", line.replace(is_unseen, "\u{fffd}"))
}

/// An error and what led to it, each said once: many of our errors name their cause themselves.
fn in_words(error: &anyhow::Error) -> String {
    let mut words = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !words.contains(&cause) {
            words.push_str(if words.is_empty() { "" } else { ": " });
            words.push_str(&cause);
        }
    }
    words
}

/// The log's time: civil time of this machine, to the millisecond, with its distance from UTC.
struct LocalTime;

impl FormatTime for LocalTime {
    fn format_time(&self, line: &mut Writer<'_>) -> std::fmt::Result {
        let (zone, now) = (jiff::tz::TimeZone::system(), jiff::Timestamp::now());
        write!(line, "{}{}", zone.to_datetime(now).strftime("%F %T%.3f"), zone.to_offset(now))
    }
}

/// How long what still blocks a thread may take once a subcommand is done; then the process ends without it.
const LEFTOVERS_MAX: Duration = Duration::from_millis(300);

/// Runs a subcommand that waits. Cameras are tasks on its runtime; pixels and the model have threads of their own.
fn block_on<T>(subcommand: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("cunkou-io")
        .worker_threads(2)
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(subcommand);
    runtime.shutdown_timeout(LEFTOVERS_MAX);
    outcome
}
