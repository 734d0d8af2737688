//! Messages that came in and are not acknowledged yet.
//!
//! Owns the room for them, and the order of acknowledging: that of receiving (MQTT 5, section 4.6; the embedded broker ends a connection over
//! anything else), so that one which takes long holds back those behind it. At most [`RECEIVE_MAX`] are to be on their way, which the broker is told: it waits
//! then, and keeps what it has. Not every broker heeds it (mosquitto 2.0.11 sends its whole queue once anything is acknowledged, the embedded one a hundred), so there
//! is room for more; what finds none is left at the broker, and comes on the next connection, which is made once all before it is acknowledged. What is sent without acknowledgement (quality of service 0) is not under that limit, and is dropped where there is no room for it besides.

use std::collections::VecDeque;

use rumqttc::v5::mqttbytes::{QoS, v5::Publish};
use tokio::sync::{mpsc, oneshot};

use crate::mqtt::ear::{Ack, Ear, Heard, Incoming};

/// Unacknowledged messages that the broker may send at once.
pub(super) const RECEIVE_MAX: u16 = 64;
/// Those that find room: more than mosquitto queues, unless it is told to.
pub(super) const OWED_MAX: usize = 1100;
/// Bytes of their payloads that find room; one message more may be there.
const OWED_LEN_MAX: usize = 16 * 1024 * 1024;
/// Messages without acknowledgement that wait for whoever they are for, at most.
const FREE_MAX: usize = 32;

/// Who hears what comes in.
#[derive(Debug, Clone)]
pub struct Hearing {
    /// Reads topics.
    pub(super) ear: Ear,
    to: mpsc::Sender<Heard>,
}

impl Hearing {
    /// An ear, and where what it hears comes out: in the order in which it came in.
    pub fn new(ear: Ear) -> (Self, mpsc::Receiver<Heard>) {
        let (to, heard) = mpsc::channel(OWED_MAX + FREE_MAX);
        (Self { ear, to }, heard)
    }
}

/// A message is not heard: there was no room, or nobody hears any more. Where it wants an acknowledgement it gets none, and comes again on the next connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotHeard;

/// What is owed on one connection.
#[derive(Debug, Default)]
pub(super) struct Owed {
    /// In the order of receiving.
    packets: VecDeque<Packet>,
    /// Bytes of their payloads.
    len: usize,
    hears: Hears,
}

#[derive(Debug)]
struct Packet {
    /// What is acknowledged.
    publish: Publish,
    len: usize,
    learnt: oneshot::Receiver<()>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Hears {
    #[default]
    Everything,
    /// Something found no room: nothing behind it is heard, so that the order is kept, and the rest comes on the next connection.
    NoMore,
    /// Nobody hears any more: nothing is acknowledged.
    Nothing,
}

impl Owed {
    /// Hands a message on. `publish` is what is acknowledged.
    pub(super) fn hear(
        &mut self,
        hearing: &Hearing,
        letter: Incoming,
        publish: Publish,
    ) -> Result<(), NotHeard> {
        if publish.qos == QoS::AtMostOnce {
            if hearing.to.capacity() <= OWED_MAX {
                return Err(NotHeard);
            }
            let (matter, letter) = hearing.ear.read(letter);
            return hearing.to.try_send(Heard { matter, letter, ack: Ack::not_owed() }).map_err(|_| NotHeard);
        }
        if self.hears == Hears::Everything && (self.packets.len() >= OWED_MAX || self.len >= OWED_LEN_MAX) {
            self.hears = Hears::NoMore;
        }
        if self.hears != Hears::Everything {
            return Err(NotHeard);
        }
        let (matter, letter) = hearing.ear.read(letter);
        let (ack, learnt) = Ack::owed();
        let len = letter.payload.len();
        match hearing.to.try_send(Heard { matter, letter, ack }) {
            Ok(()) => {
                self.len += len;
                self.packets.push_back(Packet { publish, len, learnt });
                Ok(())
            }
            Err(error) => {
                self.hears = match error {
                    mpsc::error::TrySendError::Full(_) => Hears::NoMore,
                    mpsc::error::TrySendError::Closed(_) => Hears::Nothing,
                };
                Err(NotHeard)
            }
        }
    }

    /// The next packet to acknowledge; `None` where the rest comes on another connection. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Publish> {
        match (self.packets.front_mut(), self.hears) {
            (_, Hears::Nothing) | (None, Hears::Everything) => std::future::pending().await,
            (None, Hears::NoMore) => None,
            (Some(packet), _) => {
                if (&mut packet.learnt).await.is_err() {
                    self.hears = Hears::Nothing;
                    return std::future::pending().await;
                }
                let packet = self.packets.pop_front()?;
                self.len -= packet.len;
                Some(packet.publish)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use tokio::time::timeout;

    use super::*;
    use crate::mqtt::ear::{Age, PAYLOAD_LEN_MAX};

    fn letter() -> Incoming {
        Incoming {
            topic: Bytes::from_static(b"cunkou/v1/willow/button/b"),
            payload: Bytes::new(),
            retained: false,
            content_type: None,
            response_topic: None,
            correlation: None,
            age: Age::Fresh,
        }
    }

    fn packet(pkid: u16) -> Publish {
        let qos = if pkid == 0 { QoS::AtMostOnce } else { QoS::AtLeastOnce };
        Publish { pkid, qos, ..Publish::default() }
    }

    fn hearing() -> (Hearing, mpsc::Receiver<Heard>) {
        Hearing::new(Ear::of(&"willow".parse().expect("an id")))
    }

    async fn next(owed: &mut Owed) -> Option<u16> {
        owed.next().await.map(|packet| packet.pkid)
    }

    async fn nothing(owed: &mut Owed) {
        assert!(timeout(Duration::from_millis(20), owed.next()).await.is_err());
    }

    #[tokio::test]
    async fn acknowledgements_keep_the_order_of_receiving() {
        let ((hearing, mut heard), mut owed) = (hearing(), Owed::default());
        for pkid in 1..=3 {
            owed.hear(&hearing, letter(), packet(pkid)).expect("there is room");
        }
        let mut acks: Vec<Ack> = (0..3).map(|_| heard.try_recv().expect("heard").ack).collect();
        acks.remove(1).give();
        nothing(&mut owed).await;
        acks.remove(0).give();
        assert_eq!((next(&mut owed).await, next(&mut owed).await), (Some(1), Some(2)));
        // Dropped: neither it nor anything behind it.
        owed.hear(&hearing, letter(), packet(4)).expect("there is room");
        acks.clear();
        heard.try_recv().expect("heard").ack.give();
        nothing(&mut owed).await;
    }

    #[tokio::test]
    async fn what_wants_no_acknowledgement_takes_no_room_from_what_does() {
        let ((hearing, _heard), mut owed) = (hearing(), Owed::default());
        let free = (0..1000).filter(|_| owed.hear(&hearing, letter(), packet(0)).is_ok()).count();
        assert_eq!(free, FREE_MAX);
        for pkid in 1..=OWED_MAX as u16 {
            owed.hear(&hearing, letter(), packet(pkid)).expect("there is room for all of them");
        }
    }

    #[tokio::test]
    async fn what_finds_no_room_comes_on_the_next_connection() {
        let ((hearing, mut heard), mut owed) = (hearing(), Owed::default());
        let max = OWED_MAX as u16;
        for pkid in 1..=max {
            owed.hear(&hearing, letter(), packet(pkid)).expect("there is room");
        }
        assert_eq!(owed.hear(&hearing, letter(), packet(max + 1)), Err(NotHeard));
        for pkid in 1..=max {
            heard.try_recv().expect("heard").ack.give();
            assert_eq!(next(&mut owed).await, Some(pkid));
            assert_eq!(owed.hear(&hearing, letter(), packet(max + 2)), Err(NotHeard), "the order is kept");
        }
        assert_eq!(next(&mut owed).await, None, "the connection ends once the rest is done");
    }

    #[tokio::test]
    async fn long_messages_find_less_room() {
        let ((hearing, _heard), mut owed) = (hearing(), Owed::default());
        let long = || Incoming { payload: Bytes::from(vec![0; PAYLOAD_LEN_MAX]), ..letter() };
        let room = (1..=1000).take_while(|&pkid| owed.hear(&hearing, long(), packet(pkid)).is_ok()).count();
        assert_eq!(room, OWED_LEN_MAX / PAYLOAD_LEN_MAX);
    }

    #[tokio::test]
    async fn nothing_is_acknowledged_behind_what_nobody_heard() {
        let ((hearing, mut heard), mut owed) = (hearing(), Owed::default());
        owed.hear(&hearing, letter(), packet(1)).expect("there is room");
        let first = heard.try_recv().expect("heard");
        drop(heard);
        assert_eq!(owed.hear(&hearing, letter(), packet(2)), Err(NotHeard));
        first.ack.give();
        nothing(&mut owed).await;
    }
}
