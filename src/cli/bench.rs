//! x
use super::Outcome;
#[derive(clap::Subcommand)]
pub(super) enum Command {
    X,
}
pub(super) fn run(_: Command) -> Outcome {
    Ok(())
}
