//! `cunkou verify`: whether packs of evidence are whole, by nothing but their bytes.

use std::path::PathBuf;

use anyhow::anyhow;
use cunkou::evidence::{
    ChainFault, Report, Standing, check_chains, check_pack,
    manifest::{Manifest, Range},
    read_keyring,
};
use serde_json::{Value, json};

use super::{Failure, Outcome, print_plain as print};

/// Faults of one pack that people are shown; `--json` has all.
const SHOWN_MAX: usize = 20;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Packs: the folders that an export has made
    #[arg(required = true, value_name = "PATH")]
    packs: Vec<PathBuf>,
    /// The station's public keys, from somebody whom you trust: a key that they do not know is a fault
    #[arg(long, value_name = "FILE")]
    keyring: Option<PathBuf>,
    /// JSON lines on stdout
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Arguments) -> Outcome {
    let trusted = arguments.keyring.as_deref().map(read_keyring).transpose().map_err(Failure::input)?;
    let mut reports = Vec::new();
    let mut no_packs = Vec::new();
    for path in &arguments.packs {
        match check_pack(path, trusted.as_ref()) {
            Ok(report) => {
                if arguments.json {
                    tell_machine(&report)?
                } else {
                    tell(&report)?
                }
                reports.push(report);
            }
            // The others count all the same.
            Err(error) => no_packs.push(error),
        }
    }
    let chain = check_chains(&reports);
    for fault in &chain {
        let words = fault.words();
        print(&if arguments.json {
            of_chain(fault).to_string()
        } else {
            format!("不完整 NOT WHOLE  {words}")
        })?;
    }
    let whole = reports.iter().filter(|report| report.is_whole()).count();
    if arguments.json {
        let (packs, missing) = (reports.len(), chain.len());
        let no_packs = no_packs.len();
        print(
            &json!({ "type": "summary", "packs": packs, "whole": whole, "chain_faults": missing, "no_packs": no_packs })
                .to_string(),
        )?;
    }
    let rest = no_packs.split_off(no_packs.len().min(1));
    rest.iter().for_each(|error| eprintln!("cunkou: {error}"));
    match no_packs.pop() {
        Some(error) => Err(Failure::input(error)),
        None if whole < reports.len() || !chain.is_empty() => Err(Failure::Failed(anyhow!(
            "{} of {} not whole, and {} in the row of packs",
            reports.len() - whole,
            count(reports.len(), "pack"),
            count(chain.len(), "fault")
        ))),
        None => Ok(()),
    }
}

/// For people.
fn tell(report: &Report) -> std::io::Result<()> {
    let verdict = if report.is_whole() { "完整 WHOLE" } else { "不完整 NOT WHOLE" };
    print(&format!("{verdict}  {}", report.path.display()))?;
    for fault in report.faults.iter().take(SHOWN_MAX) {
        print(&format!("  - {}", fault.words()))?;
    }
    if let Some(more) = report.faults.len().checked_sub(SHOWN_MAX).filter(|more| *more > 0) {
        print(&format!("  - 另有 {more} 处（用 --json 全部列出） · and {more} more (--json lists all)"))?;
    }
    if let Some(manifest) = &report.manifest {
        if report.signed_by.is_none() {
            print("  以下内容未经签名证实 · what follows is vouched for by no signature")?;
        }
        facts(manifest)?;
    }
    signature(report)
}

fn facts(manifest: &Manifest) -> std::io::Result<()> {
    let Manifest { camera, chain, exporter, purpose, case, created, .. } = manifest;
    let range = |range: &Range| format!("{} – {}", range.from.local, range.to.local);
    print(&format!("  摄像机 camera: {} {} · {}", camera.id, camera.name.zh, camera.name.en))?;
    print(&format!("  时段 range: {}", range(&manifest.given)))?;
    let (videos, fragments) = (manifest.videos.len(), manifest.fragments().count());
    print(&format!("  视频 video: {videos} 个文件 files, {fragments} 段 fragments"))?;
    let previous = chain.previous.map_or("–".to_owned(), |sum| sum.to_string());
    print(&format!("  第 {no} 份，上一份 no. {no}, after {previous}", no = chain.no))?;
    print(&format!("  导出 exported: {}, {}, {}", created.local, exporter.who, exporter.unit))?;
    print(&format!("  用途 purpose: {purpose}; 案件 case: {case}"))
}

/// Who signed, and what that says.
fn signature(report: &Report) -> std::io::Result<()> {
    let Some(key) = report.signed_by else {
        return print("  没有有效签名 · there is no valid signature");
    };
    let id = key.id();
    print(&format!("  签名密钥 signed by key: {id}"))?;
    let line = match report.standing {
        Some(Standing::Trusted) => {
            "该密钥在所给的密钥串中 · the key is in the keyring that you gave".to_owned()
        }
        Some(Standing::HandedOver { from }) => format!(
            "该密钥由所给密钥串中的 {from} 移交而来 · the key was handed over to by {from}, which is in the keyring that you gave"
        ),
        Some(Standing::Stranger) => {
            "该密钥不在所给的密钥串中 · the key is not in the keyring that you gave".to_owned()
        }
        None => {
            print(&format!("  指纹 fingerprint: {}", key.fingerprint()))?;
            "该密钥是否属于该派出所，须由您核对指纹 · whether it belongs to the station is for you to compare"
                .to_owned()
        }
    };
    print(&format!("  {line}"))
}

/// For machines: a line for the pack, then one for each fault.
fn tell_machine(report: &Report) -> Outcome {
    let manifest = report.manifest.as_ref();
    let of = |member: &dyn Fn(&Manifest) -> Value| manifest.map_or(Value::Null, member);
    let (standing, handed_over_by) = match report.standing {
        None => (None, None),
        Some(Standing::Trusted) => (Some("trusted"), None),
        Some(Standing::HandedOver { from }) => (Some("handed-over"), Some(from)),
        Some(Standing::Stranger) => (Some("untrusted"), None),
    };
    let line = json!({
        "type": "pack",
        "path": report.path.to_string_lossy(),
        "whole": report.is_whole(),
        "faults": report.faults.len(),
        "signed_by": report.signed_by.map(|key| key.id()),
        "fingerprint": report.signed_by.map(|key| key.fingerprint()),
        "standing": standing,
        "handed_over_by": handed_over_by,
        "manifest_sha256": report.manifest_sum,
        "station": of(&|manifest| json!(manifest.station.id)),
        "camera": of(&|manifest| json!(manifest.camera.id)),
        "no": of(&|manifest| json!(manifest.chain.no)),
        "previous": of(&|manifest| json!(manifest.chain.previous)),
        "from": of(&|manifest| json!(manifest.given.from.utc.to_string())),
        "to": of(&|manifest| json!(manifest.given.to.utc.to_string())),
        "audit_seq": of(&|manifest| json!(manifest.audit.seq)),
    });
    print(&line.to_string())?;
    for fault in &report.faults {
        let words = fault.words();
        let mut line = json!({
            "type": "fault", "path": report.path.to_string_lossy(), "code": fault.code(), "zh": words.zh, "en": words.en,
        });
        if let (Value::Object(line), Value::Object(place)) = (&mut line, serde_json::to_value(fault.place())?)
        {
            line.extend(place);
        }
        print(&line.to_string())?;
    }
    Ok(())
}

fn of_chain(fault: &ChainFault) -> Value {
    let words = fault.words();
    json!({ "type": "chain-fault", "code": fault.code(), "camera": fault.camera(), "zh": words.zh, "en": words.en })
}

fn count(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
