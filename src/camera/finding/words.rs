//! Findings in words, Chinese and English: what was found, what it costs, how to mend it.
//!
//! What is found belongs to [`super::Finding`]; the same advice at length, and where the numbers come from, is in `docs/cameras.md`.

use super::Finding;
use crate::config::Name;

/// The advised setting, as people write it into a camera's menu.
const ADVISED: (&str, &str) = (
    "把子码流设为 H.264、640x360、15 帧/秒、VBR（上限 512 kbit/s）、每 2 秒一个关键帧",
    "set the sub stream to H.264, 640x360, 15 frames a second, VBR up to 512 kbit/s, a key frame every 2 s",
);

fn pair(zh: impl Into<String>, en: impl Into<String>) -> Name {
    Name { zh: zh.into(), en: en.into() }
}

pub(super) fn what(finding: &Finding) -> Name {
    match *finding {
        Finding::NoSub { width: w, height: h } => pair(
            format!("没有配置子码流，分析的是 {w}x{h} 的主码流"),
            format!("no sub stream is named, so that the main stream of {w}x{h} is analysed"),
        ),
        Finding::MainAnalysed { width: w, height: h } => pair(
            format!("虽有子码流，分析的却是 {w}x{h} 的主码流"),
            format!("the main stream of {w}x{h} is analysed, though there is a sub stream"),
        ),
        Finding::PictureLarge { width: w, height: h } => pair(
            format!("子码流为 {w}x{h}，比需要的大"),
            format!("the sub stream is {w}x{h}, larger than is of use"),
        ),
        Finding::PictureSmall { width: w, height: h } => {
            pair(format!("画面只有 {w}x{h}"), format!("the picture is {w}x{h} only"))
        }
        Finding::FpsHigh { fps } => pair(format!("每秒 {fps:.0} 帧"), format!("{fps:.0} frames a second")),
        Finding::FpsLow { fps, wanted } => pair(
            format!("每秒只有 {fps:.1} 帧，而配置要求检测 {wanted:.1} 帧（detect_fps）"),
            format!(
                "{fps:.1} frames a second only, where the configuration wants to look at {wanted:.1} (detect_fps)"
            ),
        ),
        Finding::RateHigh { kbps } => pair(format!("码率 {kbps:.0} kbit/s"), format!("{kbps:.0} kbit/s")),
        Finding::GopLong { seconds } => pair(
            format!("{seconds:.0} 秒或更久才有一个关键帧"),
            format!("a key frame comes after {seconds:.0} s or more only"),
        ),
        Finding::GopShort { seconds } => pair(
            format!("每 {seconds:.1} 秒就有一个关键帧"),
            format!("a key frame comes every {seconds:.1} s"),
        ),
        Finding::KeysOnly => pair("每一帧都是关键帧", "every picture is a key frame"),
        Finding::GopUneven { shortest, longest } => pair(
            format!("关键帧间隔不均匀（{shortest:.1} 到 {longest:.1} 秒），多半开着智能编码"),
            format!(
                "key frames come unevenly (after {shortest:.1} to {longest:.1} s): a smart codec is on, it seems"
            ),
        ),
        Finding::Padded { share } => {
            let percent = share * 100.0;
            pair(
                format!("严格恒定码率（CBR）：{percent:.0} % 的数据是填充"),
                format!("the rate is kept constant (CBR): {percent:.0} % of the bytes are padding"),
            )
        }
        Finding::Reordered { .. } => pair("码流含 B 帧", "the stream has B frames"),
        Finding::H265 => pair("编码为 H.265", "it is coded in H.265"),
        Finding::Mjpeg { kbps } => {
            pair(format!("编码为 MJPEG，{kbps:.0} kbit/s"), format!("it is coded in MJPEG, {kbps:.0} kbit/s"))
        }
        Finding::Clock { skew_s } => {
            let (zh, en) = if skew_s < 0.0 { ("慢", "behind") } else { ("快", "ahead") };
            let s = skew_s.abs();
            pair(format!("摄像机时钟{zh}了 {s:.0} 秒"), format!("the camera's clock is {s:.0} s {en}"))
        }
        Finding::Lossy { packets } => {
            pair(format!("丢失了 {packets} 个数据包"), format!("{packets} packets were lost on the way"))
        }
    }
}

pub(super) fn cost(finding: &Finding) -> Name {
    match *finding {
        Finding::NoSub { width, height }
        | Finding::MainAnalysed { width, height }
        | Finding::PictureLarge { width, height } => {
            let times = f64::from(width) * f64::from(height) / (640.0 * 360.0);
            pair(
                format!("像素是 640x360 的 {times:.1} 倍，解码开销随之增长，检测器却不会看得更清楚"),
                format!(
                    "it has {times:.1} times the pixels of 640x360, and decoding grows with them; the detector sees no more"
                ),
            )
        }
        Finding::PictureSmall { .. } => {
            pair("稍远的人就小得检测不到", "people who are farther away are too small to be found")
        }
        Finding::FpsHigh { fps } => {
            let times = fps / 15.0;
            pair(
                format!("接收和解码的开销是每秒 15 帧的 {times:.1} 倍，检测并不需要"),
                format!(
                    "reading and decoding cost {times:.1} times what 15 a second cost, and detection needs no more"
                ),
            )
        }
        Finding::FpsLow { .. } => pair(
            "走得快的人可能漏掉，告警也来得更晚",
            "somebody who walks fast may be missed, and alerts come later",
        ),
        Finding::RateHigh { .. } => pair(
            "占用网络、内存和解码时间，画面对检测并无好处",
            "it takes network, memory and decoding time, and gives detection nothing",
        ),
        Finding::GopLong { .. } | Finding::GopUneven { .. } => pair(
            "解码只能从关键帧开始：连接后要等更久才有画面，补看告警前几秒要多解码许多帧，要记住的数据也更多",
            "decoding can begin at a key frame alone: the first picture comes later, looking back costs many more frames, and more \
             has to be kept in memory",
        ),
        Finding::GopShort { .. } | Finding::KeysOnly => pair(
            "关键帧占用的码率和解码时间是普通帧的数倍",
            "a key frame takes several times the bits and the decoding time of another picture",
        ),
        Finding::Padded { .. } => pair(
            "白占网络，帧的大小也不再反映画面是否有动静",
            "it loads the network for nothing, and sizes no longer tell that something moves",
        ),
        Finding::Reordered { .. } => pair(
            "每个画面都要等后面的画面才能解码，告警更慢",
            "pictures wait for later ones before they can be shown, so that alerts come later",
        ),
        Finding::H265 => pair("软件解码比 H.264 慢", "decoding it in software takes longer than H.264"),
        Finding::Mjpeg { .. } => pair(
            "同样画质需要数倍码率，每一帧都像关键帧一样贵",
            "it takes several times the bits for the same picture, and each picture costs as much as a key frame",
        ),
        Finding::Clock { .. } => pair(
            "画面上的时间与告警时间对不上，摄像机会显示为“降级”",
            "the time in the picture is not that of the alert, and the camera counts as degraded",
        ),
        Finding::Lossy { .. } => pair(
            "丢包之后到下一个关键帧之前的画面是坏的",
            "pictures are damaged from a loss until the next key frame",
        ),
    }
}

pub(super) fn mend(finding: &Finding) -> Name {
    match *finding {
        Finding::NoSub { .. } => pair(
            format!("{}，并在配置中写上它的地址（sub）", ADVISED.0),
            format!("{}, and name its address in the configuration (sub)", ADVISED.1),
        ),
        Finding::MainAnalysed { .. } => {
            pair("在配置中设 analyse = \"sub\"", "set analyse = \"sub\" in the configuration")
        }
        Finding::PictureLarge { .. } | Finding::PictureSmall { .. } | Finding::Mjpeg { .. } => {
            pair(ADVISED.0, ADVISED.1)
        }
        Finding::FpsHigh { .. } => pair("把帧率设为 15", "set the frame rate to 15"),
        Finding::FpsLow { wanted, .. } => pair(
            format!("把帧率设为 15，至少 {wanted:.0}；或调低 detect_fps"),
            format!("set the frame rate to 15, or to {wanted:.0} at least; or lower detect_fps"),
        ),
        Finding::RateHigh { .. } => {
            pair("改用 VBR，640x360 的上限设为 512 kbit/s", "use VBR, with 512 kbit/s at most for 640x360")
        }
        Finding::GopLong { .. } | Finding::GopShort { .. } | Finding::KeysOnly => pair(
            "把关键帧间隔（I 帧间隔）设为 2 秒，即帧率的两倍",
            "set the key frame (I frame) interval to 2 s, which is twice the frame rate",
        ),
        Finding::GopUneven { .. } => pair(
            "在子码流上关闭智能编码（Smart264、Smart265、H.264+、H.265+），把关键帧间隔设为 2 秒",
            "turn the smart codec of the sub stream off (H.264+, H.265+, Smart264, Smart265), and set a key frame every 2 s",
        ),
        Finding::Padded { .. } => pair(
            "码率控制改为 VBR（可变码率），上限 512 kbit/s",
            "set the rate control to VBR (variable), 512 kbit/s at most",
        ),
        Finding::Reordered { .. } => pair(
            "把 B 帧数设为 0，或选 Baseline 档次",
            "set the number of B frames to 0, or choose the baseline profile",
        ),
        Finding::H265 => pair("把子码流改为 H.264", "set the sub stream to H.264"),
        Finding::Clock { .. } => {
            pair("在摄像机上设好 NTP 服务器和时区", "name an NTP server in the camera, and its time zone")
        }
        Finding::Lossy { .. } => pair(
            "在配置中设 transport = \"tcp\"；若已是 tcp，请检查网线、交换机和码率",
            "set transport = \"tcp\" in the configuration; where it is, look at cable, switch and bit rate",
        ),
    }
}
