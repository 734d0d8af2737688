//! The courier against a broker that does what brokers do, and a process that is killed at any moment.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::prelude::*;
use rand::{Rng, SeedableRng, rngs::SmallRng};

use super::*;
use crate::{
    mqtt::ear::Answer,
    store::{Message, Outbox, SimDisk, SimLedger},
};

fn message(topic: &str, n: u64) -> Message {
    Message {
        topic: topic.into(),
        payload: n.to_string().into_bytes().into(),
        content_type: "text/plain".into(),
        retain: false,
        expiry: Some(Duration::from_secs(600)),
    }
}

fn answer(n: u64) -> Answer {
    Answer { message: message("answer/phone", n), correlation: Some("7".into()) }
}

fn number(message: &Message) -> u64 {
    std::str::from_utf8(&message.payload).expect("ours").parse().expect("ours")
}

fn presence() -> Presence {
    Presence { online: message("status", 1_000_000), stopped: message("status", 1_000_001) }
}

fn courier() -> Courier {
    Courier::new(Some(presence()), Mint::seeded(1))
}

const LIMITS: Limits = Limits { window: 20, packet_len_max: None };

/// A whole world: process, disk, network, broker; everything random comes from one seed.
struct World {
    rng: SmallRng,
    now: Mono,
    disk: SimDisk,
    outbox: Outbox<SimLedger>,
    courier: Courier,
    /// What the desk was asked, in order.
    errands: VecDeque<Action>,
    connecting: bool,
    line: Option<Line>,
    /// Everything that the broker ever took, in order.
    delivered: Vec<Message>,
    promised: BTreeMap<u64, Message>,
    aside: BTreeSet<u64>,
    refuses: Option<String>,
    breaks_over: Option<u64>,
    next_n: u64,
    #[allow(dead_code, reason = "worlds do not stop")]
    ended: bool,
}

/// A connection: given to the client library, under way, at the broker. Packet ids as rumqttc gives them out.
struct Line {
    window: u16,
    last_pkid: u16,
    queued: VecDeque<Message>,
    at_broker: Vec<(u16, Message)>,
}

impl Line {
    fn carries(&self, topic: &str) -> bool {
        self.queued.iter().chain(self.at_broker.iter().map(|(_, m)| m)).any(|m| m.topic == topic)
    }
}

impl World {
    fn new(seed: u64) -> Self {
        let disk = SimDisk::new();
        Self {
            rng: SmallRng::seed_from_u64(seed),
            now: Mono::ZERO,
            outbox: Outbox::open(SimLedger::open(&disk)).expect("opens"),
            disk,
            courier: courier(),
            errands: VecDeque::new(),
            connecting: false,
            line: None,
            delivered: Vec::new(),
            promised: BTreeMap::new(),
            aside: BTreeSet::new(),
            refuses: None,
            breaks_over: None,
            next_n: 0,
            ended: false,
        }
    }

    fn apply(&mut self, event: Event) {
        for action in self.courier.apply(self.now, event) {
            match action {
                Action::Connect => self.connecting = true,
                Action::Publish(message) | Action::Answer(Answer { message, .. }) => {
                    self.line.as_mut().expect("connected").queued.push_back(message);
                }
                Action::Read { .. } | Action::Strike(_) | Action::SetAside { .. } => {
                    if let Action::Strike(seqs) = &action {
                        self.check_strike(seqs);
                    }
                    self.errands.push_back(action);
                }
                Action::HangUp => (self.line, self.connecting) = (None, false),
                Action::Part => self.line = None,
                Action::End => self.ended = true,
                Action::Tell(_) => {}
            }
        }
    }

    /// Nothing is struck that the broker has not taken.
    fn check_strike(&self, seqs: &[Seq]) {
        for seq in seqs {
            let waiting = self.outbox.waiting(Seq(seq.0 - 1), 1).expect("alive");
            if let Some((_, message)) = waiting.first().filter(|(s, _)| s == seq) {
                assert!(self.delivered.contains(message), "{seq:?} is struck and was never delivered");
            }
        }
    }

    fn promise(&mut self) {
        let count = self.rng.random_range(1..6);
        let messages: Vec<_> = (0..count)
            .map(|_| {
                self.next_n += 1;
                message(&format!("alert/{}", self.rng.random_range(0..4)), self.next_n)
            })
            .collect();
        self.outbox.promise(Vec::new(), &messages).expect("the disk works");
        self.promised.extend(messages.into_iter().map(|m| (number(&m), m)));
        self.apply(Event::Woken);
    }

    fn run_errand(&mut self) {
        match self.errands.pop_front() {
            Some(Action::Read { after, limit }) => {
                let waiting = self.outbox.waiting(after, limit).expect("alive");
                self.apply(Event::Read(Ok(waiting)));
            }
            Some(Action::Strike(seqs)) => self.outbox.strike(&seqs).expect("alive"),
            Some(Action::SetAside { seq, why }) => {
                self.outbox.set_aside(seq, &why).expect("alive");
                let aside = self.outbox.aside(1000).expect("alive");
                self.aside.extend(aside.iter().map(|a| number(a.message.as_ref().expect("readable"))));
            }
            _ => {}
        }
    }

    fn network(&mut self) {
        if self.connecting {
            self.connecting = false;
            let window = *[1, 3, 20, 65535].get(self.rng.random_range(0..4)).expect("four");
            let window = u16::min(window, WINDOW_MAX);
            let line = Line {
                window,
                // The subscription took the first one.
                last_pkid: 1 % window,
                queued: VecDeque::new(),
                at_broker: Vec::new(),
            };
            self.line = Some(line);
            return self.apply(Event::Connected(Limits { window, packet_len_max: None }));
        }
        let Some(line) = &mut self.line else { return };
        if let Some(message) = line.queued.pop_front() {
            line.last_pkid += 1;
            let pkid = line.last_pkid;
            if line.last_pkid == line.window {
                line.last_pkid = 0;
            }
            assert!(line.at_broker.iter().all(|(used, _)| *used != pkid), "packet id {pkid} is in use");
            assert!(line.at_broker.len() < usize::from(line.window), "more than the broker takes");
            line.at_broker.push((pkid, message));
            self.apply(Event::Sent(pkid));
        }
    }

    /// The broker answers one publish, in any order across topics.
    fn broker(&mut self) {
        let Some(line) = &mut self.line else { return };
        if line.at_broker.is_empty() {
            return;
        }
        let nth = self.rng.random_range(0..line.at_broker.len());
        let topic = line.at_broker[nth].1.topic.clone();
        let nth = line.at_broker.iter().position(|(_, m)| m.topic == topic).expect("it is there");
        let (pkid, message) = line.at_broker.remove(nth);
        if self.breaks_over == Some(number(&message)) {
            self.line = None;
            return self.apply(Event::Ended(Ending::Blames("malformed".into())));
        }
        if self.refuses.as_deref() == Some(topic.as_str()) {
            return self.apply(Event::Acked(pkid, Verdict::NotNow("not authorised".into())));
        }
        self.delivered.push(message);
        // The connection may be lost between taking and acknowledging.
        if self.rng.random_ratio(1, 30) {
            self.lose();
        } else {
            self.apply(Event::Acked(pkid, Verdict::Taken));
        }
    }

    fn lose(&mut self) {
        if self.line.take().is_some() || std::mem::take(&mut self.connecting) {
            self.apply(Event::Ended(Ending::Lost("reset".into())));
        }
    }

    /// kill -9, and a start.
    fn kill(&mut self) {
        self.disk.crash();
        self.outbox = Outbox::open(SimLedger::open(&self.disk)).expect("opens");
        self.courier = courier();
        self.errands.clear();
        (self.line, self.connecting) = (None, false);
    }

    fn tick(&mut self) {
        self.now = self.courier.wake_at().map_or(self.now + Duration::from_secs(1), |at| at.max(self.now));
        self.apply(Event::Tick);
    }

    fn step(&mut self) {
        match self.rng.random_range(0..100) {
            0..10 => self.promise(),
            10..35 => self.run_errand(),
            35..65 => self.network(),
            65..90 => self.broker(),
            90..94 if self.line.is_none() && !self.connecting => self.tick(),
            94 => self.lose(),
            95 => self.kill(),
            96 => {
                let n = self.rng.random_range(0..3);
                self.apply(Event::Live(message(&format!("health/{n}"), 2_000_000)));
            }
            98 => self.apply(Event::Answer(answer(3_000_000))),
            // Not while one of it is under way: the order of what is refused and what is taken at once is nobody's.
            97 if self.line.as_ref().is_none_or(|line| !line.carries("alert/2")) => {
                self.refuses = self.rng.random_bool(0.5).then(|| "alert/2".to_owned());
            }
            _ => {}
        }
    }

    /// No more faults: everything must arrive.
    fn heal(&mut self) {
        self.lose();
        self.refuses = None;
        for _ in 0..20_000 {
            if self.outbox.is_empty() && self.errands.is_empty() {
                return;
            }
            self.run_errand();
            self.network();
            self.broker();
            let idle = self.errands.is_empty()
                && !self.connecting
                && self.line.as_ref().is_none_or(|line| line.queued.is_empty() && line.at_broker.is_empty());
            if idle {
                self.tick();
            }
        }
        panic!("the queue does not drain: {:?}", self.courier);
    }

    fn check(&self) {
        let mut seen: BTreeSet<u64> = BTreeSet::new();
        let mut newest: BTreeMap<&str, u64> = BTreeMap::new();
        for message in self.delivered.iter().filter(|m| number(m) < 1_000_000) {
            let n = number(message);
            assert_eq!(self.promised.get(&n), Some(message), "the same bytes, and nothing invented");
            if seen.insert(n) {
                let before = newest.insert(&message.topic, n);
                assert!(before < Some(n), "{n} is first delivered after {before:?} on {}", message.topic);
            }
        }
        for n in self.promised.keys() {
            assert!(seen.contains(n) || self.aside.contains(n), "{n} was promised and never came");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    #[test]
    fn everything_promised_arrives_in_order(seed in any::<u64>()) {
        let mut world = World::new(seed);
        for _ in 0..1500 {
            world.step();
        }
        world.heal();
        world.check();
    }

    #[test]
    fn a_message_that_breaks_the_connection_is_found_and_passed_over(seed in any::<u64>()) {
        let mut world = World::new(seed);
        world.breaks_over = Some(3);
        for _ in 0..300 {
            world.step();
        }
        world.promise();
        world.heal();
        world.check();
        prop_assert_eq!(world.aside, if world.promised.contains_key(&3) { BTreeSet::from([3]) } else { BTreeSet::new() });
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let trace = |seed| {
        let mut world = World::new(seed);
        (0..2000).for_each(|_| world.step());
        (world.delivered, world.now)
    };
    assert_eq!(trace(7), trace(7));
    assert_ne!(trace(7), trace(8));
}

fn publishes(actions: &[Action]) -> Vec<u64> {
    actions.iter().filter_map(|a| if let Action::Publish(m) = a { Some(number(m)) } else { None }).collect()
}

/// Connected, with `count` promised messages on topic `t` read from the outbox; what was published so far.
fn connected(limits: Limits, count: u64) -> (Courier, Vec<Action>) {
    let mut courier = courier();
    assert_eq!(courier.apply(Mono::ZERO, Event::Tick), [Action::Connect]);
    let mut actions = courier.apply(Mono::ZERO, Event::Connected(limits));
    assert_eq!(publishes(&actions), [1_000_000], "first of all, that we are here");
    let stock = (1..=count).map(|n| (Seq(n), message("t", n))).collect();
    actions.extend(courier.apply(Mono::ZERO, Event::Read(Ok(stock))));
    (courier, actions)
}

#[test]
fn the_window_is_filled_and_slides() {
    let (mut courier, actions) = connected(Limits { window: 4, packet_len_max: None }, 10);
    assert_eq!(publishes(&actions), [1_000_000, 1, 2, 3]);
    for pkid in 1..=4 {
        courier.apply(Mono::ZERO, Event::Sent(pkid));
    }
    // Acknowledged out of order: packet id 1 is still in use, so nothing may follow.
    assert_eq!(courier.apply(Mono::ZERO, Event::Acked(2, Verdict::Taken)), [Action::Strike(vec![Seq(1)])]);
    assert_eq!(publishes(&courier.apply(Mono::ZERO, Event::Acked(1, Verdict::Taken))), [4, 5]);
}

#[test]
fn health_never_stands_in_front_of_alerts_for_long() {
    let mut courier = courier();
    for n in 0..800 {
        courier.apply(Mono::ZERO, Event::Live(message(&format!("health/{n}"), 2_000_000 + n)));
    }
    courier.apply(Mono::ZERO, Event::Tick);
    let actions = courier.apply(Mono::ZERO, Event::Connected(Limits { window: 32, packet_len_max: None }));
    assert_eq!(publishes(&actions).len(), 8, "a quarter of the window");
    let stock = (1..=64).map(|n| (Seq(n), message("t", n))).collect();
    let mut order = publishes(&courier.apply(Mono::ZERO, Event::Read(Ok(stock))));
    assert_eq!(order, (1..=24).collect::<Vec<_>>());
    for pkid in 1..=32 {
        courier.apply(Mono::ZERO, Event::Sent(pkid));
        order.extend(publishes(&courier.apply(Mono::ZERO, Event::Acked(pkid, Verdict::Taken))));
    }
    let health = order[24..].iter().filter(|&&n| n >= 1_000_000).count();
    assert_eq!((order.len() - 24, health), (32, 8), "one in four: {order:?}");
}

/// What is sent while the broker acknowledges one after the other: (alerts, answers), in the order of sending.
fn sent(courier: &mut Courier, mut actions: Vec<Action>, rounds: u16) -> Vec<&'static str> {
    let mut sent = Vec::new();
    for pkid in 1..=rounds {
        sent.extend(actions.iter().filter_map(|action| match action {
            Action::Publish(_) => Some("alert"),
            Action::Answer(_) => Some("answer"),
            _ => None,
        }));
        courier.apply(Mono::ZERO, Event::Sent(pkid));
        actions = courier.apply(Mono::ZERO, Event::Acked(pkid, Verdict::Taken));
    }
    sent
}

#[test]
fn answers_and_alerts_wait_for_each_other_in_turn() {
    let limits = Limits { window: 1, packet_len_max: None };
    let (mut courier, actions) = connected(limits, 6);
    for n in 0..4 {
        assert_eq!(courier.apply(Mono::ZERO, Event::Answer(answer(n))), []);
    }
    let order = sent(&mut courier, actions, 10);
    assert_eq!(
        order,
        ["alert", "answer", "alert", "answer", "alert", "answer", "alert", "answer", "alert", "alert"],
        "the first one says that we are here"
    );
}

#[test]
fn an_answer_is_sent_once_whatever_becomes_of_it() {
    let (mut courier, _) = connected(LIMITS, 0);
    let actions = courier.apply(Mono::ZERO, Event::Answer(answer(1)));
    assert_eq!(actions, [Action::Answer(answer(1))]);
    courier.apply(Mono::ZERO, Event::Ended(Ending::Blames("over it".into())));
    let wake_at = courier.wake_at().expect("it tries again");
    courier.apply(wake_at, Event::Tick);
    let actions = courier.apply(wake_at, Event::Connected(LIMITS));
    assert!(!actions.iter().any(|action| matches!(action, Action::Answer(_))), "{actions:?}");
}

#[test]
fn answers_are_limited_and_the_loss_is_told_once_a_minute() {
    let mut courier = courier();
    let mut told = 0;
    for n in 0..2000 {
        let actions = courier.apply(Mono::ZERO, Event::Answer(answer(n)));
        told +=
            actions.iter().filter(|action| matches!(action, Action::Tell(Notice::AnswerLost { .. }))).count();
    }
    assert_eq!(told, 1);
}

#[test]
fn an_answer_that_is_too_large_is_not_sent() {
    let limits = Limits { window: 4, packet_len_max: Some(packet_len(&answer(1).message) as u32) };
    let (mut courier, _) = connected(limits, 0);
    let actions = courier.apply(Mono::ZERO, Event::Answer(answer(1)));
    assert!(matches!(&actions[..], [Action::Tell(Notice::AnswerLost { .. })]), "{actions:?}");
    let plain = Answer { correlation: None, ..answer(1) };
    assert_eq!(courier.apply(Mono::ZERO, Event::Answer(plain.clone())), [Action::Answer(plain)]);
}

#[test]
fn the_latest_health_wins_and_is_told_again_on_each_connection() {
    let (mut courier, _) = connected(LIMITS, 0);
    courier.apply(Mono::ZERO, Event::Sent(1));
    courier.apply(Mono::ZERO, Event::Acked(1, Verdict::Taken));
    let first = courier.apply(Mono::ZERO, Event::Live(message("h", 1)));
    assert_eq!(publishes(&first), [1]);
    courier.apply(Mono::ZERO, Event::Ended(Ending::Lost("x".into())));
    assert_eq!(courier.apply(Mono::ZERO, Event::Live(message("h", 2))), []);
    assert_eq!(courier.apply(Mono::ZERO, Event::Live(message("h", 3))), []);
    let later = Mono::ZERO + Duration::from_secs(60);
    courier.apply(later, Event::Tick);
    assert_eq!(publishes(&courier.apply(later, Event::Connected(LIMITS))), [1_000_000, 3]);
}

#[test]
fn a_refused_topic_waits_and_others_go_on() {
    let (mut courier, _) = connected(LIMITS, 1);
    for pkid in 1..=2 {
        courier.apply(Mono::ZERO, Event::Sent(pkid));
    }
    courier.apply(Mono::ZERO, Event::Acked(1, Verdict::Taken));
    let actions = courier.apply(Mono::ZERO, Event::Acked(2, Verdict::NotNow("not authorised".into())));
    assert_eq!(
        actions,
        [Action::Tell(Notice::HeldBack { topic: "t".into(), why: "not authorised".into() })],
        "kept: neither struck nor set aside"
    );
    // More of the same topic, and of another.
    courier.apply(Mono::ZERO, Event::Woken);
    courier.apply(Mono::ZERO, Event::Read(Ok(Vec::new())));
    let more = vec![(Seq(2), message("t", 2)), (Seq(3), message("u", 3))];
    courier.apply(Mono::ZERO, Event::Woken);
    assert_eq!(publishes(&courier.apply(Mono::ZERO, Event::Read(Ok(more)))), [3]);
    courier.apply(Mono::ZERO, Event::Sent(3));
    courier.apply(Mono::ZERO, Event::Acked(3, Verdict::Taken));
    courier.apply(Mono::ZERO, Event::Read(Ok(Vec::new())));

    let mut now = Mono::ZERO;
    let mut tries = 0;
    let mut told = 0;
    while now < Mono::ZERO + Duration::from_secs(600) {
        now = courier.wake_at().expect("it will try again").min(now + Duration::from_secs(15));
        let mut actions = courier.apply(now, Event::Tick);
        if actions.iter().any(|a| matches!(a, Action::Read { after: Seq(0), .. })) {
            tries += 1;
            let all = vec![(Seq(1), message("t", 1)), (Seq(2), message("t", 2))];
            assert_eq!(publishes(&courier.apply(now, Event::Read(Ok(all)))), [1], "one of it alone");
            courier.apply(now, Event::Sent(4));
            actions = courier.apply(now, Event::Acked(4, Verdict::NotNow("not authorised".into())));
            courier.apply(now, Event::Read(Ok(Vec::new())));
        }
        told += actions.iter().filter(|a| matches!(a, Action::Tell(Notice::HeldBack { .. }))).count();
    }
    assert!((10..20).contains(&tries), "1 s to 60 s apart: {tries}");
    assert!((8..=10).contains(&told), "once a minute: {told}");
}

#[test]
fn what_is_too_large_for_the_broker_is_passed_over() {
    let mut courier = courier();
    courier.apply(Mono::ZERO, Event::Tick);
    courier.apply(Mono::ZERO, Event::Connected(Limits { window: 20, packet_len_max: Some(100) }));
    let large = Message { payload: vec![b'1'; 200].into(), ..message("t", 1) };
    let actions =
        courier.apply(Mono::ZERO, Event::Read(Ok(vec![(Seq(1), large), (Seq(2), message("t", 2))])));
    assert!(
        matches!(&actions[0], Action::Tell(Notice::PassedOver { seq: Seq(1), why }) if why.contains("at most 100"))
    );
    assert!(matches!(&actions[1], Action::SetAside { seq: Seq(1), .. }));
    assert_eq!(publishes(&actions), [2]);
}

#[test]
fn a_broker_that_never_acknowledges_is_left() {
    let (mut courier, _) = connected(LIMITS, 1);
    let at = courier.wake_at().expect("a deadline");
    assert_eq!(at, Mono::ZERO + ACK_TIMEOUT);
    let actions = courier.apply(at, Event::Tick);
    assert_eq!(actions, [Action::HangUp, Action::Tell(Notice::Away(Ending::Silent))]);
    assert!(courier.wake_at().expect("it tries again") > at);
}

#[test]
fn the_wait_between_connections_grows_to_half_a_minute_and_is_told_once_a_minute() {
    let mut courier = courier();
    let (mut now, mut waits, mut told) = (Mono::ZERO, Vec::new(), 0);
    for _ in 0..20 {
        assert_eq!(courier.apply(now, Event::Tick), [Action::Connect]);
        told += courier.apply(now, Event::Ended(Ending::Unreachable("x".into()))).len();
        let next = courier.wake_at().expect("it tries again");
        waits.push(next.since(now));
        now = next;
    }
    assert!(waits[0] >= Duration::from_millis(100) && waits[0] <= Duration::from_millis(200), "{waits:?}");
    assert!(waits[10..].iter().all(|w| (15.0..=30.0).contains(&w.as_secs_f64())), "{waits:?}");
    assert!(waits[10..].windows(2).any(|w| w[0] != w[1]), "jitter: {waits:?}");
    let minutes = now.since_start().as_secs_f64() / 60.0;
    assert!(told as f64 <= minutes + 2.0 && told >= 2, "{told} in {minutes} min");
}

#[test]
fn a_stop_sends_what_waits_and_then_says_so() {
    let (mut courier, _) = connected(LIMITS, 2);
    for pkid in 1..=3 {
        courier.apply(Mono::ZERO, Event::Sent(pkid));
    }
    courier.apply(Mono::ZERO, Event::Acked(1, Verdict::Taken));
    courier.apply(Mono::ZERO, Event::Acked(2, Verdict::Taken));
    assert_eq!(courier.apply(Mono::ZERO, Event::Stop(Duration::from_secs(5))), []);
    assert_eq!(
        publishes(&courier.apply(Mono::ZERO, Event::Read(Ok(Vec::new())))),
        [0; 0],
        "one is in flight"
    );
    let actions = courier.apply(Mono::ZERO, Event::Acked(3, Verdict::Taken));
    assert_eq!(publishes(&actions), [1_000_001]);
    courier.apply(Mono::ZERO, Event::Sent(4));
    assert_eq!(courier.apply(Mono::ZERO, Event::Acked(4, Verdict::Taken)), [Action::Part, Action::End]);
    assert_eq!(courier.wake_at(), None);
}

#[test]
fn a_stop_ends_in_time_whatever_the_broker_does() {
    // It is away.
    let mut away = courier();
    assert_eq!(away.apply(Mono::ZERO, Event::Stop(Duration::from_secs(5))), [Action::HangUp, Action::End]);
    // It acknowledges nothing; with a full window, and with room for the last word.
    for window in [2, 20] {
        let (mut courier, _) = connected(Limits { window, packet_len_max: None }, 4);
        let mut actions = courier.apply(Mono::ZERO, Event::Stop(Duration::from_secs(4)));
        let mut now = Mono::ZERO;
        while !actions.contains(&Action::End) {
            now = courier.wake_at().expect("it wakes until it ends");
            assert!(now <= Mono::ZERO + Duration::from_secs(4));
            actions = courier.apply(now, Event::Tick);
        }
        assert_eq!(actions, [Action::HangUp, Action::End], "the will says it");
        assert_eq!(now, Mono::ZERO + Duration::from_secs(4));
    }
}
