//! Who is told of what: posts, routes, and how much they are told.

use super::{super::shape::Section, *};

/// Budgets of a rule, in alerts an hour.
pub(super) const PER_HOUR: Form = Whole(1, 3600);

pub(super) const NOTICE: Section = Section::plain(
    "notice",
    "How much posts are told. Nothing here keeps an alert from being stored, shown and published.",
    "通知岗位的频度。无论如何设置，告警都会保存、显示并发布。",
    &[
        key(
            "incident_s",
            Whole(1, 600),
            Default("30"),
            "Alerts of one sort at one entry point, or at one that is `near`, are one incident where the last one is no older than so many seconds: posts are told of the first.",
            "同一入口（或 near 所列入口）的同类告警，距上一条不超过该秒数即并为同一事件，只就第一条通知岗位。",
        ),
        key(
            "notices_per_hour",
            PER_HOUR,
            Default("20"),
            "Alerts of one rule on one camera in an hour; of more, posts are told in summaries. Critical ones are always told and not counted.",
            "同一规则在同一摄像机上每小时的告警条数，超过后只向岗位发汇总。critical 告警始终逐条通知，不计数。",
        ),
        key(
            "summary_every_s",
            Whole(60, 3600),
            Default("600"),
            "Seconds between two summaries.",
            "两次汇总之间的秒数。",
        ),
    ],
);

pub(super) const POST: Section = Section::plain(
    "post.ID",
    "Somebody who is told of alerts, on the topic `post/{ID}/notice`: the station, a checkpoint, a patrol, traffic, volunteers.",
    "接收告警通知的岗位（主题 post/{ID}/notice）：派出所、卡点、巡逻、交警、志愿者等。",
    &[
        NAME,
        NAME_ZH,
        key("hours", Reference("hours"), Optional("always"), "When it is on duty.", "值勤时段。"),
        key(
            "presence",
            Choice(&["assumed", "mqtt"]),
            Default("\"assumed\""),
            "How it is known that it is there: `assumed`, in its hours; `mqtt`: it says so on `post/{ID}/status`, with a will, and is passed over where it does not.",
            "如何判断在岗：assumed 值勤时段内视为在岗；mqtt 由岗位终端在 post/{ID}/status 上报（并设遗嘱），未上报则跳过。",
        ),
    ],
);

pub(in crate::config) const ROUTE: Section = Section::plain(
    "route.ID",
    "A line of the table that says who is told of what. It is read from the top: the first line that fits an alert in every respect holds. What no line fits goes to all posts at once.",
    "通知路由表的一行。自上而下，第一条全部条件均符合的生效；都不符合则同时通知所有岗位。",
    &[
        key(
            "levels",
            List { of: &LEVEL, min: 1, max: 4 },
            Optional("all"),
            "Levels of the entry point.",
            "入口的封控层级。",
        ),
        key(
            "villages",
            List { of: &Reference("village"), min: 1, max: 1024 },
            Optional("all"),
            "Villages.",
            "村庄。",
        ),
        key(
            "entry_points",
            List { of: &Reference("entry_point"), min: 1, max: 4096 },
            Optional("all"),
            "Entry points.",
            "入口。",
        ),
        key(
            "cameras",
            List { of: &Reference("camera"), min: 1, max: 4096 },
            Optional("all"),
            "Cameras.",
            "摄像机。",
        ),
        key("kinds", List { of: &KIND, min: 1, max: 16 }, Optional("all"), "Kinds of alert.", "告警种类。"),
        key(
            "severities",
            List { of: &SEVERITY, min: 1, max: 4 },
            Optional("all"),
            "How bad it is.",
            "严重程度。",
        ),
        key(
            "hours",
            Reference("hours"),
            Optional("always"),
            "When the alert was raised.",
            "告警发生的时段。",
        ),
        key(
            "tell",
            List { of: &TIER, min: 1, max: 8 },
            Required,
            "Who is told, tier by tier: the first one at once, each further one where nobody has claimed the alert. A tier in which nobody is on duty is passed over at once; the last one is told whatever holds.",
            "通知谁，逐级列出：第一级立即通知，无人认领则通知下一级。整级无人在岗时立即跳到下一级；最后一级无论如何都会通知。",
        ),
    ],
);

const TIER: Form = List { of: &Reference("post"), min: 1, max: 64 };

/// All kinds of alert, as written.
pub(super) const KIND: Form = Choice(&[
    "line-cross",
    "zone-enter",
    "zone-leave",
    "wrong-way",
    "dwell",
    "vehicle-stopped",
    "crowd",
    "livestock",
    "night-passage",
    "watch-hit",
    "panic-button",
    "external-sensor",
    "camera-offline",
    "camera-tamper",
    "camera-degraded",
    "closure-lost",
]);
