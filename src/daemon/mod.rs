//! Start order and stop order: one station's daemon, put together.
//!
//! ```text
//! start: store ▶ model, decoders ▶ broker ▶ courier, links ▶ bookkeeper ▶ archive, index ▶ chronicler ▶ office ▶ hearer ▶ page ▶ writers ▶ lanes
//! stop:  hearer, lanes ▶ writers ▶ pools ▶ office ▶ courier, links ▶ bookkeeper, chronicler ▶ archive ▶ store ▶ page ▶ index ▶ broker
//! ```
//! Whoever promises is stopped before who keeps the promise. Owns no logic but that.

mod abroad;
mod alert_shelf;
mod bookkeeper;
mod chronicler;
pub mod clerk;
mod clip_finder;
mod clock_watch;
mod devices;
mod draughtsman;
mod fleet_watch;
mod happenings;
mod hearer;
mod herald;
mod indexer;
mod lookout;
mod neighbours;
mod office;
mod orders;
mod pictures;
mod process;
mod recordings;
mod shelves;
mod steward;
mod teller;
mod viewing;

pub use crate::time::Trust;
pub use happenings::Happenings;
pub use orders::Orders;
pub use process::raise_file_limit;

use std::{
    fs::DirBuilder,
    io,
    net::SocketAddr,
    os::unix::fs::DirBuilderExt,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::{Instant, timeout, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    abroad::Commands,
    alert_shelf::AlertShelf,
    bookkeeper::Bookkeeper,
    chronicler::Chronicler,
    clerk::{Clerk, Record},
    clip_finder::ClipFinder,
    clock_watch::{CLOCK_MIN, ClockWatch},
    devices::Switchboard,
    draughtsman::Draughtsman,
    hearer::{Hearer, Listeners, Void},
    herald::Herald,
    indexer::Indexer,
    lookout::Lookout,
    neighbours::Neighbours,
    office::Office,
    recordings::Recordings,
    steward::Steward,
    viewing::CameraFeeds,
};
use crate::{
    account::Register,
    alert::{Ongoing, Source},
    archive::{Archivist, Recovery, Started},
    camera::{Limits, Pace},
    config::{Broker, Config},
    console::{self, ALERTS_MAX, Access, Board, Console, Gallery, Journal, Live, Rooms},
    decode::Backend,
    detect::{self, Model, Runtime},
    device::Devices,
    duty::Presence,
    evidence::Evidence,
    flow::Pool,
    id::{CameraId, Mint, PostId, StationId},
    index::{IndexError, LibrarianThread},
    lane::{self, EyeJob, Surroundings},
    metrics::Metrics,
    mqtt::{
        ConnectionSettings, Hearing, Ways, deliver,
        ear::Ear,
        embedded::{self, BrokerError, EmbeddedBroker},
        payload::{AlertData, Letterhead, ModelData},
        wire::Writer,
    },
    neighbour::{Inbox, Links, Post, Sharing, foreign, requests::Requests},
    record::Writers,
    store::{Desk, DeskThread, Ledger, LedgerError, Outbox, Refused, SledLedger, Space},
    time::{Clock, Wall},
    watchman::Watchman,
    zones::Cameras,
};

/// Verdicts of all lanes that wait for the clerk; then they wait in their lanes.
const FILINGS_MAX: usize = 64;
/// Words on cameras' health that wait to be told; then lanes keep the newest.
const HEALTH_MAX: usize = 256;
/// Words of cameras before which somebody has come that wait to be passed on; then they are dropped.
const NUDGES_MAX: usize = 64;
/// Intervals of too little analysis that wait for the bookkeeper; then they are dropped and counted (`analysis_intervals_lost`): two of each camera of a large
/// fleet, since a stop tells all at once.
const INTERVALS_MAX: usize = 2048;
/// Alerts whose clips are sought, and those that were found: they wait, and are sought again where there is no room.
const CLIPS_SOUGHT_MAX: usize = 256;
/// Passages and alerts that wait for the chronicler; then they are dropped and counted (`seen_lost`): some of each camera of a large fleet, since a stop tells
/// all at once.
const SEEN_MAX: usize = 4096;
/// Answers that wait for the courier.
const ANSWERS_MAX: usize = 64;
/// Words of posts that come and go that wait for the office; then who hears them waits.
const PRESENCE_MAX: usize = 64;
/// Cameras that were drawn anew and wait for the office: one is drawn after the other.
const REDRAWN_MAX: usize = 1;
/// Devices of which something is on record, at most: those that are configured, and some that were.
const DEVICES_MAX: usize = 16_384;
/// What happened and waits for a teller: more than a station has devices, or cameras that change at once; then who tells it waits.
const ERRANDS_MAX: usize = 4096;
/// Live messages that wait for the courier.
const LIVE_MAX: usize = 256;
/// Share of the stop's grace that the lanes may take.
const LANES_SHARE: f32 = 0.5;
/// How long the bookkeeper and the chronicler may take for their last notes at a stop, each.
const BOOKS_WITHIN: Duration = Duration::from_secs(3);
/// Kept back from the stop's grace for what comes after the one that is waited for.
const RESERVE: Duration = Duration::from_millis(500);

/// Why the daemon does not start. Nothing is left running.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A folder cannot be made.
    #[error("cannot make the folder {path}: {source}; choose another one under [paths] data")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] LedgerError),
    /// The index of clips.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The model, or what runs it.
    #[error(transparent)]
    Detect(#[from] detect::DetectError),
    /// The decoders.
    #[error(transparent)]
    Decode(#[from] crate::decode::DecodeError),
    /// What is on record of recordings.
    #[error("what is on record of recordings cannot be read: {0}")]
    Archive(#[from] Refused),
    /// What is on record of accounts.
    #[error("what is on record of accounts cannot be read: {0}")]
    Accounts(Refused),
    /// The machine's own token, or the code for the first account.
    #[error(transparent)]
    Access(#[from] console::AccessFileError),
    /// The embedded broker.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// The page.
    #[error(transparent)]
    Console(#[from] console::ConsoleError),
    /// A thread.
    #[error("a thread cannot be started: {0}")]
    Thread(io::Error),
}

/// A daemon at work.
pub struct Daemon {
    board: Arc<Board>,
    access: Arc<Access>,
    console: SocketAddr,
    broker: Option<EmbeddedBroker>,
    grace: Duration,
    ready: Arc<AtomicBool>,
    lanes: JoinSet<()>,
    stop_lanes: CancellationToken,
    eyes: Pool<CameraId, EyeJob>,
    detectors: Pool<CameraId, detect::Job>,
    office: JoinHandle<()>,
    hearer: JoinHandle<()>,
    switchboard: JoinHandle<()>,
    lookout: JoinHandle<()>,
    tellers: Vec<JoinHandle<()>>,
    stop_hearer: CancellationToken,
    clip_finder: JoinHandle<()>,
    herald: JoinHandle<()>,
    steward: JoinHandle<()>,
    writers: Writers,
    recorded: JoinHandle<()>,
    bookkeeper: JoinHandle<()>,
    chronicler: JoinHandle<()>,
    indexer: JoinHandle<()>,
    index: LibrarianThread,
    recovery: JoinHandle<()>,
    stop_recovery: CancellationToken,
    archivist: JoinHandle<()>,
    courier: JoinHandle<()>,
    linked: JoinHandle<()>,
    stop_courier: CancellationToken,
    store: DeskThread,
    page: JoinHandle<io::Result<()>>,
    gallery: JoinHandle<()>,
    viewers: TaskTracker,
    stop_page: CancellationToken,
    orders: Orders,
    happenings: Happenings,
    presence: mpsc::Sender<(PostId, Presence)>,
    broken: CancellationToken,
}

impl Daemon {
    /// Starts everything, in order. Needs a tokio runtime with two workers at least.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        raise_file_limit();
        let config = Arc::new(config);
        let (clock, metrics) = (Clock::start(), Metrics::new());
        let snapshots = config.paths.data.join("snapshots");
        // Photographs of people are for nobody else on this machine.
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&snapshots)
            .map_err(|source| StartError::Folder { path: snapshots.clone(), source })?;
        let outbox = Outbox::open(SledLedger::open(&config.paths.data.join("store"))?)?;

        let model = Model::load(&config.paths.models, &config.detect.model)?;
        let runtime = Runtime::load(config.paths.onnxruntime.as_deref())?;
        let threads = config.detect.threads;
        let detectors =
            detect::start_pool(&runtime, &model, config.detect.provider, threads, metrics.clone())?;
        let backend = Backend::choose(config.decode.hardware)?;
        let workers = (0..config.decode.threads.get()).map(|_| |_: &CameraId, job: EyeJob| job.run());
        let eyes = Pool::start("decode", workers).map_err(StartError::Thread)?;
        tracing::info!(
            model = model.name(),
            detectors = threads,
            decoder = backend.describe(),
            "pixels and model are ready"
        );

        let (broker, address) = match &config.broker {
            Broker::Embedded { listen } => {
                let listen = *listen;
                let started = tokio::task::spawn_blocking(move || embedded::start(listen)).await;
                let broker = started.map_err(|panic| StartError::Thread(io::Error::other(panic)))??;
                let address = broker.address();
                (Some(broker), address)
            }
            Broker::External(address) => (None, address.clone()),
        };
        let listener = console::bind(config.console.listen).await?;
        let console_at = listener.local_addr().unwrap_or(config.console.listen);

        let now = clock.now().wall;
        if now < CLOCK_MIN {
            tracing::error!(clock = %now, "this machine's clock is wrong: alerts will carry wrong times until it is set (timedatectl shows it)");
        }
        let model_data = ModelData { name: model.name().to_owned(), sha256: model.sha256().to_owned() };
        // Without keys and audit log nothing that was recorded is shown to anybody; alerts go on.
        let evidence = Evidence::open(&config.paths.data, &config.station.id, now)
            .inspect_err(|error| {
                tracing::error!(%error, "recordings are shown to nobody until this is mended; alerts are told as ever");
            })
            .ok();
        let (index, index_thread) = shelves::open_index(&config, now)?;
        let (sharing, stale) =
            Sharing::open(&config, outbox.ledger(), now, Mint::from_os(), metrics.clone())?;
        let mut clerk = Clerk::new(&config, model_data.clone(), Mint::from_os()).sharing(sharing);
        let cut_off = clerk.recover(now, outbox.ledger())?;
        let (of_cameras, of_devices): (Vec<Ongoing>, Vec<Ongoing>) =
            clerk.ongoing().into_iter().partition(|ongoing| ongoing.source == Source::State);
        let devices_kept = outbox.ledger().range(&Space::Device.from(), &Space::Device.to(), DEVICES_MAX)?;
        let known = clerk::newest(outbox.ledger(), ALERTS_MAX)?;
        let newest_at = known.first().map(|record| record.data.alert_id.raised_at());
        let mut shown: Vec<AlertData> = known.into_iter().map(Record::shown).collect();
        let (inbox, strangers) = Inbox::open(&config, outbox.ledger(), clerk::kept(&config))?;
        let (inbox, mut stale) = (Arc::new(Mutex::new(inbox)), stale);
        stale.extend(strangers);
        for neighbour in &config.neighbours {
            shown.extend(foreign::newest(outbox.ledger(), &neighbour.id, ALERTS_MAX)?);
        }
        shown.sort_by_key(|alert| std::cmp::Reverse(alert.alert_id));
        shown.truncate(ALERTS_MAX);
        let board = Arc::new(Board::new(&config, shown));
        let (desk, store) = Desk::start(outbox, metrics.clone()).map_err(StartError::Thread)?;

        let register = Register::open(desk.clone()).await.map_err(StartError::Accounts)?;
        let journal = Journal::new(evidence, Arc::clone(&config), clock);
        let access = Arc::new(Access::open(Arc::clone(&config), register, journal.clone(), clock)?);
        let writer = Writer::new(&config.station, now, Mint::from_os());
        let settings = ConnectionSettings::new(&config.station, address, now, Mint::from_os());
        let (live, live_rx) = mpsc::channel(LIVE_MAX);
        let (answers, answers_rx) = mpsc::channel(ANSWERS_MAX);
        let (hearing, heard) = Hearing::new(Ear::of(&config.station.id));
        let stop_courier = CancellationToken::new();
        let broken = CancellationToken::new();
        let ways = Ways { live: live_rx, answers: answers_rx, hearing: Some(hearing) };
        let courier = deliver(settings, desk.clone(), ways, metrics.clone(), clock, stop_courier.clone());
        let courier = tokio::spawn(vital(broken.clone(), courier));
        // What waited for stations that are no neighbours any more; by the next start at the latest.
        desk.promise(stale, Vec::new()).await?;
        let (links, linked) = Links::start(&config, &desk, &metrics, clock, &stop_courier);
        let linked = tokio::spawn(vital(broken.clone(), linked));
        let post = Post::open(desk.clone(), &config).await?;
        let condition = desk.condition();
        // Nothing is deleted for its age before the office has looked at the clock.
        let (trust_tx, trust) = watch::channel(Trust::Doubted);
        let cameras = config.cameras.iter().map(|camera| &camera.id);
        let bookkeeper = Bookkeeper::new(desk.clone(), metrics.clone(), clock, trust.clone(), cameras);
        let (intervals, intervals_rx) = mpsc::channel(INTERVALS_MAX);
        let bookkeeper = tokio::spawn(vital(broken.clone(), bookkeeper.run(intervals_rx)));
        let mint = Mint::from_os();
        let started = Archivist::start(desk.clone(), &config, clock, trust.clone(), metrics.clone(), mint);
        let Started { archive, entries, archivist, told } = started.await?;
        // Up to here the record is made whole by looking at the disks; from here on the recorders tell.
        let recorded_from = clock.now().wall;
        let recovery = Recovery::look(archive.catalog(), &config, recorded_from).await?;
        let starts: Vec<Wall> = config.cameras.iter().map(|camera| recovery.start_of(&camera.id)).collect();
        let archivist = tokio::spawn(vital(broken.clone(), archivist.run(told)));
        let stop_recovery = CancellationToken::new();
        let recovery = recovery.run(archive.clone(), entries.clone(), stop_recovery.clone());
        let recovery = tokio::spawn(vital(broken.clone(), recovery));
        let (clips, clips_rx) = mpsc::channel(SEEN_MAX);
        let indexer = Indexer {
            index: index.clone(),
            catalog: archive.catalog().clone(),
            config: Arc::clone(&config),
            clock,
            trust: trust.clone(),
        };
        let indexer = tokio::spawn(vital(broken.clone(), indexer.run(clips_rx)));
        let chronicler = Chronicler::new(&config, &model, now, metrics.clone(), Some(clips));
        let (seen, seen_rx) = mpsc::channel(SEEN_MAX);
        let chronicler = tokio::spawn(vital(broken.clone(), chronicler.run(seen_rx)));
        let (page_desk, devices_desk) = (desk.clone(), desk.clone());
        let catalog = archive.catalog().clone();
        let (seek_clips, sought_clips) = mpsc::channel(CLIPS_SOUGHT_MAX);
        let (found, found_clips) = mpsc::channel(CLIPS_SOUGHT_MAX);
        let clip_finder = ClipFinder { catalog, recording: config.recording, found };
        let clip_finder = tokio::spawn(vital(broken.clone(), clip_finder.run(sought_clips)));
        let (orders, orders_rx) = orders::orders();
        let (redrawn, redrawn_rx) = mpsc::channel(REDRAWN_MAX);
        let (drawn, seats) = Cameras::new(&config.cameras);
        let drawn = Arc::new(drawn);
        let letterhead = Letterhead::of(&config.station.id, &config.station.node);
        let commands = Commands::new(
            orders.clone(),
            post.clone(),
            Arc::clone(&inbox),
            config.station.id.clone(),
            letterhead.clone(),
            clock,
        );
        let neighbours: Vec<StationId> = config.neighbours.iter().map(|it| it.id.clone()).collect();
        let alerts =
            AlertShelf { desk: desk.clone(), neighbours: neighbours.clone(), commands: commands.clone() };
        let alerts = Arc::new(alerts);
        let requests = Requests::new(desk.clone(), post.clone(), letterhead.clone(), clock);
        let of_neighbours = Neighbours {
            requests: Arc::clone(&requests),
            kept: clerk::kept(&config),
            links,
            post,
            desk: desk.clone(),
            inbox,
            commands: commands.clone(),
            orders: orders.clone(),
            board: Arc::clone(&board),
            clock,
            trust,
            letterhead,
            mint: Mint::from_os(),
            neighbours,
            void: Void::default(),
        };
        let (happenings, happenings_rx) = happenings::happenings();
        let (presence, presence_rx) = mpsc::channel(PRESENCE_MAX);
        let office = Office {
            clerk,
            desk,
            snapshots: snapshots.clone(),
            board: Arc::clone(&board),
            metrics: metrics.clone(),
            clock,
            broken: broken.clone(),
            clock_watch: ClockWatch::new(clock.now(), newest_at),
            trust: trust_tx,
            seek_clips,
            found_clips,
            orders: orders_rx,
            happenings: happenings_rx,
            presence: presence_rx,
            redrawn: redrawn_rx,
            time_zone: config.station.time_zone.clone(),
        };
        let (clerk_tx, filings) = mpsc::channel(FILINGS_MAX);
        let office = tokio::spawn(vital(broken.clone(), office.run(cut_off, filings)));
        let (devices, of_devices_heard) = hearer::listener();
        let (neighbours, from_neighbours) = hearer::listener();
        // Ends with the hearer.
        tokio::spawn(vital(broken.clone(), of_neighbours.run(from_neighbours)));
        let listeners = Listeners { presence: presence.clone(), devices, neighbours };
        let stop_hearer = CancellationToken::new();
        let hearer = Hearer::new(&config.station, commands, listeners, answers, metrics.clone(), clock);
        let hearer = tokio::spawn(vital(broken.clone(), hearer.run(heard, stop_hearer.clone())));
        let mut tellers = Vec::new();
        let mut teller = || {
            let (errands, waiting) = mpsc::channel(ERRANDS_MAX);
            let carried = teller::carry(waiting, happenings.clone());
            tellers.push(tokio::spawn(vital(broken.clone(), carried)));
            errands
        };
        let (calls, alarms, states_told) = (teller(), teller(), teller());
        let (states, states_rx) = mpsc::channel(HEALTH_MAX);
        let watchman = Watchman::new(&config, Mint::from_os(), clock.now());
        let lookout = Lookout { watchman, clock, errands: states_told };
        let lookout = tokio::spawn(vital(broken.clone(), lookout.run(of_cameras, states_rx)));
        let (health, health_rx) = mpsc::channel(HEALTH_MAX);
        let herald = Herald {
            writer,
            board: Arc::clone(&board),
            live,
            states,
            store: condition,
            metrics: metrics.clone(),
            clock,
        };
        let herald = tokio::spawn(vital(broken.clone(), herald.run(health_rx)));

        let (door, words) = devices::door();
        let (ready, stop_page) = (Arc::new(AtomicBool::new(false)), CancellationToken::new());
        let zones = Arc::new(Draughtsman::new(
            Arc::clone(&config),
            Arc::clone(&drawn),
            redrawn,
            journal.clone(),
            clock,
        ));
        let page = Console {
            board: Arc::clone(&board),
            metrics: metrics.clone(),
            desk: page_desk.clone(),
            alerts: Arc::<AlertShelf>::clone(&alerts),
            snapshots,
            ready: Arc::clone(&ready),
            devices: Arc::new(door),
            stop: stop_page.clone(),
            zones,
            listen: console_at,
            access: Arc::clone(&access),
        };
        let (feeds, of_cameras) = viewing::open(&config, &metrics);
        let viewers = TaskTracker::new();
        let gallery =
            Arc::new(Gallery::open(&config, Arc::clone(&drawn), feeds.clone(), backend.clone(), clock));
        let live =
            Live { feeds, gallery: Arc::clone(&gallery), stop: stop_page.clone(), viewers: viewers.clone() };
        let gallery = tokio::spawn(vital(broken.clone(), gallery.keep(stop_page.clone())));
        let rooms = Rooms::new(
            archive.clone(),
            index,
            page_desk,
            Arc::clone(&access),
            alerts,
            requests,
            Arc::clone(&config),
            Arc::clone(&drawn),
            model_data,
            backend.clone(),
            clock,
            live,
        );
        let page = tokio::spawn(console::serve(listener, page, rooms));

        let (steward, shares) = Steward::new(&config, metrics.clone());
        let (nudges, nudged) = mpsc::channel(NUDGES_MAX);
        let steward = tokio::spawn(vital(broken.clone(), steward.run(nudged)));

        let (limits, pace) = (Limits::default(), Pace::default());
        let (mut recordings, told) =
            Recordings::start(&config, clock, limits, pace.clone(), &metrics).map_err(StartError::Thread)?;
        let recorded = tokio::spawn(vital(broken.clone(), recordings::hear(told, entries)));

        let around = Surroundings {
            clock,
            limits,
            pace,
            backend,
            eyes: Arc::clone(eyes.slots()),
            detector: Arc::clone(detectors.slots()),
            facts: model.facts(),
            clerk: clerk_tx,
            health,
            nudges,
            intervals,
            seen,
            metrics,
        };
        let (mut lanes, stop_lanes) = (JoinSet::new(), CancellationToken::new());
        recordings.heed(&archive, &stop_lanes);
        for ((((camera, seat), start), (share, words)), feeds) in
            config.cameras.iter().zip(seats).zip(starts).zip(shares).zip(of_cameras)
        {
            let CameraFeeds { lane: feed, sights, own } = feeds;
            let (filming, own) = recordings.of(camera, start, own, stop_lanes.clone());
            if let Some(own) = own {
                lanes.spawn(vital(broken.clone(), own));
            }
            let (around, stop) = (around.clone(), stop_lanes.clone());
            let kept = (filming, feed, sights);
            let lane = lane::run(seat, Mint::from_os(), share, words, kept, around, stop);
            lanes.spawn(vital(broken.clone(), lane));
        }
        let switchboard = Switchboard {
            devices: Devices::new(&config, &devices_kept, Mint::from_os(), clock.now()),
            clock,
            calls,
            alarms,
            films: recordings.films(),
            archive: archive.clone(),
            desk: devices_desk,
            metrics: around.metrics.clone(),
        };
        let switchboard = switchboard.run(of_devices, of_devices_heard, words, stop_lanes.clone());
        let switchboard = tokio::spawn(vital(broken.clone(), switchboard));
        // The last lane's end is the steward's, and whoever hears of recordings.
        drop(around);
        let Recordings { writers, .. } = recordings;
        ready.store(true, Ordering::Release);
        tracing::info!(station = %config.station.id, cameras = config.cameras.len(), page = %format_args!("http://{console_at}/"), "at work");
        Ok(Self {
            board,
            access,
            console: console_at,
            broker,
            grace: config.station.stop_grace,
            ready,
            lanes,
            stop_lanes,
            eyes,
            detectors,
            office,
            hearer,
            switchboard,
            lookout,
            tellers,
            stop_hearer,
            clip_finder,
            herald,
            steward,
            writers,
            recorded,
            bookkeeper,
            chronicler,
            indexer,
            index: index_thread,
            recovery,
            stop_recovery,
            archivist,
            courier,
            linked,
            stop_courier,
            store,
            page,
            gallery,
            viewers,
            stop_page,
            orders,
            happenings,
            presence,
            broken,
        })
    }

    /// What viewers see.
    pub fn board(&self) -> &Arc<Board> {
        &self.board
    }

    /// Where commands about alerts are given.
    pub fn orders(&self) -> &Orders {
        &self.orders
    }

    /// Where what no lane saw is told.
    pub fn happenings(&self) -> &Happenings {
        &self.happenings
    }

    /// Where it is told that a post came or went.
    pub fn presence(&self) -> &mpsc::Sender<(PostId, Presence)> {
        &self.presence
    }

    /// Who may in.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// Where the page is served.
    pub fn console(&self) -> SocketAddr {
        self.console
    }

    /// The broker inside of this process, if there is one.
    pub fn broker(&self) -> Option<&EmbeddedBroker> {
        self.broker.as_ref()
    }

    /// Returns once a part of the daemon has panicked: what is left would look alive, and not do its work. Whoever runs the daemon
    /// stops it then, and lets it be started again.
    pub async fn broken(&self) {
        self.broken.cancelled().await;
    }

    /// Stops everything, in order, within the station's grace. What was promised and not delivered is delivered after the next start.
    pub async fn stop(self) {
        let began = Instant::now();
        let deadline = began + self.grace.saturating_sub(RESERVE);
        // A camera that does not let go must not use up the time of those who keep promises.
        let lanes_deadline = began + self.grace.mul_f32(LANES_SHARE);
        self.ready.store(false, Ordering::Release);
        self.stop_lanes.cancel();
        // What is asked of the office from now on is asked again after the start.
        self.stop_hearer.cancel();
        let mut lanes = self.lanes;
        let joined = async {
            while let Some(ended) = lanes.join_next().await {
                if let Err(panic) = ended {
                    tracing::error!(%panic, "a camera's lane ended badly");
                }
            }
        };
        if timeout_at(lanes_deadline, joined).await.is_err() {
            tracing::error!("the cameras did not stop in time; alerts that were not promised yet are lost");
        }
        // Each recorder has had its last word; what has not is closed now.
        let writers = self.writers;
        join("the writers of recordings", deadline, tokio::task::spawn_blocking(move || writers.stop()))
            .await;
        join("who hears of recordings", deadline, self.recorded).await;
        // Nobody is left who waits for a pool, so that joining it takes one job at most.
        let (eyes, detectors) = (self.eyes, self.detectors);
        let pools = tokio::task::spawn_blocking(move || {
            eyes.stop();
            detectors.stop();
        });
        join("the pools", deadline, pools).await;
        join("who hears commands", deadline, self.hearer).await;
        join("who hears of devices", deadline, self.switchboard).await;
        join("the clerk", deadline, self.office).await;
        join("the finder of clips", deadline, self.clip_finder).await;
        join("the herald", deadline, self.herald).await;
        join("the lookout", deadline, self.lookout).await;
        for teller in self.tellers {
            join("a teller", deadline, teller).await;
        }
        join("the steward", deadline, self.steward).await;
        self.stop_courier.cancel();
        join("the delivery", deadline, self.courier).await;
        join("the links to neighbours", deadline, self.linked).await;
        // The record of analysis is no promise: a lane that does not let go, and a store that is stuck, are not waited for any longer.
        join("the bookkeeper", deadline.min(Instant::now() + BOOKS_WITHIN), self.bookkeeper).await;
        join("the chronicler", deadline.min(Instant::now() + BOOKS_WITHIN), self.chronicler).await;
        // What is not in the index yet is found in the logs at the next start.
        join("the indexer", deadline.min(Instant::now() + BOOKS_WITHIN), self.indexer).await;
        self.stop_recovery.cancel();
        join("the recovery", deadline, self.recovery).await;
        join("the archivist", deadline, self.archivist).await;
        let left = deadline.saturating_duration_since(Instant::now());
        if timeout(left + RESERVE, self.store.stop(left)).await.is_err() {
            tracing::error!("the store did not stop in time; what it had promised is on the disk");
        }
        self.stop_page.cancel();
        match timeout(RESERVE, self.page).await {
            Ok(Ok(Ok(()))) | Err(_) => {}
            Ok(Ok(Err(error))) => tracing::warn!(%error, "the page ended badly"),
            Ok(Err(panic)) => tracing::error!(%panic, "the page ended badly"),
        }
        join("the gallery", Instant::now() + RESERVE, self.gallery).await;
        self.viewers.close();
        // Whoever is still there has had its time for a good-bye.
        let _ = timeout(RESERVE, self.viewers.wait()).await;
        if timeout(RESERVE, self.index.stop()).await.is_err() {
            tracing::error!(
                "the index of clips did not stop in time; the next start compares it with the logs"
            );
        }
        if let Some(broker) = self.broker {
            broker.stop();
        }
        tracing::info!(took_ms = began.elapsed().as_millis() as u64, "stopped");
    }
}

/// Runs a part without which the daemon is no daemon; says so where it panics.
async fn vital<F: Future>(broken: CancellationToken, part: F) -> F::Output {
    struct Watch(CancellationToken);
    impl Drop for Watch {
        fn drop(&mut self) {
            if std::thread::panicking() {
                tracing::error!(
                    "a part of the daemon panicked: this is a bug, and the daemon is of no use without it"
                );
                self.0.cancel();
            }
        }
    }
    let _watch = Watch(broken);
    part.await
}

async fn join<T>(what: &str, deadline: Instant, task: JoinHandle<T>) {
    match timeout_at(deadline, task).await {
        Ok(Ok(_)) => {}
        Ok(Err(panic)) => tracing::error!(%panic, "{what} ended badly"),
        Err(_) => tracing::error!("{what} did not end in time"),
    }
}
