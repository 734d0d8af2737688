//! Messages that came in and are not acknowledged yet.
//!
//! Owns the room for them, and the order of acknowledging: that of receiving (MQTT 5, section 4.6; the embedded broker ends a connection over
//! anything else), so that one which takes long holds back those behind it. At most [`RECEIVE_MAX`] are on their way, which the broker is told: it waits then, and
//! keeps what it has. What is sent without acknowledgement (quality of service 0) is not under that limit, and is dropped where there is no room for it besides.

use std::collections::VecDeque;

use rumqttc::v5::mqttbytes::{QoS, v5::Publish};
use tokio::sync::{mpsc, oneshot};

use crate::mqtt::ear::{Ack, Ear, Heard, Incoming};

/// Unacknowledged messages that the broker may send at once.
pub(super) const RECEIVE_MAX: u16 = 64;
/// Those that find room: more than the embedded broker sends at once, which does not heed what it is told.
pub(super) const OWED_MAX: usize = 128;
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

/// Why a message is not heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotHeard {
    /// There was no room, or nobody hears any more. Where it wants an acknowledgement it gets none, and comes again on the next connection.
    Dropped,
    /// The broker sends more than it may.
    TooMany,
}

/// What is owed on one connection.
#[derive(Debug, Default)]
pub(super) struct Owed {
    /// In the order of receiving.
    packets: VecDeque<(Publish, oneshot::Receiver<()>)>,
    /// Something was dropped: whatever came behind it is not acknowledged either.
    is_deaf: bool,
}

impl Owed {
    /// Hands a message on. `packet` is what is acknowledged.
    pub(super) fn hear(
        &mut self,
        hearing: &Hearing,
        letter: Incoming,
        packet: Publish,
    ) -> Result<(), NotHeard> {
        let wants_ack = packet.qos != QoS::AtMostOnce;
        if !wants_ack && hearing.to.capacity() <= OWED_MAX {
            return Err(NotHeard::Dropped);
        }
        if wants_ack && self.packets.len() >= OWED_MAX {
            return Err(NotHeard::TooMany);
        }
        let (matter, letter) = hearing.ear.read(letter);
        let (ack, learnt) = if wants_ack {
            let (ack, learnt) = Ack::owed();
            (ack, Some(learnt))
        } else {
            (Ack::not_owed(), None)
        };
        match hearing.to.try_send(Heard { matter, letter, ack }) {
            Ok(()) => {
                self.packets.extend(learnt.map(|learnt| (packet, learnt)));
                Ok(())
            }
            Err(_) => {
                self.is_deaf |= wants_ack;
                Err(NotHeard::Dropped)
            }
        }
    }

    /// The next packet to acknowledge. Cancel safe.
    pub(super) async fn next(&mut self) -> Publish {
        loop {
            match self.packets.front_mut() {
                Some((_, learnt)) if !self.is_deaf => match learnt.await {
                    Ok(()) => {
                        if let Some((packet, _)) = self.packets.pop_front() {
                            return packet;
                        }
                    }
                    Err(_) => self.is_deaf = true,
                },
                _ => std::future::pending().await,
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
    use crate::mqtt::ear::Age;

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
        assert_eq!((owed.next().await.pkid, owed.next().await.pkid), (1, 2));
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
        assert_eq!(owed.hear(&hearing, letter(), packet(1000)), Err(NotHeard::TooMany));
    }

    #[tokio::test]
    async fn nothing_is_acknowledged_behind_what_nobody_heard() {
        let ((hearing, mut heard), mut owed) = (hearing(), Owed::default());
        owed.hear(&hearing, letter(), packet(1)).expect("there is room");
        let first = heard.try_recv().expect("heard");
        drop(heard);
        assert_eq!(owed.hear(&hearing, letter(), packet(2)), Err(NotHeard::Dropped));
        first.ack.give();
        nothing(&mut owed).await;
    }
}
