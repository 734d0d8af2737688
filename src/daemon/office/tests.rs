//! The office at work over a simulated disk: who asks is answered once it is durable, one after the other.

use std::path::Path;

use super::*;
use crate::{
    alert::{
        Earnest, Judged, Kind, Severity,
        life::{Actor, Command, State, Verb},
    },
    config::{self, Name},
    daemon::{Happenings, Orders, happenings, orders},
    id::Mint,
    mqtt::payload::{AnswerResult, ModelData},
    store::{Outbox, SimDisk, SimLedger},
};

/// An office at work, and the ways to it.
struct Station {
    orders: Orders,
    happenings: Happenings,
    filings: mpsc::Sender<(Filing, Filed)>,
    desk: Desk,
    board: Arc<Board>,
    office: tokio::task::JoinHandle<()>,
    camera: Arc<config::Camera>,
}

impl Station {
    fn new() -> Self {
        let config = config::parse(config::demo_toml(), "demo", Path::new("config"), &config::Machine);
        let config = config.expect("the demo is valid");
        let (clock, metrics) = (Clock::start(), Metrics::new());
        let outbox = Outbox::open(SimLedger::open(&SimDisk::new())).expect("opens");
        let (desk, _) = Desk::start(outbox, metrics.clone()).expect("a thread");
        let model = ModelData { name: "none".into(), sha256: "0".repeat(64) };
        let board = Arc::new(Board::new(&config, Vec::new()));
        let (orders, orders_rx) = orders::orders();
        let (happenings, happenings_rx) = happenings::happenings();
        let office = Office {
            clerk: Clerk::new(&config, model, Mint::seeded(1)),
            desk: desk.clone(),
            snapshots: PathBuf::new(),
            board: Arc::clone(&board),
            metrics,
            clock,
            clock_watch: ClockWatch::new(clock.now(), None),
            trust: watch::channel(Trust::Doubted).0,
            seek_clips: mpsc::channel(1).0,
            found_clips: mpsc::channel(1).1,
            orders: orders_rx,
            happenings: happenings_rx,
            presence: mpsc::channel(1).1,
            redrawn: mpsc::channel(1).1,
            time_zone: TimeZone::UTC,
            broken: CancellationToken::new(),
        };
        let (filings, filings_rx) = mpsc::channel(1);
        let office = tokio::spawn(office.run(Vec::new(), filings_rx));
        Self { orders, happenings, filings, desk, board, office, camera: Arc::clone(&config.cameras[0]) }
    }

    fn call(&self, id: AlertId) -> Occurrence {
        Occurrence {
            id,
            kind: Kind::PanicButton,
            severity: Severity::Critical,
            camera: Arc::clone(&self.camera),
            others: Vec::new(),
            judged: Judged::Button("school".parse().expect("an id")),
            direction: None,
            occurred_at: Clock::start().now().wall,
            ended_at: None,
            objects: Vec::new(),
            earnest: Earnest::Real,
            explain: Name { zh: "求助".into(), en: "a call for help".into() },
        }
    }
}

fn claim(mint: &mut Mint, alert: AlertId, who: &str) -> Command {
    let now = Clock::start().now().wall;
    let actor = Actor { who: who.into(), unit: "patrol".into(), station: None };
    let id = mint.command(now);
    Command { id, alert, verb: Verb::Claim, actor, if_rev: None, reason: None, note: None, at: Some(now) }
}

#[tokio::test]
async fn a_call_for_help_is_durable_when_it_is_answered_and_of_two_who_claim_at_once_one_goes() {
    let station = Station::new();
    let mut mint = Mint::seeded(2);
    let id = mint.alert(Clock::start().now().wall);
    station.happenings.tell(Change::Raised, station.call(id)).await.expect("it is promised");
    let stored = || async {
        let (from, to) = record_range(id);
        let found = station.desk.range(from, to, 1).await.expect("reads");
        read_record(&found.first().expect("it is on record").1).expect("it is read")
    };
    assert_eq!(stored().await.life.state(), State::Raised);

    let (li, wu) = (claim(&mut mint, id, "li"), claim(&mut mint, id, "wu"));
    let (first, second) = tokio::join!(station.orders.give(li.clone()), station.orders.give(wu));
    assert_eq!((first.result, second.result), (AnswerResult::Ok, AnswerResult::Conflict));
    assert!(second.why.as_deref().is_some_and(|why| why.contains("li (patrol)")), "{second:?}");
    let record = stored().await;
    assert_eq!((record.rev, record.life.state()), (2, State::Claimed));
    assert_eq!(station.board.snapshot().alerts[0].state, State::Claimed, "who looks is told");
    assert_eq!(station.orders.give(li).await.rev, Some(2), "the same id is the same wish");
    assert_eq!(stored().await.rev, 2);
}

#[tokio::test]
async fn who_asks_an_office_that_has_closed_is_told_so() {
    let station = Station::new();
    let mut mint = Mint::seeded(3);
    let id = mint.alert(Clock::start().now().wall);
    let call = station.call(id);
    let Station { orders, happenings, filings, office, .. } = station;
    drop(filings);
    office.await.expect("it ends");
    assert_eq!(orders.give(claim(&mut mint, id, "li")).await.result, AnswerResult::Expired);
    assert_eq!(happenings.tell(Change::Raised, call).await, Err(Refused::Stopped));
}
