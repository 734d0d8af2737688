//! What kinds, severities, states and reasons are called in Chinese; in English they are called as on the wire.

use crate::alert::{
    Kind, Severity,
    life::{Reason, State},
};

pub(super) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::LineCross => "越线",
        Kind::ZoneEnter => "进入区域",
        Kind::ZoneLeave => "离开区域",
        Kind::WrongWay => "逆行",
        Kind::Dwell => "徘徊逗留",
        Kind::VehicleStopped => "车辆滞留",
        Kind::Crowd => "人员聚集",
        Kind::Livestock => "牲畜",
        Kind::NightPassage => "夜间通行",
        Kind::WatchHit => "布控命中",
        Kind::PanicButton => "一键报警",
        Kind::ExternalSensor => "传感器",
        Kind::CameraOffline => "摄像机离线",
        Kind::CameraTamper => "摄像机被破坏",
        Kind::CameraDegraded => "摄像机异常",
        Kind::ClosureLost => "封控缺口",
    }
}

pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "提示",
        Severity::Warning => "注意",
        Severity::Major => "重要",
        Severity::Critical => "紧急",
    }
}

pub(super) fn state(state: State) -> &'static str {
    match state {
        State::Raised => "待确认",
        State::Acknowledged => "已确认",
        State::Escalated => "已升级",
        State::Claimed => "处置中",
        State::Resolved => "已处置",
        State::Dismissed => "已排除",
        State::Expired => "超时未处置",
    }
}

pub(super) fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::FalseDetection => "误检",
        Reason::Known => "本村人员或车辆",
        Reason::Harmless => "属实但无需处置",
        Reason::Duplicate => "重复告警",
        Reason::Test => "测试",
        Reason::Other => "其他",
    }
}
