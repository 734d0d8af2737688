//! One subscription at one broker: what a bench hears, as anybody who subscribes would.
//!
//! The daemon subscribes to nothing by this; what it sends goes through the courier.

use std::time::Duration;

use bytes::Bytes;
use rumqttc::v5::{
    AsyncClient, Event, EventLoop, Incoming, MqttOptions,
    mqttbytes::{QoS, v5::ConnectProperties},
};

/// Messages in flight, and requests that wait, at most.
const WINDOW: u16 = 100;
/// Longest packet that is taken: more than any message of ours.
const PACKET_LEN_MAX: u32 = 512 * 1024;
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// A message, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overheard {
    /// Its topic.
    pub topic: String,
    /// Its payload.
    pub payload: Bytes,
}

/// The connection was lost, or never made.
#[derive(Debug, thiserror::Error)]
#[error("nothing is heard from the broker at {host}:{port}: {why}")]
pub struct Unheard {
    host: String,
    port: u16,
    why: String,
}

/// A subscription, with acknowledgement (quality of service 1).
pub struct Subscriber {
    host: String,
    port: u16,
    events: EventLoop,
    // Dropping it ends the event loop.
    _client: AsyncClient,
}

impl Subscriber {
    /// Connects without TLS and credentials, and subscribes to a filter. Returns once the broker has agreed.
    ///
    /// # Errors
    /// The broker is not there, or refuses.
    pub async fn open(host: &str, port: u16, client_id: &str, filter: &str) -> Result<Self, Unheard> {
        let mut options = MqttOptions::new(client_id, host, port);
        options.set_keep_alive(KEEP_ALIVE).set_clean_start(true).set_connect_properties(ConnectProperties {
            receive_maximum: Some(WINDOW),
            max_packet_size: Some(PACKET_LEN_MAX),
            ..ConnectProperties::new()
        });
        let (client, events) = AsyncClient::new(options, WINDOW.into());
        let mut subscriber = Self { host: host.to_owned(), port, events, _client: client };
        let asked = subscriber._client.try_subscribe(filter, QoS::AtLeastOnce);
        asked.map_err(|error| subscriber.unheard(error.to_string()))?;
        while !matches!(subscriber.event().await?, Event::Incoming(Incoming::SubAck(_))) {}
        Ok(subscriber)
    }

    /// The next message. Not cancel safe: a packet may be half read. After an error it is done for.
    ///
    /// # Errors
    /// The connection was lost.
    pub async fn next(&mut self) -> Result<Overheard, Unheard> {
        loop {
            if let Event::Incoming(Incoming::Publish(publish)) = self.event().await? {
                let topic = String::from_utf8_lossy(&publish.topic).into_owned();
                return Ok(Overheard { topic, payload: publish.payload });
            }
        }
    }

    async fn event(&mut self) -> Result<Event, Unheard> {
        let polled = self.events.poll().await;
        polled.map_err(|error| self.unheard(error.to_string()))
    }

    fn unheard(&self, why: String) -> Unheard {
        Unheard { host: self.host.clone(), port: self.port, why }
    }
}
