//! The keys of our own equipment, of buttons and of sensors.

use super::{EMPTY, NAME, NAME_ZH};
use crate::config::shape::{
    Form::{self, *},
    Key,
    Need::{Default, Optional, Required},
    Section, key,
};

/// How bad something is, as written.
const SEVERITY: Form = Choice(&["info", "warning", "major", "critical"]);

/// Ids of cameras, the nearest first.
const CAMERAS: Form = List { of: &Reference("camera"), min: 1, max: 64 };

const SIGN_OF_LIFE_H: Key = key(
    "sign_of_life_h",
    Whole(0, 720),
    Default("24"),
    "Hours within which it is to be heard of; else it is listed as overdue. 0: it says nothing by itself.",
    "应在多少小时内有消息，否则列为失联。0 表示设备平时不报到。",
);

pub(super) const EQUIPMENT_KEY: Key = key(
    "equipment",
    Table(&EQUIPMENT),
    EMPTY,
    "When the state of our own cameras is an alert.",
    "摄像机自身状态何时告警。",
);

pub(super) const BUTTON_KEY: Key =
    key("button", Map { of: &BUTTON, max: 1024 }, EMPTY, "Buttons that call for help.", "一键报警按钮。");

pub(super) const SENSOR_KEY: Key = key(
    "sensor",
    Map { of: &SENSOR, max: 4096 },
    EMPTY,
    "Door, contact and vibration sensors.",
    "门磁、触点与振动传感器。",
);

const EQUIPMENT: Section = Section::plain(
    "equipment",
    "When the state of our own cameras is an alert. A camera in maintenance raises none.",
    "摄像机自身状态何时告警；检修中的摄像机不告警。",
    &[
        key(
            "offline_s",
            Real(1.0, 3600.0),
            Default("30"),
            "Seconds for which a camera is away until it is `camera-offline`.",
            "摄像机失联多少秒后告警 camera-offline。",
        ),
        key(
            "degraded_s",
            Real(1.0, 3600.0),
            Default("60"),
            "Seconds for which it is of no use (frozen, too few frames, nothing that can be decoded) until it is `camera-degraded`.",
            "画面不可用（静止、帧率过低、无法解码）多少秒后告警 camera-degraded。",
        ),
        key(
            "well_s",
            Real(1.0, 3600.0),
            Default("30"),
            "Seconds for which it must be well again until its alert is over.",
            "恢复正常多少秒后结束告警。",
        ),
        key(
            "many",
            Whole(2, 4096),
            Default("10"),
            "So many cameras that are lost within `many_within_s` are one alert.",
            "many_within_s 秒内失联达到此数量时，合并为一条告警。",
        ),
        key("many_within_s", Real(0.1, 60.0), Default("5"), "See `many`.", "见 many。"),
        key(
            "offline_severity",
            SEVERITY,
            Default("\"warning\""),
            "How bad one camera that is away is.",
            "单台摄像机失联的严重程度。",
        ),
        key(
            "degraded_severity",
            SEVERITY,
            Default("\"warning\""),
            "How bad one that is of no use is.",
            "画面不可用的严重程度。",
        ),
        key(
            "many_severity",
            SEVERITY,
            Default("\"major\""),
            "How bad many at once are.",
            "大批同时失联的严重程度。",
        ),
    ],
);

const BUTTON: Section = Section::plain(
    "button.ID",
    "A button that calls for help: pressed over MQTT (`button/ID`) or HTTP. Always critical, and at once.",
    "一键报警按钮，经 MQTT（button/ID）或 HTTP 触发；一律为 critical，立即告警。",
    &[
        NAME,
        NAME_ZH,
        key(
            "entry_point",
            Reference("entry_point"),
            Optional("`village`, or else where its first camera is"),
            "The entry point at which it is.",
            "所在入口。",
        ),
        key(
            "village",
            Reference("village"),
            Optional("`entry_point`, or else where its first camera is"),
            "The village in which it is.",
            "所在村庄。",
        ),
        key(
            "cameras",
            CAMERAS,
            Required,
            "Cameras that are recorded and held while it calls, the nearest first.",
            "报警期间录像并留存的摄像机，最近的在前。",
        ),
        key(
            "drill",
            Flag,
            Default("false"),
            "Whether a press is an exercise, where the message does not say: all goes its way, marked, and is not counted.",
            "消息未注明时，按下是否视为演练：流程照走、注明演练、不计入统计。",
        ),
        key(
            "lasts_s",
            Whole(1, 3600),
            Default("300"),
            "Seconds after the last press at which the call ends; until then, and for the post-roll, its cameras are recorded.",
            "最后一次按下后多少秒结束呼叫；此前及后续录像时间内，其摄像机持续录像。",
        ),
        key(
            "hold_days",
            Whole(1, 3650),
            Default("30"),
            "Days after which somebody has to look whether what was recorded is still to be held.",
            "多少天后需复核录像是否继续留存。",
        ),
        SIGN_OF_LIFE_H,
    ],
);

const SENSOR: Section = Section::plain(
    "sensor.ID",
    "A sensor that speaks over MQTT (`sensor/ID`).",
    "经 MQTT（sensor/ID）上报的传感器。",
    &[
        NAME,
        NAME_ZH,
        key(
            "kind",
            Choice(&["door", "contact", "vibration"]),
            Default("\"contact\""),
            "What it is.",
            "类型：door 门磁、contact 触点、vibration 振动。",
        ),
        key(
            "cameras",
            CAMERAS,
            Required,
            "Cameras that see it, the nearest first.",
            "能看到它的摄像机，最近的在前。",
        ),
        key(
            "severity",
            SEVERITY,
            Default("\"warning\""),
            "How bad it is when it speaks.",
            "触发时的严重程度。",
        ),
        key(
            "pair_s",
            Real(0.0, 600.0),
            Default("10"),
            "What one of its cameras sees within so many seconds before or after is the same incident.",
            "前后多少秒内其摄像机所见视为同一事件。",
        ),
        key(
            "hours",
            Reference("hours"),
            Optional("always"),
            "Hours in which it raises alerts.",
            "告警时段。",
        ),
        key(
            "lasts_s",
            Whole(1, 3600),
            Default("60"),
            "Seconds after its last word at which it is over, where it does not say so itself.",
            "未自行上报恢复时，最后一次触发后多少秒视为结束。",
        ),
        SIGN_OF_LIFE_H,
    ],
);
