//! `cunkou bench fleet --quick`: a small fleet, from cameras over RTSP to an MQTT subscriber. Counts alone; never times.

use std::process::{Command, Stdio};

use serde_json::Value;

#[test]
fn a_small_fleet_loses_nothing_misses_nobody_and_invents_nobody() {
    let output = Command::new(env!("CARGO_BIN_EXE_cunkou"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["bench", "fleet", "--quick", "--json"])
        .stderr(Stdio::inherit())
        .output()
        .expect("the program was built");
    assert!(output.status.success(), "{:?}", output.status);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let report: Value = serde_json::from_str(text.lines().last().expect("a report")).expect("JSON");
    let count = |name: &str| report[name].as_i64().unwrap_or_else(|| panic!("{name} in {report}"));
    assert_eq!((count("cameras"), count("connected"), count("events")), (24, 24, 8), "{report}");
    assert!(count("access_units_expected") > 24 * 15 * 20, "{report}");
    let wrong = ["access_units_lost", "alerts_missed", "alerts_spurious", "alerts_other", "bytes_recorded"];
    assert_eq!(wrong.map(count), [0; 5], "{report}");
    assert_eq!(count("alerts_true"), 8, "{report}");
    for name in
        ["rss_mib", "rss_peak_mib", "startup_s", "decoded_share", "kbps_per_camera", "events_under_way"]
    {
        assert!(report[name].as_f64().is_some_and(|value| value > 0.0), "{name} in {report}");
    }
    for (name, members) in [
        ("latency_ms", &["p50", "p95", "p99", "max"][..]),
        ("latency_first_pixel_ms", &["p50", "p95", "p99", "max"]),
        ("cpu_cores", &["daemon", "simulator"]),
    ] {
        for member in members {
            assert!(report[name][member].is_f64(), "{name}.{member} in {report}");
        }
    }
}
