//! Everything that may be done to a pack, and what is said of it.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use proptest::prelude::*;

use super::{
    super::{manifest::*, *},
    codes,
    station::{self, FRAGMENT_LEN, INIT_LEN, Station},
};

/// A pack of two videos, made once: name → bytes.
static PACK: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let mut station = Station::new();
    let exported = station.export(&station.order(7, 24)).unwrap();
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(&exported.path)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
});

fn laid_out() -> (tempfile::TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let pack = root.path().join("pack");
    fs::create_dir(&pack).unwrap();
    PACK.iter().for_each(|(name, bytes)| fs::write(pack.join(name), bytes).unwrap());
    (root, pack)
}

/// What is said of the pack after `damage`.
fn after(damage: impl FnOnce(&Path)) -> Report {
    let (_root, pack) = laid_out();
    damage(&pack);
    check_pack(&pack, None).unwrap()
}

fn edit(path: PathBuf, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(&path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// Changes the manifest and signs it anew, with a key and a keyring of one's own.
fn sign_anew(pack: &Path, secret: &SecretKey, change: impl FnOnce(&mut Manifest)) {
    let mut manifest = station::manifest(pack);
    let keyring = Keyring::new(manifest.station.id.clone(), secret, manifest.created.utc).to_bytes();
    manifest.key = secret.public().id();
    manifest.files[0] = FileFacts::of(KEYRING, &keyring);
    change(&mut manifest);
    let bytes = manifest.to_bytes();
    fs::write(pack.join(KEYRING), keyring).unwrap();
    fs::write(pack.join(SIGNATURE), secret.sign(&bytes).0).unwrap();
    fs::write(pack.join(MANIFEST), bytes).unwrap();
}

fn forged(change: impl FnOnce(&mut Manifest)) -> Report {
    after(|pack| sign_anew(pack, &SecretKey::make().unwrap(), change))
}

#[test]
fn the_pack_is_whole_before() {
    assert_eq!(after(|_| ()).faults, []);
    let names: Vec<&str> = PACK.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["clip-1.mp4", "clip-2.mp4", PAGE, KEYRING, MANIFEST, SIGNATURE]);
}

#[test]
fn a_flipped_byte_names_file_fragment_and_time() {
    let report = after(|pack| {
        edit(pack.join("clip-1.mp4"), |bytes| bytes[INIT_LEN + 2 * FRAGMENT_LEN + 7] ^= 0x10);
    });
    let from = station::at(6 + 4);
    let expected = Fault::Fragment { file: "clip-1.mp4".into(), n: 3, from, holds: None };
    assert_eq!(report.faults, [expected]);
    let words = report.faults[0].words();
    assert!(words.en.contains("fragment 3 of clip-1.mp4 (from 2026-03-09T18:04:15.123Z)"), "{words}");
    let init = after(|pack| edit(pack.join("clip-2.mp4"), |bytes| bytes[0] ^= 1));
    assert_eq!(init.faults, [Fault::Init { file: "clip-2.mp4".into() }]);
}

#[test]
fn swapped_fragments_are_each_found_in_the_others_place() {
    let swap = |bytes: &mut Vec<u8>| {
        let (a, b) = bytes[INIT_LEN..].split_at_mut(FRAGMENT_LEN);
        a.swap_with_slice(&mut b[..FRAGMENT_LEN]);
    };
    let report = after(|pack| edit(pack.join("clip-1.mp4"), swap));
    let holds = |fault: &Fault| match fault {
        Fault::Fragment { n, holds, .. } => (*n, holds.clone()),
        other => panic!("{other:?}"),
    };
    let in_place = |n| Some(("clip-1.mp4".to_owned(), n));
    assert_eq!(report.faults.iter().map(holds).collect::<Vec<_>>(), [(1, in_place(2)), (2, in_place(1))]);
}

#[test]
fn what_is_cut_off_and_what_is_too_much_is_counted() {
    let file = || "clip-1.mp4".to_owned();
    let expected = (INIT_LEN + 7 * FRAGMENT_LEN) as u64;
    let cut = |len: usize| after(|pack| edit(pack.join(file()), |bytes| bytes.truncate(len))).faults;
    let truncated = |found: usize, n, from| {
        let first = Some((n, station::at(from)));
        vec![Fault::Truncated { file: file(), expected, found: found as u64, first }]
    };
    assert_eq!(cut(INIT_LEN + 2 * FRAGMENT_LEN), truncated(INIT_LEN + 2 * FRAGMENT_LEN, 3, 10));
    assert_eq!(cut(INIT_LEN + 7 * FRAGMENT_LEN - 1), truncated(INIT_LEN + 7 * FRAGMENT_LEN - 1, 7, 18));
    assert_eq!(cut(3), truncated(3, 1, 6));
    assert_eq!(cut(0), truncated(0, 1, 6));
    let more = after(|pack| edit(pack.join(file()), |bytes| bytes.extend([0; 5])));
    assert_eq!(more.faults, [Fault::TooLong { file: file(), extra: 5 }]);
}

#[test]
fn each_file_that_is_missing_is_named() {
    for (name, expected) in [
        ("clip-1.mp4", vec!["file-missing"]),
        (PAGE, vec!["file-missing"]),
        (KEYRING, vec!["file-missing"]),
        (SIGNATURE, vec!["file-missing"]),
        (MANIFEST, vec!["file-missing"]),
    ] {
        let report = after(|pack| fs::remove_file(pack.join(name)).unwrap());
        assert_eq!(codes(&report), expected, "{name}");
        assert_eq!(report.faults[0].place().file.as_deref(), Some(name));
    }
}

#[test]
fn what_does_not_belong_is_named_and_nothing_is_followed() {
    let (outside, _) = laid_out();
    let extra = after(|pack| fs::write(pack.join("clip-3.mp4"), "x").unwrap());
    assert_eq!(extra.faults, [Fault::Extra { file: "clip-3.mp4".into() }]);
    let renamed = after(|pack| fs::rename(pack.join("clip-1.mp4"), pack.join("gate.mp4")).unwrap());
    assert_eq!(codes(&renamed), ["file-missing", "file-extra"]);
    // A link to the very bytes is no file of the pack.
    for name in ["clip-1.mp4", MANIFEST, KEYRING, PAGE, SIGNATURE] {
        let linked = after(|pack| {
            fs::remove_file(pack.join(name)).unwrap();
            symlink(outside.path().join("pack").join(name), pack.join(name)).unwrap();
        });
        assert_eq!(linked.faults[0], Fault::NoFile { file: name.to_owned() });
        assert!(!linked.faults.iter().any(|fault| matches!(fault, Fault::Missing { .. })));
    }
    let folder = after(|pack| fs::create_dir(pack.join("more")).unwrap());
    assert_eq!(folder.faults, [Fault::NoFile { file: "more".into() }]);
    // A manifest that points elsewhere is not followed, whoever signed it.
    for path in ["../pack/clip-1.mp4", "/etc/passwd", "clip-1.mp4/../clip-2.mp4"] {
        let pointed = forged(|manifest| manifest.videos[0].file = path.to_owned());
        assert_eq!(pointed.faults[0], Fault::Sense(Sense::Names), "{path}");
        assert_eq!(codes(&pointed), ["manifest-inconsistent", "file-extra"]);
    }
}

#[test]
fn a_manifest_that_was_edited_is_not_the_one_that_was_signed() {
    let edited = after(|pack| {
        edit(pack.join(MANIFEST), |bytes| {
            let text = String::from_utf8(bytes.clone()).unwrap().replace("王建国", "李四");
            *bytes = text.into_bytes();
        });
    });
    assert_eq!(codes(&edited), ["signature"]);
    assert!(edited.signed_by.is_none());
    let no_json = after(|pack| edit(pack.join(MANIFEST), |bytes| bytes.truncate(100)));
    assert_eq!(codes(&no_json), ["manifest-unreadable"]);
    let newer = after(|pack| {
        edit(pack.join(MANIFEST), |bytes| {
            let text = String::from_utf8(bytes.clone()).unwrap();
            *bytes = text.replacen("\"version\": 1", "\"version\": 2", 1).into_bytes();
        });
    });
    assert_eq!(newer.faults, [Fault::Newer { version: 2 }]);
}

#[test]
fn another_signature_or_key_is_not_taken() {
    let other = SecretKey::make().unwrap();
    let resigned = after(|pack| {
        let bytes = fs::read(pack.join(MANIFEST)).unwrap();
        fs::write(pack.join(SIGNATURE), other.sign(&bytes).0).unwrap();
    });
    assert_eq!(codes(&resigned), ["signature"]);
    let short = after(|pack| edit(pack.join(SIGNATURE), |bytes| bytes.truncate(63)));
    assert_eq!(codes(&short), ["signature"]);
    let replaced = after(|pack| {
        let made = station::manifest(pack).created.utc;
        let keyring = Keyring::new("demo".parse().unwrap(), &other, made);
        fs::write(pack.join(KEYRING), keyring.to_bytes()).unwrap();
    });
    assert_eq!(codes(&replaced), ["key-unknown", "file-changed"]);
    let theirs = after(|pack| {
        let keyring = Keyring::new("other".parse().unwrap(), &other, Wall::from_unix_ms(0));
        fs::write(pack.join(KEYRING), keyring.to_bytes()).unwrap();
    });
    assert_eq!(codes(&theirs), ["keyring-station", "key-unknown", "file-changed"]);
}

#[test]
fn a_pack_signed_anew_by_a_stranger_is_whole_and_his() {
    let (_root, pack) = laid_out();
    let trusted = Keyring::read(&fs::read(pack.join(KEYRING)).unwrap()).unwrap();
    let report = forged(|manifest| manifest.exporter.who = "李四".into());
    assert_eq!(report.faults, [], "the fingerprint is for people to compare");
    let forged = report.signed_by.unwrap();
    assert_ne!(forged.id(), trusted.current().id);
    // With a keyring that one trusts it is found out, also where the keyring in the pack was taken away.
    let rooted = |damage: &dyn Fn(&Path)| {
        let (_root, pack) = laid_out();
        damage(&pack);
        codes(&check_pack(&pack, Some(&trusted)).unwrap())
    };
    assert_eq!(rooted(&|_| ()), [] as [&str; 0]);
    assert_eq!(rooted(&|pack| fs::remove_file(pack.join(KEYRING)).unwrap()), ["file-missing"]);
}

#[test]
fn a_key_that_was_handed_over_from_signs_no_more_whatever_the_keyring_in_the_pack_says() {
    let [secret, next] = [(), ()].map(|()| SecretKey::make().unwrap());
    let (_root, pack) = laid_out();
    sign_anew(&pack, &secret, |_| ());
    let mut trusted = Keyring::new("demo".parse().unwrap(), &secret, Wall::from_unix_ms(0));
    let codes = |trusted: &Keyring| codes(&check_pack(&pack, Some(trusted)).unwrap());
    assert_eq!(codes(&trusted), [] as [&str; 0]);
    trusted.hand_over(&secret, &next, Wall::from_unix_ms(1000));
    assert_eq!(codes(&trusted), ["key-time"]);
}

#[test]
fn an_older_manifest_speaks_of_other_bytes() {
    let mut station = Station::new();
    let [old, new] = [(0, 12), (8, 20)].map(|(from, to)| station.export(&station.order(from, to)).unwrap());
    for name in [MANIFEST, SIGNATURE] {
        fs::copy(old.path.join(name), new.path.join(name)).unwrap();
    }
    let report = check_pack(&new.path, None).unwrap();
    assert!(report.signed_by.is_some(), "it was signed, of something else");
    let said = codes(&report);
    assert!(said.contains(&"fragment-changed") && said.contains(&"file-changed"), "{said:?}");
}

#[test]
fn a_manifest_that_contradicts_itself_is_no_stations() {
    let file = || "clip-1.mp4".to_owned();
    type Change = fn(&mut Manifest);
    let table: Vec<(Change, Sense)> = vec![
        (|m| m.format = "x".into(), Sense::Format),
        (|m| m.videos[0].bytes += 1, Sense::Bytes { file: file() }),
        (|m| m.videos[0].fragments[1].offset = u64::MAX, Sense::Offset { file: file(), n: 2 }),
        (|m| m.videos[0].fragments[1].n = 7, Sense::Offset { file: file(), n: 2 }),
        (|m| m.videos[0].fragments[2].from = station::at(0), Sense::Order { file: file(), n: 3 }),
        (|m| m.given.to = m.given.from.clone(), Sense::Given),
        (|m| m.asked.to = m.asked.from.clone(), Sense::Asked),
        (|m| m.created.local = "2026-03-10T02:04:05+09:00".into(), Sense::Local),
        (|m| m.merkle.leaves = 0, Sense::Root),
        (|m| m.videos[1].fragments[0].sha256 = Sum::NONE, Sense::Root),
        (|m| m.chain.no = 2, Sense::Chain),
        (|m| m.chain.no = 0, Sense::Chain),
        (|m| m.audit.seq = 0, Sense::Audit),
        (|m| m.files.clear(), Sense::Names),
        (|m| m.videos.clear(), Sense::Names),
        (|m| m.videos[0].fragments.clear(), Sense::Empty { file: file() }),
        (|m| m.videos[0].fragments[0].length_ms = u64::MAX, Sense::Given),
    ];
    for (change, expected) in table {
        let report = forged(change);
        assert!(report.faults.contains(&Fault::Sense(expected.clone())), "{expected:?}: {:?}", report.faults);
    }
    let early = forged(|m| m.created = Moment::new(Wall::from_unix_ms(0), &jiff::tz::TimeZone::UTC));
    assert_eq!(codes(&early), ["key-time"]);
}

#[test]
fn what_is_no_pack_is_said_to_be_none() {
    let root = tempfile::tempdir().unwrap();
    assert!(matches!(check_pack(root.path(), None), Err(NotAPack::Nothing { .. })));
    let file = root.path().join("x");
    File::create(&file).unwrap().write_all(b"x").unwrap();
    assert!(matches!(check_pack(&file, None), Err(NotAPack::NoFolder { .. })));
    assert!(matches!(check_pack(&root.path().join("y"), None), Err(NotAPack::Unreadable { .. })));
    assert!(matches!(read_keyring(&file), Err(NotAPack::Keyring { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_flip_and_no_cut_goes_unseen(file in 0usize..6, at in 0usize..1_000_000, bit in 0u8..8, cut in any::<bool>()) {
        let report = after(|pack| edit(pack.join(&PACK[file].0), |bytes| {
            let at = at % bytes.len();
            if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
        }));
        prop_assert!(!report.is_whole());
        for fault in &report.faults {
            let words = fault.words();
            prop_assert!(!words.zh.is_empty() && !words.en.is_empty());
        }
    }

    /// Members of the manifest that were replaced by anything, and signed.
    #[test]
    fn no_manifest_makes_it_panic(member in 0usize..200, value in prop_oneof![
        Just(json!(null)), Just(json!(-1)), Just(json!(u64::MAX)), Just(json!("")), Just(json!([])), Just(json!({})),
        Just(json!("../../../etc/passwd")), Just(json!("9999-12-31T23:59:59Z")),
    ]) {
        let _ = after(|pack| {
            let mut manifest = serde_json::to_value(station::manifest(pack)).unwrap();
            let mut pointers = Vec::new();
            leaves("", &manifest, &mut pointers);
            *manifest.pointer_mut(&pointers[member % pointers.len()]).unwrap() = value;
            fs::write(pack.join(MANIFEST), manifest.to_string()).unwrap();
        });
    }
}

/// Pointers to everything in a JSON value.
fn leaves(at: &str, value: &serde_json::Value, found: &mut Vec<String>) {
    found.extend((!at.is_empty()).then(|| at.to_owned()));
    match value {
        serde_json::Value::Object(members) => {
            members.iter().for_each(|(name, value)| leaves(&format!("{at}/{name}"), value, found));
        }
        serde_json::Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, value)| leaves(&format!("{at}/{n}"), value, found));
        }
        _ => {}
    }
}
