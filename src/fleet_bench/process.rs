//! The two processes that are measured: started, listened to, read from `/proc`, and ended.
//!
//! Knows how processes are spoken to, and nothing of what is measured.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::{Child, ChildStdin, Command, Stdio},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
    time::timeout,
};

/// Ticks a second in `/proc/PID/stat`: fixed for programs, whatever the kernel's own (`man 5 proc`, USER_HZ).
const TICKS_PER_S: f64 = 100.0;
/// Longest metrics page: some 300 times that of ten cameras.
const PAGE_LEN_MAX: u64 = 64 << 20;
/// How long the metrics page may take: a daemon that drowns answers late.
const PAGE_MAX: Duration = Duration::from_secs(20);
/// Lines of the simulator that wait, at most; it waits then.
const LINES_MAX: usize = 4_096;

/// A process of ours. Killed when dropped: what it leaves behind is in a folder that is removed.
pub(super) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Process {
    /// Starts this program with other arguments; the lines of its stdout come as JSON where they are. What it says on stderr is shown.
    pub(super) fn start(
        program: &Path,
        arguments: &[&str],
    ) -> std::io::Result<(Self, mpsc::Receiver<Value>)> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        if std::env::var_os("RUST_LOG").is_none() {
            // Hundreds of cameras that come and go are no news here.
            command.env("RUST_LOG", "error,rumqttd=off");
        }
        let mut child = command.spawn()?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let process = Self { child, stdin };
        let (to, lines) = mpsc::channel(LINES_MAX);
        let read = move || {
            let Some(stdout) = stdout else { return };
            for line in BufReader::new(stdout).lines() {
                let Ok(line) = line else { return };
                let Ok(line) = serde_json::from_str(&line) else { continue };
                if to.blocking_send(line).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("bench-lines".into()).spawn(read)?;
        Ok((process, lines))
    }

    /// Writes a line to its stdin.
    pub(super) fn say(&mut self, line: &str) -> std::io::Result<()> {
        let stdin = self.stdin.as_mut().ok_or(std::io::ErrorKind::BrokenPipe)?;
        stdin.write_all(format!("{line}\n").as_bytes())?;
        stdin.flush()
    }

    /// Seconds of CPU that it has used, in user and in system mode.
    pub(super) fn cpu_s(&self) -> Option<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).ok()?;
        cpu_s_of(&stat)
    }

    /// A size from `/proc/PID/status` (`VmRSS`, `VmHWM`), MiB.
    pub(super) fn memory_mib(&self, name: &str) -> Option<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1024.0)
    }

    /// Whether it has ended by itself.
    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The second field, the name, may hold blanks and brackets.
fn cpu_s_of(stat: &str) -> Option<f64> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS_PER_S)
}

/// A port of loopback that is free now.
pub(super) fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// The daemon's metrics page.
pub(super) async fn metrics_page(console: SocketAddr) -> std::io::Result<String> {
    let read = async {
        let mut stream = TcpStream::connect(console).await?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").await?;
        let mut page = Vec::new();
        stream.take(PAGE_LEN_MAX).read_to_end(&mut page).await?;
        Ok(String::from_utf8_lossy(&page).into_owned())
    };
    timeout(PAGE_MAX, read).await.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
}

/// The sum of a metric over all of its labels.
pub(super) fn sum(page: &str, name: &str) -> f64 {
    let value = |line: &str| {
        let rest = line.strip_prefix("cunkou_")?.strip_prefix(name)?;
        let rest = if rest.starts_with('{') { rest.split_once('}')?.1 } else { rest };
        rest.strip_prefix(' ')?.split_whitespace().next()?.parse::<f64>().ok()
    };
    page.lines().filter_map(value).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_whatever_the_name() {
        let stat = "12 (a) b) S 1 12 12 0 -1 4194560 1 0 0 0 250 150 0 0 20 0 9 0 100 1 1";
        assert_eq!(cpu_s_of(stat), Some(4.0));
        assert_eq!(cpu_s_of("12 (a"), None);
    }

    #[test]
    fn metrics_are_summed_over_labels() {
        let page = "# TYPE x\ncunkou_units_total{camera=\"a\"} 3\ncunkou_units_total{camera=\"b\"} 4\n\
                    cunkou_units_total_more 9\ncunkou_waiting 2\n";
        assert_eq!((sum(page, "units_total"), sum(page, "waiting"), sum(page, "none")), (7.0, 2.0, 0.0));
    }
}
