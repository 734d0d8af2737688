//! What the program says when something is wrong: the exit code, and one sentence that names what, where and how to mend.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use crate::{
    broker::free_port,
    need_model,
    program::{Ended, Program, cunkou},
    repository, set_up,
    station::{Station, Street},
    until,
};

/// What is on stderr besides the log.
fn sentences(ended: &Ended) -> Vec<&String> {
    // `2026-03-09 02:04:05.123+08  INFO …`
    let is_log = |line: &String| {
        line.starts_with("20") && line.get(4..5) == Some("-") && line.get(10..11) == Some(" ")
    };
    ended.log.iter().filter(|line| !is_log(line)).collect()
}

/// Checks that it ended so, with one sentence that has these words.
fn says(case: &str, ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.code, Some(code), "{case}: {:#?}", ended.log);
    let sentences = sentences(ended);
    let [sentence] = &sentences[..] else { panic!("{case}: one sentence, not {sentences:#?}") };
    assert!(sentence.starts_with("cunkou: "), "{case}: {sentence}");
    for word in words {
        assert!(sentence.contains(word), "{case}: {word:?} is missing in: {sentence}");
    }
}

#[test]
fn a_daemon_that_cannot_start_says_what_where_and_how_to_mend() {
    need_model();
    let run = |station: &Station| cunkou(&["run", "--config", &station.file.display().to_string()]);
    let broken = |change: &dyn Fn(&Station)| {
        let station = Station::blind(free_port());
        change(&station);
        (run(&station), station)
    };

    let (ended, station) = broken(&|station| {
        let models = station.path("models");
        fs::create_dir(&models).expect("made");
        for entry in fs::read_dir(repository("models")).expect("there").map(|entry| entry.expect("readable"))
        {
            if entry.file_type().expect("readable").is_file() {
                fs::copy(entry.path(), models.join(entry.file_name())).expect("copied");
            }
        }
        let model = models.join("nanodet-g-416-int8.onnx");
        let mut bytes = fs::read(&model).expect("shipped");
        bytes.truncate(100_000);
        fs::write(&model, bytes).expect("writable");
        station.change(&repository("models"), "models");
    });
    let model = station.path("models/nanodet-g-416-int8.onnx").display().to_string();
    says("a model that is cut off", &ended, 1, &[&model, "SHA-256", "fetch it again"]);

    let (ended, _) = broken(&|station| {
        station.change("[console]", "onnxruntime = \"/nowhere/libonnxruntime.so\"\n[console]");
    });
    says("no ONNX Runtime", &ended, 1, &["/nowhere/libonnxruntime.so", "not found", "make setup"]);

    let (ended, station) = broken(&|station| fs::write(station.path("data"), "a file").expect("writable"));
    let data = station.path("data").display().to_string();
    says("a file in the data folder's place", &ended, 1, &[&data, "[paths] data"]);

    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("it has one").to_string();
    let (ended, station) = broken(&|station| {
        let text = fs::read_to_string(&station.file).expect("readable");
        let listen = text.lines().find(|line| line.starts_with("listen")).expect("there").to_owned();
        station.change(&listen, &format!("listen = \"{address}\""));
    });
    says("a page whose port is taken", &ended, 1, &[&address, "in use", "[console] listen"]);

    // What was started before has let go of what it had.
    drop(taken);
    let (program, _) = Program::run(&station.file);
    let second = run(&station);
    let store = station.path("data/store").display().to_string();
    says("a second daemon", &second, 1, &[&store]);
    program.signal("TERM");
    assert_eq!(program.ended().code, Some(0));
}

#[test]
fn a_bad_configuration_is_told_line_by_line() {
    let station = Station::blind(1);
    station.change("id = \"town\"", "id = \"Town Hall\"");
    station.change("kind = \"zone-enter\"", "kind = \"zone-entr\"");
    let file = station.file.display().to_string();
    let ended = cunkou(&["check", "--config", &file]);
    says("two problems", &ended, 2, &[&file, "2 problems"]);
    let text = fs::read_to_string(&station.file).expect("readable");
    let lines = ["Town Hall", "zone-entr"]
        .map(|bad| text.lines().position(|line| line.contains(bad)).expect("it is there") + 1);
    assert_eq!(ended.out.len(), lines.len(), "{:#?}", ended.out);
    for (told, line) in ended.out.iter().zip(lines) {
        assert!(told.starts_with(&format!("{file}:{line}: ")), "{told}");
    }
    // The daemon refuses it with the same words.
    let run = cunkou(&["run", "--config", &file]);
    assert_eq!(run.code, Some(2));
    assert!(ended.out.iter().all(|told| run.log.iter().any(|line| line.contains(told))), "{:#?}", run.log);

    let ended = cunkou(&["check", "--config", "/nowhere/town.toml"]);
    assert_eq!((ended.code, ended.out.len()), (Some(2), 1), "{:?}", ended.out);
    assert!(ended.out[0].starts_with("/nowhere/town.toml"), "{:?}", ended.out);

    for shipped in ["config/cunkou.toml", "config/demo.toml"] {
        let ended = cunkou(&["check", "--config", shipped, "--json"]);
        // The example names secrets that are not on this machine.
        assert!(matches!(ended.code, Some(0 | 2)), "{shipped}");
        for line in &ended.out {
            let problem: serde_json::Value = serde_json::from_str(line).expect("JSON");
            assert_eq!(problem["type"], "problem", "{line}");
        }
    }
}

#[test]
fn check_connect_names_each_thing_that_fails() {
    need_model();
    let port = free_port();
    let station = Station::blind(port);
    let ended = cunkou(&["check", "--connect", "--config", &station.file.display().to_string()]);
    says("a camera and a broker that are not there", &ended, 2, &["2 of the things", "fail"]);
    let told = |start: &str| ended.out.iter().filter(|line| line.starts_with(start)).count();
    assert_eq!(told("good  model nanodet-g-416-int8: "), 1, "{:#?}", ended.out);
    assert_eq!(told(&format!("FAILS broker 127.0.0.1:{port}: ")), 1, "{:#?}", ended.out);
    assert_eq!(told("FAILS camera gate main: "), 1, "{:#?}", ended.out);
    assert_eq!(told("good  decoder: "), 1, "{:#?}", ended.out);
    assert_eq!(ended.out.len(), 4, "{:#?}", ended.out);
}

#[test]
fn check_connect_says_which_camera_could_be_set_better() {
    need_model();
    let street = Street::open(&["gate"]);
    let station = Station::new(&street.cameras(&["gate"]), free_port());
    let file = station.file.display().to_string();
    // The broker is not there; the camera is, and its main stream is 768x576.
    let ended = cunkou(&["check", "--connect", "--config", &file]);
    says("a broker that is not there", &ended, 2, &["1 of the things", "fails"]);
    let at = ended.out.iter().position(|line| line.starts_with("good  camera gate main: H264, 768x576, "));
    let told = &ended.out[at.unwrap_or_else(|| panic!("{:#?}", ended.out))..];
    assert!(told[0].contains(" frames/s, ") && told[0].contains("a key frame every 1.0 s"), "{}", told[0]);
    assert!(told[1].contains("没有配置子码流") && told[1].contains("建议"), "{}", told[1]);
    assert!(told[2].contains("no sub stream is named") && told[2].contains("Better: "), "{}", told[2]);
    assert!(told[3].starts_with("could be set better: no-sub 1 "), "{}", told[3]);

    let ended = cunkou(&["check", "--connect", "--json", "--config", &file]);
    let lines = ended.out.iter().map(|line| serde_json::from_str(line).expect("JSON"));
    let lines: Vec<serde_json::Value> = lines.collect();
    let camera = lines.iter().find(|line| line["camera"] == "gate").expect("it was tried");
    assert_eq!((&camera["works"], &camera["role"]), (&true.into(), &"main".into()));
    assert_eq!((&camera["survey"]["codec"], &camera["survey"]["width"]), (&"H264".into(), &768.into()));
    assert_eq!(
        (&camera["findings"][0]["finding"], camera["findings"].as_array().map(Vec::len)),
        (&"no-sub".into(), Some(1))
    );
    let summary = lines.last().expect("it ends with one");
    assert_eq!((&summary["type"], &summary["failed"]), (&"summary".into(), &1.into()));
    assert_eq!(summary["findings"], serde_json::json!({ "no-sub": 1 }));
}

#[test]
fn what_is_no_video_is_refused_in_one_sentence() {
    need_model();
    let dir = tempfile::tempdir().expect("a directory");
    let text = dir.path().join("letter.mp4");
    fs::write(&text, "Dear station,\n".repeat(100)).expect("writable");
    let text = text.display().to_string();
    let ended = cunkou(&["replay", &text, "--json"]);
    says("a letter", &ended, 2, &[&text, "is not a video"]);
    assert!(ended.out.is_empty(), "{:?}", ended.out);
    let ended = cunkou(&["replay", "/nowhere/gate.mp4"]);
    says("nothing", &ended, 2, &["/nowhere/gate.mp4", "cannot be read"]);
    let video = set_up(".cache/footage/vtest.mp4");
    let ended = cunkou(&["replay", &video, "--config", "config/demo.toml", "--camera", "west-gate"]);
    says("a camera that is not in the file", &ended, 2, &["config/demo.toml", "west-gate", "north-gate"]);
}

/// A broker that lets everybody in, and then never says another word: whoever wants to say good-bye waits for it.
fn mute_broker() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("it has one").port();
    thread::spawn(move || {
        for mut socket in listener.incoming().map_while(Result::ok) {
            let mut some = [0; 4096];
            // CONNACK: no session, success, no properties.
            if socket.read(&mut some).is_ok() && socket.write_all(&[0x20, 3, 0, 0, 0]).is_ok() {
                while socket.read(&mut some).is_ok_and(|length| length > 0) {}
            }
        }
    });
    port
}

#[test]
fn a_second_signal_ends_at_once() {
    need_model();
    let station = Station::blind(mute_broker());
    station.change("stop_grace_s = 60", "stop_grace_s = 300");
    let (mut program, _) = Program::run(&station.file);
    let logged = |program: &Program, word: &str| program.log().iter().any(|line| line.contains(word));
    until("the broker", || logged(&program, "connected to the broker").then_some(()));
    program.signal("TERM");
    until("the first signal is understood", || logged(&program, "once more ends at once").then_some(()));
    // A signal very soon after the first is taken for the same wish, so it is told until it listens.
    let status = until("the end", || {
        program.signal("TERM");
        program.has_ended()
    });
    assert_eq!(status.code(), Some(130));
    assert!(!program.ended().log.iter().any(|line| line.contains("stopped took")), "not in order");
}

#[test]
fn every_command_shows_an_example() {
    let ended = cunkou(&["--help"]);
    assert_eq!(ended.code, Some(0));
    let commands = ended.out.iter().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<&str> = commands
        .take_while(|line| !line.is_empty())
        // What goes on in a further line is indented more.
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|name| !name.is_empty())
        .collect();
    assert!(
        ["run", "demo", "check", "replay", "sim", "bench"].iter().all(|it| commands.contains(it)),
        "{commands:?}"
    );
    let asked = commands.iter().filter(|command| **command != "help").map(|command| vec![*command, "--help"]);
    for args in asked.chain([vec!["bench", "detector", "--help"]]) {
        let ended = cunkou(&args);
        let text = ended.out.join("\n");
        assert_eq!(ended.code, Some(0), "{args:?}");
        let example = text.split_once("Example").map(|(_, rest)| rest).unwrap_or_default();
        assert!(example.contains(&format!("cunkou {}", args[0])), "{args:?}: {text}");
    }
}
