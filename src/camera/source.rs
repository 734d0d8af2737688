//! One attempt at one stream, from connecting to its end.
//!
//! Owns the order of events, the limit on silence and the times of access units. Speaks RTSP through `rtsp` only;
//! when to try again is for [`super::Backoff`], what it means for the camera's health for [`super::Vitals`].

use std::{panic::AssertUnwindSafe, pin::Pin, sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use tokio::time::{Instant, Sleep, sleep_until};

use super::{
    AccessUnit, AudioUnit, Ending, Limits, Pace, Sound, StreamEvent, StreamInfo,
    clock::{SoundClock, StreamClock},
    rtsp::{self, Item, Of, Sessions},
};
use crate::{
    config::{Camera, StreamRole},
    time::Clock,
};

/// One attempt at one stream.
///
/// ```text
/// Opening ── Playing ──▶ Playing ── Changed, Unit … ──▶ Ended
///    └────────────────── Ended ─────────────────────────▶ ┘
/// ```
///
/// Belongs to the lane's task, and must live and die inside of a tokio runtime. Dropping it tears the session down
/// in the background; the next `Source` for the same camera waits for that, within [`Limits::teardown`].
pub struct Source {
    role: StreamRole,
    limits: Limits,
    clock: Clock,
    sessions: Sessions,
    state: State,
}

enum State {
    Opening(BoxFuture<'static, Result<(rtsp::Playing, StreamInfo), Ending>>),
    Playing(Box<Playing>),
    Ended(Ending),
}

struct Playing {
    stream: rtsp::Playing,
    times: StreamClock,
    sound: Option<SoundClock>,
    /// Comes after an event that had to be told first.
    held: Option<AccessUnit>,
    /// When the last access unit was complete, or PLAY was answered.
    last: Instant,
    /// Set to some time at or before the end of the silence: it is moved only when it fires, not with each unit.
    silence: Pin<Box<Sleep>>,
}

impl Source {
    /// Pictures alone. Returns at once; the work happens in [`Source::next`], once it is this camera's turn within the fleet's `pace`. The wait
    /// for that turn has no limit of its own, and none of `limits` counts it.
    pub fn connect(
        camera: &Arc<Camera>,
        role: StreamRole,
        limits: Limits,
        clock: Clock,
        pace: &Pace,
    ) -> Self {
        Self::connect_with(Sound::Unwanted, camera, role, limits, clock, pace)
    }

    /// As [`Source::connect`], with the camera's sound where it is wanted.
    pub fn connect_with(
        sound: Sound,
        camera: &Arc<Camera>,
        role: StreamRole,
        limits: Limits,
        clock: Clock,
        pace: &Pace,
    ) -> Self {
        let sessions = Sessions::of(&camera.id);
        let (camera, before, pace) = (Arc::clone(camera), sessions.clone(), pace.clone());
        let opening = async move {
            // Nobody's turn is spent on waiting for the session before.
            before.settled(limits.teardown).await;
            pace.paced(rtsp::open(camera, role, sound, limits, before)).await
        };
        Self { role, limits, clock, sessions, state: State::Opening(opening.boxed()) }
    }

    /// The next event: `Playing` once, then `Changed` and `Unit`, and `Ended` at last. Cancel-safe: an event is not lost
    /// when the future is dropped. After `Ended`, each further call returns the same `Ended` at once.
    ///
    /// Units come from the first one on, key frame or not: sizes are worth knowing before pixels are. A stream
    /// that sends no key frame is not ended for that (intra-refresh encoders never send one, and a session that is
    /// reopened every half minute helps nobody): [`super::Vitals`] calls it degraded after [`Limits::keyframe`].
    ///
    /// Garbage from a camera ends the stream, even where it makes the RTSP library panic.
    pub async fn next(&mut self) -> StreamEvent {
        let ending = match AssertUnwindSafe(self.advance()).catch_unwind().await {
            Ok(Ok(event)) => return event,
            Ok(Err(ending)) => ending,
            Err(_) => Ending::Garbage("it made the RTSP library panic".to_owned()),
        };
        self.state = State::Ended(ending.clone());
        StreamEvent::Ended(ending)
    }

    /// Ends the stream and waits for the camera's answer to the teardown, at most for [`Limits::teardown`].
    pub async fn close(self) {
        let Self { limits, sessions, state, .. } = self;
        drop(state);
        sessions.settled(limits.teardown).await;
    }

    async fn advance(&mut self) -> Result<StreamEvent, Ending> {
        match &mut self.state {
            State::Opening(opening) => {
                let (stream, info) = opening.await?;
                self.state = State::Playing(Box::new(Playing::new(stream, self.limits.silence)));
                Ok(StreamEvent::Playing(info))
            }
            State::Playing(playing) => playing.next(self.role, self.limits.silence, &self.clock).await,
            State::Ended(ending) => Err(ending.clone()),
        }
    }
}

impl Playing {
    fn new(stream: rtsp::Playing, silence: Duration) -> Self {
        let last = Instant::now();
        let times = StreamClock::new(stream.clock_rate_hz());
        let sound = stream.sound_rate_hz().map(SoundClock::new);
        Self { stream, times, sound, held: None, last, silence: Box::pin(sleep_until(last + silence)) }
    }

    async fn next(
        &mut self,
        role: StreamRole,
        limit: Duration,
        clock: &Clock,
    ) -> Result<StreamEvent, Ending> {
        if let Some(unit) = self.held.take() {
            return Ok(StreamEvent::Unit(unit));
        }
        loop {
            // What has arrived comes first: a lane that was busy for long must not take its own absence for silence.
            let item = tokio::select! {
                biased;
                item = self.stream.next() => item?,
                () = &mut self.silence => {
                    let end = self.last + limit;
                    if Instant::now() >= end {
                        return Err(Ending::Timeout { phase: "media", after: limit });
                    }
                    self.silence.as_mut().reset(end);
                    continue;
                }
            };
            let arrived = clock.now();
            let unit = match item {
                Item::Report { of: Of::Pictures, ticks, ntp } => {
                    self.times.report(ticks, ntp, arrived.wall);
                    continue;
                }
                Item::Report { of: Of::Sound, ticks, ntp } => {
                    if let Some(sound) = &mut self.sound {
                        sound.report(ticks, ntp, arrived.wall);
                    }
                    continue;
                }
                // Sound is no sign of life: a camera whose encoder hangs may go on with it.
                Item::Frame { data, ticks, samples } => {
                    match self.sound.as_mut().and_then(|sound| sound.media(ticks, arrived)) {
                        Some(media) => {
                            return Ok(StreamEvent::Audio(AudioUnit { data, media, samples, arrived }));
                        }
                        None => continue,
                    }
                }
                Item::Unit(unit) => unit,
            };
            self.last = Instant::from_std(clock.instant(arrived.mono));
            let media = self.times.media(unit.ticks, arrived.mono);
            let told = AccessUnit {
                role,
                codec: self.stream.codec(),
                data: unit.data,
                is_key: unit.is_key,
                media,
                camera_clock: self.times.camera_clock(unit.ticks),
                arrived,
                packets_lost: unit.packets_lost,
            };
            if let Some(sound) = &mut self.sound {
                sound.picture(media, arrived.mono, told.camera_clock);
            }
            return Ok(match unit.changed {
                None => StreamEvent::Unit(told),
                Some(info) => {
                    self.held = Some(told);
                    StreamEvent::Changed(info)
                }
            });
        }
    }
}
