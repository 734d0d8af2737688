//! One sentence about the state of cameras, in Chinese and in English.
//!
//! Owns the wording: who, what, since when, why; and at the end, how long it was.

use std::{collections::BTreeSet, time::Duration};

use super::{End, Open, Standing, Watchman, What};
use crate::{camera::Reason, config::Name, id::AlertId, time::Wall};

impl Watchman {
    /// What there is to say of an open alert; `None` where a camera is on its way back, so that nothing new is known.
    pub(super) fn sentence(&self, id: AlertId, open: &Open) -> Option<Name> {
        let at = self.clock(open.occurred_at);
        let first = self.cameras.get(*open.members.first()?)?;
        let (zh, en) = (&first.camera.name.zh, &first.camera.name.en);
        match (&open.what, &first.standing) {
            (What::Offline, Standing::Offline(reason)) => {
                let why = in_words(*reason);
                Some(Name {
                    zh: format!("{zh}：{at}起离线（{}）", why.zh),
                    en: format!("{en}: offline since {at} ({})", why.en),
                })
            }
            (What::Degraded, Standing::Degraded(reasons)) => {
                let why = joined(reasons.iter().map(|reason| in_words(*reason)));
                Some(Name {
                    zh: format!("{zh}：{at}起画面异常（{}）", why.zh),
                    en: format!("{en}: of no use since {at} ({})", why.en),
                })
            }
            (What::Many(_), _) => {
                let (lost, away) = (open.members.len(), self.away(id).count());
                let whose = self.whose(open);
                let (zh_rest, en_rest) = match away == lost {
                    true => (String::new(), String::new()),
                    false => (format!("，仍有{away}台离线"), format!("; {away} are still away")),
                };
                Some(Name {
                    zh: format!("{at}，{}{lost}台摄像机同时离线：可能是停电或交换机故障{zh_rest}", whose.zh),
                    en: format!(
                        "{lost} cameras of {} at once at {at}: probably power or a switch{en_rest}",
                        whose.en
                    ),
                })
            }
            _ => None,
        }
    }

    /// What there is to say of one that is over.
    pub(super) fn parting(&self, open: &Open, at: Wall, end: End) -> Name {
        let us = at.us_since(open.occurred_at).max(0).unsigned_abs();
        let (since, long) = (self.clock(open.occurred_at), duration(Duration::from_micros(us)));
        let (who, lost) = (self.cameras.get(open.members[0]), open.members.len());
        let name = who.map_or(Name { zh: String::new(), en: String::new() }, |of| of.camera.name.clone());
        let (zh_what, en_what) = match open.what {
            What::Degraded => ("画面异常", "of no use"),
            What::Offline | What::Many(_) => ("离线", "offline"),
        };
        let is_many = matches!(open.what, What::Many(_));
        let (zh_who, en_who) = match is_many {
            true => (format!("{lost}台摄像机"), format!("{lost} cameras")),
            false => (name.zh, name.en),
        };
        let (zh_end, en_end) = match end {
            End::Recovered => ("已恢复".to_owned(), "well again".to_owned()),
            End::Maintenance => ("转入检修".to_owned(), "out of service on purpose".to_owned()),
            End::Lost => ("随后离线".to_owned(), "offline now".to_owned()),
            End::MostAreBack(0) => ("已恢复".to_owned(), "all are back".to_owned()),
            End::MostAreBack(rest) => (
                format!("{}台已恢复，其余{rest}台另行告警", lost - rest),
                format!("{} are back, and the other {rest} have alerts of their own", lost - rest),
            ),
        };
        Name {
            zh: format!("{zh_who}：{since}起{zh_what}{}，{zh_end}", long.zh),
            en: format!("{en_who}: {en_end} after {} {en_what} (since {since})", long.en),
        }
    }

    /// Of which villages they are.
    fn whose(&self, open: &Open) -> Name {
        let villages: BTreeSet<(&str, &str)> = open
            .members
            .iter()
            .map(|place| &self.cameras[*place].village)
            .map(|name| (name.zh.as_str(), name.en.as_str()))
            .collect();
        match villages.first() {
            Some((zh, en)) if villages.len() == 1 => Name { zh: (*zh).to_owned(), en: (*en).to_owned() },
            _ => {
                let count = villages.len();
                Name { zh: format!("{count}个村"), en: format!("{count} villages") }
            }
        }
    }

    fn clock(&self, at: Wall) -> String {
        self.time_zone.to_datetime(at.timestamp()).strftime("%H:%M:%S").to_string()
    }
}

fn in_words(reason: Reason) -> Name {
    let (zh, en) = match reason {
        Reason::Auth => ("用户名或密码被拒绝", "it refuses the password"),
        Reason::Refused => ("拒绝连接或中断了连接", "it refuses, or hangs up"),
        Reason::Timeout => ("无应答", "it does not answer"),
        Reason::NoKeyframe => ("没有关键帧", "it sends no key frame"),
        Reason::FpsLow => ("帧率过低", "it sends too few frames"),
        Reason::Frozen => ("画面静止不动", "its picture is frozen"),
        Reason::Undecodable => ("码流无法解码", "what it sends cannot be decoded"),
        Reason::Covered => ("镜头被遮挡", "it is covered"),
        Reason::Moved => ("镜头被移动", "it was moved"),
        Reason::Dark => ("画面过暗", "its picture is dark"),
        Reason::Bright => ("画面过亮", "its picture is too bright"),
        Reason::Blurred => ("画面模糊", "its picture is blurred"),
        Reason::Clock => ("时钟不准", "its clock is wrong"),
    };
    Name { zh: zh.to_owned(), en: en.to_owned() }
}

fn joined(names: impl Iterator<Item = Name>) -> Name {
    let (zh, en): (Vec<String>, Vec<String>) = names.map(|name| (name.zh, name.en)).unzip();
    Name { zh: zh.join("、"), en: en.join(", ") }
}

/// A length of time, as two units.
fn duration(time: Duration) -> Name {
    let s = time.as_secs();
    let (zh, en) = match s {
        0..60 => (format!("{s}秒"), format!("{s} s")),
        60..3600 => (format!("{}分{}秒", s / 60, s % 60), format!("{} min {} s", s / 60, s % 60)),
        3600..86_400 => {
            let (h, min) = (s / 3600, s % 3600 / 60);
            (format!("{h}小时{min}分"), format!("{h} h {min} min"))
        }
        _ => {
            let (d, h) = (s / 86_400, s % 86_400 / 3600);
            (format!("{d}天{h}小时"), format!("{d} d {h} h"))
        }
    };
    Name { zh, en }
}
