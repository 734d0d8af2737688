//! A daemon that is killed again and again: what it has shown to anybody is there, and what it has not recorded is explained.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng, rngs::SmallRng, seq::IndexedRandom};
use serde_json::Value;

use crate::{
    broker::free_port,
    film, http, need_model,
    program::{Program, cunkou, signal},
    station::{Station, Street},
    until,
};

const ASKED: &str = "who=Li&unit=station&purpose=a+tricycle+was+stolen&case=2026-0312";
const EVER: &str = "from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z";
/// The street has so many visits.
const VISITS: usize = 6;
/// Files that are played to their last fragment.
const PLAYED: usize = 40;

/// What became of it.
#[derive(Default)]
struct Tally {
    kills: usize,
    starts_ms_max: u128,
    pages: usize,
    left: usize,
    shown: BTreeSet<String>,
}

/// So many cameras and kills as `CUNKOU_SOAK_CAMERAS` and `CUNKOU_SOAK_KILLS` say; few without them. `make soak` asks for many.
#[test]
fn soak_nothing_that_was_shown_is_lost_by_kills_and_each_second_is_explained() {
    need_model();
    let number = |name: &str, usual: usize| {
        std::env::var(name)
            .map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
    };
    let (cameras, kills) = (number("CUNKOU_SOAK_CAMERAS", 3), number("CUNKOU_SOAK_KILLS", 3));
    let mut random = SmallRng::seed_from_u64(number("CUNKOU_SOAK_SEED", 3) as u64);
    let ids: Vec<String> = (1..=cameras).map(|n| format!("gate-{n}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let (street, broker) = (Street::fleet(&ids), free_port());
    let station = Station::new(&street.cameras(&ids), broker);
    station.embed_broker(broker);
    station.change(
        "[village.upper]",
        "[recording]\nwhen = \"always\"\nsegment_s = 10\n[volume.disk]\npath = \"recordings\"\nkeep_free_gb = 0.05\n[village.upper]",
    );

    let mut tally = Tally::default();
    while tally.kills < kills {
        let mut call = |random: &mut SmallRng| {
            for _ in 0..cameras.div_ceil(2) {
                street.call(ids.choose(random).expect("there are cameras"), random.random_range(0..VISITS));
            }
        };
        run_until_killed(&station, &mut random, &mut tally, &mut call);
        if tally.kills <= 3 || tally.kills.is_multiple_of(20) {
            tally.left += what_a_kill_leaves_is_not_wrong(&station);
            println!("{} kills, {} clips shown", tally.kills, tally.shown.len());
        }
    }

    let (program, page) = Program::run(&station.file);
    for id in &ids {
        until("each second is explained", || is_explained(page, id).ok());
    }
    until("every clip that was shown is there", || {
        let mut there = BTreeSet::new();
        page_through(page, &mut there, &mut 0)?;
        let missing: Vec<&String> = tally.shown.difference(&there).collect();
        missing.is_empty().then_some(())
    });
    program.signal("TERM");
    assert_eq!(program.ended().code, Some(0));
    let config = station.file.display().to_string();
    let checked = cunkou(&["check", "--store", "--deep", "--json", "--config", &config]);
    assert_eq!(checked.code, Some(0), "{:#?}", checked.out);
    assert!(!checked.out.iter().any(|line| line.contains("\"left\",")), "{:#?}", checked.out);
    let mut files = film::files(&station.path("recordings"));
    // Nothing of these was ever whole.
    files.retain(|path| !path.starts_with(station.path("recordings/damaged")));
    for file in files.choose_multiple(&mut random, PLAYED) {
        let (fragments, behind) = film::play(file);
        assert!(fragments > 0 && behind == 0, "{}: {fragments}, {behind}", file.display());
    }
    assert!(files.len() >= kills, "{} files", files.len());
    let Tally { kills, starts_ms_max, pages, left, shown } = &tally;
    assert!(!shown.is_empty(), "somebody passed");
    println!(
        "{cameras} cameras, {kills} kills, starts of {starts_ms_max} ms at most, {} clips shown on {pages} pages, {} files, {left} things left when it was looked",
        shown.len(),
        files.len()
    );
    checked.out.iter().for_each(|line| println!("{line}"));
}

/// A run that is killed at a moment that nobody knows, while people are called and somebody pages through the clips: on its way up, or seconds later.
fn run_until_killed(
    station: &Station,
    random: &mut SmallRng,
    tally: &mut Tally,
    call: &mut dyn FnMut(&mut SmallRng),
) {
    let began = Instant::now();
    let program = Program::start(&["run", "--config", &station.file.display().to_string()]);
    // Now and then it lives for as long as it takes that somebody has passed.
    let is_long = tally.kills.is_multiple_of(3);
    tally.kills += 1;
    if !is_long && random.random_bool(0.1) {
        thread::sleep(Duration::from_millis(random.random_range(0..1500)));
        return program.kill();
    }
    let (program, page) = program.at_work();
    call(random);
    tally.starts_ms_max = tally.starts_ms_max.max(began.elapsed().as_millis());
    let lives_ms = if is_long { 15_000..25_000 } else { 200..9000 };
    let (pid, lives) = (program.id(), Duration::from_millis(random.random_range(lives_ms)));
    let killer = thread::spawn(move || {
        thread::sleep(lives);
        signal(pid, "KILL");
    });
    while page_through(page, &mut tally.shown, &mut tally.pages).is_some() {
        thread::sleep(Duration::from_millis(100));
    }
    killer.join().expect("it runs until then");
    assert_eq!(program.ended().code, None, "it was killed");
}

/// All clips, page by page. `None`: it was killed meanwhile; what it has shown until then is shown.
fn page_through(page: SocketAddr, shown: &mut BTreeSet<String>, pages: &mut usize) -> Option<()> {
    let mut after = String::new();
    loop {
        let answer = http::try_get(page, &format!("/api/v1/clips?{ASKED}&limit=50{after}"))?;
        // Not at work yet, or the machine has too much to do.
        if answer.status != 200 {
            return Some(());
        }
        let clips = answer.json();
        *pages += 1;
        let ids = clips["clips"].as_array().into_iter().flatten();
        shown.extend(ids.filter_map(|clip| clip["id"].as_str().map(str::to_owned)));
        match clips["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return Some(()),
        }
    }
}

/// Says how much a kill has left.
fn what_a_kill_leaves_is_not_wrong(station: &Station) -> usize {
    // One that was killed on its way up may have made no store yet.
    if !station.path("data/store").is_dir() || !station.path("data/index").is_dir() {
        return 0;
    }
    let checked = cunkou(&["check", "--store", "--json", "--config", &station.file.display().to_string()]);
    assert_eq!(checked.code, Some(0), "{:#?}\n{:#?}", checked.out, checked.log);
    checked.out.iter().filter(|line| line.contains("\"type\":\"left\"")).count()
}

/// From the first that is known of a camera on, its time line has no hole: each second is recorded, being recorded, or a gap with a cause.
fn is_explained(page: SocketAddr, camera: &str) -> Result<(), Value> {
    let line = http::get(page, &format!("/api/v1/cameras/{camera}/timeline?{EVER}")).json();
    let stretches = line["stretches"].as_array().cloned().unwrap_or_default();
    let of =
        |stretch: &Value| stretch["cause"].as_str().or(stretch["what"].as_str()).unwrap_or("").to_owned();
    // Before the first nobody was there.
    let known = stretches.iter().skip_while(|stretch| of(stretch) == "missing");
    let known: Vec<&Value> = known.collect();
    let whole = known.windows(2).all(|pair| pair[0]["to"] == pair[1]["from"]);
    let recorded = known.iter().any(|stretch| of(stretch) == "recorded");
    let explained = known.iter().all(|stretch| !["missing", ""].contains(&&*of(stretch)));
    if whole && recorded && explained { Ok(()) } else { Err(line) }
}
