// The field's words in both languages: severities, kinds, states, classes, causes. As CONTRACT and docs/ref spell them.

import { currentLanguage, type Name } from "./language.svelte";

const name = (zh: string, en: string): Name => ({ zh, en });

const SEVERITY: Record<string, Name> = {
    info: name("提示", "info"),
    warning: name("注意", "warning"),
    major: name("重要", "major"),
    critical: name("紧急", "critical"),
};

const KIND: Record<string, Name> = {
    "line-cross": name("越线", "line crossed"),
    "zone-enter": name("进入区域", "zone entered"),
    "zone-leave": name("离开区域", "zone left"),
    "wrong-way": name("逆行", "wrong way"),
    dwell: name("徘徊逗留", "loitering"),
    "vehicle-stopped": name("车辆停留", "vehicle stopped"),
    crowd: name("人员聚集", "crowd"),
    livestock: name("牲畜", "livestock"),
    "night-passage": name("夜间通行", "night passage"),
    "watch-hit": name("布控命中", "watch hit"),
    "panic-button": name("一键报警", "panic button"),
    "external-sensor": name("传感器触发", "sensor"),
    "camera-offline": name("摄像机离线", "camera offline"),
    "camera-tamper": name("摄像机被破坏", "camera tampered with"),
    "camera-degraded": name("画面异常", "camera degraded"),
    "closure-lost": name("封控缺口", "closure lost"),
};

const LIFE: Record<string, Name> = {
    raised: name("待确认", "unanswered"),
    acknowledged: name("已确认", "acknowledged"),
    escalated: name("已升级", "escalated"),
    claimed: name("处置中", "claimed"),
    resolved: name("已处置", "resolved"),
    dismissed: name("已排除", "dismissed"),
    expired: name("超时未处置", "expired"),
};

const LEVEL: Record<string, Name> = {
    ring: name("圈", "ring"),
    block: name("块", "block"),
    line: name("线", "line"),
    point: name("点", "point"),
};

const DIRECTION: Record<string, Name> = { in: name("进村", "in"), out: name("出村", "out") };

const CLASS: Record<string, Name> = {
    person: name("人", "person"),
    bicycle: name("自行车", "bicycle"),
    motorcycle: name("摩托车", "motorcycle"),
    car: name("汽车", "car"),
    bus: name("客车", "bus"),
    truck: name("货车", "truck"),
    dog: name("狗", "dog"),
    horse: name("马", "horse"),
    sheep: name("羊", "sheep"),
    cow: name("牛", "cow"),
};

const CAMERA: Record<string, Name> = {
    online: name("在线", "online"),
    degraded: name("异常", "degraded"),
    offline: name("离线", "offline"),
    maintenance: name("检修", "maintenance"),
    unknown: name("连接中", "connecting"),
};

const REASON: Record<string, Name> = {
    auth: name("密码错误", "wrong password"),
    refused: name("拒绝连接", "refused"),
    timeout: name("无响应", "no answer"),
    "no-keyframe": name("无关键帧", "no key frame"),
    "fps-low": name("帧率过低", "frame rate low"),
    frozen: name("画面冻结", "frozen"),
    covered: name("被遮挡", "covered"),
    moved: name("被移动", "moved"),
    dark: name("过暗", "dark"),
    bright: name("过亮", "too bright"),
    blurred: name("模糊", "blurred"),
    clock: name("时钟偏差", "clock is off"),
    undecodable: name("无法解码", "cannot be decoded"),
};

const GAP: Record<string, Name> = {
    offline: name("摄像机离线", "camera offline"),
    "agreement-ended": name("授权到期", "agreement ended"),
    shed: name("磁盘过慢", "disk too slow"),
    "not-playable": name("无法播放", "not playable"),
    maintenance: name("检修", "maintenance"),
    off: name("录像关闭", "recording is off"),
    schedule: name("不在录像时段", "not recorded at these hours"),
    quiet: name("无告警不录", "nothing happened"),
    "disk-full": name("磁盘已满", "disk full"),
    "disk-failed": name("磁盘故障", "disk failed"),
    stopped: name("程序未运行", "the program did not run"),
    deleted: name("已到期删除", "deleted"),
    clock: name("调整了时钟", "the clock was set"),
    missing: name("无记录", "nothing on record"),
};

const ANALYSIS: Record<string, Name> = {
    "decoders-behind": name("解码跟不上", "decoding fell behind"),
    "detector-behind": name("检测跟不上", "detection fell behind"),
    "store-stuck": name("存储受阻", "the store was stuck"),
    "detector-failed": name("检测失败", "detection failed"),
    "no-picture": name("画面无法解码", "no picture could be decoded"),
    "look-late": name("查看间隔过长", "looked at too late"),
};

const PERMISSION: Record<string, Name> = {
    alerts: name("查看告警", "see alerts"),
    answer: name("处置告警", "answer alerts"),
    live: name("实时画面", "live view"),
    playback: name("录像回放", "playback"),
    search: name("检索录像", "search"),
    export: name("导出、保全", "export and hold"),
    health: name("设备状态", "health"),
    configure: name("设置区域", "set zones"),
    approve: name("批复协查", "answer requests"),
    audit: name("审计", "audit"),
    accounts: name("管理账户", "accounts"),
};

const ROLE: Record<string, Name> = {
    operator: name("值班员", "operator"),
    maintainer: name("维护员", "maintainer"),
    investigator: name("侦查员", "investigator"),
    supervisor: name("监督员", "supervisor"),
    administrator: name("管理员", "administrator"),
};

const TABLES = {
    SEVERITY,
    KIND,
    LIFE,
    LEVEL,
    DIRECTION,
    CLASS,
    CAMERA,
    REASON,
    GAP,
    ANALYSIS,
    ROLE,
    PERMISSION,
} as const;

/** A word of a table in the page's language; what the table lacks is shown as it is. */
export function word(table: keyof typeof TABLES, key: string | null | undefined): string {
    if (!key) return "";
    const known = TABLES[table][key];
    return known ? known[currentLanguage()] : key;
}

/** Every key of a table, for a choice. */
export function keysOf(table: keyof typeof TABLES): string[] {
    return Object.keys(TABLES[table]);
}

export type Severity = "info" | "warning" | "major" | "critical";

/** Higher is worse. */
export function rank(severity: string): number {
    return Object.keys(SEVERITY).indexOf(severity);
}
