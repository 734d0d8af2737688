//! `cunkou check --store`: whether the index of clips has what the logs beside the recordings have.
//!
//! Owns the comparison and its words. The logs are the truth: what a kill kept out of the index it gets at the next start of the daemon.

use anyhow::anyhow;
use cunkou::{
    config::Config,
    index::{Index, Question},
    record::seen::{clips, lacking_since, logs},
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
    let newest = index.find(&Question { limit: 1, ..Question::default() })?.clips.pop().map(|clip| clip.from);
    let lacking_since = lacking_since(newest);
    let (mut compared, mut findings, mut left) = (0u64, 0u64, 0u64);
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
                // What a kill kept out of the index.
                None if lacking_since.is_none_or(|since| log.day >= since) => left += 1,
                None => tell(
                    "clip-missing",
                    format!(
                        "{path}: the clip {} is not in the index, and no start of the daemon puts it there: move the folder `index` away to have it made anew",
                        clip.id
                    ),
                )?,
            }
        }
    }
    let clips = plural(usize::try_from(compared).unwrap_or(2), "clip");
    print(&match as_json {
        true => json!({ "type": "index", "clips": compared, "indexed": index.len(), "left": left, "findings": findings })
            .to_string(),
        false => {
            let verdict = if findings == 0 { "good" } else { "WRONG" };
            format!("{verdict}  index: {compared} {clips} in the logs, {} in the index", index.len())
        }
    })?;
    if left > 0 && !as_json {
        let noun = plural(usize::try_from(left).unwrap_or(2), "clip");
        print(&format!(
            "      {left} {noun} not in the index yet since a kill: the next start of the daemon puts them there"
        ))?;
    }
    Ok(findings)
}
