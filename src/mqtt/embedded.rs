//! A broker inside of this process; the one place that names rumqttd.
//!
//! Owns starting and stopping it. It is a convenience, for the demo and for a station that has no broker: everything that it holds (retained
//! messages, sessions, queues) is in memory, there are no accounts, and whoever reaches the port may read and write. So it listens on loopback unless
//! somebody wrote otherwise. A station that is spread over machines runs a real broker (mosquitto).
//!
//! It speaks MQTT 5 and nothing older (`mosquitto_sub -V 5`): rumqttd 0.20 can listen for version 3.1.1 on another port, but panics over
//! each message with properties (a media type, an expiry) that it has to hand to such a client, and all of ours have them. It passes response topic and correlation data
//! on. It heeds no client's receive maximum, wants acknowledgements in order, and acknowledges nothing to a client that owes it [`INFLIGHT_MAX`] of them.

use std::{
    collections::HashMap,
    io,
    net::{SocketAddr, TcpListener},
    thread,
    time::Duration,
};

use rumqttd::{ConnectionSettings, LinkType, Router, RouterConfig, Server, ServerSettings, protocol::v5::V5};
use tokio::sync::oneshot;

use crate::config::ExternalBroker;

/// Clients at once, at most.
const CONNECTIONS_MAX: usize = 1000;
/// Longest packet, in bytes: more than any message of ours.
const PACKET_LEN_MAX: usize = 512 * 1024;
/// Messages in flight to one client, at most.
const INFLIGHT_MAX: usize = 100;
/// What is kept of each topic filter for a slow client: segments of 1 MiB, two of them.
const SEGMENT_LEN_MAX: usize = 1024 * 1024;
const SEGMENTS_MAX: usize = 2;
/// How long a client may take to say who it is, in milliseconds.
const CONNECT_TIMEOUT_MS: u16 = 5000;

/// Why the broker cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// Somebody else listens there.
    #[error(
        "the broker cannot listen on {listen}: the port is in use. Another broker (or another cunkou) runs there: stop it, or \
         configure another port"
    )]
    InUse {
        /// Where.
        listen: SocketAddr,
    },
    /// The address is not ours, the port is privileged, and the like.
    #[error("the broker cannot listen on {listen}: {source}")]
    Listen {
        /// Where.
        listen: SocketAddr,
        /// As the system says it.
        source: io::Error,
    },
    /// No thread, no memory.
    #[error("the broker cannot be started: {0}")]
    Start(io::Error),
}

/// A broker that runs until it is stopped or dropped.
#[derive(Debug)]
pub struct EmbeddedBroker {
    listen: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

/// Starts a broker that listens on `listen` (port 0: any that is free).
pub fn start(listen: SocketAddr) -> Result<EmbeddedBroker, BrokerError> {
    let listen = free(listen)?;
    let router = Router::new(
        0,
        RouterConfig {
            max_connections: CONNECTIONS_MAX,
            max_outgoing_packet_count: 200,
            max_segment_size: SEGMENT_LEN_MAX,
            max_segment_count: SEGMENTS_MAX,
            ..RouterConfig::default()
        },
    )
    .spawn();
    let mut server = Server::new(settings(listen), router, V5);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(BrokerError::Start)?;
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = thread::Builder::new()
        .name("broker".into())
        .spawn(move || {
            runtime.block_on(async move {
                tokio::select! {
                    biased;
                    // Dropped or told: both mean stop.
                    _ = stopped => {}
                    ended = server.start(LinkType::Remote) => told(listen, ended),
                }
            });
            // Connections end with the runtime; what they run is cancelled, not waited for.
            runtime.shutdown_timeout(Duration::from_secs(1));
        })
        .map_err(BrokerError::Start)?;
    wait_for(listen)?;
    tracing::info!(%listen, "the embedded broker listens (MQTT 5)");
    Ok(EmbeddedBroker { listen, stop: Some(stop), thread: Some(thread) })
}

impl EmbeddedBroker {
    /// Where it listens.
    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// How to connect to it.
    pub fn address(&self) -> ExternalBroker {
        let ip = match self.listen.ip() {
            ip if ip.is_unspecified() && ip.is_ipv4() => "127.0.0.1".to_owned(),
            ip if ip.is_unspecified() => "[::1]".to_owned(),
            ip if ip.is_ipv6() => format!("[{ip}]"),
            ip => ip.to_string(),
        };
        ExternalBroker {
            host: ip,
            port: self.listen.port(),
            credentials: None,
            tls: None,
            keep_alive: Duration::from_secs(30),
        }
    }

    /// Ends it, and every connection to it. (rumqttd's router has no end: its thread stays, idle, as long as the process.)
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the embedded broker's thread panicked");
        }
    }
}

impl Drop for EmbeddedBroker {
    fn drop(&mut self) {
        self.end();
    }
}

fn settings(listen: SocketAddr) -> ServerSettings {
    ServerSettings {
        name: "mqtt".into(),
        listen,
        tls: None,
        next_connection_delay_ms: 1,
        connections: ConnectionSettings {
            connection_timeout_ms: CONNECT_TIMEOUT_MS,
            max_payload_size: PACKET_LEN_MAX,
            max_inflight_count: INFLIGHT_MAX,
            auth: None::<HashMap<String, String>>,
            external_auth: None,
            dynamic_filters: true,
        },
    }
}

/// rumqttd binds by itself, in its own time, and only logs where it cannot: so try first, for the error and for the port.
fn free(listen: SocketAddr) -> Result<SocketAddr, BrokerError> {
    let listener = TcpListener::bind(listen).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => BrokerError::InUse { listen },
        _ => BrokerError::Listen { listen, source },
    })?;
    listener.local_addr().map_err(|source| BrokerError::Listen { listen, source })
}

/// Returns once it takes connections.
fn wait_for(listen: SocketAddr) -> Result<(), BrokerError> {
    const TRIES: u32 = 200;
    let address = match listen.ip() {
        ip if ip.is_unspecified() && ip.is_ipv4() => SocketAddr::new([127, 0, 0, 1].into(), listen.port()),
        ip if ip.is_unspecified() => SocketAddr::new(std::net::Ipv6Addr::LOCALHOST.into(), listen.port()),
        _ => listen,
    };
    for _ in 0..TRIES {
        if std::net::TcpStream::connect(address).is_ok() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(10));
    }
    Err(BrokerError::InUse { listen })
}

fn told<E: std::fmt::Display>(listen: SocketAddr, ended: Result<(), E>) {
    match ended {
        Ok(()) => tracing::error!(%listen, "the embedded broker ended by itself"),
        Err(error) => tracing::error!(%listen, %error, "the embedded broker ended by itself"),
    }
}
