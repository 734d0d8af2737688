//! `cunkou check --store`: whether the index of clips has what the logs beside the recordings have.
//!
//! Owns the comparison and its words. The logs are the truth: what the index lacks it gets at the next start of the daemon.

use anyhow::anyhow;
use cunkou::{
    config::Config,
    index::Index,
    record::seen::{clips, logs},
    store::SledLedger,
};
use serde_json::json;

use super::{Failure, plural, print};

/// Compares every clip; says how many are not as they should be.
pub(super) fn check(config: &Config, as_json: bool) -> Result<u64, Failure> {
    let folder = config.paths.data.join("index");
    let ledger = SledLedger::open(&folder).map_err(|error| {
        Failure::Failed(anyhow!("{error}. `check --store` needs the index for itself: stop the daemon, and start it again afterwards"))
    })?;
    let index = Index::open(ledger)?;
    let (mut compared, mut findings) = (0u64, 0u64);
    let mut tell = |what: &str, detail: String| {
        findings += 1;
        print(&match as_json {
            true => json!({ "type": "finding", "what": what, "detail": detail }).to_string(),
            false => format!("WRONG {detail}"),
        })
    };
    for log in logs(config, None) {
        let path = log.path.display();
        let (clips, damaged) = match clips(&log) {
            Ok(read) => read,
            Err(why) => {
                tell("unreadable", format!("{path}: cannot be read: {why}"))?;
                continue;
            }
        };
        for damage in damaged {
            tell("log-damaged", format!("{path}: {damage}"))?;
        }
        for clip in clips {
            compared += 1;
            match index.get(clip.id)? {
                Some(known) if known == clip => {}
                Some(_) => {
                    tell("clip-differs", format!("{path}: the clip {} is another one in the index", clip.id))?
                }
                None => tell(
                    "clip-missing",
                    format!(
                        "{path}: the clip {} is not in the index; the next start of the daemon puts it there",
                        clip.id
                    ),
                )?,
            }
        }
    }
    let clips = plural(usize::try_from(compared).unwrap_or(2), "clip");
    print(&match as_json {
        true => json!({ "type": "index", "clips": compared, "indexed": index.len(), "findings": findings })
            .to_string(),
        false => {
            let verdict = if findings == 0 { "good" } else { "WRONG" };
            format!("{verdict}  index: {compared} {clips} in the logs, {} in the index", index.len())
        }
    })?;
    Ok(findings)
}
