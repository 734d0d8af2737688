//! One sentence about a call or a sensor, in Chinese and in English.

use jiff::tz::TimeZone;

use crate::{
    alert::Earnest,
    config::{Name, SensorKind},
    time::Wall,
};

/// What there is to say of a call.
pub(super) struct Call<'c> {
    pub(super) button: &'c Name,
    pub(super) village: &'c Name,
    pub(super) earnest: Earnest,
    pub(super) at: Wall,
    pub(super) presses: u32,
    pub(super) who: Option<&'c str>,
    pub(super) note: Option<&'c str>,
}

impl Call<'_> {
    pub(super) fn sentence(&self, time_zone: &TimeZone) -> Name {
        let at = clock(time_zone, self.at);
        let (mut zh, mut en) = match self.earnest {
            Earnest::Real => (String::new(), String::new()),
            Earnest::Drill => ("【演练】".to_owned(), "[drill] ".to_owned()),
        };
        zh += &format!("{}（{}）：{at} 一键报警", self.button.zh, self.village.zh);
        en += &format!("{} ({}): help called for at {at}", self.button.en, self.village.en);
        if self.presses > 1 {
            zh += &format!("，已按{}次", self.presses);
            en += &format!(", pressed {} times", self.presses);
        }
        if let Some(who) = self.who {
            zh += &format!("，报警人：{who}");
            en += &format!(", by {who}");
        }
        if let Some(note) = self.note {
            zh += &format!("，“{note}”");
            en += &format!(": \"{note}\"");
        }
        Name { zh, en }
    }
}

/// What there is to say of a sensor that spoke.
pub(super) fn sensor(
    name: &Name,
    kind: SensorKind,
    at: Wall,
    times: u32,
    ended: Option<Wall>,
    time_zone: &TimeZone,
) -> Name {
    let began = clock(time_zone, at);
    let (zh_what, en_what) = match kind {
        SensorKind::Door => ("门被打开", "opened"),
        SensorKind::Contact => ("触点触发", "set off"),
        SensorKind::Vibration => ("检测到振动", "shaken"),
    };
    let mut zh = format!("{}：{began} {zh_what}", name.zh);
    let mut en = format!("{}: {en_what} at {began}", name.en);
    if times > 1 {
        zh += &format!("，共{times}次");
        en += &format!(", {times} times");
    }
    if let Some(ended) = ended {
        let ended = clock(time_zone, ended);
        zh += &format!("，{ended}结束");
        en += &format!(", over at {ended}");
    }
    Name { zh, en }
}

fn clock(time_zone: &TimeZone, at: Wall) -> String {
    time_zone.to_datetime(at.timestamp()).strftime("%H:%M:%S").to_string()
}
