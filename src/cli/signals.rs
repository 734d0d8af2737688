//! SIGTERM and SIGINT: the first one asks for an ordered stop, the second one ends at once.

use std::time::Duration;

use tokio::{
    signal::unix::{SignalKind, signal},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

/// Exit code of a process that was told twice to stop, as shells report SIGINT.
const ENDED_AT_ONCE: i32 = 130;

/// A signal so soon after the first is the same wish: `timeout` and some supervisors signal a process and then its group.
const SAME_WISH: Duration = Duration::from_millis(500);

/// A token that is cancelled by the first signal.
pub(super) fn stop_token() -> std::io::Result<CancellationToken> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stop = CancellationToken::new();
    let told = stop.clone();
    // Lives as long as the process: there is always a second signal to wait for.
    tokio::spawn(async move {
        let mut first = None;
        loop {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
            let now = Instant::now();
            let since = now - *first.get_or_insert(now);
            if !told.is_cancelled() {
                tracing::info!("told to stop; once more ends at once");
                told.cancel();
            } else if since > SAME_WISH {
                tracing::warn!("told to stop a second time: ending at once");
                std::process::exit(ENDED_AT_ONCE);
            }
        }
    });
    Ok(stop)
}
