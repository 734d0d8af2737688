//! Every key of the configuration, declared once.
//!
//! Reading, the check for unknown keys, the JSON Schema and the reference are all driven by these declarations. What a
//! value *means* together with others is for [`super::read`].

mod device;
mod duty;
mod map;
mod neighbour;

#[cfg(test)]
pub(super) use duty::ROUTE;

use super::shape::{
    Form::{self, *},
    Key,
    Need::{Default, Optional, Required},
    Section, Variant, Variants, key,
};

/// The whole file.
pub(super) const FILE: Section = Section::plain(
    "file",
    "A station: its villages, entry points and cameras, and what is worth an alert there.",
    "一个派出所（站点）：所辖村庄、入口、摄像机，以及哪些情况需要告警。",
    &[
        key("station", Table(&STATION), Required, "Who we are.", "本站。"),
        key("paths", Table(&PATHS), EMPTY, "Where things lie on this machine.", "本机上的文件位置。"),
        key(
            "console",
            Table(&CONSOLE),
            EMPTY,
            "The page, metrics and health, over HTTP.",
            "网页、指标与健康检查（HTTP）。",
        ),
        key("broker", Table(&BROKER), EMPTY, "The MQTT broker that alerts go to.", "接收告警的 MQTT 代理。"),
        key(
            "attention",
            Table(&ATTENTION),
            EMPTY,
            "How much of the machine goes into looking where nothing seems to happen.",
            "画面看似平静时，投入多少计算资源去查看。",
        ),
        key("decode", Table(&DECODE), EMPTY, "How pixels are made.", "视频解码。"),
        key("detect", Table(&DETECT), EMPTY, "How things are found in pixels.", "目标检测。"),
        key(
            "recording",
            Table(&RECORDING),
            EMPTY,
            "How recordings are made and kept.",
            "录像方式与保存期限。",
        ),
        key(
            "volume",
            Map { of: &VOLUME, max: 64 },
            EMPTY,
            "Where recordings lie. Without any: the folder `recordings` in `paths.data`.",
            "录像卷。不写则为 paths.data 下的 recordings 目录。",
        ),
        device::EQUIPMENT_KEY,
        key(
            "hours",
            Map { of: &HOURS, max: 256 },
            EMPTY,
            "Named hours of the week, for rules.",
            "供规则引用的命名时段。",
        ),
        key("village", Map { of: &VILLAGE, max: 1024 }, EMPTY, "The villages.", "村庄。"),
        key(
            "entry_point",
            Map { of: &ENTRY_POINT, max: 4096 },
            EMPTY,
            "The places where a road or path enters a village.",
            "道路或小径进村的入口。",
        ),
        key(
            "camera",
            Map { of: &CAMERA, max: 4096 },
            EMPTY,
            "The cameras; at least one.",
            "摄像机，至少一台。",
        ),
        key("rule", Map { of: &RULE, max: 1024 }, EMPTY, "What is worth an alert.", "告警规则。"),
        map::ROAD_KEY,
        device::BUTTON_KEY,
        device::SENSOR_KEY,
        key(
            "neighbour",
            Map { of: &neighbour::NEIGHBOUR, max: 32 },
            EMPTY,
            "Neighbouring stations that alerts are shared with.",
            "与之共享告警的邻站。",
        ),
        key("notice", Table(&duty::NOTICE), EMPTY, "How much posts are told.", "通知岗位的频度。"),
        key(
            "post",
            Map { of: &duty::POST, max: 256 },
            EMPTY,
            "Who can be told. Without any, nobody is told by name.",
            "可通知的岗位。不写则不点名通知。",
        ),
        key(
            "route",
            Map { of: &duty::ROUTE, max: 256 },
            EMPTY,
            "Who is told of what. Without any: all posts, of all.",
            "何种告警通知谁。不写则所有告警通知所有岗位。",
        ),
    ],
);

const EMPTY: super::shape::Need = Default("{}");

const NAME: Key = key(
    "name",
    Text,
    Optional("`name_zh`, or else the id"),
    "Name for people, in English or any language.",
    "名称（英文或任何语言）。",
);
const NAME_ZH: Key =
    key("name_zh", Text, Optional("`name`, or else the id"), "Name in Chinese.", "中文名称。");

const STATION: Section = Section::plain(
    "station",
    "The station and this daemon of it.",
    "站点与本守护进程。",
    &[
        key(
            "id",
            Id,
            Required,
            "Id of the station: the root of all MQTT topics.",
            "站点标识，MQTT 主题的根。",
        ),
        key(
            "node",
            Id,
            Default("\"main\""),
            "Id of this daemon within the station.",
            "本守护进程在站点内的标识。",
        ),
        NAME,
        NAME_ZH,
        key(
            "time_zone",
            Zone,
            Optional("UTC; must be written where there are hours"),
            "Civil time of the rules' hours and of what people are shown (IANA name).",
            "规则时段与界面显示所用的时区（IANA 名称）。",
        ),
        key(
            "stop_grace_s",
            Whole(1, 300),
            Default("10"),
            "Seconds that an ordered stop may take before the daemon ends anyway.",
            "有序停止的最长秒数，超过即强制结束。",
        ),
    ],
);

const PATHS: Section = Section::plain(
    "paths",
    "Where things lie. Relative paths start at the folder of this file.",
    "文件位置。相对路径以本配置文件所在目录为起点。",
    &[
        key(
            "data",
            Path,
            Default("\"data\""),
            "Folder of the store, the outbox and snapshots.",
            "存储、发件箱与快照的目录。",
        ),
        key(
            "models",
            Path,
            Default("\"models\""),
            "Folder of model files and their descriptions.",
            "模型文件及其描述的目录。",
        ),
        key(
            "onnxruntime",
            Path,
            Optional("`ORT_DYLIB_PATH`, then the places where set-up puts it"),
            "ONNX Runtime's shared library.",
            "ONNX Runtime 动态库。",
        ),
    ],
);

const CONSOLE: Section = Section::plain(
    "console",
    "The HTTP server.",
    "HTTP 服务。",
    &[
        key(
            "listen",
            Listen,
            Default("\"127.0.0.1:8080\""),
            "Where it listens. It asks for an account, over plain HTTP: open it to a network only behind something that has TLS.",
            "监听地址。须登录，但为明文 HTTP，仅应在有 TLS 的反向代理之后对外开放。",
        ),
        key(
            "address",
            Web,
            Optional("none: what is shared with neighbours has no links to pictures that work there"),
            "Where neighbouring stations, and its own people, reach it (`https://…`): for links to pictures and clips, and a name that the page may be asked under.",
            "邻站及本站人员访问本服务的地址（https://…），用于图片与视频链接，也是网页可用的域名。",
        ),
    ],
);

const BROKER: Section = Section {
    name: "broker",
    en: "The MQTT 5 broker.",
    zh: "MQTT 5 代理。",
    keys: &[
        key(
            "kind",
            Choice(&["embedded", "external"]),
            Default("\"embedded\""),
            "`embedded`: one inside of this process, for trying and for a station that has none; `external`: one that somebody runs (mosquitto), which a station should have.",
            "embedded：内置代理，供试用或没有代理的站点；external：外部代理（如 mosquitto），正式站点应使用。",
        ),
        key(
            "listen",
            Listen,
            Default("\"127.0.0.1:1883\""),
            "Where the embedded broker listens. It asks nobody for a password.",
            "内置代理的监听地址，不做身份验证。",
        ),
        key(
            "host",
            Host,
            Optional("an embedded broker has none"),
            "Host of the external broker.",
            "外部代理的主机。",
        ),
        key(
            "port",
            Whole(1, 65535),
            Optional("8883 with `tls`, 1883 without"),
            "TCP port of the external broker.",
            "外部代理的 TCP 端口。",
        ),
        key(
            "credentials",
            Table(&CREDENTIALS),
            Optional("the broker asks for none"),
            "How to log in to the external broker.",
            "登录外部代理的凭据。",
        ),
        key("tls", Table(&TLS), Optional("no TLS"), "TLS to the external broker.", "与外部代理之间的 TLS。"),
        key(
            "keep_alive_s",
            Whole(5, 600),
            Default("30"),
            "Longest silence on the connection to the external broker, in seconds.",
            "与外部代理连接的最长静默秒数。",
        ),
    ],
    variants: Some(Variants {
        by: "kind",
        of: &[
            Variant { value: "embedded", needs: &[], may: &["listen"] },
            Variant {
                value: "external",
                needs: &["host"],
                may: &["port", "credentials", "tls", "keep_alive_s"],
            },
        ],
    }),
    exactly_one: &[],
    together: &[],
};

const CREDENTIALS: Section = Section {
    name: "credentials",
    en: "A user name, and where its password is kept. A password itself never stands in this file.",
    zh: "用户名及密码的存放处。密码本身不得写入本文件。",
    keys: &[
        key("user", Hidden, Required, "User name.", "用户名。"),
        key(
            "password_env",
            Hidden,
            Optional("`password_file` is written"),
            "Name of the environment variable that holds the password.",
            "存放密码的环境变量名。",
        ),
        key(
            "password_file",
            Path,
            Optional("`password_env` is written"),
            "File that holds the password and nothing else, with mode 0600 or 0400.",
            "仅含密码的文件，权限须为 0600 或 0400。",
        ),
    ],
    variants: None,
    exactly_one: &["password_env", "password_file"],
    together: &[],
};

const TLS: Section = Section {
    name: "tls",
    en: "TLS, and our own certificate where the broker asks for one.",
    zh: "TLS 及（代理要求时）本端证书。",
    keys: &[
        key(
            "ca",
            Path,
            Required,
            "PEM file of the authorities that we trust; nobody else is trusted.",
            "受信任的 CA 证书（PEM），除此之外一概不信。",
        ),
        key(
            "client_cert",
            Path,
            Optional("we show no certificate"),
            "PEM file of our certificate chain.",
            "本端证书链（PEM）。",
        ),
        key(
            "client_key",
            Path,
            Optional("we show no certificate"),
            "PEM file of its key.",
            "本端私钥（PEM）。",
        ),
    ],
    variants: None,
    exactly_one: &[],
    together: &["client_cert", "client_key"],
};

const ATTENTION: Section = Section::plain(
    "attention",
    "Attention is a budget: as long as it lasts, every camera is decoded all the time; beyond it, a camera is decoded when its stream gives cause, and for a look now and then.",
    "注意力是预算：够用时所有摄像机全程解码；不够时，码流有异动才解码，并定期查看。",
    &[key(
        "cores",
        Real(0.05, 256.0),
        Optional("a fifth of the machine's cores"),
        "Cores' worth of decoding that may be spent on cameras that give no cause. What moves is looked at in any case, and `look_every_s` is kept in any case.",
        "可用于查看无异动摄像机的解码算力（核数）。有异动时总会查看，look_every_s 也始终保证。",
    )],
);

const DECODE: Section = Section::plain(
    "decode",
    "The decoders.",
    "解码器。",
    &[
        key(
            "threads",
            Whole(1, 256),
            Optional("half of the cores, at least 1"),
            "Decoding threads.",
            "解码线程数。",
        ),
        key(
            "hardware",
            Choice(&["auto", "off", "vaapi", "nvdec", "v4l2"]),
            Default("\"auto\""),
            "`auto`: the best that works here, software where none does; `off`: software; the others: that one or nothing.",
            "auto：自动选择可用的硬件，否则软件解码；off：软件；其余：指定硬件，不可用则报错。",
        ),
    ],
);

const DETECT: Section = Section::plain(
    "detect",
    "The detector.",
    "检测器。",
    &[
        key(
            "model",
            Id,
            Default("\"nanodet-g-416-int8\""),
            "Id of the model, one of those described in `paths.models`.",
            "模型标识，须在 paths.models 中有描述。",
        ),
        key(
            "threads",
            Whole(1, 256),
            Optional("one a core"),
            "Worker threads, a session each.",
            "工作线程数，每线程一个会话。",
        ),
        key(
            "provider",
            Choice(&["cpu", "cuda", "tensorrt", "openvino"]),
            Default("\"cpu\""),
            "What runs the model (ONNX Runtime's execution provider).",
            "模型的执行后端（ONNX Runtime execution provider）。",
        ),
    ],
);

const WHEN: Form = Choice(&["always", "alerts", "off"]);

const RECORDING: Section = Section::plain(
    "recording",
    "How recordings are made and kept. A camera may say otherwise for itself.",
    "录像方式与保存期限，摄像机可单独设定。",
    &[
        key(
            "when",
            WHEN,
            Default("\"alerts\""),
            "`always`: all the time; `alerts`: around alerts; `off`: never.",
            "always：连续录像；alerts：告警前后录像；off：不录像。",
        ),
        key(
            "pre_roll_s",
            Real(0.0, 30.0),
            Default("5"),
            "Seconds that are kept from before an alert; more where the key frame in front lies farther back.",
            "保留告警前的秒数，从其前最近的关键帧起。",
        ),
        key(
            "post_roll_s",
            Real(0.0, 300.0),
            Default("10"),
            "Seconds that are kept from after its end.",
            "保留告警结束后的秒数。",
        ),
        key(
            "segment_s",
            Whole(10, 3600),
            Default("600"),
            "Longest time in one file, in seconds.",
            "单个录像文件的最长秒数。",
        ),
        key(
            "keep_days_min",
            Whole(1, 3650),
            Default("30"),
            "Days for which a recording is kept whatever happens; at least 30 by the Chinese rule.",
            "录像至少保存的天数，按规定不少于 30 天。",
        ),
        key(
            "keep_days_max",
            Whole(1, 3650),
            Default("90"),
            "Days after which it has served its purpose and is deleted, unless somebody holds it.",
            "超过该天数即删除，除非被留存。",
        ),
    ],
);

const VOLUME: Section = Section::plain(
    "volume.ID",
    "A place for recordings: a folder, best on a disk of its own.",
    "录像卷：一个目录，最好独占一块磁盘。",
    &[
        key("path", Path, Required, "The folder.", "目录。"),
        key(
            "keep_free_gb",
            Real(0.05, 100_000.0),
            Default("5"),
            "Gigabytes that stay free on its disk.",
            "磁盘上始终留空的容量（GB）。",
        ),
        key(
            "max_gb",
            Real(0.05, 10_000_000.0),
            Optional("what the disk has, less `keep_free_gb`"),
            "Gigabytes of recordings at most.",
            "录像最多占用的容量（GB）。",
        ),
    ],
);

const HOURS: Section = Section::plain(
    "hours.ID",
    "Hours of the week, by the clock on the wall in `station.time_zone`. An hour that a change of clocks repeats counts both times.",
    "每周时段，以 station.time_zone 的当地时钟为准；因拨钟而重复的一小时两次都算。",
    &[key(
        "spans",
        List { of: &Table(&SPAN), min: 1, max: 64 },
        Required,
        "When it applies: any of these.",
        "适用时间，满足其一即可。",
    )],
);

const SPAN: Section = Section::plain(
    "hours.ID.spans",
    "A part of a day. Where `to` is earlier than `from`, it ends on the next day.",
    "一天中的一段。to 早于 from 时，到次日为止。",
    &[
        key("days", Days, Default("\"daily\""), "On which days it begins.", "在哪些天开始。"),
        key("from", Begin, Required, "When it begins, inclusive.", "开始时间（含）。"),
        key("to", End, Required, "When it ends, exclusive.", "结束时间（不含）。"),
    ],
);

const VILLAGE: Section = Section::plain(
    "village.ID",
    "A village.",
    "村庄。",
    &[NAME, NAME_ZH, map::LOCATION_KEY, map::OUTLINE_KEY],
);

const LEVEL: Form = Choice(&["ring", "block", "line", "point"]);

const ENTRY_POINT: Section = Section::plain(
    "entry_point.ID",
    "A place where a road or path enters a village.",
    "进村入口。",
    &[
        key("village", Reference("village"), Required, "The village that it leads to.", "所通向的村庄。"),
        key(
            "level",
            LEVEL,
            Default("\"line\""),
            "How it closes the perimeter: `ring` around several villages, `block` of one village, `line` (a road), `point` (a single place).",
            "封控层级：ring 圈（环多村）、block 块（单村）、line 线（道路）、point 点（单处）。",
        ),
        key(
            "near",
            List { of: &Reference("entry_point"), min: 0, max: 64 },
            Default("[]"),
            "Entry points between which one is on the way for moments only: what passes both is one incident. Naming one side suffices.",
            "片刻即可往来的入口：先后经过视为同一事件。写在任一侧即可。",
        ),
        map::LOCATION_KEY,
        NAME,
        NAME_ZH,
    ],
);

const CAMERA: Section = Section::plain(
    "camera.ID",
    "A camera.",
    "摄像机。",
    &[
        key("entry_point", Reference("entry_point"), Required, "Where it looks.", "所对准的入口。"),
        NAME,
        NAME_ZH,
        key(
            "main",
            Stream,
            Required,
            "URL of the main stream, without user name and password.",
            "主码流地址，不含用户名和密码。",
        ),
        key("sub", Stream, Optional("the camera has one stream"), "URL of the sub stream.", "子码流地址。"),
        key(
            "credentials",
            Table(&CREDENTIALS),
            Optional("the camera asks for none"),
            "How to log in to the camera, for both streams.",
            "登录摄像机的凭据，两个码流共用。",
        ),
        key(
            "transport",
            Choice(&["tcp", "udp"]),
            Default("\"tcp\""),
            "How media travels: `tcp`, inside of the RTSP connection; `udp`, where TCP fails.",
            "媒体传输方式：tcp（推荐）或 udp。",
        ),
        key(
            "analyse",
            Choice(&["main", "sub"]),
            Optional("`sub` where there is one, else `main`"),
            "Which stream is analysed.",
            "分析哪个码流。",
        ),
        key(
            "detect_fps",
            Real(0.1, 30.0),
            Default("5"),
            "Frames a second that are shown to the detector at most.",
            "每秒最多送检的帧数。",
        ),
        key(
            "attention",
            Choice(&["auto", "always", "off"]),
            Default("\"auto\""),
            "How it is watched: `always` decodes every frame; `auto` does so while `attention.cores` last, and else looks when the stream gives cause and every `look_every_s`; `off` never looks.",
            "查看方式：always 全程解码；auto 在 attention.cores 够用时全程解码，否则码流有异动时及每隔 look_every_s 查看；off 不查看。",
        ),
        key(
            "look_every_s",
            Real(1.0, 30.0),
            Default("10"),
            "Longest time in seconds between two looks, whatever the stream says. Streams whose key frames are farther apart are decoded from the last one.",
            "无论码流如何，两次查看之间最长的秒数。关键帧间隔更长时，从上一个关键帧起解码。",
        ),
        key(
            "view",
            Choice(&["auto", "full", "crops"]),
            Default("\"auto\""),
            "How the detector looks: at the whole picture (`full`), at crops around motion (`crops`), or by the size that things turn out to have (`auto`).",
            "检测方式：full 全图；crops 运动区域；auto 按目标大小自动选择。",
        ),
        key("record", WHEN, Optional("`recording.when`"), "When it is recorded.", "何时录像。"),
        key(
            "record_stream",
            Choice(&["main", "sub"]),
            Default("\"main\""),
            "Which stream is recorded. Another one than the one that is analysed is one more connection to the camera.",
            "录制哪个码流。与分析码流不同时，会多一路连接。",
        ),
        key(
            "record_hours",
            Reference("hours"),
            Optional("always"),
            "Hours at which alone it is recorded.",
            "仅在该时段录像。",
        ),
        key(
            "record_until",
            Date,
            Optional("no end"),
            "Last day on which it is recorded, in `station.time_zone`: the one on which the agreement with its owner ends.",
            "录像的最后一天（按 station.time_zone），如与摄像机所有者的约定到期日。",
        ),
        key(
            "record_audio",
            Flag,
            Default("true"),
            "Whether its sound is recorded, where it sends any.",
            "有声音时是否录音。",
        ),
        key(
            "record_priority",
            Whole(1, 9),
            Default("5"),
            "Where the disk is full or too slow, low numbers stop first.",
            "磁盘已满或过慢时，数字小的先停录。",
        ),
        key(
            "volume",
            Reference("volume"),
            Optional("the volumes take turns"),
            "Where its recordings lie.",
            "录像所在的卷。",
        ),
        key(
            "keep_days_min",
            Whole(1, 3650),
            Optional("`recording.keep_days_min`"),
            "Days for which its recordings are kept whatever happens.",
            "录像至少保存的天数。",
        ),
        key(
            "keep_days_max",
            Whole(1, 3650),
            Optional("`recording.keep_days_max`"),
            "Days after which they are deleted, unless somebody holds them.",
            "超过该天数即删除，除非被留存。",
        ),
        key(
            "maintenance",
            Flag,
            Default("false"),
            "Out of service on purpose: not connected, and said so.",
            "检修中：不连接，并如实标明。",
        ),
        map::CAMERA_LOCATION_KEY,
        map::HEADING_KEY,
        key(
            "masks",
            List { of: &Polygon, min: 0, max: 32 },
            Default("[]"),
            "Areas that are never looked at: blacked out before detection and in every snapshot.",
            "遮蔽区域：检测前及所有快照中均涂黑。",
        ),
        key(
            "zone",
            Map { of: &ZONE, max: 32 },
            EMPTY,
            "Areas of the picture that rules name.",
            "供规则引用的区域。",
        ),
        key(
            "line",
            Map { of: &LINE, max: 32 },
            EMPTY,
            "Lines in the picture that rules name.",
            "供规则引用的线。",
        ),
    ],
);

const ZONE: Section = Section::plain(
    "camera.ID.zone.ID",
    "An area of the picture. Somebody is in it whose feet are.",
    "画面中的区域，以脚下位置判定。",
    &[
        NAME,
        NAME_ZH,
        key(
            "area",
            Polygon,
            Required,
            "Its corners in order around it, each [x, y] in shares of the picture: 0 left or top, 1 right or bottom.",
            "按顺序排列的顶点 [x, y]，取画面比例：0 为左/上，1 为右/下。",
        ),
    ],
);

const LINE: Section = Section::plain(
    "camera.ID.line.ID",
    "A line in the picture from `a` to `b`, and which side of it is inside of the village.",
    "画面中由 a 到 b 的线，以及哪一侧是村内。",
    &[
        NAME,
        NAME_ZH,
        key(
            "a",
            Point,
            Required,
            "Where it begins, [x, y] in shares of the picture.",
            "起点 [x, y]，画面比例。",
        ),
        key(
            "b",
            Point,
            Required,
            "Where it ends, [x, y] in shares of the picture.",
            "终点 [x, y]，画面比例。",
        ),
        key(
            "inside",
            Choice(&["left", "right"]),
            Required,
            "Which side is inside, for somebody who stands at `a` and looks to `b`.",
            "站在 a 面向 b 时，哪一侧是村内。",
        ),
    ],
);

const SEVERITY: Form = Choice(&["info", "warning", "major", "critical"]);

/// The classes, as written.
const CLASSES: Form =
    Choice(&["person", "bicycle", "motorcycle", "car", "bus", "truck", "dog", "horse", "sheep", "cow"]);

pub(super) const RULE: Section = Section {
    name: "rule.ID",
    en: "What is worth an alert, on each camera that `cameras`, `entry_points` or `villages` name; on all cameras where none of these is written.",
    zh: "告警规则，适用于 cameras、entry_points、villages 所列的每台摄像机；三者均未写时适用于全部。",
    keys: &[
        key(
            "kind",
            Choice(&["zone-enter", "zone-leave", "dwell", "line-cross", "wrong-way"]),
            Required,
            "What raises it: something comes to be in a zone, leaves it, stays in it, crosses a line, or crosses it against the way that is allowed.",
            "触发条件：进入区域、离开区域、停留、越线、逆行。",
        ),
        key(
            "severity",
            SEVERITY,
            Default("\"warning\""),
            "How bad it is: worth knowing, worth a look, somebody should go, somebody goes now.",
            "严重程度：info 知悉、warning 查看、major 应出动、critical 立即出动。",
        ),
        NAME,
        NAME_ZH,
        key(
            "cameras",
            List { of: &Reference("camera"), min: 1, max: 4096 },
            Optional("only what the other two name; all cameras without all three"),
            "Cameras on which it applies.",
            "适用的摄像机。",
        ),
        key(
            "entry_points",
            List { of: &Reference("entry_point"), min: 1, max: 4096 },
            Optional("only what the other two name; all cameras without all three"),
            "Entry points on whose cameras it applies.",
            "适用的入口（其全部摄像机）。",
        ),
        key(
            "villages",
            List { of: &Reference("village"), min: 1, max: 1024 },
            Optional("only what the other two name; all cameras without all three"),
            "Villages on whose cameras it applies.",
            "适用的村庄（其全部摄像机）。",
        ),
        key(
            "zone",
            Id,
            Optional("the whole picture (`zone-enter` and `dwell`)"),
            "The zone; each of the rule's cameras must have it.",
            "区域；规则涉及的每台摄像机都须定义。",
        ),
        key(
            "line",
            Id,
            Optional("the kind has no line"),
            "The line; each of the rule's cameras must have it.",
            "线；规则涉及的每台摄像机都须定义。",
        ),
        key(
            "direction",
            Choice(&["in", "out"]),
            Optional("both ways"),
            "Which way across the line raises `line-cross`: into the village or out of it.",
            "越线方向：in 进村、out 出村。",
        ),
        key(
            "allowed",
            Choice(&["in", "out"]),
            Optional("the kind has no way"),
            "The way that is allowed; the other one raises `wrong-way`.",
            "允许的方向，反向即逆行。",
        ),
        key(
            "at_least_s",
            Real(1.0, 86400.0),
            Optional("the kind has no time"),
            "Seconds in the zone that raise `dwell`.",
            "触发停留告警的秒数。",
        ),
        key(
            "classes",
            List { of: &CLASSES, min: 1, max: 10 },
            Default("[\"person\", \"bicycle\", \"motorcycle\", \"car\", \"bus\", \"truck\"]"),
            "Of what. Things only: there is no face, name or trait of a person, and never will be.",
            "目标类别。只有类别，永远没有人脸、姓名或个人特征。",
        ),
        key(
            "height_min",
            Real(0.0, 1.0),
            Default("0"),
            "Smallest height of the thing, as a share of the picture's height.",
            "目标最小高度，占画面高度的比例。",
        ),
        key(
            "confidence_min",
            Real(0.05, 0.99),
            Optional("0.45 where `classes` has person, else 0.40 (the model card's)"),
            "Smallest confidence of a look that counts.",
            "计入判定的最小置信度。",
        ),
        key(
            "frames_needed",
            Whole(1, 32),
            Default("3"),
            "Something is believed when this many of its last `frames_window` looks count: one look alone may err.",
            "最近 frames_window 次检测中至少有这么多次成立才算数，以防单帧误检。",
        ),
        key("frames_window", Whole(1, 32), Default("5"), "See `frames_needed`.", "见 frames_needed。"),
        key("hours", Reference("hours"), Optional("always"), "Hours in which it applies.", "适用时段。"),
        key(
            "cooldown_s",
            Whole(0, 86400),
            Default("0"),
            "Seconds for which it stays silent on a camera after it raised an alert there. One visitor gives one alert without it; with it, a second visitor in that time gives none. So it is 0 unless you want that.",
            "告警后在该摄像机上静默的秒数。不设也是一人一警；设了之后，静默期内的下一位来人不再告警，故默认为 0。",
        ),
        key(
            "notices_per_hour",
            duty::PER_HOUR,
            Optional("`notice.notices_per_hour`"),
            "Its alerts on one camera in an hour; of more, posts are told in summaries.",
            "在同一摄像机上每小时的告警条数，超过后只向岗位发汇总。",
        ),
    ],
    variants: Some(Variants {
        by: "kind",
        of: &[
            Variant { value: "zone-enter", needs: &[], may: &["zone"] },
            Variant { value: "zone-leave", needs: &["zone"], may: &[] },
            Variant { value: "dwell", needs: &["at_least_s"], may: &["zone"] },
            Variant { value: "line-cross", needs: &["line"], may: &["direction"] },
            Variant { value: "wrong-way", needs: &["line", "allowed"], may: &[] },
        ],
    }),
    exactly_one: &[],
    together: &[],
};
