//! `cunkou check --store`: whether recordings, and what is on record of them, agree.
//!
//! Owns opening the store, and how findings are printed. What is compared is the archive's.

use std::time::Duration;

use anyhow::anyhow;
use cunkou::{
    archive::{Catalog, Depth, Finding, Summary, audit},
    config::Config,
    metrics::Metrics,
    store::{Desk, Outbox, SledLedger},
    time::Clock,
};
use serde_json::json;

use super::{Failure, plural, print};

/// Compares everything; says how much does not agree.
pub(super) async fn check(config: &Config, depth: Depth, json: bool) -> Result<u64, Failure> {
    let path = config.paths.data.join("store");
    if !path.is_dir() {
        return Err(Failure::Failed(anyhow!(
            "{}: there is no store: nothing was recorded here yet",
            path.display()
        )));
    }
    let ledger = SledLedger::open(&path).map_err(|error| {
        Failure::Failed(anyhow!("{error}. `check --store` needs the store for itself: stop the daemon, and start it again afterwards"))
    })?;
    let (desk, thread) = Desk::start(Outbox::open(ledger)?, Metrics::new())?;
    let catalog = Catalog::new(desk, config);
    let mut printed = Ok(());
    let mut tell = |finding: Finding| {
        let (kind, word) = if finding.is_wrong() { ("finding", "WRONG") } else { ("left", "left ") };
        let line = match json {
            true => {
                json!({ "type": kind, "what": finding.name(), "detail": finding.to_string() }).to_string()
            }
            false => format!("{word} {finding}"),
        };
        // Who reads may be gone; it is compared to the end all the same.
        if printed.is_ok() {
            printed = print(&line);
        }
    };
    let now = Clock::start().now().wall;
    let summary = audit(&catalog, config, depth, now, &mut tell).await;
    thread.stop(Duration::ZERO).await;
    let summary = summary?;
    printed?;
    conclude(&summary, depth, json)?;
    Ok(summary.findings)
}

fn conclude(summary: &Summary, depth: Depth, json: bool) -> std::io::Result<()> {
    let Summary { cameras, segments, bytes, gaps, holds, damaged, left, findings } = *summary;
    if json {
        let line = json!({
            "type": "store", "cameras": cameras, "segments": segments, "bytes": bytes, "gaps": gaps, "holds": holds,
            "damaged": damaged, "left": left, "hashed": depth == Depth::Hashes, "findings": findings,
        });
        return print(&line.to_string());
    }
    let verdict = if findings == 0 { "good" } else { "WRONG" };
    let how = if depth == Depth::Hashes { ", every hash compared" } else { "" };
    let count =
        |count: u64, noun: &str| format!("{count} {}", plural(usize::try_from(count).unwrap_or(2), noun));
    print(&format!(
        "{verdict}  store: {} with {} of {:.3} GB{how}, {}, {} in force",
        count(cameras, "camera"),
        count(segments, "segment"),
        bytes as f64 / 1e9,
        count(gaps, "gap"),
        count(holds, "hold"),
    ))?;
    if left > 0 {
        print(&format!(
            "      {} left by a kill: the next start of the daemon does the rest",
            count(left, "thing")
        ))?;
    }
    if damaged > 0 {
        print(&format!(
            "      {} of which nothing can be used: see the folders `damaged`",
            count(damaged, "file")
        ))?;
    }
    Ok(())
}
