//! What comes in: which topics are listened to, and what a message on one of them is.
//!
//! Owns the reading of topics and the limits of what is taken in. Pure: it is handed a message, and says what it is. What is in the payload is read by
//! whoever it is for; the connection and the acknowledgements belong to [`super::connection`]; when a refused subscription is tried again is said in
//! [`listening`].
//!
//! Decisions, each of which somebody will ask about:
//! - **An answer goes below `answer/` and nowhere else.** Who may send a command must not be able to make the daemon, which may write everywhere below its root,
//!   write into `alert/…` or `in/…`. A command with another response topic is obeyed, and not answered.
//! - **A retained command is void**, as is what a button or a sensor retained: it would be done again on each connection.
//! - **What cannot be read is heard as such** ([`Matter::Unreadable`]), so that whoever sent it is told, and that it is acknowledged: it would come again for ever.

mod letter;
pub mod listening;

pub use letter::{Ack, Age, Answer, Heard, Incoming, Letter, Matter, Reply};

use crate::{alert::life::Verb, id::StationId};

/// Longest payload that is taken in, bytes.
pub const PAYLOAD_LEN_MAX: usize = 64 * 1024;
/// Longest topic for an answer, bytes, and longest correlation data.
const REPLY_LEN_MAX: usize = 256;
/// What is shown of a topic that cannot be read, characters.
const SHOWN_MAX: usize = 100;

/// A subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filter {
    /// Below the station's root.
    pub below: &'static str,
    /// What is not heard where the broker refuses it.
    pub what: &'static str,
    /// What is to come of what is retained there.
    pub retained: Retained,
}

/// Whether what is retained is to be sent on subscribing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retained {
    /// It is: it is the latest word on something.
    Wanted,
    /// It is not: it happened at some time, and is not to happen again.
    Void,
}

/// All that is listened to.
pub const FILTERS: [Filter; 5] = [
    Filter { below: "command/alert/+/+", what: "commands", retained: Retained::Void },
    Filter { below: "button/#", what: "buttons", retained: Retained::Void },
    Filter { below: "sensor/#", what: "sensors", retained: Retained::Void },
    Filter { below: "post/+/status", what: "whether posts are there", retained: Retained::Wanted },
    Filter { below: "in/#", what: "neighbouring stations", retained: Retained::Void },
];

/// Reads what comes in below one station's root.
#[derive(Debug, Clone)]
pub struct Ear {
    root: String,
}

impl Ear {
    /// For a station.
    pub fn of(station: &StationId) -> Self {
        Self { root: format!("cunkou/v1/{station}/") }
    }

    /// The topic filter of a subscription.
    pub fn filter(&self, filter: &Filter) -> String {
        format!("{}{}", self.root, filter.below)
    }

    /// What a message is. Any bytes are something.
    pub fn read(&self, incoming: Incoming) -> (Matter, Letter) {
        let topic = String::from_utf8_lossy(&incoming.topic).into_owned();
        let is_too_long = incoming.payload.len() > PAYLOAD_LEN_MAX;
        let matter = if is_too_long {
            let len = incoming.payload.len();
            unreadable(&topic, format!("{len} bytes are too long: {PAYLOAD_LEN_MAX} are taken"))
        } else {
            self.matter(&topic, incoming.retained)
        };
        let is_from_here = !matches!(matter, Matter::FromNeighbour { .. });
        let reply = incoming.response_topic.filter(|_| is_from_here).map(|to| Reply {
            is_allowed: self.may_answer(&to) && incoming.correlation.as_ref().is_none_or(is_short),
            topic: to,
            correlation: incoming.correlation,
        });
        let payload = if is_too_long { Default::default() } else { incoming.payload };
        let content_type = incoming.content_type;
        (matter, Letter { topic, payload, content_type, reply, age: incoming.age })
    }

    /// Whether an answer may go there.
    fn may_answer(&self, topic: &str) -> bool {
        let below = topic.strip_prefix(self.root.as_str()).and_then(|rest| rest.strip_prefix("answer/"));
        topic.len() <= REPLY_LEN_MAX
            && below.is_some_and(|rest| !rest.is_empty() && !rest.contains(['+', '#', '\0']))
    }

    fn matter(&self, topic: &str, is_retained: bool) -> Matter {
        let Some(below) = topic.strip_prefix(self.root.as_str()) else {
            return unreadable(topic, "it is not below this station's root".into());
        };
        let (first, rest) = below.split_once('/').unwrap_or((below, ""));
        let read = match first {
            "command" => command(rest),
            "button" => thing(rest).and_then(|(id, rest)| Ok(Matter::Button { button: read(id)?, rest })),
            "sensor" => thing(rest).and_then(|(id, rest)| Ok(Matter::Sensor { sensor: read(id)?, rest })),
            "post" => match rest.strip_suffix("/status") {
                Some(post) => read(post).map(Matter::Post),
                None => Err("it is not post/{post}/status".into()),
            },
            "in" => match rest.split_once('/') {
                Some((neighbour, rest)) if !rest.is_empty() => read(neighbour)
                    .map(|neighbour| Matter::FromNeighbour { neighbour, rest: rest.to_owned() }),
                _ => Err("it is not in/{station}/…".into()),
            },
            _ => Err("nothing is listened to there".into()),
        };
        match read {
            Ok(Matter::Command { .. } | Matter::Button { .. } | Matter::Sensor { .. }) if is_retained => {
                unreadable(
                    topic,
                    "it is retained, and would come again on each connection: publish it without".into(),
                )
            }
            Ok(matter) => matter,
            Err(why) => unreadable(topic, why),
        }
    }
}

fn command(rest: &str) -> Result<Matter, String> {
    let mut levels = rest.split('/');
    let (Some("alert"), Some(alert), Some(verb), None) =
        (levels.next(), levels.next(), levels.next(), levels.next())
    else {
        return Err("it is not command/alert/{alert}/{verb}".into());
    };
    let verb = Verb::ALL.into_iter().find(|known| known.as_str() == verb).ok_or_else(|| {
        let known: Vec<&str> = Verb::ALL.iter().map(|verb| verb.as_str()).collect();
        format!("there is no such verb: use one of {}", known.join(", "))
    })?;
    Ok(Matter::Command { alert: read(alert)?, verb })
}

/// An id, and what is below it.
fn thing(rest: &str) -> Result<(&str, Option<String>), String> {
    match rest.split_once('/') {
        None => Ok((rest, None)),
        Some((id, below)) => Ok((id, Some(below.to_owned()))),
    }
}

fn read<T>(id: &str) -> Result<T, String>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    id.parse().map_err(|why: T::Err| shown(&why.to_string()))
}

fn is_short(correlation: &bytes::Bytes) -> bool {
    correlation.len() <= REPLY_LEN_MAX
}

fn unreadable(topic: &str, why: String) -> Matter {
    Matter::Unreadable { why: format!("{}: {why}", shown(topic)) }
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_MAX).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    const ALERT: &str = "01KKS9XZ4BXW3E2R1T0Y9V8K7J";

    fn ear() -> Ear {
        Ear::of(&"willow".parse().expect("an id"))
    }

    fn incoming(topic: &str) -> Incoming {
        Incoming {
            topic: Bytes::copy_from_slice(topic.as_bytes()),
            payload: Bytes::from_static(b"{}"),
            retained: false,
            content_type: None,
            response_topic: None,
            correlation: None,
            age: Age::Fresh,
        }
    }

    fn matter(topic: &str) -> Matter {
        ear().read(incoming(topic)).0
    }

    #[test]
    fn a_topic_says_what_it_is_about() {
        let root = "cunkou/v1/willow";
        let Matter::Command { alert, verb: Verb::Claim } =
            matter(&format!("{root}/command/alert/{ALERT}/claim"))
        else {
            panic!("a claim");
        };
        assert_eq!(alert.to_string(), ALERT);
        assert_eq!(
            matter(&format!("{root}/button/gate-1")),
            Matter::Button { button: "gate-1".parse().expect("an id"), rest: None }
        );
        assert_eq!(
            matter(&format!("{root}/sensor/door/alive")),
            Matter::Sensor { sensor: "door".parse().expect("an id"), rest: Some("alive".into()) }
        );
        assert_eq!(matter(&format!("{root}/post/duty/status")), Matter::Post("duty".parse().expect("an id")));
        assert_eq!(
            matter(&format!("{root}/in/riverside/alert/major/dwell/gate")),
            Matter::FromNeighbour {
                neighbour: "riverside".parse().expect("an id"),
                rest: "alert/major/dwell/gate".into()
            }
        );
    }

    #[test]
    fn what_is_none_of_these_says_why() {
        let root = "cunkou/v1/willow";
        for (topic, why) in [
            ("cunkou/v1/oak/button/gate".to_owned(), "root"),
            (format!("{root}/command/alert/{ALERT}/fly"), "ack, claim"),
            (format!("{root}/command/alert/{ALERT}"), "command/alert"),
            (format!("{root}/command/alert/{ALERT}/ack/now"), "command/alert"),
            (format!("{root}/command/alert/nine/ack"), "nine"),
            (format!("{root}/button/Gate!"), "Gate!"),
            (format!("{root}/button"), ""),
            (format!("{root}/post/duty"), "post/{post}/status"),
            (format!("{root}/in/riverside"), "in/{station}"),
            (format!("{root}/in/riverside/"), "in/{station}"),
            (format!("{root}/alert/major/dwell/gate"), "nothing is listened to"),
            (String::new(), "root"),
        ] {
            match matter(&topic) {
                Matter::Unreadable { why: said } => assert!(said.contains(why), "{topic}: {said}"),
                other => panic!("{topic}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_happened_once_is_void_where_it_is_retained() {
        let root = "cunkou/v1/willow";
        let retained = |topic: String| ear().read(Incoming { retained: true, ..incoming(&topic) }).0;
        for topic in [
            format!("{root}/command/alert/{ALERT}/ack"),
            format!("{root}/button/b"),
            format!("{root}/sensor/s"),
        ] {
            assert!(matches!(retained(topic), Matter::Unreadable { .. }));
        }
        assert!(matches!(retained(format!("{root}/post/duty/status")), Matter::Post(_)));
    }

    #[test]
    fn what_is_too_long_is_not_kept() {
        let payload = Bytes::from(vec![b' '; PAYLOAD_LEN_MAX + 1]);
        let (matter, letter) = ear().read(Incoming { payload, ..incoming("cunkou/v1/willow/button/b") });
        assert!(matches!(matter, Matter::Unreadable { .. }));
        assert!(letter.payload.is_empty());
        let payload = Bytes::from(vec![b' '; PAYLOAD_LEN_MAX]);
        let (matter, _) = ear().read(Incoming { payload, ..incoming("cunkou/v1/willow/button/b") });
        assert!(matches!(matter, Matter::Button { .. }));
    }

    #[test]
    fn an_answer_goes_nowhere_but_to_where_answers_go() {
        let allowed = |to: &str| {
            let topic = format!("cunkou/v1/willow/command/alert/{ALERT}/ack");
            let (_, letter) = ear().read(Incoming { response_topic: Some(to.into()), ..incoming(&topic) });
            letter.reply.expect("there is one").is_allowed
        };
        assert!(allowed("cunkou/v1/willow/answer/phone-7"));
        assert!(allowed("cunkou/v1/willow/answer/a/b"));
        for to in [
            "",
            "answer/phone",
            "cunkou/v1/willow/answer",
            "cunkou/v1/willow/answer/",
            "cunkou/v1/willow/answers/a",
            "cunkou/v1/willow/alert/critical/panic-button/gate",
            "cunkou/v1/willow/in/riverside/alert",
            "cunkou/v1/oak/answer/a",
            "cunkou/v1/willow/answer/#",
            "cunkou/v1/willow/answer/+/a",
            "$SYS/answer",
        ] {
            assert!(!allowed(to), "{to}");
        }
        assert!(!allowed(&format!("cunkou/v1/willow/answer/{}", "a".repeat(REPLY_LEN_MAX))));
    }

    #[test]
    fn a_neighbour_is_answered_over_the_way_home_alone() {
        let (_, letter) = ear().read(Incoming {
            response_topic: Some("cunkou/v1/willow/answer/x".into()),
            ..incoming("cunkou/v1/willow/in/riverside/command/x")
        });
        assert_eq!(letter.reply, None);
    }

    proptest! {
        #[test]
        fn anything_is_something(
            start in prop::sample::select(vec!["", "cunkou/v1/willow/", "cunkou/v1/willow/command/alert/", "cunkou/v1/willow/in/", "cunkou/v1/willow/button/"]),
            topic in prop::collection::vec(any::<u8>(), 0..80),
            payload in prop::collection::vec(any::<u8>(), 0..80),
            to in any::<Option<String>>(),
            retained in any::<bool>(),
        ) {
            let topic = [start.as_bytes(), &topic[..]].concat();
            let (matter, letter) = ear().read(Incoming {
                topic: topic.into(),
                payload: payload.into(),
                retained,
                content_type: None,
                response_topic: to,
                correlation: None,
                age: Age::Fresh,
            });
            if let Some(reply) = letter.reply && reply.is_allowed {
                prop_assert!(reply.topic.starts_with("cunkou/v1/willow/answer/"));
            }
            if let Matter::Unreadable { why } = matter {
                prop_assert!(why.chars().all(|c| !c.is_control()) && why.len() < 4000);
            }
        }
    }
}
