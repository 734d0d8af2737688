//! A station's broker as it ships: `config/mosquitto/`, with ids, ports and folders of the test's own, and certificates by the script beside it.

use std::{
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

const SHIPPED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/mosquitto");
const LISTENS_WITHIN: Duration = Duration::from_secs(60);

/// Whether what the tests need is installed; says so where it is not.
pub(crate) fn can_run() -> bool {
    let has = |program: &str, argument: &str| {
        let ran = Command::new(program).arg(argument).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if ran.is_err() {
            eprintln!("skipped: {program} is not installed (set-up installs it)");
        }
        ran.is_ok()
    };
    has("mosquitto", "-h") && has("mosquitto_sub", "--help") && has("openssl", "version")
}

/// The broker of one station.
pub(crate) struct Broker {
    pub(crate) dir: TempDir,
    /// For the station's own accounts.
    pub(crate) own_port: u16,
    /// For neighbours.
    pub(crate) port: u16,
    child: Option<Child>,
}

impl Broker {
    /// `neighbours` take the places of the two that ship. Accounts are those of the shipped access list, their passwords their names.
    pub(crate) fn start(station: &str, neighbours: [&str; 2]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let (own_port, port) = (free_port(), free_port());
        let at = dir.path().display().to_string();
        let conf = read("cunkou.conf")
            .replace("/etc/mosquitto/cunkou", &at)
            .replace("/var/lib/mosquitto/", &format!("{at}/"))
            .replace("listener 8884", &format!("listener {own_port} 127.0.0.1"))
            .replace("listener 8883", &format!("listener {port} 127.0.0.1"));
        // As root, mosquitto would become another user, who may not read what is here.
        let user = std::env::var("USER").unwrap_or_else(|_| "root".into());
        write(dir.path(), "mosquitto.conf", &format!("user {user}\n{conf}"));
        for name in ["neighbours.acl", "station.acl"] {
            // In two steps: a station's own id may be one of those that ship.
            let marked = read(name).replace("riverside", "#1#").replace("hill", "#2#");
            let own = marked.replace("/willow/", &format!("/{station}/"));
            write(dir.path(), name, &own.replace("#1#", neighbours[0]).replace("#2#", neighbours[1]));
        }
        for (nth, account) in accounts().enumerate() {
            let mut made = Command::new("mosquitto_passwd");
            made.args(if nth == 0 { &["-c", "-b"][..] } else { &["-b"] });
            let made = made.arg(dir.path().join("passwords")).args([&account, &account]).output();
            assert!(made.expect("it is there with mosquitto").status.success(), "{account}");
        }
        let mut broker = Self { dir, own_port, port, child: None };
        broker.certificates(&["authority", station]);
        broker.certificates(&["server", "localhost", "127.0.0.1"]);
        for neighbour in neighbours {
            broker.certificates(&["client", neighbour]);
        }
        broker.start_again();
        broker
    }

    pub(crate) fn certificates(&self, arguments: &[&str]) {
        let made = Command::new(format!("{SHIPPED}/certificates.sh"))
            .args(arguments)
            .current_dir(self.dir.path())
            .output()
            .expect("runs");
        assert!(made.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&made.stderr));
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn start_again(&mut self) {
        let log = std::fs::File::create(self.file("log")).expect("writable");
        let child = Command::new("mosquitto")
            .arg("-c")
            .arg(self.file("mosquitto.conf"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("starts");
        self.child = Some(child);
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let log = || std::fs::read_to_string(self.file("log")).unwrap_or_default();
            assert!(start.elapsed() < LISTENS_WITHIN, "mosquitto does not listen: {}", log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
            assert!(sent.expect("kill is there").success());
            child.wait().expect("it ran");
        }
    }

    /// mosquitto_pub or mosquitto_sub with one of the station's own accounts.
    pub(crate) fn as_account(&self, program: &str, account: &str) -> Command {
        let mut command = self.client(program, self.own_port);
        command.args(["-u", account, "-P", account]);
        command
    }

    /// The same with a neighbour's certificate.
    pub(crate) fn as_neighbour(&self, program: &str, neighbour: &str) -> Command {
        let mut command = self.client(program, self.port);
        command.arg("--cert").arg(self.file(&format!("out/{neighbour}.pem")));
        command.arg("--key").arg(self.file(&format!("out/{neighbour}.key")));
        command
    }

    /// The same on the neighbours' listener, without anything that says who it is.
    pub(crate) fn as_nobody(&self, program: &str) -> Command {
        self.client(program, self.port)
    }

    fn client(&self, program: &str, port: u16) -> Command {
        let mut command = Command::new(program);
        command.args(["-V", "5", "-q", "1", "-h", "localhost", "-p", &port.to_string(), "--cafile"]);
        command.arg(self.file("tls/ca.pem"));
        command
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Publishes; what the client says of it.
pub(crate) fn publish(mut client: Command, topic: &str, text: &str) -> Output {
    client.args(["-t", topic, "-m", text]).output().expect("runs")
}

fn accounts() -> impl Iterator<Item = String> {
    let text = read("station.acl");
    let users: Vec<String> =
        text.lines().filter_map(|line| line.strip_prefix("user ")).map(str::to_owned).collect();
    users.into_iter()
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port()
}

fn read(name: &str) -> String {
    std::fs::read_to_string(format!("{SHIPPED}/{name}")).expect("it ships")
}

fn write(dir: &Path, name: &str, text: &str) {
    std::fs::write(dir.join(name), text).expect("writable");
}
