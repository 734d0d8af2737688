//! RTSP, word by word: what a camera answers to requests good and bad.

use std::time::Duration;

use cunkou::{
    id::CameraId,
    sim::{Scenario, scenario::Control},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{id, ids, open, soon, street};

struct Raw {
    stream: TcpStream,
    inbox: Vec<u8>,
}

impl Raw {
    async fn connect(address: std::net::SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap(), inbox: Vec::new() }
    }

    async fn send(&mut self, text: &str) {
        self.stream.write_all(text.replace('\n', "\r\n").as_bytes()).await.unwrap();
    }

    /// The next answer with its body; interleaved frames are passed over. Empty where the connection ended.
    async fn answer(&mut self) -> String {
        loop {
            if self.inbox.first() == Some(&b'$') && self.inbox.len() >= 4 {
                let end = 4 + usize::from(u16::from_be_bytes([self.inbox[2], self.inbox[3]]));
                if self.inbox.len() >= end {
                    self.inbox.drain(..end);
                    continue;
                }
            } else if let Some(end) = self.inbox.windows(4).position(|w| w == b"\r\n\r\n") {
                let head = String::from_utf8(self.inbox[..end + 4].to_vec()).unwrap();
                let body = head.lines().find_map(|l| l.strip_prefix("Content-Length: ")).unwrap_or("0");
                let end = end + 4 + body.parse::<usize>().unwrap();
                if self.inbox.len() >= end {
                    let answer = self.inbox.drain(..end).collect();
                    return String::from_utf8(answer).unwrap();
                }
            }
            let mut buffer = [0; 65_536];
            let Ok(n @ 1..) = soon("an answer", self.stream.read(&mut buffer)).await else {
                return String::new();
            };
            self.inbox.extend_from_slice(&buffer[..n]);
        }
    }

    /// Sends a request, written without version and CSeq, and gives the status of the answer.
    async fn ask(&mut self, request: &str) -> String {
        let (line, rest) = request.split_once('\n').unwrap_or((request, ""));
        let rest = if rest.is_empty() { String::new() } else { format!("{rest}\n") };
        self.send(&format!("{line} RTSP/1.0\nCSeq: 7\n{rest}\n")).await;
        self.answer().await
    }
}

fn status(answer: &str) -> &str {
    answer.strip_prefix("RTSP/1.0 ").and_then(|rest| rest.get(..3)).unwrap_or(answer)
}

fn header<'a>(answer: &'a str, name: &str) -> &'a str {
    answer.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap_or_default()
}

#[tokio::test]
async fn each_request_has_its_answer() {
    let Some(material) = street() else { return };
    let village = open(material, Scenario::quiet(&ids(&["gate", "yard"]))).await;
    let tcp = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1";
    let mut client = Raw::connect(village.address()).await;
    let cases = [
        ("OPTIONS *".to_owned(), "200"),
        ("DESCRIBE rtsp://h/none".to_owned(), "404"),
        ("DESCRIBE rtsp://h/gate/sub/track2".to_owned(), "404"),
        ("DESCRIBE rtsp://h/gate\nAccept: text/html".to_owned(), "406"),
        ("DESCRIBE rtsp://h/gate?a=b".to_owned(), "200"),
        ("DESCRIBE /gate/sub".to_owned(), "200"),
        ("PLAY rtsp://h/gate".to_owned(), "455"),
        ("PLAY rtsp://h/gate\nSession: 1".to_owned(), "454"),
        ("RECORD rtsp://h/gate".to_owned(), "405"),
        ("DANCE rtsp://h/gate".to_owned(), "501"),
        ("OPTIONS *\nRequire: a-thing".to_owned(), "551"),
        ("SETUP rtsp://h/gate/track1\nTransport: RTP/AVP;multicast".to_owned(), "461"),
        ("SETUP rtsp://h/gate/track1".to_owned(), "461"),
        (format!("SETUP rtsp://h/gate/track1\n{tcp}"), "200"),
        (format!("SETUP rtsp://h/gate/sub/track1\n{tcp}"), "459"),
        (format!("SETUP rtsp://h/yard/track1\n{tcp}"), "459"),
        ("PLAY rtsp://h/gate\nSession: nonsense".to_owned(), "454"),
        ("PLAY rtsp://h/gate/".to_owned(), "200"),
        ("PLAY rtsp://h/gate/".to_owned(), "200"),
        (format!("SETUP rtsp://h/gate/track1\n{tcp}"), "455"),
        ("GET_PARAMETER rtsp://h/gate".to_owned(), "200"),
        ("PAUSE rtsp://h/gate".to_owned(), "200"),
        ("PLAY rtsp://h/gate/track1".to_owned(), "200"),
        ("TEARDOWN rtsp://h/gate".to_owned(), "200"),
        ("PLAY rtsp://h/gate".to_owned(), "455"),
        (format!("SETUP rtsp://h/yard/sub/track1\n{tcp}"), "200"),
    ];
    for (request, expected) in cases {
        let answer = client.ask(&request).await;
        assert_eq!((status(&answer), header(&answer, "CSeq")), (expected, "7"), "{request}: {answer}");
    }
    client.send("OPTIONS * RTSP/1.0\n\n").await;
    assert_eq!(status(&client.answer().await), "400", "no CSeq");

    for (text, expected) in [("GET / HTTP/1.1\n\n", "400"), ("OPTIONS * RTSP/2.0\n\n", "505")] {
        let mut client = Raw::connect(village.address()).await;
        client.send(text).await;
        assert_eq!(status(&client.answer().await), expected, "{text}");
        assert_eq!(client.answer().await, "", "the connection ends");
    }
    village.stop().await;
}

#[tokio::test]
async fn a_client_may_ask_all_at_once() {
    let Some(material) = street() else { return };
    let mut scenario = Scenario::quiet(&ids(&["gate"]));
    scenario.cameras[0].control = Control::Absolute;
    let village = open(material, scenario).await;
    let mut client = Raw::connect(village.address()).await;
    client
        .send(
            "OPTIONS rtsp://u:p@h:1/gate RTSP/1.0\nCSeq: 1\n\nDESCRIBE rtsp://u:p@h:1/gate RTSP/1.0\nCSeq: 2\n\n\
             SETUP rtsp://h:1/gate/track1 RTSP/1.0\nCSeq: 3\nTransport: RTP/AVP/TCP;interleaved=4-5\n\n\
             PLAY rtsp://h:1/gate RTSP/1.0\nCSeq: 4\n\n",
        )
        .await;
    let mut answers = Vec::new();
    for number in ["1", "2", "3", "4"] {
        let answer = client.answer().await;
        assert_eq!((status(&answer), header(&answer, "CSeq")), ("200", number), "{answer}");
        answers.push(answer);
    }
    assert_eq!(header(&answers[1], "Content-Base"), "rtsp://h:1/gate/");
    assert!(answers[1].contains("a=control:rtsp://h:1/gate/track1\r\n"), "{}", answers[1]);
    assert!(header(&answers[2], "Transport").contains("interleaved=4-5"), "{}", answers[2]);
    assert!(header(&answers[2], "Session").ends_with(";timeout=60"), "{}", answers[2]);

    // RTP-Info tells the first packet's sequence number and time.
    let info = header(&answers[3], "RTP-Info");
    let number = |name: &str| -> u32 {
        let part = info.split(';').find_map(|p| p.strip_prefix(name)).unwrap();
        part.parse().unwrap()
    };
    let rtp = loop {
        if let Some(at) = client.inbox.windows(2).position(|w| w == b"$\x04")
            && let Some(packet) = client.inbox.get(at + 4..at + 16)
        {
            break packet.to_vec();
        }
        let mut buffer = [0; 4096];
        let n = soon("media", client.stream.read(&mut buffer)).await.unwrap();
        client.inbox.extend_from_slice(&buffer[..n]);
    };
    assert_eq!(u32::from(u16::from_be_bytes([rtp[2], rtp[3]])), number("seq="));
    assert_eq!(u32::from_be_bytes(rtp[4..8].try_into().unwrap()), number("rtptime="));
    village.stop().await;
}

async fn set_up_over_udp(client: &mut Raw, camera: &CameraId) {
    let answer = client
        .ask(&format!("SETUP /{camera}/track1\nTransport: RTP/AVP;unicast;client_port=40000-40001"))
        .await;
    assert_eq!(status(&answer), "200");
    let ports = header(&answer, "Transport").split(';').find_map(|p| p.strip_prefix("server_port="));
    let (rtp, rtcp) = ports.unwrap().split_once('-').unwrap();
    let (rtp, rtcp): (u16, u16) = (rtp.parse().unwrap(), rtcp.parse().unwrap());
    assert!(rtp.is_multiple_of(2) && rtcp == rtp + 1, "{answer}");
}

#[tokio::test]
async fn a_silent_session_ends_and_a_living_one_does_not() {
    let Some(material) = street() else { return };
    let mut scenario = Scenario::quiet(&ids(&["gate"]));
    scenario.session_timeout = Duration::from_secs(1);
    let village = open(material, scenario).await;
    let (mut silent, mut alive) =
        (Raw::connect(village.address()).await, Raw::connect(village.address()).await);
    set_up_over_udp(&mut silent, &id("gate")).await;
    set_up_over_udp(&mut alive, &id("gate")).await;
    let mut ended = tokio::spawn(async move { silent.answer().await });
    let mut keep = tokio::time::interval(Duration::from_millis(300));
    loop {
        tokio::select! {
            ended = &mut ended => break assert_eq!(ended.unwrap(), "", "the connection ends"),
            _ = keep.tick() => assert_eq!(status(&alive.ask("GET_PARAMETER /gate").await), "200"),
        }
    }
    assert_eq!(status(&alive.ask("TEARDOWN /gate").await), "200");
    village.stop().await;
}
