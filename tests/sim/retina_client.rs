//! A client that keeps what it received: retina, the daemon's own RTSP library.

use std::collections::BTreeMap;

use bytes::Bytes;
use cunkou::sim::annexb::nal_units;
use futures::StreamExt;
use retina::{
    client::{Credentials, Demuxed, PlayOptions, Session, SessionOptions, SetupOptions, Transport},
    codec::{CodecItem, FrameFormat},
};

use crate::soon;

/// One access unit as received.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) rtp: u32,
    pub(crate) is_key: bool,
    /// NAL units that carry pictures.
    pub(crate) slices: Vec<Bytes>,
    pub(crate) data_len: usize,
    pub(crate) new_parameters: bool,
    pub(crate) size: Option<(u32, u32)>,
    /// Packets lost in front of it.
    pub(crate) loss: u16,
}

/// The picture's NAL units of an access unit of H.264.
pub(crate) fn slices(data: &Bytes) -> Vec<Bytes> {
    nal_units(data).into_iter().filter(|nal| matches!(nal[0] & 0x1f, 1 | 5)).collect()
}

pub(crate) struct Client {
    demuxed: Demuxed,
    /// Sender reports so far: RTP time → NTP time in units of 2^-32 s.
    pub(crate) reports: BTreeMap<u32, u64>,
    /// Access units that a test may still take: none waits for ever in a stream that goes on.
    left: u32,
}

pub(crate) fn login(user: &str, password: &str) -> Option<Credentials> {
    Some(Credentials { username: user.into(), password: password.into() })
}

impl Client {
    pub(crate) async fn play(
        url: &str,
        transport: Transport,
        creds: Option<Credentials>,
    ) -> Result<Self, retina::Error> {
        let options = SessionOptions::default().creds(creds);
        let mut session = soon("DESCRIBE", Session::describe(url.parse().unwrap(), options)).await?;
        let setup = SetupOptions::default().transport(transport).frame_format(FrameFormat::SIMPLE);
        soon("SETUP", session.setup(0, setup)).await?;
        let demuxed = soon("PLAY", session.play(PlayOptions::default())).await?.demuxed()?;
        Ok(Self { demuxed, reports: BTreeMap::new(), left: 400 })
    }

    pub(crate) async fn tcp(url: &str) -> Self {
        Self::play(url, Transport::Tcp(Default::default()), None).await.unwrap()
    }

    /// The next access unit; `None` where the stream ended, in whatever way.
    pub(crate) async fn next(&mut self) -> Option<Received> {
        self.left = self.left.checked_sub(1).expect("what the test waits for comes within 400 access units");
        loop {
            match soon("an access unit", self.demuxed.next()).await?.ok()? {
                CodecItem::VideoFrame(frame) => {
                    let parameters = self.demuxed.streams()[0].parameters();
                    let size = match parameters {
                        Some(retina::codec::ParametersRef::Video(video)) => Some(video.pixel_dimensions()),
                        _ => None,
                    };
                    let data = Bytes::copy_from_slice(frame.data());
                    return Some(Received {
                        rtp: frame.timestamp().timestamp() as u32,
                        is_key: frame.is_random_access_point(),
                        slices: slices(&data),
                        data_len: data.len(),
                        new_parameters: frame.has_new_parameters(),
                        size,
                        loss: frame.loss(),
                    });
                }
                CodecItem::Rtcp(compound) => {
                    for report in compound.pkts().filter_map(|p| p.as_sender_report().ok().flatten()) {
                        self.reports.insert(report.rtp_timestamp(), report.ntp_timestamp().0);
                    }
                }
                _ => {}
            }
        }
    }

    pub(crate) async fn take(&mut self, count: usize) -> Vec<Received> {
        let mut all = Vec::new();
        while all.len() < count {
            all.push(self.next().await.expect("the stream goes on"));
        }
        all
    }
}
