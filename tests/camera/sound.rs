//! Sound beside the pictures, where somebody records it.

use std::{sync::Arc, time::Duration};

use cunkou::{
    camera::{AudioCoding, AudioUnit, Pace, Sound, Source, StreamEvent},
    config::{Camera, StreamRole},
    time::{Clock, MediaTime},
};

use super::{
    camera,
    fake::{Fake, SDP_AUDIO_FIRST, gop},
    gst::{Access, Gst},
    next, patient, playing, unit,
};

const PICTURES: &str = "videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=15/1 \
    ! x264enc tune=zerolatency key-int-max=15 ! rtph264pay name=pay0 pt=96 config-interval=-1";

fn listening(camera: Camera) -> Source {
    let (clock, pace) = (Clock::start(), Pace::default());
    Source::connect_with(Sound::Wanted, &Arc::new(camera), StreamRole::Main, patient(), clock, &pace)
}

#[tokio::test]
async fn sound_comes_in_the_time_of_the_pictures_and_strange_sound_does_not() {
    let tone = "audiotestsrc is-live=true ! audio/x-raw,channels=1,rate";
    for (id, sound, rate_hz) in [
        ("sound-alaw", format!("{tone}=8000 ! alawenc ! rtppcmapay name=pay1 pt=8"), 8000),
        ("sound-ulaw", format!("{tone}=8000 ! mulawenc ! rtppcmupay name=pay1 pt=0"), 8000),
        ("sound-aac", format!("{tone}=16000 ! avenc_aac ! rtpmp4gpay name=pay1 pt=97"), 16_000),
        ("sound-l16", format!("{tone}=44100 ! rtpL16pay name=pay1 pt=98"), 0),
    ] {
        let gst = Gst::start(None, &format!("( {PICTURES} {sound} )"), Access::Anybody);
        let mut source = listening(camera(id, &gst.url()));
        let info = playing(&mut source).await;
        match (id, &info.audio) {
            ("sound-alaw", Some(AudioCoding::Alaw)) | ("sound-ulaw", Some(AudioCoding::Ulaw)) => {}
            ("sound-aac", Some(AudioCoding::Aac { config })) => assert!(config.len() >= 2, "{config:?}"),
            ("sound-l16", None) => {}
            other => panic!("{other:?}"),
        }
        let (mut frames, mut shown, mut pictures) = (Vec::<AudioUnit>::new(), MediaTime::default(), 0);
        while pictures < 30 {
            match next(&mut source).await {
                StreamEvent::Unit(unit) => (shown, pictures) = (unit.media, pictures + 1),
                StreamEvent::Audio(frame) => frames.push(frame),
                StreamEvent::Playing(_) | StreamEvent::Changed(_) => {}
                StreamEvent::Ended(ending) => panic!("{id}: {ending}"),
            }
        }
        source.close().await;
        let Some((first, last)) = frames.first().zip(frames.last()) else {
            assert_eq!(rate_hz, 0, "{id}: no sound");
            continue;
        };
        let samples: u32 = frames[..frames.len() - 1].iter().map(|frame| frame.samples).sum();
        let heard = Duration::from_secs_f64(f64::from(samples) / f64::from(rate_hz));
        let told = last.media.since(first.media);
        // The time of sound may be moved once, when the camera first tells how both belong together.
        assert!(heard.abs_diff(told) < Duration::from_secs(3), "{id}: {heard:?} of sound in {told:?}");
        assert!((last.media.ms() - shown.ms()).abs() < 10_000, "{id}: {last:?} at {shown:?}");
    }
}

#[tokio::test]
async fn a_camera_that_refuses_its_sound_is_seen_all_the_same() {
    let fake = Fake::start(|mut connection, _| async move {
        let mut setups = 0;
        while let Some(request) = connection.request().await {
            setups += usize::from(request.method == "SETUP");
            if request.method == "SETUP" && setups == 2 {
                connection.reply(&request, "500 Internal Server Error", &[], "").await;
                continue;
            }
            connection.answer(&request, SDP_AUDIO_FIRST).await;
            if request.method == "PLAY" {
                gop(&mut connection, 2).await;
            }
        }
    })
    .await;
    let mut source = listening(camera("deaf", &fake.url()));
    assert_eq!(playing(&mut source).await.audio, None);
    for _ in 0..3 {
        unit(&mut source).await;
    }
    assert_eq!(fake.log().iter().filter(|line| line.starts_with("SETUP")).count(), 2, "{:?}", fake.log());
}
