//! Neighbouring stations: their brokers, and what is agreed with them.

use super::{super::shape::Section, duty::KIND, *};

pub(super) const NEIGHBOUR: Section = Section::plain(
    "neighbour.ID",
    "A neighbouring station that alerts are shared with. ID is its `station.id`. docs/neighbours.md says how two stations are set up, step by step.",
    "与之共享告警的邻站，ID 为对方的 station.id。设置步骤见 docs/neighbours.md。",
    &[
        NAME,
        NAME_ZH,
        key("host", Host, Required, "Host of its broker.", "对方代理的主机。"),
        key(
            "port",
            Whole(1, 65535),
            Optional("8883 with `tls`, 1883 without"),
            "TCP port of its broker.",
            "对方代理的 TCP 端口。",
        ),
        key(
            "credentials",
            Table(&CREDENTIALS),
            Optional("its broker asks for none: our certificate says who we are"),
            "How to log in to its broker.",
            "登录对方代理的凭据。",
        ),
        key(
            "tls",
            Table(&TLS),
            Optional("no TLS: only on loopback, for trying"),
            "TLS to its broker, with the certificate that the neighbour issued to us.",
            "与对方代理之间的 TLS，使用对方签发给本站的证书。",
        ),
        key(
            "keep_alive_s",
            Whole(5, 600),
            Default("30"),
            "Longest silence on the connection, in seconds.",
            "连接的最长静默秒数。",
        ),
        key(
            "agreement",
            Table(&AGREEMENT),
            Required,
            "What is shared with it, and until when.",
            "共享的内容与期限。",
        ),
    ],
);

const AGREEMENT: Section = Section::plain(
    "neighbour.ID.agreement",
    "What is shared with a neighbour. An alert is shared where all of this fits when it is raised; what becomes of it is then told as well.",
    "与邻站的共享约定。告警产生时符合以下全部条件即共享，其后续处理一并告知。",
    &[
        key(
            "until",
            Date,
            Required,
            "Last day on which it holds, in `station.time_zone`. After it nothing is shared.",
            "约定有效的最后一天（按 station.time_zone），此后不再共享。",
        ),
        key(
            "kinds",
            List { of: &KIND, min: 1, max: 16 },
            Optional(
                "all but those of our own equipment (`camera-offline`, `camera-tamper`, `camera-degraded`, `closure-lost`)",
            ),
            "Kinds of alert.",
            "告警种类。",
        ),
        key("severity_min", SEVERITY, Default("\"warning\""), "Least severity.", "最低严重程度。"),
        key(
            "entry_points",
            List { of: &Reference("entry_point"), min: 1, max: 4096 },
            Optional("only what `villages` names; all without both"),
            "Entry points whose alerts are shared.",
            "共享其告警的入口。",
        ),
        key(
            "villages",
            List { of: &Reference("village"), min: 1, max: 1024 },
            Optional("only what `entry_points` names; all without both"),
            "Villages whose alerts are shared.",
            "共享其告警的村庄。",
        ),
        key("hours", Reference("hours"), Optional("always"), "At which hours.", "共享时段。"),
        key(
            "per_hour",
            Whole(1, 3600),
            Default("60"),
            "New alerts in an hour at most. What exceeds it is not shared, counted and said in the log; critical alerts are shared all the same, and not counted.",
            "每小时最多共享的新告警数，超出的不共享，仅计数并记入日志；critical 告警始终共享，不计数。",
        ),
        key("drills", Flag, Default("false"), "Whether exercises are shared.", "是否共享演练。"),
    ],
);
