//! Two stations, their brokers as they ship, and what goes between them: links that are cut, daemons that are killed, stations that are not who they say.
//!
//! Needs mosquitto, mosquitto-clients and openssl (set-up installs them); without them the tests say so and are skipped.

#[path = "neighbours/broker.rs"]
mod broker;
#[path = "neighbours/station.rs"]
mod station;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc as std_mpsc,
    time::{Duration, Instant},
};

use broker::{Broker, can_run, publish};
use cunkou::{
    alert::{Change, Earnest, Judged, Kind, Occurrence, Severity},
    config::{self, Canned, Name},
    daemon::clerk::Clerk,
    id::{AlertId, EventId, Mint, StationId},
    metrics::Metrics,
    mqtt::{
        ear::Matter,
        payload::{AlertData, Envelope, Letterhead, ModelData, ReceiptData, ReceiptResult},
    },
    neighbour::{
        Sharing, Tidings,
        entry::{self, Lane, Shared, What},
        receipt,
    },
    store::{Ledger, SimDisk, SimLedger},
    time::Wall,
};
use station::{Station, configure};

/// Generous: only a test that fails waits for so long.
const DEADLINE: Duration = Duration::from_secs(240);
/// What is void has not come after this, milliseconds: MQTT counts whole seconds, and the machine takes a while to look at the clock.
const SLACK_MS: i64 = 1500;

/// Hears everything on a station's broker with an account that may.
struct Watcher {
    child: Child,
    lines: std_mpsc::Receiver<String>,
}

impl Watcher {
    fn start(mut client: Command, filters: &[&str]) -> Self {
        client.args(["-F", "%t %p"]).args(filters.iter().flat_map(|filter| ["-t", filter]));
        let mut child = client.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("starts");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (tx, lines) = std_mpsc::channel();
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).all(|line| tx.send(line).is_ok()));
        Self { child, lines }
    }

    /// Waits until it hears: says something again and again that it is allowed to hear.
    fn ready(&self, say: impl Fn()) {
        let start = Instant::now();
        loop {
            say();
            if self.lines.recv_timeout(Duration::from_millis(300)).is_ok() {
                break;
            }
            assert!(start.elapsed() < DEADLINE, "it does not subscribe");
        }
        while self.lines.recv_timeout(Duration::from_millis(500)).is_ok() {}
    }

    /// All that it hears, up to a line that ends so.
    fn until(&self, last: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.lines.recv_timeout(DEADLINE).expect("in time");
            if line.ends_with(last) {
                return lines;
            }
            lines.push(line);
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const ROOT: &str = "cunkou/v1/willow";

#[test]
fn a_neighbour_writes_its_own_topics_and_nothing_else_and_reads_nothing() {
    if !can_run() {
        return;
    }
    let broker = Broker::start("willow", ["riverside", "hill"]);
    // The daemon and a console see what anybody gets through.
    let console = Watcher::start(broker.as_account("mosquitto_sub", "console"), &["cunkou/v1/willow/#"]);
    console.ready(|| {
        publish(broker.as_neighbour("mosquitto_pub", "hill"), &format!("{ROOT}/in/hill/x"), "ready");
    });
    let daemon = Watcher::start(
        broker.as_account("mosquitto_sub", "cunkou"),
        &["cunkou/v1/willow/in/#", "cunkou/v1/willow/command/alert/+/+", "cunkou/v1/willow/button/#"],
    );
    daemon.ready(|| {
        publish(broker.as_neighbour("mosquitto_pub", "hill"), &format!("{ROOT}/in/hill/x"), "ready");
    });
    while console.lines.recv_timeout(Duration::from_millis(500)).is_ok() {}
    let forged = [
        "in/hill/alert/critical/panic-button/gate",
        "in/riversid/alert/critical/panic-button/gate",
        "in/riverside-2/receipt/x",
        "in/+/alert",
        "alert/critical/panic-button/gate",
        "alert-state/01KKS9XZ4BXW3E2R1T0Y9V8K7J",
        "command/alert/01KKS9XZ4BXW3E2R1T0Y9V8K7J/resolve",
        "post/north-gate/notice",
        "post/north-gate/status",
        "button/school",
        "node/main/status",
        "camera/gate/health",
        "answer/north-gate/x",
        "",
    ];
    for topic in forged {
        publish(broker.as_neighbour("mosquitto_pub", "riverside"), &format!("{ROOT}/{topic}"), "forged");
    }
    publish(broker.as_neighbour("mosquitto_pub", "riverside"), "$SYS/broker/log", "forged");
    // Retained, and as a will: ways around.
    let mut retained = broker.as_neighbour("mosquitto_pub", "riverside");
    retained.arg("-r");
    publish(retained, &format!("{ROOT}/alert-state/01KKS9XZ4BXW3E2R1T0Y9V8K7J"), "forged");
    let mut will = broker.as_neighbour("mosquitto_sub", "riverside");
    will.args([
        "--will-topic",
        &format!("{ROOT}/alert/critical/panic-button/gate"),
        "--will-payload",
        "forged",
    ]);
    let mut will =
        will.args(["-t", "x"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
    std::thread::sleep(Duration::from_millis(700));
    will.kill().expect("it ran");
    will.wait().expect("it ran");
    // Nobody, and somebody with a certificate of another authority, do not get in at all; a station without an agreement gets nothing through.
    assert!(
        !publish(broker.as_nobody("mosquitto_pub"), &format!("{ROOT}/in/riverside/x"), "forged")
            .status
            .success()
    );
    let stranger = Broker::start("stranger", ["riverside", "hill"]);
    let mut theirs = broker.as_nobody("mosquitto_pub");
    theirs
        .arg("--cert")
        .arg(stranger.file("out/riverside.pem"))
        .arg("--key")
        .arg(stranger.file("out/riverside.key"));
    assert!(!publish(theirs, &format!("{ROOT}/in/riverside/x"), "forged").status.success());
    broker.certificates(&["client", "valley"]);
    publish(broker.as_neighbour("mosquitto_pub", "valley"), &format!("{ROOT}/in/valley/x"), "forged");
    // A post and a device keep to their own as well.
    for (account, topic) in [
        ("post-north-gate", "alert/critical/panic-button/gate"),
        ("post-north-gate", "post/south-gate/status"),
        ("post-north-gate", "post/north-gate/notice"),
        ("button-school", "button/shop"),
        ("button-school", "command/alert/01KKS9XZ4BXW3E2R1T0Y9V8K7J/resolve"),
        ("console", "in/riverside/alert"),
    ] {
        publish(broker.as_account("mosquitto_pub", account), &format!("{ROOT}/{topic}"), "forged");
    }
    publish(broker.as_neighbour("mosquitto_pub", "riverside"), &format!("{ROOT}/in/riverside/x"), "the end");
    assert_eq!(console.until("/in/riverside/x the end"), Vec::<String>::new());
    assert_eq!(daemon.until("/in/riverside/x the end"), Vec::<String>::new());

    // What may be said is heard by who may hear it, and by nobody else.
    let (own, all) = (format!("{ROOT}/in/riverside/#"), format!("{ROOT}/#"));
    let spy = Watcher::start(
        broker.as_neighbour("mosquitto_sub", "riverside"),
        &["#", &all, &own, "cunkou/v1/willow/alert/#"],
    );
    let post = Watcher::start(
        broker.as_account("mosquitto_sub", "post-north-gate"),
        &["cunkou/v1/willow/post/+/notice", "cunkou/v1/willow/#", "cunkou/v1/willow/alert-state/+"],
    );
    post.ready(|| {
        publish(
            broker.as_account("mosquitto_pub", "cunkou"),
            &format!("{ROOT}/post/north-gate/notice"),
            "ready",
        );
    });
    for topic in ["alert/critical/panic-button/gate", "post/south-gate/notice", "camera/gate/health"] {
        publish(broker.as_account("mosquitto_pub", "cunkou"), &format!("{ROOT}/{topic}"), "not for posts");
    }
    publish(
        broker.as_neighbour("mosquitto_pub", "riverside"),
        &format!("{ROOT}/in/riverside/x"),
        "not for it",
    );
    publish(broker.as_account("mosquitto_pub", "cunkou"), &format!("{ROOT}/post/north-gate/notice"), "last");
    assert_eq!(post.until("last"), Vec::<String>::new());
    assert_eq!(spy.lines.try_iter().collect::<Vec<_>>(), Vec::<String>::new());
    assert!(console.until("last").len() >= 4, "a console sees it all");
}

/// An alert as it stands.
fn alert(id: AlertId, occurred_at: Wall, ended_at: Option<Wall>) -> AlertData {
    let value = serde_json::json!({
        "alert_id": id, "kind": "zone-enter", "severity": "warning", "state": "raised",
        "camera": { "id": "gate", "name": { "zh": "门", "en": "Gate" }, "village": "v", "level": "line", "direction": null },
        "occurred_at": occurred_at.to_string(), "ended_at": ended_at.map(|at| at.to_string()),
        "respond_by": occurred_at.to_string(), "rule": { "id": "r", "version": "000000000000" },
        "objects": [], "snapshot": null, "clip": null, "explain": { "zh": "有人", "en": "Somebody" },
    });
    serde_json::from_value(value).expect("an alert")
}

/// The child of the test below: a station that raises alerts until it is killed, or until all it has promised is receipted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "only as a child process"]
async fn child_shares_until_it_is_killed() {
    let Some(config) = std::env::var_os("CUNKOU_SHARE_CONFIG") else { return };
    let mut station = Station::start(Path::new(&config)).await;
    let links = station.links.clone();
    let (_, empty) = tokio::sync::mpsc::channel(1);
    let mut heard = std::mem::replace(&mut station.heard, empty);
    let hearing = tokio::spawn(async move {
        while let Some((_, heard)) = heard.recv().await {
            if let Matter::FromNeighbour { neighbour, rest } = &heard.matter {
                assert!(links.hear(neighbour, rest, &heard.letter.payload).await, "{rest}");
            }
            heard.ack.give();
        }
    });
    if std::env::var_os("CUNKOU_SHARE_DRAIN").is_some() {
        let riverside: StationId = "riverside".parse().expect("an id");
        let start = Instant::now();
        while is_anything_to_send(&station, &riverside).await {
            assert!(start.elapsed() < DEADLINE, "the queue does not drain");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        println!("drained {}", station.metrics.neighbour_expired.get_or_create(&(&riverside).into()).get());
        station.stop().await;
        hearing.abort();
        return;
    }
    let mut mint = Mint::from_os();
    for nth in 0u64.. {
        let now = station.clock.now().wall;
        // Every fifth is void in two seconds.
        let occurred_at = if nth % 5 == 4 { Wall::from_unix_ms(now.unix_ms() - 598_000) } else { now };
        let id = mint.alert(now);
        let mut tell = async |told, rev, ended| {
            let data = alert(id, occurred_at, ended);
            let writes = station.sharing.share(station.clock.now().wall, told, rev, &data);
            station.desk.promise(writes, Vec::new()).await.expect("promised");
            println!("promised {id} {rev} {}", occurred_at.unix_ms() + 600_000);
        };
        tell(Tidings::Event(Change::Raised), 1, None).await;
        tell(Tidings::State, 2, None).await;
        tell(Tidings::Event(Change::Ended), 3, Some(now)).await;
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
}

/// Whether something waits that can still reach the neighbour: not the states of alerts that were void before it had them.
async fn is_anything_to_send(station: &Station, to: &StationId) -> bool {
    let (from, end) = entry::behind(to, Lane::Events, 0);
    let waiting = station.desk.range(from, end, 10_000).await.expect("readable");
    for (_, value) in waiting {
        let What::State(alert) = entry::read_head(&value).expect("ours").what else { return true };
        let key = entry::shared_key(to, alert);
        let end = key.iter().copied().chain([0]).collect();
        let record = station.desk.range(key, end, 1).await.expect("readable");
        if record.first().and_then(|(_, value)| entry::read_shared(value)) == Some(Shared::Kept) {
            return true;
        }
    }
    false
}

/// A process that shares, and what it says.
struct Sharer {
    child: Child,
    lines: std_mpsc::Receiver<String>,
}

impl Sharer {
    fn start(config: &Path, drains: bool) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("there"));
        command
            .args(["--exact", "child_shares_until_it_is_killed", "--ignored", "--nocapture"])
            .env("CUNKOU_SHARE_CONFIG", config)
            .stdout(Stdio::piped());
        if drains {
            command.env("CUNKOU_SHARE_DRAIN", "1");
        }
        let mut child = command.spawn().expect("starts");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (tx, lines) = std_mpsc::channel();
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).all(|line| tx.send(line).is_ok()));
        Self { child, lines }
    }

    /// kill -9, at whatever it is doing; everything that it said.
    fn kill(mut self, promised: &mut Promised) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ran");
        self.lines.iter().for_each(|line| promised.take(&line));
    }
}

/// What was promised: the alert, the revision, and when it is void.
#[derive(Default)]
struct Promised(BTreeMap<(AlertId, u64), i64>);

impl Promised {
    fn take(&mut self, line: &str) {
        let Some(rest) = line.strip_prefix("promised ") else { return };
        let mut words = rest.split(' ');
        let mut next = || words.next();
        // The last line may be cut off.
        let (Some(Ok(id)), Some(Ok(rev)), Some(Ok(void_at))) =
            (next().map(str::parse), next().map(str::parse), next().map(str::parse))
        else {
            return;
        };
        self.0.insert((id, rev), void_at);
    }
}

/// What the neighbour's daemon has, in the order of arrival.
#[derive(Default)]
struct Kept {
    events: BTreeSet<(String, EventId)>,
    arrived: Vec<(AlertId, u64)>,
    repeats: usize,
}

/// The neighbour's daemon: keeps what comes, and answers with receipts.
async fn keep(station: &mut Station, kept: &mut Kept, until: tokio::time::Instant) {
    let letterhead = Letterhead::of(&station.config.station.id, &station.config.station.node);
    let mut mint = Mint::from_os();
    while let Ok(Some((came, heard))) = tokio::time::timeout_at(until, station.heard.recv()).await {
        let Matter::FromNeighbour { neighbour, rest } = &heard.matter else { panic!("{:?}", heard.matter) };
        let now = station.clock.now().wall;
        let envelope: Envelope<AlertData> = serde_json::from_slice(&heard.letter.payload).expect("an alert");
        assert!(receipt::is_from(neighbour, &envelope.source), "{}", envelope.source);
        let is_event = rest.starts_with("alert/");
        if is_event {
            let occurred: jiff::Timestamp = envelope.data.occurred_at.parse().expect("a time");
            let age_ms = came.unix_ms() - occurred.as_millisecond();
            assert!(age_ms < 600_000 + SLACK_MS, "{} is void since {} ms", envelope.id, age_ms - 600_000);
        }
        let is_new = kept.events.insert((envelope.source.clone(), envelope.id));
        let result = if is_new { ReceiptResult::Kept } else { ReceiptResult::Repeat };
        match is_new {
            true => kept.arrived.push((envelope.data.alert_id, envelope.rev.expect("it has one"))),
            false => kept.repeats += 1,
        }
        let data = ReceiptData { event_id: envelope.id, result, why: None };
        let letter = receipt::letter(&letterhead, mint.event(now), now, data);
        station.post.send(neighbour, vec![letter], Vec::new()).await.expect("promised");
        heard.ack.give();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_links_and_kills_lose_nothing_repeat_nothing_and_deliver_nothing_void() {
    if !can_run() {
        return;
    }
    let willow_broker = Broker::start("willow", ["riverside", "hill"]);
    let mut riverside_broker = Broker::start("riverside", ["willow", "hill"]);
    let willow = configure("willow", &willow_broker, ("riverside", &riverside_broker));
    let riverside = configure("riverside", &riverside_broker, ("willow", &willow_broker));
    let mut neighbour = Station::start(&riverside).await;
    let (mut kept, mut promised) = (Kept::default(), Promised::default());
    let seconds = |s| tokio::time::Instant::now() + Duration::from_secs(s);

    // Under load; then the neighbour's broker is away for longer than some alerts are worth telling; then killed in the middle of it, twice.
    let sharer = Sharer::start(&willow, false);
    keep(&mut neighbour, &mut kept, seconds(4)).await;
    riverside_broker.stop();
    // So long that what is told late is told apart from what a busy machine brings late.
    keep(&mut neighbour, &mut kept, seconds(14)).await;
    sharer.kill(&mut promised);
    let sharer = Sharer::start(&willow, false);
    keep(&mut neighbour, &mut kept, seconds(2)).await;
    riverside_broker.start_again();
    keep(&mut neighbour, &mut kept, seconds(4)).await;
    sharer.kill(&mut promised);
    // Its receipts wait for it at its broker.
    keep(&mut neighbour, &mut kept, seconds(1)).await;
    let drainer = Sharer::start(&willow, true);
    let start = Instant::now();
    let expired = loop {
        keep(&mut neighbour, &mut kept, tokio::time::Instant::now() + Duration::from_millis(200)).await;
        if let Ok(line) = drainer.lines.try_recv()
            && let Some(expired) = line.strip_prefix("drained ")
        {
            break expired.parse::<u64>().expect("a number");
        }
        assert!(start.elapsed() < DEADLINE, "the queue does not drain");
    };

    let arrived: BTreeSet<(AlertId, u64)> = kept.arrived.iter().copied().collect();
    assert_eq!(arrived.len(), kept.arrived.len(), "once, after repeats were dropped by source and id");
    let mut newest: BTreeMap<AlertId, u64> = BTreeMap::new();
    for (alert, rev) in &kept.arrived {
        let before = newest.insert(*alert, *rev);
        assert!(before < Some(*rev), "{alert}: {rev} came after {before:?}");
        assert!(before.is_some() || *rev == 1, "{alert}: {rev} came first");
    }
    let (mut voids, mut lasting) = (0, 0);
    for (&(alert, rev), void_at) in &promised.0 {
        let was_short = *void_at - alert.raised_at().unix_ms() < 60_000;
        voids += u64::from(was_short && !arrived.contains(&(alert, 1)));
        // A state may be replaced, and what was worth telling for two seconds alone may be void.
        if !was_short && rev != 2 {
            assert!(arrived.contains(&(alert, rev)), "{alert}, revision {rev}, never came");
            lasting += 1;
        }
    }
    println!(
        "{} promised, {lasting} lasting, {} arrived, {} repeats, {voids} void, {expired} void at the last start",
        promised.0.len(),
        kept.arrived.len(),
        kept.repeats
    );
    assert!(lasting > 100 && voids > 0, "the test is worth something: {lasting}, {voids}");
    neighbour.stop().await;
}

#[test]
fn what_the_clerk_promises_is_shared_in_the_same_batch() {
    let text = r#"
[station]
id = "willow"
[village.v]
[entry_point.e]
village = "v"
[camera.gate]
entry_point = "e"
main = "rtsp://10.0.0.1/x"
[neighbour.riverside]
host = "localhost"
agreement = { until = "2999-12-31" }
"#;
    let config =
        config::parse(text, "f", Path::new(""), &Canned::default()).unwrap_or_else(|e| panic!("{e}"));
    let riverside: StationId = "riverside".parse().expect("an id");
    let now = Wall::from_unix_ms(1_773_079_445_123);
    let mut ledger = SimLedger::open(&SimDisk::new());
    let opened = Sharing::open(&config, &ledger, now, Mint::seeded(2), Metrics::new());
    let model = ModelData { name: "m".into(), sha256: "0".repeat(64) };
    let mut clerk = Clerk::new(&config, model, Mint::seeded(1)).sharing(opened.expect("readable").0);
    let mut what = Occurrence {
        id: Mint::seeded(3).alert(now),
        kind: Kind::PanicButton,
        severity: Severity::Critical,
        camera: std::sync::Arc::clone(&config.cameras[0]),
        others: Vec::new(),
        judged: Judged::Button("school".parse().expect("an id")),
        direction: None,
        occurred_at: now,
        ended_at: None,
        objects: Vec::new(),
        earnest: Earnest::Real,
        explain: Name { zh: "求助".into(), en: "Help".into() },
    };
    let assigned = clerk.assign(now, Change::Raised, &what);
    let raised = clerk.draft(now, Change::Raised, &what, None, assigned).expect("it is new");
    assert!(raised.told[0].record.life.is_shared(&riverside), "its people may answer it");
    ledger.commit(raised.writes).expect("works");
    what.ended_at = Some(now);
    let ended = clerk.draft(now, Change::Ended, &what, None, None).expect("it was in view");
    ledger.commit(ended.writes).expect("works");
    let (from, to) = entry::behind(&riverside, Lane::Events, 0);
    let waiting = ledger.range(&from, &to, 9).expect("readable");
    let heads = waiting.iter().map(|(_, value)| entry::read_head(value).expect("an entry").what);
    assert_eq!(heads.collect::<Vec<_>>(), [What::Raised(what.id), What::Event(what.id)]);
    let record = ledger.get(&entry::shared_key(&riverside, what.id)).expect("readable");
    assert_eq!(record.as_deref().and_then(entry::read_shared), Some(Shared::Promised));
}
