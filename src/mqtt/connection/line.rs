//! One connection to one broker; the one place that names rumqttc.
//!
//! Owns the translation: our settings into the library's, its events into the courier's and into messages that are heard, its errors into words. A
//! line is used for one connection and dropped.

use std::{collections::VecDeque, io::ErrorKind, pin::Pin, time::Duration};

use futures::{Stream, StreamExt, stream};
use rumqttc::{
    Outgoing, TlsConfiguration, Transport,
    v5::{
        AsyncClient, ClientError, ConnectionError, Event as Happened, EventLoop, Incoming, MqttOptions,
        StateError,
        mqttbytes::{
            Error as BytesError, QoS,
            v5::{
                ConnAck, ConnectProperties, ConnectReturnCode as Code, DisconnectReasonCode as Reason,
                Filter as Wanted, LastWill, LastWillProperties, PubAckReason, Publish, PublishProperties,
                RetainForwardRule, SubscribeReasonCode,
            },
        },
    },
};
use tokio::time::Instant;

use super::{
    ConnectionSettings, Hearing, WILL_DELAY,
    owed::{NotHeard, OWED_MAX, Owed, RECEIVE_MAX},
    tls,
};
use crate::{
    mqtt::{
        courier::{Ending, Event, Limits, Verdict, WINDOW_MAX},
        ear::{Age, Answer, Filter, Incoming as Letter, PAYLOAD_LEN_MAX, Retained, listening::Listening},
    },
    store::Message,
};

/// Shortest keep-alive that the library takes.
const KEEP_ALIVE_MIN: Duration = Duration::from_secs(5);
/// Longest packet that we take from a broker, in bytes: more than the embedded one takes from anybody, so that nobody can break our connection with a
/// long message. What is longer than [`PAYLOAD_LEN_MAX`] is told and dropped by the ear.
const INCOMING_LEN_MAX: u32 = 640 * 1024;
/// How long the session outlives the connection: what is said while the daemon is updated or its machine restarts waits at the broker. Longer than the
/// delay of the will.
const SESSION: Duration = Duration::from_secs(3600);
/// For how long after a session was resumed what comes may have waited for it: the broker sends all of that at once.
const BACKLOG: Duration = Duration::from_secs(10);

const _: () = assert!(SESSION.as_secs() > WILL_DELAY.as_secs());
const _: () = assert!(INCOMING_LEN_MAX as usize > PAYLOAD_LEN_MAX);

/// What the line has to say.
pub(super) enum Said {
    /// Something for the courier.
    Courier(Event),
    /// The broker's answer to a subscription: what was asked for, and why it was refused, each.
    Subscribed(Vec<Filter>, Vec<Option<String>>),
    /// A message came in, and nobody could take it.
    Unheard,
    /// The good-bye went out.
    Parted,
}

/// One connection, from the first byte to the last.
pub(super) struct Line {
    client: AsyncClient,
    happens: Pin<Box<dyn Stream<Item = Result<Happened, ConnectionError>> + Send>>,
    keeps_retained: bool,
    is_up: bool,
    timeout: Duration,
    is_tls: bool,
    hearing: Option<Hearing>,
    owed: Owed,
    /// What was asked for, in the order of asking.
    asked: VecDeque<Vec<Filter>>,
    /// When the session was resumed; `None` where it was a new one.
    resumed_at: Option<Instant>,
}

impl Line {
    /// A connection that will be made while [`Self::next`] is polled. The TLS files are read here, each time anew, so that a renewed
    /// certificate needs no restart.
    pub(super) fn open(
        settings: &ConnectionSettings,
        will: Option<&Message>,
        hearing: Option<Hearing>,
    ) -> Result<Self, Ending> {
        let mut options = options(settings, &settings.client_id)?;
        if let Some(will) = will {
            options.set_last_will(last_will(will));
        }
        // Resumed, so that a will whose delay has not passed is not sent, and what was said meanwhile comes.
        options.set_clean_start(false).set_manual_acks(true);
        Ok(Self { hearing, ..Self::new(options, settings) })
    }

    /// A connection that leaves no trace: under another name, without a will.
    pub(super) fn probing(settings: &ConnectionSettings) -> Result<Self, Ending> {
        let mut options = options(settings, &format!("{}-check", settings.client_id))?;
        options.set_clean_start(true).set_session_expiry_interval(Some(0));
        Ok(Self::new(options, settings))
    }

    fn new(options: MqttOptions, settings: &ConnectionSettings) -> Self {
        // Room for the window, acknowledgements, a subscription and the good-bye: what goes in never waits.
        let (client, events) = AsyncClient::new(options, usize::from(WINDOW_MAX) + OWED_MAX + 8);
        // Polling is not safe to cancel in the middle of a write, so the future is kept where a wait is given up.
        let happens = stream::unfold(Some(events), |events| async {
            let mut events: EventLoop = events?;
            match events.poll().await {
                Ok(happened) => Some((Ok(happened), Some(events))),
                // Polling on would connect anew, behind the courier's back.
                Err(error) => Some((Err(error), None)),
            }
        });
        Self {
            client,
            happens: Box::pin(happens),
            keeps_retained: true,
            is_up: false,
            timeout: settings.connect_timeout,
            is_tls: settings.broker.tls.is_some(),
            hearing: None,
            owed: Owed::default(),
            asked: VecDeque::new(),
            resumed_at: None,
        }
    }

    /// Hands a message to the network. Never waits.
    pub(super) fn publish(&mut self, message: Message) -> Result<(), Ending> {
        self.answer(Answer { message, correlation: None })
    }

    /// Hands an answer to the network. Never waits.
    pub(super) fn answer(&mut self, Answer { message, correlation }: Answer) -> Result<(), Ending> {
        let properties = PublishProperties {
            correlation_data: correlation,
            payload_format_indicator: format_indicator(&message),
            message_expiry_interval: message.expiry.map(whole_seconds),
            content_type: Some(message.content_type),
            ..PublishProperties::default()
        };
        let retain = message.retain && self.keeps_retained;
        self.client
            .try_publish_with_properties(message.topic, QoS::AtLeastOnce, retain, message.payload, properties)
            .map_err(taken_no_more)
    }

    /// Asks the broker to listen to these; [`Said::Subscribed`] follows. Takes a packet id: not while publishes are in flight.
    pub(super) fn subscribe(&mut self, filters: Vec<Filter>) -> Result<(), Ending> {
        let (Some(hearing), false) = (&self.hearing, filters.is_empty()) else { return Ok(()) };
        let wanted = filters.iter().map(|filter| Wanted {
            path: hearing.ear.filter(filter),
            qos: QoS::AtLeastOnce,
            nolocal: false,
            // What is published to be kept is told from what is not.
            preserve_retain: true,
            retain_forward_rule: match filter.retained {
                Retained::Wanted => RetainForwardRule::OnEverySubscribe,
                Retained::Void => RetainForwardRule::Never,
            },
        });
        self.client.try_subscribe_many(wanted).map_err(taken_no_more)?;
        self.asked.push_back(filters);
        Ok(())
    }

    /// Says good-bye; [`Said::Parted`] follows.
    pub(super) fn part(&mut self) {
        if let Err(error) = self.client.try_disconnect() {
            tracing::debug!(%error, "the client takes no more");
        }
    }

    /// What happens next. Cancel safe. After `Ended` and `Parted` nothing follows.
    pub(super) async fn next(&mut self) -> Said {
        loop {
            let happened = tokio::select! {
                biased;
                packet = self.owed.next() => match packet {
                    Some(packet) => match self.client.try_ack(&packet).map_err(taken_no_more) {
                        Ok(()) => continue,
                        Err(ending) => return Said::Courier(Event::Ended(ending)),
                    },
                    None => {
                        let why = format!("it sent more at once than the {RECEIVE_MAX} messages that we take; the rest comes again");
                        return Said::Courier(Event::Ended(Ending::Lost(why)));
                    }
                },
                happened = self.happens.next() => happened,
            };
            match happened {
                Some(Ok(happened)) => {
                    if let Some(said) = self.translate(happened) {
                        return said;
                    }
                }
                Some(Err(error)) => return Said::Courier(Event::Ended(self.ending(error))),
                None => std::future::pending::<()>().await,
            }
        }
    }

    fn translate(&mut self, happened: Happened) -> Option<Said> {
        let event = match happened {
            Happened::Incoming(Incoming::ConnAck(ack)) => self.connected(&ack),
            Happened::Incoming(Incoming::Publish(publish)) => return self.heard(publish),
            Happened::Incoming(Incoming::SubAck(ack)) => {
                let answers = ack.return_codes.into_iter().map(refused_subscription).collect();
                return Some(Said::Subscribed(self.asked.pop_front()?, answers));
            }
            Happened::Incoming(Incoming::PubAck(ack)) => Event::Acked(ack.pkid, verdict(ack.reason)),
            Happened::Outgoing(Outgoing::Publish(pkid)) => Event::Sent(pkid),
            Happened::Outgoing(Outgoing::Disconnect) => return Some(Said::Parted),
            _ => return None,
        };
        Some(Said::Courier(event))
    }

    fn connected(&mut self, ack: &ConnAck) -> Event {
        self.is_up = true;
        let properties = ack.properties.as_ref();
        if properties.and_then(|p| p.max_qos) == Some(0) {
            let why = "it takes nothing with acknowledgement (quality of service 1), so that nothing can be promised: use another broker";
            return Event::Ended(Ending::Refused(why.into()));
        }
        self.keeps_retained = properties.and_then(|p| p.retain_available) != Some(0);
        if !self.keeps_retained {
            tracing::warn!(
                "the broker keeps no retained messages: who subscribes later does not learn the state of things"
            );
        }
        self.resumed_at = ack.session_present.then(Instant::now);
        // First of all, while nothing else has a packet id.
        if let Err(ending) = self.subscribe(Listening::first()) {
            return Event::Ended(ending);
        }
        Event::Connected(Limits {
            window: properties.and_then(|p| p.receive_max).unwrap_or(u16::MAX),
            packet_len_max: properties.and_then(|p| p.max_packet_size),
        })
    }

    /// Hands a message on; never waits.
    fn heard(&mut self, mut publish: Publish) -> Option<Said> {
        // The acknowledgement wants the packet, and not what is in it.
        let payload = std::mem::take(&mut publish.payload);
        let topic = std::mem::take(&mut publish.topic);
        let properties = publish.properties.take().unwrap_or_default();
        let may_have_waited = self.resumed_at.is_some_and(|resumed| resumed.elapsed() < BACKLOG);
        let has_term = properties.message_expiry_interval.is_some();
        let letter = Letter {
            topic,
            payload,
            retained: publish.retain,
            content_type: properties.content_type,
            response_topic: properties.response_topic,
            correlation: properties.correlation_data,
            age: if may_have_waited && !has_term { Age::MayHaveWaited } else { Age::Fresh },
        };
        let hearing = self.hearing.as_ref()?;
        self.owed.hear(hearing, letter, publish).err().map(|NotHeard| Said::Unheard)
    }

    fn ending(&self, error: ConnectionError) -> Ending {
        match error {
            ConnectionError::ConnectionRefused(code) => refused(code),
            ConnectionError::Timeout(_) => {
                Ending::Unreachable(format!("no answer within {:?}", self.timeout))
            }
            ConnectionError::Tls(e) => self.tls_ending(e.to_string()),
            ConnectionError::Io(e) => self.io_ending(&e),
            ConnectionError::NotConnAck(_) => {
                Ending::Refused("what answers there does not speak MQTT 5".into())
            }
            ConnectionError::MqttState(
                StateError::Io(e) | StateError::Deserialization(BytesError::Io(e)),
            ) => self.io_ending(&e),
            ConnectionError::MqttState(StateError::ConnectionAborted) if !self.is_up => self.shut_out(),
            ConnectionError::MqttState(StateError::Deserialization(e)) if !self.is_up => {
                Ending::Refused(format!(
                    "what answers there does not speak MQTT 5 ({e}): is it the right port, and a broker for version 5?"
                ))
            }
            ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, reason_string }) => {
                disconnected(reason_code, reason_string)
            }
            ConnectionError::MqttState(
                e @ (StateError::IncomingPacketTooLarge { .. }
                | StateError::Deserialization(BytesError::PayloadSizeLimitExceeded { .. })),
            ) => Ending::Lost(format!("{e}: it was told how long a message may be")),
            ConnectionError::MqttState(
                e @ (StateError::Deserialization(_) | StateError::OutgoingPacketTooLarge { .. }),
            ) => Ending::Blames(e.to_string()),
            ConnectionError::MqttState(StateError::AwaitPingResp) => {
                Ending::Lost("it has fallen silent".into())
            }
            ConnectionError::MqttState(StateError::ConnectionAborted) => {
                Ending::Lost("the broker closed it".into())
            }
            other => Ending::Lost(other.to_string()),
        }
    }

    fn io_ending(&self, error: &std::io::Error) -> Ending {
        if self.is_tls && tls::is_tls(error) {
            self.tls_ending(error.to_string())
        } else if self.is_up {
            Ending::Lost(error.to_string())
        } else if matches!(
            error.kind(),
            ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe
        ) {
            self.shut_out()
        } else {
            Ending::Unreachable(error.to_string())
        }
    }

    /// It hung up on us without a word.
    fn shut_out(&self) -> Ending {
        let hint = if self.is_tls {
            "does it ask for another certificate?"
        } else {
            "does it ask for TLS, or for a password?"
        };
        Ending::Unreachable(format!("it closed the connection before it took us in: {hint}"))
    }

    /// In TLS 1.3 a broker refuses our certificate only after the handshake, for us, is over; so it does not matter whether we were up.
    fn tls_ending(&self, what: String) -> Ending {
        Ending::Refused(format!(
            "TLS: {what}. Check the authority (ca), our certificate and its dates, and the broker's host name"
        ))
    }
}

fn last_will(will: &Message) -> LastWill {
    let properties = LastWillProperties {
        delay_interval: Some(WILL_DELAY.as_secs() as u32),
        payload_format_indicator: format_indicator(will),
        message_expiry_interval: will.expiry.map(whole_seconds),
        content_type: Some(will.content_type.clone()),
        response_topic: None,
        correlation_data: None,
        user_properties: Vec::new(),
    };
    let payload = will.payload.to_vec();
    LastWill::new(&will.topic, payload, QoS::AtLeastOnce, will.retain, Some(properties))
}

fn options(settings: &ConnectionSettings, client_id: &str) -> Result<MqttOptions, Ending> {
    let broker = &settings.broker;
    let mut options = MqttOptions::new(client_id, &broker.host, broker.port);
    options
        .set_keep_alive(broker.keep_alive.max(KEEP_ALIVE_MIN))
        .set_connection_timeout(settings.connect_timeout.as_secs().max(1))
        .set_outgoing_inflight_upper_limit(WINDOW_MAX)
        .set_connect_properties(ConnectProperties {
            session_expiry_interval: Some(SESSION.as_secs() as u32),
            receive_maximum: Some(RECEIVE_MAX),
            max_packet_size: Some(INCOMING_LEN_MAX),
            ..ConnectProperties::new()
        });
    let mut network = options.network_options();
    network.set_tcp_nodelay(true);
    options.set_network_options(network);
    if let Some(credentials) = &broker.credentials {
        options.set_credentials(&credentials.user, credentials.password.reveal());
    }
    if let Some(tls) = &broker.tls {
        let config = tls::client_config(tls).map_err(|e| Ending::Refused(e.to_string()))?;
        options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(config)));
    }
    Ok(options)
}

/// Section 3.3.2.3.2: 1 says that the payload is UTF-8, which a broker may check.
fn format_indicator(message: &Message) -> Option<u8> {
    std::str::from_utf8(&message.payload).is_ok().then_some(1)
}

/// Rounded up: nothing expires before its time.
fn whole_seconds(expiry: Duration) -> u32 {
    let seconds = expiry.as_secs() + u64::from(expiry.subsec_nanos() > 0);
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

fn taken_no_more(error: ClientError) -> Ending {
    Ending::Lost(format!("the client takes no more: {error}"))
}

fn refused_subscription(code: SubscribeReasonCode) -> Option<String> {
    let why = match code {
        // Granted with less than was asked for, a message that is sent while we are away is lost.
        SubscribeReasonCode::Success(QoS::AtMostOnce) => "it grants no acknowledgement",
        SubscribeReasonCode::Success(_) => return None,
        SubscribeReasonCode::NotAuthorized => "not authorised",
        SubscribeReasonCode::WildcardSubscriptionsNotSupported => "it knows no wildcards: use another broker",
        SubscribeReasonCode::QuotaExceeded => "a quota is exceeded",
        other => return Some(format!("{other:?}")),
    };
    Some(why.to_owned())
}

fn verdict(reason: PubAckReason) -> Verdict {
    let not_now = |why: &str| Verdict::NotNow(why.to_owned());
    match reason {
        PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Verdict::Taken,
        PubAckReason::NotAuthorized => {
            not_now("not authorised: its access list does not let us publish here")
        }
        PubAckReason::QuotaExceeded => not_now("a quota is exceeded"),
        PubAckReason::PacketIdentifierInUse => not_now("packet identifier in use"),
        PubAckReason::UnspecifiedError => not_now("unspecified error"),
        PubAckReason::ImplementationSpecificError => not_now("implementation specific error"),
        PubAckReason::TopicNameInvalid => Verdict::Never("invalid topic name".into()),
        PubAckReason::PayloadFormatInvalid => Verdict::Never("invalid payload format".into()),
    }
}

fn refused(code: Code) -> Ending {
    let why = match code {
        Code::BadUserNamePassword => "wrong user name or password",
        Code::NotAuthorized => {
            "not authorised: check the user name, the password and the broker's access list"
        }
        Code::Banned => "this client is banned",
        Code::BadAuthenticationMethod => "it wants another way of authentication",
        Code::BadClientId | Code::ClientIdentifierNotValid => "it does not like our client id",
        Code::RefusedProtocolVersion | Code::UnsupportedProtocolVersion => {
            "it does not speak MQTT 5: use a broker that does"
        }
        Code::RetainNotSupported => {
            "it keeps no retained messages, and our will is one: use a broker that does"
        }
        Code::QoSNotSupported => {
            "it takes nothing with acknowledgement (quality of service 1): use another broker"
        }
        Code::TopicNameInvalid | Code::PacketTooLarge | Code::PayloadFormatInvalid => {
            "it does not take our will"
        }
        Code::UseAnotherServer | Code::ServerMoved => "it has moved: configure the broker's new address",
        busy => return Ending::Unreachable(format!("it does not take connections now ({busy:?})")),
    };
    Ending::Refused(why.into())
}

fn disconnected(code: Reason, words: Option<String>) -> Ending {
    let why = match words {
        Some(words) => format!("{code:?}: {words}"),
        None => format!("{code:?}"),
    };
    match code {
        Reason::MalformedPacket
        | Reason::ProtocolError
        | Reason::TopicNameInvalid
        | Reason::PacketTooLarge
        | Reason::PayloadFormatInvalid
        | Reason::RetainNotSupported
        | Reason::QoSNotSupported
        | Reason::TopicAliasInvalid => Ending::Blames(why),
        Reason::NotAuthorized | Reason::UseAnotherServer | Reason::ServerMoved => Ending::Refused(why),
        Reason::SessionTakenOver => Ending::Refused(format!(
            "{why}: another client connected under our name. Are two nodes configured with the same id?"
        )),
        _ => Ending::Lost(why),
    }
}
