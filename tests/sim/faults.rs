//! What goes wrong with a camera, as its clients see it.

use std::{collections::BTreeSet, time::Duration};

use cunkou::{
    config::StreamRole,
    sim::{Fault, Scenario, Village, What, auth},
};
use retina::client::Transport;

use crate::{
    id, ids, open,
    retina_client::{Client, login},
    soon, street,
};

const LONG: Duration = Duration::from_secs(600);

async fn village(cameras: &[&str]) -> Option<Village> {
    Some(open(street()?, Scenario::quiet(&ids(cameras))).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_camera_is_gone_until_it_is_back_and_no_other_notices() {
    let Some(village) = village(&["gate", "yard"]).await else { return };
    let [gate, yard] = ["gate", "yard"].map(|camera| village.url(&id(camera), StreamRole::Main));
    let (mut one, mut other) = (Client::tcp(&gate).await, Client::tcp(&yard).await);
    let before = one.take(2).await;
    let mut others = other.take(2).await;

    village.stop_camera(&id("gate")).await.unwrap();
    while one.next().await.is_some() {}
    let transport = Transport::Tcp(Default::default());
    assert!(Client::play(&gate, transport, None).await.is_err(), "it answers nobody");

    village.resume_camera(&id("gate")).await.unwrap();
    let mut again = Client::tcp(&gate).await;
    let after = again.take(2).await;
    assert!(after[0].is_key && after[0].rtp.wrapping_sub(before[0].rtp) > 90_000 * 60, "RTP starts anew");

    others.extend(other.take(15).await);
    assert!(others.windows(2).all(|pair| pair[1].rtp.wrapping_sub(pair[0].rtp) == 9_000));
    let told: Vec<What> = village.diary().into_iter().map(|entry| entry.what).collect();
    assert_eq!(told, [What::Stopped, What::Resumed]);
    village.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_picture_size_comes_in_mid_stream() {
    let Some(village) = village(&["gate"]).await else { return };
    let mut client = Client::tcp(&village.url(&id("gate"), StreamRole::Main)).await;
    assert_eq!(client.take(1).await[0].size, Some((768, 576)));
    let lasts = Duration::from_millis(1500);
    village.break_camera(&id("gate"), Fault::OtherSize { lasts }).await.unwrap();
    let mut sizes = Vec::new();
    let mut last = client.take(1).await.remove(0);
    while sizes.len() < 2 {
        let next = client.next().await.expect("the stream goes on");
        assert_eq!(next.rtp.wrapping_sub(last.rtp), 9_000);
        if next.new_parameters {
            assert!(next.is_key);
            sizes.push(next.size.unwrap());
        }
        last = next;
    }
    assert_eq!(sizes, [(384, 288), (768, 576)]);
    village.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_camera_says_nothing_and_goes_on_with_a_key_frame() {
    let Some(village) = village(&["gate"]).await else { return };
    let url = village.url(&id("gate"), StreamRole::Main);
    let mut client = Client::tcp(&url).await;
    let mut last = client.take(2).await.remove(1);
    let lasts = Duration::from_millis(2500);
    village.break_camera(&id("gate"), Fault::Frozen { lasts }).await.unwrap();
    // Whoever asks now is answered when it has thawed.
    let mut late = Client::tcp(&url).await;
    assert!(late.take(1).await[0].is_key);
    let after = loop {
        let next = client.next().await.expect("the connection stays");
        if next.rtp.wrapping_sub(last.rtp) != 9_000 {
            break next;
        }
        last = next;
    };
    assert!(after.is_key);
    // The camera's clock went on.
    assert!(after.rtp.wrapping_sub(last.rtp) >= 90_000 * 2, "{}", after.rtp.wrapping_sub(last.rtp));
    village.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_password_ends_what_plays() {
    let Some(village) = village(&["gate"]).await else { return };
    let url = village.url(&id("gate"), StreamRole::Main);
    let mut client = Client::tcp(&url).await;
    client.take(1).await;
    let login_now =
        auth::Login { user: "admin".into(), password: "new".into(), scheme: auth::Scheme::Digest };
    village.break_camera(&id("gate"), Fault::Login(login_now)).await.unwrap();
    while client.next().await.is_some() {}
    let tcp = || Transport::Tcp(Default::default());
    let refused = Client::play(&url, tcp(), None).await.err().expect("it wants a password now");
    assert_eq!(refused.status_code(), Some(401));
    Client::play(&url, tcp(), login("admin", "new")).await.unwrap().take(1).await;
    village.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_ends_a_stream_and_loss_does_not() {
    let Some(village) = village(&["noisy", "lossy"]).await else { return };
    let mut client = Client::tcp(&village.url(&id("noisy"), StreamRole::Main)).await;
    client.take(1).await;
    village.break_camera(&id("noisy"), Fault::Garbage { lasts: LONG }).await.unwrap();
    while client.next().await.is_some() {}

    let url = village.url(&id("lossy"), StreamRole::Main);
    let mut udp = Client::play(&url, Transport::Udp(Default::default()), None).await.unwrap();
    let mut tcp = Client::tcp(&url).await;
    udp.take(1).await;
    village.break_camera(&id("lossy"), Fault::Loss { lasts: LONG, per_mille: 200 }).await.unwrap();
    while udp.next().await.expect("the stream goes on").loss == 0 {}
    assert!(tcp.take(15).await.iter().all(|unit| unit.loss == 0), "nothing is lost over TCP");
    village.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sender_reports_follow_a_clock_that_jumps() {
    let Some(village) = village(&["gate"]).await else { return };
    let mut client = Client::tcp(&village.url(&id("gate"), StreamRole::Main)).await;
    client.take(2).await;
    village.break_camera(&id("gate"), Fault::ClockJump { by_ms: 3_600_000 }).await.unwrap();
    while client.reports.len() < 2 {
        client.take(1).await;
    }
    let told: Vec<(u32, u64)> = client.reports.into_iter().collect();
    let (ntp, rtp) = (told[1].1.abs_diff(told[0].1) >> 32, told[1].0.wrapping_sub(told[0].0) / 90_000);
    let jump = ntp as i64 - i64::from(rtp);
    assert!((3_595..=3_605).contains(&jump), "{jump}");
    village.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_video_arrives_whole_and_wrong() {
    let Some(village) = village(&["gate"]).await else { return };
    let reel = street().unwrap().reel(&cunkou::sim::Source::Street, cunkou::camera::Codec::H264).unwrap();
    let truth: BTreeSet<_> =
        reel.main.units.iter().flat_map(|unit| crate::retina_client::slices(&unit.data)).collect();
    let mut client = Client::tcp(&village.url(&id("gate"), StreamRole::Main)).await;
    assert!(client.take(3).await.iter().flat_map(|unit| &unit.slices).all(|slice| truth.contains(slice)));
    village.break_camera(&id("gate"), Fault::Corrupt { lasts: LONG }).await.unwrap();
    let wrong = async {
        loop {
            let unit = client.next().await.expect("the stream goes on");
            assert_eq!(unit.loss, 0);
            if unit.slices.iter().any(|slice| !truth.contains(slice)) {
                return;
            }
        }
    };
    soon("damage", wrong).await;
    village.stop().await;
}
