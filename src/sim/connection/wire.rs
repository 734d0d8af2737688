//! How media leaves: interleaved in the RTSP connection, or as datagrams.
//!
//! Only headers are written per client; payloads go to the kernel from the memory that all clients share.

use std::{
    io::{self, IoSlice},
    net::{IpAddr, SocketAddr},
};

use rand::{Rng, rngs::SmallRng};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpStream, UdpSocket},
};

use crate::sim::{
    camera::{Damage, Shot},
    rtp::{HEADER_LEN, PAYLOAD_MAX, Packet, Sender},
};

/// Packets of one vectored write; two slices each.
const BATCH: usize = 32;
/// Bytes of the interleaved frame's head: `$`, channel, length.
const FRAME_LEN: usize = 4;
/// Tries to find two neighbouring free ports, the first one even.
const PORT_TRIES: usize = 64;
/// Bytes of a garbage datagram or chunk.
const GARBAGE_LEN: usize = 600;

/// The transport of a session.
pub(super) enum Wire {
    /// In the RTSP connection, on these channels.
    Tcp { rtp: u8, rtcp: u8 },
    /// From these sockets, which are connected to the client's ports.
    Udp { rtp: UdpSocket, rtcp: UdpSocket },
}

impl Wire {
    /// Two neighbouring ports, the first one even (RFC 3550 section 11), connected to the client's.
    pub(super) async fn open_udp(local: IpAddr, peer: IpAddr, client: (u16, u16)) -> io::Result<Self> {
        for _ in 0..PORT_TRIES {
            let rtp = UdpSocket::bind((local, 0)).await?;
            let port = rtp.local_addr()?.port();
            if port % 2 == 1 {
                continue;
            }
            let Ok(rtcp) = UdpSocket::bind((local, port + 1)).await else { continue };
            rtp.connect(SocketAddr::new(peer, client.0)).await?;
            rtcp.connect(SocketAddr::new(peer, client.1)).await?;
            return Ok(Self::Udp { rtp, rtcp });
        }
        Err(io::Error::new(io::ErrorKind::AddrInUse, "no two neighbouring ports are free"))
    }

    /// Our ports, where it has any.
    pub(super) fn server_ports(&self) -> Option<(u16, u16)> {
        match self {
            Self::Tcp { .. } => None,
            Self::Udp { rtp, rtcp } => Some((rtp.local_addr().ok()?.port(), rtcp.local_addr().ok()?.port())),
        }
    }
}

/// Waits until a client says something by RTCP over UDP.
pub(super) async fn heard(wire: Option<&Wire>) {
    let Some(Wire::Udp { rtcp, .. }) = wire else { return std::future::pending().await };
    let mut datagram = [0; 1500];
    // An error is what a client's closed port answers to our datagrams: no sign of life.
    while rtcp.recv(&mut datagram).await.is_err() {}
}

/// Where one access unit goes.
pub(super) struct Output<'a> {
    pub(super) stream: &'a mut TcpStream,
    pub(super) wire: &'a Wire,
    pub(super) scratch: &'a mut Vec<u8>,
    pub(super) random: &'a mut SmallRng,
}

impl Output<'_> {
    /// Sends RTCP.
    pub(super) async fn report(&mut self, report: &[u8]) -> io::Result<()> {
        match self.wire {
            Wire::Tcp { rtcp, .. } => {
                self.scratch.clear();
                self.scratch.extend_from_slice(&frame_head(*rtcp, report.len()));
                self.scratch.extend_from_slice(report);
                self.stream.write_all(self.scratch).await
            }
            Wire::Udp { rtcp, .. } => send_datagram(rtcp, report).await,
        }
    }

    /// Sends an access unit, with what the camera's faults make of it. Gives the bytes of RTP that were sent.
    pub(super) async fn media(&mut self, sender: &mut Sender, shot: &Shot) -> io::Result<u64> {
        let corrupted;
        let packets = match shot.damage {
            Damage::Garbage => return self.garbage().await,
            Damage::Corrupt => {
                corrupted = self.corrupt(&shot.unit.packets);
                &corrupted[..]
            }
            Damage::None | Damage::Loss(_) => &shot.unit.packets[..],
        };
        match self.wire {
            Wire::Tcp { rtp, .. } => {
                let mut bytes = 0;
                for batch in packets.chunks(BATCH) {
                    bytes += self.interleaved(*rtp, sender, batch, shot.rtp).await?;
                }
                Ok(bytes)
            }
            Wire::Udp { rtp, .. } => {
                let mut bytes = 0;
                for packet in packets {
                    self.scratch.clear();
                    self.scratch.extend_from_slice(&sender.header(packet, shot.rtp));
                    self.scratch.extend_from_slice(packet.prefix());
                    self.scratch.extend_from_slice(&packet.body);
                    bytes += self.scratch.len() as u64;
                    if !self.loses(shot.damage) {
                        send_datagram(rtp, self.scratch).await?;
                    }
                }
                Ok(bytes)
            }
        }
    }

    async fn interleaved(
        &mut self,
        channel: u8,
        sender: &mut Sender,
        packets: &[Packet],
        timestamp: u32,
    ) -> io::Result<u64> {
        self.scratch.clear();
        for packet in packets {
            self.scratch.extend_from_slice(&frame_head(channel, HEADER_LEN + packet.payload_len()));
            self.scratch.extend_from_slice(&sender.header(packet, timestamp));
            self.scratch.extend_from_slice(packet.prefix());
        }
        let mut slices = [IoSlice::new(&[]); 2 * BATCH];
        let mut heads = &self.scratch[..];
        let mut bytes = 0;
        for (pair, packet) in slices.chunks_exact_mut(2).zip(packets) {
            let (head, rest) = heads.split_at(FRAME_LEN + HEADER_LEN + packet.prefix().len());
            heads = rest;
            bytes += (head.len() + packet.body.len()) as u64;
            pair[0] = IoSlice::new(head);
            pair[1] = IoSlice::new(&packet.body);
        }
        let mut slices = &mut slices[..2 * packets.len()];
        while !slices.is_empty() {
            match self.stream.write_vectored(slices).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => IoSlice::advance_slices(&mut slices, written),
            }
        }
        Ok(bytes)
    }

    /// Bytes that are neither an interleaved frame nor an answer, nor RTP.
    async fn garbage(&mut self) -> io::Result<u64> {
        self.scratch.clear();
        self.scratch.resize(GARBAGE_LEN, 0);
        self.random.fill(&mut self.scratch[..]);
        self.scratch[0] = 0xff;
        match self.wire {
            Wire::Tcp { .. } => self.stream.write_all(self.scratch).await?,
            Wire::Udp { rtp, .. } => send_datagram(rtp, self.scratch).await?,
        }
        Ok(GARBAGE_LEN as u64)
    }

    fn corrupt(&mut self, packets: &[Packet]) -> Vec<Packet> {
        let mut packets = packets.to_vec();
        for packet in &mut packets {
            let mut body = packet.body.to_vec();
            // The first bytes say what the payload is: a client could drop the packet by them and see nothing of the damage.
            for _ in 0..1 + body.len() / 256 {
                if body.len() > 8 {
                    let at = self.random.random_range(8..body.len());
                    body[at] ^= 1 << self.random.random_range(0..8);
                }
            }
            packet.body = body.into();
        }
        packets
    }

    fn loses(&mut self, damage: Damage) -> bool {
        match damage {
            Damage::Loss(per_mille) => self.random.random_range(0..1000) < per_mille,
            Damage::None | Damage::Garbage | Damage::Corrupt => false,
        }
    }
}

fn frame_head(channel: u8, length: usize) -> [u8; FRAME_LEN] {
    debug_assert!(length <= HEADER_LEN + PAYLOAD_MAX, "packets are made to fit");
    let length = (length as u16).to_be_bytes();
    [b'$', channel, length[0], length[1]]
}

/// A datagram that the client's machine refuses is lost, as datagrams are: the session's timeout decides, not this.
async fn send_datagram(socket: &UdpSocket, data: &[u8]) -> io::Result<()> {
    match socket.send(data).await {
        Err(error) if error.kind() != io::ErrorKind::ConnectionRefused => Err(error),
        _ => Ok(()),
    }
}
