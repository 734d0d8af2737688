//! A fleet that is connected to at once: never more openings under way than the pace allows, and all of them come up.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use cunkou::{
    camera::{Pace, Rhythm, Source},
    config::StreamRole,
    time::Clock,
};
use futures::future::join_all;

use super::{
    PATIENCE, camera,
    fake::{Fake, SDP_H264, gop},
    patient, playing, unit,
};

const CAMERAS: usize = 200;
const UNDER_WAY_MAX: usize = 8;

/// Openings that a server sees: from DESCRIBE until just before PLAY is answered, which lies within what the client counts.
#[derive(Default)]
struct Openings {
    now: AtomicUsize,
    most: AtomicUsize,
}

#[tokio::test]
async fn two_hundred_cameras_come_up_and_few_are_opened_at_once() {
    let openings = Arc::new(Openings::default());
    let seen = Arc::clone(&openings);
    let fake = Fake::start(move |mut connection, _| {
        let openings = Arc::clone(&seen);
        async move {
            while let Some(request) = connection.request().await {
                match request.method.as_str() {
                    "DESCRIBE" => {
                        openings.most.fetch_max(openings.now.fetch_add(1, SeqCst) + 1, SeqCst);
                    }
                    "PLAY" => {
                        openings.now.fetch_sub(1, SeqCst);
                        connection.answer(&request, SDP_H264).await;
                        gop(&mut connection, 1).await;
                        return connection.answer_until_gone().await;
                    }
                    _ => {}
                }
                connection.answer(&request, SDP_H264).await;
            }
        }
    })
    .await;
    let begun_per_s_max = NonZeroU32::MAX;
    let pace = Pace::new(Rhythm { under_way_max: UNDER_WAY_MAX, begun_per_s_max, counts_for: PATIENCE });
    let clock = Clock::start();
    let fleet = (0..CAMERAS).map(|number| {
        let camera = Arc::new(camera(&format!("paced-{number}"), &fake.url()));
        let mut source = Source::connect(&camera, StreamRole::Main, patient(), clock, &pace);
        async move {
            playing(&mut source).await;
            unit(&mut source).await;
            source
        }
    });
    let sources = join_all(fleet).await;
    assert_eq!(sources.len(), CAMERAS);
    let most = openings.most.load(SeqCst);
    assert!((1..=UNDER_WAY_MAX).contains(&most), "{most} were opened at once");
}
