//! What is deleted and what is held.

use super::*;

#[tokio::test]
async fn what_is_too_old_goes_and_leaves_a_word() {
    let world = World::new(None);
    let mut life = world.begin().await;
    let told = segments(&world, "gate", &[60, 59, 55, 47, 3]);
    life.tell(told.iter().cloned().map(Entry::Segment)).await;
    world.trust.send_replace(Trust::Doubted);
    life.archivist.sweep().await;
    assert_eq!(life.begins("gate").await.len(), 5, "the clock is doubted");
    world.trust.send_replace(Trust::Believed);
    life.archivist.sweep().await;
    assert_eq!(life.begins("gate").await, [told[3].from, told[4].from]);
    let is_there = |segment: &Segment| world.volume().join(&segment.path).exists();
    assert_eq!(told.iter().map(is_there).collect::<Vec<_>>(), [false, false, false, true, true]);
    let catalog = life.archive.catalog();
    let gaps = catalog.gaps_on_record(&id("gate"), world.ago(90), world.ago(0)).await.expect("reads");
    let times: Vec<_> = gaps.iter().map(|gap| (gap.from, gap.to, gap.cause)).collect();
    let expected =
        [(told[0].from, told[1].to, GapCause::Deleted), (told[2].from, told[2].to, GapCause::Deleted)];
    assert_eq!(times, expected, "those that touch are one");
    let deletions = catalog.deletions(&id("gate"), world.ago(90), world.ago(0)).await.expect("reads");
    assert_eq!(deletions.len(), 3);
    assert_eq!(
        (deletions[0].rule, deletions[0].chain_sha256),
        (Rule::Age, Recorded::chain_of(&told[0].fragments))
    );
    assert_eq!(life.archivist.tallies[&volume()], Tally { bytes: 2000, segments: 2 });
    life.end().await;
}

#[tokio::test]
async fn a_deletion_that_a_kill_interrupts_is_finished_at_the_next_start() {
    let world = World::new(None);
    let mut life = world.begin().await;
    let segment = world.segment("gate", world.ago(60), 1000);
    life.tell([Entry::Segment(segment.clone())]).await;
    let head =
        life.archive.catalog().segment_at(&id("gate"), segment.from).await.expect("reads").expect("there");
    let (deletion, place) = Deletion::of(&head, Rule::Age, world.clock.now().wall);
    life.archivist.put(vec![deletion.under_way(&place)]).await.expect("written");
    let file = world.volume().join(&segment.path);
    assert!(file.exists());
    // Killed before the file was gone, or after it: nothing is wrong.
    for _ in 0..2 {
        let (mut findings, now) = (Vec::new(), world.clock.now().wall);
        let mut tell = |finding| findings.push(finding);
        audit(life.archive.catalog(), &world.config, Depth::Names, now, &mut tell).await.expect("reads");
        assert_eq!(findings, [Finding::Left(Left::Deletion { path: file.clone() })]);
        let _ = fs::remove_file(&file);
    }
    life.end().await;
    let life = world.begin().await;
    assert!(!world.volume().join(&segment.path).exists());
    assert_eq!(life.begins("gate").await, []);
    let left = life.archive.catalog().step(&mut keys::deletions(Stage::UnderWay)).await.expect("reads");
    assert_eq!(left, []);
    assert_eq!(life.archivist.tallies[&volume()], Tally::default());
    life.end().await;
}

#[tokio::test]
async fn a_volume_that_is_short_loses_its_oldest_and_then_stops_recording() {
    let world = World::new(Some(64 << 20));
    let mut life = world.begin().await;
    let mut pressure = life.archive.pressure(&volume()).expect("it is configured");
    let with =
        |camera: &str, hours: u32| Segment { bytes: 12 << 20, ..world.segment(camera, world.ago(hours), 10) };
    // 60 MiB: 4 are left, which is less than the 16 of headroom; 32 have to be free.
    let told = [with("a", 40), with("b", 39), with("a", 38), with("b", 2), with("a", 1)];
    life.tell(told.iter().cloned().map(Entry::Segment)).await;
    let hold = NewHold {
        camera: id("a"),
        from: told[0].from,
        to: told[0].from.after(Duration::from_secs(1)),
        owner: "Li".into(),
        reason: "a theft".into(),
        case: None,
        review: date(2030, 1, 1),
    };
    let hold = life.archivist.hold(hold).await.expect("held");
    life.archivist.sweep().await;
    assert_eq!(life.begins("a").await, [told[0].from, told[4].from], "one is held, one within its floor");
    assert_eq!(life.begins("b").await, [told[3].from]);
    assert_eq!(*pressure.borrow_and_update(), Pressure::Fine, "there is room again");
    life.tell([Entry::Segment(Segment { bytes: 40 << 20, ..with("b", 3) })]).await;
    for below in [2, 3] {
        life.archivist.sweep().await;
        assert_eq!(*pressure.borrow_and_update(), Pressure::Full { below });
    }
    life.archivist.release(hold.id, "Wang".into(), "closed".into()).await.expect("released");
    life.archivist.sweep().await;
    assert_eq!(life.begins("a").await, [told[4].from]);
    let holds = life.archive.catalog().holds().await.expect("reads");
    assert_eq!(holds[0].release.as_ref().map(|release| release.by.as_str()), Some("Wang"));
    let again = life.archivist.release(hold.id, "Wang".into(), "closed".into()).await;
    assert_eq!(again, Err(HoldError::Released(hold.id)));
    life.end().await;
}

#[tokio::test]
async fn a_hold_outlives_its_daemon_and_protects_what_is_recorded_later() {
    let world = World::new(None);
    let mut life = world.begin().await;
    let hold = NewHold {
        camera: id("gate"),
        from: world.ago(69),
        to: world.ago(51),
        owner: "Li".into(),
        reason: "a theft".into(),
        case: Some("7".into()),
        review: date(2020, 1, 1),
    };
    let hold = life.archivist.hold(hold).await.expect("held");
    life.end().await;
    let mut life = world.begin().await;
    let told = segments(&world, "gate", &[72, 71, 55, 50, 49]);
    life.tell(told.iter().cloned().map(Entry::Segment)).await;
    life.archivist.sweep().await;
    let kept = [told[2].from];
    assert_eq!(life.begins("gate").await, kept, "what only touches its edges is not in it");
    let listed = life.archive.catalog().holds().await.expect("reads");
    assert_eq!(listed, [hold]);
    assert!(listed[0].is_overdue(date(2026, 1, 1)));
    life.end().await;
}

#[tokio::test]
async fn what_lies_beside_recordings_goes_with_the_last_of_the_day() {
    let world = World::new(None);
    let mut life = world.begin().await;
    let told = segments(&world, "gate", &[200, 3]);
    life.tell(told.iter().cloned().map(Entry::Segment)).await;
    let day = |segment: &Segment| world.volume().join(&segment.path).parent().expect("it has one").to_owned();
    for segment in &told {
        fs::write(day(segment).join(days::SEEN_NAME), "x").expect("a file");
    }
    let foreign = world.volume().join("gate/2020-01-01");
    fs::create_dir_all(&foreign).expect("a folder");
    fs::write(foreign.join("unknown.mp4"), "x").expect("a file");
    life.archivist.sweep().await;
    assert!(!day(&told[0]).exists());
    assert!(day(&told[1]).join(days::SEEN_NAME).exists() && day(&told[1]).join(TABLE_NAME).exists());
    assert!(foreign.join("unknown.mp4").exists(), "nobody knows what it is");
    life.end().await;
}
