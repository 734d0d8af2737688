//! `cunkou demo`: a simulated village, broker, daemon and page in one process, on loopback.

use std::{
    collections::BTreeSet,
    fs::DirBuilder,
    io::BufRead,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use anyhow::{Context, anyhow};
use cunkou::{
    account::Role,
    config::{self, Broker, Camera, Config, ExternalBroker, StreamRole},
    console::News,
    daemon::Daemon,
    id::{AlertId, CameraId, Login},
    mqtt::payload::AlertData,
    sim::{
        Scenario, Village,
        cli::{prepare_material, tell_progress},
    },
    time::Clock,
};
use tokio::sync::{
    broadcast::{Receiver, error::RecvError},
    mpsc,
};
use tokio_util::sync::CancellationToken;

use super::{Failure, Outcome, block_on, signals, sim::studio};

/// The demo's configuration, in the folder of its data.
const CONFIG: &str = "cunkou.toml";
/// After this, the village's visits come again.
const ROUND: Duration = Duration::from_secs(3600);
/// Most cameras of a demo: each is decoded and looked at all the time.
const CAMERAS_MAX: i64 = 64;
/// Alerts that are remembered as told.
const TOLD_MAX: usize = 1000;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// How many cameras
    #[arg(long, value_name = "N", default_value = "4", value_parser = clap::value_parser!(u16).range(1..=CAMERAS_MAX))]
    cameras: u16,
    /// A broker of your own instead of the one inside
    #[arg(long, value_name = "HOST:PORT", value_parser = broker_address)]
    broker: Option<BrokerAddress>,
    /// Draws who comes when
    #[arg(long, value_name = "N", default_value = "1")]
    seed: u64,
    /// Where alerts, pictures and the demo's configuration are kept [default: .cache/demo]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// A broker of the user's own.
#[derive(Clone)]
struct BrokerAddress {
    host: String,
    port: u16,
}

fn broker_address(text: &str) -> Result<BrokerAddress, String> {
    let (host, port) = text.rsplit_once(':').unwrap_or((text, "1883"));
    let port =
        port.parse().map_err(|_| format!("\"{port}\" is no port; write HOST:PORT, as in 127.0.0.1:1883"))?;
    Ok(BrokerAddress { host: host.to_owned(), port })
}

pub(super) fn run(arguments: Arguments) -> Outcome {
    let config = own_config(arguments.data.as_deref())?;
    block_on(async {
        let stop = signals::stop_token()?;
        let prepared = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            prepared = village(&arguments, &config) => prepared?,
        };
        let (village, cameras) = prepared;
        let config = adapted(config, &arguments, cameras);
        let daemon = Daemon::start(config.clone()).await.context("cannot start the daemon")?;
        let accounts = demonstrated(&daemon).await.context("cannot make the accounts of the demo")?;
        greet(&daemon, &config, &accounts);
        let outcome = watch(&daemon, &village, stop).await;
        daemon.stop().await;
        village.stop().await;
        outcome
    })
}

/// The configuration of this demo: a file in its folder, which is made from the program's own where it is not there, so that what is drawn on a camera
/// outlives the demo.
fn own_config(data: Option<&Path>) -> Result<Config, Failure> {
    let shipped =
        config::parse(config::demo_toml(), "config/demo.toml", Path::new("config"), &config::Machine)?;
    let data = data.unwrap_or(&shipped.paths.data);
    let path = data.join(CONFIG);
    if !path.exists() {
        let written = DirBuilder::new().recursive(true).mode(0o700).create(data).and_then(|()| {
            let models = std::fs::canonicalize(&shipped.paths.models).unwrap_or(shipped.paths.models);
            std::fs::write(&path, text_in_its_folder(&models))
        });
        written.with_context(|| format!("cannot write the demo's configuration, {}", path.display()))?;
    }
    let mut config = config::load(&path).map_err(Failure::input)?;
    // A folder that is named `.` from its own inside is the folder itself.
    config.paths.data = plain(&config.paths.data);
    for volume in &mut config.volumes {
        let path = plain(&volume.path);
        Arc::make_mut(volume).path = path;
    }
    Ok(config)
}

/// The demo's configuration for a file that lies in the folder of its data.
fn text_in_its_folder(models: &Path) -> String {
    // A text in JSON is one in TOML.
    let models = serde_json::json!(models.to_string_lossy());
    let text = config::demo_toml()
        .replace("\"../.cache/demo\"", "\".\"")
        .replace("\"../models\"", &models.to_string());
    // The schema for editors lies beside the shipped file alone.
    text.lines().filter(|line| !line.starts_with("#:schema")).flat_map(|line| [line, "\n"]).collect()
}

fn plain(path: &Path) -> PathBuf {
    path.components().collect()
}

/// The simulated village, and the cameras that look at it.
async fn village(arguments: &Arguments, config: &Config) -> Result<(Village, Vec<Arc<Camera>>), Failure> {
    let cameras: Vec<Camera> = named(config, arguments.cameras.into())?;
    let ids: Vec<CameraId> = cameras.iter().map(|camera| camera.id.clone()).collect();
    let material = prepare_material(Scenario::quiet(&ids), studio(), tell_progress()).await?;
    let scenario = Scenario::village(&ids, arguments.seed, ROUND, &material.visit_lengths());
    let wished = cameras.first().and_then(|camera| camera.main.port()).unwrap_or(0);
    let village = Village::start(free(wished), material, scenario, Clock::start()).await?;
    let cameras = cameras.into_iter().map(|mut camera| {
        camera.main = village.url(&camera.id, StreamRole::Main).parse()?;
        camera.sub = Some(village.url(&camera.id, StreamRole::Sub).parse()?);
        Ok(Arc::new(camera))
    });
    let cameras = cameras.collect::<Result<_, url::ParseError>>()?;
    Ok((village, cameras))
}

/// As many cameras as were asked for: those of the file, then others like them.
fn named(config: &Config, count: usize) -> Result<Vec<Camera>, Failure> {
    let like = config.cameras.iter().cycle().enumerate().take(count);
    like.map(|(index, camera)| {
        let mut camera = Camera::clone(camera);
        let round = index / config.cameras.len() + 1;
        if round > 1 {
            camera.id = format!("{}-{round}", camera.id).parse()?;
            camera.name.zh.push_str(&round.to_string());
            camera.name.en.push_str(&format!(" {round}"));
        }
        Ok(camera)
    })
    .collect()
}

/// The demo's configuration on this machine: addresses that are free, and a broker of the user's own.
fn adapted(mut config: Config, arguments: &Arguments, cameras: Vec<Arc<Camera>>) -> Config {
    config.cameras = cameras;
    config.console.listen = free(config.console.listen.port());
    config.broker = match (&arguments.broker, config.broker) {
        (Some(BrokerAddress { host, port }), _) => {
            let (host, port, keep_alive) = (host.clone(), *port, Duration::from_secs(30));
            Broker::External(ExternalBroker { host, port, credentials: None, tls: None, keep_alive })
        }
        (None, Broker::Embedded { listen }) => Broker::Embedded { listen: free(listen.port()) },
        (None, external @ Broker::External(_)) => external,
    };
    config
}

/// The port on loopback, or any that is free where somebody else has it.
fn free(port: u16) -> SocketAddr {
    let wished = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match TcpListener::bind(wished) {
        Ok(_) => wished,
        Err(_) => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
    }
}

/// An account of each role, with a password of this start.
async fn demonstrated(daemon: &Daemon) -> anyhow::Result<Vec<(Login, String)>> {
    let mut accounts = Vec::new();
    for (role, login, name, unit) in [
        (Role::Operator, "operator", "值班员 Operator", "指挥室 Control room"),
        (Role::Maintainer, "maintainer", "维护员 Maintainer", "运维 Maintenance"),
        (Role::Investigator, "investigator", "侦查员 Investigator", "刑侦 Investigation"),
        (Role::Supervisor, "supervisor", "值班长 Supervisor", "指挥室 Control room"),
        (Role::Administrator, "admin", "管理员 Administrator", "派出所 Station"),
    ] {
        let login: Login = login.parse()?;
        let password = daemon.access().demonstrate(role, login.clone(), name, unit).await?;
        accounts.push((login, password));
    }
    Ok(accounts)
}

fn greet(daemon: &Daemon, config: &Config, accounts: &[(Login, String)]) {
    let (host, port) = match (daemon.broker(), &config.broker) {
        (Some(broker), _) => (broker.listen().ip().to_string(), broker.listen().port()),
        (None, Broker::External(broker)) => (broker.host.clone(), broker.port),
        (None, Broker::Embedded { listen }) => (listen.ip().to_string(), listen.port()),
    };
    let station = &config.station.id;
    println!();
    println!("  页面 Page      http://{}/", daemon.console());
    println!("  账号 Accounts  of this start, each with its password:");
    for (login, password) in accounts {
        println!("                 {login:<14} {password}");
    }
    println!("  告警 Alerts    mosquitto_sub -V 5 -h {host} -p {port} -t 'cunkou/v1/{station}/alert/#'");
    println!("  停止 Stop      Ctrl-C");
    println!();
}

/// Prints each alert, and obeys who types, until told to stop.
async fn watch(daemon: &Daemon, village: &Village, stop: CancellationToken) -> Outcome {
    let mut news = daemon.board().listen();
    let mut told = BTreeSet::new();
    let mut typed = typed_lines();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            () = daemon.broken() => return Err(Failure::Failed(anyhow!("a part of the daemon failed; see the log above"))),
            Some(line) = typed.recv() => obey(&line, village).await,
            alert = raised(&mut news, &mut told) => match alert {
                Some(alert) => println!("{:<8} {}\n         {}", alert.severity.as_str(), alert.explain.zh, alert.explain.en),
                None => return Ok(()),
            },
        }
    }
}

/// The next alert that was not told yet; `None` once the board is gone.
async fn raised(news: &mut Receiver<News>, told: &mut BTreeSet<AlertId>) -> Option<AlertData> {
    loop {
        let json = match news.recv().await {
            Ok(News { event: "alert", json, .. }) => json,
            Ok(_) | Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return None,
        };
        let Ok(alert) = serde_json::from_str::<AlertData>(&json) else { continue };
        if alert.ended_at.is_none() && told.insert(alert.alert_id) {
            while told.len() > TOLD_MAX {
                told.pop_first();
            }
            return Some(alert);
        }
    }
}

/// What is typed, line by line. Its thread waits for the terminal for as long as the process lives; where nobody can type, it ends.
fn typed_lines() -> mpsc::Receiver<String> {
    let (line, lines) = mpsc::channel(1);
    let read = move || {
        for typed in std::io::stdin().lock().lines().map_while(Result::ok) {
            if line.blocking_send(typed).is_err() {
                return;
            }
        }
    };
    if let Err(error) = thread::Builder::new().name("typed".into()).spawn(read) {
        tracing::warn!(%error, "typed commands are not read");
    }
    lines
}

async fn obey(line: &str, village: &Village) {
    let mut words = line.split_whitespace();
    let (Some(verb), Some(name)) = (words.next(), words.next()) else {
        println!("type: stop CAMERA, or start CAMERA");
        return;
    };
    let outcome = match (verb, name.parse::<CameraId>()) {
        (_, Err(error)) => Err(error.to_string()),
        ("stop", Ok(id)) => village.stop_camera(&id).await.map_err(|error| error.to_string()),
        ("start", Ok(id)) => village.resume_camera(&id).await.map_err(|error| error.to_string()),
        (other, Ok(_)) => Err(format!("\"{other}\" is no command: type stop CAMERA, or start CAMERA")),
    };
    match outcome {
        Ok(()) => println!("{verb} {name}: done"),
        Err(why) => println!("{why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demo_writes_its_configuration_once_and_reads_it_from_then_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("demo");
        let config = own_config(Some(&data)).unwrap_or_else(|_| panic!("it is right"));
        let path = data.join(CONFIG);
        assert_eq!(config.paths.data, data);
        assert!(config.volumes.iter().all(|volume| volume.path.starts_with(&data)), "{:?}", config.volumes);
        assert!(config.paths.models.is_absolute(), "{:?}", config.paths.models);
        assert_eq!(config.source.map(|source| source.path), Some(path.clone()));
        let text = std::fs::read_to_string(&path).expect("it is there");
        assert!(!text.contains("#:schema") && text.contains("# The whole paved way."), "{text}");
        std::fs::write(&path, text.replace("name = \"North gate\"", "name = \"My gate\"")).expect("writes");
        let config = own_config(Some(&data)).unwrap_or_else(|_| panic!("it is right"));
        assert_eq!(config.cameras[0].name.en, "My gate");
        std::fs::write(&path, "[station]\n").expect("writes");
        assert!(
            matches!(own_config(Some(&data)), Err(Failure::Input(_))),
            "a demo does not start on what is wrong"
        );
    }
}
