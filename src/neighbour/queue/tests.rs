//! The queue with a courier, a broker that loses connections, a neighbour's daemon that comes and goes, and a process that is killed at any moment.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::prelude::*;
use rand::{Rng, SeedableRng, rngs::SmallRng};

use super::*;
use crate::{
    id::Mint,
    mqtt::courier::{Action, Courier, Ending, Event, Limits, Verdict, WINDOW_MAX},
    store::{Ledger, Message, SimDisk, SimLedger},
};

const START: Wall = Wall::from_unix_ms(1_773_000_000_000);

fn station() -> StationId {
    "riverside".parse().expect("an id")
}

fn ulid(n: u64) -> ulid::Ulid {
    ulid::Ulid::from_parts(1_773_000_000_000, n.into())
}

fn head(what: What, event: u64, void_s: u64) -> Head {
    Head { what, event: EventId(ulid(event)), void_at: START.after(Duration::from_secs(void_s)) }
}

/// An alert's first word bears the alert's id.
fn raised(alert: u64, void_s: u64) -> Head {
    head(What::Raised(AlertId(ulid(alert))), alert, void_s)
}

fn event(alert: u64, event: u64, void_s: u64) -> Head {
    head(What::Event(AlertId(ulid(alert))), event, void_s)
}

fn state(alert: u64, event: u64, void_s: u64) -> Head {
    head(What::State(AlertId(ulid(alert))), event, void_s)
}

fn at(s: u64) -> Now {
    Now { mono: Mono::ZERO, wall: START }.after(Duration::from_secs(s))
}

fn place(number: u64) -> Place {
    Place { lane: Lane::Events, number }
}

fn id(event: u64) -> EventId {
    EventId(ulid(event))
}

/// The places that go, in order.
fn going(queue: &Queue) -> Vec<u64> {
    queue.going(Seq(0), 100).iter().map(|(_, place, _)| place.number).collect()
}

fn seqs(queue: &Queue) -> Vec<Seq> {
    queue.going(Seq(0), 100).iter().map(|(seq, _, _)| *seq).collect()
}

#[test]
fn what_follows_waits_for_the_receipt_of_the_first_word() {
    let mut queue = Queue::new(station());
    queue.take(at(0), place(1), raised(1, 600), None);
    queue.take(at(0), place(2), event(1, 12, 600), None);
    queue.take(at(0), place(3), raised(3, 600), None);
    assert_eq!(going(&queue), [1, 3], "alerts do not wait for each other");
    queue.acked(at(1), &seqs(&queue));
    assert_eq!(going(&queue), [] as [u64; 0], "acknowledged by the broker is not delivered");
    let out = queue.receipt(at(1), id(1), Said::Kept);
    assert_eq!(out.delivered, 1);
    assert!(out.writes.contains(&entry::put_shared(&station(), AlertId(ulid(1)), Shared::Kept)));
    assert!(out.writes.contains(&Write::Delete(entry::key(&station(), place(1)))));
    assert_eq!(going(&queue), [2]);
    assert_eq!(queue.receipt(at(1), id(1), Said::Kept).delivered, 0, "a repeated receipt strikes nothing");
    assert_eq!(queue.len(), 2);
}

#[test]
fn without_a_receipt_it_is_sent_again_at_growing_intervals_until_it_is_void() {
    let mut queue = Queue::new(station());
    queue.take(at(0), place(1), raised(1, 3600), None);
    let (mut now, mut waits) = (at(0), Vec::new());
    loop {
        queue.acked(now, &seqs(&queue));
        let next = queue.wake_at(now).expect("there is something to wait for");
        let wait = next.since(now.mono);
        now = now.after(wait);
        let out = queue.tick(now);
        if out.expired > 0 {
            assert!(out.writes.contains(&Write::Delete(entry::key(&station(), place(1)))));
            break;
        }
        waits.push(wait.as_secs());
    }
    assert_eq!(waits, [30, 60, 120, 240, 480, 600, 600, 600, 600]);
    assert_eq!(now, at(3600));
    assert!(queue.is_empty() && queue.wake_at(now).is_none());
}

#[test]
fn a_neighbour_that_speaks_again_gets_what_it_missed_soon() {
    let mut queue = Queue::new(station());
    queue.take(at(0), place(1), raised(1, 3600), None);
    queue.take(at(0), place(2), raised(2, 3600), None);
    let mut now = at(0);
    for wait in [30, 60, 120, 240] {
        queue.acked(now, &seqs(&queue));
        now = now.after(Duration::from_secs(wait));
        queue.tick(now);
    }
    queue.acked(now, &seqs(&queue));
    assert_eq!(queue.wake_at(now), Some(now.mono + Duration::from_secs(480)));
    queue.receipt(now, id(1), Said::Kept);
    assert_eq!(queue.wake_at(now), Some(now.mono + Duration::from_secs(30)));
    // What was said in one breath hurries nothing further.
    let later = now.after(Duration::from_secs(20));
    queue.receipt(later, id(1), Said::Kept);
    assert_eq!(queue.wake_at(later), Some(now.mono + Duration::from_secs(30)));
}

#[test]
fn a_newer_state_takes_the_place_of_one_that_waits() {
    let kept = Some(Shared::Kept);
    let mut queue = Queue::new(station());
    assert_eq!(queue.asks_for(&state(1, 11, 600)), Some(AlertId(ulid(1))));
    queue.take(at(0), place(1), state(1, 11, 600), kept);
    assert_eq!(going(&queue), [1]);
    let first = seqs(&queue);
    let out = queue.take(at(0), place(2), state(1, 12, 600), kept);
    assert_eq!(out.withdrawn, first);
    assert_eq!(going(&queue), [2]);
    queue.acked(at(1), &seqs(&queue));
    queue.take(at(2), place(3), state(1, 13, 600), kept);
    assert_eq!(going(&queue), [3], "also of one whose receipt does not come");
    queue.take(at(2), place(4), event(1, 14, 600), kept);
    queue.take(at(2), place(5), state(1, 15, 600), kept);
    assert_eq!(queue.len(), 3, "an event is no state, and none goes past it");
    assert_eq!(going(&queue), [3]);
}

#[test]
fn a_state_goes_only_where_the_alert_is() {
    let mut queue = Queue::new(station());
    // Nothing is on record: the neighbour has refused the alert.
    let out = queue.take(at(0), place(1), state(1, 11, 9000), None);
    assert_eq!((out.writes, queue.len()), (vec![Write::Delete(entry::key(&station(), place(1)))], 0));
    // Promised, and void before a receipt came: the state waits, and goes when the receipt comes after all.
    queue.take(at(0), place(2), raised(2, 600), None);
    queue.take(at(1), place(3), state(2, 13, 9000), None);
    queue.acked(at(1), &seqs(&queue));
    assert_eq!(queue.tick(at(600)).expired, 1);
    assert_eq!((going(&queue), queue.len()), (vec![], 1));
    let out = queue.receipt(at(600), id(2), Said::Kept);
    assert_eq!(out.late, Some(AlertId(ulid(2))));
    assert!(queue.kept_late(AlertId(ulid(2))).is_more);
    assert_eq!(going(&queue), [3]);
    assert_eq!(queue.tick(at(9000)).expired, 1, "nothing waits for ever");
}

#[test]
fn what_is_refused_is_over_with_all_that_follows_it() {
    let mut queue = Queue::new(station());
    queue.take(at(0), place(1), raised(1, 600), None);
    queue.take(at(0), place(2), event(1, 12, 600), None);
    let out = queue.receipt(at(1), id(1), Said::Refused);
    assert_eq!((out.refused, queue.len()), (2, 0));
    assert!(out.writes.contains(&entry::forget_shared(&station(), AlertId(ulid(1)))));
    assert!(!out.is_more);
    assert_eq!(queue.wake_at(at(0)), None);
}

#[test]
fn a_letter_goes_with_the_brokers_word_and_not_when_it_is_void() {
    let mut queue = Queue::new(station());
    let letter = |number| Place { lane: Lane::Post, number };
    queue.take(at(0), letter(1), head(What::Letter, 5, 60), None);
    queue.take(at(0), letter(2), head(What::Letter, 6, 60), None);
    let all = seqs(&queue);
    let out = queue.acked(at(1), &all[..1]);
    assert_eq!(out.writes, [Write::Delete(entry::key(&station(), letter(1)))]);
    let out = queue.tick(at(60));
    assert_eq!((out.expired, &out.withdrawn[..]), (1, &all[1..]));
    assert_eq!((queue.taken(Lane::Post), queue.taken(Lane::Events)), (2, 0));
    // The number of a sending that was withdrawn means nothing any more.
    assert_eq!(queue.acked(at(60), &all[1..]), Outcome::default());
}

/// A whole world: process, disk, network, broker, the neighbour's daemon; everything random comes from one seed.
struct World {
    rng: SmallRng,
    now: Now,
    disk: SimDisk,
    ledger: SimLedger,
    queue: Queue,
    courier: Courier,
    /// Reads of the courier that are not answered yet.
    reads: VecDeque<(Seq, usize)>,
    connecting: bool,
    line: Option<Line>,
    /// In the neighbour's broker, for its daemon.
    in_broker: VecDeque<Message>,
    is_daemon_up: bool,
    /// What the daemon has, in the order of arrival, repeats left out.
    has: Vec<u64>,
    /// On their way to us.
    receipts: VecDeque<u64>,
    /// Everything that was promised, by event.
    promised: BTreeMap<u64, Head>,
    next_place: u64,
    next_event: u64,
    alerts: Vec<u64>,
}

struct Line {
    last_pkid: u16,
    window: u16,
    queued: VecDeque<Message>,
    at_broker: VecDeque<(u16, Message)>,
}

fn message(event: u64) -> Message {
    Message {
        topic: format!("in/willow/{event}"),
        payload: event.to_string().into_bytes().into(),
        content_type: "t".into(),
        retain: false,
        expiry: None,
    }
}

fn number(message: &Message) -> u64 {
    std::str::from_utf8(&message.payload).expect("ours").parse().expect("ours")
}

impl World {
    fn new(seed: u64) -> Self {
        let disk = SimDisk::new();
        Self {
            rng: SmallRng::seed_from_u64(seed),
            now: at(0),
            ledger: SimLedger::open(&disk),
            disk,
            queue: Queue::new(station()),
            courier: Courier::new(None, Mint::seeded(seed)),
            reads: VecDeque::new(),
            connecting: false,
            line: None,
            in_broker: VecDeque::new(),
            is_daemon_up: true,
            has: Vec::new(),
            receipts: VecDeque::new(),
            promised: BTreeMap::new(),
            next_place: 1,
            next_event: 1,
            alerts: Vec::new(),
        }
    }

    fn courier(&mut self, event: Event) {
        for action in self.courier.apply(self.now.mono, event) {
            match action {
                Action::Connect => self.connecting = true,
                Action::Publish(message) => {
                    let void_at = self.promised[&number(&message)].void_at;
                    assert!(void_at > self.now.wall, "{} is void and is sent", number(&message));
                    self.line.as_mut().expect("connected").queued.push_back(message);
                }
                Action::Read { after, limit } => self.reads.push_back((after, limit)),
                Action::Strike(seqs) => {
                    let out = self.queue.acked(self.now, &seqs);
                    self.carry_out(out);
                }
                Action::SetAside { .. } => panic!("nothing is refused here"),
                Action::HangUp => (self.line, self.connecting) = (None, false),
                Action::Answer(_) | Action::Part | Action::End | Action::Tell(_) => {}
            }
        }
    }

    fn carry_out(&mut self, out: Outcome) {
        if !out.writes.is_empty() {
            self.ledger.commit(out.writes).expect("the disk works");
        }
        if let Some(alert) = out.late {
            let shared = self.ledger.get(&entry::shared_key(&station(), alert)).expect("alive");
            if shared.and_then(|value| entry::read_shared(&value)) == Some(Shared::Promised) {
                let out = self.queue.kept_late(alert);
                self.carry_out(out);
            }
        }
        if !out.withdrawn.is_empty() {
            self.courier(Event::Withdrawn(out.withdrawn));
        }
        if out.is_more {
            self.courier(Event::Woken);
        }
    }

    /// Reads what is new in the ledger.
    fn take_in(&mut self) {
        let (from, to) = entry::behind(&station(), Lane::Events, self.queue.taken(Lane::Events));
        for (key, value) in self.ledger.range(&from, &to, 5).expect("alive") {
            let head = entry::read_head(&value).expect("ours");
            let shared = self.queue.asks_for(&head).and_then(|alert| {
                let value = self.ledger.get(&entry::shared_key(&station(), alert)).expect("alive")?;
                entry::read_shared(&value)
            });
            let out = self.queue.take(self.now, place(entry::number_of(&key).expect("ours")), head, shared);
            self.carry_out(out);
        }
    }

    fn answer_read(&mut self) {
        let Some((after, limit)) = self.reads.pop_front() else { return };
        let going = self.queue.going(after, limit);
        let read = going.into_iter().map(|(seq, place, _)| {
            let value = self.ledger.get(&entry::key(&station(), place)).expect("alive").expect("it goes");
            (seq, entry::read_message(&value).expect("ours"))
        });
        let read = read.collect();
        self.courier(Event::Read(Ok(read)));
    }

    fn promise(&mut self, least_s: u64) {
        let event_id = self.next_event;
        self.next_event += 1;
        let void = self.rng.random_range(0..3) * 400 + least_s;
        let void_s = self.now.mono.since_start().as_secs() + void;
        let (head, shared) = match self.alerts.last() {
            Some(_) if self.rng.random_bool(0.6) => {
                let alert = self.alerts[self.rng.random_range(0..self.alerts.len())];
                let is_event = self.rng.random_bool(0.5);
                let head = if is_event { event } else { state };
                (head(alert, event_id, void_s), None)
            }
            _ => {
                self.alerts.push(event_id);
                let shared = entry::put_shared(&station(), AlertId(ulid(event_id)), Shared::Promised);
                (raised(event_id, void_s), Some(shared))
            }
        };
        let mut writes =
            vec![entry::put(&station(), place(self.next_place), &head, &message(event_id)).expect("short")];
        writes.extend(shared);
        self.next_place += 1;
        self.ledger.commit(writes).expect("the disk works");
        self.promised.insert(event_id, head);
        self.take_in();
    }

    fn network(&mut self) {
        if std::mem::take(&mut self.connecting) {
            let window = *[1, 3, 20].get(self.rng.random_range(0..3)).expect("three");
            let window = u16::min(window, WINDOW_MAX);
            self.line =
                Some(Line { last_pkid: 0, window, queued: VecDeque::new(), at_broker: VecDeque::new() });
            return self.courier(Event::Connected(Limits { window, packet_len_max: None }));
        }
        let Some(line) = &mut self.line else { return };
        if let Some(message) = line.queued.pop_front() {
            line.last_pkid = line.last_pkid % line.window + 1;
            let pkid = line.last_pkid;
            line.at_broker.push_back((pkid, message));
            self.courier(Event::Sent(pkid));
        }
    }

    /// The broker answers one publish. Sometimes it loses the connection after it took it, or the message although it took it.
    fn broker(&mut self) {
        let Some((pkid, message)) = self.line.as_mut().and_then(|line| line.at_broker.pop_front()) else {
            return;
        };
        if !self.rng.random_ratio(1, 10) {
            self.in_broker.push_back(message);
        }
        match self.rng.random_ratio(1, 10) {
            true => self.lose(),
            false => self.courier(Event::Acked(pkid, Verdict::Taken)),
        }
    }

    /// The neighbour's daemon hears a message, keeps it and answers; an answer may be lost, or said twice.
    fn daemon(&mut self) {
        if !self.is_daemon_up {
            return;
        }
        let Some(message) = self.in_broker.pop_front() else { return };
        let n = number(&message);
        if !self.has.contains(&n) {
            self.has.push(n);
        }
        for _ in 0..self.rng.random_range(0..3) {
            self.receipts.push_back(n);
        }
    }

    fn ear(&mut self) {
        let Some(n) = self.receipts.pop_front() else { return };
        let out = self.queue.receipt(self.now, id(n), Said::Kept);
        self.carry_out(out);
    }

    fn lose(&mut self) {
        if self.line.take().is_some() || std::mem::take(&mut self.connecting) {
            self.courier(Event::Ended(Ending::Lost("reset".into())));
        }
    }

    /// kill -9, and a start. What the daemon had and what its broker holds is still there.
    fn kill(&mut self) {
        self.disk.crash();
        self.ledger = SimLedger::open(&self.disk);
        self.queue = Queue::new(station());
        self.courier = Courier::new(None, Mint::seeded(1));
        self.reads.clear();
        (self.line, self.connecting) = (None, false);
    }

    fn tick(&mut self, most: Duration) {
        let wake = [self.courier.wake_at(), self.queue.wake_at(self.now)].into_iter().flatten().min();
        let wait = wake.map_or(most, |at| at.since(self.now.mono)).min(most);
        self.now = self.now.after(wait);
        let out = self.queue.tick(self.now);
        self.carry_out(out);
        self.courier(Event::Tick);
    }

    fn step(&mut self) {
        match self.rng.random_range(0..100) {
            0..8 => self.promise(300),
            8..14 => self.take_in(),
            14..34 => self.answer_read(),
            34..54 => self.network(),
            54..74 => self.broker(),
            74..84 => self.daemon(),
            84..90 => self.ear(),
            90..97 => {
                let most = Duration::from_secs(self.rng.random_range(1..40));
                self.tick(most);
            }
            97 => self.lose(),
            98 => self.kill(),
            _ => self.is_daemon_up = self.rng.random_bool(0.5),
        }
    }

    /// Everybody is there and nothing is lost any more, but time goes on.
    fn heal(&mut self) {
        self.is_daemon_up = true;
        for _ in 0..100_000 {
            self.take_in();
            self.answer_read();
            self.network();
            if let Some((pkid, message)) = self.line.as_mut().and_then(|line| line.at_broker.pop_front()) {
                self.in_broker.push_back(message);
                self.courier(Event::Acked(pkid, Verdict::Taken));
            }
            while let Some(message) = self.in_broker.pop_front() {
                let n = number(&message);
                if !self.has.contains(&n) {
                    self.has.push(n);
                }
                let out = self.queue.receipt(self.now, id(n), Said::Kept);
                self.carry_out(out);
            }
            self.ear();
            let is_idle = self.reads.is_empty()
                && !self.connecting
                && self.line.as_ref().is_none_or(|line| line.queued.is_empty() && line.at_broker.is_empty());
            if is_idle {
                let (from, to) = entry::behind(&station(), Lane::Events, self.queue.taken(Lane::Events));
                let is_all_in = self.ledger.range(&from, &to, 1).expect("alive").is_empty();
                if self.queue.is_empty() && is_all_in {
                    return;
                }
                self.tick(Duration::from_secs(3600));
            }
        }
        panic!("the queue does not drain: {:?}", self.queue);
    }

    /// Whether it is on record that the neighbour has an alert.
    fn is_kept(&self, alert: AlertId) -> bool {
        let value = self.ledger.get(&entry::shared_key(&station(), alert)).expect("alive");
        value.and_then(|value| entry::read_shared(&value)) == Some(Shared::Kept)
    }

    fn check(&self) {
        // Of each alert in the order of promises, the first word first.
        let mut newest: BTreeMap<AlertId, u64> = BTreeMap::new();
        for n in &self.has {
            let alert = self.promised[n].what.alert().expect("no letters here");
            let before = newest.insert(alert, *n);
            assert!(before < Some(*n), "{n} came after {before:?}");
            assert_eq!(before.is_none(), matches!(self.promised[n].what, What::Raised(_)), "{n}");
        }
        // Nothing is left in the ledger but what the neighbour has.
        let (from, to) = entry::behind(&station(), Lane::Events, 0);
        assert_eq!(self.ledger.range(&from, &to, 9).expect("alive"), []);
        let kept: BTreeSet<u64> = self.has.iter().copied().collect();
        for alert in &self.alerts {
            if self.is_kept(AlertId(ulid(*alert))) {
                assert!(kept.contains(alert), "{alert} is on record as kept");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]
    #[test]
    fn in_order_and_nothing_void_whatever_is_lost(seed in any::<u64>()) {
        let mut world = World::new(seed);
        (0..1500).for_each(|_| world.step());
        world.heal();
        world.check();
    }

    #[test]
    fn all_that_is_not_void_reaches_the_daemon(seed in any::<u64>()) {
        let mut world = World::new(seed);
        (0..400).for_each(|_| world.step());
        // What is promised now has time for one repeat of what is before it, in a world where nothing is lost any more.
        let before = world.next_event;
        (0..20).for_each(|_| world.promise(1300));
        world.heal();
        world.check();
        let newer_state = |n: u64, alert: Option<AlertId>| {
            world.promised.range(n + 1..).any(|(_, head)| matches!(head.what, What::State(_)) && head.what.alert() == alert)
        };
        for (n, head) in world.promised.range(before..) {
            // Of an alert whose first word was void before we knew that it was there, nothing more goes.
            let alert = head.what.alert().expect("no letters here");
            let is_unknown = head.what != What::Raised(alert) && !world.is_kept(alert);
            let is_replaced = matches!(head.what, What::State(_)) && newer_state(*n, head.what.alert());
            prop_assert!(world.has.contains(n) || is_replaced || is_unknown, "{n} never came");
        }
    }
}
