//! The promise, with real adapters: a real disk, a real kill, a real broker.
//!
//! Needs mosquitto, mosquitto-clients and openssl (set-up installs them); a test that lacks its tool says so and is skipped.

mod brokers;
#[path = "delivery/hearing.rs"]
mod hearing;

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use brokers::{Mosquitto, Subscriber, free_port, has};
use cunkou::{
    config::{ClientCertificate, Credentials, ExternalBroker, Secret, Tls},
    metrics::Metrics,
    mqtt::{
        ConnectionSettings, Hearing, Ways, Words,
        courier::{Ending, Presence},
        deliver,
        ear::Answer,
        embedded, probe,
    },
    store::{Condition, Desk, DeskThread, LedgerError, Message, Outbox, Seq, SledLedger},
    time::Clock,
};
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

/// Generous: only a test that fails waits for so long.
const DEADLINE: Duration = Duration::from_secs(60);

fn message(topic: &str, text: &str) -> Message {
    Message {
        topic: topic.into(),
        payload: text.as_bytes().to_vec().into(),
        content_type: "application/cloudevents+json".into(),
        retain: false,
        expiry: Some(Duration::from_secs(600)),
    }
}

fn status(node: &str, text: &str) -> Message {
    Message { retain: true, expiry: None, ..message(&format!("node/{node}/status"), text) }
}

fn broker_at(port: u16) -> ExternalBroker {
    ExternalBroker {
        host: "127.0.0.1".into(),
        port,
        credentials: None,
        tls: None,
        keep_alive: Duration::from_secs(30),
    }
}

fn settings(broker: ExternalBroker, node: &str) -> ConnectionSettings {
    ConnectionSettings {
        broker,
        client_id: format!("cunkou-{node}"),
        words: {
            let node = node.to_owned();
            Words::new(move |_| {
                let presence =
                    Presence { online: status(&node, "online"), stopped: status(&node, "stopped") };
                (status(&node, "offline"), presence)
            })
        },
        connect_timeout: Duration::from_secs(5),
        stop_grace: Duration::from_secs(4),
    }
}

/// The store and the courier of one node.
struct Node {
    desk: Desk,
    thread: DeskThread,
    live: mpsc::Sender<Message>,
    answers: mpsc::Sender<Answer>,
    metrics: Metrics,
    stop: CancellationToken,
    delivery: JoinHandle<()>,
    _dir: Option<tempfile::TempDir>,
}

impl Node {
    fn start(settings: ConnectionSettings) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mut node = Self::start_in(dir.path(), settings);
        node._dir = Some(dir);
        node
    }

    fn start_in(dir: &Path, settings: ConnectionSettings) -> Self {
        Self::start_with(dir, settings, None)
    }

    fn start_with(dir: &Path, settings: ConnectionSettings, hearing: Option<Hearing>) -> Self {
        let outbox = Outbox::open(open_ledger(dir)).expect("opens");
        let metrics = Metrics::new();
        let (desk, thread) = Desk::start(outbox, metrics.clone()).expect("starts");
        let (live, live_rx) = mpsc::channel(16);
        let (answers, answers_rx) = mpsc::channel(16);
        let ways = Ways { live: live_rx, answers: answers_rx, hearing };
        let stop = CancellationToken::new();
        let delivery = tokio::spawn(deliver(
            settings,
            desk.clone(),
            ways,
            metrics.clone(),
            Clock::start(),
            stop.clone(),
        ));
        Self { desk, thread, live, answers, metrics, stop, delivery, _dir: None }
    }

    async fn promise(&self, messages: Vec<Message>) {
        self.desk.promise(Vec::new(), messages).await.expect("promised");
    }

    /// Waits until the broker has acknowledged everything.
    async fn drained(&self) {
        let start = Instant::now();
        while !self.desk.waiting(Seq(0), 1).await.expect("readable").is_empty() {
            assert!(start.elapsed() < DEADLINE, "the outbox does not drain");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn stop(self) {
        self.stop.cancel();
        timeout(DEADLINE, self.delivery).await.expect("in time").expect("no panic");
        self.thread.stop(Duration::from_secs(1)).await;
    }

    /// As if the process were killed: no good-bye.
    async fn kill(self) {
        self.delivery.abort();
        let _ = self.delivery.await;
        self.thread.stop(Duration::ZERO).await;
    }
}

fn open_ledger(dir: &Path) -> SledLedger {
    SledLedger::open(dir).expect("opens")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alerts_arrive_in_order_and_wait_while_the_broker_is_away() {
    let Some(mut broker) = Mosquitto::start("persistence true\n") else { return };
    let mut subscriber =
        Subscriber::start(&["-p", &broker.port.to_string(), "-i", "sub", "-c", "-x", "3600"], "alert/#");
    subscriber.ready().await;
    let node = Node::start(settings(broker_at(broker.port), "n"));
    let alerts = |from: u32, to: u32| {
        (from..to).map(|n| message("alert/gate", &format!("{{\"n\":{n}}}"))).collect::<Vec<_>>()
    };
    node.promise(alerts(0, 5)).await;
    for n in 0..5 {
        assert_eq!(subscriber.next().await, format!("0 alert/gate {{\"n\":{n}}}"));
    }
    node.drained().await;

    broker.stop();
    node.promise(alerts(5, 105)).await;
    assert_eq!(node.desk.waiting(Seq(0), 200).await.expect("readable").len(), 100);
    broker.start_again();
    for n in 5..105 {
        assert_eq!(subscriber.next_new().await, format!("0 alert/gate {{\"n\":{n}}}"));
    }
    node.drained().await;
    assert!(
        subscriber.repeats.iter().all(|line| subscriber.seen.contains(line)),
        "a repeat has the same bytes"
    );
    assert_eq!(node.metrics.outbox_waiting.get(), 0);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_promised_before_a_kill_is_delivered_after_it() {
    let Some(broker) = Mosquitto::start("") else { return };
    let mut subscriber = Subscriber::start(&["-p", &broker.port.to_string()], "alert/#");
    subscriber.ready().await;
    let dir = tempfile::tempdir().expect("a directory");
    // The broker's port is wrong: nothing can be delivered.
    let node = Node::start_in(dir.path(), settings(broker_at(free_port()), "n"));
    node.promise(vec![message("alert/a", "1"), message("alert/a", "2")]).await;
    node.kill().await;
    let node = Node::start_in(dir.path(), settings(broker_at(broker.port), "n"));
    assert_eq!(subscriber.next().await, "0 alert/a 1");
    assert_eq!(subscriber.next().await, "0 alert/a 2");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_is_said_and_a_kill_is_noticed() {
    let Some(broker) = Mosquitto::start("") else { return };
    stop_and_kill(broker.port).await;
    // rumqttd keeps to the letter of the standard: a session that ends sends its will at once.
    let broker = embedded::start("127.0.0.1:0".parse().expect("an address")).expect("starts");
    stop_and_kill(broker.listen().port()).await;
}

async fn stop_and_kill(port: u16) {
    let mut subscriber = Subscriber::start(&["-p", &port.to_string()], "node/#");
    subscriber.ready().await;
    let good = Node::start(settings(broker_at(port), "good"));
    assert_eq!(subscriber.next().await, "0 node/good/status online");
    good.stop().await;
    assert_eq!(subscriber.next().await, "0 node/good/status stopped");

    let killed = Node::start(settings(broker_at(port), "killed"));
    assert_eq!(subscriber.next().await, "0 node/killed/status online");
    killed.kill().await;
    // Back before the will's delay has passed: nobody hears that it was gone.
    let killed = Node::start(settings(broker_at(port), "killed"));
    assert_eq!(subscriber.next().await, "0 node/killed/status online");
    killed.kill().await;
    // The will of the one that stopped would have come before this one.
    assert_eq!(subscriber.next().await, "0 node/killed/status offline");

    let mut late = Subscriber::start(&["-p", &port.to_string()], "node/good/status");
    assert_eq!(late.next().await, "1 node/good/status stopped", "retained");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_latest_health_is_retained_and_told_again() {
    let Some(mut broker) = Mosquitto::start("") else { return };
    let node = Node::start(settings(broker_at(broker.port), "n"));
    let health = |text: &str| Message { retain: true, expiry: None, ..message("camera/c/health", text) };
    let mut subscriber = Subscriber::start(&["-p", &broker.port.to_string()], "camera/#");
    subscriber.ready().await;
    node.live.send(health("online")).await.expect("taken");
    assert_eq!(subscriber.next().await, "0 camera/c/health online");
    // This broker keeps nothing over a restart: the courier tells it again.
    broker.stop();
    node.live.send(health("degraded")).await.expect("taken");
    node.live.send(health("offline")).await.expect("taken");
    broker.start_again();
    assert_eq!(subscriber.next_new().await.split_once(' ').expect("two parts").1, "camera/c/health offline");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_trusts_the_configured_authority_and_shows_our_certificate() {
    if !has("openssl") {
        return;
    }
    let keys = brokers::Keys::make();
    let config = format!(
        "cafile {0}/ca.pem\ncertfile {0}/server.pem\nkeyfile {0}/server.key\nrequire_certificate true\nuse_identity_as_username true\n",
        keys.dir.path().display()
    );
    let Some(broker) = Mosquitto::start_with_tls(&config) else { return };
    let file = |name: &str| keys.dir.path().join(name);
    let tls = |ca: &str, client: Option<&str>| ExternalBroker {
        host: "localhost".into(),
        tls: Some(Tls {
            ca: file(ca),
            client: client.map(|name| ClientCertificate {
                chain: file(&format!("{name}.pem")),
                key: file(&format!("{name}.key")),
            }),
        }),
        ..broker_at(broker.port)
    };
    let good = settings(tls("ca.pem", Some("client")), "n");
    probe(&good).await.expect("it lets us in");
    let node = Node::start(good);
    node.promise(vec![message("alert/a", "over TLS")]).await;
    node.drained().await;
    node.stop().await;

    let cases = [
        ("another authority", settings(tls("other-ca.pem", Some("client")), "n"), "TLS"),
        ("no certificate of ours", settings(tls("ca.pem", None), "n"), "certificate"),
        ("a certificate of somebody else", settings(tls("ca.pem", Some("other")), "n"), "certificate"),
        ("a key that does not belong", settings(tls("ca.pem", Some("mixed")), "n"), "do not go together"),
        ("no such file", settings(tls("missing.pem", None), "n"), "missing.pem"),
        ("no TLS at all", settings(broker_at(broker.port), "n"), "TLS"),
    ];
    for (case, settings, word) in cases {
        let ending = timeout(DEADLINE, probe(&settings)).await.expect("in time").expect_err(case);
        assert!(ending.to_string().contains(word), "{case}: {ending}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_broker_says_at_the_door_is_told_in_words() {
    let Some(broker) = Mosquitto::start_with_password("cunkou", "right") else { return };
    let with = |password: &str| ExternalBroker {
        credentials: Some(Credentials { user: "cunkou".into(), password: Secret::new(password.into()) }),
        ..broker_at(broker.port)
    };
    probe(&settings(with("right"), "n")).await.expect("it lets us in");
    let ending = probe(&settings(with("wrong-secret"), "n")).await.expect_err("wrong password");
    assert!(matches!(&ending, Ending::Refused(why) if why.contains("password")), "{ending}");
    assert!(!format!("{ending:?}").contains("wrong-secret"));
    let ending = probe(&settings(broker_at(broker.port), "n")).await.expect_err("no password");
    assert!(ending.needs_a_person(), "{ending}");
    let ending = probe(&settings(broker_at(free_port()), "n")).await.expect_err("nobody there");
    assert!(matches!(&ending, Ending::Unreachable(_)), "{ending}");
    let nowhere = ExternalBroker { host: "no-such-host.invalid".into(), ..broker_at(1883) };
    let ending =
        timeout(DEADLINE, probe(&settings(nowhere, "n"))).await.expect("in time").expect_err("no such host");
    assert!(matches!(&ending, Ending::Unreachable(_)), "{ending}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_topic_waits_until_the_access_list_is_mended() {
    let Some(broker) = Mosquitto::start("acl_file ACL\n") else { return };
    broker.write_acl("topic readwrite node/#\ntopic readwrite ready/#\ntopic readwrite alert/warning/#\ntopic read alert/#\n");
    broker.reload();
    let mut subscriber = Subscriber::start(&["-p", &broker.port.to_string()], "alert/#");
    subscriber.ready().await;
    let node = Node::start(settings(broker_at(broker.port), "n"));
    node.promise(vec![
        message("alert/critical/a", "1"),
        message("alert/warning/a", "2"),
        message("alert/critical/a", "3"),
    ])
    .await;
    assert_eq!(subscriber.next().await, "0 alert/warning/a 2", "other topics go on");
    broker.write_acl("topic readwrite #\n");
    broker.reload();
    assert_eq!(subscriber.next_new().await, "0 alert/critical/a 1", "in order");
    assert_eq!(subscriber.next_new().await, "0 alert/critical/a 3");
    node.drained().await;
    assert_eq!(node.metrics.outbox_set_aside.get(), 0);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_for_the_broker_does_not_block_the_rest() {
    // Announced in the CONNACK; and not announced, so that only the broken connection tells.
    for limit in ["max_packet_size 400\n", "message_size_limit 300\n"] {
        let Some(broker) = Mosquitto::start(limit) else { return };
        let mut subscriber = Subscriber::start(&["-p", &broker.port.to_string()], "alert/#");
        subscriber.ready().await;
        let node = Node::start(settings(broker_at(broker.port), "n"));
        let large = "x".repeat(1000);
        node.promise(vec![message("alert/a", "1"), message("alert/a", &large), message("alert/a", "3")])
            .await;
        assert_eq!(subscriber.next_new().await, "0 alert/a 1", "{limit}");
        assert_eq!(subscriber.next_new().await, "0 alert/a 3", "{limit}");
        node.drained().await;
        assert_eq!(node.metrics.outbox_set_aside.get(), 1);
        let aside = node.desk.aside(10).await.expect("readable");
        assert_eq!(aside.len(), 1, "kept on record");
        assert_eq!(aside[0].message.as_ref().expect("readable").payload, large.as_bytes());
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_broker_serves_any_client_and_ends_when_told() {
    let broker = embedded::start("127.0.0.1:0".parse().expect("an address")).expect("starts");
    let listen = broker.listen();
    let error = embedded::start(listen).expect_err("taken");
    assert!(error.to_string().contains("in use"), "{error}");
    let node = Node::start(settings(broker.address(), "n"));
    if has("mosquitto_sub") {
        let mut v5 = Subscriber::start(&["-p", &listen.port().to_string(), "-q", "1"], "alert/#");
        v5.ready_by(&node).await;
        node.promise((0..50).map(|n| message("alert/a", &n.to_string())).collect()).await;
        for n in 0..50 {
            assert_eq!(v5.next_real().await, format!("0 alert/a {n}"));
        }
        let mut late = Subscriber::start(&["-p", &listen.port().to_string()], "node/#");
        assert_eq!(late.next().await, "1 node/n/status online", "retained");
    }
    broker.stop();
    node.promise(vec![message("alert/a", "while it was away")]).await;
    // The same port is free again.
    let broker = embedded::start(listen).expect("starts again");
    node.drained().await;
    node.stop().await;
    broker.stop();
}

/// The child of the test below: promises until it is killed, and says what is promised.
#[test]
#[ignore = "only as a child process"]
fn child_promises_until_it_is_killed() {
    let Some(dir) = std::env::var_os("CUNKOU_KILL_DIR") else { return };
    let mut outbox = Outbox::open(open_ledger(Path::new(&dir))).expect("opens");
    loop {
        let n = outbox.next().0;
        let text = format!("{n} {}", "x".repeat((n as usize * 37) % 9000));
        outbox.promise(Vec::new(), &[message("alert/a", &text)]).expect("promised");
        println!("promised {n}");
        if n.is_multiple_of(3) {
            println!("striking {}", n - 1);
            outbox.strike(&[Seq(n - 1)]).expect("struck");
        }
    }
}

#[test]
fn nothing_promised_is_lost_by_kill_9() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut promised, mut struck) = (BTreeSet::new(), BTreeSet::new());
    for round in 0..12u64 {
        let mut child = Command::new(std::env::current_exe().expect("there"))
            .args(["--exact", "child_promises_until_it_is_killed", "--ignored", "--nocapture"])
            .env("CUNKOU_KILL_DIR", dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut seen = 0;
        let take = |line: String, promised: &mut BTreeSet<u64>, struck: &mut BTreeSet<u64>| {
            let number = |text: &str| text.parse::<u64>().expect("a number");
            if let Some(n) = line.strip_prefix("promised ") {
                promised.insert(number(n));
            } else if let Some(n) = line.strip_prefix("striking ") {
                struck.insert(number(n));
            } else {
                return 0;
            }
            1
        };
        while seen < 20 + round * 7 {
            let line = lines.next().expect("it goes on until it is killed").expect("readable");
            seen += take(line, &mut promised, &mut struck);
        }
        // kill -9, at whatever it is doing.
        child.kill().expect("it runs");
        child.wait().expect("it ran");
        // What it said before it died counts as well.
        lines.map_while(Result::ok).filter(|line| line.ends_with(|c: char| c.is_ascii_digit())).for_each(
            |line| {
                take(line, &mut promised, &mut struck);
            },
        );

        let outbox = Outbox::open(open_ledger(dir.path())).expect("opens again");
        let waiting = outbox.waiting(Seq(0), 1_000_000).expect("readable");
        let there: BTreeSet<u64> = waiting.iter().map(|(seq, _)| seq.0).collect();
        for n in promised.difference(&struck) {
            assert!(there.contains(n), "round {round}: {n} was promised and is gone");
        }
        for (seq, message) in &waiting {
            let text = format!("{} {}", seq.0, "x".repeat((seq.0 as usize * 37) % 9000));
            assert_eq!(message.payload, text.as_bytes(), "the same bytes");
        }
        assert!(outbox.next().0 > *promised.last().expect("some"), "no number comes twice");
    }
    assert!(promised.len() > 300, "{}", promised.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_makes_wait_and_forgets_nothing() {
    let Some(disk) = brokers::SmallDisk::mount("24m") else { return };
    let dir = disk.path().join("store");
    let mut outbox = Outbox::open(open_ledger(&dir)).expect("opens");
    outbox.promise(Vec::new(), &[message("alert/a", "before")]).expect("there is room");
    disk.fill();
    let error = outbox.promise(Vec::new(), &[message("alert/a", "refused")]).expect_err("full");
    assert!(matches!(error, LedgerError::Full { .. }), "{error}");
    assert_eq!(outbox.waiting(Seq(0), 9).expect("readable").len(), 1, "everything as before");
    outbox.strike(&[Seq(1)]).expect("kept in mind");
    assert!(outbox.is_empty());
    assert!(matches!(outbox.settle(), Err(LedgerError::Full { .. })), "the engine is not even asked");

    let (desk, thread) = Desk::start(outbox, Metrics::new()).expect("starts");
    let desk = Arc::new(desk);
    let waiting = tokio::spawn({
        let desk = Arc::clone(&desk);
        async move { desk.promise(Vec::new(), vec![message("alert/a", "waits")]).await }
    });
    let mut condition = desk.condition();
    let full = timeout(DEADLINE, condition.wait_for(|c| matches!(c, Condition::Full(_)))).await;
    drop(full.expect("in time").expect("the store runs"));
    assert!(!waiting.is_finished());
    disk.make_room();
    timeout(DEADLINE, waiting).await.expect("in time").expect("no panic").expect("promised");
    assert_eq!(desk.waiting(Seq(0), 9).await.expect("readable").len(), 1);
    thread.stop(Duration::ZERO).await;
    let outbox = Outbox::open(open_ledger(&dir)).expect("opens");
    assert_eq!(outbox.len(), 1);
    drop(outbox);
}

/// `cargo test --test delivery -- --ignored --nocapture measure`: promises a second, and how long a queue takes to drain.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn measure() {
    let dir = tempfile::tempdir_in(".").expect("a directory on a real disk");
    let body = "x".repeat(1500);
    {
        let mut outbox = Outbox::open(open_ledger(&dir.path().join("one"))).expect("opens");
        let start = Instant::now();
        for _ in 0..1000 {
            outbox.promise(Vec::new(), &[message("alert/a", &body)]).expect("promised");
        }
        println!("one by one: {:.0} promises/s, synced each", 1000.0 / start.elapsed().as_secs_f64());
    }
    let Some(broker) = Mosquitto::start("") else { return };
    let closed = free_port();
    let node = Node::start_in(&dir.path().join("many"), settings(broker_at(closed), "n"));
    let start = Instant::now();
    let promises = (0..1000).map(|_| {
        let (desk, alert) = (node.desk.clone(), message("alert/a", &body));
        tokio::spawn(async move { desk.promise(Vec::new(), vec![alert]).await.expect("promised") })
    });
    for promise in promises.collect::<Vec<_>>() {
        promise.await.expect("no panic");
    }
    println!("at once: {:.0} promises/s, grouped", 1000.0 / start.elapsed().as_secs_f64());
    node.kill().await;
    let node = Node::start_in(&dir.path().join("many"), settings(broker_at(broker.port), "n"));
    let start = Instant::now();
    node.drained().await;
    println!("1000 queued alerts drained in {:?}", start.elapsed());
    node.stop().await;
    // A long life: does the file grow?
    let mut outbox = Outbox::open(open_ledger(&dir.path().join("life"))).expect("opens");
    for n in 1..=20_000u64 {
        outbox.promise(Vec::new(), &[message("alert/a", &body)]).expect("promised");
        outbox.strike(&[Seq(n)]).expect("struck");
        if n.is_multiple_of(5000) {
            let len = std::fs::metadata(dir.path().join("life/db")).expect("there").len();
            println!("{n} promised and struck: {} KiB on disk", len / 1024);
        }
    }
}
