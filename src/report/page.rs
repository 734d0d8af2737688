//! The report as a page to print: Chinese, with English beside, on A4, without a script.
//!
//! It says what the report says, and nothing else.

use super::{Report, Times, words};
use crate::{
    config::{Level, Name},
    markup::escaped,
};

/// Rows of a table that are printed.
const ROWS_MAX: usize = 60;

/// The page.
pub fn page(report: &Report) -> String {
    let mut page = Page(String::new());
    page.head(report);
    page.volumes(report);
    page.answers(report);
    page.breaches(report);
    page.worth(report);
    page.outages(report);
    page.0.push_str("</main>\n</body>\n</html>\n");
    page.0
}

struct Page(String);

impl Page {
    fn head(&mut self, report: &Report) {
        let period = &report.period;
        let span = match period.span {
            super::Span::Day => Name { zh: "日报".into(), en: "Daily report".into() },
            super::Span::Week => Name { zh: "周报".into(), en: "Weekly report".into() },
            super::Span::Month => Name { zh: "月报".into(), en: "Monthly report".into() },
        };
        let days = if period.first == period.last {
            period.first.clone()
        } else {
            format!("{} – {}", period.first, period.last)
        };
        let so_far = if period.whole { "" } else { "（未结束 <span lang=\"en\">so far</span>）" };
        let station = escaped(&report.station.name.zh);
        self.0.push_str(&format!(
            "<!doctype html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{station} {zh} {days}</title>\n<link rel=\"stylesheet\" href=\"/report.css\">\n</head>\n<body>\n\
             <header><h1>{station} {zh} <small lang=\"en\">{en_station}: {en}</small></h1>\n\
             <p>{days}{so_far} <small>{zone}</small></p></header>\n<main>\n",
            zh = span.zh,
            en = span.en,
            en_station = escaped(&report.station.name.en),
            zone = escaped(&period.time_zone),
        ));
    }

    fn volumes(&mut self, report: &Report) {
        let alerts = &report.alerts;
        self.section("告警数量", "Alerts");
        self.figures(&[
            ("告警", "alerts", alerts.total.to_string()),
            ("事件", "incidents", alerts.incidents.to_string()),
            ("超十分钟", "over ten minutes", report.breaches.count.to_string()),
            ("演练", "drills", alerts.drills.to_string()),
        ]);
        self.bars(&alerts.by_hour);
        self.counts(
            "级别",
            "Severity",
            alerts.by_severity.iter().rev().map(|(&it, n)| (words::severity(it), it.as_str(), *n)),
        );
        self.counts("类型", "Kind", alerts.by_kind.iter().map(|(&it, n)| (words::kind(it), it.as_str(), *n)));
        self.counts(
            "现状",
            "State now",
            alerts.by_state.iter().map(|(&it, n)| (words::state(it), it.as_str(), *n)),
        );
        self.counts("层级", "Level", alerts.by_level.iter().map(|(&it, n)| (level(it), it.as_str(), *n)));
        self.counts("村庄", "Village", alerts.by_village.iter().map(|(it, n)| (it.as_str(), "", *n)));
        if alerts.by_day.len() > 1 {
            self.counts("日期", "Day", alerts.by_day.iter().map(|(it, n)| (it.as_str(), "", *n)));
        }
    }

    fn answers(&mut self, report: &Report) {
        let answers = &report.answers;
        self.section("响应时间", "Answer times");
        self.figures(&[
            ("已通知", "told by name", answers.told.to_string()),
            ("再次通知", "told again", answers.told_again.to_string()),
            ("升级", "escalated", answers.escalated.to_string()),
        ]);
        self.table(&[
            ("", ""),
            ("次数", "count"),
            ("中位数", "median"),
            ("九成以内", "9 of 10 within"),
            ("最长", "longest"),
        ]);
        for (zh, en, times) in [
            ("确认", "acknowledged", answers.acknowledged),
            ("认领", "claimed", answers.claimed),
            ("办结", "closed", answers.closed),
        ] {
            let Times { count, p50_s, p90_s, max_s } = times;
            self.row(&[both(zh, en), count.to_string(), seconds(p50_s), seconds(p90_s), seconds(max_s)]);
        }
        self.end();
        self.counts(
            "排除原因",
            "Dismissed because",
            report.dismissed.iter().map(|(&it, n)| (words::reason(it), "", *n)),
        );
    }

    fn breaches(&mut self, report: &Report) {
        let breaches = &report.breaches;
        if breaches.count == 0 {
            return;
        }
        self.section("十分钟内无人处置", "Nobody on the way within ten minutes");
        self.table(&[
            ("时间", "raised"),
            ("摄像机", "camera"),
            ("类型", "kind"),
            ("级别", "severity"),
            ("认领", "claimed after"),
        ]);
        for breach in breaches.alerts.iter().take(ROWS_MAX) {
            self.row(&[
                escaped(&breach.raised_at),
                escaped(breach.camera.as_str()),
                both(words::kind(breach.kind), breach.kind.as_str()),
                both(words::severity(breach.severity), breach.severity.as_str()),
                seconds(breach.claimed_after_s),
            ]);
        }
        self.end();
        self.more(breaches.count as usize);
    }

    fn worth(&mut self, report: &Report) {
        if report.rules.is_empty() {
            return;
        }
        self.section("规则效果", "What each rule was worth");
        self.table(&[
            ("规则", "rule"),
            ("摄像机", "camera"),
            ("告警", "alerts"),
            ("已处置", "resolved"),
            ("属实", "as told"),
            ("误检", "wrong"),
            ("准确率", "precision"),
        ]);
        let mut rules: Vec<_> = report.rules.iter().collect();
        // What costs the operators most comes first.
        rules.sort_by(|a, b| (b.wrong, b.alerts, &a.rule).cmp(&(a.wrong, a.alerts, &b.rule)));
        for worth in rules.iter().take(ROWS_MAX) {
            let precision =
                worth.precision.map_or("–".to_owned(), |share| format!("{:.0} %", share * 100.0));
            self.row(&[
                escaped(worth.rule.as_str()),
                escaped(worth.camera.as_str()),
                worth.alerts.to_string(),
                worth.resolved.to_string(),
                worth.right.to_string(),
                worth.wrong.to_string(),
                precision,
            ]);
        }
        self.end();
        self.more(rules.len());
    }

    fn outages(&mut self, report: &Report) {
        self.section("摄像机中断", "Outages");
        if report.outages.is_empty() {
            self.0.push_str("<p>无 <small lang=\"en\">none</small></p>\n");
            return;
        }
        self.table(&[
            ("摄像机", "camera"),
            ("类型", "kind"),
            ("次数", "times"),
            ("合计", "in all"),
            ("最长", "longest"),
            ("仍在中断", "goes on"),
        ]);
        for outage in report.outages.iter().take(ROWS_MAX) {
            self.row(&[
                escaped(outage.camera.as_str()),
                both(words::kind(outage.kind), outage.kind.as_str()),
                outage.times.to_string(),
                seconds(Some(outage.total_s as f64)),
                seconds(Some(outage.longest_s as f64)),
                if outage.goes_on { "是 yes".to_owned() } else { String::new() },
            ]);
        }
        self.end();
        self.more(report.outages.len());
    }

    fn section(&mut self, zh: &str, en: &str) {
        self.0.push_str(&format!("<h2>{zh} <small lang=\"en\">{en}</small></h2>\n"));
    }

    fn figures(&mut self, figures: &[(&str, &str, String)]) {
        self.0.push_str("<dl>\n");
        for (zh, en, figure) in figures {
            self.0.push_str(&format!("<div><dt>{}</dt><dd>{figure}</dd></div>\n", both(zh, en)));
        }
        self.0.push_str("</dl>\n");
    }

    /// A bar an hour.
    fn bars(&mut self, hours: &[u64; 24]) {
        let most = hours.iter().copied().max().unwrap_or(0).max(1);
        self.0.push_str(
            "<figure><svg viewBox=\"0 0 480 96\" role=\"img\" aria-label=\"每小时告警数 alerts by hour\">\n",
        );
        for (hour, &count) in hours.iter().enumerate() {
            let high = (count * 72).div_ceil(most);
            let left = hour * 20;
            self.0.push_str(&format!(
                "<rect x=\"{}\" y=\"{}\" width=\"16\" height=\"{high}\"><title>{hour}:00 {count}</title></rect>\n",
                left + 2,
                76 - high,
            ));
            if hour % 3 == 0 {
                self.0.push_str(&format!("<text x=\"{}\" y=\"90\">{hour}</text>\n", left + 10));
            }
        }
        self.0.push_str(
            "</svg><figcaption>每小时告警数 <span lang=\"en\">alerts by hour</span></figcaption></figure>\n",
        );
    }

    fn counts<'w>(&mut self, zh: &str, en: &str, counts: impl Iterator<Item = (&'w str, &'w str, u64)>) {
        let mut counts = counts.peekable();
        if counts.peek().is_none() {
            return;
        }
        self.table(&[(zh, en), ("数量", "count")]);
        for (zh, en, count) in counts.take(ROWS_MAX) {
            self.row(&[both(&escaped(zh), en), count.to_string()]);
        }
        self.end();
    }

    fn table(&mut self, heads: &[(&str, &str)]) {
        self.0.push_str("<table>\n<tr>");
        for (zh, en) in heads {
            self.0.push_str(&format!("<th>{}</th>", both(zh, en)));
        }
        self.0.push_str("</tr>\n");
    }

    /// A row of cells that are HTML already.
    fn row(&mut self, cells: &[String]) {
        self.0.push_str("<tr>");
        for cell in cells {
            self.0.push_str(&format!("<td>{cell}</td>"));
        }
        self.0.push_str("</tr>\n");
    }

    fn end(&mut self) {
        self.0.push_str("</table>\n");
    }

    fn more(&mut self, all: usize) {
        if all > ROWS_MAX {
            let more = all - ROWS_MAX;
            self.0.push_str(&format!("<p>另有 {more} 行 <small lang=\"en\">{more} more</small></p>\n"));
        }
    }
}

fn both(zh: &str, en: &str) -> String {
    if en.is_empty() { zh.to_owned() } else { format!("{zh} <small lang=\"en\">{en}</small>") }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Ring => "圈",
        Level::Block => "块",
        Level::Line => "线",
        Level::Point => "点",
    }
}

/// `4 h 03 min`, `12 min 05 s`, `8.2 s`.
fn seconds(s: Option<f64>) -> String {
    let Some(s) = s else { return "–".to_owned() };
    let whole = s.round() as u64;
    match whole {
        0..60 => format!("{s:.1} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
    }
}
