//! A station with recordings, its packs, and everything that may be done to them.

mod damage;
mod station;

use std::{fs, time::Duration};

use self::station::{NOW, Station, at};
use super::*;
use crate::{
    config::StreamRole,
    record::{Gap, GapCause},
};

fn codes(report: &Report) -> Vec<&'static str> {
    report.faults.iter().map(Fault::code).collect()
}

#[test]
fn a_range_that_was_recorded_in_two_streams_is_no_pack() {
    let mut station = Station::new();
    let mut order = station.order(0, 40);
    order.segments[1].role = StreamRole::Sub;
    let (first, second) = (order.segments[0].clone(), order.segments[1].clone());
    let refused = station.export(&order).unwrap_err();
    let ExportError::Streams { before, until, behind, from, .. } = &refused else { panic!("{refused}") };
    assert_eq!((before, *until, behind, *from), (&StreamRole::Main, first.to, &StreamRole::Sub, second.from));
    assert!(refused.to_string().contains("stream main until"), "{refused}");
    assert!(station.evidence.packs(&station::camera()).unwrap().is_empty());
    // Each of both by itself is one.
    for (no, (from, to)) in [(1, (first.from, first.to)), (2, (second.from, second.to))] {
        let exported = station.export(&Order { from, to, ..order.clone() }).unwrap();
        assert_eq!((exported.no, exported.videos), (no, 1));
        assert_eq!(codes(&check_pack(&exported.path, None).unwrap()), [""; 0]);
    }
}

#[test]
fn what_was_asked_for_is_given_untouched_and_whole() {
    let mut station = Station::new();
    let gap =
        |from, to| Gap { camera: station::camera(), from: at(from), to: at(to), cause: GapCause::Offline };
    let order = Order { gaps: vec![gap(19, 20), gap(50, 60)], ..station.order(7, 24) };
    let exported = station.export(&order).unwrap();
    assert_eq!((exported.no, exported.videos, exported.fragments), (1, 2, 7 + 2));
    assert_eq!((exported.from, exported.to), (at(6), at(24)));
    assert!(exported.differing.is_empty());
    let manifest = station::manifest(&exported.path);
    assert_eq!(manifest.gaps.len(), 1, "only those in the range");
    assert_eq!(manifest.asked.from.local, "2026-03-10T02:04:12.123000+08:00");
    assert_eq!((manifest.purpose.as_str(), manifest.case.as_str()), ("寻找走失老人", "A-1"));
    // The bytes are those of the segment.
    let segment = fs::read(station.volume().join("0.mp4")).unwrap();
    let clip = fs::read(exported.path.join("clip-1.mp4")).unwrap();
    let (init, fragments) = clip.split_at(station::INIT_LEN);
    assert_eq!(init, &segment[..station::INIT_LEN]);
    assert!(segment.ends_with(fragments));
    // A leaf is proven without the others.
    let leaves: Vec<Sum> = manifest.fragments().map(|(_, fragment)| fragment.sha256).collect();
    let proof = merkle::proof(&leaves, 3).unwrap();
    let fragment = &manifest.videos[0].fragments[3];
    let bytes = &clip[fragment.offset as usize..][..fragment.len as usize];
    assert!(merkle::proves(&manifest.merkle.root, 9, 3, &Sum::of(bytes), &proof));

    let report = check_pack(&exported.path, None).unwrap();
    assert_eq!(report.faults, []);
    assert_eq!(report.manifest_sum, Some(exported.manifest));
    assert_eq!(report.signed_by.map(|key| key.id()), Some(exported.key));
    assert_eq!(report.standing, None);
}

#[test]
fn an_export_is_on_record_before_and_after_and_so_is_one_that_failed() {
    let mut station = Station::new();
    let exported = station.export(&station.order(0, 5)).unwrap();
    assert!(matches!(station.export(&station.order(500, 510)), Err(ExportError::Nothing { .. })));
    assert!(matches!(station.export(&station.order(5, 5)), Err(ExportError::Range { .. })));
    let log = station.log();
    let actions: Vec<&str> = log.iter().map(|entry| entry.action.as_str()).collect();
    let expected = ["key-made", "export", "exported", "export", "export-failed", "export", "export-failed"];
    assert_eq!(actions, expected);
    assert_eq!(log[2].results, [exported.manifest.to_string()]);
    assert_eq!((log[1].who.as_str(), log[1].case.as_str()), ("王建国", "A-1"));
    let named = station::manifest(&exported.path).audit;
    assert_eq!(named.seq, 2);
    let walked = station.evidence.verify_log(&[named]).unwrap().unwrap();
    assert_eq!((walked.entries, walked.checkpoints), (7, 3));
    assert!(fs::read_dir(station.out()).unwrap().count() == 1, "nothing half-made is left");
}

#[test]
fn what_is_not_as_recorded_is_given_and_marked() {
    let mut station = Station::new();
    let path = station.volume().join("0.mp4");
    let mut bytes = fs::read(&path).unwrap();
    bytes[station::INIT_LEN + 3 * station::FRAGMENT_LEN] ^= 1;
    bytes.truncate(bytes.len() - station::FRAGMENT_LEN - 1);
    bytes[0] ^= 1;
    fs::write(&path, bytes).unwrap();
    fs::remove_file(station.volume().join("20.mp4")).unwrap();
    let exported = station.export(&station.order(0, 22)).unwrap();
    let told: Vec<(&str, u32, u64)> =
        exported.differing.iter().map(|d| (d.file.as_str(), d.n, d.len)).collect();
    let whole = station::FRAGMENT_LEN as u64;
    let expected = [
        ("clip-1.mp4", 0, station::INIT_LEN as u64),
        ("clip-1.mp4", 4, whole),
        ("clip-1.mp4", 9, whole - 1),
        ("clip-1.mp4", 10, 0),
        ("clip-2.mp4", 0, 0),
        ("clip-2.mp4", 1, 0),
    ];
    assert_eq!(told, expected);
    let page = fs::read_to_string(exported.path.join(manifest::PAGE)).unwrap();
    assert!(page.contains("clip-1.mp4 第 4 段"), "the page says so");
    let report = check_pack(&exported.path, None).unwrap();
    assert_eq!(codes(&report), ["not-as-recorded"; 6]);
    assert!(report.signed_by.is_some());
}

#[test]
fn a_key_that_has_gone_still_speaks_for_its_packs() {
    let mut station = Station::new();
    let before = station.export(&station.order(0, 5)).unwrap();
    let trusted = station.evidence.keyring().unwrap();
    let new = station.evidence.rotate_key(NOW, station::actor(), station::purpose()).unwrap();
    let after = station.export(&station.order(0, 5)).unwrap();
    assert_eq!((after.key, after.no), (new, 2));
    for (pack, trusted, expected) in [
        (&before, &trusted, Standing::Trusted),
        (&after, &trusted, Standing::HandedOver { from: before.key }),
        (&before, &station.evidence.keyring().unwrap(), Standing::Trusted),
        (&after, &station.evidence.keyring().unwrap(), Standing::Trusted),
    ] {
        let report = check_pack(&pack.path, Some(trusted)).unwrap();
        assert_eq!((report.faults, report.standing), (vec![], Some(expected)));
    }
    let other = Station::new().evidence.keyring().unwrap();
    let report = check_pack(&after.path, Some(&other)).unwrap();
    assert_eq!(codes(&report), ["key-untrusted"]);
    assert!(station.evidence.verify_log(&[]).unwrap().is_ok());
}

#[test]
fn a_pack_that_is_kept_back_is_missed() {
    let mut station = Station::new();
    let packs: Vec<Exported> = (0..6).map(|n| station.export(&station.order(n, n + 3)).unwrap()).collect();
    let of = |wanted: &[usize]| {
        let reports: Vec<Report> =
            wanted.iter().map(|n| check_pack(&packs[n - 1].path, None).unwrap()).collect();
        assert!(reports.iter().all(Report::is_whole));
        check_chains(&reports)
    };
    let camera = station::camera;
    assert_eq!(of(&[1, 2, 3, 4, 5, 6]), []);
    assert_eq!(of(&[5, 4, 4, 3]), [], "in any order, and twice");
    assert_eq!(of(&[3, 5]), [ChainFault::Missing { camera: camera(), after: 3, before: 5 }]);
    let fault = &of(&[1, 5, 6])[0];
    assert!(fault.words().en.contains("between no. 1 and no. 5, nos. 2 to 4 of camera gate are missing"));
    assert_eq!(station.evidence.packs(&camera()).unwrap().len(), 6);

    // Another history of the same station: same numbers, another key.
    let mut other = Station::new();
    let theirs: Vec<Exported> = (0..2).map(|n| other.export(&other.order(n, n + 4)).unwrap()).collect();
    let report = |pack: &Exported| check_pack(&pack.path, None).unwrap();
    let forked = check_chains(&[report(&packs[0]), report(&packs[1]), report(&theirs[1])]);
    assert_eq!(forked, [ChainFault::Twice { camera: camera(), no: 2 }]);
    let broken = check_chains(&[report(&packs[0]), report(&theirs[1])]);
    assert_eq!(broken, [ChainFault::Broken { camera: camera(), no: 2 }]);
}

#[test]
fn a_kill_between_number_and_name_loses_no_pack() {
    let mut station = Station::new();
    let first = station.export(&station.order(0, 5)).unwrap();
    // As a kill would leave it.
    let partial = first.path.with_file_name(format!("{}.partial", first.path.file_name().unwrap().display()));
    fs::rename(&first.path, &partial).unwrap();
    // And one that had no number yet.
    let stale = partial.with_file_name("cunkou-gate-20260309T180405Z-no2.partial");
    fs::create_dir(&stale).unwrap();
    fs::write(stale.join("clip.mp4"), "half").unwrap();
    let of_another_range = partial.with_file_name("cunkou-gate-20250309T180405Z-no2.partial");
    let of_another_camera = partial.with_file_name("cunkou-gate-2-20260309T180405Z-no2.partial");
    fs::create_dir(&of_another_range).unwrap();
    fs::create_dir(&of_another_camera).unwrap();
    let second = station.export(&station.order(0, 5)).unwrap();
    assert_eq!(second.no, 2);
    assert_eq!(second.path.file_name().unwrap(), "cunkou-gate-20260309T180405Z-no2");
    assert!(first.path.is_dir() && !partial.exists() && !stale.exists());
    assert!(!of_another_range.exists() && of_another_camera.exists());
    let reports = [&first, &second].map(|pack| check_pack(&pack.path, None).unwrap());
    assert!(reports.iter().all(Report::is_whole), "{:?}", reports[1].faults);
    assert_eq!(check_chains(&reports), []);
}

#[test]
fn nothing_is_written_over_and_a_wrong_clock_signs_nothing() {
    let mut station = Station::new();
    let order = station.order(0, 5);
    let mine = station.out().join("cunkou-gate-20260309T180405Z-no1");
    fs::create_dir_all(&mine).unwrap();
    assert!(matches!(station.export(&order), Err(ExportError::Exists { .. })));
    fs::remove_dir(&mine).unwrap();
    let long_ago = Wall::from_unix_ms(0);
    let open = station.opener();
    let refused = station.evidence.export(long_ago, &order, &open);
    assert!(matches!(refused, Err(ExportError::Clock { .. })));
    assert_eq!(station.evidence.export(NOW, &order, &open).unwrap().no, 1, "no number is lost");
}

#[test]
fn a_volume_that_cannot_be_read_is_no_empty_pack() {
    let mut station = Station::new();
    let order = station.order(0, 5);
    let open = |_: &crate::record::Segment| Err(std::io::ErrorKind::PermissionDenied.into());
    assert!(matches!(station.evidence.export(NOW, &order, &open), Err(ExportError::File(_))));
    assert_eq!(fs::read_dir(station.out()).unwrap().count(), 0);
}

#[test]
fn the_page_runs_no_script_loads_nothing_and_is_not_written_by_those_it_names() {
    let mut station = Station::new();
    let hostile = "<script>alert(1)</script>\"'&";
    let order = Order { purpose: Purpose::new(hostile, hostile).unwrap(), ..station.order(0, 5) };
    let exported = station.export(&order).unwrap();
    let page = fs::read_to_string(exported.path.join(manifest::PAGE)).unwrap();
    assert!(!page.contains("<script") && !page.contains("http:") && !page.contains("https:"));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"));
    assert!(page.contains("default-src 'none'") && page.contains("src=\"clip.mp4\""));
    assert!(page.contains(&exported.key.to_string()));
}

#[test]
fn clones_take_turns() {
    let mut station = Station::new();
    let mut clone = station.evidence.clone();
    let act = || Act {
        actor: station::actor(),
        purpose: station::purpose(),
        action: Action::View,
        what: json!({ "camera": "gate" }),
        results: Vec::new(),
    };
    let seqs: Vec<u64> = (0..6)
        .map(|n| {
            let evidence = if n % 2 == 0 { &mut clone } else { &mut station.evidence };
            evidence.record(NOW.after(Duration::from_secs(n)), &act()).unwrap().seq
        })
        .collect();
    assert_eq!(seqs, [2, 3, 4, 5, 6, 7]);
    assert_eq!(station.evidence.verify_log(&[]).unwrap().unwrap().entries, 7);
}
