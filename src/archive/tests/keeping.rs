//! What is told, and how it is read.

use super::*;

#[tokio::test]
async fn what_is_told_is_found_again_with_its_fragments() {
    let world = World::new(None);
    let mut life = world.begin().await;
    let told = segments(&world, "gate", &[5, 4, 2]);
    let other = world.segment("road", world.ago(4), 10);
    let gap = Gap { camera: id("gate"), from: told[1].to, to: told[2].from, cause: GapCause::Offline };
    let entries = told.iter().cloned().map(Entry::Segment);
    life.tell(entries.chain([Entry::Segment(other), Entry::Gap(gap.clone())])).await;
    let catalog = life.archive.catalog().clone();
    let (now, mid) = (world.clock.now().wall, told[0].from.after(HOUR / 2));
    let page = catalog.segments(&id("gate"), mid, told[1].from.after(HOUR / 2)).await.expect("reads");
    assert_eq!(page.segments.iter().map(|s| s.from).collect::<Vec<_>>(), [told[0].from, told[1].from]);
    assert_eq!(catalog.segment(&page.segments[0]).await.expect("reads"), told[0]);
    let found = catalog.segment_at(&id("gate"), mid).await.expect("reads");
    assert_eq!(found, Some(page.segments[0].clone()));
    assert_eq!(catalog.segment_at(&id("gate"), told[1].to).await.expect("reads"), None, "that is a gap");
    let line = catalog.coverage(&id("gate"), mid, now.after(HOUR), now).await.expect("reads");
    let expected = [
        (told[1].to, What::Recorded),
        (told[2].from, What::Gap(GapCause::Offline)),
        (told[2].to, What::Recorded),
    ];
    assert_eq!(line[..3].iter().map(|s| (s.to, s.what)).collect::<Vec<_>>(), expected);
    assert_eq!(
        (line[3].to, line[3].what),
        (now, What::Gap(GapCause::Missing)),
        "nobody tells of what is to come"
    );
    assert_eq!(catalog.cameras().await.expect("reads"), [id("gate"), id("road")]);
    life.end().await;
}

#[tokio::test]
async fn what_is_told_twice_is_on_record_once() {
    let world = World::new(None);
    let mut life = world.begin().await;
    let segment = world.segment("gate", world.ago(3), 1000);
    for bytes in [1000, 1000, 700] {
        life.tell([Entry::Segment(Segment { bytes, ..segment.clone() })]).await;
    }
    assert_eq!(life.archivist.tallies[&volume()], Tally { bytes: 700, segments: 1 });
    assert_eq!(life.archive.catalog().tallies().await.expect("reads"), life.archivist.tallies);
    let mut gap = Gap {
        camera: id("gate"),
        from: segment.to,
        to: segment.to.after(HOUR / 9),
        cause: GapCause::Offline,
    };
    life.tell([Entry::Gap(gap.clone())]).await;
    gap.to = segment.to.after(HOUR / 4);
    life.tell([Entry::Gap(gap.clone())]).await;
    let gaps = life.archive.catalog().gaps_on_record(&id("gate"), world.ago(9), world.ago(0)).await;
    assert_eq!(gaps.expect("reads"), [gap]);
    life.end().await;
}

#[tokio::test]
async fn many_entries_share_a_sync_and_wait_for_a_store_that_is_stuck() {
    let world = World::new(None);
    let mut life = world.begin().await;
    let first = world.disk.commits();
    world.disk.set_fault(crate::store::Fault::Full);
    life.tell(segments(&world, "gate", &[90, 80, 70, 60, 50, 40, 30, 20]).into_iter().map(Entry::Segment))
        .await;
    assert_eq!(life.begins("gate").await, []);
    world.disk.set_fault(crate::store::Fault::None);
    life.archivist.write().await;
    assert_eq!((life.begins("gate").await.len(), world.disk.commits()), (8, first + 1));
    life.end().await;
}

#[tokio::test]
async fn gaps_are_told_by_the_page() {
    let world = World::new(None);
    let mut life = world.begin().await;
    let start = world.ago(100);
    let at = |minutes: u32| start.after(HOUR * minutes / 60);
    let gap = |camera: &str, from, to, cause| {
        Entry::Gap(Gap { camera: id(camera), from: at(from), to: at(to), cause })
    };
    use GapCause::{Offline, Stopped};
    life.tell([
        gap("a", 0, 10, Offline),
        gap("a", 10, 20, Offline),
        gap("a", 20, 30, Stopped),
        gap("b", 0, 30, Stopped),
        gap("c", 5, 7, Offline),
    ])
    .await;
    let all = Question {
        cameras: vec![],
        from: at(0),
        to: at(30),
        causes: vec![],
        length_min: Duration::ZERO,
        after: None,
        limit: 2,
    };
    let now = world.clock.now().wall;
    let (mut asked, mut told) = (all.clone(), Vec::new());
    loop {
        let page = life.archive.catalog().gaps(&asked, now).await.expect("reads");
        assert!(page.gaps.len() <= 2);
        told.extend(page.gaps.iter().map(|gap| {
            let minute = |wall: Wall| wall.us_since(start) / 60_000_000;
            format!("{} {}..{} {}", gap.camera, minute(gap.from), minute(gap.to), gap.cause.as_str())
        }));
        let Some(next) = page.next else { break };
        // As it is after it went through a URL.
        asked.after = Some(next.to_string().parse().expect("a place"));
    }
    let expected = [
        "a 0..20 offline",
        "a 20..30 stopped",
        "b 0..30 stopped",
        "c 0..5 missing",
        "c 5..7 offline",
        "c 7..30 missing",
    ];
    assert_eq!(told, expected);
    let some = Question {
        cameras: vec![id("c"), id("a")],
        causes: vec![Offline],
        length_min: HOUR / 20,
        limit: 9,
        ..all
    };
    let page = life.archive.catalog().gaps(&some, now).await.expect("reads");
    assert_eq!((page.gaps.len(), page.gaps[0].to, page.next), (1, at(20), None));
    life.end().await;
}
