//! What comes in, with real brokers: what is said while nobody hears, what is not acknowledged, and who may listen.

use std::{collections::BTreeSet, process::Command, time::Duration};

use cunkou::mqtt::{
    Hearing,
    ear::{Answer, Ear, Heard, Matter},
    embedded,
};
use tokio::{sync::mpsc, time::timeout};

use crate::{
    DEADLINE, Node, broker_at,
    brokers::{Mosquitto, Subscriber, has},
    message, settings,
};

const ALERT: &str = "01KKS9XZ4BXW3E2R1T0Y9V8K7J";

fn ear() -> (Hearing, mpsc::Receiver<Heard>) {
    Hearing::new(Ear::of(&"willow".parse().expect("an id")))
}

/// Says something with MQTT 5, acknowledged by the broker.
fn say(port: u16, below: &str, text: &str, more: &[&str]) {
    let port = port.to_string();
    let said = Command::new("mosquitto_pub")
        .args(["-V", "5", "-h", "127.0.0.1", "-q", "1", "-p", &port, "-m", text])
        .args(["-t", &format!("cunkou/v1/willow/{below}")])
        .args(more)
        .status();
    assert!(said.expect("it is there with mosquitto").success());
}

async fn next(heard: &mut mpsc::Receiver<Heard>) -> Heard {
    timeout(DEADLINE, heard.recv()).await.expect("in time").expect("it runs")
}

/// What is heard until nothing more comes, by its payload; each is acknowledged.
async fn all(heard: &mut mpsc::Receiver<Heard>) -> Vec<String> {
    let mut all = Vec::new();
    while let Ok(Some(heard)) = timeout(Duration::from_secs(1), heard.recv()).await {
        all.push(String::from_utf8_lossy(&heard.letter.payload).into_owned());
        heard.ack.give();
    }
    all
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let waited = timeout(DEADLINE, async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(waited.await.is_ok(), "waited in vain: {what}");
}

async fn connected(node: &Node) {
    until("connected", || node.metrics.broker_connected.get() == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_while_nobody_hears_is_heard_after_the_start_until_it_is_acknowledged() {
    let Some(broker) = Mosquitto::start("") else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let start = |hearing| Node::start_with(dir.path(), settings(broker_at(broker.port), "n"), Some(hearing));

    let (hearing, mut heard) = ear();
    let node = start(hearing);
    say_until_heard(broker.port, &mut heard).await;
    say(broker.port, "button/gate", "heard and not acknowledged", &[]);
    let pressed = next(&mut heard).await;
    assert!(matches!(pressed.matter, Matter::Button { .. }));
    node.kill().await;
    drop(pressed);
    say(broker.port, "button/gate", "while it is away", &[]);
    say(broker.port, &format!("command/alert/{ALERT}/ack"), "a command", &[]);

    let (hearing, mut heard) = ear();
    let node = start(hearing);
    assert_eq!(all(&mut heard).await, ["heard and not acknowledged", "while it is away", "a command"]);
    node.kill().await;

    let (hearing, mut heard) = ear();
    let node = start(hearing);
    connected(&node).await;
    assert_eq!(all(&mut heard).await, Vec::<String>::new(), "what was acknowledged does not come again");
    node.stop().await;
}

/// The first subscription of a session: before it, what is said is lost.
async fn say_until_heard(port: u16, heard: &mut mpsc::Receiver<Heard>) {
    loop {
        say(port, "sensor/ready", "ready", &[]);
        if let Ok(Some(first)) = timeout(Duration::from_millis(200), heard.recv()).await {
            first.ack.give();
            break;
        }
    }
    all(heard).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retained_command_is_not_obeyed_and_a_retained_presence_is_known() {
    let Some(broker) = Mosquitto::start("") else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let command = format!("command/alert/{ALERT}/resolve");
    say(broker.port, &command, "old", &["-r"]);
    say(broker.port, "button/gate", "old", &["-r"]);
    say(broker.port, "post/patrol/status", "online", &["-r"]);
    let (hearing, mut heard) = ear();
    let node = Node::start_with(dir.path(), settings(broker_at(broker.port), "n"), Some(hearing));
    let first = next(&mut heard).await;
    assert!(matches!(&first.matter, Matter::Post(post) if post.as_str() == "patrol"), "{first:?}");
    first.ack.give();
    // What is published to be kept while we listen is no better.
    say(broker.port, &command, "new", &["-r"]);
    let second = next(&mut heard).await;
    assert!(matches!(&second.matter, Matter::Unreadable { why } if why.contains("retained")), "{second:?}");
    second.ack.give();
    say(broker.port, &command, "a command", &[]);
    let third = next(&mut heard).await;
    assert!(matches!(third.matter, Matter::Command { .. }), "{third:?}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_lets_nobody_listen_is_told_and_alerts_go_on() {
    let Some(mut broker) = Mosquitto::start_deaf() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let (hearing, mut heard) = ear();
    let node = Node::start_with(dir.path(), settings(broker_at(broker.port), "n"), Some(hearing));
    until("it is counted", || node.metrics.broker_deaf.get() == 5).await;
    node.promise(vec![message("alert/a", "1")]).await;
    node.drained().await;
    broker.stop();
    broker.let_listen();
    broker.start_again();
    until("it listens", || node.metrics.broker_deaf.get() == 0).await;
    say(broker.port, "button/gate", "pressed", &[]);
    assert!(matches!(next(&mut heard).await.matter, Matter::Button { .. }));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_go_back_with_what_the_question_came_with() {
    let Some(broker) = Mosquitto::start("") else { return };
    answers(broker.port).await;
    if !has("mosquitto_sub") {
        return;
    }
    let broker = embedded::start("127.0.0.1:0".parse().expect("an address")).expect("starts");
    answers(broker.listen().port()).await;
}

async fn answers(port: u16) {
    let dir = tempfile::tempdir().expect("a directory");
    let (hearing, mut heard) = ear();
    let node = Node::start_with(dir.path(), settings(broker_at(port), "n"), Some(hearing));
    say_until_heard(port, &mut heard).await;
    let mut client =
        Subscriber::start(&["-p", &port.to_string(), "-F", "%r %t %D %p"], "cunkou/v1/willow/answer/#");
    client.ready().await;
    let to = "cunkou/v1/willow/answer/phone";
    let command = format!("command/alert/{ALERT}/ack");
    say(
        port,
        &command,
        "?",
        &["-D", "publish", "response-topic", to, "-D", "publish", "correlation-data", "seven"],
    );
    let asked = next(&mut heard).await;
    let reply = asked.letter.reply.clone().expect("one is wanted");
    assert!(reply.is_allowed);
    assert_eq!((reply.topic.as_str(), reply.correlation.as_deref()), (to, Some(&b"seven"[..])));
    asked.ack.give();
    let answer = Answer { message: message(&reply.topic, "done"), correlation: reply.correlation };
    node.answers.send(answer).await.expect("it runs");
    let line = client.next_real().await;
    assert!(line.ends_with("answer/phone seven done"), "{line}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_who_hears_nothing_stops_alerts_and_nothing_is_lost_by_it() {
    let Some(mosquitto) = Mosquitto::start("max_queued_messages 0\n") else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let (hearing, mut heard) = ear();
    let node = Node::start_with(dir.path(), settings(broker_at(mosquitto.port), "n"), Some(hearing));
    say_until_heard(mosquitto.port, &mut heard).await;
    // More than there is room for, by one who speaks fast; nobody takes them.
    burst(mosquitto.port, dir.path());
    node.promise((0..50).map(|n| message("alert/a", &n.to_string())).collect()).await;
    node.drained().await;
    hear_burst(&mut heard).await;
    assert_eq!(node.metrics.broker_failures.get(), 0);
    node.stop().await;
}

// The embedded broker acknowledges nothing to a client that has a hundred messages to acknowledge itself: there it is taken as it comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn much_is_heard_and_sent_over_the_embedded_broker() {
    if !has("mosquitto_pub") {
        return;
    }
    let embedded = embedded::start("127.0.0.1:0".parse().expect("an address")).expect("starts");
    let port = embedded.listen().port();
    let dir = tempfile::tempdir().expect("a directory");
    let (hearing, mut heard) = ear();
    let node = Node::start_with(dir.path(), settings(broker_at(port), "n"), Some(hearing));
    say_until_heard(port, &mut heard).await;
    let hears = tokio::spawn(async move { hear_burst(&mut heard).await });
    let folder = dir.path().to_owned();
    let says = tokio::task::spawn_blocking(move || burst(port, &folder));
    node.promise((0..50).map(|n| message("alert/a", &n.to_string())).collect()).await;
    node.drained().await;
    says.await.expect("no panic");
    hears.await.expect("no panic");
    assert_eq!(node.metrics.broker_failures.get(), 0);
    node.stop().await;
}

const BURST: usize = 400;

fn burst(port: u16, folder: &std::path::Path) {
    let lines: String = (0..BURST).map(|n| format!("{n}\n")).collect();
    let file = folder.join("lines");
    std::fs::write(&file, lines).expect("writable");
    let said = Command::new("mosquitto_pub")
        .args(["-V", "5", "-h", "127.0.0.1", "-q", "1", "-p", &port.to_string()])
        .args(["-t", "cunkou/v1/willow/sensor/door", "-l"])
        .stdin(std::fs::File::open(file).expect("readable"))
        .status();
    assert!(said.expect("it runs").success());
}

async fn hear_burst(heard: &mut mpsc::Receiver<Heard>) {
    let mut missing: BTreeSet<String> = (0..BURST).map(|n| n.to_string()).collect();
    while !missing.is_empty() {
        let heard = next(heard).await;
        missing.remove(&*String::from_utf8_lossy(&heard.letter.payload));
        heard.ack.give();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_too_long_breaks_nothing() {
    let Some(mosquitto) = Mosquitto::start("") else { return };
    let embedded = embedded::start("127.0.0.1:0".parse().expect("an address")).expect("starts");
    for port in [mosquitto.port, embedded.listen().port()] {
        let dir = tempfile::tempdir().expect("a directory");
        let (hearing, mut heard) = ear();
        let node = Node::start_with(dir.path(), settings(broker_at(port), "n"), Some(hearing));
        say_until_heard(port, &mut heard).await;
        let long = dir.path().join("long");
        std::fs::write(&long, vec![b'x'; 70 * 1024]).expect("writable");
        let said = Command::new("mosquitto_pub")
            .args(["-V", "5", "-h", "127.0.0.1", "-q", "1", "-p", &port.to_string(), "-f"])
            .arg(&long)
            .args(["-t", "cunkou/v1/willow/button/gate"])
            .status();
        assert!(said.expect("it runs").success());
        let heard = next(&mut heard).await;
        assert!(matches!(&heard.matter, Matter::Unreadable { why } if why.contains("too long")), "{heard:?}");
        heard.ack.give();
        assert_eq!(node.metrics.broker_failures.get(), 0);
        node.stop().await;
    }
}
