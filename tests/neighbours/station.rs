//! A station's store, connections and neighbours, put together as the daemon does, without cameras.

use std::{os::unix::fs::PermissionsExt, path::Path, time::Duration};

use cunkou::{
    config::{self, Broker as BrokerConfig, Config},
    id::Mint,
    metrics::Metrics,
    mqtt::{
        ConnectionSettings, Hearing, Ways, deliver,
        ear::{Ear, Heard},
    },
    neighbour::{Links, Post, Sharing},
    store::{Desk, DeskThread, Outbox, SledLedger},
    time::{Clock, Wall},
};
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::broker::Broker;

/// More than a broker sends without an acknowledgement.
const HEARD_MAX: usize = 2048;

/// Writes a station's configuration: its own broker, and a neighbour's.
pub(crate) fn configure(id: &str, own: &Broker, neighbour: (&str, &Broker)) -> std::path::PathBuf {
    let (other, at) = neighbour;
    let secret = own.file("secret");
    std::fs::write(&secret, "cunkou").expect("writable");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).expect("ours");
    let text = format!(
        r#"
[station]
id = "{id}"
[paths]
data = "{own_dir}/data"
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
[neighbour.{other}]
host = "localhost"
port = {port}
tls = {{ ca = "{dir}/tls/ca.pem", client_cert = "{dir}/out/{id}.pem", client_key = "{dir}/out/{id}.key" }}
agreement = {{ until = "2999-12-31", per_hour = 3600 }}
"#,
        own_dir = own.dir.path().display(),
        own_port = own.own_port,
        dir = at.dir.path().display(),
        port = at.port,
    );
    let path = own.file("cunkou.toml");
    std::fs::write(&path, text).expect("writable");
    path
}

/// A station at work.
pub(crate) struct Station {
    pub(crate) config: Config,
    pub(crate) desk: Desk,
    pub(crate) sharing: Sharing,
    pub(crate) links: Links,
    pub(crate) post: Post,
    /// What came, and when: noted by a task of its own, since a test may be busy.
    pub(crate) heard: mpsc::Receiver<(Wall, Heard)>,
    pub(crate) metrics: Metrics,
    pub(crate) clock: Clock,
    store: DeskThread,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
    _live: mpsc::Sender<cunkou::store::Message>,
}

impl Station {
    pub(crate) async fn start(config: &Path) -> Self {
        let config = config::load(config).unwrap_or_else(|problems| panic!("{problems}"));
        let (clock, metrics) = (Clock::start(), Metrics::new());
        std::fs::create_dir_all(&config.paths.data).expect("writable");
        let outbox =
            Outbox::open(SledLedger::open(&config.paths.data.join("store")).expect("opens")).expect("opens");
        let now = clock.now().wall;
        let (sharing, _) =
            Sharing::open(&config, outbox.ledger(), now, Mint::from_os(), metrics.clone()).expect("opens");
        let (desk, store) = Desk::start(outbox, metrics.clone()).expect("starts");
        let stop = CancellationToken::new();
        let (links, linked) = Links::start(&config, &desk, &metrics, clock, &stop);
        let post = Post::open(desk.clone(), &config).await.expect("opens");
        let BrokerConfig::External(broker) = config.broker.clone() else { panic!("it has one") };
        let settings = ConnectionSettings::new(&config.station, broker, now, Mint::from_os());
        let (live, live_rx) = mpsc::channel(1);
        let (_, answers) = mpsc::channel(1);
        let (hearing, mut came) = Hearing::new(Ear::of(&config.station.id));
        let (note, heard) = mpsc::channel(HEARD_MAX);
        let noting = async move {
            while let Some(heard) = came.recv().await {
                if note.send((clock.now().wall, heard)).await.is_err() {
                    return;
                }
            }
        };
        let ways = Ways { live: live_rx, answers, hearing: Some(hearing) };
        let delivery = deliver(settings, desk.clone(), ways, metrics.clone(), clock, stop.clone());
        let tasks = vec![tokio::spawn(linked), tokio::spawn(delivery), tokio::spawn(noting)];
        Self { config, desk, sharing, links, post, heard, metrics, clock, store, stop, tasks, _live: live }
    }

    /// Ends in order.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        drop(self.heard);
        for task in self.tasks {
            timeout(Duration::from_secs(60), task).await.expect("in time").expect("no panic");
        }
        self.store.stop(Duration::from_secs(2)).await;
    }
}
