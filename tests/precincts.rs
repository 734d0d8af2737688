//! Two stations as they meet: two real daemons, two real mosquittos as they ship, mutual TLS between them.
//!
//! What is asked is asked over HTTP. One daemon is the program itself; the other one runs in a process of the test's, which raises alerts without cameras. Needs what `make test`
//! sets up; where mosquitto is missing it says so and is skipped. `CUNKOU_SOAK=1` cuts the link for five minutes.

#[path = "neighbours/broker.rs"]
#[allow(dead_code, reason = "shared with another test")]
mod broker;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use broker::{Broker, can_run};
use cunkou::{
    alert::{Change, Earnest, Judged, Kind, Occurrence, Severity},
    config::{self, Name},
    daemon::Daemon,
    id::{AlertId, Mint},
    time::{Clock, Wall},
};
use serde_json::{Value, json};

/// Generous: only a test that fails waits for so long.
const DEADLINE: Duration = Duration::from_secs(120);
const PASSWORD: &str = "cunkou";
/// Alerts that the agreements allow in an hour, the most that can be written.
const PER_HOUR: usize = 3600;

fn is_soak() -> bool {
    std::env::var_os("CUNKOU_SOAK").is_some()
}

fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.elapsed() < DEADLINE, "waited {DEADLINE:?} in vain for: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A station's configuration; its page is at the port.
fn configure(id: &str, own: &Broker, neighbour: (&str, &Broker)) -> (PathBuf, u16) {
    let (other, at) = neighbour;
    let secret = own.file("secret");
    std::fs::write(&secret, PASSWORD).expect("writable");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).expect("ours");
    let page = broker::free_port();
    let text = format!(
        r#"
[station]
id = "{id}"
stop_grace_s = 60
[paths]
data = "{own_dir}/data"
models = "{root}/models"
[console]
listen = "127.0.0.1:{page}"
[broker]
kind = "external"
host = "localhost"
port = {own_port}
credentials = {{ user = "cunkou", password_file = "{own_dir}/secret" }}
tls = {{ ca = "{own_dir}/tls/ca.pem" }}
[village.v]
[entry_point.e]
village = "v"
[camera.gate]
entry_point = "e"
main = "rtsp://127.0.0.1:1/x"
record = "off"
[neighbour.{other}]
host = "localhost"
port = {port}
tls = {{ ca = "{dir}/tls/ca.pem", client_cert = "{dir}/out/{id}.pem", client_key = "{dir}/out/{id}.key" }}
agreement = {{ until = "2999-12-31", per_hour = {PER_HOUR} }}
"#,
        root = env!("CARGO_MANIFEST_DIR"),
        own_dir = own.dir.path().display(),
        own_port = own.own_port,
        dir = at.dir.path().display(),
        port = at.port,
    );
    let path = own.file("cunkou.toml");
    std::fs::write(&path, text).expect("writable");
    TOKENS.lock().expect("no panic").insert(page, own.file("data/access/local-token"));
    (path, page)
}

/// The child of the test below: a daemon at which alerts are raised until it is told to stop raising, or killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "only as a child process"]
async fn child_is_a_station_under_load() {
    let Some(path) = std::env::var_os("CUNKOU_PRECINCT_CONFIG") else { return };
    let config = config::load(Path::new(&path)).unwrap_or_else(|problems| panic!("{problems}"));
    let camera = Arc::clone(&config.cameras[0]);
    let (clock, mut mint) = (Clock::start(), Mint::from_os());
    let quiet = Path::new(&path).with_file_name("quiet");
    let daemon = Daemon::start(config).await.expect("starts");
    println!("at work");
    // Five minutes' worth stays within what the agreement allows in an hour.
    let pause = Duration::from_millis(if is_soak() { 150 } else { 60 });
    for nth in 0u64.. {
        while quiet.exists() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let now = clock.now().wall;
        // Every fifth is void in two seconds.
        let is_short = nth % 5 == 4;
        let occurred_at = if is_short { Wall::from_unix_ms(now.unix_ms() - 598_000) } else { now };
        let mut occurrence = Occurrence {
            id: mint.alert(now),
            kind: Kind::ZoneEnter,
            severity: Severity::Warning,
            camera: Arc::clone(&camera),
            others: Vec::new(),
            judged: Judged::Rule {
                id: "visitor".parse().expect("an id"),
                version: "0123456789ab".to_owned(),
            },
            direction: None,
            occurred_at,
            ended_at: None,
            objects: Vec::new(),
            earnest: Earnest::Real,
            explain: Name { zh: "有人".into(), en: "Somebody".into() },
        };
        daemon.happenings().tell(Change::Raised, occurrence.clone()).await.expect("promised");
        println!("raised {} {} {}", occurrence.id, now.unix_ms(), is_short);
        occurrence.ended_at = Some(clock.now().wall);
        daemon.happenings().tell(Change::Ended, occurrence).await.expect("promised");
        tokio::time::sleep(pause).await;
    }
}

/// A process. Dropped, it is killed.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// When an alert was raised, and whether it is void in two seconds.
type Raised = Arc<Mutex<BTreeMap<AlertId, (i64, bool)>>>;

fn willow(config: &Path, raised: &Raised) -> Running {
    let mut child = Command::new(std::env::current_exe().expect("there"))
        .args(["--exact", "child_is_a_station_under_load", "--ignored", "--nocapture"])
        .env("CUNKOU_PRECINCT_CONFIG", config)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let (stdout, raised) = (child.stdout.take().expect("piped"), Arc::clone(raised));
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let words: Vec<&str> = line.split(' ').collect();
            if let ["raised", id, at, is_short] = words[..] {
                let (Ok(id), Ok(at), Ok(is_short)) = (id.parse(), at.parse(), is_short.parse()) else {
                    continue;
                };
                raised.lock().expect("no panic").insert(id, (at, is_short));
            }
        }
    });
    Running(child)
}

fn riverside(config: &Path) -> Running {
    let log = std::fs::File::create(config.with_file_name("daemon.log")).expect("writable");
    let mut command = Command::new(env!("CARGO_BIN_EXE_cunkou"));
    command.args(["run", "--config"]).arg(config).current_dir(env!("CARGO_MANIFEST_DIR"));
    Running(command.env_remove("RUST_LOG").stderr(log).spawn().expect("it is built"))
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(40)))
        .build()
        .into()
}

/// Where each station's local token lies, by the port of its page.
static TOKENS: Mutex<BTreeMap<u16, PathBuf>> = Mutex::new(BTreeMap::new());

/// As a program of the station's machine says who it is; before the daemon has made its token, nobody knows it.
fn bearer(port: u16) -> String {
    let file = TOKENS.lock().expect("no panic")[&port].clone();
    format!("Bearer {}", std::fs::read_to_string(file).unwrap_or_default().trim())
}

/// `None`: nobody answers, or there is no such thing.
fn get(port: u16, path: &str) -> Option<Value> {
    let request = agent().get(format!("http://127.0.0.1:{port}{path}")).header("authorization", bearer(port));
    let mut answer = request.call().ok()?;
    let text = answer.body_mut().read_to_string().ok()?;
    answer.status().is_success().then(|| serde_json::from_str(&text).ok())?
}

fn post(port: u16, path: &str, body: &Value) -> (u16, Value) {
    let request =
        agent().post(format!("http://127.0.0.1:{port}{path}")).header("content-type", "application/json");
    let request = request.header("authorization", bearer(port));
    let mut answer = request.send(body.to_string().as_bytes()).expect("somebody answers");
    let text = answer.body_mut().read_to_string().expect("text");
    (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// All alerts of a neighbour that a station lists.
fn theirs(port: u16, home: &str) -> Option<BTreeMap<AlertId, Value>> {
    let (mut alerts, mut after) = (BTreeMap::new(), String::new());
    loop {
        let page = get(port, &format!("/api/v1/alerts?limit=1000{after}"))?;
        for alert in page["alerts"].as_array().expect("a page").iter().filter(|it| it["home"] == home) {
            let id = alert["alert_id"].as_str().expect("an id").parse().expect("an id");
            assert!(alerts.insert(id, alert.clone()).is_none(), "{id} is listed twice");
        }
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return Some(alerts),
        }
    }
}

fn publish(mut command: Command, topic: &str, payload: &str) {
    let status = command.args(["-q", "1", "-t", topic, "-m", payload]).stderr(Stdio::null()).status();
    status.expect("mosquitto_pub is there");
}

#[test]
fn alerts_cross_once_commands_come_home_and_nothing_forged_or_void_is_shown() {
    if !can_run() {
        return;
    }
    let willow_broker = Broker::start("willow", ["riverside", "hill"]);
    let mut riverside_broker = Broker::start("riverside", ["willow", "hill"]);
    let (willow_config, willow_page) = configure("willow", &willow_broker, ("riverside", &riverside_broker));
    let (riverside_config, page) = configure("riverside", &riverside_broker, ("willow", &willow_broker));
    let raised = Raised::default();
    let mut at_riverside = riverside(&riverside_config);
    let mut at_willow = willow(&willow_config, &raised);

    let first = until("a neighbour's alerts", || theirs(page, "willow").filter(|alerts| alerts.len() >= 20));
    let is_short = |id: &AlertId| raised.lock().expect("no panic").get(id).is_some_and(|(_, short)| *short);
    let claimed = *first.keys().rev().find(|id| !is_short(id)).expect("most last");

    // Claimed here, seen at home; and its new state comes back.
    let body = json!({ "id": "01KKS9XZ4BYQ0G5C6R7M8N9P0Q", "actor": { "who": "Li", "unit": "patrol" } });
    let (status, answer) = post(page, &format!("/api/v1/alerts/{claimed}/claim"), &body);
    assert_eq!((status, answer["result"].as_str()), (200, Some("ok")), "{answer}");
    let by = json!({ "who": "Li", "unit": "patrol", "station": "riverside" });
    assert_eq!(answer.pointer("/alert/life/claim/by"), Some(&by), "{answer}");
    let path = format!("/api/v1/alerts/{claimed}");
    let home = get(willow_page, &path).expect("it is at home there");
    assert_eq!((&home["state"], home.pointer("/life/claim/by")), (&json!("claimed"), Some(&by)));
    assert_eq!(home.get("home"), None);
    until("the claim's way back", || {
        get(page, &path).filter(|it| it["state"] == "claimed" && it["home"] == "willow")
    });
    // The same wish twice is one; somebody else learns who was first.
    let (status, again) = post(page, &format!("/api/v1/alerts/{claimed}/claim"), &body);
    assert_eq!((status, &again["rev"]), (200, &answer["rev"]));
    let other = json!({ "actor": { "who": "Wang", "unit": "station" } });
    let (status, conflict) = post(willow_page, &format!("/api/v1/alerts/{claimed}/claim"), &other);
    assert_eq!((status, conflict["result"].as_str()), (409, Some("conflict")), "{conflict}");

    clips_are_asked_for_by_name_and_refused_by_a_person(page, willow_page, claimed);

    // Forged: by a station without an agreement, and in another's name.
    let real = serde_json::to_string(&first[&claimed]).expect("JSON");
    let forged = |station: &str, id: &str| {
        let data = real.replace(&claimed.to_string(), id).replace("\"claimed\"", "\"raised\"");
        format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"/stations/{station}/node/main","type":"cunkou.alert.raised.v1","subject":"{id}",
            "time":"2026-03-09T18:04:05Z","datacontenttype":"application/json","dataschema":"urn:cunkou:schema:alert:1.0","cunkourev":1,"cunkouhops":1,"data":{data}}}"#
        )
    };
    let mut mint = Mint::from_os();
    let forgeries: Vec<AlertId> = (0..3).map(|_| mint.alert(Clock::start().now().wall)).collect();
    let topic = |from: &str| format!("cunkou/v1/riverside/in/{from}/alert/warning/zone-enter/gate");
    for (nth, (certificate, topic_of, source)) in
        [("hill", "hill", "hill"), ("hill", "hill", "willow"), ("hill", "willow", "willow")]
            .into_iter()
            .enumerate()
    {
        let command = riverside_broker.as_neighbour("mosquitto_pub", certificate);
        publish(command, &topic(topic_of), &forged(source, &forgeries[nth].to_string()));
    }
    // What was not shared with hill is not hill's to answer, whoever it says it is.
    let order = r#"{"specversion":"1.0","id":"01KKS9XZ4BYQ0G5C6R7M8N9P0R","source":"/stations/hill/node/main","type":"cunkou.command.alert.v1","subject":"x",
        "time":"2026-03-09T18:04:05Z","datacontenttype":"application/json","dataschema":"x","cunkouhops":0,
        "data":{"id":"01KKS9XZ4BYQ0G5C6R7M8N9P0R","actor":{"who":"X","unit":"x","station":"riverside"}}}"#;
    let hill = willow_broker.as_neighbour("mosquitto_pub", "hill");
    publish(hill, &format!("cunkou/v1/willow/in/hill/command/alert/{claimed}/release"), order);

    // The link is cut for longer than some alerts are worth telling; then both are killed, one after the other.
    let cut = if is_soak() { 300 } else { 6 };
    let now_ms = || Clock::start().now().wall.unix_ms();
    riverside_broker.stop();
    let cut_at = now_ms();
    std::thread::sleep(Duration::from_secs(cut));
    let mended_at = now_ms();
    riverside_broker.start_again();
    std::thread::sleep(Duration::from_secs(3));
    drop(at_willow);
    at_willow = willow(&willow_config, &raised);
    until("alerts of the second start", || {
        let newest = *raised.lock().expect("no panic").last_key_value()?.0;
        (newest.raised_at().unix_ms() > mended_at + 3000).then_some(())
    });
    drop(at_riverside);
    std::thread::sleep(Duration::from_secs(1));
    at_riverside = riverside(&riverside_config);
    std::thread::sleep(Duration::from_secs(3));
    std::fs::write(willow_config.with_file_name("quiet"), "").expect("writable");
    std::thread::sleep(Duration::from_millis(500));

    let all = raised.lock().expect("no panic").clone();
    assert!(all.len() < PER_HOUR, "{} raised: what is beyond the agreement is not shared", all.len());
    let lasting: BTreeSet<AlertId> = all.iter().filter(|(_, (_, short))| !short).map(|(id, _)| *id).collect();
    let began = Instant::now();
    let have = until("every alert that lasts", || {
        let have = theirs(page, "willow")?;
        let missing = lasting.iter().filter(|id| !have.contains_key(id)).count();
        if missing > 0 && began.elapsed() > DEADLINE - Duration::from_secs(5) {
            eprintln!("{missing} of {} are missing", lasting.len());
        }
        (missing == 0).then_some(have)
    });
    let voids: Vec<&AlertId> = all
        .iter()
        .filter(|(_, (at, short))| *short && (cut_at..mended_at - 3000).contains(at))
        .map(|(id, _)| id)
        .collect();
    assert!(
        !voids.is_empty() && lasting.len() > 100,
        "it is worth something: {} {}",
        voids.len(),
        lasting.len()
    );
    for id in voids.iter().copied().chain(&forgeries) {
        assert!(!have.contains_key(id), "{id} is shown");
    }
    let all_listed = get(page, "/api/v1/alerts?limit=1000").expect("a page");
    let listed = all_listed["alerts"].as_array().expect("a page");
    assert!(listed.iter().all(|it| it["home"] == "willow" || it.get("home").is_none()));
    // Nobody has released it, and what holds at home holds here.
    until("the ends of all alerts", || {
        let have = theirs(page, "willow")?;
        lasting.iter().all(|id| !have[id]["ended_at"].is_null()).then_some(())
    });
    assert_eq!(get(page, &path).expect("kept")["state"], "claimed");
    assert_eq!(get(willow_page, &path).expect("kept")["state"], "claimed");
    println!(
        "{} raised, {} lasting, {} void in the cut, {} at the neighbour",
        all.len(),
        lasting.len(),
        voids.len(),
        have.len()
    );
    drop((at_willow, at_riverside));
}

/// Nothing was recorded here: what is granted is looked at where there are cameras.
fn clips_are_asked_for_by_name_and_refused_by_a_person(page: u16, home: u16, alert: AlertId) {
    let ask = json!({ "alert": alert, "who": "Li", "unit": "patrol", "purpose": "a lost child", "case": "2026-0312" });
    for (member, status) in [("purpose", 403), ("who", 403), ("alert", 404)] {
        let mut bad = ask.clone();
        bad[member] = if member == "alert" { json!("01KKS9XZ4BXW3E2R1T0Y9V8K7J") } else { json!("") };
        assert_eq!(post(page, "/api/v1/clip-requests", &bad).0, status, "{member}");
    }
    assert_eq!(post(home, "/api/v1/clip-requests", &ask).0, 409, "it is their own");
    let (status, asked) = post(page, "/api/v1/clip-requests", &ask);
    assert_eq!((status, &asked["way"], &asked["answer"]), (201, &json!("asked"), &Value::Null), "{asked}");
    let of = |port: u16| get(port, "/api/v1/clip-requests").and_then(|all| all.get(0).cloned());
    let received = until("the request", || of(home));
    assert_eq!((&received["way"], &received["neighbour"]), (&json!("received"), &json!("riverside")));
    assert_eq!(
        (&received["request_id"], &received["purpose"]),
        (&asked["request_id"], &json!("a lost child"))
    );
    let path = format!("/api/v1/clip-requests/{}/answer", asked["request_id"].as_str().expect("an id"));
    let decide = |grant: bool| json!({ "grant": grant, "who": "Wang", "unit": "station", "why": "not without a letter" });
    assert_eq!(post(home, &path, &decide(true)).0, 404, "nothing was recorded");
    assert_eq!(post(page, &path, &decide(false)).0, 404, "it is not theirs to answer");
    assert_eq!(post(home, &path, &decide(false)).0, 200);
    assert_eq!(post(home, &path, &decide(false)).0, 409, "once");
    let answer = until("the answer", || of(page).map(|it| it["answer"].clone()).filter(|it| !it.is_null()));
    assert_eq!((&answer["result"], &answer["why"]), (&json!("refused"), &json!("not without a letter")));
    assert_eq!((&answer["by"]["who"], answer.get("url")), (&json!("Wang"), None));
    for secret in ["0".repeat(32), "x".to_owned()] {
        assert_eq!(get(home, &format!("/api/v1/shared/{secret}/video.mp4")), None);
    }
}
