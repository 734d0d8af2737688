//! A real mosquitto, and a subscriber over MQTT 5 that keeps all that it hears.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{program::signal, until};

/// A topic whose message everybody finds who has subscribed.
const READY: &str = "ready";

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

/// A mosquitto on loopback that keeps sessions and retained messages over a restart.
pub(crate) struct Mosquitto {
    pub(crate) port: u16,
    dir: TempDir,
    child: Option<Child>,
}

impl Mosquitto {
    /// Starts one; `None`, and a word, where it is not installed.
    pub(crate) fn start() -> Option<Self> {
        for program in ["mosquitto", "mosquitto_sub", "mosquitto_pub"] {
            let tried =
                Command::new(program).arg("--help").stdout(Stdio::null()).stderr(Stdio::null()).status();
            if tried.is_err() {
                eprintln!("skipped: {program} is not installed (`make test` installs it)");
                return None;
            }
        }
        let (dir, port) = (tempfile::tempdir().expect("a directory"), free_port());
        // As root, mosquitto would become another user, who may not write here.
        let user = std::env::var("USER").unwrap_or_else(|_| "root".into());
        let place = dir.path().display();
        let config = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nuser {user}\npersistence true\npersistence_location {place}/\n"
        );
        std::fs::write(dir.path().join("mosquitto.conf"), config).expect("writable");
        let mut broker = Self { port, dir, child: None };
        broker.start_again();
        let published = Command::new("mosquitto_pub")
            .args([
                "-V",
                "5",
                "-h",
                "127.0.0.1",
                "-p",
                &port.to_string(),
                "-q",
                "1",
                "-r",
                "-t",
                READY,
                "-m",
                READY,
            ])
            .status();
        assert!(published.expect("it was there").success());
        Some(broker)
    }

    /// Starts it again, at the same port.
    pub(crate) fn start_again(&mut self) {
        let log = self.dir.path().join("log");
        let child = Command::new("mosquitto")
            .arg("-c")
            .arg(self.dir.path().join("mosquitto.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("writable"))
            .spawn()
            .expect("it was there");
        self.child = Some(child);
        until("mosquitto listens", || {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().expect("it is ours"));
            assert!(ended.is_none(), "it ended: {}", std::fs::read_to_string(&log).unwrap_or_default());
            TcpStream::connect(("127.0.0.1", self.port)).ok()
        });
    }

    /// Publishes a message with quality of service 1, and returns once the broker has it.
    pub(crate) fn publish(&self, topic: &str, payload: &str) {
        let port = self.port.to_string();
        let to = ["-V", "5", "-h", "127.0.0.1", "-p", &port, "-q", "1", "-t", topic];
        let what = if payload.is_empty() { vec!["-n"] } else { vec!["-m", payload] };
        let published = Command::new("mosquitto_pub").args(to).args(what).status();
        assert!(published.expect("it was there").success());
    }

    /// Stops it; it keeps what it has on disk.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            signal(child.id(), "TERM");
            child.wait().expect("it is ours");
        }
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A message, as it was heard.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    /// It was there before we subscribed.
    pub(crate) retained: bool,
    pub(crate) topic: String,
    pub(crate) payload: String,
}

impl Heard {
    /// Its envelope.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.payload).unwrap_or_else(|error| panic!("{self:?} is no JSON: {error}"))
    }
}

/// A subscriber over MQTT 5. Dropping it ends it.
pub(crate) struct Subscriber {
    child: Child,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Subscriber {
    /// Hears what comes, and what is retained.
    pub(crate) fn start(broker: &Mosquitto, filter: &str) -> Self {
        Self::launch(broker, filter, &[])
    }

    /// Keeps its session while the broker is away: what is delivered meanwhile waits for it.
    pub(crate) fn lasting(broker: &Mosquitto, filter: &str) -> Self {
        Self::launch(broker, filter, &["-i", "lasting", "-c", "-x", "3600"])
    }

    fn launch(broker: &Mosquitto, filter: &str, more: &[&str]) -> Self {
        let mut child = Command::new("mosquitto_sub")
            .args(["-V", "5", "-h", "127.0.0.1", "-p", &broker.port.to_string(), "-q", "1", "-F", "%r %t %p"])
            .args(more)
            .args(["-t", filter, "-t", READY])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it was there");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&heard);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mut parts = line.splitn(3, ' ').map(str::to_owned);
                if let (Some(retained), Some(topic), Some(payload)) =
                    (parts.next(), parts.next(), parts.next())
                {
                    let heard = Heard { retained: retained == "1", topic, payload };
                    to.lock().unwrap_or_else(PoisonError::into_inner).push(heard);
                }
            }
        });
        let subscriber = Self { child, heard };
        until("the subscription", || subscriber.all().iter().any(|heard| heard.topic == READY).then_some(()));
        subscriber
    }

    /// All that was heard so far, oldest first.
    pub(crate) fn all(&self) -> Vec<Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was heard so far below a topic, oldest first.
    pub(crate) fn below(&self, topic: &str) -> Vec<Heard> {
        self.all().into_iter().filter(|heard| heard.topic.starts_with(topic)).collect()
    }

    /// Waits for a message below a topic whose envelope is as wanted; gives the first one.
    pub(crate) fn wait(&self, what: &str, topic: &str, wanted: impl Fn(&Value) -> bool) -> (Heard, Value) {
        let mut looked_at = 0;
        until(what, || {
            let heard = self.below(topic);
            let new = heard[looked_at..].iter().map(|heard| (heard.clone(), heard.json()));
            let found = new.into_iter().find(|(_, json)| wanted(json));
            looked_at = heard.len();
            found
        })
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
