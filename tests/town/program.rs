//! The program under test: started, typed to, signalled, read and always ended.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use serde_json::Value;

use crate::{http, until};

/// Demos look for free ports of their own: two that start at once might find the same.
static DEMO_STARTS: Mutex<()> = Mutex::new(());

/// Where each daemon's local token lies, by the address of its page.
static TOKENS: Mutex<BTreeMap<SocketAddr, PathBuf>> = Mutex::new(BTreeMap::new());

/// The local token of the daemon at this address: the file, and what is in it.
pub(crate) fn token(page: SocketAddr) -> (PathBuf, String) {
    let tokens = TOKENS.lock().unwrap_or_else(PoisonError::into_inner);
    let file = tokens.get(&page).unwrap_or_else(|| panic!("no daemon was started at {page}")).clone();
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    (file, text.trim().to_owned())
}

/// The data folder that a command names, or its configuration.
fn data_of(command: &Command) -> Option<PathBuf> {
    let args: Vec<PathBuf> = command.get_args().map(PathBuf::from).collect();
    let after =
        |name: &str| args.iter().position(|arg| arg == Path::new(name)).and_then(|at| args.get(at + 1));
    if let Some(data) = after("--data") {
        return Some(data.clone());
    }
    let config = after("--config")?;
    let text = fs::read_to_string(config).ok()?;
    let data = text.lines().find_map(|line| line.strip_prefix("data = \"")?.strip_suffix('"'))?;
    Some(config.parent()?.join(data))
}

/// A running `cunkou`. Dropping it kills it, by its id.
pub(crate) struct Program {
    child: Child,
    /// Where it keeps what it knows, where that was said.
    data: Option<PathBuf>,
    typing: Option<ChildStdin>,
    out: Lines,
    log: Lines,
}

/// How a program ended, and all that it said.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: Vec<String>,
    pub(crate) log: Vec<String>,
}

impl Program {
    /// Starts `cunkou` with these arguments, in the repository's root.
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cunkou"));
        command.args(args);
        Self::launch(command)
    }

    /// Starts a command that becomes `cunkou`.
    pub(crate) fn launch(mut command: Command) -> Self {
        let data = data_of(&command);
        let mut child = command
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env_remove("RUST_LOG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program is built");
        let typing = child.stdin.take();
        let out = Lines::read(child.stdout.take().expect("piped"));
        let log = Lines::read(child.stderr.take().expect("piped"));
        Self { child, data, typing, out, log }
    }

    /// Starts `cunkou demo`, and waits until it says where its page is.
    pub(crate) fn demo(cameras: u16, data: &Path, broker: Option<u16>) -> (Self, SocketAddr) {
        let _one_at_a_time = DEMO_STARTS.lock().unwrap_or_else(PoisonError::into_inner);
        let (cameras, broker) = (cameras.to_string(), broker.map(|port| format!("127.0.0.1:{port}")));
        let data = data.display().to_string();
        let mut args = vec!["demo", "--cameras", &cameras, "--data", &data];
        args.extend(broker.iter().flat_map(|broker| ["--broker", broker]));
        let mut program = Self::start(&args);
        let page = program.page(|program| program.out.clone());
        (program, page)
    }

    /// Starts `cunkou run`, and waits until it says that it is at work.
    pub(crate) fn run(config: &Path) -> (Self, SocketAddr) {
        Self::start(&["run", "--config", &config.display().to_string()]).at_work()
    }

    /// Its files are seen from here below this folder.
    pub(crate) fn seen_below(mut self, root: &Path) -> Self {
        self.data = self.data.take().map(|data| root.join(data.strip_prefix("/").unwrap_or(&data)));
        self
    }

    /// Waits until it says that it is at work.
    pub(crate) fn at_work(mut self) -> (Self, SocketAddr) {
        let page = self.page(|program| program.log.clone());
        (self, page)
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn page(&mut self, lines: impl Fn(&Self) -> Vec<String>) -> SocketAddr {
        let page = until("the address of the page", || {
            let ended = self.child.try_wait().expect("it is ours");
            assert!(ended.is_none(), "it ended: {ended:?}");
            lines(self).iter().find_map(|line| {
                let (_, rest) = line.split_once("http://")?;
                rest.split_once('/')?.0.parse().ok()
            })
        });
        if let Some(data) = &self.data {
            let mut tokens = TOKENS.lock().unwrap_or_else(PoisonError::into_inner);
            tokens.insert(page, data.join("access/local-token"));
        }
        page
    }

    /// Types a line.
    pub(crate) fn type_line(&mut self, line: &str) {
        let typing = self.typing.as_mut().expect("it is piped until the end");
        writeln!(typing, "{line}").expect("it reads what is typed");
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// As if the power failed: no good-bye.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it is ours");
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("it is ours")
    }

    /// What it logged so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.clone()
    }

    /// What it printed so far.
    pub(crate) fn out(&self) -> Vec<String> {
        self.out.clone()
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> Ended {
        let status = until("the program's end", || self.has_ended());
        Ended { code: status.code(), out: self.out.all(), log: self.log.all() }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- what {} printed and logged:", self.child.id());
            for line in self.out.all().iter().chain(&self.log.all()) {
                eprintln!("{line}");
            }
        }
    }
}

/// `cunkou` with these arguments; where it is to ask a daemon by its address, with that one's local token.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cunkou"));
    command.args(args);
    let at = args.iter().position(|arg| *arg == "--at").and_then(|at| args.get(at + 1));
    if let Some(page) = at.and_then(|at| at.strip_prefix("http://")).and_then(|page| page.parse().ok()) {
        command.env("CUNKOU_TOKEN_FILE", token(page).0);
    }
    command
}

/// Runs `cunkou` to its end.
pub(crate) fn cunkou(args: &[&str]) -> Ended {
    let mut program = Program::launch(command(args));
    // Nobody types.
    program.typing = None;
    program.ended()
}

/// Sends a signal to a process that we started.
pub(crate) fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    assert!(sent.expect("kill is there").success(), "{pid} does not take {name}");
}

/// A metric, summed over its labels.
pub(crate) fn metric(page: SocketAddr, name: &str) -> f64 {
    let answer = http::get(page, "/metrics");
    let of = |line: &str| {
        let rest = line.strip_prefix(name)?;
        rest.starts_with([' ', '{']).then(|| rest.split_whitespace().next_back()?.parse::<f64>().ok())?
    };
    answer.text().lines().filter_map(of).sum()
}

/// What the page at this address knows of alerts, newest first.
pub(crate) fn alerts(page: SocketAddr) -> Vec<Value> {
    match http::get(page, "/api/state").json()["alerts"].take() {
        Value::Array(alerts) => alerts,
        other => panic!("alerts are a list: {other}"),
    }
}

/// Lines as they come.
struct Lines {
    so_far: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Lines {
    fn read(from: impl Read + Send + 'static) -> Self {
        let so_far = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&so_far);
        let reader = thread::spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                lock(&to).push(line);
            }
        });
        Self { so_far, reader: Some(reader) }
    }

    fn clone(&self) -> Vec<String> {
        lock(&self.so_far).clone()
    }

    /// All, once the program has ended.
    fn all(&mut self) -> Vec<String> {
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        self.clone()
    }
}

fn lock(lines: &Mutex<Vec<String>>) -> MutexGuard<'_, Vec<String>> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}
