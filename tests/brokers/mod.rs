//! Real brokers, subscribers, certificates and a small disk for tests, each cleaned up when dropped.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::{sync::mpsc, time::timeout};

use crate::{DEADLINE, Node, message};

/// Whether a program is installed; says so where it is not.
pub(crate) fn has(program: &str) -> bool {
    let there =
        Command::new(program).arg("--help").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !there {
        eprintln!("skipped: {program} is not installed (set-up installs it)");
    }
    there
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port()
}

/// A mosquitto with a configuration of its own.
pub(crate) struct Mosquitto {
    pub(crate) port: u16,
    dir: TempDir,
    child: Option<Child>,
}

impl Mosquitto {
    pub(crate) fn start(extra: &str) -> Option<Self> {
        Self::launch(|dir| {
            format!("allow_anonymous true\n{}", extra.replace("ACL", &dir.join("acl").display().to_string()))
        })
    }

    /// One whose accounts may do everything but subscribe to what others say: an access list that refuses subscriptions by word, which a file cannot.
    pub(crate) fn start_deaf() -> Option<Self> {
        let plugin = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib"]
            .map(|folder| format!("{folder}/mosquitto_dynamic_security.so"))
            .into_iter()
            .find(|path| Path::new(path).exists());
        let Some(plugin) = plugin else {
            eprintln!("skipped: mosquitto's dynamic security is not installed");
            return None;
        };
        Self::launch(|dir| {
            let file = dir.join("security.json");
            std::fs::write(&file, security(false)).expect("writable");
            format!("allow_anonymous true\nplugin {plugin}\nplugin_opt_config_file {}\n", file.display())
        })
    }

    /// From the next start on, everybody may subscribe.
    pub(crate) fn let_listen(&self) {
        std::fs::write(self.dir.path().join("security.json"), security(true)).expect("writable");
    }

    pub(crate) fn start_with_tls(extra: &str) -> Option<Self> {
        Self::launch(|_| format!("allow_anonymous false\n{extra}"))
    }

    pub(crate) fn start_with_password(user: &str, password: &str) -> Option<Self> {
        Self::launch(|dir| {
            let file = dir.join("passwords");
            let made = Command::new("mosquitto_passwd")
                .args(["-b", "-c"])
                .arg(&file)
                .args([user, password])
                .output();
            assert!(made.expect("it is there with mosquitto").status.success());
            format!("allow_anonymous false\npassword_file {}\n", file.display())
        })
    }

    fn launch(extra: impl FnOnce(&Path) -> String) -> Option<Self> {
        if !has("mosquitto") || !has("mosquitto_sub") {
            return None;
        }
        let dir = tempfile::tempdir().expect("a directory");
        let port = free_port();
        std::fs::write(dir.path().join("acl"), "topic readwrite #\n").expect("writable");
        // As root, mosquitto would become another user, who may not read what is here.
        let user = std::env::var("USER").unwrap_or_else(|_| "root".into());
        let config = format!(
            "listener {port} 127.0.0.1\nuser {user}\npersistence_location {}/\n{}",
            dir.path().display(),
            extra(dir.path())
        );
        std::fs::write(dir.path().join("mosquitto.conf"), config).expect("writable");
        let mut broker = Self { port, dir, child: None };
        broker.start_again();
        Some(broker)
    }

    pub(crate) fn start_again(&mut self) {
        let log = std::fs::File::create(self.dir.path().join("log")).expect("writable");
        let child = Command::new("mosquitto")
            .arg("-c")
            .arg(self.dir.path().join("mosquitto.conf"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("starts");
        self.child = Some(child);
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let log = || std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
            assert!(start.elapsed() < DEADLINE, "mosquitto does not listen: {}", log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            signal(child.id(), "TERM");
            child.wait().expect("it ran");
        }
    }

    pub(crate) fn write_acl(&self, text: &str) {
        std::fs::write(self.dir.path().join("acl"), text).expect("writable");
    }

    pub(crate) fn reload(&self) {
        signal(self.child.as_ref().expect("it runs").id(), "HUP");
    }
}

fn security(may_subscribe: bool) -> String {
    format!(
        r#"{{"defaultACLAccess":{{"publishClientSend":true,"publishClientReceive":true,"subscribe":{may_subscribe},"unsubscribe":true}},
            "clients":[],"groups":[],"roles":[]}}"#
    )
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.stop();
    }
}

fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    assert!(sent.expect("kill is there").success());
}

/// A mosquitto_sub; its lines are `retained topic payload`.
pub(crate) struct Subscriber {
    child: Child,
    lines: mpsc::UnboundedReceiver<String>,
    pub(crate) seen: BTreeSet<String>,
    pub(crate) repeats: Vec<String>,
    name: String,
    port: u16,
}

impl Subscriber {
    pub(crate) fn start(args: &[&str], filter: &str) -> Self {
        Self::launch(&[&["-V", "5"], args].concat(), filter)
    }

    fn launch(args: &[&str], filter: &str) -> Self {
        let name = format!("ready/{}-{}", std::process::id(), free_port());
        let port =
            args.iter().position(|a| *a == "-p").and_then(|i| args[i + 1].parse().ok()).expect("a port");
        let mut child = Command::new("mosquitto_sub")
            .args(["-h", "127.0.0.1", "-q", "1", "-F", "%r %t %p"])
            .args(args)
            .args(["-t", filter, "-t", &name])
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (tx, lines) = mpsc::unbounded_channel();
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).all(|line| tx.send(line).is_ok()));
        Self { child, lines, seen: BTreeSet::new(), repeats: Vec::new(), name, port }
    }

    /// Waits until it has subscribed: it hears what is published to a topic of its own.
    pub(crate) async fn ready(&mut self) {
        let start = Instant::now();
        loop {
            let published = Command::new("mosquitto_pub")
                .args([
                    "-V",
                    "5",
                    "-h",
                    "127.0.0.1",
                    "-p",
                    &self.port.to_string(),
                    "-t",
                    &self.name,
                    "-m",
                    "ready",
                ])
                .status();
            assert!(published.expect("it is there with mosquitto_sub").success());
            if let Ok(Some(_)) = timeout(Duration::from_millis(200), self.lines.recv()).await {
                return;
            }
            assert!(start.elapsed() < DEADLINE, "it does not subscribe");
        }
    }

    /// As `ready`, by messages of the node itself.
    pub(crate) async fn ready_by(&mut self, node: &Node) {
        let start = Instant::now();
        loop {
            node.promise(vec![message(&self.name, "ready")]).await;
            if let Ok(Some(_)) = timeout(Duration::from_millis(200), self.lines.recv()).await {
                return;
            }
            assert!(start.elapsed() < DEADLINE, "it does not subscribe");
        }
    }

    /// The next message that is not about being ready.
    pub(crate) async fn next_real(&mut self) -> String {
        loop {
            let line = timeout(DEADLINE, self.lines.recv()).await.expect("in time").expect("it runs");
            if !line.contains(" ready/") {
                return line;
            }
        }
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> String {
        let line = self.next_real().await;
        self.seen.insert(line.clone());
        line
    }

    /// The next message that was not seen before; repeats are kept apart.
    pub(crate) async fn next_new(&mut self) -> String {
        loop {
            let line = self.next_real().await;
            if self.seen.insert(line.clone()) {
                return line;
            }
            self.repeats.push(line);
        }
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Two authorities; a server, a client, somebody else's client, and a client with the wrong key.
pub(crate) struct Keys {
    pub(crate) dir: TempDir,
}

impl Keys {
    pub(crate) fn make() -> Self {
        let keys = Self { dir: tempfile::tempdir().expect("a directory") };
        keys.authority("ca");
        keys.authority("other-ca");
        keys.certificate("server", "ca", "subjectAltName=DNS:localhost");
        keys.certificate("client", "ca", "extendedKeyUsage=clientAuth");
        keys.certificate("other", "other-ca", "extendedKeyUsage=clientAuth");
        std::fs::copy(keys.dir.path().join("client.pem"), keys.dir.path().join("mixed.pem")).expect("copied");
        std::fs::copy(keys.dir.path().join("other.key"), keys.dir.path().join("mixed.key")).expect("copied");
        keys
    }

    fn authority(&self, name: &str) {
        self.openssl(&format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={name} -keyout {name}.key -out {name}.pem"
        ));
    }

    fn certificate(&self, name: &str, authority: &str, extension: &str) {
        self.openssl(&format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"
        ));
        std::fs::write(self.dir.path().join("ext"), extension).expect("writable");
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA {authority}.pem -CAkey {authority}.key -CAcreateserial -days 2 -extfile ext -out {name}.pem"
        ));
    }

    fn openssl(&self, args: &str) {
        let out = Command::new("openssl")
            .args(args.split(' '))
            .current_dir(self.dir.path())
            .output()
            .expect("runs");
        assert!(out.status.success(), "openssl {args}: {}", String::from_utf8_lossy(&out.stderr));
    }
}

/// A small file system in memory, where we may mount one.
pub(crate) struct SmallDisk {
    dir: TempDir,
}

impl SmallDisk {
    pub(crate) fn mount(size: &str) -> Option<Self> {
        let dir = tempfile::tempdir().expect("a directory");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(dir.path())
            .stderr(Stdio::null())
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self { dir });
        }
        eprintln!("skipped: a small disk cannot be mounted here (it needs root)");
        None
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Takes all of its room.
    pub(crate) fn fill(&self) {
        let mut ballast = std::fs::File::create(self.dir.path().join("ballast")).expect("writable");
        let block = vec![0u8; 64 * 1024];
        while std::io::Write::write_all(&mut ballast, &block).is_ok() {}
    }

    pub(crate) fn make_room(&self) {
        std::fs::remove_file(self.dir.path().join("ballast")).expect("removable");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.dir.path()).status();
    }
}
