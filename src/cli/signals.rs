//! SIGTERM and SIGINT: the first one asks for an ordered stop, the second one ends at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Exit code of a process that was told twice to stop, as shells report SIGINT.
const ENDED_AT_ONCE: i32 = 130;

/// A token that is cancelled by the first signal.
pub(super) fn stop_token() -> std::io::Result<CancellationToken> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stop = CancellationToken::new();
    let told = stop.clone();
    // Lives as long as the process: there is always a second signal to wait for.
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
            if told.is_cancelled() {
                tracing::warn!("told to stop a second time: ending at once");
                std::process::exit(ENDED_AT_ONCE);
            }
            tracing::info!("told to stop; once more ends at once");
            told.cancel();
        }
    });
    Ok(stop)
}
