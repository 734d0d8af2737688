//! The page of a pack: plays the video and shows the facts, without a network and without a script.
//!
//! Pure. It says what the manifest says; `cunkou verify` says whether that is so.

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use super::{
    manifest::{ClockFacts, FragmentFacts, MANIFEST, Manifest, Video},
    moment,
    seal::Sum,
};
use crate::{
    config::{Level, Name},
    markup::escaped,
    time::Wall,
};

const STYLE: &str = include_str!("page.css");

/// The page for `manifest`, whose [`Manifest::files`] need not be there yet.
pub(super) fn render(manifest: &Manifest, zone: &TimeZone) -> String {
    let mut page = Page { out: String::new(), zone };
    page.head(manifest);
    manifest.videos.iter().for_each(|video| page.video(video));
    page.facts(manifest);
    manifest.videos.iter().for_each(|video| page.fragments(video));
    page.out.push_str("</main>\n</body>\n</html>\n");
    page.out
}

struct Page<'a> {
    out: String,
    zone: &'a TimeZone,
}

impl Page<'_> {
    fn head(&mut self, manifest: &Manifest) {
        let style = BASE64_STANDARD.encode(Sha256::digest(STYLE));
        let title = format!("{} {}", manifest.camera.name.zh, self.when(manifest.given.from.utc));
        // A page that was opened from a disk has no origin: its own folder is `file:`.
        self.out.push_str(&format!(
            "<!doctype html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; media-src 'self' file:; style-src 'sha256-{style}'; \
             base-uri 'none'; form-action 'none'\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
             <header><h1>录像证据 <small lang=\"en\">Recorded evidence</small></h1><p>{title}</p></header>\n<main>\n",
            title = escaped(&title),
        ));
    }

    fn video(&mut self, video: &Video) {
        let file = escaped(&video.file);
        let (from, to) = (video.fragments.first(), video.fragments.last());
        let caption = match (from, to) {
            (Some(from), Some(to)) => format!("{} – {}", self.when(from.from), self.when(to.to())),
            _ => String::new(),
        };
        self.out.push_str(&format!(
            "<figure><video controls preload=\"metadata\" src=\"{file}\"></video><figcaption>{file} {}</figcaption></figure>\n",
            escaped(&caption)
        ));
    }

    fn facts(&mut self, manifest: &Manifest) {
        let Manifest { station, camera, chain, exporter, .. } = manifest;
        self.out.push_str("<table>\n<caption>事实 <small lang=\"en\">Facts</small></caption>\n");
        self.row("派出所", "Station", &named(&station.name, station.id.as_str()));
        self.row("摄像机", "Camera", &named(&camera.name, camera.id.as_str()));
        self.row("村口", "Entry point", &named(&camera.entry_point_name, camera.entry_point.as_str()));
        self.row("村庄", "Village", &named(&camera.village_name, camera.village.as_str()));
        self.row("层级", "Level", level(camera.level));
        let range = |range: &super::manifest::Range| {
            format!("{} – {}", self.when(range.from.utc), self.when(range.to.utc))
        };
        let (asked, given) = (range(&manifest.asked), range(&manifest.given));
        self.row("申请时段", "Asked for", &asked);
        self.row("提供时段", "Given", &given);
        let clock =
            "画面到达派出所的时间，以派出所机器的时钟为准；偏差按录像文件开始时摄像机的 RTCP 发送报告测得";
        let ClockFacts { times, skew } = &manifest.clock;
        self.row("时钟", "Clock", &format!("{clock} · {times}; {skew}"));
        for video in &manifest.videos {
            let skew = video.skew_ms.map_or("未知 unknown".to_owned(), |ms| format!("{ms:+} ms"));
            self.row("摄像机时钟偏差", "Camera clock ahead by", &format!("{}: {skew}", video.file));
        }
        for gap in &manifest.gaps {
            let text = format!("{} – {}: {}", self.when(gap.from), self.when(gap.to), gap.cause);
            self.row("无录像", "No recording", &text);
        }
        for (file, fragment) in manifest.fragments().filter(|(_, f)| f.differs_from.is_some()) {
            let text = format!("{file} 第 {n} 段 fragment {n}, {}", self.when(fragment.from), n = fragment.n);
            self.row("与录制时不符", "Differs from what was recorded", &text);
        }
        for video in manifest.videos.iter().filter(|video| video.init.differs_from.is_some()) {
            self.row("与录制时不符", "Differs from what was recorded", &format!("{} init", video.file));
        }
        let counted = format!("{} / {}", manifest.alerts.len(), manifest.passages.len());
        self.row("告警 / 通行", "Alerts / passages", &counted);
        self.row("导出人", "Exported by", &format!("{}, {}", exporter.who, exporter.unit));
        self.row("用途", "Purpose", &manifest.purpose);
        self.row("案件编号", "Case", &manifest.case);
        self.row("导出时间", "Exported at", &self.when(manifest.created.utc));
        self.row("审计记录", "Audit entry", &format!("{} {}", manifest.audit.seq, manifest.audit.hash));
        let previous = chain.previous.map_or("–".to_owned(), |sum| sum.to_string());
        self.row("该摄像机第几份", "Pack of this camera no.", &chain.no.to_string());
        self.row("上一份", "The one before", &previous);
        self.row("密钥", "Key", &manifest.key.to_string());
        self.row("默克尔根", "Merkle root", &manifest.merkle.root.to_string());
        self.row("软件", "Software", &format!("{} {}", manifest.software.name, manifest.software.version));
        if let Some(model) = &manifest.model {
            self.row("模型", "Model", &format!("{} {}", model.name, model.sha256));
        }
        for rule in &manifest.rules {
            self.row("规则", "Rule", &format!("{} {}", rule.id, rule.version));
        }
        self.out.push_str(&format!(
            "</table>\n<p>本页只转述 {MANIFEST} 的内容，不能证明什么；请用 <code>cunkou verify</code> 核验整个文件夹。\
             <br><span lang=\"en\">This page repeats what {MANIFEST} says and proves nothing; check the whole folder with <code>cunkou verify</code>.</span></p>\n"
        ));
    }

    fn fragments(&mut self, video: &Video) {
        self.out.push_str(&format!(
            "<details><summary>{} SHA-256 {}</summary>\n<table class=\"fragments\">\n\
             <tr><th>段 <small lang=\"en\">no.</small></th><th>时间 <small lang=\"en\">time</small></th>\
             <th>毫秒 <small lang=\"en\">ms</small></th><th>SHA-256</th></tr>\n",
            escaped(&video.file),
            video.sha256
        ));
        for FragmentFacts { n, from, length_ms, sha256, .. } in &video.fragments {
            let (when, sum): (String, &Sum) = (moment::local(*from, self.zone), sha256);
            self.out.push_str(&format!(
                "<tr><td>{n}</td><td>{}</td><td>{length_ms}</td><td><code>{sum}</code></td></tr>\n",
                escaped(&when)
            ));
        }
        self.out.push_str("</table>\n</details>\n");
    }

    fn row(&mut self, zh: &str, en: &str, value: &str) {
        self.out.push_str(&format!(
            "<tr><th>{zh} <small lang=\"en\">{en}</small></th><td>{}</td></tr>\n",
            escaped(value)
        ));
    }

    fn when(&self, at: Wall) -> String {
        moment::local_brief(at, self.zone)
    }
}

fn named(name: &Name, id: &str) -> String {
    if name.zh == name.en { format!("{} ({id})", name.zh) } else { format!("{} {} ({id})", name.zh, name.en) }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Ring => "圈 ring",
        Level::Block => "块 block",
        Level::Line => "线 line",
        Level::Point => "点 point",
    }
}
