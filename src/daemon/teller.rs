//! The teller: carries what happened to the office, in order, and says when it is promised.
//!
//! Owns the order: what is told of one alert is told in the order in which it was handed over. One teller carries calls for help, another what may wait.

use futures::future::join_all;
use tokio::sync::mpsc;

use super::happenings::Happenings;
use crate::{
    alert::{Change, Occurrence},
    store::Refused,
};

/// What is carried at once: the office promises it with one sync.
const BATCH_MAX: usize = 16;

/// Called once what it stands behind is promised, or was refused.
pub(super) type Done = Box<dyn FnOnce(Result<(), Refused>) + Send>;

/// What is to be told, and who waits for it.
pub(super) struct Errand {
    /// In order; may be empty.
    pub(super) told: Vec<(Change, Occurrence)>,
    /// Called when all of it is promised.
    pub(super) done: Done,
}

/// Works until everybody who has errands is gone.
pub(super) async fn carry(mut errands: mpsc::Receiver<Errand>, happenings: Happenings) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while errands.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let (told, done): (Vec<_>, Vec<_>) = batch.drain(..).map(|errand| (errand.told, errand.done)).unzip();
        let happenings = &happenings;
        // Each is handed over before the next one: they are polled in this order, and the way to the office is first in, first out.
        let outcomes = join_all(told.into_iter().map(|told| {
            let told = told.into_iter().map(|(change, occurrence)| happenings.tell(change, occurrence));
            async move { join_all(told).await.into_iter().collect::<Result<Vec<()>, Refused>>().map(drop) }
        }));
        for (done, outcome) in done.into_iter().zip(outcomes.await) {
            done(outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        path::Path,
        sync::{Arc, Mutex},
        time::{Duration, Instant},
    };

    use tokio::sync::watch;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::{
        config::{Canned, Config, parse},
        console::Board,
        daemon::{clerk::Clerk, clock_watch::ClockWatch, happenings, office::Office, orders},
        device::{ButtonWord, Deed, Devices, SensorWord},
        id::{ButtonId, Mint, SensorId},
        metrics::Metrics,
        mqtt::payload::ModelData,
        store::{Desk, Outbox, Seq, SledLedger},
        time::{Clock, Trust},
    };

    const SENSORS: usize = 1000;
    const PRESSES: usize = 50;

    fn config() -> Config {
        let mut text = String::from(
            "[station]\nid = \"s\"\n[village.v]\n[entry_point.e]\nvillage = \"v\"\n[camera.c]\nentry_point = \"e\"\nmain = \"rtsp://10.0.0.1/c\"\n[button.b]\ncameras = [\"c\"]\n",
        );
        for n in 0..SENSORS {
            text += &format!("[sensor.s{n}]\ncameras = [\"c\"]\n");
        }
        parse(&text, "t.toml", Path::new("/"), &Canned::default()).expect("it is right")
    }

    fn told(deeds: Vec<Deed>) -> Vec<(Change, Occurrence)> {
        let told = deeds.into_iter().filter_map(|deed| match deed {
            Deed::Tell(change, occurrence) => Some((change, *occurrence)),
            Deed::Film(..) | Deed::Cut(..) | Deed::Hold(_) => None,
        });
        told.collect()
    }

    /// The real clerk, office and store, on a disk. How long a call takes is said, and not asserted.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_call_for_help_waits_for_no_storm_of_sensors() {
        let dir = tempfile::tempdir().expect("a directory");
        let (config, metrics, clock) = (config(), Metrics::new(), Clock::start());
        let outbox = Outbox::open(SledLedger::open(dir.path()).expect("it opens")).expect("it is empty");
        let (desk, thread) = Desk::start(outbox, metrics.clone()).expect("a thread");
        let (happenings, happened) = happenings::happenings();
        let (_orders, orders) = orders::orders();
        let (filings, filed) = mpsc::channel(1);
        let (_presence, presence) = mpsc::channel(1);
        let (seek_clips, _sought) = mpsc::channel(1);
        let (_found, found_clips) = mpsc::channel(1);
        let model = ModelData { name: "m".into(), sha256: "0".into() };
        let office = Office {
            clerk: Clerk::new(&config, model, Mint::seeded(1)),
            desk: desk.clone(),
            snapshots: dir.path().to_owned(),
            board: Arc::new(Board::new(&config, Vec::new())),
            metrics,
            clock,
            clock_watch: ClockWatch::new(clock.now(), None),
            trust: watch::channel(Trust::Doubted).0,
            seek_clips,
            found_clips,
            orders,
            happenings: happened,
            presence,
            redrawn: mpsc::channel(1).1,
            time_zone: config.station.time_zone.clone(),
            broken: CancellationToken::new(),
        };
        let office = tokio::spawn(office.run(Vec::new(), filed));
        let teller = || {
            let (errands, waiting) = mpsc::channel(4096);
            (errands, tokio::spawn(carry(waiting, happenings.clone())))
        };
        let ((calls, calling), (alarms, alarming)) = (teller(), teller());

        let mut devices = Devices::new(&config, &[], Mint::seeded(2), clock.now());
        let took = Arc::new(Mutex::new(BTreeMap::new()));
        let tell = |way: mpsc::Sender<Errand>, what: (bool, usize), deeds: Vec<Deed>| {
            let (took, began) = (Arc::clone(&took), Instant::now());
            let done: Done = Box::new(move |outcome| {
                assert_eq!(outcome, Ok(()));
                took.lock().expect("nobody panicked").insert(what, (began.elapsed(), Instant::now()));
            });
            async move { way.send(Errand { told: told(deeds), done }).await.map_err(drop).expect("it works") }
        };
        let button: ButtonId = "b".parse().expect("an id");
        for n in 0..SENSORS {
            let sensor: SensorId = format!("s{n}").parse().expect("an id");
            let (mut deeds, word) = (Vec::new(), SensorWord::read(None, b"open").expect("a word"));
            devices.sensor(clock.now(), &sensor, word, &mut deeds).expect("known");
            tell(alarms.clone(), (false, n), deeds).await;
            if n % (SENSORS / PRESSES) == 0 {
                let (mut deeds, word) = (Vec::new(), ButtonWord::read(None, b"").expect("a word"));
                devices.button(clock.now(), &button, word, &mut deeds).expect("known");
                tell(calls.clone(), (true, n), deeds).await;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        drop((calls, alarms));
        calling.await.expect("it ends");
        alarming.await.expect("it ends");
        let took = std::mem::take(&mut *took.lock().expect("nobody panicked"));
        assert_eq!(took.len(), SENSORS + PRESSES, "each was promised");
        let presses: Vec<(Duration, Instant)> =
            took.iter().filter(|((is_call, _), _)| *is_call).map(|(_, when)| *when).collect();
        assert!(presses.is_sorted_by_key(|(_, done)| *done), "presses are promised in their order");
        let mut sensors: Vec<Duration> =
            took.iter().filter(|((is_call, _), _)| !is_call).map(|(_, (took, _))| *took).collect();
        sensors.sort();
        let mut calls: Vec<Duration> = presses.iter().map(|(took, _)| *took).collect();
        calls.sort();
        eprintln!(
            "calls: p50 {:?}, p99 {:?}; sensors: p50 {:?}, p99 {:?}",
            calls[PRESSES / 2],
            calls[PRESSES * 99 / 100],
            sensors[SENSORS / 2],
            sensors[SENSORS * 99 / 100]
        );

        // One alert of the button, raised and then updated; one of each sensor. An event and a state for each change.
        let waiting = desk.waiting(Seq(0), 2 * (SENSORS + PRESSES) + 1).await.expect("the store works");
        let of = |message: &crate::store::Message| -> serde_json::Value {
            serde_json::from_slice(&message.payload).expect("JSON")
        };
        let events: Vec<(String, serde_json::Value)> =
            waiting.iter().map(|(_, message)| (message.topic.clone(), of(message))).collect();
        let about = |kind: &str| {
            let topic = format!("cunkou/v1/s/alert/critical/{kind}/c");
            let told = events.iter().filter(move |(at, _)| *at == topic);
            told.map(|(_, event)| (event["type"].to_string(), event["cunkourev"].as_u64()))
                .collect::<Vec<_>>()
        };
        let calls = about("panic-button");
        assert_eq!(calls.len(), PRESSES);
        assert!(calls[0].0.contains("raised") && calls[1..].iter().all(|(kind, _)| kind.contains("updated")));
        assert!(calls.windows(2).all(|two| two[0].1 < two[1].1), "{calls:?}");
        let sensors = events.iter().filter(|(topic, _)| topic.starts_with("cunkou/v1/s/alert/warning/"));
        assert_eq!(sensors.count(), SENSORS);
        drop((filings, happenings, desk));
        office.await.expect("it ends");
        thread.stop(Duration::from_secs(5)).await;
    }
}
