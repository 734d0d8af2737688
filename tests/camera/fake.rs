//! A scripted RTSP server: for each connection, a script says what the camera does.
//!
//! Owns the wire format of RTSP, interleaved RTP and RTCP, as far as the odd cases need it. Real cameras are better
//! played by `gst`.

use std::{
    future::Future,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use cunkou::camera::AccessUnit;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
};

pub(crate) const H264_SPS_320X240: &str = "6742c00bdc141fb0110000030001000003000a0f142b80";
pub(crate) const H264_SPS_640X480: &str = "6742c016dc0a03db0110000003001000000300a0f162f8";
pub(crate) const H264_PPS: &str = "68ce0fc8";
pub(crate) const H265_VPS: &str = "40010c01ffff01600000030090000003000003003c959409";
pub(crate) const H265_SPS_320X240: &str =
    "42010101600000030090000003000003003ca00a080f16595952930bc05a020000030002000003000a10";
pub(crate) const H265_PPS: &str = "4401c073c189";

pub(crate) const SDP_H264: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=fake\r\nt=0 0\r\n\
    m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:track1\r\n";
pub(crate) const SDP_H265: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=fake\r\nt=0 0\r\n\
    m=video 0 RTP/AVP 96\r\na=rtpmap:96 H265/90000\r\na=control:track1\r\n";
pub(crate) const SDP_JPEG: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=fake\r\nt=0 0\r\n\
    m=video 0 RTP/AVP 26\r\na=control:track1\r\n";
pub(crate) const SDP_AUDIO_FIRST: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=fake\r\nt=0 0\r\n\
    m=audio 0 RTP/AVP 0\r\na=control:track1\r\n\
    m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track2\r\n\
    m=application 0 RTP/AVP 107\r\na=rtpmap:107 vnd.onvif.metadata/90000\r\na=control:track3\r\n";
pub(crate) const SDP_MPEG4: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=fake\r\nt=0 0\r\n\
    m=video 0 RTP/AVP 96\r\na=rtpmap:96 MP4V-ES/90000\r\na=control:track1\r\n";
pub(crate) const SDP_AUDIO_ONLY: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=fake\r\nt=0 0\r\n\
    m=audio 0 RTP/AVP 0\r\na=control:track1\r\n";

/// A server on a port of its own, for as long as the test's runtime lives.
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    log: watch::Receiver<Vec<String>>,
}

/// One connection of a client.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    log: Arc<watch::Sender<Vec<String>>>,
    sequence: u16,
    /// Seconds that SETUP promises to keep the session without a keepalive.
    pub(crate) session_timeout_s: u32,
}

pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) headers: Vec<String>,
}

impl Fake {
    /// Plays `script` to each client, which is told how many clients came before it.
    pub(crate) async fn start<F, Fut>(script: F) -> Self
    where
        F: Fn(Connection, usize) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has ports");
        let address = listener.local_addr().expect("bound");
        let (sender, log) = watch::channel(Vec::new());
        let sender = Arc::new(sender);
        let count = AtomicUsize::new(0);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let connection = Connection {
                    stream: BufReader::new(stream),
                    log: Arc::clone(&sender),
                    sequence: 1000,
                    session_timeout_s: 60,
                };
                tokio::spawn(script(connection, count.fetch_add(1, Ordering::Relaxed)));
            }
        });
        Self { address, log }
    }

    /// Plays to each client a stream of `sdp`, and then `media`; afterwards answers requests until the client goes.
    pub(crate) async fn playing<F, Fut>(sdp: &'static str, media: F) -> Self
    where
        F: Fn(Connection, usize) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Connection> + Send + 'static,
    {
        let media = Arc::new(media);
        Self::start(move |mut connection, count| {
            let media = Arc::clone(&media);
            async move {
                if connection.answer_until_play(sdp).await {
                    media(connection, count).await.answer_until_gone().await;
                }
            }
        })
        .await
    }

    pub(crate) fn url(&self) -> String {
        format!("rtsp://{}/cam", self.address)
    }

    /// What was asked so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.borrow().clone()
    }
}

impl Connection {
    pub(crate) fn note(&self, what: &str) {
        self.log.send_modify(|log| log.push(what.to_owned()));
    }

    /// The next request; `None` once the client is gone.
    pub(crate) async fn request(&mut self) -> Option<Request> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let mut words = lines.first()?.split(' ');
        let (method, uri) = (words.next()?.to_owned(), words.next()?.to_owned());
        self.note(&format!("{method} {}", uri.rsplit('/').next().unwrap_or_default()));
        Some(Request { method, headers: lines })
    }

    pub(crate) async fn reply(&mut self, request: &Request, status: &str, headers: &[&str], body: &str) {
        let cseq = request.headers.iter().find(|line| line.to_lowercase().starts_with("cseq:"));
        let mut text = format!("RTSP/1.0 {status}\r\n{}\r\n", cseq.map_or("", String::as_str));
        for header in headers {
            text.push_str(header);
            text.push_str("\r\n");
        }
        if !body.is_empty() {
            text.push_str(&format!("Content-Type: application/sdp\r\nContent-Length: {}\r\n", body.len()));
        }
        text.push_str("\r\n");
        text.push_str(body);
        self.raw(text.as_bytes()).await;
    }

    /// Answers as a camera does, until PLAY was answered (`true`) or the client is gone.
    pub(crate) async fn answer_until_play(&mut self, sdp: &str) -> bool {
        while let Some(request) = self.request().await {
            self.answer(&request, sdp).await;
            if request.method == "PLAY" {
                return true;
            }
        }
        false
    }

    pub(crate) async fn answer(&mut self, request: &Request, sdp: &str) {
        let session = format!("Session: 12345;timeout={}", self.session_timeout_s);
        match request.method.as_str() {
            "DESCRIBE" => self.reply(request, "200 OK", &[], sdp).await,
            "SETUP" => {
                let transport = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=00000007";
                self.reply(request, "200 OK", &[transport, &session], "").await;
            }
            "OPTIONS" => self.reply(request, "200 OK", &["Public: OPTIONS, PLAY, GET_PARAMETER"], "").await,
            _ => self.reply(request, "200 OK", &[&session], "").await,
        }
    }

    /// Answers whatever comes, until the client is gone.
    pub(crate) async fn answer_until_gone(mut self) {
        while let Some(request) = self.request().await {
            self.answer(&request, "").await;
        }
    }

    /// Bytes as they are. A client that is gone is no error.
    pub(crate) async fn raw(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
        let _ = self.stream.flush().await;
    }

    /// Whether the client goes, or asks for a teardown, within a while.
    pub(crate) async fn gone_within(&mut self, while_: Duration) -> bool {
        match tokio::time::timeout(while_, self.request()).await {
            Err(_) => false,
            Ok(None) => true,
            Ok(Some(request)) => {
                self.answer(&request, "").await;
                request.method == "TEARDOWN"
            }
        }
    }

    /// Reads and forgets until the client is gone.
    pub(crate) async fn until_gone(mut self) {
        let mut sink = [0; 4096];
        while self.stream.read(&mut sink).await.is_ok_and(|n| n > 0) {}
    }

    async fn interleaved(&mut self, channel: u8, payload: &[u8]) {
        let len = u16::try_from(payload.len()).expect("packets of the tests are short");
        let mut packet = vec![b'$', channel];
        packet.extend_from_slice(&len.to_be_bytes());
        packet.extend_from_slice(payload);
        self.raw(&packet).await;
    }

    /// One access unit: each NAL unit in a packet of its own, the last one marked.
    pub(crate) async fn unit(&mut self, rtp_time: u32, nals: &[Vec<u8>]) {
        for (index, nal) in nals.iter().enumerate() {
            self.rtp(rtp_time, index + 1 == nals.len(), nal).await;
        }
    }

    pub(crate) async fn rtp(&mut self, rtp_time: u32, marked: bool, payload: &[u8]) {
        let mut packet = vec![0x80, 96 | (u8::from(marked) << 7)];
        packet.extend_from_slice(&self.sequence.to_be_bytes());
        packet.extend_from_slice(&rtp_time.to_be_bytes());
        packet.extend_from_slice(&7u32.to_be_bytes());
        packet.extend_from_slice(payload);
        self.sequence = self.sequence.wrapping_add(1);
        self.interleaved(0, &packet).await;
    }

    /// Packets that get lost on the way.
    pub(crate) fn lose(&mut self, count: u16) {
        self.sequence = self.sequence.wrapping_add(count);
    }

    /// A sender report: the camera's clock shows `unix` at `rtp_time`.
    pub(crate) async fn report(&mut self, rtp_time: u32, unix: Duration) {
        let ntp_s = unix.as_secs() + 2_208_988_800;
        let fraction = (u64::from(unix.subsec_nanos()) << 32) / 1_000_000_000;
        let mut packet = vec![0x80, 200, 0, 6];
        packet.extend_from_slice(&7u32.to_be_bytes());
        packet.extend_from_slice(&((ntp_s << 32) | fraction).to_be_bytes());
        packet.extend_from_slice(&rtp_time.to_be_bytes());
        packet.extend_from_slice(&[0; 8]);
        self.interleaved(1, &packet).await;
    }
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex"))
        .collect()
}

/// An IDR picture with its parameter sets; see [`number_of`]. (A NAL unit does not end with a zero.)
pub(crate) fn h264_key(sps: &str, number: u8) -> Vec<Vec<u8>> {
    vec![hex(sps), hex(H264_PPS), vec![0x65, 0x88, number, 0x80]]
}

/// A P picture.
pub(crate) fn h264_delta(number: u8) -> Vec<Vec<u8>> {
    vec![vec![0x41, 0x9a, number, 0x80]]
}

/// A picture of an H.265 NAL type.
pub(crate) fn h265_slice(kind: u8, number: u8) -> Vec<u8> {
    vec![kind << 1, 1, number, 0x80]
}

/// The number of a picture made here.
pub(crate) fn number_of(unit: &AccessUnit) -> u8 {
    unit.data[unit.data.len() - 2]
}

/// A key frame and `deltas` pictures after it, 40 ms apart.
pub(crate) async fn gop(connection: &mut Connection, deltas: u8) {
    connection.unit(0, &h264_key(H264_SPS_320X240, 0)).await;
    for number in 1..=deltas {
        connection.unit(u32::from(number) * 3600, &h264_delta(number)).await;
    }
}
