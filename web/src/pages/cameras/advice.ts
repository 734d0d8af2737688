// What to do about a camera that is not well: one short sentence for each cause, for whoever goes there or opens its settings.

import type { Name } from "../../lib/language.svelte";

const ADVICE: Record<string, Name> = {
    auth: {
        zh: "核对配置中这台摄像机的用户名和密码",
        en: "Check the user and password of this camera in the configuration",
    },
    refused: {
        zh: "核对地址、端口和码流路径；无误则重启摄像机",
        en: "Check address, port and stream path; if they are right, restart the camera",
    },
    timeout: {
        zh: "检查供电、网线和交换机端口",
        en: "Check its power, its cable and the port at the switch",
    },
    "no-keyframe": {
        zh: "关键帧间隔设为 2 秒，关闭智能编码",
        en: "Set the key frame interval to 2 s and switch smart coding off",
    },
    "fps-low": {
        zh: "帧率设为 15，检查线路是否丢包",
        en: "Set 15 frames a second, and look whether the line loses packets",
    },
    frozen: { zh: "重启摄像机；仍冻结则送修", en: "Restart the camera; if it stays frozen, have it repaired" },
    covered: { zh: "到现场清除遮挡物", en: "Go there and clear away what covers it" },
    moved: {
        zh: "到现场扶正镜头，再核对区域和线",
        en: "Go there and set it straight, then check its zones and lines",
    },
    dark: { zh: "打开补光或红外，检查夜视切换", en: "Switch on its lamp or infrared, and check its night mode" },
    bright: { zh: "避开逆光和强光，调低曝光", en: "Turn it away from the light, or lower its exposure" },
    blurred: { zh: "清洁镜头，重新对焦", en: "Clean its lens and focus it anew" },
    clock: { zh: "设好校时服务器（NTP）和时区", en: "Set its time server (NTP) and time zone" },
    undecodable: {
        zh: "子码流改用 H.264，关闭智能编码",
        en: "Set its sub stream to H.264 and switch smart coding off",
    },
};

const UNKNOWN: Name = {
    zh: "刚启动时会这样；超过一分钟请看日志",
    en: "So it is at the start; beyond a minute see the log",
};

/** What to do about this cause; `null` where there is no better word than the server's own. */
export function adviceOn(reason: string): Name | null {
    return ADVICE[reason] ?? null;
}

/** What to do about a camera that was never heard of. */
export function adviceOnSilence(): Name {
    return UNKNOWN;
}
